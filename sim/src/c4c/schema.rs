//! Which services, entity sets and properties this tenant has, and what a client may do with
//! each (c4c.md 1.1, 1.4).
//!
//! It is the one truth behind reading, writing, filtering and `$metadata`; it must hold no data.
//! The property lists are in [`super::customer_type`] and [`super::desk::types`].

use super::customer_type;
use super::desk::types;
use super::settings::Settings;
use super::value::Edm;

/// The node of the business object that an entity set shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// The root of the customer.
    Root,
    /// Its main address.
    Address,
    /// Node Common, where the blog's extension field lives (c4c.md 2.3).
    Common,
    /// A social media user profile (c4c.md 4.1).
    Profile,
    /// Its account on a channel.
    ProfileUser,
    /// The customer it is bound to.
    ProfilePartner,
    /// A social media message (4.2).
    Activity,
    /// A file of a message (4.6).
    ActivityFile,
    /// A ticket (4.3).
    Ticket,
    /// A note of a ticket.
    TicketText,
    /// A file of a ticket.
    TicketFile,
    /// A document that a ticket refers to.
    TicketReference,
}

impl Node {
    /// Whether it belongs to a customer; all others are objects of the service desk.
    pub(super) fn is_of_customer(self) -> bool {
        matches!(self, Self::Root | Self::Address | Self::Common)
    }
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
    /// The field behind it.
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

    /// Must be set at creation (c4c.md 1.4).
    #[must_use]
    pub(super) fn mandatory(self) -> Self {
        Self {
            nullable: false,
            ..self
        }
    }

    /// May be set at creation only.
    #[must_use]
    pub(super) fn fixed(self) -> Self {
        Self {
            updatable: false,
            ..self
        }
    }

    /// Reads and writes another field than its name says.
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
    /// Whether its entities can be created together with this one (c4c.md 1.10).
    pub deep: bool,
}

impl Navigation {
    /// To nodes below this one.
    pub(super) fn down(name: &'static str, to: &'static str) -> Self {
        Self {
            name,
            to,
            many: true,
            deep: false,
        }
    }

    /// Back to the node above, whose type it is named after.
    pub(super) fn up(to: &'static str) -> Self {
        Self {
            name: to,
            to,
            many: false,
            deep: false,
        }
    }

    /// With deep insert.
    #[must_use]
    pub(super) fn deep(self) -> Self {
        Self { deep: true, ..self }
    }
}

/// An entity type with its one set.
#[derive(Debug, Clone)]
pub(super) struct EntityType {
    /// Its name, for example `IndividualCustomer`.
    pub name: &'static str,
    /// Its set: by rule the name and `Collection`.
    pub set: String,
    /// The node it shows.
    pub node: Node,
    /// Its properties, in the order of `$metadata`.
    pub properties: Vec<Property>,
    /// Where one can go from it.
    pub navigations: Vec<Navigation>,
    /// Whether entities can be created.
    pub creatable: bool,
    /// Whether entities can be changed.
    pub updatable: bool,
    /// Whether entities can be deleted.
    pub deletable: bool,
}

impl EntityType {
    /// Its set is named by the rule; nothing but reading is allowed yet.
    pub(super) fn new(name: &'static str, node: Node, properties: Vec<Property>) -> Self {
        Self {
            name,
            set: format!("{name}Collection"),
            node,
            properties,
            navigations: Vec::new(),
            creatable: false,
            updatable: false,
            deletable: false,
        }
    }

    /// The property of that name.
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|p| p.name == name)
    }

    /// The navigation of that name.
    pub(super) fn navigation(&self, name: &str) -> Option<&Navigation> {
        self.navigations.iter().find(|n| n.name == name)
    }
}

/// A function import: a search that is no filter (c4c.md 1.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    /// Its name, which is the path.
    pub name: &'static str,
    /// The entity type it gives a feed of.
    pub to: &'static str,
    /// Its parameters; all are strings.
    pub parameters: &'static [&'static str],
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
    /// Its function imports.
    pub functions: Vec<Function>,
}

impl Service {
    /// The type behind that entity set.
    pub(super) fn set(&self, set: &str) -> Option<&EntityType> {
        self.types.iter().find(|t| t.set == set)
    }

    /// The function of that name.
    pub(super) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.name == name)
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
        let mut current = vec![customer_type::current(settings), customer_type::address()];
        current.extend(types::all(settings));
        Self {
            services: vec![
                Service {
                    root: CURRENT,
                    name: "c4codataapi",
                    types: current,
                    functions: types::functions(),
                },
                Service {
                    root: OLD,
                    name: "c4codata",
                    types: vec![customer_type::old(settings), customer_type::address()],
                    functions: Vec::new(),
                },
                Service {
                    root: CUSTOM,
                    name: "zindividualcustomer",
                    types: vec![customer_type::common(settings)],
                    functions: Vec::new(),
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
