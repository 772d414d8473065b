//! Media that Qiao sends: uploaded first, sent by their id (wechat.md 6).

use std::time::Duration;

use crate::kit::file_type::FileType;
use crate::kit::media::sha256;
use crate::kit::transport::Method;

use super::client::{AccessToken, Client};
use super::error::{Call, Cause, Error};
use super::json;

/// The narrowest way up, in bytes a second, on which a file still gets through.
const SLOWEST: u64 = 150 * KIB;

/// Beside that: an answer takes a moment, and a video of 10 MB leaves room for its still picture and its
/// sending in the two minutes of an attempt.
const ANSWER: Duration = Duration::from_secs(15);

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

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
    pub fn fitting(kind: FileType, bytes: u64) -> Option<Self> {
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
    pub fn max_bytes(self) -> u64 {
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
    fn unfit(self, kind: FileType, bytes: u64) -> Option<&'static str> {
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
        if let Some(reason) = upload.unfit(kind, bytes.len() as u64) {
            return Err(fault(Cause::Unfit(reason)));
        }
        let query = [("access_token", token.expose()), ("type", upload.as_str())];
        let (content_type, body) = form(kind, bytes);
        let mut request = self.get("/cgi-bin/media/upload", &query);
        request.method = Method::Post;
        request.headers = vec![("content-type", content_type)];
        request.body = body;
        request.timeout = ANSWER + Duration::from_secs(bytes.len() as u64 / SLOWEST);
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

#[cfg(test)]
mod tests {
    use super::*;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use crate::domain::verdict::Verdict;
    use crate::wechat::tests::{Script, token};

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\r\n--qiao\r\n";
    const AMR: &[u8] = b"#!AMR\n\x3c\x91";
    const MP4: &[u8] = b"\0\0\0\x20ftypisom";
    const DONE: &str = r#"{"type":"image","media_id":"M1","created_at":1700000000}"#;

    /// What a server finds in the form: the head of its one field, and the file.
    fn field<'a>(content_type: &str, body: &'a [u8]) -> (&'a str, &'a [u8]) {
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=");
        let boundary = format!("--{}", boundary.unwrap());
        assert!(boundary.len() <= 72, "RFC 2046 allows 70 and two hyphens");
        let rest = body.strip_prefix(boundary.as_bytes()).unwrap();
        let rest = rest.strip_prefix(b"\r\n").unwrap();
        let end = format!("\r\n{boundary}--\r\n");
        let part = rest.strip_suffix(end.as_bytes()).unwrap();
        let mut inner = part.windows(boundary.len());
        assert!(!inner.any(|bytes| bytes == boundary.as_bytes()));
        let head = part.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let file = &part[head + 4..];
        (std::str::from_utf8(&part[..head]).unwrap(), file)
    }

    #[tokio::test]
    async fn a_picture_is_uploaded_as_a_form_with_one_file() {
        let script = Script::answering(200, DONE);
        let client = script.client();
        let id = client.upload_media(&token(), UploadKind::Image, JPEG).await;
        assert_eq!(id.unwrap(), "M1");
        let asked = script.asked();
        assert_eq!(asked.method, Method::Post);
        assert_eq!(
            asked.url,
            "https://api.test/cgi-bin/media/upload?access_token=T%2F1&type=image"
        );
        let [("content-type", content_type)] = &asked.headers[..] else {
            panic!("a form has one header");
        };
        let (head, file) = field(content_type, &asked.body);
        assert_eq!(file, JPEG);
        assert_eq!(
            head,
            "Content-Disposition: form-data; name=\"media\"; filename=\"media.jpg\"\r\n\
             Content-Type: image/jpeg"
        );
    }

    #[tokio::test]
    async fn a_still_picture_has_an_id_of_another_name() {
        let script = Script::answering(200, r#"{"type":"thumb","thumb_media_id":"T1"}"#);
        let client = script.client();
        let id = client.upload_media(&token(), UploadKind::Thumb, JPEG).await;
        assert_eq!(id.unwrap(), "T1");
        assert!(script.asked().url.ends_with("&type=thumb"));
    }

    #[tokio::test]
    async fn what_wechat_would_refuse_never_leaves() {
        let large = [JPEG, &vec![0; 2 << 20]].concat();
        let cases: [(UploadKind, &[u8], &str); 6] = [
            (UploadKind::Image, &large, "larger"),
            (UploadKind::Thumb, &large, "larger"),
            (UploadKind::Image, b"", "empty"),
            (UploadKind::Image, b"MZ\x90\0 a program, x.jpg", "type"),
            (UploadKind::Voice, MP4, "type"),
            (UploadKind::Video, AMR, "type"),
        ];
        let script = Script::answering(200, DONE);
        for (upload, bytes, reason) in cases {
            let error = script.client().upload_media(&token(), upload, bytes).await;
            let error = error.unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            let failure = error.failure(Timestamp::UNIX_EPOCH, 1);
            assert_eq!(failure.verdict, Verdict::Permanent);
        }
        assert!(script.urls().is_empty());
    }

    #[tokio::test]
    async fn an_upload_may_be_repeated() {
        for (status, body) in [(200, "{}"), (502, ""), (200, r#"{"errcode":-1}"#)] {
            let client = Script::answering(status, body).client();
            let lost = client.upload_media(&token(), UploadKind::Image, JPEG).await;
            let failure = lost.unwrap_err().failure(Timestamp::UNIX_EPOCH, 1);
            assert_eq!(failure.verdict, Verdict::Transient, "{status} {body}");
        }
    }

    #[test]
    fn a_file_is_sent_as_what_it_is_or_only_named() {
        let cases = [
            (FileType::Png, 2 * MIB, Some(UploadKind::Image)),
            (FileType::Png, 2 * MIB + 1, None),
            (FileType::Webp, 10, None),
            (FileType::Amr, 10, Some(UploadKind::Voice)),
            (FileType::Wav, 10, None),
            (FileType::Mp4, 10 * MIB, Some(UploadKind::Video)),
            (FileType::Mp4, 10 * MIB + 1, None),
            (FileType::Pdf, 10, None),
            (FileType::Jpeg, 0, None),
        ];
        for (kind, bytes, expected) in cases {
            let fitting = UploadKind::fitting(kind, bytes);
            assert_eq!(fitting, expected, "{kind:?} {bytes}");
        }
    }

    proptest! {
        #[test]
        fn every_file_arrives_as_it_is(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (content_type, body) = form(FileType::Unknown, &bytes);
            prop_assert_eq!(field(&content_type, &body).1, bytes);
        }
    }
}
