//! What a URL below a service root is about, and its query options (c4c.md 1.1, 1.11).

use super::error::Refusal;
use super::schema::{EntityType, Function, Navigation, Service};
use super::value::Edm;

/// The resource a path names.
#[derive(Debug, Clone)]
pub(super) enum Target<'s> {
    /// The service document.
    Document,
    /// `$metadata`.
    Metadata,
    /// `$batch`.
    Batch,
    /// An entity set, or only the number of its entities.
    Feed { kind: &'s EntityType, count: bool },
    /// One entity.
    Entity { kind: &'s EntityType, key: String },
    /// What one entity leads to.
    Related {
        kind: &'s EntityType,
        key: String,
        navigation: &'s Navigation,
        to: &'s EntityType,
        count: bool,
    },
    /// The bytes of a file: `…/Binary/$value` (c4c.md 4.6).
    Media { kind: &'s EntityType, key: String },
    /// A function import.
    Function {
        function: &'s Function,
        to: &'s EntityType,
    },
}

impl<'s> Target<'s> {
    /// Reads the path below the service root, still percent-encoded.
    pub(super) fn parse(service: &'s Service, path: &str) -> Result<Self, Refusal> {
        let path = percent_decoded(path);
        let not_found = |segment: &str| {
            let message = format!("Resource not found for segment '{segment}'");
            Refusal::new(404, &message)
        };
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let (name, key) = split_key(segments[0]);
        match (name, &segments[1..]) {
            ("", []) => return Ok(Self::Document),
            ("$metadata", []) => return Ok(Self::Metadata),
            ("$batch", []) => return Ok(Self::Batch),
            _ => {}
        }
        if let (Some(function), None, []) = (service.function(name), key, &segments[1..]) {
            let to = service.entity_type(function.to);
            let to = to.ok_or_else(|| not_found(function.to))?;
            return Ok(Self::Function { function, to });
        }
        let kind = service.set(name).ok_or_else(|| not_found(name))?;
        let Some(key) = key else {
            return match &segments[1..] {
                [] => Ok(Self::Feed { kind, count: false }),
                ["$count"] => Ok(Self::Feed { kind, count: true }),
                [other, ..] => Err(not_found(other)),
            };
        };
        let key = unquoted(key).ok_or_else(|| Refusal::new(400, "Malformed key predicate"))?;
        let (navigation, count) = match &segments[1..] {
            [] => return Ok(Self::Entity { kind, key }),
            [bytes, "$value"] if kind.property(bytes).is_some_and(|p| p.edm == Edm::Binary) => {
                return Ok(Self::Media { kind, key });
            }
            [navigation] => (navigation, false),
            [navigation, "$count"] => (navigation, true),
            [_, other, ..] => return Err(not_found(other)),
        };
        let navigation = kind
            .navigation(navigation)
            .ok_or_else(|| not_found(navigation))?;
        let to = service
            .entity_type(navigation.to)
            .ok_or_else(|| not_found(navigation.to))?;
        Ok(Self::Related {
            kind,
            key,
            navigation,
            to,
            count,
        })
    }
}

/// `Set('key')` → the set and what stands in the parentheses.
fn split_key(segment: &str) -> (&str, Option<&str>) {
    match segment.split_once('(') {
        Some((set, key)) => (set, Some(key.strip_suffix(')').unwrap_or_default())),
        None => (segment, None),
    }
}

/// `'…'` or `ObjectID='…'`, quotes doubled inside.
fn unquoted(predicate: &str) -> Option<String> {
    let literal = predicate.strip_prefix("ObjectID=").unwrap_or(predicate);
    let text = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(text.replace("''", "'"))
}

/// The text with the bytes that percent signs stand for. A plus sign in a path is a plus sign.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after
            .get(..2)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(b'%'));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::schema::{CURRENT, Schema};
    use super::super::settings::Settings;
    use super::*;

    fn described(path: &str) -> Result<String, u16> {
        let schema = Schema::new(&Settings::default());
        let (service, _) = schema.locate(CURRENT).unwrap();
        let target = Target::parse(service, path).map_err(|refusal| refusal.status)?;
        Ok(match target {
            Target::Document => "document".to_owned(),
            Target::Metadata => "metadata".to_owned(),
            Target::Batch => "batch".to_owned(),
            Target::Feed { kind, count } => format!("feed {} {count}", kind.name),
            Target::Entity { kind, key } => format!("entity {} {key}", kind.name),
            Target::Related { key, to, count, .. } => format!("from {key} to {} {count}", to.name),
            Target::Media { kind, key } => format!("bytes of {} {key}", kind.name),
            Target::Function { function, to } => format!("{} to {}", function.name, to.name),
        })
    }

    #[test]
    fn every_shape_of_path_is_understood() {
        for (path, meaning) in [
            ("", "document"),
            ("$metadata", "metadata"),
            ("%24batch", "batch"),
            (
                "IndividualCustomerCollection",
                "feed IndividualCustomer false",
            ),
            (
                "IndividualCustomerCollection/",
                "feed IndividualCustomer false",
            ),
            (
                "IndividualCustomerCollection/$count",
                "feed IndividualCustomer true",
            ),
            (
                "IndividualCustomerCollection('A1')",
                "entity IndividualCustomer A1",
            ),
            (
                "IndividualCustomerCollection(%27A1%27)",
                "entity IndividualCustomer A1",
            ),
            (
                "IndividualCustomerCollection(ObjectID='A''1')",
                "entity IndividualCustomer A'1",
            ),
            (
                "IndividualCustomerCollection('A1')/IndividualCustomerAddress",
                "from A1 to IndividualCustomerAddress false",
            ),
            (
                "ServiceRequestAttachmentFolderCollection('A1')/Binary/$value",
                "bytes of ServiceRequestAttachmentFolder A1",
            ),
            (
                "GetSocialMediaUserProfile",
                "GetSocialMediaUserProfile to SocialMediaUserProfile",
            ),
        ] {
            assert_eq!(described(path).as_deref(), Ok(meaning), "{path}");
        }
    }

    #[test]
    fn unknown_segments_are_not_found_and_broken_keys_are_bad() {
        for (path, status) in [
            ("ContactCollection", 404),
            ("IndividualCustomerCollection/Foo", 404),
            ("IndividualCustomerCollection('A1')/Foo", 404),
            ("IndividualCustomerCollection('A1')/LastName/$value", 404),
            ("GetSocialMediaUserProfile/Foo", 404),
            ("GetSocialMediaUserProfile('A1')", 404),
            ("IndividualCustomerCollection(A1)", 400),
            ("IndividualCustomerCollection('A1'", 400),
        ] {
            assert_eq!(described(path), Err(status), "{path}");
        }
    }

    #[test]
    fn a_broken_percent_sign_stays_as_it_is() {
        assert_eq!(percent_decoded("a%2Fb%+f%4€%E6%A1%A5"), "a/b%+f%4€桥");
    }
}
