//! The HTTP edge: who may say what to us, and what they are answered.
//!
//! It authenticates, parses, asks a flow, commits through the store, and answers after the
//! commit. It makes no call to a platform, but for one: who opens a page and waits is asked about at
//! WeChat at once (`oauth`). Start reading at [`router`].

mod app;
mod c4c;
mod door;
mod guard;
mod health;
mod kinds;
mod metrics;
mod notice;
mod oauth;
mod replies;
pub mod router;
mod scrape;
mod security;
mod session;
mod signs;
mod traced;
mod wechat;

pub use door::{Door, Guest};
pub use metrics::Metrics;
pub use router::{Edge, admin_router, public_router};
