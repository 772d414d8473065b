//! `qiao mapping export`: all mappings, streamed page by page.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::super::output::writer;
use super::{FileFormat, PAGE, format_of};
use crate::domain::ids::AccountId;
use crate::flows::mapping_file::{Line, Writer};
use crate::store::Store;

/// Which mappings, and where to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asked {
    /// Where to; standard output else. A file that exists is replaced
    file: Option<PathBuf>,
    /// How it is written; `csv` unless the file's name ends with `.jsonl`
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Only those of this account
    #[arg(long)]
    account: Option<String>,
}

pub(super) async fn run(store: &Store, asked: &Asked) -> Result<()> {
    let file = asked.file.as_deref();
    let account = asked.account.as_ref().map(AccountId::new);
    let mut out = Writer::new(writer(file)?, format_of(asked.format, file))?;
    let mut after = None;
    loop {
        let page = store
            .mappings(account.as_ref(), after.as_ref(), PAGE)
            .await?;
        let Some(last) = page.last() else { break };
        after = Some(last.follower.clone());
        for mapping in &page {
            out.line(&Line::from(mapping))?;
        }
    }
    Ok(out.flush()?)
}
