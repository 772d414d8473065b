//! The query string of a push or a verification (wechat.md 1.2, 1.4).

use url::form_urlencoded;

/// The parameters, in the order of [`PushQuery`]'s fields.
const NAMES: [&str; 6] = [
    "signature",
    "timestamp",
    "nonce",
    "encrypt_type",
    "msg_signature",
    "echostr",
];

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
        let mut read: [Option<String>; 6] = Default::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Some(at) = NAMES.iter().position(|name| *name == key) {
                read[at].get_or_insert_with(|| value.into_owned());
            }
        }
        let [
            signature,
            timestamp,
            nonce,
            encrypt_type,
            msg_signature,
            echostr,
        ] = read;
        Self {
            signature: signature.unwrap_or_default(),
            timestamp: timestamp.unwrap_or_default(),
            nonce: nonce.unwrap_or_default(),
            encrypt_type: encrypt_type.unwrap_or_default(),
            msg_signature: msg_signature.unwrap_or_default(),
            echostr,
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
