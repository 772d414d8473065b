//! What the ticket is told of an agent's answer, whoever finds out what became of it.

use super::Context;
use crate::domain::rows::{Changes, Follower};
use crate::flows::names::WECHAT_SEND;
use crate::flows::reply::{self, Delivery};
use crate::flows::sending::Send;
use crate::store::{StoreError, Waiting};

impl Context {
    /// The note to the ticket of an answer, where there is a ticket and the account wants notes. A ticket
    /// that cannot be told is no reason to fail what became of the answer, so there is no error.
    pub(super) async fn told(
        &self,
        send: &Send,
        message_id: Option<i64>,
        delivery: Delivery,
    ) -> Changes {
        let live = self.live();
        let account = live.account(&send.follower.account);
        let is_wanted = send.is_reply() && (send.more == 0 || delivery.is_of_a_piece());
        let Some((message_id, (account, _))) = message_id.zip(account).filter(|_| is_wanted) else {
            return Changes::none();
        };
        let conversation = match send.conversation {
            Some(id) => self.store.conversation_numbered(id).await,
            None => self.store.conversation_of(&send.follower, message_id).await,
        };
        let conversation = conversation.ok().flatten();
        let note = conversation.and_then(|conversation| {
            reply::told(account, &conversation, &message_id.to_string(), delivery)
        });
        Changes {
            effects: note.into_iter().collect(),
            ..Changes::none()
        }
    }

    /// The same for what waits and is not tried any more.
    pub async fn told_of_waiting(&self, waiting: &Waiting, delivery: Delivery) -> Changes {
        let send = serde_json::from_str(&waiting.payload).ok();
        match send.filter(|_| waiting.effect == WECHAT_SEND) {
            Some(send) => self.told(&send, waiting.message_id, delivery).await,
            None => Changes::none(),
        }
    }

    /// What the tickets of a follower's waiting answers are told when they leave.
    pub(super) async fn told_of_leaving(&self, follower: &Follower) -> Result<Changes, StoreError> {
        let mut changes = Changes::none();
        for waiting in self.store.waiting_in(&follower.send_lane()).await? {
            let told = self.told_of_waiting(&waiting, Delivery::Left).await;
            changes.extend(told);
        }
        Ok(changes)
    }
}
