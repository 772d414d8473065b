//! `/healthz`, `/readyz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Edge;
use crate::doctor::{Language, Readiness, readiness};

/// The process runs and answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether pushes can be taken, with the reasons; and what is paused, which refuses nobody.
pub(super) async fn ready(State(edge): State<Arc<Edge>>) -> Response {
    let report = edge.engine.report();
    let probe = edge.context.store.probe().await;
    let checks = readiness(&Readiness {
        probe: probe.as_ref().map_err(ToString::to_string),
        remotes: &report,
        database: edge.context.store.path(),
        now: edge.context.clock.now(),
    });
    let checks: Vec<_> = checks.iter().map(|row| row.json(Language::En)).collect();
    let remotes: Vec<_> = report
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
    let (status, body) = match probe {
        Ok(queue) => (
            StatusCode::OK,
            json!({
                "ready": true,
                "reasons": [],
                "queue": { "open": queue.open, "held": queue.held, "dead": queue.dead },
                "remotes": remotes,
                "checks": checks,
            }),
        ),
        Err(fault) => (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({
                "ready": false,
                "reasons": [fault.to_string()],
                "remotes": remotes,
                "checks": checks,
            }),
        ),
    };
    (status, Json(body)).into_response()
}
