//! Change notifications: which subscriber is told what, when, how often (c4c.md 3).
//!
//! It owns the subscriptions and the knobs for all that the reference leaves open. It must not
//! look at the objects: a [`Saved`] says everything. The waiting itself is in [`super::queue`].

use jiff::Timestamp;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::notification;
use super::queue::{self, Attempt, Delivery, Parcel, Queue, Tally};
use super::saved::{Business, Event, Saved};
use crate::wire::{Push, PushOutcome};

/// The form of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Variant A, "OData: Event Notification to External Systems" (c4c.md 3.1).
    #[default]
    Odata,
    /// Variant B, "Event Notification" (3.2).
    Event,
    /// Variant B with *Enhanced Payload*: the changes are told.
    Enhanced,
}

/// Where notifications go.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The consumer's URL; a key may be its last segment.
    pub url: String,
    /// User of Basic credentials; empty sends none.
    #[serde(default)]
    pub username: String,
    /// Their password; the control API does not show it.
    #[serde(default)]
    pub password: String,
    /// The form.
    #[serde(default)]
    pub variant: Variant,
    /// The events told, as the check boxes of the screen.
    #[serde(default = "every_event")]
    pub events: Vec<Event>,
    /// The business objects told of.
    #[serde(default = "customers_only")]
    pub objects: Vec<Business>,
}

fn customers_only() -> Vec<Business> {
    vec![Business::Customer]
}

fn every_event() -> Vec<Event> {
    vec![Event::Created, Event::Updated, Event::Deleted]
}

impl Subscription {
    /// Every event of customers, without credentials.
    pub fn new(url: &str, variant: Variant) -> Self {
        Self {
            url: url.to_owned(),
            username: String::new(),
            password: String::new(),
            variant,
            events: every_event(),
            objects: customers_only(),
        }
    }

    /// Of these business objects.
    #[must_use]
    pub fn of(self, objects: &[Business]) -> Self {
        Self {
            objects: objects.to_vec(),
            ..self
        }
    }

    /// With Basic credentials.
    #[must_use]
    pub fn with_credentials(self, username: &str, password: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
            ..self
        }
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may end in a key.
        f.debug_struct("Subscription")
            .field("variant", &self.variant)
            .field("events", &self.events)
            .field("objects", &self.objects)
            .finish_non_exhaustive()
    }
}

/// The knobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NotifySettings {
    /// Off: the consumer is not activated, and what happens meanwhile is never told.
    pub active: bool,
    /// Who is told.
    pub subscriptions: Vec<Subscription>,
    /// From the save to the push, in milliseconds.
    pub delay_millis: u64,
    /// Further copies of each, as one save touches several nodes.
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

impl NotifySettings {
    fn delivery(&self) -> Delivery {
        Delivery {
            delay_millis: self.delay_millis,
            retries: self.retries,
            retry_millis: self.retry_millis,
            deadline_millis: self.deadline_millis,
        }
    }
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            active: true,
            subscriptions: Vec::new(),
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

/// The tenant's notifications.
#[derive(Debug, Clone)]
pub struct Notifications {
    /// The knobs; change them at any time.
    pub settings: NotifySettings,
    queue: Queue,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            settings: NotifySettings::default(),
            queue: Queue::above(0),
        }
    }
}

impl Notifications {
    /// What became of them so far.
    pub fn tally(&self) -> Tally {
        self.queue.tally()
    }

    /// The last attempts, oldest first.
    pub fn attempts(&self) -> impl DoubleEndedIterator<Item = &Attempt> {
        self.queue.attempts().iter()
    }

    /// How many wait or are under way.
    pub fn open(&self) -> usize {
        self.queue.open()
    }

    /// Plans the pushes of a save.
    pub(super) fn plan(&mut self, saved: &Saved, host: &str, now: Timestamp) {
        if !self.settings.active {
            return;
        }
        let subscriptions = self.settings.subscriptions.clone();
        for subscription in subscriptions {
            let wanted = subscription.events.contains(&saved.event)
                && subscription.objects.contains(&saved.object);
            if !wanted {
                continue;
            }
            for _ in 0..=self.settings.duplicates {
                self.add(&subscription, saved, host, now);
            }
        }
    }

    fn add(&mut self, subscription: &Subscription, saved: &Saved, host: &str, now: Timestamp) {
        let number = self.queue.next_number();
        if self.settings.lose_next > 0 {
            self.settings.lose_next -= 1;
            return self.queue.lose();
        }
        let (username, password) = (&subscription.username, &subscription.password);
        let body = notification::payload(subscription.variant, saved, host, number);
        let parcel = Parcel {
            about: saved.object_id.clone(),
            url: subscription.url.clone(),
            headers: queue::headers("application/json", username, password),
            body: body.to_string().into_bytes(),
        };
        let delivery = self.settings.delivery();
        self.queue.plan(number, parcel, delivery, now);
    }

    pub(super) fn take_due(&mut self, now: Timestamp, rng: &mut dyn Rng) -> Vec<Push> {
        self.queue.take_due(self.settings.shuffle, now, rng)
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    /// False when the push is no notification.
    pub(super) fn pushed(&mut self, push: &Push, outcome: &PushOutcome, now: Timestamp) -> bool {
        let delivery = self.settings.delivery();
        self.queue.pushed(push, outcome, delivery, now)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::wire::Response;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_615_277_730 + second).unwrap()
    }

    /// Notifications to one subscriber, with one save planned.
    fn planned(mut settings: NotifySettings) -> Notifications {
        let subscription = Subscription::new("http://qiao.test/c4c/main", Variant::Odata);
        let subscription = subscription.with_credentials("c4c", "pw");
        settings.subscriptions.push(subscription);
        let mut notifications = Notifications {
            settings,
            ..Notifications::default()
        };
        let saved = Saved {
            object: Business::Customer,
            object_id: "00163EAA11111EE7B8975BD4AB3F0001".to_owned(),
            event: Event::Updated,
            changes: Vec::new(),
            user: "DEMO USER".to_owned(),
            at: at(0),
        };
        notifications.plan(&saved, "my000001.c4c.example", at(0));
        notifications
    }

    fn take(notifications: &mut Notifications, second: i64) -> Vec<Push> {
        notifications.take_due(at(second), &mut StdRng::seed_from_u64(7))
    }

    #[test]
    fn a_push_carries_basic_credentials_and_waits_for_its_delay() {
        let mut notifications = planned(NotifySettings {
            delay_millis: 5000,
            ..NotifySettings::default()
        });
        assert!(take(&mut notifications, 4).is_empty());
        assert_eq!(notifications.next_due(), Some(at(5)));
        let pushes = take(&mut notifications, 5);
        let authorization = ("authorization".to_owned(), "Basic YzRjOnB3".to_owned());
        assert!(pushes[0].headers.contains(&authorization));
        assert_eq!(notifications.next_due(), None);
    }

    #[test]
    fn duplicates_are_copies_and_lost_ones_never_leave() {
        let mut twice = planned(NotifySettings {
            duplicates: 2,
            lose_next: 1,
            ..NotifySettings::default()
        });
        assert_eq!(take(&mut twice, 0).len(), 2);
        assert_eq!(twice.tally().lost, 1);
        let mut off = planned(NotifySettings {
            active: false,
            ..NotifySettings::default()
        });
        assert!(take(&mut off, 0).is_empty());
    }

    #[test]
    fn without_retries_a_refusal_is_the_end_and_with_them_it_is_repeated() {
        for (retries, again) in [(0, 0), (1, 1)] {
            let mut notifications = planned(NotifySettings {
                retries,
                ..NotifySettings::default()
            });
            let push = take(&mut notifications, 0).remove(0);
            let refused = Response {
                status: 503,
                ..Response::default()
            };
            notifications.pushed(&push, &PushOutcome::Answered(refused), at(1));
            let repeated = take(&mut notifications, 61);
            assert_eq!(repeated.len(), again);
            for push in repeated {
                notifications.pushed(&push, &PushOutcome::Unanswered, at(62));
            }
            assert_eq!(notifications.open(), 0);
        }
    }

    #[test]
    fn shuffling_changes_the_order_and_loses_nothing() {
        let mut notifications = planned(NotifySettings {
            duplicates: 9,
            shuffle: true,
            ..NotifySettings::default()
        });
        let ids: Vec<u64> = take(&mut notifications, 0).iter().map(|p| p.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        assert_ne!(ids, sorted);
        assert_eq!(sorted, (1..=10).collect::<Vec<u64>>());
    }
}
