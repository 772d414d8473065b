//! The JS-SDK of pages inside WeChat: its ticket, and the signature of a page's URL (wechat.md 3.4, 8).

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};
use url::Url;

use super::client::{AccessToken, Client};
use super::error::{Call, Cause, Error};
use super::json;
use crate::kit::hex::hex;

/// Longest URL that is signed: servers refuse longer ones.
const MOST_URL_BYTES: usize = 2_048;

/// A jsapi_ticket. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Ticket(SecretString);

impl Ticket {
    /// Takes a ticket from the platform or from the store.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The ticket itself, for the signature and for the store.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

/// A ticket that was just fetched.
#[derive(Debug, Clone)]
pub struct FetchedTicket {
    /// The ticket.
    pub value: Ticket,
    /// How long it still lives.
    pub expires_in: Duration,
}

impl Client {
    /// Fetches the account's ticket.
    pub async fn fetch_ticket(&self, token: &AccessToken) -> Result<FetchedTicket, Error> {
        let query = [("access_token", token.expose()), ("type", "jsapi")];
        let request = self.get("/cgi-bin/ticket/getticket", &query);
        let answer = self.call(Call::FetchTicket, request).await?;
        let seconds = json::number(&answer, "expires_in").filter(|seconds| *seconds > 0);
        let ticket = json::text(&answer, "ticket").zip(seconds);
        let (value, seconds) = ticket.ok_or(Error {
            call: Call::FetchTicket,
            cause: Cause::Unreadable("without ticket and expires_in"),
        })?;
        Ok(FetchedTicket {
            value: Ticket::new(value),
            expires_in: Duration::from_secs(seconds.unsigned_abs()),
        })
    }
}

/// Lower-case hex of the SHA-1 by which WeChat's app knows that a page is the account's. `url`: without fragment,
/// to the byte what the page has as its own.
pub fn sign(ticket: &Ticket, nonce: &str, at: Timestamp, url: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(format!(
        "jsapi_ticket={}&noncestr={nonce}&timestamp={}&url={url}",
        ticket.expose(),
        at.as_second(),
    ));
    hex(&hash.finalize())
}

/// Why a URL is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// No URL, too long, or not written as browsers write it.
    #[error("the url is none that a browser has as its own: give location.href")]
    Form,
    /// With a name or password in it.
    #[error("the url holds a user name or password: leave them out")]
    Credentials,
    /// Of another host, port or scheme, or not below `public_url`.
    #[error("the url is not one of this server's pages: only those below public_url are signed")]
    Foreign,
}

/// What is signed of a page's URL: the same without its fragment, if it is a page of ours.
///
/// It must be written as browsers write it, so that what is looked at here and what the browser makes of it cannot
/// differ.
pub fn ours<'a>(url: &'a str, public_url: &Url) -> Result<&'a str, NotSigned> {
    let url = url.split('#').next().unwrap_or_default();
    let read = Url::parse(url).map_err(|_| NotSigned::Form)?;
    if url.len() > MOST_URL_BYTES || read.as_str() != url {
        return Err(NotSigned::Form);
    }
    if !read.username().is_empty() || read.password().is_some() {
        return Err(NotSigned::Credentials);
    }
    let prefix = public_url.path().trim_end_matches('/');
    let rest = read.path().strip_prefix(prefix);
    let is_below = rest.is_some_and(|rest| rest.starts_with('/'));
    let is_ours = read.scheme() == public_url.scheme()
        && read.host().is_some()
        && read.host() == public_url.host()
        && read.port_or_known_default() == public_url.port_or_known_default();
    if is_ours && is_below {
        Ok(url)
    } else {
        Err(NotSigned::Foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn public() -> Url {
        Url::parse("https://bridge.example.cn/qiao").unwrap()
    }

    #[test]
    fn the_published_signature_is_ours_too() {
        let ticket = Ticket::new(
            "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
        );
        let at = Timestamp::from_second(1_414_587_457).unwrap();
        let url = "http://mp.weixin.qq.com?params=value";
        let signed = sign(&ticket, "Wm3WZYTPz0wzccnW", at, url);
        assert_eq!(signed, "0f9de62fce790f9a083d5c99e95740ceb90c27ed");
        assert!(!format!("{ticket:?}").contains("sM4A"));
    }

    #[test]
    fn pages_of_ours_are_signed_without_their_fragment() {
        for (url, signed) in [
            (
                "https://bridge.example.cn/qiao/app/map/?a=%E5%BA%97&b=/#x",
                "https://bridge.example.cn/qiao/app/map/?a=%E5%BA%97&b=/",
            ),
            (
                "https://bridge.example.cn/qiao/#",
                "https://bridge.example.cn/qiao/",
            ),
            (
                "https://bridge.example.cn/qiao/?#a#b",
                "https://bridge.example.cn/qiao/?",
            ),
        ] {
            assert_eq!(ours(url, &public()), Ok(signed));
        }
        let local = Url::parse("http://127.0.0.1:8080").unwrap();
        assert!(ours("http://127.0.0.1:8080/app/map/", &local).is_ok());
    }

    #[test]
    fn whatever_is_not_a_page_of_ours_is_refused() {
        use NotSigned::{Credentials, Foreign, Form};
        for (url, why) in [
            ("", Form),
            ("/qiao/app/map/", Form),
            ("https://bridge.example.cn:443/qiao/", Form),
            ("https://BRIDGE.example.cn/qiao/", Form),
            ("https://bridge.example.cn/qiao/../", Form),
            ("https://bridge.example.cn/qiao/%2e%2e/", Form),
            ("https://bridge.example.cn\\qiao/", Form),
            (" https://bridge.example.cn/qiao/", Form),
            ("https://bridge.example.cn/qiao/\t", Form),
            ("https://bridge.example.cn/qiao/店", Form),
            ("https://anna@bridge.example.cn/qiao/", Credentials),
            ("https://:x@bridge.example.cn/qiao/", Credentials),
            ("https://bridge.example.cn@evil.example/qiao/", Credentials),
            ("http://bridge.example.cn/qiao/", Foreign),
            ("https://bridge.example.cn:8443/qiao/", Foreign),
            ("https://bridge.example.cn.evil.example/qiao/", Foreign),
            ("https://evil.example/qiao/", Foreign),
            ("https://bridge.example.cn./qiao/", Foreign),
            ("https://bridge.example.cn/", Foreign),
            ("https://bridge.example.cn/qiao", Foreign),
            ("https://bridge.example.cn/qiaox/", Foreign),
            ("javascript:alert(1)", Foreign),
            ("data:,x", Foreign),
        ] {
            assert_eq!(ours(url, &public()), Err(why), "{url}");
        }
        let long = format!(
            "https://bridge.example.cn/qiao/{}",
            "a".repeat(MOST_URL_BYTES)
        );
        assert_eq!(ours(&long, &public()), Err(Form));
    }

    proptest! {
        /// Whatever is signed is below our own address, letter by letter.
        #[test]
        fn nothing_else_is_ever_signed(
            scheme in "https?", user in "([a-z]{0,3}(:[a-z]{0,3})?@)?",
            host in "bridge\\.example\\.cn|[a-z.]{1,12}|bridge\\.example\\.cn\\.[a-z]{2,5}",
            port in "(:[0-9]{1,5})?", path in "(/qiao)?[/\\\\a-z.%?#@:]{0,20}",
        ) {
            let url = format!("{scheme}://{user}{host}{port}{path}");
            if let Ok(signed) = ours(&url, &public()) {
                prop_assert!(signed.starts_with("https://bridge.example.cn/qiao/"), "{}", signed);
                prop_assert!(!signed.contains('#'));
                prop_assert!(url.starts_with(signed));
            }
        }

        #[test]
        fn any_text_is_looked_at_and_none_makes_it_panic(url: String) {
            let _ = ours(&url, &public());
        }
    }
}
