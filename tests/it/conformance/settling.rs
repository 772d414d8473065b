//! What becomes of an effect, of its lane and of its message after an attempt.

use qiao::domain::rows::MappingState;
use qiao::domain::verdict::Verdict;
use qiao::store::{AttemptRow, NextState, Settlement, StoreError, Tried};

use super::Way;
use super::rows::{Room, done, effect, effects, follower, held, linked, push, settlement, to_say};

impl Room {
    async fn attempts(&self, id: i64) -> Vec<AttemptRow> {
        self.store.outbox_row(id).await.unwrap().unwrap().1
    }
}

pub async fn what_is_done_leaves_its_lane_and_says_how(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "first")).await;
    room.write(to_say(&anna, "second")).await;
    assert_eq!(room.states(&anna).await, ["queued", "queued"]);
    let job = room.claim_one().await;
    room.wait(2);
    let note = Some("as a template".to_owned());
    room.settle(job, NextState::Done { note: note.clone() })
        .await;
    let row = room.row(1).await;
    assert_eq!((row.state.as_str(), row.note), ("done", note));
    assert!(row.finished_at.is_some());
    let attempt = room.attempts(1).await.remove(0);
    assert_eq!((attempt.number, attempt.outcome.as_str()), (1, "done"));
    assert_eq!((attempt.took_ms, attempt.verdict), (2000, None));
    assert_eq!(room.states(&anna).await, ["sent", "queued"]);
    let message = room.store.message_of(1).await.unwrap().unwrap();
    assert_eq!(message.settled_at(), Some(room.now()));
    assert_eq!(room.claim_one().await.id, 2);
}

pub async fn a_retry_blocks_its_lane_until_it_is_due(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "first")).await;
    room.write(to_say(&anna, "second")).await;
    let job = room.claim_one().await;
    let (at, uncertain) = (room.later(10), false);
    room.settle(job, NextState::Ready { at, uncertain }).await;
    room.wait(9);
    assert!(room.claim().await.is_empty());
    room.wait(1);
    let again = room.claim_one().await;
    assert_eq!((again.id, again.attempts, again.tries), (1, 1, 1));
    assert_eq!(room.states(&anna).await, ["queued", "queued"]);
    let row = room.row(1).await;
    assert_eq!(row.last_verdict.as_deref(), Some("transient"));
    assert_eq!(row.last_error.as_deref(), Some("503"));
    room.settle(again, done()).await;
    let outcomes = room.attempts(1).await.into_iter().map(|a| a.outcome);
    assert_eq!(outcomes.collect::<Vec<_>>(), ["failed", "done"]);
}

pub async fn what_is_held_dead_or_cancelled_does_not_block_its_lane(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for text in ["held", "dead", "cancelled", "next"] {
        room.write(to_say(&anna, text)).await;
    }
    room.run(held("window")).await;
    room.run(NextState::Dead).await;
    let reason = "the follower left".to_owned();
    room.run(NextState::Cancelled { reason }).await;
    assert_eq!(room.claim_one().await.text.as_deref(), Some("next"));
    let states = room.states(&anna).await;
    assert_eq!(states, ["held", "failed", "cancelled", "queued"]);
    let (first, second, third) = (room.row(1).await, room.row(2).await, room.row(3).await);
    assert_eq!(first.held_reason.as_deref(), Some("window"));
    assert_eq!(first.finished_at, None);
    assert_eq!(second.state, "dead");
    assert_eq!(third.note.as_deref(), Some("the follower left"));
    let outcome = |attempts: Vec<AttemptRow>| attempts[0].outcome.clone();
    assert_eq!(outcome(room.attempts(1).await), "held");
    assert_eq!(outcome(room.attempts(2).await), "failed");
    assert_eq!(outcome(room.attempts(3).await), "cancelled");
}

pub async fn a_try_that_does_not_count_is_written_down_all_the_same(way: &Way) {
    let room = Room::new(way).await;
    room.queue([effect("a")]).await;
    let job = room.claim_one().await;
    let (at, uncertain) = (room.now(), false);
    let forgiven = Settlement {
        tried: Tried {
            verdict: Some(Verdict::Throttled),
            error: Some("45009".to_owned()),
            counted: false,
        },
        ..settlement(job, NextState::Ready { at, uncertain }, room.now())
    };
    room.store.settle(forgiven).await.unwrap();
    let again = room.claim_one().await;
    assert_eq!((again.attempts, again.tries), (0, 1));
    let attempt = room.attempts(1).await.remove(0);
    assert_eq!(attempt.verdict.as_deref(), Some("throttled"));
    assert!(!attempt.counted);
}

pub async fn an_uncertain_attempt_is_told_as_such(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "first")).await;
    let (at, uncertain) = (room.now(), true);
    room.run(NextState::Ready { at, uncertain }).await;
    assert_eq!(room.states(&anna).await, ["uncertain"]);
    let again = room.claim_one().await;
    assert!(again.uncertain);
    let reason = "uncertain".to_owned();
    room.settle(again, NextState::Held { reason, uncertain })
        .await;
    assert_eq!(room.states(&anna).await, ["uncertain"]);
    assert!(room.row(1).await.uncertain);
    assert!(room.store.any_held("test", "uncertain").await.unwrap());

    room.write(effects([effect("b")])).await;
    let job = room.claim_one().await;
    let dead = Settlement {
        tried: Tried {
            verdict: Some(Verdict::Uncertain),
            error: None,
            counted: true,
        },
        ..settlement(job, NextState::Dead, room.now())
    };
    room.store.settle(dead).await.unwrap();
    assert!(room.row(2).await.uncertain, "a dead one may have happened");
}

pub async fn what_follows_is_in_the_same_commit_and_points_at_the_same_push(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.arrive(push("m:1", effects([effect("a")]))).await;
    let mut changes = to_say(&anna, "you are customer 7");
    changes.mappings.push(linked(&anna, 7));
    let job = room.claim_one().await;
    let settled = Settlement {
        changes,
        ..settlement(job, done(), room.now())
    };
    room.store.settle(settled).await.unwrap();
    let next = room.claim_one().await;
    assert_eq!(next.inbox_id, Some(1));
    assert_eq!(next.text.as_deref(), Some("you are customer 7"));
    let mapping = room.store.mapping(&anna).await.unwrap().unwrap();
    assert_eq!(mapping.state, MappingState::Linked);
}

pub async fn a_turn_settles_and_claims_what_is_due_after_it_in_one_commit(way: &Way) {
    let room = Room::new(way).await;
    room.queue([effect("a"), effect("a"), effect("b"), effect("b")])
        .await;
    let claimed = room.claim().await;
    let (a, b) = (claimed[0].clone(), claimed[1].clone());
    let settled = |job, next| settlement(job, next, room.now());
    let wake = room.store.wake();
    let before = *wake.borrow();
    let settlements = [settled(a, done()), settled(b.clone(), done())].into();
    let turned = room.store.turn(settlements, vec![room.ask(1)]).await;
    let turned = turned.unwrap();
    assert_eq!(turned.jobs.len(), 1);
    assert_eq!(turned.jobs[0].id, 2);
    assert!(turned.seen > before, "what it made due was news");
    assert_eq!(turned.seen, *wake.borrow(), "and is known to who turned");

    let last = turned.jobs[0].clone();
    let twice = [settled(last, done()), settled(b, done())].into();
    let refused = room.store.turn(twice, vec![room.ask(1)]).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(room.row(2).await.state, "running", "nothing of it stands");
    assert_eq!(room.row(4).await.state, "ready");
}

pub async fn an_attempt_is_settled_once(way: &Way) {
    let room = Room::new(way).await;
    room.queue([effect("a")]).await;
    let job = room.claim_one().await;
    room.settle(job.clone(), done()).await;
    let again = Settlement {
        changes: effects([effect("b")]),
        ..settlement(job, NextState::Dead, room.now())
    };
    let refused = room.store.settle(again).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(room.row(1).await.state, "done");
    assert_eq!(room.attempts(1).await.len(), 1);
    assert!(room.claim().await.is_empty(), "nothing followed from it");
}
