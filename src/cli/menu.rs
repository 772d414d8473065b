//! `qiao menu`: the menu at WeChat, and that of the account's file.

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::output::{self, row, say};
use super::{Failed, reach, settled};
use crate::app::transport;
use crate::config::{Account, Config, load_menu};
use crate::control::{Command, socket};
use crate::doctor;
use crate::domain::ids::AccountId;
use crate::domain::menu::Menu;
use crate::flows::menu::{Found, diff, file, plan, unanswered, wire};
use crate::kit::clock::{Clock as _, SystemClock};
use crate::store::TokenKind;
use crate::wechat::client::{AccessToken, Client};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Prints WeChat's menu as a menu.toml, also one that was made in the console
    Get(Asked),
    /// Tells where WeChat's menu and the file differ; exit code 1 if they do
    Diff(Asked),
    /// Makes WeChat's menu that of the file, where it is not
    Apply(Asked),
    /// Deletes WeChat's default menu and all conditional ones
    Delete {
        #[command(flatten)]
        asked: Asked,
        /// Does not ask whether this is meant
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Of which account, as `[wechat.ACCOUNT]`; not needed where there is one
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Config, verb: Verb) -> Result<(), Failed> {
    match verb {
        Verb::Get(asked) => get(&config, &asked).await,
        Verb::Diff(asked) => diff(&config, &asked).await,
        Verb::Apply(asked) => apply(config, &asked).await,
        Verb::Delete { asked, yes } => delete(config, &asked, yes).await,
    }
}

async fn get(config: &Config, asked: &Asked) -> Result<(), Failed> {
    let (id, account) = account(config, asked)?;
    let wechat = WeChat::reach(config, &id, account).await?;
    let mut found = wechat.found().await?;
    if found == Found::default() {
        let current = wechat.client.current_menu(&wechat.token).await;
        found = wire::read_current(&current.map_err(anyhow::Error::from)?);
    }
    if asked.json {
        return Ok(output::object(&wire::shown(&found))?);
    }
    if found == Found::default() {
        eprintln!("WeChat has no menu");
        return Ok(());
    }
    Ok(say(file::written(&found).trim_end())?)
}

async fn diff(config: &Config, asked: &Asked) -> Result<(), Failed> {
    let (id, account) = account(config, asked)?;
    let menu = menu_of(config, &id, account)?;
    let wechat = WeChat::reach(config, &id, account).await?;
    let tags = if plan::needs_tags(&menu) {
        let tags = wechat.client.tags(&wechat.token).await;
        tags.map_err(anyhow::Error::from)?
    } else {
        Vec::new()
    };
    let menu = plan::resolved(&menu, &tags).map_err(anyhow::Error::from)?;
    let differences = diff::differences(&wechat.found().await?, &menu);
    let rows: Vec<Value> = differences.iter().map(row).collect();
    let columns = &["place", "wechat", "file"];
    output::list(
        columns,
        &rows,
        asked.json,
        "the menu at WeChat is that of the file",
    )?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(anyhow!(
        "differences: {}; `qiao menu apply` makes WeChat's menu that of the file",
        rows.len()
    )
    .into())
}

async fn apply(config: Config, asked: &Asked) -> Result<(), Failed> {
    let (id, account) = account(&config, asked)?;
    let menu = menu_of(&config, &id, account)?;
    let command = Command::MenuApply { account: id, menu };
    tell(&settled::order(config, command).await?, asked)
}

async fn delete(config: Config, asked: &Asked, yes: bool) -> Result<(), Failed> {
    let (id, account) = account(&config, asked)?;
    if !yes {
        let loss =
            anyhow!("this takes the whole menu of `{id}` away from its followers; say --yes");
        return Err(loss.into());
    }
    if account.keep_menu {
        eprintln!("keep_menu is \"on\" for `{id}`: the job `menu` puts it back");
    }
    let command = Command::MenuDelete { account: id };
    tell(&settled::order(config, command).await?, asked)
}

fn tell(settled: &settled::Settled, asked: &Asked) -> Result<(), Failed> {
    if asked.json {
        output::object(&settled.json())?;
    }
    let told = settled.told()?;
    if !asked.json {
        say(told)?;
    }
    Ok(())
}

/// The account that is named, or the only one.
fn account<'a>(config: &'a Config, asked: &Asked) -> anyhow::Result<(AccountId, &'a Account)> {
    let known: Vec<&str> = config.wechat.keys().map(AccountId::as_str).collect();
    let id = match (&asked.account, known.as_slice()) {
        (Some(named), _) => AccountId::new(named),
        (None, [only]) => AccountId::new(only),
        (None, _) => bail!("name one of {} with --account", known.join(", ")),
    };
    let account = config.wechat.get(&id);
    let account = account
        .with_context(|| format!("there is no account `{id}`; there is {}", known.join(", ")))?;
    Ok((id, account))
}

/// The menu of the file, checked as a whole; clicks that nobody answers are told.
fn menu_of(config: &Config, id: &AccountId, account: &Account) -> Result<Menu, Failed> {
    let menu = load_menu(config, id).ok_or_else(|| {
        anyhow!("no menu is configured for `{id}`: name its file under wechat.{id}.menu; `qiao menu get` prints one to begin with")
    });
    let menu = menu??;
    for warning in warnings(id, &menu, account) {
        eprintln!("warning: {warning}");
    }
    Ok(menu)
}

/// What is risky about a menu, for `qiao check`, too.
pub(super) fn warnings(id: &AccountId, menu: &Menu, account: &Account) -> Vec<String> {
    let keys = unanswered(menu, &account.rules).into_iter();
    keys.map(|key| {
        format!(
            "the menu of `{id}` has the click key \"{key}\", which no rule answers: add a rule with when = {{ click = \"{key}\" }}"
        )
    })
    .collect()
}

/// The way to WeChat of a command that only looks.
struct WeChat {
    client: Client,
    token: AccessToken,
}

impl WeChat {
    async fn reach(config: &Config, id: &AccountId, account: &Account) -> anyhow::Result<Self> {
        let client = Client::new(transport(&config.outbound)?, account.api_url.clone());
        // A database is not needed: it may hold a token.
        let stored = match reach::reading(config).await {
            Ok(store) => store.token(id, TokenKind::AccessToken).await.ok().flatten(),
            Err(_) => None,
        };
        let stored = stored.filter(|token| SystemClock.now() < token.expires_at);
        let served = doctor::is_served(&socket::path_for(&config.database.path)).await;
        let token = doctor::token_beside(account, &client, stored, served).await;
        let token = token
            .context("a fetch would end the running daemon's token; try again once it has one")?;
        Ok(Self {
            client,
            token: token?,
        })
    }

    async fn found(&self) -> anyhow::Result<Found> {
        let answer = self.client.menu(&self.token).await?;
        Ok(wire::read(&answer.unwrap_or(Value::Null)))
    }
}
