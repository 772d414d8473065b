//! `/app/…`: pages inside WeChat, and the data that they show of the follower who is looking.
//!
//! Start reading at [`routes`]. [`files`] serves a team's own folder, [`api`] its JSON; [`map`] is a page of
//! Qiao's own.

mod api;
mod files;
mod jssdk;
mod map;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::{Edge, oauth, security};

/// What a page sends is a form of a few lines.
const API_BODY: usize = 4 * 1024;

/// Everything that followers open.
pub(super) fn routes(edge: &Arc<Edge>) -> Router<Arc<Edge>> {
    let data = Router::new()
        .route("/app/api/me", get(api::me))
        .route("/app/api/me/history", get(api::history))
        .route("/app/api/me/mobile", post(api::change_mobile))
        .route("/app/api/jssdk", get(jssdk::signed))
        .route("/app/api/branches", get(map::branches))
        .route("/app/api/{*path}", get(api::unknown).post(api::unknown))
        .layer(DefaultBodyLimit::max(API_BODY))
        .layer(from_fn_with_state(Arc::clone(edge), security::of_data));
    let pages = Router::new()
        .route("/oauth/wechat/{account}/start", get(oauth::start))
        .route("/oauth/wechat/{account}/callback", get(oauth::callback))
        .route("/oauth/wechat/{account}/logout", post(oauth::logout))
        .route("/app/map", get(map::without_slash))
        .route("/app/map/", get(map::page))
        .route("/app/map/{file}", get(map::file))
        .route("/app/{page}", get(files::without_slash))
        .route("/app/{page}/", get(files::first))
        .route("/app/{page}/{*path}", get(files::file))
        .route("/{file}", get(oauth::proof))
        .layer(DefaultBodyLimit::max(API_BODY))
        .layer(from_fn_with_state(Arc::clone(edge), security::of_pages));
    data.merge(pages)
}
