//! How an agent's answer leaves C4C: the mashup of the social channel, a form POST (c4c.md 3.3,
//! 4.4).

use jiff::Timestamp;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::super::queue::{self, Attempt, Delivery, Parcel, Queue, Tally};
use crate::wire::{Push, PushOutcome};

/// Replies are numbered from here, far above any notification.
const NUMBERS: u64 = 1 << 40;

/// The mashup as the administrator set it up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplySettings {
    /// Where answers are posted to; a key may be its last segment. Empty: there is no mashup, and
    /// answers stay in C4C.
    pub url: String,
    /// User of Basic credentials; empty sends none.
    pub username: String,
    /// Their password; the control API does not show it.
    pub password: String,
    /// Whether `original_id` names the follower's message; else it is empty (c4c.md 4.4).
    pub original_id: bool,
    /// From the answer to the push, in milliseconds.
    pub delay_millis: u64,
    /// Further copies of each.
    pub duplicates: u32,
    /// Pushes that are due together leave in any order.
    pub shuffle: bool,
    /// The next so many are lost without a trace.
    pub lose_next: u32,
    /// Attempts after the first that was not answered with 2xx.
    pub retries: u32,
    /// Wait before a retry, in milliseconds.
    pub retry_millis: u64,
    /// How long an answer is waited for, in milliseconds.
    pub deadline_millis: u64,
}

impl Default for ReplySettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            username: String::new(),
            password: String::new(),
            original_id: false,
            delay_millis: 0,
            duplicates: 0,
            shuffle: false,
            lose_next: 0,
            retries: 0,
            retry_millis: 60_000,
            deadline_millis: 30_000,
        }
    }
}

impl std::fmt::Debug for ReplySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may end in a key.
        f.debug_struct("ReplySettings").finish_non_exhaustive()
    }
}

impl ReplySettings {
    fn delivery(&self) -> Delivery {
        Delivery {
            delay_millis: self.delay_millis,
            retries: self.retries,
            retry_millis: self.retry_millis,
            deadline_millis: self.deadline_millis,
        }
    }
}

/// The JSON in the form, in the order seen.
#[derive(Serialize)]
pub(super) struct Content<'a> {
    pub original_id: &'a str,
    pub sma_id: &'a str,
    pub service_req_no: &'a str,
    pub author_name: &'a str,
    pub author_email: &'a str,
    pub sma_create_datetime: String,
    pub private_ind: &'a str,
    pub text: &'a str,
}

/// The replies on their way out.
#[derive(Debug, Clone)]
pub struct Replies {
    /// The knobs; change them at any time.
    pub settings: ReplySettings,
    queue: Queue,
}

impl Default for Replies {
    fn default() -> Self {
        Self {
            settings: ReplySettings::default(),
            queue: Queue::above(NUMBERS),
        }
    }
}

impl Replies {
    /// What became of them so far.
    pub fn tally(&self) -> Tally {
        self.queue.tally()
    }

    /// The last attempts with what was answered, oldest first.
    pub fn attempts(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        self.queue.attempts().iter()
    }

    /// How many wait or are under way.
    pub fn open(&self) -> usize {
        self.queue.open()
    }

    /// Plans the pushes of an answer.
    pub(super) fn plan(&mut self, content: &Content, now: Timestamp) {
        if self.settings.url.is_empty() {
            return;
        }
        let json = serde_json::to_string(content).expect("the content is all strings");
        for _ in 0..=self.settings.duplicates {
            let number = self.queue.next_number();
            if self.settings.lose_next > 0 {
                self.settings.lose_next -= 1;
                self.queue.lose();
                continue;
            }
            let ReplySettings {
                url,
                username,
                password,
                ..
            } = &self.settings;
            let form = "application/x-www-form-urlencoded";
            let parcel = Parcel {
                about: content.sma_id.to_owned(),
                url: url.clone(),
                headers: queue::headers(form, username, password),
                body: format!("content={}", encoded(&json)).into_bytes(),
            };
            let delivery = self.settings.delivery();
            self.queue.plan(number, parcel, delivery, now);
        }
    }

    pub(in crate::c4c) fn take_due(&mut self, now: Timestamp, rng: &mut dyn Rng) -> Vec<Push> {
        self.queue.take_due(self.settings.shuffle, now, rng)
    }

    pub(in crate::c4c) fn next_due(&self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    /// False when the push is no reply.
    pub(in crate::c4c) fn pushed(
        &mut self,
        push: &Push,
        outcome: &PushOutcome,
        now: Timestamp,
    ) -> bool {
        let delivery = self.settings.delivery();
        self.queue.pushed(push, outcome, delivery, now)
    }
}

/// Percent-encoded with lower-case hex, a space as `%20`, as C4C was seen to do (c4c.md 4.4).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let hex = |digit: u8| char::from_digit(u32::from(digit), 16);
            let digits = [hex(byte >> 4), hex(byte & 15)];
            encoded.push('%');
            encoded.extend(digits.into_iter().flatten());
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `shared/fixtures/c4c/synthetic/mashup_ticket_reply.form`: written for Qiao from c4c.md 4.4.
    const FIXTURE: &str = "content=%7b%22original_id%22%3a%221003%22%2c%22sma_id%22%3a%2259161%22\
        %2c%22service_req_no%22%3a%221034190%22%2c%22author_name%22%3a%22Demo%20Agent%22%2c\
        %22author_email%22%3a%22%22%2c%22sma_create_datetime%22%3a%222017-12-28T02%3a27%3a14Z%22\
        %2c%22private_ind%22%3a%22FALSE%22%2c%22text%22%3a%22We%20are%20on%20it%20%2b%20thanks\
        %22%7d";

    #[test]
    fn the_form_is_the_one_of_the_fixture() {
        let content = Content {
            original_id: "1003",
            sma_id: "59161",
            service_req_no: "1034190",
            author_name: "Demo Agent",
            author_email: "",
            sma_create_datetime: "2017-12-28T02:27:14Z".to_owned(),
            private_ind: "FALSE",
            text: "We are on it + thanks",
        };
        let json = serde_json::to_string(&content).unwrap();
        assert_eq!(format!("content={}", encoded(&json)), FIXTURE);
    }

    #[test]
    fn any_text_comes_back_from_the_form() {
        for text in [
            "100 % & more = \"quoted\"",
            "桥🌉\n第二行",
            "%41+%zz",
            "'~*()!",
        ] {
            let form = format!("content={}", encoded(text));
            let read: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).collect();
            assert_eq!(read, [("content".into(), text.into())]);
        }
    }
}
