//! `/app/{page}/…`: the static files of a page, for who is known to the browser.
//!
//! Written here rather than taken from `tower-http`: its `ServeDir` follows symbolic links out of the
//! folder, serves hidden files and knows no `ETag` (docs/DESIGN.md).

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::super::Edge;
use super::super::oauth::{lead, own};
use super::super::session::Session;
use super::super::signs;
use crate::config::Page;
use crate::domain::ids::AccountId;
use crate::domain::rows::Changes;
use crate::flows::consent;
use crate::flows::web_session::{suffices, target};

/// The largest file of a page: a video of some minutes. It is streamed, so it costs no memory.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// A browser asks each time whether a file is still the same: a new build is seen at once, and an
/// unchanged file costs no bytes. Nobody between us and the browser keeps it.
const KEPT: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What opens a folder.
const FIRST: &str = "index.html";

/// What the endings of files mean; anything else is bytes to be kept, never run.
const TYPES: [(&str, &str); 27] = [
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("gif", "image/gif"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("properties", "text/plain; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("theming", "application/json"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xml", "application/xml"),
];

/// `/app/{page}`
pub(in super::super) async fn without_slash(
    State(edge): State<Arc<Edge>>,
    Path(page): Path<String>,
    headers: HeaderMap,
) -> Response {
    let live = edge.context.live();
    if live.config.app.pages.contains_key(&page) {
        lead(&own(&live.config, &format!("/app/{page}/")))
    } else {
        signs::not_found().render(&headers)
    }
}

/// `/app/{page}/`
pub(in super::super) async fn first(
    state: State<Arc<Edge>>,
    Path(page): Path<String>,
    asked: Asked,
) -> Response {
    file(state, Path((page, String::new())), asked).await
}

/// `/app/{page}/{path}`
pub(in super::super) async fn file(
    State(edge): State<Arc<Edge>>,
    Path((name, path)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    let live = edge.context.live();
    let Some(page) = live.config.app.pages.get(&name) else {
        return signs::not_found().render(&asked.headers);
    };
    let session = match edge.session(&asked.headers).await {
        Ok(session) => session,
        Err(fault) => {
            tracing::warn!(error = %fault, "a session could not be read");
            return signs::unavailable().render(&asked.headers);
        }
    };
    let may_look = |session: &Session| {
        session.follower.account == page.account && suffices(session.stored.asked, page.scope)
    };
    let Some(session) = session.filter(may_look) else {
        if !asked.is_navigation() {
            return signs::not_yours().render(&asked.headers);
        }
        let to = format!("/app/{name}/{path}{}", asked.question());
        let config = &live.config;
        let to = target(config, &page.account, &to).map_or(format!("/app/{name}/"), |to| to.path);
        return lead(&start(&page.account, &to, config));
    };
    match find(page, &path).await {
        Some(found) => {
            if found.is_html() {
                edge.freshen(&session).await;
            }
            found.answer(&asked)
        }
        None => signs::not_found().render(&asked.headers),
    }
}

fn start(account: &AccountId, to: &str, config: &crate::config::Config) -> String {
    let url = config.start_url(account, to);
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// What of a request matters here.
pub(in super::super) struct Asked {
    headers: HeaderMap,
    method: Method,
    query: Option<String>,
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self {
            headers: parts.headers.clone(),
            method: parts.method.clone(),
            query: parts.uri.query().map(str::to_owned),
        })
    }
}

impl Asked {
    /// Whether somebody opens a page, and not a page one of its files.
    fn is_navigation(&self) -> bool {
        let what = self.headers.get("sec-fetch-dest");
        what.is_none_or(|what| matches!(what.as_bytes(), b"document" | b"iframe" | b"frame"))
    }

    fn question(&self) -> String {
        self.query
            .as_ref()
            .map_or_else(String::new, |query| format!("?{query}"))
    }
}

impl Edge {
    /// Has what they consented to tell read again, when that is due. It is no reason not to show a page.
    async fn freshen(&self, session: &Session) {
        let store = &self.context.store;
        let Ok(Some(consent)) = store.consent(&session.follower).await else {
            return;
        };
        let now = self.context.clock.now();
        if let Some(effect) = consent::renewal(&session.follower, &consent, now) {
            let changes = Changes {
                effects: vec![effect],
                ..Changes::none()
            };
            if let Err(fault) = store.write(changes).await {
                tracing::warn!(error = %fault, "a profile is not read again");
            }
        }
    }
}

/// A file that may be served.
struct Found {
    file: File,
    bytes: u64,
    /// Changes when the file does.
    tag: String,
    kind: &'static str,
}

impl Found {
    fn is_html(&self) -> bool {
        self.kind.starts_with("text/html")
    }

    fn answer(self, asked: &Asked) -> Response {
        let is_known = asked.headers.get_all(IF_NONE_MATCH).iter().any(|value| {
            let tags = value.to_str().unwrap_or_default().split(',');
            tags.map(str::trim).any(|tag| tag == self.tag || tag == "*")
        });
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else if asked.method == Method::HEAD {
            Response::new(Body::empty())
        } else {
            Response::new(Body::from_stream(ReaderStream::new(self.file)))
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, KEPT);
        headers.insert(ETAG, HeaderValue::from_str(&self.tag).expect("hex digits"));
        if !is_known {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(self.bytes));
        }
        response
    }
}

/// The file of a path, which is decoded already. `None` for all that is not plainly a file inside the
/// folder: hidden ones, ways up, links that lead out, what is too large.
async fn find(page: &Page, path: &str) -> Option<Found> {
    let below = below(path)?;
    let folder = tokio::fs::canonicalize(&page.folder).await.ok()?;
    let mut file = tokio::fs::canonicalize(folder.join(below)).await.ok()?;
    if file.is_dir() {
        file = tokio::fs::canonicalize(file.join(FIRST)).await.ok()?;
    }
    if !file.starts_with(&folder) {
        return None;
    }
    let opened = File::open(&file).await.ok()?;
    let facts = opened.metadata().await.ok()?;
    if !facts.is_file() || facts.len() > MOST_BYTES {
        return None;
    }
    let changed = facts.modified().ok()?;
    let changed = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Found {
        file: opened,
        bytes: facts.len(),
        tag: format!("\"{:x}-{:x}\"", facts.len(), changed.as_nanos()),
        kind: kind(&file),
    })
}

/// The path inside a folder; `None` when a segment is empty, hidden or a way up, or holds what file
/// systems read in their own way.
fn below(path: &str) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for segment in path.trim_end_matches('/').split('/') {
        let strange = |c: char| c == '\\' || c == ':' || c.is_control();
        if path.is_empty() {
            break;
        }
        if segment.is_empty() || segment.starts_with('.') || segment.contains(strange) {
            return None;
        }
        inside.push(segment);
    }
    Some(inside)
}

fn kind(file: &FilePath) -> &'static str {
    let ending = file.extension().and_then(|ending| ending.to_str());
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    let found = TYPES.iter().find(|(known, _)| *known == ending);
    found.map_or("application/octet-stream", |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_plain_ways_down_are_taken() {
        let down = |path: &str| below(path).map(|path| path.display().to_string());
        assert_eq!(down("").as_deref(), Some(""));
        assert_eq!(down("a/桥.js").as_deref(), Some("a/桥.js"));
        assert_eq!(down("a/").as_deref(), Some("a"));
        for wrong in [
            "..",
            "../x",
            "a/../../x",
            ".git",
            "a/.env",
            "a//b",
            "a\\b",
            "C:x",
            "a\0b",
            "/",
        ] {
            assert_eq!(down(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_stays_below(path in "[a-z./\\\\%\0:桥 -]{0,30}") {
            if let Some(inside) = below(&path) {
                let plain = |part| matches!(part, std::path::Component::Normal(_));
                prop_assert!(inside.components().all(plain), "{:?}", inside);
            }
        }
    }

    #[test]
    fn the_table_of_endings_is_in_order_and_what_is_not_in_it_is_never_run() {
        assert!(TYPES.is_sorted());
        assert_eq!(
            kind(FilePath::new("a/INDEX.HTML")),
            "text/html; charset=utf-8"
        );
        assert_eq!(kind(FilePath::new("a/b.exe")), "application/octet-stream");
    }
}
