//! The page itself: files that are part of the program.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

const INDEX: &str = include_str!("../page/index.html");

macro_rules! scripts {
    ($($name:literal)+) => { &[$(($name, include_str!(concat!("../page/", $name)))),+] };
}

/// By name; styles end in `.css`, all others are modules.
const FILES: &[(&str, &str)] = scripts![
    "base.css" "phone.css" "desk.css" "rows.css"
    "app.js" "dom.js" "texts.js" "words_zh.js" "words_en.js" "link.js" "phone.js" "chat.js" "menu.js"
    "frame.js" "desk.js" "talk.js" "rows.js" "trouble.js" "guide.js"
];

/// `GET /demo`.
pub(super) async fn index() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], INDEX)
}

/// `GET /demo/{file}`.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some((name, text)) = FILES.iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let is_style = std::path::Path::new(name)
        .extension()
        .is_some_and(|end| end == "css");
    let content_type = if is_style {
        "text/css; charset=utf-8"
    } else {
        "text/javascript; charset=utf-8"
    };
    ([(CONTENT_TYPE, content_type)], *text).into_response()
}
