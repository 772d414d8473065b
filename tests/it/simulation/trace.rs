//! What happened in a seed, line by line, and the hash by which two runs are compared.

use std::fmt::Write as _;

use jiff::Timestamp;
use sha1::{Digest as _, Sha1};
use sqlx::{AssertSqlSafe, SqliteConnection};

/// The lines that a failing seed shows; the hash covers all.
const SHOWN: usize = 400;

/// The log of events.
pub struct Trace {
    lines: Vec<String>,
    hash: Sha1,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            hash: Sha1::new(),
        }
    }
}

impl Trace {
    pub fn tell(&mut self, at: Timestamp, what: &str) {
        let line = format!("{at:.3} {what}");
        self.hash.update(line.as_bytes());
        self.lines.push(line);
    }

    pub fn hash(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// The last lines, for people.
    pub fn told(&self) -> String {
        let first = self.lines.len().saturating_sub(SHOWN);
        self.lines[first..].join("\n")
    }
}

/// The hash of every row of every table of Qiao's. What FTS5 keeps its index in is not among them.
pub async fn content(connection: &mut SqliteConnection) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
             AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations' ORDER BY name",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut hash = Sha1::new();
    for table in tables {
        let columns: String = sqlx::query_scalar(
            "SELECT group_concat(iif(type = 'BLOB', 'hex(\"' || name || '\")', '\"' || name || '\"'))
             FROM pragma_table_info(?)",
        )
        .bind(&table)
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        let rows = format!("SELECT json_array({columns}) FROM \"{table}\" ORDER BY 1");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        hash.update(table);
        hash.update(rows.join("\n"));
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
