//! Send windows: within them, past them, and when WeChat sees them otherwise.

use std::time::Duration;

use jiff::SignedDuration;
use qiao::control::Command;
use qiao::kit::clock::{Clock as _, ManualClock};
use qiao_sim::fault::Kind;
use qiao_sim::wechat::{Reply, Settings, Via};

use crate::steps::CUSTOM_SEND;
use crate::world::{Plan, World};

const TEMPLATE: &str = r#"
[wechat.main.templates.customer_created]
template_id = "tmpl_created"
data = { character_string1 = "{customer_id}" }
"#;

const DROPPED: Kind = Kind::Drop { after_effect: true };

const C4C_DOWN: Kind = Kind::Status {
    status: 503,
    html: true,
    retry_after: None,
};

async fn planned(account: &str) -> World {
    let plan = Plan::default();
    World::planned(Plan {
        account: account.to_owned(),
        wechat: Settings {
            template_result_ms: 0,
            ..plan.wechat
        },
        ..plan
    })
    .await
}

/// Somebody follows while C4C is down, and their customer stands only after the minute.
async fn followed_too_early(world: &World) -> String {
    let openid = world.somebody();
    world.c4c_fails("", C4C_DOWN);
    world.follow(&openid);
    world.settled().await;
    world.advance(Duration::from_mins(2));
    world
        .c4c
        .until(|c4c| c4c.customers().next().map(drop))
        .await;
    world.settled().await;
    world.object_of(&openid);
    openid
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_is_told_within_the_minute_of_the_follow() {
    let world = World::new().await;
    let openid = world.customer().await;
    let in_time = world.wechat.look(|wechat| {
        let seen = wechat.seen(&openid);
        seen[1].at.duration_since(seen[0].at).as_secs()
    });
    assert!(in_time < 60);
    let window = "SELECT \"trigger\" || ' ' || used || ' of ' || allowed || ' '
                      || ((valid_until - granted_at) / 1000000) FROM send_window";
    assert_eq!(world.text(window).await, "follow 1 of 3 55");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_minute_the_number_comes_as_a_template_message() {
    let world = planned(TEMPLATE).await;
    let openid = followed_too_early(&world).await;
    let told = world.seen_by(&openid, Via::Template);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("1000"), "{told:?}");
    assert_eq!(world.seen_by(&openid, Via::Custom), [""; 0]);
    let note = "SELECT note FROM outbox WHERE effect = 'wechat.send'";
    assert_eq!(world.text(note).await, "sent as a template message");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_template_the_number_waits_for_the_follower_and_goes_first() {
    let world = World::new().await;
    let openid = followed_too_early(&world).await;
    let held = "SELECT held_reason FROM v_outbox WHERE state = 'held' AND effect = 'wechat.send'";
    assert_eq!(world.texts(held).await, ["window"]);
    assert_eq!(
        world.wechat_calls(CUSTOM_SEND),
        0,
        "WeChat was not even asked"
    );
    world.send(&openid, "and a word from us").await;
    world.settled().await;
    world.say(&openid, "hello?");
    world.settled().await;
    let told = world.seen_by(&openid, Via::Custom);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("1000"), "the oldest first: {told:?}");
    assert_eq!(told[1], "and a word from us");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_wechat_sees_closed_is_closed_for_us_too() {
    for (code, is_set_back) in [(45015, false), (45047, false), (45047, true)] {
        let mut world = World::new().await;
        let openid = world.talking_customer().await;
        if is_set_back {
            world.stop().await;
            let before = world.clock.now() - SignedDuration::from_hours(2);
            world.clock = ManualClock::new(before);
            world.start().await;
        }
        world.wechat_refuses("custom/send", code);
        world.send(&openid, "are you there?").await;
        world.settled().await;
        let state = "SELECT state || ' ' || held_reason || ' ' || last_verdict FROM outbox
                     ORDER BY id DESC LIMIT 1";
        assert_eq!(world.text(state).await, "held window window", "{code}");
        assert_eq!(
            world.count("SELECT count(*) FROM send_window").await,
            0,
            "{code}"
        );
        let calls = world.wechat_calls(CUSTOM_SEND);
        world.send(&openid, "still there?").await;
        world.settled().await;
        assert_eq!(
            world.wechat_calls(CUSTOM_SEND),
            calls,
            "not asked again: {code}"
        );
        world.say(&openid, "yes");
        world.settled().await;
        let told = world.seen_by(&openid, Via::Custom);
        assert_eq!(told[1..], ["are you there?", "still there?"], "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_wechat_sees_closed_is_bypassed_by_a_template() {
    let world = planned(TEMPLATE).await;
    let openid = world.somebody();
    world.wechat_refuses("custom/send", 45015);
    world.follow(&openid);
    world.until_seen(&openid, "1000").await;
    world.settled().await;
    assert_eq!(world.seen_by(&openid, Via::Template).len(), 1);
    assert_eq!(world.seen_by(&openid, Via::Custom), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_message_waits_for_the_followers_next() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    for n in 1..=6 {
        world.send(&openid, &format!("word {n}")).await;
        world.settled().await;
    }
    let told = world.seen_by(&openid, Via::Custom);
    assert_eq!(told.last().unwrap(), "word 5");
    assert_eq!(
        world.wechat_calls(CUSTOM_SEND),
        6,
        "number and five words: WeChat never had to refuse with 45047"
    );
    world.advance(Duration::from_secs(1));
    world.say(&openid, "go on");
    world.settled().await;
    let told = world.seen_by(&openid, Via::Custom);
    assert_eq!(told.last().unwrap(), "word 6");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_not_send_answers_the_followers_next_message() {
    let mut world = World::new().await;
    world
        .wechat
        .with(|wechat, _, _| wechat.settings.may_send = false);
    let openids = [world.somebody(), world.somebody()];
    for openid in &openids {
        world.follow(openid);
    }
    world.settled().await;
    let held = "SELECT held_reason FROM v_outbox WHERE state = 'held' AND effect = 'wechat.send'";
    assert_eq!(world.texts(held).await, ["passive_only", "passive_only"]);
    is_told_passively(&world, &openids[0]).await;
    world.stop().await;
    world.start().await;
    is_told_passively(&world, &openids[1]).await;
    let states = "SELECT o.state || ' ' || m.state FROM outbox o
                  JOIN message m ON m.id = o.message_id AND m.direction = 'out'";
    assert_eq!(
        world.texts(states).await,
        ["done answered", "done answered"]
    );
}

/// Their next message is answered with the number, and the one after that with nothing more.
async fn is_told_passively(world: &World, openid: &str) {
    let push = world.say(openid, "hello");
    let Reply::Message { text, .. } = world.answered(push).await else {
        panic!("no passive reply")
    };
    assert!(text.contains("1000"), "{text}");
    let push = world.say(openid, "thanks");
    assert_eq!(world.answered(push).await, Reply::Success, "told once");
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waited_for_expires_and_is_not_said_later() {
    let world = World::new().await;
    let openid = followed_too_early(&world).await;
    assert_eq!(world.run_job("expire").await, "0 effects given up");
    world.advance(Duration::from_hours(48));
    assert_eq!(world.run_job("expire").await, "1 effects given up");
    let error = "SELECT last_error FROM v_dead_letter";
    assert_eq!(
        world.text(error).await,
        "expired before it could be delivered"
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE state = 'failed'")
            .await,
        1
    );
    world.say(&openid, "hello");
    world.settled().await;
    assert_eq!(world.seen_by(&openid, Via::Custom), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_arrives_whole_in_order_in_pieces_that_wechat_takes() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    let text = (0..500)
        .map(|n| format!("第{n}句话。"))
        .collect::<Vec<_>>()
        .concat();
    world.send(&openid, &text).await;
    world.settled().await;
    let pieces = &world.seen_by(&openid, Via::Custom)[1..];
    assert!(pieces.len() > 1);
    assert!(pieces.iter().all(|piece| piece.len() <= 2_000));
    assert_eq!(pieces.concat(), text);
    let sent = "SELECT count(*) FROM message WHERE purpose = 'operator' AND state = 'sent'";
    assert_eq!(
        world.count(sent).await,
        i64::try_from(pieces.len()).unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_nobody_knows_about_is_held_for_a_person_and_never_sent_twice() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    world.wechat_fails("custom/send", DROPPED);
    world.send(&openid, "did you get this?").await;
    world.settled().await;
    let state = "SELECT o.state || ' ' || held_reason || ' ' || m.state FROM outbox o
                 JOIN message m ON m.id = o.message_id ORDER BY o.id DESC LIMIT 1";
    assert_eq!(world.text(state).await, "held uncertain uncertain");
    assert_eq!(
        world
            .count("SELECT used FROM send_window WHERE \"trigger\" = 'message'")
            .await,
        1,
        "it may have gone out, so it counts"
    );
    world.say(&openid, "hello");
    world.advance(Duration::from_hours(24));
    world.settled().await;
    let seen = |world: &World| {
        let told = world.seen_by(&openid, Via::Custom);
        told.iter()
            .filter(|text| *text == "did you get this?")
            .count()
    };
    assert_eq!(seen(&world), 1);
    let id = world
        .count("SELECT id FROM outbox WHERE state = 'held' AND effect = 'wechat.send'")
        .await;
    world.operate(Command::OutboxRetry { id }).await.unwrap();
    world.settled().await;
    assert_eq!(seen(&world), 2, "only because a person said so");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_nobody_knows_about_is_repeated_if_the_account_says_so() {
    let world = planned("uncertain_send = \"resend\"\n").await;
    let openid = world.talking_customer().await;
    world.wechat_fails("custom/send", DROPPED);
    world.send(&openid, "did you get this?").await;
    world.settled().await;
    world.advance(Duration::from_mins(1));
    world.settled().await;
    let told = world.seen_by(&openid, Via::Custom);
    assert_eq!(told[1..], ["did you get this?", "did you get this?"]);
    let used = "SELECT used FROM send_window WHERE \"trigger\" = 'message'";
    assert_eq!(world.count(used).await, 2, "both count");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_wechat_may_have_sent_it_so_it_is_held_too() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    world.wechat_refuses("custom/send", -1);
    world.send(&openid, "did you get this?").await;
    world.settled().await;
    let state = "SELECT state || ' ' || held_reason || ' ' || last_verdict FROM outbox
                 ORDER BY id DESC LIMIT 1";
    assert_eq!(world.text(state).await, "held uncertain uncertain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_send_does_not_block_what_can_be_said() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    world.wechat_fails("custom/send", DROPPED);
    world.send(&openid, "first").await;
    world.settled().await;
    world.send(&openid, "second").await;
    world.settled().await;
    assert_eq!(
        world.seen_by(&openid, Via::Custom)[1..],
        ["first", "second"]
    );
}
