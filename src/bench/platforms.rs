//! Both platforms as reconciliation asks them, for any number of followers: every answer is made of
//! numbers, so the server needs no memory for them. It knows nothing else of the protocols; the
//! simulators do.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::store::seeded_openid;

/// Followers on a page of `user/get` (wechat.md 5).
const LIST_PAGE: u64 = 10_000;

/// Rows on a page of C4C (c4c.md 1.11).
const FEED_PAGE: u64 = 1000;

/// One customer in so many is obsolete: something must be found.
pub(super) const OBSOLETE_EACH: u64 = 1000;

const STANDARD: &str = "/sap/c4c/odata/v1/c4codataapi";
const CUSTOM: &str = "/sap/c4c/odata/cust/v1/zindividualcustomer";

/// Both platforms with so many followers, each a customer.
pub(super) fn router(followers: u64) -> Router {
    let customers = format!("{STANDARD}/IndividualCustomerCollection");
    Router::new()
        .route("/cgi-bin/stable_token", post(token))
        .route("/cgi-bin/user/get", get(list))
        .route("/cgi-bin/user/info/batchget", post(describe))
        .route(&customers, get(feed))
        .route(&format!("{STANDARD}/{{key}}"), get(customer))
        .route(&format!("{CUSTOM}/CustomerCommonCollection"), get(carried))
        .with_state(Arc::new(followers))
}

async fn token() -> Json<Value> {
    Json(json!({"access_token": "bench", "expires_in": 7200}))
}

async fn list(State(followers): State<Arc<u64>>, RawQuery(query): RawQuery) -> Json<Value> {
    let next = after(query.as_deref(), "next_openid=").and_then(number);
    let first = next.map_or(0, |last| last + 1);
    let page: Vec<String> = (first..(*followers).min(first + LIST_PAGE))
        .map(seeded_openid)
        .collect();
    let last = page.last().cloned().unwrap_or_default();
    let mut answer = json!({"total": *followers, "count": page.len(), "next_openid": last});
    if !page.is_empty() {
        answer["data"] = json!({ "openid": page });
    }
    Json(answer)
}

async fn describe(Json(asked): Json<Value>) -> Json<Value> {
    let users = asked["user_list"].as_array().into_iter().flatten();
    let told = users.map(|user| json!({"subscribe": 1, "openid": user["openid"], "remark": ""}));
    Json(json!({ "user_info_list": told.collect::<Vec<_>>() }))
}

/// A page of customers; of those that changed lately there are none.
async fn feed(State(followers): State<Arc<u64>>, RawQuery(query): RawQuery) -> Response {
    if after(query.as_deref(), "$filter=").is_some() {
        return rows(0..0, "", |_, _| {});
    }
    let next = format!("{STANDARD}/IndividualCustomerCollection");
    page(*followers, query.as_deref(), &next, write_customer)
}

async fn carried(State(followers): State<Arc<u64>>, RawQuery(query): RawQuery) -> Response {
    if let Some(filter) = after(query.as_deref(), "$filter=") {
        // `… eq '…'`, encoded.
        let value = filter.rsplit("%27").nth(1).unwrap_or_default();
        let found = number(value).filter(|number| number < &*followers);
        let found = found.map_or(0..0, |number| number..number + 1);
        return rows(found, "", write_carried);
    }
    let next = format!("{CUSTOM}/CustomerCommonCollection");
    page(*followers, query.as_deref(), &next, write_carried)
}

async fn customer(Path(key): Path<String>) -> Response {
    let key = key.split('\'').nth(1).and_then(number);
    let Some(number) = key else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut body = r#"{"d":{"results":"#.to_owned();
    write_customer(&mut body, number);
    body.push_str("}}");
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn page(
    followers: u64,
    query: Option<&str>,
    path: &str,
    write: impl Fn(&mut String, u64),
) -> Response {
    let token = after(query, "$skiptoken=").and_then(|token| token.parse().ok());
    let first = token.unwrap_or(0);
    let last = followers.min(first + FEED_PAGE);
    let next = if last < followers {
        format!(r#","__next":"{path}?$skiptoken={last}""#)
    } else {
        String::new()
    };
    rows(first..last, &next, write)
}

fn rows(numbers: std::ops::Range<u64>, next: &str, write: impl Fn(&mut String, u64)) -> Response {
    let mut body = r#"{"d":{"results":["#.to_owned();
    let first = numbers.start;
    for number in numbers {
        if number > first {
            body.push(',');
        }
        write(&mut body, number);
    }
    let _ = write!(body, "]{next}}}}}");
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn write_customer(to: &mut String, number: u64) {
    let status = if number % OBSOLETE_EACH == OBSOLETE_EACH - 1 {
        4
    } else {
        2
    };
    let _ = write!(
        to,
        r#"{{"ObjectID":"00163E{number:026X}","CustomerID":"{}","LifeCycleStatusCode":"{status}"}}"#,
        1_000_000 + number
    );
}

fn write_carried(to: &mut String, number: u64) {
    let openid = seeded_openid(number);
    let _ = write!(
        to,
        r#"{{"ObjectID":"00163F{number:026X}","ParentObjectID":"00163E{number:026X}","WechatID":"{openid}"}}"#
    );
}

/// The number in an OpenID or ObjectID of the seeded database.
fn number(id: &str) -> Option<u64> {
    match id.strip_prefix("oBench") {
        Some(digits) => digits.parse().ok(),
        None => u64::from_str_radix(id.strip_prefix("00163E")?, 16).ok(),
    }
}

/// The value of an option of the query.
fn after<'q>(query: Option<&'q str>, option: &str) -> Option<&'q str> {
    let options = query?.split('&');
    let mut values = options.filter_map(|o| {
        o.strip_prefix(option)
            .or_else(|| o.strip_prefix(&option.replace('$', "%24")))
    });
    values.next().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_seeded_database_lead_to_their_numbers() {
        assert_eq!(number(&seeded_openid(77)), Some(77));
        assert_eq!(number(&format!("00163E{:026X}", 255)), Some(255));
        assert_eq!(number("o1"), None);
        let query = Some("$format=json&%24skiptoken=2000");
        assert_eq!(after(query, "$skiptoken="), Some("2000"));
        assert_eq!(after(query, "$filter="), None);
    }
}
