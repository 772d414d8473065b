//! What a follower is told who asked for their number and whose customer only a person can name.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::acted::Acted;
use super::sending::{self, ToSay};
use crate::config::Account;
use crate::domain::rows::{Changes, Follower, MappingState};
use crate::store::Mapping;

/// The purpose of that message.
const NOT_BOUND: &str = "not_bound";

/// What an act says at once: in these states C4C is not asked, because a person must decide first.
pub fn refused(
    acted: &Acted,
    mapping: Option<&Mapping>,
    account: &Account,
    now: Timestamp,
) -> Changes {
    let state = mapping.map(|mapping| mapping.state);
    if acted.binds && matches!(state, Some(MappingState::Conflict | MappingState::Obsolete)) {
        return told(&acted.follower, account, now);
    }
    Changes::none()
}

/// The message itself.
pub fn told(follower: &Follower, account: &Account, now: Timestamp) -> Changes {
    let text = &account.texts.not_bound;
    if text.trim().is_empty() {
        return Changes::none();
    }
    let say = ToSay {
        follower,
        purpose: NOT_BOUND,
        text,
        values: BTreeMap::new(),
        inbox_id: None,
        conversation: None,
    };
    sending::queue(&say, now)
}
