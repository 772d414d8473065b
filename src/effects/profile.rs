//! `profile.renew`: what a follower consented to tell is read again.

use super::{Context, either, payload, unreadable};
use crate::domain::rows::{Changes, ConsentChange};
use crate::flows::consent::{self, Known, Renew};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;
use crate::wechat::codes::Sense;
use crate::wechat::error::Error;

pub(super) struct ProfileRenew(pub(super) Context);

impl Handler for ProfileRenew {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.renew(job).await) })
    }
}

impl ProfileRenew {
    /// It only reads.
    async fn renew(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Renew { follower } = payload(job)?;
        let live = self.0.live();
        let (account, client) = live.known_account(&follower.account)?;
        let (tenant, _) = live.known_tenant(&account.tenant)?;
        let store = &self.0.store;
        let consent = store.consent(&follower).await.map_err(unreadable)?;
        let token = consent.as_ref().and_then(|c| c.refresh_token.as_ref());
        let Some(token) = token else {
            return Ok(Outcome::cancelled("they consent to nothing any more"));
        };
        let told = async {
            let granted = client.refresh_consent(account, token).await?;
            client.shown(&granted).await
        };
        let shown = match told.await {
            Ok(shown) => shown,
            Err(error) if has_lapsed(&error) => {
                let lapsed = ConsentChange::Lapsed { follower };
                return Ok(Outcome::Done {
                    note: Some("WeChat wants them to consent anew".to_owned()),
                    changes: Changes {
                        consents: vec![lapsed],
                        ..Changes::none()
                    },
                });
            }
            Err(error) => {
                let failure = error.failure(
                    self.0.clock.now(),
                    u32::try_from(job.attempts + 1).unwrap_or(u32::MAX),
                );
                return Ok(Outcome::failed(failure));
            }
        };
        let mapping = store.mapping(&follower).await.map_err(unreadable)?;
        let known = Known {
            mapping: mapping.as_ref(),
            consent: consent.as_ref(),
            account,
            tenant,
        };
        let effects = consent::told(&known, &shown.profile).into_iter().collect();
        let profile = shown.profile;
        Ok(Outcome::done_with(Changes {
            consents: vec![ConsentChange::Read { follower, profile }],
            effects,
            ..Changes::none()
        }))
    }
}

/// Whether no repetition helps, but only the person themselves.
fn has_lapsed(error: &Error) -> bool {
    matches!(
        error.sense(),
        Some(Sense::LoginAgain | Sense::MayNotCall | Sense::TokenRefused)
    )
}
