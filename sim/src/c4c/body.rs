//! What a client writes: reading the body of a POST, PUT, PATCH or MERGE, and the rules of
//! c4c.md 1.4 on it.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use serde_json::{Map, Value as Json};

use super::error::Refusal;
use super::rows::Row;
use super::schema::{EntityType, Property, Service};
use super::value::{Edm, Value};
use crate::wire::Request;

/// A property as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Input {
    /// A JSON value.
    Json(Json),
    /// The text of an Atom element; `None` for `m:null`.
    Text(Option<String>),
}

/// An entity to be created, with those that hang below it.
#[derive(Debug)]
pub(super) struct Draft<'s> {
    /// What it is.
    pub kind: &'s EntityType,
    /// Its fields as they were sent.
    pub fields: Vec<(String, Value)>,
    /// What is created together with it (c4c.md 1.10).
    pub children: Vec<Draft<'s>>,
}

impl Draft<'_> {
    /// A text field, empty when it was not sent.
    pub(super) fn text(&self, field: &str) -> &str {
        let found = self.fields.iter().rev().find(|(name, _)| name == field);
        found.map_or("", |(_, value)| value.as_text())
    }
}

/// The properties of the body, in its order.
pub(super) fn properties(request: &Request) -> Result<Vec<(String, Input)>, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    if content_type.starts_with("application/json") {
        json_properties(&request.body)
    } else if content_type.contains("xml") {
        atom_properties(&request.body)
    } else {
        let message = "Content-Type must be application/json or application/atom+xml";
        Err(Refusal::new(415, message))
    }
}

fn json_properties(body: &[u8]) -> Result<Vec<(String, Input)>, Refusal> {
    let Ok(Json::Object(mut object)) = serde_json::from_slice(body) else {
        return Err(Refusal::new(400, "The request body is not a JSON object"));
    };
    // Clients that echo what they read send the envelope too.
    if let Some(Json::Object(inner)) = object.remove("d") {
        object = inner;
    }
    Ok(inputs(object))
}

/// The members of an object without what only an answer has.
fn inputs(object: Map<String, Json>) -> Vec<(String, Input)> {
    let sent = object
        .into_iter()
        .filter(|(name, value)| name != "__metadata" && value.get("__deferred").is_none());
    sent.map(|(name, value)| (name, Input::Json(value)))
        .collect()
}

/// The children of `m:properties` in an Atom entry.
fn atom_properties(body: &[u8]) -> Result<Vec<(String, Input)>, Refusal> {
    let malformed = || Refusal::new(400, "The request body is not an Atom entry");
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let mut reader = Reader::from_str(text);
    let mut properties = Vec::new();
    let mut inside = false;
    let mut current: Option<(String, String)> = None;
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::DocType(_) => return Err(malformed()),
            // Deep insert is known of JSON only (c4c.md 1.10).
            Event::Start(tag) if tag.local_name().as_ref() == "inline" => return Err(malformed()),
            Event::Start(tag) if tag.local_name().as_ref() == "properties" => inside = true,
            Event::End(tag) if tag.local_name().as_ref() == "properties" => inside = false,
            Event::Start(tag) if inside => {
                current = Some((tag.local_name().as_ref().to_owned(), String::new()));
            }
            Event::Empty(tag) if inside => {
                let mut attributes = tag.attributes().flatten();
                let null = attributes.any(|a| a.key.local_name().as_ref() == "null");
                let value = (!null).then(String::new);
                properties.push((tag.local_name().as_ref().to_owned(), Input::Text(value)));
            }
            Event::Text(piece) => {
                if let Some((_, text)) = &mut current {
                    text.push_str(&piece.xml10_content());
                }
            }
            Event::CData(piece) => {
                if let Some((_, text)) = &mut current {
                    text.push_str(&piece.xml10_content());
                }
            }
            Event::GeneralRef(reference) => {
                if let Some((_, text)) = &mut current {
                    text.push_str(&resolved(&reference).ok_or_else(malformed)?);
                }
            }
            Event::End(_) => {
                if let Some((name, text)) = current.take() {
                    properties.push((name, Input::Text(Some(text))));
                }
            }
            Event::Eof if properties.is_empty() => return Err(malformed()),
            Event::Eof => return Ok(properties),
            _ => {}
        }
    }
}

fn resolved(reference: &BytesRef) -> Option<String> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Some(character.to_string()),
        Ok(None) => resolve_xml_entity(&reference.xml10_content()).map(str::to_owned),
        Err(_) => None,
    }
}

/// The entity of a POST: what is not creatable is refused, unless it is the key; what is mandatory
/// must be there.
pub(super) fn created<'s>(
    service: &'s Service,
    kind: &'s EntityType,
    inputs: Vec<(String, Input)>,
) -> Result<Draft<'s>, Refusal> {
    let mut fields = Vec::new();
    let mut children = Vec::new();
    for (name, input) in inputs {
        let below = kind.navigation(&name).filter(|n| n.deep);
        if let Some(to) = below.and_then(|n| service.entity_type(n.to)) {
            children.extend(created_below(service, to, &name, input)?);
            continue;
        }
        let property = property(kind, &name)?;
        if property.creatable {
            fields.push((property.source.clone(), value(property, &input)?));
        } else if property.nullable {
            let message = format!("Property '{name}' cannot be set at creation");
            return Err(Refusal::new(400, &message));
        }
    }
    let mut mandatory = kind
        .properties
        .iter()
        .filter(|p| p.creatable && !p.nullable);
    let missing = mandatory.find(|p| {
        let mut sent = fields.iter().filter(|(source, _)| *source == p.source);
        sent.all(|(_, value)| p.edm != Edm::Binary && value.is_initial())
    });
    if let Some(missing) = missing {
        let message = format!("Property '{}' is mandatory", missing.name);
        return Err(Refusal::new(400, &message));
    }
    Ok(Draft {
        kind,
        fields,
        children,
    })
}

/// The entities of an array under a navigation.
fn created_below<'s>(
    service: &'s Service,
    to: &'s EntityType,
    name: &str,
    input: Input,
) -> Result<Vec<Draft<'s>>, Refusal> {
    let refused = || {
        let message = format!("'{name}' must be an array of objects");
        Refusal::new(400, &message)
    };
    let Input::Json(Json::Array(items)) = input else {
        return Err(refused());
    };
    let drafts = items.into_iter().map(|item| match item {
        Json::Object(object) => created(service, to, inputs(object)),
        _ => Err(refused()),
    });
    drafts.collect()
}

/// The fields of a PATCH, MERGE or PUT: what is not updatable must equal what stands there, ETag
/// and descriptions aside. A PUT resets what it leaves out.
pub(super) fn changed(
    kind: &EntityType,
    inputs: Vec<(String, Input)>,
    row: Row,
    replace: bool,
) -> Result<Vec<(String, Value)>, Refusal> {
    let mut fields = Vec::new();
    if replace {
        let reset = kind.properties.iter().filter(|p| p.updatable);
        fields.extend(reset.map(|p| (p.source.clone(), p.edm.unset())));
    }
    for (name, input) in inputs {
        let property = property(kind, &name)?;
        if name == "ETag" || property.is_description() {
            continue;
        }
        let value = value(property, &input)?;
        if property.updatable {
            fields.retain(|(source, _)| *source != property.source);
            fields.push((property.source.clone(), value));
        } else if value != row.value(property) {
            let message = format!("Property '{name}' cannot be changed");
            return Err(Refusal::new(400, &message));
        }
    }
    Ok(fields)
}

fn property<'s>(kind: &'s EntityType, name: &str) -> Result<&'s Property, Refusal> {
    if kind.navigation(name).is_some() {
        let message = format!("'{name}' cannot be created together with its parent");
        return Err(Refusal::new(400, &message));
    }
    let property = kind.property(name);
    property.ok_or_else(|| Refusal::unknown_property(name))
}

fn value(property: &Property, input: &Input) -> Result<Value, Refusal> {
    let name = &property.name;
    let read = match input {
        Input::Json(json) => Value::from_json(property.edm, json),
        Input::Text(Some(text)) => Value::from_wire(property.edm, text),
        Input::Text(None) => Ok(property.edm.unset()),
    };
    let value = read.map_err(|why| {
        let message = format!("Invalid value for property '{name}': {why}");
        Refusal::new(400, &message)
    })?;
    let length = value.as_text().chars().count();
    match property.max_length {
        Some(max) if length > max => {
            let message = format!("Value of property '{name}' is longer than {max} characters");
            Err(Refusal::new(400, &message))
        }
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(content_type: &str, body: &str) -> Result<Vec<(String, Input)>, Refusal> {
        properties(&Request {
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec(),
            ..Request::default()
        })
    }

    #[test]
    fn an_atom_entry_is_read_like_json() {
        let entry = r#"<entry xmlns="http://www.w3.org/2005/Atom" xmlns:m="urn:m" xmlns:d="urn:d">
            <title>ignored</title><content type="application/xml"><m:properties>
            <d:FirstName>A &amp; B &#x6865;</d:FirstName><d:LastName/>
            <d:BirthDate m:null="true"/></m:properties></content></entry>"#;
        let text = |text: &str| Input::Text(Some(text.to_owned()));
        assert_eq!(
            sent("application/atom+xml;type=entry", entry).unwrap(),
            [
                ("FirstName".to_owned(), text("A & B 桥")),
                ("LastName".to_owned(), text("")),
                ("BirthDate".to_owned(), Input::Text(None)),
            ]
        );
    }

    #[test]
    fn metadata_and_deferred_links_of_an_echoed_entity_are_ignored() {
        let echoed = r#"{"__metadata":{"uri":"x"},"FirstName":"Mei",
            "IndividualCustomerAddress":{"__deferred":{"uri":"x"}}}"#;
        let properties = sent("application/json; charset=utf-8", echoed).unwrap();
        assert_eq!(properties.len(), 1);
    }

    #[test]
    fn bodies_that_are_no_entity_are_refused() {
        for (content_type, body, status) in [
            ("application/json", "[]", 400),
            ("application/json", "{", 400),
            ("application/xml", "<entry>", 400),
            ("application/xml", "<!DOCTYPE x []><entry/>", 400),
            (
                "application/atom+xml",
                "<entry><link><m:inline><m:properties><d:X>x</d:X></m:properties></m:inline>\
                 </link></entry>",
                400,
            ),
            ("text/plain", "{}", 415),
            ("", "{}", 415),
        ] {
            assert_eq!(
                sent(content_type, body).unwrap_err().status,
                status,
                "{body}"
            );
        }
    }
}
