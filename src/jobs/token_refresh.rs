//! `token_refresh`: access_tokens are renewed before they expire, and the tickets of accounts that have pages.

use super::Job;
use crate::domain::ids::AccountId;
use crate::domain::verdict::Failure;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;

pub(super) struct TokenRefresh(pub(super) Context);

impl Job for TokenRefresh {
    fn name(&self) -> &'static str {
        "token_refresh"
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let live = self.0.live();
            let mut done = Done::default();
            for account in live.config.wechat.keys() {
                done.take(account, self.0.refresh_if_due(account).await);
            }
            let tokens = std::mem::take(&mut done.renewed);
            // Nothing that is sent waits for a ticket, so they come last.
            let with_pages = live.config.wechat.keys().filter(|id| live.has_pages(id));
            for account in with_pages.clone() {
                done.take(account, self.0.refresh_ticket_if_due(account).await);
            }
            if !done.faults.is_empty() {
                return Err(done.faults.join("; "));
            }
            let tickets = match with_pages.count() {
                0 => String::new(),
                _ => format!(", {} jsapi_tickets", done.renewed),
            };
            Ok(format!("{tokens} access_tokens{tickets} renewed"))
        })
    }
}

#[derive(Default)]
struct Done {
    renewed: usize,
    faults: Vec<String>,
}

impl Done {
    fn take(&mut self, account: &AccountId, renewed: Result<bool, Failure>) {
        match renewed {
            Ok(done) => self.renewed += usize::from(done),
            Err(failure) => self.faults.push(format!("{account}: {}", failure.message)),
        }
    }
}
