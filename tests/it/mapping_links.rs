//! A person says whom a follower stands for, and whom no longer.

use qiao_sim::c4c;
use qiao_sim::fault::Kind;

use crate::commands::qiao;
use crate::world::{LINKING, Plan, World};

const CUSTOMERS: &str = "IndividualCustomerCollection";

const HELD: &str =
    "SELECT count(*) FROM v_outbox WHERE state = 'held' AND held_reason = 'conflict'";

/// A customer whom an agent made: key and number.
fn customer_of_an_agent(world: &World, fields: &[(&str, &str)]) -> (String, String) {
    world.c4c.with(|c4c, now, _| {
        let object = c4c.create_customer(fields, now);
        let number = c4c.customer(&object).unwrap().text("CustomerID").to_owned();
        (object, number)
    })
}

fn stranger(world: &World) -> (String, String) {
    customer_of_an_agent(world, &[("LastName", "Li")])
}

/// Whom a follower stands for, and the state.
async fn standing(world: &World) -> String {
    world
        .text("SELECT state || ' ' || coalesce(customer_id, 'nobody') FROM v_mapping")
        .await
}

/// What a command queued by the machine's clock is due by the world's.
async fn due_now(world: &World) {
    world
        .sql("UPDATE outbox SET next_attempt_at = 0 WHERE effect = 'customer.link'")
        .await;
}

/// How often a follower was told this number.
fn told(world: &World, openid: &str, number: &str) -> usize {
    let seen = world.seen(openid).into_iter();
    seen.filter(|(_, text)| text.contains(number)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_ends_a_conflict_and_the_follower_is_told_once() {
    let world = World::new().await;
    let openid = world.somebody();
    let fields = [("LastName", "Wang"), ("WechatID", openid.as_str())];
    let made = [(); 2].map(|()| customer_of_an_agent(&world, &fields));
    world.follow(&openid);
    world.settled().await;
    world.say(&openid, "hello?");
    world.settled().await;
    assert_eq!(standing(&world).await, "conflict nobody");
    assert_eq!(world.count(HELD).await, 1);
    let (_, number) = &made[1];
    let linked = qiao(
        &world,
        &["mapping", "link", "main", &openid, "--customer", number],
    )
    .await;
    linked.says(&format!("they are being linked to customer {number}"));
    world.until_seen(&openid, number).await;
    world.settled().await;
    assert_eq!(standing(&world).await, format!("linked {number}"));
    assert_eq!(told(&world, &openid, number), 1);
    assert_eq!(
        world.count(HELD).await,
        0,
        "nothing waits for a person any more"
    );
    assert_eq!(world.c4c_calls("POST", CUSTOMERS), 0);
    let baseline =
        "SELECT count(*) FROM customer_snapshot s JOIN mapping m USING (tenant, object_id)";
    assert_eq!(world.count(baseline).await, 1);
    let again = qiao(
        &world,
        &["mapping", "link", "main", &openid, "--customer", number],
    )
    .await;
    again.says("already");
    let audit =
        "SELECT group_concat(substr(who, 1, 10) || act || ' ' || substr(target, 1, 7) || ' ' || after)
         FROM audit";
    let once = "wang (uid mapping.link person: queued";
    assert_eq!(world.text(audit).await, once, "the second changed nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_linked_to_another_customer_and_told_each_number_once() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    let first = world.object_of(&openid);
    let (second, number) = stranger(&world);
    for object in [&second, &first, &second] {
        let object = object.to_lowercase();
        let linked = qiao(
            &world,
            &["mapping", "link", "main", &openid, "--object", &object],
        )
        .await;
        linked.says("queued");
        world.settled().await;
    }
    assert_eq!(standing(&world).await, format!("linked {number}"));
    assert_eq!(told(&world, &openid, "1000441"), 1, "when they followed");
    assert_eq!(told(&world, &openid, &number), 1);
    let reason = "SELECT reason FROM v_mapping";
    assert!(
        world
            .text(reason)
            .await
            .contains("carries another WeChat ID in C4C")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_qiao_writes_the_wechat_id_a_link_writes_it() {
    let knobs = c4c::Settings {
        extension_field: true,
        before_save_script: false,
        ..c4c::Settings::default()
    };
    let tenant = r#"wechat_id = { field = "WechatID_KUT", write = "patch" }"#.to_owned();
    let world = World::planned(Plan {
        c4c: knobs,
        tenant,
        ..Plan::default()
    })
    .await;
    let openid = world.customer().await;
    let (object, number) = stranger(&world);
    let locked = Kind::Code {
        code: 409,
        after_effect: false,
    };
    world.c4c_fails("PATCH", locked);
    qiao(
        &world,
        &["mapping", "link", "main", &openid, "--customer", &number],
    )
    .await
    .says("queued");
    world.settled().await;
    assert_eq!(standing(&world).await, "linked 1000441", "until it is done");
    world.advance(LINKING * 2);
    world.settled().await;
    assert_eq!(standing(&world).await, format!("linked {number}"));
    let carries = world
        .c4c
        .look(|c4c| c4c.customer(&object).unwrap().wechat_id().to_owned());
    assert_eq!(carries, openid);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_unlinked_is_not_linked_again_but_by_a_person() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    let seen = world.seen(&openid).len();
    let unlinked = qiao(&world, &["mapping", "unlink", "main", &openid]).await;
    unlinked.says("no longer stand for customer 1000441");
    world.say(&openid, "hello?");
    world.follow(&openid);
    world.settled().await;
    qiao(&world, &["reconcile", "--apply"]).await;
    world.settled().await;
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.settled().await;
    world.advance(LINKING);
    world.settled().await;
    assert_eq!(standing(&world).await, "obsolete nobody");
    let shown = qiao(&world, &["mapping", "show", &openid]).await;
    shown.says("unlinked by a person");
    let heard = world.seen(&openid).split_off(seen);
    assert!(
        heard.iter().all(|(_, text)| !text.contains("1000441")),
        "{heard:?}"
    );
    assert!(
        heard.iter().all(|(_, text)| !text.contains("Mobile")),
        "{heard:?}"
    );
    assert_eq!(world.customers(), 1);

    let linked = qiao(
        &world,
        &["mapping", "link", "main", &openid, "--customer", "1000441"],
    )
    .await;
    linked.says("queued");
    world.settled().await;
    assert_eq!(standing(&world).await, "linked 1000441");
    assert_eq!(told(&world, &openid, "1000441"), 1, "they know it");
    world.change(&openid, &[("Mobile", "+86 139 0000 0001")]);
    world.until_seen(&openid, "Mobile").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_waits_when_a_person_unlinks_does_not_link_again() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.unfollow(&openid);
    world.settled().await;
    world.c4c_fails_for(
        "GET",
        Kind::Code {
            code: 503,
            after_effect: false,
        },
        u32::MAX,
    );
    world.follow(&openid);
    world.settled().await;
    qiao(&world, &["mapping", "unlink", "main", &openid])
        .await
        .says("no longer stand");
    world.c4c_heals();
    world.advance(std::time::Duration::from_mins(20));
    world.settled().await;
    assert_eq!(standing(&world).await, "obsolete nobody");
    let note = "SELECT note FROM v_outbox WHERE effect = 'customer.ensure' ORDER BY id DESC";
    assert!(world.text(note).await.contains("unlinked by a person"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_linked_is_refused_in_a_sentence() {
    let world = World::new().await;
    let openid = world.customer().await;
    let (object, number) = stranger(&world);
    world.c4c.with(|c4c, now, _| c4c.set_obsolete(&object, now));
    world.settled().await;
    let link = async |account: &str, openid: &str, by: &str, name: &str| {
        qiao(&world, &["mapping", "link", account, openid, by, name]).await
    };
    link("other", &openid, "--customer", "1")
        .await
        .fails(1, "there is no account `other`");
    link("main", "oNobody", "--customer", "1")
        .await
        .fails(1, "knows no follower");
    link("main", &openid, "--customer", "999")
        .await
        .fails(1, "C4C has no such customer");
    link("main", &openid, "--customer", &number)
        .await
        .fails(1, "obsolete");
    link("main", &openid, "--object", &"A".repeat(32))
        .await
        .fails(1, "C4C has no such customer");
    link("main", &openid, "--object", "1000441")
        .await
        .fails(1, "is that a CustomerID");
    let neither = qiao(&world, &["mapping", "link", "main", &openid]).await;
    neither.fails(2, "--customer");
    world.c4c_fails(
        "GET",
        Kind::Code {
            code: 503,
            after_effect: false,
        },
    );
    link("main", &openid, "--customer", "1000441")
        .await
        .fails(1, "C4C could not be asked");
    assert_eq!(standing(&world).await, "linked 1000441");
    qiao(&world, &["mapping", "unlink", "main", "oNobody"])
        .await
        .fails(1, "knows no follower");
    qiao(&world, &["mapping", "unlink", "main", &openid])
        .await
        .says("1000441");
    let twice = qiao(&world, &["mapping", "unlink", "main", &openid]).await;
    twice.fails(1, "stands for no customer; the mapping is `obsolete`");
    assert_eq!(
        world.count("SELECT count(*) FROM audit").await,
        1,
        "what was refused is no act"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_daemon_a_link_waits_for_one() {
    let mut world = World::new().await;
    let openid = world.customer().await;
    let (_, number) = stranger(&world);
    world.settled().await;
    world.stop().await;
    let linked = qiao(
        &world,
        &["mapping", "link", "main", &openid, "--customer", &number],
    )
    .await;
    linked.says("queued");
    linked.fails(0, "no daemon is running");
    due_now(&world).await;
    world.start().await;
    world.settled().await;
    assert_eq!(standing(&world).await, format!("linked {number}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_gone_before_the_link_leaves_what_stood() {
    let mut world = World::new().await;
    let openid = world.customer().await;
    let (object, number) = stranger(&world);
    world.settled().await;
    world.stop().await;
    qiao(
        &world,
        &["mapping", "link", "main", &openid, "--customer", &number],
    )
    .await
    .says("queued");
    world.c4c.with(|c4c, now, _| c4c.delete(&object, now));
    due_now(&world).await;
    world.start().await;
    world.settled().await;
    assert_eq!(standing(&world).await, "linked 1000441");
    let dead = "SELECT last_error FROM v_dead_letter WHERE effect = 'customer.link'";
    assert!(world.text(dead).await.contains("C4C has no such customer"));
}
