//! What `qiao doctor` asks of a store.

use std::time::Duration;

use qiao::domain::rows::MappingState;
use qiao::store::{Arrival, Integrity};

use super::Way;
use super::rows::{Room, effect, follower, held, mapped, mapping_to, nothing, push};

pub async fn the_file_is_described_and_looked_through(way: &Way) {
    let room = Room::new(way).await;
    room.queue([effect("a")]).await;
    let facts = room.store.file_facts().await.unwrap();
    assert_eq!(facts.journal_mode, "wal");
    assert!(facts.bytes > 0 && facts.free_bytes >= 0, "{facts:?}");
    let found = room.store.quick_check(Duration::from_secs(30)).await;
    assert_eq!(found.unwrap(), Integrity::Sound);
}

pub async fn a_look_through_the_file_ends_in_time(way: &Way) {
    let room = Room::new(way).await;
    // A small file may be through before time is looked at; what matters is that the reader is free.
    let found = room.store.quick_check(Duration::ZERO).await.unwrap();
    assert!(!matches!(found, Integrity::Broken(_)), "{found:?}");
    let again = room.store.quick_check(Duration::from_secs(30)).await;
    assert_eq!(again.unwrap(), Integrity::Sound);
}

pub async fn the_newest_row_tells_when_the_clock_was_last_read(way: &Way) {
    let room = Room::new(way).await;
    assert_eq!(room.store.newest().await.unwrap(), None);
    room.arrive(push("m:1", nothing())).await;
    assert_eq!(room.store.newest().await.unwrap(), Some(room.now()));
    room.wait(5);
    room.queue([effect("a")]).await;
    assert_eq!(room.store.newest().await.unwrap(), Some(room.now()));
}

pub async fn traces_of_trouble_are_counted(way: &Way) {
    let room = Room::new(way).await;
    let well = room.store.troubles().await.unwrap();
    assert_eq!(well, qiao::store::Troubles::default());
    for reason in ["window", "uncertain"] {
        room.queue([effect("a")]).await;
        room.run(held(reason)).await;
    }
    for _ in 0..2 {
        room.arrive(push("m:1", nothing())).await;
    }
    let unreadable = Arrival {
        rejected: Some("no JSON".to_owned()),
        ..push("m:2", nothing())
    };
    room.arrive(unreadable).await;
    let unclear = mapping_to(&follower('a'), MappingState::Conflict);
    room.write(mapped(unclear)).await;
    let ill = room.store.troubles().await.unwrap();
    let held: Vec<_> = ill
        .held
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    assert_eq!(held, [("uncertain", 1), ("window", 1)]);
    assert_eq!((ill.conflicts, ill.arrived), (1, 3));
    assert_eq!((ill.rejected, ill.suppressed), (1, 1));
}
