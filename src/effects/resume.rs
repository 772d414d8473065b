//! `customer.resume`: a reread that was held while somebody was being linked goes on. Local: it
//! calls nobody.

use super::{either, payload};
use crate::flows::refresh::{Reread, resumed};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct CustomerResume;

impl Handler for CustomerResume {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        let outcome = payload(job).map(|of: Reread| Outcome::done_with(resumed(&of)));
        Box::pin(async move { either(outcome) })
    }
}
