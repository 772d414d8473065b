//! C4C's JSON in every shape it is known to take (c4c.md 1.5).
//!
//! A feed is `{"d":{"results":[…]}}`; one entity is `{"d":{"results":{…}}}` on C4C and
//! `{"d":{…}}` in standard OData V2; an expanded navigation is a bare array or has `results`.

use serde_json::{Map, Value};

use super::types;
use crate::domain::ids::ObjectId;

/// The properties of one object as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity(Map<String, Value>);

/// A page of entities.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// The entities, in C4C's order.
    pub entities: Vec<Entity>,
    /// `__count`: all entities that fit the query, if `$inlinecount` was asked for.
    pub count: Option<u64>,
    /// `__next`: the URL of the next page, as it came.
    pub next: Option<String>,
}

/// Why an answer is not OData JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// The body is not JSON, or is nested too deeply.
    #[error("it is no JSON: {0}")]
    NotJson(String),
    /// The JSON is not what OData V2 sends.
    #[error("{0}")]
    NotOdata(&'static str),
}

/// Reads a feed; one entity counts as a feed of one.
pub fn feed(body: &[u8]) -> Result<Feed, ShapeError> {
    let document: Value = serde_json::from_slice(body).map_err(not_json)?;
    let Value::Object(mut document) = document else {
        return Err(ShapeError::NotOdata("the answer is not an object"));
    };
    match document.remove("d") {
        Some(Value::Array(rows)) => Ok(Feed {
            entities: entities(rows)?,
            count: None,
            next: None,
        }),
        Some(Value::Object(d)) => unwrap_d(d),
        _ => Err(ShapeError::NotOdata("the envelope `d` is missing")),
    }
}

/// Reads exactly one entity.
pub fn entity(body: &[u8]) -> Result<Entity, ShapeError> {
    let [one] = <[Entity; 1]>::try_from(feed(body)?.entities)
        .map_err(|_| ShapeError::NotOdata("not exactly one entity came"))?;
    Ok(one)
}

/// `serde_json` quotes no input in its syntax errors, so the text is safe to show.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn not_json(error: serde_json::Error) -> ShapeError {
    ShapeError::NotJson(error.to_string())
}

fn unwrap_d(mut d: Map<String, Value>) -> Result<Feed, ShapeError> {
    // An entity may have a property named `results`; its `__metadata` gives it away.
    let wrapped = if d.contains_key("__metadata") {
        None
    } else {
        d.remove("results")
    };
    let entities = match wrapped {
        Some(Value::Array(rows)) => entities(rows)?,
        Some(Value::Object(one)) => vec![Entity(one)],
        Some(_) => return Err(ShapeError::NotOdata("`results` is neither list nor object")),
        None => {
            return Ok(Feed {
                entities: vec![Entity(d)],
                count: None,
                next: None,
            });
        }
    };
    Ok(Feed {
        entities,
        count: d.get("__count").and_then(count),
        next: d.get("__next").and_then(Value::as_str).map(str::to_owned),
    })
}

fn entities(rows: Vec<Value>) -> Result<Vec<Entity>, ShapeError> {
    rows.into_iter()
        .map(|row| match row {
            Value::Object(properties) => Ok(Entity(properties)),
            _ => Err(ShapeError::NotOdata("a row is not an object")),
        })
        .collect()
}

/// C4C writes the count as a string.
fn count(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

impl Entity {
    /// A scalar property as text (see [`types::scalar`]); `None` when it is absent.
    pub fn text(&self, property: &str) -> Option<String> {
        self.0.get(property).and_then(types::scalar)
    }

    /// A scalar property as text; `None` when it is absent or empty, as C4C writes unset ones.
    pub fn filled(&self, property: &str) -> Option<String> {
        self.text(property).filter(|text| !text.is_empty())
    }

    /// A property that holds an ObjectID or a UUID; `None` when it holds neither.
    pub fn object_id(&self, property: &str) -> Option<ObjectId> {
        ObjectId::parse(&self.text(property)?)
    }

    /// All scalar properties as text.
    pub fn scalars(&self) -> impl Iterator<Item = (&str, String)> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), types::scalar(value)?)))
    }

    /// The ETag of `__metadata`.
    pub fn etag(&self) -> Option<String> {
        types::etag(self.0.get("__metadata")?.get("etag")?.as_str()?)
    }

    /// Takes the ETag of the answer's header when the entity itself brings none (c4c.md 1.9).
    pub fn or_etag(&mut self, header: Option<&str>) {
        let (None, Some(header)) = (self.etag(), header) else {
            return;
        };
        let metadata = self
            .0
            .entry("__metadata")
            .or_insert_with(|| Map::new().into());
        if let Value::Object(metadata) = metadata {
            metadata.insert("etag".to_owned(), header.into());
        }
    }

    /// The entities of an expanded navigation; none when it was only deferred.
    pub fn expanded(&self, navigation: &str) -> Result<Vec<Entity>, ShapeError> {
        match self.0.get(navigation) {
            Some(Value::Array(rows)) => entities(rows.clone()),
            Some(Value::Object(one)) if one.contains_key("__deferred") => Ok(Vec::new()),
            Some(Value::Object(one)) => Ok(unwrap_d(one.clone())?.entities),
            _ => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(feed: &Feed) -> Vec<String> {
        let id = |entity: &Entity| entity.text("ObjectID").unwrap();
        feed.entities.iter().map(id).collect()
    }

    #[test]
    fn a_feed_brings_rows_count_and_the_next_page() {
        let body = br#"{"d":{"results":[{"ObjectID":"A"},{"ObjectID":"B"}],
            "__count":"39080","__next":"https://t.example/x?$skiptoken=1001"}}"#;
        let feed = feed(body).unwrap();
        assert_eq!(ids(&feed), ["A", "B"]);
        assert_eq!(feed.count, Some(39080));
        assert_eq!(
            feed.next.as_deref(),
            Some("https://t.example/x?$skiptoken=1001")
        );
    }

    #[test]
    fn one_entity_is_read_in_all_three_envelopes() {
        for body in [
            r#"{"d":{"results":{"ObjectID":"A"}}}"#,
            r#"{"d":{"ObjectID":"A"}}"#,
            r#"{"d":{"__metadata":{},"ObjectID":"A","results":"of a contest"}}"#,
            r#"{"d":{"results":[{"ObjectID":"A"}]}}"#,
            r#"{"d":[{"ObjectID":"A"}]}"#,
        ] {
            let entity = entity(body.as_bytes()).unwrap();
            assert_eq!(entity.text("ObjectID").as_deref(), Some("A"), "{body}");
        }
    }

    #[test]
    fn nothing_found_is_an_empty_feed_and_not_an_entity() {
        let body = br#"{"d":{"results":[]}}"#;
        assert_eq!(feed(body).unwrap().entities, []);
        assert!(matches!(entity(body), Err(ShapeError::NotOdata(_))));
    }

    #[test]
    fn a_real_answer_to_a_create_is_read() {
        let body =
            include_bytes!("../../../tests/fixtures/c4c/sap-devguide/servicerequest_created.json");
        let ticket = entity(body).unwrap();
        assert_eq!(ticket.text("ID").as_deref(), Some("5197"));
        assert_eq!(ticket.text("CompletedOnDate").as_deref(), Some(""));
        assert_eq!(
            ticket.text("CreationDate").as_deref(),
            Some("2017-03-30T00:00:00Z")
        );
        assert_eq!(
            ticket.etag().as_deref(),
            Some(r#"W/"datetimeoffset'2017-03-30T19%3A40%3A10.8490260Z'""#)
        );
        assert!(ticket.scalars().all(|(name, _)| name != "__metadata"));
    }

    #[test]
    fn an_expanded_navigation_is_read_in_every_form() {
        let body = br#"{"d":{"Bare":[{"ObjectID":"A"}],"Wrapped":{"results":[{"ObjectID":"B"}]},
            "One":{"ObjectID":"C"},"Later":{"__deferred":{"uri":"x"}},"None":null}}"#;
        let entity = entity(body).unwrap();
        for (navigation, expected) in [("Bare", "A"), ("Wrapped", "B"), ("One", "C")] {
            let rows = entity.expanded(navigation).unwrap();
            assert_eq!(rows[0].text("ObjectID").as_deref(), Some(expected));
        }
        for navigation in ["Later", "None", "Absent"] {
            assert_eq!(entity.expanded(navigation).unwrap(), []);
        }
    }

    #[test]
    fn what_is_not_odata_is_refused() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"d":null}"#,
            r#"{"d":{"results":3}}"#,
            r#"{"d":[1]}"#,
            &"[".repeat(100_000),
        ] {
            assert!(feed(body.as_bytes()).is_err());
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = feed(&bytes);
        }

        #[test]
        fn reading_odd_json_never_panics(
            inner in "(\\{|\\}|\\[|\\]|,|:|\"results\"|\"__count\"|\"__next\"|1|null|\"x\"){0,20}"
        ) {
            let _ = feed(format!("{{\"d\":{inner}}}").as_bytes());
        }
    }
}
