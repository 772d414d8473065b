//! Resident memory of the daemon: idle, under load, and with a long queue.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::Measure;
use super::figures::Rounds;
use super::intake::CROWD;
use super::process::{Process, Usage};
use super::pushes::Mode;
use super::report::{Section, Target, figure};
use super::run::{Case, Server};
use super::site::{self, Folder, Site};
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::rows::{Changes, Follower};
use crate::flows::sending::{self, ToSay};
use crate::kit::clock::{Clock as _, SystemClock};
use crate::store::seeded_openid;

/// Rows that one transaction of the preparation writes.
const CHUNK: u64 = 2000;

const COLUMNS: [&str; 3] = ["daemon", "resident MiB", "peak MiB"];

/// What the daemon has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Idle,
    Waiting,
    Loaded,
}

const STATES: [State; 3] = [State::Idle, State::Waiting, State::Loaded];

/// Measures every state once a round.
pub(super) async fn measure(measure: &Measure) -> anyhow::Result<Section> {
    let folder = Folder::new(&measure.folder)?;
    let small = folder.join("small.db");
    site::prepare(&small, CROWD.population).await?;
    let full = folder.join("full.db");
    std::fs::copy(&small, &full)?;
    fill(&full, measure.rows).await?;
    let rounds = Rounds::measure(measure.rounds, &STATES, async |state| match state {
        State::Idle => alone(measure, &folder, &small),
        State::Waiting => alone(measure, &folder, &full),
        State::Loaded => loaded(measure, &small).await,
    });
    let rounds = rounds.await?;
    let resident = |state| rounds.highest(state, |usage: &Usage| usage.resident);
    let peak = |state| rounds.highest(state, |usage: &Usage| usage.peak);
    let row = |what: &str, state| vec![json!(what), figure(resident(state)), figure(peak(state))];
    let rows = measure.rows;
    Ok(Section {
        name: "memory",
        title: "Memory",
        notes: vec![
            format!(
                "the highest of all rounds; idle and waiting {:.1} s after the start",
                measure.time.as_secs_f64()
            ),
            format!(
                "waiting: {rows} messages to as many followers, while WeChat cannot be reached; \
                 with as many rows being delivered see the peaks of delivery"
            ),
        ],
        columns: &COLUMNS,
        rows: vec![
            row("idle", State::Idle),
            row("256 connections of load", State::Loaded),
            row(&format!("{rows} rows waiting"), State::Waiting),
        ],
        targets: vec![
            Target::below("resident idle, MiB", resident(State::Idle), 20.0),
            Target::below(
                "peak at 256 connections of load, MiB",
                peak(State::Loaded),
                60.0,
            ),
            Target::below(
                format!("peak with {rows} rows waiting, MiB"),
                peak(State::Waiting),
                80.0,
            ),
        ],
    })
}

fn alone(measure: &Measure, folder: &Folder, database: &Path) -> anyhow::Result<Usage> {
    let site = Site::new(folder, database, Mode::Plain)?;
    let daemon = Process::daemon(&site.config, site.address, measure.cores.server)?;
    std::thread::sleep(measure.time);
    let usage = daemon.usage()?;
    daemon.stop()?;
    Ok(usage)
}

async fn loaded(measure: &Measure, template: &Path) -> anyhow::Result<Usage> {
    let case = Case {
        server: Server::Daemon,
        mode: Mode::Plain,
        connections: 256,
    };
    Ok(case.measure(measure, template, CROWD).await?.usage)
}

/// Queues a message to each of so many followers.
async fn fill(database: &Path, rows: u64) -> anyhow::Result<()> {
    let store = site::open(database).await?;
    for first in (0..rows).step_by(usize::try_from(CHUNK)?) {
        let mut changes = Changes::none();
        for number in first..rows.min(first + CHUNK) {
            let follower = Follower {
                account: AccountId::new("main"),
                openid: OpenId::new(seeded_openid(number)),
            };
            let say = ToSay {
                follower: &follower,
                purpose: "operator",
                text: "您的订单今天发货。",
                values: BTreeMap::new(),
                inbox_id: None,
                conversation: None,
            };
            changes.extend(sending::queue(&say, SystemClock.now()));
        }
        store.write(changes).await?;
    }
    store.close().await;
    Ok(())
}
