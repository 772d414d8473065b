//! Delivering a full outbox: through the real engine and store, or bare, without a database.
//!
//! Both send the same 200 bytes with the same HTTP client to the same sink.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::process::{self, Usage};
use super::site;
use crate::app::transport;
use crate::config::Outbound;
use crate::domain::rows::{Changes, NewEffect};
use crate::domain::verdict::{Failure, Verdict};
use crate::kit::clock::SystemClock;
use crate::kit::random::Random;
use crate::kit::transport::{BoxFuture, Method, Request, Transport};
use crate::outbox::{Ahead, Engine, Handler, Handlers, Outcome, Remote};
use crate::store::Job;

const EFFECT: &str = "bench.post";
const REMOTE: &str = "bench";

/// Rows claimed ahead for each attempt at once: calls of a local sink take a fraction of a commit.
const AHEAD: usize = 16;

/// Bytes of a delivery.
const BODY: usize = 200;

/// Rows that one transaction of the preparation writes.
const CHUNK: u64 = 2000;

/// A sink that does not answer within it is broken.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often the outbox is looked at once everything has been delivered.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A drain through the engine.
#[derive(Debug, clap::Args)]
pub(super) struct Drain {
    /// The database
    database: PathBuf,
    /// How many effects wait
    rows: u64,
    /// Attempts at once
    slots: u32,
    /// Where deliveries go; without it nobody is called
    #[arg(long)]
    sink: Option<String>,
}

/// A drain without a database.
#[derive(Debug, clap::Args)]
pub(super) struct Bare {
    /// Where deliveries go
    sink: String,
    /// How many
    rows: u64,
    /// At once
    slots: u32,
}

/// What a drain tells of itself.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Drained {
    /// Deliveries a second, the commit of the last one's outcome included.
    pub(super) rate: f64,
    /// Processor time of one, in microseconds.
    pub(super) cpu: f64,
    /// Resident memory before, MiB.
    pub(super) idle: f64,
    /// The most it was.
    pub(super) peak: f64,
}

impl Drained {
    #[expect(clippy::cast_precision_loss, reason = "rows are thousands, not 2^53")]
    fn new(rows: u64, took: Duration, before: Usage, after: Usage) -> Self {
        let rows = rows as f64;
        Self {
            rate: rows / took.as_secs_f64(),
            cpu: (after.cpu.saturating_sub(before.cpu)).as_secs_f64() * 1e6 / rows,
            idle: before.resident,
            peak: after.peak,
        }
    }
}

/// Fills the outbox: effects that go around the lanes, as a sending to everybody does.
pub(super) async fn fill(database: &Path, rows: u64, lanes: u64) -> anyhow::Result<()> {
    let store = site::open(database).await?;
    for first in (0..rows).step_by(usize::try_from(CHUNK)?) {
        let effects = (first..rows.min(first + CHUNK)).map(|row| {
            let (lane, number) = (row % lanes, row / lanes);
            let payload = json!({ "lane": lane, "number": number });
            NewEffect::new(format!("bench:{lane}"), EFFECT, REMOTE, &payload)
        });
        let changes = Changes {
            effects: effects.collect(),
            ..Changes::none()
        };
        store.write(changes).await?;
    }
    store.close().await;
    Ok(())
}

/// Which delivery of which lane a body is.
pub(super) fn lane_and_number(body: &[u8]) -> Option<(u64, u64)> {
    let mut words = std::str::from_utf8(body).ok()?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Delivers everything that waits, and prints a [`Drained`].
pub(super) async fn through_the_engine(drain: &Drain) -> anyhow::Result<()> {
    let store = site::open(&drain.database).await?;
    let delivered = Arc::new(Delivered {
        left: AtomicU64::new(drain.rows),
        all: Notify::new(),
    });
    let post = Post {
        poster: drain.sink.as_deref().map(Poster::new).transpose()?,
        delivered: Arc::clone(&delivered),
    };
    let mut handlers = Handlers::default();
    handlers.remote.insert(EFFECT, Arc::new(post));
    let remote = Remote {
        name: REMOTE.to_owned(),
        slots: usize::try_from(drain.slots)?,
        ahead: AHEAD * usize::try_from(drain.slots)?,
        closure: None,
    };
    let clock = Arc::new(SystemClock);
    let random = Random::from_system();
    let engine = Engine::new(store.clone(), clock, random, vec![remote], handlers);
    let stop = CancellationToken::new();
    let before = process::usage("self")?;
    let began = Instant::now();
    let running = tokio::spawn({
        let (engine, stop) = (engine.clone(), stop.clone());
        async move { engine.run(stop).await }
    });
    delivered.all.notified().await;
    while store.queue_state().await?.open > 0 {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let drained = Drained::new(drain.rows, began.elapsed(), before, process::usage("self")?);
    stop.cancel();
    running.await?;
    store.close().await;
    println!("{}", serde_json::to_string(&drained)?);
    Ok(())
}

/// Delivers as many without a database, and prints a [`Drained`].
pub(super) async fn without_a_database(bare: &Bare) -> anyhow::Result<()> {
    let poster = Arc::new(Poster::new(&bare.sink)?);
    let next = Arc::new(AtomicU64::new(0));
    let before = process::usage("self")?;
    let began = Instant::now();
    let callers: Vec<_> = (0..bare.slots)
        .map(|_| {
            let (poster, next, rows) = (Arc::clone(&poster), Arc::clone(&next), bare.rows);
            tokio::spawn(async move {
                loop {
                    let lane = next.fetch_add(1, Ordering::Relaxed);
                    if lane >= rows {
                        return Ok(());
                    }
                    poster.post(lane, 0).await?;
                }
            })
        })
        .collect();
    for caller in callers {
        caller
            .await?
            .map_err(|failure: Failure| anyhow::anyhow!(failure.message))?;
    }
    let drained = Drained::new(bare.rows, began.elapsed(), before, process::usage("self")?);
    println!("{}", serde_json::to_string(&drained)?);
    Ok(())
}

/// Sends deliveries with the client that the daemon uses.
struct Poster {
    transport: Arc<dyn Transport>,
    sink: String,
}

impl Poster {
    fn new(sink: &str) -> anyhow::Result<Self> {
        Ok(Self {
            transport: transport(&Outbound::default())?,
            sink: sink.to_owned(),
        })
    }

    async fn post(&self, lane: u64, number: u64) -> Result<(), Failure> {
        let mut body = format!("{lane} {number} ").into_bytes();
        body.resize(BODY, b'.');
        let request = Request {
            method: Method::Post,
            url: self.sink.clone(),
            headers: vec![("content-type", "text/plain".to_owned())],
            body,
            timeout: TIMEOUT,
        };
        let failed = |message: String| Failure::new(Verdict::Transient, message);
        match self.transport.send(request).await {
            Ok(answer) if answer.status == 200 => Ok(()),
            Ok(answer) => Err(failed(format!("the sink answered {}", answer.status))),
            Err(fault) => Err(failed(fault.to_string())),
        }
    }
}

struct Delivered {
    left: AtomicU64,
    all: Notify,
}

struct Post {
    /// `None`: a delivery ends at once.
    poster: Option<Poster>,
    delivered: Arc<Delivered>,
}

impl Post {
    async fn deliver(&self, job: &Job) -> anyhow::Result<()> {
        let payload: serde_json::Value = serde_json::from_str(&job.payload)?;
        let field = |name| {
            payload[name]
                .as_u64()
                .context("a payload of this benchmark")
        };
        if let Some(poster) = &self.poster {
            let posted = poster.post(field("lane")?, field("number")?).await;
            posted.map_err(|failure| anyhow::anyhow!(failure.message))?;
        }
        ensure!(!job.uncertain, "nothing was cut off here");
        if self.delivered.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.delivered.all.notify_one();
        }
        Ok(())
    }
}

impl Handler for Post {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.deliver(job).await {
                Ok(()) => Outcome::done(),
                Err(fault) => Outcome::failed(Failure::new(Verdict::Transient, fault.to_string())),
            }
        })
    }

    /// As of every effect whose repeat the far side knows: the sink knows lane and number.
    fn ahead(&self) -> Ahead {
        Ahead::Rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_tells_its_lane_and_number() {
        assert_eq!(lane_and_number(b"17 3 ....."), Some((17, 3)));
        assert_eq!(lane_and_number(b"nonsense"), None);
    }
}
