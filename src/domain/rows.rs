//! What a decision may ask the store to write: plain data, one type a table.
//!
//! Flows return [`Changes`]; the store writes them in the same transaction as the fact or the
//! outcome that they follow from. Nothing here knows SQL.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{AccountId, ObjectId, OpenId, TenantId};

pub mod consent;
pub mod conversation;
pub mod names;
pub mod people;
pub mod place;
pub mod qr;

pub use consent::{ConsentChange, Profile, RefreshToken};
pub use conversation::{
    ConversationChange, EndReason, MediaChange, MediaContent, NewActivity, NewProfile, SeatEvent,
};
pub use people::{
    ErasureCause, MappingChange, MappingState, NewErasure, NewGrant, Snapshot, WindowClosed,
};
pub use place::NewLocation;
pub use qr::{Invitation, MadeQrCode, NewQrCode, QrChange, QrScan};

/// Everything that one decision wants written. Applied in one transaction or not at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Messages both ways.
    pub messages: Vec<NewMessage>,
    /// Effects that must happen.
    pub effects: Vec<NewEffect>,
    /// Who is who.
    pub mappings: Vec<MappingChange>,
    /// What a follower's act now allows.
    pub grants: Vec<NewGrant>,
    /// Sends that used the follower's windows.
    pub window_uses: Vec<Follower>,
    /// Grants that WeChat told us are gone (45015, 45047, unfollow).
    pub window_closed: Vec<WindowClosed>,
    /// Baselines of customers.
    pub snapshots: Vec<Snapshot>,
    /// Lanes whose rows held for `reason` may run again.
    pub releases: Vec<Release>,
    /// Lanes whose waiting rows are cancelled.
    pub cancels: Vec<Cancel>,
    /// People whose own history is deleted.
    pub forgets: Vec<Follower>,
    /// Answers to pushes whose answer was pending.
    pub answers: Vec<StoredAnswer>,
    /// Held sends that went out as the passive reply to this push.
    pub passive: Vec<PassiveDelivery>,
    /// What reconciliation found.
    pub findings: Vec<Finding>,
    /// Conversations that begin, go on or end.
    pub conversations: Vec<ConversationChange>,
    /// What happened at WeChat's own seats.
    pub seat_events: Vec<SeatEvent>,
    /// Followers' profiles in C4C.
    pub profiles: Vec<NewProfile>,
    /// What stands in C4C for what was said.
    pub activities: Vec<NewActivity>,
    /// Pictures, voices and videos.
    pub media: Vec<MediaChange>,
    /// Where followers are.
    pub locations: Vec<NewLocation>,
    /// Persons who are to be erased.
    pub erasures: Vec<NewErasure>,
    /// What followers consented to, or withdrew.
    pub consents: Vec<ConsentChange>,
    /// QR codes that are wanted, made or failed.
    pub qr_codes: Vec<QrChange>,
    /// Their scans.
    pub qr_scans: Vec<QrScan>,
    /// Agents whom followers ask for.
    pub invitations: Vec<Invitation>,
}

impl Changes {
    /// Nothing to write.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds everything that `other` wants. Links from effects to messages stay right.
    pub fn extend(&mut self, mut other: Self) {
        let shift = self.messages.len();
        for effect in &mut other.effects {
            effect.message = effect.message.map(|index| index + shift);
        }
        for activity in &mut other.activities {
            activity.message = activity.message.map(|index| index + shift);
        }
        for medium in &mut other.media {
            if let MediaChange::Attached { message, .. } = medium {
                *message += shift;
            }
        }
        self.messages.append(&mut other.messages);
        self.effects.append(&mut other.effects);
        self.mappings.append(&mut other.mappings);
        self.grants.append(&mut other.grants);
        self.window_uses.append(&mut other.window_uses);
        self.window_closed.append(&mut other.window_closed);
        self.snapshots.append(&mut other.snapshots);
        self.releases.append(&mut other.releases);
        self.cancels.append(&mut other.cancels);
        self.forgets.append(&mut other.forgets);
        self.answers.append(&mut other.answers);
        self.passive.append(&mut other.passive);
        self.findings.append(&mut other.findings);
        self.conversations.append(&mut other.conversations);
        self.seat_events.append(&mut other.seat_events);
        self.profiles.append(&mut other.profiles);
        self.activities.append(&mut other.activities);
        self.media.append(&mut other.media);
        self.locations.append(&mut other.locations);
        self.erasures.append(&mut other.erasures);
        self.consents.append(&mut other.consents);
        self.qr_codes.append(&mut other.qr_codes);
        self.qr_scans.append(&mut other.qr_scans);
        self.invitations.append(&mut other.invitations);
    }

    /// Adds a message together with the effect that delivers it.
    pub fn deliver(&mut self, message: NewMessage, effect: NewEffect) {
        self.messages.push(message);
        self.effects.push(NewEffect {
            message: Some(self.messages.len() - 1),
            ..effect
        });
    }
}

/// One follower of one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Follower {
    /// The account they follow.
    pub account: AccountId,
    /// Who they are there.
    pub openid: OpenId,
}

impl Follower {
    /// The lane of what is sent to them.
    pub fn send_lane(&self) -> String {
        self.lane("send")
    }

    /// The lane of what C4C must learn of them.
    pub fn c4c_lane(&self) -> String {
        self.lane("c4c")
    }

    /// The lane of answer hooks: a slow hook holds up nothing but its own answers.
    pub fn hook_lane(&self) -> String {
        self.lane("hook")
    }

    /// The lane of the files of their agents' answers.
    pub fn files_lane(&self) -> String {
        self.lane("files")
    }

    /// The lane of the mark that somebody is typing to them.
    pub fn typing_lane(&self) -> String {
        self.lane("typing")
    }

    /// The lane of what hangs on their messages.
    pub fn media_lane(&self) -> String {
        self.lane("media")
    }

    /// The lane of what they consented to tell of themselves.
    pub fn profile_lane(&self) -> String {
        self.lane("profile")
    }

    /// All of these lanes.
    pub fn lanes(&self) -> [String; 7] {
        ["send", "c4c", "hook", "files", "typing", "media", "profile"].map(|side| self.lane(side))
    }

    fn lane(&self, side: &str) -> String {
        format!("{side}:{}:{}", self.account, self.openid.as_str())
    }
}

/// A row of `message`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// Whose conversation.
    pub follower: Follower,
    /// Which way, and how far it has come.
    pub state: MessageState,
    /// `text`, `image`, `news`, `template` …
    pub kind: Arc<str>,
    /// Why we send it; `None` for incoming ones.
    pub purpose: Option<&'static str>,
    /// WeChat's MsgId.
    pub msg_id: Option<Arc<str>>,
    /// Its words.
    pub text: Option<Arc<str>>,
    /// The push that it answers. The push that brought it is linked by the store.
    pub inbox_id: Option<i64>,
    /// The sender's clock.
    pub created_at: Timestamp,
}

/// How far a message has come when it is first written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// Came in.
    Received,
    /// Went out as the passive reply.
    Answered,
    /// Waits in the outbox.
    Queued,
}

impl MessageState {
    /// `in` or `out`, as `message.direction`.
    pub fn direction(self) -> &'static str {
        if self == Self::Received { "in" } else { "out" }
    }

    /// The word in `message.state`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Answered => "answered",
            Self::Queued => "queued",
        }
    }
}

/// How urgent an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Somebody waits for it.
    Live,
    /// Ordinary work.
    Normal,
    /// Repairs and imports; never takes the last call slot.
    Bulk,
}

impl Priority {
    /// The number in `outbox.priority`.
    pub fn as_i64(self) -> i64 {
        match self {
            Self::Live => 0,
            Self::Normal => 1,
            Self::Bulk => 2,
        }
    }

    /// Reads `outbox.priority`; the table's CHECK allows no other number.
    pub fn from_i64(number: i64) -> Self {
        match number {
            0 => Self::Live,
            1 => Self::Normal,
            _ => Self::Bulk,
        }
    }
}

/// A row of `outbox`.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEffect {
    /// Effects of one lane run one after the other, in order of id.
    pub lane: Arc<str>,
    /// Its name, by which its handler is found.
    pub effect: &'static str,
    /// Whose gate and call slots it needs.
    pub remote: Arc<str>,
    /// What the handler needs to know; JSON. Words of people stay in `message`.
    pub payload: Arc<str>,
    /// How urgent it is.
    pub priority: Priority,
    /// Not before this instant; `None` for at once.
    pub not_before: Option<Timestamp>,
    /// Given up after this instant.
    pub expires_at: Option<Timestamp>,
    /// Skip it when the lane already holds one of the same name that has not started.
    pub merge: bool,
    /// Among those of its name in its lane that nobody has tried, the message that was said first goes
    /// first, in whatever order they came.
    pub in_order_said: bool,
    /// Index in [`Changes::messages`] of the message that it delivers, or is about.
    pub message: Option<usize>,
    /// The message that it is about, when that is not being written now.
    pub message_id: Option<i64>,
    /// The push it follows from, when that is not the one being written now.
    pub inbox_id: Option<i64>,
}

impl NewEffect {
    /// An effect to be run at once, at normal priority, that never expires.
    pub fn new(
        lane: impl Into<Arc<str>>,
        effect: &'static str,
        remote: impl Into<Arc<str>>,
        payload: &impl Serialize,
    ) -> Self {
        let payload = serde_json::to_string(payload).expect("payloads have text keys");
        Self {
            lane: lane.into(),
            effect,
            remote: remote.into(),
            payload: payload.into(),
            priority: Priority::Normal,
            not_before: None,
            expires_at: None,
            merge: false,
            in_order_said: false,
            message: None,
            message_id: None,
            inbox_id: None,
        }
    }
}

/// Rows of a lane that were held for a reason become ready again, in their old order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Release {
    /// The lane.
    pub lane: String,
    /// The `held_reason` to release.
    pub reason: &'static str,
    /// Only if one of this follower's send windows is open.
    pub if_open: Option<Follower>,
    /// Only if that one was granted by an act after this instant.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::optional")]
    pub acted_after: Option<Timestamp>,
}

/// The waiting rows of a lane are cancelled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cancel {
    /// The lane.
    pub lane: String,
    /// Why, for `outbox.note`.
    pub reason: &'static str,
}

/// A held send that is delivered as the passive reply to the follower's own message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassiveDelivery {
    /// The held effect.
    pub outbox_id: i64,
    /// The `held_reason` that it still must have.
    pub reason: &'static str,
}

/// The answer to a push, decided after its commit.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAnswer {
    /// The push.
    pub inbox_id: i64,
    /// The passive reply before encryption; `None` for `success`.
    pub answer: Option<String>,
}

/// A row of `finding`.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The run that found it.
    pub job_run_id: i64,
    /// One stable word: `follower_without_mapping` …
    pub kind: &'static str,
    /// Which account it is about.
    pub account: Option<AccountId>,
    /// Which tenant it is about.
    pub tenant: Option<TenantId>,
    /// Which follower.
    pub openid: Option<OpenId>,
    /// Which customer.
    pub object_id: Option<ObjectId>,
    /// A sentence.
    pub detail: String,
    /// `found`, `repairing` or `for_person`.
    pub state: &'static str,
    /// What would put it right, as JSON.
    pub repair: Option<String>,
}
