//! What is broken on this machine: configuration, database, disk, clock, queue.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use qiao::doctor::{Outcome, Row};
use qiao::kit::clock::ManualClock;
use qiao_sim::fault::{Kind, UNTIL_CLEARED};
use sqlx::Connection as _;

use super::ward::{Ward, stories};
use crate::world::open;

stories! {
    configuration_loads Failed |ward| {
        ward.change("[server]\n", "[server]\nlisen = \"127.0.0.1:80\"\n");
    }
    configuration_warnings Warning |ward| {
        ward.offline = true;
        ward.change("listen = \"127.0.0.1", "listen = \"0.0.0.0");
    }
    configuration_secret_files Failed |ward| {
        ward.change("token = \"simtoken\"", "token = \"file:token\"");
        std::fs::write(ward.world.folder.path().join("token"), "simtoken").unwrap();
        ward.allow("token", 0o644);
        ward.allow("", 0o755);
    }
    configuration_file Failed |ward| {
        ward.world.config_file();
        ward.allow("qiao.toml", 0o644);
        ward.allow("", 0o755);
    }
    configuration_public_url Warning |ward| {
        ward.offline = true;
        ward.change("public_url = \"http://127.0.0.1", "public_url = \"http://192.0.2.1");
    }
    configuration_encryption Warning |ward| {
        ward.change("encoding_aes_key", "#");
    }
    configuration_trusted_proxies Warning |ward| {
        ward.change("[server]\n", "[server]\ntrusted_proxies = [\"10.0.0.1\"]\n");
    }

    pages_folder Failed |ward| {
        ward.change("[server]\n", "[app.pages.account]\nfolder = \"nowhere\"\n[server]\n");
    }
    pages_public_url Failed |ward| {
        ward.offline = true;
        ward.change("[server]\n", "[app.pages.account]\nfolder = \"nowhere\"\n[server]\n");
        ward.change("public_url = \"http://127.0.0.1", "public_url = \"http://192.0.2.1");
    }

    database_opens Failed |ward| {
        ward.change("qiao.db", "another.db");
    }
    database_integrity Failed |ward| {
        let page = "SELECT rootpage FROM sqlite_schema WHERE name = 'message'";
        let page = u64::try_from(ward.world.count(page).await).unwrap();
        ward.world.stop().await;
        let mut somebody = open(&ward.database()).await;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut somebody).await.unwrap();
        somebody.close().await.unwrap();
        let path = ward.database();
        let mut file = std::fs::File::options().write(true).open(path).unwrap();
        file.seek(SeekFrom::Start((page - 1) * 4096)).unwrap();
        file.write_all(&[0xaa; 4096]).unwrap();
    }
    database_journal_mode Failed |ward| {
        ward.world.stop().await;
        let mut somebody = open(&ward.database()).await;
        sqlx::query("PRAGMA journal_mode = DELETE").execute(&mut somebody).await.unwrap();
        somebody.close().await.unwrap();
    }
    database_wal_size Warning |ward| {
        ward.world.stop().await;
        let log = ward.database().with_file_name("qiao.db-wal");
        std::fs::File::create(log).unwrap().set_len(65 << 20).unwrap();
    }
    database_free_pages Warning |ward| {
        ward.limits.free_pages = 1 << 20;
        ward.world.sql("CREATE TABLE scrap AS SELECT zeroblob(4000000) AS scrap").await;
        ward.world.sql("DROP TABLE scrap").await;
    }
    database_permissions Warning |ward| {
        ward.allow("", 0o755);
        ward.allow("data", 0o755);
        ward.allow("data/qiao.db", 0o644);
    }
    database_daemon Warning |ward| {
        ward.world.stop().await;
    }
    database_writes Failed |ward| {
        let mut somebody = open(&ward.database()).await;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut somebody).await.unwrap();
        somebody
    }

    disk_space Failed |ward| {
        ward.limits.disk_bytes = [u64::MAX; 2];
    }
    disk_files Warning |ward| {
        ward.limits.disk_files = [u64::MAX, 0];
    }
    disk_writable Failed |ward| {
        // Root may write into a folder whatever its mode is, but not into a file.
        let media = ward.database().with_file_name("media");
        std::fs::remove_dir_all(&media).unwrap();
        std::fs::write(&media, "").unwrap();
    }
    disk_sync Warning |ward| {
        ward.limits.sync = [Duration::ZERO, Duration::MAX];
    }

    clock_backwards Failed |ward| {
        ward.world.customer().await;
        ward.clock = ManualClock::new("2026-11-23T07:00:00Z".parse().unwrap());
    }

    queue_dead Warning |ward| {
        ward.world.sql(DEAD).await;
    }
    queue_age Failed |ward| {
        let down = Kind::Status { status: 503, html: true, retry_after: None };
        ward.world.c4c_fails_for("", down, UNTIL_CLEARED);
        ward.world.follow(&ward.world.somebody());
        ward.world.settled().await;
        // Its owner does not know that two hours have passed.
        let hours = Duration::from_hours(2);
        ward.clock = ManualClock::new("2026-11-23T08:00:00Z".parse().unwrap());
        ward.clock.advance(hours);
    }
    queue_held Warning |ward| {
        ward.world.sql(HELD_STRANGELY).await;
    }
    queue_uncertain Warning |ward| {
        ward.world.sql(HELD_UNCERTAIN).await;
    }
    queue_paused Warning |ward| {
        let refused = Kind::Status { status: 401, html: false, retry_after: None };
        ward.world.c4c_fails_for("", refused, UNTIL_CLEARED);
        ward.world.follow(&ward.world.somebody());
        ward.world.settled().await;
    }
    queue_conflicts Warning |ward| {
        ward.world.customer().await;
        ward.world.sql("UPDATE mapping SET state = 'conflict'").await;
    }
    queue_rejected Warning |ward| {
        let headers = [("authorization", "Basic YzRjOm5vdGlmeS1zZWNyZXQ=")];
        let status = ward.world.post("/c4c/main/notifications", &headers, "{").await;
        assert_eq!(status, 400);
    }
    queue_suppressed Warning |ward| {
        ward.limits.few_arrivals = 2;
        ward.world.in_copies(2);
        ward.world.follow(&ward.world.somebody());
        ward.world.settled().await;
    }
    queue_jobs_failed Warning |ward| {
        ward.world.sql(FAILED_JOB).await;
    }
    queue_jobs_late Warning |ward| {
        ward.world.run_job("expire").await;
        ward.clock = ManualClock::new("2026-11-23T09:00:00Z".parse().unwrap());
    }
}

const DEAD: &str = "INSERT INTO outbox (lane, effect, remote, payload, state, head, priority,
    next_attempt_at, created_at, finished_at)
    VALUES ('x', 'x', 'c4c:main', '{}', 'dead', 0, 1, 0, 0, 0)";

const HELD_STRANGELY: &str = "INSERT INTO outbox (lane, effect, remote, payload, state, head,
    priority, next_attempt_at, created_at, held_reason)
    VALUES ('x', 'x', 'c4c:main', '{}', 'held', 0, 1, 0, 0, 'not_recorded')";

const HELD_UNCERTAIN: &str = "INSERT INTO outbox (lane, effect, remote, payload, state, head,
    priority, next_attempt_at, created_at, held_reason)
    VALUES ('x', 'wechat.send', 'wechat:main', '{}', 'held', 0, 1, 0, 0, 'uncertain')";

const FAILED_JOB: &str = "INSERT INTO job_run (job, started_by, started_at, finished_at, outcome)
    VALUES ('expire', 'schedule', 0, 0, 'failed')";

/// A disk of its own over a folder, until it is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn over(folder: PathBuf) -> Option<Self> {
        let small = ["-t", "tmpfs", "-o", "size=16m,nr_inodes=100", "tmpfs"];
        let mounted = Command::new("mount").args(small).arg(&folder).output();
        let is_mounted = mounted.is_ok_and(|ended| ended.status.success());
        is_mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg(&self.0).status();
        assert!(gone.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_really_small_is_a_failure_for_its_space_and_its_files() {
    let ward = Ward::new().await;
    let media = ward.database().with_file_name("media");
    let Some(_disk) = SmallDisk::over(media.clone()) else {
        eprintln!("not looked at: this user may not mount");
        return;
    };
    let rows = ward.examine().await;
    for id in ["disk.space", "disk.files"] {
        let of_media = |row: &&Row| row.check.id == id && Path::new(&row.subject) == media;
        let row = rows.iter().find(of_media).unwrap();
        assert_eq!(row.outcome, Outcome::Failed, "{row:?}");
    }
    ward.shows("disk_space", Outcome::Failed).await;
    ward.shows("disk_files", Outcome::Failed).await;
}
