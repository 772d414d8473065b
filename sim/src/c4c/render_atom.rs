//! Atom as C4C writes it, the default form (c4c.md 1.6).

use jiff::Timestamp;

use super::query::Page;
use super::rows::Row;
use super::schema::{EntityType, Navigation, Property, Service};
use super::value::{Edm, Value};
use super::view::View;
use super::xml::{ATOM, DATA, Element, METADATA};

/// Prefix of the relations of navigation links.
const RELATED: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices/related/";
/// Scheme of the category that names the type.
const SCHEME: &str = "http://schemas.microsoft.com/ado/2007/08/dataservices/scheme";

/// An `<entry>` document.
pub(super) fn entity(view: &View, row: Row) -> String {
    rooted("entry", view)
        .attribute("m:etag", row.etag())
        .children(entry_content(view, row))
        .document()
}

/// A `<feed>` document.
pub(super) fn feed(view: &View, page: &Page, next: Option<String>, now: Timestamp) -> String {
    let set = view.kind.set.as_str();
    let mut feed = rooted("feed", view)
        .child(Element::new("id").text(&format!("{}{set}", view.root)))
        .child(Element::new("title").attribute("type", "text").text(set))
        .child(updated(now))
        .child(Element::new("author").child(Element::new("name")))
        .child(link(set, "self", set));
    if view.options.inline_count {
        feed = feed.child(Element::new("m:count").text(&page.total.to_string()));
    }
    feed = feed.children(page.rows.iter().map(|row| entry(view, *row)));
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
            .attribute("href", &kind.set)
            .child(title(&kind.set))
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

fn entry(view: &View, row: Row) -> Element {
    Element::new("entry")
        .attribute("m:etag", row.etag())
        .children(entry_content(view, row))
}

fn entry_content(view: &View, row: Row) -> Vec<Element> {
    let path = view.path(row);
    let category = Element::new("category")
        .attribute("term", view.type_name())
        .attribute("scheme", SCHEME);
    let properties = view
        .properties(row)
        .map(|(property, value)| element(view, property, &value));
    let mut parts = vec![
        Element::new("id").text(&view.url(row)),
        Element::new("title").attribute("type", "text").text(&path),
        updated(row.changed_on()),
        category,
        link(&path, "edit", view.kind.name),
    ];
    for (navigation, expanded) in view.navigations() {
        parts.push(navigation_link(view, row, navigation, expanded));
    }
    let properties = Element::new("m:properties").children(properties);
    let content = Element::new("content").attribute("type", "application/xml");
    parts.push(content.child(properties));
    parts
}

fn navigation_link(
    view: &View,
    row: Row,
    navigation: &Navigation,
    expanded: Option<&EntityType>,
) -> Element {
    let shape = if navigation.many { "feed" } else { "entry" };
    let href = format!("{}/{}", view.path(row), navigation.name);
    let link = link(
        &href,
        &format!("{RELATED}{}", navigation.name),
        navigation.name,
    )
    .attribute("type", format!("application/atom+xml;type={shape}"));
    let Some(to) = expanded else {
        return link;
    };
    let along = view.along(to);
    let related = view.data.related(row, navigation, to).into_iter();
    let entries = related.map(|row| entry(&along, row));
    let inline = Element::new("m:inline");
    link.child(if navigation.many {
        inline.child(Element::new("feed").children(entries))
    } else {
        inline.children(entries)
    })
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
