//! What the interface shows as entities: nodes of customers and objects of the service desk.
//!
//! Reading, filtering and rendering see both through [`Row`]; where rows come from is in
//! [`Data`]. It must decide nothing about what a client may see.

use jiff::Timestamp;

use super::customer::Customer;
use super::customers::Customers;
use super::desk::{Object, Objects};
use super::schema::{EntityType, Navigation, Node, Property};
use super::value::{Value, etag};

/// One entity.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'c> {
    /// A node of a customer.
    Customer(&'c Customer, Node),
    /// A node of the service desk.
    Object(&'c Object),
}

impl<'c> Row<'c> {
    /// Its key.
    pub(super) fn key(self) -> &'c str {
        match self {
            Self::Customer(customer, node) => customer.key(node),
            Self::Object(object) => &object.id,
        }
    }

    /// The stamp of its last change.
    pub(super) fn changed_on(self) -> Timestamp {
        match self {
            Self::Customer(customer, _) => customer.changed_on,
            Self::Object(object) => object.changed_on,
        }
    }

    /// Its ETag (c4c.md 1.9).
    pub(super) fn etag(self) -> String {
        etag(self.changed_on())
    }

    /// What a property shows.
    pub(super) fn value(self, property: &Property) -> Value {
        match self {
            Self::Customer(customer, node) => customer.value(node, property),
            Self::Object(object) => object.value(property),
        }
    }
}

/// Everything the tenant stores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data<'c> {
    pub(super) customers: &'c Customers,
    pub(super) objects: &'c Objects,
}

impl<'c> Data<'c> {
    /// All entities of a node, oldest first. `exact` is a text that a property must equal: it may
    /// spare the walk, and the filter is asked all the same.
    pub(super) fn all(
        self,
        node: Node,
        exact: Option<(&str, &str)>,
    ) -> Box<dyn Iterator<Item = Row<'c>> + 'c> {
        if node.is_of_customer() {
            let rows = self.customers.all();
            return Box::new(rows.map(move |customer| Row::Customer(customer, node)));
        }
        // What was never set is in no index.
        let exact = exact.filter(|(_, text)| !text.is_empty());
        let found = exact.and_then(|(property, text)| self.objects.indexed(node, property, text));
        match found {
            Some(found) => Box::new(found.into_iter().map(Row::Object)),
            None => Box::new(self.objects.all(node).map(Row::Object)),
        }
    }

    /// The entity with that key.
    pub(super) fn get(self, node: Node, key: &str) -> Option<Row<'c>> {
        if node.is_of_customer() {
            let customer = self.customers.by_key(node, key)?;
            return Some(Row::Customer(customer, node));
        }
        self.objects.get(node, key).map(Row::Object)
    }

    /// Where a navigation leads from an entity.
    pub(super) fn related(
        self,
        row: Row<'c>,
        navigation: &Navigation,
        to: &EntityType,
    ) -> Vec<Row<'c>> {
        let objects = match row {
            Row::Customer(customer, _) => return vec![Row::Customer(customer, to.node)],
            Row::Object(object) if object.node == to.node => self.objects.follow_ups(object),
            Row::Object(object) if navigation.many => self.objects.children(&object.id, to.node),
            Row::Object(object) => {
                let parent = object.parent.as_ref();
                let parent = parent.and_then(|key| self.objects.get(to.node, key));
                parent.into_iter().collect()
            }
        };
        objects.into_iter().map(Row::Object).collect()
    }
}
