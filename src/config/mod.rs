//! The configuration: typed, validated as a whole, with secrets already resolved.
//!
//! [`types`] is what the rest of the program sees. It owns no behaviour beyond reading and
//! checking; nobody else reads environment variables or configuration files.

pub mod types;

pub use types::*;
