//! Network access: a FreeRADIUS on the configuration in `freeradius/`, a network access server
//! that asks it and takes orders, and devices that speak EAP.

pub mod eapol;
pub mod freeradius;
pub mod nas;
