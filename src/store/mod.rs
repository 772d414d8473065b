//! The embedded SQLite database: the only place that knows SQL.
//!
//! It offers whole operations ("commit this arrival", "claim what is due", "settle this
//! attempt"), never a connection. It must not know HTTP, WeChat or C4C. Start reading at
//! [`Store`], then [`writer`] for the group commit and [`plan`] for the order of its statements.
//!
//! All writes pass through one writer task, which takes everything queued, writes it in one
//! transaction with one statement per table, syncs once and then answers everyone. Reads go
//! through a pool of read-only connections.

mod accounts;
mod apply;
mod arrivals;
mod audit;
mod backups;
mod claims;
mod codec;
mod consents;
mod conversation_list;
mod conversations;
mod copy;
mod differences;
mod duplicates;
mod erasing;
mod erasures;
mod error;
mod examine;
mod forget;
mod given;
mod history;
mod indexing;
mod integrity;
mod jobs;
mod listing;
mod locations;
mod looking;
mod mappings;
mod measure;
mod observe;
mod open;
mod operate;
mod person;
mod plan;
mod qr;
mod recent;
mod reconcile;
mod recovery;
mod retention;
mod rows;
mod search;
mod seeding;
mod sessions;
mod settle;
mod swap;
mod tally;
mod tidy;
mod trace;
mod transcript;
mod waiting;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::sync::watch;

pub use accounts::{StoredGrant, StoredToken, TokenKind};
pub use arrivals::{Answer, Arrival, Arrived, Dedupe, Source};
pub use audit::{Act, AuditFilter, AuditRow, Target, Verified, person_target};
pub use backups::{BackupKind, BackupState, NewBackup, StandingBackup};
pub use claims::{Ask, Job, RunAhead, Turned};
pub use consents::Consent;
pub use conversation_list::{ConversationFilter, ListedConversation};
pub use conversations::{Conversation, InC4c, MediaRow, Said};
pub use copy::{Contents, Copied};
pub use differences::{SharedCustomer, SharedUnionId, Suspect, UnknownFollower};
pub use duplicates::Suppressed;
pub use erasures::{Beginning, Erasure};
pub use error::{OpenError, StoreError};
pub use examine::{FileFacts, Integrity, Troubles};
pub use history::{HeldSend, HistoryLine, MessageRow};
pub use jobs::{FindingRow, JobRun, StartedBy};
pub use listing::{AttemptRow, OutboxFilter, OutboxRow, QueueState};
pub use locations::StoredLocation;
pub use looking::{Awaited, TicketOf};
pub use mappings::Mapping;
pub use observe::{Batch, CommitWatch, Moment};
pub use open::Opening;
pub use person::{Along, Ends, Keys, PARTS, Part, PersonalRow, Place, member};
pub use qr::{QrCode, QrScanRow};
pub use recent::{Recent, RecentArrival, RecentAttempt, RecentEffect, SaidTally};
pub use reconcile::{PlannedRepair, Repaired, SeenCustomer};
pub use retention::{Deleted, Kept};
pub use search::{FoundMessage, SearchQuery};
pub use seeding::{SeedError, seed, seeded_openid};
pub use sessions::{OAuthState, SignIn, StoredSession};
pub use settle::{NextState, Settlement, Tried};
pub use swap::Lock;
pub use tally::{Mark, Tally};
pub use tidy::Tidied;
pub use trace::TracedRow;
pub use transcript::TranscriptRow;
pub use waiting::Waiting;

use crate::config::Database;
use crate::domain::rows::Changes;
use crate::kit::clock::Clock;
use crate::kit::trace::present;

/// A handle on the database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    readers: SqlitePool,
    writer: writer::Queue,
    path: Arc<PathBuf>,
    /// Who is written down for what this handle changes.
    acting: Option<Arc<Act>>,
}

impl Store {
    /// Opens (and creates or migrates) the database for the one process that may write it.
    ///
    /// Fails when another process holds the lock, when the file was made by a newer Qiao, or
    /// when SQLite cannot open it.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        open::for_writing(path, clock, Opening::default()).await
    }

    /// Like [`Store::open`], as the configuration tells.
    pub async fn open_configured(
        database: &Database,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let opening = Opening {
            litestream: database.litestream,
            ..Opening::default()
        };
        open::for_writing(&database.path, clock, opening).await
    }

    /// Like [`Store::open`], in another way than the daemon does it: for tests and simulation.
    pub async fn open_as(
        path: &Path,
        clock: Arc<dyn Clock>,
        opening: Opening,
    ) -> Result<Self, OpenError> {
        open::for_writing(path, clock, opening).await
    }

    /// Opens an existing database for reading, beside a running daemon.
    pub async fn open_read_only(path: &Path) -> Result<Self, OpenError> {
        open::for_reading(path).await
    }

    /// Whether it cannot write: it was opened so, or is closed.
    pub fn is_read_only(&self) -> bool {
        self.writer.is_closed()
    }

    /// Commits one arrival with everything that follows from it, or finds its duplicate. Its rows
    /// belong to the trace of the present task.
    ///
    /// Returns only after the commit is on disk.
    pub async fn arrive(&self, arrival: Arrival) -> Result<Arrived, StoreError> {
        self.writer
            .ask(
                |reply| writer::Request::Arrive(Box::new(arrival), present(), reply),
                true,
            )
            .await
    }

    /// Commits how an attempt ended, with everything that follows from it.
    pub async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        self.settle_all(Arc::new([settlement])).await
    }

    /// Commits how several attempts ended. Either all is written or nothing.
    pub async fn settle_all(&self, settlements: Arc<[Settlement]>) -> Result<(), StoreError> {
        self.turn(settlements, Vec::new()).await.map(drop)
    }

    /// Marks due heads of lanes as running and returns them.
    pub async fn claim(&self, asks: Vec<Ask>) -> Result<Vec<Job>, StoreError> {
        self.turn(Arc::new([]), asks)
            .await
            .map(|turned| turned.jobs)
    }

    /// Settles what has ended and claims what is due after it, in one commit. Either all is
    /// written or nothing.
    pub async fn turn(
        &self,
        settlements: Arc<[Settlement]>,
        asks: Vec<Ask>,
    ) -> Result<Turned, StoreError> {
        self.writer
            .ask(
                |reply| writer::Request::Turn(settlements, asks, reply),
                false,
            )
            .await
    }

    /// Commits changes that follow from no arrival and no attempt (jobs, operators), as part of the
    /// trace of the present task.
    pub async fn write(&self, changes: Changes) -> Result<(), StoreError> {
        if self.acting.is_some() {
            let write = operate::Operation::Write(Box::new(changes), present());
            return self.operate(write).await.map(drop);
        }
        self.writer
            .ask(
                |reply| writer::Request::Write(Box::new(changes), present(), reply),
                false,
            )
            .await
    }

    /// Writes what is queued, closes the file and gives its lock back. Later writes are refused
    /// with [`StoreError::Closed`].
    pub async fn close(&self) {
        // The writer first: an attempt that loses its reader must not be able to settle that.
        self.writer.close().await;
        self.readers.close().await;
    }

    /// Changes whenever a commit may have made an effect due that must be claimed.
    pub fn wake(&self) -> watch::Receiver<u64> {
        self.writer.wake()
    }

    /// Changes whenever a commit may have made a local effect due.
    pub fn wake_local(&self) -> watch::Receiver<u64> {
        self.writer.wake_local()
    }

    /// Whether so much arrives that senders wait for their commit: what can wait should.
    pub fn is_pressed(&self) -> bool {
        self.writer.is_pressed()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
