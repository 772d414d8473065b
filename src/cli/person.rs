//! `qiao person`: everything that is held of one person: given to them, or erased.

mod archive;
mod export;

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Result, anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{object, say};
use super::reach;
use crate::config::Config;
use crate::control::Command;
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::rows::Follower;
use crate::flows::privacy::Certificate;
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Writes everything that is held of a person into a zip file: JSON, and their media
    Export(export::Asked),
    /// Erases everything that is held of a person, and prints a certificate. It cannot be undone
    Erase {
        #[command(flatten)]
        who: Who,
        /// Makes their customer in C4C obsolete, too
        #[arg(long)]
        obsolete_customer: bool,
        /// Does not ask
        #[arg(long)]
        yes: bool,
        /// Prints a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Prints the certificate of an erasure again
    Certificate {
        /// Which, as `erasure.id`
        id: i64,
        /// Prints a JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Whom a command is about.
#[derive(Debug, Args)]
pub(super) struct Who {
    /// Who
    openid: String,
    /// In which account, when several know the OpenID
    #[arg(long)]
    account: Option<String>,
}

impl Who {
    /// The one follower of this OpenID of whom anything is known.
    async fn found(&self, store: &Store, config: &Config) -> Result<Follower> {
        let accounts: Vec<AccountId> = match &self.account {
            Some(account) => vec![AccountId::new(account)],
            None => config.wechat.keys().cloned().collect(),
        };
        let mut known = Vec::new();
        for account in accounts {
            let openid = OpenId::new(&self.openid);
            let follower = Follower { account, openid };
            if store.is_known(&follower).await? {
                known.push(follower);
            }
        }
        match known.len() {
            0 => bail!("nothing is known of this OpenID; `qiao mapping list` shows who is"),
            1 => Ok(known.remove(0)),
            _ => {
                let names: Vec<&str> = known.iter().map(|f| f.account.as_str()).collect();
                let names = names.join(", ");
                bail!("several accounts know this OpenID ({names}); name one with --account")
            }
        }
    }
}

pub(super) async fn run(config: Config, verb: Verb) -> Result<()> {
    match verb {
        Verb::Export(asked) => export::run(&config, &asked).await,
        Verb::Erase {
            who,
            obsolete_customer,
            yes,
            json,
        } => {
            let store = reach::reading(&config).await?;
            let Follower { account, openid } = who.found(&store, &config).await?;
            drop(store);
            if !yes {
                ask(&account)?;
            }
            let command = Command::PersonErase {
                account,
                openid,
                obsolete_customer,
            };
            let done = reach::act(config, command).await?;
            let told = done.told.clone();
            if obsolete_customer {
                done.remind();
            }
            if told["certificate"].is_null() {
                let id = told["erasure"].as_str().unwrap_or_default();
                bail!(
                    "erasure {id} is ordered and waits for what is under way for them, or for a program \
                     that reads the database; `qiao person certificate {id}` tells when it is done"
                );
            }
            print(&told, json)
        }
        Verb::Certificate { id, json } => {
            let store = reach::reading(&config).await?;
            let erasure = store.erasure(id).await?;
            let erasure = erasure.ok_or_else(|| anyhow!("there is no erasure {id}"))?;
            let Some((certificate, sha256)) = erasure.certificate else {
                bail!("erasure {id} is not done yet: it is {}", erasure.state);
            };
            let certificate: Value = serde_json::from_str(&certificate)?;
            let told =
                json!({ "erasure": id.to_string(), "certificate": certificate, "sha256": sha256 });
            print(&told, json)
        }
    }
}

fn print(told: &Value, json: bool) -> Result<()> {
    if json {
        return object(told);
    }
    let certificate: Certificate = serde_json::from_value(told["certificate"].clone())?;
    say(&certificate.text())?;
    let sha256 = told["sha256"].as_str().unwrap_or_default();
    say(&format!("SHA-256 of the certificate: {sha256}"))
}

/// A person at a terminal is asked; a program must have said so.
fn ask(account: &AccountId) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("erasing cannot be undone; say --yes");
    }
    eprint!(
        "Erase everything that is held of this follower of `{account}`? It cannot be undone [yes/no] "
    );
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => bail!("nothing was erased"),
    }
}
