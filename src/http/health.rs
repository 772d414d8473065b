//! `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, http::header};
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

/// Prometheus text.
pub(super) async fn metrics(State(edge): State<Arc<Edge>>) -> Response {
    let Some(metrics) = &edge.metrics else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if let Ok(queue) = edge.context.store.queue_state().await {
        let now = edge.context.clock.now();
        let age = queue
            .oldest_due_at
            .map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a gauge needs no 53rd bit")]
        for (name, value) in [
            ("open", queue.open),
            ("held", queue.held),
            ("dead", queue.dead),
        ] {
            metrics::gauge!("qiao_outbox_rows", "state" => name).set(value as f64);
        }
        metrics::gauge!("qiao_outbox_oldest_due_seconds").set(age.max(0.0));
    }
    if let Ok(backups) = edge.context.store.backup_state().await {
        let age = |at| edge.context.clock.now().duration_since(at).as_secs_f64();
        // Without one there is no number that would be true.
        if let Some(at) = backups.newest_at {
            metrics::gauge!("qiao_backup_age_seconds").set(age(at).max(0.0));
        }
        if let Some(at) = backups.sound_drill_at {
            metrics::gauge!("qiao_restore_drill_age_seconds").set(age(at).max(0.0));
        }
        #[expect(clippy::cast_precision_loss, reason = "a gauge needs no 53rd bit")]
        metrics::gauge!("qiao_backups_damaged").set(backups.damaged as f64);
    }
    for remote in edge.engine.report() {
        let paused = f64::from(u8::from(remote.paused.is_some()));
        metrics::gauge!("qiao_remote_paused", "remote" => remote.name).set(paused);
    }
    let Some(text) = metrics.render() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response()
}
