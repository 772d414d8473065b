//! Commands that write: through the daemon's socket, or under its lock.

use std::process::Stdio;

use qiao_sim::fault::{Fault, Kind};
use qiao_sim::wechat::Via;
use serde_json::json;

use super::{binary, qiao};
use crate::world::{Plan, World};

/// WeChat's code for a follower who blocks the account's messages.
const BLOCKED: i64 = 48002;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_says_something_to_a_follower() {
    let world = World::new().await;
    let openid = world.customer().await;
    let told = qiao(
        &world,
        &["message", "send", "main", &openid, "The shop is open."],
    )
    .await;
    told.says("queued: 1");
    assert_eq!(told.err, "", "a daemon is running");
    world.until_seen(&openid, "The shop is open.").await;
    assert_eq!(world.seen(&openid).last().unwrap().0, Via::Custom);
    let audit = world
        .text("SELECT who || ' ' || act FROM audit ORDER BY id DESC LIMIT 1")
        .await;
    // What they call themselves, and whom the kernel knows.
    let uid = rustix::process::getuid().as_raw();
    assert_eq!(audit, format!("wang (uid {uid}) message.send"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_daemon_a_message_waits_and_the_operator_is_told() {
    let mut world = World::new().await;
    let openid = world.customer().await;
    world.stop().await;
    let told = qiao(&world, &["message", "send", "main", &openid, "Later."]).await;
    told.says("queued: 1");
    told.fails(0, "no daemon is running");
    let ready = "SELECT count(*) FROM outbox WHERE effect = 'wechat.send' AND state = 'ready'";
    assert_eq!(world.count(ready).await, 1);
    assert_eq!(world.seen(&openid).len(), 2, "nobody was told anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_delivered_at_the_second_try() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.wechat.with(|wechat, _, _| {
        wechat.faults.add(Fault {
            on: "custom/send".to_owned(),
            kind: Kind::Code {
                code: BLOCKED,
                after_effect: false,
            },
            times: 1,
        });
    });
    qiao(&world, &["message", "send", "main", &openid, "Good news."]).await;
    world.settled().await;
    let dead = qiao(&world, &["outbox", "list", "--state", "dead", "--json"]).await;
    let dead = dead.json();
    assert_eq!(dead[0]["last_verdict"], "permanent", "{dead}");
    let id = dead[0]["id"].as_str().unwrap();
    qiao(&world, &["outbox", "retry", id])
        .await
        .says("is ready again");
    world.until_seen(&openid, "Good news.").await;
    world.settled().await;
    let shown = qiao(&world, &["outbox", "show", id, "--json"]).await.json();
    let outcomes = [&shown["attempts"][0], &shown["attempts"][1]].map(|try_| &try_["outcome"]);
    assert_eq!(outcomes, ["failed", "done"], "the first try stays");
    qiao(&world, &["outbox", "retry", id])
        .await
        .fails(1, "is done; only one that is dead, held or cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_message_is_cancelled_before_it_goes() {
    let mut world = World::new().await;
    let openid = world.customer().await;
    world.stop().await;
    qiao(&world, &["message", "send", "main", &openid, "Oh no."]).await;
    let ready = qiao(&world, &["outbox", "list", "--state", "ready", "--json"]).await;
    let ready = ready.json();
    let id = ready[0]["id"].as_str().unwrap();
    qiao(&world, &["outbox", "cancel", id])
        .await
        .says("is cancelled");
    let shown = qiao(&world, &["outbox", "show", id, "--json"]).await.json();
    let note = shown["note"].as_str().unwrap();
    assert!(note.starts_with("cancelled by wang (uid "), "{note}");
    assert_eq!(shown["message"]["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_taken_for_a_duplicate_is_released() {
    let world = World::new().await;
    let openid = world.customer().await;
    let push = world.click(&openid, "offers");
    world.settled().await;
    world
        .wechat
        .with(|wechat, now, _| assert!(wechat.repeat_push(push, now)));
    world.settled().await;
    let list = qiao(&world, &["duplicates", "list", "--json"]).await.json();
    assert_eq!(list[0]["state"], "suppressed");
    assert_eq!(list[0]["openid"], json!(openid));
    let id = list[0]["id"].as_str().unwrap();
    let follows = "SELECT count(*) FROM outbox o JOIN v_duplicate d ON d.id = o.inbox_id";
    assert_eq!(world.count(follows).await, 0);
    qiao(&world, &["duplicates", "release", id])
        .await
        .says("is released");
    assert_eq!(world.count(follows).await, 1);
    qiao(&world, &["duplicates", "list"]).await.says("released");
    qiao(&world, &["duplicates", "release", id])
        .await
        .fails(1, "was released before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_run_by_hand_with_and_without_a_daemon() {
    let mut world = World::new().await;
    for daemon in ["with", "without"] {
        if daemon == "without" {
            world.stop().await;
        }
        qiao(&world, &["jobs", "run", "expire"])
            .await
            .says("expire");
        let list = qiao(&world, &["jobs", "list", "--json"]).await.json();
        let jobs = list.as_array().unwrap();
        let expire = jobs.iter().find(|job| job["job"] == "expire").unwrap();
        assert_eq!(expire["outcome"], "done", "{daemon} a daemon");
        assert!(expire["took_ms"].is_i64() && expire["next_run"].is_string());
        let never = jobs.iter().find(|job| job["job"] == "reconcile").unwrap();
        assert_eq!(never["last_run"], json!(null));
    }
    qiao(&world, &["jobs", "list"]).await.says("NEXT_RUN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_cut_off_does_not_bar_the_next_run() {
    let mut world = World::new().await;
    world.stop().await;
    sqlx::query(
        "INSERT INTO job_run (job, started_by, started_at, outcome)
         VALUES ('expire', 'schedule', 0, 'running')",
    )
    .execute(&mut world.sqlite().await)
    .await
    .unwrap();
    qiao(&world, &["jobs", "run", "expire"])
        .await
        .says("expire");
}

#[tokio::test(flavor = "multi_thread")]
async fn reconciliation_shows_first_and_repairs_only_when_asked() {
    let world = World::planned(Plan {
        account: "existing_followers = \"import\"".to_owned(),
        ..Plan::default()
    })
    .await;
    let openid = world.somebody();
    world
        .wechat
        .with(|wechat, now, _| wechat.adopt(&openid, now));
    let dry = qiao(&world, &["reconcile", "--json"]).await.json();
    assert_eq!(dry.as_array().unwrap().len(), 1);
    assert_eq!(dry[0]["kind"], "follower_without_mapping");
    assert_eq!(dry[0]["state"], "found");
    assert_eq!(world.count("SELECT count(*) FROM mapping").await, 0);
    let other = ["reconcile", "--apply", "--only", "unfollow_missed"];
    let other = qiao(&world, &other).await;
    other.says("0 findings");
    assert_eq!(other.err, "no differences\n");
    let applied = qiao(&world, &["reconcile", "--apply"]).await;
    applied.says("repairing");
    applied.says("1 findings, repairs queued");
    world.settled().await;
    let shown = qiao(&world, &["mapping", "show", &openid, "--json"]).await;
    assert_eq!(shown.json()["state"], "linked");
    let told = qiao(&world, &["reconcile", "--only", "everything"]).await;
    for kind in qiao::flows::reconcile::KINDS {
        told.fails(2, kind);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reconciliation_stops_at_the_limit_also_without_a_daemon() {
    let mut world = World::new().await;
    for _ in 0..3 {
        let openid = world.somebody();
        world
            .wechat
            .with(|wechat, now, _| wechat.adopt(&openid, now));
    }
    world.stop().await;
    let limited = qiao(&world, &["reconcile", "--limit", "2", "--json"]).await;
    assert_eq!(limited.json().as_array().unwrap().len(), 2);
    assert_eq!(limited.err, "2 findings, dry run\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_database_refuses_to_start() {
    let world = World::new().await;
    qiao(&world, &["serve"])
        .await
        .fails(1, "is in use by another qiao");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_does_not_answer_is_told_from_none() {
    let world = World::new().await;
    let openid = world.customer().await;
    std::fs::remove_file(world.folder.path().join("data/qiao.db.sock")).unwrap();
    qiao(&world, &["message", "send", "main", &openid, "hello"])
        .await
        .fails(1, "its control socket does not answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_had_enough_is_no_failure() {
    let mut world = World::new().await;
    world.customer().await;
    world.stop().await;
    let mut child = binary(&world.config_file())
        .args(["mapping", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
