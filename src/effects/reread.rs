//! `customer.reread`: a customer that may have changed is read again and compared.

use super::{Context, either, payload, unconfigured, unreadable};
use crate::c4c::client::Client;
use crate::c4c::pace::Pace;
use crate::domain::ids::{ObjectId, OpenId, TenantId};
use crate::domain::rows::{Changes, Follower, MappingState, NewEffect, Priority};
use crate::flows::customer;
use crate::flows::notice::{self, Listener};
use crate::flows::refresh::{Reread, reread};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Ahead, Handler, Outcome};
use crate::store::{Job, Mapping};

pub(super) struct CustomerReread(pub(super) Context);

impl Handler for CustomerReread {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.reread(job).await) })
    }

    /// It only reads.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

impl CustomerReread {
    async fn reread(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Reread {
            tenant: id,
            object_id,
        } = payload(job)?;
        let live = self.0.live();
        let (tenant, client) = live.tenant(&id).ok_or_else(|| unconfigured("the tenant"))?;
        let pace = if job.priority == Priority::Bulk {
            Pace::Bulk
        } else {
            Pace::Live
        };
        let read = client.customer(pace, &object_id).await;
        let read = read.map_err(|error| Box::new(Outcome::failed(error.failure())))?;
        let mappings = self
            .0
            .store
            .mappings_of(&id, &object_id)
            .await
            .map_err(unreadable)?;
        let Some(customer) = read.filter(|customer| !customer.obsolete) else {
            return Ok(gone(&mappings));
        };
        if mappings.is_empty() {
            return self.unknown(&id, &object_id, client, pace).await;
        }
        let listeners: Vec<Listener<'_>> = mappings
            .iter()
            .filter(|mapping| mapping.state == MappingState::Linked)
            .filter_map(|mapping| {
                let (account, _) = live.account(&mapping.follower.account)?;
                Some(Listener {
                    follower: &mapping.follower,
                    account,
                })
            })
            .collect();
        let before = self
            .0
            .store
            .snapshot(&id, &object_id)
            .await
            .map_err(unreadable)?;
        let difference = notice::compare(before.as_ref(), &customer, tenant);
        let now = self.0.clock.now();
        let changes = notice::tell(&id, tenant, &customer, &difference, &listeners, now);
        let note = match &difference {
            notice::Difference::Nothing => Some("nothing watched has changed"),
            _ if listeners.is_empty() => Some("no follower to tell"),
            _ => None,
        };
        Ok(Outcome::Done {
            note: note.map(str::to_owned),
            changes,
        })
    }

    /// Nobody stands for this customer. If its follower is being linked just now, it is read
    /// again after that, in the follower's own lane.
    async fn unknown(
        &self,
        tenant: &TenantId,
        object_id: &ObjectId,
        client: &Client,
        pace: Pace,
    ) -> Result<Outcome, Box<Outcome>> {
        let wechat_id = client.wechat_id(pace, object_id).await;
        let wechat_id = wechat_id.map_err(|error| Box::new(Outcome::failed(error.failure())))?;
        let Some(openid) = wechat_id.map(OpenId::new) else {
            return Ok(Outcome::done_because("the customer has no follower"));
        };
        let live = self.0.live();
        let accounts = live
            .config
            .wechat
            .iter()
            .filter(|(_, account)| account.tenant == *tenant);
        for account in accounts.map(|(id, _)| id.clone()) {
            let follower = Follower {
                account,
                openid: openid.clone(),
            };
            let mapping = self.0.store.mapping(&follower).await.map_err(unreadable)?;
            let pending = |m: &Mapping| m.state == MappingState::Pending && m.tenant == *tenant;
            if mapping.as_ref().is_some_and(pending) {
                let again = NewEffect {
                    lane: follower.c4c_lane().into(),
                    ..reread(tenant, object_id, Priority::Normal)
                };
                let changes = Changes {
                    effects: vec![again],
                    ..Changes::none()
                };
                let note = Some("its follower is being linked; read again after that".to_owned());
                return Ok(Outcome::Done { note, changes });
            }
        }
        Ok(Outcome::done_because("the customer has no follower"))
    }
}

fn gone(mappings: &[Mapping]) -> Outcome {
    let reason = "the customer was deleted or made obsolete in C4C";
    let changes = Changes {
        mappings: mappings
            .iter()
            .filter(|mapping| mapping.state == MappingState::Linked)
            .map(|mapping| customer::gone(&mapping.follower, &mapping.tenant, reason))
            .collect(),
        ..Changes::none()
    };
    Outcome::Done {
        note: Some(reason.to_owned()),
        changes,
    }
}
