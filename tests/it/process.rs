//! A daemon as a process of its own, between simulators that run in real time.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use qiao_sim::c4c::{C4c, Subscription};
use qiao_sim::clock::SimClock;
use qiao_sim::shell::Server;
use qiao_sim::wechat::WeChat;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpSocket;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::world::{PATIENCE, Plan, config, port};

/// One folder, one pair of simulators, and one daemon after the other, all at one address.
pub struct Site {
    pub wechat: Server<WeChat>,
    pub c4c: Server<C4c>,
    folder: TempDir,
    /// Bound and never listened on: it keeps the port for the daemons.
    port: TcpSocket,
}

/// A running daemon.
pub struct Process {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    /// What it has logged so far.
    pub log: Vec<String>,
}

impl Site {
    pub async fn new() -> Self {
        Self::planned(Plan::default()).await
    }

    pub async fn planned(plan: Plan) -> Self {
        let real = SimClock::real();
        let wechat = WeChat::new(plan.wechat.clone());
        let wechat = Server::start(port().await, wechat, real.clone(), 1);
        let c4c = Server::start(port().await, C4c::new(plan.c4c.clone()), real, 2);
        let site = Self {
            wechat,
            c4c,
            folder: tempfile::tempdir().unwrap(),
            port: kept_port(),
        };
        let text = config(&plan, site.wechat.url(), site.c4c.url());
        let text = text.replace("127.0.0.1:0", &site.address().to_string());
        std::fs::write(site.config_file(), text).unwrap();
        let push_url = format!("{}/wechat/main", site.url());
        site.wechat
            .with(|wechat, _, _| wechat.settings.push_url = push_url);
        let notify_url = format!("{}/c4c/main/notifications", site.url());
        let subscription = Subscription::new(&notify_url, plan.variant);
        let subscription = subscription.with_credentials("c4c", "notify-secret");
        site.c4c.with(|c4c, _, _| {
            c4c.notifications().settings.subscriptions = vec![subscription];
        });
        site
    }

    /// Where its daemons listen.
    pub fn address(&self) -> SocketAddr {
        self.port.local_addr().unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("qiao.toml")
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/qiao.db")
    }

    /// Puts something else in the configuration file.
    pub fn reconfigure(&self, change: impl FnOnce(&str) -> String) {
        let text = std::fs::read_to_string(self.config_file()).unwrap();
        std::fs::write(self.config_file(), change(&text)).unwrap();
    }

    /// Starts the daemon and waits until it is ready.
    pub async fn serve(&self) -> Process {
        self.start(Command::new(env!("CARGO_BIN_EXE_qiao"))).await
    }

    /// Starts the daemon, which logs all it can.
    pub async fn serve_talkative(&self) -> Process {
        let mut qiao = Command::new(env!("CARGO_BIN_EXE_qiao"));
        qiao.env("QIAO_LOG", "trace");
        self.start(qiao).await
    }

    /// Starts the daemon on a disk that takes files of at most so many KiB.
    pub async fn serve_on_small_disk(&self, kib: u32) -> Process {
        let mut shell = Command::new("sh");
        // Without the trap the signal would kill it where a full disk only refuses.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2);
        shell.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_qiao"));
        self.start(shell).await
    }

    /// Starts the daemon by another program that becomes it.
    pub async fn serve_by(&self, program: Command) -> Process {
        self.start(program).await
    }

    async fn start(&self, mut qiao: Command) -> Process {
        qiao.arg("--config").arg(self.config_file()).arg("serve");
        let mut process = Process::spawn(&mut qiao);
        process.until_logged("qiao is ready").await;
        process
    }
}

/// A port of this machine that nobody gets but who asks for it by number.
fn kept_port() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

impl Process {
    /// Starts a daemon, whichever program it is, and reads what it logs.
    pub fn spawn(daemon: &mut Command) -> Self {
        let mut child = daemon
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let (line, lines) = mpsc::unbounded_channel();
        // Read as it comes: a full pipe would stop the daemon.
        tokio::spawn(async move {
            while let Ok(Some(read)) = stderr.next_line().await {
                // A story that has ended reads no more.
                let _ = line.send(read);
            }
        });
        Self {
            child,
            lines,
            log: Vec::new(),
        }
    }

    /// Reads its log up to a line that holds `piece`.
    pub async fn until_logged(&mut self, piece: &str) -> String {
        let reading = async {
            loop {
                let line = self.lines.recv().await;
                let line = line.expect("the daemon ended too early");
                self.log.push(line.clone());
                if line.contains(piece) {
                    return line;
                }
            }
        };
        let line = tokio::time::timeout(PATIENCE, reading).await;
        line.expect("the line in time")
    }

    /// Sends SIGHUP and waits for the line that holds `piece`.
    pub async fn reload(&mut self, piece: &str) {
        self.signal("-HUP").await;
        self.until_logged(piece).await;
    }

    /// The most memory that was ever resident, in MiB, as Linux tells it.
    pub fn memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let (_, peak) = status.split_once("VmHWM:").unwrap();
        let kib: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
        kib / 1024
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").arg(signal).arg(pid).status().await;
        assert!(killed.unwrap().success());
    }

    /// `kill -9`; gives all that it logged.
    pub async fn kill(mut self) -> Vec<String> {
        self.child.kill().await.unwrap();
        while let Some(line) = self.lines.recv().await {
            self.log.push(line);
        }
        self.log
    }

    /// Sends SIGTERM and waits for its good end, which must come within 10 s.
    pub async fn terminate(self) -> Vec<String> {
        let (ended, log) = self.end().await;
        assert!(ended.success(), "{ended}");
        log
    }

    /// Sends SIGTERM and waits for its end, however it calls that, within 10 s.
    pub async fn end(mut self) -> (ExitStatus, Vec<String>) {
        self.signal("-TERM").await;
        let ending = async {
            while let Some(line) = self.lines.recv().await {
                self.log.push(line);
            }
            self.child.wait().await.unwrap()
        };
        let ended = tokio::time::timeout(Duration::from_secs(10), ending).await;
        (ended.expect("an end within 10 s"), self.log)
    }
}
