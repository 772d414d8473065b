//! `$metadata`: the schema as EDMX (c4c.md 1.4).
//!
//! One schema a service, whose namespace is the service's name, or `cust` for customer-made ones.
//! The real old services put associations into a namespace that is a URL, which no schema
//! validator takes; here they stand beside their types.

use super::schema::{EntityType, Navigation, Property, Service};
use super::value::Edm;
use super::xml::{Element, METADATA};

/// The document. `only` limits it to types and those they lead to; `labels` adds `sap:label`.
pub(super) fn document(service: &Service, only: Option<&str>, labels: bool) -> String {
    let namespace = namespace(service);
    let types = chosen(service, only);
    let mut schema = Element::new("Schema")
        .attribute("Namespace", namespace)
        .attribute("xmlns", "http://schemas.microsoft.com/ado/2008/09/edm")
        .children(types.iter().map(|t| entity_type(t, namespace, labels)));
    let is_name = |property: &Property| property.edm == Edm::Name;
    if types.iter().any(|t| t.properties.iter().any(is_name)) {
        schema = schema.child(complex_name());
    }
    let associations = associations(&types);
    let associations = associations.iter();
    let sets = types.iter().map(|t| entity_set(t, namespace));
    let container = Element::new("EntityContainer")
        .attribute("Name", service.name)
        .attribute("m:IsDefaultEntityContainer", "true")
        .children(sets)
        .children(associations.clone().map(|a| a.set(namespace)))
        .children(functions(service, &types, namespace));
    schema = schema
        .children(associations.map(|a| a.element(namespace)))
        .child(container);
    let services = Element::new("edmx:DataServices")
        .attribute("m:DataServiceVersion", "2.0")
        .attribute("xmlns:m", METADATA)
        .child(schema);
    Element::new("edmx:Edmx")
        .attribute("Version", "1.0")
        .attribute(
            "xmlns:edmx",
            "http://schemas.microsoft.com/ado/2007/06/edmx",
        )
        .attribute("xmlns:sap", "http://www.sap.com/Protocols/SAPData")
        .child(services)
        .document()
}

fn namespace(service: &Service) -> &'static str {
    if service.root.starts_with("/sap/c4c/odata/cust/") {
        "cust"
    } else {
        service.name
    }
}

/// The types asked for and those they lead to.
fn chosen<'s>(service: &'s Service, only: Option<&str>) -> Vec<&'s EntityType> {
    let Some(only) = only else {
        return service.types.iter().collect();
    };
    let named = |name: &str| only.split(',').any(|wanted| wanted.trim() == name);
    let reached = |name: &str| {
        let mut types = service.types.iter();
        types.any(|t| named(t.name) && t.navigations.iter().any(|n| n.to == name))
    };
    let types = service.types.iter();
    types.filter(|t| named(t.name) || reached(t.name)).collect()
}

/// A pair of types joined by navigations, named after the one that holds many.
struct Association<'s> {
    from: &'s EntityType,
    to: &'s EntityType,
}

fn associations<'s>(types: &[&'s EntityType]) -> Vec<Association<'s>> {
    let navigations = types
        .iter()
        .flat_map(|from| from.navigations.iter().map(move |n| (*from, n)));
    let many = navigations.filter(|(_, n)| n.many);
    many.filter_map(|(from, n)| {
        let to = types.iter().find(|t| t.name == n.to)?;
        Some(Association { from, to })
    })
    .collect()
}

impl Association<'_> {
    fn name(&self) -> String {
        format!("{}_{}", self.from.name, self.to.name)
    }

    fn element(&self, namespace: &str) -> Element {
        let end = |kind: &EntityType, multiplicity: &str, role: &str| {
            Element::new("End")
                .attribute("Type", format!("{namespace}.{}", kind.name))
                .attribute("Multiplicity", multiplicity)
                .attribute("Role", role)
        };
        Element::new("Association")
            .attribute("Name", self.name())
            .child(end(self.from, "1", self.from.name))
            .child(end(self.to, "*", &many_role(self.from.name, self.to.name)))
    }

    fn set(&self, namespace: &str) -> Element {
        let end = |kind: &EntityType, role: &str| {
            Element::new("End")
                .attribute("EntitySet", &kind.set)
                .attribute("Role", role)
        };
        Element::new("AssociationSet")
            .attribute("Name", format!("{}Set", self.name()))
            .attribute("Association", format!("{namespace}.{}", self.name()))
            .child(end(self.from, self.from.name))
            .child(end(self.to, &many_role(self.from.name, self.to.name)))
    }
}

/// The role of the end that holds many; a type that leads to itself needs two.
fn many_role(one: &str, many: &str) -> String {
    if one == many {
        format!("Child{many}")
    } else {
        many.to_owned()
    }
}

fn functions(service: &Service, types: &[&EntityType], namespace: &str) -> Vec<Element> {
    let imports = service.functions.iter().filter_map(|function| {
        let to = types.iter().find(|kind| kind.name == function.to)?;
        let parameters = function.parameters.iter().map(|name| {
            Element::new("Parameter")
                .attribute("Name", name)
                .attribute("Type", "Edm.String")
                .attribute("Mode", "In")
        });
        let element = Element::new("FunctionImport")
            .attribute("Name", function.name)
            .attribute("ReturnType", format!("Collection({namespace}.{})", to.name))
            .attribute("EntitySet", &to.set)
            .attribute("m:HttpMethod", "GET")
            .children(parameters);
        Some(element)
    });
    imports.collect()
}

fn entity_type(kind: &EntityType, namespace: &str, labels: bool) -> Element {
    let key = Element::new("PropertyRef").attribute("Name", "ObjectID");
    let properties = kind.properties.iter();
    let navigations = kind.navigations.iter();
    Element::new("EntityType")
        .attribute("Name", kind.name)
        .child(Element::new("Key").child(key))
        .children(properties.map(|p| property(p, namespace, labels)))
        .children(navigations.map(|n| navigation(kind, n, namespace)))
}

fn property(property: &Property, namespace: &str, labels: bool) -> Element {
    let mut element = Element::new("Property")
        .attribute("Name", &property.name)
        .attribute("Type", property.edm.name(namespace))
        .attribute("Nullable", property.nullable.to_string());
    if let Some(length) = property.max_length {
        element = element
            .attribute("MaxLength", length.to_string())
            .attribute("FixedLength", "true");
    }
    for (annotation, holds) in [
        ("sap:creatable", property.creatable),
        ("sap:updatable", property.updatable),
        ("sap:filterable", property.filterable),
    ] {
        element = element.attribute(annotation, holds.to_string());
    }
    if labels {
        element = element.attribute("sap:label", label(&property.name));
    }
    element
}

fn navigation(kind: &EntityType, navigation: &Navigation, namespace: &str) -> Element {
    let (one, many) = if navigation.many {
        (kind.name, navigation.to)
    } else {
        (navigation.to, kind.name)
    };
    let many_role = many_role(one, many);
    let (from, to) = if navigation.many {
        (one, many_role.as_str())
    } else {
        (many_role.as_str(), one)
    };
    Element::new("NavigationProperty")
        .attribute("Name", navigation.name)
        .attribute("Relationship", format!("{namespace}.{one}_{many}"))
        .attribute("FromRole", from)
        .attribute("ToRole", to)
}

fn entity_set(kind: &EntityType, namespace: &str) -> Element {
    Element::new("EntitySet")
        .attribute("Name", &kind.set)
        .attribute("EntityType", format!("{namespace}.{}", kind.name))
        .attribute("sap:creatable", kind.creatable.to_string())
        .attribute("sap:updatable", kind.updatable.to_string())
        .attribute("sap:deletable", kind.deletable.to_string())
}

fn complex_name() -> Element {
    let part = |name: &str| {
        Element::new("Property")
            .attribute("Name", name)
            .attribute("Type", "Edm.String")
            .attribute("Nullable", "true")
    };
    Element::new("ComplexType")
        .attribute("Name", "EXTENDED_Name")
        .child(part("languageCode"))
        .child(part("content"))
}

/// `LastName` → `Last Name`.
fn label(name: &str) -> String {
    let mut label = String::new();
    for letter in name.chars() {
        let starts_word =
            letter.is_ascii_uppercase() && label.ends_with(|last: char| last.is_ascii_lowercase());
        if starts_word {
            label.push(' ');
        }
        label.push(letter);
    }
    label
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::super::schema::Schema;
    use super::super::settings::Settings;
    use super::*;

    /// Every element as its name and attributes; fails on XML that is not well-formed.
    fn elements(document: &str) -> Vec<(String, Vec<(String, String)>)> {
        let mut reader = Reader::from_str(document);
        let mut found = Vec::new();
        loop {
            let tag = match reader.read_event().unwrap() {
                Event::Eof => return found,
                Event::Start(tag) | Event::Empty(tag) => tag,
                _ => continue,
            };
            let attributes = tag.attributes().map(|attribute| {
                let attribute = attribute.unwrap();
                let name = attribute.key.as_ref().to_owned();
                (name, attribute.value.to_string())
            });
            found.push((tag.name().as_ref().to_string(), attributes.collect()));
        }
    }

    fn values(elements: &[(String, Vec<(String, String)>)], tag: &str, name: &str) -> Vec<String> {
        let tagged = elements.iter().filter(|(t, _)| t == tag);
        let attributes = tagged.flat_map(|(_, attributes)| attributes);
        let named = attributes.filter(|(n, _)| n == name);
        named.map(|(_, value)| value.clone()).collect()
    }

    #[test]
    fn every_name_that_is_used_is_declared() {
        let settings = Settings {
            extension_field: true,
            ..Settings::default()
        };
        for service in Schema::new(&settings).services {
            let elements = elements(&document(&service, None, true));
            let namespace = namespace(&service);
            let declared = |tag: &str| -> Vec<String> {
                let names = values(&elements, tag, "Name").into_iter();
                names.map(|name| format!("{namespace}.{name}")).collect()
            };
            let (types, associations) = (declared("EntityType"), declared("Association"));
            let complex = declared("ComplexType");
            for used in values(&elements, "EntitySet", "EntityType") {
                assert!(types.contains(&used), "{used}");
            }
            for used in values(&elements, "NavigationProperty", "Relationship") {
                assert!(associations.contains(&used), "{used}");
            }
            for used in values(&elements, "AssociationSet", "Association") {
                assert!(associations.contains(&used), "{used}");
            }
            for used in values(&elements, "Property", "Type") {
                assert!(
                    used.starts_with("Edm.") || complex.contains(&used),
                    "{used}"
                );
            }
            let labels = values(&elements, "Property", "sap:label");
            assert!(!labels.iter().any(String::is_empty));
        }
    }

    #[test]
    fn the_annotations_say_what_a_client_may_do() {
        let schema = Schema::new(&Settings::default());
        let document = document(&schema.services[0], None, false);
        assert!(document.contains(
            "<Property Name=\"LastName\" Type=\"Edm.String\" Nullable=\"true\" MaxLength=\"40\" \
             FixedLength=\"true\" sap:creatable=\"true\" sap:updatable=\"true\" \
             sap:filterable=\"true\"/>"
        ));
        assert!(document.contains(
            "<Property Name=\"ETag\" Type=\"Edm.DateTimeOffset\" Nullable=\"true\" \
             sap:creatable=\"false\" sap:updatable=\"false\" sap:filterable=\"false\"/>"
        ));
        assert!(!document.contains("sap:label"));
    }

    #[test]
    fn a_filter_limits_the_document_to_types_and_their_neighbours() {
        let schema = Schema::new(&Settings::default());
        let named = document(&schema.services[0], Some("IndividualCustomer"), false);
        assert!(named.contains("<EntityType Name=\"IndividualCustomerAddress\">"));
        let other = document(&schema.services[0], Some("Opportunity"), false);
        assert!(!other.contains("<EntityType"));
    }
}
