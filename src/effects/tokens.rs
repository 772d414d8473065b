//! The access_token of each account: kept in the database, fetched by one task at a time.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tokio::sync::Mutex;

use super::Context;
use crate::domain::ids::AccountId;
use crate::domain::verdict::{Failure, Verdict};
use crate::store::{StoreError, StoredToken};
use crate::wechat::client::AccessToken;
use crate::wechat::codes::Sense;
use crate::wechat::error::Error;
use crate::wechat::token;

/// One lock an account: whoever holds it fetches, the others wait and then read what came.
#[derive(Debug)]
pub struct Locks(BTreeMap<AccountId, Mutex<()>>);

impl Locks {
    pub(super) fn new<'a>(accounts: impl Iterator<Item = &'a AccountId>) -> Self {
        Self(accounts.map(|id| (id.clone(), Mutex::default())).collect())
    }
}

impl Context {
    /// The token to call with now.
    pub async fn token(&self, account: &AccountId) -> Result<AccessToken, Failure> {
        match self.stored(account).await? {
            Some(stored) if self.clock.now() < stored.expires_at => Ok(usable(&stored)),
            _ => self.refresh(account, None).await,
        }
    }

    /// Another token in place of `bad`, which WeChat has just refused. When somebody has
    /// replaced it already, theirs is used.
    pub async fn repaired_token(
        &self,
        account: &AccountId,
        bad: &AccessToken,
    ) -> Result<AccessToken, Failure> {
        self.refresh(account, Some(bad)).await
    }

    /// Fetches a new token if the present one nears its end; returns whether it did.
    pub async fn refresh_if_due(&self, account: &AccountId) -> Result<bool, Failure> {
        let _one_at_a_time = self.lock(account)?.lock().await;
        let due = match self.stored(account).await? {
            Some(t) => token::is_due(t.fetched_at, t.expires_at, self.clock.now()),
            None => true,
        };
        if due {
            self.fetch(account, None).await?;
        }
        Ok(due)
    }

    /// Calls with a token; when WeChat refuses it, repairs it and calls once more.
    pub async fn with_token<T, F>(
        &self,
        account: &AccountId,
        attempts: u32,
        call: impl Fn(AccessToken) -> F,
    ) -> Result<T, CallFailure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let token = self.token(account).await?;
        let refused = match call(token.clone()).await {
            Err(error) if error.sense() == Some(Sense::TokenRefused) => token,
            other => return other.map_err(|error| self.explain(&error, attempts)),
        };
        let token = self.repaired_token(account, &refused).await?;
        call(token)
            .await
            .map_err(|error| self.explain(&error, attempts))
    }

    fn explain(&self, error: &Error, attempts: u32) -> CallFailure {
        let failure = error.failure(self.clock.now(), attempts);
        CallFailure {
            sense: error.sense(),
            failure,
        }
    }

    async fn refresh(
        &self,
        account: &AccountId,
        bad: Option<&AccessToken>,
    ) -> Result<AccessToken, Failure> {
        let _one_at_a_time = self.lock(account)?.lock().await;
        if let Some(stored) = self.stored(account).await? {
            let newer = bad.is_some_and(|bad| bad.expose() != usable(&stored).expose());
            let alive = self.clock.now() < stored.expires_at;
            if alive && (newer || bad.is_none()) {
                return Ok(usable(&stored));
            }
        }
        self.fetch(account, bad).await
    }

    /// `stable_token` gives the same token again while it lives. When exactly that one was
    /// refused, only force replaces it.
    async fn fetch(
        &self,
        account: &AccountId,
        bad: Option<&AccessToken>,
    ) -> Result<AccessToken, Failure> {
        let live = self.live();
        let (config, client) = live.account(account).ok_or_else(|| unknown(account))?;
        let now = self.clock.now();
        let told = |error: Error| error.failure(now, 1);
        let old = self.stored(account).await?.map(|stored| stored.value);
        let mut fetched = client.fetch_token(config, false).await.map_err(told)?;
        if bad.is_some_and(|bad| bad.expose() == fetched.value.expose()) {
            fetched = client.fetch_token(config, true).await.map_err(told)?;
        }
        let lives = SignedDuration::try_from(fetched.expires_in).unwrap_or(SignedDuration::MAX);
        let new = StoredToken {
            value: fetched.value.expose().to_owned().into(),
            fetched_at: now,
            expires_at: now.saturating_add(lives).unwrap_or(now),
        };
        if self
            .store
            .replace_token(account, old, new)
            .await
            .map_err(unwritten)?
        {
            tracing::info!(account = %account, "the access_token was refreshed");
            return Ok(fetched.value);
        }
        let stored = self.stored(account).await?;
        Ok(stored.map_or(fetched.value, |stored| usable(&stored)))
    }

    async fn stored(&self, account: &AccountId) -> Result<Option<StoredToken>, Failure> {
        self.store.token(account).await.map_err(unwritten)
    }

    fn lock(&self, account: &AccountId) -> Result<&Mutex<()>, Failure> {
        self.refreshing()
            .0
            .get(account)
            .ok_or_else(|| unknown(account))
    }
}

/// A failed call, with what WeChat's own code comes down to.
#[derive(Debug)]
pub struct CallFailure {
    /// `None` when WeChat gave no code, or when there was no token to call with.
    pub sense: Option<Sense>,
    /// What the engine is told.
    pub failure: Failure,
}

impl From<Failure> for CallFailure {
    fn from(failure: Failure) -> Self {
        Self {
            sense: None,
            failure,
        }
    }
}

fn usable(stored: &StoredToken) -> AccessToken {
    use secrecy::ExposeSecret;
    AccessToken::new(stored.value.expose_secret())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unwritten(fault: StoreError) -> Failure {
    Failure::new(Verdict::Transient, fault.to_string())
}

fn unknown(account: &AccountId) -> Failure {
    let message = format!("account {account} is not in the configuration any more; restart qiao");
    Failure::new(Verdict::Transient, message)
}
