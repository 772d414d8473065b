//! The HTTP shell: serves any [`Core`] on a real socket and sends its pushes.
//!
//! It owns sockets, tasks and real time, and decides nothing: every answer and every push comes
//! from the core. Start reading at [`Server::start`]; `cut` closes connections without an answer.

mod cut;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response as HttpResponse};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::cut::{CuttableListener, Peer, broken_off};
use crate::clock::SimClock;
use crate::wire::{Core, Delivery, Push, PushOutcome, Request, Response};

/// Largest request body read, bytes: above C4C's and WeChat's own limits for attachments.
const MAX_REQUEST: usize = 16 << 20;

/// Largest answer to a push read, bytes: far above any passive reply, so that nonsense is seen
/// and memory stays bounded.
const MAX_PUSH_ANSWER: usize = 1 << 20;

/// How long [`Server::stop`] waits for callers in the middle of sending a request.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The path that the shell answers itself, for every core: GET tells the time, POST moves it.
const CLOCK_PATH: &str = "/_control/clock";

/// A core on a socket. Dropping it stops it.
pub struct Server<C: Core> {
    shared: Arc<Shared<C>>,
    url: String,
    tasks: TaskTracker,
    _stop_on_drop: DropGuard,
}

struct Shared<C> {
    inside: Mutex<Inside<C>>,
    /// Counts changes of the core, so that pusher and waiters look again.
    changes: watch::Sender<u64>,
    clock: SimClock,
    stop: CancellationToken,
}

struct Inside<C> {
    core: C,
    rng: StdRng,
}

impl<C: Core> Server<C> {
    /// Serves `core` on `listener` and sends its pushes, from now on. `seed` fixes its randomness.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(listener: TcpListener, core: C, clock: SimClock, seed: u64) -> Self {
        let port = listener.local_addr().map_or(0, |address| address.port());
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            inside: Mutex::new(Inside {
                core,
                rng: StdRng::seed_from_u64(seed),
            }),
            changes: watch::Sender::new(0),
            clock,
            stop: stop.clone(),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(serve(listener, shared.clone()));
        tasks.spawn(push_loop(shared.clone(), tasks.clone()));
        Self {
            shared,
            url: format!("http://127.0.0.1:{port}"),
            tasks,
            _stop_on_drop: stop.drop_guard(),
        }
    }

    /// Where clients find it on this machine: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The clock it runs by.
    pub fn clock(&self) -> &SimClock {
        &self.shared.clock
    }

    /// Looks at the core, in process, and changes nothing.
    pub fn look<R>(&self, look: impl FnOnce(&C) -> R) -> R {
        look(&self.shared.lock().core)
    }

    /// Drives the core, in process; pushes that become due are sent.
    pub fn with<R>(&self, act: impl FnOnce(&mut C, Timestamp, &mut dyn Rng) -> R) -> R {
        self.shared.change(act)
    }

    /// Counts changes of the core: for those who wait for several things at once.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Waits until `look` finds what it looks for. It is asked now and after every change of the
    /// core, so tests need no sleeps; give it a time-out where it may never find anything.
    pub async fn until<R>(&self, mut look: impl FnMut(&C) -> Option<R>) -> R {
        let mut changes = self.shared.changes.subscribe();
        loop {
            if let Some(found) = look(&self.shared.lock().core) {
                return found;
            }
            // The sender lives as long as `self`.
            let _ = changes.changed().await;
        }
    }

    /// Stops listening, cuts what is under way and waits, briefly, until everything has ended.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.tasks.close();
        // Elapsed or not, dropping the runtime ends what is left.
        let _ = tokio::time::timeout(STOP_WITHIN, self.tasks.wait()).await;
    }
}

impl<C: Core> Shared<C> {
    fn lock(&self) -> MutexGuard<'_, Inside<C>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<R>(&self, act: impl FnOnce(&mut C, Timestamp, &mut dyn Rng) -> R) -> R {
        let result = {
            let mut inside = self.lock();
            let Inside { core, rng } = &mut *inside;
            act(core, self.clock.now(), rng)
        };
        self.changes.send_modify(|count| *count += 1);
        result
    }
}

async fn serve<C: Core>(listener: TcpListener, shared: Arc<Shared<C>>) {
    let stop = shared.stop.clone();
    let service = axum::Router::new()
        .fallback(answer::<C>)
        .with_state(shared)
        .into_make_service_with_connect_info::<Peer>();
    // Serving a listener never fails; it only ends when it is told to stop.
    let _ = axum::serve(CuttableListener(listener), service)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
}

async fn answer<C: Core>(
    State(shared): State<Arc<Shared<C>>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: axum::extract::Request,
) -> HttpResponse {
    let Ok(request) = read_request(request, peer.ip()).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if request.path == CLOCK_PATH {
        return to_http(control_clock(&shared.clock, &request));
    }
    let delivery = shared.change(|core, now, rng| core.handle(&request, now, rng));
    let wait = match &delivery {
        Delivery::Answer(_, delay) => *delay,
        Delivery::Drop => Duration::ZERO,
        Delivery::Hang => Duration::MAX,
    };
    tokio::select! {
        biased;
        // A caller who leaves ends this wait: hyper drops the handler with the connection.
        () = unless_zero(wait) => {}
        () = shared.stop.cancelled() => {
            peer.cut();
            return HttpResponse::default();
        }
    }
    match delivery {
        Delivery::Answer(response, _) => dated(to_http(response), shared.clock.now()),
        Delivery::Drop | Delivery::Hang => {
            peer.cut();
            HttpResponse::default()
        }
    }
}

/// Sleeps in real time; not at all for zero, as a timer has a grain of a millisecond.
async fn unless_zero(wait: Duration) {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

/// Reads all of a request. The caller's address becomes `x-forwarded-for` unless it sends one.
async fn read_request(
    request: axum::extract::Request,
    peer: IpAddr,
) -> Result<Request, axum::Error> {
    let (head, body) = request.into_parts();
    let mut headers: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    if !head.headers.contains_key("x-forwarded-for") {
        headers.push(("x-forwarded-for".to_owned(), peer.to_string()));
    }
    Ok(Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body: axum::body::to_bytes(body, MAX_REQUEST).await?.to_vec(),
    })
}

/// The answer with the simulator's own time: a platform whose clock is wrong shows it here.
fn dated(mut answer: HttpResponse, now: Timestamp) -> HttpResponse {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = date.parse() {
        answer.headers_mut().entry("date").or_insert(date);
    }
    answer
}

fn to_http(response: Response) -> HttpResponse {
    let promised = response
        .header("content-length")
        .and_then(|n| n.parse().ok());
    let is_whole = promised.is_none_or(|length: usize| length <= response.body.len());
    let mut http = HttpResponse::builder().status(response.status);
    for (name, value) in response.headers {
        http = http.header(name, value);
    }
    let body = if is_whole {
        Body::from(response.body)
    } else {
        broken_off(response.body)
    };
    http.body(body)
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

#[derive(Deserialize)]
struct Advance {
    advance_seconds: f64,
}

fn control_clock(clock: &SimClock, request: &Request) -> Response {
    if request.method == "POST" {
        let by = serde_json::from_slice::<Advance>(&request.body)
            .ok()
            .and_then(|advance| Duration::try_from_secs_f64(advance.advance_seconds).ok());
        match by {
            Some(by) => clock.advance(by),
            None => {
                return Response {
                    status: 400,
                    body: br#"{"error":"send {\"advance_seconds\": N} with N not negative"}"#
                        .to_vec(),
                    ..Response::default()
                };
            }
        }
    }
    Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: format!(r#"{{"now":"{}"}}"#, clock.now()).into_bytes(),
    }
}

/// Sends each push when it is due; looks again after every change of the core or the clock.
async fn push_loop<C: Core>(shared: Arc<Shared<C>>, tasks: TaskTracker) {
    let client = push_client();
    let mut changes = shared.changes.subscribe();
    loop {
        changes.mark_unchanged();
        let (due, next) = {
            let mut inside = shared.lock();
            let Inside { core, rng } = &mut *inside;
            (core.take_due(shared.clock.now(), rng), core.next_due())
        };
        if !due.is_empty() {
            shared.changes.send_modify(|count| *count += 1);
        }
        for push in due {
            tasks.spawn(send(client.clone(), shared.clone(), push));
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            // The sender lives as long as `shared`.
            _ = changes.changed() => {}
            () = sleep_until(&shared.clock, next) => {}
        }
    }
}

async fn sleep_until(clock: &SimClock, next: Option<Timestamp>) {
    match next {
        Some(next) => clock.sleep_until(next).await,
        None => std::future::pending().await,
    }
}

fn push_client() -> reqwest::Client {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client with built-in settings and an installed TLS provider can be built")
}

async fn send<C: Core>(client: reqwest::Client, shared: Arc<Shared<C>>, push: Push) {
    let sent = tokio::time::timeout(push.deadline, exchange(&client, &push));
    let outcome = tokio::select! {
        () = shared.stop.cancelled() => return,
        answered = sent => match answered {
            Ok(Ok(response)) => PushOutcome::Answered(response),
            Ok(Err(_)) | Err(_) => PushOutcome::Unanswered,
        },
    };
    shared.change(|core, now, _| core.pushed(&push, outcome, now));
}

/// A push without a body is a GET: WeChat's verification of a URL.
async fn exchange(client: &reqwest::Client, push: &Push) -> reqwest::Result<Response> {
    let method = if push.body.is_empty() {
        reqwest::Method::GET
    } else {
        reqwest::Method::POST
    };
    let mut request = client.request(method, &push.url).body(push.body.clone());
    for (name, value) in &push.headers {
        request = request.header(name, value);
    }
    let mut answer = request.send().await?;
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_PUSH_ANSWER {
            body.truncate(MAX_PUSH_ANSWER);
            break;
        }
    }
    Ok(Response {
        status: answer.status().as_u16(),
        headers,
        body,
    })
}
