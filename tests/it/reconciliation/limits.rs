//! How far a run goes, and where the next one goes on: the brake, the quota, interruptions.

use qiao::control::Command;
use qiao::domain::ids::{AccountId, OpenId};
use qiao::domain::rows::Follower;
use qiao::jobs::Options;
use qiao_sim::fault::{Kind, UNTIL_CLEARED};
use qiao_sim::wechat;

use super::{FOLLOWERS, HOUR, effects, from_before, importing, reconcile, state_of};
use crate::world::{Plan, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_goes_on_where_it_stopped() {
    let mut world = World::planned(importing(wechat::Settings {
        page_size: 2,
        ..Plan::default().wechat
    }))
    .await;
    let openids: Vec<String> = (0..5).map(|_| from_before(&world)).collect();
    world.wechat_fails(FOLLOWERS, Kind::Latency { millis: 0 });
    world.wechat_fails_for(
        FOLLOWERS,
        Kind::Hang {
            after_effect: false,
        },
        UNTIL_CLEARED,
    );
    let timetable = world.daemon().parts.timetable.clone();
    let run = tokio::spawn(async move { timetable.run("reconcile").await });
    world
        .wechat
        .until(|wechat| (wechat.calls(FOLLOWERS) == 2).then_some(()))
        .await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    world.stop().await;
    world.wechat.with(|wechat, _, _| wechat.faults.clear(None));
    world.start().await;
    let interrupted = "SELECT count(*) FROM job_run WHERE outcome = 'interrupted'";
    assert_eq!(world.count(interrupted).await, 1);

    let listed = |world: &World| world.wechat.look(|wechat| wechat.calls(FOLLOWERS));
    reconcile(&world, true).await;
    let resumed = listed(&world) - 2;
    for openid in &openids {
        assert_eq!(state_of(&world, openid).await, "linked");
        world.object_of(openid);
    }
    reconcile(&world, true).await;
    let whole = listed(&world) - 2 - resumed;
    assert_eq!(resumed, whole - 1, "the first page is not read again");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_repairs_need_a_persons_word() {
    let mut plan = importing(Plan::default().wechat);
    plan.account.push_str("[reconcile]\nmax_repairs = 2\n");
    let world = World::planned(plan).await;
    let openids: Vec<String> = (0..3).map(|_| from_before(&world)).collect();
    let controls = world.daemon().parts.controls();
    let options = Options {
        apply: true,
        ..Options::default()
    };
    let refused = controls
        .execute(Command::Reconcile(options.clone()), "tester")
        .await;
    let reason = refused.unwrap_err().to_string();
    assert!(
        reason.contains("3 repairs are planned, more than the 2"),
        "{reason}"
    );
    let night = world.daemon().parts.timetable.run("reconcile").await;
    assert!(night.unwrap_err().to_string().contains("3 repairs"));
    assert_eq!(effects(&world).await, 0);
    let found = "SELECT count(*) FROM finding WHERE state = 'found'";
    assert_eq!(world.count(found).await, 6, "they are shown all the same");
    let yes = Options {
        yes: true,
        ..options
    };
    controls
        .execute(Command::Reconcile(yes), "tester")
        .await
        .unwrap();
    world.settled().await;
    for openid in &openids {
        assert_eq!(state_of(&world, openid).await, "linked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_day_has_no_more_pages_the_next_run_reads_on() {
    let world = World::planned(importing(wechat::Settings {
        page_size: 2,
        ..Plan::default().wechat
    }))
    .await;
    let mut openids: Vec<String> = (0..5).map(|_| from_before(&world)).collect();
    openids.sort();
    world
        .sql("INSERT INTO call_count VALUES ('main', 'user/get', '2026-11-23', 449)")
        .await;
    let listed = || world.wechat.look(|wechat| wechat.calls(FOLLOWERS));
    let timetable = &world.daemon().parts.timetable;
    let told = timetable.run("reconcile").await.unwrap();
    world.settled().await;
    assert!(
        told.contains("2 findings, repairs queued; the list of followers of main"),
        "{told}"
    );
    assert_eq!(listed(), 1);
    for (openid, known) in openids.iter().zip([true, true, false, false, false]) {
        let follower = Follower {
            account: AccountId::new("main"),
            openid: OpenId::new(openid),
        };
        let mapping = world.store().mapping(&follower).await.unwrap();
        assert_eq!(mapping.is_some(), known, "with what it has");
    }
    world.advance(24 * HOUR);
    let told = timetable.run("reconcile").await.unwrap();
    world.settled().await;
    assert_eq!(told, "3 findings, repairs queued");
    assert_eq!(listed(), 4, "the first page is not read again");
    for openid in &openids {
        assert_eq!(state_of(&world, openid).await, "linked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_off_at_c4c_reads_no_page_twice() {
    const CUSTOMERS: &str = "IndividualCustomerCollection";
    const CARRIED: &str = "CustomerCommonCollection";
    let mut world = World::planned(Plan {
        c4c: qiao_sim::c4c::Settings {
            page: 2,
            ..qiao_sim::c4c::Settings::default()
        },
        ..Plan::default()
    })
    .await;
    world.c4c.with(|c4c, now, _| {
        for name in ["Wang", "Li", "Zhao", "Zhou", "Chen"] {
            c4c.create_customer(&[("LastName", name)], now);
        }
    });
    world.settled().await;
    world.advance(25 * HOUR);
    world.c4c.with(|c4c, _, _| c4c.clear_calls());
    let hang = Kind::Hang {
        after_effect: false,
    };
    world.c4c_fails(CUSTOMERS, Kind::Latency { millis: 0 });
    world.c4c_fails_for(CUSTOMERS, hang, UNTIL_CLEARED);
    let timetable = world.daemon().parts.timetable.clone();
    let run = tokio::spawn(async move { timetable.run("reconcile").await });
    world
        .c4c
        .until(|c4c| (c4c.calls().total("GET", CUSTOMERS) == 2).then_some(()))
        .await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    world.stop().await;
    world.c4c_heals();
    world.c4c.with(|c4c, _, _| c4c.clear_calls());
    world.start().await;
    reconcile(&world, true).await;
    let (customers, carried) = (
        world.c4c_calls("GET", CUSTOMERS),
        world.c4c_calls("GET", CARRIED),
    );
    assert_eq!(carried, 0, "that stage was finished");
    world.c4c.with(|c4c, _, _| c4c.clear_calls());
    reconcile(&world, true).await;
    assert_eq!(world.c4c_calls("GET", CARRIED), 3);
    assert_eq!(world.c4c_calls("GET", CUSTOMERS), customers + 1);
}
