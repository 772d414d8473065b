//! Blocks of the documents that are marked `sh run` do what they say: each is run by `sh -e`, with
//! the binary on the PATH, in a new folder that holds a valid `qiao.toml` and an empty database. Words
//! behind the mark name programs without which a block is not run.

use std::path::Path;
use std::sync::Arc;

use qiao::kit::clock::SystemClock;
use qiao::store::Store;
use regex::Regex;
use tokio::process::Command;

use crate::documents::{read, written_for_people};
use crate::world::{Plan, config};

struct Block {
    document: String,
    needs: Vec<String>,
    script: String,
}

fn blocks() -> Vec<Block> {
    let block = Regex::new(r"(?ms)^ *```sh run([^\n]*)\n(.*?)^ *```").unwrap();
    let mut blocks = Vec::new();
    for document in written_for_people() {
        blocks.extend(block.captures_iter(&read(document)).map(|found| Block {
            document: document.to_owned(),
            needs: found[1].split_whitespace().map(str::to_owned).collect(),
            script: found[2].to_owned(),
        }));
    }
    blocks
}

fn is_there(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

async fn run(block: &Block) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:1";
    let valid = config(&Plan::default(), nobody, nobody);
    std::fs::write(folder.path().join("qiao.toml"), valid).unwrap();
    let database = folder.path().join("data/qiao.db");
    let store = Store::open(&database, Arc::new(SystemClock)).await;
    store.unwrap().close().await;
    let ours = Path::new(env!("CARGO_BIN_EXE_qiao"))
        .parent()
        .unwrap()
        .to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(ours).chain(std::env::split_paths(&others));
    let ran = Command::new("sh")
        .args(["-e", "-c", &block.script])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("HOME", folder.path())
        .env("USER", "wang")
        .output()
        .await
        .unwrap();
    if ran.status.success() {
        return Ok(());
    }
    let (out, err) = (ran.stdout, ran.stderr);
    let told = [out, err].map(|text| String::from_utf8_lossy(&text).into_owned());
    Err(format!(
        "{}, {}:\n{}\n{}",
        block.document,
        ran.status,
        block.script,
        told.join("\n")
    ))
}

#[tokio::test]
async fn every_block_marked_to_run_runs() {
    let blocks = blocks();
    assert!(blocks.len() > 2, "only {} blocks are marked", blocks.len());
    let mut faults = Vec::new();
    for block in &blocks {
        match block.needs.iter().find(|program| !is_there(program)) {
            Some(missing) => eprintln!("a block of {} needs {missing}", block.document),
            None => faults.extend(run(block).await.err()),
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[tokio::test]
async fn a_block_that_fails_is_told_with_what_it_said() {
    let block = |script: &str| Block {
        document: "docs/NONE.md".to_owned(),
        needs: Vec::new(),
        script: script.to_owned(),
    };
    let fault = run(&block("false\ntrue")).await.unwrap_err();
    assert!(fault.contains("docs/NONE.md"), "{fault}");
    let fault = run(&block("qiao -c nowhere.toml check")).await.unwrap_err();
    assert!(fault.contains("nowhere.toml"), "{fault}");
}
