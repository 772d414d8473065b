//! What should happen: pure functions from (what came, what is known, now) to rows.
//!
//! No I/O, no clock, no async. A flow never calls anybody: it returns
//! [`crate::domain::rows::Changes`], and the effects among them are run by `effects`. Start
//! reading at [`intake`] (what a push means at once) and [`contact`] (what it means a moment later).

pub mod acted;
pub mod answer;
pub mod bind;
pub mod branches;
pub mod change;
pub mod consent;
pub mod contact;
pub mod conversation;
pub mod customer;
pub mod files;
pub mod history;
pub mod intake;
pub mod link;
pub mod location;
pub mod mapping_file;
pub mod media;
pub mod menu;
pub mod message;
pub mod migration;
pub mod names;
pub mod naming;
pub mod notice;
pub mod pickup;
pub mod privacy;
pub mod qr;
pub mod reconcile;
pub mod record;
pub mod refresh;
pub mod reply;
pub mod rules;
pub mod sending;
pub mod web_session;
