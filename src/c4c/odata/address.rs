//! URLs of a tenant (c4c.md 1.1): built, kept at home, and searched for a key.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::filter::quoted;
use crate::domain::ids::ObjectId;

/// All but the unreserved signs of RFC 3986 is encoded; a space becomes `%20`, never `+`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The URL of a service and of what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service(String);

impl Service {
    /// `tenant` is scheme and host, `path` the service's path; both without a trailing slash.
    pub fn new(tenant: &str, path: &str) -> Self {
        Self(format!("{tenant}{path}"))
    }

    /// The service document; its trailing slash is needed (c4c.md 1.1).
    pub fn root(&self) -> String {
        as_json(&format!("{}/", self.0), &[])
    }

    /// What is in it, as EDMX (c4c.md 1.4).
    pub fn metadata(&self) -> String {
        format!("{}/$metadata", self.0)
    }

    /// An entity set, for a create.
    pub fn set(&self, set: &str) -> String {
        format!("{}/{set}", self.0)
    }

    /// An entity set, read with query options.
    pub fn query(&self, set: &str, options: &[(&str, &str)]) -> String {
        as_json(&self.set(set), options)
    }

    /// One entity, for a change.
    pub fn entity(&self, set: &str, key: &str) -> String {
        let key = utf8_percent_encode(&quoted(key), ENCODED).to_string();
        format!("{}/{set}('{key}')", self.0)
    }

    /// One entity, to be read.
    pub fn read(&self, set: &str, key: &str) -> String {
        as_json(&self.entity(set, key), &[])
    }

    /// What hangs on one entity, for a create.
    pub fn navigation(&self, set: &str, key: &str, name: &str) -> String {
        format!("{}/{name}", self.entity(set, key))
    }

    /// What hangs on one entity, read with query options.
    pub fn related(&self, set: &str, key: &str, name: &str, options: &[(&str, &str)]) -> String {
        as_json(&self.navigation(set, key, name), options)
    }

    /// The bytes of one attachment, which are not JSON (c4c.md 1.1).
    pub fn bytes(&self, set: &str, key: &str) -> String {
        format!("{}/Binary/$value", self.entity(set, key))
    }
}

/// C4C answers Atom unless it is asked for JSON; the header alone is not always enough (c4c.md 1.4).
fn as_json(url: &str, options: &[(&str, &str)]) -> String {
    let mut url = format!("{url}?$format=json");
    for (name, value) in options {
        url.push('&');
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(value, ENCODED));
    }
    url
}

/// Resolves a `__next` link; `None` when it leads away from the scheme, host or port of `home`.
///
/// The credentials go wherever a request goes, so no answer may choose another place for it.
pub fn at_home(home: &Url, link: &str) -> Option<Url> {
    let mut url = home.join(link).ok()?;
    if url.origin() != home.origin() || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    if !url.query_pairs().any(|(name, _)| name == "$format") {
        let query = url.query().map_or_else(String::new, |q| format!("{q}&"));
        url.set_query(Some(&format!("{query}$format=json")));
    }
    Some(url)
}

/// The ObjectID in the last `('…')` of a URL, as in `location` and `odataServiceEndpoint`.
pub fn key_in(url: &str) -> Option<ObjectId> {
    let url = percent_decode_str(url).decode_utf8().ok()?;
    let (_, behind) = url.rsplit_once("('")?;
    let (key, _) = behind.split_once("')")?;
    ObjectId::parse(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn service() -> Service {
        Service::new(
            "https://my000001.c4c.example",
            "/sap/c4c/odata/v1/c4codataapi",
        )
    }

    #[test]
    fn reads_ask_for_json_and_encode_their_options() {
        let query = service().query("XCollection", &[("$filter", "A eq 'a+b &c'")]);
        assert_eq!(
            query,
            "https://my000001.c4c.example/sap/c4c/odata/v1/c4codataapi/XCollection\
             ?$format=json&$filter=A%20eq%20%27a%2Bb%20%26c%27"
        );
        assert!(service().root().ends_with("/c4codataapi/?$format=json"));
        let notes = service().related("XCollection", "1'", "Notes", &[("$top", "3")]);
        assert!(notes.ends_with("/XCollection('1%27%27')/Notes?$format=json&$top=3"));
        let bytes = service().bytes("XCollection", "1");
        assert!(bytes.ends_with("/XCollection('1')/Binary/$value"));
    }

    #[test]
    fn a_next_link_stays_at_home() {
        let home = Url::parse("https://my000001.c4c.example").unwrap();
        let same = "https://my000001.c4c.example:443/x?$skiptoken=1001";
        let followed = at_home(&home, same).unwrap();
        assert_eq!(followed.query(), Some("$skiptoken=1001&$format=json"));
        assert!(at_home(&home, "/x?%24format=json").is_some());
        for foreign in [
            "https://evil.example/x",
            "//evil.example/x",
            "http://my000001.c4c.example/x",
            "https://my000001.c4c.example:8443/x",
            "https://my000001.c4c.example.evil.example/x",
            "https://me@my000001.c4c.example/x",
            "javascript:alert(1)",
        ] {
            assert_eq!(at_home(&home, foreign), None, "{foreign}");
        }
    }

    #[test]
    fn the_key_is_found_in_a_location() {
        let key = ObjectId::parse("00163EAA11111EE7B8975BD4AB3F0001");
        for url in [
            "https://t/x/XCollection('00163EAA11111EE7B8975BD4AB3F0001')",
            "XCollection(%2700163eaa11111ee7b8975bd4ab3f0001%27)?$format=json",
        ] {
            assert_eq!(key_in(url), key, "{url}");
        }
        for url in ["", "XCollection('')", "XCollection('12", "('%FF')"] {
            assert_eq!(key_in(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_place_in_the_url(value in "\\PC{0,40}") {
            let query = Url::parse(&service().query("X", &[("$filter", &value)])).unwrap();
            let pairs: Vec<_> = query.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs.len(), 2);
            prop_assert_eq!(&pairs[1], &("$filter".to_owned(), value.clone()));
            let entity = Url::parse(&service().entity("X", &value)).unwrap();
            prop_assert_eq!(entity.path_segments().unwrap().count(), 6);
            prop_assert_eq!(entity.query(), None);
        }

        #[test]
        fn searching_for_a_key_never_panics(url in "(\\PC|\\('|'\\)|%){0,60}") {
            key_in(&url);
        }
    }
}
