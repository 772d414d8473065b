//! Beside Litestream: what it does to a database, done by hand, disturbs nobody. It holds a read
//! transaction so that the log is not begun anew, copies the log, and checkpoints by itself.

use sqlx::Connection as _;

use crate::world::{World, open};

async fn reads(connection: &mut sqlx::SqliteConnection) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM message");
    count.fetch_one(connection).await.unwrap()
}

async fn checkpoint(world: &World) -> (i64, i64, i64) {
    let mut somebody = world.sqlite().await;
    let done = sqlx::query_as("PRAGMA wal_checkpoint(RESTART)");
    done.fetch_one(&mut somebody).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_for_long_and_checkpoints_keeps_nobody_from_being_heard() {
    let mut world = World::new().await;
    let openid = world.talking_customer().await;
    let mut reader = world.sqlite().await;
    sqlx::query("BEGIN").execute(&mut reader).await.unwrap();
    let seen = reads(&mut reader).await;
    for number in 0..30 {
        let push = world.say(&openid, &format!("before {number}"));
        world.while_time_passes(world.answered(push)).await;
    }
    world.settled().await;
    let (busy, ..) = checkpoint(&world).await;
    assert_eq!(busy, 1, "the reader keeps the log from being begun anew");
    assert_eq!(reads(&mut reader).await, seen, "it sees its own moment");

    // The file and its log, copied while the reader holds them, are the database.
    let copy = world.beside("copy.db");
    std::fs::copy(world.beside("data/qiao.db"), &copy).unwrap();
    let log = world.beside("copy.db-wal");
    std::fs::copy(world.beside("data/qiao.db-wal"), log).unwrap();
    sqlx::query("COMMIT").execute(&mut reader).await.unwrap();
    reader.close().await.unwrap();
    let (busy, ..) = checkpoint(&world).await;
    assert_eq!(busy, 0, "and lets go of it");
    let push = world.say(&openid, "it goes on");
    world.while_time_passes(world.answered(push)).await;
    world.settled().await;

    let mut copied = open(&copy).await;
    assert_eq!(reads(&mut copied).await, seen + 30);
    let check: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut copied)
        .await
        .unwrap();
    assert_eq!(check, "ok");
    world.stop().await;
    assert_eq!(world.count(super::SAID).await, 30);
}
