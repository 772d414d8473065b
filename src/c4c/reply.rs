//! The replies that C4C's mashup posts to us when an agent answers a ticket (c4c.md 3.3, 4.4).
//!
//! A form whose field `content` is JSON, or JSON whose `content` is that JSON as text. Which of
//! the two is seen from the body, since a content type may be lost or wrong on the way. Who sent
//! it is decided before it comes here, and for whom it is after: nothing in it names a follower.

use std::borrow::Cow;

use jiff::Timestamp;
use percent_encoding::percent_decode;
use serde_json::Value;

use super::odata::types::instant;

/// The longest body that is read, in bytes. Percent-encoding makes nine of the three bytes of a
/// Chinese character, so this is a text of 200,000 of them; WeChat takes some 600 at a time.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

/// The longest number or message ID that is believed, in bytes; C4C's have about ten digits.
const MAX_ID: usize = 100;

/// The longest name or address that is kept, in characters.
const MAX_NAME: usize = 200;

/// The field of the form, and the property of the JSON around it.
const CONTENT: &str = "content";

/// An agent's answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// Number of the new activity: equal for duplicates.
    pub sma_id: String,
    /// `SocialMediaMessageID` of what it answers; often absent (c4c.md 4.4).
    pub original_id: Option<String>,
    /// Number of the ticket that was answered.
    pub ticket_number: Option<String>,
    /// The agent; may be empty.
    pub author_name: String,
    /// The agent's address; may be empty.
    pub author_email: String,
    /// When it was written, if C4C said so legibly.
    pub created_at: Option<Timestamp>,
    /// The agent marked it as private.
    pub is_private: bool,
    /// What it says, never only white space.
    pub text: String,
}

impl std::fmt::Debug for Reply {
    /// Text and author are personal, so they are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({:?}, {} bytes)", self.sma_id, self.text.len())
    }
}

/// Why a body is no reply. No sentence quotes what was said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Longer than [`MAX_BODY`].
    #[error("the reply is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// Neither a form nor JSON has the field.
    #[error(
        "the body is no form with the field `content`; in the mashup web service, set the content type to Form"
    )]
    NoContent,
    /// The field is not UTF-8.
    #[error("the field `content` is not UTF-8; C4C encodes it so")]
    NotUtf8,
    /// The field is not JSON, or nested deeper than 128 levels.
    #[error("the field `content` is no JSON object: {0}")]
    NotJson(String),
    /// There is no usable `sma_id`, so duplicates could not be told.
    #[error("the reply has no usable sma_id, by which duplicates are known")]
    NoSmaId,
    /// There is nothing to send.
    #[error("the reply has no text")]
    EmptyText,
}

/// Reads a body of any kind.
pub fn parse(body: &[u8]) -> Result<Reply, ReplyError> {
    if body.len() > MAX_BODY {
        return Err(ReplyError::TooLarge);
    }
    let content = match body.trim_ascii_start().first() {
        Some(b'{') => in_json(body)?,
        _ => object(&in_form(body)?)?,
    };
    read(&content)
}

/// The field of a form (`application/x-www-form-urlencoded`), decoded once.
fn in_form(body: &[u8]) -> Result<String, ReplyError> {
    let value = body
        .split(|byte| *byte == b'&')
        .find_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            (*decoded(&pair[..at]) == *CONTENT.as_bytes()).then(|| &pair[at + 1..])
        })
        .ok_or(ReplyError::NoContent)?;
    String::from_utf8(decoded(value).into_owned()).map_err(|_| ReplyError::NotUtf8)
}

/// A `+` is a space; a `%` that begins no pair of hex digits stays what it is.
fn decoded(part: &[u8]) -> Cow<'_, [u8]> {
    if !part.iter().any(|byte| b"%+".contains(byte)) {
        return part.into();
    }
    let spaced: Vec<u8> = part
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced).collect::<Vec<u8>>().into()
}

/// The content of a body of JSON, as text or already unpacked.
fn in_json(body: &[u8]) -> Result<Value, ReplyError> {
    let body = std::str::from_utf8(body).map_err(|_| ReplyError::NotUtf8)?;
    match object(body)?.get_mut(CONTENT).map(Value::take) {
        Some(Value::String(content)) => object(&content),
        Some(content @ Value::Object(_)) => Ok(content),
        _ => Err(ReplyError::NoContent),
    }
}

/// `serde_json` quotes no input in its syntax errors, so the text is safe to show.
fn object(text: &str) -> Result<Value, ReplyError> {
    match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(ReplyError::NotJson(
            "it is another kind of value".to_owned(),
        )),
        Err(error) => Err(ReplyError::NotJson(error.to_string())),
    }
}

fn read(content: &Value) -> Result<Reply, ReplyError> {
    let text = string(content, "text");
    if text.trim().is_empty() {
        return Err(ReplyError::EmptyText);
    }
    Ok(Reply {
        sma_id: id(content, "sma_id").ok_or(ReplyError::NoSmaId)?,
        original_id: id(content, "original_id"),
        ticket_number: id(content, "service_req_no"),
        author_name: name(content, "author_name"),
        author_email: name(content, "author_email"),
        created_at: instant(string(content, "sma_create_datetime").trim()),
        is_private: is_true(content, "private_ind"),
        text,
    })
}

/// Texts are texts; a number or truth value without its quotes is taken too.
fn string(content: &Value, key: &str) -> String {
    match content.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(bare @ (Value::Number(_) | Value::Bool(_))) => bare.to_string(),
        _ => String::new(),
    }
}

fn id(content: &Value, key: &str) -> Option<String> {
    let text = string(content, key);
    let text = text.trim();
    let fits = (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

fn name(content: &Value, key: &str) -> String {
    let text = string(content, key);
    let shown = text.trim().chars().filter(|c| !c.is_control());
    shown.take(MAX_NAME).collect()
}

/// `TRUE` on the wire; ABAP's own `X` is a truth as well.
fn is_true(content: &Value, key: &str) -> bool {
    let word = string(content, key);
    let word = word.trim();
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("x") || word == "1"
}
