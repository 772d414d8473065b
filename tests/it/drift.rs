//! Everything that can drift apart does, among many followers of whom all is well: reconciliation finds
//! exactly that, puts right what a program may, and then finds nothing more.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use qiao::control::Command;
use qiao::jobs::Options;
use qiao::store::FindingRow;
use qiao_sim::c4c;
use qiao_sim::clock::SimClock;
use qiao_sim::shell::Server;
use qiao_sim::wechat::{self, WeChat};

use crate::drifting::{Drifting, Seeded};
use crate::world::{Plan, World, port};

/// How many followers there are, of whom few have drifted; more in `make soak`.
fn followers() -> usize {
    let asked = std::env::var("QIAO_TEST_DRIFT_FOLLOWERS").ok();
    asked.map_or(2_000, |number| number.parse().unwrap())
}

const OLD_APP_ID: &str = "wx00000000000000aa";

const OWN_FIELD: &str = r#"
wechat_id = { field = "WechatID_KUT", write = "create" }
lookup = ["wechat_id"]
customer = { FirstName = "{name|Wechat}", LastName = "{name|Weixin}", RoleCode = "CRM000" }
"#;

/// A world with a second account, in which WeChat IDs live in a field of the customer.
pub async fn two_accounts() -> (World, Server<WeChat>) {
    let second = wechat::Settings {
        app_id: "wx00000000000000bb".to_owned(),
        original_id: "gh_00000000000b".to_owned(),
        ..wechat::Settings::default()
    };
    let start = "2026-11-23T08:00:00Z".parse().unwrap();
    let clock = SimClock::manual(start);
    let second = Server::start(port().await, WeChat::new(second), clock, 9);
    let account = format!(
        r#"
existing_followers = "import"
migrated_from = "{OLD_APP_ID}"
[wechat.second]
app_id = "wx00000000000000bb"
app_secret = "simsecret"
token = "simtoken"
api_url = "{}"
"#,
        second.url()
    );
    let world = World::planned(Plan {
        wechat: wechat::Settings {
            migrated_from: OLD_APP_ID.to_owned(),
            page_size: 700,
            ..Plan::default().wechat
        },
        c4c: c4c::Settings {
            extension_field: true,
            before_save_script: false,
            ..c4c::Settings::default()
        },
        account,
        tenant: OWN_FIELD.to_owned(),
        ..Plan::default()
    })
    .await;
    let push_url = format!("{}/wechat/second", world.url());
    second.with(|wechat, _, _| wechat.settings.push_url = push_url);
    (world, second)
}

async fn reconcile(world: &World, apply: bool) -> Vec<FindingRow> {
    let options = Options {
        apply,
        ..Options::default()
    };
    let told = world.command(Command::Reconcile(options)).await;
    world.settled().await;
    let run = told["run"].as_i64().unwrap();
    world.store().findings(run, 0, 10_000).await.unwrap()
}

/// Each finding as its kind and whom or what it is about.
fn as_set(findings: &[FindingRow]) -> Seeded {
    let about = |found: &FindingRow| match found.kind.as_str() {
        "stale_snapshot" | "shared_customer" => found.object_id.clone(),
        _ => found.openid.clone(),
    };
    let named = |found: &FindingRow| (found.kind.clone(), about(found).expect("whom it is about"));
    let set: Seeded = findings.iter().map(named).collect();
    assert_eq!(set.len(), findings.len(), "nothing is found twice");
    set
}

fn for_persons(seeded: &Seeded) -> Seeded {
    let kinds = [
        "wechat_id_changed",
        "duplicate_customers",
        "shared_customer",
        "shared_unionid",
    ];
    let seeded = seeded.iter();
    let theirs = seeded.filter(|(kind, _)| kinds.contains(&kind.as_str()));
    theirs.cloned().collect()
}

#[track_caller]
fn assert_same(found: &Seeded, expected: &Seeded) {
    let missing: Vec<_> = expected.difference(found).collect();
    let surplus: Vec<_> = found.difference(expected).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "not found: {missing:?}; found besides: {surplus:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_drifted_is_found_and_nothing_else_and_repaired_once() {
    let began = Instant::now();
    let (world, second) = two_accounts().await;
    let mut drifting = Drifting::new(&world, &second);
    drifting.seed(followers()).await;
    let seeded = drifting.drift().await;
    let kinds: BTreeSet<&str> = seeded.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds.len(),
        qiao::flows::reconcile::KINDS.len(),
        "{kinds:?}"
    );
    eprintln!("seeded after {:?}", began.elapsed());

    let rows = "SELECT count(*) FROM outbox";
    let before = world.count(rows).await;
    let dry = reconcile(&world, false).await;
    eprintln!("looked after {:?}", began.elapsed());
    assert_same(&as_set(&dry), &seeded);
    assert_eq!(world.count(rows).await, before, "a dry run queues nothing");

    let persons = for_persons(&seeded);
    let applied = reconcile(&world, true).await;
    assert_same(&as_set(&applied), &seeded);
    for found in &applied {
        let is_theirs = persons.iter().any(|(kind, _)| *kind == found.kind);
        let expected = if is_theirs { "for_person" } else { "repairing" };
        assert_eq!(found.state, expected, "{found:?}");
    }
    let urgent =
        "SELECT count(*) FROM v_outbox WHERE priority <> 'bulk' AND effect <> 'wechat.send'";
    assert_eq!(world.count(urgent).await, 0, "those who live now go first");
    let bad = "SELECT count(*) FROM outbox WHERE state IN ('dead', 'ready', 'running')";
    assert_eq!(world.count(bad).await, 0);
    eprintln!("repaired after {:?}", began.elapsed());

    drifting.advance(Duration::from_hours(1));
    let left = reconcile(&world, true).await;
    assert_same(&as_set(&left), &persons);
    assert!(left.iter().all(|found| found.state == "for_person"));
    assert!(
        left.iter().all(|found| found.detail.contains(':')),
        "{left:?}"
    );

    drifting.solve(&persons).await;
    drifting.advance(Duration::from_hours(1));
    assert_same(&as_set(&reconcile(&world, true).await), &Seeded::new());
    drifting.check();
    eprintln!("ended after {:?}", began.elapsed());
}
