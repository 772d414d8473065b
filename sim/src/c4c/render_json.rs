//! OData V2 JSON as C4C writes it (c4c.md 1.5).

use serde_json::{Map, Value as Json, json};

use super::query::Page;
use super::rows::Row;
use super::schema::Service;
use super::settings::Dialect;
use super::view::View;

/// `{"d":{"results":{…}}}`, or `{"d":{…}}` in the standard dialect.
pub(super) fn entity(view: &View, row: Row) -> String {
    let entity = object(view, row);
    wire(&match view.dialect {
        Dialect::C4c => json!({ "d": { "results": entity } }),
        Dialect::Standard => json!({ "d": entity }),
    })
}

/// `{"d":{"results":[…]}}` with `__count`, a string, and `__next` as needed.
pub(super) fn feed(view: &View, page: &Page, next: Option<String>) -> String {
    let rows: Vec<Json> = page.rows.iter().map(|row| object(view, *row)).collect();
    let mut feed = json!({ "results": rows });
    if view.options.inline_count {
        feed["__count"] = json!(page.total.to_string());
    }
    if let Some(next) = next {
        feed["__next"] = json!(next);
    }
    wire(&json!({ "d": feed }))
}

/// The service document.
pub(super) fn document(service: &Service) -> String {
    let sets: Vec<&str> = service.types.iter().map(|t| t.set.as_str()).collect();
    json!({ "d": { "EntitySets": sets } }).to_string()
}

fn object(view: &View, row: Row) -> Json {
    let uri = view.url(row);
    let mut members = Map::new();
    let metadata = json!({
        "uri": uri,
        "type": view.type_name(),
        "etag": row.etag(),
    });
    members.insert("__metadata".to_owned(), metadata);
    for (property, value) in view.properties(row) {
        let json = value.to_json(property.edm, view.service.name);
        members.insert(property.name.clone(), json);
    }
    for (navigation, expanded) in view.navigations() {
        let json = match expanded {
            Some(to) => {
                let along = view.along(to);
                let related = view.data.related(row, navigation, to).into_iter();
                let mut inner: Vec<Json> = related.map(|row| object(&along, row)).collect();
                // Expanded feeds are bare arrays in C4C, wrapped in the standard.
                match (navigation.many, view.dialect) {
                    (true, Dialect::C4c) => json!(inner),
                    (true, Dialect::Standard) => json!({ "results": inner }),
                    (false, _) => inner.pop().unwrap_or_default(),
                }
            }
            None => json!({ "__deferred": { "uri": format!("{uri}/{}", navigation.name) } }),
        };
        members.insert(navigation.name.to_owned(), json);
    }
    Json::Object(members)
}

/// C4C escapes the slashes of dates; any JSON reader sees the same text.
fn wire(json: &Json) -> String {
    json.to_string()
        .replace("\"/Date(", "\"\\/Date(")
        .replace(")/\"", ")\\/\"")
}
