//! Local effects: what needs nothing but the database, decided in order of arrival.
//!
//! They are neither claimed nor leased: nothing happens outside the database, so a decision that is
//! cut off before its commit never was. A turn takes the oldest rows of each local lane, asks their
//! [`Decider`](super::Decider) for all of them together, and settles them in one commit.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::{Engine, Inner, LONGEST_SLEEP, STORE_AGAIN};
use crate::domain::rows::names;
use crate::store::{Job, NextState, Settlement, StoreError};

/// Rows of one turn: more would not make them cheaper, and a push waits for at most one such commit.
const TURN: usize = 256;

/// How long a turn waits for acts to decide on together. Nobody feels it: the next step is a call.
const LINGER: Duration = Duration::from_millis(5);

/// While senders wait for their commits, the pause after a turn is so many times as long as the turn:
/// the five seconds of a push come first, and a twentieth of the time still decides on thousands of
/// acts a second.
const PRESSED_PAUSE: u32 = 19;

/// No pause is longer: what overtook another message waits a second for the decision on that one.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

impl Engine {
    /// Decides until `stop`.
    pub(super) async fn decide_until(&self, stop: &CancellationToken) {
        let mut wake = self.0.store.wake_local();
        while !stop.is_cancelled() {
            // Who acts is answered already: acts of the same moment share a commit.
            tokio::time::sleep(LINGER).await;
            // Read before looking for work, so that no wake-up is lost.
            let seen = *wake.borrow_and_update();
            let now = self.0.clock.now();
            let began = Instant::now();
            let pause = match self.decide(now).await {
                Ok(0) => {
                    let next = self.next_decision(now).await;
                    tokio::select! {
                        () = stop.cancelled() => return,
                        _ = wake.wait_for(|count| *count > seen) => {}
                        () = self.0.clock.sleep_until(next) => {}
                    }
                    continue;
                }
                Ok(_) if self.0.store.is_pressed() => {
                    (began.elapsed() * PRESSED_PAUSE).min(LONGEST_PAUSE)
                }
                Ok(_) => continue,
                Err(fault) => {
                    tracing::warn!(error = %fault, "local effects wait for the database");
                    STORE_AGAIN
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One turn: decides on the oldest local rows that are due. Returns how many were settled.
    pub async fn decide(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut settlements = Vec::new();
        for lane in self.0.store.oldest_of(names::LOCAL, TURN, now).await? {
            settlements.extend(self.0.decide_in_order(lane).await);
        }
        if settlements.is_empty() {
            return Ok(0);
        }
        let settlements: Arc<[Settlement]> = settlements.into();
        match self.0.store.settle_all(Arc::clone(&settlements)).await {
            Ok(()) => {}
            // One of them: it is held, and the others do not wait for it.
            Err(StoreError::Refused(_)) => {
                for settlement in settlements.iter() {
                    self.0.settle(settlement.clone()).await;
                }
            }
            // Nothing is lost: all of it is decided on again.
            Err(fault) => return Err(fault),
        }
        Ok(settlements.len())
    }

    async fn next_decision(&self, now: Timestamp) -> Timestamp {
        let latest = now.saturating_add(LONGEST_SLEEP).unwrap_or(Timestamp::MAX);
        let due = self.0.store.next_due(&[names::LOCAL.to_owned()]).await;
        let due = due.into_iter().flatten().map(|(_, due)| due);
        due.filter(|at| *at > now).fold(latest, Timestamp::min)
    }
}

impl Inner {
    /// Rows of one lane: those of the first one's effect, up to the first that must be tried again,
    /// since what is behind it waits for it.
    async fn decide_in_order(&self, mut jobs: Vec<Job>) -> Vec<Settlement> {
        let Some(effect) = jobs.first().map(|job| job.effect.clone()) else {
            return Vec::new();
        };
        let others = jobs.iter().position(|job| job.effect != effect);
        jobs.truncate(others.unwrap_or(jobs.len()));
        let outcomes = match self.deciders.get(effect.as_str()) {
            Some(decider) => decider.decide(&jobs).await,
            None => jobs.iter().map(super::attempt::unknown_effect).collect(),
        };
        let now = self.clock.now();
        let settled = jobs.into_iter().zip(outcomes);
        let mut settled: Vec<Settlement> = settled
            .map(|(job, outcome)| self.settlement(job, outcome, now))
            .collect();
        let again = |one: &Settlement| matches!(one.next, NextState::Ready { .. });
        if let Some(first) = settled.iter().position(again) {
            settled.truncate(first + 1);
        }
        settled
    }
}
