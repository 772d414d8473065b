//! Which effects may run, and in which order.

use jiff::Timestamp;
use qiao::domain::rows::{NewEffect, Priority, names};
use qiao::store::{Ask, Job, NextState, RunAhead};

use super::Way;
use super::rows::{
    Room, done, effect, effects, follower, mapped, mapping_to, push, settlement, to_say,
};

fn lanes(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.lane.as_str()).collect()
}

fn with_priority(lane: &str, priority: Priority) -> NewEffect {
    NewEffect {
        priority,
        ..effect(lane)
    }
}

pub async fn only_the_head_of_a_lane_runs_and_lanes_run_side_by_side(way: &Way) {
    let room = Room::new(way).await;
    room.write(effects([effect("a"), effect("a"), effect("b")]))
        .await;
    let first = room.claim().await;
    assert_eq!(lanes(&first), ["a", "b"]);
    assert!(room.claim().await.is_empty(), "the second of a waits");
    room.settle(first[0].clone(), done()).await;
    let second = room.claim_one().await;
    assert_eq!(second.lane, "a");
    assert!(second.id > first[0].id);
}

pub async fn a_lane_is_under_way_until_its_last_row_is_settled(way: &Way) {
    let room = Room::new(way).await;
    let is_under_way = async || room.store.is_under_way("a").await.unwrap();
    room.queue([effect("b")]).await;
    assert!(!is_under_way().await);
    room.queue([effect("a")]).await;
    assert!(is_under_way().await);
    let jobs = room.claim().await;
    assert!(is_under_way().await, "it runs");
    for job in jobs {
        room.settle(job, done()).await;
    }
    assert!(!is_under_way().await);
}

pub async fn the_urgent_go_first_and_the_limit_holds_over_all_priorities(way: &Way) {
    let room = Room::new(way).await;
    room.queue([
        with_priority("bulk", Priority::Bulk),
        with_priority("normal", Priority::Normal),
        with_priority("live", Priority::Live),
        with_priority("also live", Priority::Live),
    ])
    .await;
    let first = room.claim_as(room.ask(3)).await;
    assert_eq!(lanes(&first), ["live", "also live", "normal"]);
    let left = room.claim_as(room.ask(3)).await;
    assert_eq!(lanes(&left), ["bulk"]);
    assert!(room.claim_as(room.ask(0)).await.is_empty());
}

pub async fn bulk_work_is_left_where_it_was_not_asked_for(way: &Way) {
    let room = Room::new(way).await;
    room.queue([
        with_priority("bulk", Priority::Bulk),
        with_priority("normal", Priority::Normal),
        with_priority("live", Priority::Live),
    ])
    .await;
    for (down_to, lane) in [
        (Priority::Live, "live"),
        (Priority::Normal, "normal"),
        (Priority::Bulk, "bulk"),
    ] {
        let ask = || Ask {
            down_to,
            ..room.ask(10)
        };
        assert_eq!(lanes(&room.claim_as(ask()).await), [lane]);
        assert!(room.claim_as(ask()).await.is_empty());
    }
}

pub async fn what_is_due_longest_goes_first_and_nothing_before_its_time(way: &Way) {
    let room = Room::new(way).await;
    let not_before = |lane: &str, seconds| NewEffect {
        not_before: Some(room.later(seconds)),
        ..effect(lane)
    };
    room.queue([
        not_before("late", 30),
        not_before("early", 10),
        not_before("middle", 20),
    ])
    .await;
    room.wait(9);
    assert!(room.claim().await.is_empty());
    room.wait(1);
    assert_eq!(lanes(&room.claim().await), ["early"]);
    room.wait(100);
    assert_eq!(lanes(&room.claim_as(room.ask(1)).await), ["middle"]);
    assert_eq!(lanes(&room.claim_as(room.ask(1)).await), ["late"]);
}

pub async fn every_remote_is_asked_on_its_own(way: &Way) {
    let room = Room::new(way).await;
    let to = |remote: &str, lane: &str| NewEffect {
        remote: remote.into(),
        ..effect(lane)
    };
    room.queue([
        to("c4c:main", "a"),
        to("c4c:main", "b"),
        to("wechat:main", "c"),
    ])
    .await;
    let ask = |remote: &str, limit| Ask {
        remote: remote.to_owned(),
        ..room.ask(limit)
    };
    let asks = vec![ask("wechat:main", 5), ask("nobody", 5), ask("c4c:main", 1)];
    let jobs = room.store.claim(asks).await.unwrap();
    assert_eq!(lanes(&jobs), ["c", "a"]);
}

pub async fn a_claim_tells_the_handler_everything(way: &Way) {
    let room = Room::new(way).await;
    let anna = follower('a');
    let mut changes = to_say(&anna, "hello");
    changes.effects[0].payload = r#"{"to":"a"}"#.into();
    changes.effects[0].priority = Priority::Live;
    changes.effects[0].expires_at = Some(room.later(3600));
    room.arrive(push("m:1", changes)).await;
    let created_at = room.now();
    room.wait(5);
    let expected = Job {
        id: 1,
        lane: anna.send_lane(),
        effect: "test.effect".to_owned(),
        remote: "test".to_owned(),
        payload: r#"{"to":"a"}"#.to_owned(),
        uncertain: false,
        priority: Priority::Live,
        attempts: 0,
        tries: 0,
        expires_at: Some(room.later(3595)),
        inbox_id: Some(1),
        message_id: Some(1),
        text: Some("hello".to_owned()),
        created_at,
        trace: None,
        started_at: room.now(),
    };
    assert_eq!(room.claim_one().await, expected);
    assert_eq!(room.row(1).await.state, "running");
}

pub async fn what_follows_a_head_is_claimed_with_it_where_that_is_asked_for(way: &Way) {
    let room = Room::new(way).await;
    let queued = |lane: &'static str, count| (0..count).map(move |_| effect(lane));
    room.write(effects(queued("a", 4).chain(queued("b", 1))))
        .await;
    let ids = |jobs: &[Job]| jobs.iter().map(|job| job.id).collect::<Vec<_>>();
    let run = room.claim_as(room.ask_ahead(3)).await;
    assert_eq!(ids(&run), [1, 2, 3, 5]);
    assert!(room.claim_as(room.ask_ahead(3)).await.is_empty(), "a runs");
    room.settle(run[0].clone(), done()).await;
    assert!(room.claim_as(room.ask_ahead(3)).await.is_empty(), "still");
    room.store.give_back(vec![3]).await.unwrap();
    room.settle(run[1].clone(), done()).await;
    let rest = room.claim_as(room.ask_ahead(1)).await;
    assert_eq!(ids(&rest), [3], "the head alone");
    room.store.give_back(vec![3]).await.unwrap();
    assert_eq!(ids(&room.claim_as(room.ask_ahead(9)).await), [3, 4]);
}

pub async fn running_ahead_ends_at_the_first_row_that_may_not(way: &Way) {
    let room = Room::new(way).await;
    let stops = [
        NewEffect {
            effect: "other.effect",
            ..effect("effect")
        },
        NewEffect {
            remote: "c4c:main".into(),
            ..effect("remote")
        },
        NewEffect {
            not_before: Some(room.later(1)),
            ..effect("time")
        },
        with_priority("priority", Priority::Bulk),
    ];
    for stop in stops {
        let lane = stop.lane.clone();
        room.queue([effect(&lane), stop, effect(&lane)]).await;
    }
    let other_head = NewEffect {
        effect: "other.effect",
        ..effect("head")
    };
    room.queue([other_head, effect("head")]).await;
    let ask = Ask {
        down_to: Priority::Normal,
        ..room.ask_ahead(9)
    };
    let run = room.claim_as(ask).await;
    assert_eq!(
        lanes(&run),
        ["effect", "remote", "time", "priority", "head"]
    );
}

pub async fn the_timer_is_told_the_next_instant_of_each_remote(way: &Way) {
    let room = Room::new(way).await;
    let at = |remote: &str, lane: &str, priority, seconds| NewEffect {
        remote: remote.into(),
        priority,
        not_before: Some(room.later(seconds)),
        ..effect(lane)
    };
    room.queue([
        at("c4c:main", "a", Priority::Bulk, 10),
        at("c4c:main", "a", Priority::Live, 5),
        at("c4c:main", "b", Priority::Live, 20),
        at("wechat:main", "c", Priority::Normal, 30),
    ])
    .await;
    let remotes = ["c4c:main", "wechat:main", "nobody"].map(str::to_owned);
    let due = room.store.next_due(&remotes).await.unwrap();
    let first = |remote: &str| -> Option<Timestamp> {
        let of_it = due.iter().filter(|(name, _)| name == remote);
        of_it.map(|(_, at)| *at).min()
    };
    assert_eq!(first("c4c:main"), Some(room.later(10)), "of heads only");
    assert_eq!(first("wechat:main"), Some(room.later(30)));
    assert_eq!(first("nobody"), None);
}

pub async fn a_reread_that_has_not_started_takes_in_the_next_one(way: &Way) {
    let room = Room::new(way).await;
    let reread = |effect_name: &'static str| NewEffect {
        merge: true,
        effect: effect_name,
        ..effect("object:c4c:1")
    };
    room.write(effects([reread("reread"), reread("reread")]))
        .await;
    room.write(effects([reread("reread"), reread("other")]))
        .await;
    room.write(effects([effect("object:c4c:1")])).await;
    let running = room.claim_one().await;
    assert_eq!(running.effect, "reread");
    room.write(effects([reread("reread")])).await;
    let mut order = vec![running.effect.clone()];
    room.settle(running, done()).await;
    for _ in 0..3 {
        let job = room.claim_one().await;
        order.push(job.effect.clone());
        room.settle(job, done()).await;
    }
    assert_eq!(
        order,
        ["reread", "other", "test.effect", "reread"],
        "a running one has read already"
    );
    assert!(room.claim().await.is_empty());
}

pub async fn what_is_local_is_read_in_order_and_settled_without_a_claim(way: &Way) {
    let room = Room::new(way).await;
    let local = |lane: &str| NewEffect {
        remote: names::LOCAL.into(),
        ..effect(lane)
    };
    room.write(effects([local("in:a"), local("in:b"), local("in:a")]))
        .await;
    let oldest = async |limit| -> Vec<Vec<i64>> {
        let read = room.store.oldest_of(names::LOCAL, limit, room.now());
        let lanes = read.await.unwrap();
        let ids = |jobs: &Vec<Job>| jobs.iter().map(|job| job.id).collect();
        lanes.iter().map(ids).collect()
    };
    assert_eq!(oldest(4).await, [vec![1, 3], vec![2]]);
    assert_eq!(
        oldest(2).await,
        [vec![1], vec![2]],
        "each lane has its share"
    );
    let mut lanes = room
        .store
        .oldest_of(names::LOCAL, 4, room.now())
        .await
        .unwrap();
    let first = settlement(lanes[0].remove(0), done(), room.now());
    room.store.settle_all([first].into()).await.unwrap();
    let row = room.row(1).await;
    assert_eq!((row.state.as_str(), row.tries), ("done", 1));
    let later = NextState::Ready {
        at: room.later(30),
        uncertain: false,
    };
    room.settle(lanes[0].remove(0), later).await;
    assert_eq!(oldest(4).await, [vec![2]], "what waits is not read");
    room.wait(30);
    assert_eq!(oldest(4).await, [vec![2], vec![3]]);
}

pub async fn a_local_effect_wakes_who_decides_and_nobody_else(way: &Way) {
    let room = Room::new(way).await;
    let (wake, wake_local) = (room.store.wake(), room.store.wake_local());
    let local = NewEffect {
        remote: names::LOCAL.into(),
        ..effect("in:a")
    };
    room.write(effects([local])).await;
    assert!(wake_local.has_changed().unwrap() && !wake.has_changed().unwrap());
    let mut lanes = room
        .store
        .oldest_of(names::LOCAL, 1, room.now())
        .await
        .unwrap();
    room.settle(lanes[0].remove(0), done()).await;
    assert!(!wake.has_changed().unwrap());
}

pub async fn heads_may_be_claimed_before_their_turn_where_that_is_asked_for(way: &Way) {
    let room = Room::new(way).await;
    let strict = NewEffect {
        effect: "strict.effect",
        ..effect("d")
    };
    room.write(effects([
        effect("a"),
        effect("b"),
        effect("c"),
        strict,
        effect("e"),
    ]))
    .await;
    let ask = |limit, heads| Ask {
        ahead: RunAhead {
            heads,
            waiting: ["test.effect"].into(),
            ..RunAhead::default()
        },
        ..room.ask(limit)
    };
    assert_eq!(lanes(&room.claim_as(ask(1, 1)).await), ["a", "b"]);
    let next = room.claim_as(ask(0, 9)).await;
    assert_eq!(lanes(&next), ["c"], "what may not wait is not overtaken");
    assert_eq!(lanes(&room.claim_as(ask(1, 9)).await), ["d", "e"]);
}

pub async fn nobody_is_woken_by_what_makes_nothing_due(way: &Way) {
    let room = Room::new(way).await;
    let mut wake = room.store.wake();
    wake.mark_unchanged();
    let pending = qiao::domain::rows::MappingState::Pending;
    room.write(mapped(mapping_to(&follower('a'), pending)))
        .await;
    assert!(!wake.has_changed().unwrap());
    room.write(effects([effect("a"), effect("a")])).await;
    wake.changed().await.unwrap();
    let job = room.claim_one().await;
    assert!(!wake.has_changed().unwrap(), "a claim wakes nobody");
    room.settle(job, done()).await;
    wake.changed().await.unwrap();
}
