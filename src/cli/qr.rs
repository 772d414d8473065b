//! `qiao qr`: QR codes that tell by which of them a follower came, whom they are, or whom they want to talk to.

mod create;
mod draw;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{Listing, card, instant, list, object, say, writer};
use super::reach;
use crate::config::Config;
use crate::domain::ids::AccountId;
use crate::domain::qr::{Purpose, Scene};
use crate::store::{QrCode, Store};

/// Rows read and printed at once.
const PAGE: u32 = 1000;

/// Scans that `show` tells.
const SCANS: u32 = 20;

const COLUMNS: &[&str] = &[
    "account",
    "scene",
    "purpose",
    "target",
    "state",
    "expires_at",
    "scans",
    "follows",
];

const SCAN_COLUMNS: &[&str] = &["at", "openid", "customer_id", "follow", "outcome"];

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Has WeChat make a code, and draws it
    #[command(subcommand)]
    Create(create::What),
    /// Lists codes, newest first
    List {
        /// Only those for this purpose
        #[arg(long, value_parser = create::purposes())]
        purpose: Option<Purpose>,
        /// Only those of this account
        #[arg(long)]
        account: Option<String>,
        /// Prints a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Shows one code and who scanned it last
    Show(Shown),
}

#[derive(Debug, Args)]
pub(super) struct Shown {
    /// Its scene
    scene: String,
    /// In which account, when there are several
    #[arg(long)]
    account: Option<String>,
    /// Draws it into this file
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Config, verb: Verb) -> Result<()> {
    match verb {
        Verb::Create(what) => create::run(config, what).await,
        Verb::List {
            purpose,
            account,
            json,
        } => {
            let account = account.map(AccountId::new);
            let wanted = |code: &QrCode| {
                purpose.is_none_or(|purpose| code.purpose == purpose)
                    && account
                        .as_ref()
                        .is_none_or(|account| code.account == *account)
            };
            list_codes(&reach::reading(&config).await?, wanted, json).await
        }
        Verb::Show(shown) => show(&config, &shown).await,
    }
}

async fn list_codes(store: &Store, wanted: impl Fn(&QrCode) -> bool, json: bool) -> Result<()> {
    let mut listing = Listing::new(COLUMNS, json);
    let mut before = i64::MAX;
    loop {
        let page = store.qr_codes(before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = last.id;
        let rows = page.iter().filter(|code| wanted(code)).map(row);
        listing.page(&rows.collect::<Vec<_>>())?;
    }
    listing.end("no such code; `qiao qr create` makes one")
}

async fn show(config: &Config, shown: &Shown) -> Result<()> {
    let account = account(config, shown.account.as_deref())?;
    let store = reach::reading(config).await?;
    let code = store.qr_code(&account, &shown.scene).await?;
    let code = code.with_context(|| {
        format!("account `{account}` has no code with this scene; `qiao qr list` shows them")
    })?;
    if let Some(file) = &shown.png {
        drawn(&code, file)?;
    }
    let scans = store.qr_scans(code.id, SCANS).await?;
    let mut scans: Vec<Value> = scans.iter().map(super::output::row).collect();
    let mut told = row(&code);
    if shown.json {
        told["last_scans"] = json!(scans);
        return object(&told);
    }
    tell(&told)?;
    if scans.is_empty() {
        return Ok(());
    }
    say("")?;
    for scan in &mut scans {
        scan["follow"] = json!(if scan["follow"] == json!(true) {
            "yes"
        } else {
            "no"
        });
    }
    list(SCAN_COLUMNS, &scans, false, "")
}

/// The members of a code that a person wants to see.
fn tell(row: &Value) -> Result<()> {
    card(
        row,
        &[
            "account",
            "scene",
            "purpose",
            "target",
            "state",
            "reason",
            "url",
            "picture",
            "created_at",
            "expires_at",
            "used_at",
            "scans",
            "follows",
            "last_scan_at",
        ],
    )
}

/// Draws a code that WeChat has made.
fn drawn(code: &QrCode, file: &Path) -> Result<()> {
    let url = code.url.as_deref();
    let url = url.with_context(|| {
        format!(
            "there is nothing to draw: the code is `{}` in WeChat",
            code.state
        )
    })?;
    draw::png(url, writer(Some(file))?)
}

/// The account that is meant: the only one, or the one that is named.
fn account(config: &Config, named: Option<&str>) -> Result<AccountId> {
    let ids: Vec<&AccountId> = config.wechat.keys().collect();
    match (named, ids.as_slice()) {
        (Some(named), ids) => {
            let found = ids.iter().find(|id| id.as_str() == named);
            let unknown = || anyhow!("there is no account `{named}` in the configuration");
            Ok((*found.ok_or_else(unknown)?).clone())
        }
        (None, [only]) => Ok((*only).clone()),
        (None, _) => Err(anyhow!(
            "there are several accounts; name one with --account"
        )),
    }
}

/// A code as it is printed.
fn row(code: &QrCode) -> Value {
    // WeChat's own picture, for whoever wants it (wechat.md 7).
    let picture = code.ticket.as_deref().map(|ticket| {
        let ticket: String = url::form_urlencoded::byte_serialize(ticket.as_bytes()).collect();
        format!("https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket={ticket}")
    });
    json!({
        "id": code.id.to_string(),
        "account": code.account,
        "scene": code.scene.text(),
        "scene_is_number": matches!(code.scene, Scene::Number(_)),
        "purpose": code.purpose,
        "target": code.target,
        "object_id": code.customer.as_ref().map(|(object, _)| object),
        "permanent": code.lifetime.is_none(),
        "single_use": code.single_use,
        "state": code.state,
        "reason": code.reason,
        "url": code.url,
        "picture": picture,
        "created_at": instant(code.created_at),
        "expires_at": code.expires_at.map(instant),
        "used_at": code.used_at.map(instant),
        "scans": code.scans,
        "follows": code.follows,
        "last_scan_at": code.last_scan_at.map(instant),
    })
}
