//! The files of an agent's answer: each follows the answer as a message of its own.
//!
//! The reply form does not carry them (c4c.md 4.4), so they are looked for behind it, one an attempt, and
//! the text does not wait for them. They have a lane of the follower's own: files of two answers keep
//! their order, and one that C4C does not give holds up neither another follower nor what C4C must learn.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::names::REPLY_FILES;
use super::sending::{self, REPLY, ToSay, WORTH_SAYING};
use crate::config::Account;
use crate::domain::ids::{ObjectId, TenantId};
use crate::domain::rows::{
    Changes, Follower, MediaChange, MediaContent, NewEffect, Priority, names,
};
use crate::wechat::upload::UploadKind;

/// The payload of `reply.files`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// Where the answer stands.
    pub tenant: TenantId,
    /// For whom it is.
    pub follower: Follower,
    /// The number of its activity.
    pub number: String,
}

/// Looks for the files of an answer, where the account wants that.
pub fn look(
    account: &Account,
    follower: &Follower,
    number: &str,
    now: Timestamp,
) -> Option<NewEffect> {
    let files = Files {
        tenant: account.tenant.clone(),
        follower: follower.clone(),
        number: number.to_owned(),
    };
    account.conversation.reply_files.then(|| again(&files, now))
}

/// Looks for the next one.
pub fn again(files: &Files, now: Timestamp) -> NewEffect {
    NewEffect {
        priority: Priority::Live,
        expires_at: now.saturating_add(WORTH_SAYING).ok(),
        ..NewEffect::new(
            files.follower.files_lane(),
            REPLY_FILES,
            names::c4c(&files.tenant),
            files,
        )
    }
}

/// What hangs on an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its key in C4C.
    pub object_id: ObjectId,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub what: What,
}

/// What an attachment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Bytes, which are on disk, and as what WeChat takes them.
    File(MediaContent, Option<UploadKind>),
    /// More bytes than are moved.
    TooLarge,
    /// An address.
    Link(String),
}

/// What the follower gets: a picture or a voice as such, anything else as a text that names it. A video
/// too, since WeChat wants a still picture beside it, which nobody has.
pub fn found(account: &Account, follower: &Follower, found: &Found, now: Timestamp) -> Changes {
    let name = found.name.as_str();
    let (kind, text, content) = match &found.what {
        What::File(content, Some(UploadKind::Image)) => ("image", None, Ok(content.clone())),
        What::File(content, Some(UploadKind::Voice)) => ("voice", None, Ok(content.clone())),
        What::File(content, fits) => {
            let kind = if fits.is_some() { "video" } else { "file" };
            (
                kind,
                Some(sending::named(account, name)),
                Ok(content.clone()),
            )
        }
        What::TooLarge => {
            let reason = "it is longer than Qiao moves".to_owned();
            ("file", Some(sending::named(account, name)), Err(reason))
        }
        What::Link(url) => {
            let text = format!("{name} {url}").trim_start().to_owned();
            ("link", Some(text), Err("it is a link".to_owned()))
        }
    };
    let say = |text| ToSay {
        follower,
        purpose: REPLY,
        text,
        values: BTreeMap::new(),
        inbox_id: None,
    };
    let mut changes = match &text {
        None => sending::queue_medium(&say(name), kind, now),
        Some(text) => sending::queue(&say(text), now),
    };
    for message in &mut changes.messages {
        message.kind = kind.into();
    }
    if !changes.messages.is_empty() {
        changes.media.push(MediaChange::Attached {
            message: 0,
            kind,
            object_id: found.object_id.clone(),
            content,
        });
    }
    changes
}
