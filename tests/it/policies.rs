//! What becomes of an agent's answer that no send window can carry, and what the ticket is told of it.

use std::time::Duration;

use qiao_sim::fault::Kind;
use qiao_sim::wechat::Via;

use crate::steps::CUSTOM_SEND;
use crate::world::{Plan, World};

const TEMPLATE: &str = r#"
[wechat.main.templates.reply]
template_id = "tmpl_reply"
data = { thing1 = "{name}" }
"#;

/// The window is closed, and all five sends of it are used: WeChat's two words for it.
const CLOSED: [i64; 2] = [45_015, 45_047];

/// A world with that policy; a customer has said hello. Gives their OpenID and their ticket's number.
async fn with_policy(policy: &str) -> (World, String, String) {
    let mut plan = Plan {
        account: format!(
            "{TEMPLATE}\n[wechat.main.conversation]\ninto_c4c = \"social\"\nchannel_id = \"WECHAT\"\n\
             delivery_notes = \"10007\"\noutside_window = \"{policy}\"\n"
        ),
        ..Plan::default()
    };
    plan.wechat.template_result_ms = 0;
    let world = World::planned(plan).await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.recorded().await;
    let ticket = world.the_ticket(&openid).id;
    (world, openid, ticket)
}

impl World {
    /// What the first ticket was told, without which answer it is about.
    fn ticket_was_told(&self, openid: &str) -> Vec<String> {
        let notes = self.tickets(openid).remove(0).notes.into_iter();
        let words = notes.map(|note| {
            note.text
                .split(' ')
                .skip(2)
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        });
        words.collect()
    }

    async fn says_again(&self, openid: &str) {
        self.advance(Duration::from_secs(1));
        self.say(openid, "anybody there?");
        self.recorded().await;
    }

    fn has_heard(&self, openid: &str, text: &str) -> usize {
        let seen = self.seen_by(openid, Via::Custom);
        seen.iter().filter(|seen| *seen == text).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn template_a_template_tells_that_there_is_an_answer_which_then_goes_first() {
    let (world, openid, ticket) = with_policy("template").await;
    world.advance(Duration::from_hours(49));
    world.agent_answers(&ticket, "an answer").await;
    let templates = world.seen_by(&openid, Via::Template);
    assert_eq!(templates.len(), 1);
    assert!(templates[0].contains("Li Wei"), "{templates:?}");
    assert_eq!(world.has_heard(&openid, "an answer"), 0);
    world.says_again(&openid).await;
    assert_eq!(world.has_heard(&openid, "an answer"), 1);
    assert_eq!(world.seen_by(&openid, Via::Template).len(), 1);
    assert_eq!(
        world.ticket_was_told(&openid),
        ["waits: WeChat", "was delivered"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hold_the_answer_waits_though_there_is_a_template() {
    let (world, openid, ticket) = with_policy("hold").await;
    world.advance(Duration::from_hours(49));
    world.agent_answers(&ticket, "an answer").await;
    assert!(world.seen_by(&openid, Via::Template).is_empty());
    world.says_again(&openid).await;
    assert_eq!(world.has_heard(&openid, "an answer"), 1);
    assert_eq!(
        world.ticket_was_told(&openid),
        ["waits: WeChat", "was delivered"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refuse_the_answer_is_given_up_and_the_agent_told() {
    let (world, openid, ticket) = with_policy("refuse").await;
    world.advance(Duration::from_hours(49));
    world.agent_answers(&ticket, "an answer").await;
    world.says_again(&openid).await;
    assert_eq!(world.has_heard(&openid, "an answer"), 0);
    let state = "SELECT state FROM message WHERE purpose = 'reply'";
    assert_eq!(world.text(state).await, "cancelled");
    assert_eq!(world.ticket_was_told(&openid), ["was not"]);
    world.agent_answers(&ticket, "another one").await;
    assert_eq!(world.has_heard(&openid, "another one"), 1);
    assert_eq!(world.ticket_was_told(&openid), ["was not", "was delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_wechat_calls_closed_is_closed_for_the_answers_behind_it_too() {
    for code in CLOSED {
        let (world, openid, ticket) = with_policy("hold").await;
        let closed = Kind::Code {
            code,
            after_effect: false,
        };
        // Our model was wrong once: nobody asks WeChat a second time.
        world.wechat_fails_for(CUSTOM_SEND, closed, 1);
        world.agent_answers(&ticket, "first").await;
        world.agent_answers(&ticket, "second").await;
        let held = "SELECT count(*) FROM outbox WHERE state = 'held' AND held_reason = 'window'";
        assert_eq!(world.count(held).await, 2, "{code}");
        assert_eq!(world.ticket_was_told(&openid), ["waits: WeChat"; 2]);
        world.says_again(&openid).await;
        let seen = world.seen_by(&openid, Via::Custom);
        assert_eq!(seen[seen.len() - 2..], ["first", "second"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_wechat_calls_closed_refuses_the_answer_where_that_is_the_policy() {
    for code in CLOSED {
        let (world, openid, ticket) = with_policy("refuse").await;
        let closed = Kind::Code {
            code,
            after_effect: false,
        };
        world.wechat_fails_for(CUSTOM_SEND, closed, 1);
        world.agent_answers(&ticket, "first").await;
        world.agent_answers(&ticket, "second").await;
        assert_eq!(world.ticket_was_told(&openid), ["was not"; 2], "{code}");
        world.says_again(&openid).await;
        assert_eq!(world.has_heard(&openid, "first"), 0);
        assert_eq!(world.has_heard(&openid, "second"), 0);
    }
}

/// An answer that waits for a window.
async fn waiting() -> (World, String) {
    let (world, openid, ticket) = with_policy("hold").await;
    world.advance(Duration::from_hours(49));
    world.agent_answers(&ticket, "an answer").await;
    (world, openid)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_waited_two_days_is_given_up_and_the_agent_told() {
    let (world, openid) = waiting().await;
    world.advance(Duration::from_hours(48));
    world.daemon().parts.timetable.run("expire").await.unwrap();
    world.settled().await;
    assert_eq!(
        world.ticket_was_told(&openid),
        ["waits: WeChat", "was given"]
    );
    world.says_again(&openid).await;
    assert_eq!(world.has_heard(&openid, "an answer"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_told_when_the_follower_leaves_before_the_answer_was_sent() {
    let (world, openid) = waiting().await;
    world.unfollow(&openid);
    world.settled().await;
    let notes = world.tickets(&openid).remove(0).notes;
    assert!(notes[1].text.contains("left the account"), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_told_of_an_answer_that_wechat_refuses_or_that_is_uncertain() {
    let refused = Kind::Code {
        code: 45_002,
        after_effect: false,
    };
    let lost = Kind::Drop { after_effect: true };
    for (fault, told) in [(refused, "was not"), (lost, "may not")] {
        let (world, openid, ticket) = with_policy("hold").await;
        world.wechat_fails(CUSTOM_SEND, fault);
        world.agent_answers(&ticket, "an answer").await;
        assert_eq!(world.ticket_was_told(&openid), [told]);
    }
}
