//! `[app.map]` and where followers are: branches, tiles, and which LOCATION events are kept.

use jiff::SignedDuration;

use crate::domain::ids::AccountId;
use crate::domain::place::{Place, System};

/// `[app.map]`; it is there when it has a branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// `account`: whose followers open it.
    pub account: AccountId,
    /// `tiles`
    pub tiles: Option<Tiles>,
    /// `branches`, in their order.
    pub branches: Vec<Branch>,
}

/// Where the pictures of the map come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiles {
    /// `tiles`: a URL with `{z}`, `{x}` and `{y}`.
    pub url: String,
    /// `tiles_coordinates`: what they show places in.
    pub system: System,
    /// `tiles_credit`: whose they are; may be empty.
    pub credit: String,
}

/// One of `[[app.map.branches]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// `name`
    pub name: String,
    /// `address`; may be empty.
    pub address: String,
    /// `phone`; may be empty.
    pub phone: String,
    /// `latitude` and `longitude`, in the system of `coordinates`.
    pub place: Place,
}

/// What is kept of where an account's followers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locations {
    /// `location_events`
    pub events: LocationEvents,
    /// `location_event_coordinates`
    pub event_coordinates: System,
}

/// Which LOCATION events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocationEvents {
    /// None.
    Off,
    /// Each of them.
    All,
    /// One, when the last kept one is so old.
    Every(SignedDuration),
}
