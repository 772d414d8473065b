//! `answers`: tenants that do not tell of agents' answers are asked for them.

use jiff::Timestamp;
use serde_json::json;

use super::Job;
use crate::domain::ids::TenantId;
use crate::domain::rows::Changes;
use crate::effects::Context;
use crate::flows::pickup::{OVERLAP, sweep};
use crate::kit::transport::BoxFuture;
use crate::store::StoreError;

/// Its name.
const ANSWERS: &str = "answers";

pub(super) struct Answers(pub(super) Context);

impl Job for Answers {
    fn name(&self) -> &'static str {
        ANSWERS
    }

    fn is_idle(&self) -> BoxFuture<'_, bool> {
        Box::pin(async { self.polled().is_empty() })
    }

    fn run(&self, run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let asked = self.ask(run).await.map_err(|fault| fault.to_string())?;
            Ok(format!("{asked} tenants are asked for answers"))
        })
    }
}

impl Answers {
    fn polled(&self) -> Vec<TenantId> {
        let live = self.0.live();
        let tenants = live.config.c4c.iter();
        let polled = tenants.filter(|(_, tenant)| tenant.poll_answers);
        polled.map(|(id, _)| id.clone()).collect()
    }

    /// Queues a sweep of each tenant. That it is queued is enough to go on from there: an effect is not
    /// forgotten before it has happened.
    async fn ask(&self, run: i64) -> Result<usize, StoreError> {
        let store = &self.0.store;
        let now = self.0.clock.now();
        let tenants = self.polled();
        let mut changes = Changes::none();
        for id in &tenants {
            let last = store.last_walk(ANSWERS, id.as_str()).await?;
            let since = last.unwrap_or(now).min(now).saturating_sub(OVERLAP);
            changes
                .effects
                .push(sweep(id, since.unwrap_or(Timestamp::UNIX_EPOCH)));
        }
        store.write(changes).await?;
        let done: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
        let resume = json!({ "began": now.to_string(), "done": done });
        store.note_job(run, Some(resume.to_string())).await?;
        Ok(tenants.len())
    }
}
