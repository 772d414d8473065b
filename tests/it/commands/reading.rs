//! Commands that only read: beside the daemon and without one, they tell the same.

use std::time::Duration;

use jiff::Timestamp;
use qiao_sim::c4c::Answer;
use serde_json::{Value, json};

use super::qiao;
use crate::world::{Plan, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_a_follower_and_their_customer() {
    let mut world = World::new().await;
    let openid = world.customer().await;
    let object = world.object_of(&openid);
    for daemon in ["beside the daemon", "without a daemon"] {
        let list = qiao(&world, &["mapping", "list", "--json"]).await.json();
        assert_eq!(list.as_array().unwrap().len(), 1, "{daemon}");
        assert_eq!(list[0]["openid"], json!(openid));
        assert_eq!(list[0]["object_id"], json!(object));
        let shown = qiao(&world, &["mapping", "show", &openid]).await;
        shown.says("linked");
        shown.says(&object);
        if daemon == "beside the daemon" {
            world.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_has_aligned_columns_and_can_be_narrowed() {
    let world = World::new().await;
    let openid = world.customer().await;
    let told = qiao(&world, &["mapping", "list"]).await;
    let lines: Vec<&str> = told.out.lines().collect();
    assert_eq!(lines.len(), 2, "{told:?}");
    assert_eq!(
        lines[0].find("STATE"),
        lines[1].find("linked"),
        "a heading stands above its column"
    );
    let linked = qiao(&world, &["mapping", "list", "--state", "linked"]).await;
    linked.says(&openid);
    for none in [["--state", "conflict"], ["--account", "other"]] {
        let told = qiao(&world, &[&["mapping", "list"][..], &none[..]].concat()).await;
        assert_eq!((told.code, told.out.as_str()), (0, ""));
        assert_eq!(told.err, "no such mapping\n");
    }
    let empty = qiao(
        &world,
        &["mapping", "list", "--state", "conflict", "--json"],
    )
    .await;
    assert_eq!(empty.json(), json!([]));
    qiao(&world, &["mapping", "list", "--state", "lost"])
        .await
        .fails(2, "unfollowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_of_mappings_comes_whole_and_in_order() {
    let world = World::new().await;
    let mut sqlite = world.sqlite().await;
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
         INSERT INTO mapping (account, openid, tenant, state, created_at, updated_at)
         SELECT 'main', printf('o%05d', i), 'main', 'pending', 0, 0 FROM n",
    )
    .execute(&mut sqlite)
    .await
    .unwrap();
    let list = qiao(&world, &["mapping", "list", "--json"]).await.json();
    let openids: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["openid"].as_str().unwrap())
        .collect();
    let all: Vec<String> = (1..=2500).map(|i| format!("o{i:05}")).collect();
    assert_eq!(openids, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_shows_both_ways_with_delivery_state_and_windows() {
    /// "Control sequence introducer" in one character, which XML allows.
    const CSI: char = '\u{9b}';
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, &format!("is anybody there?{CSI}2J"));
    world.settled().await;
    let list = qiao(&world, &["conversation", "list", "--json"])
        .await
        .json();
    assert_eq!(list[0]["openid"], json!(openid));
    assert_eq!(list[0]["messages"], json!(1));
    assert_eq!(list[0]["state"], "open");
    let shown = qiao(&world, &["conversation", "show", &openid, "--json"]).await;
    let shown = shown.json();
    let states: Vec<&str> = shown["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["answered", "sent", "received"]);
    assert!(shown["messages"][0]["id"].is_string());
    assert_eq!(shown["conversations"][0]["id"], list[0]["id"]);
    assert_eq!(shown["messages"][0]["conversation"], json!(null));
    assert_eq!(shown["messages"][2]["conversation"], list[0]["id"]);
    let windows = shown["send_windows"].as_array().unwrap();
    let message = windows.iter().find(|w| w["send_window"] == "message");
    assert_eq!(message.unwrap()["allowed"], json!(5));
    let told = qiao(&world, &["conversation", "show", &openid]).await;
    told.says("is anybody there?");
    told.says("customer_created");
    assert!(!told.out.contains(CSI), "a text steers no terminal");
    let newest = qiao(&world, &["conversation", "show", &openid, "--limit", "1"]).await;
    newest.says("is anybody there?");
    assert!(!newest.out.contains("customer_created"));
}

/// Received, stored, in C4C, answered, delivered: each step has its instant.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_with_its_whole_way_and_its_medium() {
    let world = World::planned(Plan {
        account: "[wechat.main.conversation]\ninto_c4c = \"social\"\nchannel_id = \"WECHAT\"\n"
            .to_owned(),
        ..Plan::default()
    })
    .await;
    let openid = world.customer().await;
    let picture = b"\xff\xd8\xff\xe0 a picture";
    world
        .wechat
        .with(|wechat, now, rng| wechat.send_image(&openid, picture, now, rng));
    world.settled().await;
    world.advance(Duration::from_secs(1));
    world.settled().await;
    let ticket = world.c4c.look(|c4c| c4c.tickets_of(&openid)[0].id.clone());
    let answer = Answer::new("谢谢", "Li Wei");
    world
        .c4c
        .with(|c4c, now, _| c4c.answer(&ticket, &answer, now));
    world.settled().await;
    let shown = qiao(&world, &["conversation", "show", &openid, "--json"]).await;
    let shown = shown.json();
    let [.., image, reply] = &shown["messages"].as_array().unwrap()[..] else {
        panic!("{shown}")
    };
    let at =
        |row: &Value, step: &str| -> Timestamp { row[step].as_str().expect(step).parse().unwrap() };
    assert!(at(image, "received_at") <= at(image, "recorded_at"));
    let waited = at(image, "in_c4c_at").duration_since(at(image, "recorded_at"));
    assert_eq!(waited.as_secs(), 1, "it waits for what was said before it");
    assert!(image["activity"].is_string(), "{image}");
    assert_eq!(image["media"][0]["state"], "stored");
    assert_eq!(image["media"][0]["bytes"], json!(picture.len()));
    assert_eq!(image["media"][0]["mime"], "image/jpeg");
    assert!(at(reply, "in_c4c_at") <= at(reply, "settled_at"));
    assert_eq!(shown["conversations"][0]["ticket"], json!(ticket));
    qiao(&world, &["conversation", "show", &openid])
        .await
        .says(&ticket);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_listed_page_by_page_and_can_be_narrowed() {
    let world = World::new().await;
    let (anna, bert) = (world.customer().await, world.customer().await);
    for openid in [&anna, &bert] {
        world.say(openid, "hello");
        world.settled().await;
    }
    world.unfollow(&anna);
    world.settled().await;
    let list = async |words: &[&str]| {
        let words = [&["conversation", "list", "--json"], words].concat();
        let list = qiao(&world, &words).await.json();
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| row["openid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(&[]).await, [bert.clone(), anna.clone()]);
    assert_eq!(list(&["--before", "2"]).await, [anna.as_str()]);
    assert_eq!(list(&["--state", "ended"]).await, [anna.as_str()]);
    assert_eq!(list(&["--openid", &bert]).await, [bert.as_str()]);
    assert_eq!(list(&["--account", "other"]).await, [""; 0]);
    let told = qiao(&world, &["conversation", "list", "--limit", "1"]).await;
    told.says("open");
    assert!(told.err.contains("--before 2"), "{told:?}");
    qiao(&world, &["conversation", "list", "--openid", "oNobody"])
        .await
        .fails(1, "no follower");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_openid_of_two_accounts_needs_the_account() {
    let world = World::new().await;
    let openid = world.customer().await;
    sqlx::query(
        "INSERT INTO mapping (account, openid, tenant, state, created_at, updated_at)
         VALUES ('second', ?, 'main', 'pending', 0, 0)",
    )
    .bind(&openid)
    .execute(&mut world.sqlite().await)
    .await
    .unwrap();
    qiao(&world, &["mapping", "show", &openid])
        .await
        .fails(1, "(main, second); name one with --account");
    qiao(&world, &["mapping", "show", &openid, "--account", "second"])
        .await
        .says("pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_in_a_sentence() {
    let world = World::new().await;
    let cases: [(&[&str], &str); 8] = [
        (&["mapping", "show", "oNobody"], "no follower"),
        (&["conversation", "show", "oNobody"], "no follower"),
        (&["message", "send", "main", "oNobody", "hi"], "no follower"),
        (
            &["message", "send", "nowhere", "o", "hi"],
            "no account `nowhere`",
        ),
        (&["outbox", "show", "4711"], "there is no effect 4711"),
        (&["outbox", "retry", "4711"], "there is no effect 4711"),
        (
            &["duplicates", "release", "4711"],
            "push 4711 is no duplicate",
        ),
        (&["jobs", "run", "coffee"], "there is no job `coffee`"),
    ];
    for (words, sentence) in cases {
        qiao(&world, words).await.fails(1, sentence);
    }
    for words in [
        ["conversation", "list"],
        ["outbox", "list"],
        ["duplicates", "list"],
    ] {
        let told = qiao(&world, &words).await;
        assert_eq!((told.code, told.out.as_str()), (0, ""), "{words:?}");
        assert_eq!(told.err.lines().count(), 1, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_shows_an_effect_with_its_attempts_and_its_message() {
    let world = World::new().await;
    world.customer().await;
    let list = qiao(
        &world,
        &["outbox", "list", "--effect", "wechat.send", "--json"],
    )
    .await;
    let list = list.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["state"], "done");
    assert_eq!(list[0]["next_attempt_at"], json!(null));
    let id = list[0]["id"].as_str().expect("ids are text").to_owned();
    let shown = qiao(&world, &["outbox", "show", &id, "--json"])
        .await
        .json();
    assert_eq!(shown["attempts"][0]["outcome"], "done");
    assert_eq!(shown["message"]["state"], "sent");
    assert_eq!(shown["message"]["purpose"], "customer_created");
    let told = qiao(&world, &["outbox", "show", &id]).await;
    told.says("the message it delivers");
    told.says("OUTCOME");
    let one = qiao(&world, &["outbox", "list", "--limit", "1", "--json"]).await;
    assert_eq!(one.json().as_array().unwrap().len(), 1);
    qiao(&world, &["outbox", "list", "--state", "lost"])
        .await
        .fails(2, "cancelled");
}

/// The daemon may be writing a medium at that moment.
#[tokio::test(flavor = "multi_thread")]
async fn commands_that_only_read_leave_an_unfinished_file_alone() {
    let world = World::new().await;
    let unfinished = world.folder.path().join("data/media/unfinished-0");
    std::fs::write(&unfinished, "the beginning of").unwrap();
    for command in [["jobs", "list"], ["doctor", "--offline"]] {
        qiao(&world, &command).await;
        assert!(unfinished.exists(), "{command:?}");
    }
}
