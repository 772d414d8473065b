//! Template messages: WeChat recognises a repetition by its `client_msg_id`.

use std::time::Duration;

use qiao_sim::fault::{Fault, Kind};
use qiao_sim::wechat::Via;

use crate::world::{Plan, World};

const TEMPLATE: &str = r#"
[wechat.main.templates.customer_changed]
template_id = "changed"
data = { thing1 = "{changes}" }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_template_whose_answer_was_lost_is_sent_again_and_seen_once() {
    let (world, openid) = told_by_template_while_losing(1).await;
    let seen = world.seen(&openid);
    let templates = seen.iter().filter(|(via, _)| *via == Via::Template);
    assert_eq!(templates.count(), 1);
    assert_eq!(how(&world).await, "done 1 sent");
}

/// A later attempt may find a window open; a custom message could not be recognised as the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_template_whose_answers_stay_lost_is_held_for_a_person_and_not_said_another_way() {
    let (world, openid) = told_by_template_while_losing(2).await;
    assert_eq!(how(&world).await, "held 1 uncertain");
    world.say(&openid, "hello");
    world.settled().await;
    let seen = world.seen(&openid);
    let of_change: Vec<_> = seen
        .iter()
        .filter(|(_, text)| text.contains("Mobile"))
        .collect();
    assert_eq!(of_change.len(), 1, "{of_change:?}");
    assert_eq!(how(&world).await, "held 1 uncertain");
}

/// A change in C4C of somebody without a window, while WeChat's next `lost` answers get lost after
/// their effect.
async fn told_by_template_while_losing(lost: u32) -> (World, String) {
    let mut plan = Plan {
        account: TEMPLATE.to_owned(),
        ..Plan::default()
    };
    plan.wechat.template_result_ms = 0;
    let world = World::planned(plan).await;
    let openid = world.customer().await;
    world.advance(Duration::from_mins(2));
    let dropped = Fault {
        on: "template/send".to_owned(),
        kind: Kind::Drop { after_effect: true },
        times: lost,
    };
    world.wechat.with(|wechat, _, _| wechat.faults.add(dropped));
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&openid, "Mobile").await;
    world.settled().await;
    world.advance(Duration::from_secs(5));
    world.settled().await;
    (world, openid)
}

async fn how(world: &World) -> String {
    let last = "SELECT o.state || ' ' || o.attempts || ' ' || m.state FROM outbox o
                JOIN message m ON m.id = o.message_id WHERE m.purpose = 'customer_changed'
                ORDER BY o.id DESC LIMIT 1";
    world.text(last).await
}
