//! `follower.acted`: windows, held sends and first contact. Local: it calls nobody.

use super::{Context, either, payload, unconfigured, unreadable};
use crate::flows::contact::{self, Acted};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct FollowerActed(pub(super) Context);

impl Handler for FollowerActed {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.follow_up(job).await) })
    }
}

impl FollowerActed {
    async fn follow_up(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let acted: Acted = payload(job)?;
        let live = self.0.live();
        let (account, _) = live
            .account(&acted.follower.account)
            .ok_or_else(|| unconfigured("the account"))?;
        let mapping = self
            .0
            .store
            .mapping(&acted.follower)
            .await
            .map_err(unreadable)?;
        Ok(Outcome::done_with(contact::decide(
            &acted,
            mapping.as_ref(),
            &account.tenant,
        )))
    }
}
