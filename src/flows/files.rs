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

/// What the follower gets: a picture, a voice or a video as such, anything else as a text that names it.
pub fn found(account: &Account, follower: &Follower, found: &Found, now: Timestamp) -> Changes {
    let name = found.name.as_str();
    let (kind, text, content) = match &found.what {
        What::File(content, Some(UploadKind::Image)) => ("image", None, Ok(content.clone())),
        What::File(content, Some(UploadKind::Voice)) => ("voice", None, Ok(content.clone())),
        What::File(content, Some(UploadKind::Video)) => ("video", None, Ok(content.clone())),
        What::File(content, _) => (
            "file",
            Some(sending::named(account, name)),
            Ok(content.clone()),
        ),
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
        conversation: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    use crate::config::{Config, Environment, load_text};
    use crate::domain::ids::{AccountId, OpenId};

    /// An account that names files so.
    fn config(file_named: &str) -> Config {
        let text = format!(
            r#"
            [c4c.main]
            url = "https://my000000.crm.ondemand.com"
            username = "QIAO"
            password = "secret"
            notify_key = "0123456789abcdef"
            [wechat.main]
            app_id = "wx0123456789abcdef"
            app_secret = "secret"
            token = "token"
            texts.file_named = "{file_named}"
            "#
        );
        let nothing = Environment::from_iter(Vec::<(String, String)>::new());
        let loaded = load_text(&text, std::path::Path::new("qiao.toml"), &nothing);
        loaded.unwrap().config
    }

    /// Kind and words of what is queued, and whether it is sent as a medium.
    fn queued(file_named: &str, what: What) -> Option<(String, String, bool)> {
        let config = config(file_named);
        let follower = Follower {
            account: AccountId::new("main"),
            openid: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
        };
        let attachment = Found {
            object_id: ObjectId::new("00163E0A1B2C1ED5A0B1C2D3E4F5A6B7"),
            name: "plan".to_owned(),
            what,
        };
        let account = &config.wechat[&follower.account];
        let changes = found(account, &follower, &attachment, Timestamp::UNIX_EPOCH);
        assert_eq!(changes.messages.len(), changes.media.len());
        let message = changes.messages.first()?;
        let text = message.text.as_deref().unwrap_or_default();
        let is_medium = changes.effects[0].payload.contains("\"is_medium\":true");
        Some((message.kind.to_string(), text.to_owned(), is_medium))
    }

    fn file(fits: Option<UploadKind>) -> What {
        let content = MediaContent {
            sha256: "a".repeat(64),
            bytes: 5,
            mime: "image/jpeg".to_owned(),
            name: "plan".to_owned(),
        };
        What::File(content, fits)
    }

    #[test]
    fn what_a_message_carries_is_sent_and_the_rest_is_named() {
        let link = || What::Link("https://example.cn/plan".to_owned());
        let cases = [
            (file(Some(UploadKind::Image)), "image", "plan", true),
            (file(Some(UploadKind::Voice)), "voice", "plan", true),
            (file(Some(UploadKind::Video)), "video", "plan", true),
            (file(None), "file", "file: plan", false),
            (What::TooLarge, "file", "file: plan", false),
            (link(), "link", "plan https://example.cn/plan", false),
        ];
        for (what, kind, text, is_medium) in cases {
            let expected = (kind.to_owned(), text.to_owned(), is_medium);
            assert_eq!(queued("file: {name}", what), Some(expected));
        }
    }

    #[test]
    fn an_empty_text_names_nothing_and_still_sends_what_it_can() {
        assert_eq!(queued("", file(None)), None);
        assert_eq!(queued("", What::TooLarge), None);
        assert!(queued("", file(Some(UploadKind::Image))).is_some());
    }
}
