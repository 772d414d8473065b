//! What does not become a login: denial, a used code, a snapshot, a WeChat that does not answer.

use std::time::Duration;

use qiao_sim::fault::Kind;

use super::{Browser, inside};
use crate::world::{Plan, World};

const EXCHANGE: &str = "/sns/oauth2/access_token";

async fn nobody_is_bound(world: &World) {
    let rows = "SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM consent)";
    assert_eq!(world.count(rows).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_denies_may_go_on_without_or_try_again() {
    let world = inside("snsapi_userinfo", Plan::default()).await;
    let anna = world.customer().await;
    let mut phone = Browser::phone(&world, &anna).await;
    let question = phone.open("/app/account/").await;
    let denied = phone.tap(&question, "deny").await;
    assert_eq!(denied.status, 403);
    denied.says(&["You did not allow it", "Try again"]);
    nobody_is_bound(&world).await;
    let again = denied.link("Try again");
    phone.open(again.as_str()).await.says(&["id=\"allow\""]);
    let without = denied.link("Go on without name and picture");
    let page = phone.open(without.as_str()).await;
    assert_eq!(
        page.url.path(),
        "/app/account/",
        "and is not asked once more"
    );
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["profile"]["name"], serde_json::Value::Null);
    assert_eq!(world.count("SELECT count(*) FROM consent").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_used_or_is_too_old_is_told_with_a_new_start() {
    let world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    for (what, age) in [("used", 0), ("old", 5), ("invalid", 0)] {
        let mut phone = Browser::phone(&world, &anna).await;
        let start = phone.get("/app/account/").await.headers["location"].clone();
        let authorize = phone.get(&start).await.headers["location"].clone();
        let mut back = phone.get(&authorize).await.headers["location"].clone();
        let code = back
            .split("code=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        match what {
            "used" => {
                let call = format!(
                    "{}{EXCHANGE}?appid=wx0123456789abcdef&secret=simsecret&code={code}\
                     &grant_type=authorization_code",
                    world.wechat.url()
                );
                phone.get(&call).await.says(&["openid"]);
            }
            "invalid" => back = back.replace(code, "nonsense"),
            _ => world.advance(Duration::from_mins(age)),
        }
        let told = phone.open(&back).await;
        assert_eq!(told.status, 400, "{what}");
        told.says(&["This link was used already"]);
        nobody_is_bound(&world).await;
        let again = told.link("Open the page again");
        assert_eq!(phone.open(again.as_str()).await.status, 200, "{what}");
        world.sql("DELETE FROM session").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_shown_nothing_and_bound_to_nobody() {
    let world = inside("snsapi_userinfo", Plan::default()).await;
    let anna = world.customer().await;
    world
        .wechat
        .with(|wechat, _, _| wechat.settings.snapshot_pages = true);
    let mut phone = Browser::phone(&world, &anna).await.speaks("zh-CN");
    let preview = phone.open("/app/account/").await;
    assert_eq!(preview.status, 200);
    preview.says(&["仅供预览", "使用完整服务"]);
    assert!(!phone.is_known());
    nobody_is_bound(&world).await;
    let virtual_id = world
        .wechat
        .look(|wechat| wechat.virtual_openid(&anna).map(str::to_owned));
    let virtual_id = virtual_id.expect("WeChat made one up");
    assert!(!phone.everything().contains(&virtual_id));
    world
        .wechat
        .with(|wechat, _, _| wechat.settings.snapshot_pages = false);
    let question = phone.open("/app/account/").await;
    phone.tap(&question, "allow").await.says(&["My account"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_wechat_does_not_answer_a_clear_page_says_so_and_the_next_try_works() {
    let world = inside("snsapi_base", Plan::default()).await;
    let anna = world.customer().await;
    for kind in [
        Kind::Drop {
            after_effect: false,
        },
        Kind::Code {
            code: 40125,
            after_effect: false,
        },
    ] {
        world.wechat_fails(EXCHANGE, kind);
        let mut phone = Browser::phone(&world, &anna).await;
        let told = phone.open("/app/account/").await;
        assert_eq!(told.status, 503);
        told.says(&["WeChat does not answer", "Open the page again"]);
        nobody_is_bound(&world).await;
        let again = told.link("Open the page again");
        assert_eq!(phone.open(again.as_str()).await.status, 200);
        world.sql("DELETE FROM session").await;
    }
    assert_eq!(
        world.pause_of("wechat:main"),
        None,
        "sends do not wait for it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_cannot_be_read_at_once_is_read_later() {
    let world = inside("snsapi_userinfo", Plan::default()).await;
    let anna = world.customer().await;
    world.wechat_fails(
        "/sns/userinfo",
        Kind::Drop {
            after_effect: false,
        },
    );
    let mut phone = Browser::phone(&world, &anna).await;
    let question = phone.open("/app/account/").await;
    phone.tap(&question, "allow").await.says(&["My account"]);
    world.settled().await;
    let me = phone.get("/app/api/me").await.json();
    assert!(me["profile"]["name"].is_string(), "{me}");
}
