//! `customer.sweep`: everything that changed lately in a tenant is looked through, because a
//! notification came that nobody could read.

use jiff::{SignedDuration, Timestamp};

use super::{Context, either, payload, unreadable};
use crate::c4c::pace::Pace;
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{Changes, MappingState, Priority};
use crate::flows::notice::{self, Difference};
use crate::flows::refresh::{Sweep, reread};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Ahead, Handler, Outcome};
use crate::store::Job;

/// How far back an unreadable notification may point: it was sent when something was saved, and
/// C4C is not known to hold one back longer.
const BACK: SignedDuration = SignedDuration::from_hours(1);

/// A sweep reads at most this many pages of 1,000; what is older is left to reconciliation.
const MAX_PAGES: usize = 20;

pub(super) struct CustomerSweep(pub(super) Context);

impl Handler for CustomerSweep {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.sweep(job).await) })
    }

    /// It only reads.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

impl CustomerSweep {
    async fn sweep(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Sweep { tenant: id } = payload(job)?;
        let since = job
            .created_at
            .saturating_sub(BACK)
            .unwrap_or(job.created_at);
        let mut changes = Changes::none();
        let mut page = None;
        for _ in 0..MAX_PAGES {
            let StalePage { stale, gone, next } =
                self.0.stale_page(&id, since, page.as_deref()).await?;
            changes.effects.extend(
                stale
                    .iter()
                    .chain(&gone)
                    .map(|object| reread(&id, object, Priority::Bulk)),
            );
            page = next;
            if page.is_none() {
                break;
            }
        }
        let note = Some(format!(
            "{} customers are read again",
            changes.effects.len()
        ));
        Ok(Outcome::Done { note, changes })
    }
}

/// A page of a sweep.
#[derive(Debug)]
pub struct StalePage {
    /// Customers whose baseline is out of date.
    pub stale: Vec<ObjectId>,
    /// Customers that are obsolete and for whom somebody stands all the same.
    pub gone: Vec<ObjectId>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<String>,
}

impl Context {
    /// One page of the customers changed since `since` that somebody follows and whose watched
    /// fields differ from their baseline.
    pub async fn stale_page(
        &self,
        id: &TenantId,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<StalePage, Box<Outcome>> {
        let live = self.live();
        let (tenant, client) = live.known_tenant(id)?;
        let read = client.changed_since(Pace::Bulk, since, page).await;
        let read = read.map_err(|error| Box::new(Outcome::failed(error.failure())))?;
        let (mut stale, mut gone) = (Vec::new(), Vec::new());
        for customer in read.customers {
            let object = &customer.object_id;
            let mappings = self.store.mappings_of(id, object).await;
            let mappings = mappings.map_err(unreadable)?;
            if customer.obsolete {
                let linked = mappings.iter().any(|m| m.state == MappingState::Linked);
                gone.extend(linked.then_some(customer.object_id));
                continue;
            }
            if mappings.is_empty() {
                continue;
            }
            let before = self.store.snapshot(id, object).await.map_err(unreadable)?;
            if notice::compare(before.as_ref(), &customer, tenant) != Difference::Nothing {
                stale.push(customer.object_id);
            }
        }
        Ok(StalePage {
            stale,
            gone,
            next: read.next,
        })
    }
}
