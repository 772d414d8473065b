//! `qiao conversation export`: all that was said with one follower, streamed page by page.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use jiff::tz::TimeZone;

use super::super::output::writer;
use super::super::reach;
use super::transcript::{Format, Transcript};
use crate::store::Store;

/// Messages read and written at once.
const PAGE: u32 = 500;

/// Whose conversation, and how.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asked {
    /// Who
    openid: String,
    /// In which account, when several know the OpenID
    #[arg(long)]
    account: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Where to; standard output else. A file that exists is replaced
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(store: &Store, asked: Asked, zone: &TimeZone) -> Result<()> {
    let mapping = reach::mapping(store, &asked.openid, asked.account.as_deref()).await?;
    let transcript = Transcript::new(asked.format, &mapping, zone);
    let mut out = writer(asked.out.as_deref())?;
    out.write_all(transcript.head().as_bytes())?;
    let mut after = 0;
    loop {
        let page = store.transcript(&mapping.follower, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.message.id;
        for row in &page {
            out.write_all(transcript.entry(row).as_bytes())?;
        }
    }
    out.write_all(transcript.foot().as_bytes())?;
    out.flush()?;
    if after == 0 {
        eprintln!("nothing was said yet");
    }
    Ok(())
}
