//! Why a call failed, in words for people and as a verdict for the outbox.

use std::fmt;
use std::time::Duration;

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::domain::verdict::{Failure, Pause, Verdict};
use crate::kit::transport::TransportError;

pub use super::call::Call;
use super::codes::{Sense, look_up};

/// The platform counts days in Beijing, which has no summer time (wechat.md 9, 13.16).
const BEIJING: Offset = Offset::constant(8);

/// "Retry next minute" (wechat.md 3.5, 45011).
const A_MINUTE: Duration = Duration::from_mins(1);

/// For what the platform finds too often without saying until when.
const AN_HOUR: Duration = Duration::from_hours(1);

/// How often an unknown code is retried before it counts as permanent (wechat.md 3.5, last line).
const UNKNOWN_RETRIES: u32 = 2;

/// 40003 was seen for followers who do exist (WxJava#710): one delayed retry.
const DOUBTFUL_RETRIES: u32 = 1;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Which.
    pub call: Call,
    /// Why.
    pub cause: Cause,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The platform answered with an error code.
    Refused {
        /// `errcode`
        code: i64,
        /// `errmsg`, with everything taken out that looks like an identifier or a secret.
        said: String,
        /// The request's id at WeChat; its support asks for it.
        rid: Option<String>,
    },
    /// No answer.
    Transport(TransportError),
    /// An HTTP status other than success and no error code: some machine in between.
    Http {
        /// The status.
        status: u16,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// An answer that is not what the call gives.
    Unreadable(&'static str),
    /// A file that the call cannot carry.
    Unfit(&'static str),
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    /// A sentence with cause and remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call.as_str();
        match &self.cause {
            Cause::Refused { code, said, rid } => {
                let meaning = look_up(*code).map_or("an unknown error", |line| line.meaning);
                write!(f, "WeChat refused {call}: {meaning} ({code}")?;
                if self.sense().is_some_and(says_more) && !said.is_empty() {
                    write!(f, ", “{said}”")?;
                }
                write!(f, "); {}", self.remedy())?;
                rid.iter().try_for_each(|rid| write!(f, " [rid {rid}]"))
            }
            Cause::Transport(fault) => write!(
                f,
                "WeChat did not answer {call}: {fault}; check the network, [outbound] and api_url"
            ),
            Cause::Http { status, .. } if self.call.is_elsewhere() => {
                write!(
                    f,
                    "{call} got HTTP {status}; WeChat is asked anew where it is"
                )
            }
            Cause::Http { status, .. } => write!(
                f,
                "{call} got HTTP {status} without an error code, which WeChat itself never answers; \
                 check api_url and the proxies in between"
            ),
            Cause::Unreadable(what) => write!(
                f,
                "the answer to {call} is {what}; check api_url and the proxies in between"
            ),
            Cause::Unfit(what) => write!(f, "{call} cannot be: the file is {what}"),
        }
    }
}

impl Error {
    /// Reads `errmsg`: keeps its words, its rid, and nothing that could be a secret or a person.
    pub(super) fn refused(call: Call, code: i64, errmsg: &str) -> Self {
        let (words, rid) = match errmsg.split_once("rid:") {
            Some((words, rid)) => (words, rid.split_whitespace().next().map(str::to_owned)),
            None => (errmsg, None),
        };
        let words = words.split("hint:").next().unwrap_or_default().trim();
        let cause = Cause::Refused {
            code,
            said: redacted(words),
            rid: rid.filter(|rid| is_rid(rid)),
        };
        Self { call, cause }
    }

    /// What the platform's code comes down to; `None` when the platform gave none.
    ///
    /// On the token's own endpoint 40001 and its like speak of the secret, not of a token.
    pub fn sense(&self) -> Option<Sense> {
        let Cause::Refused { code, .. } = &self.cause else {
            return None;
        };
        let sense = look_up(*code).map_or(Sense::Unknown, |line| line.sense);
        match sense {
            Sense::TokenRefused if self.call == Call::FetchToken => {
                look_up(INVALID_SECRET).map(|line| line.sense)
            }
            sense => Some(sense),
        }
    }

    /// What the engine is told. `attempts` counts the tries of this effect, this one included, and
    /// `now` is needed for quotas that end at midnight.
    pub fn failure(&self, now: Timestamp, attempts: u32) -> Failure {
        let given_up = self.retries().is_some_and(|retries| attempts > retries);
        Failure {
            verdict: if given_up {
                Verdict::Permanent
            } else {
                self.verdict()
            },
            message: self.to_string(),
            retry_after: self.retry_after(now),
            pause: self.pause(),
        }
    }

    /// How many retries are worth while; `None` for what the verdict alone decides.
    fn retries(&self) -> Option<u32> {
        match (&self.cause, self.sense()) {
            (_, Some(Sense::Unknown)) => Some(UNKNOWN_RETRIES),
            (_, Some(Sense::Doubtful)) => Some(DOUBTFUL_RETRIES),
            (Cause::Http { status, .. }, _)
                if faults_content(*status) && !self.call.is_elsewhere() =>
            {
                Some(UNKNOWN_RETRIES)
            }
            _ => None,
        }
    }

    fn verdict(&self) -> Verdict {
        let unless_sent = if self.call.sends() {
            Verdict::Uncertain
        } else {
            Verdict::Transient
        };
        match &self.cause {
            Cause::Refused { .. } => self.refused_verdict(unless_sent),
            Cause::Transport(TransportError::NotSent(_)) => Verdict::Transient,
            Cause::Unfit(_) => Verdict::Permanent,
            Cause::Http { .. } if self.call.is_elsewhere() => Verdict::Transient,
            Cause::Http { status: 429, .. } => Verdict::Throttled,
            Cause::Http {
                status: 401 | 403, ..
            } => Verdict::Auth,
            Cause::Http { status, .. } if faults_content(*status) || is_in_the_way(*status) => {
                Verdict::Transient
            }
            Cause::Transport(_) | Cause::Http { .. } | Cause::Unreadable(_) => unless_sent,
        }
    }

    fn refused_verdict(&self, unless_sent: Verdict) -> Verdict {
        match self.sense().unwrap_or(Sense::Unknown) {
            Sense::Busy => unless_sent,
            Sense::TokenRefused | Sense::Account(_) => Verdict::Auth,
            Sense::WindowClosed | Sense::CountUsed => Verdict::Window,
            // Held, and delivered as the reply to the follower's next message (design.md 4).
            Sense::MayNotCall if self.call.is_custom() => Verdict::Window,
            Sense::DailyQuota | Sense::MinuteQuota | Sense::TooOften => Verdict::Throttled,
            Sense::Unknown | Sense::Doubtful => Verdict::Transient,
            Sense::MayNotCall
            | Sense::NotFollowing
            | Sense::Unreachable
            | Sense::MediaGone
            | Sense::NoMenu
            | Sense::TooLong
            | Sense::LoginAgain
            | Sense::Wrong => Verdict::Permanent,
        }
    }

    fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        match (self.sense(), &self.cause) {
            (Some(Sense::DailyQuota), _) => Some(until_beijing_midnight(now)),
            (Some(Sense::MinuteQuota), _) => Some(A_MINUTE),
            (Some(Sense::TooOften), _) => Some(AN_HOUR),
            (_, Cause::Http { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }

    fn pause(&self) -> Option<Pause> {
        if self.call.is_elsewhere() {
            return None;
        }
        let (reason, probe_after) = match (self.sense(), &self.cause) {
            (Some(Sense::Account(trouble)), _) => (trouble.reason, trouble.probe_after),
            (_, Cause::Transport(TransportError::NotSent(_))) => ("unreachable", A_MINUTE),
            (
                _,
                Cause::Http {
                    status: 401 | 403, ..
                },
            ) => ("unauthorized", A_MINUTE),
            (
                _,
                Cause::Http {
                    status,
                    retry_after,
                },
            ) if is_in_the_way(*status) => {
                ("unavailable", retry_after.unwrap_or(A_MINUTE).max(A_MINUTE))
            }
            _ => return None,
        };
        Some(Pause {
            reason,
            probe_after,
            backs_off: false,
        })
    }

    fn remedy(&self) -> &'static str {
        match self.sense().unwrap_or(Sense::Unknown) {
            Sense::Account(trouble) => trouble.remedy,
            Sense::Busy => "this passes by itself",
            Sense::TokenRefused => "another one is fetched",
            Sense::MayNotCall => "verify the account, or see its permissions in the WeChat console",
            Sense::WindowClosed | Sense::CountUsed => {
                "the follower's next message opens it again; a template message needs no window"
            }
            Sense::NotFollowing | Sense::Unreachable | Sense::Doubtful => {
                "tell them by another way"
            }
            Sense::MediaGone => {
                "it lives for three days; what is to be sent can be uploaded once more"
            }
            Sense::NoMenu => "`qiao menu apply` makes one",
            Sense::TooLong => "shorten it",
            Sense::DailyQuota => "it continues at midnight in Beijing, or after clear_quota",
            Sense::MinuteQuota | Sense::TooOften => "it continues after a wait",
            Sense::LoginAgain => "let the person log in again",
            Sense::Wrong => "correct the configuration, or report it as a fault of Qiao",
            Sense::Unknown => "look the code up in WeChat's documentation",
        }
    }
}

/// Whether the platform's own words name what the table cannot: the address, the field.
fn says_more(sense: Sense) -> bool {
    matches!(sense, Sense::Account(_) | Sense::Wrong | Sense::Unknown)
}

/// invalid appsecret
const INVALID_SECRET: i64 = 40125;

/// Whether it has the form of a request's id, `8hex-8hex-8hex`. What has another may be anything: an
/// OpenID, or a secret, which has 32 hex digits.
fn is_rid(text: &str) -> bool {
    text.len() < 32 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// An OpenID has 28 characters, a secret 32, a token over 100; an appid has 18.
const MAX_WORD: usize = 19;

/// Longest `errmsg` that is kept.
const MAX_SAID: usize = 120;

/// The text without its long words, which may be OpenIDs, tokens or secrets.
fn redacted(text: &str) -> String {
    let is_part_of_id = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if is_part_of_id(first) {
            rest.find(|c| !is_part_of_id(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, tail) = rest.split_at(end);
        out.push_str(if word.len() > MAX_WORD { "…" } else { word });
        rest = tail;
    }
    out.chars()
        .filter(|c| !c.is_control())
        .take(MAX_SAID)
        .collect()
}

/// A machine in between refused this very request; another may pass.
fn faults_content(status: u16) -> bool {
    matches!(status, 400 | 413 | 414 | 431)
}

/// A machine in between answered instead of WeChat: a redirection, a proxy's login, a wrong path, a
/// maintenance page. Nothing had an effect, and nothing else will get through either.
/// 408 is a time-out like any other.
fn is_in_the_way(status: u16) -> bool {
    let refused = (300..500).contains(&status) && !matches!(status, 408 | 429);
    status == 503 || refused && !faults_content(status)
}

/// How long until the next midnight in Beijing, at least a second.
pub fn until_beijing_midnight(now: Timestamp) -> Duration {
    let day = SignedDuration::from_hours(24).as_secs();
    let local = now.as_second() + i64::from(BEIJING.seconds());
    let left = day - local.rem_euclid(day);
    Duration::from_secs(left.unsigned_abs())
}

#[cfg(test)]
mod tests;
