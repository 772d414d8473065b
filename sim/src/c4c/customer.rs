//! One customer: its fields, what follows from them, and what each node shows.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::customer_type;
use super::schema::{Node, Property};
use super::value::{Value, uuid_of};

/// The status of a customer nobody should use any more.
pub(super) const OBSOLETE: &str = "4";

/// One customer with its nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    /// Key of the root: 32 upper-case hex digits.
    pub object_id: String,
    /// Key of node Common; differs from the root's (c4c.md 2.3).
    pub common_id: String,
    /// Key of the main address.
    pub address_id: String,
    /// Stamp of the last change, unique per change; the ETag is made of it.
    pub changed_on: Timestamp,
    /// Set fields by their `c4codataapi` names.
    pub(super) fields: BTreeMap<String, Value>,
}

impl Customer {
    /// A text field, empty when unset; fields have their `c4codataapi` names, and the WeChat ID is
    /// `WechatID`.
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", Value::as_text)
    }

    /// The number from the number range.
    pub fn customer_id(&self) -> &str {
        self.text("CustomerID")
    }

    /// The extension field of node Common.
    pub fn wechat_id(&self) -> &str {
        self.text("WechatID")
    }

    /// Whether its status is Obsolete.
    pub fn is_obsolete(&self) -> bool {
        self.text("LifeCycleStatusCode") == OBSOLETE
    }

    /// Every set text field, for the control API.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.fields.iter();
        let texts = texts.map(|(name, value)| (name.as_str(), value.as_text()));
        texts.filter(|(_, text)| !text.is_empty())
    }

    /// The key of one of its nodes.
    pub(super) fn key(&self, node: Node) -> &str {
        match node {
            Node::Address => &self.address_id,
            Node::Common => &self.common_id,
            _ => &self.object_id,
        }
    }

    /// What a property shows on that node.
    pub(super) fn value(&self, node: Node, property: &Property) -> Value {
        let source = property.source.as_str();
        if property.is_description() {
            let code = source.trim_end_matches("Text");
            return Value::text(customer_type::description(code, self.text(code)));
        }
        match source {
            "ObjectID" => Value::text(self.key(node)),
            "ParentObjectID" => Value::text(&self.object_id),
            "UUID" => Value::Text(uuid_of(&self.object_id)),
            "ETag" | "ChangedOn" | "EntityLastChangedOn" => Value::Instant(self.changed_on),
            // The only address is the main one, used for everything.
            "MainIndicator" | "ShipTo" | "BillTo" => Value::Flag(true),
            _ => match self.fields.get(source) {
                Some(value) => value.clone(),
                None => property.edm.unset(),
            },
        }
    }

    /// Writes the fields, runs the BeforeSave script if there is one, derives the rest; gives what
    /// differs.
    pub(super) fn write(
        &mut self,
        mut fields: Vec<(String, Value)>,
        before_save_script: bool,
    ) -> Vec<Change> {
        if before_save_script {
            fields.extend(self.script(&fields));
        }
        let mut changes = Vec::new();
        for (field, new) in fields {
            let old = self.fields.get(&field).cloned().unwrap_or(Value::Null);
            if old == new || (old.is_initial() && new.is_initial()) {
                continue;
            }
            self.fields.insert(field.clone(), new.clone());
            changes.push(Change { field, old, new });
        }
        self.derive();
        changes
    }

    /// The blog's BeforeSave (c4c.md 2.3): an initial WeChat ID becomes the last name.
    fn script(&self, written: &[(String, Value)]) -> Option<(String, Value)> {
        let after = |name: &str| {
            let written = written.iter().rev().find(|(n, _)| n == name);
            written.map_or(self.text(name), |(_, value)| value.as_text())
        };
        let initial = after("WechatID").is_empty();
        initial.then(|| ("WechatID".to_owned(), Value::text(after("LastName"))))
    }

    /// Fields that follow from others.
    fn derive(&mut self) {
        let joined = |fields: &[&str], separator: &str| {
            let parts = fields.iter().map(|f| self.text(f));
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            parts.join(separator)
        };
        let dialled = |field: &str| -> String {
            let digits = self.text(field).chars();
            digits.filter(|c| c.is_ascii_digit() || *c == '+').collect()
        };
        let street = joined(&["HouseNumber", "Street"], " ");
        let town = joined(&["City", "StreetPostalCode"], " ");
        let address = [street.as_str(), town.as_str(), self.text("CountryCode")];
        let address: Vec<&str> = address.into_iter().filter(|p| !p.is_empty()).collect();
        let derived = [
            ("FormattedName", joined(&["FirstName", "LastName"], " ")),
            ("FormattedPostalAddressDescription", address.join(" / ")),
            ("NormalisedPhone", dialled("Phone")),
            ("NormalisedMobile", dialled("Mobile")),
        ];
        for (field, text) in derived {
            self.fields.insert(field.to_owned(), Value::Text(text));
        }
    }
}

/// One field of a save, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its `c4codataapi` name.
    pub field: String,
    /// Before.
    pub old: Value,
    /// After.
    pub new: Value,
}
