//! `reconcile`: both platforms are compared with what we hold, page by page.
//!
//! It resumes where an interrupted run stopped. Every difference becomes a finding, and its
//! repair an ordinary bulk row.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Job;
use crate::config::ExistingFollowers;
use crate::domain::ids::{AccountId, OpenId, TenantId};
use crate::domain::rows::Follower;
use crate::effects::{Context, StalePage};
use crate::flows::reconcile::{
    Drift, FOLLOWER_WITHOUT_MAPPING, MAPPING_WITHOUT_CUSTOMER, STALE_SNAPSHOT, UNFOLLOW_MISSED,
    record,
};
use crate::kit::transport::BoxFuture;
use crate::outbox::Outcome;
use crate::store::StoreError;

/// Its name.
const RECONCILE: &str = "reconcile";

/// Mappings looked at in one read.
const PAGE: u32 = 500;

/// Sweeps overlap: C4C's stamps and our clock may differ, and `ge` returns the boundary again.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// How far back the first sweep of an installation goes.
const FIRST_SWEEP: SignedDuration = SignedDuration::from_hours(24);

/// What a run is asked to do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Options {
    /// Writes repairs; else only findings.
    pub apply: bool,
    /// Looks for this kind only.
    pub only: Option<String>,
    /// Stops after this many findings.
    pub limit: Option<u64>,
}

/// The job.
#[derive(Debug)]
pub struct Reconcile {
    context: Context,
    options: Options,
}

/// Where a run stands: what is done needs not be done again after a crash.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Resume {
    /// When the walk began, before any interruption: what happened later is not missed, it is
    /// new.
    began: Timestamp,
    /// Stages that are finished, as `<kind>:<account or tenant>`.
    done: Vec<String>,
    /// Where the present stage goes on.
    at: Option<String>,
    found: u64,
}

/// What a stage may end with.
enum Stop {
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

impl Reconcile {
    /// As the timetable runs it: everything, with repairs.
    pub fn scheduled(context: Context) -> Self {
        Self {
            context,
            options: Options {
                apply: true,
                ..Options::default()
            },
        }
    }

    /// As a person asked for it.
    pub fn asked(context: Context, options: Options) -> Self {
        Self { context, options }
    }
}

impl Job for Reconcile {
    fn name(&self) -> &'static str {
        RECONCILE
    }

    fn run(&self, run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let mut walk = Walk {
                job: self,
                run,
                resume: self.resume(run).await.map_err(|fault| fault.to_string())?,
            };
            match walk.everything().await {
                Ok(()) | Err(Stop::Limit) => {
                    let repaired = if self.options.apply {
                        "repairs queued"
                    } else {
                        "dry run"
                    };
                    Ok(format!("{} findings, {repaired}", walk.resume.found))
                }
                Err(Stop::Fault(reason)) => Err(reason),
            }
        })
    }
}

impl Reconcile {
    /// What an interrupted run left; only a whole scheduled run is gone on with.
    async fn resume(&self, run: i64) -> Result<Resume, StoreError> {
        let fresh = Resume {
            began: self.context.clock.now(),
            done: Vec::new(),
            at: None,
            found: 0,
        };
        if self.options.only.is_some() || !self.options.apply {
            return Ok(fresh);
        }
        let before = self.context.store.run_before(RECONCILE, run).await?;
        let left = before
            .filter(|b| b.outcome == "interrupted")
            .and_then(|b| b.resume);
        Ok(left
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or(fresh))
    }
}

struct Walk<'a> {
    job: &'a Reconcile,
    run: i64,
    resume: Resume,
}

impl Walk<'_> {
    async fn everything(&mut self) -> Result<(), Stop> {
        let live = self.job.context.live();
        for (id, account) in &live.config.wechat {
            let import = account.existing_followers == ExistingFollowers::Import;
            if self.begins(FOLLOWER_WITHOUT_MAPPING, id.as_str())
                || self.begins(UNFOLLOW_MISSED, id.as_str())
            {
                self.followers(id, &account.tenant, import).await?;
            }
            if self.begins(MAPPING_WITHOUT_CUSTOMER, id.as_str()) {
                self.mapped(MAPPING_WITHOUT_CUSTOMER, id, &account.tenant)
                    .await?;
                self.ends(MAPPING_WITHOUT_CUSTOMER, id.as_str()).await?;
            }
        }
        for id in live.config.c4c.keys() {
            if self.begins(STALE_SNAPSHOT, id.as_str()) {
                self.stale(id).await?;
                self.ends(STALE_SNAPSHOT, id.as_str()).await?;
            }
        }
        Ok(())
    }

    /// Both kinds need the account's whole list of followers: it is read once.
    async fn followers(
        &mut self,
        id: &AccountId,
        tenant: &TenantId,
        import: bool,
    ) -> Result<(), Stop> {
        if self.begins(FOLLOWER_WITHOUT_MAPPING, id.as_str()) {
            self.list_followers(id, tenant, import).await?;
            self.ends(FOLLOWER_WITHOUT_MAPPING, id.as_str()).await?;
        } else if self.job.options.only.as_deref() == Some(UNFOLLOW_MISSED) {
            self.list_followers(id, tenant, import).await?;
        }
        if self.begins(UNFOLLOW_MISSED, id.as_str()) {
            self.mapped(UNFOLLOW_MISSED, id, tenant).await?;
            self.ends(UNFOLLOW_MISSED, id.as_str()).await?;
        }
        self.job.context.store.forget_seen(id).await?;
        Ok(())
    }

    async fn list_followers(
        &mut self,
        id: &AccountId,
        tenant: &TenantId,
        import: bool,
    ) -> Result<(), Stop> {
        let context = &self.job.context;
        let mut next = self.resume.at.take().map(OpenId::new);
        if next.is_none() {
            context.store.forget_seen(id).await?;
        }
        let live = context.live();
        let Some((_, client)) = live.account(id) else {
            return Ok(());
        };
        loop {
            let start = next.as_ref();
            let asked = context.clock.now();
            let page = context
                .with_token(id, 1, |token| async move {
                    client.follower_page(&token, start).await
                })
                .await
                .map_err(|fault| Stop::Fault(fault.failure.message))?;
            context.store.mark_seen(id, &page.openids).await?;
            for openid in context.store.unmapped(id, &page.openids).await? {
                let follower = Follower {
                    account: id.clone(),
                    openid,
                };
                let drift = Drift::FollowerWithoutMapping { follower, import };
                self.found(&drift, tenant, asked).await?;
            }
            next = page.next;
            let Some(openid) = &next else { return Ok(()) };
            self.note(Some(openid.as_str().to_owned())).await?;
        }
    }

    /// A kind that is found by walking our own mappings.
    async fn mapped(&mut self, kind: &str, id: &AccountId, tenant: &TenantId) -> Result<(), Stop> {
        let mut after = self.resume.at.take().map(OpenId::new);
        loop {
            let store = &self.job.context.store;
            let (page, drift): (_, fn(Follower) -> Drift) = if kind == UNFOLLOW_MISSED {
                let page = store
                    .unseen(id, self.resume.began, after.as_ref(), PAGE)
                    .await?;
                (page, Drift::UnfollowMissed)
            } else {
                let page = store.stranded(id, after.as_ref(), PAGE).await?;
                (page, Drift::MappingWithoutCustomer)
            };
            let Some(last) = page.last().map(|follower| follower.openid.clone()) else {
                return Ok(());
            };
            for follower in page {
                self.found(&drift(follower), tenant, self.resume.began)
                    .await?;
            }
            self.note(Some(last.as_str().to_owned())).await?;
            after = Some(last);
        }
    }

    async fn stale(&mut self, id: &TenantId) -> Result<(), Stop> {
        let context = &self.job.context;
        let stage = stage(STALE_SNAPSHOT, id.as_str());
        let last = context.store.last_walk(RECONCILE, &stage).await?;
        let since = match last {
            Some(at) => at.saturating_sub(OVERLAP),
            None => self.resume.began.saturating_sub(FIRST_SWEEP),
        };
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut page = self.resume.at.take();
        loop {
            let read = context.stale_page(id, since, page.as_deref()).await;
            let StalePage { stale, next } = read.map_err(|outcome| Stop::Fault(why(&outcome)))?;
            for object in stale {
                self.found(&Drift::StaleSnapshot(object), id, self.resume.began)
                    .await?;
            }
            page = next;
            if page.is_none() {
                return Ok(());
            }
            self.note(page.clone()).await?;
        }
    }

    /// Whether a stage is wanted and not done yet.
    fn begins(&self, kind: &str, of: &str) -> bool {
        let wanted = self
            .job
            .options
            .only
            .as_deref()
            .is_none_or(|only| only == kind);
        wanted && !self.resume.done.contains(&stage(kind, of))
    }

    async fn ends(&mut self, kind: &str, of: &str) -> Result<(), Stop> {
        self.resume.done.push(stage(kind, of));
        self.note(None).await
    }

    /// A dry run leaves no trace: it has repaired nothing that a later run could build on.
    async fn note(&mut self, at: Option<String>) -> Result<(), Stop> {
        self.resume.at = at;
        if !self.job.options.apply {
            return Ok(());
        }
        let text = serde_json::to_string(&self.resume).expect("text and numbers");
        Ok(self
            .job
            .context
            .store
            .note_job(self.run, Some(text))
            .await?)
    }

    async fn found(
        &mut self,
        drift: &Drift,
        tenant: &TenantId,
        known_at: Timestamp,
    ) -> Result<(), Stop> {
        let wanted = self
            .job
            .options
            .only
            .as_deref()
            .is_none_or(|only| only == drift.kind());
        if !wanted {
            return Ok(());
        }
        let Options { apply, limit, .. } = self.job.options;
        if limit.is_some_and(|limit| self.resume.found >= limit) {
            return Err(Stop::Limit);
        }
        let context = &self.job.context;
        let changes = record(drift, tenant, self.run, apply, known_at);
        context.store.write(changes).await?;
        self.resume.found += 1;
        Ok(())
    }
}

/// How a finished stage stands in [`Resume::done`].
fn stage(kind: &str, of: &str) -> String {
    format!("{kind}:{of}")
}

fn why(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed { failure, .. } => failure.message.clone(),
        _ => "the tenant cannot be read".to_owned(),
    }
}
