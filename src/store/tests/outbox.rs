//! Lanes, attempts, and what becomes of effects.

use super::*;

#[tokio::test]
async fn only_the_head_of_a_lane_runs_and_lanes_run_side_by_side() {
    let room = room().await;
    room.store
        .write(effects([effect("a"), effect("a"), effect("b")]))
        .await
        .unwrap();
    let first = room.claim().await;
    assert_eq!(
        first
            .iter()
            .map(|job| job.lane.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert!(
        room.claim().await.is_empty(),
        "the second of lane a waits for the first"
    );
    room.settle(first[0].clone(), NextState::Done { note: None })
        .await;
    let second = room.claim().await;
    assert_eq!(second.len(), 1);
    assert!(second[0].id > first[0].id);
}

#[tokio::test]
async fn a_retry_blocks_its_lane_until_it_is_due_and_a_dead_letter_does_not() {
    let room = room().await;
    room.store
        .write(effects([effect("a"), effect("a")]))
        .await
        .unwrap();
    let job = room.claim().await.remove(0);
    let at = room
        .clock
        .now()
        .checked_add(SignedDuration::from_secs(10))
        .unwrap();
    room.settle(
        job,
        NextState::Ready {
            at,
            uncertain: false,
        },
    )
    .await;
    assert!(room.claim().await.is_empty());
    room.clock.advance(Duration::from_secs(10));
    let again = room.claim().await.remove(0);
    assert_eq!((again.attempts, again.tries), (1, 1));
    room.settle(again, NextState::Dead).await;
    assert_eq!(room.claim().await.len(), 1);
}

#[tokio::test]
async fn what_was_held_goes_first_when_it_is_released() {
    let room = room().await;
    let lane = follower().send_lane();
    let mut changes = Changes::none();
    let (message, send) = to_say("first");
    changes.deliver(message, send);
    room.store.write(changes).await.unwrap();
    let held = room.claim().await.remove(0);
    let held_id = held.id;
    room.settle(
        held,
        NextState::Held {
            reason: "window".to_owned(),
            uncertain: false,
        },
    )
    .await;
    room.store
        .write(effects([effect(&lane), effect(&lane)]))
        .await
        .unwrap();
    let release = Release {
        lane,
        reason: "window",
        if_open: None,
    };
    room.store
        .write(Changes {
            releases: vec![release],
            ..Changes::none()
        })
        .await
        .unwrap();
    let next = room.claim().await;
    assert_eq!(next.iter().map(|job| job.id).collect::<Vec<_>>(), [held_id]);
    assert_eq!(next[0].text.as_deref(), Some("first"));
}

#[tokio::test]
async fn a_message_shows_how_far_its_delivery_has_come() {
    let room = room().await;
    let mut changes = Changes::none();
    let (message, send) = to_say("hello");
    changes.deliver(message, send);
    room.store.write(changes).await.unwrap();
    assert_eq!(
        room.scalar("SELECT count(*) FROM message WHERE state = 'queued'")
            .await,
        1
    );
    let job = room.claim().await.remove(0);
    room.settle(job, NextState::Done { note: None }).await;
    assert_eq!(
        room.scalar("SELECT count(*) FROM message WHERE state = 'sent'")
            .await,
        1
    );
}

#[tokio::test]
async fn an_unfollow_cancels_what_waits_and_what_is_held() {
    let room = room().await;
    let lane = follower().send_lane();
    for text in ["held", "waiting"] {
        let mut changes = Changes::none();
        let (message, send) = to_say(text);
        changes.deliver(message, send);
        room.store.write(changes).await.unwrap();
    }
    let job = room.claim().await.remove(0);
    room.settle(
        job,
        NextState::Held {
            reason: "window".to_owned(),
            uncertain: false,
        },
    )
    .await;
    let cancel = Cancel {
        lane,
        reason: "the follower left",
    };
    room.store
        .write(Changes {
            cancels: vec![cancel],
            ..Changes::none()
        })
        .await
        .unwrap();
    assert_eq!(
        room.scalar("SELECT count(*) FROM message WHERE state = 'cancelled'")
            .await,
        2
    );
    assert!(room.claim().await.is_empty());
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

#[tokio::test]
async fn what_ran_when_the_daemon_died_is_uncertain_after_the_restart() {
    let room = room().await;
    room.store
        .write(effects([effect("a"), effect("a")]))
        .await
        .unwrap();
    let cut_off = room.claim().await.remove(0);
    assert_eq!(room.store.recover().await.unwrap(), 1);
    let again = room.claim().await;
    assert_eq!(again.len(), 1, "order holds: the second still waits");
    assert_eq!((again[0].id, again[0].uncertain), (cut_off.id, true));
    assert_eq!(
        room.scalar("SELECT count(*) FROM attempt WHERE verdict = 'uncertain'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_dead_letter_that_is_retried_keeps_its_history() {
    let room = room().await;
    room.store.write(effects([effect("a")])).await.unwrap();
    let job = room.claim().await.remove(0);
    let id = job.id;
    room.settle(job, NextState::Dead).await;
    assert!(room.store.retry(id).await.unwrap());
    assert!(
        !room.store.retry(id).await.unwrap(),
        "it is not dead any more"
    );
    let again = room.claim().await.remove(0);
    assert_eq!((again.attempts, again.tries), (0, 1));
    room.settle(again, NextState::Done { note: None }).await;
    let (row, attempts) = room.store.outbox_row(id).await.unwrap().unwrap();
    assert_eq!(row.state, "done");
    assert_eq!(
        attempts
            .iter()
            .map(|a| a.outcome.as_str())
            .collect::<Vec<_>>(),
        ["failed", "done"]
    );
}
