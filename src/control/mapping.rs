//! `mapping link`, `mapping unlink`, and the parts of `mapping import`.

use serde_json::{Value, json};

use super::{Controls, Refused};
use crate::c4c::pace::Pace;
use crate::domain::rows::{Changes, Follower, MappingState};
use crate::flows::link::{self, Chosen, Link, Step, UNLINKED};
use crate::flows::mapping_file::{Entry, Known, Line};
use crate::store::Act;

/// Lines of one order: at their longest they stay below the 2 MiB that the socket takes, and their commit keeps
/// no push waiting for long.
pub const MAX_LINES: usize = 500;

impl Controls {
    /// Queues the link. C4C is asked first, so that whoever mistyped a number hears of it; the effect asks again.
    pub(super) async fn link(
        &self,
        follower: Follower,
        chosen: Chosen,
        act: Act,
    ) -> Result<Value, Refused> {
        let mapping = self.known(&follower).await?;
        let live = self.context.live();
        let known = live.account(&follower.account);
        let found =
            known.and_then(|(account, _)| Some((&account.tenant, live.tenant(&account.tenant)?.1)));
        let Some((tenant, client)) = found else {
            return Err(Refused(
                "the account's tenant is not in the configuration".to_owned(),
            ));
        };
        let (object, number) = (chosen.object_id.as_ref(), chosen.customer_id.as_ref());
        let read = client.named(Pace::Live, object, number).await;
        let read = read.map_err(|fault| {
            Refused(format!(
                "C4C could not be asked for the customer: {fault}; try again later"
            ))
        })?;
        let Some(customer) = read.filter(|customer| !customer.obsolete) else {
            return Err(Refused(
                "C4C has no such customer, or they are obsolete there".to_owned(),
            ));
        };
        let customer = (customer.object_id, customer.customer_id);
        let stands =
            mapping.state == MappingState::Linked && mapping.customer.as_ref() == Some(&customer);
        if !stands {
            let link = Link {
                follower,
                chosen: Chosen {
                    object_id: Some(customer.0.clone()),
                    customer_id: Some(customer.1.clone()),
                },
                imported: false,
                by_code: false,
            };
            let changes = Changes {
                effects: vec![link.effect(tenant)],
                ..Changes::none()
            };
            let act = Act {
                before: Some(mapping.state.as_str().to_owned()),
                after: Some("queued".to_owned()),
                ..act
            };
            self.context.store.on_behalf(act).write(changes).await?;
        }
        Ok(json!({ "customer_id": customer.1, "object_id": customer.0, "queued": !stands }))
    }

    pub(super) async fn unlink(&self, follower: Follower, act: Act) -> Result<Value, Refused> {
        let mapping = self.known(&follower).await?;
        let act = Act {
            before: Some(mapping.state.as_str().to_owned()),
            after: Some("no customer".to_owned()),
            ..act
        };
        let store = self.context.store.on_behalf(act);
        if !store.unlink(&follower, UNLINKED).await? {
            return Err(Refused(format!(
                "the follower stands for no customer; the mapping is `{}`",
                mapping.state.as_str()
            )));
        }
        let number = mapping.customer.map(|(_, number)| number);
        Ok(json!({ "customer_id": number }))
    }

    /// Writes a part of a file. The command has checked the whole of it; what changed since then is seen here, and
    /// then nothing of the part is written.
    pub(super) async fn import(&self, lines: &[Line], act: Act) -> Result<Value, Refused> {
        if lines.len() > MAX_LINES {
            return Err(Refused(format!(
                "one order takes {MAX_LINES} lines at most"
            )));
        }
        let live = self.context.live();
        let known = Known {
            accounts: &live.config.wechat,
            now: self.context.clock.now(),
        };
        let entries: Result<Vec<Entry>, String> =
            lines.iter().map(|line| line.entry(&known)).collect();
        let entries = entries.map_err(Refused)?;
        let followers: Vec<&Follower> = entries.iter().map(|entry| &entry.follower).collect();
        let mappings = self.context.store.mappings_of_followers(&followers).await?;
        let mut changes = Changes::none();
        let mut written = 0;
        for entry in &entries {
            let step = link::judge(entry, mappings.get(&entry.follower)).map_err(Refused)?;
            if step == Step::Written {
                changes.extend(link::imported(entry));
                written += 1;
            }
        }
        if written > 0 {
            let act = Act {
                after: Some(format!("written {written}")),
                ..act
            };
            self.context.store.on_behalf(act).write(changes).await?;
        }
        Ok(json!({ "written": written, "unchanged": entries.len() - written }))
    }
}
