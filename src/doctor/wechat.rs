//! WeChat, account by account: the token, the address it sees, quotas, and the way to us.
//!
//! The token of a running daemon is never put at risk: where each fetch ends the one before
//! (`access_token = "token"`), the stored one is used.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use tokio::time::Duration;
use url::form_urlencoded;

use super::menu;
use super::own::{self, get};
use super::row::{Check, Outcome, Row, told};
use super::{Limits, Patient};
use crate::config::{Account, Config, TokenSource};
use crate::domain::ids::AccountId;
use crate::domain::rows::names;
use crate::flows::sending::HELD_PASSIVE;
use crate::kit::transport::{Response, Transport, TransportError};
use crate::store::{StoredToken, TokenKind};
use crate::wechat::client::{AccessToken, Client};
use crate::wechat::codes::Sense;
use crate::wechat::error::Error;
use crate::wechat::examine::{Quota, Way};
use crate::wechat::signature::sign;

static TOKEN: Check = Check::live(
    "wechat.token",
    [
        "WeChat gives an access_token for AppID and AppSecret",
        "微信接受 AppID 和 AppSecret 并发放 access_token",
    ],
    [
        "correct app_id and app_secret; docs/WECHAT-SETUP.md tells where they stand in the console",
        "修改 app_id 和 app_secret；docs/WECHAT-SETUP.md 说明了它们在后台的位置",
    ],
);
static ADDRESS: Check = Check::live(
    "wechat.address",
    [
        "WeChat lets this machine's outgoing address in",
        "微信允许本机的出口 IP 访问",
    ],
    [
        "add the address that is named to the IP allow-list in the WeChat console",
        "把列出的地址加入公众号后台的 IP 白名单",
    ],
);
static MAY_SEND: Check = Check::local(
    "wechat.may_send",
    [
        "The account may send custom messages",
        "公众号有客服消息权限",
    ],
    [
        "verify the account in the WeChat console; until then answers go out as passive replies",
        "在后台完成公众号认证；在此之前只能用被动回复发送",
    ],
);
static QUOTA: Check = Check::live(
    "wechat.quota",
    [
        "Enough custom messages are left for today",
        "今日客服消息额度充足",
    ],
    [
        "wait until midnight in Beijing, or use clear_quota, ten times a month at most",
        "等到北京时间零点，或使用 clear_quota（每月最多十次）",
    ],
);
static CALLBACK: Check = Check::live(
    "wechat.callback",
    [
        "WeChat's networks reach our server",
        "微信的网络能到达我方服务器",
    ],
    [
        "check the server's public name, and let the firewall pass WeChat's addresses",
        "检查服务器的公网域名，并在防火墙上放行微信的地址",
    ],
);
static ACCEPTS: Check = Check::live(
    "wechat.webhook_accepts",
    [
        "Our public URL takes what WeChat has signed",
        "公网 URL 接受微信签名正确的请求",
    ],
    [
        "let the web server pass /wechat/ to qiao unchanged, and reload qiao after a new token",
        "让 Web 服务器把 /wechat/ 原样转给 qiao；更换 token 后重新加载 qiao",
    ],
);
static REFUSES: Check = Check::live(
    "wechat.webhook_refuses",
    [
        "Our public URL refuses a wrong signature",
        "公网 URL 拒绝签名错误的请求",
    ],
    [
        "something else than qiao answers at this URL; correct public_url or the web server",
        "该 URL 上应答的不是 qiao；修改 public_url 或 Web 服务器配置",
    ],
);

pub(super) static CHECKS: &[&Check] = &[
    &TOKEN, &ADDRESS, &MAY_SEND, &QUOTA, &CALLBACK, &ACCEPTS, &REFUSES,
];

/// The call whose quota runs out first (wechat.md 9).
const SEND: &str = "/cgi-bin/message/custom/send";

/// WeChat itself gives up after that.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether sends of an account wait because WeChat has refused one with 48001.
pub(super) async fn may_send(patient: &Patient<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for id in patient.loaded.config.wechat.keys() {
        let held = match &patient.store {
            Ok(store) => store.any_held(&names::wechat(id), HELD_PASSIVE).await.ok(),
            Err(_) => None,
        };
        let evidence = match held {
            Some(true) => told!("messages wait because of 48001", "有消息因 48001 而等待"),
            Some(false) => told!(
                "no message waits because of 48001",
                "没有因 48001 而等待的消息"
            ),
            None => told!("the database cannot be read", "无法读取数据库"),
        };
        let outcome = held.map_or(Outcome::Skipped, Outcome::warning_if);
        rows.push(MAY_SEND.row(id.as_str(), outcome, evidence));
    }
    rows
}

pub(super) async fn examine(
    patient: &Patient<'_>,
    transport: &Arc<dyn Transport>,
    daemon_runs: bool,
) -> Vec<Row> {
    let config = &patient.loaded.config;
    let mut rows = Vec::new();
    for (id, account) in &config.wechat {
        let stored = match &patient.store {
            Ok(store) => store.token(id, TokenKind::AccessToken).await.ok().flatten(),
            Err(_) => None,
        };
        let stored = stored.filter(|token| patient.clock.now() < token.expires_at);
        let client = Client::new(Arc::clone(transport), account.api_url.clone());
        let token = token_beside(account, &client, stored, daemon_runs).await;
        rows.extend(admitted(id.as_str(), token.as_ref()));
        let token = token.and_then(Result::ok);
        rows.push(menu::examine(config, id, &client, token.as_ref()).await);
        rows.extend(asked(id.as_str(), &client, token, &patient.limits).await);
        rows.extend(webhook(config, id, account, transport, patient.clock.now()).await);
    }
    rows
}

/// A token to look at something with, beside whatever else runs; `None` where a fetch would end the token
/// of the running daemon.
pub async fn token_beside(
    account: &Account,
    client: &Client,
    stored: Option<StoredToken>,
    daemon_runs: bool,
) -> Option<Result<AccessToken, Error>> {
    match way_to_token(account, stored, daemon_runs) {
        Token::Stored(token) => Some(Ok(AccessToken::new(token.value.expose_secret()))),
        Token::Fetched => {
            let fetched = client.fetch_token(account, false).await;
            Some(fetched.map(|fetched| fetched.value))
        }
        Token::LeftAlone => None,
    }
}

/// How the doctor comes to a token.
#[derive(Debug)]
enum Token {
    /// It calls with that of the daemon.
    Stored(StoredToken),
    /// It fetches one and keeps it to itself.
    Fetched,
    /// A fetch would end the daemon's.
    LeftAlone,
}

fn way_to_token(account: &Account, stored: Option<StoredToken>, daemon_runs: bool) -> Token {
    // The others give everybody the same while it lives (wechat.md 3.2).
    let ends_the_last = account.access_token == TokenSource::Token;
    match stored {
        Some(stored) if ends_the_last => Token::Stored(stored),
        None if ends_the_last && daemon_runs => Token::LeftAlone,
        _ => Token::Fetched,
    }
}

fn admitted(id: &str, token: Option<&Result<AccessToken, Error>>) -> [Row; 2] {
    match token {
        None => {
            let why = told!(
                "a fetch would end the running daemon's token",
                "获取新 token 会使守护进程正在使用的失效"
            );
            [TOKEN.skips(id, why.clone()), ADDRESS.skips(id, why)]
        }
        Some(Ok(_)) => [
            TOKEN.is_ok(id, told!("there is one", "已获得")),
            ADDRESS.is_ok(id, told!("WeChat let us in", "微信允许访问")),
        ],
        Some(Err(fault)) if is_address(fault) => [
            TOKEN.skips(
                id,
                told!("WeChat refuses the address first", "微信先拒绝了 IP 地址"),
            ),
            ADDRESS.fails(id, told!("{fault}", "{fault}")),
        ],
        Some(Err(fault)) => [
            TOKEN.fails(id, told!("{fault}", "{fault}")),
            ADDRESS.skips(id, told!("there is no token", "没有 access_token")),
        ],
    }
}

fn is_address(fault: &Error) -> bool {
    matches!(fault.sense(), Some(Sense::Account(trouble)) if trouble.reason == "ip_not_allowed")
}

async fn asked(id: &str, client: &Client, token: Option<AccessToken>, limits: &Limits) -> [Row; 2] {
    let Some(token) = token else {
        let why = told!("there is no token", "没有 access_token");
        return [QUOTA.skips(id, why.clone()), CALLBACK.skips(id, why)];
    };
    let quota = match client.quota(&token, SEND).await {
        Ok(found) => quota(id, &found, limits),
        Err(fault) => QUOTA.warns(id, told!("{fault}", "{fault}")),
    };
    let way = match client.check_callback(&token).await {
        Ok(found) => callback(id, &found),
        Err(fault) => CALLBACK.warns(id, told!("{fault}", "{fault}")),
    };
    [quota, way]
}

fn quota(id: &str, found: &Quota, limits: &Limits) -> Row {
    let Quota {
        daily_limit,
        remain,
    } = found;
    let percent = remain.saturating_mul(100) / (*daily_limit).max(1);
    let outcome = Outcome::below(&percent, &limits.quota_left);
    let evidence = told!(
        "{remain} of {daily_limit} are left",
        "{daily_limit} 条中剩余 {remain} 条"
    );
    QUOTA.row(id, outcome, evidence)
}

fn callback(id: &str, found: &Way) -> Row {
    let Way {
        addresses,
        tried,
        whole,
        lost,
    } = found;
    let evidence = told!(
        "{addresses} addresses, reached wholly from {whole} of {tried} networks and not at all from {lost}",
        "{addresses} 个地址；{tried} 个网络中 {whole} 个完全可达，{lost} 个完全不可达"
    );
    let outcome = if *addresses == 0 || (*tried > 0 && lost == tried) {
        Outcome::Failed
    } else {
        Outcome::warning_if(whole < tried)
    };
    CALLBACK.row(id, outcome, evidence)
}

/// Verifies our own URL as WeChat's console does (wechat.md 1.2), rightly and wrongly signed.
async fn webhook(
    config: &Config,
    id: &AccountId,
    account: &Account,
    transport: &Arc<dyn Transport>,
    now: jiff::Timestamp,
) -> [Row; 2] {
    let (timestamp, nonce) = (now.as_second().to_string(), "qiaodoctor");
    let echo = format!("doctor{timestamp}");
    let ask = async |signature: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("signature", signature),
                ("timestamp", &timestamp),
                ("nonce", nonce),
                ("echostr", &echo),
            ])
            .finish();
        let url = own::public(config, &format!("/wechat/{id}"));
        transport
            .send(get(format!("{url}?{query}"), WEBHOOK_TIMEOUT))
            .await
    };
    let token = account
        .tokens
        .first()
        .map_or("", |token| token.expose_secret());
    let right = ask(&sign(&[token, &timestamp, nonce])).await;
    let wrong = ask(&sign(&["", &timestamp, nonce])).await;
    [accepts(id, &right, &echo), refuses(id, &wrong)]
}

fn accepts(id: &AccountId, answer: &Result<Response, TransportError>, echo: &str) -> Row {
    match answer {
        Ok(answer) if answer.status == 200 && answer.body == echo.as_bytes() => {
            ACCEPTS.is_ok(id.as_str(), told!("it answered the echo", "已正确回显"))
        }
        Ok(answer) => {
            let status = answer.status;
            let evidence = told!(
                "HTTP {status}, and not the echo",
                "HTTP {status}，未正确回显"
            );
            ACCEPTS.fails(id.as_str(), evidence)
        }
        Err(fault) => ACCEPTS.fails(id.as_str(), told!("{fault}", "{fault}")),
    }
}

fn refuses(id: &AccountId, answer: &Result<Response, TransportError>) -> Row {
    match answer {
        Ok(answer) if answer.status == 401 => {
            REFUSES.is_ok(id.as_str(), told!("HTTP 401", "HTTP 401"))
        }
        Ok(answer) => {
            let status = answer.status;
            let evidence = told!("HTTP {status} instead of 401", "HTTP {status}，应为 401");
            REFUSES.fails(id.as_str(), evidence)
        }
        Err(fault) => REFUSES.skips(id.as_str(), told!("{fault}", "{fault}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn account(source: TokenSource) -> Account {
        let text = "[c4c.main]\nurl = \"https://a.cn\"\nusername = \"u\"\npassword = \"p\"\n\
                    notify_key = \"0123456789abcdef\"\n[wechat.main]\napp_secret = \"s\"\n\
                    app_id = \"wx0123456789abcdef\"\ntoken = \"abc\"\n";
        let file = std::path::Path::new("/qiao.toml");
        let loaded = crate::config::load_text(text, file, &crate::config::Environment::default());
        let mut accounts = loaded.expect("it is valid").config.wechat;
        let (_, mut account) = accounts.pop_first().expect("one");
        account.access_token = source;
        account
    }

    #[test]
    fn the_token_of_a_running_daemon_is_never_ended() {
        let stored = || {
            Some(StoredToken {
                value: "t".to_owned().into(),
                fetched_at: Timestamp::UNIX_EPOCH,
                expires_at: Timestamp::UNIX_EPOCH,
            })
        };
        let classic = account(TokenSource::Token);
        assert!(matches!(
            way_to_token(&classic, stored(), true),
            Token::Stored(_)
        ));
        assert!(matches!(
            way_to_token(&classic, None, true),
            Token::LeftAlone
        ));
        assert!(matches!(
            way_to_token(&classic, None, false),
            Token::Fetched
        ));
        let stable = account(TokenSource::StableToken);
        assert!(matches!(
            way_to_token(&stable, stored(), true),
            Token::Fetched
        ));
    }
}
