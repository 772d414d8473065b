//! How an attempt ended: the effect's next state, its history, and its message's state.

use jiff::Timestamp;

use super::Job;
use super::codec::micros;
use super::plan::{Ids, Plan};
use super::rows::{AttemptInsert, DoneRow, MessageMoved, SettledRow};
use crate::domain::rows::{Changes, names};
use crate::domain::verdict::Verdict;

/// The outcome of one attempt and everything that follows from it, to be committed as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The attempt's effect, as it was claimed.
    pub job: Job,
    /// When the attempt ended.
    pub finished_at: Timestamp,
    /// How it ended, for the history.
    pub tried: Tried,
    /// What becomes of the effect.
    pub next: NextState,
    /// What follows.
    pub changes: Changes,
}

/// One line of an effect's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// The verdict, if it failed.
    pub verdict: Option<Verdict>,
    /// A sentence; never a body, secret or whole OpenID.
    pub error: Option<String>,
    /// Whether it counts towards giving up.
    pub counted: bool,
}

impl Tried {
    /// A try that did not fail.
    pub fn well() -> Self {
        Self {
            verdict: None,
            error: None,
            counted: true,
        }
    }
}

/// What becomes of an effect after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextState {
    /// It happened.
    Done {
        /// A word on how, when that is not plain.
        note: Option<String>,
    },
    /// It is tried again.
    Ready {
        /// Not before this instant.
        at: Timestamp,
        /// Whether the last attempt may have had its effect.
        uncertain: bool,
    },
    /// It waits for somebody: the follower or a person.
    Held {
        /// A stable word: `window`, `uncertain`, `conflict` …
        reason: String,
        /// Whether it may have had its effect.
        uncertain: bool,
    },
    /// Given up: a dead letter.
    Dead,
    /// Not wanted any more.
    Cancelled {
        /// Why.
        reason: String,
    },
}

impl NextState {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Ready { .. } => "ready",
            Self::Held { .. } => "held",
            Self::Dead => "dead",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// The state of the message that the effect delivers.
    fn message_state(&self) -> &'static str {
        match self {
            Self::Done { .. } => "sent",
            Self::Ready {
                uncertain: true, ..
            }
            | Self::Held {
                uncertain: true, ..
            } => "uncertain",
            Self::Ready { .. } => "queued",
            Self::Held { .. } => "held",
            Self::Dead => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

impl Plan {
    /// Plans the rows of one settled attempt.
    pub(super) fn settle(&mut self, settlement: &Settlement, ids: &mut Ids) {
        let Settlement {
            job,
            finished_at,
            tried,
            next,
            changes,
        } = settlement;
        self.settled_lanes.insert(job.lane.clone());
        self.settled_remote |= job.remote != names::LOCAL;
        if let Some(id) = job.message_id {
            self.moved.push(MessageMoved {
                id,
                state: next.message_state(),
            });
        }
        self.change(changes, job.inbox_id, job.trace.as_ref(), ids);
        if *next == (NextState::Done { note: None }) && *tried == Tried::well() {
            self.done.push(DoneRow {
                id: job.id,
                number: job.tries + 1,
                started_at: micros(job.started_at),
                finished_at: micros(*finished_at),
            });
            return;
        }
        self.attempts.push(AttemptInsert {
            outbox_id: job.id,
            number: job.tries + 1,
            started_at: micros(job.started_at),
            finished_at: micros(*finished_at),
            outcome: match (tried.verdict, next) {
                (Some(_), _) => "failed",
                (None, NextState::Held { .. }) => "held",
                (None, NextState::Cancelled { .. }) => "cancelled",
                (None, _) => "done",
            },
            counted: tried.counted,
            verdict: tried.verdict.map(Verdict::as_str),
            error: tried.error.clone(),
        });
        let (mut uncertain, mut next_attempt_at, mut held_reason, mut note) =
            (false, None, None, None);
        match next {
            NextState::Done { note: word } => note.clone_from(word),
            NextState::Ready {
                at,
                uncertain: unknown,
            } => {
                next_attempt_at = Some(micros(*at));
                uncertain = *unknown;
            }
            NextState::Held {
                reason,
                uncertain: unknown,
            } => {
                held_reason = Some(reason.clone());
                uncertain = *unknown;
            }
            NextState::Dead => uncertain = tried.verdict == Some(Verdict::Uncertain),
            NextState::Cancelled { reason } => note = Some(reason.clone()),
        }
        let finished = matches!(
            next,
            NextState::Done { .. } | NextState::Dead | NextState::Cancelled { .. }
        );
        self.settled.push(SettledRow {
            id: job.id,
            state: next.as_str(),
            uncertain,
            counted: tried.counted,
            next_attempt_at,
            held_reason,
            last_verdict: tried.verdict.map(Verdict::as_str),
            last_error: tried.error.clone(),
            note,
            finished_at: finished.then(|| micros(*finished_at)),
        });
    }
}
