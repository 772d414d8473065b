//! What a consent brings to the customer, how it is read again, and how it goes.

use std::time::Duration;

use qiao_sim::wechat::NICKNAME_AND_AVATAR;

use super::{Browser, inside};
use crate::world::{Plan, World};

const NAMED: &str = r#"customer = { FirstName = "{name|Wechat}", LastName = "{openid}", WebSite = "{avatar}", RoleCode = "CRM000" }"#;
const REFRESH: &str = "/sns/oauth2/refresh_token";

async fn world() -> World {
    let plan = Plan {
        tenant: NAMED.to_owned(),
        ..Plan::default()
    };
    inside("snsapi_userinfo", plan).await
}

fn is_called(world: &World, openid: &str, name: &str, avatar: &str) {
    world.wechat.with(|wechat, _, _| {
        let person = wechat.person_mut(openid).expect("they are known");
        name.clone_into(&mut person.nickname);
        avatar.clone_into(&mut person.avatar);
    });
}

/// What C4C has of them.
fn in_c4c(world: &World, openid: &str) -> (String, String) {
    world.c4c.look(|c4c| {
        let found = c4c.find_by_wechat_id(openid);
        let field = |name: &str| found[0].text(name).to_owned();
        (field("FirstName"), field("WebSite"))
    })
}

async fn consents(world: &World, openid: &str) -> Browser {
    let mut phone = Browser::phone(world, openid).await;
    let question = phone.open("/app/account/").await;
    phone.tap(&question, "allow").await.says(&["My account"]);
    world.settled().await;
    world.advance(Duration::from_secs(10));
    world.settled().await;
    phone
}

const NOTICES: &str = "SELECT count(*) FROM message WHERE purpose = 'customer_changed'";
const PICTURE: &str = "https://thirdwx.qlogo.cn/mmopen/vi_32/a/132";

#[tokio::test(flavor = "multi_thread")]
async fn name_and_avatar_reach_the_customer_and_nobody_is_told_of_it() {
    let world = world().await;
    let anna = world.customer().await;
    is_called(&world, &anna, "小桥", PICTURE);
    consents(&world, &anna).await;
    assert_eq!(
        in_c4c(&world, &anna),
        ("小桥".to_owned(), PICTURE.to_owned())
    );
    assert_eq!(world.text("SELECT name FROM mapping").await, "小桥");
    assert_eq!(world.count(NOTICES).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_consents_before_they_follow_becomes_a_customer_with_a_name() {
    let world = world().await;
    let anna = world.somebody();
    is_called(&world, &anna, "小桥", PICTURE);
    let mut phone = consents(&world, &anna).await;
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(
        me["customer"],
        serde_json::Value::Null,
        "a look makes no customer"
    );
    assert_eq!(world.count("SELECT count(*) FROM mapping").await, 0);
    world.follow(&anna);
    world.settled().await;
    assert_eq!(
        in_c4c(&world, &anna),
        ("小桥".to_owned(), PICTURE.to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_accounts_own_people_gave_stays() {
    let world = world().await;
    let anna = world.customer().await;
    world.sql("UPDATE mapping SET name = '李雷'").await;
    is_called(&world, &anna, "小桥", PICTURE);
    consents(&world, &anna).await;
    let (name, avatar) = in_c4c(&world, &anna);
    assert_eq!((name.as_str(), avatar.as_str()), ("Wechat", PICTURE));
    assert_eq!(world.text("SELECT name FROM mapping").await, "李雷");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_read_again_once_a_day_when_they_come_back() {
    let mut world = world().await;
    world.stop().await;
    world.reconfigure(
        "[app.pages.account]",
        "[app]\nsession_hours = 720\n[app.pages.account]",
    );
    world.start().await;
    let anna = world.customer().await;
    is_called(&world, &anna, "小桥", "");
    let mut phone = consents(&world, &anna).await;
    is_called(&world, &anna, "大桥", "");
    phone.open("/app/account/").await;
    world.settled().await;
    assert_eq!(world.wechat_calls(REFRESH), 0, "it is of today");
    world.advance(Duration::from_hours(24));
    for _ in 0..3 {
        phone.open("/app/account/").await;
        world.settled().await;
    }
    assert_eq!(world.wechat_calls(REFRESH), 1);
    assert_eq!(in_c4c(&world, &anna).0, "大桥");
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["profile"]["name"], "大桥");
    // Thirty days later WeChat wants them to consent anew, and is not asked again and again.
    world.advance(Duration::from_hours(29 * 24));
    let mut phone = consents(&world, &anna).await;
    world
        .sql("UPDATE consent SET refresh_token = 'withdrawn', read_at = 0")
        .await;
    let before = world.wechat_calls(REFRESH);
    for _ in 0..2 {
        phone.open("/app/account/").await;
        world.settled().await;
    }
    assert_eq!(world.wechat_calls(REFRESH), before + 1);
    let left = "SELECT count(*) FROM consent WHERE refresh_token IS NOT NULL";
    assert_eq!(world.count(left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_withdraws_is_forgotten_here_and_at_the_customer() {
    let world = world().await;
    let anna = world.customer().await;
    is_called(&world, &anna, "小桥", PICTURE);
    let mut phone = consents(&world, &anna).await;
    let revoke = |info: &'static str| {
        world
            .wechat
            .with(|wechat, now, rng| wechat.revoke_authorization(&anna, info, now, rng));
    };
    revoke("206");
    world.settled().await;
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(
        me["profile"]["name"], "小桥",
        "that was about their location"
    );
    world.advance(Duration::from_secs(1));
    revoke(NICKNAME_AND_AVATAR);
    world.settled().await;
    world.advance(Duration::from_secs(10));
    world.settled().await;
    let me = phone.get("/app/api/me").await.json();
    assert_eq!(me["profile"]["name"], serde_json::Value::Null);
    assert_eq!(me["profile"]["avatar"], serde_json::Value::Null);
    assert_eq!(me["profile"]["consented_at"], serde_json::Value::Null);
    assert_eq!(in_c4c(&world, &anna), ("Wechat".to_owned(), String::new()));
    let left = "SELECT count(*) FROM v_consent WHERE withdrawn_at IS NOT NULL AND name IS NULL";
    assert_eq!(world.count(left).await, 1);
    let left = "SELECT count(*) FROM mapping WHERE name IS NOT NULL";
    assert_eq!(world.count(left).await, 0);
    assert_eq!(world.count(NOTICES).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unionid_that_comes_with_a_consent_goes_to_the_mapping() {
    let world = world().await;
    let anna = world.customer().await;
    world.wechat.with(|wechat, _, _| {
        wechat.person_mut(&anna).unwrap().unionid = Some("o6_bmUNIONIDUNIONIDUNIONIDUN".to_owned());
    });
    consents(&world, &anna).await;
    let kept = world.text("SELECT unionid FROM mapping").await;
    assert_eq!(kept, "o6_bmUNIONIDUNIONIDUNIONIDUN");
}
