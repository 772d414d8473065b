//! `qiao mapping`: who is who.

use anyhow::Result;
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::output::{Listing, card, instant, object};
use super::reach;
use crate::config::Config;
use crate::domain::ids::AccountId;
use crate::domain::rows::MappingState;
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
}

fn states() -> impl TypedValueParser<Value = MappingState> {
    PossibleValuesParser::new(MappingState::ALL.map(MappingState::as_str))
        .map(|word| MappingState::parse(&word).expect("one of the possible values"))
}

pub(super) async fn run(config: &Config, verb: Verb) -> Result<()> {
    let store = reach::reading(config).await?;
    match verb {
        Verb::List {
            state,
            account,
            json,
        } => list(&store, state, account.map(AccountId::new).as_ref(), json).await,
        Verb::Show {
            openid,
            account,
            json,
        } => {
            let mapping = reach::mapping(&store, &openid, account.as_deref()).await?;
            show(&mapping, json)
        }
    }
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
        "scene",
        "followed_at",
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
        "scene": mapping.scene,
        "followed_at": mapping.followed_at.map(instant),
        "updated_at": instant(mapping.updated_at),
    })
}
