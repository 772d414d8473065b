//! `customer.adopt`: the one customer in C4C that carries a follower's OpenID becomes theirs.
//!
//! It creates nothing and calls nobody but C4C: when there is not exactly one, nothing is done.

use super::{Context, either, failed, pace, payload, unreadable};
use crate::domain::rows::MappingState;
use crate::flows::customer::{self, Linking, Person};
use crate::flows::reconcile::repair::Adopt;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Ahead, Handler, Outcome};
use crate::store::Job;

pub(super) struct CustomerAdopt(pub(super) Context);

impl Handler for CustomerAdopt {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.adopt(job).await) })
    }

    /// It only reads.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

impl CustomerAdopt {
    async fn adopt(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Adopt { follower } = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&follower.account)?;
        let (tenant, client) = live.known_tenant(&account.tenant)?;
        let mapping = self.0.store.mapping(&follower).await.map_err(unreadable)?;
        if mapping
            .as_ref()
            .is_some_and(|m| m.state == MappingState::Unfollowed)
        {
            return Ok(Outcome::cancelled("the follower left"));
        }
        let found = client.find_by_openid(pace(job), &follower.openid).await;
        let mut hits = found.map_err(failed)?;
        hits.retain(|customer| !customer.obsolete);
        let [customer] = hits.as_slice() else {
            return Ok(Outcome::done_because(
                "not exactly one customer carries the OpenID any more",
            ));
        };
        let linking = Linking {
            follower: &follower,
            account,
            tenant,
            person: &Person::default(),
            customer,
            concern: None,
            tell: false,
        };
        let changes = customer::linked(&linking, self.0.clock.now());
        Ok(Outcome::done_with(changes))
    }
}
