//! What is measured runs as a child process of its own, so that its processor time and its memory
//! are its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};
use serde::de::DeserializeOwned;

use super::cores;

/// A daemon on five million messages must be ready within a second; a broken one is given up.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long whoever waits for a daemon's readiness pauses between two looks.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// A child process. Dropping it kills it.
pub(super) struct Process {
    child: Child,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// From its spawn to its readiness.
    pub(super) ready_after: Duration,
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    /// Processor time, of all its threads.
    pub(super) cpu: Duration,
    /// Resident memory, MiB.
    pub(super) resident: f64,
    /// The most it ever was.
    pub(super) peak: f64,
}

impl Process {
    /// Starts `qiao bench serve ROLE …` and waits for the line that tells where it listens.
    pub(super) fn role(arguments: &[&str], core: Option<usize>) -> anyhow::Result<Self> {
        let began = Instant::now();
        let mut child = spawn(
            &[&["bench", "serve"], arguments].concat(),
            core,
            Stdio::inherit(),
        )?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it was piped")).read_line(&mut line)?;
        let mut process = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ready_after: began.elapsed(),
        };
        // Told late, so that a child that said something else is not left behind.
        process.address = parsed(&line)?;
        Ok(process)
    }

    /// Starts the daemon, `qiao serve`, and waits until it says that it is ready. Its
    /// configuration must let it listen on `address`.
    pub(super) fn daemon(
        config: &Path,
        address: SocketAddr,
        core: Option<usize>,
    ) -> anyhow::Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(config.with_extension("log"))?;
        let config = config.to_str().context("a path that is not text")?;
        let began = Instant::now();
        let child = spawn(&["--config", config, "serve"], core, log.into())?;
        let mut process = Self {
            child,
            address,
            ready_after: Duration::ZERO,
        };
        while !matches!(get(address, "/readyz"), Ok((200, _))) {
            if let Some(status) = process.child.try_wait()? {
                bail!("the daemon ended ({status}); its log stands beside {config}");
            }
            ensure!(
                began.elapsed() < READY_WITHIN,
                "the daemon is not ready; its log stands beside {config}"
            );
            std::thread::sleep(LOOK_EVERY);
        }
        process.ready_after = began.elapsed();
        Ok(process)
    }

    /// What it has used so far.
    pub(super) fn usage(&self) -> anyhow::Result<Usage> {
        usage(&self.child.id().to_string())
    }

    /// Asks it to end, as systemd does, and waits.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "a child did not end well: {status}");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `qiao bench serve ROLE …` to its end, and gives what it prints.
pub(super) fn ask<T: DeserializeOwned>(
    arguments: &[&str],
    core: Option<usize>,
) -> anyhow::Result<T> {
    let child = spawn(
        &[&["bench", "serve"], arguments].concat(),
        core,
        Stdio::inherit(),
    )?;
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "a child did not end well: {}",
        output.status
    );
    parsed(&String::from_utf8(output.stdout)?)
}

fn parsed<T: DeserializeOwned>(said: &str) -> anyhow::Result<T> {
    serde_json::from_str(said).with_context(|| format!("a child said {said:?}"))
}

fn spawn(arguments: &[&str], core: Option<usize>, stderr: Stdio) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("where this program lies")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr);
    // The user's own settings are not the measurement's.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("QIAO_") {
            command.env_remove(name);
        }
    }
    cores::on(core, || command.spawn()).context("a child cannot be started")
}

/// The processor time that this process's threads of that name have used so far.
pub(super) fn usage_of_threads(name: &str) -> anyhow::Result<Duration> {
    let mut all = Duration::ZERO;
    for thread in std::fs::read_dir("/proc/self/task").context("/proc is needed (Linux)")? {
        // One that has ended since is not there any more.
        let Ok(stat) = std::fs::read_to_string(thread?.path().join("stat")) else {
            continue;
        };
        if stat
            .split_once('(')
            .is_some_and(|(_, rest)| rest.starts_with(name))
        {
            all += processor_time(&stat)?;
        }
    }
    Ok(all)
}

fn processor_time(stat: &str) -> anyhow::Result<Duration> {
    // After the name in parentheses: utime and stime are the 12th and 13th field.
    let (_, fields) = stat.rsplit_once(')').context("/proc/…/stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(
        ticks * 1000 / clock_ticks_per_second(),
    ))
}

/// What a process has used, by its number or `self`.
pub(super) fn usage(process: &str) -> anyhow::Result<Usage> {
    let folder = Path::new("/proc").join(process);
    let stat = std::fs::read_to_string(folder.join("stat")).context("/proc is needed (Linux)")?;
    let status = std::fs::read_to_string(folder.join("status"))?;
    Ok(Usage {
        cpu: processor_time(&stat)?,
        resident: mebibytes(&status, "VmRSS:")?,
        peak: mebibytes(&status, "VmHWM:")?,
    })
}

fn mebibytes(status: &str, name: &str) -> anyhow::Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kibibytes: f64 = number.context("/proc/…/status")?.parse()?;
    Ok(kibibytes / 1024.0)
}

/// A free address on this machine. Nobody holds it, so somebody else might take it.
pub(super) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// One request over a connection of its own.
pub(super) fn get(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no whole answer")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, body.to_owned()))
}
