//! `[app]`: pages inside WeChat, whose they are, and the links that open them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::map::Map;
use super::types::Config;
use crate::domain::ids::AccountId;

/// Names below `/app/` that are Qiao's own.
pub const RESERVED: [&str; 2] = ["api", MAP];

/// The page of branches.
pub const MAP: &str = "map";

/// What stays as it is in the value of a parameter.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `[app]`: who may look, and at what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// `session_hours`: how long a follower is known to a browser.
    pub session: SignedDuration,
    /// `frame_ancestors`: origins that may show pages in a frame.
    pub frame_ancestors: Vec<String>,
    /// `pages`: by name, which is their path below `/app/`.
    pub pages: BTreeMap<String, Page>,
}

/// `[app.pages.<name>]`: a folder of static files, served to the followers of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// `folder`; relative paths were resolved against the configuration's folder.
    pub folder: PathBuf,
    /// `account`: whose followers open it. Exists in [`Config::wechat`].
    pub account: AccountId,
    /// `scope`: how much of a follower the page asks for.
    pub scope: Scope,
}

/// What a follower is asked for before a page opens (wechat.md 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `snsapi_base`: who they are, silently.
    Base,
    /// `snsapi_userinfo`: their name and avatar, too, with their consent.
    UserInfo,
}

impl Scope {
    /// WeChat's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "snsapi_base",
            Self::UserInfo => "snsapi_userinfo",
        }
    }
}

/// Whether `text` may name a page: `[a-z0-9_-]{1,32}`.
pub fn is_page_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

impl Config {
    /// The link that opens a page inside WeChat and tells it who is looking. `None` when the
    /// account has no page of that name.
    pub fn page_url(&self, account: &AccountId, page: &str) -> Option<Url> {
        self.owns_page(account, page)
            .then(|| self.start_url(account, &format!("/app/{page}/")))
    }

    /// The link that finds out who is looking and then leads to `to`, a path below a page.
    /// Nothing is checked here: whoever follows the link is refused what is not below a page.
    pub fn start_url(&self, account: &AccountId, to: &str) -> Url {
        let mut url = self.own_url(&format!("/oauth/wechat/{account}/start"));
        let to = utf8_percent_encode(to, VALUE);
        url.set_query(Some(&format!("to={to}")));
        url
    }

    /// The branches of this account.
    pub fn map_of(&self, account: &AccountId) -> Option<&Map> {
        self.map.as_ref().filter(|map| map.account == *account)
    }

    /// Whether followers of this account may open this page.
    pub fn owns_page(&self, account: &AccountId, page: &str) -> bool {
        self.owner_of(page) == Some(account)
    }

    /// Whose page it is; the map is Qiao's own.
    pub fn owner_of(&self, page: &str) -> Option<&AccountId> {
        match page {
            MAP => self.map.as_ref().map(|map| &map.account),
            page => self.app.pages.get(page).map(|page| &page.account),
        }
    }

    /// An address of Qiao's own: `path`, which begins with a slash, behind `server.public_url`.
    pub fn own_url(&self, path: &str) -> Url {
        let mut url = self.server.public_url.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}{path}"));
        url
    }
}
