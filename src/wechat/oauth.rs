//! Web authorization: who is looking at a page inside WeChat (wechat.md 8).
//!
//! These calls need no access_token of the account, and theirs is another kind of token, which
//! stays here: nothing but the refresh_token of a consent leaves, for the store.

use std::fmt;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;
use url::form_urlencoded;

use crate::config::{Account, Scope};
use crate::domain::ids::{OpenId, UnionId};
use crate::domain::rows::{Profile, RefreshToken};
use crate::kit::transport::Request;

use super::client::Client;
use super::error::{Call, Cause, Error};
use super::json;

/// Somebody looks at an empty page until it is answered.
const WAITED_FOR: Duration = Duration::from_secs(5);

/// A name that is longer is none: WeChat allows 32 characters.
const LONGEST_NAME: usize = 128;

/// An address that is longer is none of a picture.
const LONGEST_ADDRESS: usize = 1024;

/// The address that asks somebody who they are. The order of its parameters is matched strictly.
/// `connect_redirect=1` keeps WeChat from opening the way back twice, which would burn the code.
pub fn authorize_url(account: &Account, back: &str, scope: Scope, state: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("appid", &account.app_id)
        .append_pair("redirect_uri", back)
        .append_pair("response_type", "code")
        .append_pair("scope", scope.as_str())
        .append_pair("state", state)
        .append_pair("connect_redirect", "1")
        .finish();
    let base = &account.oauth_url;
    format!("{base}/connect/oauth2/authorize?{query}#wechat_redirect")
}

/// What a code was exchanged for.
pub struct Granted {
    /// Who it is.
    pub openid: OpenId,
    /// Who it is across accounts, where WeChat tells.
    pub unionid: Option<UnionId>,
    /// Whether it is somebody virtual: the page is open in snapshot mode, and nobody may be taken to be
    /// this person.
    pub is_snapshot: bool,
    /// By which the profile can be read, and read again.
    pub refresh_token: Option<RefreshToken>,
    access_token: String,
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Granted({})", self.openid)
    }
}

/// What somebody shows of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Name and avatar.
    pub profile: Profile,
    /// Who they are across accounts.
    pub unionid: Option<UnionId>,
}

impl Client {
    /// Exchanges the code that somebody came back with. It is good once, for five minutes.
    pub async fn exchange_code(&self, account: &Account, code: &str) -> Result<Granted, Error> {
        let request = self.waited_for(
            "/sns/oauth2/access_token",
            &[
                ("appid", &account.app_id),
                ("secret", account.app_secret.expose_secret()),
                ("code", code),
                ("grant_type", "authorization_code"),
            ],
        );
        self.granted(Call::ExchangeCode, request).await
    }

    /// Renews what somebody consented to.
    pub async fn refresh_consent(
        &self,
        account: &Account,
        token: &RefreshToken,
    ) -> Result<Granted, Error> {
        let request = self.waited_for(
            "/sns/oauth2/refresh_token",
            &[
                ("appid", &account.app_id),
                ("grant_type", "refresh_token"),
                ("refresh_token", token.expose()),
            ],
        );
        self.granted(Call::RefreshConsent, request).await
    }

    /// Name and avatar, as far as they were consented to.
    pub async fn shown(&self, granted: &Granted) -> Result<Shown, Error> {
        let request = self.waited_for(
            "/sns/userinfo",
            &[
                ("access_token", &granted.access_token),
                ("openid", granted.openid.as_str()),
                ("lang", "zh_CN"),
            ],
        );
        let answer = self.call(Call::ReadProfile, request).await?;
        Ok(shown(&answer))
    }

    async fn granted(&self, call: Call, request: Request) -> Result<Granted, Error> {
        let answer = self.call(call, request).await?;
        granted(&answer).ok_or(Error {
            call,
            cause: Cause::Unreadable("without access_token and openid"),
        })
    }

    fn waited_for(&self, path: &str, query: &[(&str, &str)]) -> Request {
        let mut request = self.get(path, query);
        request.timeout = WAITED_FOR;
        request
    }
}

fn granted(answer: &Value) -> Option<Granted> {
    Some(Granted {
        openid: OpenId::new(json::text(answer, "openid")?),
        unionid: json::text(answer, "unionid").map(UnionId::new),
        is_snapshot: json::number(answer, "is_snapshotuser") == Some(1),
        refresh_token: json::text(answer, "refresh_token").map(RefreshToken::new),
        access_token: json::text(answer, "access_token")?,
    })
}

fn shown(answer: &Value) -> Shown {
    let name = json::text(answer, "nickname").filter(|name| name.len() <= LONGEST_NAME);
    let avatar = json::text(answer, "headimgurl").filter(|url| is_address(url));
    Shown {
        profile: Profile { name, avatar },
        unionid: json::text(answer, "unionid").map(UnionId::new),
    }
}

/// It becomes the source of a picture on a page, so nothing but an address of the web may.
fn is_address(text: &str) -> bool {
    let url = url::Url::parse(text);
    let is_web = url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    is_web && text.len() <= LONGEST_ADDRESS
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_snapshot_is_told_apart_and_nothing_of_a_token_is_shown() {
        let answer = json!({"access_token": "secret", "openid": "oLVPpjqs9BhvzwPj5A-vTYAX3GLc",
            "refresh_token": "secret", "is_snapshotuser": 1});
        let granted = granted(&answer).unwrap();
        assert!(granted.is_snapshot);
        let told = format!("{granted:?} {:?}", granted.refresh_token);
        assert!(!told.contains("secret"), "{told}");
        assert!(super::granted(&json!({"openid": "o"})).is_none());
    }

    #[test]
    fn only_an_address_of_the_web_is_an_avatar() {
        let of = |url: &str| shown(&json!({"nickname": "小桥", "headimgurl": url}));
        assert_eq!(of("javascript:alert(1)").profile.avatar, None);
        assert_eq!(of("").profile.avatar, None);
        let right = of("https://thirdwx.qlogo.cn/mmopen/vi_32/a/132");
        assert_eq!(right.profile.name.as_deref(), Some("小桥"));
        assert!(right.profile.avatar.is_some());
    }
}
