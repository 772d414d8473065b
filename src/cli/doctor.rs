//! `qiao doctor`: what is wrong, and what to do about it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::Value;

use super::output::{Listing, harmless, say};
use super::reach;
use crate::config::{ConfigErrors, Environment, Loaded};
use crate::control::socket;
use crate::doctor::{self, JobFacts, Language, Limits, Outcome, Patient, Row};
use crate::jobs::JobReport;
use crate::kit::clock::SystemClock;
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Prints a JSON array
    #[arg(long)]
    json: bool,
    /// Looks at this machine only
    #[arg(long)]
    offline: bool,
    /// Only asks whether the daemon answers, for the health check of a container
    #[arg(long, conflicts_with_all = ["json", "offline", "lang"])]
    alive: bool,
    /// In English (en) or Chinese (zh) [default: by LC_ALL, LC_MESSAGES or LANG]
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Language>,
}

/// Variables that name the language, the first that is set decides (POSIX).
const LOCALES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

pub(super) async fn run(loaded: Result<Loaded, ConfigErrors>, options: Options) -> Result<()> {
    if options.alive {
        let alive = doctor::alive(&loaded?.config).await;
        return alive.map_err(anyhow::Error::msg);
    }
    let language = options.lang.unwrap_or_else(spoken);
    let rows = match &loaded {
        Ok(loaded) => examined(loaded, options.offline).await,
        Err(errors) => doctor::misconfigured(errors),
    };
    if options.json {
        let rows: Vec<Value> = rows.iter().map(|row| row.json(language)).collect();
        let mut listing = Listing::new(&[], true);
        listing.page(&rows)?;
        listing.end("")?;
    } else {
        for row in &rows {
            tell(row, language)?;
        }
    }
    let failed = rows
        .iter()
        .filter(|row| row.outcome == Outcome::Failed)
        .count();
    if failed > 0 {
        match language {
            Language::En => bail!("checks that failed: {failed}"),
            Language::Zh => bail!("失败的检查：{failed}"),
        }
    }
    Ok(())
}

fn spoken() -> Language {
    let environment = Environment::of_process();
    let named = LOCALES.into_iter().filter_map(|name| environment.get(name));
    let mut named = named.filter(|locale| !locale.is_empty());
    Language::of_locale(named.next().unwrap_or_default())
}

async fn examined(loaded: &Loaded, offline: bool) -> Vec<Row> {
    let path = &loaded.config.database.path;
    let store = Store::open_read_only(path).await;
    let jobs = match &store {
        Ok(store) => jobs(loaded, store.clone()).await.ok(),
        Err(_) => None,
    };
    let patient = Patient {
        loaded,
        store,
        jobs,
        socket: socket::path_for(Path::new(path)),
        clock: Arc::new(SystemClock),
        limits: Limits::default(),
        offline,
    };
    doctor::examine(&patient).await
}

async fn jobs(loaded: &Loaded, store: Store) -> Result<Vec<JobFacts>> {
    let parts = reach::parts(loaded.config.clone(), store).await?;
    let report = parts.timetable.report().await?;
    Ok(report.iter().map(facts).collect())
}

fn facts(report: &JobReport) -> JobFacts {
    JobFacts {
        name: report.job.name,
        last: report.last.as_ref().map(|run| run.outcome.clone()),
        due: report.due(),
    }
}

/// A line for what is well, and another with the remedy for what is not.
fn tell(row: &Row, language: Language) -> Result<()> {
    let plain = |text: &str| text.chars().map(harmless).collect::<String>();
    let subject = match row.subject.as_str() {
        "" => String::new(),
        subject => format!(" [{}]", plain(subject)),
    };
    let (word, title) = (row.outcome.word(language), row.title(language));
    let evidence = plain(row.evidence(language));
    say(&format!(
        "{word:<8} {}{subject}  {title}: {evidence}",
        row.check.id
    ))?;
    match row.remedy(language) {
        Some(remedy) => say(&format!("         -> {remedy}")),
        None => Ok(()),
    }
}
