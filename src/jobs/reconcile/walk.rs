//! How a run goes: stage by stage, noting where it stands, so that a crash costs one page.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Options;
use super::stages::Stage;
use crate::config::Config;
use crate::domain::ids::{AccountId, OpenId, TenantId};
use crate::domain::rows::Finding;
use crate::effects::Context;
use crate::flows::reconcile::{Drift, finding};
use crate::outbox::Outcome;
use crate::store::StoreError;

/// Rows of our own looked at in one read, most of them well: no read takes long.
pub(super) const WINDOW: u32 = 2000;

/// Where a run stands: what is done needs not be done again after a crash.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Resume {
    /// The run under which the findings stand.
    pub run: i64,
    /// When the walk began, before any interruption.
    pub began: Timestamp,
    /// Whether it looks for everything and repairs.
    #[serde(default)]
    pub whole: bool,
    /// Stages that are finished.
    pub done: Vec<String>,
    /// The present stage …
    pub stage: String,
    /// … where it goes on …
    pub at: Option<String>,
    /// … and how many rows it has looked at.
    pub rows: u64,
    pub found: u64,
    /// Lists of followers, by account.
    pub lists: BTreeMap<AccountId, List>,
}

/// How far the list of an account's followers has been read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct List {
    /// When that began: what followers did later is not missed, it is new.
    pub began: Timestamp,
    /// Where it goes on; `None` when it was read to its end.
    pub next: Option<OpenId>,
}

impl Resume {
    pub(super) fn new(run: i64, began: Timestamp) -> Self {
        Self {
            run,
            began,
            whole: false,
            done: Vec::new(),
            stage: String::new(),
            at: None,
            rows: 0,
            found: 0,
            lists: BTreeMap::new(),
        }
    }

    /// With the lists that an earlier run could not read to their end.
    pub(super) fn with_unfinished_lists(self, earlier: Self) -> Self {
        let unfinished = earlier.lists.into_iter();
        Self {
            lists: unfinished.filter(|(_, list)| list.next.is_some()).collect(),
            ..self
        }
    }
}

/// What a stage may end with.
pub(super) enum Stop {
    /// The limit of findings is reached.
    Limit,
    /// Why it cannot go on.
    Fault(String),
}

impl From<StoreError> for Stop {
    fn from(fault: StoreError) -> Self {
        Self::Fault(fault.to_string())
    }
}

/// One run.
pub(super) struct Walk<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a Options,
    run: i64,
    pub(super) resume: Resume,
    /// Found since the last note.
    findings: Vec<Finding>,
    /// Why stages could not be finished.
    pub(super) faults: Vec<String>,
    /// What is left for the next run, and why.
    pub(super) postponed: Vec<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        context: &'a Context,
        options: &'a Options,
        run: i64,
        resume: Resume,
    ) -> Self {
        let whole = options.is_whole();
        Self {
            context,
            options,
            run,
            resume: Resume { whole, ..resume },
            findings: Vec::new(),
            faults: Vec::new(),
            postponed: Vec::new(),
        }
    }

    /// Looks at everything, then repairs if that was asked for. A stage that fails leaves out what
    /// needs it, and no more.
    pub(super) async fn run(mut self) -> Result<String, String> {
        let live = self.context.live();
        for stage in Stage::all(&live.config) {
            let name = stage.to_string();
            if self.resume.done.contains(&name) || !self.is_wanted(&stage) || !self.is_ready(&stage)
            {
                continue;
            }
            if self.resume.stage != name {
                (self.resume.at, self.resume.rows) = (None, 0);
                self.resume.stage.clone_from(&name);
            }
            match self.stage(&stage, &live.config).await {
                Ok(true) => self.resume.done.push(name),
                Ok(false) => {}
                Err(Stop::Limit) => break,
                Err(Stop::Fault(reason)) => self.faults.push(reason),
            }
            self.resume.at = None;
            self.note_all().await.map_err(|fault| fault.to_string())?;
        }
        self.note_all().await.map_err(|fault| fault.to_string())?;
        self.finish(&live.config).await
    }

    /// `false` when it is to be gone on with by the next run.
    async fn stage(&mut self, stage: &Stage, config: &Config) -> Result<bool, Stop> {
        match stage {
            Stage::Followers(id) => return self.followers(id).await,
            Stage::Carried(id) => self.carried(id).await,
            Stage::Customers(id) => self.customers(id).await,
            Stage::Absent(id) => self.absent(id, &config.wechat[id]).await,
            Stage::Unknown(id) => self.unknown(id, &config.wechat[id]).await,
            Stage::Mapped(id) => self.mapped(id, &config.wechat[id].tenant).await,
            Stage::Profiles(id) => self.profiles(id, &config.wechat[id].tenant).await,
            Stage::Shared(id) => self.shared(id).await,
            Stage::UnionIds(id) => self.unionids(id).await,
            Stage::Stale(id) => self.stale(id).await,
        }?;
        Ok(true)
    }

    fn is_wanted(&self, stage: &Stage) -> bool {
        let only = self.options.only.as_deref();
        only.is_none_or(|only| stage.kinds().contains(&only))
    }

    /// Whether what it needs is there.
    fn is_ready(&self, stage: &Stage) -> bool {
        let done = |stage: Stage| self.resume.done.contains(&stage.to_string());
        let live = self.context.live();
        let tenant = |id: &AccountId| live.config.wechat[id].tenant.clone();
        let listed = |id: &AccountId| self.resume.lists.contains_key(id);
        match stage {
            Stage::Customers(id) => done(Stage::Carried(id.clone())),
            Stage::Absent(id) => done(Stage::Followers(id.clone())),
            Stage::Profiles(id) => listed(id),
            Stage::Unknown(id) => listed(id) && done(Stage::Customers(tenant(id))),
            Stage::Mapped(id) => done(Stage::Customers(tenant(id))),
            _ => true,
        }
    }

    /// Remembers how far the stage has come, with what it has found on the way, in one commit.
    pub(super) async fn note(&mut self, at: Option<String>, rows: usize) -> Result<(), Stop> {
        self.resume.at = at;
        self.resume.rows += u64::try_from(rows).unwrap_or(u64::MAX);
        Ok(self.note_all().await?)
    }

    /// What a run got through that repairs nothing, or not all, is nothing that a later one could
    /// build on: it tells its progress only.
    async fn note_all(&mut self) -> Result<(), StoreError> {
        let mut told = self.resume.clone();
        if !told.whole {
            told.done.clear();
        }
        let text = serde_json::to_string(&told).expect("text and numbers");
        let findings = std::mem::take(&mut self.findings);
        self.context
            .store
            .note_findings(self.run, text, findings)
            .await
    }

    /// One more difference.
    pub(super) fn found(&mut self, drift: &Drift, tenant: &TenantId) -> Result<(), Stop> {
        let Options { only, limit, .. } = self.options;
        if only.as_deref().is_some_and(|only| only != drift.kind()) {
            return Ok(());
        }
        if limit.is_some_and(|limit| self.resume.found >= limit) {
            return Err(Stop::Limit);
        }
        self.findings.push(finding(drift, tenant, self.resume.run));
        self.resume.found += 1;
        Ok(())
    }
}

/// Why a call for a stage came to nothing.
pub(super) fn why(outcome: &Outcome) -> Stop {
    Stop::Fault(match outcome {
        Outcome::Failed { failure, .. } => failure.message.clone(),
        _ => "the tenant cannot be read".to_owned(),
    })
}
