//! Delivery: a full outbox drained through the real engine and store to a local sink, against the
//! same HTTP client without a database.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Measure;
use super::drain::{self, Drained};
use super::figures::Rounds;
use super::process::{self, Process};
use super::report::{Section, Target, figure};
use super::roles::Received;
use super::site::{self, Folder};
use crate::store::Store;

/// What the slow sink takes, and how many calls it takes at once.
const SLOW_MILLIS: u32 = 100;
const SLOW_SLOTS: u32 = 4;

/// Rows for the slow sink: ten seconds of its time in a full run.
const SLOW_SHARE: u64 = 250;

const COLUMNS: [&str; 10] = [
    "drainer",
    "lanes",
    "at once",
    "sink ms",
    "rows",
    "deliveries/s",
    "of bare",
    "CPU µs each",
    "idle MiB",
    "peak MiB",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    /// `None`: without a database.
    lanes: Option<u64>,
    slots: u32,
    sink_millis: u32,
}

const fn engine(lanes: u64, slots: u32) -> Case {
    Case {
        lanes: Some(lanes),
        slots,
        sink_millis: 0,
    }
}

const fn bare(slots: u32) -> Case {
    Case {
        lanes: None,
        slots,
        sink_millis: 0,
    }
}

const FEW_LANES: u64 = 10;
/// As many as a sending to everybody has.
pub(super) const MANY_LANES: u64 = 100_000;
/// At once, where nothing else is said.
pub(super) const SLOTS: u32 = 32;

const SLOW: Case = Case {
    lanes: Some(MANY_LANES),
    slots: SLOW_SLOTS,
    sink_millis: SLOW_MILLIS,
};

const CASES: [Case; 8] = [
    bare(10),
    engine(FEW_LANES, SLOTS),
    bare(SLOTS),
    engine(MANY_LANES, SLOTS),
    bare(128),
    engine(FEW_LANES, 128),
    engine(MANY_LANES, 128),
    SLOW,
];

impl Case {
    /// What it is compared with: bare, with as many under way as the lanes allow.
    fn bare(self) -> Self {
        match self.lanes {
            Some(FEW_LANES) => bare(10),
            _ => bare(self.slots),
        }
    }

    /// How many rows are drained: a slow sink gets fewer.
    fn rows(self, measure: &Measure) -> u64 {
        if self.sink_millis == 0 {
            measure.rows
        } else {
            (measure.rows / SLOW_SHARE).max(1)
        }
    }
}

/// Measures everything of delivery on a small database.
pub(super) async fn measure(measure: &Measure) -> anyhow::Result<Section> {
    let folder = Folder::new(&measure.folder)?;
    let template = folder.join("template.db");
    site::prepare(&template, 1).await?;
    let rounds = Rounds::measure(measure.rounds, &CASES, async |case| {
        case.measure(measure, &template).await
    });
    let rounds = rounds.await?;
    Ok(Section {
        name: "delivery",
        title: "Delivery: a full outbox over HTTP to a local sink",
        notes: notes(),
        columns: &COLUMNS,
        rows: CASES
            .iter()
            .map(|case| row(measure, &rounds, *case))
            .collect(),
        targets: targets(&rounds),
    })
}

/// One drain of many lanes on a copy of `template`.
pub(super) async fn measure_copy(measure: &Measure, template: &Path) -> anyhow::Result<Drained> {
    engine(MANY_LANES, SLOTS).measure(measure, template).await
}

/// The same without a database.
pub(super) async fn measure_bare(measure: &Measure, template: &Path) -> anyhow::Result<Drained> {
    bare(SLOTS).measure(measure, template).await
}

/// One drain of many lanes on `database` itself.
pub(super) async fn measure_one(measure: &Measure, database: &Path) -> anyhow::Result<Drained> {
    engine(MANY_LANES, SLOTS)
        .measure_on(measure, database)
        .await
}

impl Case {
    async fn measure(self, measure: &Measure, template: &Path) -> anyhow::Result<Drained> {
        let folder = Folder::new(&measure.folder)?;
        let database = folder.join("qiao.db");
        std::fs::copy(template, &database)?;
        self.measure_on(measure, &database).await
    }

    /// Fills, drains, and proves at the sink and by SQL that each row went once and in order.
    async fn measure_on(self, measure: &Measure, database: &Path) -> anyhow::Result<Drained> {
        let rows = self.rows(measure);
        let millis = format!("--millis={}", self.sink_millis);
        let sink = Process::role(&["sink", &millis], measure.cores.load)?;
        let url = format!("http://{}/", sink.address);
        let (count, slots) = (rows.to_string(), self.slots.to_string());
        let core = measure.cores.server;
        let Some(lanes) = self.lanes else {
            let drained = process::ask(&["bare", &url, &count, &slots], core)?;
            sink.stop()?;
            return Ok(drained);
        };
        let mark = Store::open_read_only(database).await?.mark().await?;
        drain::fill(database, rows, lanes).await?;
        let file = database.to_str().context("a path that is not text")?;
        let drained = process::ask(&["drain", file, &count, &slots, "--sink", &url], core)?;
        let (_, received) = process::get(sink.address, "/received")?;
        let expected = Received {
            in_order: rows,
            ..Received::default()
        };
        let received: Received = serde_json::from_str(&received)?;
        ensure!(
            received == expected,
            "of {rows} rows the sink saw {received:?}"
        );
        sink.stop()?;
        let tally = Store::open_read_only(database).await?.tally(&mark).await?;
        let rows = i64::try_from(rows)?;
        ensure!(
            [tally.outbox, tally.attempt, tally.open] == [rows, rows, 0],
            "{rows} deliveries left other rows than they should: {tally:?}"
        );
        Ok(drained)
    }
}

fn row(measure: &Measure, rounds: &Rounds<Case, Drained>, case: Case) -> Vec<Value> {
    let median = |of: fn(&Drained) -> f64| figure(rounds.median(case, of));
    vec![
        json!(if case.lanes.is_some() {
            "engine"
        } else {
            "bare client"
        }),
        json!(case.lanes),
        json!(case.slots),
        json!(case.sink_millis),
        json!(case.rows(measure)),
        median(|drained| drained.rate),
        if case.sink_millis == 0 {
            figure(rounds.ratio(case, case.bare(), |drained| drained.rate))
        } else {
            Value::Null
        },
        median(|drained| drained.cpu),
        median(|drained| drained.idle),
        figure(rounds.highest(case, |drained| drained.peak)),
    ]
}

fn notes() -> Vec<String> {
    [
        "engine: the daemon's `Engine` and `Store` with one effect of this benchmark, a POST of \
         200 bytes; strict lanes, every attempt recorded and settled in the database; \
         synchronous=FULL. The clock stops when the last outcome is committed",
        "bare client: the same HTTP client (reqwest through `kit::reqwest_transport`), body and \
         sink, in a loop without a database",
        "10 lanes can have only 10 deliveries under way, whatever the remote takes at once: they \
         are compared with the bare client at 10",
        "after every drain the sink has seen each row once and in the order of its lane, and SQL \
         shows one attempt each and nothing left",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn targets(rounds: &Rounds<Case, Drained>) -> Vec<Target> {
    let fast = CASES
        .iter()
        .filter(|case| case.lanes.is_some() && **case != SLOW);
    let mut targets: Vec<Target> = fast
        .map(|case| {
            let lanes = case.lanes.unwrap_or_default();
            let (slots, compared) = (case.slots, case.bare().slots);
            Target::at_least(
                format!(
                    "delivery, {lanes} lanes, {slots} at once, of the bare client at {compared}"
                ),
                rounds.ratio(*case, case.bare(), |drained| drained.rate),
                0.60,
            )
        })
        .collect();
    let most = f64::from(SLOW_SLOTS) * 1000.0 / f64::from(SLOW_MILLIS);
    targets.push(Target::at_least(
        format!("delivery to a sink of {SLOW_MILLIS} ms, {SLOW_SLOTS} at once, of {most}/s"),
        rounds.median(SLOW, |drained| drained.rate) / most,
        0.95,
    ));
    targets
}
