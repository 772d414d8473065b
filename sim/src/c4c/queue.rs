//! The queue of what the tenant sends on its own, and what became of it.
//!
//! It owns waiting, order, retries and the record; what is sent is made by [`super::notify`] and
//! [`super::desk`]. How C4C delivers is not documented (c4c.md 3.4), so all of it is a knob.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rand::{Rng, RngExt};
use serde::Serialize;

use super::stamps;
use crate::wire::{Push, PushOutcome};

/// Attempts remembered one by one; the tally goes on counting.
const REMEMBERED: usize = 10_000;
/// Characters of an answer that are remembered.
const ANSWER: usize = 2_000;

/// What became of the pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Made, copies and lost ones included.
    pub planned: u64,
    /// Lost on purpose.
    pub lost: u64,
    /// Attempts answered with 2xx.
    pub accepted: u64,
    /// Attempts answered otherwise.
    pub refused: u64,
    /// Attempts not answered.
    pub unanswered: u64,
}

/// One attempt, as it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// What it told of: the ObjectID of a change, the `sma_id` of a reply.
    pub about: String,
    /// When it ended.
    #[serde(serialize_with = "stamps::as_text")]
    pub at: Timestamp,
    /// The status answered; `None` when no answer came.
    pub status: Option<u16>,
    /// The start of the answer's body.
    pub answer: String,
}

/// The knobs of a delivery.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    pub delay_millis: u64,
    pub retries: u32,
    pub retry_millis: u64,
    pub deadline_millis: u64,
}

/// What is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    /// What it tells of.
    pub about: String,
    /// Where to, absolute.
    pub url: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A push that waits or is under way.
#[derive(Debug, Clone)]
struct Open {
    due: Timestamp,
    push: Push,
    about: String,
    retries_left: u32,
}

/// Pushes, from their making to the last answer.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    /// The number before the first push's; queues of one tenant share no numbers.
    base: u64,
    made: u64,
    waiting: Vec<Open>,
    under_way: BTreeMap<u64, Open>,
    tally: Tally,
    attempts: VecDeque<Attempt>,
}

impl Queue {
    /// An empty one whose pushes have numbers above `base`.
    pub(super) fn above(base: u64) -> Self {
        Self {
            base,
            made: 0,
            waiting: Vec::new(),
            under_way: BTreeMap::new(),
            tally: Tally::default(),
            attempts: VecDeque::new(),
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// The last attempts, oldest first.
    pub(super) fn attempts(&self) -> &VecDeque<Attempt> {
        &self.attempts
    }

    /// How many wait or are under way.
    pub(super) fn open(&self) -> usize {
        self.waiting.len() + self.under_way.len()
    }

    /// The number of the next push; it counts as made.
    pub(super) fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.tally.planned += 1;
        self.made
    }

    /// Counts the push made last as lost.
    pub(super) fn lose(&mut self) {
        self.tally.lost += 1;
    }

    /// Plans the push of that number.
    pub(super) fn plan(&mut self, number: u64, parcel: Parcel, delivery: Delivery, now: Timestamp) {
        let delay = Duration::from_millis(delivery.delay_millis);
        self.waiting.push(Open {
            due: now.saturating_add(delay).unwrap_or(now),
            push: Push {
                id: self.base + number,
                url: parcel.url,
                headers: parcel.headers,
                body: parcel.body,
                deadline: Duration::from_millis(delivery.deadline_millis),
            },
            about: parcel.about,
            retries_left: delivery.retries,
        });
    }

    /// Takes what is due, in any order if it is shuffled.
    pub(super) fn take_due(
        &mut self,
        shuffle: bool,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Vec<Push> {
        let all = std::mem::take(&mut self.waiting);
        let (mut due, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|open| open.due <= now);
        self.waiting = later;
        due.sort_by_key(|open| (open.due, open.push.id));
        if shuffle {
            for last in (1..due.len()).rev() {
                due.swap(last, rng.random_range(0..=last));
            }
        }
        let pushes = due.iter().map(|open| open.push.clone()).collect();
        let started = due.into_iter().map(|open| (open.push.id, open));
        self.under_way.extend(started);
        pushes
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|open| open.due).min()
    }

    /// Records how an attempt ended, and plans a retry if one is left. False when the push is none
    /// of this queue.
    pub(super) fn pushed(
        &mut self,
        push: &Push,
        outcome: &PushOutcome,
        delivery: Delivery,
        now: Timestamp,
    ) -> bool {
        let Some(mut open) = self.under_way.remove(&push.id) else {
            return false;
        };
        self.record(&open.about, outcome, now);
        match outcome {
            PushOutcome::Answered(answer) if (200..300).contains(&answer.status) => {
                self.tally.accepted += 1;
                return true;
            }
            PushOutcome::Answered(_) => self.tally.refused += 1,
            PushOutcome::Unanswered => self.tally.unanswered += 1,
        }
        if open.retries_left > 0 {
            let wait = Duration::from_millis(delivery.retry_millis);
            open.due = now.saturating_add(wait).unwrap_or(now);
            open.retries_left -= 1;
            self.waiting.push(open);
        }
        true
    }

    fn record(&mut self, about: &str, outcome: &PushOutcome, now: Timestamp) {
        let (status, answer) = match outcome {
            PushOutcome::Answered(answer) => {
                let text = String::from_utf8_lossy(&answer.body);
                (Some(answer.status), text.chars().take(ANSWER).collect())
            }
            PushOutcome::Unanswered => (None, String::new()),
        };
        if self.attempts.len() == REMEMBERED {
            self.attempts.pop_front();
        }
        self.attempts.push_back(Attempt {
            about: about.to_owned(),
            at: now,
            status,
            answer,
        });
    }
}

/// The headers of a push; an empty user sends no credentials.
pub(super) fn headers(content_type: &str, username: &str, password: &str) -> Vec<(String, String)> {
    let header = |name: &str, value: String| (name.to_owned(), value);
    let mut headers = vec![header("content-type", content_type.to_owned())];
    if !username.is_empty() {
        let credentials = STANDARD.encode(format!("{username}:{password}"));
        headers.push(header("authorization", format!("Basic {credentials}")));
    }
    headers
}
