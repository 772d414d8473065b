//! What tests and the demo do in process: act as a C4C agent, and look behind the interface.

use std::sync::Arc;

use jiff::Timestamp;

use super::C4c;
use super::calls::Calls;
use super::customer::Customer;
use super::desk::Replies;
use super::notify::Notifications;
use super::schema::Schema;
use super::settings::Settings;
use super::users::{User, Users};
use super::value::Value;
use crate::fault::Faults;

/// The name under which the driver saves: a person at the screen.
pub(super) const AGENT: &str = "AGENT";

impl C4c {
    /// Every customer, oldest first.
    pub fn customers(&self) -> impl Iterator<Item = &Customer> {
        self.customers.all()
    }

    /// The customer with that ObjectID.
    pub fn customer(&self, object_id: &str) -> Option<&Customer> {
        self.customers.get(object_id)
    }

    /// Every customer with exactly that WeChat ID: more than one is a duplicate somebody made.
    pub fn find_by_wechat_id(&self, wechat_id: &str) -> Vec<&Customer> {
        self.customers()
            .filter(|c| c.wechat_id() == wechat_id)
            .collect()
    }

    /// An agent creates a customer from text fields with `c4codataapi` names. Gives its ObjectID.
    pub fn create_customer(&mut self, fields: &[(&str, &str)], now: Timestamp) -> String {
        let fields = owned(fields);
        let saved = self.customers.create(fields, AGENT, now, &self.settings);
        let object_id = saved.object_id.clone();
        self.tell(Some(saved), now);
        object_id
    }

    /// An agent changes text fields; the WeChat ID is `WechatID`. False when there is no such
    /// customer or nothing differs.
    pub fn change(&mut self, object_id: &str, fields: &[(&str, &str)], now: Timestamp) -> bool {
        let fields = owned(fields);
        let saved = self
            .customers
            .change(object_id, fields, AGENT, now, &self.settings);
        self.tell(saved, now)
    }

    /// An agent sets the status to Obsolete.
    pub fn set_obsolete(&mut self, object_id: &str, now: Timestamp) -> bool {
        let saved = self
            .customers
            .set_obsolete(object_id, AGENT, now, &self.settings);
        self.tell(saved, now)
    }

    /// An agent deletes the customer.
    pub fn delete(&mut self, object_id: &str, now: Timestamp) -> bool {
        let saved = self.customers.delete(object_id, AGENT, now);
        self.tell(saved, now)
    }

    /// The calls so far.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&mut self) {
        self.calls = Calls::default();
    }

    /// The armed faults; a [`crate::fault::Kind::Code`]'s code is the HTTP status of the tenant's
    /// own error, 409 being the one with "locked" in it.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Whether every notification and every reply has been sent and answered.
    pub fn is_quiet(&self) -> bool {
        self.notifications.open() == 0 && self.replies.open() == 0
    }

    /// The mashup of replies, its knobs and what became of them.
    pub fn replies(&mut self) -> &mut Replies {
        &mut self.replies
    }

    /// The notifications, their knobs and what became of them.
    pub fn notifications(&mut self) -> &mut Notifications {
        &mut self.notifications
    }

    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// Users: lock and unlock them, give them passwords, services, CSRF.
    pub fn users(&mut self) -> &mut Users {
        &mut self.users
    }

    /// Ends every CSRF session.
    pub fn expire_sessions(&mut self) {
        self.sessions.expire();
    }

    /// The knobs as they stand.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Turns knobs; the entity types follow.
    pub fn configure(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        self.schema = Arc::new(Schema::new(&self.settings));
    }
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, Value)> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), Value::text(*text));
    fields.iter().map(owned).collect()
}
