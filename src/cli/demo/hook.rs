//! An answer hook, as a company would run one: it knows where orders are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What it answers to everything.
pub(super) const ANSWER: &str = "您的订单已发货，预计明天送达。";

/// A running hook. Dropping it stops it.
pub(super) struct Hook {
    /// Where it is asked.
    pub(super) url: String,
    asked: Arc<AtomicU64>,
    _stop_on_drop: DropGuard,
}

impl Hook {
    /// Starts it on a free port.
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/answer", listener.local_addr()?);
        let asked = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&asked);
        let answer = async move || -> Json<Value> {
            counter.fetch_add(1, Ordering::Relaxed);
            Json(json!({ "text": ANSWER }))
        };
        let router = Router::new().route("/answer", post(answer));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await
        });
        Ok(Self {
            url,
            asked,
            _stop_on_drop: stop.drop_guard(),
        })
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}
