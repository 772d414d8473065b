//! `qiao message`: says something to a follower.

use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;

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
        "queued: {count}; {}\n`qiao conversation show {openid} --account {account}` tells what became of it",
        window(&done.told["window"])
    ))?;
    done.remind();
    Ok(())
}

/// What the send window means for it.
fn window(outlook: &Value) -> String {
    match outlook["way"].as_str().unwrap_or_default() {
        "custom" => format!(
            "a send window is open, {} messages are left until {}",
            outlook["left"],
            outlook["until"].as_str().unwrap_or("its end")
        ),
        "template" => "no send window is open: it goes as a template message".to_owned(),
        _ => "no send window is open: it waits until the follower acts".to_owned(),
    }
}
