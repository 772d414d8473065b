//! The map inside WeChat: who may see it, what it is told, and which URLs are signed.

use std::time::Duration;

use qiao_sim::fault::Kind;
use qiao_sim::wechat::Via;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::{Browser, Got, inside};
use crate::world::{Plan, World};

const TICKET: &str = "/cgi-bin/ticket/getticket";

/// A map with these keys and two branches.
pub fn branches(keys: &str) -> String {
    format!(
        r#"
[app.map]
{keys}
[[app.map.branches]]
name = "北站店"
phone = "028-8765 4321"
latitude = 30.70
longitude = 104.07
[[app.map.branches]]
name = "East"
address = "人民南路1号"
latitude = 30.6559
longitude = 104.068348
"#
    )
}

async fn with_map() -> World {
    let plan = Plan {
        account: branches(""),
        ..Plan::default()
    };
    inside("snsapi_base", plan).await
}

/// A follower's phone that has the map open.
async fn phone(world: &World) -> Browser {
    let openid = world.customer().await;
    let mut phone = Browser::phone(world, &openid).await;
    let got = phone.open("/app/map/").await;
    assert_eq!(got.status, 200, "{got:?}");
    phone
}

async fn signs(phone: &mut Browser, url: &str) -> Got {
    let url: String = byte_serialize(url.as_bytes()).collect();
    phone.get(&format!("/app/api/jssdk?url={url}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_map_opens_for_a_follower_and_tells_nobody_else_anything() {
    let world = with_map().await;
    let openid = world.customer().await;
    let mut stranger = Browser::new(&world);
    let got = stranger.get("/app/map/").await;
    let start = "/oauth/wechat/main/start?to=%2Fapp%2Fmap%2F";
    assert!(got.headers["location"].ends_with(start), "{got:?}");
    for path in ["/app/api/branches", "/app/api/jssdk?url=x"] {
        let got = stranger.get(path).await;
        assert_eq!(
            (got.status, &got.json()["login"]),
            (401, &json!("/oauth/wechat/main/start"))
        );
    }
    let mut phone = Browser::phone(&world, &openid).await.speaks("zh-CN");
    let page = phone.open("/app/map").await;
    page.says(&["lang=\"zh-CN\"", "我们的门店", "jweixin-1.6.0.js"]);
    let policy = &page.headers["content-security-policy"];
    let script = policy
        .split(';')
        .find(|part| part.contains("script-src"))
        .unwrap();
    assert!(
        script.contains(world.wechat.url()) && !script.contains("unsafe"),
        "{policy}"
    );
    for file in ["map.js", "map.css", "leaflet.js", "leaflet.css"] {
        assert_eq!(
            phone.get(&format!("/app/map/{file}")).await.status,
            200,
            "{file}"
        );
    }
    assert_eq!(phone.get("/app/map/page.html").await.status, 404);
    let page = phone.speaks("en").open("/app/map/").await;
    page.says(&["lang=\"en\"", "Our branches"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_come_nearest_first_and_are_found_by_name() {
    let world = with_map().await;
    let mut phone = phone(&world).await;
    let names = |got: &Got| -> Vec<(String, Value)> {
        let branches = got.json()["branches"].as_array().unwrap().clone();
        let of = |b: &Value| {
            (
                b["name"].as_str().unwrap().to_owned(),
                b["distance_m"].clone(),
            )
        };
        branches.iter().map(of).collect()
    };
    let told = |name: &str, metres: Value| (name.to_owned(), metres);
    let got = phone.get("/app/api/branches").await;
    assert_eq!(
        names(&got),
        [told("北站店", Value::Null), told("East", Value::Null)]
    );
    assert_eq!(got.json()["from"], Value::Null);
    let near = phone
        .get("/app/api/branches?latitude=30.654998&longitude=104.068348")
        .await;
    assert_eq!(
        names(&near),
        [told("East", json!(100.0)), told("北站店", json!(5006.0))]
    );
    let east = &near.json()["branches"][0];
    assert_eq!(
        (&east["latitude"], &east["address"]),
        (&json!(30.6559), &json!("人民南路1号"))
    );
    assert!(
        east["link"]
            .as_str()
            .unwrap()
            .starts_with("https://apis.map.qq.com/uri/v1/marker")
    );
    // The same place, as a satellite has it.
    let satellite =
        "/app/api/branches?latitude=30.65742&longitude=104.06584&coordinates=wgs84&name=eas";
    assert_eq!(
        names(&phone.get(satellite).await),
        [told("East", json!(100.0))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_coordinate_is_told_in_the_followers_language() {
    let world = with_map().await;
    let mut phone = phone(&world).await.speaks("zh-CN");
    for (query, why) in [
        ("latitude=NaN&longitude=1", "十进制"),
        ("latitude=1e400&longitude=1", "十进制"),
        ("latitude=95.0&longitude=100", "swap"),
        ("latitude=95.0&longitude=200", "纬度不在"),
        ("latitude=1&longitude=180.1", "经度不在"),
        ("latitude=&longitude=1", "同时提供"),
        ("latitude=1&longitude=1&coordinates=bd09", "gcj02"),
    ] {
        let got = phone.get(&format!("/app/api/branches?{query}")).await;
        let why = if why == "swap" { "纬度不在" } else { why };
        assert_eq!(got.status, 400, "{query}");
        assert!(
            got.json()["error"].as_str().unwrap().contains(why),
            "{query}: {got:?}"
        );
    }
    let swapped = phone
        .get("/app/api/branches?latitude=116.4&longitude=39.9")
        .await;
    swapped.says(&["写反了"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_own_pages_are_signed_and_wechat_takes_the_signature() {
    let world = with_map().await;
    let mut phone = phone(&world).await;
    let page = format!("{}/app/map/", world.url());
    let signed = signs(&mut phone, &format!("{page}#branches")).await.json();
    assert_eq!(signed["jsApiList"], json!(["getLocation", "openLocation"]));
    let query = |signed: &Value, url: &str| {
        let text = |key: &str| {
            signed[key]
                .as_str()
                .map_or(signed[key].to_string(), str::to_owned)
        };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for key in ["appId", "timestamp", "nonceStr", "signature"] {
            query.append_pair(key, &text(key));
        }
        query.append_pair("url", url).finish()
    };
    let asked = format!(
        "{}/_control/jssdk?{}",
        world.wechat.url(),
        query(&signed, &page)
    );
    phone.get(&asked).await.says(&["config:ok"]);
    let again = signs(&mut phone, &page).await.json();
    assert_ne!(again["nonceStr"], signed["nonceStr"]);
    assert_eq!(world.wechat_calls(TICKET), 1, "the ticket is kept");
    let kept = "SELECT count(*) FROM account_token WHERE kind = 'jsapi_ticket'";
    assert_eq!(world.count(kept).await, 1);
    for foreign in [
        "https://evil.example/app/map/".to_owned(),
        page.replace("127.0.0.1", "localhost"),
        page.replace("http://", "https://"),
        page.replace("http://", "http://anna@"),
        format!("{page} "),
        String::new(),
    ] {
        let refused = signs(&mut phone, &foreign).await;
        assert_eq!(refused.status, 400, "{foreign}");
        assert!(!refused.body.contains("signature"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_repaired_for_the_ticket_and_no_ticket_disturbs_no_send() {
    let world = with_map().await;
    let mut phone = phone(&world).await;
    world
        .wechat
        .with(|wechat, now, _| wechat.revoke_tokens(now));
    let page = format!("{}/app/map/", world.url());
    assert_eq!(signs(&mut phone, &page).await.status, 200);
    assert_eq!(world.wechat_calls(TICKET), 2);
    world
        .sql("DELETE FROM account_token WHERE kind = 'jsapi_ticket'")
        .await;
    let busy = Kind::Code {
        code: -1,
        after_effect: false,
    };
    world.wechat_fails_for("ticket/getticket", busy, 9);
    let refused = signs(&mut phone, &page).await;
    assert_eq!(refused.status, 503);
    refused.says(&["without your position"]);
    let openid = world.talking_customer().await;
    world.send(&openid, "all the same").await;
    world.until_seen(&openid, "all the same").await;
    assert_eq!(world.pause_of("wechat:main"), None);
    assert!(
        world
            .seen_by(&openid, Via::Custom)
            .contains(&"all the same".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refresh_job_renews_the_ticket_where_there_are_pages() {
    let world = with_map().await;
    let told = world.run_job("token_refresh").await;
    assert_eq!(told, "1 access_tokens, 1 jsapi_tickets renewed");
    world.advance(Duration::from_secs(7_200 - 241));
    let told = world.run_job("token_refresh").await;
    assert_eq!(told, "0 access_tokens, 0 jsapi_tickets renewed");
    world.advance(Duration::from_secs(1));
    let told = world.run_job("token_refresh").await;
    assert_eq!(told, "1 access_tokens, 1 jsapi_tickets renewed");
}
