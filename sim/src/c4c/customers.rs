//! The customers of the tenant and the rules of saving one.
//!
//! It owns keys, number range and stamps; a customer's fields are in [`super::customer`]. It must
//! know neither HTTP nor OData; what a client may write is checked before.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::customer::{Change, Customer, OBSOLETE};
use super::saved::{Business, Event, Saved};
use super::schema::Node;
use super::settings::Settings;
use super::stamps::Stamps;
use super::value::Value;

/// Status of a new customer.
const ACTIVE: &str = "2";

/// All customers, by ObjectID; keys ascend in the order of creation.
#[derive(Debug, Clone, Default)]
pub(super) struct Customers {
    rows: BTreeMap<String, Customer>,
    created: u64,
    keys: u64,
    stamps: Stamps,
}

impl Customers {
    /// All, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Customer> {
        self.rows.values()
    }

    /// The one with that ObjectID.
    pub(super) fn get(&self, object_id: &str) -> Option<&Customer> {
        self.rows.get(object_id)
    }

    /// The one whose node has that key.
    pub(super) fn by_key(&self, node: Node, key: &str) -> Option<&Customer> {
        match node {
            Node::Root => self.get(key),
            _ => self.all().find(|c| c.key(node) == key),
        }
    }

    /// Creates one, Active unless the fields name another status.
    pub(super) fn create(
        &mut self,
        fields: Vec<(String, Value)>,
        user: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> Saved {
        let at = self.stamps.next(now);
        let number = settings.first_customer_id + self.created;
        self.created += 1;
        let system = [
            ("CustomerID", Value::Text(number.to_string())),
            ("LifeCycleStatusCode", Value::text(ACTIVE)),
            ("CreationOn", Value::Instant(at)),
            ("CreatedBy", Value::text(user)),
        ];
        let customer = Customer {
            object_id: self.next_key(),
            common_id: self.next_key(),
            address_id: self.next_key(),
            changed_on: at,
            fields: system.map(|(name, v)| (name.to_owned(), v)).into(),
        };
        let object_id = customer.object_id.clone();
        self.rows.insert(object_id.clone(), customer);
        let script = settings.before_save_script;
        let changes = self.row(&object_id).write(fields, script);
        self.saved(&object_id, Event::Created, changes, user, at)
    }

    /// Changes fields. `None` when none of them differs: then nothing is saved.
    pub(super) fn change(
        &mut self,
        object_id: &str,
        fields: Vec<(String, Value)>,
        user: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<Saved> {
        let customer = self.rows.get_mut(object_id)?;
        let changes = customer.write(fields, settings.before_save_script);
        if changes.is_empty() {
            return None;
        }
        let at = self.stamps.next(now);
        Some(self.saved(object_id, Event::Updated, changes, user, at))
    }

    /// Sets the status to Obsolete, as an agent does.
    pub(super) fn set_obsolete(
        &mut self,
        object_id: &str,
        user: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<Saved> {
        let status = vec![("LifeCycleStatusCode".to_owned(), Value::text(OBSOLETE))];
        self.change(object_id, status, user, now, settings)
    }

    /// Removes one.
    pub(super) fn delete(&mut self, object_id: &str, user: &str, now: Timestamp) -> Option<Saved> {
        self.rows.remove(object_id)?;
        Some(Saved {
            object: Business::Customer,
            object_id: object_id.to_owned(),
            event: Event::Deleted,
            changes: Vec::new(),
            user: user.to_owned(),
            at: self.stamps.next(now),
        })
    }

    fn saved(
        &mut self,
        object_id: &str,
        event: Event,
        changes: Vec<Change>,
        user: &str,
        at: Timestamp,
    ) -> Saved {
        let customer = self.row(object_id);
        customer.changed_on = at;
        customer
            .fields
            .insert("ChangedBy".to_owned(), Value::text(user));
        Saved {
            object: Business::Customer,
            object_id: object_id.to_owned(),
            event,
            changes,
            user: user.to_owned(),
            at,
        }
    }

    fn row(&mut self, object_id: &str) -> &mut Customer {
        let row = self.rows.get_mut(object_id);
        row.expect("callers have looked the customer up")
    }

    /// Keys look like C4C's and ascend, which makes the default order the order of creation.
    fn next_key(&mut self) -> String {
        self.keys += 1;
        format!("00163E0DBD9E1ED6{:016X}", 0x96EB_DFDA_5600_0000 + self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_600_000_000 + second).unwrap()
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, Value)> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), Value::text(*text));
        pairs.iter().map(owned).collect()
    }

    fn with_customer(settings: &Settings) -> (Customers, String) {
        let mut customers = Customers::default();
        let created = fields(&[("FirstName", "Wechat"), ("LastName", "oOpenId")]);
        let saved = customers.create(created, "QIAO", at(0), settings);
        (customers, saved.object_id)
    }

    #[test]
    fn the_script_copies_the_last_name_only_while_the_wechat_id_is_initial() {
        let settings = Settings::default();
        let (mut customers, id) = with_customer(&settings);
        assert_eq!(customers.get(&id).unwrap().wechat_id(), "oOpenId");
        let renamed = fields(&[("LastName", "Wang")]);
        customers.change(&id, renamed, "AGENT", at(1), &settings);
        let customer = customers.get(&id).unwrap();
        assert_eq!(customer.wechat_id(), "oOpenId");
        assert_eq!(customer.text("FormattedName"), "Wechat Wang");
    }

    #[test]
    fn without_the_script_the_wechat_id_stays_initial() {
        let settings = Settings {
            before_save_script: false,
            ..Settings::default()
        };
        let (customers, id) = with_customer(&settings);
        assert_eq!(customers.get(&id).unwrap().wechat_id(), "");
    }

    #[test]
    fn saving_the_same_values_changes_nothing() {
        let settings = Settings::default();
        let (mut customers, id) = with_customer(&settings);
        let stamp = customers.get(&id).unwrap().changed_on;
        let same = fields(&[("FirstName", "Wechat"), ("Email", "")]);
        assert_eq!(customers.change(&id, same, "AGENT", at(9), &settings), None);
        assert_eq!(customers.get(&id).unwrap().changed_on, stamp);
    }

    #[test]
    fn two_changes_at_one_instant_have_two_stamps() {
        let settings = Settings::default();
        let (mut customers, id) = with_customer(&settings);
        let change = fields(&[("Email", "a@example.com")]);
        let saved = customers.change(&id, change, "AGENT", at(0), &settings);
        assert!(saved.unwrap().at > at(0));
    }

    #[test]
    fn every_node_has_a_key_of_its_own_and_numbers_ascend() {
        let settings = Settings::default();
        let (mut customers, id) = with_customer(&settings);
        let second = customers.create(Vec::new(), "QIAO", at(1), &settings);
        let first = customers.get(&id).unwrap();
        assert_ne!(first.object_id, first.common_id);
        assert_ne!(first.object_id, first.address_id);
        assert_eq!(first.customer_id(), "1000441");
        let second = customers.get(&second.object_id).unwrap();
        assert_eq!(second.customer_id(), "1000442");
        assert!(second.object_id > first.object_id);
    }
}
