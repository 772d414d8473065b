//! On what was measured: figures without their machine say nothing.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use super::cores::Cores;
use crate::kit::clock::{Clock as _, SystemClock};

/// What the machine, the program and the day were.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    date: String,
    commit: String,
    build: &'static str,
    command: String,
    processor: String,
    cores: String,
    memory: String,
    kernel: String,
    file_system: String,
    load_before: String,
}

impl Machine {
    /// This one, with databases in `folder`.
    pub(super) fn here(folder: &Path, cores: Cores) -> Self {
        let cores_used = match (cores.server, cores.load) {
            (Some(server), Some(load)) => format!("servers on core {server}, load on core {load}"),
            _ => "servers and load share one core: rates and ratios are lower for it".to_owned(),
        };
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let memory = line_of("/proc/meminfo", "MemTotal:").unwrap_or_default();
        let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
        Self {
            date: format!("{:.0}", SystemClock.now()),
            commit: commit().unwrap_or_else(|| "unknown".to_owned()),
            build: if cfg!(debug_assertions) {
                "debug: these figures say nothing; `make bench` measures a release build"
            } else {
                "release"
            },
            command: format!("qiao {command}"),
            processor: line_of("/proc/cpuinfo", "model name\t:").unwrap_or_default(),
            cores: format!("{count}; {cores_used}"),
            memory,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| String::new(), |text| text.trim().to_owned()),
            file_system: file_system(folder).unwrap_or_else(|| "unknown".to_owned()),
            load_before: line_of("/proc/loadavg", "").unwrap_or_default(),
        }
    }

    pub(super) fn as_markdown(&self) -> String {
        let mut text = String::new();
        for (name, value) in [
            ("date", self.date.as_str()),
            ("commit", &self.commit),
            ("build", self.build),
            ("command", &self.command),
            ("processor", &self.processor),
            ("cores", &self.cores),
            ("memory", &self.memory),
            ("kernel", &self.kernel),
            ("file system", &self.file_system),
            ("load before", &self.load_before),
        ] {
            let _ = writeln!(text, "- {name}: {value}");
        }
        text
    }
}

fn line_of(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().to_owned())
}

/// The commit of the working directory, marked when its files differ from it.
fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Kind and device of the mount that holds the folder: the longest one that is its prefix.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        Some((fields.next()?, fields.next()?, fields.next()?))
    });
    let over = mounts.filter(|(_, place, _)| folder.starts_with(place));
    let (device, _, kind) = over.max_by_key(|(_, place, _)| place.len())?;
    Some(format!("{kind} on {device}"))
}
