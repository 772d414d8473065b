//! More pushes than the machine can commit: what is taken is kept, the rest is refused at once,
//! and delivery goes on meanwhile.

use std::collections::HashSet;
use std::time::Duration;

use qiao_sim::wechat;

use crate::flood::{Flood, Told, p99};
use crate::process::Site;
use crate::world::{Plan, open};

/// How long the flood lasts, in seconds; `make soak` lets it last longer.
const LASTS: &str = "QIAO_TEST_OVERLOAD_SECONDS";

/// How long what the machine can take is measured.
const MEASURED: Duration = Duration::from_secs(3);

/// Resident memory in MiB: all places of the door with their buffers, one full batch in the
/// making, and the pages of five connections to the database. It does not grow with the flood.
const MOST_MEMORY: u64 = 128;

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_what_it_can_take_loses_nothing_and_stops_nothing() {
    let lasts = std::env::var(LASTS).map_or(20, |seconds| seconds.parse().unwrap());
    let lasts = Duration::from_secs(lasts);
    let site = Site::planned(Plan {
        wechat: wechat::Settings::default(),
        ..Plan::default()
    })
    .await;
    let daemon = site.serve().await;
    let before = Flood::of(site.address(), MEASURED).come().await;
    let sustainable = before.taken.len() as u64 / MEASURED.as_secs();
    let rate = u32::try_from(10 * sustainable).unwrap();
    let flood = tokio::spawn(Flood::at_rate(site.address(), rate, lasts).come());
    let mut delivered = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(lasts / 3).await;
        delivered.push(done(&site).await);
    }
    let told = flood.await.unwrap();
    let memory = daemon.memory();
    daemon.terminate().await;
    println!(
        "{sustainable}/s sustained, then {rate}/s: {}",
        summary(&told)
    );
    println!("{memory} MiB at most, delivered by thirds: {delivered:?}");

    assert!(memory < MOST_MEMORY);
    assert!(
        delivered.is_sorted_by(|before, after| before < after),
        "delivery goes on"
    );
    assert!(!told.refused.is_empty(), "it was too much");
    assert!(p99(&told.refused) < Duration::from_secs(1));
    let taken: Vec<Duration> = told.taken.iter().map(|(_, took)| *took).collect();
    assert!(p99(&taken) < Duration::from_secs(4));
    let answered = told.taken.len() + told.refused.len();
    assert!(
        told.broken.len() * 100 < answered,
        "who is refused hears so"
    );
    everything_taken_is_kept_once(&site, before, told).await;
}

async fn everything_taken_is_kept_once(site: &Site, before: Told, during: Told) {
    let mut database = open(&site.database()).await;
    let kept: Vec<String> = sqlx::query_scalar("SELECT msg_id FROM message WHERE direction = 'in'")
        .fetch_all(&mut database)
        .await
        .unwrap();
    let different: HashSet<&str> = kept.iter().map(String::as_str).collect();
    assert_eq!(different.len(), kept.len(), "each once");
    for (id, _) in before.taken.iter().chain(&during.taken) {
        assert!(different.contains(id.to_string().as_str()), "{id} is lost");
    }
}

/// How many effects the daemon has carried out.
async fn done(site: &Site) -> i64 {
    let mut database = open(&site.database()).await;
    sqlx::query_scalar("SELECT count(*) FROM outbox WHERE state = 'done'")
        .fetch_one(&mut database)
        .await
        .unwrap()
}

fn summary(told: &Told) -> String {
    let taken: Vec<Duration> = told.taken.iter().map(|(_, took)| *took).collect();
    let of = |name: &str, of: &[Duration]| format!("{} {name} (p99 {:?})", of.len(), p99(of));
    [
        of("taken", &taken),
        of("refused", &told.refused),
        of("broken", &told.broken),
        format!("{} unsent", told.unsent),
    ]
    .join(", ")
}
