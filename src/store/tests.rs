//! Stories of the store on a real file.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::Connection;

use super::*;
use crate::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId};
use crate::domain::rows::{
    Cancel, Follower, MappingChange, MappingState, MessageState, NewEffect, NewGrant, NewMessage,
    Priority, Release, Snapshot,
};
use crate::domain::verdict::Verdict;
use crate::kit::clock::ManualClock;

struct Room {
    store: Store,
    clock: ManualClock,
    folder: tempfile::TempDir,
}

async fn room() -> Room {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap());
    let store = Store::open(&folder.path().join("qiao.db"), Arc::new(clock.clone()))
        .await
        .unwrap();
    Room {
        store,
        clock,
        folder,
    }
}

fn follower() -> Follower {
    Follower {
        account: AccountId::new("main"),
        openid: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
    }
}

fn effect(lane: &str) -> NewEffect {
    NewEffect::new(
        lane.to_owned(),
        "test.effect",
        "local".to_owned(),
        json!({}),
    )
}

fn effects(effects: impl IntoIterator<Item = NewEffect>) -> Changes {
    Changes {
        effects: effects.into_iter().collect(),
        ..Changes::none()
    }
}

fn push(key: &str, changes: Changes) -> Arrival {
    Arrival {
        source: Source::Wechat,
        remote: "main".to_owned(),
        kind: "text".to_owned(),
        openid: Some(follower().openid),
        object_id: None,
        dedupe: Some(Dedupe {
            key: key.to_owned(),
            remote: "main".to_owned(),
            sender: follower().openid.as_str().to_owned(),
        }),
        body: "<xml/>".to_owned(),
        rejected: None,
        answer: Answer::Stored("<xml>hello</xml>".to_owned()),
        sent_at: None,
        changes,
    }
}

fn said(text: &str) -> NewMessage {
    NewMessage {
        follower: follower(),
        state: MessageState::Received,
        kind: "text".to_owned(),
        purpose: None,
        msg_id: Some("1".to_owned()),
        text: Some(text.to_owned()),
        inbox_id: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn to_say(text: &str) -> (NewMessage, NewEffect) {
    let message = NewMessage {
        state: MessageState::Queued,
        purpose: Some("operator"),
        msg_id: None,
        ..said(text)
    };
    (message, effect(&follower().send_lane()))
}

/// A connection of somebody else, as `sqlite3` would make it.
async fn beside(path: &Path) -> sqlx::SqliteConnection {
    sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap()
}

impl Room {
    async fn claim(&self) -> Vec<Job> {
        self.claim_at_most(100).await
    }

    async fn claim_at_most(&self, limit: usize) -> Vec<Job> {
        let now = self.clock.now();
        let lease_until = now.checked_add(SignedDuration::from_secs(60)).unwrap();
        let ask = Ask {
            remote: "local".to_owned(),
            down_to: Priority::Bulk,
            limit,
            now,
            lease_until,
        };
        self.store.claim(vec![ask]).await.unwrap()
    }

    async fn settle(&self, job: Job, next: NextState) {
        let tried = match next {
            NextState::Ready { .. } | NextState::Dead => Tried {
                verdict: Some(Verdict::Transient),
                error: Some("503".to_owned()),
                counted: true,
            },
            _ => Tried::well(),
        };
        let finished_at = self.clock.now();
        let changes = Changes::none();
        self.store
            .settle(Settlement {
                job,
                finished_at,
                tried,
                next,
                changes,
            })
            .await
            .unwrap();
    }

    async fn scalar(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.store.readers)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_push_its_message_and_its_effect_are_one_commit_and_point_at_each_other() {
    let room = room().await;
    let changes = Changes {
        messages: vec![said("你好")],
        ..effects([effect("a")])
    };
    let arrived = room.store.arrive(push("m:1", changes)).await.unwrap();
    assert_eq!(arrived, Arrived::New { inbox_id: 1 });
    assert_eq!(
        room.scalar(
            "SELECT count(*) FROM message m JOIN inbox i ON i.id = m.inbox_id
                     JOIN outbox o ON o.inbox_id = i.id WHERE m.text = '你好' AND o.head = 1"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn a_push_that_comes_again_gets_the_stored_answer_and_no_second_effect() {
    let room = room().await;
    room.store
        .arrive(push("m:1", effects([effect("a")])))
        .await
        .unwrap();
    let again = room
        .store
        .arrive(push("m:1", effects([effect("a")])))
        .await
        .unwrap();
    let answer = Answer::Stored("<xml>hello</xml>".to_owned());
    assert_eq!(
        again,
        Arrived::Duplicate {
            inbox_id: 1,
            answer
        }
    );
    assert_eq!(room.scalar("SELECT count(*) FROM outbox").await, 1);
    assert_eq!(room.scalar("SELECT count(*) FROM v_duplicate").await, 1);
}

#[tokio::test]
async fn copies_that_arrive_at_the_same_moment_have_one_effect() {
    let room = room().await;
    let copies = (0..20).map(|_| {
        let store = room.store.clone();
        tokio::spawn(async move {
            store
                .arrive(push("m:7", effects([effect("a")])))
                .await
                .unwrap()
        })
    });
    let mut new = 0;
    for copy in copies.collect::<Vec<_>>() {
        new += usize::from(matches!(copy.await.unwrap(), Arrived::New { .. }));
    }
    assert_eq!(new, 1);
    assert_eq!(room.scalar("SELECT count(*) FROM outbox").await, 1);
}

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
async fn a_late_link_does_not_bring_back_somebody_who_left() {
    let room = room().await;
    let tenant = TenantId::new("main");
    let change = |state| MappingChange::to(follower(), tenant.clone(), state);
    let customer = Some((ObjectId::new("A".repeat(32)), CustomerId::new("1000441")));
    let linked = MappingChange {
        customer,
        ..change(MappingState::Linked)
    };
    for row in [
        change(MappingState::Pending),
        change(MappingState::Unfollowed),
        linked.clone(),
    ] {
        room.store
            .write(Changes {
                mappings: vec![row],
                ..Changes::none()
            })
            .await
            .unwrap();
    }
    let mapping = room.store.mapping(&follower()).await.unwrap().unwrap();
    assert_eq!(mapping.state, MappingState::Unfollowed);
    assert!(
        mapping.customer.is_some(),
        "but which customer it was is kept"
    );
    let returned = MappingChange {
        returned: true,
        ..linked
    };
    room.store
        .write(Changes {
            mappings: vec![returned],
            ..Changes::none()
        })
        .await
        .unwrap();
    let mapping = room.store.mapping(&follower()).await.unwrap().unwrap();
    assert_eq!(mapping.state, MappingState::Linked);
}

#[tokio::test]
async fn a_newer_act_renews_the_window_and_an_older_one_does_not() {
    let room = room().await;
    let grant = |at: i64| NewGrant {
        follower: follower(),
        trigger: "message",
        granted_at: Timestamp::from_second(at).unwrap(),
        valid_until: Timestamp::from_second(2_000_000_000 + at).unwrap(),
        allowed: 5,
    };
    let write = |changes| room.store.write(changes);
    write(Changes {
        grants: vec![grant(10)],
        ..Changes::none()
    })
    .await
    .unwrap();
    let two = vec![follower(), follower()];
    write(Changes {
        window_uses: two,
        ..Changes::none()
    })
    .await
    .unwrap();
    write(Changes {
        grants: vec![grant(9)],
        ..Changes::none()
    })
    .await
    .unwrap();
    assert_eq!(room.store.grants(&follower()).await.unwrap()[0].used, 2);
    write(Changes {
        grants: vec![grant(11)],
        ..Changes::none()
    })
    .await
    .unwrap();
    assert_eq!(room.store.grants(&follower()).await.unwrap()[0].used, 0);
    write(Changes {
        window_closed: vec![follower()],
        ..Changes::none()
    })
    .await
    .unwrap();
    assert!(room.store.grants(&follower()).await.unwrap().is_empty());
}

#[tokio::test]
async fn deleting_a_history_leaves_no_word_of_it() {
    let room = room().await;
    let changes = Changes {
        messages: vec![said("a secret")],
        ..Changes::none()
    };
    let mut arrival = push("m:1", changes);
    arrival.body = "<xml>a secret</xml>".to_owned();
    room.store.arrive(arrival).await.unwrap();
    let forget = Changes {
        forgets: vec![follower()],
        ..Changes::none()
    };
    room.store.write(forget).await.unwrap();
    assert!(
        room.store
            .history(&follower(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        room.scalar("SELECT count(*) FROM inbox WHERE body IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test]
async fn a_slow_refresher_never_overwrites_a_newer_token() {
    let room = room().await;
    let account = AccountId::new("main");
    let token = |value: &str| StoredToken {
        value: value.into(),
        fetched_at: room.clock.now(),
        expires_at: room.clock.now(),
    };
    assert!(
        room.store
            .replace_token(&account, None, token("A"))
            .await
            .unwrap()
    );
    assert!(
        room.store
            .replace_token(&account, Some("A".into()), token("B"))
            .await
            .unwrap()
    );
    assert!(
        !room
            .store
            .replace_token(&account, Some("A".into()), token("C"))
            .await
            .unwrap()
    );
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

#[tokio::test]
async fn a_second_daemon_on_the_same_file_refuses_to_start() {
    let room = room().await;
    let again = Store::open(room.store.path(), Arc::new(room.clock.clone())).await;
    assert!(matches!(again, Err(OpenError::InUse(_))), "{again:?}");
}

#[tokio::test]
async fn an_older_binary_refuses_a_newer_database() {
    let room = room().await;
    let other = room.folder.path().join("copy.db");
    sqlx::query("VACUUM INTO ?")
        .bind(other.display().to_string())
        .execute(&mut beside(room.store.path()).await)
        .await
        .unwrap();
    let mut newer = beside(&other).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'future', 1, x'00', 0)",
    )
    .execute(&mut newer)
    .await
    .unwrap();
    newer.close().await.unwrap();
    let opened = Store::open(&other, Arc::new(room.clock.clone())).await;
    assert!(
        matches!(opened, Err(OpenError::Newer { version: 9999, .. })),
        "{opened:?}"
    );
}

#[tokio::test]
async fn while_somebody_holds_the_write_lock_a_push_is_refused_and_later_accepted() {
    let room = room().await;
    let mut person = beside(room.store.path()).await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut person)
        .await
        .unwrap();
    let refused = room.store.arrive(push("m:1", Changes::none())).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    sqlx::query("ROLLBACK").execute(&mut person).await.unwrap();
    let accepted = room.store.arrive(push("m:1", Changes::none())).await;
    assert!(matches!(accepted, Ok(Arrived::New { .. })), "{accepted:?}");
}

#[tokio::test]
async fn one_request_that_sqlite_refuses_does_not_fail_its_neighbours() {
    let room = room().await;
    let bad = NewEffect {
        remote: "local".to_owned(),
        ..effect("a")
    };
    let wrong = Changes {
        snapshots: vec![Snapshot {
            tenant: TenantId::new("main"),
            object_id: ObjectId::new("A"),
            fields: [].into(),
            etag: None,
            changed_at: None,
        }],
        grants: vec![NewGrant {
            follower: follower(),
            trigger: "no such trigger",
            granted_at: Timestamp::UNIX_EPOCH,
            valid_until: Timestamp::UNIX_EPOCH,
            allowed: 1,
        }],
        ..Changes::none()
    };
    let (good, refused) = tokio::join!(room.store.write(effects([bad])), room.store.write(wrong));
    assert!(good.is_ok());
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    assert_eq!(
        room.scalar("SELECT count(*) FROM customer_snapshot").await,
        0
    );
}
