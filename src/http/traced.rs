//! The trace of what comes in: the sender's where it has one, else a new one.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Edge;
use crate::kit::random::Random;
use crate::kit::trace::{TRACEPARENT, TraceId, within};

/// The trace under which a request is answered. There is no span of the log here: a push writes no line
/// unless it is refused, and that line names the trace.
pub(super) struct Traced {
    trace: TraceId,
    random: Random,
}

impl Traced {
    /// Does the work of the request under its trace. It goes into a box first: it is large, and would be
    /// moved on each of the layers between here and its poll.
    pub(super) fn around<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        let work = Box::pin(work);
        async move { within(Some(self.trace), &self.random, work).await }
    }
}

impl FromRequestParts<Arc<Edge>> for Traced {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        edge: &Arc<Edge>,
    ) -> Result<Self, Self::Rejection> {
        let random = edge.context.random.clone();
        let given = parts.headers.get(TRACEPARENT);
        let given = given.and_then(|header| TraceId::of_header(header.to_str().ok()?));
        let trace = given.unwrap_or_else(|| TraceId::made(&random));
        Ok(Self { trace, random })
    }
}
