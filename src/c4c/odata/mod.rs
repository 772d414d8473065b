//! OData V2 as C4C speaks it (c4c.md 1): pure reading and writing of its texts, no I/O.
//!
//! Start at [`json`] for answers and [`error_body`] for refusals; [`filter`] and [`address`]
//! make what is asked.

pub mod address;
pub mod error_body;
pub mod filter;
pub mod json;
pub mod types;
