//! What each account gets from WeChat for a while, its access_token and its jsapi_ticket: kept in the database,
//! fetched by one task at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::Context;
use crate::domain::ids::AccountId;
use crate::domain::verdict::{Failure, Verdict};
use crate::store::{StoreError, StoredToken, TokenKind};
use crate::wechat::client::AccessToken;
use crate::wechat::codes::Sense;
use crate::wechat::error::Error;
use crate::wechat::jssdk::Ticket;
use crate::wechat::token;

/// One lock for each kind of each account: whoever holds it fetches, the others wait and then read what came.
#[derive(Debug)]
pub struct Locks(BTreeMap<(AccountId, TokenKind), Mutex<()>>);

impl Locks {
    pub(super) fn new<'a>(accounts: impl Iterator<Item = &'a AccountId>) -> Self {
        let kinds =
            |id: &'a AccountId| TokenKind::ALL.map(|kind| ((id.clone(), kind), Mutex::default()));
        Self(accounts.flat_map(kinds).collect())
    }
}

/// Something fetched: its value, and how long it lives.
type Fetched = (SecretString, Duration);

impl Context {
    /// The token to call with now.
    pub async fn token(&self, account: &AccountId) -> Result<AccessToken, Failure> {
        let stored = self.alive(account, TokenKind::AccessToken).await?;
        match stored {
            Some(stored) => Ok(access_token(&stored)),
            None => self.refresh_token(account, None).await,
        }
    }

    /// Another token in place of `bad`, which WeChat has just refused. When somebody has
    /// replaced it already, theirs is used.
    pub async fn repaired_token(
        &self,
        account: &AccountId,
        bad: &AccessToken,
    ) -> Result<AccessToken, Failure> {
        self.refresh_token(account, Some(bad)).await
    }

    /// The ticket to sign pages with now.
    pub async fn ticket(&self, account: &AccountId) -> Result<Ticket, Failure> {
        let kind = TokenKind::JsapiTicket;
        let value = if let Some(stored) = self.alive(account, kind).await? {
            stored
        } else {
            let fetch = || self.fetch_ticket(account);
            self.refresh(account, kind, None, fetch).await?
        };
        Ok(Ticket::new(value.expose_secret()))
    }

    /// Fetches a new token if the present one nears its end; returns whether it did.
    pub async fn refresh_if_due(&self, account: &AccountId) -> Result<bool, Failure> {
        let fetch = || self.fetch_token(account, None);
        self.renew(account, TokenKind::AccessToken, fetch).await
    }

    /// The same of the ticket.
    pub async fn refresh_ticket_if_due(&self, account: &AccountId) -> Result<bool, Failure> {
        let fetch = || self.fetch_ticket(account);
        self.renew(account, TokenKind::JsapiTicket, fetch).await
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

    async fn refresh_token(
        &self,
        account: &AccountId,
        bad: Option<&AccessToken>,
    ) -> Result<AccessToken, Failure> {
        let fetch = || self.fetch_token(account, bad);
        let known = bad.map(AccessToken::expose);
        let value = self.refresh(account, TokenKind::AccessToken, known, fetch);
        Ok(access_token(&value.await?))
    }

    /// What somebody else has fetched since `bad`, or a new one.
    async fn refresh<F>(
        &self,
        account: &AccountId,
        kind: TokenKind,
        bad: Option<&str>,
        fetch: impl FnOnce() -> F,
    ) -> Result<SecretString, Failure>
    where
        F: Future<Output = Result<Fetched, Failure>>,
    {
        let _one_at_a_time = self.lock(account, kind)?.lock().await;
        let alive = self.alive(account, kind).await?;
        let newer = alive.filter(|alive| bad.is_none_or(|bad| bad != alive.expose_secret()));
        match newer {
            Some(newer) => Ok(newer),
            None => self.fetch(account, kind, fetch).await,
        }
    }

    async fn renew<F>(
        &self,
        account: &AccountId,
        kind: TokenKind,
        fetch: impl FnOnce() -> F,
    ) -> Result<bool, Failure>
    where
        F: Future<Output = Result<Fetched, Failure>>,
    {
        let _one_at_a_time = self.lock(account, kind)?.lock().await;
        let due = match self.stored(account, kind).await? {
            Some(t) => token::is_due(t.fetched_at, t.expires_at, self.clock.now()),
            None => true,
        };
        if due {
            self.fetch(account, kind, fetch).await?;
        }
        Ok(due)
    }

    /// Fetches, and keeps what came unless somebody was quicker; then theirs is used.
    async fn fetch<F>(
        &self,
        account: &AccountId,
        kind: TokenKind,
        fetch: impl FnOnce() -> F,
    ) -> Result<SecretString, Failure>
    where
        F: Future<Output = Result<Fetched, Failure>>,
    {
        let now = self.clock.now();
        let old = self.stored(account, kind).await?.map(|stored| stored.value);
        let (value, expires_in) = fetch().await?;
        let lives = SignedDuration::try_from(expires_in).unwrap_or(SignedDuration::MAX);
        let new = StoredToken {
            value: value.clone(),
            fetched_at: now,
            expires_at: now.saturating_add(lives).unwrap_or(now),
        };
        let replaced = self.store.replace_token(account, kind, old, new);
        if replaced.await.map_err(unwritten)? {
            tracing::info!(account = %account, kind = kind.as_str(), "refreshed");
            return Ok(value);
        }
        let stored = self.stored(account, kind).await?;
        Ok(stored.map_or(value, |stored| stored.value))
    }

    /// `stable_token` gives the same token again while it lives. When exactly that one was
    /// refused, only force replaces it.
    async fn fetch_token(
        &self,
        account: &AccountId,
        bad: Option<&AccessToken>,
    ) -> Result<Fetched, Failure> {
        let live = self.live();
        let (config, client) = live.account(account).ok_or_else(|| unknown(account))?;
        let now = self.clock.now();
        let told = |error: Error| error.failure(now, 1);
        let mut fetched = client.fetch_token(config, false).await.map_err(told)?;
        if bad.is_some_and(|bad| bad.expose() == fetched.value.expose()) {
            fetched = client.fetch_token(config, true).await.map_err(told)?;
        }
        let value = fetched.value.expose().to_owned().into();
        Ok((value, fetched.expires_in))
    }

    /// With an access_token; one that WeChat refuses is repaired as for any call.
    async fn fetch_ticket(&self, account: &AccountId) -> Result<Fetched, Failure> {
        let live = self.live();
        let (_, client) = live.account(account).ok_or_else(|| unknown(account))?;
        let fetched = self
            .with_token(account, 1, |token| async move {
                client.fetch_ticket(&token).await
            })
            .await
            .map_err(|refused| refused.failure)?;
        let value = fetched.value.expose().to_owned().into();
        Ok((value, fetched.expires_in))
    }

    async fn alive(
        &self,
        account: &AccountId,
        kind: TokenKind,
    ) -> Result<Option<SecretString>, Failure> {
        let stored = self.stored(account, kind).await?;
        let alive = stored.filter(|stored| self.clock.now() < stored.expires_at);
        Ok(alive.map(|stored| stored.value))
    }

    async fn stored(
        &self,
        account: &AccountId,
        kind: TokenKind,
    ) -> Result<Option<StoredToken>, Failure> {
        self.store.token(account, kind).await.map_err(unwritten)
    }

    fn lock(&self, account: &AccountId, kind: TokenKind) -> Result<&Mutex<()>, Failure> {
        let locks = &self.refreshing().0;
        let lock = locks.get(&(account.clone(), kind));
        lock.ok_or_else(|| unknown(account))
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

fn access_token(value: &SecretString) -> AccessToken {
    AccessToken::new(value.expose_secret())
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unwritten(fault: StoreError) -> Failure {
    Failure::new(Verdict::Transient, fault.to_string())
}

fn unknown(account: &AccountId) -> Failure {
    let message = format!("account {account} is not in the configuration any more; restart qiao");
    Failure::new(Verdict::Transient, message)
}
