//! media/get (`wechat.md` 6): bytes, or for a video a link to them, which needs no token.

use serde_json::json;

use super::WeChat;
use super::api::{self, Call};
use super::media::{MediaKind, Medium, Origin};
use super::refusal::Refusal;
use crate::wire::Response;

/// Path of media/get.
pub(super) const MEDIA_GET: &str = "/cgi-bin/media/get";

/// Where the bytes of videos are; `vkey` says which.
pub(super) const VIDEO: &str = "/vweixinp.tc.qq.com/video.f10.mp4";

impl WeChat {
    /// `GET /cgi-bin/media/get`: 40007 for what is dead or permanent.
    pub(super) fn media_get(&mut self, call: &mut Call<'_>) -> Result<Response, Refusal> {
        let id = call.request.param("media_id").unwrap_or_default();
        let medium = self.media.get(&id, call.now)?;
        if medium.origin == Origin::Material {
            return Err(Refusal::new(40007));
        }
        if matches!(medium.kind, MediaKind::Video | MediaKind::ShortVideo) {
            let link = json!({"video_url": self.video_link(&id, call)});
            let content_type = self.settings.content_type_of(MEDIA_GET);
            return Ok(api::json(200, &link, content_type));
        }
        Ok(self.file(&id, medium))
    }

    /// The bytes of a video. A dead link is an HTTP 404: no API answers here.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the table of operations wants one signature"
    )]
    pub(super) fn video(&mut self, call: &mut Call<'_>) -> Result<Response, Refusal> {
        let id = call.request.param("vkey").unwrap_or_default();
        Ok(match self.media.get(&id, call.now) {
            Ok(medium) => self.file(&id, medium),
            Err(_) => Response {
                status: 404,
                ..Response::default()
            },
        })
    }

    fn video_link(&self, id: &str, call: &Call<'_>) -> String {
        let base = match self.settings.download_url.as_str() {
            "" => format!(
                "http://{}",
                call.request.header("host").unwrap_or("localhost")
            ),
            base => base.trim_end_matches('/').to_owned(),
        };
        format!("{base}{VIDEO}?vkey={id}")
    }

    fn file(&self, id: &str, medium: &Medium) -> Response {
        let extension = medium.format().extensions()[0];
        let name = format!("attachment; filename=\"{id}.{extension}\"");
        let forced = self.settings.media_content_type.as_deref();
        let content_type = forced.unwrap_or(medium.content_type()).to_owned();
        Response {
            status: 200,
            headers: vec![
                ("content-type".to_owned(), content_type),
                ("content-disposition".to_owned(), name),
            ],
            body: medium.bytes.to_vec(),
        }
    }
}
