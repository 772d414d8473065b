//! The room itself: what a browser there can do, and that it does not look away.

use axum::Router;
use axum::extract::Form;
use axum::http::header::{CONTENT_SECURITY_POLICY, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};

use super::{Browser, Look};
use crate::world::port;

const STRICT: &str = "default-src 'none'; style-src 'self'; form-action 'self'; frame-src 'self'";

/// What a page gets: a title, and its body.
fn page(body: &str) -> impl IntoResponse + use<> {
    let html = format!(
        "<!doctype html><html lang=zh><head><title>门</title>\
         <meta name=viewport content='width=device-width'></head><body><main>{body}</main></body></html>"
    );
    ([(CONTENT_SECURITY_POLICY, STRICT)], Html(html))
}

async fn door(headers: HeaderMap) -> impl IntoResponse {
    let language = headers["accept-language"].to_str().unwrap();
    page(&format!(
        "<h1>你好</h1><p>{language}</p><form method=post action=/enter>\
         <label>名字 <input name=name value=旧></label> <button>进来</button></form>"
    ))
}

async fn enter(Form(form): Form<Vec<(String, String)>>) -> impl IntoResponse {
    assert_eq!(form, [("name".to_owned(), "小明".to_owned())]);
    let cookie = "__Host-who=xiaoming; Path=/; Secure; HttpOnly; SameSite=Lax";
    ([(SET_COOKIE, cookie)], Redirect::to("/room"))
}

async fn room(headers: HeaderMap) -> impl IntoResponse {
    let cookie = headers[COOKIE].to_str().unwrap();
    page(&format!(
        "<h1>房间</h1><p>{cookie}</p><p hidden>看不见</p><iframe title=窗 src=/frame></iframe>"
    ))
}

async fn frame() -> impl IntoResponse {
    page("<h1>窗外</h1>")
}

async fn careless() -> impl IntoResponse {
    page("<h1>图</h1><img src=/nowhere.png>")
}

/// A server of pages whose policy allows no script at all.
async fn pages() -> String {
    let pages = Router::new()
        .route("/", get(door))
        .route("/enter", post(enter))
        .route("/room", get(room))
        .route("/frame", get(frame))
        .route("/careless", get(careless))
        .fallback(async || StatusCode::NOT_FOUND);
    let listener = port().await;
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, pages).await });
    format!("http://127.0.0.1:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_with_a_phone_comes_in_by_clicking() {
    let (site, browser) = (pages().await, Browser::phone().await);
    browser.go(&site).await;
    browser.see("你好").await;
    browser.see("zh-CN").await;
    assert_eq!(browser.run("return innerWidth").await, 390);
    let name = browser.run("return navigator.userAgent").await;
    assert!(name.as_str().unwrap().contains("MicroMessenger"), "{name}");
    browser.axe().await;
    browser.type_into("input[name=name]", "的").await;
    browser.reload().await;
    browser.fill("input[name=name]", "小明").await;
    browser.click_text("进来").await;
    browser.at("/room").await;
    browser.see("__Host-who=xiaoming").await;
    browser.until_gone("看不见").await;
    assert!(!browser.text().await.contains("看不见"));
    let cookies = browser.cookies().await;
    assert_eq!(cookies, [("__Host-who".to_owned(), "xiaoming".to_owned())]);
    browser.enter("iframe").await;
    browser.see("窗外").await;
    browser.axe().await;
    browser.leave().await;
    browser.see("房间").await;
    let picture = browser.screenshot("proof").await;
    let png = std::fs::read(picture).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_is_wide_and_may_speak_english() {
    let look = Look::desktop().in_language("en");
    let (site, browser) = (pages().await, Browser::open(look).await);
    browser.go(&site).await;
    browser.see("en").await;
    assert_eq!(browser.run("return innerWidth").await, 1280);
    browser.fill("input[name=name]", "小明").await;
    browser.click("button").await;
    browser.see("房间").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_without_words_is_a_finding_and_what_the_policy_forbids_an_error() {
    let (site, browser) = (pages().await, Browser::phone().await);
    browser.go(&format!("{site}/careless")).await;
    let findings = browser.findings().await;
    assert!(findings[0].contains("image-alt"), "{findings:#?}");
    let told = browser.console().await;
    assert!(told[0].contains("Content Security Policy"), "{told:#?}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "Content Security Policy")]
async fn an_error_in_the_console_fails_the_story() {
    let (site, browser) = (pages().await, Browser::phone().await);
    browser.go(&format!("{site}/careless")).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_outside_this_machine_cannot_be_reached() {
    let browser = Browser::phone().await;
    let gone = browser.client.goto("http://example.com/").await;
    let fault = gone.unwrap_err().to_string();
    assert!(fault.contains("ERR_NAME_NOT_RESOLVED"), "{fault}");
    browser.close().await;
}
