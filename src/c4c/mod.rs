//! SAP Cloud for Customer as a client sees it: the protocol, and nothing of what Qiao does with it.
//!
//! It owns OData, the session (Basic authentication, cookies, CSRF), what each kind of failure
//! means, customers, conversations (profiles, activities, tickets and their notes, files), and
//! the notifications and replies that C4C posts. It must not know SQL, WeChat or our
//! own HTTP server, and it never retries but once after a refused CSRF token: waiting and
//! repeating belong to the outbox, which decides from [`Error::failure`].
//!
//! Start reading at [`client`]; [`notification`] and [`reply`] are the ways in.

pub mod activity;
pub mod attachment;
mod call;
mod calls;
pub mod client;
pub mod customer;
pub mod error;
pub mod examine;
pub mod listing;
mod lookup;
pub mod metadata;
pub mod note;
pub mod notification;
pub mod odata;
pub mod pace;
mod paging;
pub mod profile;
pub mod reply;
mod session;
#[cfg(test)]
mod tests;
pub mod ticket;

pub use activity::Activity;
pub use attachment::{Attachment, Owner};
pub use client::Client;
pub use customer::Customer;
pub use error::{Error, Kind};
pub use metadata::Metadata;
pub use note::Note;
pub use notification::Notification;
pub use pace::Pace;
pub use paging::{Changed, Page};
pub use profile::Profile;
pub use reply::Reply;
pub use ticket::Ticket;
