//! `ticket.reread` and `activity.reread`: answers that C4C does not post to us.
//!
//! An answer that is found is a fact that arrived: it is committed with a dedupe key, so that the mashup,
//! a notification and a sweep together let it be said once. What it is told by is its number or key in
//! C4C, which `activity` keeps for good.

use serde_json::json;

use super::route::profile_of;
use super::{Context, either, failed, pace, payload, unreadable};
use crate::c4c::activity::Activity;
use crate::c4c::client::Client;
use crate::c4c::pace::Pace;
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{Changes, Follower, MappingState, names};
use crate::domain::series;
use crate::domain::verdict::Verdict;
use crate::flows::pickup;
use crate::flows::refresh::Reread;
use crate::flows::reply::{self, Answer};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Ahead, Handler, Outcome};
use crate::store::{Arrival, Arrived, Conversation, Dedupe, Job};

/// What was refused and is kept for a person to look at; more says nothing new.
pub const KEPT_REJECTED: u64 = 1_000;

/// Tries of an activity while the answers behind it wait: about 20 seconds.
const TRIES_BEFORE_OTHERS: i64 = 4;

/// An answer, and for whom it is.
struct Found<'a> {
    tenant: &'a TenantId,
    follower: &'a Follower,
    conversation: Option<&'a Conversation>,
    answer: &'a Answer<'a>,
}

impl Context {
    /// Takes an answer that was found. Whether it was new.
    async fn take(&self, found: &Found<'_>) -> Result<bool, Box<Outcome>> {
        let Found {
            tenant,
            follower,
            conversation,
            answer,
        } = *found;
        let live = self.live();
        let (account, _) = live.known_account(&follower.account)?;
        let mapping = self.store.mapping(follower).await.map_err(unreadable)?;
        let state = mapping.map_or(MappingState::Pending, |mapping| mapping.state);
        let hopeless = answer.hopeless(state);
        let changes = match hopeless {
            None => reply::arrived(account, follower, conversation, answer, self.clock.now()),
            Some(why) => {
                let told = conversation.and_then(|conversation| {
                    reply::told(account, conversation, answer.key(), why.into())
                });
                Changes {
                    activities: vec![answer.known(tenant, None)],
                    effects: told.into_iter().collect(),
                    ..Changes::none()
                }
            }
        };
        if hopeless.is_some() {
            let kept = self.store.rejected(tenant.as_str()).await;
            if kept.map_err(unreadable)? >= KEPT_REJECTED {
                self.store.write(changes).await.map_err(unreadable)?;
                return Ok(true);
            }
        }
        // Its words stand in the message, and in C4C.
        let body = json!({ answer.kind: answer.key() }).to_string();
        let arrival = Arrival {
            kind: format!("reply:{}", answer.kind).into(),
            openid: Some(follower.openid.clone()),
            object_id: answer.object_id.cloned(),
            dedupe: Some(Dedupe {
                key: answer.dedupe_key(),
                remote: tenant.text(),
                sender: "".into(),
            }),
            rejected: hopeless.map(|why| why.to_string()),
            sent_at: answer.written_at,
            changes,
            ..Arrival::of_tenant(tenant, body)
        };
        let arrived = self.store.arrive(arrival).await.map_err(unreadable)?;
        let fresh = matches!(arrived, Arrived::New { .. });
        metrics::counter!(series::REPLIES, "new" => series::truth(fresh)).increment(1);
        Ok(fresh)
    }

    /// Takes an activity, if it is an agent's answer to a follower and not known. Whether it was new.
    pub(super) async fn take_activity(
        &self,
        tenant: &TenantId,
        client: &Client,
        pace: Pace,
        activity: &Activity,
    ) -> Result<bool, Box<Outcome>> {
        let store = &self.store;
        let Some(answer) = pickup::in_activity(activity, self.clock.now()) else {
            return Ok(false);
        };
        let known = store.is_activity_known(tenant, &activity.id).await;
        if known.map_err(unreadable)? {
            return Ok(false);
        }
        let conversation = {
            let live = self.live();
            let accounts = live.accounts_of(tenant);
            let conversation = store.conversation_of_root(&accounts, &activity.root).await;
            conversation.map_err(unreadable)?
        };
        let follower = match &conversation {
            Some(conversation) => Some(conversation.follower.clone()),
            None => self.by_profile(tenant, client, pace, activity).await?,
        };
        let Some(follower) = follower else {
            // Of another channel. That is remembered, so that nobody asks for it again.
            let changes = Changes {
                activities: vec![answer.known(tenant, None)],
                ..Changes::none()
            };
            store.write(changes).await.map_err(unreadable)?;
            return Ok(false);
        };
        let found = Found {
            tenant,
            follower: &follower,
            conversation: conversation.as_ref(),
            answer: &answer,
        };
        self.take(&found).await
    }

    async fn by_profile(
        &self,
        tenant: &TenantId,
        client: &Client,
        pace: Pace,
        activity: &Activity,
    ) -> Result<Option<Follower>, Box<Outcome>> {
        let profile = profile_of(client, pace, activity).await.map_err(failed)?;
        match profile {
            Some(profile) => self.behind(tenant, client, pace, &profile).await,
            None => Ok(None),
        }
    }
}

pub(super) struct TicketReread(pub(super) Context);

impl Handler for TicketReread {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.reread(job).await) })
    }

    /// It reads, and what it takes is known by its key.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

impl TicketReread {
    async fn reread(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Reread {
            tenant: id,
            object_id,
        } = payload(job)?;
        let live = self.0.live();
        let (_, client) = live.known_tenant(&id)?;
        let accounts = live.accounts_of(&id);
        let conversations = self
            .0
            .store
            .conversations_of_tickets(&accounts, &[&object_id])
            .await;
        let Some(conversation) = conversations.map_err(unreadable)?.pop() else {
            // Cancelled, since it says nothing about the tenant: it must not open a closed gate.
            return Ok(Outcome::cancelled("no conversation has this ticket"));
        };
        let (account, _) = live.known_account(&conversation.follower.account)?;
        let pace = pace(job);
        let ticket = client.ticket(pace, &object_id).await.map_err(failed)?;
        let Some(ticket) = ticket else {
            return Ok(Outcome::done_because("the ticket was deleted in C4C"));
        };
        let mut taken = 0;
        if let Some(type_code) = &account.conversation.reply_note {
            let notes = Notes {
                tenant: &id,
                ticket: &object_id,
                type_code,
            };
            taken = self.take_notes(client, pace, &notes, &conversation).await?;
        }
        let end = pickup::completed(&ticket, &conversation, self.0.clock.now());
        Ok(Outcome::Done {
            note: Some(format!("{taken} answers found")),
            changes: Changes {
                conversations: end.into_iter().collect(),
                ..Changes::none()
            },
        })
    }

    /// Takes what agents wrote on the ticket, in their order; how many that were.
    async fn take_notes(
        &self,
        client: &Client,
        pace: Pace,
        of: &Notes<'_>,
        conversation: &Conversation,
    ) -> Result<usize, Box<Outcome>> {
        let notes = client.notes(pace, of.ticket).await.map_err(failed)?;
        let now = self.0.clock.now();
        let answers = notes
            .iter()
            .filter_map(|note| Some((&note.object_id, pickup::in_note(note, of.type_code, now)?)));
        let (keys, answers): (Vec<&ObjectId>, Vec<Answer<'_>>) = answers.unzip();
        let known = self.0.store.known_activities(of.tenant, &keys).await;
        let known = known.map_err(unreadable)?;
        let mut taken = 0;
        for (_, answer) in keys
            .iter()
            .zip(&answers)
            .filter(|(key, _)| !known.contains(key))
        {
            let found = Found {
                tenant: of.tenant,
                follower: &conversation.follower,
                conversation: Some(conversation),
                answer,
            };
            taken += usize::from(self.0.take(&found).await?);
        }
        Ok(taken)
    }
}

/// Which notes are looked for.
struct Notes<'a> {
    tenant: &'a TenantId,
    ticket: &'a ObjectId,
    type_code: &'a str,
}

pub(super) struct ActivityReread(pub(super) Context);

impl Handler for ActivityReread {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { stepped_aside(job, either(self.reread(job).await)) })
    }

    /// As for tickets.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

/// What cannot be read again and again lets the others pass, and is tried beside them.
fn stepped_aside(job: &Job, outcome: Outcome) -> Outcome {
    let Outcome::Failed { failure, .. } = &outcome else {
        return outcome;
    };
    let is_its_own = failure.verdict == Verdict::Transient && failure.pause.is_none();
    match payload::<Reread>(job) {
        Ok(Reread { tenant, object_id })
            if is_its_own
                && job.attempts + 1 >= TRIES_BEFORE_OTHERS
                && *job.lane == *names::answers_lane(&tenant) =>
        {
            Outcome::Cancelled {
                reason: format!("it is tried beside the others: {}", failure.message),
                changes: Changes {
                    effects: vec![pickup::activity_alone(&tenant, &object_id)],
                    ..Changes::none()
                },
            }
        }
        _ => outcome,
    }
}

impl ActivityReread {
    async fn reread(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Reread {
            tenant: id,
            object_id,
        } = payload(job)?;
        let live = self.0.live();
        let (_, client) = live.known_tenant(&id)?;
        let known = self.0.store.known_activities(&id, &[&object_id]).await;
        if !known.map_err(unreadable)?.is_empty() {
            return Ok(Outcome::cancelled("the activity is known"));
        }
        let activity = client.activity(Pace::Live, &object_id).await;
        let Some(activity) = activity.map_err(failed)? else {
            return Ok(Outcome::done_because("the activity was deleted in C4C"));
        };
        let taken = self.0.take_activity(&id, client, Pace::Live, &activity);
        Ok(if taken.await? {
            Outcome::done()
        } else {
            Outcome::done_because("no new answer to a follower")
        })
    }
}
