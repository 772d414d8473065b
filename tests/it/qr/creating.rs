//! How a code is made: by the command, beside a daemon and without one, and when WeChat will not.

use std::path::Path;
use std::time::Duration;

use qiao::domain::qr::{Purpose, Scene, Wish};
use qiao_sim::fault::Kind;
use qiao_sim::wechat::Settings;
use serde_json::{Value, json};

use super::{CREATE, code, temporary};
use crate::commands::qiao;
use crate::world::{Plan, World};

/// What a PNG says, read as a phone would.
fn read(file: &Path) -> String {
    let decoder = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code in the picture");
    grids[0].decode().unwrap().1
}

fn codes(world: &World) -> Vec<Value> {
    let codes = world.wechat.look(|wechat| json!(wechat.qr_codes()));
    codes.as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_made_and_drawn_by_one_command_and_reads_as_wechat_said() {
    let mut world = World::new().await;
    let png = world.folder.path().join("fair.png");
    let file = png.to_str().unwrap();
    let words = [
        "qr",
        "create",
        "campaign",
        "spring-fair",
        "--permanent",
        "--png",
        file,
    ];
    qiao(&world, &words).await.says("spring-fair");
    let [made] = codes(&world).try_into().unwrap();
    assert_eq!(made["action"], "QR_LIMIT_STR_SCENE");
    assert_eq!(read(&png), made["url"]);
    // Without a daemon, too.
    world.stop().await;
    let words = [
        "qr",
        "create",
        "campaign",
        "autumn",
        "--temporary",
        "--expires",
        "30 d",
        "--json",
    ];
    let told = qiao(&world, &words).await.json();
    let made = &codes(&world)[1];
    assert_eq!(made["action"], "QR_STR_SCENE");
    assert_eq!(
        (&told["url"], &told["state"]),
        (&made["url"], &json!("ready"))
    );
    let shown = ["qr", "show", "autumn", "--png", file];
    qiao(&world, &shown).await.says("autumn");
    assert_eq!(read(&png), made["url"]);
    let listed = qiao(&world, &["qr", "list", "--json"]).await.json();
    let scenes: Vec<&Value> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["scene"])
        .collect();
    assert_eq!(scenes, ["autumn", "spring-fair"]);
    world.start().await;
    let acts = "SELECT act || ' ' || target FROM v_audit ORDER BY id";
    assert_eq!(
        world.texts(acts).await,
        [
            "qr.create main campaign spring-fair",
            "qr.create main campaign autumn"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_can_be_the_scene_for_those_who_know_nothing_else() {
    let world = World::new().await;
    for (kind, action) in [
        ("--temporary", "QR_SCENE"),
        ("--permanent", "QR_LIMIT_SCENE"),
    ] {
        let number = if kind == "--temporary" {
            "2147483647"
        } else {
            "100000"
        };
        let words = [
            "qr",
            "create",
            "campaign",
            "fair",
            kind,
            "--scene-id",
            number,
        ];
        qiao(&world, &words).await.says(number);
        assert_eq!(codes(&world).last().unwrap()["action"], action);
    }
    let url = codes(&world)[1]["url"].as_str().unwrap().to_owned();
    world.scans(&world.somebody(), &url).await;
    let counted = "SELECT scene FROM qr_code WHERE scans = 1";
    assert_eq!(world.text(counted).await, "100000");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_outside_of_the_limits_never_reaches_wechat() {
    let world = World::new().await;
    let long = "s".repeat(65);
    for (words, why) in [
        (vec!["campaign", "a b", "--permanent"], "1 to 64 letters"),
        (vec!["campaign", &long, "--permanent"], "1 to 60 characters"),
        (
            vec!["campaign", "x", "--scene", &long, "--permanent"],
            "1 to 64 letters",
        ),
        (
            vec!["campaign", "x", "--scene-id", "100001", "--permanent"],
            "between 1 and 100000",
        ),
        (
            vec!["campaign", "x", "--temporary", "--expires", "31 d"],
            "30 days",
        ),
        (
            vec!["campaign", "2026", "--permanent"],
            "taken for a number",
        ),
        (vec!["bind", "1000441", "--permanent"], "--reusable"),
        (
            vec!["bind", "4711", "--temporary"],
            "C4C has no such customer",
        ),
        (vec!["agent", "8000000017", "--permanent"], "into_c4c"),
    ] {
        let words = [vec!["qr", "create"], words].concat();
        qiao(&world, &words).await.fails(1, why);
    }
    for words in [
        &["campaign", "x"][..],
        &["campaign", "x", "--temporary", "--permanent"],
        &["campaign", "x", "--temporary", "--expires", "soon"],
        &["bind", "1000441", "--temporary", "--scene", "mine"],
    ] {
        let words = [&["qr", "create"], words].concat();
        assert_eq!(qiao(&world, &words).await.code, 2, "{words:?}");
    }
    assert_eq!(world.wechat_calls(CREATE), 0);
    assert_eq!(world.count("SELECT count(*) FROM qr_code").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scene_stands_for_one_thing_and_to_ask_again_changes_nothing() {
    let world = World::new().await;
    let url = world.code(code(Purpose::Campaign, "fair")).await;
    assert_eq!(world.code(code(Purpose::Campaign, "fair")).await, url);
    assert_eq!(world.wechat_calls(CREATE), 1, "permanent ones are few");
    let other = Wish {
        scene: Some(Scene::Text("fair".to_owned())),
        ..code(Purpose::Campaign, "show")
    };
    let refused = world.wishes(other).await.unwrap_err();
    assert!(
        refused.0.contains("is taken by a code for campaign fair"),
        "{refused}"
    );
    let other = world.wishes(temporary(Purpose::Campaign, "fair", 1)).await;
    assert!(other.unwrap_err().0.contains("not of this kind"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_whose_time_is_over_does_nothing_until_it_is_made_again() {
    let world = World::new().await;
    let old = world.code(temporary(Purpose::Campaign, "fair", 1)).await;
    let openid = world.somebody();
    world.advance(Duration::from_hours(1));
    assert!(!world.scans(&openid, &old).await, "WeChat knows it no more");
    world.advance(Duration::from_secs(1));
    let new = world.code(temporary(Purpose::Campaign, "fair", 1)).await;
    assert_ne!(old, new);
    assert!(world.scans(&openid, &new).await);
    assert_eq!(world.count("SELECT count(*) FROM qr_code").await, 1);
    assert_eq!(world.count("SELECT scans FROM qr_code").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_whose_answer_was_lost_is_asked_for_again() {
    let world = World::new().await;
    world.wechat_fails(CREATE, Kind::Drop { after_effect: true });
    world.wishes(code(Purpose::Campaign, "fair")).await.unwrap();
    let state = "SELECT state FROM qr_code";
    assert_eq!(world.text(state).await, "wanted");
    world.advance(Duration::from_mins(1));
    world.settled().await;
    assert_eq!(world.text(state).await, "ready");
    let codes = codes(&world);
    assert_eq!(codes.len(), 2, "WeChat offers nothing to ask");
    let url = world.text("SELECT url FROM qr_code").await;
    assert_eq!(url, codes[1]["url"]);
    // The lost one has the same scene, so it counts as well.
    world
        .scans(&world.somebody(), codes[0]["url"].as_str().unwrap())
        .await;
    assert_eq!(world.count("SELECT scans FROM qr_code").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_full_is_told_and_the_code_can_be_asked_for_again() {
    let plan = Plan {
        wechat: Settings {
            permanent_qr_codes: 0,
            ..Plan::default().wechat
        },
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    let words = ["qr", "create", "campaign", "fair", "--permanent"];
    qiao(&world, &words)
        .await
        .fails(1, "as many permanent QR codes");
    let shown = qiao(&world, &["qr", "show", "fair"]).await;
    shown.says("failed");
    shown.says("45029");
    let undrawn = qiao(&world, &["qr", "show", "fair", "--png", "x.png"]).await;
    undrawn.fails(1, "nothing to draw");
    world
        .wechat
        .with(|wechat, _, _| wechat.settings.permanent_qr_codes = 1);
    qiao(&world, &words).await.says("ready");
}
