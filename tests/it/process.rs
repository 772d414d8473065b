//! The real binary as a process, between simulators that run in real time.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use qiao_sim::c4c::C4c;
use qiao_sim::clock::SimClock;
use qiao_sim::shell::Server;
use qiao_sim::wechat::{Mode, Settings, WeChat};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::world::{KEY, port};

/// One folder, one pair of simulators, and one `qiao serve` after the other.
pub struct Site {
    pub wechat: Server<WeChat>,
    pub c4c: Server<C4c>,
    folder: TempDir,
}

/// A running `qiao serve`.
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    /// What it has logged so far.
    pub log: Vec<String>,
}

impl Site {
    pub async fn new() -> Self {
        let settings = Settings {
            mode: Mode::Safe,
            encoding_aes_key: Some(KEY.to_owned()),
            ..Settings::default()
        };
        let wechat = Server::start(port().await, WeChat::new(settings), SimClock::real(), 1);
        let c4c = C4c::new(qiao_sim::c4c::Settings::default());
        let c4c = Server::start(port().await, c4c, SimClock::real(), 2);
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            r#"
[server]
listen = "127.0.0.1:0"
[c4c.main]
url = "{}"
username = "qiao"
password = "secret"
notify_key = "0123456789abcdef-key"
[wechat.main]
app_id = "wx0123456789abcdef"
app_secret = "simsecret"
token = "simtoken"
encoding_aes_key = "{KEY}"
api_url = "{}"
"#,
            c4c.url(),
            wechat.url(),
        );
        std::fs::write(folder.path().join("qiao.toml"), config).unwrap();
        Self {
            wechat,
            c4c,
            folder,
        }
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/qiao.db")
    }

    /// Puts something else in the configuration file.
    pub fn reconfigure(&self, change: impl FnOnce(&str) -> String) {
        let file = self.folder.path().join("qiao.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, change(&text)).unwrap();
    }

    /// Starts the daemon, and lets WeChat push to it.
    pub async fn serve(&self) -> Process {
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

    async fn start(&self, mut qiao: Command) -> Process {
        let mut child = qiao
            .arg("--config")
            .arg(self.folder.path().join("qiao.toml"))
            .arg("serve")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut process = Process {
            child,
            lines,
            log: Vec::new(),
        };
        let ready = process.until_logged("qiao is ready").await;
        let ready: serde_json::Value = serde_json::from_str(&ready).expect("a JSON line");
        let push_url = format!("http://{}/wechat/main", ready["address"].as_str().unwrap());
        self.wechat
            .with(|wechat, _, _| wechat.settings.push_url = push_url);
        process
    }
}

impl Process {
    /// Reads its log up to a line that holds `piece`.
    async fn until_logged(&mut self, piece: &str) -> String {
        let reading = async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                let line = line.expect("the daemon ended too early");
                self.log.push(line.clone());
                if line.contains(piece) {
                    return line;
                }
            }
        };
        let line = tokio::time::timeout(Duration::from_secs(30), reading).await;
        line.expect("the line in time")
    }

    /// Sends SIGHUP and waits for the line that holds `piece`.
    pub async fn reload(&mut self, piece: &str) {
        self.signal("-HUP").await;
        self.until_logged(piece).await;
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").arg(signal).arg(pid).status().await;
        assert!(killed.unwrap().success());
    }

    /// `kill -9`
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends SIGTERM and waits for its end, which must come within 10 s.
    pub async fn terminate(mut self) -> Vec<String> {
        self.signal("-TERM").await;
        let ending = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.log.push(line);
            }
            self.child.wait().await.unwrap()
        };
        let ended = tokio::time::timeout(Duration::from_secs(10), ending).await;
        assert!(ended.expect("an end within 10 s").success());
        self.log
    }
}
