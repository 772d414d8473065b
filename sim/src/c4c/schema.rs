//! Which services, entity sets and properties this tenant has, and what a client may do with
//! each (c4c.md 1.1, 1.4).
//!
//! It is the one truth behind reading, writing, filtering and `$metadata`; it must hold no data.
//! The customer's own property list is in [`super::customer_type`].

use super::customer_type;
use super::settings::Settings;
use super::value::Edm;

/// The node of the business object that an entity set shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// The root of the customer.
    Root,
    /// Its main address.
    Address,
    /// Node Common, where the blog's extension field lives (c4c.md 2.3).
    Common,
}

/// One property of an entity type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the annotations of `$metadata`, one field each"
)]
pub(super) struct Property {
    /// Its name in this service.
    pub name: String,
    /// The field of the customer behind it.
    pub source: String,
    /// Its type.
    pub edm: Edm,
    /// Characters it can hold.
    pub max_length: Option<usize>,
    /// May stand in a POST.
    pub creatable: bool,
    /// May change by PATCH or PUT.
    pub updatable: bool,
    /// May stand in a `$filter`.
    pub filterable: bool,
    /// May be null.
    pub nullable: bool,
}

impl Property {
    /// A text that clients may write and filter by.
    pub(super) fn text(name: &str, max_length: usize) -> Self {
        Self {
            name: name.to_owned(),
            source: name.to_owned(),
            edm: Edm::Text,
            max_length: Some(max_length),
            creatable: true,
            updatable: true,
            filterable: true,
            nullable: true,
        }
    }

    /// Another type than text; only texts have a length.
    pub(super) fn of(name: &str, edm: Edm) -> Self {
        Self {
            edm,
            max_length: None,
            ..Self::text(name, 0)
        }
    }

    /// The read-only description of a code.
    pub(super) fn description_of(code: &str) -> Self {
        Self {
            max_length: None,
            ..Self::text(&format!("{code}Text"), 0)
        }
        .read_only()
        .not_filterable()
    }

    /// Maintained by the system.
    #[must_use]
    pub(super) fn read_only(self) -> Self {
        Self {
            creatable: false,
            updatable: false,
            ..self
        }
    }

    /// Refused in `$filter`.
    #[must_use]
    pub(super) fn not_filterable(self) -> Self {
        Self {
            filterable: false,
            ..self
        }
    }

    /// The key: silently ignored in a POST, because it is not nullable (c4c.md 1.4).
    #[must_use]
    pub(super) fn key(self) -> Self {
        Self {
            nullable: false,
            ..self.read_only()
        }
    }

    /// Reads and writes another field of the customer than its name says.
    #[must_use]
    pub(super) fn backed_by(self, source: &str) -> Self {
        Self {
            source: source.to_owned(),
            ..self
        }
    }

    /// Whether it is the description of a code, always ignored in changes.
    pub(super) fn is_description(&self) -> bool {
        self.name.ends_with("CodeText")
    }
}

/// A way from one entity to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Navigation {
    /// Its name, for example `IndividualCustomerAddress`.
    pub name: &'static str,
    /// The entity type it leads to.
    pub to: &'static str,
    /// Whether it leads to a feed.
    pub many: bool,
}

/// An entity type with its one set.
#[derive(Debug, Clone)]
pub(super) struct EntityType {
    /// Its name, for example `IndividualCustomer`.
    pub name: &'static str,
    /// Its set: the name and `Collection`.
    pub set: &'static str,
    /// The node it shows.
    pub node: Node,
    /// Its properties, in the order of `$metadata`.
    pub properties: Vec<Property>,
    /// Where one can go from it.
    pub navigations: Vec<Navigation>,
    /// Whether entities can be created and deleted; nodes below the root cannot.
    pub creatable: bool,
    /// Whether entities can be changed.
    pub updatable: bool,
}

impl EntityType {
    /// The property of that name.
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|p| p.name == name)
    }

    /// The navigation of that name.
    pub(super) fn navigation(&self, name: &str) -> Option<&Navigation> {
        self.navigations.iter().find(|n| n.name == name)
    }
}

/// An OData service.
#[derive(Debug, Clone)]
pub(super) struct Service {
    /// Its path with the trailing slash, for example `/sap/c4c/odata/v1/c4codataapi/`.
    pub root: &'static str,
    /// The last segment, which prefixes type names on the wire.
    pub name: &'static str,
    /// Its entity types.
    pub types: Vec<EntityType>,
}

impl Service {
    /// The type behind that entity set.
    pub(super) fn set(&self, set: &str) -> Option<&EntityType> {
        self.types.iter().find(|t| t.set == set)
    }

    /// The type of that name.
    pub(super) fn entity_type(&self, name: &str) -> Option<&EntityType> {
        self.types.iter().find(|t| t.name == name)
    }
}

/// Every service of the tenant.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    /// In no special order.
    pub services: Vec<Service>,
}

/// The standard service.
pub(super) const CURRENT: &str = "/sap/c4c/odata/v1/c4codataapi/";
/// The deprecated standard service of the blog.
pub(super) const OLD: &str = "/sap/c4c/odata/v1/c4codata/";
/// The blog's customer-made service.
pub(super) const CUSTOM: &str = "/sap/c4c/odata/cust/v1/zindividualcustomer/";
/// The ByDesign aliases (c4c.md 1.1): alias and what it stands for. Notifications name the custom
/// service below `v1`.
const ALIASES: [(&str, &str); 3] = [
    (
        "/sap/byd/odata/v1/zindividualcustomer",
        "/sap/c4c/odata/cust/v1/zindividualcustomer",
    ),
    ("/sap/byd/odata/cust/", "/sap/c4c/odata/cust/"),
    ("/sap/byd/odata/v1/", "/sap/c4c/odata/v1/"),
];

impl Schema {
    /// The tenant as its administrator set it up.
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            services: vec![
                Service {
                    root: CURRENT,
                    name: "c4codataapi",
                    types: vec![customer_type::current(settings), customer_type::address()],
                },
                Service {
                    root: OLD,
                    name: "c4codata",
                    types: vec![customer_type::old(settings), customer_type::address()],
                },
                Service {
                    root: CUSTOM,
                    name: "zindividualcustomer",
                    types: vec![customer_type::common(settings)],
                },
            ],
        }
    }

    /// The service whose root starts this path, and the rest of the path. The root counts with
    /// and without its slash.
    pub(super) fn locate<'s>(&'s self, path: &str) -> Option<(&'s Service, String)> {
        let path = unalias(path);
        self.services.iter().find_map(|service| {
            let rest = path.strip_prefix(service.root.trim_end_matches('/'))?;
            match rest.strip_prefix('/') {
                Some(rest) => Some((service, rest.to_owned())),
                None => rest.is_empty().then(|| (service, String::new())),
            }
        })
    }
}

fn unalias(path: &str) -> String {
    for (alias, real) in ALIASES {
        if let Some(rest) = path.strip_prefix(alias) {
            return format!("{real}{rest}");
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_by_its_path_and_its_alias() {
        let schema = Schema::new(&Settings::default());
        let find = |path: &str| {
            schema
                .locate(path)
                .map(|(service, rest)| (service.name, rest))
        };
        assert_eq!(
            find("/sap/c4c/odata/v1/c4codataapi/$metadata"),
            Some(("c4codataapi", "$metadata".to_owned()))
        );
        assert_eq!(
            find("/sap/c4c/odata/v1/c4codata"),
            Some(("c4codata", String::new()))
        );
        assert_eq!(
            find("/sap/byd/odata/v1/zindividualcustomer/CustomerCommonCollection"),
            Some(("zindividualcustomer", "CustomerCommonCollection".to_owned()))
        );
        assert_eq!(find("/sap/c4c/odata/v1/ticket/"), None);
    }
}
