//! One writer, one version at a time, and nothing lost between two openings.

use qiao::domain::rows::Changes;
use qiao::store::{Arrived, Moment, OpenError, StoreError};

use super::Way;
use super::rows::{Room, effect, effects, follower, nothing, push, said};
use super::stand::{Stand, asked};

pub async fn a_second_writer_is_refused_until_the_first_is_gone(way: &Way) {
    let room = Room::new(way).await;
    let second = way.try_open(None).await;
    assert!(matches!(second, Err(OpenError::InUse(_))), "{second:?}");
    room.store.close().await;
    way.try_open(None).await.unwrap();
}

pub async fn a_reader_beside_the_writer_sees_what_is_committed_and_cannot_write(way: &Way) {
    let room = Room::new(way).await;
    let reader = way.try_read().await.unwrap();
    room.write(effects([effect("a")])).await;
    assert!(reader.outbox_row(1).await.unwrap().is_some());
    assert_eq!(reader.path(), room.store.path());
    assert!(reader.is_read_only() && !room.store.is_read_only());
    let refused = reader.write(nothing()).await;
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
}

pub async fn there_is_nothing_to_read_where_nothing_was_written(way: &Way) {
    let opened = way.try_read().await;
    assert!(matches!(opened, Err(OpenError::Missing(_))), "{opened:?}");
}

pub async fn a_database_of_a_newer_qiao_is_refused(way: &Way) {
    Room::new(way).await.store.close().await;
    way.made_by_version(9999).await;
    for opened in [way.try_open(None).await, way.try_read().await] {
        assert!(
            matches!(opened, Err(OpenError::Newer { version: 9999, .. })),
            "{opened:?}"
        );
    }
}

pub async fn a_database_of_an_older_qiao_is_not_read_before_it_is_migrated(way: &Way) {
    Room::new(way).await.store.close().await;
    way.made_by_version(0).await;
    let opened = way.try_read().await;
    assert!(matches!(opened, Err(OpenError::Older(_))), "{opened:?}");
}

/// No migration leads from version 0 to ours, so the migration itself fails: that is what the
/// copy is for.
pub async fn a_copy_is_kept_before_anything_is_migrated(way: &Way) {
    let room = Room::new(way).await;
    room.write(effects([effect("a")])).await;
    room.store.close().await;
    way.made_by_version(0).await;
    let opened = way.try_open(None).await;
    assert!(opened.is_err(), "{opened:?}");
    let copy = way.copy_before_migration().expect("a copy");
    assert_eq!(copy.number("SELECT count(*) FROM outbox").await, 1);
}

pub async fn what_was_acknowledged_is_there_after_a_drop_without_close(way: &Way) {
    let room = Room::new(way).await;
    let first = room.arrive(push("m:1", effects([effect("a")]))).await;
    assert_eq!(first, Arrived::New { inbox_id: 1 });
    drop(room);
    let room = Room::new(way).await;
    let again = room.arrive(push("m:1", effects([effect("a")]))).await;
    assert!(
        matches!(again, Arrived::Duplicate { inbox_id: 1, .. }),
        "{again:?}"
    );
    let next = room.arrive(push("m:2", effects([effect("a")]))).await;
    assert_eq!(next, Arrived::New { inbox_id: 3 }, "ids go on");
    assert_eq!(room.claim_one().await.id, 1, "and so does the order");
}

pub async fn no_id_is_given_twice_although_the_newest_rows_were_deleted(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for text in ["first", "second"] {
        let changes = Changes {
            messages: vec![said(&anna, text)],
            ..nothing()
        };
        room.write(changes).await;
    }
    let forgets = vec![anna.clone()];
    room.write(Changes {
        forgets,
        ..nothing()
    })
    .await;
    assert_eq!(room.number("SELECT count(*) FROM message").await, 0);
    drop(room);
    let room = Room::new(way).await;
    let changes = Changes {
        messages: vec![said(&anna, "third")],
        ..nothing()
    };
    room.write(changes).await;
    let newest = "SELECT id FROM message";
    assert_eq!(
        room.number(newest).await,
        3,
        "what spoke of 1 speaks of nobody else"
    );
}

pub async fn closing_writes_what_is_queued_and_refuses_what_comes_later(way: &Way) {
    let (stand, store) = Stand::opened(way).await;
    stand.gathering(&store).await;
    let mut queued = Vec::new();
    for number in 0..20 {
        let store = store.clone();
        let arrival = push(&format!("m:{number}"), nothing());
        queued.push(asked(async move { store.arrive(arrival).await }).await);
    }
    let closing = asked({
        let store = store.clone();
        async move { store.close().await }
    })
    .await;
    let too_late = store.clone();
    let too_late = asked(async move { too_late.arrive(push("m:late", nothing())).await }).await;
    assert_eq!(stand.batch_at(Moment::Begun).await.arrivals, 20);
    stand.let_on();
    closing.await;
    for arrival in queued {
        arrival.await.unwrap();
    }
    assert!(matches!(too_late.await, Err(StoreError::Closed)));
    let later = store.write(nothing()).await;
    assert!(matches!(later, Err(StoreError::Closed)), "{later:?}");
    assert_eq!(way.number("SELECT count(*) FROM inbox").await, 20);
    assert!(way.is_whole());
    way.try_open(None).await.expect("the lock was given back");
}
