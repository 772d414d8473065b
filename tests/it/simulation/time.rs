//! Virtual time: the true one, which both platforms keep, and Qiao's clock, which may be wrong.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use qiao::kit::clock::Clock;
use qiao::kit::transport::BoxFuture;
use tokio::sync::watch;

/// Time; clones share it. It moves only by the scheduler's hand.
#[derive(Debug, Clone)]
pub struct Time(watch::Sender<Instant>);

#[derive(Debug, Clone, Copy)]
struct Instant {
    truth: Timestamp,
    /// How far Qiao's clock is ahead of it.
    wrong_by: SignedDuration,
}

impl Time {
    pub fn new(truth: Timestamp) -> Self {
        let wrong_by = SignedDuration::ZERO;
        Self(watch::Sender::new(Instant { truth, wrong_by }))
    }

    /// What the platforms' clocks show.
    pub fn truth(&self) -> Timestamp {
        self.0.borrow().truth
    }

    /// Time passes, for everybody.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|at| at.truth += by);
    }

    /// Somebody sets Qiao's clock, forwards or back.
    pub fn set_wrong_by(&self, wrong_by: SignedDuration) {
        self.0.send_modify(|at| at.wrong_by = wrong_by);
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        let at = *self.0.borrow();
        at.truth + at.wrong_by
    }

    /// A sleep is as long as it was asked for: setting the clock does not change it.
    fn sleep_until(&self, until: Timestamp) -> BoxFuture<'_, ()> {
        let mut passing = self.0.subscribe();
        let ends = self.truth() + until.duration_since(self.now());
        Box::pin(async move {
            // The sender lives as long as `self`, so waiting cannot fail.
            let _ = passing.wait_for(|at| at.truth >= ends).await;
        })
    }
}
