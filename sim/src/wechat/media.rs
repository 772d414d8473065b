//! Media: what followers sent and what the account uploaded, and how long each lives
//! (`wechat.md` 6).
//!
//! It owns the bytes and their ids. Who may fetch or send them is said in `download.rs` and
//! `send.rs`; what may be uploaded, in `upload.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use super::crypto::hex_sha1;
use super::format::Format;
use super::ids;
use super::later;
use super::refusal::Refusal;

/// Life of a medium that is no permanent material.
const LIFE: Duration = Duration::from_hours(3 * 24);

/// Characters of a media id, as observed ones have.
const ID_LENGTH: usize = 64;

/// What a medium is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A recording.
    Voice,
    /// A video.
    Video,
    /// A short video of legacy clients; followers send it, accounts cannot.
    ShortVideo,
    /// The still picture of a video.
    Thumb,
}

impl MediaKind {
    /// The format of bytes that do not say theirs.
    fn usual(self) -> Format {
        match self {
            Self::Image | Self::Thumb => Format::Jpeg,
            Self::Voice => Format::Amr,
            Self::Video | Self::ShortVideo => Format::Mp4,
        }
    }
}

/// How a medium came to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A follower sent it; it lives three days, and the account cannot send it.
    Follower,
    /// media/upload; it lives three days.
    Upload,
    /// Permanent material.
    Material,
}

/// Bytes with what the platform knows of them. As JSON: a digest in place of the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Medium {
    /// What it is.
    pub kind: MediaKind,
    /// How it came.
    pub origin: Origin,
    /// When it came.
    pub created: Timestamp,
    /// The bytes, as they came.
    pub bytes: Arc<[u8]>,
}

impl Medium {
    /// Its `Content-Type`.
    pub fn content_type(&self) -> &'static str {
        self.format().content_type()
    }

    pub(super) fn format(&self) -> Format {
        Format::of(&self.bytes).unwrap_or(self.kind.usual())
    }

    fn lives(&self, now: Timestamp) -> bool {
        self.origin == Origin::Material || now < later(self.created, LIFE)
    }
}

impl fmt::Debug for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} bytes", self.kind, self.bytes.len())
    }
}

impl Serialize for Medium {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "kind": self.kind,
            "origin": self.origin,
            "content_type": self.content_type(),
            "created": self.created.to_string(),
            "length": self.bytes.len(),
            "sha1": hex_sha1(&self.bytes),
        })
        .serialize(serializer)
    }
}

/// All media of the account, by id.
#[derive(Debug, Default)]
pub(super) struct Media(BTreeMap<String, Medium>);

impl Media {
    /// Keeps a medium; returns its id.
    pub(super) fn add(
        &mut self,
        kind: MediaKind,
        origin: Origin,
        bytes: &[u8],
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> String {
        // A dead id is answered as an unknown one, so a long run need not keep the bytes.
        self.0.retain(|_, medium| medium.lives(now));
        let id = ids::random_text(ID_LENGTH, rng);
        let medium = Medium {
            kind,
            origin,
            created: now,
            bytes: bytes.into(),
        };
        self.0.insert(id.clone(), medium);
        id
    }

    /// One that lives: 40007 for any other id.
    pub(super) fn get(&self, id: &str, now: Timestamp) -> Result<&Medium, Refusal> {
        let medium = self.0.get(id).filter(|medium| medium.lives(now));
        medium.ok_or_else(|| Refusal::new(40007))
    }

    /// One of the account's own, of one of these kinds, that lives: 40007 for any other id.
    pub(super) fn to_send(
        &self,
        id: &str,
        kinds: &[MediaKind],
        now: Timestamp,
    ) -> Result<&Medium, Refusal> {
        let medium = self.get(id, now)?;
        if medium.origin == Origin::Follower || !kinds.contains(&medium.kind) {
            return Err(Refusal::new(40007));
        }
        Ok(medium)
    }

    /// Those that live, with their ids.
    pub(super) fn living(&self, now: Timestamp) -> impl Iterator<Item = (&str, &Medium)> {
        let all = self.0.iter().filter(move |(_, medium)| medium.lives(now));
        all.map(|(id, medium)| (id.as_str(), medium))
    }
}
