//! The writer's gate: a settlement's commit may be held before, in or after its transaction, so
//! that others decide on what they read before it, or that the daemon dies there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use qiao::kit::transport::BoxFuture;
use qiao::store::{Batch, CommitWatch, Moment};
use tokio::sync::{oneshot, watch};

/// What becomes of a held commit.
enum Fate {
    GoesOn,
    /// The daemon is killed: the writer ends here and rolls back what is not committed.
    Dies,
}

/// The gate; clones share it.
#[derive(Debug, Clone)]
pub struct Commits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    armed: Mutex<Option<Moment>>,
    held: watch::Sender<bool>,
    fate: Mutex<Option<oneshot::Sender<Fate>>>,
}

impl std::fmt::Debug for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fate")
    }
}

impl Default for Commits {
    fn default() -> Self {
        Self(Arc::new(Inner {
            armed: Mutex::default(),
            held: watch::Sender::new(false),
            fate: Mutex::default(),
        }))
    }
}

impl Commits {
    /// The next settlement's commit is held at `moment`; `None` for none.
    pub fn hold_next(&self, moment: Option<Moment>) {
        *lock(&self.0.armed) = moment;
    }

    pub fn is_held(&self) -> bool {
        *self.0.held.borrow()
    }

    /// Resolves while a commit is held.
    pub async fn until_held(&self) {
        let mut held = self.0.held.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = held.wait_for(|held| *held).await;
    }

    /// The held commit goes on.
    pub fn release(&self) {
        self.decide(Fate::GoesOn);
    }

    /// The writer dies where it stands.
    pub fn kill(&self) {
        self.decide(Fate::Dies);
    }

    fn decide(&self, fate: Fate) {
        self.hold_next(None);
        self.0.held.send_replace(false);
        if let Some(held) = lock(&self.0.fate).take() {
            let _ = held.send(fate);
        }
    }
}

impl CommitWatch for Commits {
    fn at(&self, moment: Moment, batch: Batch) -> BoxFuture<'_, ()> {
        let holds = batch.settlements > 0 && *lock(&self.0.armed) == Some(moment);
        if !holds {
            return Box::pin(std::future::ready(()));
        }
        self.hold_next(None);
        let (fate, decided) = oneshot::channel();
        *lock(&self.0.fate) = Some(fate);
        self.0.held.send_replace(true);
        Box::pin(async move {
            if let Ok(Fate::Dies) = decided.await {
                // A panic without the message of one: the writer's connection is dropped.
                std::panic::resume_unwind(Box::new("killed"));
            }
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
