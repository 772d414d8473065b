//! What webhooks did not tell is found by looking, and put right by ordinary rows.

mod limits;

use std::time::Duration;

use qiao::control::Command;
use qiao::jobs::Options;
use qiao::store::FindingRow;
use qiao_sim::fault::Kind;
use qiao_sim::wechat::{self, PushOptions};

use crate::world::{Plan, World};

const IMPORT: &str = "existing_followers = \"import\"\n";
const FOLLOWERS: &str = "/cgi-bin/user/get";
const HOUR: Duration = Duration::from_hours(1);

/// `qiao reconcile`, with `--apply` or without; what it found.
async fn reconcile(world: &World, apply: bool) -> Vec<FindingRow> {
    let told = world
        .command(Command::Reconcile(Options {
            apply,
            ..Options::default()
        }))
        .await;
    world.settled().await;
    let run = told["run"].as_i64().unwrap();
    world.store().findings(run, 0, 1_000).await.unwrap()
}

fn kinds(findings: &[FindingRow]) -> Vec<&str> {
    findings.iter().map(|found| found.kind.as_str()).collect()
}

/// Somebody who has followed since before Qiao came.
fn from_before(world: &World) -> String {
    let openid = world.somebody();
    world
        .wechat
        .with(|wechat, now, _| wechat.adopt(&openid, now));
    openid
}

fn importing(wechat: wechat::Settings) -> Plan {
    Plan {
        wechat,
        account: IMPORT.to_owned(),
        ..Plan::default()
    }
}

async fn state_of(world: &World, openid: &str) -> String {
    sqlx::query_scalar("SELECT state FROM v_mapping WHERE openid = ?")
        .bind(openid)
        .fetch_one(&mut world.sqlite().await)
        .await
        .unwrap()
}

async fn effects(world: &World) -> i64 {
    world.count("SELECT count(*) FROM outbox").await
}

/// A world in which each of the four kinds has happened to one follower.
struct Drifted {
    world: World,
    unknown: String,
    gone: String,
    stranded: String,
    changed: String,
}

async fn drifted() -> Drifted {
    let world = World::planned(importing(Plan::default().wechat)).await;
    let gone = world.customer().await;
    let changed = world.customer().await;
    world.say(&changed, "hello");
    let refused = Kind::Code {
        code: 400,
        after_effect: false,
    };
    world.c4c_fails("POST", refused);
    let stranded = world.somebody();
    world.follow(&stranded);
    world.settled().await;
    let unknown = from_before(&world);
    world.wechat.with(|wechat, _, _| {
        wechat.next_push(PushOptions {
            copies: 0,
            ..PushOptions::default()
        });
    });
    world.unfollow(&gone);
    world
        .c4c
        .with(|c4c, _, _| c4c.notifications().settings.lose_next = 1);
    world.change(&changed, &[("Mobile", "1")]);
    world.settled().await;
    world.advance(HOUR);
    Drifted {
        world,
        unknown,
        gone,
        stranded,
        changed,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_finds_all_four_kinds_and_touches_nothing() {
    let Drifted { world, changed, .. } = drifted().await;
    let (rows, told) = (effects(&world).await, world.seen(&changed).len());
    let mappings = "SELECT group_concat(openid || state || object_id) FROM v_mapping";
    let before = world.text(mappings).await;
    let found = reconcile(&world, false).await;
    assert_eq!(
        kinds(&found),
        [
            "unfollow_missed",
            "follower_without_mapping",
            "mapping_without_customer",
            "stale_snapshot"
        ]
    );
    assert!(found.iter().all(|found| found.state == "found"));
    assert_eq!(effects(&world).await, rows);
    assert_eq!(world.text(mappings).await, before);
    assert_eq!(world.seen(&changed).len(), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_repairs_all_four_kinds_once() {
    let Drifted {
        world,
        unknown,
        gone,
        stranded,
        changed,
    } = drifted().await;
    // A dry run in between must not hide from the next run what it has found.
    reconcile(&world, false).await;
    world.advance(HOUR);
    let found = reconcile(&world, true).await;
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.iter().all(|found| found.state == "repairing"));
    assert_eq!(state_of(&world, &unknown).await, "linked");
    assert_eq!(state_of(&world, &stranded).await, "linked");
    assert_eq!(state_of(&world, &gone).await, "unfollowed");
    world.object_of(&unknown);
    world.object_of(&stranded);
    world.until_seen(&changed, "Mobile").await;
    let bulk = "SELECT count(*) FROM v_outbox WHERE priority = 'bulk' AND state = 'done'";
    // Two follow from the one that brings somebody in.
    assert_eq!(world.count(bulk).await, 5, "repairs are ordinary bulk rows");

    let rows = effects(&world).await;
    assert_eq!(kinds(&reconcile(&world, true).await), Vec::<&str>::new());
    assert_eq!(effects(&world).await, rows);
    let notices = world.seen(&changed).into_iter();
    assert_eq!(notices.filter(|(_, t)| t.contains("Mobile")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_from_before_wait_for_contact_unless_they_are_to_be_imported() {
    let world = World::new().await;
    let openid = from_before(&world);
    let found = reconcile(&world, true).await;
    assert_eq!(kinds(&found), ["follower_without_mapping"]);
    assert_eq!(found[0].state, "found");
    assert_eq!(world.count("SELECT count(*) FROM mapping").await, 0);
    assert_eq!(world.c4c.look(|c4c| c4c.customers().count()), 0);
    world.say(&openid, "hello");
    world.until_seen(&openid, "1000").await;
    world.settled().await;
    assert_eq!(state_of(&world, &openid).await, "linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_notification_is_found_in_the_night_and_the_follower_is_told() {
    let world = World::new().await;
    let openid = world.customer().await;
    world.say(&openid, "hello");
    world.settled().await;
    world
        .c4c
        .with(|c4c, _, _| c4c.notifications().settings.lose_next = 1);
    world.change(&openid, &[("Email", "w@example.cn")]);
    world.settled().await;
    assert!(!world.seen(&openid).iter().any(|(_, t)| t.contains("Email")));
    world.advance(12 * HOUR);
    world
        .daemon()
        .parts
        .timetable
        .run("reconcile")
        .await
        .unwrap();
    world.until_seen(&openid, "Email").await;
    world.settled().await;
    let finding = "SELECT count(*) FROM finding WHERE kind = 'stale_snapshot'";
    assert_eq!(world.count(finding).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_while_reconciliation_runs_is_not_taken_for_gone() {
    let world = World::new().await;
    world.customer().await;
    // The second page is the last one and empty.
    world.wechat_fails(FOLLOWERS, Kind::Latency { millis: 0 });
    world.wechat_fails(FOLLOWERS, Kind::Latency { millis: 500 });
    let timetable = world.daemon().parts.timetable.clone();
    let run = tokio::spawn(async move { timetable.run("reconcile").await });
    world
        .wechat
        .until(|wechat| (wechat.calls(FOLLOWERS) == 2).then_some(()))
        .await;
    let openid = world.customer().await;
    run.await.unwrap().unwrap();
    world.settled().await;
    assert_eq!(state_of(&world, &openid).await, "linked");
    let missed = "SELECT count(*) FROM finding WHERE kind = 'unfollow_missed'";
    assert_eq!(world.count(missed).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_platform_refuses_does_not_hide_what_the_other_tells() {
    let world = World::new().await;
    let openid = world.customer().await;
    world
        .c4c
        .with(|c4c, _, _| c4c.notifications().settings.lose_next = 1);
    let object = world.object_of(&openid);
    world
        .c4c
        .with(|c4c, now, _| assert!(c4c.delete(&object, now)));
    world.advance(HOUR);
    world.wechat_refuses(FOLLOWERS, 48001);
    let night = world.daemon().parts.timetable.run("reconcile").await;
    let reason = night.unwrap_err().to_string();
    assert!(
        reason.contains("48001") && reason.contains("1 findings"),
        "{reason}"
    );
    world.settled().await;
    assert_eq!(state_of(&world, &openid).await, "obsolete");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_wechat_does_not_tell_who_was_moved_nobody_is_taken_to_have_left() {
    let world = World::planned(Plan {
        account: "migrated_from = \"wx00000000000000aa\"\n".to_owned(),
        ..Plan::default()
    })
    .await;
    let openid = world.customer().await;
    let new = world
        .wechat
        .with(|wechat, _, rng| wechat.migrate(&openid, rng));
    world.advance(HOUR);
    let night = world.daemon().parts.timetable.run("reconcile").await;
    assert!(night.unwrap_err().to_string().contains("40013"));
    world.settled().await;
    assert_eq!(state_of(&world, &openid).await, "linked");

    // They have come by themselves meanwhile, and got a customer of their own.
    let new = new.expect("they follow");
    world.say(&new, "hello");
    world.until_seen(&new, "1000").await;
    world.settled().await;
    world.advance(HOUR);
    world.wechat.with(|wechat, _, _| {
        "wx00000000000000aa".clone_into(&mut wechat.settings.migrated_from);
    });
    let found = reconcile(&world, true).await;
    assert_eq!(kinds(&found), ["openid_changed"]);
    assert_eq!(found[0].state, "for_person");
    assert!(found[0].detail.contains(&new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_a_page_has_missed_is_not_taken_for_gone() {
    const CUSTOMERS: &str = "IndividualCustomerCollection";
    let world = World::planned(Plan {
        c4c: qiao_sim::c4c::Settings {
            page: 2,
            ..qiao_sim::c4c::Settings::default()
        },
        ..Plan::default()
    })
    .await;
    let first = world
        .c4c
        .with(|c4c, now, _| c4c.create_customer(&[("LastName", "Wang")], now));
    for _ in 0..3 {
        world.customer().await;
    }
    world.advance(25 * HOUR);
    world.c4c.with(|c4c, _, _| c4c.clear_calls());
    // It is on its way while a customer of the first page is deleted, so that the second page begins
    // one later.
    world.c4c_fails(CUSTOMERS, Kind::Latency { millis: 500 });
    let timetable = world.daemon().parts.timetable.clone();
    let run = tokio::spawn(async move { timetable.run("reconcile").await });
    world
        .c4c
        .until(|c4c| (c4c.calls().total("GET", CUSTOMERS) == 1).then_some(()))
        .await;
    world
        .c4c
        .with(|c4c, now, _| assert!(c4c.delete(&first, now)));
    let told = run.await.unwrap().unwrap();
    assert_eq!(told, "0 findings, repairs queued");
}
