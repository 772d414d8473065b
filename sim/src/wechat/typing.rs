//! custom/typing (`wechat.md` 4.2): the follower reads that someone is typing.

use std::time::Duration;

use jiff::Timestamp;

use super::WeChat;
use super::account::ok;
use super::api::Call;
use super::later;
use super::people::Person;
use super::refusal::{Outcome, Refusal};
use super::send::receiver;

/// How long ago the last message of either side may be.
const EXCHANGED_WITHIN: Duration = Duration::from_secs(30);

/// How long the follower reads it, unless a message ends it.
const SHOWN_FOR: Duration = Duration::from_secs(15);

impl WeChat {
    /// Whether a follower reads now that someone is typing.
    pub fn is_typing_to(&self, openid: &str, now: Timestamp) -> bool {
        let person = self.people.get(openid);
        person.is_some_and(|person| person.reads_typing(now))
    }

    /// `POST /cgi-bin/message/custom/typing`.
    pub(super) fn custom_typing(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let person = receiver(&mut self.people, &self.settings, &body)?;
        let typing = match body["command"].as_str() {
            Some("Typing") => true,
            Some("CancelTyping") => false,
            _ => return Err(Refusal::new(45072)),
        };
        let exchanged = person.exchanged.map(|at| later(at, EXCHANGED_WITHIN));
        if exchanged.is_none_or(|until| until <= call.now) {
            return Err(Refusal::new(45080));
        }
        if typing && person.reads_typing(call.now) {
            return Err(Refusal::new(45081));
        }
        person.typing_until = typing.then(|| later(call.now, SHOWN_FOR));
        Ok(ok())
    }
}

impl Person {
    fn reads_typing(&self, now: Timestamp) -> bool {
        self.typing_until.is_some_and(|until| now < until)
    }
}
