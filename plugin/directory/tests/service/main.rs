//! The service as a client sees it, on a store in memory that behaves as etcd.

#[cfg(test)]
mod bulk;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod derived;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod large;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod meanwhile;
#[cfg(test)]
mod member_pages;
#[cfg(test)]
mod nesting;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod query;
#[cfg(test)]
mod random;
#[cfg(test)]
mod restoration;
#[cfg(test)]
mod schema_changes;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod sorting;
#[cfg(test)]
mod staged;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod support;
#[cfg(test)]
mod users;
#[cfg(test)]
mod webhooks;
