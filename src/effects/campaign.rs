//! `customer.campaign`: a customer who exists gets the fields that tell of the campaign.

use super::{Context, either, failed, pace, payload, unreadable};
use crate::domain::rows::{Changes, names};
use crate::flows::customer::baseline;
use crate::flows::qr::Campaign;
use crate::flows::record::HELD_NO_CUSTOMER;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct CustomerCampaign(pub(super) Context);

impl Handler for CustomerCampaign {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.note(job).await) })
    }
}

impl CustomerCampaign {
    /// It writes what differs, so that it may run again, and writes nothing to one who was just made with it.
    async fn note(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let campaign: Campaign = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&campaign.follower.account)?;
        let (tenant, client) = live.known_tenant(&account.tenant)?;
        let mapping = self.0.store.mapping(&campaign.follower).await;
        let customer = mapping.map_err(unreadable)?.and_then(|m| m.customer);
        let Some((object, _)) = customer else {
            return Ok(Outcome::Held {
                reason: HELD_NO_CUSTOMER,
                uncertain: false,
                failure: None,
                changes: Changes::none(),
            });
        };
        // In the customer's own lane: C4C's notification of the change is read after the baseline is renewed.
        let lane = names::object_lane(&account.tenant, &object);
        if job.lane != lane {
            return Ok(Outcome::done_with(Changes {
                effects: vec![campaign.effect(lane, &account.tenant)],
                ..Changes::none()
            }));
        }
        let pace = pace(job);
        let read = client.customer(pace, &object).await.map_err(failed)?;
        let Some(customer) = read.filter(|customer| !customer.obsolete) else {
            return Ok(Outcome::cancelled("the customer is gone from C4C"));
        };
        let mut fields = campaign.fields(tenant);
        fields.retain(|field, value| customer.field(field) != Some(value));
        if fields.is_empty() {
            return Ok(Outcome::done_because("it stands there already"));
        }
        let etag = customer.etag.as_deref();
        let patched = client.patch(pace, &object, &fields, etag).await;
        patched.map_err(failed)?;
        let read = client.customer(pace, &object).await.map_err(failed)?;
        // So that nobody is told of a change that Qiao made itself.
        let known = read.map(|customer| baseline(&account.tenant, tenant, &customer));
        Ok(Outcome::done_with(Changes {
            snapshots: known.into_iter().collect(),
            ..Changes::none()
        }))
    }
}
