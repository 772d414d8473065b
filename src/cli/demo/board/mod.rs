//! The page with two sides, `/demo`: a phone, a C4C screen, and between them the rows that move.
//!
//! It owns the listener of the page, what may be done there, and what is shown of the simulators and of the
//! daemon's database. It is served by the demo's process, which outlives the daemon and has both simulators. It must
//! not write that database. Start reading at [`serve`]; [`acts`] is what the buttons do, [`live`] what the page
//! is told, [`door`] who may come in.

mod acts;
mod agent;
mod cast;
mod counts;
mod desk;
mod door;
mod files;
mod follower;
mod live;
mod phone;
mod pictures;
mod trouble;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Redirect;
use axum::routing::{get, post};
use qiao_sim::c4c::C4c;
use qiao_sim::shell::Server;
use qiao_sim::wechat::WeChat;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::cast::Cast;
use self::trouble::Troubles;
use crate::store::Store;

/// A picture of two megabytes in base64, and some words.
const MOST_BYTES: usize = 3 << 20;

/// Longest text of anybody, characters: what fits into a chat.
const MOST_TEXT: usize = 600;

/// Pages that are open at once: each looks at the database several times a second.
const MOST_PAGES: usize = 8;

/// What only the owner of the daemon's process can do.
pub(super) enum Order {
    /// `kill -9`.
    Kill(oneshot::Sender<bool>),
    /// Starts it again on the same database.
    Start(oneshot::Sender<bool>),
    /// SIGHUP: what an operator sends after a repair, so that nobody waits for the next probe.
    Reload(oneshot::Sender<bool>),
}

/// How the daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Daemon {
    /// It runs.
    pub(super) up: bool,
    /// How often it was killed.
    pub(super) kills: u32,
    /// The story is being played: nobody else may act.
    pub(super) in_story: bool,
}

/// What the page is made of.
pub(super) struct Parts {
    /// WeChat.
    pub(super) wechat: Arc<Server<WeChat>>,
    /// C4C.
    pub(super) c4c: Arc<Server<C4c>>,
    /// The daemon's database, read beside it.
    pub(super) store: Store,
    /// Where the daemon is reached, without a slash at the end.
    pub(super) daemon_url: String,
    /// Orders to who owns the daemon.
    pub(super) orders: mpsc::Sender<Order>,
    /// How the daemon is.
    pub(super) daemon: watch::Receiver<Daemon>,
}

/// The page's server. Dropping it ends it.
pub(super) struct Page {
    /// What to open.
    pub(super) url: String,
    _stop_on_drop: DropGuard,
}

/// What all handlers share.
struct Board {
    parts: Parts,
    /// Where the page is: `http://127.0.0.1:PORT`.
    origin: String,
    /// Other machines may come, by whatever name.
    is_open: bool,
    cast: Mutex<Cast>,
    troubles: Mutex<Troubles>,
    pages: Arc<Semaphore>,
}

impl Board {
    fn cast(&self) -> MutexGuard<'_, Cast> {
        self.cast.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves the page on `listener` until what it gives is dropped. `origin` is where the page is found.
pub(super) fn serve(listener: TcpListener, origin: &str, parts: Parts) -> Page {
    let is_open = listener
        .local_addr()
        .is_ok_and(|address| !address.ip().is_loopback());
    let board = Arc::new(Board {
        parts,
        origin: origin.to_owned(),
        is_open,
        cast: Mutex::default(),
        troubles: Mutex::default(),
        pages: Arc::new(Semaphore::new(MOST_PAGES)),
    });
    board
        .parts
        .wechat
        .with(|wechat, _, rng| board.cast().invite(wechat, rng));
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let router = router(board);
    tokio::spawn(async move {
        // Pages that are open would keep it waiting for ever, so it ends with what they hold.
        tokio::select! {
            () = stopped => {}
            _ = axum::serve(listener, router) => {}
        }
    });
    Page {
        url: format!("{origin}/demo"),
        _stop_on_drop: stop.drop_guard(),
    }
}

fn router(board: Arc<Board>) -> Router {
    Router::new()
        .route("/", get(async || Redirect::to("/demo")))
        .route("/demo", get(files::index))
        .route("/demo/{file}", get(files::file))
        .route("/demo/live", get(live::live))
        .route("/demo/picture/{whose}/{number}", get(pictures::picture))
        .route("/demo/act/{act}", post(acts::act))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&board),
            door::guarded,
        ))
        .with_state(board)
}
