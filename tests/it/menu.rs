//! Menu as code: what a file says is what followers see, and nothing else is ever called.

mod bound;
mod kept;

use qiao_sim::fault::Kind;
use qiao_sim::wechat::{self, WeChat};
use serde_json::{Value, json};

use crate::commands::{Told, qiao, run};
use crate::process::Site;
use crate::world::{Plan, World};

const CREATE: &str = "/cgi-bin/menu/create";
const ADD: &str = "/cgi-bin/menu/addconditional";
const REMOVE: &str = "/cgi-bin/menu/delconditional";
const DELETE: &str = "/cgi-bin/menu/delete";

const MENU: &str = r#"
[[button]]
name = "我的"
[[button.sub_button]]
name = "签到"
type = "click"
key = "sign"
[[button.sub_button]]
name = "官网"
type = "view"
url = "https://a.cn/#/top"
[[button]]
name = "联系"
type = "click"
key = "contact"
"#;

const RULES: &str = r#"
[[wechat.main.rules]]
when = { click = "sign" }
then = { text = "signed" }
[[wechat.main.rules]]
when = { click = "contact" }
then = { text = "call us" }
"#;

/// A world whose account has a menu.
async fn world(menu: &str) -> World {
    with(menu, "", Plan::default().wechat).await
}

async fn with(menu: &str, lines: &str, wechat: wechat::Settings) -> World {
    let world = World::planned(Plan {
        account: format!("menu = \"menu.toml\"\n{lines}{RULES}"),
        wechat,
        ..Plan::default()
    })
    .await;
    write(&world, menu);
    world
}

fn write(world: &World, menu: &str) {
    std::fs::write(world.folder.path().join("menu.toml"), menu).unwrap();
}

/// A conditional menu of one button for a tag.
fn for_tag(tag: &str, name: &str) -> String {
    format!(
        "[[conditional]]\ntag = \"{tag}\"\n[[conditional.button]]\nname = \"{name}\"\ntype = \"click\"\nkey = \"sign\"\n"
    )
}

/// The names of the buttons that a follower sees.
fn names(world: &World, openid: &str) -> Vec<String> {
    world.wechat.look(|wechat| {
        let buttons = wechat.menu_of(openid).and_then(Value::as_array);
        let names = buttons.into_iter().flatten().map(|button| &button["name"]);
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    })
}

async fn menu(world: &World, words: &[&str]) -> Told {
    qiao(world, &[&["menu"], words].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_the_menu_that_followers_see_once() {
    let world = world(MENU).await;
    let openid = world.customer().await;
    assert_eq!(names(&world, &openid), [""; 0]);
    let told = menu(&world, &["apply"]).await;
    told.says("the default menu was replaced");
    assert_eq!(told.err, "", "every click has its rule");
    assert_eq!(names(&world, &openid), ["我的", "联系"]);
    menu(&world, &["apply"]).await.says("nothing was changed");
    assert_eq!(world.wechat_calls(CREATE), 1, "only when it differs");
    let acts = "SELECT count(*) FROM audit WHERE act = 'menu.apply' AND target = 'main'";
    assert_eq!(world.count(acts).await, 2);
    let lanes = "SELECT count(*) FROM outbox WHERE lane = 'menu:main' AND state = 'done'";
    assert_eq!(world.count(lanes).await, 2);
    let shown = menu(&world, &["apply", "--json"]).await.json();
    assert_eq!(shown["state"], "done");
    menu(&world, &["apply", "--account", "other"])
        .await
        .fails(1, "there is no account `other`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_over_a_limit_never_makes_a_call() {
    let long = MENU
        .replace("签到", &"签".repeat(21))
        .replace("联系", "六个汉字名称");
    let world = world(&long).await;
    let calls = || world.wechat.look(WeChat::all_calls);
    let before = calls();
    for words in [&["menu", "apply"][..], &["menu", "diff"], &["check"]] {
        let told = qiao(&world, words).await;
        told.fails(
            2,
            "menu.toml: button[0].sub_button[0].name: the name has 63 bytes",
        );
        told.fails(
            2,
            "menu.toml: button[1].name: the name has 18 bytes, and WeChat takes 16",
        );
    }
    assert_eq!(calls(), before);
    let queued = "SELECT count(*) FROM outbox WHERE effect = 'menu.apply'";
    assert_eq!(world.count(queued).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_told_button_by_button() {
    let world = world(MENU).await;
    menu(&world, &["diff"]).await.fails(1, "differences: ");
    menu(&world, &["apply"]).await;
    let same = menu(&world, &["diff"]).await;
    assert_eq!((same.code, same.out.as_str()), (0, ""));
    assert_eq!(same.err, "the menu at WeChat is that of the file\n");
    write(
        &world,
        &MENU
            .replace("签到", "打卡")
            .replace("\"contact\"", "\"other\""),
    );
    let told = menu(&world, &["diff"]).await;
    told.fails(1, "differences: 2; `qiao menu apply`");
    told.fails(1, "the click key \"other\", which no rule answers");
    assert!(
        told.out.contains("default, button 1, sub, button 1"),
        "{told:?}"
    );
    let rows = menu(&world, &["diff", "--json"]).await;
    let rows: Value = serde_json::from_str(&rows.out).unwrap();
    assert_eq!(rows[1]["wechat"], "联系: click contact");
    assert_eq!(rows[1]["file"], "联系: click other");
    let checked = qiao(&world, &["check"]).await;
    checked.says("the click key \"other\", which no rule answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_made_elsewhere_is_taken_over() {
    let world = world(MENU).await;
    menu(&world, &["get"]).await.fails(0, "WeChat has no menu");
    menu(&world, &["apply"]).await;
    let printed = menu(&world, &["get"]).await.out;
    write(&world, &printed);
    menu(&world, &["apply"]).await.says("nothing was changed");
    world.wechat.with(|wechat, _, _| {
        wechat.make_console_menu(json!({ "button": [
            { "type": "view", "name": "商城", "url": "https://shop.cn/" },
            { "type": "text", "name": "电话", "value": "12345" },
        ]}));
    });
    let printed = menu(&world, &["get"]).await;
    printed.says("name = \"商城\"");
    printed.says("# The console answered with text: 12345.");
    let shown = menu(&world, &["get", "--json"]).await.json();
    assert_eq!(shown["menu"]["button"][0]["url"], "https://shop.cn/");
    write(&world, &printed.out);
    menu(&world, &["apply"])
        .await
        .says("the default menu was replaced");
    let openid = world.customer().await;
    assert_eq!(names(&world, &openid), ["商城", "电话"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_conditional_menu_of_the_file_that_fits_is_shown() {
    let older_pages = wechat::Settings {
        menu_tag_is_group: true,
        ..Plan::default().wechat
    };
    for settings in [Plan::default().wechat, older_pages] {
        let file =
            |name: &str| format!("{MENU}{}{}", for_tag("VIP", name), for_tag("老客户", "老"));
        let world = with(&file("贵"), "", settings).await;
        let (vip, old) = (world.customer().await, world.customer().await);
        let everybody = world.customer().await;
        world.wechat.with(|wechat, _, _| {
            wechat.tag(&vip, "VIP");
            wechat.tag(&vip, "老客户");
            wechat.tag(&old, "老客户");
        });
        let told = menu(&world, &["apply"]).await;
        told.says("the default menu was replaced; conditional menus: 2 added, 0 deleted");
        let seen = || [&vip, &old, &everybody].map(|who| names(&world, who)[0].clone());
        assert_eq!(seen(), ["贵", "老", "我的"]);
        // The first is the newest, so the other one may stay.
        write(&world, &file("贵宾"));
        let told = menu(&world, &["apply"]).await;
        told.says("conditional menus: 1 added, 1 deleted");
        assert_eq!(seen(), ["贵宾", "老", "我的"]);
        assert_eq!(
            (world.wechat_calls(ADD), world.wechat_calls(REMOVE)),
            (3, 1)
        );
        menu(&world, &["apply"]).await.says("nothing was changed");
        let printed = menu(&world, &["get"]).await;
        printed.says("tag = 100\n\n[[conditional.button]]\nname = \"贵宾\"");
        write(&world, MENU);
        menu(&world, &["diff"]).await.fails(1, "differences: 2");
        menu(&world, &["apply"]).await.says("0 added, 2 deleted");
        assert_eq!(seen(), ["我的", "我的", "我的"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_wechat_does_not_know_is_named_and_nothing_changed() {
    let world = world(&format!("{MENU}{}", for_tag("VIP", "贵"))).await;
    menu(&world, &["diff"])
        .await
        .fails(1, "WeChat has no tag named `VIP`");
    let told = menu(&world, &["apply"]).await;
    told.fails(1, "it is dead: WeChat has no tag named `VIP`");
    assert_eq!(world.wechat_calls(CREATE), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_daemon_the_menu_is_applied_and_nothing_else_is_done() {
    let mut world = world(MENU).await;
    let openid = world.customer().await;
    world.stop().await;
    qiao(&world, &["message", "send", "main", &openid, "Later."]).await;
    let told = menu(&world, &["apply"]).await;
    told.says("the default menu was replaced");
    assert_eq!(names(&world, &openid), ["我的", "联系"]);
    let waits = "SELECT count(*) FROM outbox WHERE effect = 'wechat.send' AND state = 'ready'";
    assert_eq!(world.count(waits).await, 1, "it waits for the daemon");
    let attempts = "SELECT count(*) FROM attempt a JOIN outbox o ON o.id = a.outbox_id
         WHERE o.effect = 'menu.apply' AND a.outcome = 'done'";
    assert_eq!(world.count(attempts).await, 1);
    world.wechat_refuses(DELETE, 45009);
    let told = menu(&world, &["delete", "--yes"]).await;
    told.fails(
        1,
        "is tried again once `qiao serve` runs: WeChat refused a change of the menu",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_that_wechat_refuses_is_told_with_the_reason() {
    let world = world(MENU).await;
    world.wechat_refuses(CREATE, 48001);
    let told = menu(&world, &["apply"]).await;
    told.fails(
        1,
        "it is dead: WeChat refused a change of the menu: the account has no permission",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_takes_all_menus_away_when_it_is_meant() {
    let world = world(&format!("{MENU}{}", for_tag("VIP", "贵"))).await;
    let openid = world.customer().await;
    world.wechat.with(|wechat, _, _| wechat.tag(&openid, "VIP"));
    menu(&world, &["apply"]).await;
    menu(&world, &["delete"]).await.fails(1, "say --yes");
    assert_eq!(world.wechat_calls(DELETE), 0);
    let told = menu(&world, &["delete", "--yes"]).await;
    told.says("the default menu and 1 conditional menus were deleted");
    assert_eq!(names(&world, &openid), [""; 0]);
    menu(&world, &["delete", "--yes"])
        .await
        .says("WeChat has no menu made by the API");
    assert_eq!(world.wechat_calls(DELETE), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_running_daemon_is_not_ended_by_a_look() {
    const TOKEN: &str = "/cgi-bin/token";
    let site = Site::planned(Plan {
        account: format!("menu = \"menu.toml\"\naccess_token = \"token\"\n{RULES}"),
        ..Plan::default()
    })
    .await;
    let file = site.config_file();
    std::fs::write(file.with_file_name("menu.toml"), MENU).unwrap();
    let daemon = site.serve().await;
    run(&file, &["menu", "apply"]).await.says("was replaced");
    let fetched = site.wechat.look(|wechat| wechat.calls(TOKEN));
    for words in [["menu", "diff"], ["menu", "get"]] {
        assert_eq!(run(&file, &words).await.code, 0);
    }
    assert_eq!(site.wechat.look(|wechat| wechat.calls(TOKEN)), fetched);
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_menu_is_left_alone() {
    let world = World::new().await;
    menu(&world, &["apply"])
        .await
        .fails(1, "no menu is configured for `main`");
    let gone = world_without_file().await;
    menu(&gone, &["apply"])
        .await
        .fails(2, "menu.toml: the file cannot be read");
    qiao(&gone, &["check"])
        .await
        .fails(2, "menu.toml: the file cannot be read");
}

async fn world_without_file() -> World {
    let world = world(MENU).await;
    std::fs::remove_file(world.folder.path().join("menu.toml")).unwrap();
    world
}

/// WeChat does it, and the answer is lost.
const LOST: Kind = Kind::Drop { after_effect: true };
