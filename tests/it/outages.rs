//! What an outage of C4C costs: nothing but time, and only on its own side.

use std::net::SocketAddr;
use std::time::Duration;

use qiao_sim::fault::{Kind, UNTIL_CLEARED};
use qiao_sim::wechat::Via;
use tokio::net::TcpListener;

use crate::world::{LINKING, Plan, World, port};

/// A rule, so that an answer needs nobody but us.
const HOURS: &str = r#"
[[wechat.main.rules]]
when = { text = "hours" }
then = { text = "9:00-18:00" }
"#;

const MINUTE: Duration = Duration::from_mins(1);

fn answering(tenant: &str) -> Plan {
    Plan {
        account: HOURS.to_owned(),
        tenant: tenant.to_owned(),
        ..Plan::default()
    }
}

fn status(status: u16, retry_after: Option<u32>) -> Kind {
    Kind::Status {
        status,
        html: false,
        retry_after,
    }
}

fn calls(world: &World) -> usize {
    world.c4c.look(|c4c| c4c.calls().recent().count())
}

fn was_told(world: &World, openid: &str, piece: &str) -> usize {
    let seen = world.seen(openid).into_iter();
    seen.filter(|(_, text)| text.contains(piece)).count()
}

/// Everyone asks for the hours and has the answer at once.
async fn answers_reach(world: &World, openids: &[String], times: usize) {
    for openid in openids {
        world.say(openid, "hours");
    }
    world.settled().await;
    for openid in openids {
        assert_eq!(was_told(world, openid, "9:00"), times);
        assert_eq!(world.seen(openid).last().unwrap().0, Via::Reply);
    }
}

async fn followers(world: &World, many: usize) -> Vec<String> {
    let openids: Vec<String> = (0..many).map(|_| world.somebody()).collect();
    for openid in &openids {
        world.follow(openid);
    }
    world.settled().await;
    openids
}

/// Tries of the tenant's effects that counted towards giving up.
async fn burnt(world: &World) -> i64 {
    world
        .count("SELECT coalesce(sum(attempts), 0) FROM outbox WHERE remote = 'c4c:main'")
        .await
}

async fn all_are_told_once(world: &World, openids: &[String]) {
    for openid in openids {
        world.until_seen(openid, "1000").await;
        world.object_of(openid);
    }
    world.settled().await;
    world.advance(LINKING);
    world.settled().await;
    for openid in openids {
        assert_eq!(was_told(world, openid, "1000"), 1);
    }
    let open = "SELECT count(*) FROM outbox WHERE state NOT IN ('done')";
    assert_eq!(world.count(open).await, 0, "{}", world.outbox().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn c4c_is_down_for_two_hours_and_answers_still_reach_followers() {
    let world = World::planned(answering("")).await;
    world.c4c_fails_for("", status(503, None), UNTIL_CLEARED);
    let openids = followers(&world, 5).await;
    for quarter in 1..=8 {
        let before = calls(&world);
        world.advance(15 * MINUTE);
        answers_reach(&world, &openids, quarter).await;
        assert_eq!(calls(&world) - before, 1, "one probe at a time");
    }
    assert_eq!(burnt(&world).await, 0);
    let history = "SELECT count(*) FROM attempt WHERE verdict = 'transient' AND counted = 0";
    assert_eq!(world.count(history).await, 9, "every probe is on record");
    world.c4c_heals();
    world.advance(2 * MINUTE);
    all_are_told_once(&world, &openids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_refuses_connections_is_probed_until_it_is_back() {
    let mut world = World::planned(answering("")).await;
    let home: SocketAddr = world.c4c.url().replace("http://", "").parse().unwrap();
    world.move_c4c(port().await).await;
    let openids = followers(&world, 3).await;
    for hour in 1..=2 {
        world.advance(60 * MINUTE);
        answers_reach(&world, &openids, hour).await;
    }
    assert_eq!((calls(&world), burnt(&world).await), (0, 0));
    let report = world.daemon().parts.engine.report();
    assert_eq!(report[0].paused, Some("unreachable"));
    world.move_c4c(TcpListener::bind(home).await.unwrap()).await;
    world.advance(2 * MINUTE);
    all_are_told_once(&world, &openids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_locks_nobody_out() {
    let world = World::planned(answering("")).await;
    let password = |password: &'static str| {
        world.c4c.with(|c4c, _, _| {
            c4c.users().set_password("qiao", password);
        });
    };
    password("changed");
    let mut openids = Vec::new();
    for _ in 0..20 {
        openids.extend(followers(&world, 1).await);
        world.advance(3 * MINUTE);
        world.settled().await;
    }
    let user = world.c4c.look(|c4c| c4c.user("qiao").unwrap().clone());
    assert!(!user.locked);
    assert!(
        user.refused <= 3,
        "{} wrong log-ins in an hour",
        user.refused
    );
    assert_eq!(burnt(&world).await, 0);
    password("secret");
    answers_reach(&world, &openids, 1).await;
    world.advance(60 * MINUTE);
    all_are_told_once(&world, &openids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_mends_the_log_in_need_not_wait_for_the_next_probe() {
    let world = World::new().await;
    let password = |password: &'static str| {
        world.c4c.with(|c4c, _, _| {
            c4c.users().set_password("qiao", password);
        });
    };
    password("changed");
    let openids = followers(&world, 2).await;
    password("secret");
    // As a reload of the configuration does; the engine looks again within half a minute.
    world.daemon().parts.engine.probe_again();
    world.advance(Duration::from_secs(31));
    world.settled().await;
    all_are_told_once(&world, &openids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_called_in_a_maintenance_window() {
    // The story begins on a Monday at 08:00 UTC.
    let window = r#"maintenance = ["Mon 08:30-10:30 UTC"]"#;
    let world = World::planned(answering(window)).await;
    world.customer().await;
    world.advance(31 * MINUTE);
    let (before, tries) = (calls(&world), burnt(&world).await);
    let openids = followers(&world, 3).await;
    for hour in 1..=2 {
        answers_reach(&world, &openids, hour).await;
        world.advance(59 * MINUTE);
        world.settled().await;
    }
    assert_eq!((calls(&world), burnt(&world).await), (before, tries));
    world.advance(MINUTE);
    all_are_told_once(&world, &openids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_asks_for_patience_gets_it() {
    let world = World::new().await;
    world.c4c_fails("", status(429, Some(300)));
    let openids = followers(&world, 1).await;
    assert_eq!(calls(&world), 1);
    world.advance(Duration::from_secs(299));
    world.settled().await;
    assert_eq!(calls(&world), 1);
    assert_eq!(burnt(&world).await, 0);
    world.say(&openids[0], "hello");
    world.advance(Duration::from_secs(62));
    all_are_told_once(&world, &openids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_seven_days_of_refusals_a_person_decides() {
    let world = World::new().await;
    let locked = Kind::Code {
        code: 409,
        after_effect: false,
    };
    world.c4c_fails_for("POST", locked, UNTIL_CLEARED);
    let openids = followers(&world, 1).await;
    let due =
        "SELECT next_attempt_at FROM outbox WHERE effect = 'customer.ensure' AND state = 'ready'";
    let start = world.clock_micros();
    for tried in 1..20 {
        assert_eq!(burnt(&world).await, tried);
        let wait = world.count(due).await - world.clock_micros();
        world.advance(Duration::from_micros(wait.unsigned_abs()));
        world.settled().await;
    }
    let days = (world.clock_micros() - start) / 86_400_000_000;
    assert!((5..=8).contains(&days), "{days} days");
    let dead = "SELECT attempts FROM v_dead_letter WHERE last_verdict = 'transient'";
    assert_eq!(world.count(dead).await, 20);

    world.c4c_heals();
    let id = world.count("SELECT id FROM v_dead_letter").await;
    assert!(world.store().retry(id).await.unwrap());
    world.settled().await;
    world.say(&openids[0], "hello");
    all_are_told_once(&world, &openids).await;
    let history = "SELECT count(*) FROM attempt GROUP BY outbox_id ORDER BY 1 DESC";
    assert_eq!(
        world.count(history).await,
        21,
        "the old tries stay on record"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_an_outage_begins_with_one_probe() {
    let mut world = World::new().await;
    world.c4c_fails_for("", status(503, None), UNTIL_CLEARED);
    let openids = followers(&world, 6).await;
    world.advance(2 * MINUTE);
    world.settled().await;
    world.stop().await;
    let before = calls(&world);
    world.start().await;
    world.settled().await;
    assert_eq!(calls(&world) - before, 1);
    world.c4c_heals();
    for openid in &openids {
        world.say(openid, "hello");
    }
    world.advance(2 * MINUTE);
    all_are_told_once(&world, &openids).await;
}
