//! The group commit: one task owns the only writing connection.
//!
//! It takes everything queued, writes it in one transaction, syncs once and answers everyone.
//! An idle writer commits a single request at once: there is no linger.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot, watch};

use super::observe::{Batch, CommitWatch, Moment};
use super::open::Opening;
use super::plan::{Ids, Plan, Wakes};
use super::{
    Act, Arrival, Arrived, Ask, Job, Settlement, StoreError, Tidied, Turned, arrivals, claims,
    operate, tidy,
};
use crate::domain::rows::Changes;
use crate::domain::series;
use crate::kit::clock::Clock;
use crate::kit::trace::TraceId;

/// Requests that may wait. At 20,000 a second this is 0.2 s of work, well under WeChat's 5 s.
pub(super) const QUEUE: usize = 4096;

/// Requests in one transaction: past this a batch gains nothing and its last one waits longer.
const BATCH: usize = 1024;

/// With this many arrivals in one commit, senders are waiting for the writer.
const PRESSED_FROM: usize = 32;

/// WeChat gives up at 5 s; an answer must leave before, so a stalled disk is reported at 4.5 s.
const STALLED: Duration = Duration::from_millis(4500);

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// One thing to be written.
pub(super) enum Request {
    Arrive(Box<Arrival>, Option<TraceId>, Reply<Arrived>),
    /// Attempts that ended, and a claim of what is due after them.
    Turn(Arc<[Settlement]>, Vec<Ask>, Reply<Turned>),
    Write(Box<Changes>, Option<TraceId>, Reply<()>),
    /// A rare write, and who is written down for it.
    Operate(
        operate::Operation,
        Option<Arc<Act>>,
        Reply<operate::Effected>,
    ),
    /// Leaves nothing of deleted rows in the file; outside of any transaction.
    Tidy(Reply<Tidied>),
    /// The last request: what is queued behind it is refused.
    Close(oneshot::Sender<()>),
}

impl Request {
    /// Whether its commit proves that the disk takes writes: an empty one proves nothing.
    fn writes(&self) -> bool {
        match self {
            Self::Arrive(..) | Self::Operate(..) => true,
            Self::Turn(settlements, ..) => !settlements.is_empty(),
            Self::Write(..) | Self::Tidy(_) | Self::Close(_) => false,
        }
    }
}

/// The way to the writer task.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    requests: mpsc::Sender<Request>,
    wake: watch::Receiver<u64>,
    wake_local: watch::Receiver<u64>,
    trouble: watch::Receiver<Option<StoreError>>,
    pressed: Arc<AtomicBool>,
}

impl Queue {
    /// A queue without a writer, for read-only use.
    pub(super) fn closed() -> Self {
        Self {
            requests: mpsc::channel(1).0,
            wake: watch::channel(0).1,
            wake_local: watch::channel(0).1,
            trouble: watch::channel(None).1,
            pressed: Arc::default(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    pub(super) fn wake(&self) -> watch::Receiver<u64> {
        self.wake.clone()
    }

    pub(super) fn wake_local(&self) -> watch::Receiver<u64> {
        self.wake_local.clone()
    }

    /// Why the last thing to be written was not, if the disk is to blame.
    pub(super) fn trouble(&self) -> Option<StoreError> {
        self.trouble.borrow().clone()
    }

    /// Whether the last commit carried so many arrivals that senders must be waiting.
    pub(super) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Relaxed)
    }

    /// Waits until everything queued so far is written and the file is closed and unlocked.
    pub(super) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.requests.send(Request::Close(closed)).await.is_ok() {
            // An error says that it is closed already.
            let _ = done.await;
        }
    }

    /// Queues a request and waits for its commit. With `refuse_when_full` a full queue answers
    /// at once instead of waiting for a place: for senders that will come again.
    pub(super) async fn ask<T>(
        &self,
        request: impl FnOnce(Reply<T>) -> Request,
        refuse_when_full: bool,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let request = request(reply);
        if refuse_when_full {
            self.requests
                .try_send(request)
                .map_err(|fault| match fault {
                    mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
                    mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
                })?;
            return match tokio::time::timeout(STALLED, answer).await {
                Ok(answer) => answer.map_err(|_| StoreError::Closed)?,
                Err(_) => Err(StoreError::Stalled),
            };
        }
        self.requests
            .send(request)
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// Starts the task. It ends, and the lock with it, when the last [`Queue`] is dropped.
pub(super) async fn start(
    mut connection: SqliteConnection,
    lock: File,
    clock: Arc<dyn Clock>,
    opening: Opening,
) -> Result<Queue, sqlx::Error> {
    let ids = Ids::load(&mut connection).await?;
    let (requests, incoming) = mpsc::channel(QUEUE);
    let (bell, wake) = watch::channel(0);
    let (local_bell, wake_local) = watch::channel(0);
    let (alarm, trouble) = watch::channel(None);
    let pressed = Arc::new(AtomicBool::new(false));
    let writer = Writer {
        pressed: Arc::clone(&pressed),
        connection,
        ids,
        clock,
        bell,
        local_bell,
        alarm,
        lock,
        litestream: opening.litestream,
        observer: opening.watch,
    };
    tokio::spawn(writer.run(incoming));
    Ok(Queue {
        requests,
        wake,
        wake_local,
        trouble,
        pressed,
    })
}

struct Writer {
    connection: SqliteConnection,
    ids: Ids,
    clock: Arc<dyn Clock>,
    bell: watch::Sender<u64>,
    local_bell: watch::Sender<u64>,
    alarm: watch::Sender<Option<StoreError>>,
    pressed: Arc<AtomicBool>,
    lock: File,
    litestream: bool,
    observer: Option<Arc<dyn CommitWatch>>,
}

impl Writer {
    async fn run(mut self, mut incoming: mpsc::Receiver<Request>) {
        while let Some(first) = incoming.recv().await {
            // No linger: whoever is ready to ask may do so now, and then the batch goes.
            tokio::task::yield_now().await;
            let mut requests = vec![first];
            requests.extend(std::iter::from_fn(|| incoming.try_recv().ok()).take(BATCH - 1));
            // What is no transaction comes between two of them.
            let alone = |request: &Request| matches!(request, Request::Close(_) | Request::Tidy(_));
            while let Some(at) = requests.iter().position(alone) {
                let mut after = requests.split_off(at);
                let request = after.remove(0);
                self.write_batch(std::mem::replace(&mut requests, after))
                    .await;
                match request {
                    Request::Tidy(reply) => {
                        drop(reply.send(tidy::tidy(&mut self.connection).await));
                    }
                    closing => return self.close(closing).await,
                }
            }
            self.write_batch(requests).await;
        }
    }

    async fn close(self, request: Request) {
        let Self {
            mut connection,
            lock,
            litestream,
            ..
        } = self;
        if !litestream {
            merge_log(&mut connection).await;
        }
        if let Err(fault) = connection.close().await {
            tracing::warn!(error = %fault, "the database was not closed cleanly");
        }
        drop(lock);
        if let Request::Close(closed) = request {
            // Whoever no longer waits does not matter.
            let _ = closed.send(());
        }
    }

    async fn write_batch(&mut self, requests: Vec<Request>) {
        if requests.is_empty() {
            return;
        }
        let started = self.clock.now();
        let size = requests.len();
        let arrivals = requests
            .iter()
            .filter(|request| matches!(request, Request::Arrive(..)));
        self.pressed
            .store(arrivals.count() >= PRESSED_FROM, Ordering::Relaxed);
        match self.commit(&requests).await {
            Ok((answers, wakes)) => {
                if requests.iter().any(Request::writes) {
                    self.alarm.send_if_modified(|alarm| alarm.take().is_some());
                }
                if wakes.delivery {
                    self.bell.send_modify(|count| *count += 1);
                }
                if wakes.local {
                    self.local_bell.send_modify(|count| *count += 1);
                }
                let seen = *self.bell.borrow();
                for (request, answer) in requests.into_iter().zip(answers) {
                    answer.give(request, seen);
                }
            }
            Err(fault) if size > 1 && fault.may_be_one_request() => {
                // One request that SQLite refuses must not fail its neighbours.
                for request in requests {
                    Box::pin(self.write_batch(vec![request])).await;
                }
                return;
            }
            Err(fault) => {
                tracing::warn!(error = %fault, requests = size, "a commit failed");
                if matches!(
                    fault,
                    StoreError::Full | StoreError::ReadOnly | StoreError::Disk
                ) {
                    self.alarm.send_replace(Some(fault.clone()));
                }
                refuse_all(requests, &fault);
            }
        }
        let took = self.clock.now().duration_since(started).as_secs_f64();
        metrics::histogram!(series::COMMIT_SECONDS).record(took);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a batch has at most 1,024 requests"
        )]
        metrics::histogram!(series::COMMIT_REQUESTS).record(size as f64);
    }

    async fn commit(&mut self, requests: &[Request]) -> Result<(Vec<Answer>, Wakes), StoreError> {
        self.observe(Moment::Begun, requests).await;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut self.connection)
            .await?;
        let written = self.write_all(requests).await;
        let written = match written {
            Ok(answers) => {
                self.observe(Moment::Written, requests).await;
                sqlx::query("COMMIT")
                    .execute(&mut self.connection)
                    .await
                    .map(|_| answers)
            }
            Err(fault) => Err(fault),
        };
        if written.is_err() {
            // Fails only when SQLite has rolled back by itself.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        }
        if written.is_ok() {
            self.observe(Moment::Committed, requests).await;
        }
        Ok(written?)
    }

    async fn observe(&self, moment: Moment, requests: &[Request]) {
        if let Some(observer) = &self.observer {
            observer.at(moment, Batch::of(requests)).await;
        }
    }

    async fn write_all(
        &mut self,
        requests: &[Request],
    ) -> Result<(Vec<Answer>, Wakes), sqlx::Error> {
        let now = self.clock.now();
        let mut plan = Plan::new(now);
        let mut known = arrivals::Known::load(&mut self.connection, requests).await?;
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(match request {
                Request::Arrive(arrival, trace, _) => {
                    let arrival = (&**arrival, trace.as_ref());
                    Answer::Arrived(plan.arrive(arrival, &mut known, &mut self.ids))
                }
                Request::Turn(settlements, ..) => {
                    for settlement in settlements.iter() {
                        plan.settle(settlement, &mut self.ids);
                    }
                    Answer::Done
                }
                Request::Write(changes, trace, _) => {
                    plan.change(changes, None, trace.as_ref(), &mut self.ids);
                    Answer::Done
                }
                // It sees what the rest of the batch wrote, so it comes after it.
                Request::Operate(..) | Request::Tidy(_) | Request::Close(_) => Answer::Done,
            });
        }
        let mut wakes = plan.write(&mut self.connection).await?;
        for (request, answer) in requests.iter().zip(&mut answers) {
            if let Request::Operate(operation, acting, _) = request {
                let (connection, ids) = (&mut self.connection, &mut self.ids);
                let acting = acting.as_deref();
                let effected = operate::run(connection, ids, operation, acting, now).await?;
                wakes = Wakes {
                    delivery: true,
                    local: true,
                };
                *answer = Answer::Operated(effected);
            }
        }
        // Last of all: whoever claims is told that they have seen this commit, and looks no more.
        for (request, answer) in requests.iter().zip(&mut answers) {
            if let Request::Turn(_, asks, _) = request {
                *answer = Answer::Claimed(claims::claim(&mut self.connection, asks).await?);
            }
        }
        Ok((answers, wakes))
    }
}

/// What a request gets once its batch is on disk.
enum Answer {
    Done,
    Arrived(Arrived),
    Claimed(Vec<Job>),
    Operated(operate::Effected),
}

impl Answer {
    /// Whoever no longer waits does not matter: the commit stands. `seen` counts the wake-ups up to
    /// and with this commit.
    fn give(self, request: Request, seen: u64) {
        match (request, self) {
            (Request::Arrive(.., reply), Self::Arrived(arrived)) => drop(reply.send(Ok(arrived))),
            (Request::Turn(_, _, reply), Self::Claimed(jobs)) => {
                drop(reply.send(Ok(Turned { jobs, seen })));
            }
            (Request::Operate(_, _, reply), Self::Operated(done)) => drop(reply.send(Ok(done))),
            (Request::Write(.., reply), _) => drop(reply.send(Ok(()))),
            (Request::Close(_) | Request::Tidy(_), _) => {}
            (Request::Arrive(..) | Request::Turn(..) | Request::Operate(..), _) => {
                unreachable!("write_all answers every request in its own kind")
            }
        }
    }
}

fn refuse_all(requests: Vec<Request>, fault: &StoreError) {
    for request in requests {
        let fault = fault.clone();
        match request {
            Request::Arrive(.., reply) => drop(reply.send(Err(fault))),
            Request::Turn(_, _, reply) => drop(reply.send(Err(fault))),
            Request::Write(.., reply) => drop(reply.send(Err(fault))),
            Request::Operate(_, _, reply) => drop(reply.send(Err(fault))),
            Request::Close(_) | Request::Tidy(_) => {}
        }
    }
}

/// Moves the log into the file. SQLite would do it when its last connection closes, but ours are the
/// readers', and those may not write: the file alone must hold everything.
async fn merge_log(connection: &mut SqliteConnection) {
    let merged = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(connection)
        .await;
    if let Err(fault) = merged {
        tracing::warn!(error = %fault, "the write-ahead log stays beside the database");
    }
}
