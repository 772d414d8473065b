//! Faults: what goes wrong between a simulator and its caller, armed by tests and operators.
//!
//! It owns the list, the rates and what a caller sees of each kind. A core asks [`Faults::take`] once
//! per request, with the operation's name, and lets [`Kind::deliver`] decide whether its own work
//! happens. Both simulators share it, so it must know neither platform.

mod rates;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

pub use self::rates::Rates;

use crate::wire::{Delivery, Response};

/// Value of [`Fault::times`] for a fault that stays until it is cleared.
pub const UNTIL_CLEARED: u32 = u32::MAX;

/// One armed fault. As JSON: `{"on":"custom/send","kind":"drop","after_effect":true,"times":1}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A piece of the operation's name; empty matches every operation.
    #[serde(default)]
    pub on: String,
    /// What happens.
    #[serde(flatten)]
    pub kind: Kind,
    /// To how many requests; [`UNTIL_CLEARED`] for all of them.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// What goes wrong. `after_effect` says that the operation is carried out although the caller
/// cannot know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// The right answer, late.
    Latency {
        /// Delay in milliseconds.
        millis: u64,
    },
    /// No answer; the connection stays open.
    Hang {
        /// Carried out all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// No answer; the connection is closed.
    Drop {
        /// Carried out all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// An HTTP status in place of the answer; the operation is not carried out.
    Status {
        /// HTTP status code.
        status: u16,
        /// An HTML error page as body; else an empty body.
        #[serde(default)]
        html: bool,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The platform's own error object with this code.
    Code {
        /// A WeChat `errcode`.
        code: i64,
        /// Carried out all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// HTTP 200 with an HTML page, as a proxy or a maintenance screen gives it; the operation is
    /// not carried out.
    HtmlBody,
    /// The beginning of the right answer: half of its body, and the connection ends although
    /// `content-length` promised all of it.
    Truncated,
}

impl Kind {
    /// What the caller gets. `work` carries the operation out and is called at most once;
    /// `error` renders the platform's error object for a [`Kind::Code`].
    pub fn deliver(
        &self,
        work: impl FnOnce() -> Response,
        error: impl FnOnce(i64) -> Response,
    ) -> Delivery {
        match *self {
            Self::Latency { millis } => Delivery::Answer(work(), Duration::from_millis(millis)),
            Self::Hang { after_effect } => {
                after_effect.then(work);
                Delivery::Hang
            }
            Self::Drop { after_effect } => {
                after_effect.then(work);
                Delivery::Drop
            }
            Self::Status {
                status,
                html,
                retry_after,
            } => at_once(page(status, html, retry_after)),
            Self::Code { code, after_effect } => {
                after_effect.then(work);
                at_once(error(code))
            }
            Self::HtmlBody => at_once(page(200, true, None)),
            Self::Truncated => at_once(truncated(work())),
        }
    }

    /// The name it has in [`Faults::hits`]: as in JSON, and whether the operation is carried out
    /// where a kind leaves that open.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Hang { after_effect: true } => "hang_after_effect",
            Self::Hang { .. } => "hang",
            Self::Drop { after_effect: true } => "drop_after_effect",
            Self::Drop { .. } => "drop",
            Self::Status { .. } => "status",
            Self::Code {
                after_effect: true, ..
            } => "code_after_effect",
            Self::Code { .. } => "code",
            Self::HtmlBody => "html_body",
            Self::Truncated => "truncated",
        }
    }

    /// Whether the operation is carried out.
    fn has_effect(&self) -> bool {
        match self {
            Self::Latency { .. } | Self::Truncated => true,
            Self::Hang { after_effect }
            | Self::Drop { after_effect }
            | Self::Code { after_effect, .. } => *after_effect,
            Self::Status { .. } | Self::HtmlBody => false,
        }
    }
}

fn at_once(response: Response) -> Delivery {
    Delivery::Answer(response, Duration::ZERO)
}

fn truncated(mut response: Response) -> Response {
    let whole = response.body.len();
    response
        .headers
        .push(("content-length".to_owned(), whole.to_string()));
    response.body.truncate(whole / 2);
    response
}

fn page(status: u16, html: bool, retry_after: Option<u32>) -> Response {
    let mut headers = Vec::new();
    if let Some(seconds) = retry_after {
        headers.push(("retry-after".to_owned(), seconds.to_string()));
    }
    let mut body = Vec::new();
    if html {
        headers.push(("content-type".to_owned(), "text/html".to_owned()));
        body = format!("<html><head><title>{status}</title></head><body>{status}</body></html>")
            .into_bytes();
    }
    Response {
        status,
        headers,
        body,
    }
}

/// The armed faults, first armed first hit, and the rates for all other requests.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    armed: Vec<Fault>,
    rates: Option<(Rates, Xoshiro256PlusPlus)>,
    hits: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Arms one. One for zero requests changes nothing.
    pub fn add(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.armed.push(fault);
        }
    }

    /// Lets requests that no armed fault befalls fail at these rates, until all is cleared. The
    /// same seed gives the same faults for the same number of requests.
    ///
    /// # Panics
    ///
    /// When the rates contradict themselves; see the fields of [`Rates`].
    pub fn at_rates(&mut self, seed: u64, rates: Rates) {
        assert_eq!(rates.fault(), None, "{rates:?}");
        self.rates = Some((rates, Xoshiro256PlusPlus::seed_from_u64(seed)));
    }

    /// Disarms those armed on exactly `on`, or all, and the rates with them.
    pub fn clear(&mut self, on: Option<&str>) {
        if on.is_none() {
            self.rates = None;
        }
        self.armed
            .retain(|fault| on.is_some_and(|on| fault.on != on));
    }

    /// The fault that befalls this request, used up by one.
    pub fn take(&mut self, operation: &str) -> Option<Kind> {
        let kind = match self.take_armed(operation) {
            None => self.rates.as_mut().and_then(|(rates, rng)| rates.draw(rng)),
            armed => armed,
        }?;
        *self.hits.entry(kind.name()).or_default() += 1;
        Some(kind)
    }

    fn take_armed(&mut self, operation: &str) -> Option<Kind> {
        let at = self
            .armed
            .iter()
            .position(|fault| operation.contains(&fault.on))?;
        let fault = &mut self.armed[at];
        let kind = fault.kind.clone();
        if fault.times != UNTIL_CLEARED {
            fault.times -= 1;
            if fault.times == 0 {
                self.armed.remove(at);
            }
        }
        Some(kind)
    }

    /// Those still armed.
    pub fn armed(&self) -> &[Fault] {
        &self.armed
    }

    /// How often each kind struck, by [`Kind::name`].
    pub fn hits(&self) -> &BTreeMap<&'static str, u64> {
        &self.hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_fault_strikes_as_often_as_asked_and_only_its_operation() {
        let mut faults = Faults::default();
        faults.add(fault(
            r#"{"on":"custom/send","kind":"code","code":45015,"times":2}"#,
        ));
        assert_eq!(faults.take("/cgi-bin/token"), None);
        let kind = Kind::Code {
            code: 45015,
            after_effect: false,
        };
        let operation = "/cgi-bin/message/custom/send";
        assert_eq!(faults.take(operation), Some(kind.clone()));
        assert_eq!(faults.take(operation), Some(kind));
        assert_eq!(faults.take(operation), None);
        assert_eq!(faults.hits()["code"], 2);
    }

    #[test]
    fn a_fault_until_cleared_stays_until_it_is_cleared() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"kind":"html_body","times":4294967295}"#));
        for _ in 0..3 {
            assert_eq!(faults.take("anything"), Some(Kind::HtmlBody));
        }
        faults.clear(None);
        assert_eq!(faults.take("anything"), None);
    }

    #[test]
    fn clearing_one_operation_leaves_the_others() {
        let mut faults = Faults::default();
        faults.add(fault(r#"{"on":"a","kind":"hang"}"#));
        faults.add(fault(r#"{"on":"b","kind":"hang"}"#));
        faults.clear(Some("a"));
        assert_eq!(faults.armed(), [fault(r#"{"on":"b","kind":"hang"}"#)]);
    }

    #[test]
    fn only_a_fault_after_the_effect_lets_the_work_happen() {
        for (json, happens) in [
            (r#"{"kind":"drop"}"#, false),
            (r#"{"kind":"drop","after_effect":true}"#, true),
            (r#"{"kind":"code","code":-1,"after_effect":true}"#, true),
            (r#"{"kind":"status","status":503,"retry_after":7}"#, false),
            (r#"{"kind":"latency","millis":5}"#, true),
            (r#"{"kind":"truncated"}"#, true),
        ] {
            let mut happened = false;
            fault(json).kind.deliver(
                || {
                    happened = true;
                    Response::default()
                },
                |_| Response::default(),
            );
            assert_eq!(happened, happens, "{json}");
        }
    }
}
