//! `retention`: what is older than `[retention]` allows is deleted, a page a commit.
//!
//! What may go is the store's to say: nothing that is open, waits, is held or dead.

use jiff::{SignedDuration, Timestamp};

use super::Job;
use crate::effects::Context;
use crate::kit::transport::BoxFuture;
use crate::store::{Kept, StoreError};

/// Pages of one kind that one run looks at: half a million rows. The first run over years of history
/// ends before people come to work; what is left goes in the next nights.
const MOST_PAGES: u32 = 2000;

pub(super) struct Retention(pub(super) Context);

impl Job for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let mut told = Vec::new();
            for (kind, name, kept) in self.kinds() {
                let Some(kept) = kept else { continue };
                let gone = self.delete(kind, kept).await;
                let gone = gone.map_err(|fault| fault.to_string())?;
                told.push(format!("{gone} {name}"));
            }
            if told.is_empty() {
                return Ok("everything is kept for ever".to_owned());
            }
            Ok(format!("{} deleted", told.join(", ")))
        })
    }
}

impl Retention {
    /// In this order: a conversation goes after its messages, and a push after what it led to.
    fn kinds(&self) -> [(Kept, &'static str, Option<SignedDuration>); 9] {
        let days = self.0.live().config.retention;
        [
            (Kept::Messages, "messages", days.messages),
            (Kept::Conversations, "conversations", days.messages),
            (Kept::Events, "events of conversations", days.messages),
            (Kept::Locations, "locations", days.locations),
            (Kept::Scans, "scans of QR codes", days.messages),
            (Kept::Effects, "settled effects", days.attempts),
            (Kept::Inbox, "pushes and notifications", days.inbox),
            (Kept::Findings, "findings", days.findings),
            (Kept::Runs, "runs of jobs", days.job_runs),
        ]
    }

    async fn delete(&self, kind: Kept, kept: SignedDuration) -> Result<u64, StoreError> {
        let now = self.0.clock.now();
        let before = now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
        let (mut gone, mut after) = (0, 0);
        for _ in 0..MOST_PAGES {
            let page = self.0.store.delete_older(kind, before, after).await?;
            gone += page.gone;
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        Ok(gone)
    }
}
