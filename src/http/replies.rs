//! `POST /c4c/{tenant}/replies[/{key}]`: an agent has answered (c4c.md 4.4).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Edge;
use super::c4c::{SIDE, Segments};
use super::guard::Caller;
use super::traced::Traced;
use crate::c4c::reply::{self, Reply};
use crate::domain::ids::TenantId;
use crate::domain::rows::{Changes, MappingState};
use crate::domain::series;
use crate::effects::Context;
use crate::flows::reply::{Answer, Hopeless, arrived, route};
use crate::flows::sending::{self, REPLY};
use crate::store::{Arrival, Arrived, Conversation, Dedupe, StoreError};

/// The kind of these facts in `inbox.kind`.
const KIND: &str = "reply";

/// Why an answer is not taken.
struct Refused {
    status: StatusCode,
    reason: String,
}

/// What C4C is told of an answer that is kept.
struct Taken {
    status: StatusCode,
    told: Value,
}

impl Taken {
    fn as_known() -> Self {
        Self {
            status: StatusCode::OK,
            told: json!({ "state": "known" }),
        }
    }
}

/// One answer: authenticated, read, committed, acknowledged.
pub(super) async fn reply(
    State(edge): State<Arc<Edge>>,
    traced: Traced,
    Caller(peer): Caller,
    Path(segments): Segments,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = async {
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
            Ok(Ok(taken)) => (taken.status, Json(taken.told)).into_response(),
            Ok(Err(Refused { status, reason })) => {
                edge.refuse(status, SIDE, "reply", peer);
                (status, format!("{reason}\n")).into_response()
            }
            Err(fault) => edge.unavailable(SIDE, &fault, peer),
        }
    };
    traced.around(answer).await
}

impl Edge {
    async fn take_reply(
        &self,
        tenant: &TenantId,
        body: &[u8],
    ) -> Result<Result<Taken, Refused>, StoreError> {
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
            return Ok(Ok(Taken::as_known()));
        }
        let conversation = self.context.conversation_of_reply(tenant, &read).await?;
        if let Some(refused) = self.wrong_with(&read, conversation.as_ref()).await? {
            return self.refuse_reply(tenant, refused, body).await;
        }
        self.commit_reply(tenant, &read, conversation.as_ref(), body)
            .await
            .map(Ok)
    }

    async fn wrong_with(
        &self,
        reply: &Reply,
        conversation: Option<&Conversation>,
    ) -> Result<Option<Refused>, StoreError> {
        let mapping = match conversation {
            Some(conversation) => self.context.store.mapping(&conversation.follower).await?,
            None => None,
        };
        let state = mapping.map_or(MappingState::Pending, |mapping| mapping.state);
        let hopeless = Answer::from(reply).hopeless(state);
        Ok(hopeless.map(|why| Refused {
            status: match why {
                Hopeless::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                Hopeless::Left => StatusCode::CONFLICT,
            },
            reason: why.to_string(),
        }))
    }

    async fn commit_reply(
        &self,
        tenant: &TenantId,
        reply: &Reply,
        conversation: Option<&Conversation>,
        body: &[u8],
    ) -> Result<Taken, StoreError> {
        let now = self.context.clock.now();
        let answer = Answer::from(reply);
        let Context { store, .. } = &self.context;
        let live = self.context.live();
        let account =
            conversation.and_then(|conversation| live.account(&conversation.follower.account));
        let route = route(tenant, reply);
        // An earlier answer of the same ticket may still be looked up: this one does not overtake it.
        let is_behind = store.is_under_way(&route.lane).await?;
        let mut outlook = None;
        let changes = match conversation.zip(account).filter(|_| !is_behind) {
            Some((conversation, (account, _))) => {
                let follower = &conversation.follower;
                let grants = store.grants(follower).await?;
                outlook = Some(sending::outlook(account, REPLY, &grants, now));
                arrived(account, follower, Some(conversation), &answer, now)
            }
            None => Changes {
                effects: vec![route],
                ..Changes::none()
            },
        };
        let arrival = Arrival {
            kind: KIND.into(),
            openid: conversation.map(|conversation| conversation.follower.openid.clone()),
            dedupe: Some(Dedupe {
                key: answer.dedupe_key(),
                remote: tenant.text(),
                sender: "".into(),
            }),
            sent_at: reply.created_at,
            changes,
            ..Arrival::of_tenant(tenant, String::from_utf8_lossy(body).into_owned())
        };
        let arrived = store.arrive(arrival).await?;
        let is_new = matches!(arrived, Arrived::New { .. });
        metrics::counter!(series::REPLIES, "new" => series::truth(is_new)).increment(1);
        if !is_new {
            return Ok(Taken::as_known());
        }
        Ok(match outlook {
            Some(outlook) => Taken {
                status: StatusCode::OK,
                told: json!({ "state": "queued", "window": outlook }),
            },
            // C4C is asked whom it is for; what becomes of it stands in the outbox.
            None => Taken {
                status: StatusCode::ACCEPTED,
                told: json!({ "state": "looking for the follower" }),
            },
        })
    }

    async fn refuse_reply(
        &self,
        tenant: &TenantId,
        refused: Refused,
        body: &[u8],
    ) -> Result<Result<Taken, Refused>, StoreError> {
        self.keep_rejected(tenant, KIND, &refused.reason, Changes::none(), body)
            .await?;
        Ok(Err(refused))
    }
}
