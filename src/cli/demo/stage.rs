//! What the story is played on: both simulators, an answer hook, and the daemon between them on
//! a temporary database.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use qiao_sim::c4c::{self, C4c, Subscription, Variant};
use qiao_sim::clock::SimClock;
use qiao_sim::shell::Server;
use qiao_sim::wechat::{self, Mode, WeChat};
use tokio::net::{TcpListener, TcpSocket};

use super::daemon::{self, Daemon};
use super::hook::Hook;
use super::settings::{self, ENCODING_AES_KEY, NOTIFY_PASSWORD, NOTIFY_USERNAME};
use crate::domain::rows::Follower;
use crate::kit::random::Random;
use crate::store::{OutboxFilter, Store, StoreError, TracedRow, TranscriptRow};

/// A campaign whose poster has a QR code.
const CAMPAIGN: &str = "spring-fair";

/// A customer from before, who has a QR code to say who they are in WeChat.
const REGULAR: [(&str, &str); 4] = [
    ("RoleCode", "CRM000"),
    ("FirstName", "Chen"),
    ("LastName", "Jie"),
    ("Mobile", "+86 138 0000 1111"),
];

/// More than the story has.
const MOST_MESSAGES: u32 = 100;

/// How often the daemon's database is looked at while it is waited for: it tells nobody else
/// when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Everything the story needs, running.
pub(super) struct Stage {
    /// WeChat.
    pub(super) wechat: Arc<Server<WeChat>>,
    /// C4C.
    pub(super) c4c: Arc<Server<C4c>>,
    /// The answer hook.
    pub(super) hook: Hook,
    /// Qiao.
    pub(super) daemon: Daemon,
    /// Where configuration, database and log lie.
    pub(super) folder: PathBuf,
    /// The daemon's database, read beside it.
    pub(super) store: Store,
    /// Keeps the daemon's port while no daemon listens there.
    _port: TcpSocket,
}

impl Stage {
    /// Starts everything; the daemon listens on `listen`. The page at `page`, if there is one, may show
    /// the daemon's pages in a frame.
    pub(super) async fn set(
        listen: SocketAddr,
        page: Option<&str>,
        account_page: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let account_page = account_page.map(std::path::absolute).transpose()?;
        let kept = kept_port(listen)
            .with_context(|| format!("the daemon cannot listen on {listen}; is it in use?"))?;
        let listen = kept.local_addr()?;
        let random = Random::from_system();
        let folder = new_folder(&random).context("a temporary folder")?;
        let account = wechat::Settings {
            mode: Mode::Safe,
            encoding_aes_key: Some(ENCODING_AES_KEY.to_owned()),
            ..wechat::Settings::default()
        };
        let core = WeChat::new(account.clone());
        let wechat = Server::start(port().await?, core, SimClock::real(), random.word());
        let tenant = c4c::Settings::default();
        let channel_id = &tenant.social_providers[0];
        let core = C4c::new(tenant.clone());
        let c4c = Server::start(port().await?, core, SimClock::real(), random.word());
        let hook = Hook::start().await?;
        settings::write(
            &folder,
            &settings::Facts {
                listen,
                account: &account,
                wechat: wechat.url(),
                c4c: c4c.url(),
                channel_id,
                hook: &hook.url,
                page,
                account_page: account_page.as_deref().and_then(Path::to_str),
            },
        )?;
        let daemon = start_daemon(&folder).await?;
        let store = Store::open_read_only(&folder.join("qiao.db")).await?;
        let stage = Self {
            wechat: Arc::new(wechat),
            c4c: Arc::new(c4c),
            hook,
            daemon,
            folder,
            store,
            _port: kept,
        };
        stage.connect();
        Ok(stage)
    }

    /// Where the daemon is reached from this machine.
    pub(super) fn url(&self) -> String {
        here(self.daemon.address)
    }

    /// Tells both platforms where Qiao is, as their consoles would be told: pushes, notifications and
    /// the agents' answers.
    fn connect(&self) {
        let push_url = format!("{}/wechat/main", self.url());
        self.wechat
            .with(|wechat, _, _| wechat.settings.push_url = push_url);
        let url = format!("{}/c4c/main/notifications", self.url());
        let subscription = Subscription::new(&url, Variant::Event)
            .with_credentials(NOTIFY_USERNAME, NOTIFY_PASSWORD);
        let replies_url = format!("{}/c4c/main/replies", self.url());
        self.c4c.with(|c4c, _, _| {
            c4c.notifications().settings.subscriptions = vec![subscription];
            let replies = &mut c4c.replies().settings;
            replies.url = replies_url;
            NOTIFY_USERNAME.clone_into(&mut replies.username);
            NOTIFY_PASSWORD.clone_into(&mut replies.password);
        });
    }

    /// Starts the daemon again, on the same database.
    pub(super) async fn restart(&mut self) -> anyhow::Result<()> {
        self.daemon = start_daemon(&self.folder).await?;
        self.connect();
        Ok(())
    }

    /// Has menu and QR codes made at WeChat, as an operator does: with this program's own commands.
    pub(super) async fn furnish(&self) -> anyhow::Result<()> {
        let customer = self.c4c.with(|c4c, now, _| {
            // Nobody in WeChat yet; the script would write their last name there.
            let with_script = c4c.settings().before_save_script;
            c4c.configure(|settings| settings.before_save_script = false);
            let object_id = c4c.create_customer(&REGULAR, now);
            c4c.configure(|settings| settings.before_save_script = with_script);
            c4c.customer(&object_id)
                .map(|customer| customer.customer_id().to_owned())
        });
        let customer = customer.context("a customer who exists already")?;
        let campaign = ["qr", "create", "campaign", CAMPAIGN, "--permanent"];
        let bind = ["qr", "create", "bind", &customer, "--temporary"];
        self.command(&["menu", "apply"]).await?;
        self.command(&campaign).await?;
        self.command(&bind).await
    }

    async fn command(&self, arguments: &[&str]) -> anyhow::Result<()> {
        daemon::command(&self.folder.join("qiao.toml"), arguments).await
    }

    /// Ends everything; the folder stays.
    pub(super) async fn strike(self) -> anyhow::Result<()> {
        self.daemon.stop().await
    }

    /// What Qiao has written since then.
    pub(super) async fn rows_since(&self, since: Timestamp) -> Result<Vec<TracedRow>, StoreError> {
        self.store.written_since(since).await
    }

    /// All that was said with a follower of the demo, in order.
    pub(super) async fn history(
        &self,
        follower: &Follower,
    ) -> Result<Vec<TranscriptRow>, StoreError> {
        self.store.transcript(follower, 0, MOST_MESSAGES).await
    }

    /// The effects that stand as running.
    pub(super) async fn running(&self) -> Result<Vec<String>, StoreError> {
        let filter = OutboxFilter {
            state: Some("running".to_owned()),
            effect: None,
            limit: 10,
        };
        let rows = self.store.outbox(&filter).await?;
        Ok(rows.into_iter().map(|row| row.effect).collect())
    }

    /// Resolves when nobody has anything left to do: no push is on its way and no effect waits.
    pub(super) async fn settled(&self) -> Result<(), StoreError> {
        loop {
            let (wechat, c4c) = (self.wechat.changes(), self.c4c.changes());
            let quiet = self.wechat.look(WeChat::is_quiet) && self.c4c.look(C4c::is_quiet);
            let open = self.store.queue_state().await?.open;
            // An effect that ended meanwhile may have set off another notification.
            let moved = wechat.has_changed().unwrap_or(true) || c4c.has_changed().unwrap_or(true);
            if quiet && open == 0 && !moved {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// How this machine reaches who listens there.
pub(super) fn here(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{address}")
}

/// A port that stays the same when the daemon is started again, so that links to its pages hold. Nobody else
/// gets it meanwhile, as long as they do not ask for it by number.
fn kept_port(listen: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if listen.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    Ok(socket)
}

async fn start_daemon(folder: &Path) -> anyhow::Result<Daemon> {
    Daemon::start(&folder.join("qiao.toml"), &folder.join("serve.log")).await
}

async fn port() -> std::io::Result<TcpListener> {
    TcpListener::bind("127.0.0.1:0").await
}

/// A folder that only we can read and that nobody had before.
fn new_folder(random: &Random) -> std::io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("qiao-demo-{:016x}", random.word()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}
