//! QR codes: what qrcode/create takes, and what a scan brings about.

use serde_json::{Value, json};

use super::World;
use crate::wechat::Settings;

const CREATE: &str = "/cgi-bin/qrcode/create";

fn text(action: &str, scene: &str) -> Value {
    json!({"action_name": action, "action_info": {"scene": {"scene_str": scene}}})
}

fn number(action: &str, scene: i64) -> Value {
    json!({"action_name": action, "action_info": {"scene": {"scene_id": scene}}})
}

#[test]
fn what_is_outside_of_the_limits_is_refused() {
    let mut world = World::new();
    let long = "s".repeat(65);
    let mut too_long_lived = text("QR_STR_SCENE", "s");
    too_long_lived["expire_seconds"] = json!(2_592_001);
    for (body, code) in [
        (text("QR_STR", "s"), 40052),
        (text("QR_SCENE", "s"), 40053),
        (number("QR_STR_SCENE", 1), 40053),
        (text("QR_STR_SCENE", ""), 40169),
        (text("QR_LIMIT_STR_SCENE", &long), 40169),
        (number("QR_SCENE", 0), 40053),
        (number("QR_SCENE", 2_147_483_648), 40053),
        (number("QR_LIMIT_SCENE", 100_001), 40053),
        (too_long_lived, 40097),
        (number("QR_SCENE", 2_147_483_647), 0),
        (number("QR_LIMIT_SCENE", 100_000), 0),
        (text("QR_LIMIT_STR_SCENE", &long[..64]), 0),
    ] {
        assert_eq!(world.call(CREATE, &body).0, code, "{body}");
    }
    assert_eq!(world.wx.qr_codes().len(), 3);
}

#[test]
fn only_a_temporary_code_tells_how_long_it_lives() {
    let mut world = World::new();
    let (_, temporary) = world.call(CREATE, &text("QR_STR_SCENE", "s"));
    assert_eq!(temporary["expire_seconds"], 60, "where nothing is said");
    let (_, permanent) = world.call(CREATE, &text("QR_LIMIT_STR_SCENE", "s"));
    assert_eq!(permanent["expire_seconds"], Value::Null);
}

#[test]
fn an_account_has_so_many_permanent_codes() {
    let mut world = World::with(Settings {
        permanent_qr_codes: 1,
        ..Settings::default()
    });
    assert_eq!(world.call(CREATE, &number("QR_LIMIT_SCENE", 1)).0, 0);
    assert_eq!(world.call(CREATE, &number("QR_LIMIT_SCENE", 2)).0, 45029);
    assert_eq!(world.call(CREATE, &number("QR_SCENE", 2)).0, 0);
}

#[test]
fn a_scan_makes_a_follower_or_is_pushed_until_the_code_expires() {
    let mut world = World::new();
    let (_, made) = world.call(CREATE, &text("QR_STR_SCENE", "fair"));
    let ticket = made["ticket"].as_str().unwrap().to_owned();
    let somebody = world.wx.new_follower(&mut world.rng);
    for (event, key) in [("subscribe", "qrscene_fair"), ("SCAN", "fair")] {
        let scan = world
            .wx
            .scan_code(&somebody, &ticket, world.now, &mut world.rng);
        let push = scan.unwrap();
        assert_eq!(world.pushed(push, "Event"), event);
        assert_eq!(world.pushed(push, "EventKey"), key);
        assert_eq!(world.pushed(push, "Ticket"), ticket);
    }
    world.advance(60);
    for named in [ticket.as_str(), "gQnever"] {
        let scan = world
            .wx
            .scan_code(&somebody, named, world.now, &mut world.rng);
        assert_eq!(scan, None);
    }
    assert_eq!(world.wx.pushes().count(), 2);
}

#[test]
fn a_ticket_has_a_picture_and_an_unknown_one_a_page() {
    let mut world = World::new();
    let (_, made) = world.call(CREATE, &text("QR_STR_SCENE", "fair"));
    let ticket = made["ticket"].as_str().unwrap();
    let shown = format!("/cgi-bin/showqrcode?ticket={ticket}");
    let picture = world.request("GET", &shown, &Value::Null);
    assert!(picture.body.starts_with(b"\x89PNG"));
    let none = world.request("GET", "/cgi-bin/showqrcode?ticket=x", &Value::Null);
    assert_eq!(none.status, 404);
}
