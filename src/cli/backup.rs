//! `qiao backup`: everything in one file.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::output::say;
use super::reach;
use crate::config::Config;
use crate::control::Command;

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The file to write, which must not exist; it will hold all that people said
    file: PathBuf,
}

pub(super) async fn run(config: Config, asked: Asked) -> Result<()> {
    // The daemon has another working folder.
    let file = std::path::absolute(&asked.file);
    let file = file.context("give the backup a name")?;
    let done = reach::act(config, Command::Backup { file }).await?;
    say(done.told["detail"].as_str().unwrap_or_default())
}
