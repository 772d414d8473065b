//! `conversation.attach`: a medium is attached to what stands for its message in C4C, or its lack is
//! told there. Behind the message in the follower's `c4c:` lane.

use super::{Context, either, failed, payload, unreadable};
use crate::c4c::attachment::{NewFile, Owner};
use crate::c4c::client::Client;
use crate::c4c::error::Error;
use crate::c4c::pace::Pace;
use crate::domain::rows::{Changes, Follower};
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::media::Attach;
use crate::flows::record::HELD_NOT_RECORDED;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::{InC4c, Job, MediaRow};

pub(super) struct ConversationAttach(pub(super) Context);

impl Handler for ConversationAttach {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.attach(job).await) })
    }
}

impl ConversationAttach {
    async fn attach(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Attach { follower, medium } = payload(job)?;
        let message_id = job.message_id.unwrap_or_default();
        let store = &self.0.store;
        let media = store.media_of(message_id).await.map_err(unreadable)?;
        let Some(medium) = media.into_iter().find(|row| row.id == medium) else {
            return Ok(Outcome::cancelled("its message was deleted"));
        };
        let live = self.0.live();
        let (account, _) = live.known_account(&follower.account)?;
        let (_, client) = live.known_tenant(&account.tenant)?;
        let standing = store.in_c4c(message_id).await.map_err(unreadable)?;
        let owner = match standing {
            Some(standing) => self.owner(standing, &follower, message_id).await?,
            None => None,
        };
        let Some(owner) = owner else {
            return Ok(waits());
        };
        let file = self.file(&medium).await?;
        let looks = job.uncertain || job.tries > 0;
        if looks && is_attached(client, &owner, &file).await.map_err(failed)? {
            return Ok(Outcome::done_because("it is attached already"));
        }
        let file = NewFile {
            name: &file.name,
            mime: &file.mime,
            bytes: &file.bytes,
        };
        client
            .attach(Pace::Live, &owner, &file)
            .await
            .map_err(failed)?;
        Ok(Outcome::done())
    }

    /// What stands for the message: its activity, or the ticket of its conversation.
    async fn owner(
        &self,
        standing: InC4c,
        follower: &Follower,
        message_id: i64,
    ) -> Result<Option<Owner>, Box<Outcome>> {
        if standing.kind == "activity" {
            return Ok(standing.object_id.map(Owner::Activity));
        }
        let conversation = self.0.store.conversation_of(follower, message_id).await;
        let ticket = conversation
            .map_err(unreadable)?
            .and_then(|conversation| conversation.ticket);
        Ok(ticket.map(|(ticket, _)| Owner::Ticket(ticket)))
    }

    /// The medium, or a text that says why there is none.
    async fn file(&self, medium: &MediaRow) -> Result<File, Box<Outcome>> {
        let Some(sha256) = &medium.sha256 else {
            let reason = medium.reason.as_deref().unwrap_or_default();
            return Ok(File {
                name: format!("media_missing_{}.txt", medium.id),
                mime: "text/plain".to_owned(),
                bytes: format!(
                    "media_missing: this {} cannot be had any more: {reason}\n",
                    medium.kind
                )
                .into_bytes(),
            });
        };
        let read = self.0.media.get(sha256).await;
        let bytes = read.map_err(|fault| {
            Box::new(Outcome::failed(Failure::new(
                Verdict::Transient,
                fault.to_string(),
            )))
        })?;
        Ok(File {
            name: medium.name.clone().unwrap_or_else(|| sha256.clone()),
            mime: medium.mime.clone().unwrap_or_default(),
            bytes,
        })
    }
}

struct File {
    name: String,
    mime: String,
    bytes: Vec<u8>,
}

/// The message itself is not there yet.
fn waits() -> Outcome {
    Outcome::Held {
        reason: HELD_NOT_RECORDED,
        uncertain: false,
        failure: None,
        changes: Changes::none(),
    }
}

/// Names are unique: they hold the number of the message.
async fn is_attached(client: &Client, owner: &Owner, file: &File) -> Result<bool, Error> {
    let attached = client.attachments(Pace::Live, owner).await?;
    Ok(attached
        .iter()
        .any(|attachment| attachment.name == file.name))
}
