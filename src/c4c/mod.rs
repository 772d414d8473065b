//! SAP Cloud for Customer as a client sees it: the protocol, and nothing of what Qiao does with it.
//!
//! It owns OData, the session (Basic authentication, cookies, CSRF), what each kind of failure
//! means, customers, and the notifications that C4C posts. It must not know SQL, WeChat or our
//! own HTTP server, and it never retries but once after a refused CSRF token: waiting and
//! repeating belong to the outbox, which decides from [`Error::failure`].
//!
//! Start reading at [`client`]; [`notification`] is the way in.

pub mod client;
pub mod customer;
pub mod error;
mod lookup;
pub mod notification;
pub mod odata;
pub mod pace;
mod paging;
mod session;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use customer::Customer;
pub use error::{Error, Kind};
pub use notification::Notification;
pub use pace::Pace;
pub use paging::Page;
