//! A follower's new conversation becomes a ticket by itself (c4c.md 4.2), at once or later.

use std::time::Duration;

use jiff::Timestamp;

use super::super::saved::{Event, Saved};
use super::super::schema::Node;
use super::super::value::Value;
use super::{Desk, Occasion, derived, saved};

/// `TypeCode` of a reference to a social media message.
pub(super) const ACTIVITY_REFERENCE: &str = "1607";
/// Characters of a message that a ticket is named after.
const NAME: usize = 40;

impl Desk {
    /// Notes that a new message becomes a ticket, if it does.
    pub(super) fn await_ticket(&mut self, key: &str, occasion: &Occasion) {
        let Some(activity) = self.objects.get(Node::Activity, key) else {
            return;
        };
        let (category, initiator) = (
            activity.text("CategoryCode"),
            activity.text("InitiatorCode"),
        );
        if occasion.settings.auto_ticket && derived::starts_conversation(category, initiator) {
            let delay = Duration::from_millis(occasion.settings.auto_ticket_ms);
            let due = occasion.now.saturating_add(delay).unwrap_or(occasion.now);
            self.waiting.push((due, key.to_owned()));
        }
    }

    /// When the next ticket is due.
    pub(in crate::c4c) fn next_ticket(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|(due, _)| *due).min()
    }

    /// Makes the tickets that are due; gives what must be told.
    pub(in crate::c4c) fn make_tickets(&mut self, occasion: &Occasion) -> Vec<Saved> {
        let all = std::mem::take(&mut self.waiting);
        let (due, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|(d, _)| *d <= occasion.now);
        self.waiting = later;
        let made = due
            .iter()
            .filter_map(|(_, key)| self.make_ticket(key, occasion));
        made.collect()
    }

    fn make_ticket(&mut self, activity: &str, occasion: &Occasion) -> Option<Saved> {
        let activity = self.objects.get(Node::Activity, activity)?;
        let profile = activity.text("SocialMediaUserProfileUUID");
        let profile = self.objects.by_uuid(Node::Profile, profile);
        let buyer = profile.map_or("", |profile| profile.text("AccountInternalID"));
        let name: String = activity.text("Text").chars().take(NAME).collect();
        let text = |name: &str, value: &str| (name.to_owned(), Value::text(value));
        let reference = vec![
            text("ID", activity.text("ID")),
            text("TypeCode", ACTIVITY_REFERENCE),
        ];
        let ticket = vec![
            text("Name", &name),
            text("BuyerPartyID", buyer.trim_start_matches('0')),
        ];
        let key = self.store(Node::Ticket, ticket, None, occasion);
        self.store(Node::TicketReference, reference, Some(&key), occasion);
        saved(Node::Ticket, &key, Event::Created, Vec::new(), occasion)
    }
}
