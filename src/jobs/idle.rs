//! `idle`: conversations in which nobody says anything any more have ended.

use jiff::Timestamp;

use super::Job;
use crate::domain::rows::{Changes, ConversationChange};
use crate::effects::Context;
use crate::flows::conversation;
use crate::kit::transport::BoxFuture;
use crate::store::StoreError;

/// Conversations that one commit ends: after a night without a daemon there may be many.
const PAGE: u32 = 500;

pub(super) struct Idle(pub(super) Context);

impl Job for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn is_idle(&self) -> BoxFuture<'_, bool> {
        // A fault is for the run to tell.
        Box::pin(async { self.silent(1).await.is_ok_and(|ends| ends.is_empty()) })
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move {
            let ended = self.end_silent().await;
            let ended = ended.map_err(|fault| fault.to_string())?;
            Ok(format!("{ended} conversations ended"))
        })
    }
}

impl Idle {
    async fn end_silent(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let conversations = self.silent(PAGE).await?;
            if conversations.is_empty() {
                return Ok(count);
            }
            count += conversations.len();
            let changes = Changes {
                conversations,
                ..Changes::none()
            };
            self.0.store.write(changes).await?;
        }
    }

    /// The ends of some that are silent, at most so many an account.
    async fn silent(&self, limit: u32) -> Result<Vec<ConversationChange>, StoreError> {
        let live = self.0.live();
        let now = self.0.clock.now();
        let mut ends = Vec::new();
        for (id, account) in &live.config.wechat {
            let rules = &account.conversation;
            let since = now.saturating_sub(rules.idle).unwrap_or(Timestamp::MIN);
            let silent = self.0.store.idle_conversations(id, since, limit).await?;
            ends.extend(
                silent
                    .iter()
                    .filter_map(|conversation| conversation::silent(conversation, now, rules)),
            );
        }
        Ok(ends)
    }
}
