//! All routes on one screen.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use tokio::sync::Semaphore;

use super::guard::LogLimit;
use super::kinds::Kinds;
use super::metrics::Metrics;
use super::oauth::EXCHANGES;
use super::scrape::Reasons;
use super::{app, c4c, health, replies, scrape, wechat};
use crate::effects::Context;
use crate::outbox::Engine;

/// A push of WeChat is a few hundred bytes; compatible mode triples it (design.md 5).
const WECHAT_BODY: usize = 64 * 1024;

/// A notification with enhanced payload lists every changed field (design.md 5).
const NOTIFICATION_BODY: usize = 256 * 1024;

/// An answer is a form whose every Chinese character takes nine bytes (design.md 5).
const REPLY_BODY: usize = crate::c4c::reply::MAX_BODY;

/// What the handlers of routes share.
#[derive(Debug)]
pub struct Edge {
    /// Store, clock, configuration.
    pub context: Context,
    /// For `/readyz`.
    pub engine: Engine,
    /// For `/metrics`.
    pub metrics: Option<Metrics>,
    /// Keeps a stream of bad requests from filling the log.
    pub(super) log: LogLimit,
    /// What has been pushed.
    pub(super) kinds: Kinds,
    /// Places for those who wait to hear from WeChat who they are.
    pub(super) exchanges: Semaphore,
    /// Why effects were held.
    pub(super) reasons: Reasons,
}

impl Edge {
    /// Puts the parts together.
    pub fn new(context: Context, engine: Engine, metrics: Option<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            context,
            engine,
            metrics,
            log: LogLimit::default(),
            kinds: Kinds::default(),
            exchanges: Semaphore::new(EXCHANGES),
            reasons: Reasons::default(),
        })
    }
}

/// What the world may reach. The path of `public_url` prefixes everything.
pub fn public_router(edge: Arc<Edge>, with_admin: bool) -> Router {
    let prefix = edge
        .context
        .live()
        .config
        .server
        .public_url
        .path()
        .trim_end_matches('/')
        .to_owned();
    let mut router = Router::new()
        .route(
            "/wechat/{account}",
            get(wechat::verify)
                .post(wechat::push)
                .layer(DefaultBodyLimit::max(WECHAT_BODY)),
        )
        .route("/c4c/{tenant}/notifications", notifications())
        .route("/c4c/{tenant}/notifications/{key}", notifications())
        .route("/c4c/{tenant}/replies", replies_of_agents())
        .route("/c4c/{tenant}/replies/{key}", replies_of_agents())
        .merge(app::routes(&edge))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    if with_admin {
        router = router.merge(admin_routes());
    }
    let router = router.with_state(edge);
    if prefix.is_empty() {
        router
    } else {
        Router::new().nest(&prefix, router)
    }
}

/// What only operators may reach, when `admin_listen` is set.
pub fn admin_router(edge: Arc<Edge>) -> Router {
    admin_routes().with_state(edge)
}

fn admin_routes() -> Router<Arc<Edge>> {
    Router::new().route("/metrics", get(scrape::metrics))
}

fn replies_of_agents() -> axum::routing::MethodRouter<Arc<Edge>> {
    get(c4c::probe)
        .post(replies::reply)
        .layer(DefaultBodyLimit::max(REPLY_BODY))
}

fn notifications() -> axum::routing::MethodRouter<Arc<Edge>> {
    get(c4c::probe)
        .post(c4c::notify)
        .layer(DefaultBodyLimit::max(NOTIFICATION_BODY))
}
