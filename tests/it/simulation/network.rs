//! The transport's gate: every call parks here until the scheduler says what becomes of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use qiao::kit::transport::{BoxFuture, Request, Response, Transport, TransportError};
use qiao_sim::wire;
use tokio::sync::oneshot;
use url::Url;

use super::time::Time;

/// Who is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Far {
    /// The platform of one account, by its place in [`super::world::ACCOUNTS`].
    Wechat(usize),
    C4c,
    /// Somebody's program that is asked for answers.
    Hook,
}

impl Far {
    const ALL: [Self; 4] = [Self::Wechat(0), Self::Wechat(1), Self::C4c, Self::Hook];

    /// Its address; nobody listens there.
    pub fn url(self) -> &'static str {
        match self {
            Self::Wechat(0) => "http://127.0.0.1:1",
            Self::Wechat(_) => "http://127.0.0.1:2",
            Self::C4c => "http://127.0.0.1:3",
            Self::Hook => "http://127.0.0.1:4",
        }
    }
}

type Answer = Result<Response, TransportError>;

/// A call under way.
pub struct Call {
    pub far: Far,
    /// The task that made it.
    pub by: u64,
    pub request: wire::Request,
    /// When its caller gives up.
    pub deadline: Timestamp,
    /// What the far side said, once the request has reached it.
    pub answer: Option<Answer>,
    caller: oneshot::Sender<Answer>,
}

impl Call {
    /// The caller gets `answer`; whoever has been cut off does not need it.
    pub fn end(self, answer: Answer) {
        let _ = self.caller.send(answer);
    }
}

/// All calls under way; clones share them.
#[derive(Clone)]
pub struct Network(Arc<Mutex<Inner>>);

struct Inner {
    time: Time,
    calls: Vec<Call>,
    /// Whose calls are being made now.
    driven: u64,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Network({} calls)", self.inner().calls.len())
    }
}

impl Network {
    pub fn new(time: Time) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            time,
            calls: Vec::new(),
            driven: 0,
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on calls are made by `task`.
    pub fn driven_by(&self, task: u64) {
        self.inner().driven = task;
    }

    pub fn len(&self) -> usize {
        self.inner().calls.len()
    }

    /// Looks at the calls under way, oldest first.
    pub fn look<R>(&self, look: impl FnOnce(&[Call]) -> R) -> R {
        look(&self.inner().calls)
    }

    /// The oldest first.
    pub fn take(&self, at: usize) -> Call {
        self.inner().calls.remove(at)
    }

    /// Puts a call back where it was: its request has arrived, its answer is still under way.
    pub fn put_back(&self, at: usize, call: Call) {
        self.inner().calls.insert(at, call);
    }

    /// Takes the oldest call whose caller gives up by now.
    pub fn take_overdue(&self) -> Option<Call> {
        let mut inner = self.inner();
        let now = inner.time.truth();
        let at = inner.calls.iter().position(|call| call.deadline <= now)?;
        Some(inner.calls.remove(at))
    }
}

impl Transport for Network {
    fn send(&self, request: Request) -> BoxFuture<'_, Answer> {
        let (caller, answer) = oneshot::channel();
        let mut inner = self.inner();
        let now = inner.time.truth();
        let url = Url::parse(&request.url).expect("Qiao calls absolute URLs");
        let far = Far::ALL
            .into_iter()
            .find(|far| request.url.starts_with(far.url()))
            .expect("Qiao calls the platforms only");
        let by = inner.driven;
        inner.calls.push(Call {
            far,
            by,
            deadline: now + request.timeout,
            request: heard(&url, request),
            answer: None,
            caller,
        });
        drop(inner);
        Box::pin(async move {
            let cut_off = |_| Err(TransportError::Lost("the network went away".to_owned()));
            answer.await.unwrap_or_else(cut_off)
        })
    }
}

/// The request as the far side hears it.
fn heard(url: &Url, request: Request) -> wire::Request {
    let host = url.authority().to_owned();
    let headers = request.headers.into_iter();
    wire::Request {
        method: request.method.as_str().to_owned(),
        path: url.path().to_owned(),
        query: url.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value))
            .chain([("host".to_owned(), host)])
            .collect(),
        body: request.body,
    }
}
