//! When a conversation begins, goes on and ends.
//!
//! Pure: the newest conversation of a follower and what happened in, changes out. A conversation
//! begins with a message; menu taps, scans and follows begin none.

use jiff::Timestamp;

use crate::config::ConversationRules;
use crate::domain::rows::{ConversationChange, EndReason, Follower};
use crate::store::Conversation;

/// A follower's message, or their leaving.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// Who.
    pub follower: &'a Follower,
    /// Their message; `None` when they said nothing.
    pub message: Option<(i64, &'a str)>,
    /// Whether they left.
    pub left: bool,
    /// When it reached us.
    pub at: Timestamp,
}

/// What becomes of the follower's conversation.
pub fn heard(
    heard: &Heard<'_>,
    newest: Option<&Conversation>,
    rules: &ConversationRules,
) -> Vec<ConversationChange> {
    let open = newest.filter(|conversation| conversation.open);
    let mut changes = Vec::new();
    if let Some((message_id, text)) = heard.message {
        let over = open.and_then(|conversation| over(conversation, heard.at, rules));
        let is_last = rules.end_words.iter().any(|word| word == text.trim());
        match (open, over) {
            (Some(conversation), None) => {
                changes.push(ConversationChange::GoesOn {
                    id: conversation.id,
                    message_id: Some(message_id),
                    at: heard.at,
                });
                if is_last {
                    changes.push(ended(conversation, EndReason::Keyword, heard.at));
                }
            }
            // A farewell to nobody begins nothing.
            (None, _) if is_last => {}
            (open, over) => {
                changes.extend(
                    open.zip(over)
                        .map(|(conversation, (why, at))| ended(conversation, why, at)),
                );
                changes.push(ConversationChange::Opened {
                    follower: heard.follower.clone(),
                    message_id,
                    at: heard.at,
                    previous_id: newest.map(|conversation| conversation.id),
                });
            }
        }
    } else if let (true, Some(conversation)) = (heard.left, open) {
        changes.push(ended(conversation, EndReason::Unfollow, heard.at));
    }
    changes
}

/// The end of a conversation in which nothing is said any more; `None` while it is not that far.
pub fn silent(
    conversation: &Conversation,
    now: Timestamp,
    rules: &ConversationRules,
) -> Option<ConversationChange> {
    over(conversation, now, rules)
        .filter(|(why, _)| *why == EndReason::Idle)
        .map(|(why, at)| ended(conversation, why, at))
}

/// Why an open conversation does not go on, and since when.
fn over(
    conversation: &Conversation,
    now: Timestamp,
    rules: &ConversationRules,
) -> Option<(EndReason, Timestamp)> {
    let after = |start: Timestamp, wait| start.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let silent_at = after(conversation.last_at, rules.idle);
    if silent_at <= now {
        return Some((EndReason::Idle, silent_at));
    }
    let is_long = conversation.messages >= rules.max_messages
        || after(conversation.opened_at, rules.max_age) <= now;
    is_long.then_some((EndReason::Length, now))
}

fn ended(conversation: &Conversation, reason: EndReason, at: Timestamp) -> ConversationChange {
    ConversationChange::Ended {
        id: conversation.id,
        reason,
        at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, OpenId};
    use proptest::prelude::*;

    fn rules() -> ConversationRules {
        ConversationRules {
            max_messages: 3,
            ..ConversationRules::sample()
        }
    }

    fn follower() -> Follower {
        Follower {
            account: AccountId::new("main"),
            openid: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
        }
    }

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    /// Conversations as the store keeps them.
    #[derive(Default)]
    struct Conversations(Vec<(Conversation, Option<EndReason>, Option<i64>)>);

    impl Conversations {
        fn hear(&mut self, text: Option<&str>, at: Timestamp) {
            let number = i64::try_from(self.0.len()).unwrap();
            let who = follower();
            let what = Heard {
                follower: &who,
                message: text.map(|text| (at.as_second(), text)),
                left: text.is_none(),
                at,
            };
            let newest = self.0.last().map(|(conversation, ..)| conversation.clone());
            for change in heard(&what, newest.as_ref(), &rules()) {
                match change {
                    ConversationChange::Opened {
                        message_id,
                        previous_id,
                        ..
                    } => {
                        let conversation = Conversation {
                            id: number + 1,
                            follower: follower(),
                            open: true,
                            first_message_id: message_id,
                            messages: 1,
                            opened_at: at,
                            last_at: at,
                            root_object_id: None,
                            ticket: None,
                            agent: None,
                        };
                        self.0.push((conversation, None, previous_id));
                    }
                    ConversationChange::GoesOn { id, at, .. } => {
                        let (conversation, ..) =
                            self.0.iter_mut().find(|(t, ..)| t.id == id).unwrap();
                        conversation.messages += 1;
                        conversation.last_at = at;
                    }
                    ConversationChange::Ended { id, reason, .. } => {
                        let (conversation, why, _) =
                            self.0.iter_mut().find(|(t, ..)| t.id == id).unwrap();
                        conversation.open = false;
                        *why = Some(reason);
                    }
                    ConversationChange::InC4c { .. } => unreachable!("nobody asked C4C"),
                }
            }
        }

        fn story(&self) -> Vec<(i64, Option<EndReason>, Option<i64>)> {
            self.0
                .iter()
                .map(|(t, why, before)| (t.messages, *why, *before))
                .collect()
        }
    }

    #[test]
    fn silence_ends_a_conversation_and_the_next_message_begins_another_that_knows_of_it() {
        let mut conversations = Conversations::default();
        for at in [0, 29, 58, 88] {
            conversations.hear(Some("hello"), minute(at));
        }
        assert_eq!(
            conversations.story(),
            [(3, Some(EndReason::Idle), None), (1, None, Some(1))]
        );
    }

    #[test]
    fn a_long_one_goes_on_in_another() {
        let mut conversations = Conversations::default();
        for at in 0..4 {
            conversations.hear(Some("hello"), minute(at));
        }
        assert_eq!(
            conversations.story(),
            [(3, Some(EndReason::Length), None), (1, None, Some(1))]
        );
    }

    #[test]
    fn a_farewell_ends_it_and_begins_none() {
        let mut conversations = Conversations::default();
        for text in ["hello", " bye ", "bye"] {
            conversations.hear(Some(text), minute(0));
        }
        assert_eq!(conversations.story(), [(2, Some(EndReason::Keyword), None)]);
    }

    #[test]
    fn who_leaves_ends_it() {
        let mut conversations = Conversations::default();
        conversations.hear(Some("hello"), minute(0));
        conversations.hear(None, minute(1));
        conversations.hear(None, minute(2));
        assert_eq!(
            conversations.story(),
            [(1, Some(EndReason::Unfollow), None)]
        );
    }

    #[test]
    fn the_job_ends_only_what_is_silent() {
        let mut conversations = Conversations::default();
        conversations.hear(Some("hello"), minute(0));
        let (conversation, ..) = &conversations.0[0];
        assert_eq!(silent(conversation, minute(29), &rules()), None);
        let end = silent(conversation, minute(99), &rules()).unwrap();
        let expected = ConversationChange::Ended {
            id: conversation.id,
            reason: EndReason::Idle,
            at: minute(30),
        };
        assert_eq!(end, expected, "it ended when the silence was long enough");
    }

    proptest! {
        /// Whatever is said and whenever: at most the newest is open, and every message is in one.
        #[test]
        fn one_is_open_and_none_is_lost(acts in prop::collection::vec((0_i64..40, any::<bool>()), 1..30)) {
            let mut conversations = Conversations::default();
            let (mut now, mut said) = (0, 0);
            for (wait, says) in acts {
                now += wait;
                said += i64::from(says);
                conversations.hear(says.then_some("hello"), minute(now));
            }
            let story = conversations.story();
            let open = conversations.0.iter().filter(|(conversation, ..)| conversation.open).count();
            prop_assert!(open <= 1 && conversations.0.iter().rev().skip(1).all(|(conversation, ..)| !conversation.open));
            prop_assert_eq!(story.iter().map(|(messages, ..)| *messages).sum::<i64>(), said);
            prop_assert!(story.iter().all(|(messages, ..)| *messages <= rules().max_messages));
        }
    }
}
