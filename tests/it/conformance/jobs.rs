//! Runs of scheduled jobs, and what they found.

use qiao::domain::rows::{Changes, Finding};
use qiao::store::StartedBy;

use super::Way;
use super::rows::{Room, account, follower, nothing};

impl Room {
    async fn start(&self, job: &str) -> i64 {
        let started = self.store.start_job(job, StartedBy::Schedule).await;
        started.unwrap().expect("it does not run yet")
    }

    async fn finish(&self, run: i64) {
        let done = Ok("done".to_owned());
        self.store.finish_job(run, done).await.unwrap();
    }
}

pub async fn a_job_runs_once_at_a_time(way: &Way) {
    let room = Room::new(way).await;
    assert!(room.store.last_run("prune").await.unwrap().is_none());
    let run = room.start("prune").await;
    let beside = room.store.start_job("prune", StartedBy::Operator).await;
    assert_eq!(beside.unwrap(), None);
    let other = room.start("expire").await;
    let last = room.store.last_run("prune").await.unwrap().unwrap();
    assert_eq!((last.id, last.outcome.as_str()), (run, "running"));
    assert_eq!((last.started_at(), last.finished_at()), (room.now(), None));
    room.wait(3);
    let why = Err("the disk is full".to_owned());
    room.store.finish_job(run, why).await.unwrap();
    let last = room.store.last_run("prune").await.unwrap().unwrap();
    assert_eq!(
        (last.job.as_str(), last.outcome.as_str()),
        ("prune", "failed")
    );
    assert_eq!(last.detail.as_deref(), Some("the disk is full"));
    assert_eq!(last.finished_at(), Some(room.now()));
    let last = room.store.last_run("expire").await.unwrap().unwrap();
    assert_eq!((last.id, last.outcome.as_str()), (other, "running"));
    assert!(room.start("prune").await > other);
}

pub async fn a_run_remembers_where_to_go_on(way: &Way) {
    let room = Room::new(way).await;
    let first = room.start("reconcile").await;
    let resume = Some(r#"{"after":"o1"}"#.to_owned());
    room.store.note_job(first, resume.clone()).await.unwrap();
    room.finish(first).await;
    room.finish(first).await;
    let second = room.start("reconcile").await;
    let before = room.store.run_before("reconcile", second).await.unwrap();
    assert_eq!(before.unwrap().resume, resume);
    let none = room.store.run_before("reconcile", first).await.unwrap();
    assert_eq!(none, None);
    let other = room.store.run_before("prune", second).await.unwrap();
    assert_eq!(other, None, "of another job");
    room.store.note_job(first, None).await.unwrap();
    let before = room.store.run_before("reconcile", second).await.unwrap();
    assert_eq!(before.unwrap().resume, None);
}

pub async fn a_run_that_was_cut_off_is_interrupted_and_the_job_free(way: &Way) {
    let room = Room::new(way).await;
    let cut_off = room.start("reconcile").await;
    let ended = room.start("prune").await;
    room.finish(ended).await;
    room.store.recover().await.unwrap();
    let last = room.store.last_run("reconcile").await.unwrap().unwrap();
    assert_eq!((last.id, last.outcome.as_str()), (cut_off, "interrupted"));
    assert_eq!(last.finished_at(), Some(room.now()));
    room.finish(cut_off).await;
    let last = room.store.last_run("reconcile").await.unwrap().unwrap();
    assert_eq!(last.outcome, "interrupted", "it has ended already");
    let last = room.store.last_run("prune").await.unwrap().unwrap();
    assert_eq!(last.outcome, "done");
    room.start("reconcile").await;
}

pub async fn the_last_walk_that_got_through_a_stage_is_found(way: &Way) {
    let room = Room::new(way).await;
    let last_walk = |stage| room.store.last_walk("reconcile", stage);
    assert_eq!(last_walk("wechat:main").await.unwrap(), None);
    for (began, stages, ends) in [
        (
            "2027-01-01T00:00:00Z",
            r#"["wechat:main","c4c:main"]"#,
            true,
        ),
        ("2027-01-02T00:00:00Z", r#"["wechat:main"]"#, true),
        ("2027-01-03T00:00:00Z", r#"["wechat:main"]"#, false),
    ] {
        let run = room.start("reconcile").await;
        let resume = format!(r#"{{"began":"{began}","done":{stages}}}"#);
        room.store.note_job(run, Some(resume)).await.unwrap();
        if ends {
            room.finish(run).await;
        }
    }
    let wechat = last_walk("wechat:main").await.unwrap();
    assert_eq!(wechat, Some("2027-01-02T00:00:00Z".parse().unwrap()));
    let c4c = last_walk("c4c:main").await.unwrap();
    assert_eq!(c4c, Some("2027-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(last_walk("c4c:other").await.unwrap(), None);
    let other = room.store.last_walk("prune", "c4c:main").await.unwrap();
    assert_eq!(other, None);
}

pub async fn findings_are_read_in_pages(way: &Way) {
    let room = Room::new(way).await;
    let found = |job_run_id, detail: &str| Finding {
        job_run_id,
        kind: "follower_without_mapping",
        account: Some(account()),
        tenant: None,
        openid: Some(follower('a').openid),
        object_id: None,
        detail: detail.to_owned(),
        state: "repairing",
        repair: Some("{}".to_owned()),
    };
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = room.start("reconcile").await;
        let findings = ["one", "two", "three"]
            .map(|detail| found(run, detail))
            .into();
        room.write(Changes {
            findings,
            ..nothing()
        })
        .await;
        room.finish(run).await;
        runs.push(run);
    }
    let page = room.store.findings(runs[0], 0, 2).await.unwrap();
    let details: Vec<_> = page.iter().map(|row| row.detail.as_str()).collect();
    assert_eq!(details, ["one", "two"]);
    let rest = room.store.findings(runs[0], page[1].id, 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].kind, "follower_without_mapping");
    assert_eq!(
        rest[0].openid.as_deref(),
        Some(follower('a').openid.as_str())
    );
    assert_eq!(
        (rest[0].state.as_str(), &rest[0].tenant),
        ("repairing", &None)
    );
}

pub async fn a_job_is_known_since_it_was_first_seen(way: &Way) {
    let room = Room::new(way).await;
    assert_eq!(room.store.known_since("reconcile").await.unwrap(), None);
    let first = room.now();
    for _ in 0..2 {
        room.store.know_job("reconcile").await.unwrap();
        room.wait(60);
    }
    let since = room.store.known_since("reconcile").await.unwrap();
    assert_eq!(since, Some(first));
    assert_eq!(room.store.known_since("prune").await.unwrap(), None);
}

pub async fn what_was_found_due_is_not_started_after_somebody_else_did(way: &Way) {
    let room = Room::new(way).await;
    let due = async |last| room.store.start_due_job("prune", last).await.unwrap();
    let first = due(0).await.expect("it never ran");
    assert_eq!(due(0).await, None, "it runs");
    assert_eq!(due(first).await, None, "it runs");
    room.finish(first).await;
    assert_eq!(due(0).await, None, "it has run since");
    let by_hand = room.start("prune").await;
    room.finish(by_hand).await;
    assert_eq!(due(first).await, None, "a person has run it since");
    assert!(due(by_hand).await.is_some());
}
