//! The simulators' clock: real, with an offset, or standing still until it is moved.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A clock that the control API can advance. Clones share it.
#[derive(Debug, Clone)]
pub struct SimClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None`: real time plus `offset`. `Some`: stands still there, plus `offset`.
    frozen_at: Option<Timestamp>,
    offset: watch::Sender<SignedDuration>,
}

impl SimClock {
    /// Real time.
    pub fn real() -> Self {
        Self::with(None)
    }

    /// Stands still at `start` until it is advanced.
    pub fn manual(start: Timestamp) -> Self {
        Self::with(Some(start))
    }

    fn with(frozen_at: Option<Timestamp>) -> Self {
        Self(Arc::new(Inner {
            frozen_at,
            offset: watch::Sender::new(SignedDuration::ZERO),
        }))
    }

    /// The present instant of the simulated platform.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the simulators' own clock"
    )]
    pub fn now(&self) -> Timestamp {
        let base = self.0.frozen_at.unwrap_or_else(Timestamp::now);
        base.saturating_add(*self.0.offset.borrow())
            .unwrap_or(Timestamp::MAX)
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        self.0
            .offset
            .send_modify(|offset| *offset = offset.saturating_add(by));
    }

    /// Resolves when it is `until` or later.
    pub async fn sleep_until(&self, until: Timestamp) {
        let mut moved = self.0.offset.subscribe();
        loop {
            let wait = until.duration_since(self.now());
            if !wait.is_positive() {
                return;
            }
            let real_wait = match self.0.frozen_at {
                Some(_) => Duration::MAX,
                None => Duration::try_from(wait).unwrap_or_default(),
            };
            tokio::select! {
                () = tokio::time::sleep(real_wait) => {}
                // The sender lives as long as `self`.
                _ = moved.changed() => {}
            }
        }
    }
}
