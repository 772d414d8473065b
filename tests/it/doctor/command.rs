//! What operators type and read, and what `/readyz` tells of the same checks.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use qiao_sim::fault::{Fault, Kind, UNTIL_CLEARED};
use serde_json::Value;
use sqlx::Connection as _;

use super::ward::Ward;
use crate::commands::{binary, run};
use crate::process::Site;
use crate::world::open;

/// A site whose folder is its owner's alone.
async fn site() -> Site {
    let site = Site::new().await;
    let folder = site.config_file().parent().unwrap().to_owned();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    site
}

/// Calls of C4C go wrong for good.
fn refuse(site: &Site) {
    let kind = Kind::Status {
        status: 401,
        html: false,
        retry_after: None,
    };
    site.c4c.with(|c4c, _, _| {
        c4c.faults().add(Fault {
            on: String::new(),
            kind,
            times: UNTIL_CLEARED,
        });
    });
}

async fn json(config: &Path, words: &[&str]) -> Vec<Value> {
    let told = run(config, &[&["doctor", "--json"], words].concat()).await;
    serde_json::from_str(&told.out).unwrap_or_else(|fault| panic!("{fault}: {told:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_exit_with_0_and_failures_with_1() {
    let site = site().await;
    let daemon = site.serve().await;
    let well = run(&site.config_file(), &["doctor"]).await;
    well.says("warning  configuration.warnings");
    well.says("         -> see config.example.toml");
    well.says("ok       c4c.login [main]");
    refuse(&site);
    let ill = run(&site.config_file(), &["doctor"]).await;
    ill.fails(1, "checks that failed: 1");
    assert!(ill.out.contains("failed   c4c.login [main]"), "{ill:?}");
    assert!(ill.out.contains("skipped  c4c.customers [main]"), "{ill:?}");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_an_array_with_stable_members() {
    let site = site().await;
    let daemon = site.serve().await;
    let rows = json(&site.config_file(), &[]).await;
    assert!(rows.len() > 40, "{}", rows.len());
    for row in &rows {
        let mut members: Vec<&String> = row.as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(
            members,
            [
                "evidence", "group", "id", "outcome", "remedy", "subject", "title"
            ]
        );
        let outcome = row["outcome"].as_str().unwrap();
        let needs_remedy = matches!(outcome, "warning" | "failed");
        assert_eq!(row["remedy"].is_string(), needs_remedy, "{row}");
    }
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chinese_is_spoken_when_asked_for_and_where_the_locale_is_chinese() {
    let site = site().await;
    let daemon = site.serve().await;
    let file = site.config_file();
    let asked = run(&file, &["doctor", "--lang", "zh"]).await;
    asked.says("配置有效");
    let mut at_home = binary(&file);
    at_home.env("LANG", "zh_CN.UTF-8").arg("doctor");
    let at_home = at_home.output().await.unwrap();
    assert!(
        String::from_utf8(at_home.stdout)
            .unwrap()
            .contains("配置有效")
    );
    let mut abroad = binary(&file);
    abroad
        .env("LANG", "zh_CN.UTF-8")
        .args(["doctor", "--lang", "en"]);
    let abroad = abroad.output().await.unwrap();
    assert!(
        String::from_utf8(abroad.stdout)
            .unwrap()
            .contains("The configuration is valid")
    );
    run(&file, &["doctor", "--lang", "fr"])
        .await
        .fails(2, "en and zh");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_is_the_first_check_and_the_others_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qiao.toml");
    std::fs::write(&file, "[server]\nlisen = \"x\"\n").unwrap();
    let rows = json(&file, &[]).await;
    assert_eq!(rows[0]["id"], "configuration.loads");
    assert_eq!(rows[0]["outcome"], "failed");
    assert!(
        rows[0]["evidence"]
            .as_str()
            .unwrap()
            .contains("server.lisen")
    );
    assert!(rows[1..].iter().all(|row| row["outcome"] == "skipped"));
    run(&file, &["doctor"])
        .await
        .fails(1, "checks that failed: 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn readyz_tells_the_local_checks_and_calls_nobody() {
    let ward = Ward::new().await;
    let world = &ward.world;
    let calls = || {
        (
            world.c4c_calls("GET", ""),
            world.wechat_calls("/cgi-bin/stable_token"),
        )
    };
    let before = calls();
    let (status, body) = world.get("/readyz").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["ready"]), (200, &Value::Bool(true)));
    let told = |body: &Value, id: &str| {
        let rows = body["checks"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == id);
        row.unwrap_or_else(|| panic!("{id} in {rows:?}"))["outcome"].clone()
    };
    for id in [
        "database.writes",
        "disk.space",
        "queue.dead",
        "queue.age",
        "queue.paused",
    ] {
        assert_eq!(told(&body, id), "ok", "{id}");
    }
    assert_eq!(calls(), before);
    // A warning refuses nobody.
    let refused = Kind::Status {
        status: 401,
        html: false,
        retry_after: None,
    };
    world.c4c_fails_for("", refused, UNTIL_CLEARED);
    world.follow(&world.somebody());
    world.settled().await;
    let (status, body) = world.get("/readyz").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, told(&body, "queue.paused")),
        (200, "warning".into())
    );
    // A database that takes nothing does.
    let mut somebody = open(&ward.database()).await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut somebody)
        .await
        .unwrap();
    let (status, body) = world.get("/readyz").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, told(&body, "database.writes")),
        (503, "failed".into())
    );
    somebody.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checks_of_readyz_take_less_than_five_milliseconds() {
    use qiao::doctor::{Readiness, readiness};
    let ward = Ward::new().await;
    let queue = ward.world.store().queue_state().await.unwrap();
    let remotes = ward.world.daemon().parts.engine.report();
    let path = ward.database();
    // The best of many: the machine may be busy with others.
    let took = (0..50).map(|_| {
        let began = std::time::Instant::now();
        let rows = readiness(&Readiness {
            probe: Ok(&queue),
            remotes: &remotes,
            database: &path,
            now: jiff::Timestamp::UNIX_EPOCH,
        });
        assert!(!rows.is_empty());
        began.elapsed()
    });
    let best = took.min().unwrap();
    assert!(best.as_millis() < 5, "{best:?}");
}

/// Whatever asks, a job's state is the same: what runs without a daemon sees it as a daemon does.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_and_the_list_of_jobs_agree_on_what_is_off_idle_and_late() {
    let site = site().await;
    site.reconfigure(|text| {
        let plan = "[backup]\nkeep = 0\n[jobs]\nretention.schedule = \"off\"\n[server]";
        text.replace("[server]", plan)
    });
    site.serve().await.terminate().await;
    let mut book = open(&site.database()).await;
    sqlx::query("DELETE FROM job_run")
        .execute(&mut book)
        .await
        .unwrap();
    let ran_long_ago = "INSERT INTO job_run (job, started_by, started_at, finished_at, outcome)
        SELECT value, 'schedule', 0, 0, 'done'
        FROM json_each('[\"prune\", \"index\", \"backup\", \"retention\"]')";
    sqlx::query(ran_long_ago).execute(&mut book).await.unwrap();
    book.close().await.unwrap();
    let listed = run(&site.config_file(), &["jobs", "list", "--json"]).await;
    let listed = listed.json();
    let of = |name: &str| {
        let job = listed
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["job"] == name);
        let job = job.unwrap();
        (job["idle"] == "nothing to do", job["next_run"].is_string())
    };
    assert_eq!(of("prune"), (false, true), "late");
    assert_eq!(of("index"), (true, true), "idle");
    assert_eq!(of("backup"), (true, true), "idle");
    assert_eq!(of("retention"), (false, false), "off");
    let rows = json(&site.config_file(), &["--offline"]).await;
    let late = rows.iter().find(|row| row["id"] == "queue.jobs_late");
    assert_eq!(late.unwrap()["evidence"], "prune");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_told_whether_the_daemon_answers_whatever_else_is_wrong() {
    let site = site().await;
    let daemon = site.serve().await;
    refuse(&site);
    let well = run(&site.config_file(), &["doctor", "--alive"]).await;
    assert_eq!((well.code, well.out.as_str()), (0, ""), "{well:?}");
    daemon.terminate().await;
    let gone = run(&site.config_file(), &["doctor", "--alive"]).await;
    gone.fails(1, "no daemon answers at 127.0.0.1");
    run(&site.config_file(), &["doctor", "--alive", "--json"])
        .await
        .fails(2, "cannot be used with");
}
