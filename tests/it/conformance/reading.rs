//! What people and handlers read: conversations, the queue, and what was written lately.

use qiao::domain::rows::{
    Changes, MediaChange, MessageState, NewActivity, NewEffect, NewMessage, names,
};
use qiao::store::{Arrival, HistoryLine, NextState, OutboxFilter, Tally};

use super::Way;
use super::rows::{
    Room, done, effect, effects, follower, held, linked, mapped, nothing, push, said, tenant,
    to_say,
};

fn messages(messages: impl IntoIterator<Item = NewMessage>) -> Changes {
    Changes {
        messages: messages.into_iter().collect(),
        ..nothing()
    }
}

pub async fn a_conversation_is_told_in_order_and_only_of_its_follower(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.write(messages([said(&anna, "one"), said(&bert, "of Bert")]))
        .await;
    room.wait(5);
    room.write(to_say(&anna, "two")).await;
    room.write(messages([said(&anna, "three")])).await;
    let told = room.store.messages(&anna, 2).await.unwrap();
    let words: Vec<_> = told.iter().map(|row| row.text.as_deref()).collect();
    assert_eq!(words, [Some("two"), Some("three")], "the newest, in order");
    let [two, three] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (two.direction.as_str(), two.purpose.as_deref()),
        ("out", Some("operator"))
    );
    assert_eq!((two.kind.as_str(), two.outbox_id), ("text", Some(1)));
    assert_eq!((two.recorded_at(), two.settled_at()), (room.now(), None));
    assert_eq!((three.direction.as_str(), three.outbox_id), ("in", None));
    assert_eq!(three.created_at(), jiff::Timestamp::UNIX_EPOCH);
    let of_the_effect = room.store.message_of(1).await.unwrap().unwrap();
    assert_eq!(&of_the_effect, two);
    assert_eq!(room.store.message_of(99).await.unwrap(), None);
}

pub async fn what_a_follower_was_told_is_known(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    let told = async |who, purpose, piece| room.store.was_told(who, purpose, piece).await.unwrap();
    assert!(
        !told(&anna, "operator", "1000441").await,
        "nothing was said yet"
    );
    room.write(to_say(&anna, "your number is 1000441")).await;
    room.write(messages([said(&bert, "1000441?")])).await;
    assert!(told(&anna, "operator", "1000441").await);
    assert!(!told(&anna, "operator", "1000442").await);
    assert!(!told(&anna, "welcome", "1000441").await);
    assert!(
        !told(&bert, "operator", "1000441").await,
        "they said it themselves"
    );
    room.run(NextState::Dead).await;
    assert!(
        !told(&anna, "operator", "1000441").await,
        "it did not reach them"
    );
}

pub async fn a_follower_reads_what_reached_them(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let answered = NewMessage {
        state: MessageState::Answered,
        purpose: Some("welcome"),
        ..said(&anna, "welcome")
    };
    let picture = NewMessage {
        kind: "image".into(),
        text: None,
        ..said(&anna, "")
    };
    room.write(messages([said(&anna, "hi"), picture, answered]))
        .await;
    room.write(to_say(&anna, "sent")).await;
    room.run(done()).await;
    room.write(to_say(&anna, "held")).await;
    room.run(held("window")).await;
    let line = |incoming, text: &str| HistoryLine {
        incoming,
        text: text.to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    let expected = [
        line(false, "sent"),
        line(false, "welcome"),
        line(true, "hi"),
    ];
    assert_eq!(room.store.history(&anna, 9).await.unwrap(), expected);
    assert_eq!(room.store.history(&anna, 1).await.unwrap(), expected[..1]);
    assert!(
        room.store
            .history(&follower('b'), 9)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn deleting_a_history_leaves_no_word_of_it_and_nothing_of_anybody_else(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    let with_secret = |key: &str, kind: &str, changes| Arrival {
        kind: kind.into(),
        body: "<xml>a secret</xml>".into(),
        ..push(key, changes)
    };
    let secret = || messages([said(&anna, "a secret")]);
    room.arrive(with_secret("m:1", "text", secret())).await;
    room.arrive(with_secret("m:1", "text", secret())).await;
    room.arrive(with_secret("e:1", "event:CLICK", nothing()))
        .await;
    room.write(to_say(&anna, "a secret")).await;
    room.run(done()).await;
    room.write(to_say(&anna, "not yet said")).await;
    let of_bert = Arrival {
        openid: Some(bert.openid.clone()),
        ..push("m:2", messages([said(&bert, "kept")]))
    };
    room.arrive(of_bert).await;

    let forget = Changes {
        forgets: vec![anna.clone()],
        ..nothing()
    };
    room.write(forget).await;
    let words = "SELECT (SELECT count(*) FROM message WHERE text LIKE '%secret%')
         + (SELECT count(*) FROM inbox WHERE body LIKE '%secret%')
         + (SELECT count(*) FROM inbox WHERE id = 1 AND answer IS NOT NULL)";
    assert_eq!(room.number(words).await, 0);
    assert!(room.store.history(&anna, 9).await.unwrap().is_empty());
    assert_eq!(room.claim_one().await.text.as_deref(), Some("not yet said"));
    assert_eq!(room.store.history(&bert, 9).await.unwrap().len(), 1);
    assert!(room.store.inbox_body(4).await.unwrap().is_some());
}

pub async fn the_outbox_is_listed_by_state_and_effect(way: &Way) {
    let room = Room::new(way).await;
    let other = NewEffect {
        effect: "other.effect",
        ..effect("c")
    };
    room.queue([effect("a")]).await;
    room.run(NextState::Dead).await;
    room.queue([effect("b")]).await;
    room.run(held("window")).await;
    room.queue([effect("a"), effect("b"), other]).await;
    let listed = async |state: Option<&str>, effect: Option<&str>, limit| {
        let filter = OutboxFilter {
            state: state.map(str::to_owned),
            effect: effect.map(str::to_owned),
            limit,
        };
        let rows = room.store.outbox(&filter).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, None, 3).await, [5, 4, 3], "the newest first");
    assert_eq!(listed(Some("ready"), None, 9).await, [5, 4, 3]);
    assert_eq!(listed(Some("dead"), None, 9).await, [1]);
    assert_eq!(listed(Some("held"), None, 9).await, [2]);
    assert_eq!(listed(None, Some("other.effect"), 9).await, [5]);
    assert!(
        listed(Some("dead"), Some("other.effect"), 9)
            .await
            .is_empty()
    );
    assert!(room.store.outbox_row(99).await.unwrap().is_none());
    let row = room.row(5).await;
    assert_eq!((row.lane.as_str(), row.remote.as_str()), ("c", "test"));
    assert_eq!(
        (row.priority.as_str(), row.state.as_str()),
        ("normal", "ready")
    );
    assert_eq!(row.created_at, "2027-01-15T08:00:00.000Z");
}

pub async fn the_queue_is_counted(way: &Way) {
    let room = Room::new(way).await;
    let empty = room.store.queue_state().await.unwrap();
    assert_eq!(empty, qiao::store::QueueState::default());
    room.queue([effect("a")]).await;
    room.run(NextState::Dead).await;
    room.queue([effect("a")]).await;
    room.run(held("window")).await;
    room.queue([effect("a")]).await;
    room.run(done()).await;
    room.queue([effect("a"), effect("a")]).await;
    room.wait(5);
    room.queue([effect("b")]).await;
    let state = room.store.queue_state().await.unwrap();
    assert_eq!((state.open, state.held, state.dead), (3, 1, 1));
    assert_eq!(state.oldest_due_at, Some(room.later(-5)));
    let running = room.claim().await;
    let state = room.store.queue_state().await.unwrap();
    assert_eq!(state.open, 3, "what runs is open: {running:?}");
}

pub async fn a_probe_is_an_answer_of_the_disk(way: &Way) {
    let room = Room::new(way).await;
    room.write(effects([effect("a")])).await;
    assert_eq!(room.store.probe().await.unwrap().open, 1);
    room.store.close().await;
    let closed = room.store.probe().await;
    assert!(closed.is_err(), "{closed:?}");
}

pub async fn a_story_is_traced_through_all_tables(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.arrive(push("m:0", nothing())).await;
    room.wait(1);
    let since = room.now();
    room.arrive(push("m:1", to_say(&anna, "hello"))).await;
    room.wait(2);
    room.write(mapped(linked(&anna, 7))).await;
    room.run(NextState::Dead).await;
    room.write(Changes {
        activities: vec![NewActivity {
            tenant: tenant(),
            kind: "activity",
            object_id: None,
            number: Some("59161".to_owned()),
            direction: "out",
            message_id: Some(1),
            message: None,
        }],
        media: vec![MediaChange::Wanted {
            message_id: 1,
            kind: "image".to_owned(),
            media_id: "of WeChat".to_owned(),
        }],
        ..nothing()
    })
    .await;
    let forgotten = MediaChange::Missing {
        id: 1,
        reason: "WeChat forgot it".to_owned(),
    };
    room.write(Changes {
        media: vec![forgotten],
        ..nothing()
    })
    .await;
    let traced = room.store.written_since(since).await.unwrap();
    let told: Vec<_> = traced
        .iter()
        .map(|row| {
            (
                row.table.as_str(),
                row.what.as_str(),
                row.state.as_str(),
                row.at_ms,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("inbox", "text", "accepted", 0),
            ("message", "out operator", "failed", 0),
            ("outbox", "test.effect", "dead", 0),
            ("attempt", "test.effect", "failed", 2000),
            ("mapping", "7", "linked", 2000),
            ("activity", "out activity", "59161", 2000),
            ("media", "image", "missing", 2000),
        ]
    );
    assert_eq!(traced[2].took_ms, Some(2000));
    assert_eq!(traced[3].detail.as_deref(), Some("transient: 503"));
    assert_eq!(traced[5].detail.as_deref(), Some("of message 1"));
    assert_eq!(traced[6].detail.as_deref(), Some("WeChat forgot it"));
}

pub async fn the_newest_rows_come_first_and_with_their_attempts(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.arrive(push("m:0", messages([said(&anna, "old")])))
        .await;
    room.wait(1);
    let came = room.now().as_microsecond();
    room.arrive(push("m:1", to_say(&anna, "hello"))).await;
    room.wait(2);
    room.run(NextState::Dead).await;
    room.write(effects([effect("b"), effect("c")])).await;
    let recent = room.store.recent(1, 10).await.unwrap();
    let [arrival] = &recent.arrivals[..] else {
        panic!("{recent:?}")
    };
    assert_eq!((arrival.id, arrival.received_at), (2, came));
    let ids: Vec<_> = recent.effects.iter().map(|e| (e.id, e.inbox_id)).collect();
    assert_eq!(ids, [(3, None), (2, None), (1, Some(2))]);
    let first = recent.effects.last().unwrap();
    assert_eq!((first.state.as_str(), first.created_at), ("dead", came));
    let [attempt] = &recent.attempts[..] else {
        panic!("{recent:?}")
    };
    assert_eq!((attempt.outbox_id, attempt.outcome.as_str()), (1, "failed"));
    let narrow = room.store.recent(1, 1).await.unwrap();
    assert_eq!(narrow.effects.len(), 1);
    assert_eq!(narrow.attempts, [], "only of the effects that are told");
    let tally = room.store.said_tally().await.unwrap();
    assert_eq!(tally.messages, 1, "what we say is not counted");
}

pub async fn what_came_since_a_mark_is_tallied(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.arrive(push("m:0", to_say(&anna, "before"))).await;
    let mark = room.store.mark().await.unwrap();
    assert_eq!(room.store.tally(&mark).await.unwrap(), Tally::default());
    let in_and_out = || {
        let mut changes = to_say(&anna, "out");
        changes.messages.push(said(&anna, "in"));
        changes
    };
    room.arrive(push("m:1", in_and_out())).await;
    room.arrive(push("m:1", in_and_out())).await;
    let elsewhere = NewEffect {
        remote: "c4c:main".into(),
        ..effect("b")
    };
    let local = NewEffect {
        remote: names::LOCAL.into(),
        ..effect("a")
    };
    room.queue([local, elsewhere, effect("c")]).await;
    for job in room.claim().await {
        room.settle(job, done()).await;
    }
    let expected = Tally {
        inbox: 2,
        suppressed: 1,
        dedupe: 1,
        message: 2,
        outbox: 4,
        open: 3,
        remote: 3,
        attempt: 1,
    };
    assert_eq!(room.store.tally(&mark).await.unwrap(), expected);
    assert_eq!(room.store.msg_ids(&mark).await.unwrap(), ["1"]);
}
