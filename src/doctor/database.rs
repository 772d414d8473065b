//! The database: whether it opens, is whole, and is as large as it should be.

use std::path::{Path, PathBuf};

use super::own::Daemon;
use super::row::{Check, Outcome, Row, told};
use super::{Limits, Patient};
use crate::kit::disk::anybody_may_read;
use crate::store::{FileFacts, Integrity, Store};

static OPENS: Check = Check::local(
    "database.opens",
    [
        "The database opens and fits this version",
        "数据库可以打开，且与本版本相符",
    ],
    [
        "do what the message says; `qiao serve` creates and migrates the file",
        "按提示处理；qiao serve 会创建并升级该文件",
    ],
);
static INTEGRITY: Check = Check::local(
    "database.integrity",
    [
        "SQLite finds no damage in the file",
        "SQLite 未发现文件损坏",
    ],
    [
        "stop qiao, keep a copy of the file and its -wal, and restore a backup",
        "停止 qiao，保留该文件及其 -wal 的副本，然后从备份恢复",
    ],
);
static JOURNAL: Check = Check::local(
    "database.journal_mode",
    ["The database is in WAL mode", "数据库处于 WAL 模式"],
    [
        "find out which program changed it, and restart qiao, which sets it again",
        "查明是哪个程序改了模式，并重启 qiao，它会重新设置",
    ],
);
static WAL_SIZE: Check = Check::local(
    "database.wal_size",
    ["The write-ahead log stays small", "预写日志（WAL）保持较小"],
    [
        "end the programs that keep the database open for reading, then restart qiao",
        "结束长时间读取该数据库的程序，然后重启 qiao",
    ],
);
static FREE_PAGES: Check = Check::local(
    "database.free_pages",
    [
        "The file does not hold much empty space",
        "文件中没有过多空闲空间",
    ],
    [
        "stop qiao and run: sqlite3 qiao.db VACUUM",
        "停止 qiao 后执行：sqlite3 qiao.db VACUUM",
    ],
);
static PERMISSIONS: Check = Check::local(
    "database.permissions",
    [
        "Not everybody on this machine may read the database",
        "并非本机所有用户都能读取数据库",
    ],
    [
        "chmod o-rwx the folder of the database",
        "对数据库所在目录执行 chmod o-rwx",
    ],
);
static DAEMON: Check = Check::local(
    "database.daemon",
    [
        "A daemon runs on this database",
        "有守护进程正在使用该数据库",
    ],
    [
        "start `qiao serve`, for example by systemctl start qiao",
        "启动 qiao serve，例如执行 systemctl start qiao",
    ],
);
static WRITES: Check = Check::local(
    "database.writes",
    [
        "The daemon's database takes writes",
        "守护进程可以写入数据库",
    ],
    [
        "see the reason that /readyz gives; until then WeChat and C4C are refused",
        "查看 /readyz 给出的原因；在此之前微信和 C4C 的请求会被拒绝",
    ],
);

pub(super) static CHECKS: &[&Check] = &[
    &OPENS,
    &INTEGRITY,
    &JOURNAL,
    &WAL_SIZE,
    &FREE_PAGES,
    &PERMISSIONS,
    &DAEMON,
    &WRITES,
];

pub(super) async fn examine(patient: &Patient<'_>, daemon: &Daemon) -> Vec<Row> {
    let path = &patient.loaded.config.database.path;
    let mut rows = match &patient.store {
        Ok(store) => inside(store, &patient.limits).await,
        Err(fault) => {
            let fault = fault.to_string();
            let mut rows = vec![OPENS.fails("", told!("{fault}", "{fault}"))];
            let closed = told!("the database does not open", "数据库无法打开");
            let inside = [&INTEGRITY, &JOURNAL, &FREE_PAGES];
            rows.extend(inside.map(|check| check.skips("", closed.clone())));
            rows
        }
    };
    rows.push(wal_size(log_of(path), &patient.limits));
    rows.push(permissions(path));
    rows.push(runs(daemon));
    rows.push(match &daemon.state {
        Some(state) => writes(state.ready, &state.reasons),
        None => WRITES.skips("", told!("no daemon answers", "没有守护进程应答")),
    });
    rows
}

async fn inside(store: &Store, limits: &Limits) -> Vec<Row> {
    let path = store.path().display();
    let mut rows = vec![OPENS.is_ok("", told!("{path}", "{path}"))];
    rows.push(match store.quick_check(limits.quick_check).await {
        Ok(found) => integrity(&found),
        Err(fault) => INTEGRITY.fails("", told!("{fault}", "{fault}")),
    });
    match store.file_facts().await {
        Ok(facts) => rows.extend([journal(&facts), free_pages(&facts, limits)]),
        Err(fault) => {
            let why = told!("{fault}", "{fault}");
            rows.extend([&JOURNAL, &FREE_PAGES].map(|check| check.skips("", why.clone())));
        }
    }
    rows
}

fn integrity(found: &Integrity) -> Row {
    match found {
        Integrity::Sound => INTEGRITY.is_ok("", told!("quick_check: ok", "quick_check：ok")),
        Integrity::Broken(what) => INTEGRITY.fails("", told!("{what}", "{what}")),
        Integrity::Unfinished => INTEGRITY.skips(
            "",
            told!(
                "the file is too large to be looked through now; no damage was seen so far",
                "文件太大，未能在限定时间内检查完；目前未发现损坏"
            ),
        ),
    }
}

fn journal(facts: &FileFacts) -> Row {
    let mode = &facts.journal_mode;
    let outcome = if mode == "wal" {
        Outcome::Ok
    } else {
        Outcome::Failed
    };
    JOURNAL.row(
        "",
        outcome,
        told!("the mode is {mode}", "当前模式为 {mode}"),
    )
}

fn free_pages(facts: &FileFacts, limits: &Limits) -> Row {
    let free = u64::try_from(facts.free_bytes).unwrap_or_default();
    let (free_mib, all_mib) = (free >> 20, facts.bytes >> 20);
    FREE_PAGES.row(
        "",
        Outcome::warning_if(free >= limits.free_pages),
        told!(
            "{free_mib} of {all_mib} MiB are empty",
            "{all_mib} MiB 中有 {free_mib} MiB 空闲"
        ),
    )
}

/// SQLite's log lies beside the file.
fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn wal_size(log: PathBuf, limits: &Limits) -> Row {
    // It is not there while nobody has the database open.
    let bytes = std::fs::metadata(log).map_or(0, |file| file.len());
    let mib = bytes >> 20;
    WAL_SIZE.row(
        "",
        Outcome::above(&bytes, &limits.wal),
        told!("{mib} MiB", "{mib} MiB"),
    )
}

fn permissions(path: &Path) -> Row {
    let shown = path.display();
    match anybody_may_read(path) {
        Ok(true) => PERMISSIONS.warns(
            "",
            told!("everybody may read {shown}", "所有用户都可读 {shown}"),
        ),
        Ok(false) => PERMISSIONS.is_ok(
            "",
            told!("not everybody may read {shown}", "并非所有用户可读 {shown}"),
        ),
        Err(fault) => PERMISSIONS.skips("", told!("{shown}: {fault}", "{shown}：{fault}")),
    }
}

fn runs(daemon: &Daemon) -> Row {
    if daemon.runs() {
        DAEMON.is_ok("", told!("its control socket answers", "控制套接字有应答"))
    } else {
        DAEMON.warns(
            "",
            told!("nobody listens at the control socket", "控制套接字无人监听"),
        )
    }
}

/// Also for `/readyz`.
pub(super) fn writes(ready: bool, reasons: &[String]) -> Row {
    if ready {
        return WRITES.is_ok(
            "",
            told!("an empty commit was written", "已成功写入一次空提交"),
        );
    }
    let reasons = reasons.join(" | ");
    WRITES.fails("", told!("{reasons}", "{reasons}"))
}
