//! `expire`: what waits or is held past its `expires_at` is given up.

use super::Job;
use crate::effects::Context;
use crate::flows::reply::Delivery;
use crate::kit::transport::BoxFuture;
use crate::store::StoreError;

/// Given up in one commit: after a long outage there may be many, and pushes wait for commits.
const PAGE: u32 = 500;

pub(super) struct Expire(pub(super) Context);

impl Job for Expire {
    fn name(&self) -> &'static str {
        "expire"
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let given_up = self.everything().await.map_err(|fault| fault.to_string())?;
            Ok(format!("{given_up} effects given up"))
        })
    }
}

impl Expire {
    async fn everything(&self) -> Result<u64, StoreError> {
        let Context { store, clock, .. } = &self.0;
        let mut given_up = 0;
        loop {
            let page = store.expiring(clock.now(), PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            let mut expired = Vec::with_capacity(page.len());
            for waiting in page {
                let told = self.0.told_of_waiting(&waiting, Delivery::Expired).await;
                expired.push((waiting.id, told));
            }
            given_up += store.expire(expired).await?;
            if is_last {
                return Ok(given_up);
            }
        }
    }
}
