//! What somebody does with the phone in their hand.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qiao_sim::wechat::Place;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::acts::Refused;
use super::{Board, MOST_TEXT};

/// Largest picture, bytes: WeChat's own limit is as large, and no demo needs more.
const MOST_PICTURE: usize = 2 << 20;

/// The scale of the map that WeChat tells with a place.
const SCALE: u32 = 16;

/// One of these things.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub(super) enum Deed {
    /// Follows the account.
    Follow,
    /// Leaves it.
    Unfollow,
    /// Says something.
    Say { text: String },
    /// Taps a button of the menu that is clicked.
    Tap { key: String },
    /// Taps one that opens a page.
    View { url: String },
    /// Scans a QR code.
    Scan { ticket: String },
    /// Sends a picture.
    Picture { base64: String },
    /// Sends a place.
    Place {
        latitude: f64,
        longitude: f64,
        label: String,
    },
    /// Opens a page.
    Open { url: String, way: Way },
}

/// How somebody comes to a page.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Way {
    /// From the account's chat or menu: a follower is not asked.
    Chat,
    /// From a link that somebody shared: they are asked for their consent.
    Link,
    /// As a snapshot: WeChat makes somebody else of them.
    Snapshot,
}

/// Does it; what it comes to is seen on the screens.
pub(super) fn does(board: &Board, openid: &str, deed: Deed) -> Result<Value, Refused> {
    if !board.cast().knows(openid) {
        return Err(Refused(StatusCode::NOT_FOUND, "nobody"));
    }
    let wechat = &board.parts.wechat;
    match deed {
        Deed::Open { url, way } => return opened(board, openid, &url, way),
        Deed::Follow => wechat.with(|w, now, rng| w.follow(openid, None, now, rng)),
        Deed::Unfollow => wechat.with(|w, now, rng| w.unfollow(openid, now, rng)),
        Deed::Tap { key } => wechat.with(|w, now, rng| w.click(openid, &key, now, rng)),
        Deed::Say { text } => {
            let text: String = text.trim().chars().take(MOST_TEXT).collect();
            if text.is_empty() {
                return Err(Refused(StatusCode::BAD_REQUEST, "empty"));
            }
            wechat.with(|w, now, rng| w.say(openid, &text, now, rng))
        }
        Deed::View { url } => {
            let fields = json!({ "EventKey": url });
            wechat.with(|w, now, rng| w.push_event(openid, "VIEW", &fields, now, rng))
        }
        Deed::Scan { ticket } => {
            let scanned = wechat.with(|w, now, rng| w.scan_code(openid, &ticket, now, rng));
            scanned.ok_or(Refused(StatusCode::CONFLICT, "not now"))?
        }
        Deed::Picture { base64 } => {
            let bytes = picture(&base64)?;
            wechat.with(|w, now, rng| w.send_image(openid, &bytes, now, rng))
        }
        Deed::Place {
            latitude,
            longitude,
            label,
        } => {
            let label: String = label.chars().take(MOST_TEXT).collect();
            let place = Place {
                latitude,
                longitude,
                scale: SCALE,
                label: &label,
            };
            wechat.with(|w, now, rng| w.send_location(openid, &place, now, rng))
        }
    };
    Ok(json!({}))
}

fn picture(base64: &str) -> Result<Vec<u8>, Refused> {
    let wrong = |_| Refused(StatusCode::BAD_REQUEST, "wrong");
    let bytes = STANDARD.decode(base64).map_err(wrong)?;
    if bytes.len() > MOST_PICTURE {
        return Err(Refused(StatusCode::PAYLOAD_TOO_LARGE, "too large"));
    }
    Ok(bytes)
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
    let mut phone = Url::parse(&phone).expect("the simulator's own address");
    let from = if way == Way::Chat { "chat" } else { "" };
    phone
        .query_pairs_mut()
        .append_pair("openid", openid)
        .append_pair("to", url)
        .append_pair("from", from);
    Ok(json!({ "url": phone.as_str() }))
}
