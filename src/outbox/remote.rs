//! A remote as the engine sees it: how much it can take, and when.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::gate::Gate;
use super::retry::LEASE;
use crate::domain::rows::Priority;
use crate::store::{Ask, RunAhead};

/// When a remote may not be called, by plan: the end of the present maintenance window.
pub type Closure = Arc<dyn Fn(Timestamp) -> Option<Timestamp> + Send + Sync>;

/// What the engine must know of a remote.
#[derive(Clone)]
pub struct Remote {
    /// As in `outbox.remote`.
    pub name: String,
    /// Attempts at once.
    pub slots: usize,
    /// Whether rows of one effect are handed to its handler together: for what calls nobody.
    pub batched: bool,
    /// Planned closures; `None` for none.
    pub closure: Option<Closure>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({}, {} slots)", self.name, self.slots)
    }
}

/// A remote, its gate and what runs there now.
pub(super) struct RemoteState {
    pub(super) remote: Remote,
    pub(super) gate: Gate,
    pub(super) running: usize,
}

/// How a remote stands, for `/readyz` and the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteReport {
    /// As in `outbox.remote`.
    pub name: String,
    /// Why it is paused; `None` when it is not.
    pub paused: Option<&'static str>,
    /// When it is probed next.
    pub until: Option<Timestamp>,
    /// Attempts under way.
    pub running: usize,
}

impl RemoteState {
    /// A remote of which nothing is known yet.
    pub(super) fn new(remote: Remote) -> Self {
        Self {
            gate: Gate::Probing,
            running: 0,
            remote,
        }
    }

    /// What it can take. Bulk work never takes the last slot.
    pub(super) fn asks(&self, now: Timestamp, ahead: &RunAhead) -> Vec<Ask> {
        let lease = SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::MAX);
        let ask = |down_to, limit| Ask {
            remote: self.remote.name.clone(),
            down_to,
            limit,
            now,
            lease_until: now.saturating_add(lease).unwrap_or(Timestamp::MAX),
            // A probe is one call.
            ahead: if self.gate == Gate::Open {
                ahead.clone()
            } else {
                RunAhead::default()
            },
        };
        let last_is_kept = self.remote.slots > 1 && self.gate == Gate::Open;
        match self.slots(now) {
            0 => Vec::new(),
            free if !last_is_kept => vec![ask(Priority::Bulk, free)],
            1 => vec![ask(Priority::Normal, 1)],
            free => vec![ask(Priority::Bulk, free - 1), ask(Priority::Normal, 1)],
        }
    }

    /// How many attempts may be started now.
    pub(super) fn slots(&self, now: Timestamp) -> usize {
        if self.closed_until(now).is_some() {
            return 0;
        }
        self.gate
            .slots(self.remote.slots, now)
            .saturating_sub(self.running)
    }

    fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.remote
            .closure
            .as_ref()
            .and_then(|closure| closure(now))
    }

    /// When a row due at `due` may run, slots aside.
    pub(super) fn look_at(&self, due: Timestamp, now: Timestamp) -> Timestamp {
        let closed = self.closed_until(now).or_else(|| self.gate.not_before());
        closed.map_or(due, |until| due.max(until))
    }

    /// How it stands.
    pub(super) fn report(&self, now: Timestamp) -> RemoteReport {
        let planned = self.closed_until(now);
        RemoteReport {
            name: self.remote.name.clone(),
            paused: planned
                .map(|_| "maintenance")
                .or_else(|| self.gate.reason()),
            until: planned.or_else(|| self.gate.not_before()),
            running: self.running,
        }
    }
}
