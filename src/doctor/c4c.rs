//! C4C, tenant by tenant: whether it lets us in, guards its writes, and offers each set that the
//! configuration needs; and whether it can reach us.
//!
//! After a refused password nothing more is asked of a tenant: wrong ones lock the user.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret as _;

use super::c4c_fields;
use super::own::{self, get};
use super::row::{Check, Outcome, Row, told};
use crate::c4c::examine::{
    ACTIVITIES, ACTIVITY_FILES, CUSTOMERS, CsrfOffer, ForgedToken, PROFILES, TICKET_FILES,
    TICKET_REFERENCES, TICKETS,
};
use crate::c4c::{Client, Error, Pace};
use crate::config::{Config, Csrf, IntoC4c, Tenant};
use crate::domain::ids::TenantId;
use crate::kit::transport::{Response, Transport, TransportError};

/// The remedy of all checks about a set.
const ALLOW: [&str; 2] = [
    "allow the service for the user in C4C's communication arrangement, or correct its path and set",
    "在 C4C 的通信安排中为该用户开放此服务，或修改服务路径和实体集",
];

static LOGIN: Check = Check::live(
    "c4c.login",
    ["C4C takes our user and password", "C4C 接受用户名和密码"],
    [
        "correct url, username and password, and see in C4C that the user is not locked",
        "修改 url、username 和 password，并在 C4C 中确认用户未被锁定",
    ],
);
static CSRF: Check = Check::live(
    "c4c.csrf",
    [
        "C4C hands out CSRF tokens, or needs none",
        "C4C 能发放 CSRF token，或不需要",
    ],
    [
        "if writes work all the same, set csrf = \"off\"; else ask the administrator of the tenant",
        "如果写入仍然正常，设置 csrf = \"off\"；否则联系租户管理员",
    ],
);
static CSRF_REFUSED: Check = Check::live(
    "c4c.csrf_refused",
    [
        "C4C refuses a wrong CSRF token",
        "C4C 拒绝错误的 CSRF token",
    ],
    [
        "see whether a proxy answers in C4C's place, or strips cookies and x-csrf-token",
        "检查是否有代理代替 C4C 应答，或去掉了 Cookie 和 x-csrf-token",
    ],
);
static SET_CUSTOMERS: Check = Check::live(
    "c4c.customers",
    ["Customers can be read", "可以读取客户"],
    ALLOW,
);
static SET_WECHAT_ID: Check = Check::live(
    "c4c.wechat_id",
    [
        "The custom service with the WeChat ID can be read",
        "可以读取存放微信 ID 的自定义服务",
    ],
    ALLOW,
);
static SET_PROFILES: Check = Check::live(
    "c4c.profiles",
    [
        "Social media profiles can be read",
        "可以读取社交媒体用户档案",
    ],
    ALLOW,
);
static SET_ACTIVITIES: Check = Check::live(
    "c4c.activities",
    [
        "Social media activities can be read",
        "可以读取社交媒体活动",
    ],
    ALLOW,
);
static SET_TICKETS: Check = Check::live(
    "c4c.tickets",
    ["Tickets can be read", "可以读取服务工单"],
    ALLOW,
);
static SET_REFERENCES: Check = Check::live(
    "c4c.ticket_references",
    [
        "The references of tickets can be read",
        "可以读取工单的关联凭证",
    ],
    ALLOW,
);
static SET_FILES: Check = Check::live(
    "c4c.attachments",
    ["Attachments can be read", "可以读取附件"],
    ALLOW,
);
static ACCEPTS: Check = Check::live(
    "c4c.endpoint_accepts",
    [
        "Our endpoint for C4C takes its credentials",
        "我方供 C4C 调用的端点接受其凭据",
    ],
    [
        "let the web server pass /c4c/ to qiao with Authorization, and reload qiao after a change",
        "让 Web 服务器把 /c4c/ 连同 Authorization 转给 qiao；修改凭据后重新加载 qiao",
    ],
);
static REFUSES: Check = Check::live(
    "c4c.endpoint_refuses",
    [
        "Our endpoint for C4C refuses wrong credentials",
        "我方供 C4C 调用的端点拒绝错误凭据",
    ],
    [
        "something else than qiao answers at this URL; correct public_url or the web server",
        "该 URL 上应答的不是 qiao；修改 public_url 或 Web 服务器配置",
    ],
);

pub(super) static CHECKS: &[&Check] = &[
    &LOGIN,
    &CSRF,
    &CSRF_REFUSED,
    &SET_CUSTOMERS,
    &SET_WECHAT_ID,
    &SET_PROFILES,
    &SET_ACTIVITIES,
    &SET_TICKETS,
    &SET_REFERENCES,
    &SET_FILES,
    &ACCEPTS,
    &REFUSES,
];

/// C4C's own patience is not known; a check need not wait longer than a person.
const ENDPOINT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn examine(config: &Config, transport: &Arc<dyn Transport>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (id, tenant) in &config.c4c {
        let client = Client::new(Arc::clone(transport), tenant, id.clone());
        rows.extend(inside(config, id, tenant, &client).await);
        rows.extend(endpoint(config, id, tenant, transport).await);
    }
    rows
}

async fn inside(config: &Config, id: &TenantId, tenant: &Tenant, client: &Client) -> Vec<Row> {
    let name = id.as_str();
    if let Err(fault) = client.probe(Pace::Live).await {
        let mut rows = vec![LOGIN.fails(name, told!("{fault}", "{fault}"))];
        let why = told!("the tenant does not let us in", "租户拒绝访问");
        let behind = [&CSRF, &CSRF_REFUSED].into_iter();
        let behind = behind.chain(needs(config, id, tenant).into_iter().map(|need| need.check));
        let behind = behind.chain(c4c_fields::CHECKS.iter().copied());
        rows.extend(behind.map(|check| check.skips(name, why.clone())));
        return rows;
    }
    let mut rows = vec![LOGIN.is_ok(name, told!("it does", "已接受"))];
    rows.extend(csrf(name, tenant, client).await);
    for need in needs(config, id, tenant) {
        let read = client.may_read(Pace::Live, need.path, need.set).await;
        rows.push(readable(name, &need, read));
    }
    rows.extend(c4c_fields::examine(name, tenant, client).await);
    rows
}

/// A set that the configuration needs.
#[derive(Debug, PartialEq)]
struct Need<'a> {
    check: &'static Check,
    path: &'a str,
    set: &'a str,
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// The sets that a tenant must offer for what its accounts are set to do.
fn needs<'a>(config: &Config, id: &TenantId, tenant: &'a Tenant) -> Vec<Need<'a>> {
    let standard = |check: &'static Check, set: &'static str| Need {
        check,
        path: &tenant.service,
        set,
    };
    let mut needs = vec![standard(&SET_CUSTOMERS, CUSTOMERS)];
    if let Some(custom) = &tenant.wechat_id.service {
        needs.push(Need {
            check: &SET_WECHAT_ID,
            path: &custom.path,
            set: &custom.set,
        });
    }
    let accounts = config
        .wechat
        .values()
        .filter(|account| account.tenant == *id);
    let works: Vec<&IntoC4c> = accounts.map(|a| &a.conversation.into_c4c).collect();
    if works.iter().any(|work| matches!(work, IntoC4c::Social(_))) {
        needs.push(standard(&SET_PROFILES, PROFILES));
        needs.push(standard(&SET_ACTIVITIES, ACTIVITIES));
        needs.push(standard(&SET_REFERENCES, TICKET_REFERENCES));
        needs.push(standard(&SET_FILES, ACTIVITY_FILES));
    }
    if works.iter().any(|work| !matches!(work, IntoC4c::Off)) {
        needs.push(standard(&SET_TICKETS, TICKETS));
        needs.push(standard(&SET_FILES, TICKET_FILES));
    }
    needs
}

fn readable(name: &str, need: &Need<'_>, read: Result<(), Error>) -> Row {
    let Need { check, path, set } = need;
    match read {
        Ok(()) => check.is_ok(name, told!("{path}/{set}", "{path}/{set}")),
        Err(fault) => check.fails(
            name,
            told!("{path}/{set}: {fault}", "{path}/{set}：{fault}"),
        ),
    }
}

async fn csrf(name: &str, tenant: &Tenant, client: &Client) -> [Row; 2] {
    if tenant.csrf == Csrf::Off {
        let why = told!("csrf = \"off\"", "csrf = \"off\"");
        return [CSRF.skips(name, why.clone()), CSRF_REFUSED.skips(name, why)];
    }
    let offer = client.csrf_offer(Pace::Live).await;
    let forged = client.forge_csrf(Pace::Live).await;
    let guards = matches!(offer, Ok(CsrfOffer::Token));
    let offered = match offer {
        Ok(CsrfOffer::Token) => CSRF.is_ok(name, told!("there is one", "已获得")),
        Ok(CsrfOffer::None) => {
            CSRF.is_ok(name, told!("a technical user needs none", "技术用户不需要"))
        }
        Ok(CsrfOffer::Failed(status)) => CSRF.warns(
            name,
            told!("the fetch got HTTP {status}", "获取时返回 HTTP {status}"),
        ),
        Err(fault) => CSRF.fails(name, told!("{fault}", "{fault}")),
    };
    let refused = match forged {
        Ok(forged) => judged(name, forged, guards),
        Err(fault) => CSRF_REFUSED.warns(name, told!("{fault}", "{fault}")),
    };
    [offered, refused]
}

/// The change that was tried is of nobody: 404 says that C4C looked for them and not at the token, as
/// for a technical user. A success says that somebody else than C4C answers.
fn judged(name: &str, forged: ForgedToken, guards: bool) -> Row {
    match forged {
        ForgedToken::Refused => CSRF_REFUSED.is_ok(name, told!("HTTP 403", "HTTP 403")),
        ForgedToken::Ignored(status @ 200..=399) => CSRF_REFUSED.fails(
            name,
            told!("HTTP {status} instead of 403", "HTTP {status}，应为 403"),
        ),
        ForgedToken::Ignored(status) if guards => CSRF_REFUSED.is_ok(
            name,
            told!(
                "HTTP {status}: tokens are not looked at for this user, who is a technical one",
                "HTTP {status}：该用户是技术用户，不检查 token"
            ),
        ),
        ForgedToken::Ignored(status) => CSRF_REFUSED.is_ok(
            name,
            told!(
                "HTTP {status}: no token is needed",
                "HTTP {status}：不需要 token"
            ),
        ),
    }
}

/// Knocks at our own door as C4C does, with right and with wrong credentials.
async fn endpoint(
    config: &Config,
    id: &TenantId,
    tenant: &Tenant,
    transport: &Arc<dyn Transport>,
) -> [Row; 2] {
    let path = format!("/c4c/{id}/notifications");
    let (right, wrong) = match (&tenant.notify_basic, &tenant.notify_key) {
        (Some((user, password)), _) => {
            let right = Some(basic(user, password.expose_secret()));
            ((path.clone(), right), (path, Some(basic(user, ""))))
        }
        (None, Some(key)) => {
            let right = format!("{path}/{}", key.expose_secret());
            ((right, None), (format!("{path}/no-key-of-qiao"), None))
        }
        (None, None) => {
            let why = told!("no credentials are configured", "未配置凭据");
            return [
                ACCEPTS.skips(id.as_str(), why.clone()),
                REFUSES.skips(id.as_str(), why),
            ];
        }
    };
    let knock = async |(path, credentials): (String, Option<String>)| {
        let mut request = get(own::public(config, &path), ENDPOINT_TIMEOUT);
        request.headers = credentials
            .map(|basic| ("authorization", basic))
            .into_iter()
            .collect();
        transport.send(request).await
    };
    [
        admitted(id, &knock(right).await),
        turned_away(id, &knock(wrong).await),
    ]
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
}

fn admitted(id: &TenantId, answer: &Result<Response, TransportError>) -> Row {
    match answer {
        Ok(answer) if answer.status == 204 => {
            ACCEPTS.is_ok(id.as_str(), told!("HTTP 204", "HTTP 204"))
        }
        Ok(answer) => {
            let status = answer.status;
            let evidence = told!("HTTP {status} instead of 204", "HTTP {status}，应为 204");
            ACCEPTS.fails(id.as_str(), evidence)
        }
        Err(fault) => ACCEPTS.fails(id.as_str(), told!("{fault}", "{fault}")),
    }
}

fn turned_away(id: &TenantId, answer: &Result<Response, TransportError>) -> Row {
    let (outcome, evidence) = match answer {
        Ok(answer) if answer.status == 401 => (Outcome::Ok, told!("HTTP 401", "HTTP 401")),
        Ok(answer) => {
            let status = answer.status;
            let evidence = told!("HTTP {status} instead of 401", "HTTP {status}，应为 401");
            (Outcome::Failed, evidence)
        }
        Err(fault) => (Outcome::Skipped, told!("{fault}", "{fault}")),
    };
    REFUSES.row(id.as_str(), outcome, evidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load_text};

    fn needed(conversation: &str, wechat_id: &str) -> Vec<&'static str> {
        let text = format!(
            "[c4c.main]\nurl = \"https://a.cn\"\nusername = \"u\"\npassword = \"p\"\n\
             notify_key = \"0123456789abcdef\"\n{wechat_id}\n[wechat.main]\napp_secret = \"s\"\n\
             app_id = \"wx0123456789abcdef\"\ntoken = \"abc\"\n{conversation}\n"
        );
        let file = std::path::Path::new("/qiao.toml");
        let loaded = load_text(&text, file, &Environment::default()).expect("it is valid");
        let (id, tenant) = loaded.config.c4c.first_key_value().expect("one");
        needs(&loaded.config, id, tenant)
            .iter()
            .map(|need| need.check.id)
            .collect()
    }

    #[test]
    fn a_tenant_must_offer_what_its_accounts_use_and_no_more() {
        let (own, custom) = ("wechat_id = { field = \"A_KUT\", write = \"create\" }", "");
        assert_eq!(needed("", own), ["c4c.customers"]);
        assert_eq!(needed("", custom), ["c4c.customers", "c4c.wechat_id"]);
        assert_eq!(
            needed("conversation = { into_c4c = \"ticket\" }", own),
            ["c4c.customers", "c4c.tickets", "c4c.attachments"]
        );
        assert_eq!(
            needed(
                "conversation = { into_c4c = \"social\", channel_id = \"W\" }",
                own
            ),
            [
                "c4c.customers",
                "c4c.profiles",
                "c4c.activities",
                "c4c.ticket_references",
                "c4c.attachments",
                "c4c.tickets",
                "c4c.attachments"
            ]
        );
    }
}
