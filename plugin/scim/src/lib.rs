//! scim.
