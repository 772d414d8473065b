//! What is acknowledged is on disk, once.

use super::*;

#[tokio::test]
async fn a_push_its_message_and_its_effect_are_one_commit_and_point_at_each_other() {
    let room = room().await;
    let changes = Changes {
        messages: vec![said("你好")],
        ..effects([effect("a")])
    };
    let arrived = room.store.arrive(push("m:1", changes)).await.unwrap();
    assert_eq!(arrived, Arrived::New { inbox_id: 1 });
    assert_eq!(
        room.scalar(
            "SELECT count(*) FROM message m JOIN inbox i ON i.id = m.inbox_id
                     JOIN outbox o ON o.inbox_id = i.id WHERE m.text = '你好' AND o.head = 1"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn a_push_that_comes_again_gets_the_stored_answer_and_no_second_effect() {
    let room = room().await;
    room.store
        .arrive(push("m:1", effects([effect("a")])))
        .await
        .unwrap();
    let again = room
        .store
        .arrive(push("m:1", effects([effect("a")])))
        .await
        .unwrap();
    let answer = Answer::Stored("<xml>hello</xml>".to_owned());
    assert_eq!(
        again,
        Arrived::Duplicate {
            inbox_id: 1,
            answer
        }
    );
    assert_eq!(room.scalar("SELECT count(*) FROM outbox").await, 1);
    assert_eq!(room.scalar("SELECT count(*) FROM v_duplicate").await, 1);
}

#[tokio::test]
async fn copies_that_arrive_at_the_same_moment_have_one_effect() {
    let room = room().await;
    let copies = (0..20).map(|_| {
        let store = room.store.clone();
        tokio::spawn(async move {
            store
                .arrive(push("m:7", effects([effect("a")])))
                .await
                .unwrap()
        })
    });
    let mut new = 0;
    for copy in copies.collect::<Vec<_>>() {
        new += usize::from(matches!(copy.await.unwrap(), Arrived::New { .. }));
    }
    assert_eq!(new, 1);
    assert_eq!(room.scalar("SELECT count(*) FROM outbox").await, 1);
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
