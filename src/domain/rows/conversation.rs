//! Rows of conversations, of what C4C knows of them, and of media.

use jiff::Timestamp;

use super::Follower;
use crate::domain::ids::{ObjectId, TenantId};

/// What becomes of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationChange {
    /// A new one begins with this message.
    Opened {
        /// Whose.
        follower: Follower,
        /// Its first message.
        message_id: i64,
        /// When that was said.
        at: Timestamp,
        /// The one before it.
        previous_id: Option<i64>,
    },
    /// Something was said in it.
    GoesOn {
        /// `conversation.id`
        id: i64,
        /// The follower's message; `None` when we spoke.
        message_id: Option<i64>,
        /// When.
        at: Timestamp,
    },
    /// It is over. One that has ended stays as it ended.
    Ended {
        /// `conversation.id`
        id: i64,
        /// Why.
        reason: EndReason,
        /// When.
        at: Timestamp,
    },
    /// C4C has it now; `None` leaves what stands there.
    InC4c {
        /// `conversation.id`
        id: i64,
        /// The activity that the others follow.
        root_object_id: Option<ObjectId>,
        /// ObjectID and number of its ticket.
        ticket: Option<(ObjectId, String)>,
    },
}

/// Why a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Nobody said anything for long.
    Idle,
    /// An agent closed it.
    Agent,
    /// The follower said so.
    Keyword,
    /// The follower left.
    Unfollow,
    /// It became too long; it goes on in another.
    Length,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Idle,
        Self::Agent,
        Self::Keyword,
        Self::Unfollow,
        Self::Length,
    ];

    /// The word in `conversation.end_reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Agent => "agent",
            Self::Keyword => "keyword",
            Self::Unfollow => "unfollow",
            Self::Length => "length",
        }
    }
}

/// A row of `conversation_event`: what happened at WeChat's own seats (wechat.md 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatEvent {
    /// With whom.
    pub follower: Follower,
    /// `accepted`, `transferred` or `closed`.
    pub kind: &'static str,
    /// The seats.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// A row of `profile`: the follower's social media user profile in C4C (c4c.md 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProfile {
    /// Whose.
    pub follower: Follower,
    /// Its key.
    pub object_id: ObjectId,
}

/// A row of `activity`: what stands in C4C for something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewActivity {
    /// Where.
    pub tenant: TenantId,
    /// `activity` or `note`.
    pub kind: &'static str,
    /// Its key; the reply form does not tell it.
    pub object_id: Option<ObjectId>,
    /// An activity's ID. One of both is there.
    pub number: Option<String>,
    /// `in` or `out`.
    pub direction: &'static str,
    /// The message that it stands for.
    pub message_id: Option<i64>,
    /// Index in `Changes::messages` of that message, when it is being written now.
    pub message: Option<usize>,
}

/// What becomes of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaChange {
    /// It came with a message and is to be fetched before WeChat forgets it.
    Wanted {
        /// `message.id`
        message_id: i64,
        /// `image`, `voice`, `video`, `thumb`
        kind: String,
        /// WeChat's.
        media_id: String,
    },
    /// An agent attached it to an answer, and it is told about in a message that is being written now.
    Attached {
        /// Index in `Changes::messages` of that message.
        message: usize,
        /// `image`, `voice`, `video`, `file`, `link`
        kind: &'static str,
        /// The attachment's key in C4C.
        object_id: ObjectId,
        /// Its bytes, or why there are none: a sentence.
        content: Result<MediaContent, String>,
    },
    /// Its bytes are on disk.
    Stored {
        /// `media.id`
        id: i64,
        /// What they are.
        content: MediaContent,
    },
    /// It cannot be had any more.
    Missing {
        /// `media.id`
        id: i64,
        /// Why: a sentence.
        reason: String,
    },
}

impl MediaChange {
    /// `media.id`, once it has one.
    pub fn id(&self) -> Option<i64> {
        match self {
            Self::Wanted { .. } | Self::Attached { .. } => None,
            Self::Stored { id, .. } | Self::Missing { id, .. } => Some(*id),
        }
    }
}

/// What lies in the folder of media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaContent {
    /// By which it is found: 64 hex digits.
    pub sha256: String,
    /// How many.
    pub bytes: u64,
    /// Sniffed.
    pub mime: String,
    /// What it is called in C4C.
    pub name: String,
}
