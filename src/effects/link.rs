//! `customer.link`: a follower is linked to the customer that a person or a file names.
//!
//! It makes nobody: the customer is read, and may be read again, so it may be cut off anywhere.

use super::ensure::Attempt;
use super::{Context, either, failed, pace, payload, unreadable};
use crate::domain::rows::{Changes, MappingState};
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::customer::{CUSTOMER_CREATED, Person};
use crate::flows::link::Link;
use crate::flows::qr;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Ahead, Handler, Outcome};
use crate::store::{Job, Mapping};

pub(super) struct CustomerLink(pub(super) Context);

impl Handler for CustomerLink {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.link(job).await) })
    }

    /// To link twice does no harm.
    fn ahead(&self) -> Ahead {
        Ahead::Heads
    }
}

impl CustomerLink {
    async fn link(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let link: Link = payload(job)?;
        let live = self.0.live();
        let (account, _) = live.known_account(&link.follower.account)?;
        let (tenant, client) = live.known_tenant(&account.tenant)?;
        let mapping = self.0.store.mapping(&link.follower).await;
        let Some(mapping) = mapping.map_err(unreadable)? else {
            return Ok(Outcome::cancelled("nobody is mapped any more"));
        };
        if link.has_lost(&mapping) {
            let message = "the follower was linked to another customer meanwhile";
            let failure = Failure::new(Verdict::Permanent, message);
            return Err(Box::new(Outcome::failed(failure)));
        }
        let elsewhere = qr::elsewhere(&mapping, &link.chosen).filter(|_| link.by_code);
        let now = self.0.clock.now();
        if let Some(change) = elsewhere {
            let text = &account.texts.bind_unclear;
            let mut changes = qr::told(&link.follower, text, Some(&mapping), now);
            changes.mappings.push(change);
            return Ok(Outcome::Done {
                note: Some("the follower was linked to another customer meanwhile".to_owned()),
                changes,
            });
        }
        let attempt = Attempt {
            context: &self.0,
            pace: pace(job),
            follower: link.follower.clone(),
            account,
            tenant,
            client,
            asked: false,
        };
        let (object, number) = (&link.chosen.object_id, &link.chosen.customer_id);
        let read = client.named(attempt.pace, object.as_ref(), number.as_ref());
        let read = read.await.map_err(failed)?;
        let Some(customer) = read.filter(|customer| !customer.obsolete) else {
            return Ok(nobody(link.nobody(&mapping, &account.texts, now)));
        };
        let concern = attempt.check(&customer).await.map_err(failed)?;
        let tell = self
            .is_news(&link, &mapping, customer.customer_id.as_str())
            .await?;
        // The customer is somebody's work in C4C: they are not renamed, so no name is asked for.
        let person = Person {
            unionid: mapping.unionid.clone(),
            scene: mapping.scene.clone(),
            campaign: None,
            name: mapping.name.clone(),
            ..Person::default()
        };
        Ok(Outcome::Done {
            note: concern.clone(),
            changes: attempt.linked(&person, &customer, concern, tell),
        })
    }

    /// Whether the follower is there and was never told this number. People who are brought in from a file
    /// know it from elsewhere.
    async fn is_news(
        &self,
        link: &Link,
        mapping: &Mapping,
        number: &str,
    ) -> Result<bool, Box<Outcome>> {
        if link.imported || mapping.state == MappingState::Unfollowed {
            return Ok(false);
        }
        let told = self
            .0
            .store
            .was_told(&link.follower, CUSTOMER_CREATED, number);
        Ok(!told.await.map_err(unreadable)?)
    }
}

/// C4C does not know the customer. A dead letter says so, and can be tried again once it does.
fn nobody(changes: Changes) -> Outcome {
    let message =
        "C4C has no such customer, or they are obsolete; name another with `qiao mapping link`";
    Outcome::Failed {
        failure: Failure::new(Verdict::Permanent, message),
        changes,
    }
}
