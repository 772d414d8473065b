//! The live conversation, both ways: what followers say reaches C4C, what agents answer reaches them.

use std::time::Duration;

use qiao_sim::c4c::{Answer, TicketView};
use qiao_sim::fault::{Fault, Kind};
use qiao_sim::wechat::{Place, Via, Voice, WeChat};

use crate::world::{Plan, World};

const SOCIAL: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
end_words = ["bye"]
delivery_notes = "10007"
"#;

const TICKET: &str = r#"
[wechat.main.conversation]
into_c4c = "ticket"
"#;

const BUSY: Kind = Kind::Status {
    status: 503,
    html: false,
    retry_after: None,
};

async fn planned(conversation: &str) -> World {
    let plan = Plan {
        account: conversation.to_owned(),
        ..Plan::default()
    };
    World::planned(plan).await
}

impl World {
    /// What stands in C4C of what a follower said, in its order.
    pub fn activities(&self, openid: &str) -> Vec<String> {
        let activities = self.c4c.look(|c4c| c4c.activities_of(openid));
        let inbound = activities.into_iter().filter(|activity| activity.inbound);
        inbound.map(|activity| activity.text).collect()
    }

    pub fn tickets(&self, openid: &str) -> Vec<TicketView> {
        self.c4c.look(|c4c| c4c.tickets_of(openid))
    }

    pub fn the_ticket(&self, openid: &str) -> TicketView {
        let mut tickets = self.tickets(openid);
        assert_eq!(tickets.len(), 1, "one conversation, one ticket");
        tickets.remove(0)
    }

    /// Everybody is heard: messages wait a moment for those that were said before them.
    pub async fn recorded(&self) {
        self.settled().await;
        self.advance(Duration::from_secs(1));
        self.settled().await;
    }

    /// An agent answers in C4C, and the answer goes its way.
    pub async fn agent_answers(&self, ticket: &str, text: &str) -> String {
        let answer = Answer::new(text, "Li Wei");
        let sma_id = self
            .c4c
            .with(|c4c, now, _| c4c.answer(ticket, &answer, now))
            .expect("a ticket of a channel");
        self.settled().await;
        sma_id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_becomes_an_activity_with_a_ticket_and_the_answer_reaches_the_follower() {
    let world = planned(SOCIAL).await;
    let openid = world.customer().await;
    for text in ["在吗", "我的订单号 4711 & more", "还在吗"] {
        world.say(&openid, text);
        world.recorded().await;
    }
    assert_eq!(
        world.activities(&openid),
        ["在吗", "我的订单号 4711 & more", "还在吗"]
    );
    let ticket = world.the_ticket(&openid);
    let known = world.text("SELECT ticket_id FROM conversation").await;
    assert_eq!(known, ticket.id);
    world
        .agent_answers(&ticket.id, "您的订单 100% 已发货 + \"顺丰\"\n😀")
        .await;
    let seen = world.seen_by(&openid, Via::Custom);
    assert_eq!(seen.last().unwrap(), "您的订单 100% 已发货 + \"顺丰\"\n😀");
    let told = world.the_ticket(&openid).notes;
    assert!(told[0].text.contains("was delivered"), "{told:?}");
    let row =
        "SELECT direction || ' ' || purpose || ' ' || state FROM message ORDER BY id DESC LIMIT 1";
    assert_eq!(world.text(row).await, "out reply sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_again_is_seen_once() {
    let world = planned(SOCIAL).await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.recorded().await;
    world
        .c4c
        .with(|c4c, _, _| c4c.replies().settings.duplicates = 2);
    let ticket = world.the_ticket(&openid).id;
    world.agent_answers(&ticket, "only once").await;
    let seen = world.seen_by(&openid, Via::Custom);
    assert_eq!(seen.iter().filter(|text| *text == "only once").count(), 1);
    let statuses = world.c4c.with(|c4c, _, _| {
        let attempts = c4c.replies().attempts();
        attempts.map(|attempt| attempt.status).collect::<Vec<_>>()
    });
    assert_eq!(statuses, [Some(200); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_before_there_is_a_customer_waits_for_them_and_keeps_its_order() {
    let world = planned(SOCIAL).await;
    let openid = world.somebody();
    let down = Fault {
        on: "IndividualCustomerCollection".to_owned(),
        kind: BUSY,
        times: 1,
    };
    world.c4c.with(|c4c, _, _| c4c.faults().add(down));
    world.follow(&openid);
    for text in ["one", "two", "three"] {
        world.say(&openid, text);
    }
    world.recorded().await;
    assert_eq!(world.activities(&openid), [""; 0]);
    world.advance(Duration::from_mins(5));
    world.until_seen(&openid, "1000").await;
    world.recorded().await;
    assert_eq!(world.activities(&openid), ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_recording_was_lost_on_the_way_back_stands_there_once() {
    let world = planned(SOCIAL).await;
    let openid = world.customer().await;
    world.say(&openid, "first");
    world.recorded().await;
    let lost = Fault {
        on: "SocialMediaActivityCollection".to_owned(),
        kind: Kind::Drop { after_effect: true },
        times: 1,
    };
    world.c4c.with(|c4c, _, _| c4c.faults().add(lost));
    world.say(&openid, "second");
    world.recorded().await;
    world.advance(Duration::from_mins(1));
    world.settled().await;
    assert_eq!(world.activities(&openid), ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tickets_each_message_is_a_note_of_one_ticket() {
    let world = planned(TICKET).await;
    let openid = world.customer().await;
    for text in ["你好", "second"] {
        world.say(&openid, text);
        world.recorded().await;
    }
    let tickets = world.c4c.look(|c4c| c4c.tickets().collect::<Vec<_>>());
    assert_eq!(tickets.len(), 1);
    let notes: Vec<_> = tickets[0].notes.iter().map(|note| &note.text).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].ends_with("\n你好") && notes[1].ends_with("\nsecond"));
    let lost = Fault {
        on: "ServiceRequestTextCollection".to_owned(),
        kind: Kind::Drop { after_effect: true },
        times: 1,
    };
    world.c4c.with(|c4c, _, _| c4c.faults().add(lost));
    world.say(&openid, "third");
    world.recorded().await;
    world.advance(Duration::from_mins(1));
    world.settled().await;
    let tickets = world.c4c.look(|c4c| c4c.tickets().collect::<Vec<_>>());
    assert_eq!(tickets[0].notes.len(), 3, "{:?}", tickets[0].notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_message_reads_faithfully_and_its_medium_is_attached_byte_for_byte() {
    let world = planned(SOCIAL).await;
    let openid = world.customer().await;
    let picture = b"\xff\xd8\xff\xe0 a picture".to_vec();
    let voice = b"#!AMR\n a voice".to_vec();
    let place = Place {
        latitude: 30.67,
        longitude: 104.06,
        scale: 16,
        label: "成都",
    };
    let spoken = Voice {
        bytes: &voice,
        format: "amr",
        recognition: Some("请问几点开门"),
        wideband: None,
    };
    for kind in ["image", "voice", "location", "link"] {
        world.wechat.with(|wechat, now, rng| match kind {
            "image" => wechat.send_image(&openid, &picture, now, rng),
            "voice" => wechat.send_voice(&openid, &spoken, now, rng),
            "location" => wechat.send_location(&openid, &place, now, rng),
            _ => wechat.send_link(&openid, "说明书", "", "https://example.cn/m", now, rng),
        });
        world.recorded().await;
    }
    let activities = world.c4c.look(|c4c| c4c.activities_of(&openid));
    let texts: Vec<_> = activities.iter().map(|a| a.text.as_str()).collect();
    assert!(texts[1].contains("请问几点开门"), "{texts:?}");
    assert!(
        texts[2].contains("30.67") && texts[2].contains("成都"),
        "{texts:?}"
    );
    assert!(
        texts[3].contains("说明书") && texts[3].contains("https://example.cn/m"),
        "{texts:?}"
    );
    let bytes = |index: usize| activities[index].files[0].bytes.to_vec();
    assert_eq!((bytes(0), bytes(1)), (picture, voice));
    let stored = "SELECT count(*) FROM media WHERE state = 'stored'";
    assert_eq!(world.count(stored).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_medium_that_wechat_has_forgotten_is_told_to_be_missing() {
    let world = planned(SOCIAL).await;
    let openid = world.customer().await;
    let busy = Fault {
        on: "media/get".to_owned(),
        kind: BUSY,
        times: 1_000,
    };
    world.wechat.with(|wechat, _, _| wechat.faults.add(busy));
    world
        .wechat
        .with(|wechat, now, rng| wechat.send_image(&openid, b"\xff\xd8\xff", now, rng));
    world.settled().await;
    world.advance(Duration::from_hours(73));
    world.wechat.with(|wechat, _, _| wechat.faults.clear(None));
    world.settled().await;
    world.advance(Duration::from_mins(10));
    world.settled().await;
    assert_eq!(world.text("SELECT state FROM media").await, "missing");
    let activities = world.c4c.look(|c4c| c4c.activities_of(&openid));
    assert!(activities[0].files[0].name.contains("media_missing"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outside_the_window_waits_and_goes_first_when_the_follower_writes() {
    let world = planned(SOCIAL).await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.recorded().await;
    let ticket = world.the_ticket(&openid).id;
    world.advance(Duration::from_hours(49));
    world.agent_answers(&ticket, "first").await;
    world.agent_answers(&ticket, "second").await;
    let held = "SELECT count(*) FROM v_outbox WHERE state = 'held' AND held_reason = 'window'";
    assert_eq!(world.count(held).await, 2);
    let told = world.tickets(&openid)[0].notes.last().unwrap().text.clone();
    assert!(told.contains("waits"), "{told}");
    world.say(&openid, "anybody there?");
    world.recorded().await;
    let seen = world.seen_by(&openid, Via::Custom);
    assert_eq!(seen[seen.len() - 2..], ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_goes_whole_or_waits_whole() {
    let world = planned(SOCIAL).await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.recorded().await;
    let ticket = world.the_ticket(&openid).id;
    for number in 0..3 {
        world
            .agent_answers(&ticket, &format!("short {number}"))
            .await;
    }
    let long = "长".repeat(1_500);
    world.agent_answers(&ticket, &long).await;
    world.agent_answers(&ticket, "after it").await;
    let seen = world.seen_by(&openid, Via::Custom);
    assert_eq!(
        seen.last().unwrap(),
        "short 2",
        "three pieces, two are left"
    );
    world.advance(Duration::from_secs(1));
    world.say(&openid, "go on");
    world.recorded().await;
    let seen = world.seen_by(&openid, Via::Custom);
    let (after, pieces) = seen.split_last().unwrap();
    assert_eq!(after, "after it");
    assert_eq!(pieces[pieces.len() - 3..].concat(), long);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_end_by_silence_by_a_word_and_with_the_follower() {
    let mut world = planned(SOCIAL).await;
    let openid = world.customer().await;
    world.say(&openid, "one");
    world.recorded().await;
    world.stop().await;
    world.advance(Duration::from_mins(31));
    world.start().await;
    world.daemon().parts.timetable.run("idle").await.unwrap();
    // Nobody has anything to bring again.
    world.advance(Duration::from_secs(6));
    world.say(&openid, "two");
    world.recorded().await;
    world.say(&openid, "bye");
    world.recorded().await;
    world.say(&openid, "three");
    world.recorded().await;
    world.unfollow(&openid);
    world.settled().await;
    let ends = "SELECT group_concat(end_reason || coalesce(previous_id, '-')) FROM conversation";
    assert_eq!(world.text(ends).await, "idle-,keyword1,unfollow2");
    assert_eq!(world.tickets(&openid).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_what_nobody_took_still_stands_before_what_was_said_later() {
    let mut world = planned(SOCIAL).await;
    let openid = world.customer().await;
    let once = |wechat: &mut WeChat| wechat.settings.attempts = 1;
    world.wechat.with(|wechat, _, _| once(wechat));
    world.stop().await;
    world.say(&openid, "first");
    let refused = |wechat: &WeChat| wechat.pushes().last().map(|push| push.id);
    let quiet = |wechat: &WeChat| wechat.is_quiet().then(|| refused(wechat)).flatten();
    let first = world.wechat.until(quiet).await;
    world.start().await;
    world.say(&openid, "second");
    world.recorded().await;
    world.advance(Duration::from_secs(4));
    // As WeChat does it: five seconds after it found nobody there.
    let again = |wechat: &mut WeChat, now| assert!(wechat.repeat_push(first, now));
    world.wechat.with(|wechat, now, _| again(wechat, now));
    world.recorded().await;
    world.recorded().await;
    assert_eq!(world.activities(&openid), ["first", "second"]);
}
