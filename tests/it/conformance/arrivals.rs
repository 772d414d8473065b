//! What is acknowledged is written, once.

use jiff::Timestamp;
use qiao::domain::ids::ObjectId;
use qiao::domain::rows::{Changes, NewGrant, Snapshot, StoredAnswer};
use qiao::store::{Answer, Arrival, Arrived, Dedupe, Moment, Source, StoreError};

use tokio::task::JoinSet;

use super::Way;
use super::rows::{Room, effect, effects, follower, nothing, push, said, tenant};
use super::stand::{Stand, asked};

fn the_same(inbox_id: i64) -> Arrived {
    let answer = Answer::Stored("<xml>hello</xml>".to_owned());
    Arrived::Duplicate { inbox_id, answer }
}

pub async fn a_push_its_message_and_its_effect_are_one_commit_and_point_at_each_other(way: &Way) {
    let room = Room::new(way).await;
    let changes = Changes {
        messages: vec![said(&follower('a'), "你好")],
        ..effects([effect("a")])
    };
    assert!(!room.store.has_arrivals().await.unwrap());
    let arrived = room.arrive(push("m:1", changes)).await;
    assert_eq!(arrived, Arrived::New { inbox_id: 1 });
    assert!(room.store.has_arrivals().await.unwrap());
    let linked = "SELECT count(*) FROM message m JOIN inbox i ON i.id = m.inbox_id
         JOIN outbox o ON o.inbox_id = i.id WHERE m.text = '你好' AND o.state = 'ready'";
    assert_eq!(room.number(linked).await, 1);
    let body = room.store.inbox_body(1).await.unwrap();
    assert_eq!(body.as_deref(), Some("<xml/>"));
    assert_eq!(room.store.inbox_body(2).await.unwrap(), None);
}

pub async fn a_push_that_comes_again_gets_the_stored_answer_and_no_second_effect(way: &Way) {
    let room = Room::new(way).await;
    room.arrive(push("m:1", effects([effect("a")]))).await;
    let again = room.arrive(push("m:1", effects([effect("a")]))).await;
    assert_eq!(again, the_same(1));
    assert_eq!(room.claim().await.len(), 1);
    assert_eq!(room.number("SELECT count(*) FROM v_duplicate").await, 1);
}

pub async fn copies_in_one_batch_have_one_effect(way: &Way) {
    let (stand, store) = Stand::opened(way).await;
    stand.gathering(&store).await;
    let mut copies = Vec::new();
    for _ in 0..3 {
        let store = store.clone();
        let copy = async move { store.arrive(push("m:1", effects([effect("a")]))).await };
        copies.push(asked(copy).await);
    }
    assert_eq!(stand.batch_at(Moment::Begun).await.arrivals, 3);
    stand.let_on();
    let mut answers = Vec::new();
    for copy in copies {
        answers.push(copy.await.unwrap());
    }
    let first = Arrived::New { inbox_id: 1 };
    assert_eq!(answers, [first, the_same(1), the_same(1)]);
    assert_eq!(way.number("SELECT count(*) FROM outbox").await, 1);
}

pub async fn only_the_same_key_of_the_same_sender_and_account_is_a_duplicate(way: &Way) {
    let room = Room::new(way).await;
    let key = |key: &str, remote: &str, sender: char| Arrival {
        dedupe: Some(Dedupe {
            key: key.into(),
            remote: remote.into(),
            sender: follower(sender).openid.as_str().into(),
        }),
        ..push("", nothing())
    };
    for arrival in [
        key("m:1", "main", 'a'),
        key("m:2", "main", 'a'),
        key("m:1", "other", 'a'),
        key("m:1", "main", 'b'),
        key("m:1", "main", 'A'),
    ] {
        let arrived = room.arrive(arrival.clone()).await;
        assert!(matches!(arrived, Arrived::New { .. }), "{arrival:?}");
    }
    assert_eq!(room.arrive(key("m:1", "main", 'b')).await, the_same(4));
}

pub async fn without_a_key_nothing_is_taken_for_a_duplicate(way: &Way) {
    let room = Room::new(way).await;
    for inbox_id in 1..=2 {
        let notification = Arrival {
            source: Source::C4c,
            dedupe: None,
            ..push("", nothing())
        };
        let arrived = room.arrive(notification).await;
        assert_eq!(arrived, Arrived::New { inbox_id });
    }
}

pub async fn what_could_not_be_read_is_kept_with_its_reason(way: &Way) {
    let room = Room::new(way).await;
    let rejected = Arrival {
        source: Source::C4c,
        remote: "c4c".into(),
        openid: None,
        object_id: Some(ObjectId::new("A1")),
        dedupe: None,
        rejected: Some("no ObjectID".to_owned()),
        answer: Answer::None,
        ..push("", effects([effect("sweep:c4c")]))
    };
    let arrived = room.arrive(rejected).await;
    assert_eq!(arrived, Arrived::New { inbox_id: 1 });
    assert_eq!(room.store.rejected("c4c").await.unwrap(), 1);
    assert_eq!(room.store.rejected("other").await.unwrap(), 0);
    assert_eq!(room.claim_one().await.inbox_id, Some(1));
    let why = "SELECT count(*) FROM inbox WHERE state = 'rejected' AND reason = 'no ObjectID'";
    assert_eq!(room.number(why).await, 1);
}

pub async fn a_pending_answer_is_told_once_it_is_known(way: &Way) {
    let room = Room::new(way).await;
    let pending = |key: &str| Arrival {
        answer: Answer::Pending,
        ..push(key, nothing())
    };
    let answered = |inbox_id, answer: Option<&str>| Changes {
        answers: vec![StoredAnswer {
            inbox_id,
            answer: answer.map(str::to_owned),
        }],
        ..nothing()
    };
    room.arrive(pending("m:1")).await;
    room.arrive(pending("m:2")).await;
    let again = room.arrive(pending("m:1")).await;
    let (inbox_id, answer) = (1, Answer::Pending);
    assert_eq!(again, Arrived::Duplicate { inbox_id, answer });
    assert_eq!(room.store.answer(1).await.unwrap(), Answer::Pending);
    room.write(answered(1, Some("<xml>hello</xml>"))).await;
    room.write(answered(1, Some("too late"))).await;
    room.write(answered(2, None)).await;
    assert_eq!(room.arrive(pending("m:1")).await, the_same(1));
    let told = Answer::Stored("<xml>hello</xml>".to_owned());
    assert_eq!(room.store.answer(1).await.unwrap(), told);
    assert_eq!(room.store.answer(2).await.unwrap(), Answer::None);
}

pub async fn a_suppressed_push_is_released_once_with_what_follows_from_it(way: &Way) {
    let room = Room::new(way).await;
    for _ in 0..3 {
        room.arrive(push("e:1", nothing())).await;
    }
    let listed = room.store.duplicates(10).await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|row| (row.id, row.duplicate_of))
        .collect();
    assert_eq!(listed, [(3, 1), (2, 1)], "the newest first");
    assert_eq!(room.store.duplicates(1).await.unwrap().len(), 1);
    assert!(room.store.duplicate(1).await.unwrap().is_none());

    let released = room.store.release(2, effects([effect("a")])).await;
    assert!(released.unwrap());
    let again = room.store.release(2, effects([effect("a")])).await;
    assert!(!again.unwrap(), "it is not suppressed any more");
    let first = room.store.release(1, effects([effect("a")])).await;
    assert!(!first.unwrap(), "it never was");
    let duplicate = room.store.duplicate(2).await.unwrap().unwrap();
    assert_eq!(duplicate.state, "released");
    assert_eq!(duplicate.received_at(), room.now());
    assert_eq!(room.claim_one().await.inbox_id, Some(2));
}

pub async fn a_key_is_forgotten_when_it_is_old_enough(way: &Way) {
    let room = Room::new(way).await;
    // More than are forgotten in one commit.
    let mut arriving = JoinSet::new();
    for number in 0..1200 {
        let store = room.store.clone();
        let arrival = push(&format!("m:{number}"), nothing());
        arriving.spawn(async move { store.arrive(arrival).await.unwrap() });
    }
    arriving.join_all().await;
    room.wait(10);
    room.arrive(push("m:new", nothing())).await;
    assert_eq!(room.store.prune_dedupe(room.now()).await.unwrap(), 1200);
    let old = room.arrive(push("m:1", nothing())).await;
    assert!(matches!(old, Arrived::New { .. }), "{old:?}");
    let new = room.arrive(push("m:new", nothing())).await;
    assert_eq!(new, the_same(1201));
}

pub async fn while_somebody_holds_the_write_lock_a_push_is_refused_and_later_accepted(way: &Way) {
    let room = Room::new(way).await;
    let person = way.locked_by_somebody().await;
    let refused = room.store.arrive(push("m:1", nothing())).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    let probed = room.store.probe().await;
    assert!(matches!(probed, Err(StoreError::Busy)), "{probed:?}");
    drop(person);
    let mut accepted = room.store.arrive(push("m:1", nothing())).await;
    while matches!(accepted, Err(StoreError::Busy)) {
        accepted = room.store.arrive(push("m:1", nothing())).await;
    }
    assert!(matches!(accepted, Ok(Arrived::New { .. })), "{accepted:?}");
}

pub async fn one_request_that_the_database_refuses_does_not_fail_its_neighbours(way: &Way) {
    let (stand, store) = Stand::opened(way).await;
    let wrong = Changes {
        snapshots: vec![Snapshot {
            tenant: tenant(),
            object_id: ObjectId::new("A"),
            fields: [].into(),
            etag: None,
            changed_at: None,
        }],
        grants: vec![NewGrant {
            follower: follower('a'),
            trigger: "no such trigger",
            granted_at: Timestamp::UNIX_EPOCH,
            valid_until: Timestamp::UNIX_EPOCH,
            allowed: 1,
        }],
        ..nothing()
    };
    stand.gathering(&store).await;
    let mut requests = Vec::new();
    for (key, changes) in [
        ("m:1", effects([effect("a")])),
        ("m:2", wrong),
        ("m:3", nothing()),
    ] {
        let (store, arrival) = (store.clone(), push(key, changes));
        requests.push(asked(async move { store.arrive(arrival).await }).await);
    }
    assert_eq!(stand.batch_at(Moment::Begun).await.arrivals, 3);
    stand.let_on();
    let mut answers = Vec::new();
    for request in requests {
        answers.push(request.await);
    }
    assert!(matches!(answers[0], Ok(Arrived::New { .. })), "{answers:?}");
    assert!(
        matches!(answers[1], Err(StoreError::Refused(_))),
        "{answers:?}"
    );
    assert!(matches!(answers[2], Ok(Arrived::New { .. })), "{answers:?}");
    let of_the_wrong_one = "SELECT (SELECT count(*) FROM customer_snapshot)
         + (SELECT count(*) FROM dedupe WHERE key = 'm:2')";
    assert_eq!(way.number(of_the_wrong_one).await, 0);
    assert_eq!(way.number("SELECT count(*) FROM inbox").await, 2);
}
