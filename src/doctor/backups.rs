//! Backups: whether the newest is fresh, whole and tried, and whether the next one has a place.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use jiff::Timestamp;

use super::row::{Check, Outcome, Row, told};
use super::{Limits, Patient};
use crate::backup::needed;
use crate::config::{BackupPlan, Config};
use crate::domain::schedule::{Schedule, Since};
use crate::kit::disk;
use crate::store::{StandingBackup, Store, StoreError};

static AGE: Check = Check::local(
    "backups.age",
    ["The newest backup is fresh", "最新的备份是近期的"],
    [
        "see why in `qiao jobs list`, then `qiao jobs run backup`; docs/BACKUP.md tells more",
        "用 qiao jobs list 查看原因，再执行 qiao jobs run backup；详见 docs/BACKUP.md",
    ],
);
static DAMAGED: Check = Check::local(
    "backups.damaged",
    ["No backup is known to be damaged", "没有已知损坏的备份"],
    [
        "look after the disk, run `qiao jobs run backup`, and delete the files that are named",
        "检查磁盘，执行 qiao jobs run backup，并删除所列文件",
    ],
);
static DRILL: Check = Check::local(
    "backups.drill",
    [
        "A backup was lately restored on trial",
        "近期做过备份恢复演练",
    ],
    [
        "`qiao jobs run restore_drill`; if it fails, it tells why",
        "执行 qiao jobs run restore_drill；失败时会说明原因",
    ],
);
static FOLDER: Check = Check::local(
    "backups.folder",
    [
        "The folder of backups can be written, and is for nobody else",
        "备份目录可写，且其他用户无权进入",
    ],
    [
        "let [backup] folder belong to the user who runs qiao, with chmod 700",
        "把 [backup] folder 的属主设为运行 qiao 的用户，并执行 chmod 700",
    ],
);
static SPACE: Check = Check::local(
    "backups.space",
    [
        "The disk has room for the next backup",
        "磁盘有空间存放下一个备份",
    ],
    [
        "free some space, let [backup] folder lie on another disk, or keep fewer",
        "清理磁盘，把 [backup] folder 放到其他磁盘，或减少 keep",
    ],
);

pub(super) static CHECKS: &[&Check] = &[&AGE, &DAMAGED, &DRILL, &FOLDER, &SPACE];

/// Damaged files that are named.
const NAMED: usize = 3;

/// The book of backups, and what lies there of it.
struct Book {
    /// Those whose file is there, or may be; the newest first.
    standing: Vec<StandingBackup>,
    /// When one was last restored on trial and found sound.
    sound_drill_at: Option<Timestamp>,
    /// Since when the jobs are known here; `None` before the first alarm.
    made_since: Option<Timestamp>,
    tried_since: Option<Timestamp>,
}

impl Book {
    async fn read(store: &Store) -> Result<Self, StoreError> {
        let mut standing = store.backups_before(Timestamp::MAX).await?;
        // Where that cannot be told it may be there.
        standing.retain(|it| Path::new(&it.path).try_exists().unwrap_or(true));
        Ok(Self {
            standing,
            sound_drill_at: store.backup_state().await?.sound_drill_at,
            made_since: store.known_since("backup").await?,
            tried_since: store.known_since("restore_drill").await?,
        })
    }
}

pub(super) async fn examine(patient: &Patient<'_>) -> Vec<Row> {
    let config = &patient.loaded.config;
    let (now, limits) = (patient.clock.now(), &patient.limits);
    let book = match &patient.store {
        Ok(store) => Book::read(store).await.map_err(|fault| fault.to_string()),
        Err(_) => Err("the database does not open".to_owned()),
    };
    match book {
        Ok(book) => vec![
            age(&book, config, now, limits),
            damaged(&book.standing),
            drill(&book, config, now, limits),
            folder(config),
            space(config, book.standing.first()),
        ],
        Err(fault) => {
            let why = told!("{fault}", "无法读取数据库：{fault}");
            let unread = [&AGE, &DAMAGED, &DRILL].map(|check| check.skips("", why.clone()));
            let places = [folder(config), space(config, None)];
            unread.into_iter().chain(places).collect()
        }
    }
}

fn schedule<'a>(config: &'a Config, job: &str) -> &'a Schedule {
    config.jobs.of(job).expect("every job stands in JOBS")
}

/// Whether backups are made by the clock at all.
fn are_made(config: &Config) -> bool {
    config.backup.keep > 0 && !schedule(config, "backup").is_off()
}

/// How many moments of a schedule have passed since then; more than `most` are not counted.
fn missed(schedule: &Schedule, since: Timestamp, now: Timestamp, most: usize) -> usize {
    let after = |at: &Timestamp| schedule.next(Since::Ran(*at), now);
    std::iter::successors(after(&since), after)
        .take_while(|at| *at <= now)
        .take(most)
        .count()
}

fn age(book: &Book, config: &Config, now: Timestamp, limits: &Limits) -> Row {
    let newest = book.standing.first();
    let evidence = if let Some(newest) = newest {
        let hours = now.duration_since(newest.created_at()).as_hours();
        told!(
            "the newest was begun {hours} hours ago",
            "最新的备份开始于 {hours} 小时前"
        )
    } else {
        told!("there is no backup", "没有备份")
    };
    if !are_made(config) {
        let [english, chinese] = evidence;
        let why = told!(
            "none is made by the clock; {english}",
            "未启用定时备份；{chinese}"
        );
        return AGE.skips("", why);
    }
    let (since, bounds) = match newest {
        Some(newest) => (newest.created_at(), &limits.backups_missed),
        None => (book.made_since.unwrap_or(now), &limits.first_backup_missed),
    };
    let missed = missed(schedule(config, "backup"), since, now, bounds[1]);
    AGE.row("", Outcome::above(&missed, bounds), evidence)
}

fn damaged(standing: &[StandingBackup]) -> Row {
    let damaged: Vec<&str> = standing
        .iter()
        .filter(|it| it.is_damaged() || has_other_size(it))
        .map(|it| it.path.as_str())
        .collect();
    let (bad, all) = (damaged.len(), standing.len());
    if bad == 0 {
        return DAMAGED.is_ok("", told!("0 of {all}", "{all} 个中有 0 个"));
    }
    let named = damaged[..bad.min(NAMED)].join(", ");
    let outcome = if bad == all {
        Outcome::Failed
    } else {
        Outcome::Warning
    };
    let evidence = told!("{bad} of {all}: {named}", "{all} 个中有 {bad} 个：{named}");
    DAMAGED.row("", outcome, evidence)
}

/// It was cut, or something was written behind its end. What else is wrong only a trial finds.
fn has_other_size(backup: &StandingBackup) -> bool {
    let there = fs::metadata(&backup.path);
    there.is_ok_and(|it| it.len() != backup.bytes.unsigned_abs())
}

fn drill(book: &Book, config: &Config, now: Timestamp, limits: &Limits) -> Row {
    let rhythm = schedule(config, "restore_drill");
    if book.standing.is_empty() {
        return DRILL.is_ok("", told!("there is no backup to try", "没有可供演练的备份"));
    }
    if rhythm.is_off() {
        let why = told!("the job restore_drill is off", "任务 restore_drill 已关闭");
        return DRILL.skips("", why);
    }
    let [warns, fails] = limits.backups_missed;
    let Some(at) = book.sound_drill_at else {
        // The first backup may be of today, so this alone is no failure.
        let missed = missed(rhythm, book.tried_since.unwrap_or(now), now, warns);
        let never = told!(
            "no trial has found a backup sound yet",
            "尚无演练证明备份完好"
        );
        return DRILL.row("", Outcome::warning_if(missed >= warns), never);
    };
    let days = now.duration_since(at).as_hours() / 24;
    let evidence = told!(
        "{days} days ago one was found sound",
        "{days} 天前的演练证明备份完好"
    );
    let missed = missed(rhythm, at, now, fails);
    DRILL.row("", Outcome::above(&missed, &[warns, fails]), evidence)
}

fn folder(config: &Config) -> Row {
    let BackupPlan { folder, .. } = &config.backup;
    let subject = folder.display().to_string();
    if !are_made(config) {
        return FOLDER.skips(&subject, not_made());
    }
    if !folder.exists() {
        return match disk::try_to_write(existing(folder)) {
            Ok(_) => FOLDER.is_ok(
                &subject,
                told!("the first backup makes it", "第一次备份时会创建"),
            ),
            Err(fault) => FOLDER.fails(
                &subject,
                told!("it cannot be made: {fault}", "无法创建：{fault}"),
            ),
        };
    }
    let looked = fs::metadata(folder).and_then(|it| disk::try_to_write(folder).map(|_| it));
    let found = match looked {
        Ok(found) => found,
        Err(fault) => return FOLDER.fails(&subject, told!("{fault}", "{fault}")),
    };
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return FOLDER.warns(&subject, told!("its mode is {mode:o}", "其权限为 {mode:o}"));
    }
    // No warning: many copy the files away, which cannot be seen from here.
    let beside = fs::metadata(&config.database.path).is_ok_and(|it| it.dev() == found.dev());
    let evidence = if beside {
        told!(
            "on the same disk as the database: copy them away",
            "与数据库在同一磁盘：请另外复制一份"
        )
    } else {
        told!("not on the database's disk", "不在数据库所在的磁盘上")
    };
    FOLDER.is_ok(&subject, evidence)
}

fn space(config: &Config, newest: Option<&StandingBackup>) -> Row {
    let BackupPlan { folder, .. } = &config.backup;
    let subject = folder.display().to_string();
    if !are_made(config) {
        return SPACE.skips(&subject, not_made());
    }
    let free = match disk::room(existing(folder)) {
        Ok(room) => room.bytes,
        Err(fault) => return SPACE.fails(&subject, told!("{fault}", "{fault}")),
    };
    let last = newest.map_or(0, |it| it.bytes.unsigned_abs());
    let needed = needed(&config.database.path, last);
    let (free_mib, needed_mib) = (free >> 20, needed >> 20);
    let evidence = told!(
        "{free_mib} MiB are left, {needed_mib} are needed",
        "剩余 {free_mib} MiB，需要 {needed_mib} MiB"
    );
    let outcome = if free < needed {
        Outcome::Failed
    } else {
        Outcome::Ok
    };
    SPACE.row(&subject, outcome, evidence)
}

/// What a folder that does not exist yet will lie in.
fn existing(folder: &Path) -> &Path {
    let mut above = folder.ancestors();
    above.find(|it| it.exists()).unwrap_or(folder)
}

fn not_made() -> super::row::Told {
    told!("none is made by the clock", "未启用定时备份")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn moments_that_passed_are_counted_and_no_more_than_asked_for() {
        let nightly = Schedule::parse("15 2 * * *", &TimeZone::UTC).unwrap();
        let off = Schedule::parse("off", &TimeZone::UTC).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let begun = at("2026-11-23T02:15:03Z");
        for (now, passed) in [
            ("2026-11-23T02:15:03Z", 0),
            ("2026-11-24T02:14:59Z", 0),
            ("2026-11-24T02:15:00Z", 1),
            ("2026-11-25T02:15:00Z", 2),
            ("2027-11-25T02:15:00Z", 7),
            // The clock was set back: nothing was missed by what is to come.
            ("2026-11-23T01:00:00Z", 0),
        ] {
            assert_eq!(missed(&nightly, begun, at(now), 7), passed, "{now}");
        }
        assert_eq!(missed(&off, begun, at("2027-11-25T02:15:00Z"), 7), 0);
    }
}
