//! What a core receives and gives: requests, reactions and pushes, without HTTP machinery.

use std::time::Duration;

use jiff::Timestamp;
use rand::Rng;

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Verb, upper case.
    pub method: String,
    /// Path, still percent-encoded, starting with `/`.
    pub path: String,
    /// Query without `?`, still percent-encoded.
    pub query: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// The first query parameter of that name, decoded.
    pub fn param(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.into_owned())
    }
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body. Where a `content-length` promises more, the connection ends after it.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }
}

fn first<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str())
}

/// How the answer travels: this is where faults become visible to the caller.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// It arrives after this delay.
    Answer(Response, Duration),
    /// The connection is closed and no answer comes. The effect may have happened or not.
    Drop,
    /// Nothing comes until the caller gives up.
    Hang,
}

/// Something the platform sends on its own: a WeChat push or a C4C notification.
#[derive(Debug, Clone)]
pub struct Push {
    /// Identifies the attempt to the core that made it.
    pub id: u64,
    /// Where to, absolute.
    pub url: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long the platform waits for the answer.
    pub deadline: Duration,
}

/// What came back for a [`Push`].
#[derive(Debug, Clone)]
pub enum PushOutcome {
    /// An HTTP answer, in time.
    Answered(Response),
    /// None in time, or the connection failed.
    Unanswered,
}

/// A simulator without its HTTP shell.
pub trait Core: Send + 'static {
    /// Answers one request of a client.
    fn handle(&mut self, request: &Request, now: Timestamp, rng: &mut dyn Rng) -> Delivery;

    /// Takes the pushes that are due at `now`. Each is reported back by [`Core::pushed`].
    fn take_due(&mut self, now: Timestamp, rng: &mut dyn Rng) -> Vec<Push>;

    /// When the next push is due.
    fn next_due(&self) -> Option<Timestamp>;

    /// Reports what a push got; the core may plan a retry.
    fn pushed(&mut self, push: &Push, outcome: PushOutcome, now: Timestamp);
}
