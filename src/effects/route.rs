//! `reply.route`: an answer whose conversation Qiao does not know finds its follower through C4C.

use super::{Context, either, payload, unconfigured, unreadable};
use crate::c4c::client::Client;
use crate::c4c::error::Error;
use crate::c4c::pace::Pace;
use crate::c4c::reply::{self, Reply};
use crate::domain::ids::{AccountId, OpenId, TenantId};
use crate::domain::rows::{Follower, MappingState};
use crate::domain::verdict::{Failure, Verdict};
use crate::effects::Live;
use crate::flows::reply::{Route, arrived};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

pub(super) struct ReplyRoute(pub(super) Context);

impl Handler for ReplyRoute {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.route(job).await) })
    }
}

impl ReplyRoute {
    async fn route(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Route { tenant: id } = payload(job)?;
        let store = &self.0.store;
        let inbox_id = job.inbox_id.unwrap_or_default();
        let body = store.inbox_body(inbox_id).await.map_err(unreadable)?;
        let Some(reply) = body.and_then(|body| reply::parse(body.as_bytes()).ok()) else {
            return Ok(Outcome::cancelled("its text was deleted"));
        };
        let live = self.0.live();
        let (_, client) = live.tenant(&id).ok_or_else(|| unconfigured("the tenant"))?;
        let openids = openids_of(client, &reply).await.map_err(failed)?;
        let mut follower = None;
        for candidate in followers(&live, &id, &openids) {
            let mapping = store.mapping(&candidate).await.map_err(unreadable)?;
            if mapping.is_some_and(|m| m.state != MappingState::Unfollowed) {
                follower = Some(candidate);
            }
        }
        let Some(follower) = follower else {
            return Ok(unknown());
        };
        let mut talks = store.newest_talks(&[&follower]).await.map_err(unreadable)?;
        let talk = talks.remove(&follower).filter(|talk| talk.open);
        let now = self.0.clock.now();
        let (account, _) = live
            .account(&follower.account)
            .ok_or_else(|| unconfigured("the account"))?;
        let changes = arrived(account, &follower, talk.as_ref(), &reply, now);
        Ok(Outcome::done_with(changes))
    }
}

/// Those who may be meant: whose profile wrote what is answered, by way of the answer's own activity.
async fn openids_of(client: &Client, reply: &Reply) -> Result<Vec<OpenId>, Error> {
    let answer = client.activity_numbered(Pace::Live, &reply.sma_id).await?;
    let mut profile = answer
        .as_ref()
        .and_then(|activity| activity.profile.clone());
    if profile.is_none()
        && let Some(answer) = &answer
    {
        let root = client.activity(Pace::Live, &answer.root).await?;
        profile = root.and_then(|root| root.profile);
    }
    if profile.is_none()
        && let Some(original) = &reply.original_id
    {
        let original = client.find_activity(Pace::Live, original).await?;
        profile = original.and_then(|original| original.profile);
    }
    let Some(profile) = profile else {
        return Ok(Vec::new());
    };
    let accounts = client.profile_accounts(Pace::Live, &profile).await?;
    Ok(accounts.into_iter().map(|account| account.openid).collect())
}

fn followers(live: &Live, tenant: &TenantId, openids: &[OpenId]) -> Vec<Follower> {
    let accounts = live.config.wechat.iter();
    let accounts = accounts.filter(|(_, account)| account.tenant == *tenant);
    let each = |id: &AccountId| {
        let id = id.clone();
        let follower = move |openid: &OpenId| Follower {
            account: id.clone(),
            openid: openid.clone(),
        };
        openids.iter().map(follower).collect::<Vec<_>>()
    };
    accounts.flat_map(|(id, _)| each(id)).collect()
}

fn unknown() -> Outcome {
    let message =
        "neither Qiao nor C4C knows whom this answer is for; was the ticket made by hand?";
    Outcome::failed(Failure::new(Verdict::Permanent, message))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: Error) -> Box<Outcome> {
    Box::new(Outcome::failed(error.failure()))
}
