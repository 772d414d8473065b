//! Copies of the database for backups, and the book in which backups stand.

use jiff::{SignedDuration, Timestamp};
use qiao::store::{BackupKind, BackupState, Copied, NewBackup, OpenError, StoredToken, TokenKind};

use super::Way;
use super::rows::{Room, account, effect, effects, push};

impl Room {
    /// A copy of its database, in a folder of its own.
    async fn copied(&self) -> (tempfile::TempDir, Copied) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("copy.db");
        self.store.copy_to(&file).await.unwrap();
        (folder, Copied::open(&file).await.unwrap())
    }

    fn made(&self, name: &str, kind: BackupKind) -> NewBackup {
        NewBackup {
            path: format!("/backups/{name}.tar"),
            kind,
            created_at: self.now(),
            bytes: 2048,
            sha256: "0a".repeat(32),
            missing_media: 0,
        }
    }
}

pub async fn a_copy_holds_one_moment_and_no_token(way: &Way) {
    let room = Room::new(way).await;
    let value = "token-that-no-backup-may-hold";
    let token = StoredToken {
        value: value.into(),
        fetched_at: room.now(),
        expires_at: room.now() + SignedDuration::from_hours(2),
    };
    let replaced = room
        .store
        .replace_token(&account(), TokenKind::AccessToken, None, token)
        .await;
    replaced.unwrap();
    room.arrive(push("m:1", effects([effect("a")]))).await;
    let (folder, mut copied) = room.copied().await;
    room.arrive(push("m:2", effects([effect("a")]))).await;
    let contents = copied.contents().await.unwrap();
    assert_eq!(contents.schema, Copied::newest_schema());
    assert_eq!(contents.rows["inbox"], 1);
    assert_eq!(contents.rows["outbox"], 1);
    assert_eq!(copied.fault().await.unwrap(), None);
    let holds_token = |path: &std::path::Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(value.len()).any(|it| it == value.as_bytes())
    };
    assert!(
        holds_token(copied.path()),
        "as long as it was not taken out"
    );
    copied.forget_tokens().await.unwrap();
    copied.close().await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "one file is the whole copy: {files:?}");
    assert!(!holds_token(&files[0].as_ref().unwrap().path()));
    assert_eq!(way.number("SELECT count(*) FROM account_token").await, 1);
}

pub async fn what_a_copy_has_still_to_do_is_doubted_but_for_its_own_decisions(way: &Way) {
    let room = Room::new(way).await;
    let mut local = effect("in:main");
    local.remote = "local".into();
    room.write(effects([effect("a"), local])).await;
    room.claim_one().await;
    room.write(effects([effect("b")])).await;
    let (_folder, mut copied) = room.copied().await;
    assert_eq!(copied.doubt().await.unwrap(), 2);
    let path = copied.path().to_owned();
    copied.close().await.unwrap();
    let doubted = "SELECT group_concat(lane || ' ' || uncertain) FROM outbox";
    let doubted: String = sqlx::query_scalar(doubted)
        .fetch_one(&mut crate::world::open(&path).await)
        .await
        .unwrap();
    assert_eq!(doubted, "a 1,in:main 0,b 1");
    let here = way.number("SELECT count(*) FROM outbox WHERE uncertain = 1");
    assert_eq!(here.await, 0, "the database itself is left alone");
}

pub async fn a_copy_that_is_no_database_or_of_a_newer_qiao_is_told(way: &Way) {
    let room = Room::new(way).await;
    way.does(
        "INSERT INTO media (message_id, kind, state, sha256, bytes, mime, settled_at)
         SELECT 1, 'image', 'stored', replace(hex(zeroblob(32)), '0', value), 3, 'image/png', 0
         FROM json_each('[\"b\",\"a\",\"b\"]')",
    )
    .await;
    let (folder, mut copied) = room.copied().await;
    let addresses = copied.media_after("", 10).await.unwrap();
    assert_eq!(addresses, ["a".repeat(64), "b".repeat(64)]);
    let rest = copied.media_after(&addresses[0], 10).await.unwrap();
    assert_eq!(rest, addresses[1..]);
    copied.close().await.unwrap();
    let nonsense = folder.path().join("nonsense.db");
    std::fs::write(&nonsense, "nonsense".repeat(1000)).unwrap();
    assert!(Copied::open(&nonsense).await.is_err());
    way.made_by_version(9999).await;
    let newer = folder.path().join("newer.db");
    room.store.copy_to(&newer).await.unwrap();
    let opened = Copied::open(&newer).await;
    assert!(
        matches!(opened, Err(OpenError::Newer { version: 9999, .. })),
        "{opened:?}"
    );
}

pub async fn the_book_of_backups_tells_which_stand_and_how_they_were_tried(way: &Way) {
    let room = Room::new(way).await;
    let store = &room.store;
    assert_eq!(store.backup_state().await.unwrap(), BackupState::default());
    let mut ids = Vec::new();
    let begun = room.now();
    for (name, kind) in [
        ("one", BackupKind::Scheduled),
        ("two", BackupKind::Asked),
        ("three", BackupKind::Scheduled),
    ] {
        ids.push(store.backup_made(room.made(name, kind)).await.unwrap());
        room.wait(60);
    }
    let standing = store.backups_before(Timestamp::MAX).await.unwrap();
    let names: Vec<_> = standing.iter().map(|it| it.path.as_str()).collect();
    let expected = ["/backups/three.tar", "/backups/two.tar", "/backups/one.tar"];
    assert_eq!(names, expected);
    assert!(standing[0].is_scheduled() && !standing[1].is_scheduled());
    let minute = begun + SignedDuration::from_secs(60);
    let before = store.backups_before(minute).await.unwrap();
    assert_eq!(before.len(), 1, "only that which was begun before");
    assert_eq!(before[0].created_at(), begun);
    assert_eq!(before[0].drilled_at(), None);

    let sound = Ok("all of it".to_owned());
    store.backup_drilled(ids[0], sound).await.unwrap();
    let tried_at = room.now();
    room.wait(60);
    let damaged = Err("cut off".to_owned());
    store.backup_drilled(ids[2], damaged).await.unwrap();
    let state = store.backup_state().await.unwrap();
    assert_eq!(
        state.sound_drill_at,
        Some(tried_at),
        "a damaged one proves nothing"
    );
    assert_eq!(state.newest_at, Some(standing[0].created_at()));
    assert_eq!(state.damaged, 1);

    store.backup_gone(ids[2]).await.unwrap();
    let state = store.backup_state().await.unwrap();
    assert_eq!(state.newest_at, Some(standing[1].created_at()));
    assert_eq!(state.damaged, 0);
    assert_eq!(store.backups_before(Timestamp::MAX).await.unwrap().len(), 2);
    assert!(store.knows_backup("/backups/two.tar").await.unwrap());
    assert!(!store.knows_backup("/backups/three.tar").await.unwrap());
}
