//! `GET|POST /wechat/{account}`: WeChat's verification and its pushes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Edge;
use super::guard::Caller;
use super::metrics::Metrics;
use super::traced::Traced;
use crate::domain::ids::AccountId;
use crate::domain::rows::Follower;
use crate::effects::Live;
use crate::flows::answer;
use crate::kit::waiting_room::Seat;
use crate::store::{Answer, Arrived, StoreError};
use crate::wechat::push::Push;
use crate::wechat::query::PushQuery;
use crate::wechat::receive::{Received, Refusal, open_push, verify_url};
use crate::wechat::reply::ACKNOWLEDGED;

const SIDE: &str = "wechat";

/// How long a push waits for its answer hook. WeChat gives up at 5 s, and the commit and the way
/// back need their share.
const HOOK_WAIT: Duration = Duration::from_secs(3);

/// WeChat checks the URL when it is saved in its console.
pub(super) async fn verify(
    State(edge): State<Arc<Edge>>,
    Caller(peer): Caller,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let live = edge.context.live();
    let Some(keys) = live.keys.get(&AccountId::new(account)) else {
        return edge.refuse(StatusCode::NOT_FOUND, SIDE, "unknown_account", peer);
    };
    match verify_url(keys, &PushQuery::parse(&query.unwrap_or_default())) {
        Ok(echo) => plain(echo),
        Err(refusal) => edge.refuse_push(refusal, peer),
    }
}

/// One push: verified, decided on, committed, answered.
pub(super) async fn push(
    State(edge): State<Arc<Edge>>,
    traced: Traced,
    Caller(peer): Caller,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = async {
        let id = AccountId::new(account);
        let live = edge.context.live();
        let Some(keys) = live.keys.get(&id) else {
            return edge.refuse(StatusCode::NOT_FOUND, SIDE, "unknown_account", peer);
        };
        let body = match body {
            Ok(body) => body,
            Err(fault) => return edge.refuse(fault.status(), SIDE, "body", peer),
        };
        let received = match open_push(keys, &PushQuery::parse(&query.unwrap_or_default()), &body) {
            Ok(received) => received,
            Err(refusal) => return edge.refuse_push(refusal, peer),
        };
        match edge.take(&live, &id, &received).await {
            Ok(answer) => edge.reply(&received, answer),
            Err(fault) => edge.unavailable(SIDE, &fault, peer),
        }
    };
    traced.around(answer).await
}

impl Edge {
    fn refuse_push(&self, refusal: Refusal, peer: IpAddr) -> Response {
        let status = if refusal.is_unauthorized() {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::BAD_REQUEST
        };
        self.refuse(status, SIDE, refusal.reason(), peer)
    }

    /// Commits a push and finds its answer; `None` for a bare acknowledgement.
    async fn take(
        &self,
        live: &Live,
        id: &AccountId,
        received: &Received,
    ) -> Result<Option<String>, StoreError> {
        let arrival = self
            .context
            .arrival(live, id, &received.push, &received.xml)
            .await?;
        // Seated before the commit, or a quick hook might answer before anybody waits.
        let seat = (arrival.answer == Answer::Pending)
            .then(|| self.seat(id, &received.push))
            .flatten();
        let stored = match &arrival.answer {
            Answer::Stored(answer) => Some(answer.clone()),
            Answer::None | Answer::Pending => None,
        };
        // A counter that is made before there is a recorder never counts.
        if self.metrics.as_ref().is_some_and(Metrics::counts) {
            self.kinds.count(&arrival.kind);
        }
        match self.context.store.arrive(arrival).await? {
            Arrived::New { .. } => match seat {
                Some(seat) => Ok(self.wait(seat).await),
                None => Ok(stored),
            },
            Arrived::Duplicate {
                answer: Answer::Stored(answer),
                ..
            } => Ok(Some(answer)),
            Arrived::Duplicate {
                answer: Answer::None,
                ..
            } => Ok(None),
            Arrived::Duplicate {
                answer: Answer::Pending,
                inbox_id,
            } => {
                let seat = seat.or_else(|| self.seat(id, &received.push));
                match (self.context.store.answer(inbox_id).await?, seat) {
                    (Answer::Stored(answer), _) => Ok(Some(answer)),
                    (Answer::Pending, Some(seat)) => Ok(self.wait(seat).await),
                    _ => Ok(None),
                }
            }
        }
    }

    fn seat(&self, id: &AccountId, push: &Push) -> Option<Seat<Option<String>>> {
        let follower = Follower {
            account: id.clone(),
            openid: push.follower()?.clone(),
        };
        self.context
            .waiting
            .sit(&answer::seat(&follower, push.dedupe_key()))
    }

    async fn wait(&self, seat: Seat<Option<String>>) -> Option<String> {
        let wait = jiff::SignedDuration::try_from(HOOK_WAIT).unwrap_or_default();
        let until = self
            .context
            .clock
            .now()
            .saturating_add(wait)
            .unwrap_or_default();
        seat.wait(self.context.clock.sleep_until(until))
            .await
            .flatten()
    }

    /// The answer on the wire, sealed with the key that opened the push.
    fn reply(&self, received: &Received, answer: Option<String>) -> Response {
        let Some(xml) = answer else {
            return plain(ACKNOWLEDGED);
        };
        let body = match &received.reply_key {
            Some(key) => key.seal(&xml, self.context.clock.now(), &self.context.random),
            None => xml,
        };
        ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response()
    }
}

fn plain(text: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
