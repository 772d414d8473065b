//! What has become old goes, and nothing that is still needed.

use qiao::domain::grams::Sought;
use qiao::domain::rows::{
    Changes, ConversationChange, EndReason, Finding, Follower, MediaChange, NewEffect, SeatEvent,
};
use qiao::store::{Answer, Arrived, Kept, SearchQuery, StartedBy};

use super::Way;
use super::rows::{Room, account, done, effect, follower, held, nothing, push};

/// How long everything is kept here, in seconds.
const KEPT: i64 = 1000;

impl Room {
    /// Everything there is becomes old.
    fn grows_old(&self) {
        self.wait(2 * KEPT.unsigned_abs());
    }

    /// Deletes what is old of a kind; how many rows went.
    async fn deletes(&self, kind: Kept) -> u64 {
        let (mut gone, mut after) = (0, 0);
        loop {
            let page = self
                .store
                .delete_older(kind, self.later(-KEPT), after)
                .await;
            let page = page.unwrap();
            gone += page.gone;
            match page.next {
                Some(next) => after = next,
                None => return gone,
            }
        }
    }

    /// An effect about a message.
    async fn is_about(&self, message_id: i64, lane: &str) {
        let message_id = Some(message_id);
        self.queue([NewEffect {
            message_id,
            ..effect(lane)
        }])
        .await;
    }

    async fn conversation_ends(&self, who: &Follower) {
        let open = self.store.newest_conversations(&[who]).await.unwrap();
        let change = ConversationChange::Ended {
            id: open[who].id,
            reason: EndReason::Idle,
            at: self.now(),
        };
        self.write(Changes {
            conversations: vec![change],
            ..nothing()
        })
        .await;
    }
}

pub async fn what_was_said_long_ago_goes_with_its_media_and_its_words(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let old = room.hears_from(&anna).await;
    let wanted = |message_id| MediaChange::Wanted {
        message_id,
        kind: "image".to_owned(),
        media_id: "id".to_owned(),
    };
    room.grows_old();
    let young = room.hears_from(&anna).await;
    let newest = room.hears_from(&anna).await;
    room.write(Changes {
        media: vec![wanted(old), wanted(young)],
        ..nothing()
    })
    .await;
    while room.store.index_messages(9).await.unwrap() > 0 {}
    assert_eq!(room.deletes(Kept::Messages).await, 1);
    assert_eq!(room.store.said(old).await.unwrap(), None);
    assert!(room.store.said(young).await.unwrap().is_some());
    assert!(room.store.media_of(old).await.unwrap().is_empty());
    assert_eq!(room.store.media_of(young).await.unwrap().len(), 1);
    let hello = SearchQuery::new(Sought::parse("hello").unwrap(), 9);
    let found = room.store.search(&hello).await.unwrap();
    assert_eq!(found.len(), 2, "its words went, too");
    let words = "SELECT count(*) FROM message_search WHERE rowid = 1";
    assert_eq!(room.number(words).await, 0);

    room.grows_old();
    assert_eq!(room.deletes(Kept::Messages).await, 1);
    let kept = room.store.said(newest).await.unwrap();
    assert!(kept.is_some(), "its id would be given once more");
}

pub async fn a_conversation_goes_as_a_whole_and_not_while_it_is_open(way: &Way) {
    let room = Room::new(way).await;
    let (anna, bert) = (follower('a'), follower('b'));
    room.opens(&anna, None).await;
    room.opens(&bert, None).await;
    room.hears_from(&bert).await;
    room.grows_old();
    assert_eq!(room.deletes(Kept::Messages).await, 0, "both are open");
    assert_eq!(room.deletes(Kept::Conversations).await, 0);
    room.conversation_ends(&anna).await;
    room.conversation_ends(&bert).await;
    assert_eq!(room.deletes(Kept::Messages).await, 0, "they ended just now");
    room.wait(KEPT.unsigned_abs() / 2);
    let next = room.opens(&anna, None).await;
    room.wait(KEPT.unsigned_abs() / 2 + 1);
    assert_eq!(room.deletes(Kept::Messages).await, 3);
    assert_eq!(room.deletes(Kept::Conversations).await, 2);
    assert!(room.store.said(next).await.unwrap().is_some());
    let left = room.store.newest_conversations(&[&anna, &bert]).await;
    let left = left.unwrap();
    assert!(left[&anna].open && left.len() == 1, "{left:?}");
}

pub async fn what_waits_is_held_or_dead_keeps_its_message_and_its_push(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    // `effects` of a push point at it, and these at a message each.
    for (key, next) in [
        ("m:1", Some(done())),
        ("m:2", Some(held("no_customer"))),
        ("m:3", None),
    ] {
        let message = room.hears_from(&anna).await;
        let queued = NewEffect {
            message_id: Some(message),
            ..effect(key)
        };
        let effects = vec![queued];
        room.arrive(push(
            key,
            Changes {
                effects,
                ..nothing()
            },
        ))
        .await;
        if let Some(next) = next {
            room.run(next).await;
        }
    }
    let dead = room.hears_from(&anna).await;
    room.is_about(dead, "dying").await;
    let dying = room.number("SELECT max(id) FROM outbox").await;
    for job in room.claim().await {
        let next = if job.id == dying {
            qiao::store::NextState::Dead
        } else {
            // It waits for its next attempt.
            qiao::store::NextState::Ready {
                at: room.later(9_000),
                uncertain: false,
            }
        };
        room.settle(job, next).await;
    }
    room.hears_from(&anna).await;
    room.arrive(push("m:4", nothing())).await;
    room.grows_old();
    assert_eq!(room.deletes(Kept::Messages).await, 1, "of what is done");
    assert_eq!(room.deletes(Kept::Inbox).await, 1, "of what is done");
    assert_eq!(room.deletes(Kept::Effects).await, 1);
    let left =
        "SELECT count(*) FROM outbox WHERE state = 'ready' OR state = 'held' OR state = 'dead'";
    assert_eq!(room.number(left).await, 3);
    assert_eq!(room.number("SELECT count(*) FROM outbox").await, 3);
    let attempts = "SELECT count(*) FROM attempt WHERE outbox_id NOT IN (SELECT id FROM outbox)";
    assert_eq!(room.number(attempts).await, 0);
    assert_eq!(room.number("SELECT min(id) FROM inbox").await, 2);
    for message in [2, 3, dead] {
        let kept = room.store.said(message).await.unwrap();
        assert!(kept.is_some(), "message {message}");
    }
}

pub async fn an_effect_that_settled_just_now_stays_however_old_it_is(way: &Way) {
    let room = Room::new(way).await;
    room.queue([effect("a"), effect("b")]).await;
    room.grows_old();
    for job in room.claim().await {
        room.settle(job, done()).await;
    }
    assert_eq!(room.deletes(Kept::Effects).await, 0);
    room.grows_old();
    assert_eq!(room.deletes(Kept::Effects).await, 1, "but the newest");
}

pub async fn a_push_that_comes_again_gets_its_answer_after_older_ones_went(way: &Way) {
    let room = Room::new(way).await;
    room.arrive(push("m:old", nothing())).await;
    room.grows_old();
    room.arrive(push("m:young", nothing())).await;
    assert_eq!(room.deletes(Kept::Inbox).await, 1);
    let again = room.arrive(push("m:young", nothing())).await;
    let answer = Answer::Stored("<xml>hello</xml>".to_owned());
    let inbox_id = 2;
    assert_eq!(again, Arrived::Duplicate { inbox_id, answer });
    // Of one whose row went while its key was still known nothing happens a second time, either.
    let again = room.arrive(push("m:old", nothing())).await;
    let answer = Answer::None;
    let inbox_id = 1;
    assert_eq!(again, Arrived::Duplicate { inbox_id, answer });
}

pub async fn findings_events_and_runs_go_but_the_last_run_of_each_job(way: &Way) {
    let room = Room::new(way).await;
    let mut running = 0;
    for (job, ends) in [
        ("reconcile", true),
        ("prune", true),
        ("reconcile", true),
        ("expire", false),
    ] {
        let run = room.store.start_job(job, StartedBy::Schedule).await;
        let run = run.unwrap().unwrap();
        if ends {
            let told = Ok("done".to_owned());
            room.store.finish_job(run, told).await.unwrap();
        } else {
            running = run;
        }
    }
    let told = || Changes {
        findings: vec![Finding {
            job_run_id: 1,
            kind: "stale_snapshot",
            account: Some(account()),
            tenant: None,
            openid: None,
            object_id: None,
            detail: "old".to_owned(),
            state: "found",
            repair: None,
        }],
        seat_events: vec![SeatEvent {
            follower: follower('a'),
            kind: "closed",
            detail: "a@x".to_owned(),
            at: room.now(),
        }],
        ..nothing()
    };
    room.write(told()).await;
    room.grows_old();
    room.write(told()).await;
    assert_eq!(room.deletes(Kept::Findings).await, 1);
    assert_eq!(room.deletes(Kept::Events).await, 1);
    assert_eq!(
        room.number("SELECT count(*) FROM conversation_event").await,
        1
    );
    assert_eq!(
        room.deletes(Kept::Runs).await,
        1,
        "the first of `reconcile`"
    );
    for job in ["reconcile", "prune", "expire"] {
        assert!(room.store.last_run(job).await.unwrap().is_some(), "{job}");
    }
    room.store
        .finish_job(running, Ok(String::new()))
        .await
        .unwrap();
    assert_eq!(room.deletes(Kept::Runs).await, 0);
}

pub async fn much_goes_page_by_page_past_what_stays(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    for batch in 0..6 {
        // In the middle of them stands somebody whose conversation is open.
        if batch == 3 {
            room.opens(&follower('b'), None).await;
        }
        let messages = (0..100)
            .map(|_| super::rows::said(&anna, "hello"))
            .collect();
        room.write(Changes {
            messages,
            ..nothing()
        })
        .await;
    }
    room.grows_old();
    let before = room.later(-KEPT);
    let first = room.store.delete_older(Kept::Messages, before, 0).await;
    let first = first.unwrap();
    assert_eq!((first.gone, first.next), (250, Some(250)));
    assert_eq!(room.deletes(Kept::Messages).await, 349);
    assert_eq!(room.number("SELECT count(*) FROM message").await, 2);
}

pub async fn a_sound_database_has_no_damage(way: &Way) {
    let room = Room::new(way).await;
    room.hears_from(&follower('a')).await;
    while room.store.index_messages(9).await.unwrap() > 0 {}
    assert_eq!(room.store.damage().await.unwrap(), [""; 0]);
}
