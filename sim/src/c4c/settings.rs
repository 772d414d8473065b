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
    /// Codes of the social media channels that are set up (c4c.md 4.1, 4.2).
    pub social_channels: Vec<String>,
    /// IDs of the channels that are set up: what `SocialMediaActivityProviderID` may be.
    pub social_providers: Vec<String>,
    /// Employees whom a ticket can go to, by employee ID: what `ProcessorPartyID` may be.
    pub employees: Vec<String>,
    /// Whether a second activity with the same `SocialMediaMessageID` is refused; unknown of C4C.
    pub unique_message_id: bool,
    /// Whether a new conversation becomes a ticket by itself.
    pub auto_ticket: bool,
    /// How long after its first message, in milliseconds.
    pub auto_ticket_ms: u64,
    /// Whether `GetAllChildSocialMediaActivity` gives the root too; unknown of C4C.
    pub children_with_root: bool,
    /// The entity set of ticket notes; unknown of C4C, the navigation is known (c4c.md 8).
    pub text_set: String,
    /// `TypeCode`s that a ticket note may have.
    pub note_types: Vec<String>,
    /// `TypeCode`s that an attachment may have.
    pub attachment_types: Vec<String>,
    /// Size of an attachment above which it is refused, in bytes; unknown of C4C (c4c.md 4.6).
    pub attachment_limit: usize,
    /// Key-user fields of the ticket, filterable texts, for example `WechatID_KUT`.
    pub ticket_fields: Vec<String>,
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
            social_channels: texts(&["008", "905"]),
            social_providers: texts(&["WECHAT"]),
            employees: texts(&["8000000017", "8000000018"]),
            unique_message_id: false,
            auto_ticket: true,
            auto_ticket_ms: 0,
            children_with_root: false,
            text_set: "ServiceRequestTextCollectionCollection".to_owned(),
            note_types: texts(&["10004", "10007", "10008"]),
            attachment_types: texts(&["10001"]),
            attachment_limit: 10 << 20,
            ticket_fields: Vec::new(),
        }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
