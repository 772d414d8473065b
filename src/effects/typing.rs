//! `wechat.typing`: the follower sees that somebody is typing. A courtesy: it is tried once, and that it
//! cannot be shown is nobody's trouble.

use jiff::SignedDuration;

use super::{Context, either, payload, unreadable};
use crate::domain::rows::Follower;
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;

/// Later it would only puzzle: the mark is shown for 15 seconds, and the answer may be there before it.
const WORTH_SHOWING: SignedDuration = SignedDuration::from_secs(10);

pub(super) struct WechatTyping(pub(super) Context);

impl Handler for WechatTyping {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.show(job).await) })
    }
}

impl WechatTyping {
    async fn show(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let follower: Follower = payload(job)?;
        if self.0.clock.now().duration_since(job.created_at) > WORTH_SHOWING || job.tries > 0 {
            return Ok(Outcome::cancelled("it is too late for it"));
        }
        // Shown behind the answer it would promise another one.
        let waits = self.0.store.is_under_way(&follower.send_lane()).await;
        if !waits.map_err(unreadable)? {
            return Ok(Outcome::cancelled("nothing waits to be sent"));
        }
        let live = self.0.live();
        let (_, client) = live.known_account(&follower.account)?;
        let shown = self
            .0
            .with_token(&follower.account, 1, |token| {
                let openid = follower.openid.clone();
                async move { client.typing(&token, &openid, true).await }
            })
            .await;
        Ok(match shown {
            Ok(()) => Outcome::done(),
            // Not as a failure: it is not tried again, and whether WeChat is in trouble is for what
            // matters to find out.
            Err(failed) => Outcome::cancelled(failed.failure.message),
        })
    }
}
