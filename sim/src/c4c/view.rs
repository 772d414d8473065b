//! How entities are shown to one client: links, chosen properties, dialect.
//!
//! Both renderers read it; it must not write a body itself.

use super::query::Options;
use super::rows::{Data, Row};
use super::schema::{EntityType, Navigation, Property, Service};
use super::settings::Dialect;
use super::value::Value;

/// Everything a renderer needs beside the rows.
#[derive(Debug)]
pub(super) struct View<'s> {
    /// What the tenant stores, for expanded navigations.
    pub(super) data: Data<'s>,
    /// The service asked.
    pub(super) service: &'s Service,
    /// The type shown.
    pub(super) kind: &'s EntityType,
    /// Absolute URL of the service root, with its slash.
    pub(super) root: String,
    /// Shape of single entities.
    pub(super) dialect: Dialect,
    /// Whether codes come with their descriptions; `odata-no-codedescs: true` drops them.
    pub(super) descriptions: bool,
    /// `$select` and `$expand`.
    pub(super) options: Options<'s>,
}

impl<'s> View<'s> {
    /// The same client looking along a navigation.
    pub(super) fn along(&self, to: &'s EntityType) -> Self {
        Self {
            data: self.data,
            service: self.service,
            kind: to,
            root: self.root.clone(),
            dialect: self.dialect,
            descriptions: self.descriptions,
            options: Options::default(),
        }
    }

    /// `Set('key')`, below the service root.
    pub(super) fn path(&self, row: Row) -> String {
        format!("{}('{}')", self.kind.set, row.key())
    }

    /// The absolute URL of an entity.
    pub(super) fn url(&self, row: Row) -> String {
        format!("{}{}", self.root, self.path(row))
    }

    /// The type's name on the wire: `<service>.<Entity>` (c4c.md 1.5).
    pub(super) fn type_name(&self) -> String {
        format!("{}.{}", self.service.name, self.kind.name)
    }

    /// The properties shown, with their values.
    pub(super) fn properties<'a>(
        &'a self,
        row: Row<'a>,
    ) -> impl Iterator<Item = (&'s Property, Value)> + 'a {
        let shown = self.kind.properties.iter().filter(|property| {
            self.selected(&property.name) && (self.descriptions || !property.is_description())
        });
        shown.map(move |property| (property, self.value(row, property)))
    }

    /// Links are the only values that depend on how the service was called.
    fn value(&self, row: Row, property: &Property) -> Value {
        match property.source.as_str() {
            "DocumentLink" => Value::Text(format!("{}/Binary/$value", self.url(row))),
            _ => row.value(property),
        }
    }

    /// The navigations shown, each with its target type when it is expanded.
    pub(super) fn navigations(
        &self,
    ) -> impl Iterator<Item = (&'s Navigation, Option<&'s EntityType>)> + '_ {
        self.kind.navigations.iter().filter_map(|navigation| {
            let mut expanded = self.options.expand.iter();
            let expanded = expanded.find(|(n, _)| n.name == navigation.name);
            let to = expanded.map(|(_, to)| *to);
            (to.is_some() || self.selected(navigation.name)).then_some((navigation, to))
        })
    }

    fn selected(&self, name: &str) -> bool {
        let select = self.options.select.as_ref();
        select.is_none_or(|names| names.contains(&name))
    }
}
