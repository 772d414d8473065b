//! Media that followers sent: they live for three days (wechat.md 2.3, 6).
//!
//! What comes is told by its bytes ([`crate::kit::file_type`]); the names and types here are only
//! what the far side says. A voice comes at 8 kHz, or at 16 kHz for the id of its better copy.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::kit::file_name;
use crate::kit::retry_after;
use crate::kit::transport::{MAX_RESPONSE, Response, TransportError};

use super::client::{AccessToken, Client, get, read_answer};
use super::error::{Call, Cause, Error};
use super::json;

/// The largest picture or voice. Pictures have up to 10 MB and voices 2 MB; some room above costs
/// nothing, because whatever is refused here is lost (wechat.md 6, 13.4).
pub const MAX_PICTURE_OR_VOICE: usize = 16 * 1024 * 1024;

/// The largest video: as much as is ever read.
pub const MAX_VIDEO: usize = MAX_RESPONSE;

/// 10 MB at 200 KB a second.
const TIMEOUT: Duration = Duration::from_mins(1);

/// 25 MB at 200 KB a second.
const VIDEO_TIMEOUT: Duration = Duration::from_mins(2);

/// How often a video's link may lead on; a store of files needs one or two.
const MAX_REDIRECTS: usize = 3;

/// A medium.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// The file, whole.
    pub bytes: Vec<u8>,
    /// What the far side calls it, made harmless.
    pub file_name: Option<String>,
    /// What the far side says it is.
    pub content_type: Option<String>,
}

impl fmt::Debug for Media {
    /// Nothing of what a follower showed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Media({} bytes)", self.bytes.len())
    }
}

impl Client {
    /// Downloads a medium. [`super::codes::Sense::MediaGone`] is final: its three days are over.
    ///
    /// A video comes in a second step, from wherever WeChat says that it is, and without a word of
    /// ours but the address itself.
    pub async fn download_media(
        &self,
        token: &AccessToken,
        media_id: &str,
    ) -> Result<Media, Error> {
        let call = Call::DownloadMedia;
        let query = [("access_token", token.expose()), ("media_id", media_id)];
        let mut request = self.get("/cgi-bin/media/get", &query);
        request.timeout = TIMEOUT;
        let response = self.exchange(call, request).await.map_err(too_large)?;
        if is_success(&response) && !looks_like_json(&response.body) {
            return read_media(call, response, MAX_PICTURE_OR_VOICE);
        }
        let answer = read_answer(call, &response)?;
        match json::text(&answer, "video_url") {
            Some(link) => self.fetch_video(&link).await,
            None => Err(fault(call, Cause::Unreadable("JSON without a medium"))),
        }
    }

    async fn fetch_video(&self, link: &str) -> Result<Media, Error> {
        let call = Call::FetchVideo;
        let no_link = || fault(call, Cause::Unreadable("no address of a video"));
        let mut link = Url::parse(link).ok().and_then(fit).ok_or_else(no_link)?;
        for _ in 0..=MAX_REDIRECTS {
            let mut request = get(link.to_string());
            request.timeout = VIDEO_TIMEOUT;
            let response = self.exchange(call, request).await.map_err(too_large)?;
            if !is_redirect(&response) {
                return read_media(call, response, MAX_VIDEO);
            }
            link = leads_to(&link, &response).ok_or_else(no_link)?;
        }
        Err(fault(call, Cause::Unreadable("led on too often")))
    }
}

/// Where a redirection leads. Never from HTTPS to HTTP: on that way anybody may put other bytes in.
fn leads_to(from: &Url, response: &Response) -> Option<Url> {
    let to = fit(from.join(response.header("location")?).ok()?)?;
    let is_downgrade = from.scheme() == "https" && to.scheme() == "http";
    (!is_downgrade).then_some(to)
}

/// The address of a web server, without credentials.
fn fit(mut link: Url) -> Option<Url> {
    if !matches!(link.scheme(), "http" | "https") {
        return None;
    }
    link.set_username("").ok()?;
    link.set_password(None).ok()?;
    Some(link)
}

/// Takes the file out of an answer that should be one. A part of a file, or a page that some machine in
/// between shows, is never taken for it.
fn read_media(call: Call, response: Response, limit: usize) -> Result<Media, Error> {
    let cause = if !is_success(&response) {
        Cause::Http {
            status: response.status,
            retry_after: retry_after::of(&response),
        }
    } else if response.body.is_empty() {
        Cause::Unreadable("empty")
    } else if is_cut_off(&response) {
        Cause::Unreadable("cut off")
    } else if looks_like_json(&response.body) || looks_like_a_page(&response.body) {
        Cause::Unreadable("a text instead of a medium")
    } else if response.body.len() > limit {
        TOO_LARGE
    } else {
        return Ok(Media {
            file_name: file_name(&response),
            content_type: response.header("content-type").map(str::to_owned),
            bytes: response.body,
        });
    };
    Err(fault(call, cause))
}

/// Whether the body is not as long as its head says. A body that was compressed is announced without
/// a length.
fn is_cut_off(response: &Response) -> bool {
    let announced = response.header("content-length");
    response.header("content-encoding").is_none()
        && announced.is_some_and(|length| length.trim() != response.body.len().to_string())
}

/// Whether an object begins here, be it whole or not. Content types differ by endpoint and are not
/// looked at; two signs are, because a voice without a head may begin with any one.
fn looks_like_json(body: &[u8]) -> bool {
    matches!(first_signs(body), [Some(b'{'), Some(b'"' | b'}') | None])
}

/// A log-in or an excuse in HTML.
fn looks_like_a_page(body: &[u8]) -> bool {
    let is_tag = |sign: u8| sign.is_ascii_alphabetic() || matches!(sign, b'!' | b'?');
    matches!(first_signs(body), [Some(b'<'), Some(sign)] if is_tag(sign)) && !body.contains(&0)
}

/// The first two bytes that are no white space.
fn first_signs(body: &[u8]) -> [Option<u8>; 2] {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut signs = text.iter().copied().filter(|b| !b.is_ascii_whitespace());
    [signs.next(), signs.next()]
}

/// The name in `Content-disposition: attachment; filename="…"`.
fn file_name(response: &Response) -> Option<String> {
    let said = response.header("content-disposition")?;
    let at = said.to_ascii_lowercase().find("filename=")?;
    let value = said[at + "filename=".len()..].trim_start();
    let name = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => value.split(';').next(),
    };
    let name = name.map(str::trim).filter(|name| !name.is_empty())?;
    Some(file_name::sanitised(name))
}

fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

fn is_redirect(response: &Response) -> bool {
    matches!(response.status, 301 | 302 | 303 | 307 | 308)
}

const TOO_LARGE: Cause = Cause::Unfit("larger than Qiao takes");

/// Another try brings the same bytes, so this one is final.
fn too_large(error: Error) -> Error {
    match error.cause {
        Cause::Transport(TransportError::TooLarge) => fault(error.call, TOO_LARGE),
        _ => error,
    }
}

fn fault(call: Call, cause: Cause) -> Error {
    Error { call, cause }
}

#[cfg(test)]
mod tests;
