//! The account, the tenant and the person that every target speaks of. All invented.

use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use qiao::config::{Account, Config, ConfigErrors, Environment, Loaded, Tenant, load_text};
use qiao::domain::ids::{AccountId, OpenId, TenantId};
use qiao::wechat::keys::Keys;

pub(crate) const APP_ID: &str = "wxb11529c136998cb6";
pub(crate) const ORIGINAL_ID: &str = "gh_0123456789ab";
pub(crate) const TOKEN: &str = "pamtest-do-not-show";
/// A published key, but for two stray bits in its last letter that mean nothing.
pub(crate) const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFE";
pub(crate) const OPENID: &str = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M";
pub(crate) const ACCESS_TOKEN: &str = "access-token-that-nobody-may-ever-read";
pub(crate) const TENANT_URL: &str = "https://my000000.crm.ondemand.com";

/// What no sentence may ever hold.
pub(crate) const SECRETS: [&str; 8] = [
    TOKEN,
    AES_KEY,
    OPENID,
    ACCESS_TOKEN,
    "app-secret-do-not-show",
    "password-do-not-show",
    "notify-do-not-show",
    CANARY,
];

/// A secret that inputs may place where they like.
pub(crate) const CANARY: &str = "hunter2-do-not-show";

/// A valid configuration in plaintext mode; `[c4c.main]` is open at its end.
pub(crate) const CONFIG: &str = r#"
[wechat.main]
app_id = "wxb11529c136998cb6"
app_secret = "app-secret-do-not-show"
original_id = "gh_0123456789ab"
token = "pamtest-do-not-show"

[c4c.main]
url = "https://my000000.crm.ondemand.com"
username = "QIAO"
password = "password-do-not-show"
notify_username = "c4c"
notify_password = "notify-do-not-show"
"#;

/// 2026-11-23, as good an instant as any.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_795_420_800, 0);

/// Loads a configuration from a folder that is not there.
pub(crate) fn load(text: &str, env: &Environment) -> Result<Loaded, ConfigErrors> {
    load_text(text, Path::new("/nonexistent/qiao.toml"), env)
}

/// [`CONFIG`] with a line more for the tenant.
pub(crate) fn configured(line: &str) -> Result<Config, ConfigErrors> {
    let loaded = load(&format!("{CONFIG}{line}\n"), &Environment::default())?;
    Ok(loaded.config)
}

static PLAIN: LazyLock<Config> =
    LazyLock::new(|| configured("").expect("the configuration is valid"));

/// The account.
pub(crate) fn account() -> &'static Account {
    &PLAIN.wechat[&AccountId::new("main")]
}

/// The tenant.
pub(crate) fn tenant() -> &'static Tenant {
    &PLAIN.c4c[&TenantId::new("main")]
}

/// The person.
pub(crate) fn follower() -> OpenId {
    OpenId::new(OPENID)
}

/// The account's keys in plaintext mode.
pub(crate) static PLAIN_KEYS: LazyLock<Keys> =
    LazyLock::new(|| Keys::new(account()).expect("the configuration is valid"));

/// The account's keys in safe mode.
pub(crate) static SAFE_KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let mut account = account().clone();
    account.aes_keys = vec![secrecy::SecretString::from(AES_KEY)];
    Keys::new(&account).expect("the key is a published one")
});
