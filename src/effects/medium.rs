//! Sending the medium of a message: uploaded first, then sent by its id (wechat.md 6).
//!
//! An upload reaches nobody, so it is made anew with every attempt; only the send after it may be uncertain.

use super::send::{Attempt, WechatSend};
use super::tokens::CallFailure;
use crate::domain::rows::Follower;
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::sending;
use crate::kit::file_type::FileType;
use crate::wechat::codes::Sense;
use crate::wechat::custom::VideoMessage;
use crate::wechat::upload::UploadKind;

/// WeChat wants a still picture beside a video, and C4C has none: a sign that it can be played.
const STILL: &[u8] = include_bytes!("still.jpg");

impl WechatSend {
    /// Sends what hangs on the message, or names it where WeChat does not take it.
    pub(super) async fn send_medium(&self, attempt: &Attempt<'_>) -> Result<(), CallFailure> {
        let bytes = self.bytes(attempt).await?;
        let Some(kind) = UploadKind::fitting(FileType::of(&bytes), bytes.len() as u64) else {
            return self.name(attempt).await;
        };
        let sent = self.upload_and_send(attempt, kind, &bytes).await;
        match sent {
            // Forgotten in the moment between: it is uploaded once more, and not forever.
            Err(CallFailure {
                sense: Some(Sense::MediaGone),
                ..
            }) => self.upload_and_send(attempt, kind, &bytes).await,
            sent => sent,
        }
    }

    async fn upload_and_send(
        &self,
        attempt: &Attempt<'_>,
        kind: UploadKind,
        bytes: &[u8],
    ) -> Result<(), CallFailure> {
        let still = match kind {
            UploadKind::Video => self.upload(attempt, UploadKind::Thumb, STILL).await?,
            _ => String::new(),
        };
        let media_id = match self.upload(attempt, kind, bytes).await {
            Ok(media_id) => media_id,
            // It looks like what WeChat takes, and is not: a voice of more than a minute, for example.
            Err(failed) if failed.failure.verdict == Verdict::Permanent => {
                return self.name(attempt).await;
            }
            Err(failed) => return Err(failed),
        };
        let Follower { account, openid } = &attempt.send.follower;
        let (client, media_id) = (attempt.client, media_id.as_str());
        let video = VideoMessage {
            media_id,
            thumb_media_id: &still,
            title: attempt.text,
            description: "",
        };
        let send = |token| async move {
            match kind {
                UploadKind::Voice => client.send_voice(&token, openid, media_id).await,
                UploadKind::Video => client.send_video(&token, openid, video).await,
                UploadKind::Image | UploadKind::Thumb => {
                    client.send_image(&token, openid, media_id).await
                }
            }
        };
        self.0.with_token(account, attempt.tries(), send).await
    }

    /// The file's media_id.
    async fn upload(
        &self,
        attempt: &Attempt<'_>,
        kind: UploadKind,
        bytes: &[u8],
    ) -> Result<String, CallFailure> {
        let account = &attempt.send.follower.account;
        let client = attempt.client;
        let upload = |token| async move { client.upload_media(&token, kind, bytes).await };
        self.0.with_token(account, attempt.tries(), upload).await
    }

    async fn name(&self, attempt: &Attempt<'_>) -> Result<(), CallFailure> {
        let words = sending::named(attempt.account, attempt.text);
        let text = if words.is_empty() {
            attempt.text
        } else {
            &words
        };
        self.send_text(attempt, text).await
    }

    async fn bytes(&self, attempt: &Attempt<'_>) -> Result<Vec<u8>, Failure> {
        let lost = |verdict| move |fault: String| Failure::new(verdict, fault);
        let message_id = attempt.job.message_id.unwrap_or_default();
        let media = self.0.store.media_of(message_id).await;
        let media = media.map_err(|fault| lost(Verdict::Transient)(fault.to_string()))?;
        let sha256 = media.into_iter().find_map(|medium| medium.sha256);
        let none = || lost(Verdict::Permanent)("no medium hangs on this message".to_owned());
        let sha256 = sha256.ok_or_else(none)?;
        let bytes = self.0.media.get(&sha256).await;
        bytes.map_err(|fault| lost(Verdict::Transient)(fault.to_string()))
    }
}
