//! XML as WeChat writes it and as it reads replies. Knows elements, not their meaning.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

/// An element of a reply.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name.
    pub(super) name: String,
    /// Its own text, CDATA and entities resolved; white space around child elements included.
    pub(super) text: String,
    /// The elements in it.
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of that name; empty if there is none.
    pub(super) fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| &child.text)
    }
}

/// Parses one document; says what is wrong with anything else.
pub(super) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    // The bottom element stands for the document.
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|e| e.to_string())?;
        let top = open.last_mut().ok_or("an element too many is closed")?;
        match event {
            Event::Start(start) => open.push(named(start.name().as_ref())),
            Event::Empty(start) => top.children.push(named(start.name().as_ref())),
            Event::End(_) => {
                let closed = open.pop().ok_or("an element too many is closed")?;
                let parent = open.last_mut().ok_or("an element too many is closed")?;
                parent.children.push(closed);
            }
            Event::Text(text) => top.text.push_str(&text.xml10_content()),
            Event::CData(text) => top.text.push_str(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let resolved = match entity.resolve_char_ref().map_err(|e| e.to_string())? {
                    Some(character) => character.to_string(),
                    None => predefined(&entity.xml10_content())?.to_owned(),
                };
                top.text.push_str(&resolved);
            }
            Event::DocType(_) => return Err("a DTD is not allowed".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match &mut open[..] {
        [document] if document.children.len() == 1 && document.text.trim().is_empty() => {
            Ok(document.children.remove(0))
        }
        _ => Err("not exactly one root element".to_owned()),
    }
}

fn named(name: &str) -> Element {
    Element {
        name: name.to_owned(),
        ..Element::default()
    }
}

fn predefined(entity: &str) -> Result<&'static str, String> {
    quick_xml::escape::resolve_predefined_entity(entity)
        .ok_or_else(|| format!("unknown entity {entity}"))
}

/// One field as WeChat writes it: strings as CDATA, numbers bare, objects as groups, arrays as
/// the same element again and again.
pub(super) fn field(name: &str, value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| field(name, item)).collect(),
        Value::Object(fields) => {
            let inner: String = fields
                .iter()
                .map(|(name, value)| field(name, value))
                .collect();
            format!("<{name}>{inner}</{name}>\n")
        }
        Value::String(text) => {
            // CDATA cannot hold its own end, so it is split there.
            let text = text.replace("]]>", "]]]]><![CDATA[>");
            format!("<{name}><![CDATA[{text}]]></{name}>\n")
        }
        other => format!("<{name}>{other}</{name}>\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_reads_back() {
        let text = field(
            "xml",
            &json!({
                "Content": "a ]]> b <&>",
                "MsgId": 24_680_000_000_000_001_i64,
                "Event": {"List": [{"A": "1"}, {"A": "2"}]},
            }),
        );
        let root = parse(&text).unwrap();
        assert_eq!(root.text_of("Content"), "a ]]> b <&>");
        assert_eq!(root.text_of("MsgId"), "24680000000000001");
        let lists = &root.child("Event").unwrap().children;
        assert_eq!(lists[1].text_of("A"), "2");
    }

    #[test]
    fn only_one_well_formed_document_is_taken() {
        for wrong in [
            "",
            "text",
            "{\"a\":1}",
            "<xml>",
            "<a/><b/>",
            "<xml></yml>",
            "<!DOCTYPE x [<!ENTITY e 'x'>]><xml>&e;</xml>",
            "<xml>&nbsp;</xml>",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
