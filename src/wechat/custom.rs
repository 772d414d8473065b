//! Custom messages: what an agent says, within a window (wechat.md 4.1, 4.2).
//!
//! There is no id and no receipt, so nothing here may be repeated blindly. A text is sent by
//! [`Client::send_text`].

use serde_json::{Value, json};

use crate::domain::ids::OpenId;

use super::client::{AccessToken, Client};
use super::error::{Call, Cause, Error};

/// "Bad command", "no exchange in the last 30 seconds", "typing already" (wechat.md 3.5).
const TYPING_IN_VAIN: [i64; 3] = [45072, 45080, 45081];

/// A video to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoMessage<'a> {
    /// The video, of media/upload.
    pub media_id: &'a str,
    /// Its still picture, of media/upload; WeChat wants one.
    pub thumb_media_id: &'a str,
    /// Headline.
    pub title: &'a str,
    /// Below it.
    pub description: &'a str,
}

impl Client {
    /// Sends a picture. `media_id` is one of [`Client::upload_media`] or permanent.
    pub async fn send_image(
        &self,
        token: &AccessToken,
        to: &OpenId,
        media_id: &str,
    ) -> Result<(), Error> {
        let content = json!({ "media_id": media_id });
        self.send_custom(Call::SendMedia, token, to, "image", content)
            .await
    }

    /// Sends a voice. `media_id` is one of [`Client::upload_media`] or permanent.
    pub async fn send_voice(
        &self,
        token: &AccessToken,
        to: &OpenId,
        media_id: &str,
    ) -> Result<(), Error> {
        let content = json!({ "media_id": media_id });
        self.send_custom(Call::SendMedia, token, to, "voice", content)
            .await
    }

    /// Sends a video.
    pub async fn send_video(
        &self,
        token: &AccessToken,
        to: &OpenId,
        video: VideoMessage<'_>,
    ) -> Result<(), Error> {
        let content = json!({
            "media_id": video.media_id,
            "thumb_media_id": video.thumb_media_id,
            "title": video.title,
            "description": video.description,
        });
        self.send_custom(Call::SendMedia, token, to, "video", content)
            .await
    }

    /// Shows for about 15 seconds that somebody is typing, or ends that. It costs nothing of the
    /// window. That it cannot be shown now is no failure: it is a courtesy.
    pub async fn typing(&self, token: &AccessToken, to: &OpenId, on: bool) -> Result<(), Error> {
        let request = self.post(
            "/cgi-bin/message/custom/typing",
            &[("access_token", token.expose())],
            &json!({
                "touser": to.as_str(),
                "command": if on { "Typing" } else { "CancelTyping" },
            }),
        );
        match self.call(Call::Typing, request).await {
            Err(error) if is_in_vain(&error) => Ok(()),
            told => told.map(drop),
        }
    }

    /// Sends a custom message of any kind.
    pub(super) async fn send_custom(
        &self,
        call: Call,
        token: &AccessToken,
        to: &OpenId,
        kind: &str,
        content: Value,
    ) -> Result<(), Error> {
        let mut body = json!({ "touser": to.as_str(), "msgtype": kind });
        body[kind] = content;
        let request = self.post(
            "/cgi-bin/message/custom/send",
            &[("access_token", token.expose())],
            &body,
        );
        self.call(call, request).await.map(drop)
    }
}

fn is_in_vain(error: &Error) -> bool {
    matches!(&error.cause, Cause::Refused { code, .. } if TYPING_IN_VAIN.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    use jiff::Timestamp;

    use crate::domain::verdict::Verdict;
    use crate::kit::transport::TransportError;
    use crate::wechat::codes::Sense;
    use crate::wechat::tests::{Script, alice, token};

    const OK: &str = r#"{"errcode":0,"errmsg":"ok"}"#;
    const VIDEO: VideoMessage<'_> = VideoMessage {
        media_id: "M",
        thumb_media_id: "T",
        title: "标题",
        description: "",
    };

    fn refused(code: i64) -> String {
        format!("{{\"errcode\":{code},\"errmsg\":\"no\"}}")
    }

    #[tokio::test]
    async fn media_leave_as_custom_messages() {
        let script = Script::answering(200, OK);
        let client = script.client();
        client.send_image(&token(), &alice(), "M").await.unwrap();
        let content = json!({ "media_id": "M" });
        assert_eq!(
            script.body(),
            json!({"touser": alice().as_str(), "msgtype": "image", "image": content})
        );
        client.send_voice(&token(), &alice(), "M").await.unwrap();
        assert_eq!(script.body()["msgtype"], "voice");
        assert_eq!(script.body()["voice"], content);
        client.send_video(&token(), &alice(), VIDEO).await.unwrap();
        assert_eq!(
            script.body()["video"],
            json!({"media_id": "M", "thumb_media_id": "T", "title": "标题", "description": ""})
        );
        for url in script.urls() {
            assert_eq!(
                url,
                "https://api.test/cgi-bin/message/custom/send?access_token=T%2F1"
            );
        }
    }

    #[tokio::test]
    async fn a_picture_whose_answer_is_lost_may_have_been_seen() {
        let lost = Script::ending(Err(TransportError::Lost("reset".to_owned())));
        let error = lost.client().send_image(&token(), &alice(), "M").await;
        let failure = error.unwrap_err().failure(Timestamp::UNIX_EPOCH, 1);
        assert_eq!(failure.verdict, Verdict::Uncertain);
    }

    #[tokio::test]
    async fn a_picture_is_refused_like_a_text_or_because_its_id_has_died() {
        for (code, sense, verdict) in [
            (45015, Sense::WindowClosed, Verdict::Window),
            (48001, Sense::MayNotCall, Verdict::Window),
            (40007, Sense::MediaGone, Verdict::Permanent),
        ] {
            let client = Script::answering(200, &refused(code)).client();
            let error = client.send_image(&token(), &alice(), "M").await;
            let error = error.unwrap_err();
            assert_eq!(error.sense(), Some(sense));
            let failure = error.failure(Timestamp::UNIX_EPOCH, 1);
            assert_eq!(failure.verdict, verdict, "{code}");
        }
    }

    #[tokio::test]
    async fn typing_is_shown_and_ended() {
        let script = Script::answering(200, OK);
        let client = script.client();
        client.typing(&token(), &alice(), true).await.unwrap();
        let typing = json!({"touser": alice().as_str(), "command": "Typing"});
        assert_eq!(script.body(), typing);
        client.typing(&token(), &alice(), false).await.unwrap();
        assert_eq!(script.body()["command"], "CancelTyping");
        let url = script.asked().url;
        assert!(url.contains("/cgi-bin/message/custom/typing?"), "{url}");
    }

    #[tokio::test]
    async fn typing_in_vain_is_no_failure_but_a_bad_token_is() {
        let typing = async |code| {
            let client = Script::answering(200, &refused(code)).client();
            client.typing(&token(), &alice(), true).await
        };
        for code in TYPING_IN_VAIN {
            assert_eq!(typing(code).await, Ok(()), "{code}");
        }
        let sense = typing(40001).await.unwrap_err().sense();
        assert_eq!(sense, Some(Sense::TokenRefused));
    }
}
