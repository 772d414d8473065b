//! `reply.files`: what an agent attached to an answer is fetched from C4C, one file an attempt, and queued
//! for the follower. What has been queued is known by its key in C4C and never queued again.

use super::{Context, either, payload, unreadable};
use crate::c4c::attachment::{Attachment, Owner};
use crate::c4c::client::Client;
use crate::c4c::error::{Error, Kind};
use crate::c4c::pace::Pace;
use crate::domain::rows::{Changes, MediaContent};
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::files::{self, Files, Found, What};
use crate::kit::file_name::sanitised;
use crate::kit::media::MediaError;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;
use crate::wechat::upload::UploadKind;

/// How often an answer's activity is looked for. It may take C4C a moment to find what it has just
/// posted; a tenant that never finds it does not fill the dead letters.
const LOOKS: i64 = 4;

pub(super) struct ReplyFiles(pub(super) Context);

impl Handler for ReplyFiles {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.look(job).await) })
    }
}

impl ReplyFiles {
    async fn look(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let files: Files = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&files.follower.account)?;
        let (_, client) = live.known_tenant(&files.tenant)?;
        let answer = client.activity_numbered(Pace::Live, &files.number).await;
        let Some(answer) = answer.map_err(refused)? else {
            return Ok(not_found(job));
        };
        let owner = Owner::Activity(answer.object_id);
        let attached = client.attachments(Pace::Live, &owner).await;
        let mut new = self.new_ones(attached.map_err(refused)?).await?.into_iter();
        let now = self.0.clock.now();
        let mut changes = Changes::none();
        // One that is gone since it was listed is passed over.
        while changes.messages.is_empty()
            && let Some(attachment) = new.next()
        {
            if let Some(found) = self.fetch(client, &owner, &attachment).await? {
                changes = files::found(account, &files.follower, &found, now);
            }
        }
        if new.len() > 0 {
            changes.effects.push(files::again(&files, now));
        }
        Ok(Outcome::done_with(changes))
    }

    /// Those that nobody has queued yet.
    async fn new_ones(&self, all: Vec<Attachment>) -> Result<Vec<Attachment>, Box<Outcome>> {
        if all.is_empty() {
            return Ok(all);
        }
        let keys: Vec<_> = all.iter().map(|one| &one.object_id).collect();
        let known = self.0.store.known_attachments(&keys).await;
        let known = known.map_err(unreadable)?;
        let is_new = |one: &Attachment| !known.contains(&one.object_id);
        Ok(all.into_iter().filter(is_new).collect())
    }

    /// `None` when it is gone.
    async fn fetch(
        &self,
        client: &Client,
        owner: &Owner,
        attachment: &Attachment,
    ) -> Result<Option<Found>, Box<Outcome>> {
        let name = sanitised(&attachment.name);
        let what = match &attachment.link {
            Some(url) => What::Link(url.clone()),
            None => match client.attachment_bytes(Pace::Live, owner, attachment).await {
                Ok(Some(bytes)) => self.keep(bytes, &name).await?,
                Ok(None) => return Ok(None),
                Err(error) if error.kind == Kind::FileTooLarge => What::TooLarge,
                Err(error) => return Err(refused(error)),
            },
        };
        let object_id = attachment.object_id.clone();
        Ok(Some(Found {
            object_id,
            name,
            what,
        }))
    }

    async fn keep(&self, bytes: Vec<u8>, name: &str) -> Result<What, Box<Outcome>> {
        let stored = self.0.media.put(bytes).await.map_err(unkept)?;
        let content = MediaContent {
            name: name.to_owned(),
            sha256: stored.sha256,
            bytes: stored.bytes,
            mime: stored.kind.mime().to_owned(),
        };
        let fits = UploadKind::fitting(stored.kind, stored.bytes);
        Ok(What::File(content, fits))
    }
}

fn not_found(job: &Job) -> Outcome {
    let message = "C4C does not find the activity of this answer; its files, if any, are not sent";
    if job.attempts + 1 < LOOKS {
        Outcome::failed(Failure::new(Verdict::Transient, message))
    } else {
        Outcome::done_because(message)
    }
}

/// The right to read attachments may lack by itself: that is no reason to pause the tenant.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: Error) -> Box<Outcome> {
    let mut failure = error.failure();
    if matches!(error.kind, Kind::Forbidden { .. }) {
        failure = Failure::new(Verdict::Permanent, failure.message);
    }
    Box::new(Outcome::failed(failure))
}

/// The disk did not take it: it will pass.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unkept(fault: MediaError) -> Box<Outcome> {
    Box::new(Outcome::failed(Failure::new(
        Verdict::Transient,
        fault.to_string(),
    )))
}
