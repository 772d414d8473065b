//! What a valid configuration becomes.

use std::path::Path;

use secrecy::ExposeSecret;

use super::super::{
    Action, Csrf, Environment, Then, TokenSource, WechatIdWrite, When, load, load_text,
};
use super::{MINIMAL, changed, config, loaded, warnings};

#[test]
fn relative_paths_count_from_the_folder_of_the_file() {
    let change = "outbound.ca_file = \"ca.pem\"";
    let config = config(change);
    assert_eq!(config.database.path, Path::new("/etc/qiao/data/qiao.db"));
    assert_eq!(
        config.outbound.ca_file.as_deref(),
        Some(Path::new("/etc/qiao/ca.pem"))
    );
}

#[test]
fn a_real_file_is_loaded_with_its_secret_files_and_variables() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c4c-password"), "from a file\n").unwrap();
    let file = folder.path().join("qiao.toml");
    let change = "[c4c.main]\npassword = \"file:c4c-password\"\nnotify_password = \"env:NOTIFY\"";
    std::fs::write(&file, changed(change)).unwrap();
    let env: Environment = [
        ("NOTIFY", "from a variable"),
        ("QIAO_C4C__MAIN__MAX_CALLS", "7"),
        ("QIAO_WECHAT__MAIN__TOKEN", "another"),
        ("QIAO_CONFIG", file.to_str().unwrap()),
    ]
    .into_iter()
    .collect();
    let loaded = load(None, &env).unwrap();
    assert_eq!(loaded.file, file);
    let tenant = loaded.config.c4c.values().next().unwrap();
    assert_eq!(tenant.password.expose_secret(), "from a file");
    let (_, notify_password) = tenant.notify_basic.as_ref().unwrap();
    assert_eq!(notify_password.expose_secret(), "from a variable");
    assert_eq!(tenant.max_calls, 7);
    let account = loaded.config.wechat.values().next().unwrap();
    assert_eq!(account.tokens[0].expose_secret(), "another");
}

#[test]
fn tokens_and_keys_may_be_lists_during_rotation() {
    let change = r#"[wechat.main]
        token = ["new", "old"]
        encoding_aes_key = ["abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"]"#;
    let config = config(change);
    let account = config.wechat.values().next().unwrap();
    assert_eq!((account.tokens.len(), account.aes_keys.len()), (2, 2));
}

#[test]
fn urls_lose_their_slash_at_the_end() {
    let change = r#"
        server.public_url = "https://bridge.example.cn/qiao/"
        wechat.main.api_url = "https://api.example.cn/"
        wechat.main.access_token = "https://tokens.example.cn/main?key=k"
        c4c.main.url = "https://my000000.crm.ondemand.com/"
        c4c.main.service = "/sap/c4c/odata/v1/c4codata/"
        c4c.main.csrf = "off""#;
    let config = config(change);
    assert_eq!(
        config.server.public_url.as_str(),
        "https://bridge.example.cn/qiao"
    );
    let account = config.wechat.values().next().unwrap();
    assert_eq!(account.api_url, "https://api.example.cn");
    assert!(
        matches!(&account.access_token, TokenSource::Central(url) if url.query() == Some("key=k"))
    );
    let tenant = config.c4c.values().next().unwrap();
    assert_eq!(tenant.url, "https://my000000.crm.ondemand.com");
    assert_eq!(tenant.service, "/sap/c4c/odata/v1/c4codata");
    assert_eq!(tenant.csrf, Csrf::Off);
}

#[test]
fn rules_keep_their_order() {
    let change = r#"
        [[wechat.main.rules]]
        when.click = "review"
        then.action = "review"
        [[wechat.main.rules]]
        when.regex = "^价格"
        then.news = { title = "价目表" }"#;
    let config = config(change);
    let rules = &config.wechat.values().next().unwrap().rules;
    assert!(matches!(&rules[0].when, When::Click(key) if key == "review"));
    assert_eq!(rules[0].then, Then::Action(Action::Review));
    assert!(matches!(&rules[1].when, When::Regex(regex) if regex.is_match("价格多少")));
    assert!(
        matches!(&rules[1].then, Then::News { title, url, .. } if title == "价目表" && url.is_empty())
    );
}

#[test]
fn the_wechat_id_may_be_a_field_of_the_customer() {
    let change = "c4c.main.wechat_id = { field = \"WechatID_KUT\", write = \"create\" }";
    let config = config(change);
    let place = &config.c4c.values().next().unwrap().wechat_id;
    assert_eq!(
        (place.service.as_ref(), place.write),
        (None, WechatIdWrite::Create)
    );
}

#[test]
fn a_customer_of_ones_own_replaces_the_default_as_a_whole() {
    let config =
        config("c4c.main.customer = { LastName = \"{openid}\", Note_KUT = \"{scene|-}\" }");
    let fields: Vec<_> = config
        .c4c
        .values()
        .next()
        .unwrap()
        .customer
        .keys()
        .collect();
    assert_eq!(fields, ["LastName", "Note_KUT"]);
}

#[test]
fn an_empty_text_stays_empty() {
    let config = config("wechat.main.texts.welcome = \"\"");
    assert_eq!(config.wechat.values().next().unwrap().texts.welcome, "");
}

#[test]
fn risky_settings_are_warned_of() {
    let change = r#"
        server.listen = "0.0.0.0:8080"
        wechat.main.api_url = "http://wechat.internal"
        wechat.main.uncertain_send = "resend"
        c4c.main.url = "http://c4c.internal"
        c4c.main.lookup = ["wechat_id", "NickName"]
        c4c.main.notify_username = {}
        c4c.main.notify_password = {}
        c4c.main.notify_key = "0123456789abcdef"
        [[wechat.main.rules]]
        when.text = "x"
        then.hook = "http://hooks.internal""#;
    let warned: Vec<_> = warnings(change)
        .iter()
        .map(|w| w.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        warned,
        [
            "server.admin_listen",
            "server.public_url",
            "wechat.main.rules[0].then.hook",
            "wechat.main.encoding_aes_key",
            "wechat.main.uncertain_send",
            "wechat.main.api_url",
            "c4c.main.notify_key",
            "c4c.main.url",
            "c4c.main.lookup",
        ]
    );
}

#[test]
fn plain_http_on_this_machine_is_no_risk() {
    let change = r#"
        server.public_url = "http://127.0.0.1:8080"
        wechat.main.api_url = "http://localhost:9001"
        wechat.main.encoding_aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
        c4c.main.url = "http://[::1]:9002""#;
    assert_eq!(warnings(change), [""; 0]);
}

#[test]
fn nothing_secret_is_shown() {
    let change = "outbound.proxy = \"http://u:proxy-do-not-show@proxy.example.cn:3128\"";
    let shown = format!("{:?}", loaded(&changed(change)).unwrap());
    assert!(!shown.contains("do-not-show"), "{shown}");
}

#[test]
fn the_environment_alone_beats_the_file() {
    let env: Environment = [("QIAO_SERVER__LISTEN", "127.0.0.1:9")]
        .into_iter()
        .collect();
    let loaded = load_text(MINIMAL, Path::new("/etc/qiao/qiao.toml"), &env).unwrap();
    assert_eq!(loaded.config.server.listen.port(), 9);
}

#[test]
fn a_job_takes_its_schedule_from_the_file_and_its_hours_from_its_zone_or_the_server() {
    let config = config(
        r#"
        server.time_zone = "Europe/Berlin"
        jobs.reconcile.schedule = "0 1 * * *"
        jobs.integrity = { schedule = "0 2 1 * *", zone = "UTC" }
        jobs.index.schedule = "off"
        jobs.prune.zone = "America/New_York""#,
    );
    let shown = |job: &str| {
        let schedule = config.jobs.of(job).unwrap();
        let zone = schedule.zone().and_then(|zone| zone.iana_name());
        format!("{} {}", schedule.text(), zone.unwrap_or("-"))
    };
    assert_eq!(shown("reconcile"), "0 1 * * * Europe/Berlin");
    assert_eq!(shown("integrity"), "0 2 1 * * UTC");
    assert_eq!(shown("index"), "off -");
    assert_eq!(shown("prune"), "50 2 * * * America/New_York");
    assert_eq!(shown("expire"), "every 1 min -");
    assert_eq!(config.jobs.of("recconcile"), None);
}

#[test]
fn a_zone_that_changes_nothing_is_warned_of() {
    let warnings = warnings("jobs.expire.zone = \"UTC\"");
    let told = warnings.iter().find(|w| w.starts_with("jobs.expire.zone"));
    assert!(told.unwrap().contains("it changes nothing"), "{warnings:?}");
}

#[test]
fn days_of_retention_are_days_and_nought_is_for_ever() {
    let hours = |days: i64| Some(jiff::SignedDuration::from_hours(days * 24));
    let kept = config("retention = { messages = 365, inbox = 0, findings = 1 }").retention;
    assert_eq!((kept.messages, kept.inbox), (hours(365), None));
    assert_eq!((kept.findings, kept.attempts), (hours(1), hours(90)));
    assert_eq!(config("").retention.messages, None, "what was said is kept");
}
