//! `POST /c4c/{tenant}/replies[/{key}]`: an agent has answered (c4c.md 4.4).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Edge;
use super::c4c::{SIDE, Segments, arrival};
use super::guard::Caller;
use crate::c4c::reply::{self, Reply};
use crate::domain::ids::{AccountId, TenantId};
use crate::domain::rows::{Changes, MappingState};
use crate::flows::reply::{MAX_BYTES, arrived, route};
use crate::store::{Arrival, Arrived, Dedupe, StoreError, Talk};

/// The kind of these facts in `inbox.kind`.
const KIND: &str = "reply";

/// Why an answer is not taken.
struct Refused {
    status: StatusCode,
    reason: String,
}

/// One answer: authenticated, read, committed, acknowledged.
pub(super) async fn reply(
    State(edge): State<Arc<Edge>>,
    Caller(peer): Caller,
    Path(segments): Segments,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let tenant = match edge.admit(&segments, &headers, peer) {
        Ok(tenant) => tenant,
        Err(refusal) => return *refusal,
    };
    let body = match body {
        Ok(body) => body,
        Err(fault) => {
            let status = edge.refuse(fault.status(), SIDE, "body", peer).status();
            return (status, "the body cannot be read; it may be too long\n").into_response();
        }
    };
    match edge.take_reply(&tenant, &body).await {
        Ok(Ok(status)) => status.into_response(),
        Ok(Err(Refused { status, reason })) => {
            edge.refuse(status, SIDE, "reply", peer);
            (status, format!("{reason}\n")).into_response()
        }
        Err(fault) => edge.unavailable(SIDE, &fault, peer),
    }
}

impl Edge {
    async fn take_reply(
        &self,
        tenant: &TenantId,
        body: &[u8],
    ) -> Result<Result<StatusCode, Refused>, StoreError> {
        let read = match reply::parse(body) {
            Ok(read) => read,
            Err(fault) => {
                let refused = Refused {
                    status: StatusCode::BAD_REQUEST,
                    reason: fault.to_string(),
                };
                return self.refuse_reply(tenant, refused, body).await;
            }
        };
        // Known for longer than dedupe keys are kept.
        let store = &self.context.store;
        if store.is_activity_known(tenant, &read.sma_id).await? {
            return Ok(Ok(StatusCode::OK));
        }
        let talk = self.talk_of_reply(tenant, &read).await?;
        if let Some(refused) = self.wrong_with(&read, talk.as_ref()).await? {
            return self.refuse_reply(tenant, refused, body).await;
        }
        self.commit_reply(tenant, &read, talk.as_ref(), body)
            .await
            .map(Ok)
    }

    /// The conversation that it answers, as far as Qiao knows it by itself.
    async fn talk_of_reply(
        &self,
        tenant: &TenantId,
        reply: &Reply,
    ) -> Result<Option<Talk>, StoreError> {
        let live = self.context.live();
        let accounts = live.config.wechat.iter();
        let accounts: Vec<&AccountId> = accounts
            .filter(|(_, account)| account.tenant == *tenant)
            .map(|(id, _)| id)
            .collect();
        match &reply.ticket_number {
            Some(number) => self.context.store.talk_of_ticket(&accounts, number).await,
            None => Ok(None),
        }
    }

    async fn wrong_with(
        &self,
        reply: &Reply,
        talk: Option<&Talk>,
    ) -> Result<Option<Refused>, StoreError> {
        if reply.text.len() > MAX_BYTES {
            let reason = format!(
                "the text has {} bytes; WeChat lets {MAX_BYTES} bytes reach a follower at once, \
                 a Chinese character takes 3: please shorten it",
                reply.text.len()
            );
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Ok(Some(Refused { status, reason }));
        }
        let Some(talk) = talk else { return Ok(None) };
        let mapping = self.context.store.mapping(&talk.follower).await?;
        let has_left = mapping.is_some_and(|m| m.state == MappingState::Unfollowed);
        Ok(has_left.then(|| Refused {
            status: StatusCode::CONFLICT,
            reason: "the follower left the account and cannot be reached any more".to_owned(),
        }))
    }

    async fn commit_reply(
        &self,
        tenant: &TenantId,
        reply: &Reply,
        talk: Option<&Talk>,
        body: &[u8],
    ) -> Result<StatusCode, StoreError> {
        let now = self.context.clock.now();
        let live = self.context.live();
        let account = talk.and_then(|talk| live.account(&talk.follower.account));
        let changes = match talk.zip(account) {
            Some((talk, (account, _))) => arrived(account, &talk.follower, Some(talk), reply, now),
            None => Changes {
                effects: vec![route(tenant, reply)],
                ..Changes::none()
            },
        };
        let arrival = Arrival {
            kind: KIND.into(),
            openid: talk.map(|talk| talk.follower.openid.clone()),
            dedupe: Some(Dedupe {
                key: format!("r:{}", reply.sma_id).into(),
                remote: tenant.text(),
                sender: "".into(),
            }),
            sent_at: reply.created_at,
            changes,
            ..arrival(tenant, String::from_utf8_lossy(body).into_owned())
        };
        let arrived = self.context.store.arrive(arrival).await?;
        let fresh = matches!(arrived, Arrived::New { .. });
        metrics::counter!("qiao_replies_total", "new" => fresh.to_string()).increment(1);
        Ok(match talk {
            Some(_) => StatusCode::OK,
            // C4C is asked whom it is for; what becomes of it stands in the outbox.
            None => StatusCode::ACCEPTED,
        })
    }

    async fn refuse_reply(
        &self,
        tenant: &TenantId,
        refused: Refused,
        body: &[u8],
    ) -> Result<Result<StatusCode, Refused>, StoreError> {
        self.keep_rejected(tenant, KIND, &refused.reason, Changes::none(), body)
            .await?;
        Ok(Err(refused))
    }
}
