//! Media that Qiao sends: uploaded first, sent by their id (wechat.md 6).

use std::time::Duration;

use crate::kit::file_type::FileType;
use crate::kit::media::sha256;
use crate::kit::transport::Method;

use super::client::{AccessToken, Client};
use super::error::{Call, Cause, Error};
use super::json;

/// 10 MB at 100 KB a second: the way up is the narrower one.
const TIMEOUT: Duration = Duration::from_mins(2);

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// As what a file reaches a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadKind {
    /// A picture.
    Image,
    /// A voice, at most a minute.
    Voice,
    /// A video.
    Video,
    /// A video's still picture.
    Thumb,
}

impl UploadKind {
    /// As what a follower can be sent a file of this type and size. `None` for what no message
    /// carries, so that it can only be named in a text.
    pub fn fitting(kind: FileType, bytes: usize) -> Option<Self> {
        [Self::Image, Self::Voice, Self::Video]
            .into_iter()
            .find(|upload| upload.unfit(kind, bytes).is_none())
    }

    /// `type` of the call.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Video => "video",
            Self::Thumb => "thumb",
        }
    }

    /// The largest file. For pictures the documents differ between 2 and 10 MB (wechat.md 13.4).
    pub fn max_bytes(self) -> usize {
        match self {
            Self::Image | Self::Voice => 2 * MIB,
            Self::Video => 10 * MIB,
            Self::Thumb => 64 * KIB,
        }
    }

    fn takes(self, kind: FileType) -> bool {
        match self {
            Self::Image => matches!(kind, FileType::Jpeg | FileType::Png | FileType::Gif),
            Self::Voice => matches!(kind, FileType::Amr | FileType::Mp3),
            Self::Video => kind == FileType::Mp4,
            Self::Thumb => kind == FileType::Jpeg,
        }
    }

    /// Why WeChat would refuse the file.
    fn unfit(self, kind: FileType, bytes: usize) -> Option<&'static str> {
        if bytes == 0 {
            Some("empty")
        } else if !self.takes(kind) {
            Some("of a type that WeChat does not take")
        } else if bytes > self.max_bytes() {
            Some("larger than WeChat takes")
        } else {
            None
        }
    }
}

impl Client {
    /// Uploads a file and answers its media_id, which can be sent any number of times for three days.
    /// What WeChat would refuse is refused here already, as [`Cause::Unfit`].
    ///
    /// Its type is told by its bytes, and nobody ever sees its name.
    pub async fn upload_media(
        &self,
        token: &AccessToken,
        upload: UploadKind,
        bytes: &[u8],
    ) -> Result<String, Error> {
        let fault = |cause| Error {
            call: Call::UploadMedia,
            cause,
        };
        let kind = FileType::of(bytes);
        if let Some(reason) = upload.unfit(kind, bytes.len()) {
            return Err(fault(Cause::Unfit(reason)));
        }
        let query = [("access_token", token.expose()), ("type", upload.as_str())];
        let (content_type, body) = form(kind, bytes);
        let mut request = self.get("/cgi-bin/media/upload", &query);
        request.method = Method::Post;
        request.headers = vec![("content-type", content_type)];
        request.body = body;
        request.timeout = TIMEOUT;
        let answer = self.call(Call::UploadMedia, request).await?;
        json::text(&answer, "media_id")
            .or_else(|| json::text(&answer, "thumb_media_id"))
            .ok_or_else(|| fault(Cause::Unreadable("without media_id")))
    }
}

/// A form with the one field `media` (RFC 7578): its content type and its body.
///
/// The boundary is the file's own hash, which no file can contain. The file's name is ours and in
/// ASCII: WeChat looks at its extension, and stumbles over other names.
fn form(kind: FileType, bytes: &[u8]) -> (String, Vec<u8>) {
    let boundary = format!("qiao-{}", sha256(bytes));
    let (mime, extension) = (kind.mime(), kind.extension());
    let mut body = format!(
        "--{boundary}\r\n\
         Content-Disposition: form-data; name=\"media\"; filename=\"media.{extension}\"\r\n\
         Content-Type: {mime}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}
