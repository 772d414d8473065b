//! The world of a story: both simulators, a daemon between them, and one clock for all.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use qiao::app::{Daemon, Doors, Parts, transport};
use qiao::config::{Environment, load_text};
use qiao::http::Metrics;
use qiao::kit::clock::{Clock, ManualClock};
use qiao::kit::random::Random;
use qiao::store::{CommitWatch, OpenError, Opening, Store};
use qiao_sim::c4c::{C4c, Subscription, Variant};
use qiao_sim::clock::SimClock;
use qiao_sim::shell::Server;
use qiao_sim::wechat::{self, Seen, Via, WeChat};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::inside::reached_at;

/// A story that has not ended by then hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// C4C's notification of a new customer may come while they are being linked: then they are read
/// again so much later.
pub const LINKING: Duration = Duration::from_secs(3);

pub const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

/// What a story may want otherwise, before its world begins.
pub struct Plan {
    pub wechat: wechat::Settings,
    pub c4c: qiao_sim::c4c::Settings,
    pub user: &'static str,
    /// Further lines of `[wechat.main]`, its rules included.
    pub account: String,
    /// Further lines of `[c4c.main]`.
    pub tenant: String,
    pub variant: Variant,
    /// Is told of every commit.
    pub watch: Option<Arc<dyn CommitWatch>>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            wechat: wechat::Settings {
                mode: wechat::Mode::Safe,
                encoding_aes_key: Some(KEY.to_owned()),
                ..wechat::Settings::default()
            },
            c4c: qiao_sim::c4c::Settings::default(),
            user: "qiao",
            account: String::new(),
            tenant: String::new(),
            variant: Variant::Event,
            watch: None,
        }
    }
}

pub struct World {
    pub wechat: Server<WeChat>,
    pub c4c: Server<C4c>,
    pub clock: ManualClock,
    pub folder: TempDir,
    daemon: Option<Daemon>,
    config: String,
    opening: Opening,
}

impl World {
    pub async fn new() -> Self {
        Self::planned(Plan::default()).await
    }

    pub async fn planned(plan: Plan) -> Self {
        let start: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let wechat = Server::start(
            port().await,
            WeChat::new(plan.wechat.clone()),
            SimClock::manual(start),
            1,
        );
        let c4c = Server::start(
            port().await,
            C4c::new(plan.c4c.clone()),
            SimClock::manual(start),
            2,
        );
        let config = config(&plan, wechat.url(), c4c.url());
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(start);
        let mut world = Self {
            wechat,
            c4c,
            clock,
            folder,
            daemon: None,
            config,
            opening: Opening {
                watch: plan.watch,
                ..Opening::default()
            },
        };
        world.start().await;
        let subscription = Subscription::new(
            &format!("{}/c4c/main/notifications", world.url()),
            plan.variant,
        )
        .with_credentials("c4c", "notify-secret");
        world.c4c.with(|c4c, _, _| {
            c4c.notifications().settings.subscriptions = vec![subscription];
        });
        world
    }

    /// Starts the daemon (again), on the same database.
    pub async fn start(&mut self) {
        let file = self.folder.path().join("qiao.toml");
        let public = port().await;
        let text = reached_at(&self.config, public.local_addr().unwrap());
        let loaded = load_text(
            &text,
            &file,
            &Environment::from_iter(Vec::<(String, String)>::new()),
        )
        .expect("the story's configuration");
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let path = &loaded.config.database.path;
        let store = opened(path, clock.clone(), &self.opening).await;
        let transport = transport(&loaded.config.outbound).unwrap();
        let parts =
            Parts::assemble(loaded.config, store, clock, Random::from_seed(7), transport).await;
        let doors = Doors {
            public,
            admin: None,
            metrics: Some(metrics()),
            scheduled: false,
        };
        let daemon = Daemon::start(parts.unwrap(), doors).await.unwrap();
        let push_url = format!("http://{}/wechat/main", daemon.address);
        self.wechat
            .with(|wechat, _, _| wechat.settings.push_url = push_url);
        let notify_url = format!("http://{}/c4c/main/notifications", daemon.address);
        let replies_url = format!("http://{}/c4c/main/replies", daemon.address);
        self.c4c.with(|c4c, _, _| {
            for subscription in &mut c4c.notifications().settings.subscriptions {
                subscription.url.clone_from(&notify_url);
            }
            let replies = &mut c4c.replies().settings;
            replies.url = replies_url;
            "c4c".clone_into(&mut replies.username);
            "notify-secret".clone_into(&mut replies.password);
        });
        self.daemon = Some(daemon);
    }

    /// The configuration as a file in the world's folder, for commands.
    pub fn config_file(&self) -> PathBuf {
        let file = self.folder.path().join("qiao.toml");
        std::fs::write(&file, &self.config).unwrap();
        file
    }

    /// The configuration as its daemon got it.
    pub fn config_text(&self) -> &str {
        &self.config
    }

    /// Stops the daemon as SIGTERM does.
    pub async fn stop(&mut self) {
        self.daemon.take().expect("a running daemon").stop().await;
    }

    pub fn is_running(&self) -> bool {
        self.daemon.is_some()
    }

    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("a running daemon")
    }

    pub fn store(&self) -> &Store {
        &self.daemon().parts.context.store
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.daemon().address)
    }

    /// Moves everybody's time.
    pub fn advance(&self, by: Duration) {
        self.wechat.clock().advance(by);
        self.c4c.clock().advance(by);
        self.clock.advance(by);
    }

    /// Waits until nothing is due or under way anywhere. What waits for a later time may wait.
    pub async fn settled(&self) {
        let quiet = async {
            loop {
                self.wechat
                    .until(|wechat| wechat.is_quiet().then_some(()))
                    .await;
                let mut wake = self.store().wake();
                let (mut c4c, mut wechat) = (self.c4c.changes(), self.wechat.changes());
                // A push answered between the two looks has left rows that the first did not see.
                let quiet = self.nobody_talks() && self.nothing_due().await;
                let stirred =
                    c4c.has_changed().unwrap_or(true) || wechat.has_changed().unwrap_or(true);
                if quiet && !stirred {
                    return;
                }
                tokio::select! {
                    _ = wake.changed() => {}
                    _ = c4c.changed() => {}
                    _ = wechat.changed() => {}
                }
            }
        };
        let settled = tokio::time::timeout(PATIENCE, quiet).await;
        let outbox = self.outbox().await;
        assert!(settled.is_ok(), "the world did not settle: {outbox}");
    }

    async fn nothing_due(&self) -> bool {
        let now = self.clock.now().as_microsecond();
        let mut connection = self.sqlite().await;
        let due: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM outbox WHERE state = 'running'
                 OR (state = 'ready' AND head = 1 AND next_attempt_at <= ?
                     AND remote NOT IN (SELECT value FROM json_each(?)))",
        )
        .bind(now)
        .bind(serde_json::to_string(&self.paused()).unwrap())
        .fetch_one(&mut connection)
        .await
        .unwrap();
        due == 0
    }

    /// Remotes that wait for a later instant; one whose probe is due does not.
    fn paused(&self) -> Vec<String> {
        let now = self.clock.now();
        let report = self.daemon().parts.engine.report();
        report
            .into_iter()
            .filter(|r| r.paused.is_some() && r.until.is_none_or(|until| until > now))
            .map(|r| r.name)
            .collect()
    }

    fn nobody_talks(&self) -> bool {
        self.wechat.look(WeChat::is_quiet) && self.c4c.look(C4c::is_quiet)
    }

    /// What a follower has seen, without the instants.
    pub fn seen(&self, openid: &str) -> Vec<(Via, String)> {
        self.wechat.look(|wechat| {
            let told = |seen: &Seen| (seen.via, seen.text.clone());
            wechat.seen(openid).iter().map(told).collect()
        })
    }

    /// Waits until the follower has seen something like it.
    pub async fn until_seen(&self, openid: &str, piece: &str) {
        let seen = self.wechat.until(|wechat| {
            wechat
                .seen(openid)
                .iter()
                .any(|seen| seen.text.contains(piece))
                .then_some(())
        });
        let came = tokio::time::timeout(PATIENCE, seen).await;
        let (seen, outbox) = (self.seen(openid), self.outbox().await);
        assert!(
            came.is_ok(),
            "`{piece}` was never seen; but {seen:?}; {outbox}"
        );
    }

    /// A new follower, not yet following.
    pub fn somebody(&self) -> String {
        self.wechat.with(|wechat, _, rng| wechat.new_follower(rng))
    }

    pub fn follow(&self, openid: &str) {
        self.wechat
            .with(|wechat, now, rng| wechat.follow(openid, None, now, rng));
    }

    pub fn unfollow(&self, openid: &str) {
        self.wechat
            .with(|wechat, now, rng| wechat.unfollow(openid, now, rng));
    }

    pub fn say(&self, openid: &str, text: &str) -> u64 {
        self.wechat
            .with(|wechat, now, rng| wechat.say(openid, text, now, rng))
    }

    pub fn click(&self, openid: &str, key: &str) -> u64 {
        self.wechat
            .with(|wechat, now, rng| wechat.click(openid, key, now, rng))
    }

    /// Somebody who follows, is linked, and has been told so. What C4C had to tell of it is over.
    pub async fn customer(&self) -> String {
        let openid = self.somebody();
        self.follow(&openid);
        self.until_seen(&openid, "1000").await;
        self.settled().await;
        self.advance(LINKING);
        self.settled().await;
        openid
    }

    /// The ObjectID of a follower's customer in C4C.
    pub fn object_of(&self, openid: &str) -> String {
        self.c4c.look(|c4c| {
            let found = c4c.find_by_wechat_id(openid);
            assert_eq!(found.len(), 1, "one customer per follower");
            found[0].object_id.clone()
        })
    }

    /// Changes a customer as an agent would.
    pub fn change(&self, openid: &str, fields: &[(&str, &str)]) {
        let object = self.object_of(openid);
        self.c4c
            .with(|c4c, now, _| assert!(c4c.change(&object, fields, now)));
    }

    pub async fn sqlite(&self) -> SqliteConnection {
        open(&self.folder.path().join("data/qiao.db")).await
    }

    /// One number by SQL.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.sqlite().await)
            .await
            .unwrap()
    }

    /// One text by SQL.
    pub async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.sqlite().await)
            .await
            .unwrap()
    }

    /// The outbox, for the message of a story that failed.
    pub async fn outbox(&self) -> String {
        let rows: Vec<(i64, String, String, Option<String>)> =
            sqlx::query_as("SELECT id, effect, state, last_error FROM outbox ORDER BY id")
                .fetch_all(&mut self.sqlite().await)
                .await
                .unwrap();
        format!("{rows:#?}")
    }

    /// Edits the configuration; in force from the next start.
    pub fn reconfigure(&mut self, from: &str, to: &str) {
        assert!(self.config.contains(from), "the configuration has {from}");
        self.config = self.config.replace(from, to);
    }
}

/// The process has one recorder, however many daemons the stories start.
fn metrics() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS
        .get_or_init(|| Metrics::installed().unwrap())
        .clone()
}

/// Opens the database when the daemon before has let go of it, which its last task does a moment
/// after its stop.
async fn opened(path: &Path, clock: Arc<dyn Clock>, opening: &Opening) -> Store {
    let free = async {
        loop {
            match Store::open_as(path, clock.clone(), opening.clone()).await {
                Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
                opened => return opened.unwrap(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, free)
        .await
        .expect("nobody else holds the database")
}

/// A connection of somebody else, as `sqlite3` would make it. sqlx does not tell of its statements,
/// so those that are told of are Qiao's own.
pub async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.disable_statement_logging().connect().await.unwrap()
}

pub async fn port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// The configuration of a daemon between these two platforms.
pub fn config(plan: &Plan, wechat: &str, c4c: &str) -> String {
    let settings = &plan.wechat;
    let aes_key = match &settings.encoding_aes_key {
        Some(key) => format!("encoding_aes_key = \"{key}\"\n"),
        None => String::new(),
    };
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
[database]
url = "sqlite:data/qiao.db"
[c4c.main]
url = "{c4c}"
username = "{user}"
password = "secret"
notify_username = "c4c"
notify_password = "notify-secret"
notify_key = "0123456789abcdef-key"
{tenant}
[wechat.main]
app_id = "{app_id}"
app_secret = "{secret}"
original_id = "{original_id}"
token = "{token}"
{aes_key}api_url = "{wechat}"
oauth_url = "{wechat}"
jssdk_url = "{wechat}/open/js/jweixin-1.6.0.js"
{account}
"#,
        user = plan.user,
        tenant = plan.tenant,
        app_id = settings.app_id,
        secret = settings.app_secret,
        original_id = settings.original_id,
        token = settings.token,
        account = plan.account,
    )
}
