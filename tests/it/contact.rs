//! First contact, unfollow, return; in order and out of order; in every mode.

use std::time::Duration;

use qiao_sim::fault::Kind;
use qiao_sim::wechat::{Mode, Settings, Via};

use crate::raw;
use crate::world::{KEY, Plan, World};

const HOURS: &str = r#"
[[wechat.main.rules]]
when = { text = "hours" }
then = { text = "9 to 6" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_by_a_qr_code_is_known_by_its_scene() {
    let tenant = r#"customer = { FirstName = "{scene|Wechat}", LastName = "{openid}", RoleCode = "CRM000" }"#;
    let world = World::planned(Plan {
        tenant: tenant.to_owned(),
        ..Plan::default()
    })
    .await;
    let openid = world.somebody();
    world
        .wechat
        .with(|wechat, now, rng| wechat.follow(&openid, Some("shop_7"), now, rng));
    world.until_seen(&openid, "1000").await;
    world.settled().await;
    assert_eq!(
        world.text("SELECT scene FROM v_mapping").await,
        "shop_7",
        "the mapping remembers it"
    );
    let object = world.object_of(&openid);
    let first_name = |c4c: &qiao_sim::c4c::C4c| {
        let customer = c4c.customer(&object).unwrap();
        customer.text("FirstName").to_owned()
    };
    assert_eq!(world.c4c.look(first_name), "shop_7");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_followed_before_qiao_came_becomes_a_customer_by_any_act() {
    let world = World::new().await;
    let acts: [fn(&World, &str); 3] = [
        |world, openid| _ = world.say(openid, "hello"),
        |world, openid| _ = world.click(openid, "some_button"),
        |world, openid| {
            world.wechat.with(|wechat, now, rng| {
                let place =
                    serde_json::json!({"Latitude": 31.2, "Longitude": 121.4, "Precision": 5});
                wechat.push_event(openid, "LOCATION", &place, now, rng)
            });
        },
    ];
    for (n, act) in acts.into_iter().enumerate() {
        let openid = world.somebody();
        world
            .wechat
            .with(|wechat, now, _| wechat.adopt(&openid, now));
        act(&world, &openid);
        world.settled().await;
        world.object_of(&openid);
        assert_eq!(world.customers(), n + 1);
    }
    assert_eq!(
        world
            .count("SELECT count(*) FROM v_mapping WHERE state = 'linked'")
            .await,
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_unfollows_does_not_become_a_customer() {
    let world = World::new().await;
    let openid = world.somebody();
    world.unfollow(&openid);
    world.settled().await;
    assert_eq!(world.customers(), 0);
    assert_eq!(world.text("SELECT state FROM mapping").await, "unfollowed");
    assert_eq!(
        world
            .count("SELECT count(*) FROM outbox WHERE effect = 'customer.ensure'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfollow_cancels_what_waits_for_the_follower_and_closes_their_windows() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.advance(Duration::from_mins(10));
    world.send(&openid, "held: the window is closed").await;
    world.settled().await;
    world.say(&openid, "hello");
    world.settled().await;
    world.wechat_fails(
        "custom/send",
        Kind::Status {
            status: 503,
            html: false,
            retry_after: None,
        },
    );
    world.send(&openid, "queued: WeChat is down").await;
    world.settled().await;
    world.advance(Duration::from_secs(1));
    world.send(&openid, "queued behind it").await;
    let before = world.seen(&openid).len();
    world.unfollow(&openid);
    world.settled().await;
    world.advance(Duration::from_hours(1));
    world.settled().await;
    assert_eq!(world.seen(&openid).len(), before, "they hear nothing more");
    assert_eq!(world.text("SELECT state FROM mapping").await, "unfollowed");
    assert_eq!(world.count("SELECT count(*) FROM send_window").await, 0);
    assert_eq!(
        world
            .texts("SELECT text FROM message WHERE state = 'cancelled' ORDER BY id")
            .await,
        ["queued: WeChat is down", "queued behind it"]
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM outbox WHERE state IN ('ready', 'running', 'held')")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_send_is_cancelled_by_an_unfollow_too() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.advance(Duration::from_mins(10));
    world.send(&openid, "too late").await;
    world.settled().await;
    assert_eq!(
        world
            .text("SELECT held_reason FROM outbox WHERE state = 'held'")
            .await,
        "window"
    );
    world.unfollow(&openid);
    world.settled().await;
    world.follow(&openid);
    world.settled().await;
    assert!(
        world
            .seen(&openid)
            .iter()
            .all(|(_, text)| text != "too late"),
        "what was cancelled does not come back with them"
    );
    assert_eq!(
        world
            .text("SELECT state FROM message WHERE text = 'too late'")
            .await,
        "cancelled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_returns_finds_their_customer_and_is_told_again() {
    let world = World::new().await;
    let openid = world.customer().await;
    let object = world.object_of(&openid);
    world.unfollow(&openid);
    world.settled().await;
    world.advance(Duration::from_hours(24));
    world.follow(&openid);
    world.settled().await;
    let told = world.seen_by(&openid, Via::Custom);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], told[1], "the same number both times");
    assert_eq!(world.object_of(&openid), object);
    assert_eq!(world.customers(), 1);
    assert_eq!(world.text("SELECT state FROM mapping").await, "linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_customer_is_found_even_if_qiao_has_forgotten_the_link() {
    let mut world = World::new().await;
    let openid = world.customer().await;
    let object = world.object_of(&openid);
    world.change(&openid, &[("LastName", "Li"), ("FirstName", "Lei")]);
    world.settled().await;
    world.unfollow(&openid);
    world.settled().await;
    world.stop().await;
    sqlx::query("DELETE FROM mapping")
        .execute(&mut world.sqlite().await)
        .await
        .unwrap();
    world.start().await;
    world.advance(Duration::from_mins(1));
    world.follow(&openid);
    world.settled().await;
    assert_eq!(world.customers(), 1, "no second one");
    assert_eq!(world.object_of(&openid), object);
    assert_eq!(world.text("SELECT object_id FROM mapping").await, object);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_follow_that_arrives_after_the_unfollow_changes_nothing() {
    let world = World::new().await;
    let openid = world.somebody();
    world.late_by(10);
    world.follow(&openid);
    world.advance(Duration::from_secs(2));
    world.unfollow_first(&openid).await;
    world.advance(Duration::from_secs(8));
    world.settled().await;
    assert_eq!(
        world
            .texts("SELECT kind FROM inbox WHERE source = 'wechat' ORDER BY id")
            .await,
        ["event:unsubscribe", "event:subscribe"],
        "they came in this order"
    );
    assert_eq!(world.text("SELECT state FROM mapping").await, "unfollowed");
    assert_eq!(world.customers(), 0);
    assert_eq!(world.seen_by(&openid, Via::Custom), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_unfollow_that_arrives_after_the_return_changes_nothing() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.advance(Duration::from_mins(1));
    world.late_by(10);
    world.unfollow(&openid);
    world.advance(Duration::from_secs(2));
    world.follow_first(&openid).await;
    world.advance(Duration::from_secs(8));
    world.settled().await;
    assert_eq!(
        world
            .texts("SELECT kind FROM inbox WHERE source = 'wechat' ORDER BY id")
            .await,
        ["event:subscribe", "event:subscribe", "event:unsubscribe"]
    );
    assert_eq!(world.text("SELECT state FROM mapping").await, "linked");
    world.send(&openid, "still here?").await;
    world.until_seen(&openid, "still here?").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_takes_a_follower_through_the_main_job() {
    for mode in [Mode::Plain, Mode::Compatible, Mode::Safe] {
        let world = World::planned(Plan {
            wechat: Settings {
                mode,
                encoding_aes_key: (mode != Mode::Plain).then(|| KEY.to_owned()),
                ..Settings::default()
            },
            account: HOURS.to_owned(),
            ..Plan::default()
        })
        .await;
        let openid = world.customer().await;
        world.say(&openid, "hours");
        world.settled().await;
        let seen = world.seen(&openid);
        assert_eq!(seen[0].0, Via::Reply, "{mode:?}: the welcome");
        assert_eq!(seen[1].0, Via::Custom, "{mode:?}: the number");
        assert_eq!(seen[2], (Via::Reply, "9 to 6".to_owned()), "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_and_key_are_changed_in_the_console_without_losing_a_push() {
    const NEW_KEY: &str = "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba";
    let mut world = World::planned(Plan {
        account: HOURS.to_owned(),
        ..Plan::default()
    })
    .await;
    let openid = world.customer().await;
    world.stop().await;
    world.reconfigure(
        "token = \"simtoken\"",
        "token = [\"newtoken\", \"simtoken\"]",
    );
    world.reconfigure(
        &format!("encoding_aes_key = \"{KEY}\""),
        &format!("encoding_aes_key = [\"{NEW_KEY}\", \"{KEY}\"]"),
    );
    world.start().await;
    world.say(&openid, "hours");
    world.settled().await;
    world.wechat.with(|wechat, _, _| {
        wechat.settings.token = "newtoken".to_owned();
        wechat.settings.encoding_aes_key = Some(NEW_KEY.to_owned());
    });
    world.say(&openid, "hours");
    world.settled().await;
    // The simulated WeChat reads only a reply that is sealed with its own present key and token.
    let replies = world.seen_by(&openid, Via::Reply);
    assert_eq!(replies[1..], ["9 to 6", "9 to 6"]);
    let forged = raw::signed("thirdtoken", None);
    assert_eq!(world.push_raw(&forged, "<xml/>").await.0, 401);
}
