//! Backups: whether there are any, whether they are new, and whether one was ever restored.

use jiff::Timestamp;

use super::row::{Check, Outcome, Row, told};
use super::{Limits, Patient};
use crate::config::Config;
use crate::domain::schedule::Since;
use crate::kit::disk::anybody_may_read;
use crate::store::BackupState;

static AGE: Check = Check::local(
    "backups.age",
    ["There is a backup of lately", "有近期的备份"],
    [
        "see `qiao jobs list`, and make one with `qiao jobs run backup`",
        "查看 qiao jobs list，并用 qiao jobs run backup 备份一次",
    ],
);
static DRILL: Check = Check::local(
    "backups.drill",
    [
        "A backup was restored on trial lately",
        "近期试恢复过备份",
    ],
    [
        "run `qiao jobs run restore_drill`, or `qiao restore --check FILE`",
        "执行 qiao jobs run restore_drill，或 qiao restore --check FILE",
    ],
);
static SOUND: Check = Check::local(
    "backups.sound",
    ["No backup was found damaged", "没有发现损坏的备份"],
    [
        "make another one on another disk with `qiao backup FILE`, and look at this disk",
        "用 qiao backup FILE 在另一块磁盘上重新备份，并检查本磁盘",
    ],
);
static PRIVATE: Check = Check::local(
    "backups.private",
    [
        "Not everybody on this machine may read backups",
        "并非本机所有用户都能读取备份",
    ],
    [
        "chmod o-rwx the folder of the backups",
        "对备份所在目录执行 chmod o-rwx",
    ],
);

pub(super) static CHECKS: &[&Check] = &[&AGE, &DRILL, &SOUND, &PRIVATE];

pub(super) async fn examine(patient: &Patient<'_>) -> Vec<Row> {
    let config = &patient.loaded.config;
    let state = match &patient.store {
        Ok(store) => store.backup_state().await.map_err(|fault| fault.to_string()),
        Err(fault) => Err(fault.to_string()),
    };
    let mut rows = match state {
        Ok(state) => {
            let now = patient.clock.now();
            let limits = &patient.limits;
            vec![
                age(&state, config, limits, now),
                drill(&state, config, limits, now),
                sound(&state),
            ]
        }
        Err(fault) => {
            let why = told!("{fault}", "{fault}");
            [&AGE, &DRILL, &SOUND].map(|check| check.skips("", why.clone())).into()
        }
    };
    rows.push(private(config));
    rows
}

/// How a job's last result stands, by when the next was due.
fn by_plan(
    config: &Config,
    job: &str,
    last: Timestamp,
    limits: &Limits,
    now: Timestamp,
) -> Outcome {
    let schedule = config.jobs.of(job);
    let due = schedule.and_then(|schedule| schedule.next(Since::Ran(last), last));
    due.map_or(Outcome::Ok, |due| {
        Outcome::above(&now.duration_since(due), &limits.backup_late)
    })
}

fn age(state: &BackupState, config: &Config, limits: &Limits, now: Timestamp) -> Row {
    match state.newest_at {
        _ if config.backup.keep == 0 => {
            AGE.is_ok("", told!("keep = 0: qiao makes none", "keep = 0：qiao 不做备份"))
        }
        None => AGE.warns("", told!("there is none yet", "尚无备份")),
        Some(at) => {
            let outcome = by_plan(config, "backup", at, limits, now);
            AGE.row("", outcome, told!("the newest is of {at}", "最新备份：{at}"))
        }
    }
}

fn drill(state: &BackupState, config: &Config, limits: &Limits, now: Timestamp) -> Row {
    match (state.newest_at, state.sound_drill_at) {
        (None, _) => DRILL.is_ok("", told!("there is no backup to try", "没有可试恢复的备份")),
        (Some(at), None) => {
            // The first one is tried within the week.
            let outcome = by_plan(config, "restore_drill", at, limits, now);
            DRILL.row("", outcome, told!("none was tried yet", "尚未试恢复过"))
        }
        (Some(_), Some(at)) => {
            let outcome = by_plan(config, "restore_drill", at, limits, now);
            DRILL.row("", outcome, told!("tried and sound at {at}", "{at} 试恢复成功"))
        }
    }
}

fn sound(state: &BackupState) -> Row {
    match state.damaged {
        0 => SOUND.is_ok("", told!("none", "没有")),
        damaged => SOUND.fails("", told!("{damaged} are damaged", "{damaged} 个已损坏")),
    }
}

fn private(config: &Config) -> Row {
    let folder = &config.backup.folder;
    let shown = folder.display();
    if !folder.exists() {
        return PRIVATE.is_ok("", told!("{shown} is not there yet", "{shown} 尚不存在"));
    }
    match anybody_may_read(folder) {
        Ok(true) => PRIVATE.warns(
            "",
            told!("everybody may read {shown}", "所有用户都可读 {shown}"),
        ),
        Ok(false) => PRIVATE.is_ok(
            "",
            told!("not everybody may read {shown}", "并非所有用户可读 {shown}"),
        ),
        Err(fault) => PRIVATE.skips("", told!("{shown}: {fault}", "{shown}：{fault}")),
    }
}
