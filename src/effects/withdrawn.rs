//! `consent.withdrawn`: a follower tells their name and avatar no more. Local: it calls nobody.

use super::{Context, either, payload, unreadable};
use crate::flows::consent::{self, Known, Withdrawn};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Decider, Outcome};
use crate::store::Job;

pub(super) struct ConsentWithdrawn(pub(super) Context);

impl Decider for ConsentWithdrawn {
    /// One at a time: they are rare, and a second one sees what the first has done.
    fn decide<'a>(&'a self, jobs: &'a [Job]) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(async move {
            match jobs.first() {
                Some(job) => vec![either(self.withdraw(job).await)],
                None => Vec::new(),
            }
        })
    }
}

impl ConsentWithdrawn {
    async fn withdraw(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let of: Withdrawn = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&of.follower.account)?;
        let (tenant, _) = live.known_tenant(&account.tenant)?;
        let store = &self.0.store;
        let mapping = store.mapping(&of.follower).await.map_err(unreadable)?;
        let consent = store.consent(&of.follower).await.map_err(unreadable)?;
        let known = Known {
            mapping: mapping.as_ref(),
            consent: consent.as_ref(),
            account,
            tenant,
        };
        Ok(Outcome::done_with(consent::withdrawn(&of, &known)))
    }
}
