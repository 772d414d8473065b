//! What the page's buttons do: acts of a follower, of an agent, and of bad luck. `POST /demo/act/{act}` with a JSON
//! object; the answer is one, too.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qiao_sim::c4c::Answer;
use qiao_sim::wechat::Place;
use serde::Deserialize;
use serde_json::{Value, json};

use super::trouble::{self, Trouble};
use super::{Board, desk};

/// Largest picture, bytes: WeChat's own limit is as large, and no demo needs more.
const MOST_PICTURE: usize = 2 << 20;

/// Longest text, characters: what fits into a chat.
const MOST_TEXT: usize = 600;

/// The scale of the map that WeChat tells with a place.
const SCALE: u32 = 16;

/// One act.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum Act {
    Person {},
    Follow {
        openid: String,
    },
    Unfollow {
        openid: String,
    },
    Say {
        openid: String,
        text: String,
    },
    Tap {
        openid: String,
        key: String,
    },
    View {
        openid: String,
        url: String,
    },
    Scan {
        openid: String,
        ticket: String,
    },
    Picture {
        openid: String,
        base64: String,
    },
    Place {
        openid: String,
        latitude: f64,
        longitude: f64,
        label: String,
    },
    Open {
        openid: String,
        url: String,
        way: Way,
    },
    Change {
        object_id: String,
        fields: std::collections::BTreeMap<String, String>,
    },
    Answer {
        ticket: String,
        text: String,
        author: String,
    },
    Complete {
        ticket: String,
    },
    Break {
        what: Trouble,
    },
    Mend {
        what: Trouble,
    },
}

/// How somebody comes to a page.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    /// From the account's chat or menu: a follower is not asked.
    Chat,
    /// From a link that somebody shared: they are asked for their consent.
    Link,
    /// As a snapshot: WeChat makes somebody else of them.
    Snapshot,
}

/// Why an act was not done.
struct Refused(StatusCode, &'static str);

/// `POST /demo/act/{act}`.
pub(super) async fn act(
    State(board): State<Arc<Board>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Response {
    match done(&board, &name, &body).await {
        Ok(told) => Json(told).into_response(),
        Err(Refused(status, sentence)) => {
            (status, Json(json!({ "error": sentence }))).into_response()
        }
    }
}

async fn done(board: &Board, name: &str, body: &[u8]) -> Result<Value, Refused> {
    if board.parts.daemon.borrow().in_story {
        return Err(Refused(StatusCode::CONFLICT, "story"));
    }
    let wrong = || Refused(StatusCode::BAD_REQUEST, "wrong");
    let mut object: Value = serde_json::from_slice(body).map_err(|_| wrong())?;
    let members = object.as_object_mut().ok_or_else(wrong)?;
    members.insert("act".to_owned(), json!(name));
    let act: Act = serde_json::from_value(object).map_err(|_| wrong())?;
    match act {
        Act::Break { what } => told(trouble::make(board, what).await),
        Act::Mend { what } => told(trouble::mend(board, what).await),
        Act::Person {} => {
            let person = board
                .parts
                .wechat
                .with(|w, _, rng| board.cast().invite(w, rng));
            let openid = person.ok_or(Refused(StatusCode::CONFLICT, "enough"))?;
            Ok(json!({ "openid": openid }))
        }
        Act::Change { .. } | Act::Answer { .. } | Act::Complete { .. } => {
            told(of_agent(board, act))
        }
        Act::Open { openid, url, way } => opened(board, &openid, &url, way),
        act => of_follower(board, act),
    }
}

/// Where the phone must look, so that WeChat knows who holds it. Only the account's own pages open there.
fn opened(board: &Board, openid: &str, url: &str, way: Way) -> Result<Value, Refused> {
    if !url.starts_with(&format!("{}/", board.parts.daemon_url)) {
        return Err(Refused(StatusCode::BAD_REQUEST, "foreign"));
    }
    let is_snapshot = way == Way::Snapshot;
    board
        .parts
        .wechat
        .with(|wechat, _, _| wechat.settings.snapshot_pages = is_snapshot);
    let phone = format!("{}/_control/phone", board.parts.wechat.url());
    let mut phone = url::Url::parse(&phone).expect("the simulator's own address");
    phone
        .query_pairs_mut()
        .append_pair("openid", openid)
        .append_pair("to", url)
        .append_pair("from", if way == Way::Chat { "chat" } else { "" });
    Ok(json!({ "url": phone.as_str() }))
}

fn told(done: bool) -> Result<Value, Refused> {
    let refused = Refused(StatusCode::CONFLICT, "not now");
    done.then(|| json!({ "done": true })).ok_or(refused)
}

fn of_follower(board: &Board, act: Act) -> Result<Value, Refused> {
    if let Act::Picture { base64, .. } = &act {
        if base64.len() / 4 * 3 > MOST_PICTURE {
            return Err(Refused(StatusCode::PAYLOAD_TOO_LARGE, "too large"));
        }
    }
    let known = |openid: &str| board.cast().knows(openid);
    let nobody = || Refused(StatusCode::NOT_FOUND, "nobody");
    let wechat = &board.parts.wechat;
    match act {
        Act::Follow { openid } if known(&openid) => {
            wechat.with(|w, now, rng| w.follow(&openid, None, now, rng))
        }
        Act::Unfollow { openid } if known(&openid) => {
            wechat.with(|w, now, rng| w.unfollow(&openid, now, rng))
        }
        Act::Say { openid, text } if known(&openid) => {
            let text: String = text.trim().chars().take(MOST_TEXT).collect();
            if text.is_empty() {
                return Err(Refused(StatusCode::BAD_REQUEST, "empty"));
            }
            wechat.with(|w, now, rng| w.say(&openid, &text, now, rng))
        }
        Act::Tap { openid, key } if known(&openid) => {
            wechat.with(|w, now, rng| w.click(&openid, &key, now, rng))
        }
        Act::View { openid, url } if known(&openid) => {
            let fields = json!({ "EventKey": url });
            wechat.with(|w, now, rng| w.push_event(&openid, "VIEW", &fields, now, rng))
        }
        Act::Scan { openid, ticket } if known(&openid) => {
            let gone = Refused(StatusCode::CONFLICT, "not now");
            wechat
                .with(|w, now, rng| w.scan_code(&openid, &ticket, now, rng))
                .ok_or(gone)?
        }
        Act::Picture { openid, base64 } if known(&openid) => {
            let wrong = |_| Refused(StatusCode::BAD_REQUEST, "wrong");
            let bytes = STANDARD.decode(base64).map_err(wrong)?;
            wechat.with(|w, now, rng| w.send_image(&openid, &bytes, now, rng))
        }
        Act::Place {
            openid,
            latitude,
            longitude,
            label,
        } if known(&openid) => {
            let place = Place {
                latitude,
                longitude,
                scale: SCALE,
                label: &label,
            };
            wechat.with(|w, now, rng| w.send_location(&openid, &place, now, rng))
        }
        _ => return Err(nobody()),
    };
    Ok(json!({ "done": true }))
}

fn of_agent(board: &Board, act: Act) -> bool {
    board.parts.c4c.with(|c4c, now, _| match act {
        Act::Change { object_id, fields } => {
            let known = |name: &&String| desk::FIELDS.contains(&name.as_str());
            let fields = fields.iter().filter(|(name, _)| known(name));
            let fields: Vec<(&str, &str)> = fields.map(|(n, v)| (n.as_str(), v.as_str())).collect();
            c4c.change(&object_id, &fields, now)
        }
        Act::Answer {
            ticket,
            text,
            author,
        } => c4c
            .answer(&ticket, &Answer::new(&text, &author), now)
            .is_some(),
        Act::Complete { ticket } => c4c.close_ticket(&ticket, now),
        _ => false,
    })
}
