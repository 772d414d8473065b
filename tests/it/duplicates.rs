//! One effect a push, however often it comes; and distinct messages stay distinct.

use std::time::Duration;

use qiao::control::Command;
use qiao_sim::wechat::Reply;

use crate::raw::text_push;
use crate::world::{Plan, World};

const RULES: &str = r#"
[[wechat.main.rules]]
when = { text = "hours" }
then = { text = "9 to 6" }
[[wechat.main.rules]]
when = { click = "review" }
then = { action = "review" }
[[wechat.main.rules]]
when = { click = "delete" }
then = { action = "delete" }
"#;

async fn world() -> World {
    World::planned(Plan {
        account: RULES.to_owned(),
        ..Plan::default()
    })
    .await
}

fn says(text: &str) -> Reply {
    Reply::Message {
        kind: "text".to_owned(),
        text: text.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_copies_at_once_are_one_message_and_are_answered_alike() {
    let world = world().await;
    let openid = world.customer().await;
    let before = world.count("SELECT count(*) FROM outbox").await;
    world.in_copies(3);
    let push = world.say(&openid, "hours");
    assert_eq!(
        world.answers(push).await,
        [says("9 to 6"), says("9 to 6"), says("9 to 6")]
    );
    world.settled().await;
    assert_eq!(
        world
            .texts("SELECT direction || ' ' || text FROM message ORDER BY id DESC LIMIT 2")
            .await,
        ["out 9 to 6", "in hours"]
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE text = 'hours'")
            .await,
        1
    );
    assert_eq!(
        world.count("SELECT count(*) FROM outbox").await,
        before + 1,
        "one effect follows"
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM v_duplicate WHERE state = 'suppressed'")
            .await,
        2,
        "and the others can be seen"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn three_copies_of_a_follow_make_one_customer_who_is_told_once() {
    let world = world().await;
    let openid = world.somebody();
    world.in_copies(3);
    world.follow(&openid);
    world.until_seen(&openid, "1000").await;
    world.settled().await;
    assert_eq!(world.customers(), 1);
    assert_eq!(world.seen(&openid).len(), 2, "welcome and number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_answer_of_the_first_time_and_not_a_newer_one() {
    let world = world().await;
    let openid = world.customer().await;
    let push = world.click(&openid, "review");
    let first = world.answered(push).await;
    world.say(&openid, "something said since");
    world.settled().await;
    world.repeat(push);
    assert_eq!(world.answered(push).await, first);
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_delete_is_answered_again_and_deletes_nothing_said_since() {
    let world = world().await;
    let openid = world.customer().await;
    let push = world.click(&openid, "delete");
    let first = world.answered(push).await;
    world.advance(Duration::from_secs(5));
    world.say(&openid, "said since");
    world.settled().await;
    world.repeat(push);
    assert_eq!(world.answered(push).await, first);
    world.settled().await;
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE text = 'said since'")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_taps_within_a_second_are_suppressed_visibly_and_can_be_released() {
    let world = world().await;
    let openid = world.customer().await;
    world.click(&openid, "promotion");
    world.settled().await;
    world.click(&openid, "promotion");
    world.settled().await;
    assert_eq!(
        world
            .texts("SELECT kind || ' ' || state FROM v_duplicate")
            .await,
        ["event:click suppressed"]
    );
    let acts = "SELECT count(*) FROM outbox WHERE effect = 'follower.acted'";
    let before = world.count(acts).await;
    let id = world.count("SELECT id FROM v_duplicate").await;
    world
        .operate(Command::DuplicateRelease { id })
        .await
        .unwrap();
    world.settled().await;
    assert_eq!(
        world.text("SELECT state FROM v_duplicate").await,
        "released"
    );
    assert_eq!(
        world.count(acts).await,
        before + 1,
        "it counts as a tap of its own"
    );
    let again = world.operate(Command::DuplicateRelease { id }).await;
    assert_eq!(
        again.unwrap_err().0,
        format!("push {id} was released before")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_in_the_next_second_is_a_tap_of_its_own() {
    let world = world().await;
    let openid = world.customer().await;
    world.click(&openid, "promotion");
    world.settled().await;
    world.advance(Duration::from_secs(1));
    world.click(&openid, "promotion");
    world.settled().await;
    assert_eq!(world.count("SELECT count(*) FROM v_duplicate").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_words_said_twice_within_a_second_are_two_messages() {
    let world = world().await;
    let openid = world.customer().await;
    world.say(&openid, "hello?");
    world.say(&openid, "hello?");
    world.settled().await;
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE text = 'hello?'")
            .await,
        2
    );
    assert_eq!(world.count("SELECT count(*) FROM v_duplicate").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_msgid_of_two_people_is_two_messages() {
    let world = world().await;
    for openid in [
        "oAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "oBBBBBBBBBBBBBBBBBBBBBBBBBBB",
    ] {
        let answer = world
            .post_sealed(&text_push(openid, 23_238_423_847, "same id"))
            .await;
        assert_eq!(answer, (200, "success".to_owned()));
    }
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE text = 'same id'")
            .await,
        2
    );
    assert_eq!(
        world
            .count("SELECT count(DISTINCT openid) FROM message")
            .await,
        2
    );
}
