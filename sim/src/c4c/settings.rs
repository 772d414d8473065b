//! The knobs of the simulated tenant: what the reference leaves open, and what tests vary.
//!
//! All of it reads and writes as JSON, so that the control API can change any knob.

use serde::{Deserialize, Serialize};

/// Which JSON a single entity gets (c4c.md 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `{"d":{"results":{…}}}`, as C4C answers.
    C4c,
    /// `{"d":{…}}`, as OData V2 says.
    Standard,
}

/// Where `eq` on texts ignores case (c4c.md 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoreCase {
    /// On a person's names only.
    Names,
    /// On every text.
    All,
    /// Nowhere.
    Never,
}

/// The tenant. `Settings::default()` is what `qiao sim c4c` serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a knob of its own")]
pub struct Settings {
    /// The tenant's name in notifications, and in links when a request names no host.
    pub host: String,
    /// Start of every link, for example `https://c4c.test`; empty takes the request's `Host`
    /// over plain HTTP.
    pub public_url: String,
    /// Shape of single entities.
    pub dialect: Dialect,
    /// Wrong passwords in a row that lock a user; 0 never locks.
    pub lock_after: u32,
    /// How long a CSRF session lives unused, in minutes.
    pub session_minutes: i64,
    /// Whether a 403 for a missing token carries `x-csrf-token: Required`, as SAP Gateway does.
    pub csrf_required_header: bool,
    /// Answer a token fetch with 500 (SAP/cloud-sdk-js#1185, c4c.md 1.3).
    pub token_fetch_fails: bool,
    /// Entries in a page of a feed.
    pub page: usize,
    /// Entries in a page with `$expand`.
    pub page_with_expand: usize,
    /// Whether a `$top` above the page is honoured; in a batch it always is (c4c.md 1.11).
    pub large_top: bool,
    /// Where `eq` ignores case.
    pub ignore_case: IgnoreCase,
    /// Whether the customer itself shows the WeChat ID, as `WechatID_KUT`.
    pub extension_field: bool,
    /// Whether the WeChat ID is marked filterable.
    pub wechat_id_filterable: bool,
    /// Whether BeforeSave copies LastName into an initial WeChat ID (c4c.md 2.3).
    pub before_save_script: bool,
    /// Time a call takes, in milliseconds.
    pub response_millis: u64,
    /// Calls at the same time above which [`super::Calls::over_limit`] counts (c4c.md 1.11).
    pub max_parallel: usize,
    /// First number of the customers' number range.
    pub first_customer_id: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "my000001.c4c.example".to_owned(),
            public_url: String::new(),
            dialect: Dialect::C4c,
            lock_after: 5,
            session_minutes: 30,
            csrf_required_header: true,
            token_fetch_fails: false,
            page: 1000,
            page_with_expand: 100,
            large_top: false,
            ignore_case: IgnoreCase::Names,
            extension_field: false,
            wechat_id_filterable: true,
            before_save_script: true,
            response_millis: 0,
            max_parallel: 10,
            first_customer_id: 1_000_441,
        }
    }
}
