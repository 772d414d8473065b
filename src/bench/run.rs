//! One run of the load against one server, and the proof that what it acknowledged is there.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::Measure;
use super::cores;
use super::load::Load;
use super::process::{self, Process, Usage};
use super::pushes::{Crowd, Mode, Pushes};
use super::site::{Folder, Site};
use crate::kit::clock::{Clock as _, SystemClock};
use crate::store::{Mark, Store, Tally};

/// The part of a run that comes before it, unmeasured.
const WARM_UP: u32 = 8;

/// More pushes than any server here takes in a second: so many are sealed for safe mode.
const MOST_A_SECOND: f64 = 80_000.0;

/// How often the outbox is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Server {
    /// The bound.
    Ceiling,
    /// `qiao serve`, delivering what follows from the pushes meanwhile.
    Daemon,
    /// Its routes and its writer alone, to see what delivering costs.
    Alone,
}

impl Server {
    /// As tables name it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ceiling => "ceiling",
            Self::Daemon => "whole daemon",
            Self::Alone => "intake alone",
        }
    }
}

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Case {
    /// Who answers.
    pub(super) server: Server,
    /// How pushes travel.
    pub(super) mode: Mode,
    /// Over how many connections.
    pub(super) connections: usize,
}

/// On what it is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    /// The daemon's database.
    pub(super) database: &'a Path,
    /// Who speaks.
    pub(super) crowd: Crowd,
    /// Another run follows on it: what this one queued is delivered before the daemon stops.
    pub(super) kept: bool,
}

/// What one run showed.
#[derive(Debug)]
pub(super) struct Sample {
    /// Acknowledged pushes a second.
    pub(super) rate: f64,
    /// Processor time of the server for one, in microseconds.
    pub(super) cpu: f64,
    /// Milliseconds.
    pub(super) p50: f64,
    /// Milliseconds.
    pub(super) p99: f64,
    /// What the server used of its core.
    pub(super) server_share: f64,
    /// What the load used of its own.
    pub(super) load_share: f64,
    /// Requests of one commit, if it could be told.
    pub(super) batch: Option<f64>,
    /// What the server had used by the end of the load.
    pub(super) usage: Usage,
    /// Rows a push, in words.
    pub(super) rows: String,
}

impl Case {
    /// Runs it on a copy of `template`.
    pub(super) async fn measure(
        self,
        measure: &Measure,
        template: &Path,
        crowd: Crowd,
    ) -> anyhow::Result<Sample> {
        let folder = Folder::new(&measure.folder)?;
        let database = folder.join("qiao.db");
        std::fs::copy(template, &database)?;
        let ground = Ground {
            database: &database,
            crowd,
            kept: false,
        };
        self.measure_on(measure, &folder, ground).await
    }

    /// Runs it on a database itself.
    pub(super) async fn measure_on(
        self,
        measure: &Measure,
        folder: &Folder,
        ground: Ground<'_>,
    ) -> anyhow::Result<Sample> {
        let site = Site::new(folder, ground.database, self.mode)?;
        let mark = mark(ground.database).await?;
        let server = self.start(&site, measure)?;
        let (mut sample, sent) = self.load(measure, &server, ground.crowd)?;
        if ground.kept {
            until_delivered(server.address)?;
        }
        server.stop()?;
        if self.server != Server::Ceiling {
            let store = Store::open_read_only(ground.database).await?;
            let tally = store.tally(&mark).await?;
            sent.prove(&tally, &store.msg_ids(&mark).await?)?;
            sample.rows = rows_a_push(&tally);
        }
        Ok(sample)
    }

    fn start(self, site: &Site, measure: &Measure) -> anyhow::Result<Process> {
        let config = site.config.to_str().context("a path that is not text")?;
        let core = measure.cores.server;
        match self.server {
            Server::Ceiling => Process::role(&["ceiling"], core),
            Server::Alone => Process::role(&["intake", config], core),
            Server::Daemon => Process::daemon(&site.config, site.address, core),
        }
    }

    /// The load, in a thread of its own. It blocks: nothing else happens meanwhile.
    fn load(
        self,
        measure: &Measure,
        server: &Process,
        crowd: Crowd,
    ) -> anyhow::Result<(Sample, Sent)> {
        let address = server.address;
        let warm_up = measure.time / WARM_UP;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of pushes"
        )]
        let most = ((measure.time + warm_up).as_secs_f64() * MOST_A_SECOND) as u64;
        let pushes = Pushes::prepare(self.mode, address, crowd, SystemClock.now(), most);
        let pushes = Arc::new(pushes);
        let run = |first, time| {
            let load = Load {
                address,
                connections: self.connections,
                time,
                pushes: &pushes,
                first,
            };
            cores::on(measure.cores.load, || load.run())
        };
        let warm = run(0, warm_up)?;
        let (before, commits_before) = (server.usage()?, commits(address));
        let answered = run(warm.next, measure.time)?;
        let (after, commits_after) = (server.usage()?, commits(address));
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
        let took = answered.took.as_secs_f64();
        let sample = Sample {
            rate: answered.rate(),
            cpu: cpu * 1e6 / answered.acknowledged(),
            p50: answered.percentile(0.50),
            p99: answered.percentile(0.99),
            server_share: cpu / took,
            load_share: answered.cpu.as_secs_f64() / took,
            batch: commits_before.zip(commits_after).map(requests_a_commit),
            usage: after,
            rows: String::new(),
        };
        let refused = [warm.refused, answered.refused].concat();
        let sent = Sent {
            pushes,
            next: answered.next,
            refused,
        };
        Ok((sample, sent))
    }
}

/// What was sent to a server since its start.
struct Sent {
    pushes: Arc<Pushes>,
    next: u64,
    refused: Vec<u64>,
}

impl Sent {
    /// Proves by what SQL found that every acknowledged push is there exactly once, and that
    /// nothing but the database was called for it.
    fn prove(&self, tally: &Tally, written: &[String]) -> anyhow::Result<()> {
        let msg_id = |number| self.pushes.msg_id(number).to_string();
        let once: HashSet<&String> = written.iter().collect();
        ensure!(once.len() == written.len(), "a push was written twice");
        let refused: HashSet<&u64> = self.refused.iter().collect();
        let lost = (0..self.next)
            .filter(|number| !refused.contains(number) && !once.contains(&msg_id(*number)))
            .count();
        ensure!(
            lost == 0,
            "{lost} acknowledged pushes are not in the database"
        );
        let rows = i64::try_from(written.len())?;
        let Tally {
            inbox,
            suppressed,
            dedupe,
            message,
            outbox,
            remote,
            ..
        } = *tally;
        ensure!(
            [inbox, dedupe, message, outbox] == [rows; 4] && suppressed == 0 && remote == 0,
            "{rows} pushes left other rows than they should: {tally:?}"
        );
        Ok(())
    }
}

async fn mark(database: &Path) -> anyhow::Result<Mark> {
    Ok(Store::open_read_only(database).await?.mark().await?)
}

/// Waits until nothing waits in the daemon's outbox any more.
fn until_delivered(address: SocketAddr) -> anyhow::Result<()> {
    loop {
        let (_, body) = process::get(address, "/readyz")?;
        let ready: serde_json::Value = serde_json::from_str(&body)?;
        if ready["queue"]["open"] == 0 {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn rows_a_push(tally: &Tally) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a run writes millions, not 2^53"
    )]
    let share = |rows: i64| rows as f64 / tally.inbox as f64;
    format!(
        "inbox {:.2}, dedupe {:.2}, message {:.2}, outbox {:.2} in its own commit; then, from the \
         lane, attempt {:.2} and as many rows of outbox and send_window updated; of the effects \
         {:.0} % were done by the end of the run",
        share(tally.inbox),
        share(tally.dedupe),
        share(tally.message),
        share(tally.outbox),
        share(tally.attempt),
        (1.0 - share(tally.open)) * 100.0,
    )
}

/// Sum and count of the requests in the daemon's commits so far, if it tells.
fn commits(address: SocketAddr) -> Option<(f64, f64)> {
    let (_, metrics) = process::get(address, "/metrics").ok()?;
    let value = |name| {
        let line = metrics
            .lines()
            .find_map(|line: &str| line.strip_prefix(name));
        line?.trim().parse().ok()
    };
    value("qiao_commit_requests_sum ").zip(value("qiao_commit_requests_count "))
}

fn requests_a_commit(((sum, count), (later_sum, later_count)): ((f64, f64), (f64, f64))) -> f64 {
    (later_sum - sum) / (later_count - count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    /// Three pushes were sent and the last of them was refused.
    fn sent() -> Sent {
        let crowd = Crowd {
            population: 3,
            speakers: 3,
        };
        let address = "127.0.0.1:80".parse().unwrap();
        let pushes = Pushes::prepare(Mode::Plain, address, crowd, Timestamp::UNIX_EPOCH, 3);
        Sent {
            pushes: Arc::new(pushes),
            next: 3,
            refused: vec![2],
        }
    }

    fn rows(count: i64) -> Tally {
        Tally {
            inbox: count,
            dedupe: count,
            message: count,
            outbox: count,
            ..Tally::default()
        }
    }

    fn written(msg_ids: &[&str]) -> Vec<String> {
        msg_ids.iter().map(|&id| id.to_owned()).collect()
    }

    #[test]
    fn every_acknowledged_push_must_be_there_and_a_refused_one_may() {
        sent().prove(&rows(2), &written(&["0", "1"])).unwrap();
        sent().prove(&rows(3), &written(&["0", "1", "2"])).unwrap();
        let lost = sent().prove(&rows(1), &written(&["0"])).unwrap_err();
        assert!(lost.to_string().contains("1 acknowledged"), "{lost}");
    }

    #[test]
    fn a_push_that_is_there_twice_or_with_other_rows_is_found() {
        assert!(sent().prove(&rows(3), &written(&["0", "1", "1"])).is_err());
        let two = written(&["0", "1"]);
        for other in [
            Tally {
                message: 1,
                ..rows(2)
            },
            Tally {
                dedupe: 1,
                ..rows(2)
            },
            Tally {
                suppressed: 1,
                ..rows(2)
            },
            Tally {
                remote: 1,
                ..rows(2)
            },
        ] {
            assert!(sent().prove(&other, &two).is_err(), "{other:?}");
        }
    }
}
