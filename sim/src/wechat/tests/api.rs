//! The API, call by call.

use super::*;
use crate::wechat::Via;

#[test]
fn a_follower_reads_what_is_sent_within_the_window() {
    let mut world = World::new();
    let openid = world.follower();
    assert_eq!(world.send_text(&openid, "你的客户号 <1000>"), 0);
    let seen = &world.wx.seen(&openid)[0];
    assert_eq!(
        (seen.via, seen.text.as_str()),
        (Via::Custom, "你的客户号 <1000>")
    );
}

#[test]
fn the_window_of_a_follow_closes_after_three_messages_or_a_minute() {
    let mut world = World::new();
    let (chatty, late) = (world.follower(), world.follower());
    for _ in 0..3 {
        assert_eq!(world.send_text(&chatty, "hi"), 0);
    }
    assert_eq!(world.send_text(&chatty, "hi"), 45047);
    world.advance(60);
    assert_eq!(world.send_text(&late, "hi"), 45015);
}

#[test]
fn each_act_opens_its_window_and_a_visit_opens_none() {
    for (event, code) in [
        ("CLICK", 0),
        ("SCAN", 0),
        ("scancode_push", 0),
        ("scancode_waitmsg", 0),
        ("VIEW", 45015),
        ("LOCATION", 45015),
    ] {
        let mut world = World::new();
        let openid = world.follower();
        world.advance(61);
        let fields = json!({"EventKey": "k"});
        let (now, rng) = (world.now, &mut world.rng);
        world.wx.push_event(&openid, event, &fields, now, rng);
        assert_eq!(world.send_text(&openid, "hi"), code, "{event}");
    }
}

#[test]
fn a_tap_on_a_msgmenu_item_is_worth_a_minute_only() {
    let mut world = World::new();
    let openid = world.follower();
    world.advance(61);
    let fields = json!({"Content": "yes", "bizmsgmenuid": "101"});
    let (now, rng) = (world.now, &mut world.rng);
    world.wx.push_message(&openid, "text", &fields, now, rng);
    assert_eq!(world.send_text(&openid, "hi"), 0);
    world.advance(60);
    assert_eq!(world.send_text(&openid, "hi"), 45015);
}

#[test]
fn who_left_blocks_or_is_blacklisted_gets_nothing() {
    let mut world = World::new();
    let openid = world.follower();
    world.wx.person_mut(&openid).unwrap().blocks = true;
    assert_eq!(world.send_text(&openid, "hi"), 48002);
    world.wx.person_mut(&openid).unwrap().blacklisted = true;
    assert_eq!(world.send_text(&openid, "hi"), 43019);
    let openid = world.follower();
    world.wx.unfollow(&openid, world.now, &mut world.rng);
    assert_eq!(world.send_text(&openid, "hi"), 45015);
    assert_eq!(world.send_text("o6_bmUnknown", "hi"), 40003);
    world.wx.settings.may_send = false;
    assert_eq!(world.send_text(&openid, "hi"), 48001);
}

#[test]
fn wrong_messages_are_refused_with_their_codes() {
    let mut world = World::new();
    let openid = world.follower();
    let article = json!({"title": "T", "url": "U"});
    for (kind, object, code) in [
        ("text", json!({"content": ""}), 44004),
        ("text", json!({"content": "x".repeat(2049)}), 45002),
        ("image", json!({"media_id": ""}), 40007),
        ("news", json!({"articles": [article, article]}), 45008),
        ("link", json!({"title": "T"}), 48008),
        ("file", json!({"media_id": "m"}), 40008),
        ("text", json!({"content": "x".repeat(2048)}), 0),
        ("news", json!({"articles": [article]}), 0),
    ] {
        let body = json!({"touser": openid, "msgtype": kind, kind: object});
        assert_eq!(world.call(CUSTOM_SEND, &body).0, code, "{body}");
    }
}

#[test]
fn a_malformed_call_says_what_is_wrong_and_carries_a_rid() {
    let mut world = World::new();
    let token = world.token();
    let target = format!("{CUSTOM_SEND}?access_token={token}");
    for (method, target, body, code) in [
        ("GET", target.as_str(), "", 43002),
        ("POST", "/cgi-bin/user/info", "", 43001),
        ("POST", CUSTOM_SEND, "{}", 41001),
        ("POST", &target, "", 44002),
        ("POST", &target, "{", 47001),
        ("POST", &target, "[]", 47001),
        ("POST", &target, r#"{"touser":"\u4f60"}"#, 40033),
    ] {
        let response = world.request(method, target, &json!(body));
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(answer["errcode"], code, "{method} {target} {body}");
        let message = answer["errmsg"].as_str().unwrap();
        let (_, rid) = message.split_once(" rid: ").unwrap();
        let parts: Vec<_> = rid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 8, 8], "{message}");
    }
    assert_eq!(world.request("GET", "/cgi-bin/no", &json!("")).status, 404);
}

#[test]
fn tokens_are_for_those_who_know_the_secret_and_call_from_a_listed_address() {
    let mut world = World::new();
    for (key, value, code) in [
        ("grant_type", "password", 40002),
        ("appid", "", 41002),
        ("appid", "wxffffffffffffffff", 40013),
        ("secret", "", 41004),
        ("secret", "wrong", 40125),
    ] {
        let mut body = credentials();
        body[key] = json!(value);
        let answer = world.post("/cgi-bin/stable_token", &body);
        assert_eq!(answer["errcode"], code, "{key}");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(
                body.as_object()
                    .unwrap()
                    .iter()
                    .map(|(k, v)| (k, v.as_str().unwrap())),
            )
            .finish();
        let answer = world.get(&format!("/cgi-bin/token?{query}"));
        assert_eq!(answer["errcode"], code, "{key}");
    }
    world.wx.settings.ip_allow_list = vec!["10.0.0.1".to_owned()];
    let answer = world.post("/cgi-bin/stable_token", &credentials());
    assert_eq!(answer["errcode"], 40164);
    let message = answer["errmsg"].as_str().unwrap();
    assert!(message.starts_with("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist"));
}

#[test]
fn a_forced_refresh_kills_the_token_of_everyone_else() {
    let mut world = World::new();
    let old = world.token();
    let mut body = credentials();
    body["force_refresh"] = json!(true);
    let forced = world.post("/cgi-bin/stable_token", &body);
    assert_eq!(forced["expires_in"], 7200);
    let answer = world.get(&format!("/cgi-bin/user/get?access_token={old}"));
    assert_eq!(answer["errcode"], 40001);
    assert_eq!(world.token(), forced["access_token"].as_str().unwrap());
    body["force_refresh"] = json!("true");
    assert_eq!(world.post("/cgi-bin/stable_token", &body)["errcode"], 47001);
}

#[test]
fn who_has_burnt_the_token_quota_can_clear_it_with_the_secret() {
    let mut world = World::new();
    let limits = &mut world.wx.settings.daily_limits;
    limits.insert("/cgi-bin/stable_token".to_owned(), 1);
    world.token();
    let refused = world.post("/cgi-bin/stable_token", &credentials());
    assert_eq!(refused["errcode"], 45009);
    let mut body = json!({"appid": "wx0123456789abcdef", "appsecret": "wrong"});
    let clear = "/cgi-bin/clear_quota/v2";
    assert_eq!(world.post(clear, &body)["errcode"], 40125);
    body["appsecret"] = json!("simsecret");
    assert_eq!(world.post(clear, &body)["errcode"], 0);
    world.token();
}

#[test]
fn the_daily_quota_ends_at_midnight_in_beijing_or_by_clearing() {
    let mut world = World::new();
    let limits = &mut world.wx.settings.daily_limits;
    limits.insert("/cgi-bin/user/get".to_owned(), 1);
    assert_eq!(world.call("/cgi-bin/user/get", &Value::Null).0, 0);
    assert_eq!(world.call("/cgi-bin/user/get", &Value::Null).0, 45009);
    let body = json!({"appid": "wx0123456789abcdef"});
    assert_eq!(world.call("/cgi-bin/clear_quota", &body).0, 0);
    assert_eq!(world.call("/cgi-bin/user/get", &Value::Null).0, 0);
    world.advance(6 * 3600);
    assert_eq!(world.call("/cgi-bin/user/get", &Value::Null).0, 0);
}

#[test]
fn user_info_tells_little_about_who_left() {
    let mut world = World::new();
    world.wx.settings.unionids = true;
    let openid = world.wx.new_follower(&mut world.rng);
    let (now, rng) = (world.now, &mut world.rng);
    world.wx.follow(&openid, Some("123"), now, rng);
    let target = format!("/cgi-bin/user/info?openid={openid}&lang=zh_CN");
    let (_, here) = world.call(&target, &Value::Null);
    assert_eq!(here["subscribe"], 1);
    assert_eq!(
        (&here["qr_scene"], &here["qr_scene_str"]),
        (&json!(123), &json!(""))
    );
    assert_eq!(here["nickname"], "");
    assert!(here["unionid"].is_string() && here.get("errcode").is_none());
    world.wx.unfollow(&openid, world.now, &mut world.rng);
    let (_, gone) = world.call(&target, &Value::Null);
    let keys: Vec<_> = gone.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["openid", "subscribe", "unionid"]);
    let batch = json!({"user_list": [{"openid": openid, "lang": "zh_CN"}]});
    let (_, batch) = world.call("/cgi-bin/user/info/batchget", &batch);
    assert_eq!(batch["user_info_list"][0], gone);
    let many = json!({"user_list": vec![json!({"openid": openid}); 101]});
    assert_eq!(world.call("/cgi-bin/user/info/batchget", &many).0, 40032);
    let unknown = "/cgi-bin/user/info?openid=o6_bmUnknown";
    assert_eq!(world.call(unknown, &Value::Null).0, 40003);
}

#[test]
fn user_info_may_hold_a_raw_control_character() {
    let mut world = World::new();
    let openid = world.follower();
    world.wx.settings.control_char_in_user_info = true;
    let token = world.token();
    let target = format!("/cgi-bin/user/info?openid={openid}&access_token={token}");
    let response = world.request("GET", &target, &Value::Null);
    assert!(response.body.contains(&1));
    assert!(serde_json::from_slice::<Value>(&response.body).is_err());
}

#[test]
fn after_a_migration_old_openids_lead_to_new_ones() {
    let mut world = World::new();
    let (moved, other) = (world.follower(), world.follower());
    let new = world.wx.migrate(&moved, &mut world.rng).unwrap();
    let asked = |from: &str| json!({"from_appid": from, "openid_list": [moved, other]});
    let path = "/cgi-bin/changeopenid";
    assert_eq!(world.call(path, &asked("wx00000000000000aa")).0, 40013);
    world.wx.settings.migrated_from = "wx00000000000000aa".to_owned();
    let (code, told) = world.call(path, &asked("wx00000000000000aa"));
    assert_eq!(code, 0);
    let list = &told["result_list"];
    assert_eq!(list[0]["ori_openid"], json!(moved));
    assert_eq!(
        (&list[0]["new_openid"], &list[0]["err_msg"]),
        (&json!(new), &json!("ok"))
    );
    assert_eq!(list[1]["err_msg"], "ori_openid error");
    assert_eq!(list[1].get("new_openid"), None);
    let many = json!({"from_appid": "wx00000000000000aa", "openid_list": vec![moved; 101]});
    assert_eq!(world.call(path, &many).0, 40032);
    let (_, list) = world.call("/cgi-bin/user/get", &Value::Null);
    let listed = list["data"]["openid"].as_array().unwrap();
    assert!(listed.contains(&json!(new)) && listed.len() == 2);
}

#[test]
fn user_get_lists_the_followers_page_by_page() {
    let mut world = World::new();
    world.wx.settings.page_size = 2;
    let mut followers: Vec<_> = (0..3).map(|_| world.follower()).collect();
    let left = world.follower();
    world.wx.unfollow(&left, world.now, &mut world.rng);
    followers.sort();
    let (_, first) = world.call("/cgi-bin/user/get", &Value::Null);
    assert_eq!((&first["total"], &first["count"]), (&json!(3), &json!(2)));
    assert_eq!(first["data"]["openid"], json!(followers[..2]));
    assert_eq!(first["next_openid"], json!(followers[1]));
    let next = |openid: &str| format!("/cgi-bin/user/get?next_openid={openid}");
    let (_, second) = world.call(&next(&followers[1]), &Value::Null);
    assert_eq!(second["data"]["openid"], json!(followers[2..]));
    let (_, end) = world.call(&next(&followers[2]), &Value::Null);
    assert_eq!(
        (&end["count"], &end["next_openid"]),
        (&json!(0), &json!(""))
    );
    assert!(end.get("data").is_none());
}

#[test]
fn a_template_reaches_a_follower_outside_any_window_and_its_result_is_pushed() {
    let mut world = World::new();
    let openid = world.follower();
    world.advance(3 * 24 * 3600);
    let body = json!({
        "touser": openid, "template_id": "T1",
        "data": {"first": {"value": "Hello"}, "thing1": {"value": "Mobile"}},
    });
    let (code, answer) = world.call(TEMPLATE_SEND, &body);
    assert_eq!(code, 0);
    assert_eq!(world.texts_seen(&openid), ["thing1: Mobile"]);
    assert!(world.due().is_empty());
    world.advance(1);
    let push = world.due().remove(0);
    let xml = String::from_utf8(push.body).unwrap();
    assert!(xml.contains("TEMPLATESENDJOBFINISH"));
    assert!(xml.contains(&format!("<MsgID>{}</MsgID>", answer["msgid"])));
    assert!(xml.contains("<Status><![CDATA[success]]></Status>"));
}

#[test]
fn a_template_is_refused_or_fails_later_where_it_cannot_be_read() {
    let mut world = World::new();
    world.wx.settings.templates = vec!["T1".to_owned()];
    let openid = world.follower();
    let template = |openid: &str, id: &str| json!({"touser": openid, "template_id": id, "data": {"thing1": {"value": "v"}}});
    assert_eq!(world.call(TEMPLATE_SEND, &template(&openid, "T2")).0, 40037);
    let nobody = world.wx.new_follower(&mut world.rng);
    assert_eq!(world.call(TEMPLATE_SEND, &template(&nobody, "T1")).0, 43004);
    world.wx.person_mut(&openid).unwrap().blocks = true;
    assert_eq!(world.call(TEMPLATE_SEND, &template(&openid, "T1")).0, 0);
    world.advance(1);
    let push = world.due().remove(0);
    let xml = String::from_utf8(push.body).unwrap();
    assert!(xml.contains("failed:user block"));
    assert!(world.texts_seen(&openid).is_empty());
}

#[test]
fn the_same_client_msg_id_is_sent_once() {
    let mut world = World::new();
    let openid = world.follower();
    let body = json!({
        "touser": openid, "template_id": "T1", "client_msg_id": "effect-1",
        "data": {"thing1": {"value": "v"}},
    });
    let first = world.call(TEMPLATE_SEND, &body);
    assert_eq!(world.call(TEMPLATE_SEND, &body), first);
    assert_eq!(world.wx.seen(&openid).len(), 1);
    world.advance(600);
    assert_ne!(world.call(TEMPLATE_SEND, &body), first);
    assert_eq!(world.wx.seen(&openid).len(), 2);
}

#[test]
fn a_code_after_the_effect_leaves_the_caller_in_the_dark() {
    let mut world = World::new();
    let openid = world.follower();
    let fault = json!({"on": "custom/send", "kind": "code", "code": -1, "after_effect": true});
    world.post("/_control/faults", &fault);
    assert_eq!(world.send_text(&openid, "once"), -1);
    assert_eq!(world.texts_seen(&openid), ["once"]);
    assert_eq!(world.wx.calls(CUSTOM_SEND), 1);
}

#[test]
fn the_quota_tells_what_is_left_of_the_day() {
    let mut world = World::new();
    let limits = &mut world.wx.settings.daily_limits;
    limits.insert("/cgi-bin/user/get".to_owned(), 5);
    assert_eq!(world.call("/cgi-bin/user/get", &Value::Null).0, 0);
    let of = |path: &str| json!({ "cgi_path": path });
    let quota = "/cgi-bin/openapi/quota/get";
    let (code, told) = world.call(quota, &of("/cgi-bin/user/get"));
    assert_eq!(
        (code, &told["quota"]),
        (0, &json!({"daily_limit": 5, "used": 1, "remain": 4}))
    );
    for path in ["cgi-bin/user/get", "/cgi-bin/no", ""] {
        assert_eq!(world.call(quota, &of(path)).0, 76003, "{path}");
    }
}

#[test]
fn the_callback_check_tells_what_each_network_lost() {
    let mut world = World::new();
    world.wx.settings.callback_losses = vec!["0%".to_owned(), "100%".to_owned()];
    let check = "/cgi-bin/callback/check";
    let ask = |action: &str| json!({ "action": action, "check_operator": "DEFAULT" });
    let (_, all) = world.call(check, &ask("all"));
    assert_eq!(all["ping"][1]["package_loss"], "100%");
    assert!(all["dns"][0]["ip"].is_string());
    assert_eq!(world.call(check, &ask("dns")).1["ping"], Value::Null);
    assert_eq!(world.call(check, &ask("trace")).0, 47001);
    assert_eq!(world.call(check, &json!({ "action": "all" })).0, 47001);
}
