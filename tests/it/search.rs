//! What was said is found by its words and written out whole, beside the daemon and without one.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::qiao;
use crate::world::{Plan, World};

impl World {
    /// Says something, lets everything follow from it, and has it indexed.
    async fn says_and_indexes(&self, openid: &str, texts: &[&str]) {
        for text in texts {
            self.say(openid, text);
            self.settled().await;
        }
        self.run_job("index").await;
    }
}

fn texts(found: &Value) -> Vec<&str> {
    let found = found.as_array().unwrap().iter();
    found.map(|row| row["text"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chinese_word_of_two_characters_is_found() {
    let mut world = World::new().await;
    let (anna, bert) = (world.customer().await, world.customer().await);
    let asked = "请问我的订单号是多少？";
    world.says_and_indexes(&anna, &[asked, "谢谢"]).await;
    world
        .says_and_indexes(&bert, &["我想退订单里的一件", "Hello, my Order-42"])
        .await;
    for daemon in ["beside the daemon", "without a daemon"] {
        let search = async |words: &[&str]| {
            let words = [&["conversation", "search", "--json"], words].concat();
            qiao(&world, &words).await.json()
        };
        let found = search(&["订单"]).await;
        assert_eq!(texts(&found), ["我想退订单里的一件", asked], "{daemon}");
        assert_eq!(found[1]["openid"], json!(anna));
        assert_eq!(found[1]["account"], "main");
        assert!(found[1]["id"].is_string());
        assert_eq!(texts(&search(&["订单号"]).await), [asked]);
        assert_eq!(texts(&search(&["订单", "--openid", &anna]).await), [asked]);
        assert_eq!(texts(&search(&["order-42"]).await), ["Hello, my Order-42"]);
        assert_eq!(search(&["订单", "--account", "other"]).await, json!([]));
        let id = found[0]["id"].as_str().unwrap();
        assert_eq!(texts(&search(&["订单", "--before", id]).await), [asked]);
        if daemon == "beside the daemon" {
            world.stop().await;
        }
    }
    let told = qiao(&world, &["conversation", "search", "订单", "--limit", "1"]).await;
    told.says("退订单");
    assert!(told.err.contains("--before"), "{told:?}");
    let none = qiao(&world, &["conversation", "search", "发票"]).await;
    assert_eq!((none.code, none.out.as_str()), (0, ""));
    assert_eq!(none.err, "no message has these words\n");
    qiao(&world, &["conversation", "search", "?!"])
        .await
        .fails(2, "nothing to look for");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_indexes_only_what_is_new_and_search_tells_what_is_not_yet() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.says_and_indexes(&openid, &["订单"]).await;
    let timetable = world.daemon().parts.timetable.clone();
    let runs = "SELECT count(*) FROM job_run WHERE job = 'index'";
    let before = world.count(runs).await;
    world.advance(Duration::from_mins(1));
    timetable.tick().await;
    world.say(&openid, "退款");
    world.settled().await;
    let told = qiao(&world, &["conversation", "search", "退款"]).await;
    assert!(told.err.contains("the newest 1 messages"), "{told:?}");
    qiao(
        &world,
        &["conversation", "search", "退款", "--openid", &openid],
    )
    .await
    .says("退款");
    assert_eq!(world.count(runs).await, before, "nothing new, no run");
    timetable.tick().await;
    timetable.drained(crate::world::PATIENCE).await;
    assert_eq!(world.count(runs).await, before + 1);
    let told = qiao(&world, &["conversation", "search", "退款"]).await;
    told.says("退款");
    assert_eq!(told.err, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_follower_deleted_is_not_found() {
    let rule =
        "[[wechat.main.rules]]\nwhen = { click = \"delete\" }\nthen = { action = \"delete\" }\n";
    let world = World::planned(Plan {
        account: rule.to_owned(),
        ..Plan::default()
    })
    .await;
    let openid = world.customer().await;
    world.says_and_indexes(&openid, &["订单"]).await;
    let found = qiao(&world, &["conversation", "search", "订单"]).await;
    found.says("订单");
    world.click(&openid, "delete");
    world.settled().await;
    world.run_job("index").await;
    let found = qiao(&world, &["conversation", "search", "订单", "--json"]).await;
    assert_eq!(found.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_is_shown_page_by_page() {
    let world = World::new().await;
    let openid = world.customer().await;
    for text in ["one", "two", "three"] {
        world.say(&openid, text);
        world.settled().await;
    }
    let show = async |more: &[&str]| {
        let words = [&["conversation", "show", &openid, "--json"], more].concat();
        let shown = qiao(&world, &words).await.json();
        shown["messages"].clone()
    };
    let last = show(&["--limit", "2"]).await;
    assert_eq!(texts(&last), ["two", "three"]);
    let id = last[0]["id"].as_str().unwrap();
    let earlier = show(&["--limit", "1", "--before", id]).await;
    assert_eq!(texts(&earlier), ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_conversation_is_written_as_json_lines() {
    let world = World::new().await;
    let openid = world.customer().await;
    let mut sqlite = world.sqlite().await;
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
         INSERT INTO message (id, account, openid, direction, kind, text, state, created_at,
             recorded_at)
         SELECT i, 'main', iif(i % 2, ?, 'oSomebodyElse'), 'in', 'text', 'line ' || i, 'received',
             i, i FROM n",
    )
    .bind(&openid)
    .execute(&mut sqlite)
    .await
    .unwrap();
    let told = qiao(&world, &["conversation", "export", &openid]).await;
    let lines = told.out.lines().map(serde_json::from_str);
    let lines: Vec<Value> = lines.collect::<Result<_, _>>().unwrap();
    assert_eq!(lines.len(), 2 + 1500, "all of theirs and nobody else's");
    let [welcome, linked, first, .., last] = &lines[..] else {
        panic!("{told:?}")
    };
    assert_eq!(welcome["state"], "answered");
    assert_eq!(welcome["received_at"], "2026-11-23T08:00:00.000Z");
    assert_eq!(
        (&linked["purpose"], &linked["state"]),
        (&json!("customer_created"), &json!("sent"))
    );
    assert!(linked["settled_at"].is_string() && linked["id"].is_string());
    assert_eq!(first["created_at"], "1970-01-01T00:00:00.001Z");
    assert_eq!(
        (&first["text"], &last["text"]),
        (&json!("line 1001"), &json!("line 3999"))
    );
    assert_eq!(first["account"], "main");
    assert_eq!(first["openid"], json!(openid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_for_people_holds_words_and_nothing_else() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, "hi\n2026-01-01 00:00:00  main: forged\u{202e}");
    world.settled().await;
    world.say(&openid, "<script src=\"https://example.cn/\">'&");
    world.settled().await;
    let told = qiao(
        &world,
        &["conversation", "export", &openid, "--format", "text"],
    )
    .await;
    told.says(&format!("Conversation of {openid} with main, customer "));
    told.says("(times in Asia/Shanghai)");
    told.says("2026-11-23 16:00:");
    told.says("  follower: hi\n    2026-01-01 00:00:00  main: forged�\n");
    let file = world.folder.path().join("page.html");
    let path = file.to_str().unwrap();
    let words = [
        "conversation",
        "export",
        &openid,
        "--format",
        "html",
        "--out",
        path,
    ];
    assert_eq!(qiao(&world, &words).await.out, "");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(
        page.contains("content=\"default-src 'none'; style-src 'sha256-"),
        "{page}"
    );
    assert!(
        page.contains("&lt;script src=&quot;https://example.cn/&quot;&gt;&#39;&amp;"),
        "{page}"
    );
    assert!(!page.contains("<script"), "{page}");
    assert!(page.ends_with("</ol></body></html>\n"));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "for its owner only");
    let nowhere = [
        "conversation",
        "export",
        &openid,
        "--out",
        "/nowhere/page.html",
    ];
    qiao(&world, &nowhere)
        .await
        .fails(1, "/nowhere/page.html cannot be written");
    qiao(&world, &["conversation", "export", "oNobody"])
        .await
        .fails(1, "no follower");
}
