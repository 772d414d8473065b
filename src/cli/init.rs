//! `qiao init`: a first configuration, from a few questions.
//!
//! The file is `config.example.toml` with the answers in it, so it explains itself and stays true. Secrets stand beside
//! it in files of their own: what is the same on both sides is made here, what the platforms give is left empty. Nothing
//! that exists is ever overwritten.

mod answers;
mod paste;
mod secrets;
mod text;

use std::fs::File;
use std::io::{self, BufRead, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::Failed;
use super::output::say;
use crate::config::{ConfigError, ConfigErrors};
use crate::kit::random::Random;
use answers::{Answers, QUESTIONS, Question};
use secrets::{Secret, secrets};

/// Where the configuration goes if it is not said.
const FILE: &str = "qiao.toml";

/// The longest answer that is read. A URL is shorter by far.
const MAX_ANSWER: u64 = 4096;

/// What is known without asking.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// How the outside reaches Qiao, for example `https://bridge.example.cn`
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The AppID of the Official Account
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// The original ID of the Official Account, gh_…
    #[arg(long, value_name = "ID")]
    original_id: Option<String>,
    /// The C4C tenant, for example `https://my000000.crm.ondemand.com`
    #[arg(long, value_name = "URL")]
    c4c_url: Option<String>,
    /// The technical user of the tenant
    #[arg(long, value_name = "NAME")]
    c4c_username: Option<String>,
    /// Asks nothing: what is not given has its default
    #[arg(long)]
    yes: bool,
}

impl Asked {
    /// In the order of [`QUESTIONS`].
    fn given(&self) -> [Option<&String>; 5] {
        [
            self.public_url.as_ref(),
            self.app_id.as_ref(),
            self.original_id.as_ref(),
            self.c4c_url.as_ref(),
            self.c4c_username.as_ref(),
        ]
    }
}

pub(super) fn run(file: Option<&Path>, asked: &Asked) -> Result<(), Failed> {
    let file = file.unwrap_or(Path::new(FILE));
    let secrets = secrets(&Random::from_system());
    refuse_to_overwrite(file, &secrets)?;
    let answers = answer(asked, &mut io::stdin().lock())?;
    let text = answers.text();
    for secret in &secrets {
        write(&beside(file, secret.name), &secret.line())?;
    }
    write(file, &text)?;
    Ok(say(&paste::sheet(file, &answers, &secrets))?)
}

fn beside(file: &Path, name: &str) -> PathBuf {
    file.with_file_name(name)
}

/// Sees all of it before anything is asked or written.
fn refuse_to_overwrite(file: &Path, secrets: &[Secret]) -> anyhow::Result<()> {
    let beside = secrets.iter().map(|secret| beside(file, secret.name));
    for path in std::iter::once(file.to_owned()).chain(beside) {
        if path.symlink_metadata().is_ok() {
            bail!(
                "{} exists already, and nothing is overwritten; name another file with -c, or move it away",
                path.display()
            );
        }
    }
    Ok(())
}

/// What was given, and what is answered to the other questions. A wrong answer is asked for again; a wrong flag ends it.
fn answer(asked: &Asked, input: &mut impl BufRead) -> Result<Answers, Failed> {
    let mut answers = Answers::default();
    for (question, given) in QUESTIONS.iter().zip(asked.given()) {
        if let Some(given) = given {
            answers.set(question, given);
        } else if asked.yes {
            answers.set(question, question.default);
        } else {
            ask(question, &mut answers, input)?;
        }
    }
    let faults = answers.faults();
    if faults.is_empty() {
        return Ok(answers);
    }
    let told = faults.into_iter().map(|(question, fault)| ConfigError {
        remedy: format!("{}, as {}", fault.remedy, question.flag),
        ..fault
    });
    Err(ConfigErrors(told.collect()).into())
}

fn ask(question: &Question, answers: &mut Answers, input: &mut impl BufRead) -> anyhow::Result<()> {
    loop {
        let default = match question.default {
            "" => String::new(),
            default => format!(" [{default}]"),
        };
        eprint!("{}{default}: ", question.words);
        io::stderr().flush()?;
        let mut line = String::new();
        let read = io::Read::take(&mut *input, MAX_ANSWER).read_line(&mut line);
        if read.context("the answer cannot be read")? == 0 {
            return Err(anyhow!(
                "there is no more answer to read; give it as {}, or nothing at all with --yes",
                question.flag
            ));
        }
        let said = line.trim();
        answers.set(
            question,
            if said.is_empty() {
                question.default
            } else {
                said
            },
        );
        match answers.fault(question) {
            None => return Ok(()),
            Some(fault) => eprintln!("  {}; {}", fault.reason, fault.remedy),
        }
    }
}

/// For its owner only. It was not there a moment ago, and must not be there now.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let opened = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = opened.with_context(|| format!("{} cannot be made", path.display()))?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.with_context(|| format!("{} cannot be written", path.display()))
}
