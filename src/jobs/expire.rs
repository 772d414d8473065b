//! `expire`: what waits or is held past its `expires_at` is given up.

use super::Job;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;

pub(super) struct Expire(pub(super) Context);

impl Job for Expire {
    fn name(&self) -> &'static str {
        "expire"
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let given_up = self
                .0
                .store
                .expire()
                .await
                .map_err(|fault| fault.to_string())?;
            Ok(format!("{given_up} effects given up"))
        })
    }
}
