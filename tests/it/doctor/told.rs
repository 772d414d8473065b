//! What is told: in the document as in the code, and never a secret.

use std::collections::BTreeSet;

use qiao::doctor::checks;
use qiao_sim::wechat::Settings;
use regex::Regex;

use crate::commands::run;
use crate::documents::read;
use crate::process::Site;
use crate::raw::{answered, client};
use crate::world::{Plan, open};

#[test]
fn the_document_tells_of_every_check_what_the_code_tells() {
    let document = read("docs/DOCTOR.md");
    let line = |check: &qiao::doctor::Check| {
        let ([title, _], [remedy, _]) = (check.title, check.remedy);
        let live = if check.live { "yes" } else { "" };
        format!("| `{}` | {title} | {live} | {remedy} |", check.id)
    };
    let missing: Vec<String> = checks()
        .map(line)
        .filter(|line| !document.contains(line))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/DOCTOR.md lacks\n{}",
        missing.join("\n")
    );
    let id = Regex::new(r"(?m)^\| `([a-z0-9_.]+)` \|").unwrap();
    let told: BTreeSet<&str> = id
        .captures_iter(&document)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    let known: BTreeSet<&str> = checks().map(|check| check.id).collect();
    assert_eq!(told, known);
}

/// 43 letters, as an EncodingAESKey has.
const AES_KEY: &str = "canarycanarycanarycanarycanarycanarycanary0";

/// A site all of whose secrets are canaries.
async fn site_of_canaries() -> Site {
    let wechat = Settings {
        app_secret: "canary-app-secret".to_owned(),
        token: "canarytoken".to_owned(),
        mode: qiao_sim::wechat::Mode::Safe,
        encoding_aes_key: Some(AES_KEY.to_owned()),
        ..Settings::default()
    };
    let plan = Plan {
        wechat,
        ..Plan::default()
    };
    let site = Site::planned(plan).await;
    site.reconfigure(|text| {
        text.replace("password = \"secret\"", "password = \"canary-password\"")
            .replace("notify-secret", "canary-notify-password")
            .replace("0123456789abcdef-key", "canary-notify-key-0123")
    });
    site.c4c
        .with(|c4c, _, _| assert!(c4c.users().set_password("qiao", "canary-password")));
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_told_by_the_doctor_the_logs_or_the_metrics() {
    let site = site_of_canaries().await;
    let daemon = site.serve_talkative().await;
    let mut told = heard(&site).await;
    let token: String = sqlx::query_scalar("SELECT value FROM account_token")
        .fetch_optional(&mut open(&site.database()).await)
        .await
        .unwrap()
        .unwrap_or_default();
    let (status, metrics) = answered(client().get(format!("{}/metrics", site.url()))).await;
    assert_eq!(status, 200);
    told.push(metrics);
    // Everything is refused: that is when much is told.
    site.reconfigure(|text| {
        let proxy =
            "[outbound]\nproxy = \"http://canary:canary@127.0.0.1:9\"\nno_proxy = \"127.0.0.1\"\n";
        let text = text
            .replace("canarytoken", "canaryother")
            .replace("canary-", "canary-wrong-");
        format!("{proxy}{text}")
    });
    told.extend(heard(&site).await);
    site.reconfigure(|text| text.replace("[server]", "[server]\ncanary = \"canary-wrong\""));
    let wrong = run(&site.config_file(), &["doctor"]).await;
    // The name of the key is told, its value is not.
    assert!(!wrong.out.contains("canary-wrong"), "{wrong:?}");
    told.extend(daemon.terminate().await);
    let basic = "cWlhbzpjYW5hcnkt";
    for text in &told {
        for secret in ["canary", basic] {
            let at = text.to_lowercase().find(&secret.to_lowercase());
            assert!(at.is_none(), "`{secret}` stands in: {text}");
        }
        assert!(
            token.is_empty() || !text.contains(&token),
            "the token stands in: {text}"
        );
    }
}

/// All that the doctor says, in both forms and languages.
async fn heard(site: &Site) -> Vec<String> {
    let mut heard = Vec::new();
    for lang in ["en", "zh"] {
        for more in [
            &[][..],
            &["--json"],
            &["--offline"],
            &["--offline", "--json"],
        ] {
            let words = [&["doctor", "--lang", lang], more].concat();
            let told = run(&site.config_file(), &words).await;
            assert!(told.out.contains("configuration.loads"), "{told:?}");
            heard.extend([told.out, told.err]);
        }
    }
    heard
}
