//! What a WeChat push means at once: the rows of its commit and its passive answer.
//!
//! Everything that can wait a moment is left to the account's `in:` lane ([`super::contact`]),
//! so that the answer leaves after one small commit.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::names::HOOK_ASK;
use super::sending::HELD_PASSIVE;
use super::{acted, branches, consent, history, location, rules, sending};
use crate::config::{Account, Action, Config, Texts, Then, pages};
use crate::domain::ids::AccountId;
use crate::domain::rows::{
    Changes, Follower, MessageState, NewEffect, NewMessage, PassiveDelivery, Priority, names,
};
use crate::store::{Answer, HeldSend, HistoryLine};
use crate::wechat::push::{FollowAction, Push, PushKind};
use crate::wechat::reply::{Article, Reply};
use jiff::SignedDuration;

/// An answer that comes later than this helps nobody; the hook is not asked any more.
const HOOK_PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// What the decision may look at.
#[derive(Debug)]
pub struct Known<'a> {
    /// Its id.
    pub account_id: &'a AccountId,
    /// Its configuration.
    pub account: &'a Account,
    /// The whole, with its pages and the zone in whose hours times are told.
    pub config: &'a Config,
    /// The follower's history, newest first, if they asked for it.
    pub history: &'a [HistoryLine],
    /// A message that could only be delivered as a passive reply, if one waits.
    pub held: Option<&'a HeldSend>,
    /// The answer of the first rule that fits.
    pub rule: Option<&'a Then>,
    /// The instant of the decision.
    pub now: Timestamp,
}

/// The rows of a push and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Intake {
    /// What is committed with it.
    pub changes: Changes,
    /// What the sender is told, before encryption.
    pub answer: Answer,
}

/// Decides on one push.
pub fn decide(push: &Push, known: &Known<'_>) -> Intake {
    let Some(openid) = push.follower() else {
        return Intake {
            changes: Changes::none(),
            answer: Answer::None,
        };
    };
    let follower = Follower {
        account: known.account_id.clone(),
        openid: openid.clone(),
    };
    let mut intake = answer(push, &follower, known);
    let binds = rules::action(known.rule) == Some(Action::Bind);
    let notice = push
        .event()
        .and_then(|event| consent::noticed(&follower, event, push.created));
    let mut follow_up = acted::follow_up(&follower, push, binds, known.now).or(notice);
    if let PushKind::Message { msg_id, .. } = &push.kind {
        let message = NewMessage {
            follower: follower.clone(),
            state: MessageState::Received,
            kind: push.kind_word().into(),
            purpose: None,
            msg_id: msg_id.map(|id| id.to_string().into()),
            text: push.text().map(Arc::from),
            inbox_id: None,
            created_at: push.created,
        };
        let mut changes = Changes {
            messages: vec![message],
            ..Changes::none()
        };
        changes.extend(intake.changes);
        intake.changes = changes;
        // It is about this message, the first one.
        follow_up = follow_up.map(|effect| NewEffect {
            message: Some(0),
            ..effect
        });
    }
    intake.changes.effects.extend(follow_up);
    intake
}

fn answer(push: &Push, follower: &Follower, known: &Known<'_>) -> Intake {
    let texts = &known.account.texts;
    let is_message = matches!(push.kind, PushKind::Message { .. });
    match known.rule {
        _ if push.follow_action() == FollowAction::Unfollow => nothing(),
        Some(Then::Text(text)) => say(push, follower, "rule", &Reply::Text(text.clone()), known),
        Some(Then::News {
            title,
            description,
            pic_url,
            url,
        }) => {
            let article = Article {
                title: title.clone(),
                description: description.clone(),
                pic_url: pic_url.clone(),
                url: url.clone(),
            };
            say(push, follower, "rule", &Reply::News(vec![article]), known)
        }
        Some(Then::Page {
            page,
            title,
            description,
            pic_url,
        }) => {
            // The configuration is refused when there is no such page.
            let Some(url) = known.config.page_url(known.account_id, page) else {
                return nothing();
            };
            let article = Article {
                title: title.clone(),
                description: description.clone(),
                pic_url: pic_url.clone(),
                url: url.into(),
            };
            say(push, follower, "rule", &Reply::News(vec![article]), known)
        }
        Some(Then::Action(action)) => act(*action, push, follower, texts, known),
        Some(Then::Hook(url)) => ask(push, follower, url, known),
        None => match (&known.account.answer_hook, known.held) {
            _ if push.follow_action() == FollowAction::Follow => say(
                push,
                follower,
                "welcome",
                &Reply::Text(texts.welcome.clone()),
                known,
            ),
            (_, Some(held)) if is_message => deliver_held(push, follower, held, known),
            (Some(url), _) if is_message => ask(push, follower, url, known),
            _ => nothing(),
        },
    }
}

fn nothing() -> Intake {
    Intake {
        changes: Changes::none(),
        answer: Answer::None,
    }
}

/// A passive reply and its message. What WeChat would not show is not said.
fn say(
    push: &Push,
    follower: &Follower,
    purpose: &'static str,
    reply: &Reply,
    known: &Known<'_>,
) -> Intake {
    let Ok(xml) = reply.render(&follower.openid, &push.to, known.now) else {
        return nothing();
    };
    let message = answered(follower, purpose, reply, known.now);
    Intake {
        changes: Changes {
            messages: vec![message],
            ..Changes::none()
        },
        answer: Answer::Stored(xml),
    }
}

/// The message row of a passive reply.
pub fn answered(
    follower: &Follower,
    purpose: &'static str,
    reply: &Reply,
    now: Timestamp,
) -> NewMessage {
    NewMessage {
        follower: follower.clone(),
        state: MessageState::Answered,
        kind: reply.kind_word().into(),
        purpose: Some(purpose),
        msg_id: None,
        text: super::sending::words(reply).map(Arc::from),
        inbox_id: None,
        created_at: now,
    }
}

fn act(
    action: Action,
    push: &Push,
    follower: &Follower,
    texts: &Texts,
    known: &Known<'_>,
) -> Intake {
    match action {
        Action::Review => {
            let shown = history::render(known.history, &known.config.server.time_zone);
            let text = shown.unwrap_or_else(|| texts.no_history.clone());
            let mut intake = say(push, follower, "history", &Reply::Text(text), known);
            // The history itself is no part of the history.
            for message in &mut intake.changes.messages {
                message.text = None;
            }
            intake
        }
        Action::Delete => {
            let reply = Reply::Text(texts.history_deleted.clone());
            let mut intake = say(push, follower, "history", &reply, known);
            intake.changes.forgets.push(follower.clone());
            intake
        }
        // C4C is asked first; they are told by a message of its own.
        Action::Bind => nothing(),
        Action::Branches => show_branches(push, follower, known),
    }
}

/// Where no place can be read from the push, the branches are shown without distances.
fn show_branches(push: &Push, follower: &Follower, known: &Known<'_>) -> Intake {
    let Some(map) = known.config.map_of(known.account_id) else {
        return nothing();
    };
    let page = known.config.page_url(known.account_id, pages::MAP);
    let place = location::place(push, known.account).and_then(Result::ok);
    let from = place.map(|place| place.gcj02);
    let texts = &known.account.texts;
    match branches::article(map, from, page.as_ref(), texts) {
        Some(article) => say(
            push,
            follower,
            "branches",
            &Reply::News(vec![article]),
            known,
        ),
        None => nothing(),
    }
}

fn ask(push: &Push, follower: &Follower, url: &url::Url, known: &Known<'_>) -> Intake {
    let effect = NewEffect {
        priority: Priority::Live,
        expires_at: known.now.saturating_add(HOOK_PATIENCE).ok(),
        ..NewEffect::new(
            follower.hook_lane(),
            HOOK_ASK,
            names::hook(known.account_id),
            &json!({
                "account": follower.account,
                "openid": follower.openid,
                "url": url.as_str(),
                "key": push.dedupe_key(),
            }),
        )
    };
    Intake {
        changes: Changes {
            effects: vec![effect],
            ..Changes::none()
        },
        answer: Answer::Pending,
    }
}

/// The follower speaks, so a message that may only be answered passively can go now.
fn deliver_held(push: &Push, follower: &Follower, held: &HeldSend, known: &Known<'_>) -> Intake {
    // A medium is only named here: its upload would outlast the five seconds of an answer.
    let words = match held.kind.as_str() {
        "image" | "voice" => sending::named(known.account, &held.text),
        _ => held.text.clone(),
    };
    let reply = Reply::Text(words);
    let Ok(xml) = reply.render(&follower.openid, &push.to, known.now) else {
        return nothing();
    };
    let delivery = PassiveDelivery {
        outbox_id: held.outbox_id,
        reason: HELD_PASSIVE,
    };
    Intake {
        changes: Changes {
            passive: vec![delivery],
            ..Changes::none()
        },
        answer: Answer::Stored(xml),
    }
}
