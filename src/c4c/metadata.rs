//! `$metadata`: which properties the entity sets of a service have, and what may be done with them
//! (c4c.md 1.4).
//!
//! Only what Qiao asks about is kept. The document comes from a machine with our credentials, so
//! bounds keep a wrong one from filling memory; nothing in it is expanded or followed.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The deepest element that is read stands five below the root.
const MAX_DEPTH: usize = 32;

/// All properties of a service. `c4codataapi` has some ten thousand.
const MAX_PROPERTIES: usize = 200_000;

/// The longest name that is kept; SAP's have at most 128 characters.
const MAX_NAME: usize = 256;

/// What may be done with a property. An annotation that is absent means yes (c4c.md 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property {
    /// `sap:creatable`: it may be sent when an object is created.
    pub creatable: bool,
    /// `sap:updatable`: it may be changed.
    pub updatable: bool,
    /// `sap:filterable`: it may be searched by.
    pub filterable: bool,
}

/// The entity sets of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    sets: BTreeMap<String, BTreeMap<String, Property>>,
}

/// Why a document is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No well-formed XML in UTF-8.
    #[error("the metadata is no well-formed XML")]
    NotXml,
    /// It describes no entity set.
    #[error("the metadata describes no entity set")]
    Empty,
    /// Beyond the bounds of this module.
    #[error("the metadata is larger than any of C4C's")]
    TooLarge,
}

impl Metadata {
    /// Reads an EDMX document.
    pub fn parse(document: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(document).map_err(|_| Fault::NotXml)?;
        let mut reader = Reader::from_str(text);
        let mut reading = Reading::default();
        let mut depth = 0_usize;
        loop {
            match reader.read_event().map_err(|_| Fault::NotXml)? {
                Event::Start(element) => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(Fault::TooLarge);
                    }
                    reading.enter(&element)?;
                }
                Event::Empty(element) => {
                    reading.enter(&element)?;
                    reading.leave(element.local_name().as_ref());
                }
                Event::End(element) => {
                    depth = depth.saturating_sub(1);
                    reading.leave(element.local_name().as_ref());
                }
                Event::Eof if depth == 0 => return reading.done(),
                Event::Eof => return Err(Fault::NotXml),
                _ => {}
            }
        }
    }

    /// The properties of a set; `None` when the service has no such set.
    pub fn properties(&self, set: &str) -> Option<&BTreeMap<String, Property>> {
        self.sets.get(set)
    }

    /// One property of a set.
    pub fn property(&self, set: &str, name: &str) -> Option<Property> {
        self.sets.get(set)?.get(name).copied()
    }

    /// The names of the sets.
    pub fn sets(&self) -> impl Iterator<Item = &str> {
        self.sets.keys().map(String::as_str)
    }
}

/// What was read so far. Types are known by the schema that they stand in.
#[derive(Default)]
struct Reading {
    schema: String,
    kind: Option<String>,
    types: BTreeMap<String, BTreeMap<String, Property>>,
    sets: Vec<(String, String)>,
    properties: usize,
}

impl Reading {
    fn enter(&mut self, element: &BytesStart<'_>) -> Result<(), Fault> {
        let named = |name: &str| attribute(element, name);
        match element.local_name().as_ref() {
            "Schema" => self.schema = named("Namespace")?.unwrap_or_default(),
            "EntityType" => {
                let name = named("Name")?.unwrap_or_default();
                let kind = format!("{}.{name}", self.schema);
                self.types.entry(kind.clone()).or_default();
                self.kind = Some(kind);
            }
            "Property" => {
                if let (Some(kind), Some(name)) = (&self.kind, named("Name")?) {
                    self.properties += 1;
                    let property = property(element)?;
                    self.types
                        .entry(kind.clone())
                        .or_default()
                        .insert(name, property);
                }
            }
            "EntitySet" => {
                if let (Some(name), Some(kind)) = (named("Name")?, named("EntityType")?) {
                    self.properties += 1;
                    self.sets.push((name, kind));
                }
            }
            _ => {}
        }
        if self.properties > MAX_PROPERTIES {
            return Err(Fault::TooLarge);
        }
        Ok(())
    }

    fn leave(&mut self, name: &str) {
        match name {
            "EntityType" => self.kind = None,
            "Schema" => self.schema.clear(),
            _ => {}
        }
    }

    fn done(mut self) -> Result<Metadata, Fault> {
        // The last set of a type takes its properties; all of C4C's types have one set.
        let mut sets = BTreeMap::new();
        for (at, (set, kind)) in self.sets.iter().enumerate() {
            let again = self.sets[at + 1..].iter().any(|(_, later)| later == kind);
            let found = if again {
                self.types.get(kind).cloned()
            } else {
                self.types.remove(kind)
            };
            sets.insert(set.clone(), found.unwrap_or_default());
        }
        if sets.is_empty() {
            return Err(Fault::Empty);
        }
        Ok(Metadata { sets })
    }
}

fn property(element: &BytesStart<'_>) -> Result<Property, Fault> {
    let holds = |name: &str| Ok(attribute(element, name)?.is_none_or(|value| value != "false"));
    Ok(Property {
        creatable: holds("sap:creatable")?,
        updatable: holds("sap:updatable")?,
        filterable: holds("sap:filterable")?,
    })
}

/// An attribute by the name that it is written with: SAP's prefix is always `sap`.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    let found = element.try_get_attribute(name).map_err(|_| Fault::NotXml)?;
    let Some(found) = found else { return Ok(None) };
    if found.value.len() > MAX_NAME {
        return Err(Fault::TooLarge);
    }
    Ok(Some(found.value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EDMX: &str = r#"<?xml version="1.0" encoding="utf-8"?>
        <edmx:Edmx Version="1.0" xmlns:edmx="e" xmlns:sap="s"><edmx:DataServices>
        <Schema Namespace="cust" xmlns="n">
          <EntityType Name="CustomerCommon">
            <Key><PropertyRef Name="ObjectID"/></Key>
            <Property Name="ObjectID" Type="Edm.String" sap:creatable="false"/>
            <Property Name="WechatID" sap:filterable="true" sap:updatable="false"></Property>
          </EntityType>
          <ComplexType Name="Name"><Property Name="content"/></ComplexType>
          <EntityContainer Name="c">
            <EntitySet Name="CustomerCommonCollection" EntityType="cust.CustomerCommon"/>
            <EntitySet Name="Foreign" EntityType="else.Where"/>
          </EntityContainer>
        </Schema></edmx:DataServices></edmx:Edmx>"#;

    #[test]
    fn a_set_has_the_properties_of_its_type() {
        let metadata = Metadata::parse(EDMX.as_bytes()).unwrap();
        let set = "CustomerCommonCollection";
        let wechat_id = metadata.property(set, "WechatID").unwrap();
        assert!(wechat_id.filterable && wechat_id.creatable && !wechat_id.updatable);
        assert!(!metadata.property(set, "ObjectID").unwrap().creatable);
        assert_eq!(metadata.property(set, "content"), None, "of a complex type");
        assert_eq!(metadata.properties(set).unwrap().len(), 2);
        assert!(metadata.properties("Foreign").unwrap().is_empty());
        assert_eq!(metadata.properties("Gone"), None);
        assert_eq!(metadata.sets().count(), 2);
    }

    #[test]
    fn what_is_no_metadata_is_told() {
        for (text, fault) in [
            ("", Fault::Empty),
            ("<html>", Fault::NotXml),
            ("<html></html>", Fault::Empty),
            ("<a></b>", Fault::NotXml),
            ("<EntitySet Name=a/>", Fault::NotXml),
        ] {
            assert_eq!(Metadata::parse(text.as_bytes()), Err(fault), "{text}");
        }
        assert_eq!(Metadata::parse(b"\xff"), Err(Fault::NotXml));
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        assert_eq!(Metadata::parse(deep.as_bytes()), Err(Fault::TooLarge));
        let endless = format!("<EntitySet Name=\"{}\" EntityType=\"b\"/>", "a".repeat(300));
        assert_eq!(Metadata::parse(endless.as_bytes()), Err(Fault::TooLarge));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "(<EntityType Name=\"|<EntitySet |\"/>|</|\\PC){0,60}") {
            let _ = Metadata::parse(text.as_bytes());
        }
    }
}
