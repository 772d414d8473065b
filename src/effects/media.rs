//! `media.fetch`: what hangs on a message is downloaded before WeChat forgets it (wechat.md 2.3, 6).

use super::{Context, either, payload, unreadable};
use crate::domain::rows::{Changes, Follower, MediaContent};
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::media;
use crate::kit::file_name::proposed;
use crate::kit::media::MediaError;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Ahead, Handler, Outcome};
use crate::store::{Job, MediaRow, Said};

pub(super) struct MediaFetch(pub(super) Context);

impl Handler for MediaFetch {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.fetch(job).await) })
    }

    /// To fetch it twice does no harm: the bytes are kept once.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

impl MediaFetch {
    async fn fetch(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let follower: Follower = payload(job)?;
        let message_id = job.message_id.unwrap_or_default();
        let store = &self.0.store;
        let Some(said) = store.said(message_id).await.map_err(unreadable)? else {
            return Ok(Outcome::cancelled("its message was deleted"));
        };
        let media = store.media_of(message_id).await.map_err(unreadable)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&follower.account)?;
        let mut changes = Changes::none();
        for medium in media.iter().filter(|medium| medium.state == "wanted") {
            let fetched = self.one(&said, medium, job).await;
            match media::settled(medium, fetched, said.created_at, self.0.clock.now()) {
                Ok(change) => changes.media.push(change),
                // What was fetched before it is kept; the rest is tried again.
                Err(failure) => return Err(Box::new(Outcome::Failed { failure, changes })),
            }
        }
        changes.extend(media::follow_up(&said, &media, &changes.media, account));
        Ok(Outcome::done_with(changes))
    }

    async fn one(
        &self,
        said: &Said,
        medium: &MediaRow,
        job: &Job,
    ) -> Result<MediaContent, Failure> {
        let live = self.0.live();
        let account = &said.follower.account;
        let gone = || Failure::new(Verdict::Permanent, "WeChat named nothing to fetch");
        let (_, client) = live.account(account).ok_or_else(gone)?;
        let media_id = medium.media_id.as_deref().ok_or_else(gone)?;
        let attempts = u32::try_from(job.attempts + 1).unwrap_or(u32::MAX);
        let call = |token| async move { client.download_media(&token, media_id).await };
        let fetched = self.0.with_token(account, attempts, call).await;
        let fetched = fetched.map_err(|failed| failed.failure)?;
        let stored = self.0.media.put(fetched.bytes).await.map_err(unkept)?;
        let zone = &live.config.server.time_zone;
        let number = u64::try_from(said.id).unwrap_or_default();
        Ok(MediaContent {
            name: proposed(number, &medium.kind, said.created_at, zone, stored.kind),
            sha256: stored.sha256,
            bytes: stored.bytes,
            mime: stored.kind.mime().to_owned(),
        })
    }
}

/// The disk did not take it: it will pass.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unkept(fault: MediaError) -> Failure {
    Failure::new(Verdict::Transient, fault.to_string())
}
