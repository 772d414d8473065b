//! The port through which both platforms are spoken to over HTTP.
//!
//! Production uses [`super::reqwest_transport`]; the simulation hands the simulators' cores in.
//! The port knows nothing of cookies, tokens or retries: those belong to the client of each
//! platform.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A boxed future, as object-safe async traits need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// HTTP verbs that the platforms use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create or call.
    Post,
    /// Change some fields.
    Patch,
}

impl Method {
    /// The verb as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

/// One request, complete: nothing is added to it on the way but what HTTP itself needs.
#[derive(Clone)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// Absolute URL. It may carry an access_token: never log it.
    pub url: String,
    /// Header names in lower case, with their values. May carry credentials.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// From the first byte sent to the last byte read.
    pub timeout: Duration,
}

impl std::fmt::Debug for Request {
    /// URL, headers and body may hold secrets, so none of them is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Request({} …, {} bytes)",
            self.method.as_str(),
            self.body.len()
        )
    }
}

/// One response, read to its end.
#[derive(Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case, repeated ones repeated.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

impl Response {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// Why there is no response, and above all: may the request have had its effect?
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No byte of the request left: it certainly had no effect.
    #[error("could not connect: {0}")]
    NotSent(String),
    /// The request left and no whole answer came back: nobody knows.
    #[error("no answer came back: {0}")]
    Lost(String),
    /// An answer came that is longer than [`MAX_RESPONSE`]; the effect is unknown too.
    #[error("the answer is larger than {MAX_RESPONSE} bytes")]
    TooLarge,
}

/// The class of an answer's status, as a word for the metrics: `2xx` … `5xx`; `none` for no answer.
pub fn status_class(answer: &Result<Response, TransportError>) -> &'static str {
    match answer {
        Ok(answer) => match answer.status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            500..=599 => "5xx",
            _ => "other",
        },
        Err(_) => "none",
    }
}

/// The largest response that is read. A C4C page of 1,000 customers is about 4 MiB; the largest that
/// anyone answers is a follower's video, of which old clients send up to 25 MB.
pub const MAX_RESPONSE: usize = 32 * 1024 * 1024;

/// Sends one request and reads its answer.
pub trait Transport: Send + Sync + std::fmt::Debug {
    /// Sends `request`. Redirects are not followed and cookies are not kept.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}
