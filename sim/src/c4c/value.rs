//! Values of OData properties and their spellings: JSON, Atom and ETag (c4c.md 1.7, 1.9).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::json;

/// The Edm types that the tenant's entities use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edm {
    /// `Edm.String`.
    Text,
    /// The complex type of names in the old service, `EXTENDED_Name`; read only here.
    Name,
    /// `Edm.Boolean`.
    Flag,
    /// `Edm.DateTimeOffset`.
    Instant,
    /// `Edm.DateTime`, used for calendar dates.
    Date,
    /// `Edm.Guid`, dashed and in upper case.
    Guid,
    /// `Edm.Decimal`, a string in JSON.
    Decimal,
    /// `Edm.Binary`, base64 on the wire.
    Binary,
}

impl Edm {
    /// The name in `$metadata`; complex types live in `namespace`.
    pub fn name(self, namespace: &str) -> String {
        match self {
            Self::Text => "Edm.String".to_owned(),
            Self::Name => format!("{namespace}.EXTENDED_Name"),
            Self::Flag => "Edm.Boolean".to_owned(),
            Self::Instant => "Edm.DateTimeOffset".to_owned(),
            Self::Date => "Edm.DateTime".to_owned(),
            Self::Guid => "Edm.Guid".to_owned(),
            Self::Decimal => "Edm.Decimal".to_owned(),
            Self::Binary => "Edm.Binary".to_owned(),
        }
    }

    /// What an unset property holds: strings are empty, dates and GUIDs null (c4c.md 1.5).
    pub fn unset(self) -> Value {
        match self {
            Self::Text | Self::Name => Value::text(""),
            Self::Flag => Value::Flag(false),
            Self::Instant | Self::Date | Self::Guid => Value::Null,
            Self::Decimal => Value::text("0.00000000000000"),
            Self::Binary => Value::Bytes(Arc::default()),
        }
    }
}

/// A value without its Edm type, which the property knows.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Value {
    /// Nothing.
    Null,
    /// `Edm.String`, `Edm.Guid`, `Edm.Decimal` and the content of a name.
    Text(String),
    /// `Edm.Boolean`.
    Flag(bool),
    /// `Edm.DateTimeOffset`, and `Edm.DateTime` as midnight UTC.
    Instant(Timestamp),
    /// `Edm.Binary`.
    Bytes(Arc<[u8]>),
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text, empty when it is none.
    pub fn as_text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// Whether ABAP would call it initial: null, empty or false.
    pub fn is_initial(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::Flag(flag) => !flag,
            Self::Instant(_) => false,
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }

    /// The JSON form; a name needs its complex type's full name.
    pub fn to_json(&self, edm: Edm, namespace: &str) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Text(text) if edm == Edm::Name => json!({
                "__metadata": { "type": edm.name(namespace) },
                "languageCode": "E",
                "content": text,
            }),
            Self::Text(text) => json!(text),
            Self::Flag(flag) => json!(flag),
            Self::Instant(at) => json!(format!("/Date({})/", at.as_millisecond())),
            Self::Bytes(bytes) => json!(STANDARD.encode(bytes)),
        }
    }

    /// The Atom form; `None` is written as `m:null`.
    pub fn to_atom(&self, edm: Edm) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.clone()),
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Instant(at) if edm == Edm::Date => {
                Some(at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
            }
            Self::Instant(at) => Some(at.to_string()),
            Self::Bytes(bytes) => Some(STANDARD.encode(bytes)),
        }
    }

    /// Reads what a client wrote in JSON. The error is the reason, without the value.
    pub fn from_json(edm: Edm, json: &serde_json::Value) -> Result<Self, &'static str> {
        match (edm, json) {
            (_, serde_json::Value::Null) => Ok(edm.unset()),
            (Edm::Flag, serde_json::Value::Bool(flag)) => Ok(Self::Flag(*flag)),
            (Edm::Flag, _) => Err("a boolean is expected"),
            (_, serde_json::Value::String(text)) => Self::from_wire(edm, text),
            _ => Err("a string is expected"),
        }
    }

    /// Reads what a client wrote as text: in a JSON string or an Atom element.
    pub fn from_wire(edm: Edm, text: &str) -> Result<Self, &'static str> {
        match edm {
            Edm::Text | Edm::Name | Edm::Decimal => Ok(Self::text(text)),
            Edm::Flag => match text {
                "true" => Ok(Self::Flag(true)),
                "false" => Ok(Self::Flag(false)),
                _ => Err("a boolean is expected"),
            },
            Edm::Guid | Edm::Instant | Edm::Date if text.is_empty() => Ok(Self::Null),
            Edm::Guid => guid(text).ok_or("a GUID is expected"),
            Edm::Binary => {
                let bytes = STANDARD.decode(text).map_err(|_| "base64 is expected")?;
                Ok(Self::Bytes(bytes.into()))
            }
            Edm::Instant | Edm::Date => date(text).ok_or("a date is expected"),
        }
    }
}

/// A dashed GUID in the upper case that C4C keeps.
pub(super) fn guid(text: &str) -> Option<Value> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let hex = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    (hex && groups == [8, 4, 4, 4, 12]).then(|| Value::text(text.to_ascii_uppercase()))
}

/// `/Date(ms)/`, an ISO instant with an offset, or a plain ISO date and time taken as UTC.
pub(super) fn date(text: &str) -> Option<Value> {
    let millis = text
        .strip_prefix("/Date(")
        .and_then(|rest| rest.strip_suffix(")/"));
    let at = match millis {
        Some(millis) => Timestamp::from_millisecond(millis.parse().ok()?).ok()?,
        None => match text.parse::<Timestamp>() {
            Ok(at) => at,
            Err(_) => local(text)?,
        },
    };
    Some(Value::Instant(at))
}

fn local(text: &str) -> Option<Timestamp> {
    let at: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(at).ok()
}

/// The weak ETag of an object changed at `at`: seven decimals, colons escaped (c4c.md 1.9).
pub(super) fn etag(at: Timestamp) -> String {
    format!(
        "W/\"datetimeoffset'{}Z'\"",
        at.strftime("%Y-%m-%dT%H%%3A%M%%3A%S%.7f")
    )
}

/// The dashed form of a 32-digit ObjectID (c4c.md 1.7).
pub(super) fn uuid_of(object_id: &str) -> String {
    match object_id.as_bytes() {
        bytes if bytes.len() == 32 && object_id.is_ascii() => [0..8, 8..12, 12..16, 16..20, 20..32]
            .map(|range| &object_id[range])
            .join("-"),
        _ => object_id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_has_seven_decimals_and_escaped_colons() {
        let at: Timestamp = "2017-03-30T19:40:10.849026Z".parse().unwrap();
        assert_eq!(
            etag(at),
            "W/\"datetimeoffset'2017-03-30T19%3A40%3A10.8490260Z'\""
        );
    }

    #[test]
    fn dates_are_read_in_every_form_the_guide_shows() {
        let noon: Timestamp = "2015-10-22T00:00:00Z".parse().unwrap();
        for text in [
            "2015-10-22T00:00:00",
            "2015-10-22T00:00:00Z",
            "2015-10-22T08:00:00+08:00",
            "/Date(1445472000000)/",
        ] {
            assert_eq!(
                Value::from_wire(Edm::Date, text),
                Ok(Value::Instant(noon)),
                "{text}"
            );
        }
        assert!(Value::from_wire(Edm::Date, "yesterday").is_err());
    }

    #[test]
    fn an_instant_has_a_json_and_an_atom_form() {
        let at = Value::Instant("2017-03-30T19:40:10.849Z".parse().unwrap());
        assert_eq!(
            at.to_json(Edm::Instant, "c4codata"),
            json!("/Date(1490902810849)/")
        );
        assert_eq!(
            at.to_atom(Edm::Instant).as_deref(),
            Some("2017-03-30T19:40:10.849Z")
        );
        let day = Value::Instant("2012-11-08T00:00:00Z".parse().unwrap());
        assert_eq!(
            day.to_atom(Edm::Date).as_deref(),
            Some("2012-11-08T00:00:00")
        );
    }

    #[test]
    fn a_root_uuid_is_the_object_id_with_dashes() {
        assert_eq!(
            uuid_of("00163E04B6021ED2B6E362D75E99395E"),
            "00163E04-B602-1ED2-B6E3-62D75E99395E"
        );
    }
}
