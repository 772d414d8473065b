//! `/app/map/` and `/app/api/branches`: where the branches are, nearest first.
//!
//! The page is Qiao's own: files in the program, no script in the page, no program from elsewhere but WeChat's
//! JS-SDK. Leaflet shows tiles where there are any (docs/MAP.md says why).

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::super::Edge;
use super::super::notice::{Words, escaped, language, said, wrong};
use super::super::oauth::{lead, own};
use super::super::session::Session;
use super::super::signs;
use crate::config::{Account, Map};
use crate::doctor::Language;
use crate::domain::map_link::map_link;
use crate::domain::place::{Coordinates, NotAPlace, Place, System, decimal};
use crate::domain::placeholder::render;
use crate::flows::branches::{Near, nearest};

const PAGE: &str = include_str!("map/page.html");
const SCRIPT: &str = include_str!("map/map.js");
const STYLE: &str = include_str!("map/map.css");
const LEAFLET: &str = include_str!("map/leaflet/leaflet.js");
const LEAFLET_STYLE: &str = include_str!("map/leaflet/leaflet.css");

/// Longest name that is searched for, characters.
const MOST_CHARS: usize = 100;

const TITLE: Words = ["Our branches", "我们的门店"];
const SEARCH: Words = ["Search by name or address", "按名称或地址查找"];
const LOCATE: Words = ["Use my position", "使用我的位置"];
const REGION: Words = ["Map of the branches", "门店地图"];
const NO_SCRIPT: Words = ["This page needs JavaScript.", "此页面需要启用 JavaScript。"];

const NO_MAP: Words = ["there is no map here", "没有门店地图"];
const LONG: Words = [
    "`name` is longer than 100 characters; shorten it",
    "name 超过 100 个字符，请缩短",
];
const HALF: Words = [
    "give both `latitude` and `longitude`, or neither",
    "latitude 和 longitude 须同时提供或都不提供",
];
const SYSTEM: Words = [
    "`coordinates` is gcj02 or wgs84",
    "coordinates 应为 gcj02 或 wgs84",
];

/// `/app/map/`, for a follower of its account whom the browser knows.
pub(in super::super) async fn page(State(edge): State<Arc<Edge>>, headers: HeaderMap) -> Response {
    let live = edge.context.live();
    let Some(map) = &live.config.map else {
        return signs::not_found().render(&headers);
    };
    let session = match edge.session(&headers).await {
        Ok(session) => session,
        Err(fault) => {
            tracing::warn!(error = %fault, "a session could not be read");
            return signs::unavailable().render(&headers);
        }
    };
    let is_theirs = |session: &Session| session.follower.account == map.account;
    let account = live.config.wechat.get(&map.account);
    let (Some(_), Some(account)) = (session.filter(is_theirs), account) else {
        let url = live.config.start_url(&map.account, "/app/map/");
        let query = url.query().unwrap_or_default();
        return lead(&format!("{}?{query}", url.path()));
    };
    let html = (CONTENT_TYPE, "text/html; charset=utf-8");
    ([html], html_of(map, account, language(&headers))).into_response()
}

/// `/app/map`
pub(in super::super) async fn without_slash(State(edge): State<Arc<Edge>>) -> Response {
    lead(&own(&edge.context.live().config, "/app/map/"))
}

fn html_of(map: &Map, account: &Account, language: Language) -> String {
    let say = |words: &Words| escaped(said(language, words));
    let style = |file: &str| format!("<link rel=\"stylesheet\" href=\"{file}\">");
    let script = |file: &str| format!("<script src=\"{file}\" defer></script>");
    let (mut styles, mut scripts) = (style("map.css"), script("map.js"));
    let mut region = String::new();
    if map.tiles.is_some() {
        styles = style("leaflet.css") + &styles;
        scripts = script("leaflet.js") + &scripts;
        region = format!(
            "<section id=\"map\" aria-label=\"{}\"></section>",
            say(&REGION)
        );
    }
    let tiles = map.tiles.as_ref();
    let attribute = |text: Option<&str>| escaped(text.unwrap_or_default());
    render(
        PAGE,
        &[
            ("lang", said(language, &["en", "zh-CN"])),
            ("title", &say(&TITLE)),
            ("search", &say(&SEARCH)),
            ("locate", &say(&LOCATE)),
            ("noscript", &say(&NO_SCRIPT)),
            ("styles", &styles),
            ("scripts", &scripts),
            ("map", &region),
            ("jssdk", &escaped(account.jssdk_url.as_str())),
            ("tiles", &attribute(tiles.map(|tiles| tiles.url.as_str()))),
            (
                "system",
                &attribute(tiles.map(|tiles| tiles.system.as_str())),
            ),
            (
                "credit",
                &attribute(tiles.map(|tiles| tiles.credit.as_str())),
            ),
        ],
    )
}

/// A file of the page. They tell nothing of anybody, so nobody needs to be known.
pub(in super::super) async fn file(
    axum::extract::Path(name): axum::extract::Path<String>,
    headers: HeaderMap,
) -> Response {
    let (kind, text) = match name.as_str() {
        "map.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "map.css" => ("text/css; charset=utf-8", STYLE),
        "leaflet.js" => ("text/javascript; charset=utf-8", LEAFLET),
        "leaflet.css" => ("text/css; charset=utf-8", LEAFLET_STYLE),
        _ => return signs::not_found().render(&headers),
    };
    // A new version is seen within the hour.
    let told = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "public, max-age=3600"),
    ];
    (told, text).into_response()
}

/// `/app/api/branches?latitude=&longitude=&coordinates=gcj02|wgs84&name=`
pub(in super::super) async fn branches(
    State(edge): State<Arc<Edge>>,
    session: Session,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let live = edge.context.live();
    let map = live.config.map.as_ref();
    let Some(map) = map.filter(|map| map.account == session.follower.account) else {
        return wrong(StatusCode::NOT_FOUND, &NO_MAP, &headers);
    };
    let asked = match Asked::read(&query.unwrap_or_default()) {
        Ok(asked) => asked,
        Err(words) => return wrong(StatusCode::BAD_REQUEST, words, &headers),
    };
    let from = asked.from.map(|place| place.gcj02);
    let found = nearest(&map.branches, from, &asked.name);
    let told = json!({
        "branches": found.iter().map(told).collect::<Vec<_>>(),
        "from": asked.from.map(|place| json!({
            "gcj02": degrees(place.gcj02),
            "wgs84": degrees(place.wgs84),
        })),
    });
    Json(told).into_response()
}

struct Asked {
    from: Option<Place>,
    name: String,
}

impl Asked {
    /// Empty parameters count as absent.
    fn read(query: &str) -> Result<Self, &'static Words> {
        let (mut latitude, mut longitude, mut name) = (None, None, String::new());
        let mut system = System::Gcj02;
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*key, value.trim()) {
                (_, "") => {}
                ("latitude", value) => latitude = Some(number(value)?),
                ("longitude", value) => longitude = Some(number(value)?),
                ("coordinates", value) => system = System::parse(value).ok_or(&SYSTEM)?,
                ("name", value) => value.clone_into(&mut name),
                _ => {}
            }
        }
        if name.chars().count() > MOST_CHARS {
            return Err(&LONG);
        }
        let from = match (latitude, longitude) {
            (None, None) => None,
            (Some(latitude), Some(longitude)) => {
                Some(Place::new(system, latitude, longitude).map_err(misplaced)?)
            }
            _ => return Err(&HALF),
        };
        Ok(Self { from, name })
    }
}

fn number(text: &str) -> Result<f64, &'static Words> {
    decimal(text).ok_or(misplaced(NotAPlace::Number))
}

/// What the follower reads: a program made this of their position.
fn misplaced(fault: NotAPlace) -> &'static Words {
    match fault {
        NotAPlace::Number => &[
            "a coordinate is not a decimal number of degrees",
            "坐标不是十进制度数",
        ],
        NotAPlace::Latitude => &[
            "the latitude is not between -90 and 90 degrees",
            "纬度不在 -90 到 90 度之间",
        ],
        NotAPlace::Longitude => &[
            "the longitude is not between -180 and 180 degrees",
            "经度不在 -180 到 180 度之间",
        ],
        NotAPlace::Swapped => &["latitude and longitude are swapped", "纬度和经度写反了"],
    }
}

fn told(near: &Near<'_>) -> Value {
    let branch = near.branch;
    let place = branch.place;
    json!({
        "name": branch.name,
        "address": branch.address,
        "phone": branch.phone,
        "latitude": place.gcj02.latitude(),
        "longitude": place.gcj02.longitude(),
        "wgs84": degrees(place.wgs84),
        "distance_m": near.metres.map(f64::round),
        "link": map_link(place.gcj02, &branch.name, &branch.address),
    })
}

fn degrees<S: Copy>(place: Coordinates<S>) -> Value {
    json!({ "latitude": place.latitude(), "longitude": place.longitude() })
}
