//! The engine's loop: claim, attempt, settle. No transaction is open while a handler runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gate::Gate;
use super::remote::{Remote, RemoteReport, RemoteState};
use super::retry::{self, ATTEMPT_TIMEOUT, Tries};
use super::{EXPIRED, Handler, Outcome, unwritable};
use crate::domain::rows::Changes;
use crate::domain::verdict::{Failure, Verdict};
use crate::kit::clock::Clock;
use crate::kit::random::Random;
use crate::store::{Ask, Job, NextState, Settlement, Store, StoreError, Tried};

/// Between two tries to claim or settle while the disk is full or locked. Real time: it is the
/// disk that is waited for.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// Without any wake-up the engine still looks this often, should one ever be lost.
const LONGEST_SLEEP: SignedDuration = SignedDuration::from_secs(30);

/// Delivers the outbox. Clones share one engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Random,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
    remotes: Mutex<HashMap<String, RemoteState>>,
    attempts: TaskTracker,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({} effects)", self.0.handlers.len())
    }
}

impl Engine {
    /// An engine for these remotes and effects. Effects without a handler are held.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Random,
        remotes: Vec<Remote>,
        handlers: HashMap<&'static str, Arc<dyn Handler>>,
    ) -> Self {
        let remotes = remotes
            .into_iter()
            .map(|remote| {
                let state = RemoteState::new(remote);
                (state.remote.name.clone(), state)
            })
            .collect();
        let remotes = Mutex::new(remotes);
        Self(Arc::new(Inner {
            store,
            clock,
            random,
            handlers,
            remotes,
            attempts: TaskTracker::new(),
        }))
    }

    /// Delivers until `stop`; then claims nothing more and returns. Attempts under way go on:
    /// wait for them with [`Engine::drained`].
    pub async fn run(&self, stop: CancellationToken) {
        let mut wake = self.0.store.wake();
        let (finished, mut freed) = mpsc::channel(1);
        while !stop.is_cancelled() {
            // Armed before looking for work, so that no wake-up is lost.
            wake.mark_unchanged();
            while freed.try_recv().is_ok() {}
            let now = self.0.clock.now();
            if self.claim_once(&finished, now).await {
                continue;
            }
            let next = self.next_look(now).await;
            tokio::select! {
                () = stop.cancelled() => {}
                _ = wake.changed() => {}
                _ = freed.recv() => {}
                () = self.0.clock.sleep_until(next) => {}
            }
        }
    }

    /// Resolves when no attempt is under way any more.
    pub async fn drained(&self) {
        self.0.attempts.close();
        self.0.attempts.wait().await;
    }

    /// Lets every paused remote be probed again: somebody may have mended it.
    pub fn probe_again(&self) {
        for state in self.0.remotes().values_mut() {
            if state.gate.reason().is_some() {
                state.gate = Gate::Probing;
            }
        }
    }

    /// How every remote stands, by name.
    pub fn report(&self) -> Vec<RemoteReport> {
        let now = self.0.clock.now();
        let mut report: Vec<RemoteReport> = self
            .0
            .remotes()
            .values()
            .map(|state| state.report(now))
            .collect();
        report.sort_by(|a, b| a.name.cmp(&b.name));
        report
    }

    /// Claims what fits and starts its attempts. Returns whether to look again at once.
    async fn claim_once(&self, finished: &mpsc::Sender<()>, now: Timestamp) -> bool {
        let jobs = match self.claim(now).await {
            Ok(jobs) => jobs,
            Err(fault) => {
                tracing::warn!(error = %fault, "nothing can be claimed");
                tokio::time::sleep(STORE_AGAIN).await;
                return true;
            }
        };
        let any = !jobs.is_empty();
        for job in jobs {
            let (engine, finished) = (self.clone(), finished.clone());
            self.0.attempts.spawn(async move {
                engine.attempt(job).await;
                // A full channel has woken the loop already.
                let _ = finished.try_send(());
            });
        }
        any
    }

    /// Claims what is due and fits the free slots. Each row claimed is owed an
    /// [`Engine::attempt`].
    pub async fn claim(&self, now: Timestamp) -> Result<Vec<Job>, StoreError> {
        let asks = self.0.asks(now);
        if asks.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = self.0.store.claim(asks).await?;
        let (admitted, refused): (Vec<Job>, Vec<Job>) = jobs
            .into_iter()
            .partition(|job| self.0.admit(&job.remote, now));
        if !refused.is_empty() {
            let ids = refused.iter().map(|job| job.id).collect();
            if let Err(fault) = self.0.store.give_back(ids).await {
                tracing::warn!(error = %fault, "claimed rows wait for the next start");
            }
        }
        Ok(admitted)
    }

    /// Tries a claimed row once and settles it.
    pub async fn attempt(&self, job: Job) {
        self.0.run_attempt(job).await;
    }

    /// When the next row is due or the next gate may be probed, after nothing could be claimed
    /// at `now`. What was due then waits for a slot, and a freed slot wakes by itself.
    async fn next_look(&self, now: Timestamp) -> Timestamp {
        let latest = now.saturating_add(LONGEST_SLEEP).unwrap_or(Timestamp::MAX);
        let names: Vec<String> = self.0.remotes().keys().cloned().collect();
        let Ok(due) = self.0.store.next_due(&names).await else {
            return latest;
        };
        let remotes = self.0.remotes();
        due.into_iter()
            .filter_map(|(name, due)| Some(remotes.get(&name)?.look_at(due, now)))
            .filter(|at| *at > now)
            .fold(latest, Timestamp::min)
    }
}

impl Inner {
    fn remotes(&self) -> std::sync::MutexGuard<'_, HashMap<String, RemoteState>> {
        self.remotes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for a claimed row. `false` when the gate has closed since it was asked for:
    /// the claim may follow the very settlement that closed it.
    fn admit(&self, remote: &str, now: Timestamp) -> bool {
        let mut remotes = self.remotes();
        let Some(state) = remotes.get_mut(remote) else {
            return false;
        };
        let fits = state.slots(now) > 0;
        state.running += usize::from(fits);
        fits
    }

    fn free(&self, remote: &str) {
        if let Some(state) = self.remotes().get_mut(remote) {
            state.running = state.running.saturating_sub(1);
        }
    }

    fn asks(&self, now: Timestamp) -> Vec<Ask> {
        self.remotes()
            .values()
            .flat_map(|state| state.asks(now))
            .collect()
    }

    async fn run_attempt(&self, job: Job) {
        let span = tracing::info_span!(
            "outbox.attempt", id = job.id, effect = %job.effect, remote = %job.remote
        );
        let outcome = {
            use tracing::Instrument;
            self.try_once(&job).instrument(span).await
        };
        let now = self.clock.now();
        if outcome.met_remote() {
            self.note_gate(&job.remote, &outcome, now);
        }
        let settlement = self.decide(job, outcome, now);
        let remote = settlement.job.remote.clone();
        self.settle(settlement).await;
        self.free(&remote);
    }

    async fn try_once(&self, job: &Job) -> Outcome {
        let Some(handler) = self.handlers.get(job.effect.as_str()) else {
            return Outcome::Held {
                reason: "unknown_effect",
                uncertain: job.uncertain,
                failure: None,
                changes: Changes::none(),
            };
        };
        if job.expires_at.is_some_and(|at| at <= self.clock.now()) {
            return Outcome::Expired;
        }
        match tokio::time::timeout(ATTEMPT_TIMEOUT, handler.attempt(job)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::failed(Failure::new(
                Verdict::Uncertain,
                format!(
                    "the attempt did not end within {} s",
                    ATTEMPT_TIMEOUT.as_secs()
                ),
            )),
        }
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
                tracing::warn!(remote, reason, "the remote is paused");
            }
            None if was.is_some() => tracing::info!(remote, "the remote answers again"),
            _ => {}
        }
    }

    fn decide(&self, job: Job, outcome: Outcome, now: Timestamp) -> Settlement {
        let failed = |failure: &Failure, counted| Tried {
            verdict: Some(failure.verdict),
            error: Some(failure.message.clone()),
            counted,
        };
        let (next, tried, changes) = match outcome {
            Outcome::Done { note, changes } => (NextState::Done { note }, Tried::well(), changes),
            Outcome::Cancelled { reason } => (
                NextState::Cancelled { reason },
                Tried::well(),
                Changes::none(),
            ),
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
                    error = %failure.message, "an attempt failed"
                );
                (next, failed(&failure, counted), changes)
            }
        };
        let verdict = tried.verdict.map_or("done", Verdict::as_str);
        metrics::counter!("qiao_attempts_total", "effect" => job.effect.clone(), "verdict" => verdict)
            .increment(1);
        Settlement {
            job,
            finished_at: now,
            tried,
            next,
            changes,
        }
    }

    /// Writes the outcome down, however long the disk is full or locked: it is known only here.
    async fn settle(&self, mut settlement: Settlement) {
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
