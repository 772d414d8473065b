//! The file itself: restarts, locks, migrations, refusals.

use super::*;

#[tokio::test]
async fn what_ran_when_the_daemon_died_is_uncertain_after_the_restart() {
    let room = room().await;
    room.store
        .write(effects([effect("a"), effect("a")]))
        .await
        .unwrap();
    let cut_off = room.claim().await.remove(0);
    assert_eq!(room.store.recover().await.unwrap(), 1);
    let again = room.claim().await;
    assert_eq!(again.len(), 1, "order holds: the second still waits");
    assert_eq!((again[0].id, again[0].uncertain), (cut_off.id, true));
    assert_eq!(
        room.scalar("SELECT count(*) FROM attempt WHERE verdict = 'uncertain'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_dead_letter_that_is_retried_keeps_its_history() {
    let room = room().await;
    room.store.write(effects([effect("a")])).await.unwrap();
    let job = room.claim().await.remove(0);
    let id = job.id;
    room.settle(job, NextState::Dead).await;
    assert!(room.store.retry(id).await.unwrap());
    assert!(
        !room.store.retry(id).await.unwrap(),
        "it is not dead any more"
    );
    let again = room.claim().await.remove(0);
    assert_eq!((again.attempts, again.tries), (0, 1));
    room.settle(again, NextState::Done { note: None }).await;
    let (row, attempts) = room.store.outbox_row(id).await.unwrap().unwrap();
    assert_eq!(row.state, "done");
    assert_eq!(
        attempts
            .iter()
            .map(|a| a.outcome.as_str())
            .collect::<Vec<_>>(),
        ["failed", "done"]
    );
}

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
async fn while_somebody_holds_the_write_lock_a_push_is_refused_and_later_accepted() {
    let room = room().await;
    let mut person = beside(room.store.path()).await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut person)
        .await
        .unwrap();
    let refused = room.store.arrive(push("m:1", Changes::none())).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    sqlx::query("ROLLBACK").execute(&mut person).await.unwrap();
    let accepted = room.store.arrive(push("m:1", Changes::none())).await;
    assert!(matches!(accepted, Ok(Arrived::New { .. })), "{accepted:?}");
}

#[tokio::test]
async fn one_request_that_sqlite_refuses_does_not_fail_its_neighbours() {
    let room = room().await;
    let bad = NewEffect {
        remote: "local".to_owned(),
        ..effect("a")
    };
    let wrong = Changes {
        snapshots: vec![Snapshot {
            tenant: TenantId::new("main"),
            object_id: ObjectId::new("A"),
            fields: [].into(),
            etag: None,
            changed_at: None,
        }],
        grants: vec![NewGrant {
            follower: follower(),
            trigger: "no such trigger",
            granted_at: Timestamp::UNIX_EPOCH,
            valid_until: Timestamp::UNIX_EPOCH,
            allowed: 1,
        }],
        ..Changes::none()
    };
    let (good, refused) = tokio::join!(room.store.write(effects([bad])), room.store.write(wrong));
    assert!(good.is_ok());
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    assert_eq!(
        room.scalar("SELECT count(*) FROM customer_snapshot").await,
        0
    );
}
