//! From a verified push to what is committed: reads what the intake flow needs, and asks it.

use std::sync::Arc;

use super::{Context, Live};
use crate::config::Action;
use crate::domain::ids::AccountId;
use crate::domain::rows::Follower;
use crate::flows::sending::HELD_PASSIVE;
use crate::flows::{history, intake, rules};
use crate::store::{Arrival, Dedupe, Source, StoreError};
use crate::wechat::push::Push;

impl Context {
    /// The arrival of a push: what is committed with it and what it is answered.
    pub async fn arrival(
        &self,
        live: &Live,
        id: &AccountId,
        push: &Push,
        xml: &Arc<str>,
    ) -> Result<Arrival, StoreError> {
        let (account, _) = live.account(id).ok_or(StoreError::Closed)?;
        let follower = push.follower().map(|openid| Follower {
            account: id.clone(),
            openid: openid.clone(),
        });
        let rule = rules::first_fitting(account, push);
        let asks_history = rules::action(rule) == Some(Action::Review);
        let lines = match &follower {
            Some(follower) if asks_history => {
                self.store.history(follower, history::MAX_LINES).await?
            }
            _ => Vec::new(),
        };
        let held = match &follower {
            Some(follower) if self.is_passive_only(id) => {
                self.store.held_send(follower, HELD_PASSIVE).await?
            }
            _ => None,
        };
        let known = intake::Known {
            account_id: id,
            account,
            config: &live.config,
            history: &lines,
            held: held.as_ref(),
            rule,
            now: self.clock.now(),
        };
        let decided = intake::decide(push, &known);
        Ok(Arrival {
            source: Source::Wechat,
            remote: id.text(),
            kind: push.kind_word().into(),
            openid: follower.map(|follower| follower.openid),
            object_id: None,
            dedupe: Some(Dedupe {
                key: push.dedupe_key().into(),
                remote: id.text(),
                sender: push.from.text(),
            }),
            body: Arc::clone(xml),
            rejected: None,
            answer: decided.answer,
            sent_at: Some(push.created),
            changes: decided.changes,
        })
    }
}
