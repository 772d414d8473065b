//! `answers.sweep`: everything that agents did lately in a tenant is looked through, because it tells us
//! nothing by itself.

use jiff::Timestamp;

use super::{Context, either, failed, payload, unreadable};
use crate::c4c::client::Client;
use crate::c4c::pace::Pace;
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{Changes, NewEffect, Priority};
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::pickup;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Ahead, Handler, Outcome};
use crate::store::Job;

/// A sweep reads at most this many pages of 1,000 of each list; another one reads the rest.
const MAX_PAGES: usize = 20;

pub(super) struct AnswersSweep(pub(super) Context);

impl Handler for AnswersSweep {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.sweep(job).await.map_err(for_a_later_sweep)) })
    }

    /// It reads, and what it takes is known by its key.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

impl AnswersSweep {
    async fn sweep(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let pickup::AnswersSweep { tenant: id, since } = payload(job)?;
        let live = self.0.live();
        let (_, client) = live.known_tenant(&id)?;
        let (taken, answers_left) = self.answers(client, &id, since).await?;
        let (mut changes, tickets_left) = self.tickets(client, &id, since).await?;
        let note = format!(
            "{taken} answers found, {} tickets are read again",
            changes.effects.len()
        );
        let left = answers_left.into_iter().chain(tickets_left).min();
        // Not merged: what waits already begins later.
        changes.effects.extend(left.map(|since| {
            let rest = pickup::sweep(&id, since);
            NewEffect {
                merge: false,
                ..rest
            }
        }));
        Ok(Outcome::Done {
            note: Some(note),
            changes,
        })
    }

    /// Takes agents' activities, in their order: how many, and from where on they were not read.
    async fn answers(
        &self,
        client: &Client,
        id: &TenantId,
        since: Timestamp,
    ) -> Result<(usize, Option<Timestamp>), Box<Outcome>> {
        let (mut taken, mut page, mut last) = (0, None, since);
        for _ in 0..MAX_PAGES {
            let read = client.answers_changed_since(Pace::Bulk, since, page.as_deref());
            let read = read.await.map_err(failed)?;
            for activity in &read.rows {
                let is_new = self.0.take_activity(id, client, Pace::Bulk, activity);
                taken += usize::from(is_new.await?);
                last = activity.changed_at.unwrap_or(last);
            }
            page = read.next;
            if page.is_none() {
                return Ok((taken, None));
            }
        }
        Ok((taken, Some(last)))
    }

    /// What reads the changed tickets of conversations again, and from where on they were not looked
    /// at.
    async fn tickets(
        &self,
        client: &Client,
        id: &TenantId,
        since: Timestamp,
    ) -> Result<(Changes, Option<Timestamp>), Box<Outcome>> {
        let live = self.0.live();
        let accounts = live.accounts_of(id);
        let mut changes = Changes::none();
        let (mut page, mut last) = (None, since);
        for _ in 0..MAX_PAGES {
            let read = client.tickets_changed_since(Pace::Bulk, since, page.as_deref());
            let read = read.await.map_err(failed)?;
            let keys: Vec<&ObjectId> = read.rows.iter().map(|ticket| &ticket.object_id).collect();
            let conversations = self
                .0
                .store
                .conversations_of_tickets(&accounts, &keys)
                .await;
            let conversations = conversations.map_err(unreadable)?;
            let ours = conversations
                .iter()
                .filter_map(|conversation| conversation.ticket.as_ref());
            let again = ours.map(|(ticket, _)| pickup::ticket(id, ticket, Priority::Bulk));
            changes.effects.extend(again);
            last = read
                .rows
                .iter()
                .filter_map(|row| row.changed_at)
                .next_back()
                .unwrap_or(last);
            page = read.next;
            if page.is_none() {
                return Ok((changes, None));
            }
        }
        Ok((changes, Some(last)))
    }
}

/// A tenant that cannot be asked like this would leave a dead letter a minute. Instead this one is tried
/// ever more rarely, and those behind it merge with it.
fn for_a_later_sweep(mut outcome: Box<Outcome>) -> Box<Outcome> {
    if let Outcome::Failed { failure, .. } = &mut *outcome
        && failure.verdict == Verdict::Permanent
    {
        let message = std::mem::take(&mut failure.message);
        *failure = Failure::new(Verdict::Transient, message);
    }
    outcome
}
