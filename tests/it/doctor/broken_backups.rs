//! What is wrong with the backups: late, damaged, never tried, open to others, without a place.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use qiao::control::Command;
use qiao::doctor::Outcome::{Failed, Skipped, Warning};
use qiao::doctor::{Outcome, Row};

use super::ward::{Ward, stories};
use crate::world::PATIENCE;

const DAY: Duration = Duration::from_hours(24);

impl Ward {
    fn backups(&self) -> PathBuf {
        self.database().with_file_name("backups")
    }

    /// The only backup that lies there.
    fn backup(&self) -> PathBuf {
        let mut files = std::fs::read_dir(self.backups()).unwrap();
        files.next().unwrap().unwrap().path()
    }

    /// The timetable has met all jobs, and what was due at once has run.
    async fn alarm(&self) {
        let timetable = self.world.daemon().parts.timetable.clone();
        timetable.tick().await;
        timetable.drained(PATIENCE).await;
    }

    async fn row(&self, id: &str) -> Row {
        let mut rows = self.examine().await.into_iter();
        rows.find(|row| row.check.id == id).unwrap()
    }

    async fn outcome(&self, id: &str) -> Outcome {
        self.row(id).await.outcome
    }
}

stories! {
    backups_age Warning |ward| {
        ward.world.run_job("backup").await;
        ward.clock.advance(2 * DAY);
    }
    backups_damaged Failed |ward| {
        ward.world.run_job("backup").await;
        let mut file = File::options().write(true).open(ward.backup()).unwrap();
        file.seek(SeekFrom::Start(5000)).unwrap();
        file.write_all(b"a bad sector").unwrap();
        let name = "restore_drill".to_owned();
        ward.world.operate(Command::JobRun { name }).await.unwrap_err();
    }
    backups_drill Warning |ward| {
        ward.world.run_job("backup").await;
        ward.world.run_job("restore_drill").await;
        ward.clock.advance(15 * DAY);
    }
    backups_folder Warning |ward| {
        ward.world.run_job("backup").await;
        ward.allow("data/backups", 0o750);
    }
    backups_space Failed |ward| {
        ward.world.stop().await;
        // A log of four terabytes that takes no room: it must fit twice, and no disk here is so large.
        let log = ward.database().with_file_name("qiao.db-wal");
        File::create(log).unwrap().set_len(4 << 40).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_late_for_a_week_and_one_that_was_never_made_are_failures() {
    let ward = Ward::new().await;
    ward.alarm().await;
    assert_eq!(
        ward.outcome("backups.age").await,
        Outcome::Ok,
        "no night yet"
    );
    ward.clock.advance(DAY);
    assert_eq!(ward.outcome("backups.age").await, Warning, "after one");
    ward.clock.advance(DAY);
    assert_eq!(ward.outcome("backups.age").await, Failed, "after two");
    ward.world.advance(2 * DAY);
    ward.world.run_job("backup").await;
    for (more, outcome) in [
        (0, Outcome::Ok),
        (1, Outcome::Ok),
        (1, Warning),
        (5, Failed),
    ] {
        ward.clock.advance(more * DAY);
        assert_eq!(ward.outcome("backups.age").await, outcome, "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_whose_file_is_gone_is_none_whatever_the_book_says() {
    let ward = Ward::new().await;
    ward.alarm().await;
    ward.world.run_job("backup").await;
    std::fs::remove_file(ward.backup()).unwrap();
    ward.clock.advance(2 * DAY);
    let row = ward.row("backups.age").await;
    assert_eq!(row.outcome, Failed);
    assert_eq!(row.evidence[0], "there is no backup");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_damaged_backup_beside_a_good_one_is_a_warning_and_is_named() {
    let ward = Ward::new().await;
    ward.world.run_job("backup").await;
    let cut = ward.backup();
    let file = File::options().write(true).open(&cut).unwrap();
    // No trial has found it yet: its size tells.
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    ward.world.advance(DAY);
    ward.world.run_job("backup").await;
    let row = ward.row("backups.damaged").await;
    assert_eq!(row.outcome, Warning);
    let expected = format!("1 of 2: {}", cut.display());
    assert_eq!(row.evidence[0], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_nobody_ever_tried_is_a_warning_after_two_sundays() {
    let ward = Ward::new().await;
    ward.alarm().await;
    ward.world.run_job("backup").await;
    ward.clock.advance(7 * DAY);
    assert_eq!(ward.outcome("backups.drill").await, Outcome::Ok);
    ward.clock.advance(7 * DAY);
    assert_eq!(ward.outcome("backups.drill").await, Warning);
    ward.clock.advance(50 * DAY);
    assert_eq!(ward.outcome("backups.drill").await, Warning);
    // One that was tried, and not for so long, is a failure.
    ward.world.run_job("restore_drill").await;
    ward.clock.advance(50 * DAY);
    assert_eq!(ward.outcome("backups.drill").await, Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_place_of_the_folder_is_a_failure() {
    let ward = Ward::new().await;
    std::fs::write(ward.backups(), "").unwrap();
    ward.shows("backups_folder", Failed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_made_is_a_failure_before_the_first_night() {
    let mut ward = Ward::new().await;
    // Root may write into any folder but those of the kernel.
    ward.change(
        "[database]",
        "[backup]\nfolder = \"/proc/backups/qiao\"\n[database]",
    );
    ward.shows("backups_folder", Failed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_backups_by_the_clock_is_not_bothered() {
    for (from, to) in [
        ("[database]", "[backup]\nkeep = 0\n[database]"),
        (
            "[database]",
            "[jobs]\nbackup.schedule = \"off\"\n[database]",
        ),
    ] {
        let mut ward = Ward::new().await;
        ward.alarm().await;
        ward.change(from, to);
        ward.clock.advance(30 * DAY);
        for id in ["backups.age", "backups.folder", "backups.space"] {
            assert_eq!(ward.outcome(id).await, Skipped, "{id} with {to}");
        }
        assert_eq!(ward.outcome("backups.drill").await, Outcome::Ok);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_has_nothing_to_do_is_not_late() {
    let mut ward = Ward::new().await;
    ward.world.run_job("index").await;
    ward.world.run_job("backup").await;
    ward.world.advance(2 * DAY);
    let late = ward.row("queue.jobs_late").await;
    assert_eq!(late.evidence[0], "backup", "nothing is left to be found");
    let none = "[backup]\nkeep = 0\n[database]";
    ward.world.reconfigure("[database]", none);
    ward.world.stop().await;
    ward.world.start().await;
    let late = ward.row("queue.jobs_late").await;
    assert_eq!(
        (late.outcome, late.evidence[0].as_str()),
        (Outcome::Ok, "none")
    );
}
