//! Where followers are: kept, thinned, refused, answered with branches, told to C4C.

use std::time::Duration;

use qiao_sim::wechat::{Place, Via};
use serde_json::json;

use crate::world::{Plan, World};

/// Tianfu Square in Chengdu, GCJ-02.
const SQUARE: Place<'static> = Place {
    latitude: 30.654_998,
    longitude: 104.068_348,
    scale: 16,
    label: "天府广场",
};

/// Three branches, in no order; the square is 100 m from the second.
const BRANCHES: &str = r#"
[[wechat.main.rules]]
when = { message = "location" }
then = { action = "branches" }
[[wechat.main.rules]]
when = { click = "branches" }
then = { action = "branches" }
[[app.map.branches]]
name = "机场店"
latitude = 30.57
longitude = 103.95
[[app.map.branches]]
name = "广场店"
address = "人民南路; 1号"
latitude = 30.6559
longitude = 104.068348
[[app.map.branches]]
name = "北站店"
latitude = 30.70
longitude = 104.07
[[app.map.branches]]
name = "上海店"
latitude = 31.2304
longitude = 121.4737
[[app.map.branches]]
name = "北京店"
latitude = 39.9042
longitude = 116.4074
"#;

async fn with(account: &str) -> World {
    World::planned(Plan {
        account: account.to_owned(),
        ..Plan::default()
    })
    .await
}

impl World {
    fn sends_place(&self, openid: &str, place: &Place<'_>) -> u64 {
        self.wechat
            .with(|wechat, now, rng| wechat.send_location(openid, place, now, rng))
    }

    async fn reports_place(&self, openid: &str, latitude: f64, longitude: f64) {
        let place = Place {
            latitude,
            longitude,
            ..SQUARE
        };
        self.wechat
            .with(|wechat, now, rng| wechat.report_location(openid, &place, 30.0, now, rng));
        self.settled().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_message_is_kept_in_both_systems() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.sends_place(&openid, &SQUARE);
    world.settled().await;
    let row = world
        .text(
            "SELECT source || ' ' || given || ' ' || gcj02_latitude || ' ' || gcj02_longitude || ' '
                 || label || ' ' || (wgs84_latitude - 30.65742 BETWEEN -0.00001 AND 0.00001)
                 || (wgs84_longitude - 104.06584 BETWEEN -0.00001 AND 0.00001)
             FROM v_location",
        )
        .await;
    assert_eq!(row, "message gcj02 30.654998 104.068348 天府广场 11");
    let joined = "SELECT count(*) FROM location l JOIN message m ON m.id = l.message_id
        AND m.kind = 'location' AND m.openid = l.openid AND m.inbox_id = l.inbox_id";
    assert_eq!(world.count(joined).await, 1);
    let said = "SELECT count(*) FROM outbox WHERE payload LIKE '%30.65%' OR payload LIKE '%天府%'";
    assert_eq!(world.count(said).await, 0, "no payload says where they are");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_location_events_one_an_hour_is_kept() {
    let world = World::new().await;
    let openid = world.customer().await;
    for minute in 0..=60 {
        // 5 s apart at first, as a session has them.
        world
            .reports_place(&openid, 30.6 + f64::from(minute) / 1_000.0, 104.0)
            .await;
        let step = if minute < 12 { 5 } else { 75 };
        world.advance(Duration::from_secs(step));
    }
    let kept = "SELECT group_concat(gcj02_latitude || '/' || accuracy, ' ') FROM v_location";
    // 12 × 5 s and 48 × 75 s are past the hour by a minute; the one before is not.
    assert_eq!(world.text(kept).await, "30.6/30.0 30.66/30.0");
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE kind LIKE '%ocation%'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn location_events_are_all_kept_or_none_and_read_in_the_system_that_is_configured() {
    let all = with("location_events = \"all\"\nlocation_event_coordinates = \"wgs84\"").await;
    let none = with("location_events = \"off\"").await;
    for world in [&all, &none] {
        let openid = world.customer().await;
        for _ in 0..3 {
            world.reports_place(&openid, 30.657_42, 104.065_84).await;
            world.advance(Duration::from_secs(5));
        }
    }
    assert_eq!(none.count("SELECT count(*) FROM location").await, 0);
    let kept = "SELECT count(*) FROM v_location WHERE given = 'wgs84' AND source = 'event'
        AND wgs84_latitude = 30.65742 AND abs(gcj02_latitude - 30.654998) < 0.00001";
    assert_eq!(all.count(kept).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_place_is_refused_and_the_message_stays() {
    let world = with(BRANCHES).await;
    let openid = world.customer().await;
    for (latitude, longitude, why) in [
        ("NaN", "104.0", "not a decimal number"),
        ("95.0", "200.0", "latitude is not between"),
        ("", "104.0", "not a decimal number"),
        ("1e400", "104.0", "not a decimal number"),
        ("104.06", "30.65", "swapped"),
        ("30.65", "180.5", "longitude is not between"),
    ] {
        let fields = json!({"Location_X": latitude, "Location_Y": longitude, "Scale": "16", "Label": "here"});
        let push = world
            .wechat
            .with(|wechat, now, rng| wechat.push_message(&openid, "location", &fields, now, rng));
        world.answered(push).await;
        world.settled().await;
        let note =
            "SELECT note FROM outbox WHERE effect = 'follower.acted' ORDER BY id DESC LIMIT 1";
        let note = world.text(note).await;
        assert!(note.starts_with("where they are was not kept: "), "{note}");
        assert!(
            note.contains(why) && !note.contains("95"),
            "{latitude}: {note}"
        );
    }
    assert_eq!(world.count("SELECT count(*) FROM location").await, 0);
    assert_eq!(
        world
            .count("SELECT count(*) FROM message WHERE kind = 'location'")
            .await,
        6
    );
    let raw = "SELECT count(*) FROM inbox WHERE kind = 'location' AND body IS NOT NULL AND state = 'accepted'";
    assert_eq!(world.count(raw).await, 6);
    // Nobody knows how far it is, so they are shown in their own order.
    let shown = world.seen_by(&openid, Via::Reply);
    assert_eq!(shown.len(), 6 + 1, "{shown:?}");
    assert!(
        shown[1].contains("我们的门店") && !shown[1].contains(" km"),
        "{shown:?}"
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM outbox WHERE state = 'dead'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_is_answered_with_the_nearest_branches_as_one_article() {
    let world = with(BRANCHES).await;
    let openid = world.customer().await;
    world.sends_place(&openid, &SQUARE);
    world.until_seen(&openid, "广场店").await;
    let shown = world.seen_by(&openid, Via::Reply).pop().unwrap();
    assert!(shown.contains("离您最近：广场店（100 m）"), "{shown}");
    let url = "/oauth/wechat/main/start?to=%2Fapp%2Fmap%2F";
    let answered = "SELECT count(*) FROM message WHERE purpose = 'branches' AND kind = 'news'";
    world.settled().await;
    assert_eq!(world.count(answered).await, 1);
    let xml = world
        .text("SELECT answer FROM inbox WHERE kind = 'location'")
        .await;
    assert!(xml.contains(url), "{xml}");
    let (_, below) = xml.split_once("<Description>").unwrap();
    let (below, _) = below.split_once("</Description>").unwrap();
    for line in ["北站店 · 5.0 km", "机场店 · 15 km", "北京店 · 1518 km"] {
        assert!(below.contains(line), "{line}: {below}");
    }
    assert!(!below.contains("上海店"), "three more at most: {below}");
    assert_eq!(xml.matches("<item>").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_picked_from_the_menu_is_answered_once_and_so_is_a_button() {
    let world = with(BRANCHES).await;
    let openid = world.customer().await;
    let push = world.wechat.with(|wechat, now, rng| {
        wechat.select_location(&openid, "where", &SQUARE, "天府广场", now, rng)
    });
    world.answered(push).await;
    world.until_seen(&openid, "广场店").await;
    world.settled().await;
    assert_eq!(world.count("SELECT count(*) FROM location").await, 1);
    let click = world.click(&openid, "branches");
    world.answered(click).await;
    world.settled().await;
    let shown = world.seen_by(&openid, Via::Reply);
    assert_eq!(shown.len(), 1 + 2, "{shown:?}");
    assert!(shown[2].contains("我们的门店"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reads_the_address_and_opens_the_place_on_a_map() {
    let world = with("[wechat.main.conversation]\ninto_c4c = \"ticket\"").await;
    let openid = world.customer().await;
    world.sends_place(&openid, &SQUARE);
    world.recorded().await;
    let notes = world.the_ticket(&openid).notes;
    let note = notes
        .into_iter()
        .find(|note| note.text.contains("[location]"));
    let note = note.map(|note| note.text);
    let note = note.expect("a note of the location");
    assert!(note.contains("天府广场"), "{note}");
    let link =
        "https://apis.map.qq.com/uri/v1/marker?referer=qiao&marker=coord%3A30.654998%2C104.068348";
    assert!(note.contains(link), "{note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn locations_are_kept_for_ninety_days() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.reports_place(&openid, 30.6, 104.0).await;
    world.advance(Duration::from_hours(89 * 24));
    world.reports_place(&openid, 30.7, 104.0).await;
    world.run_job("retention").await;
    assert_eq!(world.count("SELECT count(*) FROM location").await, 2);
    world.advance(Duration::from_hours(2 * 24));
    let told = world.run_job("retention").await;
    assert!(told.contains("1 locations"), "{told}");
}
