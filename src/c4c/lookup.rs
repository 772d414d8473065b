//! The ways to find a follower's customer, and which of them this tenant supports.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::{CustomService, Tenant};

/// The word in `lookup` that stands for wherever the WeChat ID lives.
const WECHAT_ID: &str = "wechat_id";

/// Where a look-up searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A property of the customer.
    Own(String),
    /// A property in a custom service, whose rows name the customer.
    Custom(CustomService, String),
}

/// One configured look-up.
#[derive(Debug)]
pub(super) struct LookUp {
    /// Where it searches.
    pub place: Place,
    /// Set when the tenant refused to filter by it: that is a property of its metadata, which
    /// does not change while we run, and asking again would cost a call each time.
    unfilterable: AtomicBool,
}

impl LookUp {
    /// Those of the configuration, in its order.
    pub(super) fn of(config: &Tenant) -> Vec<Self> {
        config
            .lookup
            .iter()
            .map(|name| Self {
                place: place(config, name),
                unfilterable: AtomicBool::new(false),
            })
            .collect()
    }

    /// Whether it is worth asking.
    pub(super) fn is_usable(&self) -> bool {
        !self.unfilterable.load(Ordering::Relaxed)
    }

    /// The tenant cannot filter by it.
    pub(super) fn give_up(&self) {
        self.unfilterable.store(true, Ordering::Relaxed);
    }
}

fn place(config: &Tenant, name: &str) -> Place {
    if name != WECHAT_ID {
        return Place::Own(name.to_owned());
    }
    let field = config.wechat_id.field.clone();
    match &config.wechat_id.service {
        Some(service) => Place::Custom(service.clone(), field),
        None => Place::Own(field),
    }
}
