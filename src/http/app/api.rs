//! `/app/api/me…`: a follower's own data, for the page that they look at. It acts for nobody but the
//! session's follower, whatever a request says, and asks nobody: all is read from the database.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::super::Edge;
use super::super::notice::{Words, wrong};
use super::super::session::{Session, only_ours};
use super::super::traced::Traced;
use crate::domain::rows::{Follower, Snapshot};
use crate::flows::change::{self, MOBILE};
use crate::flows::names::CUSTOMER_CHANGE;
use crate::store::{Awaited, Consent, Mapping, StoreError, TicketOf, TranscriptRow};

/// Tickets that a page is told: years of them.
const TICKETS: u32 = 50;

/// Messages on a page, unless it wants fewer or more.
const MESSAGES: u32 = 50;

/// More than fit on any screen.
const MOST_MESSAGES: u32 = 100;

/// Why a change that was not done yet is none any more.
const REPLACED: &str = "the follower asked for something else since";

const UNKNOWN: Words = ["there is no such address", "没有这个地址"];
const UNAVAILABLE: Words = [
    "this does not work at the moment; try again in a minute",
    "服务暂时不可用，请稍后重试",
];
const BAD_PAGE: Words = [
    "`before` is an id and `limit` a number from 1 to 100",
    "before 应为 id，limit 应为 1 到 100 的数字",
];
const NO_JSON: Words = [
    "send {\"mobile\":\"+86 138 0000 0000\"} as application/json",
    "请以 application/json 发送 {\"mobile\":\"+86 138 0000 0000\"}",
];
const NO_CUSTOMER: Words = [
    "you are not registered as a customer, so there is nothing to change",
    "您尚未登记为客户，暂无可修改的资料",
];

/// `GET /app/api/me`
pub(in super::super) async fn me(
    State(edge): State<Arc<Edge>>,
    session: Session,
    headers: HeaderMap,
) -> Response {
    match edge.own_data(&session.follower).await {
        Ok(told) => Json(told).into_response(),
        Err(fault) => unavailable(&fault, &headers),
    }
}

/// `GET /app/api/me/history`
pub(in super::super) async fn history(
    State(edge): State<Arc<Edge>>,
    session: Session,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some((before, limit)) = page_of(&query.unwrap_or_default()) else {
        return wrong(StatusCode::BAD_REQUEST, &BAD_PAGE, &headers);
    };
    match edge.own_history(&session.follower, before, limit).await {
        Ok(told) => Json(told).into_response(),
        Err(fault) => unavailable(&fault, &headers),
    }
}

/// `POST /app/api/me/mobile`
pub(in super::super) async fn change_mobile(
    State(edge): State<Arc<Edge>>,
    traced: Traced,
    session: Session,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if let Err(refused) = only_ours(&edge.context.live(), &headers) {
        return *refused;
    }
    let body = match body {
        Ok(body) => body,
        Err(fault) => return wrong(fault.status(), &NO_JSON, &headers),
    };
    let asked = serde_json::from_slice::<NewMobile>(&body);
    let Some(asked) = asked.ok().filter(|_| is_json(&headers)) else {
        return wrong(StatusCode::BAD_REQUEST, &NO_JSON, &headers);
    };
    let number = match change::mobile(&asked.mobile) {
        Ok(number) => number,
        Err(why) => return wrong(StatusCode::BAD_REQUEST, &why.told(), &headers),
    };
    let asked = edge.ask_change(&session.follower, MOBILE, number);
    match traced.around(asked).await {
        Ok(Some(id)) => {
            let told = json!({ "id": id.to_string() });
            (StatusCode::ACCEPTED, Json(told)).into_response()
        }
        Ok(None) => wrong(StatusCode::CONFLICT, &NO_CUSTOMER, &headers),
        Err(fault) => unavailable(&fault, &headers),
    }
}

/// What is below `/app/api/` and not known.
pub(in super::super) async fn unknown(headers: HeaderMap) -> Response {
    wrong(StatusCode::NOT_FOUND, &UNKNOWN, &headers)
}

#[derive(Deserialize)]
struct NewMobile {
    mobile: String,
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Before which message, and how many.
fn page_of(query: &str) -> Option<(i64, u32)> {
    let (mut before, mut limit) = (i64::MAX, MESSAGES);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "before" => before = value.parse().ok()?,
            "limit" => limit = value.parse().ok()?,
            _ => {}
        }
    }
    ((1..=MOST_MESSAGES).contains(&limit) && before > 0).then_some((before, limit))
}

impl Edge {
    async fn own_data(&self, follower: &Follower) -> Result<Value, StoreError> {
        let store = &self.context.store;
        let mapping = store.mapping(follower).await?;
        let consent = store.consent(follower).await?;
        let snapshot = match mapping
            .as_ref()
            .and_then(|m| m.customer.as_ref().zip(Some(m)))
        {
            Some(((object, _), mapping)) => store.snapshot(&mapping.tenant, object).await?,
            None => None,
        };
        let tickets = store.tickets_told(follower, TICKETS).await?;
        let pending = match mapping.as_ref().and_then(change::lane) {
            Some(lane) => store.awaited(&lane, follower).await?,
            None => Vec::new(),
        };
        Ok(json!({
            "account": follower.account.as_str(),
            "profile": profile(consent.as_ref()),
            "customer": mapping.as_ref().and_then(|mapping| customer(mapping, snapshot)),
            "tickets": tickets.iter().map(ticket).collect::<Vec<_>>(),
            "pending": pending.iter().map(waiting).collect::<Vec<_>>(),
        }))
    }

    async fn own_history(
        &self,
        follower: &Follower,
        before: i64,
        limit: u32,
    ) -> Result<Value, StoreError> {
        let store = &self.context.store;
        let rows = store.messages_before(follower, before, limit).await?;
        let is_full = rows.len() == limit as usize;
        let next = rows.first().filter(|_| is_full);
        let next = next.map(|row| row.message.id.to_string());
        let message = |row: &TranscriptRow| {
            let message = &row.message;
            json!({
                "id": message.id.to_string(),
                "direction": message.direction,
                "kind": message.kind,
                "text": message.text,
                "at": message.created_at().to_string(),
                "state": message.state,
            })
        };
        let messages: Vec<Value> = rows.iter().rev().map(message).collect();
        Ok(json!({ "messages": messages, "next": next }))
    }

    /// Queues a change of a follower's own; one that they asked for before and that is not being done
    /// gives way. `None` for who is no customer.
    async fn ask_change(
        &self,
        follower: &Follower,
        field: &str,
        value: String,
    ) -> Result<Option<i64>, StoreError> {
        let store = &self.context.store;
        let mapping = store.mapping(follower).await?;
        let Some(mapping) = mapping else {
            return Ok(None);
        };
        let (Some(lane), Some(changes)) =
            (change::lane(&mapping), change::ask(&mapping, field, value))
        else {
            return Ok(None);
        };
        let asked = store.ask_instead(lane, CUSTOMER_CHANGE, follower.clone(), REPLACED, changes);
        asked.await.map(Some)
    }
}

fn profile(consent: Option<&Consent>) -> Value {
    let consent = consent.filter(|consent| consent.withdrawn_at.is_none());
    json!({
        "name": consent.and_then(|consent| consent.profile.name.as_deref()),
        "avatar": consent.and_then(|consent| consent.profile.avatar.as_deref()),
        "consented_at": consent.map(|consent| consent.given_at.to_string()),
    })
}

fn customer(mapping: &Mapping, snapshot: Option<Snapshot>) -> Option<Value> {
    let (_, number) = mapping.customer.as_ref()?;
    Some(json!({
        "customer_id": number.as_str(),
        "state": mapping.state.as_str(),
        "fields": snapshot.map(|snapshot| snapshot.fields).unwrap_or_default(),
    }))
}

fn ticket(ticket: &TicketOf) -> Value {
    json!({
        "ticket_id": ticket.ticket_id,
        "state": ticket.state,
        "opened_at": ticket.opened_at.to_string(),
        "last_at": ticket.last_at.to_string(),
    })
}

fn waiting(asked: &Awaited) -> Value {
    let state = match asked.state.as_str() {
        "held" => "held",
        "dead" => "failed",
        _ => "waiting",
    };
    json!({
        "id": asked.id.to_string(),
        "what": "mobile",
        "state": state,
        "since": asked.created_at.to_string(),
    })
}

fn unavailable(fault: &StoreError, headers: &HeaderMap) -> Response {
    tracing::warn!(error = %fault, "a page gets no data");
    wrong(StatusCode::SERVICE_UNAVAILABLE, &UNAVAILABLE, headers)
}
