//! `index`: what was said becomes findable by its words, after it was answered.

use super::Job;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;

/// Messages of one commit: pushes wait for it, some milliseconds.
const BATCH: u32 = 250;

/// Batches of one run. A thousand messages a second is more than people write; an old database
/// that has no index yet gets it in hours, and a stop of the daemon waits for one run at most.
const MOST_BATCHES: u32 = 20;

pub(super) struct Index(pub(super) Context);

impl Job for Index {
    fn name(&self) -> &'static str {
        "index"
    }

    fn is_idle(&self) -> BoxFuture<'_, bool> {
        // If that cannot be read, the run fails and says why.
        Box::pin(async move { matches!(self.0.store.unindexed().await, Ok(0)) })
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let store = &self.0.store;
            let mut indexed = 0;
            for _ in 0..MOST_BATCHES {
                if store.is_pressed() {
                    break;
                }
                let taken = store.index_messages(BATCH).await;
                let taken = taken.map_err(|fault| fault.to_string())?;
                indexed += taken;
                if taken < u64::from(BATCH) {
                    break;
                }
            }
            Ok(format!("{indexed} messages made findable"))
        })
    }
}
