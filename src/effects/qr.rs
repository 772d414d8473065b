//! `qr.create`: WeChat makes a code that an operator wants.
//!
//! WeChat cannot be asked whether it made one, so after a lost answer it is asked for the same scene again: of a
//! temporary code that does no harm, and a permanent one costs one of 100,000 at worst.

use super::{Context, either, payload, unreadable};
use crate::domain::qr::Scene;
use crate::domain::rows::{Changes, MadeQrCode, QrChange};
use crate::domain::verdict::Verdict;
use crate::flows::qr::Create;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;
use jiff::SignedDuration;

pub(super) struct QrCreate(pub(super) Context);

impl Handler for QrCreate {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.create(job).await) })
    }
}

impl QrCreate {
    async fn create(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Create { account, scene } = payload(job)?;
        let live = self.0.live();
        let (_, client) = live.known_account(&account)?;
        let code = self.0.store.qr_code(&account, &scene).await;
        let Some(code) = code.map_err(unreadable)? else {
            return Ok(Outcome::cancelled("the code was deleted"));
        };
        // Its life counts from WeChat's answer; to begin before the call never promises too much.
        let now = self.0.clock.now();
        if code.is_good(now) {
            return Ok(Outcome::done_because("it is made already"));
        }
        let lifetime = code.lifetime.map(SignedDuration::from_secs);
        let made = self
            .0
            .with_token(&account, attempts(job), |token| {
                let scene: Scene = code.scene.clone();
                async move { client.create_qr(&token, &scene, lifetime).await }
            })
            .await;
        let change = match made {
            Ok(made) => QrChange::Made(Box::new(MadeQrCode {
                account,
                scene,
                ticket: made.ticket,
                url: made.url,
                expires_at: made.lives.and_then(|lives| now.checked_add(lives).ok()),
            })),
            Err(failed) if failed.failure.verdict == Verdict::Permanent => {
                let change = QrChange::Failed {
                    account,
                    scene,
                    reason: failed.failure.message.clone(),
                };
                return Ok(Outcome::Failed {
                    failure: failed.failure,
                    changes: noted(change),
                });
            }
            Err(failed) => return Ok(Outcome::failed(failed.failure)),
        };
        Ok(Outcome::done_with(noted(change)))
    }
}

fn attempts(job: &Job) -> u32 {
    u32::try_from(job.tries + 1).unwrap_or(u32::MAX)
}

fn noted(change: QrChange) -> Changes {
    Changes {
        qr_codes: vec![change],
        ..Changes::none()
    }
}
