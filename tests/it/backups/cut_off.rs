//! `kill -9` in the middle: under the final name stands the whole or nothing.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::names;
use crate::commands::qiao;
use crate::world::{PATIENCE, World};

/// SIGXFSZ: the file grew larger than was allowed.
const TOO_LARGE: i32 = 25;

fn binary(world: &World, program: &str) -> Command {
    let mut command = Command::new(program);
    command.kill_on_drop(true).stderr(Stdio::null());
    command.current_dir(world.folder.path());
    command
}

/// A pipe at the address of a medium, instead of a file: who reads it waits.
async fn pipe_at(world: &World, address: &str) -> std::path::PathBuf {
    sqlx::query(
        "INSERT INTO media (message_id, kind, state, sha256, bytes, mime, settled_at)
         VALUES (1, 'image', 'stored', ?, 9, 'image/png', 0)",
    )
    .bind(address)
    .execute(&mut world.sqlite().await)
    .await
    .unwrap();
    let folder = world.beside("data/media").join(&address[..2]);
    std::fs::create_dir_all(&folder).unwrap();
    let pipe = folder.join(&address[2..]);
    let made = Command::new("mkfifo").arg(&pipe).status().await.unwrap();
    assert!(made.success());
    pipe
}

/// Returns once somebody reads the pipe.
async fn is_read(pipe: &Path) {
    let pipe = pipe.to_owned();
    let opened = tokio::task::spawn_blocking(move || {
        std::fs::OpenOptions::new().write(true).open(pipe).unwrap()
    });
    tokio::time::timeout(PATIENCE, opened)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_leaves_nothing_under_its_name_and_the_next_is_whole() {
    let mut world = World::new().await;
    world.customer().await;
    world.stop().await;
    let pipe = pipe_at(&world, &"cd".repeat(32)).await;
    let file = world.beside("all.tar");
    let mut child = binary(&world, env!("CARGO_BIN_EXE_qiao"))
        .args(["--config", world.config_file().to_str().unwrap(), "backup"])
        .arg(&file)
        .spawn()
        .unwrap();
    is_read(&pipe).await;
    assert!(
        world.beside("all.tar.unfinished").exists(),
        "it is under way"
    );
    child.kill().await.unwrap();
    assert!(!file.exists());
    std::fs::remove_file(pipe).unwrap();
    let told = qiao(&world, &["backup", file.to_str().unwrap()]).await;
    told.says("1 media are missing");
    world.restore(&file, &["--check"]).await.says("sound");
    let left = names(world.folder.path());
    assert_eq!(left, ["all.tar", "data", "qiao.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_leaves_the_old_database_and_the_next_is_whole() {
    let mut world = World::new().await;
    let openid = world.talking_customer().await;
    let file = world.back_up("all.tar").await;
    world.say(&openid, "said later");
    world.settled().await;
    world.stop().await;
    let database = world.beside("data/qiao.db");
    let before = std::fs::read(&database).unwrap();
    // So much fits a file, and then the process dies of it.
    let killed = binary(&world, "sh")
        .args(["-c", "ulimit -c 0; ulimit -f 64; exec \"$0\" \"$@\""])
        .args([env!("CARGO_BIN_EXE_qiao"), "--config"])
        .arg(world.config_file())
        .args(["restore", "--replace"])
        .arg(&file)
        .status()
        .await
        .unwrap();
    assert_eq!(killed.signal(), Some(TOO_LARGE), "{killed:?}");
    assert!(world.beside("data/qiao.db.unfinished").exists());
    assert_eq!(std::fs::read(&database).unwrap(), before);
    world.start().await;
    let later = "SELECT count(*) FROM message WHERE text = 'said later'";
    assert_eq!(world.count(later).await, 1);
    world.stop().await;
    world.restore(&file, &["--replace"]).await.says("restored");
    world.start().await;
    assert_eq!(world.count(later).await, 0);
    let left = names(&world.beside("data"));
    assert!(!left.iter().any(|it| it.contains("unfinished")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_after_it_was_decided_is_finished_by_the_daemon() {
    let mut world = World::new().await;
    let openid = world.talking_customer().await;
    let file = world.back_up("all.tar").await;
    world.say(&openid, "said later");
    world.settled().await;
    world.stop().await;
    // What stands on the disk between the decision and the first of the renames that follow.
    let decided = world.beside("data/qiao.db.restoring/new");
    std::fs::create_dir_all(&decided).unwrap();
    qiao::backup::read(&file, Some(&decided)).unwrap();
    qiao_reads_nothing(&world).await;
    world.start().await;
    let later = "SELECT count(*) FROM message WHERE text = 'said later'";
    assert_eq!(world.count(later).await, 0, "the new one stands");
    let left = names(&world.beside("data"));
    assert!(left.iter().any(|it| it.contains(".replaced-")), "{left:?}");
    assert!(!left.iter().any(|it| it.contains(".restoring")), "{left:?}");
}

async fn qiao_reads_nothing(world: &World) {
    let told = crate::commands::qiao(world, &["mapping", "list"]).await;
    told.fails(1, "a restore of ");
}
