//! `follower.move`: the account was migrated, and one of its followers has another OpenID since
//! (wechat.md 5). Their customer carries the new one from now on, and a new mapping stands for it.

use super::{Context, either, failed, pace, payload, unreadable};
use crate::domain::rows::Follower;
use crate::flows::migration::{self, Moving};
use crate::flows::reconcile::repair::Move;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct FollowerMove(pub(super) Context);

impl Handler for FollowerMove {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.move_on(job).await) })
    }
}

impl FollowerMove {
    /// To write the same WeChat ID twice does no harm, so nothing is looked for after a lost answer.
    async fn move_on(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Move { follower, to } = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&follower.account)?;
        let (_, client) = live.known_tenant(&account.tenant)?;
        let new = Follower {
            account: follower.account.clone(),
            openid: to,
        };
        let store = &self.0.store;
        let from = store.mapping(&follower).await.map_err(unreadable)?;
        let present = store.mapping(&new).await.map_err(unreadable)?;
        let moving = match migration::look(from.as_ref(), present.as_ref()) {
            Ok(moving) => moving,
            Err(reason) => return Ok(Outcome::cancelled(reason)),
        };
        if let Moving::Linked((object, _)) = &moving {
            let set = client.set_wechat_id(pace(job), object, &new.openid);
            set.await.map_err(failed)?;
        }
        let from = from.expect("without one it was cancelled");
        Ok(Outcome::done_with(migration::moved(
            &from,
            &new,
            moving,
            &account.tenant,
        )))
    }
}
