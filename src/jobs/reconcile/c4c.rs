//! The stages that read C4C: WeChat IDs, customers, and what changed lately.

use jiff::{SignedDuration, Timestamp};

use super::RECONCILE;
use super::stages::Stage;
use super::walk::{Stop, Walk, why};
use crate::c4c::error::Error;
use crate::c4c::pace::Pace;
use crate::domain::ids::TenantId;
use crate::effects::StalePage;
use crate::flows::reconcile::Drift;
use crate::store::SeenCustomer;

/// Sweeps overlap: C4C's stamps and our clock may differ, and `ge` returns the boundary again.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// How far back the first sweep of an installation goes.
const FIRST_SWEEP: SignedDuration = SignedDuration::from_hours(24);

impl Walk<'_> {
    /// Reads the WeChat IDs, where they live in a service of their own.
    pub(super) async fn carried(&mut self, id: &TenantId) -> Result<(), Stop> {
        let live = self.context.live();
        let Some((_, client)) = live.tenant(id) else {
            return Ok(());
        };
        let store = &self.context.store;
        let mut from = self.resume.at.take();
        if from.is_none() {
            store.forget_customers(id).await?;
        }
        loop {
            let page = client.carried(Pace::Bulk, from.as_deref()).await;
            let Some(page) = page.map_err(unread)? else {
                return Ok(());
            };
            let seen = page.rows.into_iter().map(|row| SeenCustomer {
                object_id: row.object_id,
                wechat_id: Some(row.wechat_id),
                active: None,
            });
            let seen: Vec<SeenCustomer> = seen.collect();
            store.mark_customers(id, &seen).await?;
            from = page.next;
            self.note(from.clone(), seen.len()).await?;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Reads the customers.
    pub(super) async fn customers(&mut self, id: &TenantId) -> Result<(), Stop> {
        let live = self.context.live();
        let Some((_, client)) = live.tenant(id) else {
            return Ok(());
        };
        let store = &self.context.store;
        let mut from = self.resume.at.take();
        loop {
            let page = client.listed(Pace::Bulk, from.as_deref()).await;
            let page = page.map_err(unread)?;
            let seen = page.rows.into_iter().map(|row| SeenCustomer {
                object_id: row.object_id,
                wechat_id: row.wechat_id,
                active: Some(row.active),
            });
            let seen: Vec<SeenCustomer> = seen.collect();
            store.mark_customers(id, &seen).await?;
            from = page.next;
            self.note(from.clone(), seen.len()).await?;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Customers that changed since the last whole run, and no notification said so.
    pub(super) async fn stale(&mut self, id: &TenantId) -> Result<(), Stop> {
        let context = self.context;
        let stage = Stage::Stale(id.clone()).to_string();
        let last = context.store.last_walk(RECONCILE, &stage).await?;
        let since = match last {
            Some(at) => at.saturating_sub(OVERLAP),
            None => self.resume.began.saturating_sub(FIRST_SWEEP),
        };
        let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut page = self.resume.at.take();
        loop {
            let read = context.stale_page(id, since, page.as_deref()).await;
            // Those that are gone have been found by the walk over all customers.
            let StalePage { stale, next, .. } = read.map_err(|outcome| why(&outcome))?;
            let rows = stale.len();
            for object in stale {
                self.found(&Drift::StaleSnapshot(object), id)?;
            }
            page = next;
            self.note(page.clone(), rows).await?;
            if page.is_none() {
                return Ok(());
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn unread(error: Error) -> Stop {
    Stop::Fault(error.failure().message)
}
