//! `customer.ensure`: the follower's customer is found or made, checked, and linked.
//!
//! It always looks before it creates, so it may be cut off anywhere and run again.

use super::{Context, either, failed, pace, payload, unreadable};
use crate::c4c::client::Client;
use crate::c4c::customer::Customer;
use crate::c4c::error::Error;
use crate::c4c::pace::Pace;
use crate::config::{Account, Tenant, WechatIdWrite};
use crate::domain::qr::Purpose;
use crate::domain::rows::{Changes, Follower, MappingState, Priority};
use crate::flows::contact::Ensure;
use crate::flows::customer::{self, Linking, Person};
use crate::flows::{bind, link, naming};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Ahead, Handler, Outcome};
use crate::store::{Job, Mapping};

pub(super) struct CustomerEnsure(pub(super) Context);

impl Handler for CustomerEnsure {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.ensure(job).await) })
    }

    /// It looks before it creates.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

/// What one attempt works with.
pub(super) struct Attempt<'a> {
    pub(super) context: &'a Context,
    pub(super) pace: Pace,
    pub(super) follower: Follower,
    pub(super) account: &'a Account,
    pub(super) tenant: &'a Tenant,
    pub(super) client: &'a Client,
    /// The follower asked for their number.
    pub(super) asked: bool,
}

impl CustomerEnsure {
    async fn ensure(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Ensure {
            follower,
            again,
            asked,
        } = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&follower.account)?;
        let (tenant, client) = live.known_tenant(&account.tenant)?;
        let mapping = self.0.store.mapping(&follower).await;
        let mapping = mapping.map_err(unreadable)?;
        match mapping.as_ref().map(|m| m.state) {
            Some(MappingState::Unfollowed) => {
                return Ok(Outcome::cancelled("the follower left"));
            }
            Some(MappingState::Obsolete)
                if mapping.as_ref().is_some_and(|m| m.customer.is_none()) =>
            {
                return Ok(Outcome::cancelled(link::UNLINKED));
            }
            Some(MappingState::Linked) if !again => {
                return Ok(Outcome::done_because("it is linked already"));
            }
            _ => {}
        }
        let is_bulk = job.priority == Priority::Bulk;
        let attempt = Attempt {
            context: &self.0,
            pace: pace(job),
            follower,
            account,
            tenant,
            client,
            asked,
        };
        attempt.run(mapping.as_ref(), !is_bulk).await
    }
}

impl Attempt<'_> {
    /// `tell`: whether the follower waits to hear of it. People who are brought in from before
    /// do not.
    async fn run(&self, mapping: Option<&Mapping>, tell: bool) -> Result<Outcome, Box<Outcome>> {
        let person = self.person(mapping).await?;
        let customer = match mapping.and_then(|m| m.customer.as_ref()) {
            Some((object, _)) => {
                let read = self.client.customer(self.pace, object).await;
                match read.map_err(failed)?.filter(|customer| !customer.obsolete) {
                    Some(customer) => customer,
                    None => return Ok(self.gone()),
                }
            }
            None => match self.look_up_or_create(&person).await? {
                Ok(customer) => customer,
                Err(candidates) => return Ok(self.conflict(&candidates)),
            },
        };
        let concern = self.check(&customer).await;
        let concern = concern.map_err(|error| self.known_but(&customer, &error))?;
        let mut changes = self.linked(&person, &customer, concern.clone(), tell);
        if let Some(mapping) = mapping {
            // A customer that was found or made before may still have the name of then.
            let name = person.name.as_deref();
            let rename = naming::rename(mapping, name, self.account, self.tenant);
            for mapping in changes.mappings.iter_mut().filter(|_| rename.is_some()) {
                mapping.name = None;
            }
            changes.effects.extend(rename);
        }
        Ok(Outcome::Done {
            note: concern,
            changes,
        })
    }

    /// What follows once the customer is known and checked.
    pub(super) fn linked(
        &self,
        person: &Person,
        customer: &Customer,
        concern: Option<String>,
        tell: bool,
    ) -> Changes {
        let linking = Linking {
            follower: &self.follower,
            account: self.account,
            tenant: self.tenant,
            person,
            customer,
            concern,
            tell,
        };
        customer::linked(&linking, self.context.clock.now())
    }

    /// One customer, or the several that claim the follower.
    async fn look_up_or_create(
        &self,
        person: &Person,
    ) -> Result<Result<Customer, Vec<Customer>>, Box<Outcome>> {
        let openid = &self.follower.openid;
        let found = self.client.find_by_openid(self.pace, openid).await;
        let mut hits = found.map_err(failed)?;
        hits.retain(|customer| !customer.obsolete);
        match hits.len() {
            0 => {
                let fields = customer::fields(self.tenant, openid, person);
                let created = self.client.create(self.pace, &fields).await;
                created.map(Ok).map_err(failed)
            }
            1 => Ok(Ok(hits.remove(0))),
            _ => Ok(Err(hits)),
        }
    }

    /// Sees that the WeChat ID stands where it should; a sentence when it does not. The link
    /// stands all the same: the mapping holds it.
    pub(super) async fn check(&self, customer: &Customer) -> Result<Option<String>, Error> {
        let (pace, object) = (self.pace, &customer.object_id);
        if self.tenant.wechat_id.write == WechatIdWrite::Patch {
            let set = self
                .client
                .set_wechat_id(pace, object, &self.follower.openid);
            set.await?;
        }
        let stands = self.client.wechat_id(pace, object).await?;
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
        let mut changes = self.told_why_not();
        changes.mappings.push(mapping);
        Outcome::Done {
            note: Some(reason.to_owned()),
            changes,
        }
    }

    /// Whoever asked hears that a person must look first.
    fn told_why_not(&self) -> Changes {
        if !self.asked {
            return Changes::none();
        }
        bind::told(&self.follower, self.account, self.context.clock.now())
    }

    fn conflict(&self, candidates: &[Customer]) -> Outcome {
        let mut changes = customer::conflict(&self.follower, &self.account.tenant, candidates);
        changes.extend(self.told_why_not());
        Outcome::Held {
            reason: customer::HELD_CONFLICT,
            uncertain: false,
            failure: None,
            changes,
        }
    }

    /// What WeChat tells of the person, if the configuration asks for it. A customer without a
    /// name is better than none, so a failure here fails nothing.
    async fn person(&self, mapping: Option<&Mapping>) -> Result<Person, Box<Outcome>> {
        let mut person = Person {
            unionid: mapping.and_then(|m| m.unionid.clone()),
            scene: mapping.and_then(|m| m.scene.clone()),
            ..Person::default()
        };
        if let Some(scene) = person
            .scene
            .as_deref()
            .filter(|_| customer::needs_campaign(self.tenant))
        {
            let code = self
                .context
                .store
                .qr_code(&self.follower.account, scene)
                .await;
            let code = code.map_err(unreadable)?;
            let code = code.filter(|code| code.purpose == Purpose::Campaign);
            person.campaign = code.map(|code| code.target);
        }
        // Where it cannot be read, the customer goes without.
        if let Ok(Some(consent)) = self.context.store.consent(&self.follower).await {
            person.name = consent.profile.name;
            person.avatar = consent.profile.avatar;
        }
        if !customer::needs_profile(self.tenant) {
            return Ok(person);
        }
        let live = self.context.live();
        let Some((_, client)) = live.account(&self.follower.account) else {
            return Ok(person);
        };
        let told = self
            .context
            .with_token(&self.follower.account, 1, |token| async move {
                client.user_info(&token, &self.follower.openid).await
            })
            .await;
        if let Ok(info) = told {
            person.name = info.remark.or(info.nickname).or(person.name);
            person.unionid = info.unionid.or(person.unionid);
        }
        Ok(person)
    }
}
