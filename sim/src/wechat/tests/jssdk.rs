//! Tickets, the script, and what the app answers to pages.

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::World;
use crate::wechat::Settings;
use crate::wechat::crypto::hex_sha1;

const PAGE: &str = "https://bridge.example.cn/app/map/?a=1&b=2";

impl World {
    fn ticket(&mut self) -> Value {
        let token = self.token();
        self.get(&format!(
            "/cgi-bin/ticket/getticket?access_token={token}&type=jsapi"
        ))
    }

    /// What the app says to a page that was signed with `ticket` for `signed` and calls itself `url`.
    fn config(&mut self, app_id: &str, ticket: &str, signed: &str, url: &str) -> Value {
        let text =
            format!("jsapi_ticket={ticket}&noncestr=n0nce&timestamp=1795000000&url={signed}");
        let signature = hex_sha1(text.as_bytes());
        let query = Serializer::new(String::new())
            .append_pair("appId", app_id)
            .append_pair("timestamp", "1795000000")
            .append_pair("nonceStr", "n0nce")
            .append_pair("signature", &signature)
            .append_pair("url", url)
            .finish();
        self.get(&format!("/_control/jssdk?{query}"))
    }
}

#[test]
fn a_ticket_is_the_same_while_it_lives_and_needs_a_good_token() {
    let mut world = World::new();
    let first = world.ticket();
    assert_eq!(
        (&first["errcode"], &first["expires_in"]),
        (&json!(0), &json!(7200))
    );
    world.advance(7_199);
    let again = world.ticket();
    assert_eq!(
        (&again["ticket"], &again["expires_in"]),
        (&first["ticket"], &json!(1))
    );
    world.advance(1);
    assert_ne!(world.ticket()["ticket"], first["ticket"]);

    let bad = world.get("/cgi-bin/ticket/getticket?type=jsapi");
    assert_eq!(bad["errcode"], 41001);
    let token = world.token();
    world.wx.revoke_tokens(world.now);
    let bad = world.get(&format!(
        "/cgi-bin/ticket/getticket?access_token={token}&type=jsapi"
    ));
    assert_eq!(bad["errcode"], 40001);
    let token = world.token();
    let bad = world.get(&format!(
        "/cgi-bin/ticket/getticket?access_token={token}&type=x"
    ));
    assert_eq!(bad["errcode"], 40097);
}

#[test]
fn the_app_takes_only_what_a_living_ticket_of_the_account_signed_for_that_very_page() {
    let mut world = World::with(Settings {
        jssdk_domains: vec!["bridge.example.cn".to_owned()],
        ..Settings::default()
    });
    let app_id = world.wx.settings.app_id.clone();
    let ticket = world.ticket()["ticket"].as_str().unwrap().to_owned();
    let good = world.config(&app_id, &ticket, PAGE, PAGE);
    assert_eq!(good["errMsg"], "config:ok");
    assert_eq!(good["position"]["gcj02"]["latitude"], 30.654_998);
    let fragment = format!("{PAGE}#x");
    for (app_id, ticket, signed, url, told) in [
        (
            "wxffffffffffffffff",
            &*ticket,
            PAGE,
            PAGE,
            "config:invalid appid",
        ),
        (&app_id, "x", PAGE, PAGE, "config:invalid signature"),
        (
            &app_id,
            &ticket,
            PAGE,
            "https://bridge.example.cn/app/map/",
            "config:invalid signature",
        ),
        (
            &app_id,
            &ticket,
            &fragment,
            &fragment,
            "config:invalid signature",
        ),
        (
            &app_id,
            &ticket,
            "https://evil.example/",
            "https://evil.example/",
            "config:invalid url domain",
        ),
    ] {
        let told_now = world.config(app_id, ticket, signed, url);
        assert_eq!(told_now["errMsg"], told);
        assert_eq!(told_now["position"], Value::Null);
    }
    world.wx.settings.app_id = "wx00000000000000ff".to_owned();
    let other = world.config("wx00000000000000ff", &ticket, PAGE, PAGE);
    assert_eq!(
        other["errMsg"], "config:invalid signature",
        "a ticket of another account"
    );
    world.wx.settings.app_id.clone_from(&app_id);
    world.advance(7_200);
    let late = world.config(&app_id, &ticket, PAGE, PAGE);
    assert_eq!(late["errMsg"], "config:invalid signature");
}

#[test]
fn the_stand_in_is_served_where_wechat_has_its_script() {
    let mut world = World::new();
    let script = world.request("GET", "/open/js/jweixin-1.6.0.js", &Value::Null);
    assert_eq!(script.status, 200);
    assert!(
        script
            .header("content-type")
            .unwrap()
            .contains("javascript")
    );
    assert!(
        String::from_utf8(script.body)
            .unwrap()
            .contains("openLocation")
    );
}

#[test]
fn an_opened_place_is_remembered() {
    let mut world = World::new();
    let place = json!({"latitude": 30.6, "longitude": 104.0, "name": "East"});
    world.post("/_control/open_location", &place);
    let opened = world.get("/_control/opened");
    assert_eq!(opened[0]["name"], "East");
    assert_eq!(world.wx.opened_locations()[0].scale, 28);
}

#[test]
fn a_picked_place_comes_as_an_event_and_then_as_a_message() {
    let mut world = World::new();
    let openid = world.follower();
    let act = json!({
        "openid": openid, "key": "where", "latitude": 30.6, "longitude": 104.0, "scale": 16,
        "label": "Chengdu", "poiname": "Tianfu Square",
    });
    world.post("/_control/select_location", &act);
    let bodies: Vec<String> = world
        .due()
        .into_iter()
        .map(|push| String::from_utf8(push.body).unwrap())
        .collect();
    assert!(bodies[0].contains("location_select") && bodies[0].contains("Tianfu Square"));
    assert!(
        bodies[1].contains("<Location_X>30.6</Location_X>"),
        "{}",
        bodies[1]
    );
}
