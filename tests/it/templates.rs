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
        times: 1,
    };
    world.wechat.with(|wechat, _, _| wechat.faults.add(dropped));
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&openid, "Mobile").await;
    world.settled().await;
    world.advance(Duration::from_secs(5));
    world.settled().await;
    let seen = world.seen(&openid);
    let templates = seen.iter().filter(|(via, _)| *via == Via::Template);
    assert_eq!(templates.count(), 1);
    let how = "SELECT o.state || ' ' || o.attempts || ' ' || m.state FROM outbox o
               JOIN message m ON m.id = o.message_id ORDER BY o.id DESC LIMIT 1";
    assert_eq!(world.text(how).await, "done 2 sent");
}
