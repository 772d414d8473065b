//! Operations on the account itself: its tokens, its quotas, WeChat's addresses.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::WeChat;
use super::api::Call;
use super::refusal::{Outcome, Refusal};
use super::tokens::Grant;
use crate::wire::Request;

/// What `grant_type` must be.
const GRANT_TYPE: &str = "client_credential";

impl WeChat {
    /// Ends all access tokens as if another process had fetched new ones: 40001.
    pub fn revoke_tokens(&mut self, now: Timestamp) {
        self.tokens.revoke(now);
    }

    /// Ends all access tokens as if they had grown old: 42001.
    pub fn expire_tokens(&mut self, now: Timestamp) {
        self.tokens.expire(now);
    }

    /// `GET /cgi-bin/token`.
    pub(super) fn token(&mut self, call: &mut Call<'_>) -> Outcome {
        let param = |name| call.request.param(name).unwrap_or_default();
        self.check_credentials(
            &param("grant_type"),
            &param("appid"),
            &param("secret"),
            call.request,
        )?;
        let seconds = self.settings.token_seconds;
        Ok(granted(&self.tokens.fetch(seconds, call.now, call.rng)))
    }

    /// `POST /cgi-bin/stable_token`.
    pub(super) fn stable_token(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let field = |name: &str| body[name].as_str().unwrap_or_default();
        self.check_credentials(
            field("grant_type"),
            field("appid"),
            field("secret"),
            call.request,
        )?;
        let seconds = self.settings.token_seconds;
        let grant = match &body["force_refresh"] {
            Value::Bool(true) => self.tokens.force_stable(seconds, call.now, call.rng)?,
            Value::Bool(false) | Value::Null => {
                self.tokens.fetch_stable(seconds, call.now, call.rng)
            }
            _ => return Err(Refusal::new(47001)),
        };
        Ok(granted(&grant))
    }

    /// `POST /cgi-bin/clear_quota`.
    pub(super) fn clear_quota(&mut self, call: &mut Call<'_>) -> Outcome {
        self.check_app_id(call.json()?["appid"].as_str().unwrap_or_default())?;
        self.quotas.clear(call.now)?;
        Ok(ok())
    }

    /// `POST /cgi-bin/clear_quota/v2`: with the secret in place of a token.
    pub(super) fn clear_quota_with_secret(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        self.check_app_id(body["appid"].as_str().unwrap_or_default())?;
        self.check_secret(body["appsecret"].as_str().unwrap_or_default())?;
        self.quotas.clear(call.now)?;
        Ok(ok())
    }

    /// `POST /cgi-bin/openapi/quota/get`: 76003 for what is no path (`wechat.md` 9).
    pub(super) fn quota_of(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let path = body["cgi_path"].as_str().unwrap_or_default();
        let limit = self.daily_limit(path).filter(|_| path.starts_with('/'));
        let limit = limit.ok_or_else(|| Refusal::new(76003))?;
        let used = self.quotas.used(path, call.now);
        Ok(json!({
            "errcode": 0,
            "errmsg": "ok",
            "quota": { "daily_limit": limit, "used": used, "remain": limit.saturating_sub(used) },
        }))
    }

    /// `POST /cgi-bin/callback/check` (`wechat.md` 9): what it would see of the server behind
    /// `push_url` is a setting.
    pub(super) fn callback_check(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let asked = |name: &str, known: &[&str]| {
            let word = body[name].as_str().unwrap_or_default().to_owned();
            known.contains(&word.as_str()).then_some(word)
        };
        let action = asked("action", &["dns", "ping", "all"]);
        let operator = asked("check_operator", &["CHINANET", "UNICOM", "CAP", "DEFAULT"]);
        let (Some(action), Some(_)) = (action, operator) else {
            return Err(Refusal::new(47001));
        };
        let mut told = serde_json::Map::new();
        if action != "ping" {
            let address = json!({ "ip": "203.0.113.7", "real_operator": "UNICOM" });
            told.insert("dns".to_owned(), json!([address]));
        }
        if action != "dns" {
            let pings = self.settings.callback_losses.iter().map(|loss| {
                json!({
                    "ip": "203.0.113.7",
                    "from_operator": "UNICOM",
                    "package_loss": loss,
                    "time": "20.536ms",
                })
            });
            told.insert("ping".to_owned(), pings.collect());
        }
        Ok(Value::Object(told))
    }

    /// `GET /cgi-bin/get_api_domain_ip` and `getcallbackip`.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the table of operations wants one signature"
    )]
    pub(super) fn ip_list(&mut self, _: &mut Call<'_>) -> Outcome {
        Ok(json!({"ip_list": ["127.0.0.1", "101.226.103.0/25"]}))
    }

    fn check_credentials(
        &self,
        grant_type: &str,
        app_id: &str,
        secret: &str,
        request: &Request,
    ) -> Result<(), Refusal> {
        if grant_type != GRANT_TYPE {
            return Err(Refusal::new(40002));
        }
        self.check_app_id(app_id)?;
        self.check_secret(secret)?;
        self.check_caller(request)
    }

    pub(super) fn check_app_id(&self, app_id: &str) -> Result<(), Refusal> {
        match app_id {
            "" => Err(Refusal::new(41002)),
            app_id if app_id != self.settings.app_id => Err(Refusal::new(40013)),
            _ => Ok(()),
        }
    }

    pub(super) fn check_secret(&self, secret: &str) -> Result<(), Refusal> {
        match secret {
            "" => Err(Refusal::new(41004)),
            secret if secret != self.settings.app_secret => Err(Refusal::new(40125)),
            _ => Ok(()),
        }
    }

    fn check_caller(&self, request: &Request) -> Result<(), Refusal> {
        let forwarded = request.header("x-forwarded-for").unwrap_or("127.0.0.1");
        let ip = forwarded.split(',').next().unwrap_or_default().trim();
        let allowed = &self.settings.ip_allow_list;
        if allowed.is_empty() || allowed.iter().any(|allowed| allowed == ip) {
            return Ok(());
        }
        let message = format!("invalid ip {ip} ipv6 ::ffff:{ip}, not in whitelist");
        Err(Refusal::with(40164, message))
    }
}

/// The answer of an operation that has nothing to say.
pub(super) fn ok() -> Value {
    json!({"errcode": 0, "errmsg": "ok"})
}

fn granted(grant: &Grant) -> Value {
    json!({"access_token": grant.token, "expires_in": grant.expires_in})
}
