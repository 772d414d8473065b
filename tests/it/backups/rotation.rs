//! Scheduled backups: how many are kept, and how the newest is tried.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use qiao::domain::schedule::Schedule;
use qiao::jobs::backup::expires_at;
use qiao::kit::clock::Clock as _;

use super::names;
use crate::world::World;

const HOUR: Duration = Duration::from_hours(1);

async fn keeping(keep: u32) -> World {
    let mut world = World::new().await;
    world.customer().await;
    world.reconfigure(
        "[database]",
        &format!("[backup]\nkeep = {keep}\n[database]"),
    );
    world.stop().await;
    world.start().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_scheduled_ones_go_and_what_a_person_asked_for_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = keeping(2).await;
    let folder = world.beside("data/backups");
    world.back_up("mine.tar").await;
    let mut made = Vec::new();
    for _ in 0..4 {
        world.advance(HOUR);
        let told = world.run_job("backup").await;
        assert!(told.contains("sha256"), "{told}");
        made.push(names(&folder).pop().unwrap());
    }
    assert_eq!(names(&folder), made[2..]);
    let of_folder = std::fs::metadata(&folder).unwrap().permissions();
    assert_eq!(of_folder.mode() & 0o777, 0o700);
    assert!(world.beside("mine.tar").exists());
    let states = "SELECT group_concat(kind || ' ' || state, ', ')
                  FROM (SELECT * FROM v_backup ORDER BY id)";
    assert_eq!(
        world.text(states).await,
        "asked standing, scheduled deleted, scheduled deleted, scheduled standing, \
         scheduled standing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_person_deleted_is_written_off_and_one_the_book_lost_is_taken_in() {
    let world = keeping(9).await;
    let folder = world.beside("data/backups");
    world.run_job("backup").await;
    world.advance(HOUR);
    world.run_job("backup").await;
    let made = names(&folder);
    std::fs::remove_file(folder.join(&made[0])).unwrap();
    // As a restored database does: it knows only of what was there before it.
    world.sql("DELETE FROM backup WHERE id = 2").await;
    std::fs::create_dir(folder.join("qiao-1.tar.unfinished")).unwrap();
    world.advance(HOUR);
    world.run_job("backup").await;
    assert_eq!(names(&folder).len(), 2, "what a crash left is gone");
    let all = world.store().backups_before(Timestamp::MAX).await.unwrap();
    let known: Vec<_> = all.iter().map(|it| it.path.clone()).collect();
    assert_eq!(known.len(), 2, "{known:?}");
    assert!(known[1].ends_with(&made[1]), "{known:?}");
    let bytes = std::fs::metadata(folder.join(&made[1])).unwrap().len();
    assert_eq!(all[1].bytes.unsigned_abs(), bytes);

    // One that was away, as when its disk is not mounted, is taken in again.
    let (stays, away) = (folder.join(&made[1]), world.beside("away"));
    std::fs::rename(&stays, &away).unwrap();
    world.run_job("restore_drill").await;
    assert_eq!(
        world
            .store()
            .backups_before(Timestamp::MAX)
            .await
            .unwrap()
            .len(),
        1
    );
    std::fs::rename(&away, &stays).unwrap();
    world.advance(HOUR);
    world.run_job("backup").await;
    assert_eq!(
        world
            .store()
            .backups_before(Timestamp::MAX)
            .await
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drill_finds_the_newest_sound_and_then_damaged_and_metrics_tell_its_age() {
    let world = keeping(3).await;
    let told = world.run_job("restore_drill").await;
    assert_eq!(told, "there is no backup to restore");
    world.run_job("backup").await;
    let told = world.run_job("restore_drill").await;
    assert!(told.contains("sound: begun at"), "{told}");
    world.advance(HOUR);
    let (_, metrics) = world.get("/metrics").await;
    for line in [
        "qiao_backup_age_seconds 3600",
        "qiao_restore_drill_age_seconds 3600",
        "qiao_backups_damaged 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let folder = world.beside("data/backups");
    let file = folder.join(&names(&folder)[0]);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let failed = world.daemon().parts.timetable.run("restore_drill").await;
    let failed = failed.unwrap_err().to_string();
    assert!(failed.contains("is damaged: "), "{failed}");
    let book = world.text("SELECT drill_outcome || ' ' || drill_detail FROM backup");
    assert!(book.await.starts_with("damaged "));
    let (_, metrics) = world.get("/metrics").await;
    assert!(metrics.contains("qiao_backups_damaged 1"), "{metrics}");
    let left = names(&world.beside("data"));
    assert!(!left.iter().any(|name| name.contains("drill")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_tells_until_when_a_backup_stands() {
    let world = keeping(2).await;
    world.run_job("backup").await;
    world.advance(HOUR);
    world.run_job("backup").await;
    world.back_up("mine.tar").await;
    let standing = world.store().backups_before(Timestamp::MAX).await.unwrap();
    let now = world.clock.now();
    let day = SignedDuration::from_hours(24);
    let nightly = Schedule::parse("every 1 d", &TimeZone::UTC).unwrap();
    let expires = |path: &str, keep| {
        let backup = standing.iter().find(|it| it.path.ends_with(path)).unwrap();
        let at = expires_at(backup, &standing, keep, &nightly, now);
        at.map(|at| at.duration_since(now))
    };
    let (older, newer) = ("qiao-20261123T080003Z.tar", "qiao-20261123T090003Z.tar");
    assert_eq!(expires(older, 2), Some(day), "the next one pushes it out");
    assert_eq!(expires(newer, 2), Some(2 * day));
    assert_eq!(expires(older, 7), Some(6 * day));
    assert_eq!(expires("mine.tar", 2), None, "a person deletes it");
    assert_eq!(expires(older, 0), None, "none is made any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_clock_one_is_made_a_night_and_none_with_keep_0() {
    for (keep, made) in [(1, 1), (0, 0)] {
        let world = keeping(keep).await;
        let timetable = world.daemon().parts.timetable.clone();
        for job in ["backup", "reconcile"] {
            // It has run before, so the next night is due.
            sqlx::query(
                "INSERT INTO job_run (job, started_by, started_at, finished_at, outcome)
                 VALUES (?, 'schedule', ?, 1, 'done')",
            )
            .bind(job)
            .bind(world.clock_micros())
            .execute(&mut world.sqlite().await)
            .await
            .unwrap();
        }
        world.advance(HOUR * 11);
        timetable.tick().await;
        timetable.drained(crate::world::PATIENCE).await;
        let count = world.count("SELECT count(*) FROM backup").await;
        assert_eq!(count, made, "keep = {keep}");
    }
}
