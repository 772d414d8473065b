//! A far side for tests that answers what it was told to, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::domain::ids::OpenId;
use crate::kit::transport::{BoxFuture, Request, Response, Transport, TransportError};

use super::client::{AccessToken, Client};

/// Gives its answers in turn, over and over again.
#[derive(Debug)]
pub(super) struct Script {
    answers: Vec<Result<Response, TransportError>>,
    asked: Mutex<Vec<Request>>,
}

impl Script {
    /// One answer to everything.
    pub(super) fn answering(status: u16, body: &str) -> Arc<Self> {
        Self::ending(Ok(response(status, &[("retry-after", "120")], body)))
    }

    /// One end of everything.
    pub(super) fn ending(answer: Result<Response, TransportError>) -> Arc<Self> {
        Self::told([answer])
    }

    /// Several answers.
    pub(super) fn told<const N: usize>(
        answers: [Result<Response, TransportError>; N],
    ) -> Arc<Self> {
        Arc::new(Self {
            answers: answers.into(),
            asked: Mutex::default(),
        })
    }

    /// A client that asks here.
    pub(super) fn client(self: &Arc<Self>) -> Client {
        Client::new(self.clone(), "https://api.test")
    }

    /// The last request.
    pub(super) fn asked(&self) -> Request {
        self.asked.lock().unwrap().last().unwrap().clone()
    }

    /// Where all requests went.
    pub(super) fn urls(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|request| request.url.clone()).collect()
    }

    /// The last request's body, which is JSON.
    pub(super) fn body(&self) -> Value {
        serde_json::from_slice(&self.asked().body).unwrap()
    }
}

impl Transport for Script {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let mut asked = self.asked.lock().unwrap();
        let answer = self.answers[asked.len() % self.answers.len()].clone();
        asked.push(request);
        Box::pin(async move { answer })
    }
}

/// An answer.
pub(super) fn response(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response {
    let headers = headers.iter();
    Response {
        status,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.as_ref().to_vec(),
    }
}

/// A token that must be written otherwise in a URL.
pub(super) fn token() -> AccessToken {
    AccessToken::new("T/1")
}

/// A follower.
pub(super) fn alice() -> OpenId {
    OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc")
}
