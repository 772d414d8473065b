//! What the clock starts: when, once, beside whom, and what an operator sees of it.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::pin::pin;
use std::time::Duration;

use qiao::control::Command;
use qiao::domain::jobs::JOBS;
use qiao_sim::fault::{Kind, UNTIL_CLEARED};
use serde_json::{Value, json};

use crate::commands::qiao;
use crate::process::Site;
use crate::world::{PATIENCE, World};

const FOLLOWERS: &str = "/cgi-bin/user/get";
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const RUNS: &str = "SELECT count(*) FROM job_run WHERE job = 'reconcile'";

impl World {
    /// The scheduler's alarm, and all that it starts.
    async fn alarm(&self) {
        let timetable = self.daemon().parts.timetable.clone();
        timetable.tick().await;
        timetable.drained(PATIENCE).await;
    }

    /// A job as `qiao jobs list --json` has it.
    async fn listed(&self, name: &str) -> Value {
        let list = qiao(self, &["jobs", "list", "--json"]).await.json();
        let mut jobs = list.as_array().unwrap().iter();
        jobs.find(|job| job["job"] == name).unwrap().clone()
    }

    /// The next reading of the followers does not end.
    fn followers_hang(&self) {
        let after_effect = false;
        self.wechat_fails_for(FOLLOWERS, Kind::Hang { after_effect }, UNTIL_CLEARED);
    }

    /// Waits until so many readings of the followers have begun.
    async fn until_followers_are_read(&self, times: u64) {
        let read = self
            .wechat
            .until(|wechat| (wechat.calls(FOLLOWERS) == times).then_some(()));
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.expect("the followers are read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_the_timetable_are_those_that_the_configuration_knows() {
    let world = World::new().await;
    let report = world.daemon().parts.timetable.report().await.unwrap();
    let names: Vec<_> = report.iter().map(|report| report.job.name).collect();
    let known: Vec<_> = JOBS.iter().map(|job| job.name).collect();
    assert_eq!(names, known);
}

/// The world begins at 16:00 of Shanghai; reconciliation is at 03:30.
#[tokio::test(flavor = "multi_thread")]
async fn a_nightly_job_runs_in_the_first_night_and_once_a_night() {
    let world = World::new().await;
    for (pause, expected) in [
        (Duration::ZERO, 0),
        (11 * HOUR, 0),
        (HOUR / 2, 1),
        (Duration::from_secs(5), 1),
        (12 * HOUR, 1),
        (12 * HOUR, 2),
    ] {
        world.advance(pause);
        world.alarm().await;
        assert_eq!(world.count(RUNS).await, expected, "after {pause:?} more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_while_the_daemon_was_down_is_made_up_for_once() {
    let mut world = World::new().await;
    world.alarm().await;
    for expected in [1, 2] {
        world.stop().await;
        world.advance(5 * DAY);
        world.start().await;
        for _ in 0..3 {
            world.alarm().await;
            world.advance(Duration::from_secs(5));
        }
        assert_eq!(world.count(RUNS).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_never_runs_beside_itself_whoever_asks() {
    let world = World::new().await;
    world.alarm().await;
    world.followers_hang();
    world.advance(12 * HOUR);
    let timetable = world.daemon().parts.timetable.clone();
    timetable.tick().await;
    world.until_followers_are_read(1).await;
    let name = "reconcile".to_owned();
    let refused = world.operate(Command::JobRun { name }).await.unwrap_err();
    assert!(refused.0.contains("running already"), "{refused}");
    qiao(&world, &["jobs", "run", "reconcile"])
        .await
        .fails(1, "running already");
    world.advance(2 * DAY);
    timetable.tick().await;
    assert_eq!(world.count(RUNS).await, 1);
    assert_eq!(world.wechat_calls(FOLLOWERS), 1);
    assert_eq!(world.listed("reconcile").await["outcome"], "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_alarms_at_the_same_moment_start_a_job_once() {
    let world = World::new().await;
    world.alarm().await;
    world.advance(12 * HOUR);
    let timetable = world.daemon().parts.timetable.clone();
    tokio::join!(timetable.tick(), timetable.tick(), timetable.tick());
    timetable.drained(PATIENCE).await;
    assert_eq!(world.count(RUNS).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_daemon_two_commands_do_not_run_a_job_at_the_same_time() {
    let mut world = World::new().await;
    world.stop().await;
    world.followers_hang();
    let mut first = pin!(qiao(&world, &["jobs", "run", "reconcile"]));
    tokio::select! {
        ended = &mut first => panic!("it ended: {ended:?}"),
        () = world.until_followers_are_read(1) => {}
    }
    qiao(&world, &["jobs", "run", "reconcile"])
        .await
        .fails(1, "another qiao holds");
    assert_eq!(world.wechat_calls(FOLLOWERS), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_tells_what_each_job_does_when_it_ran_and_when_it_runs_next() {
    let mut world = World::new().await;
    let jobs = "[jobs]\nindex.schedule = \"off\"\nintegrity.zone = \"UTC\"\n[server]";
    world.reconfigure("[server]", jobs);
    world.stop().await;
    world.start().await;
    world.run_job("integrity").await;
    let integrity = world.listed("integrity").await;
    assert_eq!(integrity["does"], "looks for damage in the database");
    assert_eq!(integrity["schedule"], "30 4 * * SUN");
    assert_eq!(integrity["zone"], "UTC");
    assert_eq!(integrity["outcome"], "done");
    assert_eq!(integrity["detail"], "the database is sound");
    assert!(integrity["took_ms"].is_i64(), "{integrity}");
    assert_eq!(integrity["last_run"], "2026-11-23T08:00:00.000Z");
    assert_eq!(integrity["next_run"], "2026-11-29T04:30:00.000Z");
    let index = world.listed("index").await;
    assert_eq!(
        (&index["schedule"], &index["zone"]),
        (&json!("off"), &json!(null))
    );
    assert_eq!(index["next_run"], json!(null));
    world.alarm().await;
    let runs = "SELECT count(*) FROM job_run WHERE job = 'index'";
    assert_eq!(world.count(runs).await, 0, "it is off");
    assert_eq!(world.run_job("index").await, "0 messages made findable");
    let told = qiao(&world, &["jobs", "list"]).await;
    told.says("SCHEDULE");
    told.says("Asia/Shanghai");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_puts_another_schedule_in_force() {
    let site = Site::new().await;
    let mut daemon = site.serve().await;
    assert_eq!(site.wechat.look(|wechat| wechat.calls(FOLLOWERS)), 0);
    site.reconfigure(|text| format!("{text}\n[jobs.reconcile]\nschedule = \"every 1 s\"\n"));
    daemon.reload("the configuration was reloaded").await;
    let read = site
        .wechat
        .until(|wechat| (wechat.calls(FOLLOWERS) > 0).then_some(()));
    let read = tokio::time::timeout(PATIENCE, read).await;
    read.expect("the next alarm starts it");
    site.reconfigure(|text| text.replace("every 1 s", "every second"));
    daemon.reload("jobs.reconcile.schedule").await;
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_its_days_is_deleted_and_nothing_else() {
    let mut world = World::new().await;
    world.reconfigure("[server]", "[retention]\nmessages = 30\n[server]");
    world.stop().await;
    world.start().await;
    let (anna, bert) = (world.customer().await, world.customer().await);
    world.say(&anna, "said long ago");
    world.say(&bert, "said by somebody who talks on");
    world.settled().await;
    world.advance(HOUR);
    world.run_job("idle").await;
    world.say(&bert, "so this is open");
    world.settled().await;
    world.advance(40 * DAY);
    world.say(&anna, "said lately");
    world.settled().await;
    let told = world.run_job("retention").await;
    assert!(told.ends_with("runs of jobs deleted"), "{told}");
    let texts = "SELECT text FROM message WHERE direction = 'in' ORDER BY id";
    assert_eq!(world.texts(texts).await, ["so this is open", "said lately"]);
    assert_eq!(world.count("SELECT count(*) FROM mapping").await, 2);
    let pushes = "SELECT count(*) FROM inbox WHERE body LIKE '%said long ago%'";
    assert_eq!(
        world.count(pushes).await,
        1,
        "pushes have days of their own"
    );

    world.advance(60 * DAY);
    world.say(&bert, "much later");
    world.settled().await;
    world.run_job("retention").await;
    assert_eq!(world.count(pushes).await, 0);
    let settled = "SELECT count(*) FROM outbox WHERE created_at <
                   (SELECT max(created_at) FROM outbox) - 91 * 86400000000";
    assert_eq!(world.count(settled).await, 0);
    let attempts = "SELECT count(*) FROM attempt WHERE outbox_id NOT IN (SELECT id FROM outbox)";
    assert_eq!(world.count(attempts).await, 0);
    world.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_makes_the_integrity_check_fail_for_all_to_see() {
    let mut world = World::new().await;
    assert_eq!(world.run_job("integrity").await, "the database is sound");
    world.stop().await;
    let page = world
        .count("SELECT rootpage FROM sqlite_schema WHERE name = 'media_of_content'")
        .await;
    let size = world.count("SELECT page_size FROM pragma_page_size").await;
    let path = world.folder.path().join("data/qiao.db");
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    let place = u64::try_from((page - 1) * size).unwrap();
    file.seek(SeekFrom::Start(place)).unwrap();
    file.write_all(&[0xAA; 512]).unwrap();
    drop(file);
    world.start().await;
    let name = "integrity".to_owned();
    let failed = world.operate(Command::JobRun { name }).await.unwrap_err();
    assert!(
        failed.0.contains("the database is damaged; stop qiao"),
        "{failed}"
    );
    let listed = world.listed("integrity").await;
    assert_eq!(listed["outcome"], "failed");
    let detail = listed["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("page {page}")), "{detail}");
    let (_, metrics) = world.get("/metrics").await;
    let counted = "qiao_job_runs_total{job=\"integrity\",outcome=\"failed\"}";
    assert!(metrics.contains(counted), "{metrics}");
}
