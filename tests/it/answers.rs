//! Automatic answers: rules, the answer hook, and a follower's own history.

use qiao_sim::fault::Kind;
use qiao_sim::wechat::{Reply, Via};

use crate::hook::Hook;
use crate::world::{Plan, World};

const RULES: &str = r#"
[wechat.main.texts]
no_history = "nothing yet"
history_deleted = "deleted here; the copy in C4C stays"
[[wechat.main.rules]]
when = { text = "hours" }
then = { text = "9 to 6" }
[[wechat.main.rules]]
when = { regex = "(?i)where|address" }
then = { news = { title = "Our shop", description = "by the river", url = "https://example.cn/map" } }
[[wechat.main.rules]]
when = { click = "contact" }
then = { text = "call us" }
[[wechat.main.rules]]
when = { event = "SCAN" }
then = { text = "nice to see you again" }
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

async fn with_hook(hook: &Hook) -> World {
    World::planned(Plan {
        account: format!("answer_hook = \"{}\"\n", hook.url),
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
async fn rules_answer_words_patterns_buttons_and_events() {
    let world = world().await;
    let openid = world.customer().await;
    let pushes = [
        world.say(&openid, " hours "),
        world.say(&openid, "WHERE are you?"),
        world.click(&openid, "contact"),
        world
            .wechat
            .with(|wechat, now, rng| wechat.scan(&openid, "shop_7", now, rng)),
    ];
    let news = Reply::Message {
        kind: "news".to_owned(),
        text: "Our shop https://example.cn/map".to_owned(),
    };
    let expected = [
        says("9 to 6"),
        news,
        says("call us"),
        says("nice to see you again"),
    ];
    for (push, expected) in pushes.into_iter().zip(expected) {
        assert_eq!(world.answered(push).await, expected);
    }
    let other = world.say(&openid, "hourss");
    assert_eq!(world.answered(other).await, Reply::Success, "no rule fits");
    world.settled().await;
    let answered = "SELECT count(*) FROM message WHERE state = 'answered' AND purpose = 'rule'";
    assert_eq!(world.count(answered).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quick_hook_answers_as_the_passive_reply() {
    let hook = Hook::answering("it is on its way").await;
    let world = with_hook(&hook).await;
    let openid = world.customer().await;
    let push = world.say(&openid, "where is my order?");
    assert_eq!(world.answered(push).await, says("it is on its way"));
    let question = hook.asked(1).await;
    assert_eq!(question["text"], "where is my order?");
    assert_eq!(question["openid"], openid.as_str());
    assert_eq!(question["kind"], "text");
    world.settled().await;
    let told = "SELECT text || ' ' || state FROM message WHERE purpose = 'hook'";
    assert_eq!(world.texts(told).await, ["it is on its way answered"]);
    world.repeat(push);
    assert_eq!(
        world.answered(push).await,
        says("it is on its way"),
        "stored"
    );
    assert_eq!(hook.questions(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_hook_is_acknowledged_and_its_answer_delivered_later() {
    let hook = Hook::answering("found it at last").await;
    let world = with_hook(&hook).await;
    let openid = world.customer().await;
    hook.think();
    let push = world.say(&openid, "where is my order?");
    hook.asked(1).await;
    let acknowledged = world.while_time_passes(world.answered(push)).await;
    assert_eq!(acknowledged, Reply::Success);
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE text = 'where is my order?'")
            .await,
        1,
        "committed before anything was answered"
    );
    hook.think_no_more();
    world.until_seen(&openid, "found it at last").await;
    world.settled().await;
    assert_eq!(
        world.seen_by(&openid, Via::Custom)[1..],
        ["found it at last"]
    );
    assert_eq!(hook.questions(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_comes_meanwhile_waits_for_the_same_answer() {
    let hook = Hook::answering("one answer").await;
    let world = with_hook(&hook).await;
    let openid = world.customer().await;
    hook.think();
    world.in_copies(3);
    let push = world.say(&openid, "where is my order?");
    hook.asked(1).await;
    world
        .wechat
        .until(|wechat| (wechat.push(push)?.attempts.len() == 3).then_some(()))
        .await;
    hook.think_no_more();
    assert_eq!(world.answers(push).await, vec![says("one answer"); 3]);
    world.settled().await;
    assert_eq!(hook.questions(), 1);
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE purpose = 'hook'")
            .await,
        1
    );
    assert_eq!(
        world.seen_by(&openid, Via::Reply).len(),
        2,
        "welcome and one answer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_came_after_wechat_gave_up_is_seen_once() {
    let hook = Hook::answering("one answer").await;
    let world = with_hook(&hook).await;
    let openid = world.customer().await;
    hook.think();
    world.wechat.with(|wechat, _, _| {
        wechat.settings.push_deadline_ms = 100;
        wechat.settings.fresh_nonce_on_retry = true;
    });
    let push = world.say(&openid, "where is my order?");
    hook.asked(1).await;
    let first = world
        .wechat
        .until(|wechat| wechat.push(push)?.attempts[0].reply.clone())
        .await;
    assert_eq!(first, Reply::Unanswered);
    world
        .wechat
        .with(|wechat, _, _| wechat.settings.push_deadline_ms = 5_000);
    hook.think_no_more();
    world.while_time_passes(world.answered(push)).await;
    world.settled().await;
    let seen = world.seen(&openid);
    let answers = seen.iter().filter(|(_, text)| text == "one answer");
    assert_eq!(answers.count(), 1, "{seen:?}");
    assert_eq!(hook.questions(), 1);
    let asked = "SELECT count(*) FROM message WHERE text = 'where is my order?'";
    assert_eq!(world.count(asked).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_is_down_answers_when_it_is_up_again() {
    let hook = Hook::answering("").await;
    let world = with_hook(&hook).await;
    let openid = world.customer().await;
    hook.answer_with(500, "");
    let push = world.say(&openid, "anybody there?");
    hook.asked(1).await;
    let acknowledged = world.while_time_passes(world.answered(push)).await;
    assert_eq!(acknowledged, Reply::Success);
    hook.answer_with(200, r#"{"text":"back again"}"#);
    world
        .while_time_passes(world.until_seen(&openid, "back again"))
        .await;
    world.settled().await;
    assert_eq!(
        world.seen_by(&openid, Via::Custom).last().unwrap(),
        "back again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_talks_nonsense_is_a_dead_letter_with_a_remedy() {
    let hook = Hook::answering("").await;
    let world = with_hook(&hook).await;
    let openid = world.customer().await;
    hook.answer_with(200, "<html>Bad gateway</html>");
    let push = world.say(&openid, "anybody there?");
    let acknowledged = world.while_time_passes(world.answered(push)).await;
    assert_eq!(acknowledged, Reply::Success, "never its nonsense");
    world.settled().await;
    let error = world
        .text("SELECT last_error FROM v_dead_letter WHERE effect = 'hook.ask'")
        .await;
    assert!(error.contains("correct the hook"), "{error}");
    assert!(!error.contains("gateway"), "nothing of its body: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_without_an_answer_leaves_the_message_to_people() {
    let hook = Hook::answering("").await;
    let world = with_hook(&hook).await;
    let openid = world.customer().await;
    hook.answer_with(204, "");
    let push = world.say(&openid, "hello");
    assert_eq!(world.answered(push).await, Reply::Success);
    world.settled().await;
    assert_eq!(world.seen(&openid).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn review_shows_only_ones_own_history_and_the_newest_first() {
    let world = world().await;
    let (mine, other) = (world.customer().await, world.customer().await);
    world.say(&other, "the other's secret");
    world.settled().await;
    for n in 1..=3 {
        world.say(&mine, &format!("my words {n}"));
        world.settled().await;
    }
    let push = world.click(&mine, "review");
    let Reply::Message { text, .. } = world.answered(push).await else {
        panic!("no history")
    };
    let newest = text.find("my words 3").unwrap();
    assert!(newest < text.find("my words 2").unwrap(), "{text}");
    assert!(text.contains("1000"), "what was said to them, too: {text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn review_of_a_long_history_fits_into_one_reply() {
    let world = world().await;
    let openid = world.customer().await;
    for n in 0..12 {
        world.say(&openid, &format!("{n} {}", "长".repeat(100)));
        world.settled().await;
    }
    let push = world.click(&openid, "review");
    // Above 2,048 bytes the simulated WeChat shows nothing: `TooLong`.
    let Reply::Message { text, .. } = world.answered(push).await else {
        panic!("no history")
    };
    assert!(text.contains("11 长") && text.ends_with('…'), "{text}");
    assert!(text.len() > 1_900, "as much as fits: {} bytes", text.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_removes_words_everywhere_but_in_c4c_and_says_so() {
    let world = world().await;
    let (mine, other) = (
        world.talking_customer().await,
        world.talking_customer().await,
    );
    world.in_copies(2);
    world.say(&mine, "forget these words");
    world.say(&other, "keep these words");
    world.settled().await;
    world.send(&mine, "forget our answer").await;
    world.settled().await;
    let review = world.click(&mine, "review");
    world.answered(review).await;
    let push = world.click(&mine, "delete");
    assert_eq!(
        world.answered(push).await,
        says("deleted here; the copy in C4C stays")
    );
    world.settled().await;
    for sql in [
        "SELECT count(*) FROM message WHERE text LIKE '%forget%'",
        "SELECT count(*) FROM inbox WHERE body LIKE '%forget%' OR answer LIKE '%forget%'",
        "SELECT count(*) FROM outbox WHERE payload LIKE '%forget%' OR note LIKE '%forget%'",
    ] {
        assert_eq!(world.count(sql).await, 0, "{sql}");
    }
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE text LIKE 'keep%'")
            .await,
        1
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM inbox WHERE body LIKE '%keep these%'")
            .await,
        1
    );
    world.object_of(&mine);
    world.advance(std::time::Duration::from_secs(1));
    let again = world.click(&mine, "review");
    let Reply::Message { text, .. } = world.answered(again).await else {
        panic!("no answer")
    };
    assert!(!text.contains("forget"), "{text}");
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn review_without_a_history_says_so() {
    let world = world().await;
    let openid = world.somebody();
    world
        .wechat
        .with(|wechat, now, _| wechat.adopt(&openid, now));
    let push = world.click(&openid, "review");
    assert_eq!(world.answered(push).await, says("nothing yet"));
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_reach_followers_while_c4c_is_down() {
    let world = world().await;
    let status = Kind::Status {
        status: 503,
        html: true,
        retry_after: None,
    };
    let on = String::new();
    world.c4c.with(|c4c, _, _| {
        let times = qiao_sim::fault::UNTIL_CLEARED;
        c4c.faults().add(qiao_sim::fault::Fault {
            on,
            kind: status,
            times,
        });
    });
    let openid = world.somebody();
    world.follow(&openid);
    let push = world.say(&openid, "hours");
    assert_eq!(world.answered(push).await, says("9 to 6"));
    world.settled().await;
    assert_eq!(world.customers(), 0);
    world.advance(std::time::Duration::from_hours(2));
    world.c4c.with(|c4c, _, _| c4c.faults().clear(None));
    let push = world.say(&openid, "hours");
    assert_eq!(world.answered(push).await, says("9 to 6"));
    world
        .while_time_passes(world.until_seen(&openid, "1000"))
        .await;
    world.settled().await;
    world.object_of(&openid);
}
