//! Intake: `POST /wechat/{account}` of the real daemon, against a server that only reads the body
//! and answers.

use serde_json::{Value, json};

use super::Measure;
use super::figures::Rounds;
use super::pushes::{Crowd, Mode};
use super::report::{Section, Target, figure};
use super::run::{Case, Sample, Server};
use super::site::{self, Folder};

/// Followers of the small database, all linked, all speaking.
pub(super) const CROWD: Crowd = Crowd {
    population: 5000,
    speakers: 5000,
};

const MOST: usize = 256;
const MANY: usize = 64;

const COLUMNS: [&str; 12] = [
    "server",
    "mode",
    "connections",
    "pushes/s",
    "of ceiling",
    "CPU µs/push",
    "× ceiling",
    "p50 ms",
    "p99 ms",
    "core used",
    "load's core",
    "requests/commit",
];

const fn case(server: Server, mode: Mode, connections: usize) -> Case {
    Case {
        server,
        mode,
        connections,
    }
}

const CASES: [Case; 11] = [
    case(Server::Ceiling, Mode::Plain, 1),
    case(Server::Daemon, Mode::Plain, 1),
    case(Server::Ceiling, Mode::Plain, MANY),
    case(Server::Daemon, Mode::Plain, MANY),
    case(Server::Alone, Mode::Plain, MANY),
    case(Server::Daemon, Mode::Safe, MANY),
    case(Server::Ceiling, Mode::Plain, MOST),
    case(Server::Daemon, Mode::Plain, MOST),
    case(Server::Alone, Mode::Plain, MOST),
    case(Server::Daemon, Mode::Safe, MOST),
    case(Server::Alone, Mode::Safe, MOST),
];

/// Measures everything of intake on a small database.
pub(super) async fn measure(measure: &Measure) -> anyhow::Result<Section> {
    let folder = Folder::new(&measure.folder)?;
    let template = folder.join("template.db");
    site::prepare(&template, CROWD.population).await?;
    let rounds = Rounds::measure(measure.rounds, &CASES, async |case| {
        case.measure(measure, &template, CROWD).await
    });
    let rounds = rounds.await?;
    Ok(Section {
        name: "intake",
        title: "Intake: pushes acknowledged after their commit",
        notes: notes(&rounds),
        columns: &COLUMNS,
        rows: CASES.iter().map(|case| row(&rounds, *case)).collect(),
        targets: targets(&rounds),
    })
}

fn ceiling_of(case: Case) -> Case {
    self::case(Server::Ceiling, Mode::Plain, case.connections)
}

fn row(rounds: &Rounds<Case, Sample>, case: Case) -> Vec<Value> {
    let median = |of: fn(&Sample) -> f64| figure(rounds.median(case, of));
    let ratio = |of: fn(&Sample) -> f64| figure(rounds.ratio(case, ceiling_of(case), of));
    let batch = rounds.median(case, |sample| sample.batch.unwrap_or(f64::NAN));
    vec![
        json!(case.server.word()),
        json!(case.mode.word()),
        json!(case.connections),
        median(|sample| sample.rate),
        ratio(|sample| sample.rate),
        median(|sample| sample.cpu),
        ratio(|sample| sample.cpu),
        median(|sample| sample.p50),
        median(|sample| sample.p99),
        median(|sample| sample.server_share),
        median(|sample| sample.load_share),
        if batch.is_nan() {
            Value::Null
        } else {
            figure(batch)
        },
    ]
}

fn notes(rounds: &Rounds<Case, Sample>) -> Vec<String> {
    let whole = case(Server::Daemon, Mode::Plain, MOST);
    let last = rounds.of(whole).last();
    let mut notes = vec![
        "ceiling: an axum server that reads the body and answers `success`; it gets the plain \
         pushes, whatever it is compared with"
            .to_owned(),
        "whole daemon: `qiao serve`, which meanwhile delivers the effects that follow from the \
         pushes, on the same core; intake alone: the same routes and writer, with the engine \
         standing still"
            .to_owned(),
        format!(
            "all on real files with synchronous=FULL; {} followers, all linked; after every run \
             SQL shows each acknowledged MsgId exactly once",
            CROWD.population
        ),
        "ratios are medians of the ratios within a round; `core used` is what the server used of \
         its core, `load's core` what the load used of its own: only where the former is near 1 \
         and the latter is not, the server is what limits the rate"
            .to_owned(),
    ];
    if let Some(sample) = last {
        notes.push(format!(
            "rows a push, counted by SQL in the last run of the whole daemon at {MOST} \
             connections: {}",
            sample.rows
        ));
    }
    notes
}

fn targets(rounds: &Rounds<Case, Sample>) -> Vec<Target> {
    let ratio = |mode, of: fn(&Sample) -> f64| {
        let case = case(Server::Daemon, mode, MOST);
        rounds.ratio(case, ceiling_of(case), of)
    };
    let many = case(Server::Daemon, Mode::Plain, MANY);
    let one = case(Server::Daemon, Mode::Plain, 1);
    vec![
        Target::at_least(
            "intake at 256 connections, plaintext, of the ceiling",
            ratio(Mode::Plain, |sample| sample.rate),
            0.40,
        ),
        Target::at_least(
            "intake at 256 connections, safe mode, of the ceiling",
            ratio(Mode::Safe, |sample| sample.rate),
            0.36,
        ),
        Target::at_most(
            "CPU of a push at 256 connections, times the ceiling's",
            ratio(Mode::Plain, |sample| sample.cpu),
            2.6,
        ),
        Target::below(
            "p99 at 64 connections, plaintext, ms",
            rounds.median(many, |sample| sample.p99),
            6.0,
        ),
        Target::below(
            "p50 at 1 connection, ms: a single push is committed at once",
            rounds.median(one, |sample| sample.p50),
            1.0,
        ),
    ]
}
