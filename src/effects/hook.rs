//! `hook.ask`: an answer hook is asked, and its answer goes to the request that still waits, or
//! else as a custom message.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Context, either, payload, unreadable};
use crate::domain::rows::{Changes, Follower, StoredAnswer};
use crate::domain::series;
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::answer;
use crate::flows::intake::answered;
use crate::flows::sending::{self, ToSay};
use crate::kit::transport::{BoxFuture, Method, Request, TransportError, status_class};
use crate::outbox::{Handler, Outcome};
use crate::store::{Answer, Job};
use crate::wechat::push::Push;
use crate::wechat::reply::Reply;

/// A hook that takes longer has its answer delivered later anyway.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The purpose in `message.purpose`.
const PURPOSE: &str = "hook";

pub(super) struct HookAsk(pub(super) Context);

#[derive(Deserialize)]
struct Ask {
    #[serde(flatten)]
    follower: Follower,
    url: String,
    /// What the waiting request sits under.
    key: String,
}

impl Handler for HookAsk {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.ask(job).await) })
    }
}

impl HookAsk {
    async fn ask(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Ask { follower, url, key } = payload(job)?;
        let Some(inbox_id) = job.inbox_id else {
            return Ok(Outcome::cancelled("it belongs to no push"));
        };
        if self.0.store.answer(inbox_id).await.map_err(unreadable)? != Answer::Pending {
            return Ok(Outcome::done_because("it was answered already"));
        }
        let body = self
            .0
            .store
            .inbox_body(inbox_id)
            .await
            .map_err(unreadable)?;
        let Some(push) = body.and_then(|xml| Push::parse(&xml).ok()) else {
            return Ok(Outcome::cancelled("its push was deleted"));
        };
        let reply = self.call(&url, &follower, &push).await?;
        let seat = answer::seat(&follower, &key);
        match self.0.waiting.call(&seat) {
            Some(called) => {
                let (changes, xml) = self.passive(&follower, &push, inbox_id, reply.as_ref());
                self.0.store.write(changes).await.map_err(unreadable)?;
                called.answer(&xml);
                Ok(Outcome::done_because("answered as the passive reply"))
            }
            None => Ok(self.later(&follower, inbox_id, reply.as_ref())),
        }
    }

    async fn call(
        &self,
        url: &str,
        follower: &Follower,
        push: &Push,
    ) -> Result<Option<Reply>, Box<Outcome>> {
        let request = Request {
            method: Method::Post,
            url: url.to_owned(),
            headers: vec![("content-type", "application/json".to_owned())],
            body: answer::question(follower, push).to_string().into_bytes(),
            timeout: TIMEOUT,
        };
        let fail =
            |verdict, message: String| Box::new(Outcome::failed(Failure::new(verdict, message)));
        let began = Instant::now();
        let answer = self.0.transport.send(request).await;
        let status = status_class(&answer);
        metrics::histogram!(series::HOOK_CALL_SECONDS, "status" => status).record(began.elapsed());
        let answer = answer.map_err(|fault| {
            // Asking twice does no harm, so a lost answer is no more than a hiccup.
            let remedy = "check that the answer hook runs and can be reached";
            match fault {
                TransportError::TooLarge => fail(Verdict::Permanent, format!("{fault}; {remedy}")),
                _ => fail(
                    Verdict::Transient,
                    format!("the answer hook: {fault}; {remedy}"),
                ),
            }
        })?;
        match answer.status {
            200..=299 => answer::read(&answer.body)
                .map_err(|fault| fail(Verdict::Permanent, fault.to_string())),
            status @ (408 | 429 | 500..) => Err(fail(
                Verdict::Transient,
                format!("the answer hook answered HTTP {status}"),
            )),
            status => Err(fail(
                Verdict::Permanent,
                format!("the answer hook answered HTTP {status}; correct its URL or the hook"),
            )),
        }
    }

    /// The request still waits: the answer is committed, then handed over.
    fn passive(
        &self,
        follower: &Follower,
        push: &Push,
        inbox_id: i64,
        reply: Option<&Reply>,
    ) -> (Changes, Option<String>) {
        let now = self.0.clock.now();
        let said = reply.and_then(|reply| {
            let xml = reply.render(&follower.openid, &push.to, now).ok()?;
            let mut message = answered(follower, PURPOSE, reply, now);
            message.inbox_id = Some(inbox_id);
            Some((message, xml))
        });
        let (message, xml) = said.unzip();
        let changes = Changes {
            messages: message.into_iter().collect(),
            answers: vec![StoredAnswer {
                inbox_id,
                answer: xml.clone(),
            }],
            ..Changes::none()
        };
        (changes, xml)
    }

    /// Nobody waits any more: the answer goes as a custom message.
    fn later(&self, follower: &Follower, inbox_id: i64, reply: Option<&Reply>) -> Outcome {
        let mut changes = Changes {
            answers: vec![StoredAnswer {
                inbox_id,
                answer: None,
            }],
            ..Changes::none()
        };
        if let Some(text) = reply.and_then(sending::words) {
            let say = ToSay {
                follower,
                purpose: PURPOSE,
                text: &text,
                values: [].into(),
                inbox_id: Some(inbox_id),
                conversation: None,
            };
            changes.extend(sending::queue(&say, self.0.clock.now()));
        }
        Outcome::done_with(changes)
    }
}
