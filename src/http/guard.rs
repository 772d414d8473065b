//! What every route needs: refusals that are counted and logged sparingly, and who is calling.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::ExtensionRejection;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};

use super::Edge;
use crate::domain::series;
use crate::kit::trace::{self, TraceId};
use crate::store::StoreError;

/// One line a reason in this time; the rest is counted in the metrics.
const QUIET: SignedDuration = SignedDuration::from_secs(10);

/// Lets one log line a reason through, and tells how many it swallowed since.
#[derive(Debug, Default)]
pub(super) struct LogLimit(Mutex<HashMap<&'static str, (Timestamp, u64)>>);

impl LogLimit {
    /// How many lines were swallowed before this one; `None` to swallow this one too.
    fn pass(&self, reason: &'static str, now: Timestamp) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match lines.get_mut(reason) {
            Some((last, swallowed)) if now.duration_since(*last) < QUIET => {
                *swallowed += 1;
                None
            }
            Some(line) => Some(std::mem::replace(line, (now, 0)).1),
            None => {
                lines.insert(reason, (now, 0));
                Some(0)
            }
        }
    }
}

impl Edge {
    /// An empty answer with this status; counted, and logged sparingly.
    pub(super) fn refuse(
        &self,
        status: StatusCode,
        side: &'static str,
        reason: &'static str,
        peer: IpAddr,
    ) -> Response {
        metrics::counter!(series::REFUSED, "side" => side, "reason" => reason).increment(1);
        if let Some(swallowed) = self.log.pass(reason, self.context.clock.now()) {
            let (status, trace) = (status.as_u16(), trace::present());
            let trace = trace.as_ref().map(TraceId::as_str);
            tracing::warn!(side, reason, %peer, swallowed, status, trace, "refused");
        }
        status.into_response()
    }

    /// The database did not take it: the sender is asked to come again.
    pub(super) fn unavailable(
        &self,
        side: &'static str,
        fault: &StoreError,
        peer: IpAddr,
    ) -> Response {
        let reason = match fault {
            StoreError::Full => "disk_full",
            StoreError::Disk => "disk",
            StoreError::ReadOnly => "read_only",
            StoreError::Busy => "busy",
            StoreError::Overloaded => "overloaded",
            StoreError::Stalled => "stalled",
            StoreError::Closed => "closing",
            StoreError::Refused(_) => "database",
        };
        self.refuse(StatusCode::SERVICE_UNAVAILABLE, side, reason, peer)
    }
}

/// The address of the caller: what the last proxy saw, if it is one of ours.
pub(super) struct Caller(pub(super) IpAddr);

impl FromRequestParts<Arc<Edge>> for Caller {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        edge: &Arc<Edge>,
    ) -> Result<Self, Self::Rejection> {
        let ConnectInfo(socket) =
            ConnectInfo::<SocketAddr>::from_request_parts(parts, edge).await?;
        if !parts.headers.contains_key(FORWARDED) {
            return Ok(Self(socket.ip()));
        }
        let live = edge.context.live();
        let trusted = &live.config.server.trusted_proxies;
        Ok(Self(caller(socket.ip(), &parts.headers, trusted)))
    }
}

/// What each proxy appends the address of its caller to.
const FORWARDED: &str = "x-forwarded-for";

/// Goes back through `X-Forwarded-For` for as long as whoever wrote an entry is trusted.
fn caller(socket: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let forwarded = headers
        .get_all(FORWARDED)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    let mut peer = socket;
    for hop in hops.iter().rev() {
        if !trusted.contains(&peer) {
            break;
        }
        let Ok(address) = hop.trim().parse() else {
            break;
        };
        peer = address;
    }
    peer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_refusals_leaves_one_line_in_ten_seconds() {
        let limit = LogLimit::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(limit.pass("signature", at(0)), Some(0));
        assert_eq!(limit.pass("signature", at(1)), None);
        assert_eq!(limit.pass("not_xml", at(1)), Some(0));
        assert_eq!(limit.pass("signature", at(9)), None);
        assert_eq!(limit.pass("signature", at(10)), Some(2));
    }

    #[test]
    fn x_forwarded_for_is_believed_only_of_trusted_proxies() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let ours = [ip("127.0.0.1"), ip("10.0.0.2")];
        let seen = |socket: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            caller(ip(socket), &headers, &ours).to_string()
        };
        assert_eq!(seen("203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
        assert_eq!(seen("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        // What the caller wrote itself stands before what our own proxies added.
        let forged = ["1.1.1.1, 203.0.113.9", "10.0.0.2"];
        assert_eq!(seen("127.0.0.1", &forged), "203.0.113.9");
        assert_eq!(seen("127.0.0.1", &["nonsense"]), "127.0.0.1");
    }
}
