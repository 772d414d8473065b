//! The map in somebody's hands: with WeChat's JS-SDK, in another browser, without tiles and with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use qiao_sim::wechat::WeChat;

use super::{Browser, LIMIT};
use crate::inside::map::branches;
use crate::world::{Plan, World, port};

/// A picture of one pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// A world with a map, and a phone that has it open from the account's menu.
async fn opened(keys: &str) -> (World, Browser) {
    let world = World::planned(Plan {
        account: branches(keys),
        ..Plan::default()
    })
    .await;
    let openid = world.customer().await;
    let browser = Browser::phone().await;
    let link = format!("{}/oauth/wechat/main/start?to=%2Fapp%2Fmap%2F", world.url());
    let mut url = url::Url::parse(world.wechat.url()).unwrap();
    url.set_path("/_control/phone");
    url.query_pairs_mut()
        .append_pair("openid", &openid)
        .append_pair("to", &link)
        .append_pair("from", "chat");
    browser.go(url.as_str()).await;
    browser.see("我们的门店").await;
    browser.see("北站店").await;
    (world, browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_branch_is_found_and_opened_on_wechats_map() {
    let (world, browser) = opened("").await;
    browser.axe().await;
    browser.click("#locate").await;
    browser.see("已按距离排序").await;
    browser.see("100 m").await;
    let text = browser.text().await;
    assert!(text.find("East") < text.find("北站店"), "{text}");
    browser.axe().await;
    browser.screenshot("map-list").await;
    browser.click("li:first-child .open").await;
    browser.find("#sim-map").await;
    let opened = world
        .wechat
        .until(|wechat: &WeChat| wechat.opened_locations().first().cloned());
    let opened = tokio::time::timeout(LIMIT, opened).await.unwrap();
    assert_eq!((opened.name.as_str(), opened.scale), ("East", 16));
    assert!((opened.latitude - 30.6559).abs() < 1e-9);
    browser.click_text("返回").await;
    browser.fill("#name", "北站").await;
    browser.until_gone("East").await;
    browser.see("5.0 km").await;
    browser.fill("#name", "没有这家").await;
    browser.see("没有找到门店").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_tell_where_they_are_still_finds_the_branches() {
    let (world, browser) = opened("").await;
    world.wechat.with(|wechat, _, _| {
        wechat.settings.position_gcj02 = None;
        wechat.settings.position_wgs84 = None;
    });
    browser.reload().await;
    browser.see("北站店").await;
    // Nor does the browser: nobody allows it to.
    browser.click("#locate").await;
    browser.see("无法获取您的位置").await;
    // Chromium would ask its maker's service, which no story reaches.
    let told = browser.console().await;
    assert!(
        told.iter().all(|line| line.contains("location provider")),
        "{told:?}"
    );
    browser.see("028-8765 4321").await;
    browser.axe().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tiles_there_is_a_map_of_them() {
    let (count, listener) = (Arc::new(AtomicUsize::new(0)), port().await);
    let tiles = format!("http://{}", listener.local_addr().unwrap());
    let counted = Arc::clone(&count);
    let tile = get(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(([(CONTENT_TYPE, "image/gif")], PIXEL))
    });
    let router = Router::new().route("/{z}/{x}/{y}", tile);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let keys = format!("tiles = \"{tiles}/{{z}}/{{x}}/{{y}}.gif\"\ntiles_credit = \"© 测试\"");
    let (_world, browser) = opened(&keys).await;
    browser.see("© 测试").await;
    browser.find(".leaflet-tile-loaded").await;
    assert!(count.load(Ordering::Relaxed) > 0);
    browser.click("#locate").await;
    browser.see("100 m").await;
    browser.axe().await;
    browser.screenshot("map-tiles").await;
    browser.close().await;
}
