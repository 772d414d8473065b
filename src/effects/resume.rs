//! `customer.resume`: a reread that was held while somebody was being linked goes on. Local.

use super::{either, payload};
use crate::flows::refresh::{Reread, resumed};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Decider, Outcome};
use crate::store::Job;

pub(super) struct CustomerResume;

impl Decider for CustomerResume {
    fn decide<'a>(&'a self, jobs: &'a [Job]) -> BoxFuture<'a, Vec<Outcome>> {
        let resume = |job| payload(job).map(|of: Reread| Outcome::done_with(resumed(&of)));
        Box::pin(async move { jobs.iter().map(|job| either(resume(job))).collect() })
    }
}
