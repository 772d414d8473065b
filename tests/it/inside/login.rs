//! Somebody opens a page from WeChat and is known: silently, with consent, once, in this browser only.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{Browser, inside};
use crate::world::{Plan, World};

const EXCHANGE: &str = "/sns/oauth2/access_token";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_opens_silently_and_knows_who_is_looking() {
    let world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    let page = phone.open("/app/account/").await;
    assert_eq!((page.status, page.url.path()), (200, "/app/account/"));
    page.says(&["My account"]);
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["account"], "main");
    assert_eq!(me["customer"]["state"], "linked");
    assert_eq!(me["profile"]["consented_at"], json!(null));
    let kept = world.text("SELECT token FROM session").await;
    assert_ne!(kept, phone.cookies["qiao"], "only its SHA-256 is kept");
    assert_eq!(world.text("SELECT openid FROM session").await, anna);
    let asked = phone
        .visited
        .iter()
        .find(|url| url.path() == "/connect/oauth2/authorize");
    let asked = asked.unwrap();
    assert_eq!(asked.fragment(), Some("wechat_redirect"));
    let names: Vec<_> = asked
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    let order = [
        "appid",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "connect_redirect",
    ];
    assert_eq!(names, order);
    // The second time nobody is asked.
    let steps = phone.visited.len();
    phone.open("/app/account/sub/").await.says(&["Below"]);
    assert_eq!(phone.visited.len(), steps + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_for_this_host_and_no_script() {
    let mut world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    let led = phone.get("/app/account/").await;
    let start = led.headers["location"].clone();
    let cookie = phone.get(&start).await.headers["set-cookie"].clone();
    assert!(
        cookie.starts_with("qiao_login="),
        "plain on this machine: {cookie}"
    );
    for part in ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=600"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    world.stop().await;
    world.reconfigure(
        "listen = \"127.0.0.1:0\"",
        "listen = \"127.0.0.1:0\"\npublic_url = \"https://bridge.example.cn\"",
    );
    world.start().await;
    let mut phone = Browser::phone(&world, &anna).await;
    let cookie = phone.get(&start).await.headers["set-cookie"].clone();
    assert!(cookie.starts_with("__Host-qiao_login="), "{cookie}");
    assert!(
        cookie.ends_with("; Secure") && cookie.contains("Path=/;"),
        "{cookie}"
    );
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_wechat_nobody_is_known() {
    let world = inside("snsapi_base", Plan::default()).await;
    let mut anybody = Browser::new(&world);
    let page = anybody.open("/app/account/").await;
    page.says(&["请在微信客户端打开链接"]);
    let me = anybody.get("/app/api/me").await;
    assert_eq!(me.status, 401);
    assert_eq!(me.json()["login"], "/oauth/wechat/main/start");
    assert_eq!(me.headers["cache-control"], "no-store");
    let file = [("sec-fetch-dest", "script")];
    let file = anybody.request(Method::GET, "/app/account/app.js", &file, String::new());
    assert_eq!(
        file.await.status,
        401,
        "a file is no page that could lead on"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_asks_for_more_shows_name_and_avatar_after_consent() {
    let world = inside("snsapi_userinfo", Plan::default()).await;
    let anna = world.customer().await;
    world.wechat.with(|wechat, _, _| {
        "小桥 <b>".clone_into(&mut wechat.person_mut(&anna).unwrap().nickname);
    });
    let mut phone = Browser::phone(&world, &anna).await;
    let question = phone.open("/app/account/").await;
    question.says(&["id=\"allow\"", "id=\"deny\""]);
    assert!(!phone.is_known());
    let page = phone.tap(&question, "allow").await;
    page.says(&["My account"]);
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["profile"]["name"], "小桥 <b>");
    assert!(
        me["profile"]["avatar"]
            .as_str()
            .unwrap()
            .starts_with("http")
    );
    assert_eq!(me["profile"]["consented_at"], "2026-11-23T08:00:03Z");
    let told = world
        .text("SELECT scope || ': ' || what || ' ' || given_at FROM v_consent")
        .await;
    assert_eq!(
        told,
        "snsapi_userinfo: nickname and avatar 2026-11-23T08:00:03.000Z"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_of_wechats_reaches_the_browser() {
    let world = inside("snsapi_userinfo", Plan::default()).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    let question = phone.open("/app/account/").await;
    phone.tap(&question, "allow").await;
    phone.get("/app/api/me").await;
    phone.get("/app/api/me/history").await;
    let secrets = world.wechat.look(qiao_sim::wechat::WeChat::oauth_secrets);
    assert!(secrets.len() >= 2, "an access and a refresh token");
    let everything = phone.everything();
    assert!(everything.contains("My account"));
    for secret in secrets {
        assert!(!everything.contains(&secret), "a token reached the page");
    }
    assert!(!everything.contains("simsecret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_serves_once_and_only_the_browser_in_which_it_was_made() {
    let world = inside("snsapi_base", Plan::default()).await;
    let (anna, bert) = (world.customer().await, world.customer().await);
    let mut phone = Browser::phone(&world, &anna).await;
    phone.open("/app/account/").await;
    let back = phone
        .visited
        .iter()
        .find(|url| url.path().ends_with("/callback"));
    let back = back.unwrap().to_string();
    // WeChat may open the way back twice: who is known already goes on.
    assert_eq!(phone.open(&back).await.url.path(), "/app/account/");
    // The same state and another code, in a browser that was taken the session from.
    phone.cookies.remove("qiao");
    let replayed = phone.open(&back).await;
    assert_eq!(replayed.status, 400);
    replayed.says(&["This link was used already", "Open the page again"]);
    let again = replayed.link("Open the page again");
    assert_eq!(phone.open(again.as_str()).await.url.path(), "/app/account/");

    // Bert began to log in and has somebody else open his way back.
    let mut attacker = Browser::phone(&world, &bert).await;
    let start = attacker.get("/app/account/").await.headers["location"].clone();
    let authorize = attacker.get(&start).await.headers["location"].clone();
    let way_back = attacker.get(&authorize).await.headers["location"].clone();
    let mut victim = Browser::phone(&world, &anna).await.speaks("zh-CN,zh;q=0.9");
    let exchanged = world.wechat_calls(EXCHANGE);
    let foreign = victim.open(&way_back).await;
    assert_eq!(foreign.status, 400);
    foreign.says(&["链接属于其他浏览器", "lang=\"zh-CN\""]);
    assert_eq!(
        world.wechat_calls(EXCHANGE),
        exchanged,
        "the code was not used"
    );
    let sessions = world
        .count("SELECT count(*) FROM session WHERE openid IS NOT NULL")
        .await;
    assert_eq!(sessions, 2, "Anna's two, and nobody is Bert");
    assert_eq!(attacker.open(&way_back).await.url.path(), "/app/account/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_old_or_unknown_does_nothing() {
    let world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    let start = phone.get("/app/account/").await.headers["location"].clone();
    let authorize = phone.get(&start).await.headers["location"].clone();
    let back = phone.get(&authorize).await.headers["location"].clone();
    world.advance(Duration::from_mins(10));
    let late = phone.open(&back).await;
    assert_eq!(late.status, 400);
    late.says(&["not valid any more", "Open the page again"]);
    for wrong in ["state=nonsense&code=abc", "code=abc", "state=", ""] {
        let path = format!("/oauth/wechat/main/callback?{wrong}");
        assert_eq!(phone.get(&path).await.status, 400, "{wrong}");
    }
    assert_eq!(world.wechat_calls(EXCHANGE), 0);
    assert!(!phone.is_known());
    let other = "/oauth/wechat/nobody/start?to=/app/account/";
    assert_eq!(phone.get(other).await.status, 404);
    world.run_job("prune").await;
    assert_eq!(world.count("SELECT count(*) FROM oauth_state").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_leads_to_no_other_place_than_our_pages() {
    let world = inside("snsapi_base", Plan::default()).await;
    let mut anybody = Browser::new(&world);
    for to in [
        "https://evil.example/",
        "//evil.example/",
        "/%5Cevil.example",
        "/app/account/../../x",
        "/app/account/%252e%252e/x",
        "/app/other/",
        "/wechat/main",
        "javascript:alert(1)",
        "/app/account/%0d%0aset-cookie:%20a=b",
    ] {
        let got = anybody
            .get(&format!("/oauth/wechat/main/start?to={to}"))
            .await;
        assert_eq!(got.status, 400, "{to}");
        got.says(&["This link is wrong"]);
        assert!(!got.headers.contains_key("location"), "{to}");
    }
    assert_eq!(world.count("SELECT count(*) FROM oauth_state").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_its_hours_are_over_and_when_somebody_logs_out() {
    let world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    phone.open("/app/account/").await;
    world.advance(Duration::from_hours(24));
    assert_eq!(phone.get("/app/api/me").await.status, 401);
    phone.open("/app/account/").await;
    assert_eq!(phone.get("/app/api/me").await.status, 200);
    let stolen = phone.cookies["qiao"].clone();
    let foreign = [("origin", "https://evil.example")];
    let logout = "/oauth/wechat/main/logout";
    let refused = phone
        .request(Method::POST, logout, &foreign, String::new())
        .await;
    assert_eq!(refused.status, 403);
    let origin = world.url();
    let ours = [("origin", &*origin)];
    let out = phone
        .request(Method::POST, logout, &ours, String::new())
        .await;
    assert_eq!(out.status, 204);
    assert!(!phone.is_known());
    phone.cookies.insert("qiao".to_owned(), stolen);
    assert_eq!(
        phone.get("/app/api/me").await.status,
        401,
        "it is over for everybody"
    );
    world.run_job("prune").await;
    assert_eq!(world.count("SELECT count(*) FROM session").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_costs_a_bounded_number_of_rows() {
    let world = inside("snsapi_base", Plan::default()).await;
    let mut anybody = Browser::new(&world);
    let start = "/oauth/wechat/main/start";
    anybody.get(start).await;
    world.sql("UPDATE oauth_state SET id = 1").await;
    world
        .sql(
            "INSERT INTO oauth_state SELECT 10001, printf('%064d', 1), browser, account, target, scope,
                 asked, created_at, expires_at, NULL FROM oauth_state",
        )
        .await;
    anybody.get(start).await;
    let ids = "SELECT group_concat(id) FROM (SELECT id FROM oauth_state ORDER BY id)";
    assert_eq!(world.text(ids).await, "10001,10002", "the oldest went");
}

#[tokio::test(flavor = "multi_thread")]
async fn wechat_finds_the_proof_of_the_domain() {
    let plan = Plan {
        account: "mp_verify = [\"aB3xYz\", \"other1\"]".to_owned(),
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    let mut anybody = Browser::new(&world);
    let proof = anybody.get("/MP_verify_aB3xYz.txt").await;
    assert_eq!((proof.status, proof.body.as_str()), (200, "aB3xYz"));
    for wrong in [
        "/MP_verify_nobody.txt",
        "/MP_verify_.txt",
        "/aB3xYz",
        "/MP_verify_aB3xYz",
    ] {
        assert_eq!(anybody.get(wrong).await.status, 404, "{wrong}");
    }
}
