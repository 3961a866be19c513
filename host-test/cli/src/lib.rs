//! edge-cli.
