//! From the lenient tree to the typed configuration: one file a section, every fault noted.
//!
//! [`config`] is the whole; what spans several sections is checked here.

mod app;
mod c4c;
mod conversation;
mod forms;
mod jobs;
mod maintenance;
mod map;
mod menu;
mod retention;
mod rules;
mod server;
mod texts;
mod wechat;

pub(super) use menu::{PageUrl, menu};

use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;

use super::error::Fault;
use super::map::Map;
use super::tree::{Reading, Section, all};
use super::types::{Account, Action, Config, Rule, Then};
use crate::domain::ids::{AccountId, TenantId, is_config_id};

/// Reads every section; what is wrong stands in the notes of the run.
pub(super) fn config(root: &Section<'_>) -> Reading<Config> {
    let server = root.section("server").and_then(|s| server::server(&s));
    let database = root.section("database").and_then(|s| server::database(&s));
    // Where that is wrong, which is noted, any will do.
    let beside = database.as_ref().map_or(Path::new(""), |d| &d.path);
    let backup = root
        .section("backup")
        .and_then(|s| server::backup(&s, beside));
    let outbound = root.section("outbound").and_then(|s| server::outbound(&s));
    let reconcile = root
        .section("reconcile")
        .and_then(|s| server::reconcile(&s));
    // Where the zone of the server is wrong, which is noted, any will do.
    let zone = server
        .as_ref()
        .map_or(TimeZone::UTC, |s| s.time_zone.clone());
    let jobs = root
        .section("jobs")
        .and_then(|s| jobs::schedules(&s, &zone));
    let retention = root
        .section("retention")
        .and_then(|s| retention::retention(&s));
    let accounts: Vec<AccountId> = root
        .section("wechat")
        .map(|s| s.names().map(AccountId::new).collect())
        .unwrap_or_default();
    let app = root.section("app").and_then(|s| app::app(&s, &accounts));
    let map = root
        .section("app")
        .and_then(|app| app.section("map"))
        .and_then(|s| map::map(&s, &accounts));
    let tenants = members(root, "c4c", "tenant");
    let known: Vec<TenantId> = tenants
        .iter()
        .flatten()
        .map(|(id, _)| TenantId::new(*id))
        .collect();
    let wechat = members(root, "wechat", "account").and_then(|accounts| {
        let read =
            |(id, s): (&str, Section<'_>)| Ok((AccountId::new(id), wechat::account(&s, &known)?));
        all(accounts.into_iter().map(read))
    });
    let c4c = tenants.and_then(|tenants| {
        let read = |(id, s): (&str, Section<'_>)| Ok((TenantId::new(id), c4c::tenant(&s)?));
        all(tenants.into_iter().map(read))
    });
    let wechat: BTreeMap<_, _> = wechat?.into_iter().collect();
    one_account_an_app(root, &wechat)?;
    let map = map?;
    branches_are_known(root, &wechat, map.as_ref())?;
    let config = Config {
        server: server?,
        database: database?,
        backup: backup?,
        outbound: outbound?,
        jobs: jobs?,
        retention: retention?,
        wechat,
        c4c: c4c?.into_iter().collect(),
        reconcile: reconcile?,
        map,
        app: app?,
    };
    rules_open_pages_that_are_there(root, &config)?;
    Ok(config)
}

fn rules_open_pages_that_are_there(root: &Section<'_>, config: &Config) -> Reading<()> {
    let mut outcome = Ok(());
    for (id, account) in &config.wechat {
        for (at, rule) in account.rules.iter().enumerate() {
            let Then::Page { page, .. } = &rule.then else {
                continue;
            };
            let link = menu::page_link(page, &|page| config.page_url(id, page));
            if let Err(fault) = link {
                outcome = Err(root.error(&format!("wechat.{id}.rules[{at}].then.page"), fault));
            }
        }
    }
    outcome
}

/// The accounts or tenants, by id. There must be one.
fn members<'a>(root: &Section<'a>, key: &str, what: &str) -> Reading<Vec<(&'a str, Section<'a>)>> {
    let section = root.section(key)?;
    if section.names().next().is_none() {
        let reason = format!("no {what} is configured");
        let remedy = format!("write a table [{key}.<{what}>]; config.example.toml shows one");
        return Err(root.error(key, Fault::new(reason, remedy)));
    }
    if !section.holds_only_tables() {
        let reason = format!("it holds keys that belong to no {what}");
        let remedy = format!("write them under [{key}.<{what}>], for example [{key}.main]");
        return Err(root.error(key, Fault::new(reason, remedy)));
    }
    // Ids of a wrong form are noted with the unknown keys.
    let ids = section.names().filter(|id| is_config_id(id));
    all(ids.map(|id| Ok((id, section.section(id)?))))
}

/// A rule that answers with branches needs some.
fn branches_are_known(
    root: &Section<'_>,
    accounts: &BTreeMap<AccountId, Account>,
    map: Option<&Map>,
) -> Reading<()> {
    let mut outcome = Ok(());
    for (id, account) in accounts {
        let asked = |rule: &Rule| rule.then == Then::Action(Action::Branches);
        let Some(place) = account.rules.iter().position(asked) else {
            continue;
        };
        if map.is_none_or(|map| map.account != *id) {
            let reason = "this account has no branches";
            let remedy = "write them under [[app.map.branches]], and the account under [app.map]";
            let key = format!("wechat.{id}.rules[{place}].then.action");
            outcome = Err(root.error(&key, Fault::new(reason, remedy)));
        }
    }
    outcome
}

/// Two accounts with one AppID would replace each other's access_token without end.
fn one_account_an_app(root: &Section<'_>, accounts: &BTreeMap<AccountId, Account>) -> Reading<()> {
    let mut owners: BTreeMap<&str, &AccountId> = BTreeMap::new();
    let mut outcome = Ok(());
    for (id, account) in accounts {
        if let Some(other) = owners.insert(&account.app_id, id) {
            let reason = format!("the account {other} has the same AppID");
            let fault = Fault::new(reason, "keep one of the two accounts");
            outcome = Err(root.error(&format!("wechat.{id}.app_id"), fault));
        }
    }
    outcome
}
