//! What `qiao doctor` asks of WeChat: the day's quota, and whether WeChat finds the way to us
//! (wechat.md 9).

use std::time::Duration;

use serde_json::json;

use super::client::{AccessToken, Client};
use super::error::{Call, Cause, Error};
use super::json;

/// WeChat pings from several networks before it answers.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// How often one call may still be made today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// A day's.
    pub daily_limit: i64,
    /// What is left of them.
    pub remain: i64,
}

/// What WeChat saw when it looked for our server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The addresses that our name has there.
    pub addresses: usize,
    /// How many networks it tried from.
    pub tried: usize,
    /// From how many of them nothing was lost.
    pub whole: usize,
    /// From how many of them everything was lost.
    pub lost: usize,
}

impl Client {
    /// `openapi/quota/get` for a path such as `/cgi-bin/message/custom/send`.
    pub async fn quota(&self, token: &AccessToken, path: &str) -> Result<Quota, Error> {
        let request = self.post(
            "/cgi-bin/openapi/quota/get",
            &[("access_token", token.expose())],
            &json!({ "cgi_path": path }),
        );
        let answer = self.call(Call::Quota, request).await?;
        let quota = &answer["quota"];
        let read = json::number(quota, "daily_limit").zip(json::number(quota, "remain"));
        let (daily_limit, remain) = read.ok_or(Error {
            call: Call::Quota,
            cause: Cause::Unreadable("without daily_limit and remain"),
        })?;
        Ok(Quota {
            daily_limit,
            remain,
        })
    }

    /// `callback/check`: WeChat looks our server's name up and pings it.
    pub async fn check_callback(&self, token: &AccessToken) -> Result<Way, Error> {
        let mut request = self.post(
            "/cgi-bin/callback/check",
            &[("access_token", token.expose())],
            &json!({ "action": "all", "check_operator": "DEFAULT" }),
        );
        request.timeout = CHECK_TIMEOUT;
        let answer = self.call(Call::CallbackCheck, request).await?;
        let losses: Vec<&str> = json::list(&answer, "ping")
            .filter_map(|ping| ping["package_loss"].as_str())
            .collect();
        let with = |loss: &str| losses.iter().filter(|seen| **seen == loss).count();
        Ok(Way {
            addresses: json::list(&answer, "dns").count(),
            tried: losses.len(),
            whole: with("0%"),
            lost: with("100%"),
        })
    }
}
