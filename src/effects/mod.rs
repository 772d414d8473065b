//! What each outbox effect does: the thin edge between flows, store and the platforms.
//!
//! A handler reads what its flow needs, makes the calls, and returns what the flow decided. It
//! decides nothing itself and opens no transaction. Start reading at [`register`].

mod acted;
mod arrival;
pub mod context;
mod ensure;
mod hook;
mod reread;
mod resume;
mod send;
mod sweep;
pub mod tokens;

use std::collections::HashMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use context::{Context, Live};
pub use sweep::StalePage;

use crate::domain::verdict::{Failure, Verdict};
use crate::flows::names;
use crate::outbox::{Handler, Outcome};
use crate::store::{Job, StoreError};

/// Every effect and its handler.
pub fn register(context: &Context) -> HashMap<&'static str, Arc<dyn Handler>> {
    let mut handlers: HashMap<&'static str, Arc<dyn Handler>> = HashMap::new();
    handlers.insert(
        names::FOLLOWER_ACTED,
        Arc::new(acted::FollowerActed(context.clone())),
    );
    handlers.insert(
        names::CUSTOMER_ENSURE,
        Arc::new(ensure::CustomerEnsure(context.clone())),
    );
    handlers.insert(
        names::CUSTOMER_REREAD,
        Arc::new(reread::CustomerReread(context.clone())),
    );
    handlers.insert(names::CUSTOMER_RESUME, Arc::new(resume::CustomerResume));
    handlers.insert(
        names::CUSTOMER_SWEEP,
        Arc::new(sweep::CustomerSweep(context.clone())),
    );
    handlers.insert(
        names::WECHAT_SEND,
        Arc::new(send::WechatSend(context.clone())),
    );
    handlers.insert(names::HOOK_ASK, Arc::new(hook::HookAsk(context.clone())));
    handlers
}

/// Reads a payload that a flow of this binary, or of an older one, wrote.
fn payload<T: DeserializeOwned>(job: &Job) -> Result<T, Box<Outcome>> {
    serde_json::from_value(job.payload.clone()).map_err(|fault| {
        let message = format!("the payload cannot be read ({fault}); was it edited by hand?");
        Box::new(Outcome::failed(Failure::new(Verdict::Permanent, message)))
    })
}

/// The configuration no longer knows an account or tenant that a row speaks of.
fn unconfigured(what: &str) -> Box<Outcome> {
    let message = format!("{what} is not in the configuration any more; add it again, or cancel");
    Box::new(Outcome::failed(Failure::new(Verdict::Transient, message)))
}

/// The database cannot be read: it will pass.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(fault: StoreError) -> Box<Outcome> {
    Box::new(Outcome::failed(Failure::new(
        Verdict::Transient,
        fault.to_string(),
    )))
}

/// Handlers end early with `?`; both ways out are outcomes.
fn either(result: Result<Outcome, Box<Outcome>>) -> Outcome {
    result.unwrap_or_else(|outcome| *outcome)
}
