//! Every message in and out is a row with its delivery state; events are not messages.

use qiao_sim::wechat::Via;
use serde_json::json;

use crate::raw::text_push;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_reads_as_it_was_led() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, "is it ready?");
    world.settled().await;
    world.send(&openid, "yes, it is").await;
    world.settled().await;
    let lines = "SELECT direction || ' ' || coalesce(purpose, '-') || ' ' || state
                 FROM v_conversation ORDER BY id";
    assert_eq!(
        world.texts(lines).await,
        [
            "out welcome answered",
            "out customer_created sent",
            "in - received",
            "out operator sent"
        ]
    );
    let customer_id = "SELECT DISTINCT customer_id FROM v_conversation";
    assert_eq!(
        world.text(customer_id).await,
        world.text("SELECT customer_id FROM mapping").await
    );
    assert_eq!(
        world.seen(&openid).last().unwrap(),
        &(Via::Custom, "yes, it is".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_every_kind_is_kept_and_an_event_is_none() {
    let world = World::new().await;
    let openid = world.customer().await;
    let kinds = [
        ("text", json!({"Content": "text"})),
        (
            "image",
            json!({"PicUrl": "http://mmbiz.qpic.cn/1", "MediaId": "m1"}),
        ),
        (
            "voice",
            json!({"MediaId": "m2", "Format": "amr", "Recognition": "spoken words"}),
        ),
        ("video", json!({"MediaId": "m3", "ThumbMediaId": "t3"})),
        ("shortvideo", json!({"MediaId": "m4", "ThumbMediaId": "t4"})),
        (
            "location",
            json!({"Location_X": 23.1, "Location_Y": 113.3, "Scale": 20, "Label": "Guangzhou"}),
        ),
        (
            "link",
            json!({"Title": "title", "Description": "words", "Url": "https://example.cn/"}),
        ),
        ("hologram", json!({"Depth": 3})),
    ];
    for (kind, fields) in &kinds {
        world
            .wechat
            .with(|wechat, now, rng| wechat.push_message(&openid, kind, fields, now, rng));
    }
    world.click(&openid, "some_button");
    world.settled().await;
    let mut kept = world
        .texts("SELECT kind FROM message WHERE direction = 'in'")
        .await;
    kept.sort();
    let mut sent: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
    sent.sort_unstable();
    assert_eq!(kept, sent);
    assert_eq!(
        world
            .text("SELECT text FROM message WHERE kind = 'voice'")
            .await,
        "[voice] spoken words"
    );
    let unacknowledged = world
        .wechat
        .look(|wechat| wechat.pushes().filter(|p| p.banner).count());
    assert_eq!(
        unacknowledged, 0,
        "the follower never saw that something was out of order"
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE msg_id IS NOT NULL")
            .await,
        8,
        "each with WeChat's MsgId"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_follower_wrote_is_kept_to_the_letter() {
    let world = World::new().await;
    let openid = world.customer().await;
    for text in [
        "]]> &amp; <b>",
        "'; DROP TABLE message; --",
        "你好 🐉\nsecond line",
        "{\"json\":true}",
    ] {
        world.say(&openid, text);
        world.settled().await;
        let last = "SELECT text FROM message WHERE direction = 'in' ORDER BY id DESC LIMIT 1";
        assert_eq!(world.text(last).await, text);
        assert!(world.count("SELECT count(*) FROM message").await > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_nobody_knows_is_acknowledged_and_kept_raw() {
    let world = World::new().await;
    let xml = text_push("oAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1, "").replace("[text]", "[event]");
    let xml = xml.replace(
        "<MsgId>1</MsgId>",
        "<Event><![CDATA[brand_new]]></Event><New>1</New>",
    );
    assert_eq!(world.post_sealed(&xml).await, (200, "success".to_owned()));
    world.settled().await;
    assert_eq!(world.text("SELECT body FROM inbox").await, xml);
    assert_eq!(
        world.customers(),
        0,
        "its sender may be the platform itself"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stray_control_character_costs_no_message() {
    let world = World::new().await;
    let xml = text_push("oAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1, "before\u{8}after");
    assert_eq!(world.post_sealed(&xml).await, (200, "success".to_owned()));
    let text = world.text("SELECT text FROM message").await;
    assert!(
        text.starts_with("before") && text.ends_with("after"),
        "{text:?}"
    );
}
