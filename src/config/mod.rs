//! The configuration: typed, validated as a whole, with secrets already resolved.
//!
//! [`types`] is what the rest of the program sees; [`load()`] makes it from a file and the
//! environment. It owns no behaviour beyond reading and checking; nobody else reads environment
//! variables or configuration files. Start reading at [`load()`]; a new key needs a line in
//! `keys`, its reading in `validate/` and its explanation in `config.example.toml`.

pub mod conversation;
mod defaults;
mod environment;
mod error;
mod jobs;
mod keys;
mod load;
mod maintenance;
mod map;
mod menu;
pub mod pages;
mod retention;
mod secret;
mod tree;
pub mod types;
mod validate;

pub use conversation::{ConversationRules, IntoC4c, OutsideWindow, SocialChannel, TicketFields};
pub use environment::Environment;
pub use error::{ConfigError, ConfigErrors};
pub use jobs::Schedules;
pub use load::{Loaded, is_too_deep, load, load_text};
pub use map::{Branch, LocationEvents, Locations, Map, Tiles};
pub use menu::{load_menu, read_menu};
pub use pages::{App, Page, Scope};
pub use retention::Retention;
pub use types::*;

#[cfg(test)]
mod tests;
