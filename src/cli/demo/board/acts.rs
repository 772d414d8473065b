//! What the page's buttons do: acts of a follower, of an agent, and of bad luck. `POST /demo/act/{act}` with a JSON
//! object; the answer is one, too.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Board;
use super::agent::{self, Work};
use super::follower::{self, Deed};
use super::trouble::{self, Trouble};

/// One act, by whose it is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Act {
    Nobodys(Event),
    OfAgent(Work),
    OfFollower {
        openid: String,
        #[serde(flatten)]
        deed: Deed,
    },
}

/// What no person of the story does.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum Event {
    /// Somebody new gets a phone.
    Person,
    /// Something breaks.
    Break { what: Trouble },
    /// It is put right.
    Mend { what: Trouble },
}

/// Why an act was not done: a word for which the page has a sentence.
pub(super) struct Refused(pub(super) StatusCode, pub(super) &'static str);

/// `POST /demo/act/{act}`.
pub(super) async fn act(
    State(board): State<Arc<Board>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    match done(&board, &name, &body).await {
        Ok(told) => Json(told).into_response(),
        Err(Refused(status, word)) => (status, Json(json!({ "error": word }))).into_response(),
    }
}

async fn done(board: &Board, name: &str, body: &[u8]) -> Result<Value, Refused> {
    if board.parts.daemon.borrow().in_story {
        return Err(Refused(StatusCode::CONFLICT, "story"));
    }
    let did = match read(name, body)? {
        Act::OfFollower { openid, deed } => return follower::does(board, &openid, deed),
        Act::Nobodys(Event::Person) => return invite(board),
        Act::Nobodys(Event::Break { what }) => trouble::make(board, what).await,
        Act::Nobodys(Event::Mend { what }) => trouble::mend(board, what).await,
        Act::OfAgent(work) => agent::does(board, work),
    };
    let refused = Refused(StatusCode::CONFLICT, "not now");
    did.then(|| json!({})).ok_or(refused)
}

fn read(name: &str, body: &[u8]) -> Result<Act, Refused> {
    let wrong = || Refused(StatusCode::BAD_REQUEST, "wrong");
    let mut object: Value = serde_json::from_slice(body).map_err(|_| wrong())?;
    let members = object.as_object_mut().ok_or_else(wrong)?;
    members.insert("act".to_owned(), json!(name));
    serde_json::from_value(object).map_err(|_| wrong())
}

fn invite(board: &Board) -> Result<Value, Refused> {
    let person = board
        .parts
        .wechat
        .with(|wechat, _, rng| board.cast().invite(wechat, rng));
    let openid = person.ok_or(Refused(StatusCode::CONFLICT, "enough"))?;
    Ok(json!({ "openid": openid }))
}
