//! `qiao demo`, run as a user runs it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use qiao::kit::clock::SystemClock;
use qiao::store::Store;
use regex::Regex;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const STEPS: [&str; 11] = [
    "connect",
    "follow",
    "message",
    "change",
    "question",
    "duplicate",
    "ask",
    "picture",
    "answer",
    "history",
    "kill",
];

/// The command, with its temporary files in `folder`.
fn demo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qiao"));
    command
        .arg("demo")
        .args(arguments)
        .env("TMPDIR", folder)
        // The user's own settings are not the demo's.
        .env("QIAO_SERVER__LISTEN", "192.0.2.1:1");
    command
}

fn told(line: &str) -> Value {
    serde_json::from_str(line).expect("one JSON object a line")
}

/// The tables in which a step left rows.
fn tables(step: &Value) -> Vec<&str> {
    let rows = step["evidence"]["rows"].as_array().into_iter().flatten();
    rows.filter_map(|row| row["table"].as_str()).collect()
}

#[test]
fn every_step_of_the_demo_holds_and_nothing_stays_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--once", "--json"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    let steps: Vec<Value> = stdout.lines().map(told).collect();
    let names: Vec<&str> = steps.iter().map(|s| s["step"].as_str().unwrap()).collect();
    assert_eq!(names, STEPS);
    for step in &steps {
        assert_eq!(step["held"], true, "{step}");
        assert!(step["millis"].is_u64(), "{step}");
        let facts = step["evidence"]["facts"].as_array().unwrap();
        assert!(!facts.is_empty(), "{step}");
    }
    for table in ["inbox", "message", "outbox", "mapping"] {
        assert!(tables(&steps[1]).contains(&table), "{table}: {}", steps[1]);
    }
    assert_eq!(tables(&steps[5]), ["inbox"], "a duplicate has no effect");
    let kill = steps.last().unwrap();
    assert!(tables(kill).contains(&"attempt"), "{kill}");
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "the temporary folder is removed");
}

/// A line without what differs from run to run: numbers, keys, white space.
fn shape(line: &str) -> String {
    let varies = Regex::new("[0-9A-F]{32}|[0-9]+").unwrap();
    let line = varies.replace_all(line, "#");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--once"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<String> = printed.lines().map(shape).collect();
    let readme = include_str!("../../README.md");
    let (_, sample) = readme.split_once("```text\n").expect("a sample");
    let (sample, _) = sample.split_once("```").expect("its end");
    for line in sample.lines() {
        assert!(printed.contains(&shape(line)), "{line}: {printed:#?}");
    }
}

#[tokio::test]
async fn a_demo_that_is_stopped_takes_its_daemon_along_and_keeps_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::from(demo(folder.path(), &["--json"]));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut hints = BufReader::new(child.stderr.take().unwrap()).lines();
    loop {
        let line = hints.next_line().await.unwrap();
        if line.expect("it says how to end it").starts_with("Ctrl-C") {
            break;
        }
    }
    let kill = format!("kill -INT {}", child.id().unwrap());
    Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    let kept = std::fs::read_dir(folder.path()).unwrap().next().unwrap();
    let database = kept.unwrap().path().join("qiao.db");
    assert!(database.exists());
    Store::open(&database, Arc::new(SystemClock))
        .await
        .expect("no daemon holds the database any more");
}

#[test]
fn a_demo_that_cannot_listen_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let output = demo(folder.path(), &["--once", "--listen", &taken])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&taken), "{stderr}");
    assert!(stderr.contains("in use"), "{stderr}");
}
