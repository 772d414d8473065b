//! The query string of a push or a verification (wechat.md 1.2, 1.4).

use url::form_urlencoded;

/// What WeChat puts into the query. It has no `Debug`: signatures must not reach a log.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PushQuery {
    /// Over token, timestamp and nonce; in every mode.
    pub signature: String,
    /// As it stood: it is signed as text.
    pub timestamp: String,
    /// As it stood.
    pub nonce: String,
    /// `aes` in compatible and safe mode; absent or `raw` in plaintext.
    pub encrypt_type: String,
    /// Over token, timestamp, nonce and the text of `<Encrypt>`.
    pub msg_signature: String,
    /// Only when the URL is being verified.
    pub echostr: Option<String>,
}

impl PushQuery {
    /// Reads a query string without its `?`. What is missing stays empty, and of repeated
    /// parameters the first counts.
    pub fn parse(query: &str) -> Self {
        let first = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        Self {
            signature: first("signature").unwrap_or_default(),
            timestamp: first("timestamp").unwrap_or_default(),
            nonce: first("nonce").unwrap_or_default(),
            encrypt_type: first("encrypt_type").unwrap_or_default(),
            msg_signature: first("msg_signature").unwrap_or_default(),
            echostr: first("echostr"),
        }
    }

    /// Whether the push says that it is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypt_type.eq_ignore_ascii_case("aes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_and_may_lack_anything() {
        let query = PushQuery::parse("signature=ab&echostr=a%2Bb&nonce=1&nonce=2&encrypt_type=aes");
        assert_eq!(query.signature, "ab");
        assert_eq!(query.echostr.as_deref(), Some("a+b"));
        assert_eq!(query.nonce, "1");
        assert!(query.is_encrypted());
        assert!(!PushQuery::parse("encrypt_type=raw").is_encrypted());
        assert!(PushQuery::parse("") == PushQuery::default());
    }
}
