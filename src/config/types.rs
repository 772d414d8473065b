//! What a valid configuration is. Every key is explained in `config.example.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::conversation::ConversationRules;
use super::jobs::Schedules;
use super::map::{Locations, Map};
use super::pages::App;
use super::retention::Retention;
use crate::domain::ids::{AccountId, TenantId};

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[backup]`
    pub backup: BackupPlan,
    /// `[outbound]`
    pub outbound: Outbound,
    /// `[jobs.<name>]`
    pub jobs: Schedules,
    /// `[retention]`
    pub retention: Retention,
    /// `[wechat.<account>]`
    pub wechat: BTreeMap<AccountId, Account>,
    /// `[c4c.<tenant>]`
    pub c4c: BTreeMap<TenantId, Tenant>,
    /// `[reconcile]`
    pub reconcile: Reconcile,
    /// `[app.map]`
    pub map: Option<Map>,
    /// `[app]`
    pub app: App,
}

/// `[server]`: where Qiao listens and how it is reached.
#[derive(Debug, Clone)]
pub struct Server {
    /// `listen`
    pub listen: SocketAddr,
    /// `admin_listen`; if set, `/metrics` lives only there.
    pub admin_listen: Option<SocketAddr>,
    /// `public_url`; its path prefixes all routes and links.
    pub public_url: url::Url,
    /// `trusted_proxies`: peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// `time_zone` of texts to followers and of schedules.
    pub time_zone: TimeZone,
}

/// `[reconcile]`: how far reconciliation may go on its own.
#[derive(Debug, Clone)]
pub struct Reconcile {
    /// `max_repairs`: a run that plans more repairs makes none of them, unless a person said yes.
    pub max_repairs: u32,
}

/// `[database]`: where the SQLite file is, and who copies from its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The file of `url = "sqlite:…"`; relative paths were resolved against the configuration's folder.
    pub path: PathBuf,
    /// `litestream`: Litestream runs beside Qiao, and the checkpoints are its own.
    pub litestream: bool,
}

/// `[backup]`: backups that are made by the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupPlan {
    /// `folder`: where they lie.
    pub folder: PathBuf,
    /// `keep`: how many; 0: none is made.
    pub keep: usize,
}

/// `[outbound]`: how the outside is reached.
#[derive(Clone, Default)]
pub struct Outbound {
    /// `proxy`; empty for none. It may hold credentials.
    pub proxy: String,
    /// `no_proxy`, comma-separated.
    pub no_proxy: String,
    /// `ca_file`: further certificate authorities, PEM.
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let proxy = if self.proxy.is_empty() { "" } else { "…" };
        f.debug_struct("Outbound")
            .field("proxy", &proxy)
            .field("no_proxy", &self.no_proxy)
            .field("ca_file", &self.ca_file)
            .finish()
    }
}

/// `[wechat.<account>]`: one Official Account.
#[derive(Debug, Clone)]
pub struct Account {
    /// `app_id`, `wx` + 16 hex digits.
    pub app_id: String,
    /// `app_secret`
    pub app_secret: SecretString,
    /// `mp_verify`: the codes of WeChat's files that prove a domain, letters and digits.
    pub mp_verify: Vec<String>,
    /// `original_id`, `gh_…`; if set, another ToUserName is refused.
    pub original_id: Option<String>,
    /// `token`: one, or several during rotation. Never empty.
    pub tokens: Vec<SecretString>,
    /// `encoding_aes_key`: none for plaintext, several during rotation. Each 43 characters, checked.
    pub aes_keys: Vec<SecretString>,
    /// `access_token`
    pub access_token: TokenSource,
    /// `api_url`, without a trailing slash.
    pub api_url: String,
    /// `oauth_url`, without a trailing slash.
    pub oauth_url: String,
    /// `jssdk_url`: the script that pages inside WeChat load.
    pub jssdk_url: url::Url,
    /// `tenant`: where its followers become customers. Exists in [`Config::c4c`].
    pub tenant: TenantId,
    /// `on_unfollow`
    pub on_unfollow: OnUnfollow,
    /// `existing_followers`
    pub existing_followers: ExistingFollowers,
    /// `migrated_from`: the AppID of the account from which the platform moved its followers.
    pub migrated_from: Option<String>,
    /// `uncertain_send`
    pub uncertain_send: UncertainSend,
    /// `menu`: the file of its menu, read by [`super::load_menu`]; `None`: Qiao leaves the menu alone.
    pub menu: Option<PathBuf>,
    /// `keep_menu`: whether the job `menu` puts it back. Only where there is one.
    pub keep_menu: bool,
    /// `conversation`
    pub conversation: ConversationRules,
    /// `location_events` and `location_event_coordinates`
    pub locations: Locations,
    /// `answer_hook`
    pub answer_hook: Option<url::Url>,
    /// `texts`
    pub texts: Texts,
    /// `templates`: by the purpose of the messages for which they stand in when the window is closed.
    pub templates: BTreeMap<String, Template>,
    /// `rules`, in order; the first that fits answers.
    pub rules: Vec<Rule>,
}

/// Where access tokens come from (wechat.md 3.1, 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// `POST /cgi-bin/stable_token`
    StableToken,
    /// `GET /cgi-bin/token`
    Token,
    /// A company's central token service: `GET` answers `{"access_token":"…","expires_in":7200}`.
    Central(url::Url),
}

/// What happens to a person's data when they unfollow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnfollow {
    /// Mapping and history stay; queued sends are cancelled.
    Keep,
    /// They are erased a while later, unless they are back.
    Erase,
}

/// What reconciliation does with people who followed before Qiao came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingFollowers {
    /// They become customers when they first say or do something.
    OnContact,
    /// They are brought in, gently.
    Import,
}

/// What becomes of a send nobody knows the outcome of; WeChat offers no look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UncertainSend {
    /// It is held for a person: perhaps lost, never twice.
    Hold,
    /// It is sent again: perhaps twice, never lost.
    Resend,
}

/// Texts to followers. Placeholders: `{customer_id}` `{name}` `{changes}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// The passive reply to a follow; empty for none.
    pub welcome: String,
    /// Sent when the customer stands in C4C.
    pub customer_created: String,
    /// Sent when a watched field changed; `{changes}` lists them.
    pub customer_changed: String,
    /// Sent when something changed but no baseline tells what.
    pub customer_changed_unknown: String,
    /// The answer to `review` when there is nothing.
    pub no_history: String,
    /// The answer to `delete`; says that C4C's copy stays.
    pub history_deleted: String,
    /// Names a file of an agent's that WeChat does not carry; here `{name}` is the file's.
    pub file_named: String,
    /// The answer to `bind` when a person must first say whom the follower stands for.
    pub not_bound: String,
    /// Headline of the answer to a location; `{name}` `{distance}` of the nearest branch.
    pub nearest_branch: String,
    /// The same where no place is known.
    pub branches: String,
    /// The code to bind that was scanned had expired.
    pub bind_expired: String,
    /// It had bound somebody else.
    pub bind_used: String,
    /// The follower stands for another customer; a person looks into it.
    pub bind_unclear: String,
    /// C4C does not have the code's customer.
    pub bind_failed: String,
}

/// A template message (wechat.md 4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// WeChat's id of the template.
    pub template_id: String,
    /// Keyword → text with placeholders.
    pub data: BTreeMap<String, String>,
    /// Where a tap leads; empty for nowhere.
    pub url: String,
}

/// One `[[wechat.<account>.rules]]`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it fits.
    pub when: When,
    /// What it answers.
    pub then: Then,
}

/// The condition of a rule.
#[derive(Debug, Clone)]
pub enum When {
    /// The message is this text, surrounding white space aside.
    Text(String),
    /// The message's text matches.
    Regex(regex::Regex),
    /// A menu button with this key was clicked.
    Click(String),
    /// An event of this name (in any case) came.
    Event(String),
    /// A message of this kind.
    Message(String),
}

/// The answer of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// A text.
    Text(String),
    /// One article.
    News {
        /// Headline.
        title: String,
        /// Below it.
        description: String,
        /// Picture.
        pic_url: String,
        /// Where a tap leads.
        url: String,
    },
    /// One article that opens a page of ours.
    Page {
        /// Its name. The account has it.
        page: String,
        /// Headline.
        title: String,
        /// Below it.
        description: String,
        /// Picture.
        pic_url: String,
    },
    /// Ask this URL (the answer hook's protocol).
    Hook(url::Url),
    /// Something Qiao does itself.
    Action(Action),
}

/// What Qiao itself can do for a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Show their own history.
    Review,
    /// Delete their own history.
    Delete,
    /// Look up or make their customer, and tell them the number.
    Bind,
    /// Show the nearest branches.
    Branches,
}

/// `[c4c.<tenant>]`: one C4C tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// `url`, scheme and host, without a trailing slash.
    pub url: String,
    /// `username`
    pub username: String,
    /// `password`; letters and signs that C4C refuses were refused.
    pub password: SecretString,
    /// `service`: path of the standard service, without a trailing slash.
    pub service: String,
    /// `csrf`
    pub csrf: Csrf,
    /// `max_calls` at once, 2..=9.
    pub max_calls: usize,
    /// `maintenance`: weekly windows in which nothing is called.
    pub maintenance: Vec<MaintenanceWindow>,
    /// `customer`: fields sent at creation; `{openid}` `{unionid}` `{name|default}` `{scene}`
    /// `{campaign}`.
    pub customer: BTreeMap<String, String>,
    /// `campaign`: fields that a customer who exists gets when a campaign's QR code is scanned; empty: none.
    pub campaign: BTreeMap<String, String>,
    /// `lookup`, in order: `wechat_id` or the name of a customer's field.
    pub lookup: Vec<String>,
    /// `watch`: fields that a change notice may speak of.
    pub watch: Vec<String>,
    /// `wechat_id`: where the WeChat ID lives.
    pub wechat_id: WechatIdField,
    /// `notify_username` and `notify_password`: Basic authentication on our own endpoints.
    pub notify_basic: Option<(String, SecretString)>,
    /// `notify_key`: a secret last path segment.
    pub notify_key: Option<SecretString>,
    /// `poll_answers`: whether agents' answers are looked for every minute.
    pub poll_answers: bool,
}

/// Whether CSRF tokens are fetched before writes (c4c.md 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Csrf {
    /// Fetched; a fetch that fails or brings none is no error.
    Auto,
    /// Never fetched.
    Off,
}

/// Where the WeChat ID of a customer lives (c4c.md 2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WechatIdField {
    /// Path of a custom service and where in it; `None` when it is a field of the customer itself.
    pub service: Option<CustomService>,
    /// The property that holds the OpenID.
    pub field: String,
    /// Who writes it.
    pub write: WechatIdWrite,
}

/// A custom OData service that carries the WeChat ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomService {
    /// Path, without a trailing slash.
    pub path: String,
    /// Entity set.
    pub set: String,
    /// The property that holds the customer's ObjectID.
    pub parent: String,
}

/// Who writes the WeChat ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WechatIdWrite {
    /// A BeforeSave script in C4C copies it; Qiao only reads it back.
    Script,
    /// Qiao sends it with the create.
    Create,
    /// Qiao patches it after the create.
    Patch,
}

/// A weekly window, for example `Sat 16:00-22:00 UTC`. It may cross midnight.
#[derive(Debug, Clone, PartialEq)]
pub struct MaintenanceWindow {
    /// The day it starts on.
    pub weekday: jiff::civil::Weekday,
    /// Its start.
    pub from: jiff::civil::Time,
    /// Its end; earlier than `from` means the next day.
    pub to: jiff::civil::Time,
    /// In whose hours.
    pub zone: TimeZone,
}
