//! One attempt: its handler is asked, the gate is told, and the next state is decided.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::engine::{Ended, Endings, Inner, STORE_AGAIN};
use super::gate::Gate;
use super::retry::{self, ATTEMPT_TIMEOUT, Tries};
use super::run::Run;
use super::{EXPIRED, Outcome, unwritable};
use crate::domain::rows::Changes;
use crate::domain::series;
use crate::domain::verdict::{Failure, Verdict};
use crate::kit::trace::{self, TraceId};
use crate::store::{Job, NextState, Settlement, StoreError, Tried};

impl Inner {
    /// Tries a run and those that may follow in its slot, and tells how each row has ended.
    pub(super) async fn work(self: Arc<Self>, run: Run, ended: Endings) {
        let remote = run.remote().to_owned();
        let mut next = Some(run);
        while let Some(run) = next.take() {
            let last = self.run_in_order(run.into_jobs(), &ended).await;
            next = self.next_run(&remote);
            // The receiver outlives every attempt.
            let _ = ended.send(Ended {
                settlement: last,
                frees: next.is_none(),
            });
        }
    }

    fn next_run(&self, remote: &str) -> Option<Run> {
        let now = self.clock.now();
        self.remotes().get_mut(remote)?.start_after(now)
    }

    /// One after the other, for as long as each is done: what is behind a failure waits for it. How
    /// the last one ended is for the caller to tell.
    async fn run_in_order(&self, mut jobs: VecDeque<Job>, ended: &Endings) -> Settlement {
        loop {
            let mut job = jobs.pop_front().expect("a run has a row");
            job.started_at = self.clock.now();
            let settlement = self.attempt(job).await;
            if jobs.is_empty() {
                return settlement;
            }
            if !matches!(settlement.next, NextState::Done { .. }) {
                self.give_back(jobs.iter().map(|job| job.id).collect())
                    .await;
                return settlement;
            }
            let frees = false;
            // The receiver outlives every attempt.
            let _ = ended.send(Ended { settlement, frees });
        }
    }

    /// Tries one row and decides what becomes of it.
    pub(super) async fn attempt(&self, job: Job) -> Settlement {
        let is_expired = job.expires_at.is_some_and(|at| at <= self.clock.now());
        let outcome = if is_expired {
            Outcome::Expired
        } else {
            self.ask_handler(&job).await
        };
        let now = self.clock.now();
        if outcome.met_remote() {
            self.note_gate(&job.remote, &outcome, now);
        }
        self.settlement(job, outcome, now)
    }

    async fn ask_handler(&self, job: &Job) -> Outcome {
        use tracing::Instrument;
        let Some(handler) = self.handlers.get(job.effect.as_str()) else {
            return unknown_effect(job);
        };
        let span = tracing::info_span!(
            "outbox.attempt", id = job.id, effect = %job.effect, remote = %job.remote,
            trace = job.trace.as_ref().map(TraceId::as_str)
        );
        let asked = handler.attempt(job).instrument(span);
        let asked = trace::within(job.trace.clone(), &self.random, asked);
        if let Ok(outcome) = tokio::time::timeout(ATTEMPT_TIMEOUT, asked).await {
            return outcome;
        }
        let seconds = ATTEMPT_TIMEOUT.as_secs();
        let message = format!("the attempt did not end within {seconds} s");
        Outcome::failed(Failure::new(Verdict::Uncertain, message))
    }

    fn note_gate(&self, remote: &str, outcome: &Outcome, now: Timestamp) {
        let failure = match outcome {
            Outcome::Failed { failure, .. } => Some(failure),
            Outcome::Held { failure, .. } => failure.as_ref(),
            Outcome::Done { .. } | Outcome::Cancelled { .. } | Outcome::Expired => None,
        };
        let mut remotes = self.remotes();
        let Some(state) = remotes.get_mut(remote) else {
            return;
        };
        let gate = std::mem::replace(&mut state.gate, Gate::Open);
        let was = gate.reason();
        state.gate = match failure.and_then(|failure| failure.pause.as_ref()) {
            Some(pause) => gate.troubled(pause, now),
            None => gate.answered(),
        };
        match state.gate.reason() {
            Some(reason) if was != Some(reason) => {
                state.since = state.since.or(Some(now));
                tracing::warn!(remote, reason, "the remote is paused");
            }
            None if was.is_some() => {
                state.since = None;
                tracing::info!(remote, "the remote answers again");
            }
            _ => {}
        }
    }

    /// What becomes of a row after this outcome.
    pub(super) fn settlement(&self, job: Job, outcome: Outcome, now: Timestamp) -> Settlement {
        let failed = |failure: &Failure, counted| Tried {
            verdict: Some(failure.verdict),
            error: Some(failure.message.clone()),
            counted,
        };
        let (next, tried, changes) = match outcome {
            Outcome::Done { note, changes } => (NextState::Done { note }, Tried::well(), changes),
            Outcome::Cancelled { reason, changes } => {
                (NextState::Cancelled { reason }, Tried::well(), changes)
            }
            Outcome::Expired => {
                let failure = Failure::new(Verdict::Permanent, EXPIRED);
                (NextState::Dead, failed(&failure, true), Changes::none())
            }
            Outcome::Held {
                reason,
                uncertain,
                failure,
                changes,
            } => {
                let tried = failure
                    .as_ref()
                    .map_or_else(Tried::well, |f| failed(f, true));
                (
                    NextState::Held {
                        reason: reason.to_owned(),
                        uncertain,
                    },
                    tried,
                    changes,
                )
            }
            Outcome::Failed { failure, changes } => {
                let tries = Tries {
                    before: job.attempts,
                    created_at: job.created_at,
                    now,
                    jitter: self.random.fraction(),
                };
                let (next, counted) = retry::next(&failure, tries);
                tracing::warn!(
                    id = job.id, effect = %job.effect, verdict = %failure.verdict,
                    error = %failure.message, trace = job.trace.as_ref().map(TraceId::as_str),
                    "an attempt failed"
                );
                (next, failed(&failure, counted), changes)
            }
        };
        let verdict = tried.verdict.map_or("done", Verdict::as_str);
        let effect = self.known(&job.effect).unwrap_or("unknown");
        metrics::counter!(series::ATTEMPTS, "effect" => effect, "verdict" => verdict).increment(1);
        Settlement {
            job,
            finished_at: now,
            tried,
            next,
            changes,
        }
    }

    /// Makes claimed rows ready again that are not tried after all.
    pub(super) async fn give_back(&self, ids: Vec<i64>) {
        if ids.is_empty() {
            return;
        }
        if let Err(fault) = self.store.give_back(ids).await {
            tracing::warn!(error = %fault, "claimed rows wait for the next start");
        }
    }

    /// Settles one by one what could not be settled together because of `fault`.
    pub(super) async fn settle_each(&self, settlements: &[Settlement], fault: &StoreError) {
        tracing::warn!(error = %fault, settlements = settlements.len(), "a turn of the engine failed");
        if settlements.is_empty() {
            tokio::time::sleep(STORE_AGAIN).await;
        }
        for settlement in settlements {
            self.settle(settlement.clone()).await;
        }
    }

    /// Writes the outcome down, however long the disk is full or locked: it is known only here.
    pub(super) async fn settle(&self, mut settlement: Settlement) {
        loop {
            match self.store.settle(settlement.clone()).await {
                Ok(()) | Err(StoreError::Closed) => return,
                Err(StoreError::Refused(fault)) if unwritable::is_held(&settlement) => {
                    tracing::error!(id = settlement.job.id, error = %fault, "an outcome cannot be written; the row stays running until the next start");
                    return;
                }
                Err(StoreError::Refused(fault)) => {
                    tracing::error!(id = settlement.job.id, error = %fault, "an outcome cannot be written; the effect is held");
                    settlement = unwritable::held(settlement, &fault);
                }
                Err(fault) => {
                    tracing::warn!(id = settlement.job.id, error = %fault, "an outcome waits to be written");
                    tokio::time::sleep(STORE_AGAIN).await;
                }
            }
        }
    }
}

/// The outcome of a row whose effect this binary does not know.
pub(super) fn unknown_effect(job: &Job) -> Outcome {
    Outcome::Held {
        reason: "unknown_effect",
        uncertain: job.uncertain,
        failure: None,
        changes: Changes::none(),
    }
}
