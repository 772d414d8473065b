//! Menus that are kept: by the daily job, and through lost answers and outages.

use std::time::Duration;

use qiao::config::read_menu;
use qiao::control::Command;
use qiao::domain::ids::AccountId;
use qiao_sim::fault::Kind;
use serde_json::json;

use super::{ADD, CREATE, LOST, MENU, REMOVE, for_tag, names, with, world, write};
use crate::world::{Plan, World};

const KEPT: &str = "keep_menu = \"on\"\n";

/// Longer than the first waits between tries.
const A_WHILE: Duration = Duration::from_secs(75);

/// What `qiao menu apply` orders, without its wait.
async fn ordered(world: &World, text: &str) {
    let menu = read_menu(text, &world.folder.path().join("menu.toml"), &|_| None);
    let account = AccountId::new("main");
    let menu = menu.unwrap();
    world.command(Command::MenuApply { account, menu }).await;
}

async fn note(world: &World) -> String {
    let sql = "SELECT coalesce(note, state) FROM outbox WHERE effect = 'menu.apply' ORDER BY id DESC LIMIT 1";
    world.text(sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_answer_wechat_is_looked_at_before_anything_is_repeated() {
    let world = world(MENU).await;
    let text = format!("{MENU}{}", for_tag("VIP", "贵"));
    let openid = world.customer().await;
    world.wechat.with(|wechat, _, _| wechat.tag(&openid, "VIP"));
    world.wechat_fails(CREATE, LOST);
    ordered(&world, &text).await;
    world.settled().await;
    world.wechat_fails(ADD, LOST);
    world.advance(A_WHILE);
    world.settled().await;
    world.advance(A_WHILE);
    world.settled().await;
    assert_eq!(
        note(&world).await,
        "WeChat has this menu already; nothing was changed"
    );
    assert_eq!(
        (world.wechat_calls(CREATE), world.wechat_calls(ADD)),
        (1, 1)
    );
    assert_eq!(names(&world, &openid), ["贵"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_that_was_half_made_is_finished() {
    let world = world(MENU).await;
    let openid = world.customer().await;
    world.wechat.with(|wechat, _, _| {
        wechat.tag(&openid, "VIP");
        wechat.tag(&openid, "老客户");
    });
    let text = |name: &str| format!("{MENU}{}{}", for_tag("VIP", name), for_tag("老客户", "老"));
    ordered(&world, &text("一")).await;
    world.settled().await;
    world.wechat_fails(
        ADD,
        Kind::Code {
            code: -1,
            after_effect: false,
        },
    );
    ordered(&world, &text("二")).await;
    world.settled().await;
    assert_eq!(
        names(&world, &openid),
        ["老"],
        "the old one is deleted already"
    );
    world.advance(A_WHILE);
    world.settled().await;
    assert_eq!(names(&world, &openid), ["二"]);
    assert_eq!(world.wechat_calls(REMOVE), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daily_job_puts_a_kept_menu_back() {
    let world = with(MENU, KEPT, Plan::default().wechat).await;
    let openid = world.customer().await;
    let told = world.run_job("menu").await;
    assert_eq!(told, "1 menus are looked after");
    world.settled().await;
    assert_eq!(names(&world, &openid), ["我的", "联系"]);
    world.run_job("menu").await;
    world.settled().await;
    assert_eq!(world.wechat_calls(CREATE), 1, "it was there");
    world.wechat.with(|wechat, _, _| {
        wechat.make_console_menu(
            json!({ "button": [{ "type": "text", "name": "错", "value": "x" }] }),
        );
    });
    world.run_job("menu").await;
    world.settled().await;
    assert_eq!(names(&world, &openid), ["我的", "联系"]);
    // The file is read when the job runs: nobody reloads for it.
    write(&world, &MENU.replace("联系", "找我"));
    world.run_job("menu").await;
    world.settled().await;
    assert_eq!(names(&world, &openid), ["我的", "找我"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_starts_the_job_only_where_a_menu_is_kept() {
    for (lines, idle) in [("", true), (KEPT, false)] {
        let world = with(MENU, lines, Plan::default().wechat).await;
        let report = world.daemon().parts.timetable.report().await.unwrap();
        let job = report.iter().find(|job| job.job.name == "menu").unwrap();
        assert_eq!(job.is_idle, idle);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_the_job_do_not_pile_up_while_wechat_is_away() {
    let world = with(MENU, KEPT, Plan::default().wechat).await;
    world.wechat_refuses("/cgi-bin/menu/get", 48004);
    world.run_job("menu").await;
    world.settled().await;
    world.run_job("menu").await;
    world.run_job("menu").await;
    let rows = "SELECT count(*) FROM outbox WHERE effect = 'menu.apply'";
    assert_eq!(world.count(rows).await, 1);
    // What an operator orders is another menu, perhaps: it is never merged with one that waits.
    ordered(&world, MENU).await;
    assert_eq!(world.count(rows).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_says_what_is_wrong_with_the_file_and_leaves_the_menu() {
    let world = with(MENU, KEPT, Plan::default().wechat).await;
    let openid = world.customer().await;
    world.run_job("menu").await;
    world.settled().await;
    write(&world, &MENU.replace("联系", "六个汉字名称"));
    let name = "menu".to_owned();
    let refused = world.operate(Command::JobRun { name }).await.unwrap_err();
    assert!(
        refused
            .0
            .contains("menu.toml: button[1].name: the name has 18 bytes"),
        "{refused}"
    );
    world.settled().await;
    assert_eq!(names(&world, &openid), ["我的", "联系"]);
}
