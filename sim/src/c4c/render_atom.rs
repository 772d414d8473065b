//! Atom as C4C writes it, the default form (c4c.md 1.6).

use jiff::Timestamp;

use super::customer::Customer;
use super::query::Page;
use super::schema::{EntityType, Navigation, Property, Service};
use super::value::{Edm, Value};
use super::view::View;
use super::xml::{ATOM, DATA, Element, METADATA};

/// Prefix of the relations of navigation links.
const RELATED: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices/related/";
/// Scheme of the category that names the type.
const SCHEME: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices/scheme";

/// An `<entry>` document.
pub(super) fn entity(view: &View, customer: &Customer) -> String {
    rooted("entry", view)
        .attribute("m:etag", View::etag(customer))
        .children(entry_content(view, customer))
        .document()
}

/// A `<feed>` document.
pub(super) fn feed(view: &View, page: &Page, next: Option<String>, now: Timestamp) -> String {
    let set = view.kind.set;
    let mut feed = rooted("feed", view)
        .child(Element::new("id").text(&format!("{}{set}", view.root)))
        .child(Element::new("title").attribute("type", "text").text(set))
        .child(updated(now))
        .child(Element::new("author").child(Element::new("name")))
        .child(link(set, "self", set));
    if view.options.inline_count {
        feed = feed.child(Element::new("m:count").text(&page.total.to_string()));
    }
    feed = feed.children(page.rows.iter().map(|c| entry(view, c)));
    if let Some(next) = next {
        let link = Element::new("link").attribute("rel", "next");
        feed = feed.child(link.attribute("href", next));
    }
    feed.document()
}

/// The service document.
pub(super) fn document(service: &Service, root: &str) -> String {
    let title = |text: &str| Element::new("atom:title").text(text);
    let sets = service.types.iter().map(|kind| {
        Element::new("collection")
            .attribute("href", kind.set)
            .child(title(kind.set))
    });
    let workspace = Element::new("workspace")
        .child(title("Default"))
        .children(sets);
    Element::new("service")
        .attribute("xml:base", root)
        .attribute("xmlns", "http://www.w3.org/2007/app")
        .attribute("xmlns:atom", ATOM)
        .child(workspace)
        .document()
}

fn rooted(name: &str, view: &View) -> Element {
    Element::new(name)
        .attribute("xml:base", &view.root)
        .attribute("xmlns", ATOM)
        .attribute("xmlns:m", METADATA)
        .attribute("xmlns:d", DATA)
}

fn entry(view: &View, customer: &Customer) -> Element {
    Element::new("entry")
        .attribute("m:etag", View::etag(customer))
        .children(entry_content(view, customer))
}

fn entry_content(view: &View, customer: &Customer) -> Vec<Element> {
    let path = view.path(customer);
    let category = Element::new("category")
        .attribute("term", view.type_name())
        .attribute("scheme", SCHEME);
    let properties = view
        .properties(customer)
        .map(|(property, value)| element(view, property, &value));
    let mut parts = vec![
        Element::new("id").text(&view.url(customer)),
        Element::new("title").attribute("type", "text").text(&path),
        updated(customer.changed_on),
        category,
        link(&path, "edit", view.kind.name),
    ];
    for (navigation, expanded) in view.navigations() {
        parts.push(navigation_link(view, customer, navigation, expanded));
    }
    let properties = Element::new("m:properties").children(properties);
    let content = Element::new("content").attribute("type", "application/xml");
    parts.push(content.child(properties));
    parts
}

fn navigation_link(
    view: &View,
    customer: &Customer,
    navigation: &Navigation,
    expanded: Option<&EntityType>,
) -> Element {
    let shape = if navigation.many { "feed" } else { "entry" };
    let href = format!("{}/{}", view.path(customer), navigation.name);
    let link = link(
        &href,
        &format!("{RELATED}{}", navigation.name),
        navigation.name,
    )
    .attribute("type", format!("application/atom+xml;type={shape}"));
    let Some(to) = expanded else {
        return link;
    };
    let inner = entry(&view.along(to), customer);
    let inner = if navigation.many {
        Element::new("feed").child(inner)
    } else {
        inner
    };
    link.child(Element::new("m:inline").child(inner))
}

fn element(view: &View, property: &Property, value: &Value) -> Element {
    let element = Element::new(format!("d:{}", property.name));
    if property.edm == Edm::Name {
        return element
            .attribute("m:type", property.edm.name(view.service.name))
            .child(Element::new("d:languageCode").text("E"))
            .child(Element::new("d:content").text(value.as_text()));
    }
    match value.to_atom(property.edm) {
        Some(text) => element.text(&text),
        None => element.attribute("m:null", "true"),
    }
}

fn link(href: &str, rel: &str, title: &str) -> Element {
    Element::new("link")
        .attribute("href", href)
        .attribute("rel", rel)
        .attribute("title", title)
}

fn updated(at: Timestamp) -> Element {
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Element::new("updated").text(&at)
}
