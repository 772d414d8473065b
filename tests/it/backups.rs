//! Backups: made while pushes arrive, restored, kept in number, and tried.

mod cut_off;
mod damage;
mod forged;
mod litestream;
mod replicated;
mod rotation;

use std::path::{Path, PathBuf};
use std::time::Duration;

use qiao::control::Command;
use qiao_sim::fault::Kind;
use qiao_sim::wechat::{Reply, Via};

use crate::commands::{Told, qiao};
use crate::steps::CUSTOM_SEND;
use crate::world::World;

impl World {
    /// A path in the story's folder.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `qiao backup NAME`, carried out by the daemon; returns the file.
    pub async fn back_up(&self, name: &str) -> PathBuf {
        let file = self.beside(name);
        self.command(Command::Backup { file: file.clone() }).await;
        file
    }

    /// `qiao restore …`
    pub async fn restore(&self, file: &Path, options: &[&str]) -> Told {
        let words = [&["restore", file.to_str().unwrap()], options].concat();
        qiao(self, &words).await
    }
}

/// What lies in a folder, by name.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const SAID: &str = "SELECT count(*) FROM message WHERE text LIKE 'before %'";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acknowledged_before_a_backup_is_missing_after_its_restore() {
    let mut world = World::new().await;
    let openid = world.talking_customer().await;
    for number in 0..20 {
        let push = world.say(&openid, &format!("before {number}"));
        world.while_time_passes(world.answered(push)).await;
    }
    // These arrive while it is made.
    let during: Vec<_> = (0..20)
        .map(|number| world.say(&openid, &format!("during {number}")))
        .collect();
    let file = world.back_up("all.tar").await;
    for push in during {
        let answer = world.while_time_passes(world.answered(push)).await;
        assert_eq!(answer, Reply::Success, "nobody waits for a backup");
    }
    world.say(&openid, "after");
    world.settled().await;
    world.stop().await;
    std::fs::write(world.beside("data/qiao.db"), "what a broken disk leaves").unwrap();

    world.restore(&file, &[]).await.fails(1, "--replace");
    let told = world.restore(&file, &["--replace"]).await;
    told.says("restored: sound");
    told.says("qiao.db.replaced-");
    world.start().await;
    assert_eq!(world.count(SAID).await, 20);
    let after = "SELECT count(*) FROM message WHERE text = 'after'";
    assert_eq!(world.count(after).await, 0);
    let linked = "SELECT count(*) FROM mapping WHERE state = 'linked'";
    assert_eq!(world.count(linked).await, 1);
    let push = world.say(&openid, "it goes on");
    assert_eq!(
        world.while_time_passes(world.answered(push)).await,
        Reply::Success
    );
    world.settled().await;
    let audit = world.text("SELECT who || ' ' || act FROM audit ORDER BY id DESC LIMIT 1");
    let uid = rustix::process::getuid().as_raw();
    assert_eq!(audit.await, format!("wang (uid {uid}) restore"));
    let aside: Vec<_> = names(&world.beside("data"));
    let aside = aside
        .iter()
        .find(|name| name.contains(".replaced-"))
        .unwrap();
    let old = std::fs::read(world.beside("data").join(aside).join("qiao.db")).unwrap();
    assert_eq!(
        old, b"what a broken disk leaves",
        "it was moved, not deleted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_for_its_owner_only_overwrites_nothing_and_holds_no_token() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().await;
    world.talking_customer().await;
    let token = world.text("SELECT value FROM account_token").await;
    let file = world.back_up("all.tar").await;
    let bytes = std::fs::read(&file).unwrap();
    let holds = |piece: &str| bytes.windows(piece.len()).any(|it| it == piece.as_bytes());
    assert!(holds("hello"), "it holds what was said");
    assert!(!holds(&token));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = qiao(&world, &["backup", file.to_str().unwrap()]).await;
    again.fails(1, "exists; choose another name");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(names(world.folder.path()), ["all.tar", "data", "qiao.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_daemon_a_backup_is_made_too_and_restores_to_an_empty_place() {
    let mut world = World::new().await;
    world.customer().await;
    world.stop().await;
    let file = world.beside("all.tar");
    let told = qiao(&world, &["backup", file.to_str().unwrap()]).await;
    told.says("sha256");
    std::fs::rename(world.beside("data"), world.beside("lost")).unwrap();
    world.restore(&file, &["--check"]).await.says("1 mappings");
    assert_eq!(
        names(&world.beside("data")),
        [""; 0],
        "nothing is left of a trial"
    );
    let told = world.restore(&file, &[]).await;
    told.says("restored: sound");
    assert!(!told.out.contains("replaced"), "{told:?}");
    world.start().await;
    assert_eq!(world.count("SELECT count(*) FROM mapping").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_is_refused_beside_a_daemon_and_from_what_is_newer_or_no_backup() {
    let mut world = World::new().await;
    world.customer().await;
    let file = world.back_up("all.tar").await;
    let told = world.restore(&file, &["--replace"]).await;
    told.fails(1, "is in use by another qiao");
    world.restore(&file, &["--check"]).await.says("sound");
    let newer = forged::of_a_newer_qiao(&file).await;
    world.stop().await;
    let before = std::fs::read(world.beside("data/qiao.db")).unwrap();
    for options in [&["--replace"][..], &["--check"]] {
        world
            .restore(&newer, options)
            .await
            .fails(1, "of schema 9999");
        let nothing = world.restore(&world.beside("gone.tar"), options).await;
        nothing.fails(1, "No such file");
        let toml = world.restore(&world.config_file(), options).await;
        toml.fails(1, "is damaged");
    }
    assert_eq!(std::fs::read(world.beside("data/qiao.db")).unwrap(), before);
    let left = names(&world.beside("data"));
    assert!(
        left.iter()
            .all(|it| !it.contains("unfinished") && !it.contains("check")),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_done_since_the_backup_is_not_done_again() {
    let mut world = World::new().await;
    let openid = world.talking_customer().await;
    let busy = Kind::Status {
        status: 503,
        html: false,
        retry_after: None,
    };
    world.wechat_fails(CUSTOM_SEND, busy);
    world.send(&openid, "Only once.").await;
    world.settled().await;
    let file = world.back_up("all.tar").await;
    world.advance(Duration::from_mins(10));
    world.until_seen(&openid, "Only once.").await;
    world.settled().await;
    world.stop().await;
    let told = world.restore(&file, &["--replace"]).await;
    told.says("1 effects may have been done since the backup");
    world.start().await;
    world.settled().await;
    let held = world.text("SELECT held_reason FROM outbox WHERE state = 'held'");
    assert_eq!(held.await, "uncertain");
    let seen = world.seen_by(&openid, Via::Custom);
    let once = seen.iter().filter(|text| *text == "Only once.").count();
    assert_eq!(once, 1, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn media_come_back_and_those_that_are_missing_are_told_and_do_no_harm() {
    let mut world = World::new().await;
    world.customer().await;
    let media = &world.daemon().parts.context.media;
    let kept = media.put(b"a picture".to_vec()).await.unwrap().sha256;
    for address in [kept.clone(), "ab".repeat(32)] {
        sqlx::query(
            "INSERT INTO media (message_id, kind, state, sha256, bytes, mime, settled_at)
             VALUES (1, 'image', 'stored', ?, 9, 'image/png', 0)",
        )
        .bind(address)
        .execute(&mut world.sqlite().await)
        .await
        .unwrap();
    }
    let file = world.beside("all.tar");
    let told = qiao(&world, &["backup", file.to_str().unwrap()]).await;
    told.says("1 media, ");
    told.says(&"ab".repeat(32));
    let book = "SELECT missing_media FROM v_backup WHERE state = 'standing'";
    assert_eq!(world.count(book).await, 1);
    world.stop().await;
    std::fs::remove_dir_all(world.beside("data")).unwrap();
    let told = world.restore(&file, &[]).await;
    told.says(&format!("not in the backup: media {}", "ab".repeat(32)));
    world.start().await;
    let media = &world.daemon().parts.context.media;
    assert_eq!(media.get(&kept).await.unwrap(), b"a picture");
}
