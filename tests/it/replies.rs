//! Answers that C4C posts as a form: what it is told of each, and that none overtakes another.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qiao_sim::fault::Kind;
use qiao_sim::wechat::Via;
use serde_json::{Value, json};

use crate::world::{Plan, World};

const SOCIAL: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
"#;

const BUSY: Kind = Kind::Code {
    code: 500,
    after_effect: false,
};

/// A world with a customer, and their OpenID.
async fn customer() -> (World, String) {
    let plan = Plan {
        account: SOCIAL.to_owned(),
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    let openid = world.customer().await;
    (world, openid)
}

/// The same after they said hello, with their ticket's number.
async fn asked() -> (World, String, String) {
    let (world, openid) = customer().await;
    world.say(&openid, "hello");
    world.recorded().await;
    let ticket = world.the_ticket(&openid).id;
    (world, openid, ticket)
}

fn reply(sma_id: &str, ticket: &str, text: &str) -> String {
    json!({
        "original_id": "", "sma_id": sma_id, "service_req_no": ticket, "author_name": "Li",
        "author_email": "", "sma_create_datetime": "2026-11-23T08:00:00Z",
        "private_ind": "FALSE", "text": text,
    })
    .to_string()
}

/// Posts as the mashup does; status and words of the answer.
async fn post(world: &World, content: String) -> (u16, String) {
    let content = utf8_percent_encode(&content, NON_ALPHANUMERIC);
    let form_data = [("content-type", "application/x-www-form-urlencoded")];
    let path = "/c4c/main/replies/0123456789abcdef-key";
    let form = format!("content={content}");
    world.posted(path, &form_data, form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_how_the_send_window_stands() {
    let (world, _, ticket) = asked().await;
    let told = async |sma_id: &str| {
        let (status, told) = post(&world, reply(sma_id, &ticket, "an answer")).await;
        world.settled().await;
        let told: Value = serde_json::from_str(&told).unwrap();
        (status, told)
    };
    let window = |way: &str, left: u32, until: Value| json!({ "state": "queued", "window": { "way": way, "left": left, "until": until } });
    let (status, first) = told("1").await;
    let until = first["window"]["until"].clone();
    assert!(until.is_string(), "{first}");
    assert_eq!((status, first), (200, window("custom", 5, until.clone())));
    assert_eq!(told("2").await, (200, window("custom", 4, until)));
    assert_eq!(told("2").await, (200, json!({ "state": "known" })));
    world.advance(Duration::from_hours(49));
    assert_eq!(told("3").await, (200, window("hold", 0, Value::Null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_does_not_overtake_one_whose_follower_is_still_looked_for() {
    let (world, openid) = customer().await;
    world.say(&openid, "hello");
    // Qiao does not learn of the ticket before another try, two seconds later.
    world.c4c_fails("DocumentReference", BUSY);
    world.recorded().await;
    let ticket = world.the_ticket(&openid).id;
    world.advance(Duration::from_secs(1));
    world.c4c_fails("SocialMediaActivityCollection", BUSY);
    let (status, _) = post(&world, reply("1", &ticket, "first")).await;
    assert_eq!(status, 202);
    world.settled().await;
    world.advance(Duration::from_millis(1_500));
    world.settled().await;
    let known = "SELECT count(*) FROM conversation WHERE ticket_id IS NOT NULL";
    assert_eq!(world.count(known).await, 1, "the ticket is known by now");
    post(&world, reply("2", &ticket, "second")).await;
    world.settled().await;
    let shown = || {
        let seen = world.seen_by(&openid, Via::Custom);
        seen.into_iter().skip(1).collect::<Vec<_>>()
    };
    assert!(shown().is_empty(), "{:?}", shown());
    world.advance(Duration::from_secs(2));
    world.settled().await;
    assert_eq!(shown(), ["first", "second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_answers_are_refused_with_a_reason_and_nothing_is_lost() {
    let (world, openid, ticket) = asked().await;
    let post = |content| post(&world, content);
    let (status, told) = post(reply("1", &ticket, "  ")).await;
    assert_eq!(status, 400, "{told}");
    assert!(told.contains("no text"), "{told}");
    let (status, told) = post(reply("2", &ticket, &"长".repeat(200_000))).await;
    assert_eq!(status, 413, "{told}");
    // Three bytes a character: five pieces of 2,000 bytes hold 3,330 of them.
    let (status, told) = post(reply("2b", &ticket, &"长".repeat(3_331))).await;
    assert_eq!(status, 413, "{told}");
    let (status, told) = post("not json".to_owned()).await;
    assert_eq!(status, 400, "{told}");
    let (status, _) = post(reply("3", "999999", "to nobody")).await;
    assert_eq!(status, 202);
    world.settled().await;
    let unknown = "SELECT last_error FROM v_dead_letter WHERE effect = 'reply.route'";
    assert!(
        world
            .text(unknown)
            .await
            .contains("whom this answer is for")
    );
    world.unfollow(&openid);
    world.settled().await;
    let (status, told) = post(reply("4", &ticket, "hello")).await;
    assert_eq!(status, 409, "{told}");
    let kept = "SELECT count(*) FROM inbox WHERE kind = 'reply' AND state = 'rejected'";
    assert_eq!(world.count(kept).await, 5);
}
