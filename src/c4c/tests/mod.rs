//! Stories of the client against a scripted transport, which records what it was sent.

mod activities;
mod customers;
mod failures;
mod files;
mod listing;
mod profiles;
mod replies;
mod session;
mod sweep;
mod tickets;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;

use super::{Client, Customer, Error};
use crate::config::{Csrf, CustomService, Tenant, WechatIdField, WechatIdWrite};
use crate::domain::ids::{ObjectId, OpenId, TenantId};
use crate::domain::verdict::Verdict;
use crate::kit::transport::{BoxFuture, Method, Request, Response, Transport, TransportError};

const HOST: &str = "https://my000001.c4c.example";
const OPENID: &str = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc";
const ID: &str = "00163EAA11111EE7B8975BD4AB3F0001";
const OTHER_ID: &str = "00163EAA11111EE7B8975BD4AB3F0002";

type Outcome = Result<Response, TransportError>;

/// A request as the far side sees it.
#[derive(Clone)]
struct Seen {
    method: Method,
    /// Without host, percent-encoding undone.
    path: String,
    headers: BTreeMap<&'static str, String>,
    body: String,
}

impl Seen {
    fn of(request: &Request) -> Self {
        let path = request.url.strip_prefix(HOST).expect("on the tenant");
        let path = percent_encoding::percent_decode_str(path);
        Self {
            method: request.method,
            path: path.decode_utf8().unwrap().into_owned(),
            headers: request.headers.iter().cloned().collect(),
            body: String::from_utf8(request.body.clone()).unwrap(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn is_fetch(&self) -> bool {
        self.header("x-csrf-token") == Some("fetch")
    }

    fn is_write(&self) -> bool {
        self.method != Method::Get
    }

    /// One word for each kind of call, to compare whole exchanges.
    fn word(&self) -> &'static str {
        match (self.is_fetch(), self.method) {
            (true, _) => "fetch",
            (false, Method::Get) => "get",
            (false, Method::Post) => "post",
            (false, Method::Patch) => "patch",
        }
    }
}

/// The far side: a function from request to outcome, and a record of all requests.
struct FarSide {
    answer: Box<dyn Fn(&Seen) -> Outcome + Send + Sync>,
    seen: Mutex<Vec<Seen>>,
}

impl std::fmt::Debug for FarSide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FarSide")
    }
}

impl FarSide {
    fn new(answer: impl Fn(&Seen) -> Outcome + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            seen: Mutex::default(),
        })
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn words(&self) -> Vec<&'static str> {
        self.seen().iter().map(Seen::word).collect()
    }

    fn client(self: &Arc<Self>, config: &Tenant) -> Client {
        Client::new(self.clone(), config, TenantId::new("main"))
    }
}

impl Transport for FarSide {
    fn send(&self, request: Request) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let seen = Seen::of(&request);
            self.seen.lock().unwrap().push(seen.clone());
            let outcome = (self.answer)(&seen);
            // Give parallel calls their turn while this one is on its way.
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
            outcome
        })
    }
}

/// The tenant of the design's example.
fn tenant() -> Tenant {
    Tenant {
        url: HOST.into(),
        username: "QIAO".into(),
        password: SecretString::from("s3cret-w0rd"),
        service: "/sap/c4c/odata/v1/c4codataapi".into(),
        csrf: Csrf::Auto,
        max_calls: 4,
        maintenance: Vec::new(),
        campaign: std::collections::BTreeMap::new(),
        customer: BTreeMap::new(),
        lookup: vec!["wechat_id".into(), "LastName".into()],
        watch: Vec::new(),
        wechat_id: WechatIdField {
            service: Some(CustomService {
                path: "/sap/c4c/odata/cust/v1/zindividualcustomer".into(),
                set: "CustomerCommonCollection".into(),
                parent: "ParentObjectID".into(),
            }),
            field: "WechatID".into(),
            write: WechatIdWrite::Script,
        },
        notify_basic: None,
        notify_key: None,
        poll_answers: false,
    }
}

fn openid() -> OpenId {
    OpenId::new(OPENID)
}

fn id() -> ObjectId {
    ObjectId::new(ID)
}

fn fields() -> BTreeMap<String, String> {
    BTreeMap::from([("LastName".to_owned(), OPENID.to_owned())])
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the far side's outcomes are results"
)]
fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Outcome {
    Ok(Response {
        status,
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    })
}

fn ok(body: &str) -> Outcome {
    answer(200, &[], body)
}

fn rows(rows: &[String]) -> Outcome {
    ok(&format!(r#"{{"d":{{"results":[{}]}}}}"#, rows.join(",")))
}

fn customer_row(id: &str, number: &str, last_name: &str) -> String {
    format!(r#"{{"ObjectID":"{id}","CustomerID":"{number}","LastName":"{last_name}"}}"#)
}

fn common_row(parent: &str, wechat_id: &str) -> String {
    format!(
        r#"{{"__metadata":{{"etag":"W/\"7\""}},"ObjectID":"00163EAA22221EE7B8975BD4AB3F0007",
        "ParentObjectID":"{parent}","WechatID":"{wechat_id}"}}"#
    )
}

fn refused(message: &str) -> Outcome {
    let body = format!(
        r#"<error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><code/>
        <message xml:lang="en">{message}</message></error>"#
    );
    answer(400, &[], &body)
}

fn created() -> Outcome {
    made(&customer_row(ID, "1000441", OPENID))
}

/// The answer to a create.
fn made(row: &str) -> Outcome {
    answer(201, &[], &format!(r#"{{"d":{{"results":{row}}}}}"#))
}

/// The first page of two; the second is asked for with a `skiptoken`.
fn one_of_two(rows: &str) -> Outcome {
    ok(&format!(
        r#"{{"d":{{"results":[{rows}],"__next":"/x?$skiptoken=1001"}}}}"#
    ))
}

fn not_found() -> Outcome {
    answer(404, &[], r#"{"error":{"message":{"value":"Not found"}}}"#)
}

/// A far side without a CSRF token, for writes and what is read after them.
fn answering(answer: impl Fn(&Seen) -> Outcome + Send + Sync + 'static) -> Arc<FarSide> {
    FarSide::new(move |request| {
        if request.is_fetch() {
            ok("")
        } else {
            answer(request)
        }
    })
}

/// The path behind the standard service.
fn within(request: &Seen) -> &str {
    let service = "/sap/c4c/odata/v1/c4codataapi/";
    request.path.strip_prefix(service).expect("in the service")
}

fn json(request: &Seen) -> serde_json::Value {
    serde_json::from_str(&request.body).unwrap()
}

/// The text of a conversation, of which nothing may be shown anywhere.
const TEXT: &str = "请问我的订单什么时候到？'*&%😀";

fn assert_uncertain(error: &Error) {
    assert_eq!(error.failure().verdict, Verdict::Uncertain, "{error}");
    assert_discreet(error);
}

fn numbers(customers: &[Customer]) -> Vec<&str> {
    customers.iter().map(|c| c.customer_id.as_str()).collect()
}

/// No secret and no whole OpenID may be shown in an error, in whatever form.
fn assert_discreet(error: &Error) {
    let shown = format!("{error} {error:?} {:?}", error.failure());
    for secret in [
        OPENID,
        "s3cret-w0rd",
        "UUlBTzpzM2NyZXQtdzByZA",
        "SAP_SESSIONID",
        "请问",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
