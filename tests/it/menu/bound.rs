//! What a click can be bound to besides a text: the follower's number, and a page.

use qiao_sim::wechat::{Reply, Via};

use super::menu;
use crate::world::{Plan, World};

const RULES: &str = r#"
menu = "menu.toml"
[wechat.main.texts]
not_bound = "somebody will look"
[[wechat.main.rules]]
when = { click = "number" }
then = { action = "bind" }
[[wechat.main.rules]]
when = { click = "account" }
then = { page = "account", title = "我的账户", description = "都在这里", pic_url = "https://a.cn/p.jpg" }
[app.pages.account]
folder = "dist"
"#;

async fn world() -> World {
    World::planned(Plan {
        account: RULES.to_owned(),
        ..Plan::default()
    })
    .await
}

/// How often they were told their number by a message.
fn told(world: &World, openid: &str) -> usize {
    let seen = world.seen_by(openid, Via::Custom);
    seen.iter().filter(|text| text.contains("1000441")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_their_number_is_told_it_again() {
    let world = world().await;
    let openid = world.customer().await;
    assert_eq!(told(&world, &openid), 1);
    for times in [2, 3] {
        let push = world.click(&openid, "number");
        assert_eq!(world.answered(push).await, Reply::Success);
        world.settled().await;
        assert_eq!(told(&world, &openid), times);
        world.advance(std::time::Duration::from_secs(2));
    }
    assert_eq!(world.customers(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_followed_before_qiao_came_becomes_a_customer_by_asking() {
    let world = world().await;
    let openid = world.somebody();
    world
        .wechat
        .with(|wechat, now, _| wechat.adopt(&openid, now));
    world.click(&openid, "number");
    world.until_seen(&openid, "1000441").await;
    world.settled().await;
    assert_eq!(
        told(&world, &openid),
        1,
        "once, although two reasons say so"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_two_customers_hears_that_a_person_must_look() {
    let world = world().await;
    let openid = world.somebody();
    for _ in 0..2 {
        let fields = [("LastName", "Wang"), ("WechatID", openid.as_str())];
        world
            .c4c
            .with(|c4c, now, _| c4c.create_customer(&fields, now));
    }
    world
        .wechat
        .with(|wechat, now, _| wechat.adopt(&openid, now));
    let count = || {
        let seen = world.seen_by(&openid, Via::Custom);
        seen.iter()
            .filter(|text| *text == "somebody will look")
            .count()
    };
    // Now it is found out, and then it is known.
    for times in [1, 2] {
        world.click(&openid, "number");
        world.settled().await;
        assert_eq!(count(), times);
        world.advance(std::time::Duration::from_secs(2));
    }
    assert_eq!(told(&world, &openid), 0);
    let held = "SELECT count(*) FROM outbox WHERE effect = 'customer.ensure'";
    assert_eq!(world.count(held).await, 1, "C4C is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_customer_is_gone_hears_that_a_person_must_look() {
    let world = world().await;
    let openid = world.customer().await;
    let object = world.object_of(&openid);
    world
        .c4c
        .with(|c4c, now, _| assert!(c4c.delete(&object, now)));
    for _ in 0..2 {
        world.click(&openid, "number");
        world.settled().await;
        world.advance(std::time::Duration::from_secs(2));
    }
    let seen = world.seen_by(&openid, Via::Custom);
    let refused = seen.iter().filter(|text| *text == "somebody will look");
    assert_eq!(refused.count(), 2, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_and_a_button_open_the_same_page() {
    let world = world().await;
    let openid = world.customer().await;
    let push = world.click(&openid, "account");
    let Reply::Message { kind, text } = world.answered(push).await else {
        panic!("no article")
    };
    let link = "/oauth/wechat/main/start?to=%2Fapp%2Faccount%2F";
    assert_eq!(kind, "news");
    assert!(
        text.starts_with("我的账户 http") && text.ends_with(link),
        "{text}"
    );
    let file = "[[button]]\nname = \"账户\"\ntype = \"view\"\npage = \"account\"\n";
    super::write(&world, file);
    menu(&world, &["apply"]).await.says("was replaced");
    let opens = world.wechat.look(|wechat| {
        let buttons = wechat.menu_of(&openid).unwrap();
        buttons[0]["url"].as_str().unwrap().to_owned()
    });
    // The command does not know at which port this daemon listens, so hosts differ here.
    assert!(opens.ends_with(link), "{opens}");
    super::write(&world, &file.replace("\"account\"", "\"other\""));
    menu(&world, &["apply"])
        .await
        .fails(2, "the account has no page of this name");
}
