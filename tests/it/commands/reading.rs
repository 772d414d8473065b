//! Commands that only read: beside the daemon and without one, they tell the same.

use serde_json::json;

use super::qiao;
use crate::world::World;

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
    assert_eq!(list[0]["messages"], json!(3));
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
