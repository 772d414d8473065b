//! The stages that ask WeChat: the list of followers, who is not in it, and what is told of each.

use std::collections::HashMap;

use jiff::tz::Offset;

use super::walk::{List, Stop, WINDOW, Walk};
use crate::config::Account;
use crate::domain::ids::{AccountId, OpenId, TenantId};
use crate::domain::rows::Follower;
use crate::effects::tokens::CallFailure;
use crate::flows::naming;
use crate::flows::reconcile::{Drift, judge};
use crate::wechat::client::MAX_USERS;

/// Pages of followers that an account's list may take in a day: WeChat gives 500 (wechat.md 9), and
/// people and other programs call too.
const MOST_PAGES: u32 = 450;

/// The word of that count in `call_count`.
const LIST: &str = "user/get";

/// WeChat's days begin in Beijing (wechat.md 9).
const BEIJING: Offset = Offset::constant(8);

/// Calls between two notes of how far it has come: each note is a commit.
const PAGES_A_NOTE: usize = 10;

impl Walk<'_> {
    /// Reads the account's followers. `false` when the day has no more pages: what was read until then
    /// is looked at, and the next run reads on.
    pub(super) async fn followers(&mut self, id: &AccountId) -> Result<bool, Stop> {
        let context = self.context;
        let live = context.live();
        let Some((_, client)) = live.account(id) else {
            return Ok(true);
        };
        let unfinished = self.resume.lists.get(id).cloned();
        let unfinished = unfinished.filter(|list| list.next.is_some());
        let mut list = if let Some(list) = unfinished {
            list
        } else {
            context.store.forget_seen(id).await?;
            let began = context.clock.now();
            List { began, next: None }
        };
        loop {
            let asked = context.clock.now();
            let day = BEIJING.to_datetime(asked).date();
            if !context.store.count_call(id, LIST, day, MOST_PAGES).await? {
                self.postponed.push(format!(
                    "the list of followers of {id} goes on with the next run, since the day has no more \
                     pages"
                ));
                return Ok(false);
            }
            let start = list.next.as_ref();
            let page = context
                .with_token(id, 1, |token| async move {
                    client.follower_page(&token, start).await
                })
                .await
                .map_err(refused)?;
            context.store.mark_seen(id, &page.openids, asked).await?;
            list.next = page.next;
            self.resume.lists.insert(id.clone(), list.clone());
            self.note(None, page.openids.len()).await?;
            if list.next.is_none() {
                return Ok(true);
            }
        }
    }

    /// Mapped followers who are not in the list: they left, or have another OpenID since their account
    /// was migrated.
    pub(super) async fn absent(&mut self, id: &AccountId, account: &Account) -> Result<(), Stop> {
        let Some(known_at) = self.resume.lists.get(id).map(|list| list.began) else {
            return Ok(());
        };
        let mut after = self.resume.at.take().map(OpenId::new);
        loop {
            let store = &self.context.store;
            let Some((first, last)) = store.window(id, after.as_ref(), WINDOW).await? else {
                return Ok(());
            };
            let page = store.unseen(id, known_at, &first, &last).await?;
            let mut moved = self.moved(id, account, &page).await?;
            for follower in &page {
                let drift = match moved.remove(&follower.openid) {
                    Some(to) => self.moved_to(follower, to).await?,
                    None => Drift::UnfollowMissed {
                        follower: follower.clone(),
                        known_at,
                    },
                };
                self.found(&drift, &account.tenant)?;
            }
            self.note(Some(last.as_str().to_owned()), WINDOW as usize)
                .await?;
            after = Some(last);
        }
    }

    /// New OpenIDs by the old ones. WeChat tells them for some days after a migration only; when it does
    /// not tell them any more, nobody is taken to have left.
    async fn moved(
        &self,
        id: &AccountId,
        account: &Account,
        page: &[Follower],
    ) -> Result<HashMap<OpenId, OpenId>, Stop> {
        let mut moved = HashMap::new();
        let live = self.context.live();
        let (Some(from), Some((_, client))) = (&account.migrated_from, live.account(id)) else {
            return Ok(moved);
        };
        let openids: Vec<OpenId> = page.iter().map(|f| f.openid.clone()).collect();
        for openids in openids.chunks(MAX_USERS) {
            let changed = self
                .context
                .with_token(id, 1, |token| async move {
                    client.changed_openids(&token, from, openids).await
                })
                .await
                .map_err(refused)?;
            moved.extend(changed.into_iter().map(|change| (change.from, change.to)));
        }
        let to: Vec<OpenId> = moved.values().cloned().collect();
        self.context.store.mark_moved(id, &to).await?;
        Ok(moved)
    }

    async fn moved_to(&self, follower: &Follower, to: OpenId) -> Result<Drift, Stop> {
        let new = Follower {
            account: follower.account.clone(),
            openid: to,
        };
        let mapping = self.context.store.mapping(&new).await?;
        Ok(Drift::OpenIdChanged {
            follower: follower.clone(),
            taken: mapping.is_some_and(|mapping| mapping.customer.is_some()),
            to: new.openid,
        })
    }

    /// What WeChat tells of every mapped follower. An account that tells no UnionID, for customers who
    /// are not named after their followers, has nothing to tell: one page shows that.
    pub(super) async fn profiles(&mut self, id: &AccountId, tenant: &TenantId) -> Result<(), Stop> {
        let context = self.context;
        let live = context.live();
        let (Some((_, client)), Some((config, _))) = (live.account(id), live.tenant(tenant)) else {
            return Ok(());
        };
        let names = naming::follow_names(config);
        let mut after = self.resume.at.take().map(OpenId::new);
        for number in 1.. {
            let page = context.store.seen_mappings(id, after.as_ref(), MAX_USERS);
            let page = page.await?;
            let Some(last) = page.last().map(|m| m.follower.openid.clone()) else {
                return Ok(());
            };
            let openids: Vec<OpenId> = page.iter().map(|m| m.follower.openid.clone()).collect();
            let openids = openids.as_slice();
            let told = context
                .with_token(
                    id,
                    1,
                    |token| async move { client.users(&token, openids).await },
                )
                .await
                .map_err(refused)?;
            if !names && told.iter().all(|info| info.unionid.is_none()) {
                return Ok(());
            }
            let told: HashMap<_, _> = told.iter().map(|info| (&info.openid, info)).collect();
            for mapping in &page {
                let info = told.get(&mapping.follower.openid);
                let drift = info.and_then(|info| judge::profile(mapping, info, names));
                if let Some(drift) = drift {
                    self.found(&drift, tenant)?;
                }
            }
            self.resume.at = Some(last.as_str().to_owned());
            self.resume.rows += page.len() as u64;
            if number % PAGES_A_NOTE == 0 {
                self.note(self.resume.at.clone(), 0).await?;
            }
            after = Some(last);
        }
        Ok(())
    }
}

fn refused(fault: CallFailure) -> Stop {
    Stop::Fault(fault.failure.message)
}
