//! `customer.ensure`: the follower's customer is found or made, checked, and linked.
//!
//! It always looks before it creates, so it may be cut off anywhere and run again.

use serde::Deserialize;

use super::{Context, either, payload, unconfigured, unreadable};
use crate::c4c::client::Client;
use crate::c4c::customer::Customer;
use crate::c4c::error::Error;
use crate::c4c::pace::Pace;
use crate::config::{Account, Tenant, WechatIdWrite};
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::rows::{Changes, Follower, MappingState, Priority};
use crate::flows::customer::{self, Linking, Person};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::{Job, Mapping};

pub(super) struct CustomerEnsure(pub(super) Context);

#[derive(Deserialize)]
struct Whose {
    account: AccountId,
    openid: OpenId,
    /// Whether somebody who is linked already is told so again.
    #[serde(default)]
    again: bool,
}

impl Handler for CustomerEnsure {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.ensure(job).await) })
    }
}

/// What one attempt works with.
struct Attempt<'a> {
    context: &'a Context,
    pace: Pace,
    follower: Follower,
    account: &'a Account,
    tenant: &'a Tenant,
    client: &'a Client,
}

/// A customer, and whether its WeChat ID has been seen to stand.
struct Found {
    customer: Customer,
    checked: bool,
}

impl CustomerEnsure {
    async fn ensure(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Whose {
            account,
            openid,
            again,
        } = payload(job)?;
        let live = self.0.live();
        let (config, _) = live
            .account(&account)
            .ok_or_else(|| unconfigured("the account"))?;
        let (tenant, client) = live
            .tenant(&config.tenant)
            .ok_or_else(|| unconfigured("the tenant"))?;
        let attempt = Attempt {
            context: &self.0,
            pace: if job.priority == Priority::Bulk {
                Pace::Bulk
            } else {
                Pace::Live
            },
            follower: Follower { account, openid },
            account: config,
            tenant,
            client,
        };
        let mapping = self
            .0
            .store
            .mapping(&attempt.follower)
            .await
            .map_err(unreadable)?;
        match mapping.as_ref().map(|m| m.state) {
            Some(MappingState::Unfollowed) => Ok(Outcome::Cancelled {
                reason: "the follower left".to_owned(),
            }),
            Some(MappingState::Linked) if !again => Ok(Outcome::done_because("linked meanwhile")),
            _ => attempt.run(mapping.as_ref()).await,
        }
    }
}

impl Attempt<'_> {
    async fn run(&self, mapping: Option<&Mapping>) -> Result<Outcome, Box<Outcome>> {
        let person = self.person(mapping).await;
        let found = match mapping.and_then(|m| m.customer.as_ref()) {
            Some((object, _)) => {
                match self
                    .client
                    .customer(self.pace, object)
                    .await
                    .map_err(failed)?
                {
                    Some(customer) if !customer.obsolete => Found {
                        customer,
                        checked: false,
                    },
                    _ => return Ok(self.gone()),
                }
            }
            None => match self.look_up_or_create(&person).await? {
                Ok(found) => found,
                Err(candidates) => return Ok(self.conflict(&candidates)),
            },
        };
        let concern = if found.checked {
            None
        } else {
            self.check(&found.customer).await?
        };
        let linking = Linking {
            follower: &self.follower,
            account: self.account,
            tenant: self.tenant,
            person: &person,
            customer: &found.customer,
            concern: concern.clone(),
        };
        let changes = customer::linked(&linking, self.context.clock.now());
        Ok(Outcome::Done {
            note: concern,
            changes,
        })
    }

    /// One customer, or the several that claim the follower.
    async fn look_up_or_create(
        &self,
        person: &Person,
    ) -> Result<Result<Found, Vec<Customer>>, Box<Outcome>> {
        let openid = &self.follower.openid;
        let mut hits = self
            .client
            .find_by_openid(self.pace, openid)
            .await
            .map_err(failed)?;
        hits.retain(|customer| !customer.obsolete);
        match hits.len() {
            0 => {
                let fields = customer::fields(self.tenant, openid, person);
                let customer = self
                    .client
                    .create(self.pace, &fields)
                    .await
                    .map_err(failed)?;
                Ok(Ok(Found {
                    customer,
                    checked: false,
                }))
            }
            1 => Ok(Ok(Found {
                customer: hits.remove(0),
                checked: true,
            })),
            _ => Ok(Err(hits)),
        }
    }

    /// Sees that the WeChat ID stands where it should; a sentence when it does not. The link
    /// stands all the same: the mapping holds it.
    async fn check(&self, customer: &Customer) -> Result<Option<String>, Box<Outcome>> {
        let (pace, object) = (self.pace, &customer.object_id);
        let known = |error: Error| self.known_but(customer, &error);
        if self.tenant.wechat_id.write == WechatIdWrite::Patch {
            let set = self
                .client
                .set_wechat_id(pace, object, &self.follower.openid)
                .await;
            set.map_err(known)?;
        }
        let stands = self.client.wechat_id(pace, object).await.map_err(known)?;
        Ok(match stands.as_deref() {
            Some(id) if id == self.follower.openid.as_str() => None,
            Some(_) => Some(
                "the customer carries another WeChat ID in C4C; correct the extension field"
                    .to_owned(),
            ),
            None => Some(
                "the WeChat ID does not stand in C4C; check the BeforeSave script or wechat_id \
                 (docs/C4C-SETUP.md)"
                    .to_owned(),
            ),
        })
    }

    /// The attempt failed after the customer was known: what is known must not be lost.
    fn known_but(&self, customer: &Customer, error: &Error) -> Box<Outcome> {
        let tenant = &self.account.tenant;
        let mapping = customer::known_as(&self.follower, tenant, customer, MappingState::Pending);
        Box::new(Outcome::Failed {
            failure: error.failure(),
            changes: Changes {
                mappings: vec![mapping],
                ..Changes::none()
            },
        })
    }

    fn gone(&self) -> Outcome {
        let reason = "the customer was deleted or made obsolete in C4C";
        let mapping = customer::gone(&self.follower, &self.account.tenant, reason);
        Outcome::Done {
            note: Some(reason.to_owned()),
            changes: Changes {
                mappings: vec![mapping],
                ..Changes::none()
            },
        }
    }

    fn conflict(&self, candidates: &[Customer]) -> Outcome {
        Outcome::Held {
            reason: "conflict",
            uncertain: false,
            failure: None,
            changes: customer::conflict(&self.follower, &self.account.tenant, candidates),
        }
    }

    /// What WeChat tells of the person, if the configuration asks for it. A customer without a
    /// name is better than none, so a failure here fails nothing.
    async fn person(&self, mapping: Option<&Mapping>) -> Person {
        let mut person = Person {
            unionid: mapping.and_then(|m| m.unionid.clone()),
            scene: mapping.and_then(|m| m.scene.clone()),
            name: None,
        };
        if !customer::needs_profile(self.tenant) {
            return person;
        }
        let live = self.context.live();
        let Some((_, client)) = live.account(&self.follower.account) else {
            return person;
        };
        let told = self
            .context
            .with_token(&self.follower.account, 1, |token| async move {
                client.user_info(&token, &self.follower.openid).await
            })
            .await;
        if let Ok(info) = told {
            person.name = info.remark.or(info.nickname);
            person.unionid = info.unionid.or(person.unionid);
        }
        person
    }
}

fn failed(error: Error) -> Box<Outcome> {
    Box::new(Outcome::failed(error.failure()))
}
