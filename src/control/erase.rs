//! `person erase`: ordered, done by the job `erase`, and certified.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Controls, Refused};
use crate::domain::rows::Follower;
use crate::flows::privacy;
use crate::jobs::{ERASE, NotRun};
use crate::store::Act;

/// Looks at how far it is: what is under way for a person ends within seconds most often.
const LOOKS: u32 = 40;

/// Between two looks, if nothing has been written meanwhile.
const PAUSE: Duration = Duration::from_millis(250);

impl Controls {
    /// Orders the erasure and waits a while for its end. What is under way for the person ends first; if
    /// that takes longer, the daemon erases them then.
    pub(super) async fn erase(
        &self,
        follower: Follower,
        obsolete_customer: bool,
        act: Act,
    ) -> Result<Value, Refused> {
        let store = &self.context.store;
        if !store.is_known(&follower).await? {
            return Err(Refused(format!(
                "nothing is known of this OpenID at account `{}`; `qiao mapping list` shows who is",
                follower.account
            )));
        }
        if obsolete_customer {
            self.refuse_shared(&follower).await?;
        }
        let now = self.context.clock.now();
        let order = privacy::ordered(&follower, obsolete_customer, now);
        let id = store.on_behalf(act).order_erasure(order).await?;
        for _ in 0..LOOKS {
            let mut wake = store.wake();
            match self.timetable.run(ERASE).await {
                Ok(_) | Err(NotRun::Running(_)) => {}
                Err(fault) => return Err(Refused(fault.to_string())),
            }
            let erasure = store.erasure(id).await?;
            if let Some((certificate, sha256)) = erasure.and_then(|it| it.certificate) {
                let certificate: Value = serde_json::from_str(&certificate).unwrap_or_default();
                return Ok(json!({
                    "erasure": id.to_string(), "certificate": certificate, "sha256": sha256,
                }));
            }
            let _ = tokio::time::timeout(PAUSE, wake.changed()).await;
        }
        Ok(json!({ "erasure": id.to_string(), "certificate": null }))
    }

    /// A customer for whom somebody else stands, too, is not taken out of use.
    async fn refuse_shared(&self, follower: &Follower) -> Result<(), Refused> {
        let store = &self.context.store;
        let mapping = store.mapping(follower).await?;
        let customer = mapping.and_then(|m| Some((m.tenant, m.customer?.0)));
        let Some((tenant, object)) = customer else {
            return Ok(());
        };
        let all = store.mappings_of(&tenant, &object).await?;
        match all.iter().find(|other| other.follower != *follower) {
            Some(other) => Err(Refused(format!(
                "the customer stands for a follower of account `{}`, too; erase without \
                 --obsolete-customer, or erase that one first",
                other.follower.account
            ))),
            None => Ok(()),
        }
    }
}
