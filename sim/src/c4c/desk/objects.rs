//! The objects of the service desk: keys, stamps, fields, and finding them.
//!
//! It must know no rule of any object; those are in `rules` and `derived`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::customer::Change;
use super::super::schema::{Node, Property};
use super::super::stamps::Stamps;
use super::super::value::{Value, uuid_of};
use super::types;

/// Texts by which clients look for objects: found without a walk.
const INDEXED: [&str; 5] = [
    "ID",
    "SocialMediaMessageID",
    "SocialMediaUserAccountID",
    "RootSocialMediaActivityUUID",
    "ParentObjectID",
];

/// One object: a root, or a node below one.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::c4c) struct Object {
    /// Its key: 32 upper-case hex digits.
    pub id: String,
    /// What it is.
    pub node: Node,
    /// The key of the object above.
    pub parent: Option<String>,
    /// Stamp of the last change, unique per change; the ETag is made of it.
    pub changed_on: Timestamp,
    fields: BTreeMap<String, Value>,
}

impl Object {
    /// A text field, empty when unset.
    pub(in crate::c4c) fn text(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", Value::as_text)
    }

    /// The dashed form of its key.
    pub(in crate::c4c) fn uuid(&self) -> String {
        uuid_of(&self.id)
    }

    /// Any field.
    pub(in crate::c4c) fn field(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// What a property shows.
    pub(in crate::c4c) fn value(&self, property: &Property) -> Value {
        let source = property.source.as_str();
        if property.is_description() {
            let code = source.trim_end_matches("Text");
            return Value::text(types::description(self.node, code, self.text(code)));
        }
        match source {
            "ObjectID" => Value::text(&self.id),
            "ParentObjectID" => Value::text(self.parent.as_deref().unwrap_or_default()),
            "UUID" => Value::Text(self.uuid()),
            "ETag"
            | "EntityLastChangedOn"
            | "LastChangeDateTime"
            | "UpdatedOn"
            | "LastUpdatedOn" => Value::Instant(self.changed_on),
            _ => match self.fields.get(source) {
                Some(value) => value.clone(),
                None => property.edm.unset(),
            },
        }
    }
}

/// All objects; keys ascend in the order of creation.
#[derive(Debug, Clone, Default)]
pub(in crate::c4c) struct Objects {
    rows: BTreeMap<Node, BTreeMap<String, Object>>,
    index: BTreeMap<(Node, &'static str, String), Vec<String>>,
    /// The node of each root's key, for those who know only the key.
    roots: BTreeMap<String, Node>,
    made: BTreeMap<Node, u64>,
    keys: u64,
    stamps: Stamps,
}

impl Objects {
    /// All of a node, oldest first.
    pub(in crate::c4c) fn all(&self, node: Node) -> impl DoubleEndedIterator<Item = &Object> {
        self.rows.get(&node).into_iter().flat_map(BTreeMap::values)
    }

    /// The one with that key.
    pub(in crate::c4c) fn get(&self, node: Node, key: &str) -> Option<&Object> {
        self.rows.get(&node)?.get(key)
    }

    /// The one with that dashed key.
    pub(in crate::c4c) fn by_uuid(&self, node: Node, uuid: &str) -> Option<&Object> {
        self.get(node, &uuid.replace('-', ""))
    }

    /// Those whose field is exactly that text, oldest first; `None` when the field is not indexed.
    pub(in crate::c4c) fn indexed(
        &self,
        node: Node,
        field: &str,
        text: &str,
    ) -> Option<Vec<&Object>> {
        let field = INDEXED.into_iter().find(|indexed| *indexed == field)?;
        let keys = self.index.get(&(node, field, text.to_owned()));
        let keys = keys.into_iter().flatten();
        Some(keys.filter_map(|key| self.get(node, key)).collect())
    }

    /// Those whose indexed field is exactly that text.
    pub(in crate::c4c) fn having(&self, node: Node, field: &str, text: &str) -> Vec<&Object> {
        let found = self.indexed(node, field, text);
        found.expect("callers name an indexed field")
    }

    /// The nodes of one kind below an object, oldest first.
    pub(in crate::c4c) fn children(&self, parent: &str, node: Node) -> Vec<&Object> {
        self.having(node, "ParentObjectID", parent)
    }

    /// The messages that follow another directly.
    pub(in crate::c4c) fn follow_ups(&self, activity: &Object) -> Vec<&Object> {
        let root = activity.text("RootSocialMediaActivityUUID");
        let thread = self.having(Node::Activity, "RootSocialMediaActivityUUID", root);
        let uuid = activity.uuid();
        let follows = |other: &&Object| {
            other.id != activity.id && other.text("ParentSocialMediaActivityUUID") == uuid
        };
        thread.into_iter().filter(follows).collect()
    }

    /// How many of a node were ever made: what number ranges count.
    pub(in crate::c4c) fn made(&self, node: Node) -> u64 {
        self.made.get(&node).copied().unwrap_or_default()
    }

    /// Makes an empty one; gives its key.
    pub(in crate::c4c) fn insert(
        &mut self,
        node: Node,
        parent: Option<&str>,
        now: Timestamp,
    ) -> String {
        self.keys += 1;
        *self.made.entry(node).or_default() += 1;
        // Keys look like C4C's, ascend, and are no customer's.
        let key = format!("00163E0DBD9E1ED7{:016X}", 0x96EB_DFDA_5600_0000 + self.keys);
        let object = Object {
            id: key.clone(),
            node,
            parent: parent.map(str::to_owned),
            changed_on: self.stamps.next(now),
            fields: BTreeMap::new(),
        };
        match parent {
            Some(parent) => self.enter(node, "ParentObjectID", parent, &key),
            None => {
                self.roots.insert(key.clone(), node);
            }
        }
        self.rows
            .entry(node)
            .or_default()
            .insert(key.clone(), object);
        key
    }

    /// Sets fields; gives what differs. Without a difference the stamp stays.
    pub(in crate::c4c) fn write(
        &mut self,
        node: Node,
        key: &str,
        fields: Vec<(String, Value)>,
        now: Timestamp,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for (field, new) in fields {
            let Some(object) = self.row(node, key) else {
                return changes;
            };
            let old = object.fields.get(&field).cloned().unwrap_or(Value::Null);
            if old == new || (old.is_initial() && new.is_initial()) {
                continue;
            }
            object.fields.insert(field.clone(), new.clone());
            if let Some(indexed) = INDEXED.into_iter().find(|i| *i == field) {
                self.leave(node, indexed, old.as_text(), key);
                self.enter(node, indexed, new.as_text(), key);
            }
            changes.push(Change { field, old, new });
        }
        if !changes.is_empty() {
            self.stamp(node, key, now);
        }
        changes
    }

    /// Gives a root a new stamp; says what it is.
    pub(in crate::c4c) fn touch(&mut self, key: &str, now: Timestamp) -> Option<Node> {
        let node = *self.roots.get(key)?;
        self.stamp(node, key, now);
        Some(node)
    }

    /// Takes one out that hangs below another.
    pub(in crate::c4c) fn remove(&mut self, node: Node, key: &str) -> Option<Object> {
        let object = self.rows.get_mut(&node)?.remove(key)?;
        for field in INDEXED {
            self.leave(node, field, object.text(field), key);
        }
        if let Some(parent) = &object.parent {
            self.leave(node, "ParentObjectID", parent, key);
        }
        Some(object)
    }

    fn stamp(&mut self, node: Node, key: &str, now: Timestamp) {
        let at = self.stamps.next(now);
        if let Some(object) = self.row(node, key) {
            object.changed_on = at;
        }
    }

    fn row(&mut self, node: Node, key: &str) -> Option<&mut Object> {
        self.rows.get_mut(&node)?.get_mut(key)
    }

    fn enter(&mut self, node: Node, field: &'static str, text: &str, key: &str) {
        let place = (node, field, text.to_owned());
        self.index.entry(place).or_default().push(key.to_owned());
    }

    fn leave(&mut self, node: Node, field: &'static str, text: &str, key: &str) {
        if let Some(keys) = self.index.get_mut(&(node, field, text.to_owned())) {
            keys.retain(|entered| entered != key);
        }
    }
}
