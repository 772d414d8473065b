//! Pictures of the chats, by whom they were sent.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use qiao_sim::wechat::{Medium, WeChat};

use super::Board;
use super::phone::text_of;

/// `GET /demo/picture/{whose}/{number}`: of a push (`push`), or of what the follower `whose` saw.
pub(super) async fn picture(
    State(board): State<Arc<Board>>,
    Path((whose, number)): Path<(String, u64)>,
) -> Response {
    let now = board.parts.wechat.clock().now();
    let medium = board
        .parts
        .wechat
        .look(|wechat: &WeChat| -> Option<Medium> {
            if whose == "push" {
                let id = text_of(&wechat.push(number)?.xml, "MediaId");
                return wechat.medium(&id, now).cloned();
            }
            let number = usize::try_from(number).ok()?;
            wechat.seen(&whose).get(number)?.media.clone()
        });
    let Some(medium) = medium.filter(|medium| medium.content_type().starts_with("image/")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (CONTENT_TYPE, medium.content_type()),
        (CACHE_CONTROL, "max-age=3600"),
    ];
    (headers, medium.bytes.to_vec()).into_response()
}
