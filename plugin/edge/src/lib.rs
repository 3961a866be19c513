//! scim-edge.
