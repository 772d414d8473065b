//! `$filter`: what Qiao writes finds exactly its customer in the simulator's reading of C4C, and no
//! text makes that reading fail.

use qiao::c4c::odata::address::Service;
use qiao::c4c::odata::filter::{Filter, FilterError};
use qiao::c4c::odata::json;
use qiao_sim::c4c::{C4c, Settings};
use qiao_sim::wire::{Core, Delivery, Request, Response};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Target;
use crate::world::NOW;

pub(crate) const TARGET: Target = Target {
    name: "filter",
    check,
    words: &[
        "LastName eq '",
        "FirstName eq 'Mei'",
        "EntityLastChangedOn ge datetimeoffset'2026-11-23T00:00:00Z'",
        "ObjectID eq ",
        "startswith(LastName,'",
        "endswith(LastName,'",
        "guid'00163EAA-1111-1EE7-B897-5BD4AB3F0001'",
        " and ",
        " or ",
        "(",
        ")",
        "'",
        "''",
        "*",
        "%27",
        "+",
        "#",
        "&$top=1",
        "true",
        "-1",
    ],
};

const PATH: &str = "/sap/c4c/odata/v1/c4codataapi";
const SET: &str = "IndividualCustomerCollection";

fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    find(&text);
    any(&text);
}

/// The text as somebody's name: found again, and nobody else.
fn find(name: &str) {
    let filter = match Filter::equals("LastName", name) {
        Ok(filter) => filter,
        Err(fault) => {
            assert_eq!(fault, FilterError::Wildcard);
            return assert!(name.contains('*'));
        }
    };
    let mut tenant = C4c::new(Settings::default());
    let id = tenant.create_customer(&[("LastName", name)], NOW);
    tenant.create_customer(&[("LastName", "another' or 'x")], NOW);
    let answer = ask(&mut tenant, filter.as_str());
    assert_eq!(answer.status, 200, "{}", filter.as_str());
    let found = json::feed(&answer.body).expect("the tenant answers OData");
    let exact = |row: &&json::Entity| row.text("LastName").as_deref() == Some(name);
    let ids: Vec<_> = found
        .entities
        .iter()
        .filter(exact)
        .map(|row| row.text("ObjectID"))
        .collect();
    assert!(ids.contains(&Some(id)) && ids.len() <= 2);
    assert!(ids.len() == 1 || name == "another' or 'x");
}

/// The text as a filter: an answer or a refusal.
fn any(filter: &str) {
    let mut tenant = C4c::new(Settings::default());
    tenant.create_customer(&[("FirstName", "Mei"), ("LastName", "Li")], NOW);
    let answer = ask(&mut tenant, filter);
    match answer.status {
        200 => assert!(json::feed(&answer.body).is_ok()),
        status => assert_eq!(status, 400),
    }
}

fn ask(tenant: &mut C4c, filter: &str) -> Response {
    let url = Service::new("", PATH).query(SET, &[("$filter", filter)]);
    let (path, query) = url.split_once('?').expect("a query has options");
    let request = Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        // qiao:secret
        headers: vec![(
            "authorization".to_owned(),
            "Basic cWlhbzpzZWNyZXQ=".to_owned(),
        )],
        body: Vec::new(),
    };
    let Delivery::Answer(answer, _) = tenant.handle(&request, NOW, &mut StdRng::seed_from_u64(7))
    else {
        panic!("the tenant answers");
    };
    answer
}
