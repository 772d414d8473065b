//! From a POST to a [`Push`]: verify, decrypt, read (wechat.md 1.2–1.5).
//!
//! Which mode is allowed follows from the configuration and never from the sender:
//!
//! - An account **without** EncodingAESKeys takes the plain fields, signed by `signature`. That
//!   signature does not cover the body; it is all that plaintext and compatible mode offer.
//! - An account **with** EncodingAESKeys takes only encrypted pushes and only what stands inside
//!   `<Encrypt>`: were plain ones taken too, one overheard query would let anyone speak as any
//!   follower. In compatible mode the plain fields beside `<Encrypt>` are ignored.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use subtle::ConstantTimeEq;

use super::keys::{Keys, ReplyKey};
use super::push::Push;
use super::query::PushQuery;
use super::signature::signer;
use super::xml::{self, Fault};

/// A push that was verified.
#[derive(Clone)]
pub struct Received {
    /// What it says.
    pub push: Push,
    /// The decrypted XML as it came; [`Push::parse`] reads it again.
    pub xml: Arc<str>,
    /// Seals the reply; `None` when it is answered in plain XML.
    pub reply_key: Option<ReplyKey>,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({:?})", self.push)
    }
}

/// Why a push is not taken. Nothing of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No configured token made the signature.
    #[error("the signature is missing or made with another token")]
    Signature,
    /// The account has EncodingAESKeys and the push is not encrypted.
    #[error("the push is not encrypted although the account has an EncodingAESKey")]
    Unencrypted,
    /// No configured key opens the envelope, or there is no key or no envelope.
    #[error("the push cannot be decrypted with the account's EncodingAESKeys")]
    Undecryptable,
    /// The envelope is another account's.
    #[error("the push was encrypted for another appid")]
    AppId,
    /// `ToUserName` is not the account's `original_id`.
    #[error("the push is addressed to another account than original_id says")]
    ToUserName,
    /// The body cannot be read.
    #[error(transparent)]
    Xml(#[from] Fault),
    /// A field without which nothing can be done is missing or not what it should be.
    #[error("the push has no usable {0}")]
    Field(&'static str),
}

impl Refusal {
    /// Whether the answer is 401 (the sender is not who it should be) rather than 400 (the sender
    /// may be, but what it says cannot be read).
    pub fn is_unauthorized(self) -> bool {
        !matches!(self, Self::Xml(_) | Self::Field(_))
    }

    /// A short stable word for metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Unencrypted => "unencrypted",
            Self::Undecryptable => "undecryptable",
            Self::AppId => "app_id",
            Self::ToUserName => "to_user_name",
            Self::Xml(Fault::NotXml) => "not_xml",
            Self::Xml(Fault::Dtd) => "dtd",
            Self::Xml(Fault::TooDeep) => "too_deep",
            Self::Xml(Fault::TooMany) => "too_many_elements",
            Self::Xml(Fault::Character) => "forbidden_character",
            Self::Field(_) => "missing_field",
        }
    }
}

/// Answers the verification that WeChat makes when the URL is saved: the exact text to send back,
/// and nothing else (wechat.md 1.2). It is plain in every mode.
pub fn verify_url(keys: &Keys, query: &PushQuery) -> Result<String, Refusal> {
    check_plain(keys, query)?;
    query.echostr.clone().ok_or(Refusal::Field("echostr"))
}

/// Verifies, decrypts and reads one push.
pub fn open_push(keys: &Keys, query: &PushQuery, body: &[u8]) -> Result<Received, Refusal> {
    let (xml, reply_key) = if keys.aes.is_empty() {
        check_plain(keys, query)?;
        (xml::decode(body), None)
    } else {
        let (message, reply_key) = unseal(keys, query, body)?;
        (message, Some(reply_key))
    };
    let root = xml::parse(&xml)?;
    if root.child("FromUserName").is_none() && root.child("Encrypt").is_some() {
        // Safe mode, while the account is configured without a key.
        return Err(Refusal::Undecryptable);
    }
    let push = Push::read(&root)?;
    if keys.original_id.as_ref().is_some_and(|id| *id != push.to) {
        return Err(Refusal::ToUserName);
    }
    Ok(Received {
        push,
        xml: xml.into(),
        reply_key,
    })
}

/// Checks `signature`, which covers the query only.
fn check_plain<'a>(keys: &'a Keys, query: &PushQuery) -> Result<&'a SecretString, Refusal> {
    let parts = [query.timestamp.as_str(), query.nonce.as_str()];
    signer(&keys.tokens, &parts, &query.signature).ok_or(Refusal::Signature)
}

/// Opens the envelope: signature first, then key by key.
fn unseal(keys: &Keys, query: &PushQuery, body: &[u8]) -> Result<(String, ReplyKey), Refusal> {
    if !query.is_encrypted() {
        return Err(Refusal::Unencrypted);
    }
    let text = xml::decode(body);
    let envelope = match xml::parse(&text) {
        Ok(envelope) => envelope,
        // Only a sender who can sign is told what is wrong with the body.
        Err(fault) => return Err(check_plain(keys, query).map_or_else(|e| e, |_| fault.into())),
    };
    let sealed = envelope.word("Encrypt").ok_or(Refusal::Undecryptable)?;
    let parts = [query.timestamp.as_str(), query.nonce.as_str(), sealed];
    let token = signer(&keys.tokens, &parts, &query.msg_signature).ok_or(Refusal::Signature)?;
    let (key, opened) = keys
        .aes
        .iter()
        .find_map(|key| Some((key, key.open(sealed).ok()?)))
        .ok_or(Refusal::Undecryptable)?;
    if !bool::from(opened.app_id.as_bytes().ct_eq(keys.app_id.as_bytes())) {
        return Err(Refusal::AppId);
    }
    let reply_key = ReplyKey {
        app_id: keys.app_id.clone(),
        token: token.clone(),
        key: key.clone(),
    };
    Ok((opened.message, reply_key))
}

#[cfg(test)]
mod tests;
