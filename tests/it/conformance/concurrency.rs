//! Many at once: nothing lost, nothing twice, nothing half.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qiao::store::{Arrived, Job, Moment, NextState, StoreError};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::Way;
use super::rows::{Room, done, effect, effects, follower, linked, nothing, push, to_say};
use super::stand::{Asked, Stand, asked, handed};

/// Senders, and pushes of each. Every push comes twice.
const SENDERS: usize = 8;
const PUSHES: usize = 40;

/// Those who claim and settle at once.
const CLAIMERS: usize = 4;

pub async fn copies_that_arrive_at_the_same_moment_have_one_effect(way: &Way) {
    let room = Room::new(way).await;
    let mut copies = JoinSet::new();
    for _ in 0..20 {
        let store = room.store.clone();
        copies.spawn(async move { store.arrive(push("m:7", effects([effect("a")]))).await });
    }
    let answers = copies.join_all().await.into_iter();
    let new = answers.filter(|a| matches!(a, Ok(Arrived::New { .. })));
    assert_eq!(new.count(), 1);
    assert_eq!(room.claim().await.len(), 1);
}

/// Whoever claims is told that they have seen that commit: what it queued must be among what they get.
pub async fn a_claim_gets_what_an_operator_queued_in_the_same_commit(way: &Way) {
    let (stand, store) = Stand::opened(way).await;
    let way = way.clone();
    let room = Room { store, way };
    stand.let_on();
    room.queue([effect("a")]).await;
    let id = room.run(NextState::Dead).await;
    stand.gathering(&room.store).await;
    let (engine, ask) = (room.store.clone(), room.ask(10));
    let claim = asked(async move { engine.turn([].into(), vec![ask]).await }).await;
    let operator = room.store.clone();
    let retry = asked(async move { operator.retry(id).await }).await;
    let batch = stand.batch_at(Moment::Written).await;
    assert_eq!((batch.claims, batch.others), (1, 1), "one commit");
    stand.let_on();
    assert!(retry.await.unwrap());
    let turned = claim.await.unwrap();
    let claimed: Vec<i64> = turned.jobs.iter().map(|job| job.id).collect();
    assert_eq!(claimed, [id]);
    assert_eq!(turned.seen, *room.store.wake().borrow());
}

/// Each sender pushes in a lane of its own, every push twice, while others claim and settle.
pub async fn every_acknowledged_push_is_delivered_once_and_in_order(way: &Way) {
    let room = Arc::new(Room::new(way).await);
    let delivered = Arc::new(Mutex::new(Vec::new()));
    let mut claimers = JoinSet::new();
    for _ in 0..CLAIMERS {
        claimers.spawn(deliver(room.clone(), delivered.clone()));
    }
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        senders.spawn(send(room.clone(), sender));
    }
    let acknowledged: BTreeSet<i64> = senders.join_all().await.into_iter().flatten().collect();
    claimers.join_all().await;

    let delivered = delivered.lock().await;
    let pushes: Vec<i64> = delivered.iter().filter_map(|job| job.inbox_id).collect();
    assert_eq!(acknowledged.len(), SENDERS * PUSHES);
    assert_eq!(pushes.len(), acknowledged.len(), "none twice");
    assert_eq!(pushes.into_iter().collect::<BTreeSet<_>>(), acknowledged);
    let mut lanes: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for job in delivered.iter() {
        lanes.entry(&job.lane).or_default().push(job.id);
    }
    assert_eq!(lanes.len(), SENDERS);
    for (lane, ids) in lanes {
        assert!(ids.is_sorted(), "{lane} lost its order: {ids:?}");
    }
    assert_eq!(room.store.queue_state().await.unwrap().open, 0);
    let attempts = room.number("SELECT count(*) FROM attempt").await;
    assert_eq!(attempts.unsigned_abs(), (SENDERS * PUSHES) as u64);
}

/// Pushes in order, each twice, and gives the rows that were acknowledged as new.
async fn send(room: Arc<Room>, sender: usize) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    for number in 0..PUSHES {
        let copy = || {
            let effect = effect(&format!("lane-{sender}"));
            room.arrive(push(&format!("m:{sender}-{number}"), effects([effect])))
        };
        let (one, other) = tokio::join!(copy(), copy());
        match (one, other) {
            (Arrived::New { inbox_id: new }, Arrived::Duplicate { inbox_id, .. })
            | (Arrived::Duplicate { inbox_id, .. }, Arrived::New { inbox_id: new }) => {
                assert_eq!(new, inbox_id);
                acknowledged.push(new);
            }
            both => panic!("one is new and one is not: {both:?}"),
        }
    }
    acknowledged
}

/// Claims and settles until everything is delivered.
async fn deliver(room: Arc<Room>, delivered: Arc<Mutex<Vec<Job>>>) {
    let mut wake = room.store.wake();
    loop {
        wake.mark_unchanged();
        let jobs = room.claim_as(room.ask(3)).await;
        if jobs.is_empty() {
            if delivered.lock().await.len() == SENDERS * PUSHES {
                return;
            }
            wake.changed().await.unwrap();
        }
        for job in jobs {
            // Before its settlement, after which the next of its lane may run.
            delivered.lock().await.push(job.clone());
            room.settle(job, done()).await;
        }
    }
}

pub async fn one_claimer_gets_each_row(way: &Way) {
    let room = Arc::new(Room::new(way).await);
    let lanes = (0..100).map(|lane| effect(&format!("lane-{lane}")));
    room.write(effects(lanes)).await;
    let mut claimers = JoinSet::new();
    for _ in 0..30 {
        let room = room.clone();
        claimers.spawn(async move { room.claim_as(room.ask(7)).await });
    }
    let claimed = claimers.join_all().await.into_iter().flatten();
    let ids: Vec<i64> = claimed.map(|job| job.id).collect();
    assert_eq!(ids.len(), 100);
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), 100);
}

pub async fn readers_see_whole_commits_only(way: &Way) {
    let (stand, store) = Stand::opened(way).await;
    let anna = follower('a');
    let mut changes = to_say(&anna, "one");
    changes.mappings.push(linked(&anna, 7));
    stand.at_next(Moment::Written);
    let writing = {
        let (store, changes) = (store.clone(), changes);
        tokio::spawn(async move { store.write(changes).await })
    };
    let seen = async || {
        let message = store.message_of(1).await.unwrap().is_some();
        let effect = store.outbox_row(1).await.unwrap().is_some();
        let mapping = store.mapping(&anna).await.unwrap().is_some();
        [message, effect, mapping]
    };
    stand.reached().await;
    assert_eq!(seen().await, [false; 3], "written, but not committed");
    stand.at_next(Moment::Committed);
    stand.reached().await;
    assert_eq!(seen().await, [true; 3], "committed, but nobody is answered");
    stand.let_on();
    writing.await.unwrap().unwrap();

    let writers = (0..4).map(|_| {
        let store = store.clone();
        async move {
            for _ in 0..25 {
                let message_and_effect = to_say(&follower('a'), "more");
                store.write(message_and_effect).await.unwrap();
            }
        }
    });
    let writing = tokio::spawn(writers.collect::<JoinSet<()>>().join_all());
    while !writing.is_finished() {
        let apart = "SELECT (SELECT count(*) FROM message) - (SELECT count(*) FROM outbox)";
        assert_eq!(way.number(apart).await, 0);
    }
    writing.await.unwrap();
}

pub async fn a_full_queue_refuses_at_once_and_keeps_what_it_took(way: &Way) {
    let (stand, store) = Stand::opened(way).await;
    stand.gathering(&store).await;
    let mut taken: Vec<Asked<_>> = Vec::new();
    let refused = loop {
        assert!(taken.len() < 10_000, "{} wait in memory", taken.len());
        let arrival = push(&format!("m:{}", taken.len()), nothing());
        let arriving = store.clone();
        match handed(async move { arriving.arrive(arrival).await }).await {
            Ok(refused) => break refused,
            Err(waiting) => taken.push(waiting),
        }
    };
    assert!(
        matches!(refused, Err(StoreError::Overloaded)),
        "{refused:?}"
    );
    assert!(taken.len() > 1000, "only {} were taken", taken.len());
    // Whoever does not come again waits for a place instead.
    let waiting = asked({
        let store = store.clone();
        async move { store.write(effects([effect("a")])).await }
    })
    .await;
    stand.let_on();
    let accepted = taken.len();
    for arrival in taken {
        // On a slow machine some are told too late; what was taken is written all the same.
        let answer = arrival.await;
        assert!(
            matches!(answer, Ok(_) | Err(StoreError::Stalled)),
            "{answer:?}"
        );
    }
    waiting.await.unwrap();
    let there = way.number("SELECT count(*) FROM inbox").await;
    assert_eq!(there.unsigned_abs(), accepted as u64);
    let next = store.arrive(push("m:next", nothing())).await;
    assert!(matches!(next, Ok(Arrived::New { .. })), "{next:?}");
}

pub async fn what_can_wait_is_told_when_senders_do(way: &Way) {
    let (stand, store) = Stand::opened(way).await;
    assert!(!store.is_pressed());
    stand.gathering(&store).await;
    let mut waiting = Vec::new();
    for number in 0..100 {
        let (store, arrival) = (store.clone(), push(&format!("m:{number}"), nothing()));
        waiting.push(asked(async move { store.arrive(arrival).await }).await);
    }
    stand.let_on();
    for arrival in waiting {
        arrival.await.unwrap();
    }
    assert!(store.is_pressed());
    store.arrive(push("m:alone", nothing())).await.unwrap();
    assert!(!store.is_pressed());
}
