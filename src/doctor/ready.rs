//! The cheap ones of the checks, for `/readyz`: from facts that are at hand, without a call and
//! without a wait but that for one commit.

use std::path::Path;

use jiff::Timestamp;

use super::row::Row;
use super::{Limits, database, disk, queue};
use crate::kit::disk::room;
use crate::outbox::remote::RemoteReport;
use crate::store::QueueState;

/// What `/readyz` knows.
#[derive(Debug)]
pub struct Readiness<'a> {
    /// What a probe of the database came to, or why it failed.
    pub probe: Result<&'a QueueState, String>,
    /// How the remotes stand.
    pub remotes: &'a [RemoteReport],
    /// The database's file.
    pub database: &'a Path,
    /// The time.
    pub now: Timestamp,
}

/// What the cheap checks come to. Only the first of them decides whether pushes can be taken.
pub fn readiness(facts: &Readiness<'_>) -> Vec<Row> {
    let limits = Limits::default();
    let reasons: Vec<String> = facts.probe.as_ref().err().cloned().into_iter().collect();
    let mut rows = vec![database::writes(reasons.is_empty(), &reasons)];
    let folder = disk::folder_of(facts.database);
    rows.extend(disk::space(&folder, &room(&folder), &limits));
    if let Ok(state) = &facts.probe {
        rows.extend([queue::dead(state), queue::age(state, facts.now, &limits)]);
    }
    let remotes = facts.remotes.iter();
    rows.push(queue::paused(remotes.map(|r| (r.name.as_str(), r.paused))));
    rows
}
