//! The disk under the database and the media.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Limits;
use super::row::{Check, Outcome, Row, told};
use crate::config::Config;
use crate::kit::disk::{self, Room};

static SPACE: Check = Check::local(
    "disk.space",
    ["The disk has room", "磁盘有足够空间"],
    [
        "free some space or enlarge the disk; when it is full, WeChat and C4C are refused",
        "清理或扩容磁盘；写满后微信和 C4C 的请求会被拒绝",
    ],
);
static FILES: Check = Check::local(
    "disk.files",
    [
        "The disk has room for more files",
        "磁盘还能创建更多文件（inode）",
    ],
    [
        "remove files that nobody needs, or make a file system with more inodes",
        "删除不需要的文件，或改用 inode 更多的文件系统",
    ],
);
static WRITABLE: Check = Check::local(
    "disk.writable",
    ["The folder can be written", "目录可写"],
    [
        "check that it is a folder of the user who runs qiao, and how the disk is mounted",
        "确认它是运行 qiao 的用户的目录，并检查磁盘挂载方式",
    ],
);
static SYNC: Check = Check::local(
    "disk.sync",
    ["The disk keeps a commit quickly", "磁盘能快速落盘"],
    [
        "use a faster disk or one that is not shared; every push waits for one sync",
        "改用更快或独占的磁盘；每条推送都要等待一次落盘",
    ],
);

pub(super) static CHECKS: &[&Check] = &[&SPACE, &FILES, &WRITABLE, &SYNC];

pub(super) fn examine(config: &Config, limits: &Limits) -> Vec<Row> {
    let data = folder_of(&config.database.path);
    let media = data.join("media");
    let mut rows = look(&data, limits);
    // It is made at the first start.
    if media.exists() {
        rows.extend(look(&media, limits));
    }
    rows
}

/// The folder that a database lies in.
pub(super) fn folder_of(database: &Path) -> PathBuf {
    database.parent().unwrap_or(Path::new("/")).to_owned()
}

fn look(folder: &Path, limits: &Limits) -> Vec<Row> {
    let mut rows = space(folder, &disk::room(folder), limits);
    rows.extend(written(folder, &disk::try_to_write(folder), limits));
    rows
}

/// Also for `/readyz`.
pub(super) fn space(folder: &Path, room: &io::Result<Room>, limits: &Limits) -> Vec<Row> {
    let subject = folder.display().to_string();
    let room = match room {
        Ok(room) => room,
        Err(fault) => return vec![SPACE.fails(&subject, told!("{fault}", "{fault}"))],
    };
    let mib = room.bytes >> 20;
    let outcome = Outcome::below(&room.bytes, &limits.disk_bytes);
    let mut rows = vec![SPACE.row(
        &subject,
        outcome,
        told!("{mib} MiB are left", "剩余 {mib} MiB"),
    )];
    if let Some(files) = room.files {
        let outcome = Outcome::below(&files, &limits.disk_files);
        let evidence = told!("{files} files may still be made", "还可创建 {files} 个文件");
        rows.push(FILES.row(&subject, outcome, evidence));
    }
    rows
}

fn written(folder: &Path, took: &io::Result<Duration>, limits: &Limits) -> [Row; 2] {
    let subject = folder.display().to_string();
    match took {
        Ok(took) => {
            let ms = took.as_millis();
            [
                WRITABLE.is_ok(&subject, told!("a file was written", "已成功写入一个文件")),
                SYNC.row(
                    &subject,
                    Outcome::above(took, &limits.sync),
                    told!("a small file took {ms} ms", "写入一个小文件用时 {ms} 毫秒"),
                ),
            ]
        }
        Err(fault) => [
            WRITABLE.fails(&subject, told!("{fault}", "{fault}")),
            SYNC.skips(&subject, told!("nothing can be written", "无法写入")),
        ],
    }
}
