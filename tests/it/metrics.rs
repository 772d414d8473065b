//! What `/metrics` promises: every series is described, counted, shown and told of, and none besides.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qiao::domain::jobs::JOBS;
use qiao::domain::series::{ALL, Kind};
use qiao_sim::fault::Kind as Fault;
use regex::Regex;
use serde_json::{Value, json};

use crate::documents::{anchors_of, read};
use crate::hook::Hook;
use crate::world::{Plan, World};

/// Every name of ours in a text, without what Prometheus appends to those of histograms.
fn named(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\bqiao_[a-z0-9_]+").unwrap();
    let plain = |found: &str| {
        let is_known = |name: &str| ALL.iter().any(|series| series.name == name);
        let parts = ["_bucket", "_sum", "_count"].iter();
        let mut cut = parts.filter_map(|part| found.strip_suffix(part));
        let of_histogram = cut.find(|name| is_known(name));
        of_histogram.unwrap_or(found).to_owned()
    };
    name.find_iter(text).map(|m| plain(m.as_str())).collect()
}

fn known() -> BTreeSet<String> {
    ALL.iter().map(|series| series.name.to_owned()).collect()
}

#[test]
fn every_series_is_counted_in_the_code_under_its_type_and_no_other_is() {
    let list = read("src/domain/series.rs");
    let word = Regex::new(r#"(?m)^    ([A-Z0-9_]+) "(qiao_\w+)""#).unwrap();
    let words: Vec<(String, String)> = word
        .captures_iter(&list)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    assert_eq!(words.len(), ALL.len());
    let counted = Regex::new(r"\b(counter|gauge|histogram)!\(\s*([^,)]+)").unwrap();
    let mut found = BTreeSet::new();
    for (path, text) in sources() {
        for used in counted.captures_iter(&text) {
            if used[2].trim().starts_with("series.name") {
                continue;
            }
            let name = used[2].trim().strip_prefix("series::");
            let name = name.unwrap_or_else(|| panic!("{path}: `{}` is no series", &used[2]));
            let (_, name) = words.iter().find(|(word, _)| word == name).unwrap();
            let series = ALL.iter().find(|series| series.name == name).unwrap();
            assert_eq!(&used[1], series.kind.as_str(), "{path}: {name}");
            found.insert(name.clone());
        }
    }
    assert_eq!(found, known());
}

fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                found.push((path.display().to_string(), text));
            }
        }
    }
    let mut found = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    found
}

#[test]
fn the_names_follow_the_customs_of_prometheus() {
    for series in ALL {
        let (name, unit) = (series.name, series.unit);
        assert!(series.help.ends_with('.'), "{name}: {}", series.help);
        let is_counter = series.kind == Kind::Counter;
        assert_eq!(name.ends_with("_total"), is_counter, "{name}");
        if ["seconds", "bytes"].contains(&unit) {
            assert!(name.ends_with(unit), "{name} is in {unit}");
        }
        if let Kind::Histogram(bounds) = series.kind {
            assert!(bounds.is_sorted() && !bounds.is_empty(), "{name}");
        }
    }
    assert_eq!(known().len(), ALL.len(), "each name once");
}

#[test]
fn the_page_of_metrics_is_the_list() {
    let page = read("docs/METRICS.md");
    let told: Vec<&str> = page.lines().filter(|l| l.starts_with("| `qiao_")).collect();
    let listed: Vec<String> = ALL
        .iter()
        .map(|series| {
            let labels: Vec<String> = series.labels.iter().map(|l| format!("`{l}`")).collect();
            let (name, kind, unit) = (series.name, series.kind.as_str(), series.unit);
            format!(
                "| `{name}` | {kind} | {unit} | {} | {} |",
                labels.join(" "),
                series.help
            )
        })
        .collect();
    assert_eq!(
        told, listed,
        "docs/METRICS.md (left), src/domain/series.rs (right)"
    );
    assert!(named(&page).is_subset(&known()));
}

#[test]
fn alerts_and_board_ask_for_series_and_labels_that_exist() {
    let selector = Regex::new(r"\b(qiao_[a-z0-9_]+)\{([^}]*)\}").unwrap();
    let grouped = Regex::new(r"\b(?:by|on) ?\(([^)]*)\)").unwrap();
    let label = Regex::new(r"(\w+) ?(?:=~|!~|!=|=)").unwrap();
    let all_labels: BTreeSet<&str> = ALL.iter().flat_map(|s| s.labels).copied().collect();
    for file in ["deploy/alerts.yml", "deploy/grafana.json"] {
        let text = read(file).replace("\\\"", "\"");
        let strange: Vec<_> = named(&text).difference(&known()).cloned().collect();
        assert!(strange.is_empty(), "{file} names {strange:?}");
        for found in selector.captures_iter(&text) {
            let name = named(&found[1]).pop_first().unwrap();
            let series = ALL.iter().find(|series| series.name == name).unwrap();
            for used in label.captures_iter(&found[2]) {
                assert!(series.labels.contains(&&used[1]), "{file}: {}", &found[0]);
            }
        }
        for found in grouped.captures_iter(&text) {
            for used in found[1].split(',').map(str::trim).filter(|l| !l.is_empty()) {
                let is_known = all_labels.contains(used) || used == "le";
                assert!(is_known, "{file}: {}", &found[0]);
            }
        }
    }
    let board: Value = serde_json::from_str(&read("deploy/grafana.json")).unwrap();
    assert!(board["panels"].as_array().unwrap().len() > 8);
}

#[test]
fn every_alert_has_its_place_in_the_operators_page_and_no_other_is_told_there() {
    let rules = read("deploy/alerts.yml");
    let page = read("docs/OPERATIONS.md");
    let alert = Regex::new(r"(?m)^ +- alert: (\w+)$").unwrap();
    let alerts: Vec<String> = alert
        .captures_iter(&rules)
        .map(|m| m[1].to_owned())
        .collect();
    let heading = Regex::new(r"(?m)^### (Qiao\w+)$").unwrap();
    let told: Vec<String> = heading
        .captures_iter(&page)
        .map(|m| m[1].to_owned())
        .collect();
    assert_eq!(
        alerts, told,
        "deploy/alerts.yml (left), docs/OPERATIONS.md (right)"
    );
    let runbook = Regex::new(r"(?m)^ +runbook_url: \S+/docs/OPERATIONS\.md#(\S+)$").unwrap();
    let anchors: Vec<String> = runbook
        .captures_iter(&rules)
        .map(|m| m[1].to_owned())
        .collect();
    let lower: Vec<String> = alerts.iter().map(|alert| alert.to_lowercase()).collect();
    assert_eq!(anchors, lower);
    let there = anchors_of("docs/OPERATIONS.md");
    assert!(anchors.iter().all(|anchor| there.contains(anchor)));
    for part in ["expr:", "for:", "severity:", "summary:"] {
        assert_eq!(
            rules.matches(part).count(),
            alerts.len(),
            "each alert has `{part}`"
        );
    }
}

/// What runs each minute is soon noticed by other rules, but for one job that tells of them all.
#[test]
fn every_nightly_and_weekly_job_has_an_alert_when_it_does_not_run() {
    let rules = read("deploy/alerts.yml");
    let overdue = rules.split_once("- alert: QiaoJobOverdue").unwrap().1;
    let overdue = overdue.split_once("for:").unwrap().0;
    let watched = Regex::new(r#"job=~?"([a-z_|]+)""#).unwrap();
    let watched: BTreeSet<&str> = watched
        .captures_iter(overdue)
        .flat_map(|found| found.get(1).unwrap().as_str().split('|'))
        .collect();
    let by_age = ["backup", "restore_drill"];
    let wanted: BTreeSet<&str> = JOBS
        .iter()
        .filter(|job| !job.schedule.starts_with("every") && !by_age.contains(&job.name))
        .map(|job| job.name)
        .chain(["expire"])
        .collect();
    assert_eq!(watched, wanted);
    assert!(rules.contains("qiao_backup_age_seconds) >"));
    assert!(rules.contains("qiao_restore_drill_age_seconds) >"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_the_newest_backup_does_not_stand_still_when_there_is_none_any_more() {
    let world = World::new().await;
    let age = async || {
        let (_, text) = world.get("/metrics").await;
        let name = "qiao_backup_age_seconds ";
        let age = text.lines().find_map(|line| line.strip_prefix(name));
        age.expect("it is shown").to_owned()
    };
    world.run_job("backup").await;
    assert_eq!(age().await, "0");
    std::fs::remove_dir_all(world.beside("data/backups")).unwrap();
    // It looks for the newest one, and writes off what is gone.
    world.run_job("restore_drill").await;
    assert_eq!(age().await, "NaN");
}

#[test]
fn prometheus_itself_takes_the_rules_and_they_fire_when_they_should() {
    for (asked, file) in [
        (["check", "rules"], "deploy/alerts.yml"),
        (["test", "rules"], "deploy/alerts.test.yml"),
    ] {
        let mut promtool = Command::new("promtool");
        promtool
            .args(asked)
            .arg(file)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let Ok(told) = promtool.output() else {
            eprintln!("not asked: there is no promtool here");
            return;
        };
        assert!(told.status.success(), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_series_is_shown_with_its_help_and_none_names_a_person() {
    let hook = Hook::answering("from the hook").await;
    let rule = format!(
        "[[wechat.main.rules]]\nwhen = {{ text = \"weather\" }}\nthen = {{ hook = \"{}\" }}\n",
        hook.url
    );
    let world = World::planned(Plan {
        account: rule,
        ..Plan::default()
    })
    .await;
    let openid = world.talking_customer().await;
    let push = world.say(&openid, "weather");
    world.while_time_passes(world.answered(push)).await;
    world.change(&openid, &[("Mobile", "+86 139 0000 0000")]);
    world.until_seen(&openid, "Mobile").await;
    world.settled().await;
    // Past the window, so that a send is held.
    world.advance(Duration::from_hours(49));
    world.send(&openid, "too late").await;
    for job in ["reconcile", "backup", "restore_drill"] {
        world.run_job(job).await;
    }
    assert_eq!(world.post("/c4c/main/notifications", &[], "").await, 401);
    world.get("/oauth/wechat/main/start?to=elsewhere").await;
    reply(&world).await;
    world.settled().await;

    let (status, text) = world.get("/metrics").await;
    assert_eq!(status, 200);
    for series in ALL {
        let (name, kind) = (series.name, series.kind.as_str());
        let help = format!("# HELP {name} {}\n# TYPE {name} {kind}\n", series.help);
        assert!(text.contains(&help), "{help}");
        let shown = Regex::new(&format!(
            "(?m)^{name}(_bucket|_sum|_count)?(\\{{(.*)\\}})? "
        ))
        .unwrap();
        let line = shown
            .captures(&text)
            .unwrap_or_else(|| panic!("{name} is not shown"));
        for label in series.labels {
            let labels = line.get(3).map_or("", |labels| labels.as_str());
            assert!(labels.contains(&format!("{label}=\"")), "{name}: {labels}");
        }
    }
    assert!(
        text.contains("qiao_outbox_held_rows{reason=\"window\"} 1\n"),
        "{text}"
    );
    assert!(text.contains("qiao_send_window_refusals_total{by=\"qiao\",then=\"hold\"} 1\n"));
    let object = world.object_of(&openid);
    for person in [
        openid.as_str(),
        object.as_str(),
        "too late",
        "weather",
        "from the hook",
    ] {
        assert!(!text.contains(person), "`{person}` stands in\n{text}");
    }
}

/// An agent's answer to a ticket that nobody knows: it is counted all the same.
async fn reply(world: &World) {
    let content = json!({
        "original_id": "", "sma_id": "4711", "service_req_no": "9999", "author_name": "Li",
        "author_email": "", "sma_create_datetime": "2026-11-23T08:00:00Z",
        "private_ind": "FALSE", "text": "hello",
    });
    let content = utf8_percent_encode(&content.to_string(), NON_ALPHANUMERIC).to_string();
    let form_data = [("content-type", "application/x-www-form-urlencoded")];
    let path = "/c4c/main/replies/0123456789abcdef-key";
    let form = format!("content={content}");
    let (status, told) = world.posted(path, &form_data, form).await;
    assert!(status == 202 || status == 200, "{status} {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_gate_tells_since_when_until_the_remote_answers_again() {
    let world = World::new().await;
    let refused = Fault::Status {
        status: 503,
        html: false,
        retry_after: None,
    };
    world.c4c_fails("", refused);
    let closed_at = world.clock_micros() / 1_000_000;
    let openid = world.somebody();
    world.follow(&openid);
    world.settled().await;
    let since = async || {
        let (_, text) = world.get("/metrics").await;
        let line = "qiao_remote_paused_since_timestamp_seconds{remote=\"c4c:main\"} ";
        let since = text.lines().find_map(|found| found.strip_prefix(line));
        since.expect("it is shown").parse::<f64>().unwrap()
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let closed_at = closed_at as f64;
    assert!((since().await - closed_at).abs() < 5.0);
    world.advance(Duration::from_mins(2));
    world.settled().await;
    assert!(since().await.abs() < f64::EPSILON);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_with_a_hundred_thousand_rows_waiting_is_quick() {
    let world = World::new().await;
    world
        .sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             INSERT INTO outbox (lane, effect, remote, payload, state, head, priority,
                 next_attempt_at, held_reason, created_at)
             SELECT 'send:main:' || i, 'wechat.send', 'wechat:elsewhere', '{}',
                 iif(i % 2, 'ready', 'held'), i % 2, 1, 1795420000000000 + i,
                 iif(i % 2, NULL, 'window'), 1795420800000000 FROM n",
        )
        .await;
    let mut took = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let (_, text) = world.get("/metrics").await;
        took.push(began.elapsed());
        assert!(text.contains("qiao_outbox_held_rows{reason=\"window\"} 50000\n"));
        assert!(!text.contains("qiao_outbox_oldest_due_seconds{effect=\"wechat.send\"} 0\n"));
    }
    let best = took.iter().min().unwrap();
    assert!(*best < Duration::from_millis(250), "{took:?}");
    assert_eq!(json!(world.get("/healthz").await.0), json!(200));
}
