//! The world of a seed: both platforms' cores, the network between, Qiao, and the tasks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use qiao::app::Parts;
use qiao::config::{Environment, load_text};
use qiao::http::{Edge, public_router};
use qiao::kit::clock::Clock;
use qiao::kit::random::Random;
use qiao::store::{OpenError, Opening, Store};
use qiao_sim::c4c::{self, C4c, Subscription, Variant};
use qiao_sim::wechat::{self, Mode, WeChat};
use qiao_sim::wire;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::commits::Commits;
use super::faults::{Climate, Count, Fault};
use super::network::{Far, Network};
use super::tasks::{Task, Work, breathe};
use super::time::Time;
use super::trace::Trace;
use super::witness::Witness;
use crate::world::KEY;

/// The accounts. `main` asks a hook for answers and holds what is uncertain; `shop` sends it again, has a template for
/// changes, and takes its tokens from the classic endpoint.
pub const ACCOUNTS: [&str; 2] = ["main", "shop"];

/// Calls that C4C may get at once.
pub const MAX_CALLS: usize = 3;

/// Where Qiao listens, as far as the platforms know.
const HOME: &str = "http://qiao.test";

pub struct World {
    pub rng: StdRng,
    pub far_rng: StdRng,
    pub climate: Climate,
    pub faults: Count,
    pub time: Time,
    pub network: Network,
    pub commits: Commits,
    pub wechat: [WeChat; 2],
    pub c4c: C4c,
    /// Pushes and notifications on their way to Qiao.
    pub on_the_way: Vec<(Far, wire::Push)>,
    pub tasks: Vec<Task>,
    pub trace: Trace,
    pub witness: Witness,
    /// For looking at the rows.
    pub sqlite: SqliteConnection,
    pub parts: Parts,
    pub router: Router,
    pub next_task: u64,
    config: String,
    starts: u64,
    seed: u64,
    folder: TempDir,
}

impl World {
    pub async fn new(seed: u64) -> Self {
        let start: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let time = Time::new(start);
        let network = Network::new(time.clone());
        let commits = Commits::default();
        let mut rng = StdRng::seed_from_u64(seed);
        let user = if rng.random() { "qiao" } else { "agent" };
        let config = config(user);
        let folder = folder();
        let path = folder.path().join("data/qiao.db");
        prepare(&path).await;
        let how = (config.as_str(), &path);
        let (parts, router) = assemble(how, &time, &network, &commits, seed).await;
        let sqlite = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
            .await
            .unwrap();
        Self {
            climate: Climate::of(seed),
            far_rng: StdRng::seed_from_u64(seed ^ 0xfa12),
            faults: Count::new(),
            wechat: [account(0), account(1)],
            c4c: tenant(&mut rng),
            rng,
            time,
            network,
            commits,
            on_the_way: Vec::new(),
            tasks: Vec::new(),
            trace: Trace::default(),
            witness: Witness::default(),
            sqlite,
            parts,
            router,
            next_task: 1,
            config,
            starts: 1,
            seed,
            folder,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.time.truth()
    }

    pub fn store(&self) -> &Store {
        &self.parts.context.store
    }

    pub fn tell(&mut self, what: &str) {
        self.trace.tell(self.time.truth(), what);
    }

    /// Whether our clock was ever wrong.
    pub fn clock_was_wrong(&self) -> bool {
        self.faults.contains_key(&Fault::WrongClock)
    }

    /// Counts a fault that has happened.
    pub fn met(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Whether this seed knows the fault and chance wills it.
    pub fn chance(&mut self, fault: Fault, probability: f64) -> bool {
        self.climate.knows(fault) && self.rng.random_bool(probability)
    }

    /// Kills the daemon: whatever it was doing ends where it stands. Calls that have left may
    /// still arrive. Then it starts again on what it left in the database.
    pub async fn restart(&mut self) {
        self.tell("— killed and started again");
        self.witness.restarts += 1;
        if self.commits.is_held() {
            self.met(Fault::KilledInCommit);
        }
        while self.network.len() > 0 {
            let mut call = self.network.take(0);
            if call.answer.is_none() && self.rng.random() {
                self.reach(&mut call).await;
            }
        }
        for task in std::mem::take(&mut self.tasks) {
            if let Work::Push { from, push, .. } = task.work {
                self.report(from, &push, None);
            }
        }
        self.commits.kill();
        self.store().close().await;
        self.starts += 1;
        let seed = self.seed ^ (self.starts << 32);
        let path = self.folder.path().join("data/qiao.db");
        let how = (self.config.as_str(), &path);
        let (parts, router) = assemble(how, &self.time, &self.network, &self.commits, seed).await;
        self.parts = parts;
        self.router = router;
        self.store().recover().await.unwrap();
    }

    /// A number for a new task.
    pub fn number(&mut self) -> u64 {
        self.next_task += 1;
        self.next_task
    }
}

/// Files in memory where the machine has that.
fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.unwrap()
}

/// Puts an empty database there. Only the first of a process is migrated; the others are copies.
async fn prepare(path: &Path) {
    static EMPTY: OnceCell<Vec<u8>> = OnceCell::const_new();
    std::fs::create_dir_all(path.parent().expect("a file in a folder")).unwrap();
    let empty = EMPTY
        .get_or_init(async || {
            let clock = Arc::new(Time::new(Timestamp::UNIX_EPOCH));
            Store::open(path, clock).await.unwrap().close().await;
            std::fs::read(path).unwrap()
        })
        .await;
    std::fs::write(path, empty).unwrap();
}

async fn assemble(
    (config, path): (&str, &PathBuf),
    time: &Time,
    network: &Network,
    commits: &Commits,
    seed: u64,
) -> (Parts, Router) {
    let environment = Environment::from_iter(Vec::<(String, String)>::new());
    let file = path.with_file_name("qiao.toml");
    let loaded = load_text(config, &file, &environment).expect("the seed's configuration");
    let clock: Arc<dyn Clock> = Arc::new(time.clone());
    let store = loop {
        let opening = Opening {
            volatile: true,
            watch: Some(Arc::new(commits.clone())),
            ..Opening::default()
        };
        match Store::open_as(path, clock.clone(), opening).await {
            // The writer that was killed lets go of it in its own time.
            Err(OpenError::InUse(_)) => breathe().await,
            opened => break opened.unwrap(),
        }
    };
    let random = Random::from_seed(seed);
    let transport = Arc::new(network.clone());
    let parts = Parts::assemble(loaded.config, store, clock, random, transport).await;
    let parts = parts.unwrap();
    let edge = Edge::new(parts.context.clone(), parts.engine.clone(), None);
    (parts, public_router(edge, false))
}

fn account(at: usize) -> WeChat {
    let encrypted = at == 0;
    WeChat::new(wechat::Settings {
        app_id: format!("wx{at}123456789abcdef"),
        push_url: format!("{HOME}/wechat/{}", ACCOUNTS[at]),
        mode: if encrypted { Mode::Safe } else { Mode::Plain },
        encoding_aes_key: encrypted.then(|| KEY.to_owned()),
        ..wechat::Settings::default()
    })
}

fn tenant(rng: &mut StdRng) -> C4c {
    let mut c4c = C4c::new(c4c::Settings {
        public_url: Far::C4c.url().to_owned(),
        ..c4c::Settings::default()
    });
    let variant = if rng.random() {
        Variant::Event
    } else {
        Variant::Odata
    };
    let settings = &mut c4c.notifications().settings;
    let url = format!("{HOME}/c4c/main/notifications");
    settings.subscriptions =
        vec![Subscription::new(&url, variant).with_credentials("c4c", "notify-secret")];
    settings.retries = 2;
    settings.shuffle = true;
    c4c
}

fn config(user: &str) -> String {
    let [main, shop] = [account(0).settings, account(1).settings];
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
[database]
url = "sqlite:qiao.db"
[c4c.main]
url = "{c4c}"
username = "{user}"
password = "secret"
max_calls = {MAX_CALLS}
notify_username = "c4c"
notify_password = "notify-secret"
[wechat.main]
app_id = "{}"
app_secret = "{}"
token = "{}"
encoding_aes_key = "{KEY}"
api_url = "{}"
tenant = "main"
existing_followers = "import"
answer_hook = "{hook}"
[wechat.main.conversation]
into_c4c = "social"
channel_id = "WECHAT"
[wechat.shop]
app_id = "{}"
app_secret = "{}"
token = "{}"
access_token = "token"
api_url = "{}"
tenant = "main"
existing_followers = "import"
uncertain_send = "resend"
[wechat.shop.conversation]
into_c4c = "ticket"
[wechat.shop.templates.customer_changed]
template_id = "T1"
data = {{ thing1 = "{{changes|something}}" }}
"#,
        main.app_id,
        main.app_secret,
        main.token,
        Far::Wechat(0).url(),
        shop.app_id,
        shop.app_secret,
        shop.token,
        Far::Wechat(1).url(),
        c4c = Far::C4c.url(),
        hook = Far::Hook.url(),
    )
}

/// A pause of so many seconds.
pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
