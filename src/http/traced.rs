//! The trace of what comes in: the sender's where it has one, else a new one.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::Edge;
use crate::kit::trace::{TRACEPARENT, TraceId, within};

/// Answers a request under its trace. There is no span of the log here: a push writes no line
/// unless it is refused, and that line names the trace.
pub(super) async fn traced(
    State(edge): State<Arc<Edge>>,
    request: Request,
    next: Next,
) -> Response {
    let random = &edge.context.random;
    let given = request.headers().get(TRACEPARENT);
    let given = given.and_then(|header| TraceId::of_header(header.to_str().ok()?));
    let trace = given.unwrap_or_else(|| TraceId::made(random));
    within(Some(trace), random, next.run(request)).await
}
