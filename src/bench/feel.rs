//! What a person feels: the time from an act at one platform to what is seen at the other, with
//! platforms that take 300 ms for every call.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use qiao_sim::c4c::{self, C4c, Call, Subscription, Variant};
use qiao_sim::clock::SimClock;
use qiao_sim::fault::{Fault, Kind, UNTIL_CLEARED};
use qiao_sim::shell::Server;
use qiao_sim::wechat::{self, Via, WeChat};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Measure;
use super::figures::percentile;
use super::process::Process;
use super::pushes::Mode;
use super::report::{Section, Target, figure};
use super::site::{self, Folder, Platforms, Site};
use crate::control::{Command, socket};
use crate::domain::ids::{AccountId, OpenId};

/// What every call of either platform takes.
const CALL: Duration = Duration::from_millis(300);

/// From one person's act to the next one's: two a second keep a tenant of four calls at once busy
/// for less than half of its time.
const APART: Duration = Duration::from_millis(500);

/// Whoever has seen nothing by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

const COLUMNS: [&str; 5] = ["from → to", "people", "p50 ms", "p99 ms", "C4C calls each"];

/// Both platforms and the daemon between them.
struct Stage {
    wechat: Server<WeChat>,
    c4c: Server<C4c>,
    control: PathBuf,
}

/// Somebody who has followed and been told their number.
struct Told {
    openid: String,
    /// Their customer.
    object: String,
    /// After how many milliseconds.
    took: f64,
    /// C4C calls of everybody until then.
    calls: usize,
}

/// C4C calls of the follows that are measured.
struct Calls {
    /// Until each follower was told; and whatever cannot be shown to have come later.
    told: Vec<String>,
    /// Those that name a customer whose follower had been told already: C4C has notified us of it.
    notified: Vec<String>,
}

/// Measures the three ways between a follower and an agent.
pub(super) async fn measure(measure: &Measure) -> anyhow::Result<Section> {
    let folder = Folder::new(&measure.folder)?;
    let (stage, daemon) = Stage::set(measure, &folder).await?;
    // The first one pays for session and token, which all others share.
    let first = Arc::clone(&stage).follow().await?;
    stage.is_read_again(&first).await?;
    let before = stage.c4c_calls().len();
    let told = spaced((0..measure.people).map(|_| Arc::clone(&stage).follow())).await?;
    for one in &told {
        stage.is_read_again(one).await?;
    }
    let people: Vec<String> = told.iter().map(|one| one.openid.clone()).collect();
    stage.everyone_speaks(&people).await?;
    let calls = Calls::of(&stage.c4c_calls(), before, &told);
    let follows: Vec<f64> = told.iter().map(|one| one.took).collect();
    let before = stage.c4c_calls().len();
    let acts = people
        .iter()
        .map(|openid| Arc::clone(&stage).change(openid.clone()));
    let changes = spaced(acts).await?;
    let change_calls = stage.c4c_calls().len() - before;
    let acts = people
        .iter()
        .map(|openid| Arc::clone(&stage).message(openid.clone()));
    let messages = spaced(acts).await?;
    daemon.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "people by the dozen")]
    let each = |calls: usize| calls as f64 / people.len() as f64;
    let p99 = |took: &[f64]| percentile(took, 0.99);
    let row = |what: &str, took: &[f64], calls: Value| {
        let figures = [percentile(took, 0.50), p99(took)].map(figure);
        let [p50, p99] = figures;
        vec![json!(what), json!(took.len()), p50, p99, calls]
    };
    let follow_calls = each(calls.told.len());
    Ok(Section {
        name: "feel",
        title: "What a person feels",
        notes: notes(&calls, people.len()),
        columns: &COLUMNS,
        rows: vec![
            row(
                "follow → told the CustomerID",
                &follows,
                figure(follow_calls),
            ),
            vec![
                json!("told → C4C's own notification of the new customer dealt with"),
                json!(people.len()),
                Value::Null,
                Value::Null,
                figure(each(calls.notified.len())),
            ],
            row(
                "change in C4C → notice",
                &changes,
                figure(each(change_calls)),
            ),
            row(
                "operator's `message send` → follower",
                &messages,
                Value::Null,
            ),
        ],
        targets: vec![
            Target::below(
                "follow → told the CustomerID, p99 ms",
                p99(&follows),
                2000.0,
            ),
            Target::at_most("C4C calls of a follow until it is told", follow_calls, 3.0),
            Target::below("change in C4C → notice, p99 ms", p99(&changes), 2000.0),
            Target::below(
                "operator's message → follower, p99 ms",
                p99(&messages),
                1000.0,
            ),
        ],
    })
}

fn notes(calls: &Calls, people: usize) -> Vec<String> {
    vec![
        format!(
            "both simulated platforms take {} ms for every call; one person acts every {} ms, so \
             that a tenant's four calls at once are enough",
            CALL.as_millis(),
            APART.as_millis()
        ),
        "from the act at one simulator until the call that shows it at the other has ended; the \
         very first follow, which fetches session and CSRF token for all, is not counted"
            .to_owned(),
        format!(
            "C4C calls of {people} follows until each was told: {}; afterwards, because C4C \
             notifies us of the customers that we have made: {}",
            kinds(&calls.told),
            kinds(&calls.notified)
        ),
        "an agent's answer has no way of its own yet (replies come with a later issue): measured \
         is what it will share, an operator's `message send` through the control socket, the \
         outbox and WeChat's custom message"
            .to_owned(),
    ]
}

/// How many of each kind.
fn kinds(calls: &[String]) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for call in calls {
        *kinds.entry(call).or_default() += 1;
    }
    let kinds = kinds
        .iter()
        .map(|(call, times)| format!("{call} ({times})"));
    let kinds: Vec<String> = kinds.collect();
    kinds.join(", ")
}

impl Calls {
    /// Of everything that C4C was asked since the call `before`.
    fn of(calls: &[Call], before: usize, people: &[Told]) -> Self {
        let of_a_notification = |at: usize, call: &Call| {
            let mut people = people.iter();
            people.any(|one| at >= one.calls && call.path.contains(&one.object))
        };
        let (mut told, mut notified) = (Vec::new(), Vec::new());
        for (at, call) in calls.iter().enumerate().skip(before) {
            if of_a_notification(at, call) {
                notified.push(kind(call));
            } else {
                told.push(kind(call));
            }
        }
        Self { told, notified }
    }
}

/// The verb of a call and the last part of its path, without keys.
fn kind(call: &Call) -> String {
    let last = call.path.rsplit('/').next().unwrap_or_default();
    let set = last.split('(').next().unwrap_or_default();
    format!("{} {set}", call.method)
}

/// Lets the acts begin one after the other, without waiting for their ends.
async fn spaced<T, A>(acts: impl Iterator<Item = A>) -> anyhow::Result<Vec<T>>
where
    T: Send + 'static,
    A: Future<Output = anyhow::Result<T>> + Send + 'static,
{
    let (mut under_way, mut beat) = (JoinSet::new(), tokio::time::interval(APART));
    for act in acts {
        beat.tick().await;
        under_way.spawn(act);
    }
    let mut done = Vec::new();
    while let Some(ended) = under_way.join_next().await {
        done.push(ended??);
    }
    Ok(done)
}

impl Stage {
    async fn set(measure: &Measure, folder: &Folder) -> anyhow::Result<(Arc<Self>, Process)> {
        let mut wechat = WeChat::new(wechat::Settings::default());
        let late = Kind::Latency {
            millis: u64::try_from(CALL.as_millis())?,
        };
        wechat.faults.add(Fault {
            on: String::new(),
            kind: late,
            times: UNTIL_CLEARED,
        });
        let settings = c4c::Settings {
            response_millis: u64::try_from(CALL.as_millis())?,
            ..c4c::Settings::default()
        };
        let wechat = Server::start(port().await?, wechat, SimClock::real(), 1);
        let c4c = Server::start(port().await?, C4c::new(settings), SimClock::real(), 2);
        let database = folder.join("qiao.db");
        let platforms = Platforms {
            wechat: wechat.url(),
            c4c: c4c.url(),
        };
        let site = Site::between(folder, &database, Mode::Plain, platforms)?;
        let daemon = Process::daemon(&site.config, site.address, measure.cores.server)?;
        let push_url = format!("http://{}/wechat/main", site.address);
        wechat.with(|wechat, _, _| wechat.settings.push_url = push_url);
        let url = format!(
            "http://{}/c4c/main/notifications/{}",
            site.address,
            site::NOTIFY_KEY
        );
        let subscription = Subscription::new(&url, Variant::Event);
        c4c.with(|c4c, _, _| c4c.notifications().settings.subscriptions = vec![subscription]);
        let control = socket::path_for(&database);
        let stage = Self {
            wechat,
            c4c,
            control,
        };
        Ok((Arc::new(stage), daemon))
    }

    /// Somebody new follows and is told their number.
    async fn follow(self: Arc<Self>) -> anyhow::Result<Told> {
        let began = Instant::now();
        let openid = self.wechat.with(|wechat, now, rng| {
            let openid = wechat.new_follower(rng);
            wechat.follow(&openid, None, now, rng);
            openid
        });
        self.is_sent(&openid, "").await?;
        let (took, calls) = (seen_after(began), self.c4c_calls().len());
        let (number, object) = self.customer(&openid)?;
        self.is_sent(&openid, &number).await?;
        Ok(Told {
            openid,
            object,
            took,
            calls,
        })
    }

    /// Waits until their customer was read again, as C4C has told us of it.
    async fn is_read_again(&self, told: &Told) -> anyhow::Result<()> {
        let read = self.c4c.until(|c4c| {
            let mut calls = c4c.calls().recent();
            let read = calls.any(|call| call.path.contains(&told.object));
            read.then_some(())
        });
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.context("a new customer was never read again")
    }

    /// An agent changes their customer: after how many milliseconds they were told of it.
    async fn change(self: Arc<Self>, openid: String) -> anyhow::Result<f64> {
        let (_, object) = self.customer(&openid)?;
        let mobile = format!("+86 138 {}", &object[object.len() - 8..]);
        let began = Instant::now();
        let fields = [("Mobile", mobile.as_str())];
        let changed = self
            .c4c
            .with(|c4c, now, _| c4c.change(&object, &fields, now));
        ensure!(changed, "the customer did not change");
        self.is_sent(&openid, "Mobile").await?;
        Ok(seen_after(began))
    }

    /// An operator says something: after how many milliseconds they read it.
    async fn message(self: Arc<Self>, openid: String) -> anyhow::Result<f64> {
        const WORDS: &str = "您的订单今天发货。";
        let began = Instant::now();
        let command = Command::MessageSend {
            account: AccountId::new("main"),
            openid: OpenId::new(&openid),
            text: WORDS.to_owned(),
        };
        let asked = socket::ask(&self.control, &command, "bench").await;
        asked.context("the daemon's control socket does not answer")??;
        self.is_sent(&openid, WORDS).await?;
        Ok(seen_after(began))
    }

    /// Their words open the windows in which messages may be sent to them.
    async fn everyone_speaks(&self, people: &[String]) -> anyhow::Result<()> {
        for openid in people {
            self.wechat
                .with(|wechat, now, rng| wechat.say(openid, "你好", now, rng));
        }
        let answered = self.wechat.until(|wechat| wechat.is_quiet().then_some(()));
        tokio::time::timeout(PATIENCE, answered).await?;
        Ok(())
    }

    /// Waits until they have read a custom message that holds `piece`.
    async fn is_sent(&self, openid: &str, piece: &str) -> anyhow::Result<()> {
        let read = self.wechat.until(|wechat| {
            let mut seen = wechat.seen(openid).iter();
            seen.any(|seen| seen.via == Via::Custom && seen.text.contains(piece))
                .then_some(())
        });
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.with_context(|| format!("a follower never read {piece:?}"))
    }

    /// Number and ObjectID of their customer.
    fn customer(&self, openid: &str) -> anyhow::Result<(String, String)> {
        self.c4c
            .look(|c4c| match c4c.find_by_wechat_id(openid).as_slice() {
                [one] => Ok((one.customer_id().to_owned(), one.object_id.clone())),
                several => bail!("a follower has {} customers", several.len()),
            })
    }

    /// Every call so far.
    fn c4c_calls(&self) -> Vec<Call> {
        self.c4c.look(|c4c| c4c.calls().recent().cloned().collect())
    }
}

async fn port() -> std::io::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").await
}

/// Milliseconds until a person saw it. The simulator shows a message when the call that sends it
/// begins; somebody may see it only when that call ends.
fn seen_after(began: Instant) -> f64 {
    (began.elapsed() + CALL).as_secs_f64() * 1000.0
}
