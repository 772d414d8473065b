//! What the store has promised, and after which operation of the disk.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use qiao::kit::transport::BoxFuture;
use qiao::store::{Batch, CommitWatch, Moment};
use qiao_powercut::Recording;
use serde::Serialize;

use crate::content::{self, Content};

/// Something that was acknowledged to whoever asked for it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// `arrive` took it for new.
    Arrived {
        /// `inbox.id`
        inbox_id: i64,
        /// `dedupe.key`
        key: String,
    },
    /// `arrive` found it to be a duplicate.
    Repeated {
        /// `inbox.id` of the first one.
        inbox_id: i64,
        /// For the how manieth time.
        times: usize,
    },
    /// A message's push was answered.
    Said {
        /// Who.
        openid: String,
        /// What.
        text: String,
    },
    /// `settle` returned.
    Settled {
        /// `outbox.id`
        outbox_id: i64,
        /// `attempt.number`
        number: i64,
        /// `attempt.outcome`
        outcome: &'static str,
        /// `outbox.state`
        state: &'static str,
    },
}

/// A fact and the number of operations after which it was known.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    pub at: usize,
    pub fact: Fact,
}

/// What the database held once so many operations had happened.
#[derive(Debug, Clone)]
pub struct Committed {
    pub at: usize,
    pub content: Content,
}

/// Writes down acknowledgements as they come, and the database's content after each commit.
pub struct Ledger {
    recording: Arc<Recording>,
    database: PathBuf,
    acknowledged: Mutex<Vec<Acknowledged>>,
    committed: Mutex<Vec<Committed>>,
}

impl Ledger {
    pub fn new(recording: Arc<Recording>, database: PathBuf) -> Self {
        Self {
            recording,
            database,
            acknowledged: Mutex::default(),
            committed: Mutex::default(),
        }
    }

    /// `fact` has been acknowledged just now.
    pub fn acknowledged(&self, fact: Fact) {
        let at = self.recording.position();
        lock(&self.acknowledged).push(Acknowledged { at, fact });
    }

    /// The database is open and empty: that is what a cut before the first commit must leave.
    pub async fn opened_empty(&self) {
        self.look(0).await;
    }

    /// All facts, in order.
    pub fn facts(&self) -> Vec<Acknowledged> {
        lock(&self.acknowledged).clone()
    }

    /// All contents, in order.
    pub fn contents(&self) -> Vec<Committed> {
        lock(&self.committed).clone()
    }

    async fn look(&self, at: usize) {
        let mut database = content::open(&self.database).await.unwrap();
        let content = content::of(&mut database).await.unwrap();
        lock(&self.committed).push(Committed { at, content });
    }
}

impl CommitWatch for Ledger {
    fn at(&self, moment: Moment, _: Batch) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if moment == Moment::Committed {
                self.look(self.recording.position()).await;
            }
        })
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
