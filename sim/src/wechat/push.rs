//! A push and what becomes of it: what operators and tests look at (`wechat.md` 2.1).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use super::people::{Seen, Via};
use super::reply::Reply;

/// What WeChat shows when an account does not answer rightly.
const BANNER: &str = "该公众号提供的服务出现故障，请稍后再试";

/// Events that are a follower's own act in the chat, where a banner can be shown.
const ACTS: [&str; 11] = [
    "subscribe",
    "SCAN",
    "CLICK",
    "VIEW",
    "view_miniprogram",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
];

/// How a push is forged. Forged ones are sent once, and no follower sees anything of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tamper {
    /// `signature` and `msg_signature` of somebody who does not know the token.
    WrongSignature,
    /// Encrypted with another key, signed rightly; in plain mode it changes nothing.
    WrongKey,
}

/// How the next push goes out.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default)]
pub struct PushOptions {
    /// Deliveries at the same time; only the first is repeated when it is not answered.
    pub copies: u32,
    /// Waits so long before the first delivery, so that later pushes overtake it; milliseconds.
    pub delay_ms: u64,
    /// Forged.
    pub tamper: Option<Tamper>,
}

impl Default for PushOptions {
    fn default() -> Self {
        Self {
            copies: 1,
            delay_ms: 0,
            tamper: None,
        }
    }
}

/// One delivery.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// When it left.
    #[serde(serialize_with = "super::as_text")]
    pub at: Timestamp,
    /// What came back; `None` while it is under way.
    pub reply: Option<Reply>,
    /// When it came back, or was given up.
    #[serde(skip)]
    pub over: Option<Timestamp>,
}

/// One push and all its deliveries.
#[derive(Clone, Serialize)]
pub struct PushRecord {
    /// Its number.
    pub id: u64,
    /// Whom it is about; empty for a verification.
    pub openid: String,
    /// `MsgType`, `Event` of an event, or `verification`.
    pub what: String,
    /// `MsgId` of a message.
    pub msg_id: Option<i64>,
    /// `CreateTime`.
    #[serde(serialize_with = "super::as_text")]
    pub created: Timestamp,
    /// The XML before encryption.
    pub xml: String,
    /// Its deliveries, in order.
    pub attempts: Vec<Attempt>,
    /// The follower saw the words that the account is out of order.
    pub banner: bool,
    #[serde(skip)]
    pub(super) envelope: Envelope,
    /// Deliveries planned or under way.
    #[serde(skip)]
    pub(super) pending: u32,
    /// A reply was shown; one push gets one.
    #[serde(skip)]
    pub(super) replied: bool,
}

impl PushRecord {
    /// The answer to the last delivery, once all are over.
    pub fn outcome(&self) -> Option<&Reply> {
        let last = self.attempts.last().filter(|_| self.pending == 0)?;
        last.reply.as_ref()
    }

    /// What the follower sees now that a delivery got `reply`; `given_up` when it was the last
    /// of the deliveries that are repeated until they are answered.
    pub(super) fn show(&mut self, reply: &Reply, given_up: bool, at: Timestamp) -> Option<Seen> {
        if self.envelope.tamper.is_some() {
            return None;
        }
        let (via, kind, text) = match reply {
            Reply::Message { kind, text } if !self.replied && !text.is_empty() => {
                self.replied = true;
                (Via::Reply, kind.as_str(), text.as_str())
            }
            Reply::Invalid(_) if self.has_banner() => (Via::FaultBanner, "text", BANNER),
            _ if given_up && !self.replied && self.has_banner() => {
                (Via::FaultBanner, "text", BANNER)
            }
            _ => return None,
        };
        self.banner |= via == Via::FaultBanner;
        Some(Seen {
            at,
            via,
            kind: kind.to_owned(),
            text: text.to_owned(),
            media: None,
        })
    }

    fn has_banner(&self) -> bool {
        self.msg_id.is_some() || ACTS.contains(&self.what.as_str())
    }
}
