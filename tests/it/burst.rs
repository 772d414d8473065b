//! Many followers at once, each in bursts, among copies, faults and `kill -9`: the story by which the
//! live conversation is judged. Time is real here, and so is the daemon.
//!
//! What is checked stands in the simulators' own books. Qiao's database is asked only for what it
//! holds visibly.
//!
//! Most faults are of those after which Qiao carries on by itself within seconds; a 503 closes the
//! gate of the whole remote for a minute, so `make soak` has one of each platform, and the small
//! story none.

mod agents;
mod said;
mod trouble;
mod way;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use qiao::kit::random::Random;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::agents::check_answers;
use self::said::{Said, in_order, say};
use self::trouble::{KINDS, outage};
use self::way::{Way, books};
use crate::process::{Process, Site};
use crate::raw::client;
use crate::world::{Plan, open};

/// `make soak`: how many followers, messages of each, kills …
const FOLLOWERS: &str = "QIAO_TEST_BURST_FOLLOWERS";
const MESSAGES: &str = "QIAO_TEST_BURST_MESSAGES";
const KILLS: &str = "QIAO_TEST_BURST_KILLS";
/// … and, if it is set, one 503 of each platform.
const OUTAGE: &str = "QIAO_TEST_BURST_OUTAGE";
const SEED: &str = "QIAO_TEST_BURST_SEED";

/// Messages a second that all followers together say, on average: what two slow cores bear in a
/// build without optimization.
const RATE: u64 = 40;

/// The most messages of one burst.
const BURST: u64 = 5;

/// Nobody is told when a ticket of C4C's own making or an empty outbox is there.
const LOOK: Duration = Duration::from_millis(100);

/// No ending takes longer; a 503 costs a minute, and the fourth try of an unlucky call another.
const LONGEST: Duration = Duration::from_mins(15);

fn number(name: &str, usually: u64) -> u64 {
    std::env::var(name).map_or(usually, |value| value.parse().unwrap())
}

/// Both platforms, and what has been said there.
struct House {
    way: Way,
    site: Site,
    seed: u64,
    followers: u64,
    messages: u64,
}

impl House {
    async fn new(way: Way) -> Self {
        let mut plan = Plan {
            account: way.conversation().to_owned(),
            tenant: "max_calls = 9".to_owned(),
            ..Plan::default()
        };
        // Both come again soon, and for as long as it takes.
        plan.wechat.attempts = 1_000;
        plan.wechat.attempt_spacing_ms = 200;
        let house = Self {
            way,
            site: Site::planned(plan).await,
            seed: number(SEED, 1),
            followers: number(FOLLOWERS, 12),
            messages: number(MESSAGES, 8),
        };
        let url = format!("{}/c4c/main/replies", house.site.url());
        house.site.c4c.with(|c4c, _, _| {
            let replies = &mut c4c.replies().settings;
            (replies.url, replies.duplicates) = (url, 1);
            "c4c".clone_into(&mut replies.username);
            "notify-secret".clone_into(&mut replies.password);
            (replies.retries, replies.retry_millis) = (1_000, 200);
            let notifications = &mut c4c.notifications().settings;
            (notifications.retries, notifications.retry_millis) = (1_000, 200);
            notifications.duplicates = 1;
            for subscription in &mut notifications.subscriptions {
                subscription.objects = way.notified().to_vec();
            }
        });
        house
    }

    /// One follower: follows, and says all they have to say in bursts.
    async fn conversation(self: Arc<Self>, index: u64) -> (String, Vec<Said>) {
        let random = Random::from_seed(self.seed << 32 | index);
        let bursts = self.messages.div_ceil(BURST.div_ceil(2));
        let lasts = 1_000 * self.followers * self.messages / RATE;
        // As long again, on average, is waited before each burst.
        let pause = || Duration::from_millis(random.word() % (2 * lasts / bursts));
        tokio::time::sleep(pause()).await;
        self.fail_once(index);
        let openid = self.site.wechat.with(|wechat, now, rng| {
            let openid = wechat.new_follower(rng);
            wechat.follow(&openid, None, now, rng);
            openid
        });
        let mut all = Vec::new();
        while (all.len() as u64) < self.messages {
            let burst = 1 + random.word() % BURST;
            for _ in 0..burst.min(self.messages - all.len() as u64) {
                let number = all.len() + usize::try_from(index).unwrap();
                all.push(
                    self.site
                        .wechat
                        .with(|wechat, now, rng| say((wechat, now, rng), &openid, number, &random)),
                );
            }
            tokio::time::sleep(pause()).await;
        }
        in_order(&mut all);
        (openid, all)
    }

    /// Kills the daemon whenever another part of the messages has been brought to C4C.
    async fn kill(&self, mut daemon: Process, kills: u64) -> Process {
        for kill in 1..=kills {
            let part = self.followers * self.messages * kill / (kills + 1);
            let brought = self
                .site
                .c4c
                .until(|c4c| (self.way.written(c4c) >= part).then_some(()));
            brought.await;
            daemon.kill().await;
            daemon = self.site.serve().await;
        }
        daemon
    }

    /// Waits until the daemon has nothing left to do. Asked over HTTP, which disturbs it least.
    async fn calm(&self) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            let quiet = self.site.wechat.look(qiao_sim::wechat::WeChat::is_quiet)
                && self.site.c4c.look(qiao_sim::c4c::C4c::is_quiet);
            let url = format!("{}/metrics", self.site.url());
            let metrics = client()
                .get(url)
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            if quiet && metrics.contains("qiao_outbox_rows{state=\"open\"} 0\n") {
                return;
            }
        }
    }

    /// Effects that did not happen: whose, what, why.
    async fn undone(&self) -> Vec<Undone> {
        let undone = sqlx::query_as(
            "SELECT o.effect, o.state, o.held_reason, o.last_error, m.openid, m.text
             FROM outbox o LEFT JOIN message m ON m.id = o.message_id
             WHERE o.state NOT IN ('done', 'cancelled')",
        );
        let mut database = open(&self.site.database()).await;
        undone.fetch_all(&mut database).await.unwrap()
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Undone {
    effect: String,
    state: String,
    held_reason: Option<String>,
    last_error: Option<String>,
    openid: Option<String>,
    text: Option<String>,
}

impl Undone {
    /// Nobody knows whether the follower saw it, so a person decides.
    fn is_uncertain_send(&self) -> bool {
        let (effect, state) = (self.effect.as_str(), self.state.as_str());
        (effect, state) == ("wechat.send", "held")
            && self.held_reason.as_deref() == Some("uncertain")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_and_every_answer_once_whatever_happens() {
    burst(Way::Social).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_and_every_answer_once_as_notes_of_tickets() {
    burst(Way::Ticket).await;
}

async fn burst(way: Way) {
    let (kills, outage_wanted) = (number(KILLS, 2), std::env::var(OUTAGE).is_ok());
    let house = Arc::new(House::new(way).await);
    let daemon = house.site.serve().await;
    house.fail_at_rates();
    let started = Instant::now();
    let mut conversations = JoinSet::new();
    for index in 0..house.followers {
        conversations.spawn(house.clone().conversation(index));
    }
    let agents = tokio::spawn(house.clone().answer());
    let story = async {
        let daemon = house.kill(daemon, kills).await;
        if outage_wanted {
            house.faults(|faults| faults.add(outage()));
        }
        let conversations = conversations.join_all().await;
        // Trouble lasts as long as the conversation; what it has left is done in peace.
        let struck = house.faults(|faults| {
            assert_eq!(faults.armed(), [], "each has struck");
            faults.clear(None);
            faults.hits().clone()
        });
        let answered = agents.await.unwrap();
        house.calm().await;
        (daemon, conversations, answered, struck)
    };
    let story = tokio::time::timeout(LONGEST, story).await;
    let Ok((_daemon, conversations, answered, struck)) = story else {
        panic!("no end: {:#?}", house.undone().await);
    };
    let undone = house.undone().await;
    println!(
        "{way:?}, seed {}, {:?}: {}",
        house.seed,
        started.elapsed(),
        summary(&struck, kills, &undone)
    );

    for (openid, said) in &conversations {
        house.check_c4c(openid, said, &answered);
    }
    let (customers, tickets, books) = house.site.c4c.look(|c4c| {
        let (customers, tickets) = (c4c.customers().count(), c4c.tickets().count());
        (customers as u64, tickets as u64, books(c4c))
    });
    let (followers, messages) = (house.followers, house.followers * house.messages);
    assert_eq!((customers, tickets), (followers, followers), "nobody else");
    assert_eq!(books, way.books(messages), "nothing else stands there");
    let others: Vec<_> = undone
        .iter()
        .filter(|row| !row.is_uncertain_send())
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    check_answers(&house.seen(), &answered, &undone);
    for struck in struck {
        let missing = KINDS.iter().filter(|kind| !struck.contains_key(*kind));
        assert_eq!(missing.count(), 0, "{struck:?}");
    }
}

fn summary(struck: &[BTreeMap<&str, u64>; 2], kills: u64, undone: &[Undone]) -> String {
    let held = undone.iter().filter(|row| row.is_uncertain_send()).count();
    let why: HashSet<&str> = undone
        .iter()
        .filter_map(|row| row.last_error.as_deref())
        .collect();
    format!(
        "{kills} kills; WeChat {:?}, C4C {:?}; {held} sends held as uncertain: {why:#?}",
        struck[0], struck[1]
    )
}
