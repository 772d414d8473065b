//! The stages that compare what was read with our mappings, a page at a time in key order.

use super::walk::{Stop, WINDOW, Walk};
use crate::config::{Account, ExistingFollowers};
use crate::domain::ids::{AccountId, ObjectId, OpenId, TenantId, UnionId};
use crate::domain::rows::Follower;
use crate::flows::reconcile::{Drift, judge};
use crate::store::SharedUnionId;

/// Rows of one read that are found to differ.
const PAGE: u32 = 500;

impl Walk<'_> {
    /// Followers in the list who have no mapping.
    pub(super) async fn unknown(&mut self, id: &AccountId, account: &Account) -> Result<(), Stop> {
        let import = account.existing_followers == ExistingFollowers::Import;
        let tenant = &account.tenant;
        let mut after = self.resume.at.take().map(OpenId::new);
        loop {
            let store = &self.context.store;
            let window = store.seen_window(id, after.as_ref(), WINDOW).await?;
            let Some((first, last)) = window else {
                return Ok(());
            };
            let page = store.unknown(id, tenant, &first, &last).await?;
            for unknown in &page {
                let follower = Follower {
                    account: id.clone(),
                    openid: unknown.openid.clone(),
                };
                let unknown = self.confirmed_unknown(tenant, unknown).await?;
                self.found(&judge::unknown(follower, &unknown, import), tenant)?;
            }
            self.note(Some(last.as_str().to_owned()), WINDOW as usize)
                .await?;
            after = Some(last);
        }
    }

    /// Mappings that do not fit what was read from C4C.
    pub(super) async fn mapped(&mut self, id: &AccountId, tenant: &TenantId) -> Result<(), Stop> {
        let mut after = self.resume.at.take().map(OpenId::new);
        loop {
            let store = &self.context.store;
            let Some((first, last)) = store.window(id, after.as_ref(), WINDOW).await? else {
                return Ok(());
            };
            let suspects = store.suspects(id, &first, &last).await?;
            for suspect in suspects {
                let follower = Follower {
                    account: id.clone(),
                    openid: suspect.openid.clone(),
                };
                let Some(drift) = judge::mapped(follower.clone(), &suspect) else {
                    continue;
                };
                if let Some(drift) = self.confirmed(follower, tenant, drift).await? {
                    self.found(&drift, tenant)?;
                }
            }
            self.note(Some(last.as_str().to_owned()), WINDOW as usize)
                .await?;
            after = Some(last);
        }
    }

    /// Customers for whom several followers of one account stand.
    pub(super) async fn shared(&mut self, id: &TenantId) -> Result<(), Stop> {
        let mut after = self.resume.at.take().map(ObjectId::new);
        loop {
            let store = &self.context.store;
            let page = store.shared_customers(id, after.as_ref(), PAGE).await?;
            let Some(last) = page.last().map(|shared| shared.object_id.clone()) else {
                return Ok(());
            };
            for shared in &page {
                let drift = Drift::SharedCustomer {
                    object: shared.object_id.clone(),
                    followers: shared.followers,
                };
                self.found(&drift, id)?;
            }
            self.note(Some(last.as_str().to_owned()), page.len())
                .await?;
            after = Some(last);
        }
    }

    /// People who follow several accounts and are several customers.
    pub(super) async fn unionids(&mut self, id: &TenantId) -> Result<(), Stop> {
        let mut after = self.resume.at.take().map(UnionId::new);
        loop {
            let store = &self.context.store;
            let page = store.shared_unionids(id, after.as_ref(), PAGE).await?;
            let Some(last) = page.last().map(SharedUnionId::unionid) else {
                return Ok(());
            };
            for shared in &page {
                let follower = Follower {
                    account: AccountId::new(&shared.account),
                    openid: OpenId::new(&shared.openid),
                };
                let customers = shared.customers.clone();
                let drift = Drift::SharedUnionId {
                    follower,
                    customers,
                };
                self.found(&drift, id)?;
            }
            self.note(Some(last.as_str().to_owned()), page.len())
                .await?;
            after = Some(last);
        }
    }
}
