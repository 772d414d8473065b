//! `POST /c4c/{tenant}/notifications[/{key}]`: C4C tells that something changed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::Edge;
use super::guard::Caller;
use super::traced::Traced;
use crate::c4c::notification::{self, Notification, Subject, Variant};
use crate::config::Tenant;
use crate::domain::ids::TenantId;
use crate::domain::rows::{Changes, NewEffect, Priority};
use crate::domain::series;
use crate::effects::KEPT_REJECTED;
use crate::flows::pickup;
use crate::flows::refresh::{reread, sweep};
use crate::store::{Arrival, Arrived, Dedupe, StoreError};

pub(super) const SIDE: &str = "c4c";

/// Of an unreadable body this much is kept.
const KEPT_BYTES: usize = 4_096;

pub(super) type Segments = Path<HashMap<String, String>>;

/// C4C's (or a person's) test of URL and credentials.
pub(super) async fn probe(
    State(edge): State<Arc<Edge>>,
    Caller(peer): Caller,
    Path(segments): Segments,
    headers: HeaderMap,
) -> Response {
    match edge.admit(&segments, &headers, peer) {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => *refusal,
    }
}

/// One notification: authenticated, read, committed, answered.
pub(super) async fn notify(
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
            Err(fault) => return edge.refuse(fault.status(), SIDE, "body", peer),
        };
        let read = notification::parse(&body);
        let committed = match &read {
            Ok(notification) => edge.commit(&tenant, notification, &body).await,
            Err(fault) => {
                // It came from C4C, so something has changed: that is looked for, and the body is kept.
                let changes = Changes {
                    effects: vec![sweep(&tenant)],
                    ..Changes::none()
                };
                let reason = fault.to_string();
                edge.keep_rejected(&tenant, "notification", &reason, changes, &body)
                    .await
            }
        };
        match (committed, read) {
            (Err(fault), _) => edge.unavailable(SIDE, &fault, peer),
            (Ok(()), Ok(_)) => StatusCode::OK.into_response(),
            (Ok(()), Err(fault)) => {
                let status = edge
                    .refuse(StatusCode::BAD_REQUEST, SIDE, "unreadable", peer)
                    .status();
                (status, fault.to_string()).into_response()
            }
        }
    };
    traced.around(answer).await
}

impl Edge {
    pub(super) fn admit(
        &self,
        segments: &HashMap<String, String>,
        headers: &HeaderMap,
        peer: IpAddr,
    ) -> Result<TenantId, Box<Response>> {
        let refuse = |status, reason| Box::new(self.refuse(status, SIDE, reason, peer));
        let id = TenantId::new(segments.get("tenant").cloned().unwrap_or_default());
        let live = self.context.live();
        let Some((tenant, _)) = live.tenant(&id) else {
            return Err(refuse(StatusCode::NOT_FOUND, "unknown_tenant"));
        };
        let key = segments.get("key").map(String::as_str);
        if is_admitted(tenant, key, headers) {
            Ok(id)
        } else {
            Err(refuse(StatusCode::UNAUTHORIZED, "credentials"))
        }
    }

    async fn commit(
        &self,
        tenant: &TenantId,
        notification: &Notification,
        body: &[u8],
    ) -> Result<(), StoreError> {
        let kind = match notification.variant {
            Variant::A => "notification:a",
            Variant::B => "notification:b",
        };
        // Variant A carries nothing that tells one save from the next, so it is only merged.
        let dedupe = match notification.variant {
            Variant::A => None,
            Variant::B => notification.event_id.as_ref().map(|event| Dedupe {
                key: format!("b:{event}").into(),
                remote: tenant.text(),
                sender: "".into(),
            }),
        };
        let effect = self.reread(tenant, notification).await?;
        let arrival = Arrival {
            kind: kind.into(),
            object_id: Some(notification.object_id.clone()),
            dedupe,
            changes: Changes {
                effects: vec![effect],
                ..Changes::none()
            },
            ..Arrival::of_tenant(tenant, String::from_utf8_lossy(body).into_owned())
        };
        let arrived = self.context.store.arrive(arrival).await?;
        let fresh = matches!(arrived, Arrived::New { .. });
        metrics::counter!(series::NOTIFICATIONS, "kind" => kind, "new" => series::truth(fresh))
            .increment(1);
        Ok(())
    }

    /// What must be read again. What has a name that says little may be a ticket of ours all the same.
    async fn reread(
        &self,
        tenant: &TenantId,
        notification: &Notification,
    ) -> Result<NewEffect, StoreError> {
        let object = &notification.object_id;
        let is_ticket = match notification.subject() {
            Subject::Activity => return Ok(pickup::activity(tenant, object)),
            Subject::Ticket => true,
            Subject::Customer => false,
            Subject::Other => {
                let live = self.context.live();
                let accounts = live.accounts_of(tenant);
                let store = &self.context.store;
                let conversations = store.conversations_of_tickets(&accounts, &[object]).await?;
                !conversations.is_empty()
            }
        };
        Ok(if is_ticket {
            pickup::ticket(tenant, object, Priority::Live)
        } else {
            reread(tenant, object, Priority::Normal)
        })
    }

    /// What could not be taken is kept for a person, with what follows all the same.
    pub(super) async fn keep_rejected(
        &self,
        tenant: &TenantId,
        kind: &'static str,
        reason: &str,
        changes: Changes,
        body: &[u8],
    ) -> Result<(), StoreError> {
        if self.context.store.rejected(tenant.as_str()).await? >= KEPT_REJECTED {
            return self.context.store.write(changes).await;
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(KEPT_BYTES)]).into_owned();
        let arrival = Arrival {
            kind: kind.into(),
            rejected: Some(reason.to_owned()),
            changes,
            ..Arrival::of_tenant(tenant, text)
        };
        self.context.store.arrive(arrival).await.map(drop)
    }
}

/// Basic credentials or the key in the path, compared in constant time.
fn is_admitted(tenant: &Tenant, key: Option<&str>, headers: &HeaderMap) -> bool {
    let by_key = match (&tenant.notify_key, key) {
        (Some(known), Some(given)) => same(known, given),
        _ => false,
    };
    by_key
        || tenant
            .notify_basic
            .as_ref()
            .is_some_and(|known| is_basic(known, headers))
}

fn is_basic((user, password): &(String, SecretString), headers: &HeaderMap) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let known = SecretString::from(format!("{user}:{}", password.expose_secret()));
    given.is_some_and(|given| same(&known, &given))
}

fn same(known: &SecretString, given: &str) -> bool {
    known
        .expose_secret()
        .as_bytes()
        .ct_eq(given.as_bytes())
        .into()
}
