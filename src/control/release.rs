//! `duplicates release`.

use serde_json::{Value, json};

use super::{Controls, Refused};
use crate::domain::ids::AccountId;
use crate::domain::rows::Changes;
use crate::store::Act;
use crate::wechat::push::Push;

impl Controls {
    /// Treats a suppressed push as one of its own: everything but the answer, for which nobody
    /// waits any more.
    pub(super) async fn release(&self, id: i64, act: Act) -> Result<Value, Refused> {
        let duplicate = self.context.store.duplicate(id).await?.ok_or_else(|| {
            Refused(format!(
                "push {id} is no duplicate; `qiao duplicates list` shows them"
            ))
        })?;
        let body = duplicate
            .body
            .ok_or_else(|| Refused(format!("the body of push {id} has been deleted")))?;
        let changes = self
            .released(&AccountId::new(duplicate.remote), &body)
            .await?;
        let act = Act {
            before: Some(duplicate.state),
            after: Some("released".to_owned()),
            ..act
        };
        let store = self.context.store.on_behalf(act);
        if store.release(id, changes).await? {
            Ok(json!({ "id": id.to_string(), "state": "released" }))
        } else {
            Err(Refused(format!("push {id} was released before")))
        }
    }

    async fn released(&self, account: &AccountId, body: &str) -> Result<Changes, Refused> {
        let Ok(push) = Push::parse(body) else {
            return Err(Refused("only pushes of WeChat can be released".to_owned()));
        };
        let live = self.context.live();
        let arrival = self
            .context
            .arrival(&live, account, &push, &body.into())
            .await?;
        Ok(arrival.changes)
    }
}
