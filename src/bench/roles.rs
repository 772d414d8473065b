//! The servers that a measurement needs beside the daemon, each a process of its own:
//! `qiao bench serve ROLE`. Each prints one line, where it listens, and serves until SIGTERM.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::apart::{self, Apart};
use super::drain::{self, Bare, Drain};
use super::platforms;
use crate::app::{Parts, transport};
use crate::config::{Environment, load};
use crate::http::{Edge, public_router};
use crate::kit::clock::SystemClock;
use crate::kit::random::Random;
use crate::store::Store;

/// What a child process of a measurement is.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Role {
    /// Reads each body and answers `success`: nothing that speaks HTTP here can be faster
    Ceiling,
    /// The daemon's routes on its database, with an engine that stands still
    Intake {
        /// The daemon's configuration
        file: PathBuf,
    },
    /// Reads and commits pushes without HTTP
    Apart(Apart),
    /// Takes deliveries and keeps count of them
    Sink {
        /// How long it takes over each
        #[arg(long, default_value_t = 0)]
        millis: u64,
    },
    /// Both platforms, as a reconciliation of many followers asks them
    Platforms {
        /// How many
        #[arg(long)]
        followers: u64,
    },
    /// Delivers everything that waits in a database to a sink, through the engine
    Drain(Drain),
    /// Delivers as much to a sink without a database
    Bare(Bare),
}

/// Plays a role to its end.
pub(super) async fn play(role: Role) -> anyhow::Result<()> {
    match role {
        Role::Ceiling => serve(Router::new().fallback(acknowledge)).await,
        Role::Intake { file } => intake(file).await,
        Role::Apart(apart) => apart::measure(&apart).await,
        Role::Sink { millis } => serve(sink(Duration::from_millis(millis))).await,
        Role::Platforms { followers } => serve(platforms::router(followers)).await,
        Role::Drain(drain) => drain::through_the_engine(&drain).await,
        Role::Bare(bare) => drain::without_a_database(&bare).await,
    }
}

async fn acknowledge(body: Bytes) -> &'static str {
    // The body is what there is to be read; the answer is the same for all.
    drop(body);
    "success"
}

async fn intake(file: PathBuf) -> anyhow::Result<()> {
    let config = load(Some(&file), &Environment::of_process())?.config;
    let clock = Arc::new(SystemClock);
    let store = Store::open(&config.database.path, clock.clone()).await?;
    let transport = transport(&config.outbound)?;
    let random = Random::from_system();
    let parts = Parts::assemble(config, store.clone(), clock, random, transport).await?;
    let edge = Edge::new(parts.context, parts.engine, None);
    serve(public_router(edge, false)).await?;
    store.close().await;
    Ok(())
}

/// What a sink has seen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Received {
    /// Deliveries in the order of their lane.
    pub(super) in_order: u64,
    /// Deliveries that had come before.
    pub(super) repeated: u64,
    /// Deliveries that came before an earlier one of their lane.
    pub(super) too_early: u64,
}

#[derive(Default)]
struct Sink {
    wait: Duration,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The next number of each lane.
    next: HashMap<u64, u64>,
    received: Received,
}

fn sink(wait: Duration) -> Router {
    let sink = Sink {
        wait,
        ..Sink::default()
    };
    Router::new()
        .route("/", post(take))
        .route("/received", get(received))
        .with_state(Arc::new(sink))
}

async fn take(State(sink): State<Arc<Sink>>, body: Bytes) -> &'static str {
    if let Some((lane, number)) = drain::lane_and_number(&body) {
        sink.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .count(lane, number);
    }
    if sink.wait > Duration::ZERO {
        tokio::time::sleep(sink.wait).await;
    }
    "ok"
}

async fn received(State(sink): State<Arc<Sink>>) -> Json<Received> {
    Json(
        sink.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .received,
    )
}

impl Seen {
    fn count(&mut self, lane: u64, number: u64) {
        let next = self.next.entry(lane).or_default();
        let place = match number.cmp(next) {
            std::cmp::Ordering::Less => &mut self.received.repeated,
            std::cmp::Ordering::Equal => &mut self.received.in_order,
            std::cmp::Ordering::Greater => &mut self.received.too_early,
        };
        *place += 1;
        *next = (*next).max(number + 1);
    }
}

async fn serve(router: Router) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    // Heeded from before anybody knows of us.
    let mut terminate = signal(SignalKind::terminate())?;
    println!("{}", serde_json::to_string(&listener.local_addr()?)?);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = async { axum::serve(listener, service).await } => served.context("serving"),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_tells_what_is_repeated_or_too_early() {
        let mut seen = Seen::default();
        for (lane, number) in [(1, 0), (2, 0), (1, 1), (1, 1), (1, 2), (2, 2), (2, 1)] {
            seen.count(lane, number);
        }
        let expected = Received {
            in_order: 4,
            repeated: 2,
            too_early: 1,
        };
        assert_eq!(seen.received, expected);
    }
}
