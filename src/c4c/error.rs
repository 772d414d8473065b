//! What can go wrong with a call to C4C, and what it means for the effect that needed it.
//!
//! Start at `Kind::of_answer`, the table from HTTP to kinds, and [`Error::failure`], the table
//! from kinds to verdicts. No text here holds a password, a cookie, a body or a whole OpenID.

use std::time::Duration;

use super::attachment::MAX_FILE;
use super::metadata::Fault as MetadataFault;
use super::odata::error_body::{Cause, mentions};
use super::odata::filter::FilterError;
use super::odata::json::ShapeError;
use crate::domain::ids::TenantId;
use crate::domain::verdict::{Failure, Pause, Verdict};
use crate::kit::retry_after;
use crate::kit::transport::{Response, TransportError};

/// How long a tenant that refuses our credentials is left alone: C4C locks a user after a few
/// wrong passwords, and its lock opens by itself only after a while.
const AUTH_PROBE: Duration = Duration::from_mins(15);

/// The shortest time before an unreachable or busy tenant is probed: it is overloaded already.
const OUTAGE_PROBE: Duration = Duration::from_mins(1);

/// What a call may have left behind in C4C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it only reads, and may be repeated at will.
    Read,
    /// A new or changed object.
    Write,
}

/// A failed call to one tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("C4C `{tenant}`: {kind}")]
pub struct Error {
    /// Which tenant.
    pub tenant: TenantId,
    /// What happened.
    pub kind: Kind,
}

/// What happened. `cause` is C4C's own message, one bounded line with our values masked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Kind {
    /// 401.
    #[error(
        "the user or its password is refused (401); check username and password and that the user is not locked"
    )]
    Unauthorized,
    /// 403 for want of rights.
    #[error(
        "the user lacks the right (403): {cause}; allow the service for it in the communication arrangement or its business role"
    )]
    Forbidden {
        /// C4C's message.
        cause: String,
    },
    /// 403 because of the CSRF token, even after a fresh one (c4c.md 1.3).
    #[error(
        "the CSRF token is refused (403); set csrf = \"auto\", and let a proxy on the way pass cookies and x-csrf-token"
    )]
    Csrf,
    /// A redirect: to a log-in, or to another host, where our credentials must not go.
    #[error(
        "it redirects ({status}) instead of answering; check the url and that the user may use Basic authentication"
    )]
    Redirected {
        /// 3xx.
        status: u16,
    },
    /// 404.
    #[error("there is no such object or entity set (404): {cause}; check service, set and key")]
    NotFound {
        /// C4C's message.
        cause: String,
    },
    /// 409, or "locked" at nearly any status: somebody else is writing the object (c4c.md 1.8).
    #[error("the object is locked by another change ({status}): {cause}; trying again helps")]
    Locked {
        /// HTTP status.
        status: u16,
        /// C4C's message.
        cause: String,
    },
    /// 412: the object has changed since its ETag was read.
    #[error("the object was changed meanwhile (412); read it again before changing it")]
    Conflict,
    /// 428: the tenant demands If-Match.
    #[error("a change needs the object's ETag (428); read the object first")]
    EtagRequired,
    /// 429.
    #[error("too many calls (429); lower max_calls or the other interfaces' load")]
    Throttled {
        /// The wait it asks for.
        retry_after: Option<Duration>,
    },
    /// 503.
    #[error(
        "out of service (503): {cause}; maintenance or overload, it is probed until it is back"
    )]
    Unavailable {
        /// C4C's message.
        cause: String,
        /// The wait it asks for.
        retry_after: Option<Duration>,
    },
    /// 408 or any other 5xx.
    #[error("it failed ({status}): {cause}; if it stays so, ask the administrator of the tenant")]
    Broken {
        /// HTTP status.
        status: u16,
        /// C4C's message.
        cause: String,
        /// What the call may have left behind.
        effect: Effect,
    },
    /// 400 and all other refusals.
    #[error("refused ({status}): {cause}; correct what is sent")]
    Refused {
        /// HTTP status.
        status: u16,
        /// C4C's message.
        cause: String,
    },
    /// A page for people where data should be.
    #[error(
        "answered with {cause} instead of data ({status}): a log-in, maintenance, or a wrong url"
    )]
    HtmlPage {
        /// HTTP status.
        status: u16,
        /// The page's title.
        cause: String,
    },
    /// No connection: nothing was sent.
    #[error("cannot be reached: {reason}; check url, network and proxy")]
    Unreachable {
        /// The transport's reason.
        reason: String,
    },
    /// The request left, no answer came.
    #[error("no answer came back: {reason}")]
    Lost {
        /// The transport's reason.
        reason: String,
        /// What the call may have left behind.
        effect: Effect,
    },
    /// The answer is longer than [`crate::kit::transport::MAX_RESPONSE`].
    #[error("the answer is too large to be read")]
    TooLarge {
        /// What the call may have left behind.
        effect: Effect,
    },
    /// The answer to a read is not OData.
    #[error("the answer cannot be read: {0}; check that service is an OData V2 service of C4C")]
    Malformed(#[from] ShapeError),
    /// What it says of a service cannot be read.
    #[error("{0}; check that the path is that of an OData V2 service of C4C")]
    Metadata(MetadataFault),
    /// An object lacks what all of its kind have.
    #[error("an object came without a usable {0}; check that service is one of C4C")]
    Incomplete(&'static str),
    /// It was created, but its keys could not be read.
    #[error("it was created, but what it became could not be read: {reason}; look it up")]
    CreatedUnread {
        /// Why not.
        reason: String,
    },
    /// What is searched for cannot be written as a filter.
    #[error("{0}")]
    Filter(#[from] FilterError),
    /// No configured look-up can be filtered by, so a second customer could not be prevented.
    #[error(
        "no look-up is filterable; mark the WeChat ID filterable in the custom OData service, or name a filterable property in lookup"
    )]
    NoLookup,
    /// What must be found before it is created again cannot be searched for.
    #[error("{property} cannot be filtered by; let the administrator make it filterable")]
    Unfilterable {
        /// The property.
        property: String,
    },
    /// A file is longer than [`crate::c4c::attachment::MAX_FILE`].
    #[error("the file is larger than {MAX_FILE} bytes; it is not moved")]
    FileTooLarge,
    /// The custom service has no row for this customer, so there is no place for the WeChat ID.
    #[error("the custom service has no row for this customer; check set and parent of wechat_id")]
    NoRow,
    /// A next link leads to another host; the credentials must not go there.
    #[error("a next link leads away from the tenant's own address; check the url of the tenant")]
    ForeignLink,
    /// A resumed sweep hands in a page that this client never gave out.
    #[error("the saved page is not one; start the sweep again")]
    BadCursor,
    /// A list that should be short goes on and on: the filter seems to be ignored.
    #[error("a short list brings page after page; the filter seems to be ignored")]
    TooManyPages,
}

impl Kind {
    /// Judges an answer that is no success.
    pub(super) fn of_answer(response: &Response, effect: Effect, sent: &[String]) -> Self {
        let said = Cause::of(&response.body);
        let cause = said.told(sent);
        let retry_after = retry_after::of(response);
        let status = response.status;
        match status {
            300..=399 => Self::Redirected { status },
            401 => Self::Unauthorized,
            429 => Self::Throttled { retry_after },
            503 => Self::Unavailable { cause, retry_after },
            403 if refuses_csrf(response) => Self::Csrf,
            _ if tells_of_a_lock(status, &said) => Self::Locked { status, cause },
            403 => Self::Forbidden { cause },
            412 => Self::Conflict,
            428 => Self::EtagRequired,
            408 | 500..=599 => Self::Broken {
                status,
                cause,
                effect,
            },
            _ if said.is_page() => Self::HtmlPage { status, cause },
            404 => Self::NotFound { cause },
            _ => Self::Refused { status, cause },
        }
    }

    /// Judges the want of an answer.
    pub(super) fn of_transport(error: TransportError, effect: Effect) -> Self {
        match error {
            TransportError::NotSent(reason) => Self::Unreachable { reason },
            TransportError::Lost(reason) => Self::Lost { reason, effect },
            TransportError::TooLarge => Self::TooLarge { effect },
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Self::Unauthorized | Self::Forbidden { .. } | Self::Csrf | Self::Redirected { .. } => {
                Verdict::Auth
            }
            Self::Throttled { .. } => Verdict::Throttled,
            Self::Locked { .. }
            | Self::Conflict
            | Self::Unavailable { .. }
            | Self::HtmlPage { .. }
            | Self::Unreachable { .. }
            | Self::Malformed(_) => Verdict::Transient,
            // C4C has no idempotency key, and nothing says on which side of its commit a 500 or
            // a gateway's 502 fell (c4c.md 1.11, 7.10). A look-up is cheap, a second customer is
            // not. A 503 in contrast is said before the work is begun.
            Self::Broken { effect, .. } | Self::Lost { effect, .. } => match effect {
                Effect::Read => Verdict::Transient,
                Effect::Write => Verdict::Uncertain,
            },
            Self::TooLarge {
                effect: Effect::Write,
            }
            | Self::CreatedUnread { .. } => Verdict::Uncertain,
            Self::TooLarge {
                effect: Effect::Read,
            }
            | Self::NotFound { .. }
            | Self::EtagRequired
            | Self::Refused { .. }
            | Self::Metadata(_)
            | Self::Incomplete(_)
            | Self::Filter(_)
            | Self::NoLookup
            | Self::Unfilterable { .. }
            | Self::FileTooLarge
            | Self::NoRow
            | Self::ForeignLink
            | Self::BadCursor
            | Self::TooManyPages => Verdict::Permanent,
        }
    }

    /// The trouble is the whole tenant's: its gate closes.
    fn pause(&self) -> Option<Pause> {
        let (reason, probe_after) = match self {
            Self::Unauthorized => ("unauthorized", AUTH_PROBE),
            Self::Forbidden { .. } => ("forbidden", AUTH_PROBE),
            Self::Csrf => ("csrf_refused", AUTH_PROBE),
            Self::Redirected { .. } => ("redirected", AUTH_PROBE),
            Self::Unreachable { .. } => ("unreachable", OUTAGE_PROBE),
            Self::Unavailable { retry_after, .. } => (
                "unavailable",
                retry_after.unwrap_or_default().max(OUTAGE_PROBE),
            ),
            _ => return None,
        };
        Some(Pause {
            reason,
            probe_after,
            backs_off: matches!(self, Self::Unauthorized),
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Error {
    /// What the outbox needs to decide.
    pub fn failure(&self) -> Failure {
        Failure {
            verdict: self.kind.verdict(),
            message: self.to_string(),
            retry_after: self.kind.retry_after(),
            pause: self.kind.pause(),
        }
    }
}

/// Whether a 403 is about the CSRF token and not about rights (c4c.md 1.3).
pub(super) fn refuses_csrf(response: &Response) -> bool {
    let required = response
        .header("x-csrf-token")
        .is_some_and(|value| value.eq_ignore_ascii_case("required"));
    response.status == 403 && (required || mentions(&response.body, "csrf"))
}

/// A 403 may also speak of a locked *user*, which no waiting opens.
fn tells_of_a_lock(status: u16, said: &Cause) -> bool {
    status == 409 || (said.says("locked") && (status != 403 || said.says("record")))
}
