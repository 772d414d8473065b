//! `docs/SCHEMA.md` tells the truth about a database that Qiao made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qiao::kit::clock::SystemClock;
use qiao::store::Store;
use regex::Regex;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;

use crate::documents::read;

/// Tables and views with their columns.
type Schema = BTreeMap<String, BTreeSet<String>>;

/// A database as `Store::open` makes it, opened as `sqlite3 -readonly` does.
async fn database() -> (TempDir, SqliteConnection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qiao.db");
    let store = Store::open(&path, Arc::new(SystemClock)).await.unwrap();
    let options = SqliteConnectOptions::new().filename(store.path());
    let connection = options.read_only(true).connect().await.unwrap();
    (folder, connection)
}

#[tokio::test]
async fn every_ready_query_runs_read_only() {
    let (_folder, mut connection) = database().await;
    let blocks = Regex::new(r"(?s)```sql\n(.*?)```").unwrap();
    let document = read("docs/SCHEMA.md");
    let mut queries = 0;
    for block in blocks.captures_iter(&document) {
        for query in block[1].split_terminator(";\n") {
            let ran = sqlx::query(AssertSqlSafe(query.to_owned()))
                .fetch_all(&mut connection)
                .await;
            assert!(ran.is_ok(), "{}:\n{query}", ran.unwrap_err());
            queries += 1;
        }
    }
    assert!(queries > 10, "only {queries} queries were found");
}

#[tokio::test]
async fn every_table_view_and_column_is_explained_and_none_is_invented() {
    let (_folder, mut connection) = database().await;
    let columns: Vec<(String, String)> = sqlx::query_as(
        // What FTS5 keeps its index in (`shadow`) is its own.
        "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
         WHERE t.schema = 'main' AND t.type <> 'shadow' AND t.name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut real = Schema::new();
    for (table, column) in columns {
        real.entry(table).or_default().insert(column);
    }
    let told = explained(&read("docs/SCHEMA.md"));
    for table in real.keys().chain(told.keys()) {
        assert_eq!(
            told.get(table),
            real.get(table),
            "docs/SCHEMA.md (left) and the database (right) differ about `{table}`"
        );
    }
}

/// The names in the first cells of the tables under each `### ` heading.
fn explained(document: &str) -> Schema {
    let name = Regex::new(r"`(\w+)`").unwrap();
    let mut told = Schema::new();
    let mut table = String::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            heading.trim_matches('`').clone_into(&mut table);
            told.insert(table.clone(), BTreeSet::new());
        } else if let (Some(row), Some(columns)) = (line.strip_prefix("| "), told.get_mut(&table)) {
            let first = row.split('|').next().unwrap_or_default();
            columns.extend(name.captures_iter(first).map(|found| found[1].to_owned()));
        }
    }
    told
}
