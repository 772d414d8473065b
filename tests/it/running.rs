//! Running for real: health, readiness, metrics, logs, and an orderly end.

use std::time::Duration;

use qiao_sim::fault::{Fault, Kind};
use qiao_sim::wechat::{Reply, Via};

use crate::process::Site;
use crate::world::{KEY, World, open};

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_metrics_tell_how_it_stands() {
    let world = World::new().await;
    world.talking_customer().await;
    assert_eq!(world.get("/healthz").await, (200, "ok\n".to_owned()));
    let (status, ready) = world.get("/readyz").await;
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["ready"]), (200, &serde_json::json!(true)));
    assert_eq!(
        ready["queue"],
        serde_json::json!({"open": 0, "held": 0, "dead": 0})
    );
    let remotes = ready["remotes"].as_array().unwrap();
    let paused = remotes.iter().filter(|remote| !remote["paused"].is_null());
    assert_eq!(paused.count(), 0);
    let (status, metrics) = world.get("/metrics").await;
    assert_eq!(status, 200);
    for name in [
        "qiao_pushes_total{kind=\"text\"}",
        "qiao_attempts_total{effect=\"wechat.send\",verdict=\"done\"}",
        "qiao_commit_seconds_count",
        "qiao_outbox_rows{state=\"held\"}",
        "qiao_outbox_oldest_due_seconds{effect=\"wechat.send\"} 0",
        "qiao_remote_paused{remote=\"c4c:main\"} 0",
    ] {
        assert!(metrics.contains(name), "{name} is missing in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_remote_is_named_with_its_reason_and_refuses_nobody() {
    let world = World::new().await;
    let refused = Kind::Status {
        status: 401,
        html: false,
        retry_after: None,
    };
    world.c4c_fails("", refused);
    let openid = world.somebody();
    world.follow(&openid);
    world.settled().await;
    let (status, ready) = world.get("/readyz").await;
    assert_eq!(status, 200);
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let remotes = ready["remotes"].as_array().unwrap();
    let c4c = remotes
        .iter()
        .find(|remote| remote["remote"] == "c4c:main")
        .unwrap();
    assert_eq!(c4c["paused"], "unauthorized");
    assert!(c4c["until"].is_string());
    let push = world.say(&openid, "hello");
    assert_eq!(world.answered(push).await, Reply::Success);
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_told_to_stop_resumes_where_it_stopped() {
    let mut world = World::new().await;
    world.c4c_fails(
        "",
        Kind::Status {
            status: 503,
            html: true,
            retry_after: None,
        },
    );
    let openid = world.somebody();
    world.follow(&openid);
    world.settled().await;
    world.stop().await;
    assert_eq!(
        world
            .count("SELECT count(*) FROM outbox WHERE state = 'running'")
            .await,
        0
    );
    let push = world.say(&openid, "said while it was down");
    world.start().await;
    world.until_seen(&openid, "1000").await;
    world.while_time_passes(world.answered(push)).await;
    world.settled().await;
    world.object_of(&openid);
    let said = "SELECT count(*) FROM message WHERE text = 'said while it was down'";
    assert_eq!(world.count(said).await, 1, "WeChat tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_the_database_refuses_is_held_and_blocks_nobody() {
    let world = World::new().await;
    let openid = world.talking_customer().await;
    let trigger = "CREATE TRIGGER refuse BEFORE UPDATE ON send_window
                   BEGIN SELECT RAISE(ABORT, 'not today'); END";
    let mut somebody = world.sqlite().await;
    sqlx::query(trigger).execute(&mut somebody).await.unwrap();
    world.send(&openid, "first").await;
    world.settled().await;
    let held = "SELECT held_reason || ' ' || uncertain || ' ' || last_error FROM outbox
                WHERE state = 'held'";
    let held = world.text(held).await;
    assert!(held.starts_with("unwritable 1 its outcome"), "{held}");
    sqlx::query("DROP TRIGGER refuse")
        .execute(&mut somebody)
        .await
        .unwrap();
    world.send(&openid, "second").await;
    world.settled().await;
    assert_eq!(
        world.seen_by(&openid, Via::Custom)[1..],
        ["first", "second"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_the_database_refuses_is_held_and_others_are_made() {
    let world = World::new().await;
    let (anna, bert) = (
        world.talking_customer().await,
        world.talking_customer().await,
    );
    let mut somebody = world.sqlite().await;
    let trigger = format!(
        "CREATE TRIGGER refuse BEFORE UPDATE ON send_window WHEN new.openid = '{anna}'
         BEGIN SELECT RAISE(ABORT, 'not today'); END"
    );
    sqlx::query(sqlx::AssertSqlSafe(trigger))
        .execute(&mut somebody)
        .await
        .unwrap();
    world
        .while_time_passes(world.answered(world.say(&anna, "one")))
        .await;
    world
        .while_time_passes(world.answered(world.say(&bert, "two")))
        .await;
    world.settled().await;
    let decided = "SELECT group_concat(state) FROM (SELECT state FROM outbox
                   WHERE effect = 'follower.acted' ORDER BY id DESC LIMIT 2)";
    assert_eq!(world.text(decided).await, "done,held");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_within_ten_seconds_in_the_middle_of_a_call_and_nothing_is_done_twice() {
    let site = Site::new().await;
    let daemon = site.serve().await;
    let creates = "POST /sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection";
    site.c4c.with(|c4c, _, _| {
        c4c.faults().add(Fault {
            on: creates.to_owned(),
            kind: Kind::Hang { after_effect: true },
            times: 1,
        });
    });
    let openid = site.wechat.with(|wechat, _, rng| wechat.new_follower(rng));
    site.wechat
        .with(|wechat, now, rng| wechat.follow(&openid, None, now, rng));
    let made = site.c4c.until(|c4c| c4c.customers().next().map(drop));
    tokio::time::timeout(Duration::from_secs(30), made)
        .await
        .unwrap();
    daemon.terminate().await;
    let daemon = site.serve().await;
    let number = site.wechat.until(|wechat| {
        let seen = wechat.seen(&openid);
        seen.iter()
            .find(|seen| seen.via == Via::Custom)
            .map(|seen| seen.text.clone())
    });
    let told = tokio::time::timeout(Duration::from_secs(30), number)
        .await
        .unwrap();
    assert!(told.contains("1000"), "{told}");
    assert_eq!(
        site.c4c.look(|c4c| c4c.customers().count()),
        1,
        "looked up, not made again"
    );
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_json_without_secrets_words_or_whole_openids() {
    let site = Site::new().await;
    let daemon = site.serve_talkative().await;
    let openid = site.wechat.with(|wechat, _, rng| wechat.new_follower(rng));
    site.wechat
        .with(|wechat, now, rng| wechat.follow(&openid, Some("canary_scene"), now, rng));
    let told = site.wechat.until(|wechat| {
        wechat
            .seen(&openid)
            .iter()
            .any(|seen| seen.via == Via::Custom)
            .then_some(())
    });
    tokio::time::timeout(Duration::from_secs(30), told)
        .await
        .unwrap();
    let refusal = Kind::Code {
        code: 40003,
        after_effect: false,
    };
    site.wechat.with(|wechat, now, rng| {
        wechat.faults.add(Fault {
            on: "custom/send".to_owned(),
            kind: refusal,
            times: 1,
        });
        wechat.revoke_tokens(now);
        wechat.say(&openid, "canary words", now, rng)
    });
    site.wechat
        .until(|wechat| wechat.is_quiet().then_some(()))
        .await;
    let token: String = {
        let mut database = open(&site.database()).await;
        let token = sqlx::query_scalar("SELECT value FROM account_token");
        token.fetch_one(&mut database).await.unwrap()
    };
    let log = daemon.terminate().await;
    assert!(log.len() > 2, "{log:?}");
    let secrets = [
        "simsecret",
        "simtoken",
        KEY,
        "cWlhbzpzZWNyZXQ",
        "abcdef-key",
        &token,
    ];
    for line in &log {
        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        for kept in secrets
            .iter()
            .copied()
            .chain([openid.as_str(), "canary words"])
        {
            assert!(!line.contains(kept), "`{kept}` stands in: {line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_refuses_pushes_and_loses_none_that_was_taken() {
    let site = Site::new().await;
    site.wechat
        .with(|wechat, _, _| wechat.settings.attempts = 1);
    let daemon = site.serve_on_small_disk(700).await;
    let openid = site.wechat.with(|wechat, _, rng| wechat.new_follower(rng));
    let say = async || {
        let push = site
            .wechat
            .with(|wechat, now, rng| wechat.say(&openid, &"long ".repeat(400), now, rng));
        let answer = site
            .wechat
            .until(|wechat| wechat.push(push)?.outcome().cloned());
        answer.await
    };
    let mut taken = 0;
    let refused_after = loop {
        let asked = std::time::Instant::now();
        match say().await {
            Reply::Success => taken += 1,
            _ => break asked.elapsed(),
        }
        assert!(taken < 1_000, "the disk is small");
    };
    assert!(refused_after < Duration::from_secs(1), "refused at once");
    daemon.kill().await;

    let daemon = site.serve().await;
    assert_eq!(
        say().await,
        Reply::Success,
        "it goes on where there is room"
    );
    let mut database = open(&site.database()).await;
    let messages = sqlx::query_scalar("SELECT count(*) FROM message WHERE direction = 'in'");
    let messages: i64 = messages.fetch_one(&mut database).await.unwrap();
    assert_eq!(messages, taken + 1, "every acknowledged one and no other");
    daemon.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_new_texts_and_tokens_and_refuses_another_house() {
    let site = Site::new().await;
    let mut daemon = site.serve().await;
    site.reconfigure(|text| {
        let text = text.replace("token = \"simtoken\"", "token = \"newtoken\"");
        format!("{text}\n[wechat.main.texts]\nwelcome = \"reloaded\"\n")
    });
    daemon.reload("the configuration was reloaded").await;
    let openid = site.wechat.with(|wechat, now, rng| {
        wechat.settings.token = "newtoken".to_owned();
        let openid = wechat.new_follower(rng);
        wechat.follow(&openid, None, now, rng);
        openid
    });
    let welcome = site
        .wechat
        .until(|wechat| Some(wechat.seen(&openid).first()?.text.clone()));
    let welcome = tokio::time::timeout(Duration::from_secs(30), welcome).await;
    assert_eq!(welcome.unwrap(), "reloaded");
    site.reconfigure(|text| text.replace("sqlite:data/qiao.db", "sqlite:b.db"));
    daemon.reload("restart qiao for that").await;
    site.reconfigure(|_| "nonsense".to_owned());
    daemon.reload("the old one stays in force").await;
    daemon.terminate().await;
}
