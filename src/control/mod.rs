//! Commands that write: executed by the daemon over its Unix socket, or, when none runs, by the
//! command itself under the same file lock.
//!
//! Start reading at [`Command`] and [`Controls::execute`]; [`socket`] carries them to the daemon.

mod erase;
mod mapping;
mod qr;
mod release;
pub mod socket;

use std::path::PathBuf;

pub use mapping::MAX_LINES;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::ids::{AccountId, OpenId};
use crate::domain::menu::Menu;
use crate::domain::qr::{Purpose, Wish};
use crate::domain::rows::{Changes, Follower, NewEffect};
use crate::effects::Context;
use crate::flows::link::Chosen;
use crate::flows::mapping_file::Line;
use crate::flows::menu;
use crate::flows::sending::{self, ToSay};
use crate::jobs::{Backup, Options, Progress, Reconcile, Timetable};
use crate::kit::trace::{self, TraceId};
use crate::store::{Act, Mapping, StartedBy, StoreError, Target};

/// The longest text that one command may send: five messages of 2,000 bytes.
const MAX_TEXT: usize = 10_000;

/// The purpose of what an operator says.
const OPERATOR: &str = "operator";

/// What an operator may ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum Command {
    /// `message send`
    MessageSend {
        /// From which account.
        account: AccountId,
        /// To whom.
        openid: OpenId,
        /// What.
        text: String,
    },
    /// `outbox retry`
    OutboxRetry {
        /// Which effect.
        id: i64,
    },
    /// `outbox cancel`
    OutboxCancel {
        /// Which effect.
        id: i64,
    },
    /// `duplicates release`
    DuplicateRelease {
        /// Which push, as `inbox.id`.
        id: i64,
    },
    /// `jobs run`
    JobRun {
        /// Which job.
        name: String,
    },
    /// `reconcile`
    Reconcile(Options),
    /// `person erase`
    PersonErase {
        /// At which account.
        account: AccountId,
        /// Whom.
        openid: OpenId,
        /// C4C's customer is made obsolete, too.
        obsolete_customer: bool,
    },
    /// `backup`
    Backup {
        /// The file, absolute.
        file: PathBuf,
    },
    /// `mapping link`
    MappingLink {
        /// In which account.
        account: AccountId,
        /// Who.
        openid: OpenId,
        /// To whom.
        chosen: Chosen,
    },
    /// `mapping unlink`
    MappingUnlink {
        /// In which account.
        account: AccountId,
        /// Who.
        openid: OpenId,
    },
    /// A part of `mapping import`
    MappingImport {
        /// At most [`MAX_LINES`].
        lines: Vec<Line>,
    },
    /// `menu apply`
    MenuApply {
        /// Whose.
        account: AccountId,
        /// What it shall be.
        menu: Menu,
    },
    /// `menu delete`
    MenuDelete {
        /// Whose.
        account: AccountId,
    },
    /// `qr create`
    QrCreate {
        /// In which account.
        account: AccountId,
        /// What is wanted.
        wish: Wish,
        /// What a scene is made of that nobody guesses.
        nonce: [u8; 16],
    },
}

/// What a command is done to, for the audit.
enum Aim {
    Thing(String),
    Person(Follower),
}

impl Command {
    /// The act and its target in the audit.
    fn audited(&self) -> (&'static str, Aim) {
        let thing = |thing: &dyn ToString| Aim::Thing(thing.to_string());
        let person = |account: &AccountId, openid: &OpenId| {
            Aim::Person(Follower {
                account: account.clone(),
                openid: openid.clone(),
            })
        };
        match self {
            Self::MessageSend {
                account, openid, ..
            } => ("message.send", person(account, openid)),
            Self::OutboxRetry { id } => ("outbox.retry", thing(id)),
            Self::OutboxCancel { id } => ("outbox.cancel", thing(id)),
            Self::DuplicateRelease { id } => ("duplicates.release", thing(id)),
            Self::JobRun { name } => ("jobs.run", thing(name)),
            Self::Reconcile(options) => {
                let act = if options.apply {
                    "reconcile.apply"
                } else {
                    "reconcile"
                };
                let only = options.only.clone().unwrap_or_else(|| "all".to_owned());
                (act, Aim::Thing(only))
            }
            Self::PersonErase {
                account, openid, ..
            } => ("person.erase", person(account, openid)),
            Self::Backup { file } => ("backup", thing(&file.display())),
            Self::MappingLink {
                account, openid, ..
            } => ("mapping.link", person(account, openid)),
            Self::MappingUnlink { account, openid } => ("mapping.unlink", person(account, openid)),
            Self::MappingImport { lines } => (
                "mapping.import",
                Aim::Thing(format!("{} lines", lines.len())),
            ),
            Self::MenuApply { account, .. } => ("menu.apply", thing(account)),
            Self::MenuDelete { account } => ("menu.delete", thing(account)),
            // A CustomerID would name a person for as long as the audit stands.
            Self::QrCreate { account, wish, .. } if wish.purpose == Purpose::Bind => {
                ("qr.create", Aim::Thing(format!("{account} bind")))
            }
            Self::QrCreate { account, wish, .. } => {
                let purpose = wish.purpose.as_str();
                let target = format!("{account} {purpose} {}", wish.target);
                ("qr.create", Aim::Thing(target))
            }
        }
    }
}

/// Why a command was not carried out: a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl From<StoreError> for Refused {
    fn from(fault: StoreError) -> Self {
        Self(fault.to_string())
    }
}

/// Carries commands out.
#[derive(Debug, Clone)]
pub struct Controls {
    /// Store, clock, configuration.
    pub context: Context,
    /// The jobs.
    pub timetable: Timetable,
}

impl Controls {
    /// Carries `command` out for `who` and tells what came of it.
    ///
    /// An act that is one operation leaves its row of the audit in that operation's own transaction, if it
    /// changes anything. One that is more leaves it before it begins: nothing is changed without its row.
    pub async fn execute(&self, command: Command, who: &str) -> Result<Value, Refused> {
        let act = self.act(&command, who);
        let random = &self.context.random;
        let trace = TraceId::made(random);
        trace::within(Some(trace), random, self.carry_out(command, who, act)).await
    }

    async fn carry_out(&self, command: Command, who: &str, act: Act) -> Result<Value, Refused> {
        match command {
            Command::MessageSend {
                account,
                openid,
                text,
            } => self.send(Follower { account, openid }, &text, act).await,
            Command::OutboxRetry { id } => self.retry(id, act).await,
            Command::OutboxCancel { id } => self.cancel(id, who, act).await,
            Command::DuplicateRelease { id } => self.release(id, act).await,
            Command::JobRun { name } => {
                self.context.store.audit(act).await?;
                let told = self.timetable.run(&name).await;
                told.map(|detail| json!({ "job": name, "detail": detail }))
                    .map_err(|fault| Refused(fault.to_string()))
            }
            Command::Reconcile(options) => {
                self.context.store.audit(act).await?;
                self.reconcile(options).await
            }
            Command::PersonErase {
                account,
                openid,
                obsolete_customer,
            } => {
                self.erase(Follower { account, openid }, obsolete_customer, act)
                    .await
            }
            Command::Backup { file } => {
                self.context.store.audit(act).await?;
                let job = Backup::asked(self.context.clone(), file);
                let told = self.timetable.run_job(&job, StartedBy::Operator).await;
                told.map(|detail| json!({ "detail": detail }))
                    .map_err(|fault| Refused(fault.to_string()))
            }
            Command::MappingLink {
                account,
                openid,
                chosen,
            } => self.link(Follower { account, openid }, chosen, act).await,
            Command::MappingUnlink { account, openid } => {
                self.unlink(Follower { account, openid }, act).await
            }
            Command::MappingImport { lines } => self.import(&lines, act).await,
            Command::MenuApply { account, menu } => {
                self.order(&account, menu::apply(&account, menu), act).await
            }
            Command::MenuDelete { account } => {
                self.order(&account, menu::delete(&account), act).await
            }
            Command::QrCreate {
                account,
                wish,
                nonce,
            } => self.create_qr(account, wish, nonce, act).await,
        }
    }

    fn act(&self, command: &Command, who: &str) -> Act {
        let (act, aim) = command.audited();
        Act {
            who: who.to_owned(),
            act,
            target: match aim {
                Aim::Thing(thing) => Target::Thing(thing),
                Aim::Person(follower) => Target::Person(follower, self.context.random.bytes()),
            },
            before: None,
            after: None,
        }
    }

    async fn send(&self, follower: Follower, text: &str, act: Act) -> Result<Value, Refused> {
        let live = self.context.live();
        self.known(&follower).await?;
        if text.trim().is_empty() || text.len() > MAX_TEXT {
            return Err(Refused(format!(
                "a text has 1 to {MAX_TEXT} bytes and this one has {}",
                text.len()
            )));
        }
        let say = ToSay {
            follower: &follower,
            purpose: OPERATOR,
            text,
            values: [].into(),
            inbox_id: None,
            conversation: None,
        };
        let now = self.context.clock.now();
        let grants = self.context.store.grants(&follower).await?;
        let account = live.account(&follower.account);
        let outlook = account.map(|(account, _)| sending::outlook(account, OPERATOR, &grants, now));
        let changes = sending::queue(&say, now);
        let messages = changes.messages.len();
        let act = Act {
            after: Some(format!("queued {messages}")),
            ..act
        };
        self.context.store.on_behalf(act).write(changes).await?;
        Ok(json!({ "queued": messages, "window": outlook }))
    }

    /// Queues one effect of an account's remote, and names it for whoever waits for it.
    async fn order(
        &self,
        account: &AccountId,
        effect: NewEffect,
        act: Act,
    ) -> Result<Value, Refused> {
        self.configured(account)?;
        let changes = Changes {
            effects: vec![effect],
            ..Changes::none()
        };
        let id = self.context.store.on_behalf(act).order(changes).await?;
        Ok(json!({ "effect": id.to_string() }))
    }

    fn configured(&self, account: &AccountId) -> Result<(), Refused> {
        if self.context.live().account(account).is_some() {
            return Ok(());
        }
        let reason = format!("there is no account `{account}` in the configuration");
        Err(Refused(reason))
    }

    /// The mapping of a follower whom the operator names.
    async fn known(&self, follower: &Follower) -> Result<Mapping, Refused> {
        let account = &follower.account;
        self.configured(account)?;
        let unknown = || {
            Refused(format!(
                "account `{account}` knows no follower with this OpenID; `qiao mapping list` shows them"
            ))
        };
        let mapping = self.context.store.mapping(follower).await?;
        mapping.ok_or_else(unknown)
    }

    async fn retry(&self, id: i64, act: Act) -> Result<Value, Refused> {
        let act = self.moving(id, "ready", act).await?;
        if self.context.store.on_behalf(act).retry(id).await? {
            return Ok(json!({ "id": id.to_string(), "state": "ready" }));
        }
        Err(self.no_such(id, "dead, held or cancelled").await?)
    }

    async fn cancel(&self, id: i64, who: &str, act: Act) -> Result<Value, Refused> {
        let act = self.moving(id, "cancelled", act).await?;
        let reason = format!("cancelled by {who}");
        if self.context.store.on_behalf(act).cancel(id, reason).await? {
            return Ok(json!({ "id": id.to_string(), "state": "cancelled" }));
        }
        Err(self.no_such(id, "ready, held or dead").await?)
    }

    /// The act that moves an effect into this state.
    async fn moving(&self, id: i64, to: &str, act: Act) -> Result<Act, Refused> {
        let row = self.context.store.outbox_row(id).await?;
        Ok(Act {
            before: row.map(|(row, _)| row.state),
            after: Some(to.to_owned()),
            ..act
        })
    }

    async fn no_such(&self, id: i64, wanted: &str) -> Result<Refused, Refused> {
        Ok(Refused(match self.context.store.outbox_row(id).await? {
            Some((row, _)) => {
                format!(
                    "effect {id} is {}; only one that is {wanted} can be taken",
                    row.state
                )
            }
            None => format!("there is no effect {id}; `qiao outbox list` shows them"),
        }))
    }

    /// Tells under which run the findings stand: a large account's are too many for one answer.
    async fn reconcile(&self, options: Options) -> Result<Value, Refused> {
        let job = Reconcile::asked(self.context.clone(), options);
        let told = self.timetable.run_job(&job, StartedBy::Operator).await;
        let detail = told.map_err(|fault| Refused(fault.to_string()))?;
        let run = self.context.store.last_run("reconcile").await?;
        let run = run.and_then(|run| Progress::of(&run));
        let run = run.map_or(0, |progress| progress.findings_of);
        Ok(json!({ "detail": detail, "run": run }))
    }
}
