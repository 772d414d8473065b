//! What becomes of a medium that was fetched, or could not be.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::message::MEDIA_LIVES;
use super::names::CONVERSATION_ATTACH;
use crate::config::{Account, IntoC4c};
use crate::domain::rows::{Changes, Follower, MediaChange, MediaContent, NewEffect, names};
use crate::domain::verdict::{Failure, Verdict};
use crate::store::{MediaRow, Said};

/// Stored, missing, or to be tried again: WeChat keeps it for three days, and what it does not have any
/// more is missing at once.
pub fn settled(
    medium: &MediaRow,
    fetched: Result<MediaContent, Failure>,
    said_at: Timestamp,
    now: Timestamp,
) -> Result<MediaChange, Failure> {
    let id = medium.id;
    match fetched {
        Ok(content) => Ok(MediaChange::Stored { id, content }),
        Err(failure) => {
            let dies = said_at
                .saturating_add(MEDIA_LIVES)
                .unwrap_or(Timestamp::MAX);
            if failure.verdict == Verdict::Permanent || now >= dies {
                let reason = failure.message;
                Ok(MediaChange::Missing { id, reason })
            } else {
                Err(failure)
            }
        }
    }
}

/// The payload of `conversation.attach`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    /// Whose.
    pub follower: Follower,
    /// `media.id`
    pub medium: i64,
}

/// What was fetched, and what is missing, is told to C4C: each an effect of its own, behind the message.
pub fn follow_up(
    said: &Said,
    media: &[MediaRow],
    settled: &[MediaChange],
    account: &Account,
) -> Changes {
    if account.conversation.into_c4c == IntoC4c::Off {
        return Changes::none();
    }
    let before = media.iter().filter(|medium| medium.state != "wanted");
    let now = settled.iter().map(MediaChange::id);
    let all = before.map(|medium| Some(medium.id)).chain(now).flatten();
    let effects = all.map(|medium| attach(&said.follower, account, said.id, medium));
    Changes {
        effects: effects.collect(),
        ..Changes::none()
    }
}

fn attach(follower: &Follower, account: &Account, message_id: i64, medium: i64) -> NewEffect {
    let attach = Attach {
        follower: follower.clone(),
        medium,
    };
    NewEffect {
        message_id: Some(message_id),
        ..NewEffect::new(
            follower.c4c_lane(),
            CONVERSATION_ATTACH,
            names::c4c(&account.tenant),
            &attach,
        )
    }
}
