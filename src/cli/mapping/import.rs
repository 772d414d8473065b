//! `qiao mapping import`: a file is read twice. First every line is checked, also against the database; only if all
//! are right it is read again and written, part by part, each part as one order.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io::{self, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::super::output::say;
use super::super::reach::{self, Operator};
use super::{FileFormat, format_of};
use crate::config::Config;
use crate::control::{Command, MAX_LINES};
use crate::domain::rows::Follower;
use crate::flows::link::{self, Step};
use crate::flows::mapping_file::{Entry, Format, Known, Line, Numbered, Reader};
use crate::kit::clock::{Clock as _, SystemClock};
use crate::store::Store;

/// Wrong lines that are shown; the others are counted. Whoever made so many has made one mistake, not a hundred.
const SHOWN: usize = 100;

/// What to bring in.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asked {
    /// The file: CSV or JSON Lines, with the columns of `mapping export`; account, openid and one of customer_id and object_id are needed
    file: PathBuf,
    /// How it is written; `csv` unless the file's name ends with `.jsonl`
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Checks every line and writes nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(config: Config, asked: &Asked) -> Result<()> {
    let format = format_of(asked.format, Some(&asked.file));
    let store = reach::reading(&config).await?;
    let checked = check(&config, &store, open(&asked.file, format)?).await?;
    store.close().await;
    checked.faults.tell(&asked.file)?;
    let Checked {
        written, unchanged, ..
    } = checked;
    if asked.dry_run {
        return say(&format!(
            "all lines are right: {written} would be written, {unchanged} stand there already"
        ));
    }
    write(config, open(&asked.file, format)?).await
}

fn open(file: &Path, format: Format) -> Result<Reader<BufReader<File>>> {
    let opened = File::open(file);
    let opened = opened.with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(Reader::new(BufReader::new(opened), format))
}

/// What came of the first reading.
#[derive(Default)]
struct Checked {
    written: usize,
    unchanged: usize,
    faults: Faults,
}

async fn check(config: &Config, store: &Store, file: Reader<BufReader<File>>) -> Result<Checked> {
    let known = Known {
        accounts: &config.wechat,
        now: SystemClock.now(),
    };
    let mut checked = Checked::default();
    let mut seen = Seen::default();
    let mut page = Vec::new();
    let mut progress = Progress::new("checked");
    for read in file {
        let Numbered { number, line } = read.context("the file cannot be read to its end")?;
        let entry = line.and_then(|line| line.entry(&known));
        let entry = entry.and_then(|entry| seen.first(entry, number));
        page.push((number, entry));
        if page.len() == MAX_LINES {
            checked.hold_against(store, &mut page).await?;
            progress.at(number);
        }
    }
    checked.hold_against(store, &mut page).await?;
    Ok(checked)
}

impl Checked {
    /// Holds some lines against the mappings of their followers, all at once.
    async fn hold_against(
        &mut self,
        store: &Store,
        page: &mut Vec<(u64, Result<Entry, String>)>,
    ) -> Result<()> {
        let entries = page.iter().filter_map(|(_, entry)| entry.as_ref().ok());
        let followers: Vec<&Follower> = entries.map(|entry| &entry.follower).collect();
        let mappings = store.mappings_of_followers(&followers).await?;
        for (number, entry) in page.drain(..) {
            let judged = entry.and_then(|entry| link::judge(&entry, mappings.get(&entry.follower)));
            match judged {
                Ok(Step::Written) => self.written += 1,
                Ok(Step::Unchanged) => self.unchanged += 1,
                Err(what) => self.faults.add(number, what),
            }
        }
        Ok(())
    }
}

/// Who was named on which line. Hashes alone are kept, so that a million followers take 40 MB: that two of them
/// have the same one happens once in thirty million such files.
#[derive(Default)]
struct Seen(HashMap<u64, u64, BuildHasherDefault<DefaultHasher>>);

impl Seen {
    fn first(&mut self, entry: Entry, number: u64) -> Result<Entry, String> {
        let hash = self.0.hasher().hash_one(&entry.follower);
        match self.0.insert(hash, number) {
            Some(before) => Err(format!("line {before} names the same follower")),
            None => Ok(entry),
        }
    }
}

/// The wrong lines.
#[derive(Default)]
struct Faults {
    shown: Vec<(u64, String)>,
    more: u64,
}

impl Faults {
    fn add(&mut self, number: u64, what: String) {
        if self.shown.len() < SHOWN {
            self.shown.push((number, what));
        } else {
            self.more += 1;
        }
    }

    fn tell(&self, file: &Path) -> Result<()> {
        for (number, what) in &self.shown {
            eprintln!("line {number}: {what}");
        }
        let count = self.shown.len() as u64 + self.more;
        match (count, self.more) {
            (0, _) => Ok(()),
            (_, 0) => bail!(
                "{}: {count} lines are wrong, so nothing was imported",
                file.display()
            ),
            (_, more) => bail!(
                "{}: {count} lines are wrong ({more} more than are shown), so nothing was imported",
                file.display()
            ),
        }
    }
}

async fn write(config: Config, file: Reader<BufReader<File>>) -> Result<()> {
    let mut writing = Writing {
        operator: Operator::new(config),
        progress: Progress::new("imported"),
        lines: Vec::new(),
        written: 0,
        unchanged: 0,
        last: None,
    };
    for read in file {
        let Numbered { number, line } = read.context("the file cannot be read to its end")?;
        let line = line.map_err(|what| anyhow::anyhow!("line {number}: {what}"));
        writing.lines.push(line.context(CHANGED)?);
        if writing.lines.len() == MAX_LINES {
            writing.order(number).await?;
        }
    }
    writing.order(0).await?;
    let Writing {
        written,
        unchanged,
        last,
        ..
    } = writing;
    say(&format!(
        "imported: {written}; stood there already: {unchanged}"
    ))?;
    if let Some(last) = last.filter(|_| written > 0) {
        last.remind();
    }
    Ok(())
}

/// Said when the second reading meets what the first did not.
const CHANGED: &str = "the file or the database has changed since it was checked, and a part was not imported; \
                       import again: what is there stays as it is";

/// The second reading.
struct Writing {
    operator: Operator,
    progress: Progress,
    lines: Vec<Line>,
    written: u64,
    unchanged: u64,
    last: Option<reach::Done>,
}

impl Writing {
    /// Has the lines that were gathered written.
    async fn order(&mut self, number: u64) -> Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        let done = self.operator.act(Command::MappingImport { lines }).await;
        let done = done.context(CHANGED)?;
        let count = |of: &str| done.told[of].as_u64().unwrap_or_default();
        self.written += count("written");
        self.unchanged += count("unchanged");
        self.last = Some(done);
        self.progress.at(number);
        Ok(())
    }
}

/// How far it is, on a terminal.
struct Progress {
    word: &'static str,
    shown: bool,
}

impl Progress {
    fn new(word: &'static str) -> Self {
        Self { word, shown: false }
    }

    fn at(&mut self, number: u64) {
        if io::stderr().is_terminal() {
            self.shown = true;
            eprint!("\r{number} lines {}", self.word);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            eprintln!();
        }
    }
}
