//! What size costs: intake, delivery and the start, on a database with years of history beside a
//! small one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::delivery;
use super::drain::Drained;
use super::figures::Rounds;
use super::intake::CROWD;
use super::process::Process;
use super::pushes::{Crowd, Mode};
use super::report::{Section, Target, figure};
use super::run::{Case, Ground, Sample, Server};
use super::site::{self, Folder, Site};
use super::{Measure, Size};
use crate::kit::clock::SystemClock;
use crate::store;

/// The run of intake that is compared.
const INTAKE: Case = Case {
    server: Server::Daemon,
    mode: Mode::Plain,
    connections: 256,
};

/// Starts of one round; a start takes a few milliseconds.
const STARTS: u32 = 5;

/// How much of the small database's rate the large one must keep.
const KEPT: f64 = 0.85;

const COLUMNS: [&str; 6] = [
    "what",
    "small",
    "grown",
    "grown/small",
    "small CPU µs",
    "grown CPU µs",
];

/// On which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    Small,
    Grown,
}

const BOTH: [On; 2] = [On::Small, On::Grown];

/// Both databases.
struct Pair {
    folder: Folder,
    small: PathBuf,
    grown: PathBuf,
    size: Size,
}

/// Measures intake, delivery and the start on both.
pub(super) async fn measure(measure: &Measure) -> anyhow::Result<Section> {
    let pair = Pair::make(measure).await?;
    let intake = Rounds::measure(measure.rounds, &BOTH, async |on| {
        pair.intake(measure, on).await
    });
    let intake = intake.await?;
    let delivery = Rounds::measure(measure.rounds, &BOTH, async |on| {
        pair.delivery(measure, on).await
    });
    let delivery = delivery.await?;
    let turns = measure.rounds * STARTS;
    let ready = Rounds::measure(turns, &BOTH, async |on| pair.ready(measure, on)).await?;
    let ready_ms = |on| ready.median(on, |ms: &f64| *ms);
    let (kept_intake, kept_delivery) = (
        intake.ratio(On::Grown, On::Small, |sample| sample.rate),
        delivery.ratio(On::Grown, On::Small, |drained| drained.rate),
    );
    let rows = vec![
        row("pushes/s at 256 connections", &intake, |sample: &Sample| {
            (sample.rate, sample.cpu)
        }),
        row(
            "deliveries/s, 100000 lanes, 32 at once",
            &delivery,
            |drained: &Drained| (drained.rate, drained.cpu),
        ),
        vec![
            json!("ready after its start, ms (median)"),
            figure(ready_ms(On::Small)),
            figure(ready_ms(On::Grown)),
            figure(ready_ms(On::Grown) / ready_ms(On::Small)),
            Value::Null,
            Value::Null,
        ],
    ];
    Ok(Section {
        name: "growth",
        title: "Cost as it grows",
        notes: pair.notes()?,
        columns: &COLUMNS,
        rows,
        targets: vec![
            Target::at_least(
                "intake on the grown database, of the small one",
                kept_intake,
                KEPT,
            ),
            Target::at_least(
                "delivery on the grown database, of the small one",
                kept_delivery,
                KEPT,
            ),
            Target::below(
                "ready on the grown database, ms",
                ready_ms(On::Grown),
                1000.0,
            ),
            Target::below("ready on the small database, ms", ready_ms(On::Small), 60.0),
        ],
    })
}

fn row<S>(what: &str, rounds: &Rounds<On, S>, figures: fn(&S) -> (f64, f64)) -> Vec<Value> {
    let rate = |sample: &S| figures(sample).0;
    let cpu = |sample: &S| figures(sample).1;
    vec![
        json!(what),
        figure(rounds.median(On::Small, rate)),
        figure(rounds.median(On::Grown, rate)),
        figure(rounds.ratio(On::Grown, On::Small, rate)),
        figure(rounds.median(On::Small, cpu)),
        figure(rounds.median(On::Grown, cpu)),
    ]
}

impl Pair {
    async fn make(measure: &Measure) -> anyhow::Result<Self> {
        let folder = Folder::new(&measure.folder)?;
        let (small, grown) = (folder.join("small.db"), folder.join("grown.db"));
        site::prepare(&small, CROWD.population).await?;
        let Size { messages, mappings } = measure.size;
        store::seed(&grown, Arc::new(SystemClock), mappings, messages).await?;
        site::prepare(&grown, 0).await?;
        Ok(Self {
            folder,
            small,
            grown,
            size: measure.size,
        })
    }

    /// The grown database is used again and again; of the small one every run gets a copy.
    async fn intake(&self, measure: &Measure, on: On) -> anyhow::Result<Sample> {
        match on {
            On::Small => INTAKE.measure(measure, &self.small, CROWD).await,
            On::Grown => {
                let ground = Ground {
                    database: &self.grown,
                    crowd: Crowd {
                        population: self.size.mappings,
                        speakers: CROWD.speakers,
                    },
                    kept: true,
                };
                INTAKE.measure_on(measure, &self.folder, ground).await
            }
        }
    }

    async fn delivery(&self, measure: &Measure, on: On) -> anyhow::Result<Drained> {
        match on {
            On::Small => delivery::measure_copy(measure, &self.small).await,
            On::Grown => delivery::measure_one(measure, &self.grown).await,
        }
    }

    fn ready(&self, measure: &Measure, on: On) -> anyhow::Result<f64> {
        let database: &Path = match on {
            On::Small => &self.small,
            On::Grown => &self.grown,
        };
        let site = Site::new(&self.folder, database, Mode::Plain)?;
        let daemon = Process::daemon(&site.config, site.address, measure.cores.server)?;
        let ready = daemon.ready_after.as_secs_f64() * 1000.0;
        daemon.stop()?;
        Ok(ready)
    }

    fn notes(&self) -> anyhow::Result<Vec<String>> {
        #[expect(clippy::cast_precision_loss, reason = "a file has no 2^53 bytes")]
        let gigabytes = std::fs::metadata(&self.grown)?.len() as f64 / 1e9;
        let Size { messages, mappings } = self.size;
        Ok(vec![
            format!(
                "small: {} linked followers, no history; grown: {mappings} linked followers with \
                 baseline and grant, {messages} messages of a year, half of them said by \
                 followers (with inbox, done effect, attempt), half sent to them (done effect, \
                 attempt), dedupe keys of the last week: {gigabytes:.1} GB",
                CROWD.population
            ),
            format!(
                "on both, {} followers speak, on the grown one spread evenly over all",
                CROWD.speakers
            ),
            format!(
                "ready: from the spawn of `qiao serve` on a cleanly closed database to the first \
                 200 of /readyz, {STARTS} starts a round, in turns"
            ),
        ])
    }
}
