//! The configuration: whether it is valid, safe, and leads somewhere.

use std::path::Path;

use url::{Host, Url};

use super::row::{Check, Outcome, Row, told};
use crate::config::{Config, ConfigErrors, Loaded};
use crate::kit::disk::anybody_may_read;

pub(super) static LOADS: Check = Check::local(
    "configuration.loads",
    ["The configuration is valid", "配置有效"],
    [
        "correct what is named; `qiao check` tells the same",
        "按提示修改配置；qiao check 会给出同样的提示",
    ],
);
static WARNINGS: Check = Check::local(
    "configuration.warnings",
    [
        "Nothing in the configuration is risky",
        "配置中没有有风险的设置",
    ],
    [
        "see config.example.toml for each key that is named",
        "对照 config.example.toml 中各个键的说明处理",
    ],
);
static SECRET_FILES: Check = Check::local(
    "configuration.secret_files",
    [
        "Only the owner and group of the files with secrets may read them",
        "存放密钥的文件只有属主和属组可读",
    ],
    [
        "chmod o-rwx the files that are named",
        "对列出的文件执行 chmod o-rwx",
    ],
);
static FILE: Check = Check::local(
    "configuration.file",
    [
        "The configuration does not show secrets to everybody on this machine",
        "配置文件不会向本机所有用户泄露密钥",
    ],
    [
        "chmod o-rwx the file, or write secrets as \"env:NAME\" or \"file:PATH\"",
        "对配置文件执行 chmod o-rwx，或将密钥写成 \"env:名称\"、\"file:路径\"",
    ],
);
static PUBLIC_URL: Check = Check::local(
    "configuration.public_url",
    [
        "server.public_url is an address that WeChat and C4C can use safely",
        "server.public_url 是微信和 C4C 能安全访问的地址",
    ],
    [
        "set server.public_url to the https address of the web server in front of qiao",
        "将 server.public_url 设为 qiao 前置 Web 服务器的 https 地址",
    ],
);
static ENCRYPTION: Check = Check::local(
    "configuration.encryption",
    ["Pushes of WeChat are encrypted", "微信推送的消息是加密的"],
    [
        "set encoding_aes_key here and choose safe mode in the WeChat console",
        "在此设置 encoding_aes_key，并在公众号后台选择“安全模式”",
    ],
);
static PROXIES: Check = Check::local(
    "configuration.trusted_proxies",
    [
        "The web server in front of qiao may tell who calls",
        "qiao 前置 Web 服务器可以告知真实来访地址",
    ],
    [
        "add the web server's address, usually 127.0.0.1, to server.trusted_proxies",
        "把该 Web 服务器的地址（通常是 127.0.0.1）加入 server.trusted_proxies",
    ],
);

pub(super) static CHECKS: &[&Check] = &[
    &LOADS,
    &WARNINGS,
    &SECRET_FILES,
    &FILE,
    &PUBLIC_URL,
    &ENCRYPTION,
    &PROXIES,
];

pub(super) fn examine(loaded: &Loaded) -> Vec<Row> {
    let Config { server, wechat, .. } = &loaded.config;
    let file = loaded.file.display();
    let mut rows = vec![
        LOADS.is_ok("", told!("{file}", "{file}")),
        warnings(&loaded.warnings),
        secret_files(&loaded.secret_files),
        exposed(loaded),
        public_url(&loaded.config),
    ];
    for (id, account) in wechat {
        let is_plain = account.aes_keys.is_empty();
        let evidence = if is_plain {
            told!("there is no encoding_aes_key", "没有设置 encoding_aes_key")
        } else {
            told!("there is an encoding_aes_key", "已设置 encoding_aes_key")
        };
        rows.push(ENCRYPTION.row(id.as_str(), Outcome::warning_if(is_plain), evidence));
    }
    let is_behind = server.listen.ip().is_loopback();
    let names_it = server
        .trusted_proxies
        .iter()
        .any(std::net::IpAddr::is_loopback);
    let listen = server.listen;
    let evidence = if is_behind && !names_it {
        told!(
            "qiao listens on {listen} only, and nobody there is trusted",
            "qiao 只监听 {listen}，但本机没有受信任的代理"
        )
    } else {
        told!("qiao listens on {listen}", "qiao 监听 {listen}")
    };
    rows.push(PROXIES.row("", Outcome::warning_if(is_behind && !names_it), evidence));
    rows
}

/// The row of a configuration that is wrong. Its errors name keys and never values.
pub(super) fn unloaded(errors: &ConfigErrors) -> Row {
    let all: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    let all = all.join(" | ");
    LOADS.fails("", told!("{all}", "{all}"))
}

fn warnings(warnings: &[String]) -> Row {
    if warnings.is_empty() {
        return WARNINGS.is_ok("", told!("no warning", "没有警告"));
    }
    let all = warnings.join(" | ");
    WARNINGS.warns("", told!("{all}", "{all}"))
}

fn secret_files(files: &[std::path::PathBuf]) -> Row {
    // A file that cannot be looked at could not have been read either.
    let open = |path: &Path| anybody_may_read(path).unwrap_or(false);
    let open: Vec<String> = files
        .iter()
        .filter(|path| open(path))
        .map(|path| path.display().to_string())
        .collect();
    if open.is_empty() {
        let count = files.len();
        return SECRET_FILES.is_ok("", told!("{count} files", "{count} 个文件"));
    }
    let open = open.join(", ");
    SECRET_FILES.fails(
        "",
        told!("everybody may read {open}", "所有用户都可读：{open}"),
    )
}

fn exposed(loaded: &Loaded) -> Row {
    let file = loaded.file.display();
    if !loaded.holds_secrets {
        return FILE.is_ok("", told!("{file} holds none", "{file} 中没有密钥"));
    }
    if anybody_may_read(&loaded.file).unwrap_or(false) {
        return FILE.fails(
            "",
            told!("everybody may read {file}", "所有用户都可读 {file}"),
        );
    }
    FILE.is_ok(
        "",
        told!("not everybody may read {file}", "并非所有用户可读 {file}"),
    )
}

fn public_url(config: &Config) -> Row {
    let url = &config.server.public_url;
    let calls_out = config.wechat.values().map(|account| &account.api_url);
    let calls_out = calls_out.chain(config.c4c.values().map(|tenant| &tenant.url));
    // Simulators on this machine find a daemon on this machine.
    let is_real = calls_out
        .filter_map(|url| Url::parse(url).ok())
        .any(|url| !is_here(&url));
    if is_here(url) && is_real {
        return PUBLIC_URL.fails(
            "",
            told!("{url} leads to this machine only", "{url} 只能在本机访问"),
        );
    }
    if url.scheme() != "https" && !is_here(url) {
        return PUBLIC_URL.warns(
            "",
            told!("{url} can be read on the way", "{url} 在传输途中可被读取"),
        );
    }
    PUBLIC_URL.is_ok("", told!("{url}", "{url}"))
}

/// Whether the address is one of this machine for itself.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        None => false,
    }
}
