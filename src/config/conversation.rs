//! `[wechat.<account>.conversation]`: what becomes of what is said, and how answers reach followers.

use std::collections::BTreeMap;

use jiff::SignedDuration;

/// `conversation` of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationRules {
    /// `into_c4c`
    pub into_c4c: IntoC4c,
    /// `idle_minutes`: after so much silence a conversation has ended.
    pub idle: SignedDuration,
    /// `max_hours`: after so long it goes on in another one.
    pub max_age: SignedDuration,
    /// `max_messages` of the follower; then it goes on in another one.
    pub max_messages: i64,
    /// `end_words`: a message that is one of these ends it.
    pub end_words: Vec<String>,
    /// `outside_window`
    pub outside_window: OutsideWindow,
    /// `delivery_notes`: the type of the notes by which the ticket is told what became of an answer.
    pub delivery_notes: Option<String>,
    /// `reply_files`: whether answers are looked through for files, which then follow them.
    pub reply_files: bool,
    /// `typing`: whether the follower sees that somebody is typing while an answer waits to go.
    pub typing: bool,
    /// `reply_note`: the type of the notes by which agents answer on a ticket.
    pub reply_note: Option<String>,
    /// `agent_field`: the ticket's property that names the agent who works on it; `None`: it is left alone.
    pub agent_field: Option<String>,
}

#[cfg(test)]
impl ConversationRules {
    /// As nobody has configured anything, but for the word that ends a conversation.
    pub(crate) fn sample() -> Self {
        Self {
            into_c4c: IntoC4c::Off,
            idle: SignedDuration::from_mins(30),
            max_age: SignedDuration::from_hours(24),
            max_messages: 1000,
            end_words: vec!["bye".to_owned()],
            outside_window: OutsideWindow::Template,
            delivery_notes: None,
            reply_files: true,
            typing: false,
            reply_note: None,
            agent_field: None,
        }
    }
}

/// What is said becomes in C4C (c4c.md 4).
#[derive(Debug, Clone, PartialEq)]
pub enum IntoC4c {
    /// Nothing: it stays in Qiao's history.
    Off,
    /// A social media activity of the follower's profile, for which C4C makes a ticket by itself.
    Social(SocialChannel),
    /// A note of the conversation's ticket.
    Ticket(TicketFields),
}

/// A social media channel of the tenant (c4c.md 4.1, 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocialChannel {
    /// `channel_id`: SocialMediaActivityProviderID.
    pub id: String,
    /// `channel_code`: SocialMediaChannelCode.
    pub code: String,
}

/// `ticket`: the fields of a new ticket, with placeholders as for a customer.
pub type TicketFields = BTreeMap<String, String>;

/// What becomes of an answer that no send window can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutsideWindow {
    /// The template of its purpose, if there is one; else it is held.
    Template,
    /// It is held until the follower acts, and then goes first.
    Hold,
    /// It is given up, and the agent is told.
    Refuse,
}
