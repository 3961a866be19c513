//! host-test.
