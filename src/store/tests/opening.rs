//! One daemon, one version at a time.

use super::*;

#[tokio::test]
async fn a_second_daemon_on_the_same_file_refuses_to_start() {
    let room = room().await;
    let again = Store::open(room.store.path(), Arc::new(room.clock.clone())).await;
    assert!(matches!(again, Err(OpenError::InUse(_))), "{again:?}");
}

#[tokio::test]
async fn an_older_binary_refuses_a_newer_database() {
    let room = room().await;
    let other = room.folder.path().join("copy.db");
    sqlx::query("VACUUM INTO ?")
        .bind(other.display().to_string())
        .execute(&mut beside(room.store.path()).await)
        .await
        .unwrap();
    let mut newer = beside(&other).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'future', 1, x'00', 0)",
    )
    .execute(&mut newer)
    .await
    .unwrap();
    newer.close().await.unwrap();
    let opened = Store::open(&other, Arc::new(room.clock.clone())).await;
    assert!(
        matches!(opened, Err(OpenError::Newer { version: 9999, .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn a_closed_database_is_one_file() {
    let room = room().await;
    room.store.write(Changes::none()).await.unwrap();
    room.store.close().await;
    let mut log = room.store.path().as_os_str().to_owned();
    log.push("-wal");
    let left = std::fs::metadata(log).map_or(0, |log| log.len());
    assert_eq!(left, 0, "what was written stands in the file itself");
}
