//! What the account's server asks after somebody came back: tokens and the profile.

use serde_json::{Value, json};

use super::super::WeChat;
use super::super::api::Call;
use super::super::people::Person;
use super::super::refusal::{Outcome, Refusal};
use super::super::{account, ids, later};
use super::pages::AVATAR;
use super::{CODE_LIFE, Grant, REFRESH_LIFE, Scope, TOKEN_LIFE, Token, is_over};

impl WeChat {
    /// `GET /sns/oauth2/access_token`.
    pub(in super::super) fn exchange_code(&mut self, call: &mut Call<'_>) -> Outcome {
        let param = |name| call.request.param(name).unwrap_or_default();
        self.check_app_id(&param("appid"))?;
        self.check_secret(&param("secret"))?;
        if param("grant_type") != "authorization_code" {
            return Err(Refusal::new(40002));
        }
        let code = match param("code") {
            code if code.is_empty() => return Err(Refusal::new(41008)),
            code => self.oauth.codes.get_mut(&code),
        };
        let code = code.ok_or_else(|| Refusal::new(40029))?;
        if std::mem::replace(&mut code.is_used, true) {
            return Err(Refusal::new(40163));
        }
        if is_over(code.made, CODE_LIFE, call.now) {
            return Err(Refusal::new(42003));
        }
        let grant = code.grant.clone();
        let refresh = ids::random_text(ids::TOKEN_LENGTH, call.rng);
        let ends = later(call.now, REFRESH_LIFE);
        let token = Token {
            grant: grant.clone(),
            ends,
        };
        self.oauth.refresh.insert(refresh.clone(), token);
        Ok(self.granted(grant, &refresh, call))
    }

    /// `GET /sns/oauth2/refresh_token`.
    pub(in super::super) fn refresh_oauth(&mut self, call: &mut Call<'_>) -> Outcome {
        let param = |name| call.request.param(name).unwrap_or_default();
        self.check_app_id(&param("appid"))?;
        if param("grant_type") != "refresh_token" {
            return Err(Refusal::new(40002));
        }
        let refresh = param("refresh_token");
        let token = self.oauth.refresh.get(&refresh);
        let token = token.ok_or_else(|| Refusal::new(40030))?;
        if call.now >= token.ends {
            return Err(Refusal::new(42002));
        }
        let grant = token.grant.clone();
        Ok(self.granted(grant, &refresh, call))
    }

    /// `GET /sns/userinfo`: only where that was consented to.
    pub(in super::super) fn userinfo(&mut self, call: &mut Call<'_>) -> Outcome {
        let grant = self.grant_of(call)?.clone();
        if grant.scope != Scope::UserInfo {
            return Err(Refusal::new(48001));
        }
        let unknown = Person::default();
        let person = self.people.get(&grant.openid);
        // Nobody is behind a virtual OpenID.
        let person = person.filter(|_| !grant.is_snapshot).unwrap_or(&unknown);
        let name = person.name();
        let mut object = json!({
            "openid": grant.openid,
            "nickname": name,
            "sex": 0,
            "language": "",
            "city": "",
            "province": "",
            "country": "",
            "headimgurl": match person.avatar.as_str() {
                "" => {
                    let host = call.request.header("host").unwrap_or("localhost");
                    let of: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
                    format!("http://{host}{AVATAR}?of={of}")
                }
                own => own.to_owned(),
            },
            "privilege": [],
        });
        if let Some(unionid) = &person.unionid {
            object["unionid"] = json!(unionid);
        }
        Ok(object)
    }

    /// `GET /sns/auth`: whether a token still holds.
    pub(in super::super) fn check_oauth(&mut self, call: &mut Call<'_>) -> Outcome {
        self.grant_of(call)?;
        Ok(account::ok())
    }

    /// Whose token it is; the OpenID must be theirs.
    fn grant_of(&self, call: &Call<'_>) -> Result<&Grant, Refusal> {
        let param = |name| call.request.param(name).unwrap_or_default();
        let token = match param("access_token") {
            token if token.is_empty() => return Err(Refusal::new(41001)),
            token => self.oauth.access.get(&token),
        };
        let token = token.ok_or_else(|| Refusal::new(40001))?;
        if call.now >= token.ends {
            return Err(Refusal::new(42001));
        }
        if param("openid") != token.grant.openid {
            return Err(Refusal::new(40003));
        }
        Ok(&token.grant)
    }

    fn granted(&mut self, grant: Grant, refresh: &str, call: &mut Call<'_>) -> Value {
        let access = ids::access_token(call.rng);
        let mut object = json!({
            "access_token": access,
            "expires_in": TOKEN_LIFE.as_secs(),
            "refresh_token": refresh,
            "openid": grant.openid,
            "scope": grant.scope.as_str(),
        });
        if grant.is_snapshot {
            object["is_snapshotuser"] = json!(1);
        }
        let person = self.people.get(&grant.openid);
        let unionid = person.and_then(|person| person.unionid.as_ref());
        if let Some(unionid) = unionid.filter(|_| grant.scope == Scope::UserInfo) {
            object["unionid"] = json!(unionid);
        }
        let ends = later(call.now, TOKEN_LIFE);
        self.oauth.access.insert(access, Token { grant, ends });
        object
    }
}
