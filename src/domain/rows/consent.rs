//! Rows about what followers consented to tell of themselves.

use std::fmt;

use jiff::Timestamp;

use super::Follower;
use crate::domain::ids::UnionId;

/// WeChat's refresh_token of a consent (wechat.md 8). Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// Takes a token from WeChat or from the store.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself, for the call and for the store.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

/// Name and avatar, as somebody shows them in WeChat.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The nickname.
    pub name: Option<String>,
    /// The address of the picture.
    pub avatar: Option<String>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile(…)")
    }
}

/// A change of a row of `consent`.
#[derive(Debug, Clone, PartialEq)]
pub enum ConsentChange {
    /// They consented, anew or for the first time.
    Given {
        /// Who.
        follower: Follower,
        /// What was told; `None` when it could not be read yet.
        profile: Option<Profile>,
        /// By which it can be read again.
        refresh_token: RefreshToken,
        /// Across accounts, which WeChat tells with it.
        unionid: Option<UnionId>,
    },
    /// What they had consented to was read again.
    Read {
        /// Who.
        follower: Follower,
        /// What was told.
        profile: Profile,
    },
    /// WeChat does not take the refresh_token any more.
    Lapsed {
        /// Who.
        follower: Follower,
    },
    /// They withdrew it.
    Withdrawn {
        /// Who.
        follower: Follower,
        /// When.
        at: Timestamp,
        /// They are known to no browser any more, either.
        closed: bool,
    },
}
