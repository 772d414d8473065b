//! A push taken apart, in one process and without HTTP: what reading it costs, and what committing its
//! rows does. `qiao bench serve apart`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::intake::CROWD;
use super::process;
use super::pushes::plain_parts;
use crate::app::{Parts, transport};
use crate::config::{Environment, load};
use crate::domain::ids::AccountId;
use crate::kit::clock::{Clock as _, SystemClock};
use crate::kit::random::Random;
use crate::store::{Arrival, Store};
use crate::wechat::query::PushQuery;
use crate::wechat::receive::open_push;

/// As sqlx names the threads on which SQLite runs.
const SQLITE: &str = "sqlx-sqlite";

/// What to take apart.
#[derive(Debug, clap::Args)]
pub(super) struct Apart {
    /// The daemon's configuration
    file: PathBuf,
    /// How many pushes
    pushes: u64,
    /// Pushes of one commit
    batch: usize,
}

/// What one push costs, in microseconds of processor time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Costs {
    /// Its query, signature and XML, and the decision on what follows.
    pub(super) reading: f64,
    /// Its rows, from the writer's queue until they are on disk.
    pub(super) committing: f64,
    /// What SQLite's own thread takes of that: statements, B-trees, write-ahead log, sync.
    pub(super) sqlite: f64,
}

/// Reads pushes, then commits them, and prints [`Costs`].
pub(super) async fn measure(apart: &Apart) -> anyhow::Result<()> {
    let config = load(Some(&apart.file), &Environment::of_process())?.config;
    let clock = Arc::new(SystemClock);
    let store = Store::open(&config.database.path, clock.clone()).await?;
    let transport = transport(&config.outbound)?;
    let random = Random::from_system();
    let parts = Parts::assemble(config, store.clone(), clock, random, transport).await?;
    let live = parts.context.live();
    let id = AccountId::new("main");
    let keys = live.keys.get(&id).context("the account of the benchmark")?;
    let now = SystemClock.now();
    let posted: Vec<_> = (0..apart.pushes)
        .map(|number| plain_parts(CROWD, number, now))
        .collect();
    let mut arrivals = Vec::with_capacity(posted.len());
    let reading = cost(apart.pushes, async {
        for (query, body) in &posted {
            let received = open_push(keys, &PushQuery::parse(query), body.as_bytes())?;
            let arrival = parts
                .context
                .arrival(&live, &id, &received.push, &received.xml);
            arrivals.push(arrival.await?);
        }
        Ok(())
    });
    let reading = reading.await?;
    let before = process::usage_of_threads(SQLITE)?;
    let committing = cost(apart.pushes, commit(&store, arrivals, apart.batch)).await?;
    let sqlite = each(
        apart.pushes,
        process::usage_of_threads(SQLITE)?.saturating_sub(before),
    );
    store.close().await;
    let costs = Costs {
        reading,
        committing,
        sqlite,
    };
    println!("{}", serde_json::to_string(&costs)?);
    Ok(())
}

/// Commits them so many at once, as so many connections would.
async fn commit(store: &Store, arrivals: Vec<Arrival>, batch: usize) -> anyhow::Result<()> {
    let mut arrivals = arrivals.into_iter();
    while arrivals.len() > 0 {
        let mut waiting: JoinSet<_> = arrivals
            .by_ref()
            .take(batch)
            .map(|arrival| {
                let store = store.clone();
                async move { store.arrive(arrival).await }
            })
            .collect();
        while let Some(arrived) = waiting.join_next().await {
            arrived??;
        }
    }
    Ok(())
}

/// The processor time that each of so many took, in microseconds.
async fn cost(count: u64, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<f64> {
    let before = process::usage("self")?.cpu;
    work.await?;
    let took = process::usage("self")?.cpu.saturating_sub(before);
    Ok(each(count, took))
}

/// Microseconds for one of so many.
fn each(count: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "thousands, not 2^53")]
    let count = count as f64;
    took.as_secs_f64() * 1e6 / count
}
