//! How a command reaches the database: reading beside the daemon; writing through its socket, or
//! under its lock when none runs.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use serde_json::Value;

use crate::app::{Parts, transport};
use crate::config::{Config, Environment};
use crate::control::{Command, socket};
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::rows::Follower;
use crate::kit::clock::{Clock, SystemClock};
use crate::kit::random::Random;
use crate::store::{Mapping, OpenError, Store};

/// Said after a command that only queued something.
const NO_DAEMON: &str = "no daemon is running: what was queued happens once `qiao serve` runs";

/// Opens the database for reading, beside a daemon or without one.
pub(super) async fn reading(config: &Config) -> Result<Store> {
    Ok(Store::open_read_only(&config.database.path).await?)
}

/// Puts the parts together around a store, without running them.
pub(super) async fn parts(config: Config, store: Store) -> Result<Parts> {
    let transport = transport(&config.outbound)?;
    let clock = Arc::new(SystemClock);
    Parts::assemble(config, store, clock, Random::from_system(), transport).await
}

/// What came of a command that writes.
pub(super) struct Done {
    /// What it tells.
    pub told: Value,
    daemon: bool,
}

impl Done {
    /// Tells the operator when the effects of what was written must wait.
    pub(super) fn remind(&self) {
        if !self.daemon {
            eprintln!("{NO_DAEMON}");
        }
    }
}

/// Has `command` carried out by the daemon or, when none runs, in this process.
pub(super) async fn act(config: Config, command: Command) -> Result<Done> {
    Operator::new(config).act(command).await
}

/// Has several commands carried out, one after the other. Once this process holds the database, it keeps it.
pub(super) struct Operator {
    config: Config,
    name: String,
    alone: Option<Parts>,
}

impl Operator {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            name: name(),
            alone: None,
        }
    }

    /// What this process holds the database by; `None` while a daemon does.
    pub(super) fn alone(&self) -> Option<&Parts> {
        self.alone.as_ref()
    }

    pub(super) async fn act(&mut self, command: Command) -> Result<Done> {
        if self.alone.is_none() {
            let socket = socket::path_for(&self.config.database.path);
            if let Some(answer) = socket::ask(&socket, &command, &self.name).await {
                return Ok(Done {
                    told: answer?,
                    daemon: true,
                });
            }
        }
        let parts = match self.alone.take() {
            Some(parts) => parts,
            None => alone(self.config.clone()).await?,
        };
        let told = parts.controls().execute(command, &who()).await;
        self.alone = Some(parts);
        Ok(Done {
            told: told?,
            daemon: false,
        })
    }
}

/// The parts, with the database in our own hands.
async fn alone(config: Config) -> Result<Parts> {
    let path = config.database.path.clone();
    // A mistyped path must not become a new, empty database.
    if !path.exists() {
        return Err(OpenError::Missing(path).into());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open_configured(&config.database, clock).await.map_err(|fault| match fault {
        OpenError::InUse(path) => anyhow!(
            "another qiao holds {} and its control socket does not answer; if it is just starting \
             or stopping, try again in a moment, else look into its log",
            path.display()
        ),
        fault => fault.into(),
    })?;
    // We hold the lock, so what stands as running was cut off; a job would seem to run for ever.
    store.recover().await?;
    parts(config, store).await
}

/// Who acts, for the audit, where no daemon asks the kernel.
pub(super) fn who() -> String {
    socket::named(&name(), Some(rustix::process::getuid().as_raw()))
}

/// What the operator is called.
fn name() -> String {
    let environment = Environment::of_process();
    let named = ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| environment.get(name))
        .find(|name| !name.is_empty());
    named.unwrap_or("operator").to_owned()
}

/// The mapping of a follower whom the operator names by OpenID and, where several accounts know
/// it, by account.
pub(super) async fn mapping(store: &Store, openid: &str, account: Option<&str>) -> Result<Mapping> {
    let openid = OpenId::new(openid);
    let accounts = match account {
        Some(account) => vec![AccountId::new(account)],
        None => store.accounts_of(&openid).await?,
    };
    let unknown =
        || anyhow!("no follower with this OpenID is known; `qiao mapping list` shows all");
    match accounts.as_slice() {
        [] => Err(unknown()),
        [account] => {
            let account = account.clone();
            let found = store.mapping(&Follower { account, openid }).await?;
            found.ok_or_else(unknown)
        }
        several => {
            let names: Vec<&str> = several.iter().map(AccountId::as_str).collect();
            Err(anyhow!(
                "several accounts know this OpenID ({}); name one with --account",
                names.join(", ")
            ))
        }
    }
}
