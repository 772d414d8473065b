//! Stories about the tenant as a client meets it, first without HTTP, then over it.

mod access;
mod batches;
mod over_http;
mod reading;
mod writing;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value as Json;

use super::*;

const API: &str = "/sap/c4c/odata/v1/c4codataapi/";
const OLD: &str = "/sap/c4c/odata/v1/c4codata/";
const CUSTOM: &str = "/sap/c4c/odata/cust/v1/zindividualcustomer/";
const CUSTOMERS: &str = "/sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection";

/// A tenant and a client of it, at one instant.
struct World {
    tenant: C4c,
    now: Timestamp,
    rng: StdRng,
}

impl World {
    fn new(settings: Settings) -> Self {
        Self {
            tenant: C4c::new(settings),
            now: "2026-11-23T08:00:00Z".parse().unwrap(),
            rng: StdRng::seed_from_u64(3),
        }
    }

    /// The default tenant with customers of these last names; gives their ObjectIDs.
    fn with(last_names: &[&str]) -> (Self, Vec<String>) {
        let mut world = Self::new(Settings::default());
        let create = |name: &&str| {
            world
                .tenant
                .create_customer(&[("LastName", name)], world.now)
        };
        let ids = last_names.iter().map(create).collect();
        (world, ids)
    }

    fn deliver(&mut self, request: &Request) -> Delivery {
        self.tenant.handle(request, self.now, &mut self.rng)
    }

    fn send(&mut self, request: &Request) -> Response {
        match self.deliver(request) {
            Delivery::Answer(response, _) => response,
            other => panic!("no answer but {other:?}"),
        }
    }

    /// A GET that asks for JSON and gets it.
    fn get(&mut self, url: &str) -> Json {
        let response = self.send(&get(url));
        assert_eq!(response.status, 200, "{url}: {}", body(&response));
        serde_json::from_slice(&response.body).unwrap()
    }

    /// The status and sentence of a refused request.
    fn refused(&mut self, request: &Request) -> (u16, String) {
        let response = self.send(request);
        let json: Json = serde_json::from_slice(&response.body).unwrap();
        let message = json["error"]["message"]["value"].as_str().unwrap();
        (response.status, message.to_owned())
    }
}

/// A request of the technical user with JSON wanted and sent.
fn request(method: &str, url: &str, json: &str) -> Request {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let credentials = STANDARD.encode("qiao:secret");
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Vec::new(),
        body: json.as_bytes().to_vec(),
    };
    request
        .with("authorization", &format!("Basic {credentials}"))
        .with("accept", "application/json")
        .with("content-type", "application/json")
}

fn get(url: &str) -> Request {
    request("GET", url, "")
}

impl Request {
    /// With that header in place of any of its name.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    let found = response.headers.iter().find(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str())
}

fn body(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}
