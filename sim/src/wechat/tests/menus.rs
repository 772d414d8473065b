//! Menus: their limits, their codes, and who sees which.

use serde_json::{Value, json};

use super::World;
use crate::wechat::MediaKind;

const CREATE: &str = "/cgi-bin/menu/create";
const GET: &str = "/cgi-bin/menu/get";
const DELETE: &str = "/cgi-bin/menu/delete";
const ADD: &str = "/cgi-bin/menu/addconditional";
const REMOVE: &str = "/cgi-bin/menu/delconditional";
const TRY: &str = "/cgi-bin/menu/trymatch";
const CURRENT: &str = "/cgi-bin/get_current_selfmenu_info";

fn click(name: &str) -> Value {
    json!({ "type": "click", "name": name, "key": "K" })
}

fn opening(below: &Value) -> Value {
    json!({ "name": "更多", "sub_button": below })
}

fn menu(buttons: &Value) -> Value {
    json!({ "button": buttons })
}

/// The code of menu/create with these buttons.
fn code(world: &mut World, buttons: &Value) -> i64 {
    world.call(CREATE, &menu(buttons)).0
}

#[test]
fn every_limit_has_its_code() {
    let mut world = World::new();
    let long = |count: usize| "x".repeat(count);
    let with = |key: &str, value: Value| {
        let mut button = click("一");
        button[key] = value;
        button
    };
    let view = |url: &str| json!({ "type": "view", "name": "一", "url": url });
    let program = |app_id: &str| json!({ "type": "miniprogram", "name": "一", "appid": app_id, "pagepath": "p", "url": "http://a.cn" });
    world.wx.settings.mini_programs = vec!["wx0000000000000001".to_owned()];
    for (button, right, sub) in [
        (with("name", json!("")), 40018, 40025),
        (with("name", json!("六个汉字名")), 0, 0),
        (with("name", json!("六个汉字名称")), 40018, 0),
        (with("name", json!(long(61))), 40018, 40025),
        (with("key", json!(long(128))), 0, 0),
        (with("key", json!(long(129))), 40019, 40026),
        (with("key", Value::Null), 40019, 40026),
        (with("type", Value::Null), 40017, 40024),
        (with("type", json!("text")), 40017, 40024),
        (view(&format!("http://{}", long(1017))), 0, 0),
        (view(&format!("http://{}", long(1018))), 40020, 40027),
        (view("weixin://a"), 40055, 40054),
        (program("wx0000000000000001"), 0, 0),
        (program("wx0000000000000002"), 45064, 45064),
        (program("x"), 40013, 40013),
        (
            json!({ "type": "media_id", "name": "一", "media_id": "x" }),
            40007,
            40007,
        ),
    ] {
        assert_eq!(code(&mut world, &json!([button])), right, "{button}");
        let below = opening(&json!([button]));
        assert_eq!(code(&mut world, &json!([below])), sub, "below: {button}");
    }
    assert_eq!(code(&mut world, &json!([])), 40016);
    assert_eq!(code(&mut world, &json!(vec![click("一"); 4])), 40016);
    let six = opening(&json!(vec![click("一"); 6]));
    assert_eq!(code(&mut world, &json!([six])), 40023);
    let mut both = opening(&json!([click("一")]));
    both["type"] = json!("click");
    assert_eq!(code(&mut world, &json!([both])), 40017);
    let deep = opening(&json!([opening(&json!([click("一")]))]));
    assert_eq!(code(&mut world, &json!([deep])), 40022);
    let escaped = r#"{"button":[{"type":"click","name":"\u4f60","key":"K"}]}"#;
    assert_eq!(world.call(CREATE, &json!(escaped)).0, 40033);
    let material = world
        .wx
        .add_material(MediaKind::Image, b"x", world.now, &mut world.rng);
    let button = json!({ "type": "media_id", "name": "一", "media_id": material });
    assert_eq!(code(&mut world, &json!([button])), 0);
}

#[test]
fn a_menu_is_told_as_it_was_made_and_gone_when_it_is_deleted() {
    let mut world = World::new();
    assert_eq!(world.call(GET, &Value::Null).0, 46003);
    assert_eq!(world.call(CURRENT, &Value::Null).1["is_menu_open"], 0);
    let below = opening(&json!([click("二")]));
    assert_eq!(code(&mut world, &json!([click("一"), below])), 0);
    let told = world.call(GET, &Value::Null).1;
    let buttons = &told["menu"]["button"];
    assert_eq!(
        buttons[0],
        json!({ "type": "click", "name": "一", "key": "K", "sub_button": [] })
    );
    assert_eq!(buttons[1]["sub_button"][0]["name"], "二");
    assert!(told.get("conditionalmenu").is_none());
    let current = world.call(CURRENT, &Value::Null).1;
    let list = &current["selfmenu_info"]["button"][1]["sub_button"]["list"];
    assert_eq!(list[0], click("二"));
    assert_eq!(world.call(DELETE, &Value::Null).0, 0);
    assert_eq!(world.call(GET, &Value::Null).0, 46003);
    world
        .wx
        .make_console_menu(json!({ "button": [{ "type": "text", "name": "一", "value": "x" }] }));
    assert_eq!(world.call(GET, &Value::Null).0, 46003);
    let current = world.call(CURRENT, &Value::Null).1;
    assert_eq!(current["selfmenu_info"]["button"][0]["value"], "x");
}

#[test]
fn the_newest_conditional_menu_that_fits_is_shown() {
    let mut world = World::new();
    let (anna, bert) = (world.follower(), world.follower());
    let vip = world.wx.tag(&anna, "VIP");
    world.wx.person_mut(&anna).unwrap().platform = Some(1);
    let add = |name: &str, rule: Value| json!({ "button": [click(name)], "matchrule": rule });
    let for_vip = add("VIP", json!({ "tag_id": vip.to_string() }));
    assert_eq!(world.call(ADD, &for_vip).0, 65303, "without a default menu");
    code(&mut world, &json!([click("默认")]));
    let older = world.call(ADD, &for_vip).1["menuid"].clone();
    let names = |world: &World| {
        let name = |who: &str| world.wx.menu_of(who).unwrap()[0]["name"].clone();
        [name(&anna), name(&bert)]
    };
    assert_eq!(names(&world), ["VIP", "默认"]);
    let on_ios = add("iOS", json!({ "client_platform_type": 1 }));
    assert_eq!(world.call(ADD, &on_ios).0, 0);
    assert_eq!(names(&world), ["iOS", "默认"]);
    let tried = world.call(TRY, &json!({ "user_id": anna })).1;
    assert_eq!(tried["button"][0]["name"], "iOS");
    assert_eq!(world.call(TRY, &json!({ "user_id": "nobody" })).0, 65302);
    let told = world.call(GET, &Value::Null).1;
    let rule = &told["conditionalmenu"][0]["matchrule"];
    assert_eq!(*rule, json!({ "tag_id": vip.to_string() }));
    world.wx.settings.menu_tag_is_group = true;
    let told = world.call(GET, &Value::Null).1;
    assert_eq!(
        told["conditionalmenu"][0]["matchrule"],
        json!({ "group_id": vip })
    );
    assert_eq!(world.call(REMOVE, &json!({ "menuid": older })).0, 0);
    assert_eq!(world.call(REMOVE, &json!({ "menuid": older })).0, 65301);
    world.call(DELETE, &Value::Null);
    assert_eq!(world.wx.menu_of(&anna), None);
}

#[test]
fn a_rule_that_says_nothing_or_too_much_is_refused() {
    let mut world = World::new();
    code(&mut world, &json!([click("默认")]));
    let view =
        |host: u32| json!({ "type": "view", "name": "一", "url": format!("https://h{host}.cn/") });
    let mut add = |rule: Value, buttons: Value| {
        world
            .call(ADD, &json!({ "button": buttons, "matchrule": rule }))
            .0
    };
    let one = || json!([click("一")]);
    assert_eq!(add(json!({}), one()), 65304);
    assert_eq!(add(json!({ "tag_id": "" }), one()), 65304);
    assert_eq!(add(json!({ "sex": "1" }), one()), 65320);
    assert_eq!(add(json!({ "tag_id": "100" }), one()), 45159);
    assert_eq!(add(json!({ "client_platform_type": 4 }), one()), 65304);
    let ios = || json!({ "client_platform_type": "1" });
    assert_eq!(add(ios(), json!([])), 65307);
    assert_eq!(add(ios(), json!([view(1), view(2), view(3)])), 0);
    assert_eq!(add(ios(), json!([view(4)])), 65316, "over all of them");
}

#[test]
fn tags_are_made_listed_and_given() {
    let mut world = World::new();
    let anna = world.follower();
    let made = world
        .call(
            "/cgi-bin/tags/create",
            &json!({ "tag": { "name": "老客户" } }),
        )
        .1;
    let id = made["tag"]["id"].as_i64().unwrap();
    let again = world.call(
        "/cgi-bin/tags/create",
        &json!({ "tag": { "name": "老客户" } }),
    );
    assert_eq!(again.0, 45157);
    let long = json!({ "tag": { "name": "十一个汉字的标签名太长" } });
    assert_eq!(world.call("/cgi-bin/tags/create", &long).0, 45158);
    let give = "/cgi-bin/tags/members/batchtagging";
    assert_eq!(
        world
            .call(give, &json!({ "openid_list": [anna], "tagid": 7 }))
            .0,
        45159
    );
    assert_eq!(
        world
            .call(give, &json!({ "openid_list": [anna], "tagid": id }))
            .0,
        0
    );
    let told = world.call("/cgi-bin/tags/get", &Value::Null).1;
    assert_eq!(
        told["tags"],
        json!([{ "id": id, "name": "老客户", "count": 1 }])
    );
    let info = world
        .call(&format!("/cgi-bin/user/info?openid={anna}"), &Value::Null)
        .1;
    assert_eq!(info["tagid_list"], json!([id]));
}
