//! `qiao message`: says something to a follower.

use anyhow::Result;
use clap::Subcommand;

use super::output::say;
use super::reach;
use crate::config::Config;
use crate::control::Command;
use crate::domain::ids::{AccountId, OpenId};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Queues a text to a follower; long ones go in pieces
    Send {
        /// From which account, as `[wechat.ACCOUNT]`
        account: String,
        /// To whom
        openid: String,
        /// The words
        text: String,
    },
}

pub(super) async fn run(config: Config, verb: Verb) -> Result<()> {
    let Verb::Send {
        account,
        openid,
        text,
    } = verb;
    let command = Command::MessageSend {
        account: AccountId::new(&account),
        openid: OpenId::new(&openid),
        text,
    };
    let done = reach::act(config, command).await?;
    let count = &done.told["queued"];
    say(&format!(
        "queued: {count}; `qiao conversation show {openid} --account {account}` tells what became of it"
    ))?;
    done.remind();
    Ok(())
}
