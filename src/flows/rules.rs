//! Which configured rule fits a push.

use crate::config::{Account, Action, Rule, Then, When};
use crate::wechat::push::{Event, MessageBody, Push, PushKind};

/// The answer of the first rule that fits.
pub fn first_fitting<'a>(account: &'a Account, push: &Push) -> Option<&'a Then> {
    account
        .rules
        .iter()
        .find(|rule| fits(rule, push))
        .map(|rule| &rule.then)
}

/// What Qiao itself is asked to do, if that is the answer of the rule.
pub fn action(rule: Option<&Then>) -> Option<Action> {
    match rule? {
        Then::Action(action) => Some(*action),
        Then::Text(_) | Then::News { .. } | Then::Page { .. } | Then::Hook(_) => None,
    }
}

fn fits(rule: &Rule, push: &Push) -> bool {
    match &rule.when {
        When::Text(text) => said(push).is_some_and(|said| said.trim() == text.trim()),
        When::Regex(pattern) => said(push).is_some_and(|said| pattern.is_match(said)),
        When::Click(key) => matches!(push.event(), Some(Event::Click { key: k, .. }) if k == key),
        When::Event(name) => push
            .kind_word()
            .strip_prefix("event:")
            .is_some_and(|event| event.eq_ignore_ascii_case(name)),
        When::Message(kind) => push.kind_word() == kind,
    }
}

/// The words of a text message, or what speech recognition heard.
fn said(push: &Push) -> Option<&str> {
    match &push.kind {
        PushKind::Message {
            body: MessageBody::Text { content, .. },
            ..
        } => Some(content),
        PushKind::Message {
            body: MessageBody::Voice { recognition, .. },
            ..
        } => recognition.as_deref(),
        _ => None,
    }
}
