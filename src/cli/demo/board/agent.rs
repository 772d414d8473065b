//! What an agent does at the C4C screen.

use std::collections::BTreeMap;

use qiao_sim::c4c::Answer;
use serde::Deserialize;

use super::{Board, MOST_TEXT, desk};

/// One of these things.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub(super) enum Work {
    /// Saves other fields of a customer.
    Change {
        object_id: String,
        fields: BTreeMap<String, String>,
    },
    /// Answers a ticket.
    Answer {
        ticket: String,
        text: String,
        author: String,
    },
    /// Completes a ticket.
    Complete { ticket: String },
}

/// Does it; false when it changes nothing.
pub(super) fn does(board: &Board, work: Work) -> bool {
    let short = |text: &str| -> String { text.chars().take(MOST_TEXT).collect() };
    board.parts.c4c.with(|c4c, now, _| match work {
        Work::Change { object_id, fields } => {
            let known = fields
                .iter()
                .map(|(name, text)| (name.as_str(), short(text)));
            let known: Vec<(&str, String)> = known
                .filter(|(name, _)| desk::FIELDS.contains(name))
                .collect();
            let fields = known.iter().map(|(name, text)| (*name, text.as_str()));
            c4c.change(&object_id, &fields.collect::<Vec<_>>(), now)
        }
        Work::Answer {
            ticket,
            text,
            author,
        } => {
            let answer = Answer::new(&short(&text), &short(&author));
            c4c.answer(&ticket, &answer, now).is_some()
        }
        Work::Complete { ticket } => c4c.close_ticket(&ticket, now),
    })
}
