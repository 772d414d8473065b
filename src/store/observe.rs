//! What a test may see of each commit, and where it may stop or kill the process.
//!
//! The shipped binary opens its store without a watch, so nothing here is reachable from it.

use std::fmt::Debug;

use super::writer::Request;
use crate::kit::transport::BoxFuture;

/// A moment of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Before its transaction begins.
    Begun,
    /// All its rows are written; it is not committed yet.
    Written,
    /// It is on disk; nobody has been answered yet.
    Committed,
}

/// What a commit carries, by the number of requests of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// Pushes and notifications.
    pub arrivals: usize,
    /// Attempts that ended.
    pub settlements: usize,
    /// Claims of due effects.
    pub claims: usize,
    /// What jobs and operators do.
    pub others: usize,
}

impl Batch {
    pub(super) fn of(requests: &[Request]) -> Self {
        let mut batch = Self::default();
        for request in requests {
            match request {
                Request::Arrive(..) => batch.arrivals += 1,
                Request::Turn(settlements, asks, _) => {
                    batch.settlements += settlements.len();
                    batch.claims += usize::from(!asks.is_empty());
                }
                Request::Write(..)
                | Request::Operate(..)
                | Request::Tidy(_)
                | Request::Close(_) => batch.others += 1,
            }
        }
        batch
    }
}

/// Is told of each commit's moments; the commit waits until it has looked.
pub trait CommitWatch: Debug + Send + Sync {
    /// `batch` has reached `moment`.
    fn at(&self, moment: Moment, batch: Batch) -> BoxFuture<'_, ()>;
}
