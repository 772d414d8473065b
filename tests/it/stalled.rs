//! A disk that stands still for a while. Only here stories let real time pass: it is what they
//! are about.

use std::sync::Arc;
use std::time::Duration;

use qiao::kit::random::Random;
use qiao::kit::transport::BoxFuture;
use qiao::store::{Batch, CommitWatch, Moment};
use qiao_sim::wechat::Settings;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::flood::push_one;
use crate::world::{Plan, World};

/// How long the disk stands still, in milliseconds.
const STALLS: [u64; 9] = [0, 200, 1_000, 4_000, 4_600, 6_000, 9_000, 14_000, 20_000];

/// Pushes during each of them.
const PUSHES: u64 = 12;

/// A push that has waited so long is refused …
const REFUSED_AFTER: Duration = Duration::from_millis(4_500);
/// … in time for WeChat, which hangs up then.
const HANGS_UP: Duration = Duration::from_secs(5);

/// Noise of two cores: who comes closer to the limit than this may get either answer.
const NOISE: Duration = Duration::from_millis(300);

/// Holds every commit with a push in it at one moment, while it is closed.
#[derive(Debug)]
struct Disk {
    holds: Moment,
    stands: watch::Sender<bool>,
}

impl CommitWatch for Disk {
    fn at(&self, moment: Moment, batch: Batch) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if moment == self.holds && batch.arrivals > 0 {
                let mut stands = self.stands.subscribe();
                stands.wait_for(|stands| !stands).await.unwrap();
            }
        })
    }
}

/// What one push was told.
#[derive(Debug)]
struct Told {
    msg_id: u64,
    status: u16,
    asked: Instant,
    answered: Instant,
    /// Whether somebody else found its row in the database when the answer came.
    on_disk: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_success_leaves_before_its_commit_and_no_push_waits_past_its_time() {
    let mut stalls = JoinSet::new();
    for (seed, millis) in (0..).zip(STALLS) {
        for holds in [Moment::Begun, Moment::Written] {
            stalls.spawn(stall(holds, Duration::from_millis(millis), seed));
        }
    }
    while let Some(stalled) = stalls.join_next().await {
        stalled.unwrap();
    }
}

async fn stall(holds: Moment, lasts: Duration, seed: u64) {
    let stands = watch::Sender::new(false);
    let disk = Arc::new(Disk { holds, stands });
    let world = World::planned(Plan {
        wechat: Settings::default(),
        watch: Some(disk.clone()),
        ..Plan::default()
    });
    let world = Arc::new(world.await);
    disk.stands.send_replace(true);
    let since = Instant::now();
    let until = since + lasts;
    let random = Random::from_seed(seed);
    let mut pushes = JoinSet::new();
    for msg_id in 1..=PUSHES {
        let comes = since + lasts.mul_f64(random.fraction());
        pushes.spawn(push(world.clone(), msg_id, comes));
    }
    sleep_until(until).await;
    disk.stands.send_replace(false);
    let mut refused = Vec::new();
    while let Some(told) = pushes.join_next().await {
        let told = told.unwrap();
        check(&told, until);
        if told.status == 503 {
            refused.push(told.msg_id);
        }
    }
    come_again(&world, &refused).await;
}

async fn push(world: Arc<World>, msg_id: u64, comes: Instant) -> Told {
    let mut database = world.sqlite().await;
    sleep_until(comes).await;
    let asked = Instant::now();
    let status = push_one(world.daemon().address, msg_id).await;
    let answered = Instant::now();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM message WHERE msg_id = ?")
        .bind(msg_id.to_string())
        .fetch_one(&mut database)
        .await
        .unwrap();
    Told {
        msg_id,
        status,
        asked,
        answered,
        on_disk: rows == 1,
    }
}

fn check(told: &Told, stood_until: Instant) {
    let took = told.answered - told.asked;
    let had_to_wait = stood_until.saturating_duration_since(told.asked);
    match told.status {
        200 => {
            assert!(told.on_disk, "answered before it was on disk: {told:?}");
            assert!(told.answered >= stood_until, "nothing was committed yet");
            assert!(had_to_wait < REFUSED_AFTER + NOISE, "{told:?}");
        }
        503 => {
            assert!(took >= REFUSED_AFTER, "refused too early: {took:?}");
            assert!(had_to_wait + NOISE > REFUSED_AFTER, "{told:?}");
        }
        status => panic!("{status}"),
    }
    assert!(took < HANGS_UP, "WeChat heard nothing for {took:?}");
}

/// What was refused has been committed meanwhile: it is found to be there, and has one effect.
async fn come_again(world: &World, refused: &[u64]) {
    for msg_id in refused {
        assert_eq!(push_one(world.daemon().address, *msg_id).await, 200);
    }
    world.settled().await;
    let again = i64::try_from(refused.len()).unwrap();
    let all = i64::try_from(PUSHES).unwrap();
    for (sql, expected) in [
        (
            "SELECT count(*) FROM inbox WHERE source = 'wechat' AND state = 'accepted'",
            all,
        ),
        (
            "SELECT count(*) FROM inbox WHERE state = 'suppressed'",
            again,
        ),
        ("SELECT count(*) FROM message WHERE direction = 'in'", all),
        (
            "SELECT count(*) FROM outbox WHERE effect = 'follower.acted'",
            all,
        ),
    ] {
        assert_eq!(world.count(sql).await, expected, "{sql}");
    }
}
