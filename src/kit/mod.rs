//! Tools without a word of Qiao's trade: clock, randomness, HTTP transport, waiting room, files.
//!
//! This is the only place that may touch the wall clock, the thread's randomness and `reqwest`.
//! Start reading at [`transport`], the port through which both platforms are spoken to.

pub mod blocking;
pub mod clock;
pub mod disk;
pub mod file_name;
pub mod file_type;
pub(crate) mod hex;
pub mod media;
pub mod random;
pub mod reqwest_transport;
pub(crate) mod retry_after;
pub mod sealed;
pub mod transport;
pub mod waiting_room;
