//! How many calls a tenant gets at once, and who goes first.
//!
//! SAP asks for fewer than ten parallel calls a tenant over all interfaces (c4c.md 1.11).

use tokio::sync::watch;

/// Who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A person: any free slot will do.
    Live,
    /// Nobody: sweeps and repairs, which always leave one slot free for the living.
    Bulk,
}

/// The call slots of one tenant.
#[derive(Debug)]
pub(super) struct Slots {
    free: watch::Sender<usize>,
}

/// A taken slot; dropping it gives the slot back.
#[derive(Debug)]
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    /// `max_calls` of the configuration, at least two.
    pub(super) fn new(max_calls: usize) -> Self {
        Self {
            free: watch::Sender::new(max_calls),
        }
    }

    /// Waits for a slot.
    pub(super) async fn take(&self, pace: Pace) -> Slot<'_> {
        let kept_free = match pace {
            Pace::Live => 0,
            Pace::Bulk => 1,
        };
        let mut changes = self.free.subscribe();
        loop {
            let taken = self.free.send_if_modified(|free| {
                let fits = *free > kept_free;
                *free -= usize::from(fits);
                fits
            });
            if taken {
                return Slot(self);
            }
            // The sender lives as long as `self`, so waiting cannot fail.
            let _ = changes.wait_for(|free| *free > kept_free).await;
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.free.send_modify(|free| *free += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn bulk_never_takes_the_last_slot() {
        let slots = Slots::new(2);
        let first = slots.take(Pace::Bulk).await;
        let mut bulk = pin!(slots.take(Pace::Bulk));
        assert!(poll(bulk.as_mut()).is_pending());
        let live = slots.take(Pace::Live).await;
        drop(live);
        assert!(
            poll(bulk.as_mut()).is_pending(),
            "one free slot is the living's"
        );
        drop(first);
        assert!(poll(bulk.as_mut()).is_ready());
    }

    #[tokio::test]
    async fn the_living_pass_a_waiting_bulk_call() {
        let slots = Slots::new(2);
        let _held = slots.take(Pace::Live).await;
        let second = slots.take(Pace::Live).await;
        let mut bulk = pin!(slots.take(Pace::Bulk));
        let mut live = pin!(slots.take(Pace::Live));
        assert!(poll(bulk.as_mut()).is_pending());
        assert!(poll(live.as_mut()).is_pending());
        drop(second);
        assert!(poll(bulk.as_mut()).is_pending());
        assert!(poll(live.as_mut()).is_ready());
    }
}
