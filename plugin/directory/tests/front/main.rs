//! The front of the service: who gets in, what is where, how errors look. The
//! tests go through the table of routes itself, so that no route is forgotten.

#[cfg(test)]
mod access;
#[cfg(test)]
mod accounting;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod authentication;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod events;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod me;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod negotiation;
#[cfg(test)]
mod network_view;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod remembered;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod traps;
#[cfg(test)]
mod versions;
