//! Pushes and notifications: one commit each, and what comes again.

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
async fn a_reread_that_has_not_started_takes_in_the_next_notification() {
    let room = room().await;
    let reread = || NewEffect {
        merge: true,
        ..effect("object:main:1")
    };
    room.store.write(effects([reread()])).await.unwrap();
    room.store.write(effects([reread()])).await.unwrap();
    assert_eq!(room.scalar("SELECT count(*) FROM outbox").await, 1);
    let running = room.claim().await;
    room.store.write(effects([reread()])).await.unwrap();
    assert_eq!(
        room.scalar("SELECT count(*) FROM outbox").await,
        2,
        "a running one has read already"
    );
    drop(running);
}
