//! `[app]` and its pages.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::forms;
use crate::config::defaults;
use crate::config::error::Fault;
use crate::config::pages::{App, Page, RESERVED, Scope, is_page_name};
use crate::config::tree::{Reading, Section, all};
use crate::domain::ids::AccountId;

/// A month: as long as WeChat lets a consent be renewed (wechat.md 8).
const MOST_HOURS: i64 = 720;

/// More is another program.
const MOST_PAGES: usize = 100;

pub(super) fn app(section: &Section<'_>, accounts: &[AccountId]) -> Reading<App> {
    let session = session(section);
    let frame_ancestors = section.list("frame_ancestors", origin);
    let pages = section
        .section("pages")
        .and_then(|s| pages(section, &s, accounts));
    Ok(App {
        session: session?,
        frame_ancestors: frame_ancestors?.unwrap_or_default(),
        pages: pages?,
    })
}

fn session(section: &Section<'_>) -> Reading<SignedDuration> {
    let hours = section.number("session_hours")?;
    let hours = hours.unwrap_or(defaults::SESSION_HOURS);
    if (1..=MOST_HOURS).contains(&hours) {
        return Ok(SignedDuration::from_hours(hours));
    }
    let reason = format!("the number is not between 1 and {MOST_HOURS}");
    Err(section.error("session_hours", Fault::new(reason, "24 suits most")))
}

/// Scheme, host and port, as browsers write them.
fn origin(text: &str) -> Result<String, Fault> {
    forms::host_url(text)
        .map(|url| url.origin().ascii_serialization())
        .map_err(|_| {
            let remedy = "write scheme and host only, for example \"https://www.example.cn\"";
            Fault::new("this is no origin", remedy)
        })
}

fn pages(
    app: &Section<'_>,
    section: &Section<'_>,
    accounts: &[AccountId],
) -> Reading<BTreeMap<String, Page>> {
    if !section.holds_only_tables() {
        let reason = "it holds keys that belong to no page";
        let remedy = "write them under [app.pages.<page>], for example [app.pages.account]";
        return Err(app.error("pages", Fault::new(reason, remedy)));
    }
    if section.names().count() > MOST_PAGES {
        let reason = format!("there are more than {MOST_PAGES} pages");
        return Err(app.error("pages", Fault::new(reason, "serve some of them elsewhere")));
    }
    // Names of a wrong form are noted with the unknown keys.
    let names = section.names().filter(|name| is_page_name(name));
    let read = |name: &str| {
        let page = section.section(name).and_then(|s| page(&s, accounts));
        if RESERVED.contains(&name) {
            let reason = format!("/app/{name}/ is qiao's own");
            return Err(section.error(name, Fault::new(reason, "choose another name")));
        }
        Ok((name.to_owned(), page?))
    };
    Ok(all(names.map(read))?.into_iter().collect())
}

fn page(section: &Section<'_>, accounts: &[AccountId]) -> Reading<Page> {
    let folder = section.required("folder", forms::text);
    let account = account(section, accounts);
    let scopes = [Scope::Base, Scope::UserInfo].map(|scope| (scope.as_str(), scope));
    let scope = section.or("scope", defaults::SCOPE, forms::choice(&scopes));
    Ok(Page {
        folder: section.run.folder.join(folder?),
        account: account?,
        scope: scope?,
    })
}

/// Whose followers it is about. With a single account there is nothing to choose.
pub(super) fn account(section: &Section<'_>, accounts: &[AccountId]) -> Reading<AccountId> {
    let chosen = section.optional("account", forms::text)?;
    match (chosen.map(AccountId::new), accounts) {
        (Some(chosen), _) if accounts.contains(&chosen) => Ok(chosen),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(section.missing("account")),
        (Some(_), accounts) => {
            let known: Vec<_> = accounts.iter().map(ToString::to_string).collect();
            let remedy = format!("write one of {}, or add its table", known.join(", "));
            let fault = Fault::new("there is no such table [wechat.<account>]", remedy);
            Err(section.error("account", fault))
        }
    }
}
