//! `menu.apply` and `menu.delete`: what WeChat has becomes what is wanted.
//!
//! Both look before they change anything, at every try. So a try that was cut off anywhere, or whose
//! outcome nobody knows, is simply made again.

use serde_json::Value;

use super::tokens::CallFailure;
use super::{Context, Live, either, payload};
use crate::domain::ids::AccountId;
use crate::domain::menu::Menu;
use crate::domain::verdict::{Failure, Verdict};
use crate::flows::menu::plan::{self, Step};
use crate::flows::menu::{Apply, Delete, Found, wire};
use crate::kit::transport::BoxFuture;
use crate::outbox::{Handler, Outcome};
use crate::store::Job;
use crate::wechat::client::{AccessToken, Client};
use crate::wechat::error::Error;

pub(super) struct MenuApply(pub(super) Context);
pub(super) struct MenuDelete(pub(super) Context);

impl Handler for MenuApply {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.apply(job).await) })
    }
}

impl Handler for MenuDelete {
    fn attempt<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { either(self.delete(job).await) })
    }
}

impl MenuApply {
    async fn apply(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Apply { account, menu } = payload(job)?;
        let live = self.0.live();
        let calls = Calls::new(&self.0, &live, &account, job)?;
        let menu = calls.resolved(menu).await?;
        let steps = plan::steps(&calls.found().await?, &menu);
        for step in &steps {
            calls.take(step, &menu).await?;
        }
        Ok(Outcome::done_because(plan::told(&steps)))
    }
}

impl MenuDelete {
    async fn delete(&self, job: &Job) -> Result<Outcome, Box<Outcome>> {
        let Delete { account } = payload(job)?;
        let live = self.0.live();
        let calls = Calls::new(&self.0, &live, &account, job)?;
        let found = calls.found().await?;
        if found == Found::default() {
            return Ok(Outcome::done_because("WeChat has no menu made by the API"));
        }
        let client = calls.client;
        calls
            .call(|token| async move { client.delete_menu(&token).await })
            .await?;
        let conditional = found.conditional.len();
        Ok(Outcome::done_because(format!(
            "the default menu and {conditional} conditional menus were deleted"
        )))
    }
}

/// The calls of one attempt.
struct Calls<'a> {
    context: &'a Context,
    client: &'a Client,
    account: &'a AccountId,
    attempts: u32,
}

impl<'a> Calls<'a> {
    fn new(
        context: &'a Context,
        live: &'a Live,
        account: &'a AccountId,
        job: &Job,
    ) -> Result<Self, Box<Outcome>> {
        let (_, client) = live.known_account(account)?;
        Ok(Self {
            context,
            client,
            account,
            attempts: u32::try_from(job.attempts + 1).unwrap_or(u32::MAX),
        })
    }

    /// The menu with numbers in place of the tags' names.
    async fn resolved(&self, menu: Menu) -> Result<Menu, Box<Outcome>> {
        if !plan::needs_tags(&menu) {
            return Ok(menu);
        }
        let client = self.client;
        let tags = self.call(|token| async move { client.tags(&token).await });
        plan::resolved(&menu, &tags.await?).map_err(|fault| {
            let failure = Failure::new(Verdict::Permanent, fault.to_string());
            Box::new(Outcome::failed(failure))
        })
    }

    async fn found(&self) -> Result<Found, Box<Outcome>> {
        let client = self.client;
        let answer = self.call(|token| async move { client.menu(&token).await });
        Ok(wire::read(&answer.await?.unwrap_or(Value::Null)))
    }

    async fn take(&self, step: &Step, menu: &Menu) -> Result<(), Box<Outcome>> {
        let client = self.client;
        match step {
            Step::Create => {
                let body = &wire::create(&menu.buttons);
                self.call(|token| async move { client.create_menu(&token, body).await })
                    .await
            }
            Step::Delete(id) => {
                let id = *id;
                self.call(|token| async move { client.delete_conditional(&token, id).await })
                    .await
            }
            Step::Add(one) => {
                let body = &wire::add_conditional(one);
                self.call(|token| async move { client.add_conditional(&token, body).await })
                    .await
            }
        }
    }

    async fn call<T, F>(&self, call: impl Fn(AccessToken) -> F) -> Result<T, Box<Outcome>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let called = self
            .context
            .with_token(self.account, self.attempts, call)
            .await;
        called.map_err(|CallFailure { failure, .. }| Box::new(Outcome::failed(failure)))
    }
}
