//! Where the processor time of a push and of a delivery goes: the parts measured by themselves beside
//! the whole and beside the ceiling, so that it shows which part a target is missed by.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::Measure;
use super::apart::Costs;
use super::delivery;
use super::drain::{self, Drained};
use super::figures::Rounds;
use super::intake::CROWD;
use super::process;
use super::pushes::Mode;
use super::report::{Section, figure};
use super::run::{Case, Server};
use super::site::{self, Folder, Site};

const CONNECTIONS: usize = 256;

/// About what a commit carries at that many connections.
const BATCH: usize = 64;

const COLUMNS: [&str; 3] = ["what", "CPU µs each", "times the bound"];

/// What is measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The bound of intake.
    Ceiling,
    /// The daemon as it is.
    Push,
    /// Reading a push.
    Reading,
    /// Committing a push.
    Committing,
    /// What SQLite's thread takes of that.
    Sqlite,
    /// The bound of delivery.
    Bare,
    /// The engine as it is.
    Delivery,
    /// The engine with an effect that calls nobody.
    NoCall,
}

impl Part {
    fn words(self) -> &'static str {
        match self {
            Self::Ceiling => "bound of intake: an axum server that reads the body and answers",
            Self::Push => "a push to the whole daemon",
            Self::Reading => "… of it reading: query, signature, XML, decision",
            Self::Committing => "… of it committing: 4 rows, 64 pushes at once, one sync",
            Self::Sqlite => "… of that SQLite's own thread: statements, B-trees, log, sync",
            Self::Bare => "bound of delivery: the bare client, 32 at once",
            Self::Delivery => "a delivery through the engine, 100000 lanes, 32 at once",
            Self::NoCall => "… of it the engine: the same with an effect that calls nobody",
        }
    }

    /// What it is compared with.
    fn bound(self) -> Self {
        match self {
            Self::Ceiling | Self::Push | Self::Reading | Self::Committing | Self::Sqlite => {
                Self::Ceiling
            }
            Self::Bare | Self::Delivery | Self::NoCall => Self::Bare,
        }
    }
}

const PARTS: [Part; 8] = [
    Part::Ceiling,
    Part::Push,
    Part::Reading,
    Part::Committing,
    Part::Sqlite,
    Part::Bare,
    Part::Delivery,
    Part::NoCall,
];

/// Measures all parts on a small database.
pub(super) async fn measure(measure: &Measure) -> anyhow::Result<Section> {
    let folder = Folder::new(&measure.folder)?;
    let template = folder.join("template.db");
    site::prepare(&template, CROWD.population).await?;
    let rounds = Rounds::measure(measure.rounds, &PARTS, async |part| {
        let folder = Folder::new(&measure.folder)?;
        let database = folder.join("qiao.db");
        std::fs::copy(&template, &database)?;
        part.cost(measure, &folder, &database).await
    });
    let rounds = rounds.await?;
    Ok(Section {
        name: "profile",
        title: "Where the processor time goes",
        notes: notes(),
        columns: &COLUMNS,
        rows: PARTS.iter().map(|part| row(&rounds, *part)).collect(),
        targets: Vec::new(),
    })
}

impl Part {
    async fn cost(
        self,
        measure: &Measure,
        folder: &Folder,
        database: &Path,
    ) -> anyhow::Result<f64> {
        let push = |server| Case {
            server,
            mode: Mode::Plain,
            connections: CONNECTIONS,
        };
        match self {
            Self::Ceiling => Ok(push(Server::Ceiling)
                .measure(measure, database, CROWD)
                .await?
                .cpu),
            Self::Push => Ok(push(Server::Daemon)
                .measure(measure, database, CROWD)
                .await?
                .cpu),
            Self::Reading => Ok(apart(measure, folder, database)?.reading),
            Self::Committing => Ok(apart(measure, folder, database)?.committing),
            Self::Sqlite => Ok(apart(measure, folder, database)?.sqlite),
            Self::Bare => Ok(delivery::measure_bare(measure, database).await?.cpu),
            Self::Delivery => Ok(delivery::measure_copy(measure, database).await?.cpu),
            Self::NoCall => Ok(calling_nobody(measure, database).await?.cpu),
        }
    }
}

fn apart(measure: &Measure, folder: &Folder, database: &Path) -> anyhow::Result<Costs> {
    let site = Site::new(folder, database, Mode::Plain)?;
    let config = site.config.to_str().context("a path that is not text")?;
    let (pushes, batch) = (measure.rows.to_string(), BATCH.to_string());
    process::ask(&["apart", config, &pushes, &batch], measure.cores.server)
}

async fn calling_nobody(measure: &Measure, database: &Path) -> anyhow::Result<Drained> {
    drain::fill(database, measure.rows, delivery::MANY_LANES).await?;
    let file = database.to_str().context("a path that is not text")?;
    let (rows, slots) = (measure.rows.to_string(), delivery::SLOTS.to_string());
    process::ask(&["drain", file, &rows, &slots], measure.cores.server)
}

fn row(rounds: &Rounds<Part, f64>, part: Part) -> Vec<Value> {
    vec![
        json!(part.words()),
        figure(rounds.median(part, |cost| *cost)),
        figure(rounds.ratio(part, part.bound(), |cost| *cost)),
    ]
}

fn notes() -> Vec<String> {
    [
        "each part by itself, in a process of its own on the same core, in turns; the parts of a push \
         leave out its HTTP, which the bound shows, and the handing over between connections, writer \
         and SQLite's thread, which only the whole has",
        "committing is `Store::arrive` of pushes that were read before; reading is `open_push` and the \
         decision, without a route",
        "a target of CPU or rate, so many times the bound, is out of reach as long as the bound and what \
         must be added to it are together beyond it",
    ]
    .map(str::to_owned)
    .to_vec()
}
