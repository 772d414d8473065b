//! `customer.rename`: a better name of a follower has become known.

use super::{Context, either, failed, pace, payload, unreadable};
use crate::domain::rows::{Changes, MappingChange, Profile};
use crate::flows::customer::baseline;
use crate::flows::naming::{self, Rename};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct CustomerRename(pub(super) Context);

impl Handler for CustomerRename {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.rename(job).await) })
    }
}

impl CustomerRename {
    /// To rename twice does no harm, so nothing is looked for after a lost answer.
    async fn rename(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let rename: Rename = payload(job)?;
        let follower = &rename.follower;
        let live = self.0.live();
        let (account, _) = live.known_account(&follower.account)?;
        let (tenant, client) = live.known_tenant(&account.tenant)?;
        let mapping = self.0.store.mapping(follower).await;
        let Some(mapping) = mapping.map_err(unreadable)? else {
            return Ok(Outcome::cancelled("nobody is mapped any more"));
        };
        let Some((object, _)) = &mapping.customer else {
            return Ok(Outcome::cancelled("nobody is linked any more"));
        };
        let pace = pace(job);
        let stands = client.wechat_id(pace, object).await;
        let stands = stands.map_err(failed)?;
        let consent = self.0.store.consent(follower).await.map_err(unreadable)?;
        let before = Profile {
            name: mapping.name.clone(),
            avatar: consent.and_then(|consent| consent.profile.avatar),
        };
        let fields = naming::fields(tenant, &rename, &before, stands.as_deref());
        if !fields.is_empty() {
            let patched = client.patch(pace, object, &fields, None).await;
            patched.map_err(failed)?;
        }
        let read = client.customer(pace, object).await;
        let Some(customer) = read.map_err(failed)? else {
            return Ok(Outcome::cancelled("the customer is gone from C4C"));
        };
        let renamed = MappingChange {
            name: rename.name.filter(|name| !name.is_empty()),
            reason: mapping.reason.clone(),
            customer: mapping.customer.clone(),
            ..MappingChange::to(rename.follower, account.tenant.clone(), mapping.state)
        };
        let changes = Changes {
            mappings: vec![renamed],
            // So that nobody is told of a change that Qiao made itself.
            snapshots: vec![baseline(&account.tenant, tenant, &customer)],
            ..Changes::none()
        };
        Ok(Outcome::done_with(changes))
    }
}
