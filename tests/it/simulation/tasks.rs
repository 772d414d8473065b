//! Tasks, and how one is driven while nothing else is.
//!
//! A task runs until it ends or waits: at a gate, or for another task. While it waits for the
//! database it is waited for, so the order of reads and commits follows from the scheduler's
//! choices alone, although SQLite answers from threads.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use jiff::Timestamp;
use qiao::domain::ids::AccountId;
use qiao::store::{Store, TokenKind};
use qiao_sim::wire;
use tokio::sync::Notify;
use tokio::task::unconstrained;

use super::commits::Commits;
use super::network::{Far, Network};

/// How long the database gets before it is asked whether it has anything to do. It decides on
/// speed only, never on what happens.
const SOON: Duration = Duration::from_millis(1);

/// What a task does.
#[derive(Debug, Clone)]
pub enum Work {
    /// A push or notification on its way through the edge.
    Push {
        from: Far,
        push: wire::Push,
        /// When its sender gives up.
        gives_up_at: Timestamp,
    },
    /// One attempt of an effect.
    Attempt(Effect),
    /// One turn of local decisions.
    Decisions,
    /// A job of the timetable.
    Job,
    /// An order of an operator.
    Order,
}

/// The effect that an attempt is made of.
#[derive(Debug, Clone)]
pub struct Effect {
    pub id: i64,
    pub name: String,
    pub claimed_at: Timestamp,
    /// Whether, at that instant, Qiao had not heard of everything its follower had done.
    pub unsure: bool,
    /// Whether it had expired by then.
    pub expired: bool,
}

/// What a task came to.
pub enum Ended {
    Push(wire::Response),
    Attempt,
    Told(Result<String, String>),
}

pub struct Task {
    pub id: u64,
    pub work: Work,
    future: Pin<Box<dyn Future<Output = Ended>>>,
    flag: Arc<Flag>,
}

/// Raised when a task can go on.
struct Flag {
    raised: AtomicBool,
    rises: Notify,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.raised.store(true, Ordering::Release);
        self.rises.notify_one();
    }
}

impl Flag {
    fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    async fn raised(&self) {
        while !self.is_raised() {
            self.rises.notified().await;
        }
    }
}

impl Task {
    pub fn new(id: u64, work: Work, future: impl Future<Output = Ended> + 'static) -> Self {
        Self {
            id,
            work,
            future: Box::pin(unconstrained(future)),
            flag: Arc::new(Flag {
                raised: AtomicBool::new(true),
                rises: Notify::new(),
            }),
        }
    }

    /// Whether it can go on.
    pub fn can_go_on(&self) -> bool {
        self.flag.is_raised()
    }

    /// Drives it until it ends, or waits for something that is not the database.
    pub async fn drive(
        &mut self,
        network: &Network,
        commits: &Commits,
        store: &Store,
    ) -> Option<Ended> {
        network.driven_by(self.id);
        loop {
            self.flag.raised.store(false, Ordering::Release);
            let before = network.len();
            if let Poll::Ready(ended) = self.poll() {
                return Some(ended);
            }
            if network.len() > before {
                return None;
            }
            let woken = tokio::time::timeout(SOON, self.flag.raised()).await.is_ok();
            if !woken && !self.woken_by_database(commits, store).await {
                return None;
            }
            // Lets the runtime do what else has come up, such as giving a connection back.
            tokio::task::yield_now().await;
        }
    }

    fn poll(&mut self) -> Poll<Ended> {
        let waker = Waker::from(Arc::clone(&self.flag));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Waits until the database has done what this task may have asked of it, and tells whether
    /// that woke it. The store has one reader and one writer, each serving in order: while the
    /// task is owed a row or a commit, a read or a commit behind it cannot come back first.
    async fn woken_by_database(&self, commits: &Commits, store: &Store) -> bool {
        let fence = async {
            read_nothing(store).await;
            tokio::select! {
                biased;
                () = commits.until_held() => {}
                () = write_nothing(store) => {}
            }
        };
        tokio::select! {
            biased;
            () = self.flag.raised() => return true,
            () = fence => {}
        }
        // The fence may have come back in the same moment as the task's own answer before it.
        self.flag.is_raised()
    }
}

async fn read_nothing(store: &Store) {
    store
        .token(&AccountId::new("nobody"), TokenKind::AccessToken)
        .await
        .expect("the database can be read");
}

/// Comes back when all that was to be written before it has been.
pub async fn write_nothing(store: &Store) {
    store
        .give_back(Vec::new())
        .await
        .expect("the database can be written");
}

/// Lets everything else on the runtime run once.
pub async fn breathe() {
    let mut first = true;
    poll_fn(|context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
