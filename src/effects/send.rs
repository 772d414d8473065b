//! `wechat.send`: one message to one follower, as a custom message, else as a template.

use jiff::Timestamp;

use super::tokens::CallFailure;
use super::{Context, either, payload, unreadable};
use crate::config::{Account, UncertainSend};
use crate::domain::rows::{Changes, Follower, Release, WindowClosed};
use crate::domain::series;
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::reply::Delivery;
use crate::flows::sending::{self, HELD_PASSIVE, HELD_WINDOW, Send, Way};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;
use crate::wechat::client::{Client, TemplateMessage};
use crate::wechat::codes::Sense;

/// Why an answer was refused.
const NO_WINDOW: &str = "no send window was open";

/// Held for a person: nobody knows whether the follower saw it.
const HELD_UNCERTAIN: &str = "uncertain";

pub(super) struct WechatSend(pub(super) Context);

impl Handler for WechatSend {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.send(job).await) })
    }
}

/// What one attempt works with.
pub(super) struct Attempt<'a> {
    pub(super) job: &'a Job,
    pub(super) send: Send,
    pub(super) account: &'a Account,
    pub(super) client: &'a Client,
    pub(super) text: &'a str,
}

impl WechatSend {
    async fn send(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let send: Send = payload(job)?;
        let live = self.0.live();
        let (account, client) = live.known_account(&send.follower.account)?;
        let Some(text) = job.text.as_deref() else {
            return Ok(Outcome::cancelled("its message was deleted"));
        };
        let attempt = Attempt {
            job,
            send,
            account,
            client,
            text,
        };
        let outcome = if job.uncertain && account.uncertain_send == UncertainSend::Hold {
            // It was cut off; the start after that has counted it in the window.
            held_uncertain(None, Changes::none())
        } else {
            self.deliver(&attempt).await?
        };
        Ok(self.tell_ticket(&attempt, outcome).await)
    }

    async fn deliver(&self, attempt: &Attempt<'_>) -> Result<Outcome, Box<Outcome>> {
        let grants = self
            .0
            .store
            .grants(&attempt.send.follower)
            .await
            .map_err(unreadable)?;
        let granted = grants.iter().map(|grant| grant.granted_at);
        let acted = granted.max().unwrap_or(Timestamp::MIN);
        let now = self.0.clock.now();
        let job = attempt.job;
        let way = sending::way(attempt.account, &attempt.send, &grants, job.id, now);
        // While a window is open that does not serve, only another act helps.
        let unlike = sending::is_open(&grants, now).then_some(acted);
        // An older message waits for the follower: this one does not overtake it.
        if way != Way::Refuse && self.is_behind_held(attempt, &way).await? {
            refused("qiao", &Way::Hold);
            return Ok(attempt.hold_until_act(unlike));
        }
        if way != Way::Custom {
            refused("qiao", &way);
        }
        match way {
            Way::Custom => Ok(self.custom(attempt, acted.max(job.started_at)).await),
            Way::Template(template) => Ok(self.template(attempt, &template, unlike).await),
            Way::Hold => Ok(attempt.hold_until_act(unlike)),
            Way::Refuse => Ok(Outcome::cancelled(NO_WINDOW)),
        }
    }

    /// Tells the ticket what became of an agent's answer, where the configuration asks for it.
    async fn tell_ticket(&self, attempt: &Attempt<'_>, outcome: Outcome) -> Outcome {
        let delivery = match &outcome {
            Outcome::Done { .. } => Delivery::Delivered,
            Outcome::Held {
                uncertain: true, ..
            } => Delivery::Unknown,
            Outcome::Held { .. } if attempt.job.tries == 0 => Delivery::Held,
            Outcome::Cancelled { .. } => Delivery::Refused,
            Outcome::Failed { failure, .. } if failure.verdict == Verdict::Permanent => {
                Delivery::Failed
            }
            _ => return outcome,
        };
        let Attempt { job, send, .. } = attempt;
        let told = self.0.told(send, job.message_id, delivery).await;
        with(outcome, told)
    }

    async fn is_behind_held(&self, attempt: &Attempt<'_>, way: &Way) -> Result<bool, Box<Outcome>> {
        // A template that says all there is to say needs no window and waits for nobody.
        if matches!(way, Way::Template(_)) && !attempt.send.is_reply() {
            return Ok(false);
        }
        let held = self.0.store.is_held(&attempt.job.lane, HELD_WINDOW).await;
        held.map_err(unreadable)
    }

    /// `known`: the instant up to which the follower's acts were known when it was decided on.
    async fn custom(&self, attempt: &Attempt<'_>, known: Timestamp) -> Outcome {
        let follower = &attempt.send.follower;
        let used = Changes {
            window_uses: vec![follower.clone()],
            ..Changes::none()
        };
        let sent = if attempt.send.is_medium {
            self.send_medium(attempt).await
        } else {
            self.send_text(attempt, attempt.text).await
        };
        let CallFailure { sense, failure } = match sent {
            Ok(()) => return Outcome::done_with(used),
            Err(failure) => failure,
        };
        match sense {
            Some(Sense::WindowClosed | Sense::CountUsed) => {
                self.outside(attempt, failure, known).await
            }
            Some(Sense::MayNotCall) => {
                self.0.set_passive_only(&follower.account);
                held(HELD_PASSIVE, Some(failure), Changes::none())
            }
            _ if failure.verdict == Verdict::Uncertain => attempt.uncertain(failure, used),
            _ => Outcome::failed(failure),
        }
    }

    pub(super) async fn send_text(
        &self,
        attempt: &Attempt<'_>,
        text: &str,
    ) -> Result<(), CallFailure> {
        let Follower { account, openid } = &attempt.send.follower;
        let client = attempt.client;
        let call = |token| async move { client.send_text(&token, openid, text).await };
        self.0.with_token(account, attempt.tries(), call).await
    }

    /// WeChat says that the window is closed although our model says it is open: the model is
    /// corrected, and the message takes the other way or waits. Acts that were known
    /// may lie in the future of a clock that was set back since.
    async fn outside(&self, attempt: &Attempt<'_>, failure: Failure, known: Timestamp) -> Outcome {
        let closed = WindowClosed {
            follower: attempt.send.follower.clone(),
            until: known,
        };
        let corrected = Changes {
            window_closed: vec![closed],
            ..Changes::none()
        };
        let way = sending::closed(attempt.account, &attempt.send, attempt.job.id);
        refused("wechat", &way);
        match way {
            Way::Template(template) => {
                with(self.template(attempt, &template, None).await, corrected)
            }
            Way::Custom | Way::Hold => held(HELD_WINDOW, Some(failure), corrected),
            Way::Refuse => Outcome::Cancelled {
                reason: NO_WINDOW.to_owned(),
                changes: corrected,
            },
        }
    }

    /// WeChat recognises a repeated template by its `client_msg_id`, so one whose answer was lost is asked
    /// for again at once. Not by a later attempt: that may find a window open and send a custom message,
    /// which nobody would recognise as the same.
    async fn template(
        &self,
        attempt: &Attempt<'_>,
        template: &TemplateMessage,
        unlike: Option<Timestamp>,
    ) -> Outcome {
        let mut sent = self.call_template(attempt, template).await;
        if let Err(CallFailure { failure, .. }) = &sent
            && failure.verdict == Verdict::Uncertain
        {
            let lost = failure.clone();
            sent = self.call_template(attempt, template).await;
            if sent.is_err() {
                return attempt.uncertain(lost, Changes::none());
            }
        }
        match sent {
            // It only says that there is an answer: a template's values hold 20 characters.
            Ok(_) if attempt.send.is_reply() => attempt.hold_until_act(unlike),
            Ok(_) => Outcome::Done {
                note: Some("sent as a template message".to_owned()),
                changes: Changes::none(),
            },
            Err(CallFailure { failure, .. }) => Outcome::failed(failure),
        }
    }

    async fn call_template(
        &self,
        attempt: &Attempt<'_>,
        template: &TemplateMessage,
    ) -> Result<Option<i64>, CallFailure> {
        let follower = &attempt.send.follower;
        self.0
            .with_token(&follower.account, attempt.tries(), |token| async move {
                attempt
                    .client
                    .send_template(&token, &follower.openid, template)
                    .await
            })
            .await
    }
}

impl Attempt<'_> {
    /// Tries of this effect, this one included.
    pub(super) fn tries(&self) -> u32 {
        u32::try_from(self.job.attempts + 1).unwrap_or(u32::MAX)
    }

    fn uncertain(&self, failure: Failure, used: Changes) -> Outcome {
        match self.account.uncertain_send {
            UncertainSend::Hold => held_uncertain(Some(failure), used),
            UncertainSend::Resend => Outcome::Failed {
                failure,
                changes: used,
            },
        }
    }

    /// Held until the follower acts. They may do that between our look at the windows and the commit of
    /// the hold, when nobody would release it. `unlike`: only an act after this instant helps.
    fn hold_until_act(&self, unlike: Option<Timestamp>) -> Outcome {
        let follower = &self.send.follower;
        let changes = Changes {
            releases: vec![Release {
                lane: follower.send_lane(),
                reason: HELD_WINDOW,
                if_open: Some(follower.clone()),
                acted_after: unlike,
            }],
            ..Changes::none()
        };
        held(HELD_WINDOW, None, changes)
    }
}

/// Counts a send that no window carries: who said so, and what is done instead.
fn refused(by: &'static str, then: &Way) {
    let then = match then {
        Way::Template(_) => "template",
        Way::Custom | Way::Hold => "hold",
        Way::Refuse => "refuse",
    };
    metrics::counter!(series::WINDOW_REFUSALS, "by" => by, "then" => then).increment(1);
}

/// It may have been sent, so it counts as sent in the window: `used`, where nobody has counted it.
fn held_uncertain(failure: Option<Failure>, used: Changes) -> Outcome {
    Outcome::Held {
        reason: HELD_UNCERTAIN,
        uncertain: true,
        failure,
        changes: used,
    }
}

fn held(reason: &'static str, failure: Option<Failure>, changes: Changes) -> Outcome {
    Outcome::Held {
        reason,
        uncertain: false,
        failure,
        changes,
    }
}

/// Adds rows to whatever an attempt came to.
fn with(outcome: Outcome, more: Changes) -> Outcome {
    match outcome {
        Outcome::Done { note, mut changes } => {
            changes.extend(more);
            Outcome::Done { note, changes }
        }
        Outcome::Failed {
            failure,
            mut changes,
        } => {
            changes.extend(more);
            Outcome::Failed { failure, changes }
        }
        Outcome::Held {
            reason,
            uncertain,
            failure,
            mut changes,
        } => {
            changes.extend(more);
            Outcome::Held {
                reason,
                uncertain,
                failure,
                changes,
            }
        }
        Outcome::Cancelled {
            reason,
            mut changes,
        } => {
            changes.extend(more);
            Outcome::Cancelled { reason, changes }
        }
        Outcome::Expired => Outcome::Expired,
    }
}
