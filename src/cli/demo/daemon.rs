//! The daemon as a child process: this binary's `serve`, which can be killed like any other.
//!
//! Its log is copied to a file, and read on the way: it tells where the daemon listens.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::oneshot;

/// From the start of the process to its readiness, migrations included.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// The daemon itself needs at most 10 s to finish or release its work.
const STOP_WITHIN: Duration = Duration::from_secs(11);

/// A running daemon. Dropping it kills it.
pub(super) struct Daemon {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Daemon {
    /// Starts it and waits until it is ready.
    pub(super) async fn start(config: &Path, log: &Path) -> anyhow::Result<Self> {
        let mut command = this_program(config)?;
        command
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C is for the demo, which then stops the daemon.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().context("the daemon cannot be started")?;
        let stderr = child.stderr.take().expect("it was piped");
        let file = File::options().create(true).append(true).open(log).await?;
        let (tell, ready) = oneshot::channel();
        tokio::spawn(copy_log(stderr, file, tell));
        match tokio::time::timeout(READY_WITHIN, ready).await {
            Ok(Ok(address)) => Ok(Self { child, address }),
            Ok(Err(_)) => bail!("the daemon did not start: {}", last_line(log).await?),
            Err(_) => bail!(
                "the daemon was not ready within {} s; its log is {}",
                READY_WITHIN.as_secs(),
                log.display()
            ),
        }
    }

    /// `kill -9`: it gets no chance to finish anything.
    pub(super) async fn kill(&mut self) -> std::io::Result<ExitStatus> {
        self.child.kill().await?;
        self.child.wait().await
    }

    /// Resolves when it has ended.
    pub(super) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends it a signal by name; false when it has ended already.
    pub(super) async fn signal(&self, name: &str) -> std::io::Result<bool> {
        let Some(id) = self.child.id() else {
            return Ok(false);
        };
        // Every shell has `kill`, while a small image may lack the program.
        let kill = format!("kill -{name} {id}");
        let sent = Command::new("sh").arg("-c").arg(kill).status().await?;
        Ok(sent.success())
    }

    /// Asks it to end as systemd does, and waits. One that was killed has ended.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        if !self.signal("TERM").await? {
            return Ok(());
        }
        let Ok(status) = tokio::time::timeout(STOP_WITHIN, self.child.wait()).await else {
            self.kill().await?;
            bail!("the daemon did not stop within {} s", STOP_WITHIN.as_secs());
        };
        let status = status?;
        ensure!(status.success(), "the daemon did not end well: {status}");
        Ok(())
    }
}

/// Runs a command of an operator beside the daemon.
pub(super) async fn command(config: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = this_program(config)?;
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let told = tokio::time::timeout(READY_WITHIN, command.output()).await;
    let told = told.with_context(|| format!("{arguments:?} did not end in time"))??;
    let fault = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.success(), "{arguments:?}: {fault}");
    Ok(())
}

/// This program with the demo's configuration.
fn this_program(config: &Path) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("where this program lies")?;
    let mut command = Command::new(program);
    command.arg("--config").arg(config);
    for name in foreign_settings() {
        command.env_remove(name);
    }
    Ok(command)
}

/// Variables of the user's own Qiao: they would beat the demo's configuration.
fn foreign_settings() -> impl Iterator<Item = std::ffi::OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| name.to_string_lossy().starts_with("QIAO_"))
}

/// A line of the log, as far as it matters here.
#[derive(Deserialize)]
struct Line {
    message: String,
    address: Option<SocketAddr>,
}

/// Copies until the daemon ends. A log that cannot be written must not stop the daemon.
async fn copy_log(stderr: ChildStderr, mut file: File, tell: oneshot::Sender<SocketAddr>) {
    let mut tell = Some(tell);
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = file.write_all(format!("{line}\n").as_bytes()).await;
        let _ = file.flush().await;
        if let Some(address) = ready_at(&line)
            && let Some(tell) = tell.take()
        {
            // Nobody waits any more when it came too late.
            let _ = tell.send(address);
        }
    }
}

/// Why a daemon that never got ready ended.
async fn last_line(log: &Path) -> std::io::Result<String> {
    let text = tokio::fs::read_to_string(log).await?;
    Ok(text.lines().last().unwrap_or_default().to_owned())
}

fn ready_at(line: &str) -> Option<SocketAddr> {
    let line: Line = serde_json::from_str(line).ok()?;
    line.address.filter(|_| line.message == "qiao is ready")
}
