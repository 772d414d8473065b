//! What a step works with: it acts, waits at the simulators for what should come of it, and
//! notes what it saw. Every wait is bounded.

use std::time::{Duration, Instant};

use qiao_sim::c4c::{C4c, Customer};
use qiao_sim::wechat::{Seen, Via, WeChat};
use serde::Serialize;

use super::stage::Stage;

/// How long a step waits for one thing that it expects.
const WAIT: Duration = Duration::from_secs(10);

/// Something that was seen.
#[derive(Debug, Serialize)]
pub(super) struct Fact {
    /// Where: `WeChat`, `C4C`, `hook` or `Qiao`.
    pub(super) place: &'static str,
    /// What.
    pub(super) saw: String,
    /// When, in milliseconds since the step began.
    pub(super) millis: u128,
}

/// Why a step did not hold.
#[derive(Debug, Serialize, thiserror::Error)]
#[error("expected: {expected}; but {seen}")]
pub(super) struct Unmet {
    /// What should have been.
    pub(super) expected: String,
    /// What was instead.
    pub(super) seen: String,
}

impl Unmet {
    /// Something that does not depend on the platforms went wrong.
    pub(super) fn because(expected: &str, seen: &impl ToString) -> Self {
        Self {
            expected: expected.to_owned(),
            seen: seen.to_string(),
        }
    }
}

/// One step under way.
pub(super) struct Scene<'a> {
    /// What it is played on.
    pub(super) stage: &'a mut Stage,
    began: Instant,
    facts: Vec<Fact>,
}

impl<'a> Scene<'a> {
    /// Begins a step.
    pub(super) fn begin(stage: &'a mut Stage) -> Self {
        Self {
            stage,
            began: Instant::now(),
            facts: Vec::new(),
        }
    }

    /// How long it took, and what was seen.
    pub(super) fn end(self) -> (u128, Vec<Fact>) {
        (self.began.elapsed().as_millis(), self.facts)
    }

    /// Notes something seen.
    pub(super) fn note(&mut self, place: &'static str, saw: impl Into<String>) {
        self.facts.push(Fact {
            place,
            saw: saw.into(),
            millis: self.began.elapsed().as_millis(),
        });
    }

    /// Notes what must be so now, or fails with what is so instead.
    pub(super) fn must(
        &mut self,
        place: &'static str,
        expected: &str,
        holds: bool,
        seen: impl FnOnce(&Stage) -> String,
    ) -> Result<(), Unmet> {
        if holds {
            self.note(place, expected);
            return Ok(());
        }
        Err(Unmet::because(expected, &seen(self.stage)))
    }

    /// Waits for something at WeChat.
    pub(super) async fn at_wechat<R>(
        &self,
        expected: &str,
        look: impl FnMut(&WeChat) -> Option<R>,
        seen: impl FnOnce(&WeChat) -> String,
    ) -> Result<R, Unmet> {
        let server = &self.stage.wechat;
        let found = tokio::time::timeout(WAIT, server.until(look)).await;
        found.map_err(|_| late(expected, server.look(seen)))
    }

    /// Waits for something in C4C.
    pub(super) async fn at_c4c<R>(
        &self,
        expected: &str,
        look: impl FnMut(&C4c) -> Option<R>,
        seen: impl FnOnce(&C4c) -> String,
    ) -> Result<R, Unmet> {
        let server = &self.stage.c4c;
        let found = tokio::time::timeout(WAIT, server.until(look)).await;
        found.map_err(|_| late(expected, server.look(seen)))
    }

    /// Waits until the follower sees something that came `via` there and holds `piece`.
    pub(super) async fn sees(&mut self, openid: &str, via: Via, piece: &str) -> Result<(), Unmet> {
        let fits = |seen: &&Seen| seen.via == via && seen.text.contains(piece);
        let expected = format!("the follower sees, by {}, “{piece}”", way(via));
        let look = |wechat: &WeChat| wechat.seen(openid).iter().find(fits).cloned();
        let seen = self.at_wechat(&expected, look, |w| chat(w, openid)).await?;
        self.note(
            "WeChat",
            format!(
                "the follower saw, by {}: {}",
                way(via),
                one_line(&seen.text)
            ),
        );
        Ok(())
    }

    /// Waits until exactly one customer in C4C stands for the follower.
    pub(super) async fn customer(&mut self, openid: &str) -> Result<Customer, Unmet> {
        let expected = "C4C holds exactly one customer with the follower's WeChat ID";
        let one = |c4c: &C4c| match c4c.find_by_wechat_id(openid)[..] {
            [customer] => Some(customer.clone()),
            _ => None,
        };
        let customer = self.at_c4c(expected, one, |c4c| held(c4c, openid)).await?;
        let number = customer.customer_id();
        self.note(
            "C4C",
            format!("one customer with the follower's WeChat ID: CustomerID {number}"),
        );
        Ok(customer)
    }

    /// Waits until nothing is left to do anywhere; then the follower must have seen `count`
    /// things in all.
    pub(super) async fn settles(&mut self, openid: &str, count: usize) -> Result<(), Unmet> {
        let expected = "every push is answered and every effect has ended";
        match tokio::time::timeout(WAIT, self.stage.settled()).await {
            Ok(settled) => settled.map_err(|fault| Unmet::because(expected, &fault))?,
            Err(_) => return Err(late(expected, "some have not".to_owned())),
        }
        let seen = self.stage.wechat.look(|wechat| wechat.seen(openid).len());
        let expected = format!("{count} things are on the follower's screen, no more and no fewer");
        self.must("WeChat", &expected, seen == count, |stage| {
            stage.wechat.look(|wechat| chat(wechat, openid))
        })
    }
}

fn late(expected: &str, seen: String) -> Unmet {
    Unmet {
        expected: format!("{expected}, within {} s", WAIT.as_secs()),
        seen,
    }
}

fn way(via: Via) -> &'static str {
    match via {
        Via::Reply => "passive reply",
        Via::Custom => "custom message",
        Via::Template => "template message",
        Via::FaultBanner => "fault banner",
    }
}

fn chat(wechat: &WeChat, openid: &str) -> String {
    let told = |seen: &Seen| format!("{}: {}", way(seen.via), one_line(&seen.text));
    let lines: Vec<String> = wechat.seen(openid).iter().map(told).collect();
    format!("the follower saw {lines:?}")
}

fn held(c4c: &C4c, openid: &str) -> String {
    let found = c4c.find_by_wechat_id(openid);
    let numbers: Vec<&str> = found.iter().map(|c| c.customer_id()).collect();
    format!("C4C holds {numbers:?}")
}

/// Texts of several lines are told in one.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
