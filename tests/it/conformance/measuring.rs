//! How things stand, and which trace a row belongs to.

use qiao::domain::rows::NewEffect;
use qiao::kit::random::Random;
use qiao::kit::trace::{TraceId, within};
use qiao::store::{Settlement, StartedBy};

use super::Way;
use super::rows::{Room, done, effect, effects, follower, held, nothing, push, settlement, to_say};

fn named(effect_name: &'static str, lane: &str) -> NewEffect {
    NewEffect {
        effect: effect_name,
        ..effect(lane)
    }
}

pub async fn the_oldest_due_of_each_effect_is_told(way: &Way) {
    let room = Room::new(way).await;
    assert_eq!(room.store.oldest_due().await.unwrap(), []);
    room.queue([named("one", "a"), named("one", "b"), named("two", "a")])
        .await;
    let first = room.now();
    room.wait(5);
    room.queue([named("three", "c"), named("one", "d")]).await;
    let mut due = room.store.oldest_due().await.unwrap();
    due.sort();
    let told = [("one", first), ("three", room.now())];
    let told = told.map(|(name, at)| (name.to_owned(), at));
    assert_eq!(due, told, "`two` is no head");
    room.claim().await;
    assert_eq!(room.store.oldest_due().await.unwrap(), [], "all run");
}

pub async fn what_is_held_is_counted_by_reason(way: &Way) {
    let room = Room::new(way).await;
    for reason in ["window", "uncertain", "window"] {
        room.queue([effect("a")]).await;
        room.run(held(reason)).await;
    }
    let mut counted = room.store.held_by_reason().await.unwrap();
    counted.sort();
    let told = [("uncertain", 1), ("window", 2)].map(|(r, rows)| (r.to_owned(), rows));
    assert_eq!(counted, told);
}

pub async fn the_last_success_of_each_job_is_told(way: &Way) {
    let room = Room::new(way).await;
    assert_eq!(room.store.last_successes().await.unwrap(), []);
    let run = async |job: &str, outcome: Result<&str, &str>| {
        let by = StartedBy::Schedule;
        let run = room.store.start_job(job, by).await.unwrap().unwrap();
        let outcome = outcome.map(str::to_owned).map_err(str::to_owned);
        room.store.finish_job(run, outcome).await.unwrap();
    };
    run("index", Ok("fine")).await;
    room.wait(60);
    run("index", Ok("fine again")).await;
    let success = room.now();
    room.wait(60);
    run("index", Err("broken")).await;
    run("prune", Err("broken")).await;
    let told = room.store.last_successes().await.unwrap();
    assert_eq!(told, [("index".to_owned(), success)]);
}

pub async fn rows_belong_to_the_trace_of_what_they_follow_from(way: &Way) {
    let room = Room::new(way).await;
    let random = Random::from_seed(1);
    let [of_push, of_job] = [TraceId::made(&random), TraceId::made(&random)];
    let arrives = room.arrive(push("m:1", to_say(&follower('a'), "hello")));
    within(Some(of_push.clone()), &random, arrives).await;
    let writes = room.write(effects([effect("of a job")]));
    within(Some(of_job.clone()), &random, writes).await;
    room.write(effects([effect("of nobody")])).await;
    let jobs = room.claim().await;
    let traces: Vec<_> = jobs.iter().map(|job| job.trace.clone()).collect();
    assert_eq!(traces, [Some(of_push.clone()), Some(of_job.clone()), None]);
    // What follows from an attempt inherits, whoever settles it.
    let follows = Settlement {
        changes: effects([effect("behind")]),
        ..settlement(jobs[0].clone(), done(), room.now())
    };
    room.store.settle(follows).await.unwrap();
    let behind = room.row(4).await;
    assert_eq!(behind.trace.as_deref(), Some(of_push.as_str()));
    // And so does what follows from an expiry.
    room.settle(jobs[1].clone(), held("window")).await;
    let expired = vec![(2, effects([effect("expired")]))];
    assert_eq!(room.store.expire(expired).await.unwrap(), 1);
    assert_eq!(room.row(5).await.trace.as_deref(), Some(of_job.as_str()));
    // A repetition keeps its own.
    let again = room.arrive(push("m:1", nothing()));
    let of_again = TraceId::made(&random);
    within(Some(of_again.clone()), &random, again).await;
    let releases = room.store.release(2, effects([effect("released")]));
    let of_operator = TraceId::made(&random);
    assert!(
        within(Some(of_operator.clone()), &random, releases)
            .await
            .unwrap()
    );
    assert_eq!(
        room.row(6).await.trace.as_deref(),
        Some(of_operator.as_str())
    );
}
