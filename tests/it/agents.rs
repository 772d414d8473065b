//! Agents' answers that C4C does not post to us: found by notifications and by sweeps, said once.

use std::time::Duration;

use qiao_sim::c4c::{Answer, Business, Variant};
use qiao_sim::fault::{Fault, Kind};
use qiao_sim::wechat::Via;

use crate::world::{Plan, World};

const SOCIAL: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
delivery_notes = "10007"
"#;

const TICKET: &str = r#"
[wechat.main.conversation]
into_c4c = "ticket"
"#;

const POLLED: &str = "poll_answers = \"on\"\n";

/// What agents write to the customer.
const REPLY: &str = "10007";

async fn planned(conversation: &str, tenant: &str) -> World {
    let plan = Plan {
        account: conversation.to_owned(),
        tenant: tenant.to_owned(),
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    world.has_no_mashup();
    world
}

impl World {
    fn has_no_mashup(&self) {
        self.c4c
            .with(|c4c, _, _| c4c.replies().settings.url.clear());
    }

    /// C4C tells of tickets and activities as it does of customers.
    fn notifies_of_everything(&self, variant: Variant) {
        self.c4c.with(|c4c, _, _| {
            for subscription in &mut c4c.notifications().settings.subscriptions {
                subscription.variant = variant;
                subscription.objects = vec![
                    Business::Customer,
                    Business::ServiceRequest,
                    Business::SocialMediaActivity,
                ];
            }
        });
    }

    /// A customer who has said hello, and their ticket's number.
    async fn conversations(&self) -> (String, String) {
        let openid = self.customer().await;
        self.says(&openid, "hello").await;
        let ticket = self.tickets(&openid).remove(0).id;
        (openid, ticket)
    }

    async fn says(&self, openid: &str, text: &str) {
        self.say(openid, text);
        self.recorded().await;
    }

    async fn agent_notes(&self, ticket: &str, text: &str) {
        self.c4c
            .with(|c4c, now, _| c4c.note(ticket, REPLY, text, now))
            .expect("a ticket");
        self.settled().await;
    }

    async fn agent_completes(&self, ticket: &str) {
        assert!(self.c4c.with(|c4c, now, _| c4c.close_ticket(ticket, now)));
        self.settled().await;
    }

    /// As its alarm does, a minute later.
    async fn sweeps(&self) {
        self.advance(Duration::from_mins(1));
        self.daemon().parts.timetable.run("answers").await.unwrap();
        self.settled().await;
    }

    /// What the follower has read as custom messages, but for the notice of their number.
    fn heard(&self, openid: &str) -> Vec<String> {
        let seen = self.seen_by(openid, Via::Custom).into_iter();
        seen.filter(|text| !text.contains("1000")).collect()
    }

    async fn ends(&self) -> String {
        let ends = "SELECT group_concat(coalesce(end_reason, state)) FROM conversation";
        self.text(ends).await
    }

    fn all_calls(&self) -> usize {
        self.c4c.look(|c4c| c4c.calls().recent().count())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_agents_write_is_found_by_notifications_of_either_generation() {
    for variant in [Variant::Odata, Variant::Event] {
        let world = planned(SOCIAL, "").await;
        world.notifies_of_everything(variant);
        world
            .c4c
            .with(|c4c, _, _| c4c.notifications().settings.duplicates = 2);
        let (openid, ticket) = world.conversations().await;
        world.agent_notes(&ticket, "您好，一张便条").await;
        world.agent_answers(&ticket, "an activity").await;
        world.agent_answers(&ticket, "and another").await;
        world.says(&openid, "thank you").await;
        let expected = ["您好，一张便条", "an activity", "and another"];
        assert_eq!(world.heard(&openid), expected);
        let told = world.tickets(&openid).remove(0).notes;
        assert_eq!(told.len(), 4, "the agent's and three of ours: {told:?}");
        assert_eq!(world.activities(&openid), ["hello", "thank you"]);
        let dead = "SELECT count(*) FROM outbox WHERE state = 'dead' OR state = 'held'";
        assert_eq!(world.count(dead).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_c4c_cannot_give_does_not_keep_the_others_for_long() {
    let world = planned(SOCIAL, "").await;
    world.notifies_of_everything(Variant::Event);
    let (openid, ticket) = world.conversations().await;
    world.c4c.with(|c4c, now, _| {
        let answer = Answer::new("not now", "Li Wei");
        c4c.answer(&ticket, &answer, now)
            .expect("a ticket of a channel");
        let key = c4c.activities_of(&openid).pop().unwrap().object_id;
        c4c.faults().add(Fault {
            on: format!("SocialMediaActivityCollection('{key}')"),
            kind: Kind::Code {
                code: 500,
                after_effect: false,
            },
            times: 5,
        });
    });
    world.settled().await;
    world.agent_answers(&ticket, "another one").await;
    assert!(world.heard(&openid).is_empty());
    for wait in [3, 7, 13] {
        world.advance(Duration::from_secs(wait));
        world.settled().await;
    }
    assert_eq!(world.heard(&openid), ["another one"]);
    world.advance(Duration::from_secs(3));
    world.settled().await;
    assert_eq!(world.heard(&openid), ["another one", "not now"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_agents_write_is_found_by_sweeps_alone() {
    let world = planned(SOCIAL, POLLED).await;
    let (openid, ticket) = world.conversations().await;
    world.sweeps().await;
    world.agent_answers(&ticket, "an activity").await;
    world.agent_answers(&ticket, "and another").await;
    world.agent_notes(&ticket, "a note").await;
    assert!(world.heard(&openid).is_empty(), "nobody told us");
    for _ in 0..3 {
        world.sweeps().await;
    }
    assert_eq!(
        world.heard(&openid),
        ["an activity", "and another", "a note"]
    );
    let told = world.tickets(&openid).remove(0).notes;
    assert_eq!(told.len(), 4, "the agent's and three of ours: {told:?}");
    let kinds = "SELECT group_concat(kind) FROM (SELECT kind FROM inbox WHERE kind LIKE 'reply%'
                 ORDER BY id)";
    let kinds = world.text(kinds).await;
    assert_eq!(kinds, "reply:activity,reply:activity,reply:note");
}

#[tokio::test(flavor = "multi_thread")]
async fn mashup_notifications_and_sweeps_together_let_each_answer_be_said_once() {
    let mut world = planned(SOCIAL, POLLED).await;
    world.notifies_of_everything(Variant::Event);
    let (openid, ticket) = world.conversations().await;
    // With a start the world's mashup is there again.
    world.stop().await;
    world.start().await;
    world
        .c4c
        .with(|c4c, _, _| c4c.replies().settings.duplicates = 1);
    for number in 0..4 {
        let answer = Answer::new(&format!("answer {number}"), "Li Wei");
        world
            .c4c
            .with(|c4c, now, _| c4c.answer(&ticket, &answer, now));
        world.daemon().parts.timetable.run("answers").await.unwrap();
        world.settled().await;
        world.sweeps().await;
    }
    let said = (0..4).map(|number| format!("answer {number}"));
    assert_eq!(world.heard(&openid), said.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_notes_and_the_notes_of_the_bridge_are_no_answers() {
    let world = planned(TICKET, POLLED).await;
    world.notifies_of_everything(Variant::Event);
    let (openid, ticket) = world.conversations().await;
    for text in ["second", "third"] {
        world.says(&openid, text).await;
        world.sweeps().await;
    }
    assert!(world.heard(&openid).is_empty());
    world.agent_notes(&ticket, "an answer").await;
    world.sweeps().await;
    assert_eq!(world.heard(&openid), ["an answer"]);
    // Somebody copies one that the bridge wrote for another tenant's follower.
    let ours = "Answer 7 was delivered to the follower in WeChat.";
    world.agent_notes(&ticket, ours).await;
    world.sweeps().await;
    assert_eq!(world.heard(&openid), ["an answer"]);
    let notes = world.tickets(&openid).remove(0).notes;
    assert_eq!(notes.len(), 5, "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_of_the_bridge_whose_writing_was_lost_on_the_way_back_is_no_answer() {
    let world = planned(SOCIAL, POLLED).await;
    world.notifies_of_everything(Variant::Event);
    let (openid, ticket) = world.conversations().await;
    let lost = Fault {
        on: "POST /sap/c4c/odata/v1/c4codataapi/ServiceRequestCollection".to_owned(),
        kind: Kind::Drop { after_effect: true },
        times: 1,
    };
    world.c4c.with(|c4c, _, _| c4c.faults().add(lost));
    world.agent_answers(&ticket, "an answer").await;
    for _ in 0..3 {
        world.sweeps().await;
    }
    assert_eq!(world.heard(&openid), ["an answer"]);
    assert_eq!(world.tickets(&openid).remove(0).notes.len(), 1);
    let known = "SELECT count(*) FROM activity WHERE kind = 'note'";
    assert_eq!(world.count(known).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_wrote_before_the_bridge_knew_the_ticket_is_found() {
    // The ticket stands in C4C, and for a minute only C4C knows: whoever opened it got no answer …
    let lost = Kind::Drop { after_effect: true };
    // … or whoever looks for it must wait.
    let busy = Kind::Status {
        status: 503,
        html: false,
        retry_after: None,
    };
    for (conversation, on, kind) in [
        (SOCIAL, "DocumentReferenceCollection", busy),
        (TICKET, "ServiceRequestCollection", lost),
    ] {
        let world = planned(conversation, "").await;
        world.notifies_of_everything(Variant::Event);
        let openid = world.customer().await;
        world.c4c_fails(on, kind);
        world.says(&openid, "hello").await;
        let ticket = world.tickets(&openid).remove(0).id;
        world.agent_notes(&ticket, "an answer").await;
        assert!(world.heard(&openid).is_empty(), "whose ticket is it?");
        world.advance(Duration::from_mins(2));
        world.settled().await;
        assert_eq!(world.heard(&openid), ["an answer"], "{conversation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_piled_up_while_c4c_was_down_keep_their_order() {
    let world = planned(SOCIAL, "").await;
    let (openid, ticket) = world.conversations().await;
    world.notifies_of_everything(Variant::Odata);
    let busy = Kind::Status {
        status: 503,
        html: false,
        retry_after: None,
    };
    world.c4c_fails_for("", busy, qiao_sim::fault::UNTIL_CLEARED);
    for number in 0..5 {
        world.agent_answers(&ticket, &format!("{number}")).await;
    }
    assert!(world.heard(&openid).is_empty());
    world.c4c_heals();
    world.advance(Duration::from_mins(2));
    world.settled().await;
    assert_eq!(world.heard(&openid), ["0", "1", "2", "3", "4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_ticket_ends_the_conversation_and_the_next_message_begins_another() {
    for (conversation, tenant) in [
        (SOCIAL, ""),
        (SOCIAL, POLLED),
        (TICKET, ""),
        (TICKET, POLLED),
    ] {
        let world = planned(conversation, tenant).await;
        if tenant.is_empty() {
            world.notifies_of_everything(Variant::Odata);
        }
        let (openid, ticket) = world.conversations().await;
        world.agent_completes(&ticket).await;
        if !tenant.is_empty() {
            world.sweeps().await;
        }
        assert_eq!(world.ends().await, "agent");
        world.says(&openid, "one more thing").await;
        assert_eq!(world.ends().await, "agent,open");
        let previous = "SELECT previous_id FROM conversation ORDER BY id DESC LIMIT 1";
        assert_eq!(world.count(previous).await, 1);
        assert_eq!(world.tickets(&openid).len(), 2);
        world.sweeps().await;
        assert_eq!(world.ends().await, "agent,open", "the old one ends once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_no_conversation_costs_no_call_where_the_database_can_tell() {
    let world = planned(SOCIAL, "").await;
    let (openid, ticket) = world.conversations().await;
    world.notifies_of_everything(Variant::Event);
    let others = world.c4c.with(|c4c, now, _| {
        let fields = [("LastName", "Nobody here")];
        c4c.create_customer(&fields, now)
    });
    world.settled().await;
    let before = world.all_calls();
    let post = async |name: &str, object: &str| {
        let body = serde_json::json!({ "businessObject": name, "businessObjectId": object });
        let path = "/c4c/main/notifications/0123456789abcdef-key";
        assert_eq!(world.post(path, &[], body.to_string()).await, 200);
        world.settled().await;
        world.all_calls() - before
    };
    assert_eq!(post("SERVICE_REQUEST", &others).await, 0, "not our ticket");
    let ours = world.c4c.look(|c4c| {
        let activities = c4c.activities_of(&openid);
        activities[0].object_id.clone()
    });
    assert_eq!(post("SOCIAL_MEDIA_ACTIVITY", &ours).await, 0, "our own");
    let unknown = "00163EAA11111EE7B8975BD4AB3F00FF";
    assert_eq!(post("SOCIAL_MEDIA_ACTIVITY", unknown).await, 1, "asked for");
    let key = world.c4c.look(|c4c| c4c.ticket(&ticket).unwrap().object_id);
    assert_eq!(
        post("", &key).await,
        3,
        "our ticket under no name: it and its notes"
    );
    let bad = "SELECT count(*) FROM outbox WHERE state = 'dead'";
    assert_eq!(world.count(bad).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_loses_and_repeats_nothing() {
    let mut world = planned(SOCIAL, POLLED).await;
    let (openid, ticket) = world.conversations().await;
    world.sweeps().await;
    world.agent_notes(&ticket, "before").await;
    world.sweeps().await;
    world.stop().await;
    world.agent_leaves_while_nobody_listens(&ticket, "meanwhile");
    world.advance(Duration::from_hours(3));
    world.start().await;
    world.has_no_mashup();
    world.sweeps().await;
    assert_eq!(world.heard(&openid), ["before", "meanwhile", "and by note"]);
    world.stop().await;
    world.start().await;
    world.has_no_mashup();
    world.sweeps().await;
    assert_eq!(world.heard(&openid), ["before", "meanwhile", "and by note"]);
}

impl World {
    fn agent_leaves_while_nobody_listens(&self, ticket: &str, text: &str) {
        let answer = Answer::new(text, "Li Wei");
        self.c4c.with(|c4c, now, _| {
            c4c.answer(ticket, &answer, now).unwrap();
            c4c.note(ticket, REPLY, "and by note", now).unwrap();
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_fails_is_asked_again_for_all_that_was_missed() {
    let world = planned(SOCIAL, POLLED).await;
    let (openid, ticket) = world.conversations().await;
    world.sweeps().await;
    let refused = Fault {
        on: "GET /sap/c4c/odata/v1/c4codataapi/SocialMediaActivityCollection".to_owned(),
        kind: Kind::Code {
            code: 400,
            after_effect: false,
        },
        times: 1_000,
    };
    world.c4c.with(|c4c, _, _| c4c.faults().add(refused));
    world.agent_answers(&ticket, "in the dark").await;
    for _ in 0..8 {
        world.sweeps().await;
    }
    let dead = "SELECT count(*) FROM outbox WHERE state = 'dead'";
    assert_eq!(world.count(dead).await, 0, "no dead letter a minute");
    // One that was just being tried when the next was asked for, and that one.
    let waiting = "SELECT count(*) FROM outbox WHERE effect = 'answers.sweep' AND state <> 'done'";
    assert!((1..=2).contains(&world.count(waiting).await));
    world.c4c.with(|c4c, _, _| c4c.faults().clear(None));
    world.advance(Duration::from_hours(1));
    world.settled().await;
    assert_eq!(world.heard(&openid), ["in the dark"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_can_never_reach_its_follower_is_refused_and_the_ticket_told() {
    let world = planned(SOCIAL, POLLED).await;
    let (openid, ticket) = world.conversations().await;
    world.agent_notes(&ticket, &"长".repeat(200_000)).await;
    world.sweeps().await;
    world.unfollow(&openid);
    world.settled().await;
    world.agent_answers(&ticket, "are you there?").await;
    for _ in 0..2 {
        world.sweeps().await;
    }
    let told = world.tickets(&openid).remove(0).notes;
    let told: Vec<_> = told.iter().filter(|note| note.text.len() < 200).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].text.contains("too long") && told[1].text.contains("left the account"));
    let kept = "SELECT count(*) FROM inbox WHERE kind LIKE 'reply:%' AND state = 'rejected'";
    assert_eq!(world.count(kept).await, 2);
    assert!(world.heard(&openid).is_empty());
}
