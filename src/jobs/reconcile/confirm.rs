//! A suspicion is looked at once more before it is told: the walk over C4C may be hours old, may have
//! missed a row, and our own mapping may have changed since.

use super::c4c::unread;
use super::walk::{Stop, Walk};
use crate::c4c::Client;
use crate::c4c::pace::Pace;
use crate::domain::ids::{OpenId, TenantId};
use crate::domain::rows::Follower;
use crate::flows::reconcile::{Drift, judge};
use crate::store::{Suspect, UnknownFollower};

impl Walk<'_> {
    /// An unknown follower, with the customers that carry their OpenID now. Where none did, whoever
    /// makes one looks before.
    pub(super) async fn confirmed_unknown(
        &self,
        tenant: &TenantId,
        unknown: &UnknownFollower,
    ) -> Result<UnknownFollower, Stop> {
        let live = self.context.live();
        let mut unknown = unknown.clone();
        if let (1.., Some((_, client))) = (unknown.claims, live.tenant(tenant)) {
            unknown.claims = claims(client, &unknown.openid).await?;
        }
        Ok(unknown)
    }

    /// What is the matter with a mapping now; `None` when nothing is any more.
    pub(super) async fn confirmed(
        &self,
        follower: Follower,
        tenant: &TenantId,
        drift: Drift,
    ) -> Result<Option<Drift>, Stop> {
        // Nothing at C4C is concluded from: its repair looks first.
        if matches!(drift, Drift::MappingWithoutCustomer(_)) {
            return Ok(Some(drift));
        }
        let live = self.context.live();
        let Some((_, client)) = live.tenant(tenant) else {
            return Ok(None);
        };
        let (account, openid) = (&follower.account, &follower.openid);
        let now = self.context.store.suspects(account, openid, openid).await?;
        let Some(mut suspect) = now.into_iter().next() else {
            return Ok(None);
        };
        read_again(client, &mut suspect).await?;
        Ok(judge::mapped(follower, &suspect))
    }
}

async fn read_again(client: &Client, suspect: &mut Suspect) -> Result<(), Stop> {
    suspect.claims = claims(client, &suspect.openid).await?;
    let Some(object) = &suspect.object_id else {
        return Ok(());
    };
    let customer = client.customer(Pace::Bulk, object).await.map_err(unread)?;
    suspect.active = Some(customer.is_some_and(|customer| !customer.obsolete));
    let carried = client.wechat_id(Pace::Bulk, object).await.map_err(unread)?;
    let carried = carried.map(OpenId::new);
    // Whose it is was read with the one from before.
    suspect.of_companion &= carried == suspect.wechat_id;
    suspect.wechat_id = carried;
    Ok(())
}

/// How many customers in use carry an OpenID.
async fn claims(client: &Client, openid: &OpenId) -> Result<u32, Stop> {
    let found = client.find_by_openid(Pace::Bulk, openid).await;
    let found = found.map_err(unread)?;
    let claims = found.iter().filter(|customer| !customer.obsolete).count();
    Ok(u32::try_from(claims).unwrap_or(u32::MAX))
}
