//! Stories about the tenant as a client meets it, first without HTTP, then over it.

mod access;
mod agents;
mod batches;
mod conversation;
mod files;
mod over_http;
mod profiles;
mod reading;
mod tickets;
mod writing;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value as Json, json};

use super::value::uuid_of;
use super::*;

const API: &str = "/sap/c4c/odata/v1/c4codataapi/";
const OLD: &str = "/sap/c4c/odata/v1/c4codata/";
const CUSTOM: &str = "/sap/c4c/odata/cust/v1/zindividualcustomer/";
const CUSTOMERS: &str = "/sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection";
const PROFILES: &str = "/sap/c4c/odata/v1/c4codataapi/SocialMediaUserProfileCollection";
const ACTIVITIES: &str = "/sap/c4c/odata/v1/c4codataapi/SocialMediaActivityCollection";
const TICKETS: &str = "/sap/c4c/odata/v1/c4codataapi/ServiceRequestCollection";
const REFERENCES: &str = "/sap/c4c/odata/v1/c4codataapi/\
    ServiceRequestBusinessTransactionDocumentReferenceCollection";

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

    /// A POST that succeeds; gives the entity created.
    fn post(&mut self, url: &str, payload: &Json) -> Json {
        let response = self.send(&request("POST", url, &payload.to_string()));
        assert_eq!(response.status, 201, "{url}: {}", body(&response));
        let json: Json = serde_json::from_slice(&response.body).unwrap();
        json["d"]["results"].clone()
    }

    /// The entities of a feed, read with a filter that needs encoding.
    fn found(&mut self, set: &str, filter: &str) -> Vec<Json> {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        self.rows(&format!("{set}?$filter={encoded}"))
    }

    /// The entities of a feed.
    fn rows(&mut self, url: &str) -> Vec<Json> {
        let feed = self.get(url);
        feed["d"]["results"].as_array().unwrap().clone()
    }

    /// The status and sentence of a POST that is refused.
    fn post_refused(&mut self, url: &str, payload: &Json) -> (u16, String) {
        self.refused(&request("POST", url, &payload.to_string()))
    }

    /// A follower with a customer and a profile bound to it; gives the profile.
    fn follower(&mut self, openid: &str) -> Json {
        let customer = self
            .tenant
            .create_customer(&[("LastName", openid)], self.now);
        self.post(PROFILES, &profile(openid, Some(&uuid_of(&customer))))
    }

    /// What a follower says: a new conversation, or one that follows the message with that UUID.
    fn says(&mut self, profile: &Json, id: &str, text: &str, after: Option<&Json>) -> Json {
        self.post(ACTIVITIES, &message(profile, id, text, after))
    }

    /// The ticket that was made of a message, as a client finds it.
    fn ticket_of(&mut self, message: &Json) -> Option<String> {
        let id = message["ID"].as_str().unwrap();
        let found = self.found(REFERENCES, &format!("ID eq '{id}' and TypeCode eq '1607'"));
        let parent = found.first()?["ParentObjectID"].as_str().unwrap();
        Some(parent.to_owned())
    }

    fn pass(&mut self, millis: i64) {
        self.now += jiff::SignedDuration::from_millis(millis);
    }
}

/// The payload of a new profile (c4c.md 4.1).
fn profile(openid: &str, customer: Option<&str>) -> Json {
    let mut profile = json!({
        "SocialMediaUserCategoryCode": "02",
        "SocialMediaUserProfileUserInformation": [{
            "SocialMediaChannelCode": "008",
            "ExternalPartyAccountID": "WECHAT",
            "SocialMediaUserAccountID": openid,
            "SocialMediaUserName": "Mei",
            "GivenName": "Mei",
        }],
    });
    if let Some(customer) = customer {
        profile["SocialMediaUserProfileBupaReference"] = json!([{
            "BusinessPartnerCategoryCode": "1",
            "BusinessPartnerRoleCode": "CRM000",
            "BusinessPartnerUUID": customer,
        }]);
    }
    profile
}

/// The payload of a follower's message (c4c.md 4.2).
fn message(profile: &Json, id: &str, text: &str, after: Option<&Json>) -> Json {
    let mut message = json!({
        "CategoryCode": "001",
        "SocialMediaChannelCode": "008",
        "SocialMediaMessageID": id,
        "InitiatorCode": "2",
        "PrivateSocialMediaMessageIndicator": true,
        "SocialMediaUserProfileUUID": profile["UUID"],
        "SocialMediaActivityProviderID": "WECHAT",
        "SocialMediaMessageAuthor": "Mei",
        "Text": text,
    });
    if let Some(after) = after {
        message["CategoryCode"] = json!("003");
        message["ParentSocialMediaActivityUUID"] = after["UUID"].clone();
    }
    message
}

impl World {
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
