//! `/healthz`, `/readyz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Edge;

/// The process runs and answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether pushes can be taken, with the reasons; and what is paused, which refuses nobody.
pub(super) async fn ready(State(edge): State<Arc<Edge>>) -> Response {
    let remotes: Vec<_> = edge
        .engine
        .report()
        .into_iter()
        .map(|remote| {
            json!({
                "remote": remote.name,
                "paused": remote.paused,
                "until": remote.until.map(|at| at.to_string()),
                "running": remote.running,
            })
        })
        .collect();
    let (status, body) = match edge.context.store.probe().await {
        Ok(queue) => (
            StatusCode::OK,
            json!({
                "ready": true,
                "reasons": [],
                "queue": { "open": queue.open, "held": queue.held, "dead": queue.dead },
                "remotes": remotes,
            }),
        ),
        Err(fault) => (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "ready": false, "reasons": [fault.to_string()], "remotes": remotes }),
        ),
    };
    (status, Json(body)).into_response()
}
