//! `token_refresh`: access_tokens are renewed before they expire.

use super::Job;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;

pub(super) struct TokenRefresh(pub(super) Context);

impl Job for TokenRefresh {
    fn name(&self) -> &'static str {
        "token_refresh"
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let mut renewed = 0;
            let mut faults = Vec::new();
            for account in self.0.live().config.wechat.keys() {
                match self.0.refresh_if_due(account).await {
                    Ok(done) => renewed += usize::from(done),
                    Err(failure) => faults.push(format!("{account}: {}", failure.message)),
                }
            }
            if faults.is_empty() {
                Ok(format!("{renewed} access_tokens renewed"))
            } else {
                Err(faults.join("; "))
            }
        })
    }
}
