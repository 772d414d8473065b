//! C4C tells of the customers that we make ourselves, while they are still being linked: what that
//! costs, and that it hides nothing.

use std::time::Duration;

use qiao_sim::c4c::{C4c, Variant};
use qiao_sim::fault::Kind;
use serde_json::json;

use crate::world::{LINKING, Plan, World};

const CREATE: &str = "POST /sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection";

/// Of C4C's answers to a create: its notification is here long before.
const LATE: Kind = Kind::Latency { millis: 1_000 };

const READING: &str = "GET IndividualCustomerCollection";

/// A world whose tenant has answered already, so that it is asked several things at once.
async fn busy_world(variant: Variant) -> World {
    let world = World::planned(Plan {
        variant,
        ..Plan::default()
    })
    .await;
    world.customer().await;
    world
}

/// Somebody follows, and C4C has made their customer; they are not linked until it answers.
async fn somebody_in_the_making(world: &World, answer: Kind) -> String {
    let before = world.customers();
    world.c4c_fails(CREATE, answer);
    let openid = world.somebody();
    world.follow(&openid);
    let made = |c4c: &C4c| (c4c.customers().count() > before).then_some(());
    world.c4c.until(made).await;
    openid
}

/// Every call so far: its verb and its entity set, without keys.
fn calls(world: &World) -> Vec<String> {
    world.c4c.look(|c4c| {
        let calls = c4c.calls().recent();
        let named = calls.map(|call| {
            let last = call.path.rsplit('/').next().unwrap_or_default();
            let set = last.split('(').next().unwrap_or_default();
            format!("{} {set}", call.method)
        });
        named.collect()
    })
}

async fn held(world: &World) -> i64 {
    let held = "SELECT count(*) FROM v_outbox WHERE state = 'held' AND held_reason = 'linking'";
    world.count(held).await
}

/// The notices of a change that the follower has seen.
fn notices(world: &World, openid: &str) -> Vec<String> {
    let seen = world.seen(openid).into_iter().map(|(_, text)| text);
    seen.filter(|text| text.contains("资料已更新")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_costs_c4c_three_calls_and_its_own_notification_a_fourth() {
    let world = busy_world(Variant::Odata).await;
    // One save touches several nodes, and each is told of.
    world
        .c4c
        .with(|c4c, _, _| c4c.notifications().settings.duplicates = 2);
    let before = calls(&world).len();
    let openid = somebody_in_the_making(&world, LATE).await;
    world.until_seen(&openid, "1000").await;
    world.settled().await;
    let follow = calls(&world).split_off(before);
    let expected = [
        "GET CustomerCommonCollection",
        "POST IndividualCustomerCollection",
        "GET CustomerCommonCollection",
    ];
    assert_eq!(follow, expected, "look up, create, see that it stands");
    assert_eq!(held(&world).await, 1, "copies wait as one");

    world.advance(LINKING);
    world.settled().await;
    assert_eq!(calls(&world).split_off(before + 3), [READING]);
    assert_eq!(held(&world).await, 0);
    world.advance(Duration::from_hours(1));
    world.settled().await;
    assert_eq!(calls(&world).len(), before + 4);
    assert!(notices(&world, &openid).is_empty(), "our create is no news");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_comes_while_they_are_linked_is_told() {
    let world = busy_world(Variant::Event).await;
    let openid = somebody_in_the_making(&world, LATE).await;
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&openid, "1000442").await;
    world.settled().await;
    assert_eq!(held(&world).await, 1);
    world.advance(LINKING);
    world.settled().await;
    let told = notices(&world, &openid);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("Mobile"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_right_after_the_linking_does_not_wait() {
    let world = busy_world(Variant::Event).await;
    let openid = somebody_in_the_making(&world, LATE).await;
    world.until_seen(&openid, "1000442").await;
    world.settled().await;
    assert_eq!(held(&world).await, 1);
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&openid, "Mobile").await;
    world.advance(LINKING);
    world.settled().await;
    assert_eq!(notices(&world, &openid).len(), 1, "told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_customer_does_not_wait_for_somebody_elses_linking() {
    let world = World::new().await;
    let known = world.customer().await;
    let never = Kind::Hang { after_effect: true };
    somebody_in_the_making(&world, never).await;
    world.change(&known, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&known, "Mobile").await;
}

/// Somebody who follows and whom C4C refuses to make a customer.
async fn somebody_refused(world: &World) -> String {
    let refused = Kind::Code {
        code: 400,
        after_effect: false,
    };
    world.c4c_fails(CREATE, refused);
    let openid = world.somebody();
    world.follow(&openid);
    world.settled().await;
    let given_up = "SELECT count(*) FROM v_outbox o JOIN v_mapping m ON m.state = 'pending'
                    WHERE o.effect = 'customer.ensure' AND o.state = 'dead'";
    assert_eq!(world.count(given_up).await, 1);
    openid
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linking_that_came_to_nothing_is_not_waited_for_again_and_again() {
    let world = World::new().await;
    let openid = somebody_refused(&world).await;
    let fields = [("LastName", "Wang"), ("WechatID", openid.as_str())];
    world
        .c4c
        .with(|c4c, now, _| c4c.create_customer(&fields, now));
    world.settled().await;
    world.advance(LINKING);
    world.settled().await;
    let note = "SELECT note FROM v_outbox WHERE effect = 'customer.reread' ORDER BY id DESC";
    let note = world.text(note).await;
    assert!(
        note.starts_with("its follower could not be linked"),
        "{note}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_linking_does_not_open_a_gate_that_a_refused_password_closed() {
    let world = World::new().await;
    let known = [world.customer().await, world.customer().await];
    somebody_refused(&world).await;
    world
        .c4c
        .with(|c4c, _, _| c4c.users().set_password("qiao", "other"));
    for openid in &known {
        world.change(openid, &[("Mobile", "1")]);
    }
    world.settled().await;
    world.advance(Duration::from_secs(1));
    for number in 1..5 {
        let object = format!("{number:032X}");
        let body = json!({ "event-id": object, "data": { "root-entity-id": object } });
        let path = "/c4c/main/notifications/0123456789abcdef-key";
        assert_eq!(world.post(path, &[], body.to_string()).await, 200);
    }
    // Each of the two that were refused is the probe once, and then has waited less long.
    for (minutes, looked_at) in [(15, 0), (30, 0), (60, 4)] {
        let before = calls(&world).len();
        world.advance(Duration::from_mins(minutes));
        world.settled().await;
        assert_eq!(held(&world).await, looked_at);
        assert_eq!(calls(&world).len() - before, 1, "one probe");
    }
}
