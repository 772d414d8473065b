//! Commands that need no database: `check`, the simulators.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use qiao::app::transport;
use qiao::config::Outbound;
use qiao::kit::transport::{Method, Request, Response};
use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::{qiao, run};
use crate::world::World;

/// The least that a configuration needs.
const PLATFORMS: &str = r#"
[c4c.main]
url = "https://my000000.crm.ondemand.com"
username = "QIAO"
password = "secret"
notify_key = "0123456789abcdef-key"
[wechat.main]
app_id = "wx0123456789abcdef"
app_secret = "simsecret"
token = "simtoken"
"#;

/// A configuration in a folder of its own, with these lines before the platforms.
fn configured(lines: &str) -> (TempDir, PathBuf) {
    written(&format!("{lines}{PLATFORMS}"))
}

fn written(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qiao.toml");
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_every_fault_at_once_and_no_secret() {
    let (_folder, file) = written(
        r#"
[server]
lisen = "127.0.0.1:8080"
time_zone = "Asia/Peking"
[c4c.main]
url = "https://my000000.crm.ondemand.com"
username = "QIAO"
password = "hunter2£"
[wechat.main]
app_id = "wx0123456789abcdef"
app_secret = "env:QIAO_TEST_NOT_SET"
token = "hunter2-token!"
tenant = "nowhere"
"#,
    );
    let told = run(&file, &["check"]).await;
    for key in [
        "server.lisen",
        "server.time_zone",
        "c4c.main.password",
        "wechat.main.app_secret",
        "wechat.main.tenant",
    ] {
        told.fails(2, key);
    }
    assert!(!told.err.contains("hunter2"), "{told:?}");
    assert_eq!(told.out, "");
    let served = run(&file, &["serve"]).await;
    assert_eq!(
        (served.code, served.err),
        (2, told.err),
        "serve says the same"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_that_a_configuration_is_valid() {
    let world = World::new().await;
    let told = qiao(&world, &["check"]).await;
    told.says("warning: server.public_url: it is not set");
    told.says("the configuration is valid");
    assert!(!told.out.contains("secret"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_a_ca_file_that_cannot_be_used() {
    let (folder, file) = configured("[outbound]\nca_file = \"company.pem\"\n");
    run(&file, &["check"]).await.fails(2, "company.pem");
    std::fs::write(folder.path().join("company.pem"), "not a certificate").unwrap();
    run(&file, &["check"])
        .await
        .fails(2, "it holds no PEM certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_on_a_database_that_is_not_there_makes_none() {
    let (folder, file) = configured("[database]\nurl = \"sqlite:elsewhere.db\"\n");
    for words in [&["outbox", "list"][..], &["outbox", "retry", "1"]] {
        run(&file, words).await.fails(1, "does not exist");
    }
    assert!(!folder.path().join("elsewhere.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_configuration_and_a_wrong_word_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("gone.toml");
    run(&missing, &["mapping", "list"])
        .await
        .fails(2, "gone.toml");
    run(&missing, &["mapping", "lst"]).await.fails(2, "lst");
}

/// A simulator as a child, until it is dropped.
struct Simulator {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    url: String,
}

impl Simulator {
    /// Starts it on a free port and reads from its first line where it is.
    async fn start(words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_qiao"))
            .args(["sim", words[0], "--listen", "127.0.0.1:0"])
            .args(&words[1..])
            .env_clear()
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).await.unwrap();
        let url = line.split(' ').find(|word| word.starts_with("http://"));
        Self {
            url: url.expect("its address").to_owned(),
            out: Some(out),
            child,
        }
    }

    async fn ask(&self, method: Method, path: &str, body: &str, login: Option<&str>) -> Response {
        let credentials = login.map(|basic| ("authorization", format!("Basic {basic}")));
        let request = Request {
            method,
            url: format!("{}{path}", self.url),
            headers: credentials.into_iter().collect(),
            body: body.as_bytes().to_vec(),
            timeout: Duration::from_secs(10),
        };
        let direct = Outbound {
            proxy: String::new(),
            no_proxy: String::new(),
            ca_file: None,
        };
        transport(&direct).unwrap().send(request).await.unwrap()
    }

    /// What it prints below its first line.
    async fn guide(mut self) -> String {
        let mut rest = self.out.take().expect("read once");
        assert_eq!(self.interrupt().await, Some(0));
        let mut guide = String::new();
        rest.read_to_string(&mut guide).await.unwrap();
        guide
    }

    /// Presses Ctrl-C and gives the exit code.
    async fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(sent.unwrap().success());
        self.child.wait().await.unwrap().code()
    }
}

fn json(answer: &Response) -> Value {
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_wechat_gives_a_token_for_its_documented_login() {
    let wechat = Simulator::start(&["wechat"]).await;
    let path = "/cgi-bin/token?grant_type=client_credential\
                &appid=wx0123456789abcdef&secret=simsecret";
    let token = json(&wechat.ask(Method::Get, path, "", None).await);
    assert_eq!(token["expires_in"], 7200, "{token}");
    let followed = wechat
        .ask(Method::Post, "/_control/follow", "{}", None)
        .await;
    assert!(json(&followed)["openid"].is_string());
    assert_eq!(wechat.interrupt().await, Some(0), "Ctrl-C is a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_c4c_answers_its_documented_login_in_both_dialects() {
    let collection = "/sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection";
    for dialect in ["c4c", "standard"] {
        let c4c = Simulator::start(&["c4c", "--dialect", dialect]).await;
        let created = c4c
            .ask(
                Method::Post,
                "/_control/customers",
                r#"{"LastName":"Wang"}"#,
                None,
            )
            .await;
        let object = json(&created)["object_id"].as_str().unwrap().to_owned();
        let path = format!("{collection}('{object}')?$format=json");
        // qiao:secret
        let login = Some("cWlhbzpzZWNyZXQ=");
        let customer = json(&c4c.ask(Method::Get, &path, "", login).await);
        let inside = match dialect {
            "c4c" => &customer["d"]["results"],
            _ => &customer["d"],
        };
        assert_eq!(inside["LastName"], "Wang", "{dialect}: {customer}");
        let stranger = c4c.ask(Method::Get, &path, "", None).await;
        assert_eq!(stranger.status, 401);
    }
}

/// Every request of the guide that a simulator prints, made at that simulator.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_simulator_advises_to_type_exists() {
    let path = Regex::new(r"(/_control/[^'\s]+)").unwrap();
    let body = Regex::new(r"-d '([^']*)'").unwrap();
    for platform in ["wechat", "c4c"] {
        let guide = Simulator::start(&[platform]).await.guide().await;
        let simulator = Simulator::start(&[platform]).await;
        let (mut tried, mut faults) = (0, Vec::new());
        for line in guide.lines().filter(|line| line.contains("/_control/")) {
            let path = &path.captures(line).expect("a path")[1];
            let body = body.captures(line).map(|found| found[1].to_owned());
            let posts = body.is_some() || line.contains("-X POST");
            let method = if posts { Method::Post } else { Method::Get };
            let answer = simulator
                .ask(method, path, &body.unwrap_or_default(), None)
                .await;
            let told = String::from_utf8_lossy(&answer.body);
            // Nobody is called OPENID, and no ticket TICKET.
            if told.contains("control") || answer.status == 400 {
                faults.push(format!("{line}: {} {told}", answer.status));
            }
            tried += 1;
        }
        assert!(tried > 10, "{platform}: only {tried} in {guide}");
        assert!(faults.is_empty(), "{platform}:\n{}", faults.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_c4c_posts_answers_where_it_is_told_to() {
    let url = "http://127.0.0.1:9/c4c/main/replies";
    let c4c = Simulator::start(&["c4c", "--replies-url", url]).await;
    let replies = json(&c4c.ask(Method::Get, "/_control/replies", "", None).await);
    assert_eq!(replies["settings"]["url"], url);
    assert_eq!(replies["settings"]["username"], "c4c");
}
