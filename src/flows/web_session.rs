//! Who may look at what: where a login may lead, and what a session is good for.

use crate::config::{Config, Scope};
use crate::domain::ids::AccountId;

/// Longest path that somebody is led back to.
const LONGEST_TARGET: usize = 512;

/// A place below a page of the account's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its page.
    pub page: String,
    /// The path, with what follows it; it begins with `/app/`.
    pub path: String,
}

/// Reads where somebody wants. `None` for everything that is not plainly below a page of this
/// account: no other host, no way up, nothing that a browser might read in another way.
///
/// Percent signs are refused in the path as a whole: whatever they hide would be seen only later.
pub fn target(config: &Config, account: &AccountId, to: &str) -> Option<Target> {
    let rest = to.strip_prefix("/app/")?;
    let visible = |b: u8| b.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&b);
    if to.len() > LONGEST_TARGET || !to.bytes().all(visible) {
        return None;
    }
    let path = rest.split(['?', '#']).next()?;
    let mut segments = path.split('/').peekable();
    let page = segments.next()?;
    if !config.owns_page(account, page) {
        return None;
    }
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let hidden = segment.starts_with('.');
        if (segment.is_empty() && !is_last) || hidden || !segment.bytes().all(plain) {
            return None;
        }
    }
    Some(Target {
        page: page.to_owned(),
        path: to.to_owned(),
    })
}

/// The page that is meant when nobody says which: the account's only one.
pub fn only_page(config: &Config, account: &AccountId) -> Option<Target> {
    let mut pages = config
        .app
        .pages
        .iter()
        .filter(|(_, page)| page.account == *account);
    let (name, _) = pages.next().filter(|_| pages.next().is_none())?;
    Some(Target {
        page: name.clone(),
        path: format!("/app/{name}/"),
    })
}

/// Whether somebody who was asked for so much may see a page that asks for so much.
pub fn suffices(asked: Scope, page: Scope) -> bool {
    asked >= page
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Environment, load_text};

    fn config() -> Config {
        let text = r#"
            [wechat.main]
            app_id = "wx0123456789abcdef"
            app_secret = "s"
            token = "abc"
            [wechat.shop]
            app_id = "wx0123456789abcde0"
            app_secret = "s"
            token = "abc"
            [c4c.main]
            url = "https://my000000.crm.ondemand.com"
            username = "QIAO"
            password = "p"
            notify_username = "c4c"
            notify_password = "n"
            [app.pages.account]
            folder = "dist"
            account = "main"
            [app.pages.shop]
            folder = "dist"
            account = "shop"
        "#;
        let env = Environment::default();
        let loaded = load_text(text, std::path::Path::new("/etc/qiao/qiao.toml"), &env);
        loaded.unwrap().config
    }

    #[test]
    fn a_login_leads_below_a_page_of_the_account_and_nowhere_else() {
        let (config, main) = (config(), AccountId::new("main"));
        let leads = |to: &str| target(&config, &main, to).map(|target| target.path);
        for right in [
            "/app/account",
            "/app/account/",
            "/app/account/index.html?a=b%2Fc",
            "/app/account/#/tickets/1",
        ] {
            assert_eq!(leads(right).as_deref(), Some(right));
        }
        for wrong in [
            "",
            "/",
            "app/account/",
            "/app/",
            "/app/other/",
            "/app/shop/",
            "/app/api/me",
            "//evil.example/app/account/",
            "///app/account/",
            "/\\evil.example",
            "\\\\evil.example",
            "/app/account/..\\..\\x",
            "https://evil.example/app/account/",
            "https:/app/account/",
            "javascript:alert(1)",
            "/app/account/../../wechat/main",
            "/app/account/%2e%2e/x",
            "/app/account/%2F%2Fevil.example",
            "/app/account%2F..",
            "/app/%61ccount/",
            "/app/account//evil.example",
            "/app/account/./x",
            "/app/account/.git/config",
            "/app/account/\r\nset-cookie: a=b",
            "/app/account/\tx",
            "/app/account/<script>",
            "/app/account/桥",
            "/app/account@evil.example/",
            " /app/account/",
            "/app/account/ ",
        ] {
            assert_eq!(leads(wrong), None, "{wrong}");
        }
        let long = format!("/app/account/?{}", "a".repeat(LONGEST_TARGET));
        assert_eq!(leads(&long), None);
    }

    #[test]
    fn who_was_asked_for_more_may_see_what_asks_for_less() {
        assert!(suffices(Scope::UserInfo, Scope::Base));
        assert!(suffices(Scope::Base, Scope::Base));
        assert!(!suffices(Scope::Base, Scope::UserInfo));
        let (config, main) = (config(), AccountId::new("main"));
        assert_eq!(only_page(&config, &main).unwrap().page, "account");
        assert_eq!(only_page(&config, &AccountId::new("other")), None);
    }

    proptest! {
        /// Whatever is asked for, a browser that is led there stays on this host and below the page.
        #[test]
        fn what_is_let_through_stays_below_the_page(
            to in r"(/app/account|//|/|\\|https:|%2f|)[ -~]{0,40}",
        ) {
            let (config, main) = (config(), AccountId::new("main"));
            if let Some(target) = target(&config, &main, &to) {
                let base = url::Url::parse("https://bridge.example.cn/").unwrap();
                let led = base.join(&target.path).unwrap();
                prop_assert_eq!(led.host_str(), Some("bridge.example.cn"));
                prop_assert!(led.path() == "/app/account" || led.path().starts_with("/app/account/"));
            }
        }
    }
}
