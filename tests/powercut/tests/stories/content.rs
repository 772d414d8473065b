//! What a database holds, all tables, small enough to be compared a hundred thousand times.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

/// The rows of each table, as a digest.
pub type Content = BTreeMap<String, u64>;

/// A connection that only reads, as `sqlite3 -readonly` makes it.
pub async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    options.connect().await
}

/// Reads all of it, but the list of migrations, which tells how long each took.
pub async fn of(connection: &mut SqliteConnection) -> Result<Content, sqlx::Error> {
    let selects: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, 'SELECT group_concat(line, char(10)) FROM (SELECT '
             || group_concat('quote(\"' || c.name || '\")', '||''|''||') || ' AS line FROM '
             || t.name || ')'
         FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name <> '_sqlx_migrations' GROUP BY t.name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut content = Content::new();
    for (table, select) in selects {
        let rows: Option<String> = sqlx::query_scalar(AssertSqlSafe(select))
            .fetch_one(&mut *connection)
            .await?;
        let mut digest = DefaultHasher::new();
        rows.hash(&mut digest);
        content.insert(table, digest.finish());
    }
    Ok(content)
}
