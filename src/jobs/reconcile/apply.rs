//! The end of a run: repairs are queued, unless there are suspiciously many, and the memory of both
//! platforms is emptied.

use super::walk::{Stop, Walk};
use crate::config::Config;
use crate::flows::reconcile::Repair;
use crate::store::{Repaired, StoreError};

/// Repairs queued in one commit.
const PAGE: u32 = 250;

impl Walk<'_> {
    /// Repairs, cleans up, and says what came of it.
    pub(super) async fn finish(mut self, config: &Config) -> Result<String, String> {
        let told = |fault: StoreError| fault.to_string();
        self.forget(config).await.map_err(told)?;
        let found = self.resume.found;
        let mut outcome = format!("{found} findings, dry run");
        if self.options.apply {
            match self.apply(config.reconcile.max_repairs).await {
                Ok(()) => outcome = format!("{found} findings, repairs queued"),
                Err(Stop::Fault(reason)) => self.faults.push(reason),
                Err(Stop::Limit) => {}
            }
        }
        for postponed in &self.postponed {
            outcome = format!("{outcome}; {postponed}");
        }
        if self.faults.is_empty() {
            return Ok(outcome);
        }
        Err(format!("{}; {outcome}", self.faults.join("; ")))
    }

    async fn apply(&mut self, most: u32) -> Result<(), Stop> {
        let (store, run) = (&self.context.store, self.resume.run);
        let planned = store.count_planned(run).await?;
        if planned > i64::from(most) && !self.options.yes {
            return Err(Stop::Fault(format!(
                "{planned} repairs are planned, more than the {most} of reconcile.max_repairs, and none \
                 is made: look at them with `qiao reconcile`, then `qiao reconcile --apply --yes`"
            )));
        }
        loop {
            let page = store.planned(run, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            let mut repaired = Repaired::default();
            for planned in page {
                repaired.findings.push(planned.id);
                // One of another version is found anew by the next run.
                if let Some(repair) = Repair::parse(&planned.repair) {
                    repair.queue(&mut repaired);
                }
            }
            store.repair(repaired).await?;
        }
    }

    async fn forget(&self, config: &Config) -> Result<(), StoreError> {
        for id in config.wechat.keys() {
            let list = self.resume.lists.get(id);
            if list.is_none_or(|list| list.next.is_none()) {
                self.context.store.forget_seen(id).await?;
            }
        }
        for id in config.c4c.keys() {
            self.context.store.forget_customers(id).await?;
        }
        Ok(())
    }
}
