//! What waits: for the follower, for a person, for its time, or for a daemon that died.

use jiff::Timestamp;
use qiao::domain::rows::{
    Cancel, Changes, Follower, NewEffect, NewGrant, PassiveDelivery, Release,
};
use qiao::store::Waiting;

use super::Way;
use super::rows::{Room, done, effect, effects, follower, held, nothing, to_say};

fn released(lane: String, if_open: Option<Follower>) -> Changes {
    let reason = "window";
    Changes {
        releases: vec![Release {
            lane,
            reason,
            if_open,
            acted_after: None,
        }],
        ..nothing()
    }
}

pub async fn what_was_held_goes_first_when_it_is_released(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "first")).await;
    room.run(held("window")).await;
    let lane = anna.send_lane();
    room.queue([effect(&lane), effect(&lane)]).await;
    let found = room.store.held_send(&anna, "window").await.unwrap();
    assert_eq!(found.unwrap().text, "first");
    room.write(released(lane, None)).await;
    let next = room.claim_one().await;
    assert_eq!((next.id, next.text.as_deref()), (1, Some("first")));
    assert_eq!(room.states(&anna).await, ["queued"]);
    room.settle(next, done()).await;
    assert_eq!(room.run(done()).await, 2);
    assert_eq!(room.run(done()).await, 3);
}

pub async fn a_release_takes_only_its_lane_and_its_reason(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    for (who, reason) in [(&anna, "window"), (&anna, "uncertain"), (&bert, "window")] {
        room.write(to_say(who, reason)).await;
        room.run(held(reason)).await;
    }
    room.write(released(anna.send_lane(), None)).await;
    assert_eq!(room.claim_one().await.id, 1);
    assert_eq!(room.row(2).await.state, "held");
    assert_eq!(room.row(3).await.state, "held");
    assert!(room.store.any_held("test", "window").await.unwrap());
    assert!(!room.store.any_held("elsewhere", "window").await.unwrap());
    let is_held = async |lane: String, why| room.store.is_held(&lane, why).await.unwrap();
    assert!(is_held(anna.send_lane(), "uncertain").await);
    assert!(!is_held(anna.send_lane(), "window").await);
    assert!(!is_held(anna.hook_lane(), "uncertain").await);
    assert!(is_held(bert.send_lane(), "window").await);
    let none = room.store.held_send(&anna, "window").await.unwrap();
    assert_eq!(none, None);
}

pub async fn a_release_that_needs_an_open_window_waits_for_one(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "first")).await;
    room.run(held("window")).await;
    let release = || released(anna.send_lane(), Some(anna.clone()));
    room.write(release()).await;
    assert!(room.claim().await.is_empty(), "there is no window");
    let grant = NewGrant {
        follower: anna.clone(),
        trigger: "message",
        granted_at: room.now(),
        valid_until: room.later(60),
        allowed: 1,
    };
    let used_up = Changes {
        grants: vec![grant.clone()],
        window_uses: vec![anna.clone()],
        ..nothing()
    };
    room.write(used_up).await;
    room.write(release()).await;
    assert!(room.claim().await.is_empty(), "it is used up");
    let granted_at = room.later(1);
    let renewed = Changes {
        grants: vec![NewGrant {
            granted_at,
            ..grant
        }],
        ..release()
    };
    room.write(renewed).await;
    assert_eq!(room.claim_one().await.id, 1, "the same commit opened it");
}

pub async fn an_unfollow_cancels_what_waits_and_what_is_held_but_not_what_runs(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    for text in ["held", "running", "waiting"] {
        room.write(to_say(&anna, text)).await;
    }
    room.run(held("window")).await;
    let running = room.claim_one().await;
    room.write(to_say(&bert, "of somebody else")).await;
    let cancel = Cancel {
        lane: anna.send_lane(),
        reason: "the follower left",
    };
    let cancels = vec![cancel];
    room.write(Changes {
        cancels,
        ..nothing()
    })
    .await;
    let states = room.states(&anna).await;
    assert_eq!(states, ["cancelled", "queued", "cancelled"]);
    let note = room.row(1).await.note;
    assert_eq!(note.as_deref(), Some("the follower left"));
    room.settle(running, done()).await;
    assert_eq!(room.row(2).await.state, "done");
    assert_eq!(room.claim_one().await.id, 4, "only the other lane goes on");
}

pub async fn a_held_message_goes_out_as_a_passive_reply_once(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    room.write(to_say(&anna, "held")).await;
    let outbox_id = room.run(held("passive")).await;
    let delivered = |reason| Changes {
        passive: vec![PassiveDelivery { outbox_id, reason }],
        ..nothing()
    };
    room.write(delivered("window")).await;
    assert_eq!(room.states(&anna).await, ["held"], "another reason");
    room.write(delivered("passive")).await;
    room.write(delivered("passive")).await;
    assert_eq!(room.states(&anna).await, ["answered"]);
    assert_eq!(room.row(outbox_id).await.state, "done");
    assert!(room.claim().await.is_empty());
}

pub async fn what_is_past_its_time_is_given_up(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let expiring = |text: &str, expires_at: Option<Timestamp>| {
        let mut changes = to_say(&anna, text);
        changes.effects[0].expires_at = expires_at;
        changes
    };
    room.write(expiring("held", Some(room.later(10)))).await;
    room.run(held("window")).await;
    room.write(expiring("waiting", Some(room.later(10)))).await;
    room.write(expiring("later", Some(room.later(11)))).await;
    room.write(expiring("for ever", None)).await;
    room.wait(9);
    assert_eq!(room.expire().await, 0);
    room.wait(1);
    assert_eq!(room.expire().await, 2);
    let states = room.states(&anna).await;
    assert_eq!(states, ["failed", "failed", "queued", "queued"]);
    assert_eq!(room.row(1).await.held_reason, None);
    let why = room.row(2).await.last_error.unwrap();
    assert!(why.contains("expired"), "{why}");
    let next = room.claim_one().await;
    assert_eq!(next.text.as_deref(), Some("later"), "the lane goes on");
    room.wait(60);
    let expired = room.expire().await;
    assert_eq!(expired, 0, "what runs is left to its attempt");
}

pub async fn what_follows_from_an_expiry_is_written_with_it_and_only_then(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for text in ["held", "waiting", "next"] {
        let mut changes = to_say(&anna, text);
        changes.effects[0].expires_at = Some(room.later(10));
        room.write(changes).await;
        if text == "held" {
            room.run(held("window")).await;
        }
    }
    room.wait(10);
    let expiring = room.store.expiring(room.now(), 2).await.unwrap();
    let ids = |rows: &[Waiting]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&expiring), [1, 2], "a page");
    assert_eq!(expiring[0].message_id, Some(1));
    let waiting = room.store.waiting_in(&anna.send_lane()).await.unwrap();
    assert_eq!(ids(&waiting), [1, 2, 3], "held and ready, in order");
    let runs = room.claim_one().await;
    assert_eq!(runs.id, 2);
    let follows = expiring
        .iter()
        .map(|row| (row.id, effects([effect("follows")])));
    assert_eq!(room.store.expire(follows.collect()).await.unwrap(), 1);
    let written = "SELECT count(*) FROM outbox WHERE lane = 'follows'";
    assert_eq!(
        room.number(written).await,
        1,
        "not of the one that runs by now"
    );
    assert_eq!(room.store.expire(Vec::new()).await.unwrap(), 0);
}

pub async fn what_was_claimed_and_not_tried_is_given_back_to_its_place(way: &Way) {
    let room = Room::new(way).await;
    room.queue([effect("a"), effect("a"), effect("b")]).await;
    let claimed = room.claim().await;
    let ids: Vec<i64> = claimed.iter().map(|job| job.id).collect();
    room.store.give_back(ids.clone()).await.unwrap();
    let again = room.claim().await;
    assert_eq!(again.iter().map(|job| job.id).collect::<Vec<_>>(), ids);
    assert_eq!((again[0].attempts, again[0].tries), (0, 0));
    room.settle(again[0].clone(), done()).await;
    room.store.give_back(ids).await.unwrap();
    assert_eq!(room.row(1).await.state, "done", "it does not run any more");
}

pub async fn what_ran_when_the_daemon_died_is_uncertain_after_the_restart(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let send_lane = anna.send_lane();
    room.write(to_say(&anna, "first")).await;
    room.write(effects([effect(&send_lane), effect("b")])).await;
    let started = room.claim().await;
    assert_eq!(started.len(), 2);
    room.store
        .settle(super::rows::settlement(
            started[1].clone(),
            done(),
            room.now(),
        ))
        .await
        .unwrap();
    drop(room);

    let room = Room::new(way).await;
    assert!(room.claim().await.is_empty(), "nobody knows of it yet");
    room.wait(3);
    assert_eq!(room.store.recover().await.unwrap(), 1);
    assert_eq!(room.states(&anna).await, ["uncertain"]);
    let again = room.claim_one().await;
    assert_eq!((again.id, again.uncertain), (1, true));
    assert_eq!((again.attempts, again.tries), (1, 1));
    let (_, attempts) = room.store.outbox_row(1).await.unwrap().unwrap();
    assert_eq!(attempts[0].verdict.as_deref(), Some("uncertain"));
    assert_eq!(attempts[0].took_ms, 3000);
    room.settle(again, done()).await;
    assert_eq!(room.claim_one().await.id, 2, "order holds");
    assert_eq!(room.store.recover().await.unwrap(), 1);
    let waiting = NewEffect {
        not_before: Some(room.later(60)),
        ..effect("c")
    };
    room.queue([waiting]).await;
    assert_eq!(room.claim_one().await.id, 2);
}
