//! The way to each host: names, connections, TLS, the proxy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::own::{self, get};
use super::row::{Check, Row, told};
use super::{Patient, clock};
use crate::config::{Config, Outbound};
use crate::kit::reqwest_transport::{ReqwestTransport, Route, RouteError};
use crate::kit::transport::{Response, Transport, TransportError};

static ROUTE: Check = Check::local(
    "network.route",
    [
        "Proxy and CA file of [outbound] can be used",
        "[outbound] 中的代理和 CA 文件可用",
    ],
    [
        "correct proxy, no_proxy or ca_file in [outbound]",
        "修改 [outbound] 中的 proxy、no_proxy 或 ca_file",
    ],
);
static DNS: Check = Check::live(
    "network.dns",
    ["The host has an address", "主机名可以解析"],
    [
        "check the name in the configuration and this machine's name servers",
        "检查配置中的主机名以及本机的 DNS 服务器",
    ],
);
static CONNECT: Check = Check::live(
    "network.connect",
    ["The host takes connections", "主机可以连接"],
    [
        "let the firewall pass this connection, or set [outbound] proxy",
        "在防火墙上放行该连接，或设置 [outbound] proxy",
    ],
);
static ANSWERS: Check = Check::live(
    "network.answers",
    [
        "The host answers HTTP on the way of [outbound]",
        "主机经 [outbound] 的路径能应答 HTTP",
    ],
    [
        "check url, proxy and certificates; a company's own CA belongs into [outbound] ca_file",
        "检查 URL、代理和证书；企业自有 CA 请写入 [outbound] ca_file",
    ],
);

pub(super) static CHECKS: &[&Check] = &[&ROUTE, &DNS, &CONNECT, &ANSWERS];

/// Name servers and handshakes answer in a second or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// The front page of a tenant is slower.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// Only a proxy says so (RFC 9110, 15.5.8).
const PROXY_REFUSES: u16 = 407;

/// The way that `[outbound]` describes.
pub(super) fn transport(config: &Config) -> Result<Arc<dyn Transport>, RouteError> {
    let Outbound {
        proxy,
        no_proxy,
        ca_file,
    } = &config.outbound;
    let route = Route {
        proxy,
        no_proxy,
        ca_file: ca_file.as_deref(),
    };
    Ok(Arc::new(ReqwestTransport::new(&route)?))
}

pub(super) fn route(config: &Config) -> Row {
    match transport(config) {
        Ok(_) if config.outbound.proxy.is_empty() => {
            ROUTE.is_ok("", told!("no proxy is configured", "未配置代理"))
        }
        Ok(_) => ROUTE.is_ok("", told!("through a proxy", "经代理访问")),
        // The proxy's URL may hold credentials and is not told.
        Err(RouteError::Proxy(_)) => {
            ROUTE.fails("", told!("the proxy's address is wrong", "代理地址有误"))
        }
        Err(fault) => ROUTE.fails("", told!("{fault}", "{fault}")),
    }
}

/// A host that the configuration names.
struct Place {
    /// Host and port, as it is told.
    name: String,
    host: String,
    port: u16,
    /// What is fetched there.
    page: String,
    /// Whether its clock is somebody else's.
    is_foreign: bool,
}

impl Place {
    fn at(url: &Url, page: String, is_foreign: bool) -> Option<Self> {
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default()?;
        Some(Self {
            name: format!("{host}:{port}"),
            host,
            port,
            page,
            is_foreign,
        })
    }
}

pub(super) async fn examine(patient: &Patient<'_>, transport: &Arc<dyn Transport>) -> Vec<Row> {
    let config = &patient.loaded.config;
    let proxy = Url::parse(&config.outbound.proxy).ok();
    let proxy = proxy.and_then(|url| Place::at(&url, String::new(), false));
    let mut rows = Vec::new();
    if let Some(proxy) = &proxy {
        rows.extend(reach(proxy).await);
    }
    for place in places(config).into_values() {
        if proxy.is_some() {
            let why = told!("the proxy does this", "由代理完成");
            rows.extend([&DNS, &CONNECT].map(|check| check.skips(&place.name, why.clone())));
        } else {
            rows.extend(reach(&place).await);
        }
        let answer = transport
            .send(get(place.page.clone(), ANSWER_PATIENCE))
            .await;
        if place.is_foreign {
            let ahead = answer.as_ref().ok().and_then(date);
            let ahead = ahead.map(|theirs| patient.clock.now().duration_since(theirs));
            rows.push(clock::skew(&place.name, ahead, &patient.limits));
        }
        rows.push(answers(&place.name, &answer));
    }
    rows
}

/// Every host once.
fn places(config: &Config) -> BTreeMap<String, Place> {
    let front = |url: &String| {
        let parsed = Url::parse(url).ok()?;
        Place::at(&parsed, format!("{url}/"), true)
    };
    let accounts = config
        .wechat
        .values()
        .filter_map(|account| front(&account.api_url));
    let tenants = config.c4c.values().filter_map(|tenant| front(&tenant.url));
    let ours = Place::at(
        &config.server.public_url,
        own::public(config, "/healthz"),
        false,
    );
    let all = accounts.chain(tenants).chain(ours);
    all.map(|place| (place.name.clone(), place)).collect()
}

async fn reach(place: &Place) -> Vec<Row> {
    let name = &place.name;
    let found = timeout(PATIENCE, lookup_host((place.host.as_str(), place.port))).await;
    let addresses: Vec<_> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(fault)) => return unknown(name, &fault.to_string()),
        Err(_) => return unknown(name, "the name servers do not answer"),
    };
    let count = addresses.len();
    let known = DNS.is_ok(name, told!("{count} addresses", "{count} 个地址"));
    let connected = timeout(PATIENCE, TcpStream::connect(&addresses[..])).await;
    let reached = match connected {
        Ok(Ok(_)) => CONNECT.is_ok(name, told!("it takes connections", "可以建立连接")),
        Ok(Err(fault)) => CONNECT.fails(name, told!("{fault}", "{fault}")),
        Err(_) => CONNECT.fails(name, told!("no answer in 5 s", "5 秒内没有应答")),
    };
    vec![known, reached]
}

fn unknown(name: &str, fault: &str) -> Vec<Row> {
    vec![
        DNS.fails(name, told!("{fault}", "{fault}")),
        CONNECT.skips(name, told!("it has no address", "没有地址")),
    ]
}

/// Any answer will do: what it says is for the platform's own checks.
fn answers(name: &str, answer: &Result<Response, TransportError>) -> Row {
    match answer {
        Ok(answer) if answer.status == PROXY_REFUSES => ANSWERS.fails(
            name,
            told!("the proxy wants credentials", "代理要求身份验证"),
        ),
        Ok(answer) => {
            let status = answer.status;
            ANSWERS.is_ok(name, told!("HTTP {status}", "HTTP {status}"))
        }
        Err(fault) => ANSWERS.fails(name, told!("{fault}", "{fault}")),
    }
}

fn date(answer: &Response) -> Option<jiff::Timestamp> {
    let text = answer.header("date")?;
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    // It counts whole seconds: on average it is half a second old.
    Some(date + SignedDuration::from_millis(500))
}
