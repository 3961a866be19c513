//! edge-kv.
