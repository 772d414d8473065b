//! Many followers at once, each in bursts, among copies, faults and `kill -9`: the story by which the
//! live conversation is judged. Time is real here, and so is the daemon.
//!
//! What is checked stands in the simulators' own books. Qiao's database is asked only for what it
//! holds visibly.
//!
//! Most faults are of those after which Qiao carries on by itself within seconds; a 503 closes the
//! gate of the whole remote for a minute, so `make soak` has one of each platform, and the small
//! story none.

mod said;
mod trouble;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use qiao::kit::random::Random;
use qiao_sim::c4c::{Answer, TicketView};
use qiao_sim::wechat::Via;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::said::{Said, in_order, say};
use self::trouble::{KINDS, outage};
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

const CONVERSATION: &str = r#"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
delivery_notes = "10007"
"#;

const ACTIVITIES: &str = "SocialMediaActivityCollection";

fn number(name: &str, usually: u64) -> u64 {
    std::env::var(name).map_or(usually, |value| value.parse().unwrap())
}

/// Both platforms, and what has been said there.
struct House {
    site: Site,
    seed: u64,
    followers: u64,
    messages: u64,
}

/// An agent's answer.
struct Answered {
    openid: String,
    text: String,
}

impl House {
    async fn new() -> Self {
        let mut plan = Plan {
            account: CONVERSATION.to_owned(),
            tenant: "max_calls = 9".to_owned(),
            ..Plan::default()
        };
        // Both come again soon, and for as long as it takes.
        plan.wechat.attempts = 1_000;
        plan.wechat.attempt_spacing_ms = 200;
        let house = Self {
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

    /// Agents answer each ticket once or twice, as soon as they see it.
    async fn answer(self: Arc<Self>) -> Vec<Answered> {
        let random = Random::from_seed(self.seed);
        let mut wanted: HashMap<String, u64> = HashMap::new();
        let mut given = Vec::new();
        let mut look = tokio::time::interval(LOOK);
        let is_over = |wanted: &HashMap<String, u64>| {
            wanted.len() as u64 == self.followers && wanted.values().all(|many| *many == 0)
        };
        while !is_over(&wanted) {
            look.tick().await;
            let tickets: Vec<TicketView> = self.site.c4c.look(|c4c| c4c.tickets().collect());
            for ticket in tickets {
                let many = wanted
                    .entry(ticket.id.clone())
                    .or_insert_with(|| 1 + random.word() % 2);
                // A second answer has to be thought of first.
                if *many > 0 && random.word().is_multiple_of(4) {
                    given.push(self.answer_one(&ticket, *many));
                    *many -= 1;
                }
            }
        }
        given
    }

    fn answer_one(&self, ticket: &TicketView, number: u64) -> Answered {
        let text = format!("回复 {number}，工单 {}", ticket.id);
        let answer = Answer::new(&text, "Li Wei");
        let openid = self.site.c4c.with(|c4c, now, _| {
            c4c.answer(&ticket.id, &answer, now).unwrap();
            let mut customers = c4c.customers();
            let buyer = customers
                .find(|customer| customer.customer_id() == ticket.buyer.trim_start_matches('0'));
            buyer.unwrap().wechat_id().to_owned()
        });
        Answered { openid, text }
    }

    /// Kills the daemon whenever another part of the messages has been brought to C4C.
    async fn kill(&self, mut daemon: Process, kills: u64) -> Process {
        for kill in 1..=kills {
            let part = self.followers * self.messages * kill / (kills + 1);
            let brought = self
                .site
                .c4c
                .until(|c4c| (c4c.calls().total("POST", ACTIVITIES) >= part).then_some(()));
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

    fn check_c4c(&self, openid: &str, said: &[Said], answered: &[Answered]) {
        let (customers, profiles, activities, tickets) = self.site.c4c.look(|c4c| {
            (
                c4c.find_by_wechat_id(openid).len(),
                c4c.profiles_of(openid).len(),
                c4c.activities_of(openid),
                c4c.tickets_of(openid),
            )
        });
        let ones = (customers, profiles, tickets.len());
        assert_eq!(ones, (1, 1, 1), "one customer, one profile, one ticket");
        let (told, sent): (Vec<_>, Vec<_>) = activities.into_iter().partition(|a| a.inbound);
        let ids: Vec<&str> = told.iter().map(|a| a.message_id.as_str()).collect();
        let expected: Vec<String> = said.iter().map(|said| said.msg_id.to_string()).collect();
        assert_eq!(ids, expected, "each message of {openid} once, in order");
        for (said, activity) in said.iter().zip(&told) {
            said.assert_stands_as(activity);
            assert_eq!(activity.root_uuid, told[0].uuid, "one conversation");
        }
        let theirs = answered.iter().filter(|answer| answer.openid == openid);
        assert_eq!(sent.len(), theirs.count());
        let notes: Vec<&str> = tickets[0].notes.iter().map(|n| n.text.as_str()).collect();
        let different: HashSet<&str> = notes.iter().copied().collect();
        assert_eq!(different.len(), notes.len(), "told once: {notes:?}");
    }

    /// What followers saw of all that was sent to them: the text, and who saw it.
    fn seen(&self) -> HashMap<String, Vec<String>> {
        let mut seen: HashMap<String, Vec<String>> = HashMap::new();
        self.site.wechat.look(|wechat| {
            for (openid, _) in wechat.people() {
                for one in wechat.seen(openid) {
                    assert_ne!(one.via, Via::FaultBanner);
                    let who = seen.entry(one.text.clone()).or_default();
                    who.push(openid.to_owned());
                }
            }
        });
        seen
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
    let (kills, outage_wanted) = (number(KILLS, 2), std::env::var(OUTAGE).is_ok());
    let house = Arc::new(House::new().await);
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
        "seed {}, {:?}: {}",
        house.seed,
        started.elapsed(),
        summary(&struck, kills, &undone)
    );

    for (openid, said) in &conversations {
        house.check_c4c(openid, said, &answered);
    }
    let all = house.site.c4c.look(|c4c| {
        let messages = c4c.activities().filter(|activity| activity.inbound);
        (
            c4c.customers().count() as u64,
            c4c.tickets().count() as u64,
            messages.count() as u64,
        )
    });
    let (followers, messages) = (house.followers, house.followers * house.messages);
    assert_eq!(
        all,
        (followers, followers, messages),
        "nothing else stands there"
    );
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

/// Each answer was seen once by the one whom it is for, or waits visibly; nobody saw anything twice.
fn check_answers(seen: &HashMap<String, Vec<String>>, answered: &[Answered], undone: &[Undone]) {
    for Answered { openid, text } in answered {
        let held = undone.iter().filter(|row| row.text.as_ref() == Some(text));
        let held: Vec<_> = held.map(|row| row.openid.as_ref()).collect();
        assert!(
            held.is_empty() || held == [Some(openid)],
            "{text}: {held:?}"
        );
        match seen.get(text).map(Vec::as_slice) {
            None => assert_eq!(held.len(), 1, "`{text}` is lost"),
            Some(who) => assert_eq!(who, [openid.as_str()], "{text}"),
        }
    }
    for (text, who) in seen {
        let different: HashSet<&String> = who.iter().collect();
        assert_eq!(different.len(), who.len(), "`{text}` was seen twice");
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
