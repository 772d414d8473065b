//! `qiao bench`, run with tiny numbers: that it measures everything it promises, proves what it
//! measures, and leaves nothing behind. How fast anything is, is no matter here.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use qiao::kit::clock::SystemClock;
use qiao::store::{Store, seeded_openid};
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::world::open;

/// The tables, with the number of their rows and of their targets.
const SECTIONS: [(&str, usize, usize); 8] = [
    ("intake", 11, 5),
    ("delivery", 8, 5),
    ("feel", 4, 4),
    ("growth", 3, 4),
    ("memory", 3, 3),
    ("search", 9, 4),
    ("reconcile", 1, 1),
    ("profile", 8, 0),
];

fn qiao(arguments: &[&str]) -> Output {
    let mut qiao = Command::new(env!("CARGO_BIN_EXE_qiao"));
    qiao.arg("bench").args(arguments);
    // The user's own settings are not the measurement's.
    qiao.env("QIAO_SERVER__LISTEN", "192.0.2.1:1");
    qiao.output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn every_table_is_complete_and_nothing_stays_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (databases, written) = (folder.path().join("databases"), folder.path().join("B.md"));
    std::fs::create_dir(&databases).unwrap();
    #[rustfmt::skip]
    let output = qiao(&[
        "--rounds", "1", "--seconds", "0.1", "--rows", "60", "--people", "2",
        "--messages", "400", "--mappings", "50", "--json",
        "--folder", text(&databases), "--write", text(&written),
    ]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let markdown = std::fs::read_to_string(&written).unwrap();
    let sections = report["sections"].as_array().unwrap();
    assert_eq!(sections.len(), SECTIONS.len());
    for (section, (name, rows, targets)) in sections.iter().zip(SECTIONS) {
        assert_eq!(section["name"], name);
        assert!(
            markdown.contains(section["title"].as_str().unwrap()),
            "{markdown}"
        );
        assert_eq!(section["rows"].as_array().unwrap().len(), rows, "{section}");
        let promised = section["targets"].as_array().unwrap();
        assert_eq!(promised.len(), targets, "{section}");
        for target in promised {
            let what = target["what"].as_str().unwrap();
            let met = if target["met"] == true {
                "yes"
            } else {
                "**missed**"
            };
            let mut lines = markdown.lines();
            let told = lines.any(|line| line.contains(what) && line.contains(met));
            assert!(told, "{target}: {markdown}");
        }
    }
    for of_the_machine in [
        "processor",
        "kernel",
        "file system",
        "command",
        "date",
        "commit",
    ] {
        assert!(
            markdown.contains(&format!("- {of_the_machine}: ")),
            "{markdown}"
        );
    }
    let rates = sections[0]["rows"].as_array().unwrap();
    for row in rates.iter().chain(sections[1]["rows"].as_array().unwrap()) {
        let rate = row.as_array().unwrap().iter().filter_map(Value::as_f64);
        assert!(
            rate.fold(0.0, f64::max) > 0.0,
            "something was measured: {row}"
        );
    }
    let left = std::fs::read_dir(&databases).unwrap().count();
    assert_eq!(left, 0, "its databases are removed");
}

#[test]
fn only_what_is_asked_for_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    #[rustfmt::skip]
    let output = qiao(&[
        "--only", "memory", "--rounds", "1", "--seconds", "0.1", "--rows", "10", "--json",
        "--folder", text(folder.path()),
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let sections = report["sections"].as_array().unwrap();
    assert_eq!(sections.len(), 1, "{report}");
    assert_eq!(sections[0]["name"], "memory");
}

#[test]
fn a_reconciliation_is_measured_and_finds_what_it_must() {
    let folder = tempfile::tempdir().unwrap();
    #[rustfmt::skip]
    let output = qiao(&[
        "--only", "reconcile", "--rounds", "1", "--mappings", "12500", "--json",
        "--folder", text(folder.path()),
    ]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let section = &report["sections"][0];
    assert_eq!(section["rows"][0][0], 12_500);
    assert!(section["rows"][0][2].as_f64().unwrap() > 0.0, "{section}");
    assert_eq!(section["targets"][0]["met"], true, "{section}");
}

#[tokio::test]
async fn a_seeded_database_is_one_that_a_daemon_could_have_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grown.db");
    let seed = [
        "seed",
        text(&file),
        "--messages",
        "1001",
        "--mappings",
        "50",
    ];
    assert!(qiao(&seed).status.success());
    let mut seeded = open(&file).await;
    for (sql, expected) in [
        ("SELECT count(*) FROM mapping WHERE state = 'linked'", 50),
        ("SELECT count(*) FROM customer_snapshot", 50),
        ("SELECT count(*) FROM message", 1001),
        ("SELECT count(*) FROM inbox", 501),
        ("SELECT count(*) FROM outbox WHERE state = 'done'", 1001),
        ("SELECT count(*) FROM attempt", 1001),
        // Of 501 pushes in a year a week has ten.
        ("SELECT count(*) FROM dedupe", 10),
        (
            "SELECT count(*) FROM message m JOIN mapping USING (account, openid)",
            1001,
        ),
        (
            "SELECT count(*) FROM message m JOIN inbox i ON i.id = m.inbox_id
             WHERE i.openid = m.openid AND i.dedupe_key = 'm:' || m.msg_id",
            501,
        ),
        (
            "SELECT count(*) FROM message_search WHERE message_search MATCH '\"订单 发货\"'",
            0,
        ),
        (
            "SELECT count(*) FROM message_search WHERE message_search MATCH '\"的订 订单\"'",
            1001,
        ),
        (
            "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'",
            1,
        ),
    ] {
        let found: i64 = sqlx::query_scalar(sql)
            .fetch_one(&mut seeded)
            .await
            .unwrap();
        assert_eq!(found, expected, "{sql}");
    }
    let last: String = sqlx::query_scalar("SELECT max(openid) FROM mapping")
        .fetch_one(&mut seeded)
        .await
        .unwrap();
    assert_eq!(last, seeded_openid(49));
    let fresh = folder.path().join("fresh.db");
    let store = Store::open(&fresh, Arc::new(SystemClock)).await.unwrap();
    let of_a_daemon = indexes(&mut open(&fresh).await).await;
    assert_eq!(indexes(&mut seeded).await, of_a_daemon);
    store.close().await;
}

async fn indexes(connection: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

#[test]
fn a_file_that_exists_is_never_seeded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qiao.db");
    std::fs::write(&file, "somebody's").unwrap();
    let output = qiao(&["seed", text(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("exists already"));
    assert_eq!(std::fs::read(&file).unwrap(), b"somebody's");
}
