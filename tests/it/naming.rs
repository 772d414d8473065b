//! A better name of a follower reaches their customer, and no way to find the customer is lost by it.

use std::time::Duration;

use qiao_sim::c4c;

use crate::world::{Plan, World};

const OWN_FIELD: &str = r#"
wechat_id = { field = "WechatID_KUT", write = "create" }
lookup = ["wechat_id"]
customer = { FirstName = "{name|Wechat}", LastName = "{name|微信用户}", RoleCode = "CRM000" }
"#;

/// They followed without a name; the account's people call them something; they come back.
async fn named_on_return(tenant: &str, knobs: c4c::Settings) -> (World, String) {
    let world = World::planned(Plan {
        tenant: tenant.to_owned(),
        c4c: knobs,
        ..Plan::default()
    })
    .await;
    let openid = world.customer().await;
    world.wechat.with(|wechat, _, _| {
        let person = wechat.person_mut(&openid).expect("they follow");
        "李雷".clone_into(&mut person.remark);
    });
    world.unfollow(&openid);
    world.settled().await;
    world.advance(Duration::from_secs(1));
    world.follow(&openid);
    world.settled().await;
    world.advance(Duration::from_secs(10));
    world.settled().await;
    (world, openid)
}

fn names(world: &World, openid: &str) -> (String, String) {
    world.c4c.look(|c4c| {
        let found = c4c.find_by_wechat_id(openid);
        let field = |name: &str| found[0].text(name).to_owned();
        (field("FirstName"), field("LastName"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_becomes_known_replaces_the_placeholder_and_nobody_is_told_of_it() {
    let knobs = c4c::Settings {
        extension_field: true,
        before_save_script: false,
        ..c4c::Settings::default()
    };
    let (world, openid) = named_on_return(OWN_FIELD, knobs).await;
    assert_eq!(
        names(&world, &openid),
        ("李雷".to_owned(), "李雷".to_owned())
    );
    assert_eq!(world.text("SELECT name FROM mapping").await, "李雷");
    let notices = "SELECT count(*) FROM message WHERE purpose = 'customer_changed'";
    assert_eq!(world.count(notices).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_name_by_which_the_customer_is_found_stays() {
    let tenant =
        r#"customer = { FirstName = "{name|Wechat}", LastName = "{openid}", RoleCode = "CRM000" }"#;
    let (world, openid) = named_on_return(tenant, c4c::Settings::default()).await;
    assert_eq!(names(&world, &openid), ("李雷".to_owned(), openid.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_wechat_id_that_stands_the_family_name_is_not_touched() {
    let knobs = c4c::Settings {
        before_save_script: false,
        ..c4c::Settings::default()
    };
    let tenant = r#"customer = { FirstName = "{name|Wechat}", LastName = "{name|微信用户}", RoleCode = "CRM000" }"#;
    let world = World::planned(Plan {
        tenant: tenant.to_owned(),
        c4c: knobs,
        ..Plan::default()
    })
    .await;
    let openid = world.somebody();
    world.follow(&openid);
    world.until_seen(&openid, "1000").await;
    world.settled().await;
    world.wechat.with(|wechat, _, _| {
        let person = wechat.person_mut(&openid).expect("they follow");
        "李雷".clone_into(&mut person.remark);
    });
    world.unfollow(&openid);
    world.settled().await;
    world.advance(Duration::from_secs(1));
    world.follow(&openid);
    world.settled().await;
    world.advance(Duration::from_secs(10));
    world.settled().await;
    let (first, last) = world.c4c.look(|c4c| {
        let customer = c4c.customers().next().expect("theirs");
        let field = |name: &str| customer.text(name).to_owned();
        (field("FirstName"), field("LastName"))
    });
    assert_eq!((first.as_str(), last.as_str()), ("李雷", "微信用户"));
}
