//! Network access as the gear sees it: what Debian's FreeRADIUS answers on the configuration in
//! `freeradius/`, and what orders arrive at a network access server.

mod access;
mod agent;
mod eap;
mod hostile_names;
mod measure;
mod site;
