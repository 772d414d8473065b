//! `integrity`: damage in the database is found before it is needed.

use super::Job;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;

pub(super) struct Integrity(pub(super) Context);

impl Job for Integrity {
    fn name(&self) -> &'static str {
        "integrity"
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let damage = self.0.store.damage().await;
            let damage = damage.map_err(|fault| fault.to_string())?;
            if damage.is_empty() {
                return Ok("the database is sound".to_owned());
            }
            Err(format!(
                "the database is damaged; stop qiao and restore a backup: {}",
                damage.join("; ")
            ))
        })
    }
}
