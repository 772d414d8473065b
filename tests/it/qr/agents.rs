//! A code that brings a follower to an agent.

use std::time::Duration;

use qiao::domain::qr::Purpose;

use super::code;
use crate::world::{Plan, World};

const SOCIAL: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
end_words = ["bye"]
"#;

const TICKET: &str = r#"
[wechat.main.conversation]
into_c4c = "ticket"
end_words = ["bye"]
"#;

const AT_CREATION: &str = r#"
[wechat.main.conversation]
into_c4c = "ticket"
end_words = ["bye"]
[wechat.main.conversation.ticket]
BuyerPartyID = "{customer_id}"
ProcessorPartyID = "{agent}"
"#;

const AGENT: &str = "8000000017";

async fn planned(conversation: &str) -> World {
    let plan = Plan {
        account: conversation.to_owned(),
        ..Plan::default()
    };
    World::planned(plan).await
}

/// Whose work each ticket is, oldest first.
fn processors(world: &World) -> Vec<String> {
    let tickets = world.c4c.look(|c4c| c4c.tickets().collect::<Vec<_>>());
    tickets.into_iter().map(|ticket| ticket.processor).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_conversation_goes_to_the_agent_and_the_one_after_it_to_anybody() {
    for (conversation, patches) in [(SOCIAL, 1), (TICKET, 1), (AT_CREATION, 0)] {
        let world = planned(conversation).await;
        let openid = world.customer().await;
        let url = world.code(code(Purpose::Agent, AGENT)).await;
        world.scans(&openid, &url).await;
        assert_eq!(world.text("SELECT agent FROM invitation").await, AGENT);
        for text in ["hello", "are you there?", "bye", "somebody else, please"] {
            world.say(&openid, text);
            world.recorded().await;
        }
        assert_eq!(processors(&world), [AGENT, ""], "{conversation}");
        let patched = world.c4c_calls("PATCH", "ServiceRequestCollection");
        assert_eq!(patched, patches, "{conversation}");
        let agents = "SELECT coalesce(agent, '-') FROM conversation ORDER BY id";
        assert_eq!(world.texts(agents).await, [AGENT, "-"]);
        assert_eq!(world.count("SELECT count(*) FROM invitation").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whom_c4c_does_not_know_costs_no_word_of_the_follower() {
    for conversation in [SOCIAL, TICKET] {
        let world = planned(conversation).await;
        let openid = world.customer().await;
        let url = world.code(code(Purpose::Agent, "4711")).await;
        world.scans(&openid, &url).await;
        world.say(&openid, "hello");
        world.recorded().await;
        assert_eq!(processors(&world), [""]);
        assert_eq!(world.count("SELECT count(*) FROM activity").await, 1);
        let dead = "SELECT effect FROM v_dead_letter";
        assert_eq!(
            world.texts(dead).await,
            ["ticket.assign"],
            "operators see it"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_follower_comes_to_the_agent_and_the_last_code_counts() {
    let world = planned(SOCIAL).await;
    let other = world.code(code(Purpose::Agent, "8000000018")).await;
    let url = world.code(code(Purpose::Agent, AGENT)).await;
    let openid = world.somebody();
    world.scans(&openid, &other).await;
    world.advance(Duration::from_secs(5));
    world.scans(&openid, &url).await;
    world.say(&openid, "hello");
    world.recorded().await;
    assert_eq!(processors(&world), [AGENT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_that_are_left_alone_need_no_codes_of_agents() {
    let off = format!("{SOCIAL}agent_field = \"\"\n");
    let world = planned(&off).await;
    let refused = world.wishes(code(Purpose::Agent, AGENT)).await.unwrap_err();
    assert!(refused.0.contains("agent_field"), "{refused}");
}
