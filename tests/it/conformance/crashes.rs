//! A process that dies at any moment of a commit: before it has begun, written but not committed,
//! committed but nobody answered. What is opened afterwards has all of it, or nothing.

use std::future::Future;

use qiao::domain::rows::{Changes, MappingState, NewGrant, Snapshot};
use qiao::store::{Arrived, Batch, Job, Moment, Settlement};

use super::Way;
use super::rows::{
    Room, customer, done, effect, effects, follower, linked, nothing, push, said, settlement,
    tenant, to_say,
};
use super::stand::{Stand, asked};

const MOMENTS: [Moment; 3] = [Moment::Begun, Moment::Written, Moment::Committed];

/// Lets the process die at each moment of the commit that `act` asks for, and gives `check` what
/// is found then and whether the commit must be there.
async fn dies<Known, Acting>(
    way: &Way,
    prepare: impl AsyncFn(&Room) -> Known,
    act: impl Fn(Room, Known) -> Acting,
    check: impl AsyncFn(Room, bool),
) where
    Acting: Future<Output = ()> + Send + 'static,
{
    for moment in MOMENTS {
        let way = way.to_another();
        let (stand, store) = Stand::opened(&way).await;
        let room = Room {
            store,
            way: way.clone(),
        };
        let known = prepare(&room).await;
        stand.at_next(moment);
        let acting = asked(act(room, known)).await;
        stand.reached().await;
        let found = Room::new(&way.after_a_crash()).await;
        check(found, moment == Moment::Committed).await;
        stand.let_on();
        acting.await;
    }
}

pub async fn an_arrival_is_there_once_it_is_committed(way: &Way) {
    let changes = || Changes {
        messages: vec![said(&follower('a'), "hi")],
        mappings: vec![linked(&follower('a'), 7)],
        ..effects([effect("a")])
    };
    let arrive = |room: Room, ()| {
        let arrival = push("m:1", changes());
        async move { drop(room.arrive(arrival).await) }
    };
    dies(
        way,
        async |_| (),
        arrive,
        async |room, committed| {
            let anna = follower('a');
            let rows = usize::from(committed);
            assert_eq!(room.states(&anna).await.len(), rows);
            assert_eq!(room.claim().await.len(), rows);
            let mapping = room.store.mapping(&anna).await.unwrap();
            assert_eq!(mapping.is_some(), committed);
            let again = room.arrive(push("m:1", nothing())).await;
            assert_eq!(matches!(again, Arrived::Duplicate { .. }), committed);
        },
    )
    .await;
}

/// An effect in the lane `a` that was claimed.
async fn claimed(room: &Room) -> Job {
    room.queue([effect("a")]).await;
    room.claim_one().await
}

/// It was done, its follower is linked and is to be told so.
fn told(room: &Room, job: Job) -> Settlement {
    let anna = follower('a');
    let mut changes = to_say(&anna, "you are customer 7");
    changes.mappings.push(linked(&anna, 7));
    Settlement {
        changes,
        ..settlement(job, done(), room.now())
    }
}

pub async fn a_settlement_is_there_once_it_is_committed(way: &Way) {
    let settle = |room: Room, job| async move {
        let settled = told(&room, job);
        room.store.settle(settled).await.unwrap();
    };
    dies(way, claimed, settle, async |room, committed| {
        let (row, attempts) = room.store.outbox_row(1).await.unwrap().unwrap();
        assert_eq!(row.state, if committed { "done" } else { "running" });
        assert_eq!(attempts.len(), usize::from(committed));
        let mapping = room.store.mapping(&follower('a')).await.unwrap();
        assert_eq!(mapping.is_some(), committed);
        let cut_off = room.store.recover().await.unwrap();
        assert_eq!(cut_off, u64::from(!committed));
        let next = room.claim_one().await;
        assert_eq!(next.uncertain, !committed);
        assert_eq!(next.text.is_some(), committed);
    })
    .await;
}

pub async fn a_claim_is_there_once_it_is_committed(way: &Way) {
    let prepare = async |room: &Room| room.queue([effect("a"), effect("a")]).await;
    let claim = |room: Room, ()| async move { drop(room.claim().await) };
    dies(way, prepare, claim, async |room, committed| {
        let state = room.row(1).await.state;
        assert_eq!(state, if committed { "running" } else { "ready" });
        let cut_off = room.store.recover().await.unwrap();
        assert_eq!(cut_off, u64::from(committed));
        let again = room.claim_one().await;
        assert_eq!((again.id, again.uncertain), (1, committed));
    })
    .await;
}

pub async fn a_change_is_there_once_it_is_committed(way: &Way) {
    let write = |room: Room, ()| async move {
        let changes = Changes {
            mappings: vec![linked(&follower('a'), 7)],
            grants: vec![NewGrant {
                follower: follower('a'),
                trigger: "message",
                granted_at: room.now(),
                valid_until: room.later(60),
                allowed: 5,
            }],
            snapshots: vec![Snapshot {
                tenant: tenant(),
                object_id: customer(7).0,
                fields: [].into(),
                etag: None,
                changed_at: None,
            }],
            ..to_say(&follower('a'), "hello")
        };
        room.write(changes).await;
    };
    dies(
        way,
        async |_| (),
        write,
        async |room, committed| {
            let anna = follower('a');
            let mapping = room.store.mapping(&anna).await.unwrap();
            let snapshot = room.store.snapshot(&tenant(), &customer(7).0).await;
            assert_eq!(mapping.is_some(), committed);
            assert_eq!(snapshot.unwrap().is_some(), committed);
            let rows = usize::from(committed);
            assert_eq!(room.store.grants(&anna).await.unwrap().len(), rows);
            assert_eq!(room.states(&anna).await.len(), rows);
            assert_eq!(room.claim().await.len(), rows);
        },
    )
    .await;
}

pub async fn an_operation_is_there_once_it_is_committed(way: &Way) {
    let prepare = async |room: &Room| room.write(to_say(&follower('a'), "hello")).await;
    let cancel = |room: Room, ()| async move {
        let reason = "not wanted".to_owned();
        assert!(room.store.cancel(1, reason).await.unwrap());
    };
    dies(way, prepare, cancel, async |room, committed| {
        let state = if committed { "cancelled" } else { "queued" };
        assert_eq!(room.states(&follower('a')).await, [state]);
        assert_eq!(room.claim().await.is_empty(), committed);
    })
    .await;
}

pub async fn a_batch_of_all_kinds_is_there_as_a_whole_or_not_at_all(way: &Way) {
    for moment in MOMENTS {
        let way = way.to_another();
        let (stand, store) = Stand::opened(&way).await;
        let room = Room { store, way };
        let job = claimed(&room).await;
        room.queue([effect("b"), effect("c")]).await;
        let settled = told(&room, job);
        let ask = room.ask(1);
        let store = || room.store.clone();
        stand.gathering(&room.store).await;
        let (arriving, turning, writing, cancelling) = (store(), store(), store(), store());
        let written = Changes {
            mappings: vec![linked(&follower('w'), 8)],
            ..nothing()
        };
        let asking = [
            asked(async move { arriving.arrive(push("m:1", nothing())).await.is_ok() }).await,
            asked(async move { writing.write(written).await.is_ok() }).await,
            asked(async move { turning.turn([settled].into(), vec![ask]).await.is_ok() }).await,
            asked(async move { cancelling.cancel(3, "no".to_owned()).await.is_ok() }).await,
        ];
        let batch = Batch {
            arrivals: 1,
            settlements: 1,
            claims: 1,
            others: 2,
        };
        assert_eq!(stand.batch_at(moment).await, batch);

        let found = Room::new(&room.way.after_a_crash()).await;
        let mapping = found.store.mapping(&follower('w')).await.unwrap();
        let linked = found.store.mapping(&follower('a')).await.unwrap();
        let there = [
            found.store.inbox_body(1).await.unwrap().is_some(),
            found.row(1).await.state == "done",
            linked.is_some_and(|mapping| mapping.state == MappingState::Linked),
            mapping.is_some(),
            found.row(2).await.state == "running",
            found.row(3).await.state == "cancelled",
        ];
        assert_eq!(there, [moment == Moment::Committed; 6]);
        stand.let_on();
        for answer in asking {
            assert!(answer.await);
        }
    }
}
