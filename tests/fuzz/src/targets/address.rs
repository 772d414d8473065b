//! Addresses: credentials stay at home, and no key or value breaks out of its place in a URL.

use qiao::c4c::odata::address::{Service, at_home, key_in};
use qiao::domain::ids::ObjectId;
use url::Url;

use crate::Target;
use crate::world::TENANT_URL;

pub(crate) const TARGET: Target = Target {
    name: "address",
    check,
    words: &[
        "https://my000000.crm.ondemand.com",
        "https://my000000.crm.ondemand.com:443/",
        "https://my000000.crm.ondemand.com@evil.example",
        "https://u:p@my000000.crm.ondemand.com/",
        "//evil.example/",
        "\\\\evil.example\\",
        "http:",
        "?$skiptoken=1001",
        "&$format=json",
        "%24format=atom",
        "#",
        "('00163EAA-1111-1EE7-B897-5BD4AB3F0001')",
        "%27",
        "''",
        "../",
        "\t",
        "data:",
    ],
};

const SERVICE: &str = "/sap/c4c/odata/v1/c4codataapi";

fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    follow(&text);
    build(&text);
}

/// A `__next` link is followed on the tenant or not at all.
fn follow(link: &str) {
    let home = Url::parse(TENANT_URL).expect("the tenant has a URL");
    let Some(url) = at_home(&home, link) else {
        return;
    };
    assert_eq!(url.origin(), home.origin());
    assert!(url.username().is_empty() && url.password().is_none());
    assert!(url.query_pairs().any(|(name, _)| name == "$format"));
    assert_eq!(at_home(&home, url.as_str()), Some(url));
}

/// What is put into a URL comes out of it, and nothing else changes.
fn build(text: &str) {
    let service = Service::new(TENANT_URL, SERVICE);
    let entity = service.entity("CustomerCollection", text);
    let parsed = Url::parse(&entity).expect("an entity has a URL");
    assert_eq!(parsed.as_str(), entity);
    assert_eq!(parsed.path().split('/').count(), 7);
    assert!(parsed.query().is_none() && parsed.fragment().is_none());
    if let Some(key) = ObjectId::parse(text) {
        assert_eq!(key_in(&entity), Some(key));
    }
    let query = service.query("CustomerCollection", &[("$filter", text)]);
    let parsed = Url::parse(&query).expect("a query has a URL");
    assert_eq!(parsed.as_str(), query);
    let pairs: Vec<_> = parsed.query_pairs().collect();
    assert_eq!(pairs.len(), 2);
    assert_eq!((&*pairs[1].0, &*pairs[1].1), ("$filter", text));
    if let Some(key) = key_in(text) {
        assert_eq!(ObjectId::parse(key.as_str()), Some(key));
    }
}
