//! Sending to a follower: what is queued, and which way it may go when its turn has come.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::names::WECHAT_SEND;
use crate::config::{Account, OutsideWindow, Template};
use crate::domain::placeholder::render;
use crate::domain::rows::{
    Changes, Follower, MessageState, NewEffect, NewMessage, Priority, names,
};
use crate::store::StoredGrant;
use crate::wechat::client::TemplateMessage;
use crate::wechat::reply::Reply;
use crate::wechat::split::{MAX_SEND_BYTES, split_text};
use crate::wechat::window::{Grant, MAX_SENDS, may_send};

/// How long something to be said stays worth saying: the longest window that WeChat knows.
pub const WORTH_SAYING: SignedDuration = SignedDuration::from_hours(48);

/// Held until the follower acts: no window is open.
pub const HELD_WINDOW: &str = "window";

/// Held until the follower acts: the account may only answer passively (48001).
pub const HELD_PASSIVE: &str = "passive_only";

/// What the handler of `wechat.send` needs besides the message's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// To whom.
    pub follower: Follower,
    /// Why; also the name of the template to fall back to.
    pub purpose: String,
    /// Values for the template's placeholders.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Pieces of the same text that come after this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u32,
    /// A medium hangs on the message, and is sent in place of its words.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_medium: bool,
    /// The conversation whose ticket is told what became of it; the newest one where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<i64>,
}

impl Send {
    /// Whether it is an agent's answer.
    pub fn is_reply(&self) -> bool {
        self.purpose == REPLY
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "for serde")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The purpose of an agent's answer.
pub const REPLY: &str = "reply";

/// What somebody wants said.
#[derive(Debug, Clone)]
pub struct ToSay<'a> {
    /// To whom.
    pub follower: &'a Follower,
    /// `customer_created`, `customer_changed`, `hook`, `operator` …
    pub purpose: &'static str,
    /// The words.
    pub text: &'a str,
    /// Values for the template's placeholders.
    pub values: BTreeMap<String, String>,
    /// The push it answers, if any.
    pub inbox_id: Option<i64>,
    /// The conversation that it belongs to, where that is known.
    pub conversation: Option<i64>,
}

/// Queues a text in pieces that WeChat takes, one message and one effect each, so that no piece
/// is ever sent twice. What no window can carry is cut off and marked.
pub fn queue(say: &ToSay<'_>, now: Timestamp) -> Changes {
    let mut changes = Changes::none();
    let mut pieces = split_text(say.text, MAX_SEND_BYTES);
    let most = usize::try_from(MAX_SENDS).unwrap_or(usize::MAX);
    if pieces.len() > most {
        pieces.truncate(most);
        if let Some(last) = pieces.last_mut() {
            last.truncate(last.floor_char_boundary(MAX_SEND_BYTES - '…'.len_utf8()));
            last.push('…');
        }
    }
    let after = (0..u32::try_from(pieces.len()).unwrap_or(u32::MAX)).rev();
    for (piece, more) in pieces.into_iter().zip(after) {
        deliver(&mut changes, say, ("text", &piece), more, now);
    }
    changes
}

/// Queues a medium, which follows it into `media`. Its words are its name: they stand for it in the
/// history.
pub fn queue_medium(say: &ToSay<'_>, kind: &'static str, now: Timestamp) -> Changes {
    let mut changes = Changes::none();
    deliver(&mut changes, say, (kind, say.text), 0, now);
    changes
}

fn deliver(
    changes: &mut Changes,
    say: &ToSay<'_>,
    (kind, text): (&'static str, &str),
    more: u32,
    now: Timestamp,
) {
    let send = Send {
        follower: say.follower.clone(),
        purpose: say.purpose.to_owned(),
        values: say.values.clone(),
        more,
        is_medium: kind != "text",
        conversation: say.conversation,
    };
    let message = NewMessage {
        follower: say.follower.clone(),
        state: MessageState::Queued,
        kind: kind.into(),
        purpose: Some(say.purpose),
        msg_id: None,
        text: Some(text.into()),
        inbox_id: say.inbox_id,
        created_at: now,
    };
    let effect = NewEffect {
        priority: Priority::Live,
        expires_at: now.saturating_add(WORTH_SAYING).ok(),
        ..NewEffect::new(
            say.follower.send_lane(),
            WECHAT_SEND,
            names::wechat(&say.follower.account),
            &send,
        )
    };
    changes.deliver(message, effect);
}

/// The words that name a file which cannot go by itself; empty when the account says nothing of such.
pub fn named(account: &Account, name: &str) -> String {
    render(&account.texts.file_named, &[("name", name)])
}

/// The words of a reply when it must go as a custom message. Articles become their texts: a
/// custom message with an article would count the same and say no more.
pub fn words(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Text(text) => Some(text.clone()),
        Reply::News(articles) => {
            let article = articles.first()?;
            let parts = [&article.title, &article.description, &article.url];
            let filled: Vec<&str> = parts
                .into_iter()
                .map(String::as_str)
                .filter(|part| !part.is_empty())
                .collect();
            Some(filled.join("\n"))
        }
        _ => None,
    }
}

/// Which way a message may go now.
#[derive(Clone, PartialEq, Eq)]
pub enum Way {
    /// As a custom message, within the window.
    Custom,
    /// As a template message: the window is closed.
    Template(TemplateMessage),
    /// Not now: the follower must act first.
    Hold,
    /// Not at all: the account's policy for answers that no window can carry.
    Refuse,
}

/// A stored grant as the window's rules want it.
fn read(stored: &StoredGrant) -> Option<Grant> {
    Some(Grant {
        trigger: stored.trigger.parse().ok()?,
        granted_at: stored.granted_at,
        valid_until: stored.valid_until,
        allowed: stored.allowed,
        used: stored.used,
    })
}

/// Whether anything at all may be sent now.
pub fn is_open(grants: &[StoredGrant], now: Timestamp) -> bool {
    let grants: Vec<Grant> = grants.iter().filter_map(read).collect();
    may_send(&grants, now).is_some()
}

/// What whoever says something learns at once of its way. It may change before its turn has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// `custom`: it goes now; `template`, `hold` or `refuse`: what happens since no send window is open.
    pub way: &'static str,
    /// Messages that the best window has left.
    pub left: u32,
    /// The end of that window.
    pub until: Option<Timestamp>,
}

/// How it looks for something to be said now, given what the follower's acts have granted.
pub fn outlook(
    account: &Account,
    purpose: &str,
    grants: &[StoredGrant],
    now: Timestamp,
) -> Outlook {
    let grants = grants.iter().filter_map(read);
    let best = grants
        .filter(|grant| grant.is_live(now) && grant.left() > 0)
        .max_by_key(Grant::left);
    let way = match (&best, policy(account, purpose)) {
        (Some(_), _) => "custom",
        (None, OutsideWindow::Template) if account.templates.contains_key(purpose) => "template",
        (None, OutsideWindow::Template | OutsideWindow::Hold) => "hold",
        (None, OutsideWindow::Refuse) => "refuse",
    };
    Outlook {
        way,
        left: best.as_ref().map_or(0, Grant::left),
        until: best.map(|grant| grant.valid_until),
    }
}

/// What becomes of a message that no window carries.
fn policy(account: &Account, purpose: &str) -> OutsideWindow {
    match purpose {
        REPLY => account.conversation.outside_window,
        _ => OutsideWindow::Template,
    }
}

/// Decides on the way of a message whose turn has come.
pub fn way(
    account: &Account,
    send: &Send,
    grants: &[StoredGrant],
    outbox_id: i64,
    now: Timestamp,
) -> Way {
    let grants: Vec<Grant> = grants.iter().filter_map(read).collect();
    // A text is not begun that cannot be ended.
    if may_send(&grants, now).is_some_and(|left| left > send.more) {
        Way::Custom
    } else {
        closed(account, send, outbox_id)
    }
}

/// The way of a message when no window is open.
pub fn closed(account: &Account, send: &Send, outbox_id: i64) -> Way {
    match (
        policy(account, &send.purpose),
        account.templates.get(&send.purpose),
    ) {
        (OutsideWindow::Template, Some(template)) => Way::Template(fill(template, send, outbox_id)),
        (OutsideWindow::Template | OutsideWindow::Hold, _) => Way::Hold,
        (OutsideWindow::Refuse, _) => Way::Refuse,
    }
}

fn fill(template: &Template, send: &Send, outbox_id: i64) -> TemplateMessage {
    let values: Vec<(&str, &str)> = send
        .values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    TemplateMessage {
        template_id: template.template_id.clone(),
        data: template
            .data
            .iter()
            .map(|(keyword, text)| (keyword.clone(), render(text, &values)))
            .collect(),
        url: template.url.clone(),
        // WeChat recognises a repetition by it, so a template may be sent again after a lost answer.
        client_msg_id: format!("qiao-{outbox_id}"),
    }
}
