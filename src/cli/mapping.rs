//! `qiao mapping`: who is who.

mod export;
mod import;

use std::path::Path;

use anyhow::{Result, anyhow};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::output::{Listing, card, instant, object, say};
use super::reach;
use crate::config::Config;
use crate::control::Command;
use crate::domain::ids::{AccountId, CustomerId, ObjectId, OpenId};
use crate::domain::rows::MappingState;
use crate::flows::link::Chosen;
use crate::flows::mapping_file::Format;
use crate::store::{Mapping, Store};

/// Rows read and printed at once.
const PAGE: u32 = 1000;

const COLUMNS: &[&str] = &[
    "account",
    "openid",
    "state",
    "customer_id",
    "object_id",
    "updated_at",
];

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Lists followers and their customers
    List {
        /// Only those in this state
        #[arg(long, value_parser = states())]
        state: Option<MappingState>,
        /// Only those of this account
        #[arg(long)]
        account: Option<String>,
        /// Prints a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Shows one follower
    Show {
        /// Who
        openid: String,
        /// In which account, when several know the OpenID
        #[arg(long)]
        account: Option<String>,
        /// Prints a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Links a follower to a customer whom you know, for example to end a conflict
    Link {
        /// In which account, as `[wechat.ACCOUNT]`
        account: String,
        /// Who
        openid: String,
        #[command(flatten)]
        customer: Customer,
    },
    /// Takes their customer from a follower; nobody links them again but you
    Unlink {
        /// In which account, as `[wechat.ACCOUNT]`
        account: String,
        /// Who
        openid: String,
    },
    /// Writes all mappings as a file
    Export(export::Asked),
    /// Brings mappings in from a file: all of it, or nothing if one line is wrong
    Import(import::Asked),
}

/// How a customer is named.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Customer {
    /// The customer's number in C4C
    #[arg(long, value_name = "CUSTOMERID")]
    customer: Option<String>,
    /// The customer's key in C4C
    #[arg(long, value_name = "OBJECTID")]
    object: Option<String>,
}

impl Customer {
    fn chosen(self) -> Result<Chosen> {
        let object_id = self.object.map(|text| {
            let read = ObjectId::parse(&text);
            read.ok_or_else(|| {
                anyhow!("an ObjectID has 32 hex digits; is that a CustomerID (--customer)?")
            })
        });
        Ok(Chosen {
            object_id: object_id.transpose()?,
            customer_id: self.customer.map(CustomerId::new),
        })
    }
}

/// How a mapping file is written, as the command line says it.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileFormat {
    Csv,
    Jsonl,
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Jsonl => Self::Jsonl,
        }
    }
}

/// What was asked for, else what the file's name says, else CSV.
fn format_of(asked: Option<FileFormat>, file: Option<&Path>) -> Format {
    let ending = file.and_then(|file| file.extension()?.to_str());
    match (asked, ending) {
        (Some(asked), _) => asked.into(),
        (None, Some("jsonl" | "ndjson")) => Format::Jsonl,
        _ => Format::Csv,
    }
}

fn states() -> impl TypedValueParser<Value = MappingState> {
    PossibleValuesParser::new(MappingState::ALL.map(MappingState::as_str))
        .map(|word| MappingState::parse(&word).expect("one of the possible values"))
}

pub(super) async fn run(config: Config, verb: Verb) -> Result<()> {
    let reading = async || reach::reading(&config).await;
    match verb {
        Verb::List {
            state,
            account,
            json,
        } => {
            let account = account.map(AccountId::new);
            list(&reading().await?, state, account.as_ref(), json).await
        }
        Verb::Show {
            openid,
            account,
            json,
        } => {
            let mapping = reach::mapping(&reading().await?, &openid, account.as_deref()).await?;
            show(&mapping, json)
        }
        Verb::Link {
            account,
            openid,
            customer,
        } => link(config, &account, &openid, customer.chosen()?).await,
        Verb::Unlink { account, openid } => unlink(config, &account, &openid).await,
        Verb::Export(asked) => export::run(&reading().await?, &asked).await,
        Verb::Import(asked) => import::run(config, &asked).await,
    }
}

async fn link(config: Config, account: &str, openid: &str, chosen: Chosen) -> Result<()> {
    let command = Command::MappingLink {
        account: AccountId::new(account),
        openid: OpenId::new(openid),
        chosen,
    };
    let done = reach::act(config, command).await?;
    let number = done.told["customer_id"].as_str().unwrap_or_default();
    if done.told["queued"] == json!(false) {
        return say(&format!("they are linked to customer {number} already"));
    }
    say(&format!(
        "queued: they are being linked to customer {number}; `qiao mapping show {openid} --account {account}` \
         tells what became of it"
    ))?;
    done.remind();
    Ok(())
}

async fn unlink(config: Config, account: &str, openid: &str) -> Result<()> {
    let command = Command::MappingUnlink {
        account: AccountId::new(account),
        openid: OpenId::new(openid),
    };
    let done = reach::act(config, command).await?;
    let number = done.told["customer_id"].as_str().unwrap_or_default();
    say(&format!(
        "they no longer stand for customer {number}. Their WeChat ID still stands in C4C: take it from the \
         customer there"
    ))
}

/// Goes through the mappings by key, so that a million of them never stand in memory.
async fn list(
    store: &Store,
    state: Option<MappingState>,
    account: Option<&AccountId>,
    json: bool,
) -> Result<()> {
    let mut listing = Listing::new(COLUMNS, json);
    let mut after = None;
    loop {
        let page = store.mappings(account, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.follower.clone());
        let wanted = page
            .iter()
            .filter(|mapping| state.is_none_or(|state| mapping.state == state));
        listing.page(&wanted.map(row).collect::<Vec<_>>())?;
    }
    listing.end("no such mapping")
}

fn show(mapping: &Mapping, json: bool) -> Result<()> {
    let row = row(mapping);
    if json {
        return object(&row);
    }
    let members = [
        "account",
        "openid",
        "unionid",
        "state",
        "reason",
        "tenant",
        "customer_id",
        "object_id",
        "name",
        "scene",
        "followed_at",
        "linked_at",
        "updated_at",
    ];
    card(&row, &members)
}

/// A mapping as it is printed.
pub(super) fn row(mapping: &Mapping) -> Value {
    json!({
        "account": mapping.follower.account,
        "openid": mapping.follower.openid,
        "unionid": mapping.unionid,
        "tenant": mapping.tenant,
        "object_id": mapping.customer.as_ref().map(|(object, _)| object),
        "customer_id": mapping.customer.as_ref().map(|(_, customer)| customer),
        "state": mapping.state,
        "reason": mapping.reason,
        "name": mapping.name,
        "scene": mapping.scene,
        "followed_at": mapping.followed_at.map(instant),
        "linked_at": mapping.linked_at.map(instant),
        "updated_at": instant(mapping.updated_at),
    })
}
