//! What each outbox effect does: the thin edge between flows, store and the platforms.
//!
//! A handler reads what its flow needs, makes the calls, and returns what the flow decided. It
//! decides nothing itself and opens no transaction. Start reading at [`register`].

mod acted;
mod adopt;
mod arrival;
mod attach;
mod campaign;
mod change;
pub mod context;
mod ensure;
mod files;
mod hook;
mod identify;
mod link;
mod media;
mod medium;
mod menu;
mod moved;
mod obsolete;
mod pickup;
mod polling;
mod profile;
mod qr;
mod record;
mod rename;
mod reread;
mod resume;
mod route;
mod send;
mod sweep;
mod telling;
mod ticket;
pub mod tokens;
mod typing;
mod withdrawn;

use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use context::{Context, Live};
pub use pickup::KEPT_REJECTED;
pub use sweep::StalePage;

use crate::c4c::{self, pace::Pace};
use crate::config::{Account, Tenant};
use crate::domain::ids::{AccountId, TenantId};
use crate::domain::rows::Priority;
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::names;
use crate::outbox::{Handlers, Outcome};
use crate::store::{Job, StoreError};
use crate::wechat;

/// Every effect and its handler.
pub fn register(context: &Context) -> Handlers {
    let mut handlers = Handlers::default();
    let acted = Arc::new(acted::FollowerActed(context.clone()));
    handlers.local.insert(names::FOLLOWER_ACTED, acted);
    let resume = Arc::new(resume::CustomerResume);
    handlers.local.insert(names::CUSTOMER_RESUME, resume);
    let withdrawn = Arc::new(withdrawn::ConsentWithdrawn(context.clone()));
    handlers.local.insert(names::CONSENT_WITHDRAWN, withdrawn);
    let mut remote = |name, handler| handlers.remote.insert(name, handler);
    let ensure = Arc::new(ensure::CustomerEnsure(context.clone()));
    remote(names::CUSTOMER_ENSURE, ensure);
    let link = Arc::new(link::CustomerLink(context.clone()));
    remote(names::CUSTOMER_LINK, link);
    let reread = Arc::new(reread::CustomerReread(context.clone()));
    remote(names::CUSTOMER_REREAD, reread);
    let rename = Arc::new(rename::CustomerRename(context.clone()));
    remote(names::CUSTOMER_RENAME, rename);
    let change = Arc::new(change::CustomerChange(context.clone()));
    remote(names::CUSTOMER_CHANGE, change);
    let renew = Arc::new(profile::ProfileRenew(context.clone()));
    remote(names::PROFILE_RENEW, renew);
    let campaign = Arc::new(campaign::CustomerCampaign(context.clone()));
    remote(names::CUSTOMER_CAMPAIGN, campaign);
    let adopt = Arc::new(adopt::CustomerAdopt(context.clone()));
    remote(names::CUSTOMER_ADOPT, adopt);
    let identify = Arc::new(identify::CustomerIdentify(context.clone()));
    remote(names::CUSTOMER_IDENTIFY, identify);
    let mover = Arc::new(moved::FollowerMove(context.clone()));
    remote(names::FOLLOWER_MOVE, mover);
    let obsolete = Arc::new(obsolete::CustomerObsolete(context.clone()));
    remote(names::CUSTOMER_OBSOLETE, obsolete);
    let sweep = Arc::new(sweep::CustomerSweep(context.clone()));
    remote(names::CUSTOMER_SWEEP, sweep);
    let record = Arc::new(record::ConversationRecord(context.clone()));
    remote(names::CONVERSATION_RECORD, record);
    let attach = Arc::new(attach::ConversationAttach(context.clone()));
    remote(names::CONVERSATION_ATTACH, attach);
    let fetch = Arc::new(media::MediaFetch(context.clone()));
    remote(names::MEDIA_FETCH, fetch);
    let finder = Arc::new(ticket::TicketFinder(context.clone()));
    remote(names::TICKET_FIND, finder);
    let route = Arc::new(route::ReplyRoute(context.clone()));
    remote(names::REPLY_ROUTE, route);
    let files = Arc::new(files::ReplyFiles(context.clone()));
    remote(names::REPLY_FILES, files);
    let typing = Arc::new(typing::WechatTyping(context.clone()));
    remote(names::WECHAT_TYPING, typing);
    let noter = Arc::new(ticket::TicketNoter(context.clone()));
    remote(names::TICKET_NOTE, noter);
    let assigner = Arc::new(ticket::TicketAssigner(context.clone()));
    remote(names::TICKET_ASSIGN, assigner);
    let qr = Arc::new(qr::QrCreate(context.clone()));
    remote(names::QR_CREATE, qr);
    let reread = Arc::new(pickup::TicketReread(context.clone()));
    remote(names::TICKET_REREAD, reread);
    let reread = Arc::new(pickup::ActivityReread(context.clone()));
    remote(names::ACTIVITY_REREAD, reread);
    let sweep = Arc::new(polling::AnswersSweep(context.clone()));
    remote(names::ANSWERS_SWEEP, sweep);
    let send = Arc::new(send::WechatSend(context.clone()));
    remote(names::WECHAT_SEND, send);
    let menu = Arc::new(menu::MenuApply(context.clone()));
    remote(names::MENU_APPLY, menu);
    let menu = Arc::new(menu::MenuDelete(context.clone()));
    remote(names::MENU_DELETE, menu);
    remote(names::HOOK_ASK, Arc::new(hook::HookAsk(context.clone())));
    handlers
}

/// Reads a payload that a flow of this binary, or of an older one, wrote.
fn payload<T: DeserializeOwned>(job: &Job) -> Result<T, Box<Outcome>> {
    serde_json::from_str(&job.payload).map_err(|fault| {
        let message = format!("the payload cannot be read ({fault}); was it edited by hand?");
        Box::new(Outcome::failed(Failure::new(Verdict::Permanent, message)))
    })
}

impl Live {
    /// The account that a row speaks of, as long as the configuration knows it.
    fn known_account(
        &self,
        id: &AccountId,
    ) -> Result<(&Account, &wechat::client::Client), Box<Outcome>> {
        self.account(id).ok_or_else(|| unconfigured("the account"))
    }

    /// The tenant that a row speaks of, as long as the configuration knows it.
    fn known_tenant(
        &self,
        id: &TenantId,
    ) -> Result<(&Tenant, &Arc<c4c::client::Client>), Box<Outcome>> {
        self.tenant(id).ok_or_else(|| unconfigured("the tenant"))
    }
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

/// How urgent the calls of an effect are.
fn pace(job: &Job) -> Pace {
    match job.priority {
        Priority::Bulk => Pace::Bulk,
        Priority::Live | Priority::Normal => Pace::Live,
    }
}

/// C4C did not do it, or nobody knows.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: c4c::error::Error) -> Box<Outcome> {
    Box::new(Outcome::failed(error.failure()))
}

/// Handlers end early with `?`; both ways out are outcomes.
fn either(result: Result<Outcome, Box<Outcome>>) -> Outcome {
    result.unwrap_or_else(|outcome| *outcome)
}
