//! Between Qiao and the platforms: calls reach them and are answered, pushes reach Qiao and are
//! answered. What both sides show on the way is witnessed.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::Request;
use qiao::kit::transport::{Response, TransportError};
use qiao_sim::wechat::Via;
use qiao_sim::wire::{self, Core, Delivery, PushOutcome};
use serde_json::Value;
use tower_service::Service;
use url::Url;

use super::network::{Call, Far};
use super::tasks::{Effect, Ended, Task, Work};
use super::witness::PushKey;
use super::world::{ACCOUNTS, World};

pub const CUSTOM_SEND: &str = "/cgi-bin/message/custom/send";
pub const TEMPLATE_SEND: &str = "/cgi-bin/message/template/send";

/// How every answer of the hook begins.
pub const ANSWER: &str = "the answer to";

/// A passive reply and its like are far shorter.
const MOST: usize = 1 << 20;

impl World {
    /// A request reaches the far side, which does its work; the answer sets out.
    pub async fn reach(&mut self, call: &mut Call) {
        let before = self.shown_to(call);
        let faults = self.faults_struck(call.far);
        let unsure = self.is_unsure(call).await;
        let now = self.now();
        let (rng, request) = (&mut self.far_rng, &call.request);
        let delivery = match call.far {
            Far::Wechat(at) => self.wechat[at].handle(request, now, rng),
            Far::C4c => self.c4c.handle(request, now, rng),
            Far::Hook => Delivery::Answer(answered_by_hook(request), Duration::ZERO),
        };
        let injected = self.faults_struck(call.far) > faults;
        let told = match &delivery {
            Delivery::Answer(answer, _) => code_of(answer),
            Delivery::Drop => "no answer".to_owned(),
            Delivery::Hang => "nothing".to_owned(),
        };
        self.tell(&format!("  {} → {told}", line(call)));
        call.answer = Some(match delivery {
            Delivery::Answer(answer, _) => Ok(Response {
                status: answer.status,
                headers: answer.headers,
                body: answer.body,
            }),
            Delivery::Drop => Err(TransportError::Lost("closed".to_owned())),
            Delivery::Hang => Err(TransportError::Lost("the time-out ran out".to_owned())),
        });
        self.witness_send(call, before, unsure, injected);
        self.witness_token(call);
        if call.far == Far::C4c && call.request.method == "POST" {
            self.check_one_customer_each();
        }
    }

    /// The effect that a call sends for.
    fn effect_of(&self, call: &Call) -> Option<&Effect> {
        self.tasks.iter().find_map(|task| match &task.work {
            Work::Attempt(effect) if task.id == call.by => Some(effect),
            _ => None,
        })
    }

    /// How much the addressed follower has been shown, if it is a send.
    fn shown_to(&self, call: &Call) -> Option<usize> {
        let Far::Wechat(at) = call.far else {
            return None;
        };
        let openid = receiver(call)?;
        let seen = self.wechat[at].seen(&openid);
        let sent = |via| matches!(via, Via::Custom | Via::Template);
        Some(seen.iter().filter(|seen| sent(seen.via)).count())
    }

    fn faults_struck(&mut self, far: Far) -> u64 {
        match far {
            Far::Wechat(at) => self.wechat[at].faults.hits().values().sum(),
            Far::C4c => self.c4c.faults().hits().values().sum(),
            Far::Hook => 0,
        }
    }

    /// Whether the follower of a `send:` lane has done something that Qiao has not decided on yet.
    pub async fn is_behind(&mut self, lane: &str) -> bool {
        let Some(follower) = lane.strip_prefix("send:") else {
            return false;
        };
        let unheard = self.witness.pushes.iter().any(|((at, openid, _), push)| {
            push.acknowledged < push.acts && follower == format!("{}:{openid}", ACCOUNTS[*at])
        });
        if unheard {
            return true;
        }
        let (account, openid) = follower.split_once(':').expect("an account and an OpenID");
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM outbox WHERE lane = ? AND state = 'ready'
                 AND payload ->> '$.follower.openid' = ?",
        )
        .bind(format!("in:{account}"))
        .bind(openid)
        .fetch_one(&mut self.sqlite)
        .await
        .unwrap();
        waiting > 0
    }

    /// Whether Qiao could not know the window of the follower whom a call addresses: since the
    /// attempt began it was not told of all that they had done.
    async fn is_unsure(&mut self, call: &Call) -> bool {
        let (Far::Wechat(at), Some(openid)) = (call.far, receiver(call)) else {
            return false;
        };
        let Some(effect) = self.effect_of(call).cloned() else {
            return false;
        };
        let since = effect.claimed_at.as_second();
        let mut pushes = self.witness.pushes.keys();
        let acted = pushes.any(|(of, who, second)| *of == at && *who == openid && *second >= since);
        let follower = (at, openid.clone());
        effect.unsure
            || acted
            || self.witness.unsure.contains(&follower)
            || self
                .is_behind(&format!("send:{}:{openid}", ACCOUNTS[at]))
                .await
    }

    fn witness_send(&mut self, call: &Call, before: Option<usize>, unsure: bool, injected: bool) {
        let (Far::Wechat(at), Some(openid), Some(before)) = (call.far, receiver(call), before)
        else {
            return;
        };
        if unsure {
            self.witness.unsure.insert((at, openid.clone()));
        }
        let code = errcode(call);
        let refused = matches!(code, Some(45015 | 45047));
        let began = self.effect_of(call).map(|effect| effect.claimed_at);
        let late = began.is_none_or(|at| self.now().duration_since(at).as_secs() >= 5);
        let excused = unsure || injected || late || self.clock_was_wrong();
        self.witness.holds(!refused || excused, || {
            format!("a message left outside the follower's window ({code:?})")
        });
        let expired = self.effect_of(call).is_some_and(|effect| effect.expired);
        self.witness
            .holds(!expired, || "a message left that had expired".to_owned());
        if self.shown_to(call) > Some(before) {
            match self.effect_of(call).map(|effect| effect.id) {
                Some(id) => {
                    let now = self.now();
                    self.witness.shown.entry(id).or_default().push(now);
                }
                None => self.witness.breaks("a send that no effect made".to_owned()),
            }
        }
    }

    fn witness_token(&mut self, call: &Call) {
        let Far::Wechat(at) = call.far else { return };
        if let Some(Ok(answer)) = &call.answer
            && is_token_fetch(call)
            && let Some(token) = json(&answer.body)["access_token"].as_str()
            && !self.witness.tokens[at].iter().any(|known| known == token)
        {
            self.witness.tokens[at].push(token.to_owned());
        }
    }

    /// The answer reaches the caller, whose task may go on.
    pub fn give(&mut self, mut call: Call) {
        self.witness.token_came |= is_token_fetch(&call);
        let answer = call.answer.take().expect("the far side has answered");
        call.end(answer);
    }

    /// Takes what the platforms push now.
    pub fn collect_pushes(&mut self) {
        let now = self.now();
        for at in 0..self.wechat.len() {
            let due = self.wechat[at].take_due(now, &mut self.far_rng);
            let due = due.into_iter().map(|push| (Far::Wechat(at), push));
            self.on_the_way.extend(due);
        }
        let due = self.c4c.take_due(now, &mut self.far_rng);
        let due = due.into_iter().map(|push| (Far::C4c, push));
        self.on_the_way.extend(due);
    }

    /// A push arrives: a task takes it through Qiao's edge.
    pub fn arrive(&mut self, from: Far, push: wire::Push) {
        if let Some(key) = key_of(from, &push) {
            self.witness.pushes.entry(key).or_default().delivered += 1;
        }
        let mut router = self.router.clone();
        let request = request_of(&push);
        let future = async move {
            let answer: Result<_, Infallible> =
                Service::<Request<Body>>::call(&mut router, request).await;
            let Ok(answer) = answer;
            let status = answer.status().as_u16();
            let body = to_bytes(answer.into_body(), MOST).await.unwrap();
            Ended::Push(wire::Response {
                status,
                headers: Vec::new(),
                body: body.to_vec(),
            })
        };
        let number = self.number();
        let gives_up_at = self.now() + push.deadline;
        let work = Work::Push {
            from,
            push,
            gives_up_at,
        };
        self.tasks.push(Task::new(number, work, future));
    }

    /// Tells the sender of a push what came of it; `None` when nothing came back.
    pub fn report(&mut self, from: Far, push: &wire::Push, answer: Option<wire::Response>) {
        let now = self.now();
        let outcome = answer.map_or(PushOutcome::Unanswered, PushOutcome::Answered);
        match from {
            Far::Wechat(at) => self.wechat[at].pushed(push, outcome, now),
            Far::C4c => {
                if matches!(outcome, PushOutcome::Unanswered) {
                    self.note_untold(push);
                }
                self.c4c.pushed(push, outcome, now);
            }
            Far::Hook => unreachable!("the hook pushes nothing"),
        }
    }
}

impl World {
    /// A notification was not answered, perhaps not even heard.
    fn note_untold(&mut self, push: &wire::Push) {
        let body = String::from_utf8_lossy(&push.body);
        let objects = self.c4c.customers().map(|customer| &customer.object_id);
        let named = objects.filter(|object| body.contains(object.as_str()));
        self.witness.untold.extend(named.cloned());
    }
}

/// The push as the edge receives it.
fn request_of(push: &wire::Push) -> Request<Body> {
    let url = Url::parse(&push.url).expect("the platforms push to absolute URLs");
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        target = format!("{target}?{query}");
    }
    let mut request = Request::post(target);
    for (name, value) in &push.headers {
        request = request.header(name, value);
    }
    let sender = SocketAddr::from(([127, 0, 0, 1], 1));
    let request = request.extension(ConnectInfo(sender));
    request.body(Body::from(push.body.clone())).unwrap()
}

/// The hook's answer to a message speaks of that message alone.
fn answered_by_hook(request: &wire::Request) -> wire::Response {
    let question = json(&request.body);
    let answer = format!(
        "{ANSWER} {}",
        question["msg_id"].as_str().unwrap_or_default()
    );
    wire::Response {
        status: 200,
        headers: Vec::new(),
        body: serde_json::json!({ "text": answer })
            .to_string()
            .into_bytes(),
    }
}

/// What a push's URL tells of it.
pub fn key_of(from: Far, push: &wire::Push) -> Option<PushKey> {
    let Far::Wechat(at) = from else { return None };
    let url = Url::parse(&push.url).ok()?;
    let param = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs.find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    };
    Some((at, param("openid")?, param("timestamp")?.parse().ok()?))
}

/// To whom something is sent.
fn receiver(call: &Call) -> Option<String> {
    let sends = [CUSTOM_SEND, TEMPLATE_SEND].contains(&call.request.path.as_str());
    let to = json(&call.request.body)["touser"].as_str()?.to_owned();
    sends.then_some(to)
}

pub fn is_token_fetch(call: &Call) -> bool {
    ["/cgi-bin/token", "/cgi-bin/stable_token"].contains(&call.request.path.as_str())
}

fn errcode(call: &Call) -> Option<i64> {
    let answer = call.answer.as_ref()?.as_ref().ok()?;
    json(&answer.body)["errcode"].as_i64()
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// A call in a word.
pub fn line(call: &Call) -> String {
    let (by, method, path) = (call.by, &call.request.method, &call.request.path);
    format!("[{by}] {method} {path}")
}

fn code_of(answer: &wire::Response) -> String {
    match json(&answer.body)["errcode"].as_i64() {
        Some(code) if code != 0 => format!("{} errcode {code}", answer.status),
        _ => answer.status.to_string(),
    }
}
