//! `reply.route`: an answer whose conversation Qiao does not know finds its follower through C4C.

use super::{Context, either, failed, payload, unreadable};
use crate::c4c::activity::Activity;
use crate::c4c::client::Client;
use crate::c4c::error::Error;
use crate::c4c::pace::Pace;
use crate::c4c::reply::{self, Reply};
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{Follower, MappingState};
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::reply::{Answer, Route, arrived};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::{Conversation, Job, StoreError};

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
        // An earlier answer of the same ticket may have made it known.
        let known = self.0.conversation_of_reply(&id, &reply).await;
        let (follower, conversation) = match known.map_err(unreadable)? {
            Some(conversation) => (conversation.follower.clone(), Some(conversation)),
            None => match self.behind_reply(&id, &reply).await? {
                Some(found) => found,
                None => return Ok(unknown()),
            },
        };
        let now = self.0.clock.now();
        let (account, _) = live.known_account(&follower.account)?;
        let changes = arrived(
            account,
            &follower,
            conversation.as_ref(),
            &Answer::from(&reply),
            now,
        );
        Ok(Outcome::done_with(changes))
    }

    /// The follower whose profile C4C has behind an answer, and their open conversation.
    async fn behind_reply(
        &self,
        id: &TenantId,
        reply: &Reply,
    ) -> Result<Option<(Follower, Option<Conversation>)>, Box<Outcome>> {
        let live = self.0.live();
        let (_, client) = live.known_tenant(id)?;
        let Some(profile) = profile_of_reply(client, reply).await.map_err(failed)? else {
            return Ok(None);
        };
        let Some(follower) = self.0.behind(id, client, Pace::Live, &profile).await? else {
            return Ok(None);
        };
        let newest = self.0.store.newest_conversations(&[&follower]).await;
        let conversation = newest.map_err(unreadable)?.remove(&follower);
        let open = conversation.filter(|conversation| conversation.open);
        Ok(Some((follower, open)))
    }
}

/// Whose profile wrote what is answered, by way of the answer's own activity.
async fn profile_of_reply(client: &Client, reply: &Reply) -> Result<Option<ObjectId>, Error> {
    let answer = client.activity_numbered(Pace::Live, &reply.sma_id).await?;
    if let Some(answer) = &answer
        && let Some(profile) = profile_of(client, Pace::Live, answer).await?
    {
        return Ok(Some(profile));
    }
    let Some(original) = &reply.original_id else {
        return Ok(None);
    };
    let original = client.find_activity(Pace::Live, original).await?;
    Ok(original.and_then(|original| original.profile))
}

/// Whom an answer is for: its own profile, else that of the message which began the conversation.
pub(super) async fn profile_of(
    client: &Client,
    pace: Pace,
    answer: &Activity,
) -> Result<Option<ObjectId>, Error> {
    if answer.profile.is_some() || answer.root == answer.object_id {
        return Ok(answer.profile.clone());
    }
    let root = client.activity(pace, &answer.root).await?;
    Ok(root.and_then(|root| root.profile))
}

impl Context {
    /// The conversation that an answer belongs to, as far as Qiao knows it by itself.
    pub async fn conversation_of_reply(
        &self,
        tenant: &TenantId,
        reply: &Reply,
    ) -> Result<Option<Conversation>, StoreError> {
        let Some(number) = &reply.ticket_number else {
            return Ok(None);
        };
        let live = self.live();
        let accounts = live.accounts_of(tenant);
        self.store.conversation_of_ticket(&accounts, number).await
    }

    /// The follower behind a profile, as far as it is one of ours who has not left.
    pub(super) async fn behind(
        &self,
        tenant: &TenantId,
        client: &Client,
        pace: Pace,
        profile: &ObjectId,
    ) -> Result<Option<Follower>, Box<Outcome>> {
        let theirs = client.profile_accounts(pace, profile).await;
        let theirs = theirs.map_err(failed)?;
        let live = self.live();
        for account in live.accounts_of(tenant) {
            for one in &theirs {
                let follower = Follower {
                    account: account.clone(),
                    openid: one.openid.clone(),
                };
                let mapping = self.store.mapping(&follower).await.map_err(unreadable)?;
                if mapping.is_some_and(|m| m.state != MappingState::Unfollowed) {
                    return Ok(Some(follower));
                }
            }
        }
        Ok(None)
    }
}

fn unknown() -> Outcome {
    let message =
        "neither Qiao nor C4C knows whom this answer is for; was the ticket made by hand?";
    Outcome::failed(Failure::new(Verdict::Permanent, message))
}
