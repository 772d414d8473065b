//! WeChat and SAP Cloud for Customer as servers: an independent second reading of both
//! protocols.
//!
//! Each simulator is a pure [`Core`](wire::Core): (state, request, now, randomness) → response and
//! consequences. A thin shell serves it over real HTTP; a simulation in virtual time calls it
//! directly. This crate never imports `qiao`, and it is strict: what the reference says the
//! platform refuses, it refuses. It is never bent to make a client pass.

pub mod c4c;
pub mod clock;
pub mod fault;
pub mod shell;
pub mod wechat;
pub mod wire;
