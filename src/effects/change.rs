//! `customer.change`: a follower has changed something of their own.

use std::collections::BTreeMap;

use super::{Context, either, failed, pace, payload, unreadable};
use crate::c4c::customer::Customer;
use crate::domain::rows::{Changes, MappingState};
use crate::flows::change::{Change, MOBILE, same_number};
use crate::flows::customer::baseline;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct CustomerChange(pub(super) Context);

impl Handler for CustomerChange {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.change(job).await) })
    }
}

impl CustomerChange {
    /// After a lost answer it looks first: to write the same twice does no harm, but an agent may have
    /// corrected it meanwhile.
    async fn change(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let change: Change = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&change.follower.account)?;
        let (tenant, client) = live.known_tenant(&account.tenant)?;
        let mapping = self.0.store.mapping(&change.follower).await;
        let mapping = mapping.map_err(unreadable)?;
        let stands = mapping.filter(|mapping| mapping.state == MappingState::Linked);
        let Some((object, _)) = stands.and_then(|mapping| mapping.customer) else {
            return Ok(Outcome::cancelled("they stand for no customer any more"));
        };
        let read = async || client.customer(pace(job), &object).await.map_err(failed);
        let gone = || Outcome::cancelled("the customer is gone from C4C");
        let stood = if job.uncertain { read().await? } else { None };
        let customer = match stood {
            Some(customer) if is_as_asked(&customer, &change) => customer,
            _ => {
                let fields = BTreeMap::from([(change.field.clone(), change.value.clone())]);
                let patched = client.patch(pace(job), &object, &fields, None).await;
                patched.map_err(failed)?;
                match read().await? {
                    Some(customer) => customer,
                    None => return Ok(gone()),
                }
            }
        };
        Ok(Outcome::done_with(Changes {
            // So that nobody is told of what they changed themselves.
            snapshots: vec![baseline(&account.tenant, tenant, &customer)],
            ..Changes::none()
        }))
    }
}

fn is_as_asked(customer: &Customer, change: &Change) -> bool {
    let stands = customer.field(&change.field).unwrap_or_default();
    match change.field.as_str() {
        MOBILE => same_number(stands, &change.value),
        _ => stands == change.value,
    }
}
