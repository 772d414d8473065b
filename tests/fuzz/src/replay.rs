//! A far side that answers what the bytes say: the transport of both clients under test.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use qiao::kit::transport::{BoxFuture, Request, Response, Transport, TransportError};

/// Separates the parts of an input, as a line of its own.
const BETWEEN: &str = "\n---\n";

/// The parts of an input, at least one.
pub(crate) fn parts(text: &str) -> Vec<&str> {
    text.split(BETWEEN).collect()
}

/// Answers one request after the other, over and over again, and keeps what was asked.
#[derive(Debug)]
pub(crate) struct Replay {
    answers: Vec<Result<Response, TransportError>>,
    asked: Mutex<Vec<Request>>,
}

impl Replay {
    /// One that gives these answers; see [`answer`].
    pub(crate) fn new(parts: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            answers: parts.iter().map(|part| answer(part)).collect(),
            asked: Mutex::default(),
        })
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Request> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

impl Transport for Replay {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.answers[asked.len() % self.answers.len()].clone();
        asked.push(request);
        Box::pin(std::future::ready(next))
    }
}

/// `200`, then lines of `name: value`, an empty line, and the body. A first line that is no status
/// is a lost answer, or with `unsent` a connection that never stood.
fn answer(text: &str) -> Result<Response, TransportError> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let status = match first.parse() {
        Ok(status @ 200..=599) => status,
        _ if first == "unsent" => return Err(TransportError::NotSent("refused".to_owned())),
        _ => return Err(TransportError::Lost("reset".to_owned())),
    };
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        // HTTP itself brings no control characters.
        let clean = !line.chars().any(char::is_control);
        clean.then(|| (name.to_ascii_lowercase(), value.to_owned()))
    };
    Ok(Response {
        status,
        headers: lines.filter_map(header).collect(),
        body: body.as_bytes().to_vec(),
    })
}

/// Runs a future whose transport never waits.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime of one thread can be made")
        .block_on(async {
            tokio::time::timeout(Duration::from_secs(10), future)
                .await
                .expect("no answer makes a client wait")
        })
}

/// Asserts that a request is one that HTTP can carry.
pub(crate) fn assert_sendable(request: &Request) {
    assert!(url::Url::parse(&request.url).is_ok(), "no URL");
    for (name, value) in &request.headers {
        assert!(
            !value.chars().any(char::is_control),
            "the header {name} breaks out of its line: {value:?}"
        );
    }
}
