//! The word list: the nouns that every floor shares. No I/O, no async, no clock.
//!
//! Start at [`ids`] for who is who, [`verdict`] for how an attempt can end, and [`rows`] for
//! what a decision may ask the store to write. [`grams`] is how texts are found, [`schedule`]
//! when something is due, [`jobs`] what runs by the clock, [`series`] what is measured, [`chain`] why
//! nobody changes the audit unseen, [`pseudonym`] what stands there for a person,
//! [`place`] where something is,
//! [`map_link`] what opens it on a phone.

pub mod chain;
pub mod grams;
pub mod ids;
pub mod jobs;
pub mod map_link;
pub mod menu;
pub mod place;
pub mod placeholder;
pub mod pseudonym;
pub mod qr;
pub mod rows;
pub mod schedule;
pub mod series;
pub mod verdict;
