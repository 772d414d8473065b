//! `kill -9` before, within and after every commit and on either side of every call of the main
//! job, each on a real file; and what the next daemon makes of it.
//!
//! A first run without a crash tells which points the story passes. Then the story is played once
//! for each of them: the daemon stops there and is killed, the platforms come again with what was
//! not acknowledged, and at the end everything has happened once. `make soak` leaves none out, and
//! plays further rounds in which the daemon that recovers is killed too.

use std::collections::BTreeSet;
use std::time::Duration;

use qiao::control::{Command, socket};
use qiao::domain::ids::{AccountId, OpenId};
use qiao::kit::random::Random;
use sqlx::SqliteConnection;
use tokio::time::Instant;

use crate::crash_child::{PASSED, READY, STOPPED, spawn};
use crate::hook::Hook;
use crate::process::Site;
use crate::raw::{answered, client};
use crate::world::{PATIENCE, Plan, open};

/// From the start of the process to its first `/readyz` that says so.
const RECOVERED: Duration = Duration::from_secs(2);

/// How many rounds of all points are played, if they shall be; the first has no second crash.
const ROUNDS: &str = "QIAO_TEST_CRASH_ROUNDS";

/// The main job, one act after the other.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// They follow: welcome, customer, number.
    Follow,
    /// An agent saves their customer twice: notices.
    ChangeTwice,
    /// They speak, and the answer hook is asked.
    Speak,
    /// WeChat revokes the token, and an operator sends them this.
    Order(&'static str),
    /// An operator sends them this, too soon for the one before to be over.
    OrderAtOnce(&'static str),
}

const ACTS: [Act; 5] = [
    Act::Follow,
    Act::ChangeTwice,
    Act::Speak,
    Act::Order("first order"),
    Act::OrderAtOnce("second order"),
];

const WELCOME: &str = "welcome to us";
const ANSWER: &str = "the hook's answer";

/// What goes through the lane of sends, in its order, by pieces that no other message holds.
const SENT: [&str; 5] = [
    "1000441",
    "Mobile",
    "FirstName",
    "first order",
    "second order",
];

/// One follower, both platforms, and the acts that are over.
struct Story {
    site: Site,
    _hook: Hook,
    openid: String,
    played: usize,
    /// Orders whose daemon said that it took them.
    taken: Vec<&'static str>,
    crashes: i64,
}

impl Story {
    async fn new() -> Self {
        let hook = Hook::answering(ANSWER).await;
        let mut plan = Plan {
            account: format!(
                "answer_hook = \"{}\"\n[wechat.main.texts]\nwelcome = \"{WELCOME}\"\n",
                hook.url
            ),
            ..Plan::default()
        };
        // Both come again soon, and for as long as it takes.
        plan.wechat.attempts = 1_000;
        plan.wechat.attempt_spacing_ms = 50;
        let site = Site::planned(plan).await;
        site.c4c.with(|c4c, _, _| {
            let settings = &mut c4c.notifications().settings;
            (settings.retries, settings.retry_millis) = (1_000, 50);
        });
        let openid = site.wechat.with(|wechat, _, rng| wechat.new_follower(rng));
        Self {
            site,
            _hook: hook,
            openid,
            played: 0,
            taken: Vec::new(),
            crashes: 0,
        }
    }

    /// Plays what is left of the story, each act when the one before is over.
    async fn play(&mut self) {
        self.calm().await;
        while let Some(act) = ACTS.get(self.played).copied() {
            self.played += 1;
            self.act(act).await;
            if !matches!(ACTS.get(self.played), Some(Act::OrderAtOnce(_))) {
                self.calm().await;
            }
        }
    }

    async fn act(&mut self, act: Act) {
        let (wechat, c4c) = (&self.site.wechat, &self.site.c4c);
        match act {
            Act::Follow => {
                wechat.with(|wechat, now, rng| wechat.follow(&self.openid, None, now, rng));
            }
            Act::ChangeTwice => c4c.with(|c4c, now, _| {
                let object = c4c.find_by_wechat_id(&self.openid)[0].object_id.clone();
                assert!(c4c.change(&object, &[("Mobile", "1")], now));
                assert!(c4c.change(&object, &[("FirstName", "A")], now));
            }),
            Act::Speak => {
                wechat.with(|wechat, now, rng| wechat.say(&self.openid, "hello", now, rng));
            }
            Act::Order(text) => {
                wechat.with(|wechat, now, _| wechat.revoke_tokens(now));
                self.order(text).await;
            }
            Act::OrderAtOnce(text) => self.order(text).await,
        }
    }

    async fn order(&mut self, text: &'static str) {
        let command = Command::MessageSend {
            account: AccountId::new("main"),
            openid: OpenId::new(self.openid.as_str()),
            text: text.to_owned(),
        };
        let socket = socket::path_for(&self.site.database());
        let told = socket::ask(&socket, &command, "tester").await;
        if told.is_some_and(|told| told.is_ok()) {
            self.taken.push(text);
        }
    }

    /// Waits until the platforms have been answered and the daemon has nothing left to do.
    async fn calm(&self) {
        let (wechat, c4c) = (&self.site.wechat, &self.site.c4c);
        let mut changes = (wechat.changes(), c4c.changes());
        loop {
            changes.0.mark_unchanged();
            changes.1.mark_unchanged();
            let quiet = wechat.look(qiao_sim::wechat::WeChat::is_quiet)
                && c4c.look(qiao_sim::c4c::C4c::is_quiet);
            let idle = quiet && self.nothing_is_open().await;
            let stirred = changes.0.has_changed().unwrap() || changes.1.has_changed().unwrap();
            if idle && !stirred {
                return;
            }
            // Nothing tells us of the daemon's own commits.
            let soon = tokio::time::sleep(Duration::from_millis(5));
            tokio::select! {
                _ = changes.0.changed() => {}
                _ = changes.1.changed() => {}
                () = soon => {}
            }
        }
    }

    /// Asked over HTTP: a connection of ours would change what the crash leaves of the database.
    async fn nothing_is_open(&self) -> bool {
        let metrics = client().get(format!("{}/metrics", self.site.url()));
        let Ok(answer) = metrics.send().await else {
            return false;
        };
        let metrics = answer.text().await.unwrap_or_default();
        metrics.contains("qiao_outbox_rows{state=\"open\"} 0\n")
    }

    /// Plays until the daemon stops at the point, and kills it there. Gives the points that it
    /// passed, and whether it reached the one.
    async fn crash_at(&mut self, point: &str) -> (Vec<String>, bool) {
        let mut daemon = spawn(&self.site, Some(point));
        let stopped = tokio::select! {
            biased;
            _ = daemon.until_logged(STOPPED) => true,
            () = self.play() => false,
        };
        self.crashes += 1;
        let log = daemon.kill().await;
        let passed = log.iter().filter_map(|line| line.strip_prefix(PASSED));
        (passed.map(str::to_owned).collect(), stopped)
    }

    /// Starts the daemon that nothing stops, and plays to the end. Gives how long it took until
    /// the daemon was ready.
    async fn end(&mut self) -> Duration {
        let started = Instant::now();
        let mut daemon = spawn(&self.site, None);
        daemon.until_logged(READY).await;
        let ready = answered(client().get(format!("{}/readyz", self.site.url()))).await;
        assert_eq!(ready.0, 200, "{}", ready.1);
        let took = started.elapsed();
        self.play().await;
        daemon.kill().await;
        took
    }

    /// Everything that was acknowledged has happened, in its order, and happened once.
    async fn check(&self) {
        let mut database = open(&self.site.database()).await;
        let whole: String = ask(&mut database, "PRAGMA integrity_check").await;
        assert_eq!(whole, "ok");
        for (what, sql, expected) in COUNTS {
            let count: i64 = ask(&mut database, sql).await;
            assert_eq!(count, expected, "{what}");
        }
        let customers = self.site.c4c.look(|c4c| {
            let ours = c4c.find_by_wechat_id(&self.openid).len();
            (ours, c4c.customers().count())
        });
        assert_eq!(customers, (1, 1), "one customer");
        let cut_off: i64 = ask(&mut database, CUT_OFF_SENDS).await;
        assert!(cut_off <= self.crashes, "one send of the lane at a time");
        let held: Vec<String> = sqlx::query_scalar(HELD_TEXTS)
            .fetch_all(&mut database)
            .await
            .unwrap();
        assert_eq!(cut_off, i64::try_from(held.len()).unwrap(), "{held:?}");
        self.check_told(&held);
    }

    fn check_told(&self, held: &[String]) {
        let seen: Vec<String> = self.site.wechat.look(|wechat| {
            let seen = wechat.seen(&self.openid).iter();
            seen.map(|seen| seen.text.clone()).collect()
        });
        let mut last = 0;
        for piece in SENT.into_iter().chain([WELCOME, ANSWER]) {
            let of_it = |texts: &[String]| texts.iter().filter(|t| t.contains(piece)).count();
            let (shown, held) = (of_it(&seen), of_it(held));
            assert!(shown <= 1 && held <= 1, "`{piece}` came twice: {seen:?}");
            let may_be_missing = piece.ends_with("order") && !self.taken.contains(&piece);
            assert!(
                shown + held > 0 || may_be_missing,
                "`{piece}` is lost: {seen:?}"
            );
            if SENT.contains(&piece) && shown == 1 {
                let at = seen.iter().position(|text| text.contains(piece)).unwrap();
                assert!(at >= last, "`{piece}` came out of its turn: {seen:?}");
                last = at;
            }
        }
    }
}

/// What the points of commits are called after; all others are calls.
const COMMITS: [&str; 4] = ["arrival ", "claim ", "settlement ", "other "];

const COUNTS: [(&str, &str, i64); 4] = [
    (
        "nothing is left to do",
        "SELECT count(*) FROM outbox WHERE state NOT IN ('done', 'held')",
        0,
    ),
    (
        "the follow and the words arrived once",
        "SELECT count(*) FROM inbox WHERE source = 'wechat' AND state = 'accepted'",
        2,
    ),
    (
        "their words stand in the history once",
        "SELECT count(*) FROM message WHERE direction = 'in' AND text = 'hello'",
        1,
    ),
    (
        "attempts of a lane keep its order",
        "SELECT count(*) FROM attempt a JOIN outbox o ON o.id = a.outbox_id
         JOIN outbox p ON p.lane = o.lane AND p.id > o.id JOIN attempt b ON b.outbox_id = p.id
         WHERE b.started_at < a.started_at",
        0,
    ),
];

const CUT_OFF_SENDS: &str = "SELECT count(DISTINCT o.id) FROM attempt a
    JOIN outbox o ON o.id = a.outbox_id
    WHERE o.effect = 'wechat.send' AND a.error LIKE 'the daemon stopped%'";
const HELD_TEXTS: &str = "SELECT m.text FROM message m JOIN outbox o ON o.id = m.outbox_id
    WHERE o.state = 'held' AND o.uncertain = 1 AND o.held_reason = 'uncertain'
        AND m.state = 'uncertain'";

async fn ask<T>(database: &mut SqliteConnection, sql: &'static str) -> T
where
    T: Send + Unpin + sqlx::Type<sqlx::Sqlite> + for<'r> sqlx::Decode<'r, sqlx::Sqlite>,
{
    sqlx::query_scalar(sql).fetch_one(database).await.unwrap()
}

/// Every point that the story passes when nothing goes wrong.
async fn points() -> Vec<String> {
    let mut story = Story::new().await;
    let (passed, _) = story.crash_at("").await;
    story.check().await;
    passed
}

/// Plays the story once for each crash, and gives the points that were reached.
async fn play_all<'a>(crashes: impl Iterator<Item = Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut slowest = Duration::ZERO;
    for points in crashes {
        println!("killed at {points:?}");
        let mut story = Story::new().await;
        for point in points {
            let crash = tokio::time::timeout(PATIENCE, story.crash_at(point)).await;
            if crash.expect("a crash in time").1 {
                reached.insert(point);
            }
        }
        let end = tokio::time::timeout(PATIENCE, story.end()).await;
        slowest = slowest.max(end.expect("an end in time"));
        story.check().await;
    }
    println!("{} points reached, ready within {slowest:?}", reached.len());
    assert!(slowest < RECOVERED, "ready again only after {slowest:?}");
    reached
}

/// Crashes at every point whose name is one of ours. `every` leaves out some of the many.
async fn killed_at(every: usize, ours: impl Fn(&str) -> bool) {
    let all = points().await;
    let ours: Vec<&str> = all.iter().map(String::as_str).filter(|p| ours(p)).collect();
    let rounds = std::env::var(ROUNDS).map(|rounds| rounds.parse::<u64>().unwrap());
    let mut reached = BTreeSet::new();
    match rounds {
        Err(_) => reached = play_all(ours.iter().step_by(every).map(|p| vec![*p])).await,
        Ok(rounds) => {
            for round in 0..rounds {
                let random = Random::from_seed(round);
                let again =
                    |_: &&str| all[usize::try_from(random.word()).unwrap() % all.len()].as_str();
                let crashes = ours.iter().map(|p| {
                    let second = (round > 0).then(|| again(p));
                    std::iter::once(*p).chain(second).collect()
                });
                reached.extend(play_all(crashes).await);
            }
        }
    }
    // How often a point is passed differs a little from run to run; which are passed does not.
    let kind = |point: &&str| point.rsplit_once(' ').unwrap().0.to_owned();
    let kinds: BTreeSet<String> = ours.iter().map(kind).collect();
    assert!(!kinds.is_empty(), "the story has such points: {all:?}");
    // Where it was killed the second time may be anywhere.
    let first = reached.iter().filter(|point| ours.contains(point));
    assert_eq!(first.map(kind).collect::<BTreeSet<_>>(), kinds);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_each_commit_of_an_arrival() {
    killed_at(1, |point| point.starts_with("arrival ")).await;
}

/// Most claims find nothing, so one moment of each is enough.
#[tokio::test(flavor = "multi_thread")]
async fn killed_around_each_claim() {
    killed_at(4, |point| point.starts_with("claim ")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_each_settlement() {
    killed_at(1, |point| point.starts_with("settlement ")).await;
}

/// Tokens, orders, answers of hooks, the recovery itself.
#[tokio::test(flavor = "multi_thread")]
async fn killed_around_each_other_commit() {
    killed_at(1, |point| point.starts_with("other ")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_on_either_side_of_each_call() {
    killed_at(1, |point| {
        !COMMITS.iter().any(|commit| point.starts_with(commit))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_while_it_recovers() {
    let first = ["Post-send leaves 1", "Post-send answered 1"];
    // The recovery is the first commit of a daemon that starts.
    let second = [
        "other begun 1",
        "other written 1",
        "other committed 1",
        "settlement begun 1",
    ];
    let crashes = first
        .iter()
        .flat_map(|first| second.iter().map(move |second| vec![*first, second]));
    let reached = play_all(crashes).await;
    assert_eq!(reached.len(), first.len() + second.len(), "{reached:?}");
}
