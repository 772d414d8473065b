//! A place where a request waits for an answer that somebody else is working on.
//!
//! Whoever has the answer calls a key out; from then on those seats are promised and no longer
//! leave by time-out, so an answer goes exactly one way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Requests that may wait at once; more are told at once that nobody waits for them.
const SEATS: usize = 4096;

type Seats<T> = HashMap<String, Vec<(u64, oneshot::Sender<T>)>>;

/// The room; clones share it.
#[derive(Debug)]
pub struct WaitingRoom<T>(Arc<Mutex<Inner<T>>>);

#[derive(Debug)]
struct Inner<T> {
    seats: Seats<T>,
    taken: usize,
    next: u64,
}

impl<T> Clone for WaitingRoom<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for WaitingRoom<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            seats: HashMap::new(),
            taken: 0,
            next: 0,
        })))
    }
}

/// One who waits.
#[derive(Debug)]
pub struct Seat<T> {
    room: WaitingRoom<T>,
    key: String,
    number: u64,
    answer: oneshot::Receiver<T>,
}

/// Those who were called out and are owed an answer.
#[derive(Debug)]
pub struct Called<T>(Vec<(u64, oneshot::Sender<T>)>);

impl<T: Clone> WaitingRoom<T> {
    /// Takes a seat; `None` when the room is full.
    pub fn sit(&self, key: &str) -> Option<Seat<T>> {
        let mut inner = self.inner();
        if inner.taken >= SEATS {
            return None;
        }
        let (sender, answer) = oneshot::channel();
        let number = inner.next;
        inner.next += 1;
        inner.taken += 1;
        inner
            .seats
            .entry(key.to_owned())
            .or_default()
            .push((number, sender));
        Some(Seat {
            room: self.clone(),
            key: key.to_owned(),
            number,
            answer,
        })
    }

    /// Calls out everyone who waits for `key`; `None` when nobody does.
    pub fn call(&self, key: &str) -> Option<Called<T>> {
        let mut inner = self.inner();
        let seats = inner.seats.remove(key)?;
        inner.taken -= seats.len();
        Some(Called(seats))
    }
}

impl<T> WaitingRoom<T> {
    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a seat up. `false` when it has been called out already.
    fn leave(&self, key: &str, number: u64) -> bool {
        let mut inner = self.inner();
        let Some(seats) = inner.seats.get_mut(key) else {
            return false;
        };
        let before = seats.len();
        seats.retain(|(seat, _)| *seat != number);
        let left = seats.len() < before;
        if seats.is_empty() {
            inner.seats.remove(key);
        }
        inner.taken -= usize::from(left);
        left
    }
}

impl<T: Clone> Called<T> {
    /// Hands the answer out.
    pub fn answer(self, answer: &T) {
        for (_, seat) in self.0 {
            // Whoever has gone in the meantime does not need it.
            let _ = seat.send(answer.clone());
        }
    }
}

impl<T> Seat<T> {
    /// Waits until `patience` ends; once called out, the promised answer is waited for.
    /// `None` when nobody called, or when the promise was broken.
    pub async fn wait(mut self, patience: impl Future<Output = ()>) -> Option<T> {
        tokio::select! {
            answer = &mut self.answer => return answer.ok(),
            () = patience => {}
        }
        if self.room.leave(&self.key, self.number) {
            return None;
        }
        (&mut self.answer).await.ok()
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        self.room.leave(&self.key, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn everyone_who_waits_gets_the_answer() {
        let room = WaitingRoom::default();
        let seats = [room.sit("a").unwrap(), room.sit("a").unwrap()];
        room.call("a").unwrap().answer(&"hello");
        for seat in seats {
            assert_eq!(seat.wait(pending()).await, Some("hello"));
        }
        assert!(room.call("a").is_none());
    }

    #[tokio::test]
    async fn who_has_gone_is_not_called_and_who_was_called_does_not_go() {
        let room: WaitingRoom<u8> = WaitingRoom::default();
        assert_eq!(room.sit("a").unwrap().wait(ready(())).await, None);
        assert!(room.call("a").is_none());
        let seat = room.sit("a").unwrap();
        let called = room.call("a").unwrap();
        let waiting = tokio::spawn(seat.wait(ready(())));
        tokio::task::yield_now().await;
        called.answer(&7);
        assert_eq!(waiting.await.unwrap(), Some(7));
    }
}
