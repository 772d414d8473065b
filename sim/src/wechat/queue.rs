//! When pushes leave, and when they are repeated (`wechat.md` 2.1).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;
use serde_json::Value;

use super::envelope::{self, Envelope};
use super::ids;
use super::later;
use super::people::Seen;
use super::push::{Attempt, PushOptions, PushRecord};
use super::reply::{self, Reply};
use super::settings::Settings;
use crate::wire::{Push, PushOutcome};

/// Finished pushes kept for inspection; a long run must not fill the memory.
const KEPT: usize = 10_000;

/// What a push says.
pub(super) struct Content<'a> {
    pub(super) openid: &'a str,
    pub(super) what: &'a str,
    pub(super) msg_id: Option<i64>,
    /// All elements, envelope included, in order.
    pub(super) fields: Vec<(&'a str, Value)>,
}

#[derive(Debug, Clone, Copy)]
struct Delivery {
    record: u64,
    /// Its number, from 1, in the row that is repeated until one is answered; `None` for copies.
    nth: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Flight {
    delivery: Delivery,
    /// Index in [`PushRecord::attempts`].
    attempt: usize,
}

/// All pushes of the account.
#[derive(Default)]
pub(super) struct Pushes {
    records: BTreeMap<u64, PushRecord>,
    /// By due time, then in the order of planning.
    planned: BTreeMap<(Timestamp, u64), Delivery>,
    in_flight: HashMap<u64, Flight>,
    last_id: u64,
}

impl Pushes {
    pub(super) fn records(&self) -> impl Iterator<Item = &PushRecord> {
        self.records.values()
    }

    pub(super) fn record(&self, id: u64) -> Option<&PushRecord> {
        self.records.get(&id)
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.planned.is_empty() && self.in_flight.is_empty()
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.planned.keys().next().map(|(due, _)| *due)
    }

    /// Records a push and plans its deliveries; with no copies it is never sent.
    pub(super) fn plan(
        &mut self,
        content: &Content<'_>,
        options: PushOptions,
        settings: &Settings,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> u64 {
        let sealed = Envelope::seal(&content.fields, options.tamper, settings, rng);
        let id = self.keep(PushRecord {
            id: 0,
            openid: content.openid.to_owned(),
            what: content.what.to_owned(),
            msg_id: content.msg_id,
            created: now,
            xml: envelope::plain(&content.fields),
            attempts: Vec::new(),
            banner: false,
            envelope: sealed,
            pending: 0,
            replied: false,
        });
        let due = later(now, Duration::from_millis(options.delay_ms));
        for copy in 0..options.copies {
            let nth = (copy == 0 && options.tamper.is_none()).then_some(1);
            self.plan_delivery(Delivery { record: id, nth }, due);
        }
        id
    }

    /// Records a verification of the URL and plans it.
    pub(super) fn plan_verification(&mut self, now: Timestamp, rng: &mut dyn Rng) -> u64 {
        let id = self.keep(PushRecord {
            id: 0,
            openid: String::new(),
            what: "verification".to_owned(),
            msg_id: None,
            created: now,
            xml: String::new(),
            attempts: Vec::new(),
            banner: false,
            envelope: Envelope::of_verification(rng),
            pending: 0,
            replied: false,
        });
        self.plan_delivery(
            Delivery {
                record: id,
                nth: None,
            },
            now,
        );
        id
    }

    /// Delivers an earlier push once more, to the byte; false if it is not known.
    pub(super) fn repeat(&mut self, id: u64, now: Timestamp) -> bool {
        let known = self.records.contains_key(&id);
        if known {
            self.plan_delivery(
                Delivery {
                    record: id,
                    nth: None,
                },
                now,
            );
        }
        known
    }

    /// Takes what is due at `now`.
    pub(super) fn take_due(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Vec<Push> {
        let mut due = Vec::new();
        while let Some(entry) = self.planned.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let delivery = entry.remove();
            due.extend(self.depart(delivery, settings, now, rng));
        }
        due
    }

    fn depart(
        &mut self,
        delivery: Delivery,
        settings: &Settings,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Option<Push> {
        let id = self.next_id();
        let record = self.records.get_mut(&delivery.record)?;
        let is_retry = delivery.nth.is_some_and(|nth| nth > 1);
        let (at, nonce) = if is_retry && settings.fresh_nonce_on_retry {
            (now, ids::nonce(rng))
        } else {
            (record.created, record.envelope.nonce.clone())
        };
        let Some(url) = record.envelope.url(settings, &record.openid, at, &nonce) else {
            // Nowhere to push to: lost.
            record.pending -= 1;
            return None;
        };
        let attempt = record.attempts.len();
        record.attempts.push(Attempt {
            at: now,
            reply: None,
            over: None,
        });
        let body = record.envelope.body.clone();
        self.in_flight.insert(id, Flight { delivery, attempt });
        Some(Push {
            id,
            url,
            headers: vec![("content-type".to_owned(), "text/xml".to_owned())],
            body,
            deadline: settings.deadline(),
        })
    }

    /// Judges what came back for a delivery, and plans the next one if need be. Returns what the
    /// follower sees of it, if anything.
    pub(super) fn settle(
        &mut self,
        id: u64,
        outcome: &PushOutcome,
        settings: &Settings,
        now: Timestamp,
    ) -> Option<(String, Seen)> {
        let Flight { delivery, attempt } = self.in_flight.remove(&id)?;
        let record = self.records.get_mut(&delivery.record)?;
        record.pending -= 1;
        let reply = if record.envelope.is_verification() {
            reply::of_verification(outcome, &record.envelope.nonce)
        } else {
            let to_message = record.msg_id.is_some();
            reply::of_push(outcome, settings, &record.openid, to_message)
        };
        let left_at = record.attempts[attempt].at;
        record.attempts[attempt].reply = Some(reply.clone());
        record.attempts[attempt].over = Some(now);
        let unanswered = matches!(reply, Reply::Unanswered | Reply::Refused(_));
        let nth = delivery.nth.filter(|_| unanswered);
        if let Some(nth) = nth.filter(|nth| *nth < settings.attempts) {
            let due = now.max(later(left_at, settings.spacing()));
            let nth = Some(nth + 1);
            self.plan_delivery(Delivery { nth, ..delivery }, due);
            return None;
        }
        let seen = record.show(&reply, nth.is_some(), now)?;
        Some((record.openid.clone(), seen))
    }

    fn plan_delivery(&mut self, delivery: Delivery, due: Timestamp) {
        let order = self.next_id();
        self.planned.insert((due, order), delivery);
        if let Some(record) = self.records.get_mut(&delivery.record) {
            record.pending += 1;
        }
    }

    fn keep(&mut self, record: PushRecord) -> u64 {
        let id = self.next_id();
        self.records.insert(id, PushRecord { id, ..record });
        while self.records.len() > KEPT {
            let oldest = self.records.first_entry();
            match oldest.filter(|oldest| oldest.get().pending == 0) {
                Some(finished) => drop(finished.remove()),
                None => break,
            }
        }
        id
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}
