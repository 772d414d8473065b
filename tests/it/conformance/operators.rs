//! What a person may do to an effect.

use qiao::domain::rows::NewEffect;
use qiao::store::{Act, AuditFilter, NextState, Target, person_target};

use super::Way;
use super::rows::{Room, done, effect, effects, follower, held, to_say};

pub async fn a_dead_letter_that_is_retried_keeps_its_history(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "hello")).await;
    let id = room.run(NextState::Dead).await;
    assert!(room.store.retry(id).await.unwrap());
    assert!(!room.store.retry(id).await.unwrap(), "it waits already");
    assert!(!room.store.retry(99).await.unwrap(), "there is none");
    assert_eq!(room.states(&anna).await, ["queued"]);
    let again = room.claim_one().await;
    assert_eq!((again.attempts, again.tries), (0, 1));
    room.settle(again, done()).await;
    let (row, attempts) = room.store.outbox_row(id).await.unwrap().unwrap();
    assert_eq!(row.state, "done");
    let outcomes: Vec<_> = attempts.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(outcomes, ["failed", "done"]);
}

pub async fn a_retry_does_not_keep_an_expiry_that_has_passed(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for seconds in [10, 1000] {
        let mut changes = to_say(&anna, "hello");
        changes.effects[0].expires_at = Some(room.later(seconds));
        room.write(changes).await;
        room.run(held("window")).await;
    }
    room.wait(10);
    assert_eq!(room.expire().await, 1);
    assert!(room.store.retry(1).await.unwrap());
    assert!(room.store.retry(2).await.unwrap());
    assert_eq!(room.expire().await, 0);
    let first = room.claim_one().await;
    assert_eq!((first.id, first.expires_at), (1, None));
    room.settle(first, done()).await;
    assert_eq!(room.claim_one().await.expires_at, Some(room.later(990)));
}

pub async fn only_what_waits_is_cancelled_by_hand(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for text in ["dead", "held", "running", "waiting", "next"] {
        room.write(to_say(&anna, text)).await;
    }
    room.run(NextState::Dead).await;
    room.run(held("window")).await;
    let running = room.claim_one().await;
    for (id, cancelled) in [(1, true), (2, true), (3, false), (4, true), (99, false)] {
        let done = room.store.cancel(id, "not wanted".to_owned()).await;
        assert_eq!(done.unwrap(), cancelled, "{id}");
    }
    assert!(!room.store.cancel(1, "again".to_owned()).await.unwrap());
    assert_eq!(room.row(1).await.note.as_deref(), Some("not wanted"));
    let states = room.states(&anna).await;
    assert_eq!(states[..2], ["cancelled", "cancelled"]);
    assert_eq!(states[2..], ["queued", "cancelled", "queued"]);
    room.settle(running, done()).await;
    assert_eq!(room.claim_one().await.id, 5);
}

pub async fn an_older_row_that_is_retried_waits_for_the_running_one_only(way: &Way) {
    let room = Room::new(way).await;
    room.queue([effect("a"), effect("a"), effect("a")]).await;
    room.run(NextState::Dead).await;
    let running = room.claim_one().await;
    assert!(room.store.retry(1).await.unwrap());
    assert!(room.claim().await.is_empty(), "two of a lane never run");
    room.settle(running, done()).await;
    assert_eq!(room.run(done()).await, 1, "the older goes first");
    assert_eq!(room.run(done()).await, 3);
}

fn act(act: &'static str, target: Target) -> Act {
    Act {
        who: "anna".to_owned(),
        act,
        target,
        before: Some("dead".to_owned()),
        after: None,
    }
}

pub async fn every_act_of_an_operator_is_written_down(way: &Way) {
    let room = Room::new(way).await;
    let seven = act("jobs.run", Target::Thing("7".to_owned()));
    room.store.audit(seven).await.unwrap();
    let written = "SELECT count(*) FROM audit WHERE who = 'anna' AND act = 'jobs.run'
         AND target = '7' AND before = 'dead' AND after IS NULL";
    assert_eq!(room.number(written).await, 1);
    let all = AuditFilter::default();
    let rows = room.store.audited(&all, i64::MAX, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].act.as_str()), (1, "jobs.run"));
    assert!(room.store.audited(&all, 1, 10).await.unwrap().is_empty());
    let verified = room.store.verify_audit(None).await.unwrap();
    assert_eq!((verified.chain.id, verified.broken), (1, None));
    let wrong = Some((1, "0".repeat(64)));
    let verified = room.store.verify_audit(wrong.as_ref()).await.unwrap();
    assert!(verified.broken.is_some());
}

pub async fn an_act_is_written_down_in_its_own_commit_if_it_changes_anything(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "hello")).await;
    let id = room.run(NextState::Dead).await;
    let behalf = |target: String| {
        let act = act("outbox.retry", Target::Thing(target));
        room.store.on_behalf(act)
    };
    assert!(!behalf("99".to_owned()).retry(99).await.unwrap());
    assert_eq!(room.number("SELECT count(*) FROM audit").await, 0);
    assert!(behalf(id.to_string()).retry(id).await.unwrap());
    let person = act("message.send", Target::Person(anna.clone(), [1; 32]));
    let store = room.store.on_behalf(person);
    store.write(to_say(&anna, "again")).await.unwrap();
    let name = room.store.pseudonym(&anna).await.unwrap().unwrap();
    let targets = AuditFilter {
        target: Some(person_target(&name)),
        ..AuditFilter::default()
    };
    let rows = room.store.audited(&targets, i64::MAX, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].id), (1, 2));
    let stranger = room.store.pseudonym(&follower('b')).await.unwrap();
    assert_eq!(stranger, None);
}

pub async fn an_order_names_its_effect_for_whoever_waits_for_it(way: &Way) {
    let room = Room::new(way).await;
    room.queue([effect("before")]).await;
    let ordered = act("menu.apply", Target::Thing("main".to_owned()));
    let store = room.store.on_behalf(ordered);
    let id = store
        .order(effects([effect("a"), effect("b")]))
        .await
        .unwrap();
    assert_eq!(room.row(id).await.lane, "b", "the last of them");
    assert_eq!(room.number("SELECT count(*) FROM audit").await, 1);
    let id = room.store.order(effects([effect("c")])).await.unwrap();
    assert_eq!(room.row(id).await.lane, "c");
    assert_eq!(
        room.number("SELECT count(*) FROM audit").await,
        1,
        "nobody acted"
    );
}

pub async fn the_head_of_one_lane_is_claimed_and_nothing_else(way: &Way) {
    let room = Room::new(way).await;
    let later = NewEffect {
        not_before: Some(room.later(10)),
        ..effect("later")
    };
    room.queue([effect("other"), effect("a"), effect("a"), later])
        .await;
    let claimed = async |lane: &str| {
        let claimed = room
            .store
            .claim_head(lane, room.now(), room.later(60))
            .await;
        claimed.unwrap()
    };
    let head = claimed("a").await.unwrap();
    assert_eq!((head.id, head.lane.as_str()), (2, "a"));
    assert_eq!(claimed("a").await, None, "it runs already");
    assert_eq!(claimed("later").await, None, "it is not due");
    assert_eq!(claimed("nobody").await, None);
    room.settle(head, done()).await;
    assert_eq!(claimed("a").await.unwrap().id, 3);
    assert_eq!(room.row(1).await.state, "ready");
}
