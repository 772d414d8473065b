//! What handlers share: the store, the clock, and the platforms' clients.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;

use crate::c4c;
use crate::config::{Account, Config, Tenant};
use crate::domain::ids::{AccountId, TenantId};
use crate::kit::clock::Clock;
use crate::kit::media::MediaFolder;
use crate::kit::random::Random;
use crate::kit::transport::Transport;
use crate::kit::waiting_room::WaitingRoom;
use crate::store::{Store, StoreError};
use crate::wechat;
use crate::wechat::crypto::NotAKey;
use crate::wechat::keys::Keys;

/// Everything that a handler, a job or an edge may reach. Clones share it.
#[derive(Debug, Clone)]
pub struct Context {
    /// The database.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Random,
    /// The way to the network, also for answer hooks.
    pub transport: Arc<dyn Transport>,
    /// The bytes of pictures, voices and videos.
    pub media: MediaFolder,
    /// Pushes that wait for the answer of a hook: the passive reply, or `None` for none.
    pub waiting: WaitingRoom<Option<String>>,
    /// When this process took over from an earlier one; `None` for the first.
    pub(super) back_since: Option<Timestamp>,
    live: Arc<RwLock<Arc<Live>>>,
    passive_only: Arc<Mutex<BTreeSet<AccountId>>>,
    refreshing: Arc<super::tokens::Locks>,
}

/// The configuration in force and the clients made from it.
#[derive(Debug)]
pub struct Live {
    /// The configuration.
    pub config: Config,
    /// What pushes of each account are checked with.
    pub keys: BTreeMap<AccountId, Keys>,
    /// A client of each account's API.
    pub wechat: BTreeMap<AccountId, wechat::client::Client>,
    /// A client of each tenant.
    pub c4c: BTreeMap<TenantId, Arc<c4c::client::Client>>,
}

impl Live {
    /// Makes keys and clients from a valid configuration.
    pub fn new(config: Config, transport: &Arc<dyn Transport>) -> Result<Self, NotAKey> {
        let mut keys = BTreeMap::new();
        let mut wechat = BTreeMap::new();
        for (id, account) in &config.wechat {
            keys.insert(id.clone(), Keys::new(account)?);
            let client =
                wechat::client::Client::new(Arc::clone(transport), account.api_url.clone());
            wechat.insert(id.clone(), client);
        }
        let client = |(id, tenant): (&TenantId, &Tenant)| {
            let client = c4c::client::Client::new(Arc::clone(transport), tenant, id.clone());
            (id.clone(), Arc::new(client))
        };
        let c4c = config.c4c.iter().map(client).collect();
        Ok(Self {
            config,
            keys,
            wechat,
            c4c,
        })
    }

    /// One account and its client.
    pub fn account(&self, id: &AccountId) -> Option<(&Account, &wechat::client::Client)> {
        self.config.wechat.get(id).zip(self.wechat.get(id))
    }

    /// One tenant and its client.
    pub fn tenant(&self, id: &TenantId) -> Option<(&Tenant, &Arc<c4c::client::Client>)> {
        self.config.c4c.get(id).zip(self.c4c.get(id))
    }

    /// Whether followers of this account open pages of ours inside WeChat.
    pub fn has_pages(&self, id: &AccountId) -> bool {
        let mut pages = self.config.app.pages.values();
        self.config.map_of(id).is_some() || pages.any(|page| page.account == *id)
    }

    /// The accounts whose followers live in this tenant.
    pub fn accounts_of(&self, tenant: &TenantId) -> Vec<&AccountId> {
        let accounts = self.config.wechat.iter();
        let of_it = accounts.filter(|(_, account)| account.tenant == *tenant);
        of_it.map(|(id, _)| id).collect()
    }
}

impl Context {
    /// Puts the parts together.
    pub async fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Random,
        transport: Arc<dyn Transport>,
        media: MediaFolder,
        live: Live,
    ) -> Result<Self, StoreError> {
        let back_since = store.has_arrivals().await?.then(|| clock.now());
        let refreshing = Arc::new(super::tokens::Locks::new(live.config.wechat.keys()));
        Ok(Self {
            store,
            clock,
            random,
            transport,
            media,
            waiting: WaitingRoom::default(),
            back_since,
            live: Arc::new(RwLock::new(Arc::new(live))),
            passive_only: Arc::default(),
            refreshing,
        })
    }

    /// What is in force now. Hold it for one request or attempt, not longer.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another configuration in force: new secrets, texts and rules.
    pub fn replace(&self, live: Live) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
    }

    /// Whether WeChat has refused this account's sends for lack of permission (48001).
    pub fn is_passive_only(&self, account: &AccountId) -> bool {
        self.passive_only
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(account)
    }

    /// Remembers that it has.
    pub fn set_passive_only(&self, account: &AccountId) {
        self.passive_only
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(account.clone());
    }

    pub(super) fn refreshing(&self) -> &super::tokens::Locks {
        &self.refreshing
    }
}
