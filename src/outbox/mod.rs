//! The engine: that every effect happens, exactly as promised.
//!
//! It claims due heads of lanes, hands each to the handler registered for its name, and settles
//! what came of it. It knows neither WeChat nor C4C: what an effect means is its handler's
//! business, and what a failure means is said by the failure's verdict. Start reading at
//! [`Engine::run`]; [`retry`] and [`gate`] hold the decisions and are pure. What reaches out to nobody
//! goes the short way of [`local`].

mod attempt;
pub mod engine;
pub mod gate;
mod local;
pub mod remote;
pub mod retry;
mod run;
mod unwritable;

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::rows::Changes;
use crate::domain::verdict::Failure;
use crate::kit::transport::BoxFuture;
use crate::store::Job;

pub use engine::Engine;
pub use remote::{Closure, Remote};

/// What `last_error` says of an effect whose `expires_at` has passed.
const EXPIRED: &str = "expired before it could be delivered";

/// How one attempt ended, as its handler tells it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It happened, or there was nothing to do.
    Done {
        /// A word on how, when that is not plain.
        note: Option<String>,
        /// What follows.
        changes: Changes,
    },
    /// It did not, or nobody knows.
    Failed {
        /// Why, with the verdict.
        failure: Failure,
        /// What follows all the same.
        changes: Changes,
    },
    /// It must wait for the follower or a person.
    Held {
        /// A stable word: `window`, `uncertain`, `conflict` …
        reason: &'static str,
        /// Whether it may have had its effect.
        uncertain: bool,
        /// Why, with the verdict; `None` when nothing was tried.
        failure: Option<Failure>,
        /// What follows.
        changes: Changes,
    },
    /// It is not wanted any more.
    Cancelled {
        /// Why.
        reason: String,
        /// What follows all the same.
        changes: Changes,
    },
    /// Its `expires_at` has passed.
    Expired,
}

impl Outcome {
    /// It happened and nothing follows.
    pub fn done() -> Self {
        Self::Done {
            note: None,
            changes: Changes::none(),
        }
    }

    /// It happened, and this follows.
    pub fn done_with(changes: Changes) -> Self {
        Self::Done {
            note: None,
            changes,
        }
    }

    /// There was nothing to do, and this is why.
    pub fn done_because(note: impl Into<String>) -> Self {
        Self::Done {
            note: Some(note.into()),
            changes: Changes::none(),
        }
    }

    /// It is not wanted any more, and nothing follows.
    pub fn cancelled(reason: impl Into<String>) -> Self {
        Self::Cancelled {
            reason: reason.into(),
            changes: Changes::none(),
        }
    }

    /// Whether this outcome says anything about the remote: only then may it move the gate.
    fn met_remote(&self) -> bool {
        match self {
            Self::Done { .. } | Self::Failed { .. } => true,
            Self::Held { failure, .. } => failure.is_some(),
            Self::Cancelled { .. } | Self::Expired => false,
        }
    }

    /// It failed and nothing follows.
    pub fn failed(failure: impl Into<Failure>) -> Self {
        Self::Failed {
            failure: failure.into(),
            changes: Changes::none(),
        }
    }
}

/// Runs the attempts of one kind of effect.
///
/// An attempt may be cut off at any point and run again: what cannot bear that must look first
/// when [`Job::uncertain`] is set.
pub trait Handler: Send + Sync {
    /// Tries once. It must end by itself within [`retry::ATTEMPT_TIMEOUT`].
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome>;

    /// How far its rows may be claimed ahead.
    fn ahead(&self) -> Ahead {
        Ahead::Never
    }
}

/// Whether rows of an effect may be claimed before they can be tried. After a crash all that were
/// claimed are uncertain: only an effect that looks first, or whose repeat does no harm, can bear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ahead {
    /// A row is claimed when it is tried.
    Never,
    /// The head of a lane may be claimed and wait for a slot.
    Heads,
    /// Rows behind it, too: they need nothing that the settlement of an earlier one writes.
    Rows,
}

/// Decides on effects that need nothing but the database: [`names::LOCAL`](crate::domain::rows::names::LOCAL).
pub trait Decider: Send + Sync {
    /// One outcome for each of these rows of one lane, in their order. It may end early, where a row
    /// needs what an earlier one writes; it has an outcome for the first.
    fn decide<'a>(&'a self, jobs: &'a [Job]) -> BoxFuture<'a, Vec<Outcome>>;
}

/// What becomes of each effect, by its name.
#[derive(Default)]
pub struct Handlers {
    /// Those that reach out.
    pub remote: HashMap<&'static str, Arc<dyn Handler>>,
    /// Those that do not.
    pub local: HashMap<&'static str, Arc<dyn Decider>>,
}
