//! `customer.identify`: a customer that lost its WeChat ID in C4C gets it back.

use super::{Context, either, failed, pace, payload, unreadable};
use crate::domain::rows::{Changes, MappingState};
use crate::flows::reconcile::repair::Identify;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct CustomerIdentify(pub(super) Context);

impl Handler for CustomerIdentify {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.identify(job).await) })
    }
}

impl CustomerIdentify {
    /// It looks before it writes, and to write twice does no harm.
    async fn identify(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Identify {
            follower,
            object_id,
        } = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&follower.account)?;
        let (_, client) = live.known_tenant(&account.tenant)?;
        let mapping = self.0.store.mapping(&follower).await.map_err(unreadable)?;
        let stands = mapping.is_some_and(|m| {
            let is_it = m.customer.is_some_and(|(object, _)| object == object_id);
            is_it && m.state == MappingState::Linked
        });
        if !stands {
            return Ok(Outcome::cancelled("they do not stand for it any more"));
        }
        let carried = client.wechat_id(pace(job), &object_id).await;
        if carried.map_err(failed)?.is_some() {
            return Ok(Outcome::done_because("it carries a WeChat ID again"));
        }
        let set = client.set_wechat_id(pace(job), &object_id, &follower.openid);
        set.await.map_err(failed)?;
        Ok(Outcome::done_with(Changes::none()))
    }
}
