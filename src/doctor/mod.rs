//! What is wrong with this installation, and what to do about it: the checks of `qiao doctor`, and
//! the cheap ones of them for `/readyz`.
//!
//! A check has a stable id and is told in English and Chinese. One file a group: it gathers facts
//! (files, the database, calls) and judges them in functions without I/O. Nothing is repaired or
//! changed here, and no evidence holds a secret, a message or a whole OpenID.
//!
//! Start reading at [`examine`]; [`row`] is what a check comes to, [`limits`] when it is too much.

mod backups;
mod c4c;
mod c4c_fields;
mod clock;
mod configuration;
mod database;
mod disk;
pub mod limits;
mod network;
mod own;
mod pages;
mod queue;
mod ready;
pub mod row;
mod wechat;

use std::path::PathBuf;
use std::sync::Arc;

pub use limits::Limits;
pub use own::alive;
pub use queue::JobFacts;
pub use ready::{Readiness, readiness};
pub use row::{Check, Language, Outcome, Row};

use crate::config::{ConfigErrors, Loaded};
use crate::kit::clock::Clock;
use crate::store::{OpenError, Store};

/// What is examined.
#[derive(Debug)]
pub struct Patient<'a> {
    /// The configuration, which is valid.
    pub loaded: &'a Loaded,
    /// The database, opened for reading beside whatever else runs.
    pub store: Result<Store, OpenError>,
    /// How the jobs stand; `None` when that cannot be told.
    pub jobs: Option<Vec<JobFacts>>,
    /// The daemon's control socket.
    pub socket: PathBuf,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// When something is too much.
    pub limits: Limits,
    /// Nothing leaves this machine.
    pub offline: bool,
}

/// Every check there is, in the order in which they are told.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    let groups = [
        configuration::CHECKS,
        pages::CHECKS,
        database::CHECKS,
        disk::CHECKS,
        clock::CHECKS,
        network::CHECKS,
        wechat::CHECKS,
        c4c::CHECKS,
        c4c_fields::CHECKS,
        queue::CHECKS,
        backups::CHECKS,
    ];
    groups.into_iter().flatten().copied()
}

/// What comes of every check. A check about accounts, tenants or hosts has a row for each.
pub async fn examine(patient: &Patient<'_>) -> Vec<Row> {
    let config = &patient.loaded.config;
    let daemon = own::Daemon::ask(config, &patient.socket).await;
    let mut rows = configuration::examine(patient.loaded);
    rows.extend(pages::examine(config));
    rows.extend(database::examine(patient, &daemon).await);
    rows.extend(disk::examine(config, &patient.limits));
    rows.push(clock::backwards(patient).await);
    rows.push(network::route(config));
    rows.extend(queue::examine(patient, &daemon).await);
    rows.extend(backups::examine(patient).await);
    rows.extend(wechat::may_send(patient).await);
    match network::transport(config) {
        Ok(transport) if !patient.offline => {
            let (hosts, accounts, tenants) = tokio::join!(
                network::examine(patient, &transport),
                wechat::examine(patient, &transport, daemon.runs()),
                c4c::examine(config, &transport),
            );
            rows.extend(hosts);
            rows.extend(accounts);
            rows.extend(tenants);
        }
        reached => {
            let why = if reached.is_ok() {
                row::told!("--offline was given", "已使用 --offline")
            } else {
                row::told!("there is no way to the network", "无法访问网络")
            };
            rows.extend(
                checks()
                    .filter(|c| c.live)
                    .map(|c| c.skips("", why.clone())),
            );
        }
    }
    in_order(rows)
}

/// What is told when the configuration is wrong: nothing else can be looked at.
pub fn misconfigured(errors: &ConfigErrors) -> Vec<Row> {
    let rest = checks().filter(|check| check.id != configuration::LOADS.id);
    let why = row::told!("the configuration is wrong", "配置有误");
    let rest = rest.map(|check| check.skips("", why.clone()));
    std::iter::once(configuration::unloaded(errors))
        .chain(rest)
        .collect()
}

/// The rows in the order of their checks, whatever was ready first.
fn in_order(mut rows: Vec<Row>) -> Vec<Row> {
    let order: Vec<&str> = checks().map(|check| check.id).collect();
    rows.sort_by_key(|row| order.iter().position(|id| *id == row.check.id));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_every_word_stands_in_both_languages() {
        let mut ids = BTreeSet::new();
        for check in checks() {
            assert!(ids.insert(check.id), "{} twice", check.id);
            assert!(check.id.contains('.'), "{}", check.id);
            for [english, chinese] in [check.title, check.remedy] {
                assert!(
                    english.is_ascii() && english.len() > 8,
                    "{}: {english}",
                    check.id
                );
                let han = chinese
                    .chars()
                    .filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c));
                assert!(han.count() > 3, "{}: {chinese}", check.id);
            }
        }
        assert!(ids.len() >= 25, "{}", ids.len());
    }
}
