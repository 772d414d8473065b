//! `conversation.record`: a follower's message becomes a social media activity, or a note of a ticket.
//!
//! It runs in the follower's `c4c:` lane: behind what makes their customer, and in the order in which
//! they spoke. After a lost answer it looks before it writes again.

use super::{Context, either, failed, pace, payload, unreadable};
use crate::c4c::activity::{Activity, NewActivity};
use crate::c4c::client::Client;
use crate::c4c::error::Error;
use crate::c4c::note::{NewNote, REPLY_FROM_CUSTOMER};
use crate::c4c::pace::Pace;
use crate::c4c::profile::{Bound, NewProfile, Profile};
use crate::config::{Account, IntoC4c, SocialChannel, Tenant, TicketFields};
use crate::domain::ids::{CustomerId, ObjectId};
use crate::domain::rows::{Changes, Follower, NewProfile as ProfileRow};
use crate::flows::record::{self, Assignee, HELD_NO_CUSTOMER, Standing, TICKET_MARK};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::{Conversation, Job, Said};

pub(super) struct ConversationRecord(pub(super) Context);

impl Handler for ConversationRecord {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.record(job).await) })
    }
}

/// What one attempt works with.
struct Attempt<'a> {
    context: &'a Context,
    pace: Pace,
    /// Whether an earlier attempt may have written it.
    looks: bool,
    said: &'a Said,
    conversation: Option<&'a Conversation>,
    account: &'a Account,
    tenant: &'a Tenant,
    client: &'a Client,
    customer: &'a (ObjectId, CustomerId),
}

impl ConversationRecord {
    async fn record(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let follower: Follower = payload(job)?;
        let store = &self.0.store;
        let live = self.0.live();
        let (account, _) = live.known_account(&follower.account)?;
        let (tenant, client) = live.known_tenant(&account.tenant)?;
        let message_id = job.message_id.unwrap_or_default();
        let Some(mut said) = store.said(message_id).await.map_err(unreadable)? else {
            return Ok(Outcome::cancelled("its message was deleted"));
        };
        if said.kind == "location" {
            let location = store.location_of_message(said.id).await;
            said.text = record::with_map(said.text, location.map_err(unreadable)?.as_ref());
        }
        if store.in_c4c(said.id).await.map_err(unreadable)?.is_some() {
            return Ok(Outcome::done_because("it stands in C4C already"));
        }
        let mapping = store.mapping(&follower).await.map_err(unreadable)?;
        let Some(customer) = mapping.and_then(|mapping| mapping.customer) else {
            return Ok(no_customer());
        };
        let conversation = store.conversation_of(&follower, said.id).await;
        let conversation = conversation.map_err(unreadable)?;
        let attempt = Attempt {
            context: &self.0,
            pace: pace(job),
            looks: job.uncertain || job.tries > 0,
            said: &said,
            conversation: conversation.as_ref(),
            account,
            tenant,
            client,
            customer: &customer,
        };
        match &account.conversation.into_c4c {
            IntoC4c::Off => Ok(Outcome::cancelled("into_c4c is off")),
            IntoC4c::Social(channel) => attempt.as_activity(channel).await,
            IntoC4c::Ticket(fields) => attempt.as_note(fields).await,
        }
    }
}

fn no_customer() -> Outcome {
    Outcome::Held {
        reason: HELD_NO_CUSTOMER,
        uncertain: false,
        failure: None,
        changes: Changes::none(),
    }
}

impl Attempt<'_> {
    fn key(&self) -> &str {
        self.said.msg_id.as_deref().unwrap_or_default()
    }

    async fn as_activity(&self, channel: &SocialChannel) -> Result<Outcome, Box<Outcome>> {
        let (profile, mut changes) = self.profile(channel).await?;
        let written = self.write_activity(channel, &profile).await;
        let activity = match written {
            Ok(activity) => activity,
            // The profile must not be made again.
            Err(error) => {
                let failure = error.failure();
                return Ok(Outcome::Failed { failure, changes });
            }
        };
        let (object_id, number) = (activity.object_id, activity.id);
        if let Some(conversation) = self
            .conversation
            .filter(|conversation| conversation.root_object_id.is_none())
        {
            changes.extend(record::rooted(
                conversation,
                self.account,
                &object_id,
                &number,
            ));
        }
        let standing = Standing {
            tenant: &self.account.tenant,
            kind: "activity",
            object_id,
            number: Some(number),
        };
        changes.extend(record::recorded(&standing, self.said));
        Ok(Outcome::done_with(changes))
    }

    async fn write_activity(
        &self,
        channel: &SocialChannel,
        profile: &ObjectId,
    ) -> Result<Activity, Error> {
        if self.looks
            && let Some(found) = self.client.find_activity(self.pace, self.key()).await?
        {
            return Ok(found);
        }
        let new = NewActivity {
            message_id: self.key(),
            profile,
            channel_code: &channel.code,
            channel_id: &channel.id,
            author: self.customer.1.as_str(),
            text: self.said.text.as_deref().unwrap_or_default(),
            root: self
                .conversation
                .and_then(|conversation| conversation.root_object_id.as_ref()),
            at: Some(self.said.created_at),
        };
        self.client.create_activity(self.pace, &new).await
    }

    /// The follower's profile, and what must be remembered of it.
    async fn profile(&self, channel: &SocialChannel) -> Result<(ObjectId, Changes), Box<Outcome>> {
        let follower = &self.said.follower;
        let known = self.context.store.profile(follower).await;
        if let Some(profile) = known.map_err(unreadable)? {
            return Ok((profile, Changes::none()));
        }
        let made = self.find_or_make_profile(channel).await.map_err(failed)?;
        let row = ProfileRow {
            follower: follower.clone(),
            object_id: made.object_id.clone(),
        };
        let changes = Changes {
            profiles: vec![row],
            ..Changes::none()
        };
        Ok((made.object_id, changes))
    }

    async fn find_or_make_profile(&self, channel: &SocialChannel) -> Result<Profile, Error> {
        let openid = &self.said.follower.openid;
        if let Some(found) = self.client.find_profile(self.pace, openid).await? {
            return Ok(found);
        }
        let role = self.tenant.customer.get("RoleCode");
        let new = NewProfile {
            openid,
            channel_code: &channel.code,
            channel_id: &channel.id,
            name: self.customer.1.as_str(),
            customer: Some(Bound {
                customer: &self.customer.0,
                role_code: role.map_or("CRM000", String::as_str),
            }),
        };
        self.client.create_profile(self.pace, &new).await
    }

    async fn as_note(&self, fields: &TicketFields) -> Result<Outcome, Box<Outcome>> {
        let zone = &self.context.live().config.server.time_zone;
        let text = record::note(self.said, zone);
        let note = NewNote {
            type_code: REPLY_FROM_CUSTOMER,
            text: &text,
            language: "",
        };
        let known = self
            .conversation
            .and_then(|conversation| conversation.ticket.clone());
        let opens = known.is_none();
        let (ticket, number) = match known {
            Some(ticket) => ticket,
            None => self.open(fields, &note).await.map_err(failed)?,
        };
        let mut changes = match self.conversation {
            Some(conversation) if opens => {
                let tenant = &self.account.tenant;
                let assignee = Assignee::of(conversation, self.account);
                record::ticketed(tenant, conversation.id, (ticket.clone(), number), assignee)
            }
            _ => Changes::none(),
        };
        let written = self.write_note(&ticket, &note, opens).await;
        let object_id = written.map_err(failed)?;
        let standing = Standing {
            tenant: &self.account.tenant,
            kind: "note",
            object_id,
            number: None,
        };
        changes.extend(record::recorded(&standing, self.said));
        Ok(Outcome::done_with(changes))
    }

    /// The ticket that this message opens, and its number; its first note comes with it.
    async fn open(
        &self,
        fields: &TicketFields,
        note: &NewNote<'_>,
    ) -> Result<(ObjectId, String), Error> {
        let agent = self.conversation.and_then(|c| c.agent.as_deref());
        let fields = record::ticket(fields, self.said, self.customer.1.as_str(), agent);
        let mut ticket = None;
        if self.looks {
            let mark = &fields[TICKET_MARK];
            let found = self.client.find_ticket_by(self.pace, TICKET_MARK, mark);
            ticket = found.await?;
        }
        let ticket = match ticket {
            Some(ticket) => ticket,
            None => self.client.create_ticket(self.pace, &fields, note).await?,
        };
        Ok((ticket.object_id, ticket.id))
    }

    /// The note's key; it may stand there already, where it came with its ticket or its answer was lost.
    async fn write_note(
        &self,
        ticket: &ObjectId,
        note: &NewNote<'_>,
        may_stand: bool,
    ) -> Result<ObjectId, Error> {
        if may_stand || self.looks {
            let notes = self.client.notes(self.pace, ticket).await?;
            let same = notes.into_iter().find(|one| one.text == note.text);
            if let Some(same) = same {
                return Ok(same.object_id);
            }
        }
        self.client.add_note(self.pace, ticket, note).await
    }
}
