//! `customer.reread`: a customer that may have changed is read again and compared.

use super::{Context, either, pace, payload, unreadable};
use crate::c4c::client::Client;
use crate::c4c::pace::Pace;
use crate::domain::ids::OpenId;
use crate::domain::rows::{Changes, Follower, MappingState, NewEffect, Priority};
use crate::flows::customer;
use crate::flows::notice::{self, Listener};
use crate::flows::refresh::{self, HELD_LINKING, Reread};
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
        let of = payload(job)?;
        if let Some(waits) = self.wait(job, &of).await? {
            return Ok(waits);
        }
        let Reread {
            tenant: id,
            object_id,
        } = &of;
        let live = self.0.live();
        let (tenant, client) = live.known_tenant(id)?;
        let pace = pace(job);
        let read = client.customer(pace, object_id).await;
        let read = read.map_err(|error| Box::new(Outcome::failed(error.failure())))?;
        let mappings = self
            .0
            .store
            .mappings_of(id, object_id)
            .await
            .map_err(unreadable)?;
        let Some(customer) = read.filter(|customer| !customer.obsolete) else {
            return Ok(gone(&mappings));
        };
        if mappings.is_empty() {
            return self.unknown(job, &of, client, pace).await;
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
            .snapshot(id, object_id)
            .await
            .map_err(unreadable)?;
        let difference = notice::compare(before.as_ref(), &customer, tenant);
        let now = self.0.clock.now();
        let changes = notice::tell(id, tenant, &customer, &difference, &listeners, now);
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

    /// Looks into our own database before C4C is called: a customer who may be just being made is
    /// read when the link stands. To be held says nothing about the tenant, so it cannot open a
    /// gate that a refused password has closed; and what is held does not block its lane, so once
    /// the link stands the next change is told at once.
    async fn wait(&self, job: &Job, of: &Reread) -> Result<Option<Outcome>, Box<Outcome>> {
        let store = &self.0.store;
        let mappings = store.mappings_of(&of.tenant, &of.object_id).await;
        let mappings = mappings.map_err(unreadable)?;
        if !refresh::may_be_new(job, of, &mappings) {
            return Ok(None);
        }
        let live = self.0.live();
        let accounts = live.accounts_of(&of.tenant);
        if !store.any_pending(&accounts).await.map_err(unreadable)? {
            return Ok(None);
        }
        let is_held = store.is_held(&job.lane, HELD_LINKING).await;
        if is_held.map_err(unreadable)? {
            let reason = "an earlier one, held while somebody is being linked, reads for both";
            return Ok(Some(Outcome::cancelled(reason)));
        }
        Ok(Some(Outcome::Held {
            reason: HELD_LINKING,
            uncertain: false,
            failure: None,
            changes: Changes {
                effects: vec![refresh::resume(of, self.0.clock.now())],
                ..Changes::none()
            },
        }))
    }

    /// Nobody stands for this customer. If its follower is still being linked, it is read again
    /// after that, in the follower's own lane.
    async fn unknown(
        &self,
        job: &Job,
        of: &Reread,
        client: &Client,
        pace: Pace,
    ) -> Result<Outcome, Box<Outcome>> {
        let Reread { tenant, object_id } = of;
        let wechat_id = client.wechat_id(pace, object_id).await;
        let wechat_id = wechat_id.map_err(|error| Box::new(Outcome::failed(error.failure())))?;
        let Some(openid) = wechat_id.map(OpenId::new) else {
            return Ok(Outcome::done_because("the customer has no follower"));
        };
        let live = self.0.live();
        for account in live.accounts_of(tenant) {
            let follower = Follower {
                account: account.clone(),
                openid: openid.clone(),
            };
            let mapping = self.0.store.mapping(&follower).await.map_err(unreadable)?;
            let pending = |m: &Mapping| m.state == MappingState::Pending && m.tenant == *tenant;
            if !mapping.as_ref().is_some_and(pending) {
                continue;
            }
            // Behind a linking that came to nothing it would find the same again and again.
            if !refresh::is_in_own_lane(job, of) {
                let note = "its follower could not be linked; whatever links them reads it again";
                return Ok(Outcome::done_because(note));
            }
            let again = NewEffect {
                lane: follower.c4c_lane().into(),
                ..refresh::reread(tenant, object_id, Priority::Normal)
            };
            let changes = Changes {
                effects: vec![again],
                ..Changes::none()
            };
            let note = Some("its follower is being linked; read again after that".to_owned());
            return Ok(Outcome::Done { note, changes });
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
