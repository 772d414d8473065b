//! `customer.obsolete`: the customer of a person who was erased is taken out of use in C4C.

use super::{Context, either, failed, pace, payload};
use crate::flows::privacy::Obsolete;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct CustomerObsolete(pub(super) Context);

impl Handler for CustomerObsolete {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.make_obsolete(job).await) })
    }
}

impl CustomerObsolete {
    /// It looks first, so a lost answer needs no other care.
    async fn make_obsolete(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Obsolete { tenant, object_id } = payload(job)?;
        let live = self.0.live();
        let (_, client) = live.known_tenant(&tenant)?;
        let read = client.customer(pace(job), &object_id).await;
        let Some(customer) = read.map_err(failed)? else {
            return Ok(Outcome::cancelled("the customer is gone from C4C"));
        };
        if !customer.obsolete {
            let (fields, etag) = (customer.out_of_use(), customer.etag.as_deref());
            let patched = client.patch(pace(job), &object_id, &fields, etag).await;
            patched.map_err(failed)?;
        }
        Ok(Outcome::done())
    }
}
