//! What one account's pushes are checked with, and what its replies are sealed with.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::config::Account;
use crate::kit::random::Random;

use super::crypto::{EncodingAesKey, NotAKey};
use super::signature::sign;
use super::xml::cdata;

/// Tokens, keys and names of one account, ready for use. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `wx…`; stands at the end of every encrypted push.
    pub(super) app_id: String,
    /// `gh_…`; if set, pushes to another one are refused.
    pub(super) original_id: Option<String>,
    /// Never empty; several during rotation.
    pub(super) tokens: Vec<SecretString>,
    /// None for plaintext; several during rotation.
    pub(super) aes: Vec<EncodingAesKey>,
}

impl Keys {
    /// Takes them from the configuration, which has checked the length of the keys.
    pub fn new(account: &Account) -> Result<Self, NotAKey> {
        Ok(Self {
            app_id: account.app_id.clone(),
            original_id: account.original_id.clone(),
            tokens: account.tokens.clone(),
            aes: account
                .aes_keys
                .iter()
                .map(|key| EncodingAesKey::parse(key.expose_secret()))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The token and key that a push came with: its reply must use the same ones, because during a
/// rotation the two ends change at different moments.
#[derive(Clone)]
pub struct ReplyKey {
    pub(super) app_id: String,
    pub(super) token: SecretString,
    pub(super) key: EncodingAesKey,
}

impl fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyKey(…)")
    }
}

impl ReplyKey {
    /// The encrypted reply envelope around `xml` (wechat.md 1.6). The word `success` and an empty
    /// body are no XML: they are answered as they are, in every mode.
    pub fn seal(&self, xml: &str, now: Timestamp, random: &Random) -> String {
        let sealed = self.key.seal(xml, &self.app_id, random.bytes());
        let timestamp = now.as_second().to_string();
        let nonce = random.word().to_string();
        let signature = sign(&[self.token.expose_secret(), &timestamp, &nonce, &sealed]);
        format!(
            "<xml>{}{}<TimeStamp>{timestamp}</TimeStamp>{}</xml>",
            cdata("Encrypt", &sealed),
            cdata("MsgSignature", &signature),
            cdata("Nonce", &nonce),
        )
    }
}
