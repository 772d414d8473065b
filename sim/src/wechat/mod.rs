//! The WeChat Official Account platform, simulated for one account (`wechat.md` 11).
//!
//! It owns the account's side of the wire: API calls, pushes, tokens, windows, quotas, and what
//! each follower sees. It must not know Qiao, nor be lenient where WeChat is not. Start reading
//! at the table in `api.rs`; `driver.rs` and `acts.rs` are the hands of tests and the demo,
//! `control.rs` the same over HTTP.

mod account;
mod acts;
mod api;
mod control;
pub mod crypto;
mod download;
mod driver;
mod envelope;
mod form;
mod format;
mod ids;
mod jssdk;
mod media;
mod menu;
mod oauth;
mod people;
mod push;
mod qr;
mod queue;
mod quota;
mod refusal;
mod reply;
mod send;
mod settings;
mod tags;
mod template;
mod tokens;
mod typing;
mod upload;
mod users;
mod windows;
mod xml;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;

pub use self::acts::{Place, Voice};
pub use self::jssdk::OpenedLocation;
pub use self::media::{MediaKind, Medium, Origin};
pub use self::oauth::NICKNAME_AND_AVATAR;
pub use self::people::{Person, Seen, Via};
pub use self::push::{Attempt, PushOptions, PushRecord, Tamper};
pub use self::qr::QrCode;
pub use self::reply::Reply;
pub use self::settings::{Grants, Mode, Settings};

use self::jssdk::Tickets;
use self::media::Media;
use self::menu::Menus;
use self::oauth::OAuth;
use self::people::People;
use self::queue::Pushes;
use self::quota::Quotas;
use self::tags::Tags;
use self::tokens::Tokens;
use crate::fault::Faults;
use crate::wire::{Core, Delivery, Push, PushOutcome, Request};

/// Everything under this prefix steers the simulator and is no part of WeChat.
const CONTROL: &str = "/_control/";

/// One simulated account and the people around it.
#[derive(Default)]
pub struct WeChat {
    /// Who the account is, and the knobs.
    pub settings: Settings,
    /// What goes wrong; operations are paths such as `/cgi-bin/message/custom/send`.
    pub faults: Faults,
    tokens: Tokens,
    quotas: Quotas,
    people: People,
    media: Media,
    menus: Menus,
    tags: Tags,
    tickets: Tickets,
    opened: Vec<OpenedLocation>,
    oauth: OAuth,
    pushes: Pushes,
    next_push: PushOptions,
    /// Requests by path, refused ones included.
    calls: BTreeMap<String, u64>,
    /// Templates already sent under a `client_msg_id`: when, and their msgid.
    templates_sent: HashMap<(String, String), (Timestamp, i64)>,
    last_msg_id: i64,
    qr_codes: Vec<QrCode>,
}

impl WeChat {
    /// A fresh account without followers.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// What a follower saw, oldest first.
    pub fn seen(&self, openid: &str) -> &[Seen] {
        self.people.get(openid).map_or(&[], |person| &person.seen)
    }

    /// Everyone known to the account, with their OpenIDs.
    pub fn people(&self) -> impl Iterator<Item = (&str, &Person)> {
        self.people.all()
    }

    /// A person, to set what the account or they themselves decide.
    pub fn person_mut(&mut self, openid: &str) -> Option<&mut Person> {
        self.people.get_mut(openid)
    }

    /// Every push so far, oldest first.
    pub fn pushes(&self) -> impl Iterator<Item = &PushRecord> {
        self.pushes.records()
    }

    /// One push by the id the driver gave.
    pub fn push(&self, id: u64) -> Option<&PushRecord> {
        self.pushes.record(id)
    }

    /// No push is planned or under way.
    pub fn is_quiet(&self) -> bool {
        self.pushes.is_quiet()
    }

    /// How often a path was called, faults and refusals included.
    pub fn calls(&self, path: &str) -> u64 {
        self.calls.get(path).copied().unwrap_or(0)
    }

    /// How often any path was called, faults and refusals included.
    pub fn all_calls(&self) -> u64 {
        self.calls.values().sum()
    }

    /// The next id of a message, from either side; far above 32 bits, as WeChat's are.
    fn next_msg_id(&mut self) -> i64 {
        const FIRST: i64 = 24_680_000_000_000_000;
        self.last_msg_id = self.last_msg_id.max(FIRST) + 1;
        self.last_msg_id
    }
}

impl Core for WeChat {
    fn handle(&mut self, request: &Request, now: Timestamp, rng: &mut dyn Rng) -> Delivery {
        if request.path.starts_with(CONTROL) {
            return Delivery::Answer(self.control(request, now, rng), Duration::ZERO);
        }
        *self.calls.entry(request.path.clone()).or_default() += 1;
        let rid = refusal::rid(now, rng);
        match self.faults.take(&request.path) {
            None => Delivery::Answer(self.answer(request, &rid, now, rng), Duration::ZERO),
            Some(fault) => {
                let content_type = self.settings.content_type_of(&request.path).to_owned();
                fault.deliver(
                    || self.answer(request, &rid, now, rng),
                    |code| api::refuse(&refusal::Refusal::new(code), &rid, &content_type),
                )
            }
        }
    }

    fn take_due(&mut self, now: Timestamp, rng: &mut dyn Rng) -> Vec<Push> {
        self.pushes.take_due(&self.settings, now, rng)
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.pushes.next_due()
    }

    fn pushed(&mut self, push: &Push, outcome: PushOutcome, now: Timestamp) {
        let shown = self.pushes.settle(push.id, &outcome, &self.settings, now);
        if let Some((openid, mut seen)) = shown {
            if reply::shows_medium(&seen.kind) {
                seen.media = self.media.get(&seen.text, now).ok().cloned();
            }
            self.people.known(&openid).show(seen);
        }
    }
}

/// A later instant; a knob set absurdly high means the end of time.
fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// An instant in JSON: RFC 3339.
fn as_text<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}
