//! A change in C4C and who hears of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qiao::kit::transport::Method;
use qiao_sim::c4c::Variant;
use qiao_sim::fault::Kind;
use serde_json::json;

use crate::world::{Plan, World};

const NOTIFICATIONS: &str = "/c4c/main/notifications";
const KEY: &str = "0123456789abcdef-key";
const OBJECT: &str = "00163EAA11111EE7B8975BD4AB3F0001";

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn variant_b(object: &str, event: &str) -> String {
    json!({
        "event-type": "IndividualCustomer.Root.Updated",
        "event-id": event,
        "data": { "root-entity-id": object, "entity-id": object },
    })
    .to_string()
}

/// How many notices of a change the follower has seen.
fn notices(world: &World, openid: &str) -> Vec<String> {
    let seen = world.seen(openid).into_iter().map(|(_, text)| text);
    seen.filter(|text| text.contains("资料已更新")).collect()
}

async fn noted(world: &World) -> String {
    world
        .text("SELECT note FROM v_outbox WHERE effect = 'customer.reread' ORDER BY id DESC LIMIT 1")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_notification_brings_one_notice_that_names_the_change() {
    for (variant, kind) in [
        (Variant::Odata, "notification:a"),
        (Variant::Event, "notification:b"),
        (Variant::Enhanced, "notification:b"),
    ] {
        let world = World::planned(Plan {
            variant,
            ..Plan::default()
        })
        .await;
        let openid = world.customer().await;
        world.say(&openid, "hello");
        world.settled().await;
        assert!(notices(&world, &openid).is_empty(), "our create is no news");
        let fields = [("Mobile", "+86 139 0000 0000"), ("Email", "w@example.cn")];
        world.change(&openid, &fields);
        world.until_seen(&openid, "Mobile").await;
        world.settled().await;
        let told = notices(&world, &openid);
        assert_eq!(told.len(), 1, "{kind}");
        assert!(told[0].contains("Email") && !told[0].contains("FirstName"));
        let last = "SELECT kind FROM inbox WHERE source = 'c4c' ORDER BY id DESC LIMIT 1";
        assert_eq!(world.text(last).await, kind);
        let accepted = world.c4c.with(|c4c, _, _| c4c.notifications().tally());
        assert_eq!((accepted.accepted, accepted.refused), (2, 0), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_in_any_order_bring_one_notice() {
    for variant in [Variant::Odata, Variant::Event] {
        let world = World::planned(Plan {
            variant,
            ..Plan::default()
        })
        .await;
        let openid = world.customer().await;
        world.say(&openid, "hello");
        world.c4c.with(|c4c, _, _| {
            c4c.notifications().settings.duplicates = 4;
            c4c.notifications().settings.shuffle = true;
        });
        world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
        world.change(&openid, &[("Email", "w@example.cn")]);
        world.settled().await;
        let told = notices(&world, &openid).concat();
        for field in ["Mobile", "Email"] {
            assert_eq!(told.matches(field).count(), 1, "{told}");
        }
        let arrived = "SELECT count(*) FROM inbox WHERE source = 'c4c'";
        assert_eq!(world.count(arrived).await, 11, "every copy is on record");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_notifications_is_read_once() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.settled().await;
    let down = Kind::Status {
        status: 503,
        html: false,
        retry_after: None,
    };
    world.c4c_fails("IndividualCustomerCollection('", down);
    world.change(&openid, &[("Mobile", "0")]);
    world.settled().await;
    for last_digit in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        world.change(&openid, &[("Mobile", last_digit)]);
    }
    world.settled().await;
    let reads = world.c4c_calls("GET", "IndividualCustomerCollection");
    world.advance(Duration::from_secs(61));
    world.until_seen(&openid, "Mobile").await;
    world.settled().await;
    assert_eq!(
        world.c4c_calls("GET", "IndividualCustomerCollection"),
        reads + 1
    );
    let rows = "SELECT count(*) FROM outbox WHERE effect = 'customer.reread'";
    assert_eq!(
        world.count(rows).await,
        2,
        "one for our create, one for all"
    );
    assert_eq!(notices(&world, &openid).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_with_a_known_event_id_is_a_duplicate() {
    let world = World::new().await;
    let login = basic("c4c:notify-secret");
    for _ in 0..3 {
        let body = variant_b(OBJECT, "6f0d2b1e");
        let status = world
            .post(NOTIFICATIONS, &[("authorization", &login)], body)
            .await;
        assert_eq!(status, 200);
    }
    world.settled().await;
    let accepted = "SELECT count(*) FROM inbox WHERE source = 'c4c' AND state = 'accepted'";
    assert_eq!(world.count(accepted).await, 1);
    assert_eq!(world.count("SELECT count(*) FROM v_duplicate").await, 2);
    let reads = "SELECT count(*) FROM outbox WHERE effect = 'customer.reread'";
    assert_eq!(world.count(reads).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_nobody_watches_is_no_news() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.change(&openid, &[("NickName", "Xiao Wang")]);
    world.settled().await;
    assert!(notices(&world, &openid).is_empty());
    assert_eq!(noted(&world).await, "nothing watched has changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_a_follower_ends_with_a_reason() {
    let world = World::new().await;
    let object = world
        .c4c
        .with(|c4c, now, _| c4c.create_customer(&[("LastName", "Li")], now));
    world.settled().await;
    world
        .c4c
        .with(|c4c, now, _| c4c.change(&object, &[("Mobile", "1")], now));
    world.settled().await;
    assert_eq!(noted(&world).await, "the customer has no follower");

    let openid = world.customer().await;
    world.unfollow(&openid);
    world.settled().await;
    world.change(&openid, &[("Mobile", "1")]);
    world.settled().await;
    assert_eq!(noted(&world).await, "no follower to tell");
    assert!(notices(&world, &openid).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_window_a_notice_waits_for_the_follower() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.advance(Duration::from_hours(49));
    world.change(&openid, &[("Mobile", "1")]);
    world.settled().await;
    let held = "SELECT count(*) FROM v_outbox WHERE state = 'held' AND held_reason = 'window'";
    assert_eq!(world.count(held).await, 1);
    assert!(notices(&world, &openid).is_empty());
    world.say(&openid, "hello");
    world.settled().await;
    assert_eq!(notices(&world, &openid).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_knows_the_password_or_the_key_is_heard() {
    let world = World::new().await;
    let right = basic("c4c:notify-secret");
    let with_key = format!("{NOTIFICATIONS}/{KEY}");
    let wrong_key = format!("{NOTIFICATIONS}/0123456789abcdef-kez");
    for (path, login, status) in [
        (NOTIFICATIONS, "", 401),
        (NOTIFICATIONS, &*basic("c4c:wrong"), 401),
        (NOTIFICATIONS, &*basic("other:notify-secret"), 401),
        (NOTIFICATIONS, "Bearer notify-secret", 401),
        (&*wrong_key, "", 401),
        ("/c4c/other/notifications", &*right, 404),
        (&*with_key, "", 200),
        (NOTIFICATIONS, &*right, 200),
    ] {
        let headers = [("authorization", login)];
        let body = variant_b(OBJECT, path);
        assert_eq!(world.post(path, &headers, body).await, status, "{path}");
        let probed = world.request(Method::Get, path, &headers, Vec::new()).await;
        let expected = if status == 200 { 204 } else { status };
        assert_eq!(probed, expected, "GET {path}");
    }
    world.settled().await;
    let kept = "SELECT count(*) FROM inbox";
    assert_eq!(world.count(kept).await, 2, "the refused left nothing");
    let large = vec![b' '; 256 * 1024 + 1];
    let status = world.post(&with_key, &[], large).await;
    assert_eq!(status, 413);
    assert_eq!(world.count(kept).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_and_its_change_is_found_all_the_same() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.settled().await;
    world
        .c4c
        .with(|c4c, _, _| c4c.notifications().settings.active = false);
    world.change(&openid, &[("Mobile", "1")]);
    let path = format!("{NOTIFICATIONS}/{KEY}");
    for body in ["{\"half\":", "[]", "{\"event-type\":\"x\",\"data\":{}}"] {
        assert_eq!(world.post(&path, &[], body).await, 400);
    }
    world.until_seen(&openid, "Mobile").await;
    world.settled().await;
    assert_eq!(notices(&world, &openid).len(), 1);
    let kept = "SELECT count(*) FROM inbox WHERE state = 'rejected' AND reason <> ''";
    assert_eq!(world.count(kept).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_notifications_do_not_fill_the_disk() {
    let world = World::new().await;
    world
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO inbox (source, remote, kind, state, reason, answer_state, received_at)
             SELECT 'c4c', 'main', 'notification', 'rejected', 'no JSON', 'none', 1 FROM n",
        )
        .await;
    let path = format!("{NOTIFICATIONS}/{KEY}");
    assert_eq!(world.post(&path, &[], "again").await, 400);
    world.settled().await;
    let kept = "SELECT count(*) FROM inbox WHERE state = 'rejected'";
    assert_eq!(world.count(kept).await, 1_000);
    let swept = "SELECT count(*) FROM v_outbox WHERE effect = 'customer.sweep' AND state = 'done'";
    assert_eq!(world.count(swept).await, 1, "and it is looked for still");
}
