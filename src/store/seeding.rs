//! A database as years of use would leave it, made in minutes: for measurements only.
//!
//! It writes past the writer task, in SQL alone and without a journal, so it takes only a file
//! that does not exist yet. What it leaves is what the daemon leaves behind its own work:
//!
//! - a linked mapping, a baseline and a used-up grant for every follower;
//! - messages spread evenly over a year and over the followers, every other one said by the
//!   follower (its push, its `follower.acted` done) and every other one sent to them
//!   (its `wechat.send` done), each effect with its attempt;
//! - dedupe keys of the last week, as the pruning leaves them;
//! - a full-text index that has all messages.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::codec::micros;
use super::{OpenError, Store};
use crate::domain::grams::grams;
use crate::kit::clock::Clock;

/// The time over which the history is spread.
const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// How far back dedupe keys reach.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Page cache while everything is written: this process does nothing else.
const CACHE_KIB: &str = "-262144";

/// What everybody says.
const SAID: &str = "你好，请问我上周下的订单什么时候发货？";

/// Why a database could not be seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It might be somebody's.
    #[error("{0} exists already; name a file that does not")]
    Exists(String),
    /// The empty database could not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite refused.
    #[error("the database cannot be filled: {0}")]
    Sqlite(#[from] sqlx::Error),
}

/// The OpenID of the nth follower of a seeded database: 28 characters, in the order of their
/// numbers.
pub fn seeded_openid(number: u64) -> String {
    format!("oBench{number:022}")
}

/// In what follows `?1` is the number of followers, `?2` of messages, `?3` the first instant,
/// `?4` the microseconds from one message to the next, `?5` since when dedupe keys are kept, `?6`
/// what everybody says, `?7` its grams.
/// Follower `(i * 7919) % ?1` has message `i`.
const STATEMENTS: [&str; 9] = [
    "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO mapping (account, openid, tenant, object_id, customer_id, state, followed_at,
         created_at, linked_at, updated_at)
     SELECT 'main', printf('oBench%022d', i), 'main', printf('00163E%026X', i),
         CAST(1000000 + i AS TEXT), 'linked', ?3, ?3, ?3, ?3 FROM n",
    "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO customer_snapshot (tenant, object_id, fields, etag, changed_at, read_at)
     SELECT 'main', printf('00163E%026X', i), json_object('Email', '', 'FirstName', 'Wechat',
         'LastName', printf('oBench%022d', i), 'Mobile', ''), NULL, ?3, ?3 FROM n",
    "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
     INSERT INTO send_window (account, openid, \"trigger\", granted_at, valid_until, allowed, used)
     SELECT 'main', printf('oBench%022d', i), 'message', ?3, ?3 + 172795000000, 5, 1 FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 WHERE ?2 > 0 UNION ALL SELECT i + 2 FROM n WHERE i + 2 <= ?2)
     INSERT INTO inbox (id, source, remote, kind, openid, dedupe_key, body, state, answer_state,
         sent_at, received_at)
     SELECT i, 'wechat', 'main', 'text', printf('oBench%022d', (i * 7919) % ?1),
         'm:' || (1000000000000000000 + i),
         '<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><FromUserName><![CDATA['
             || printf('oBench%022d', (i * 7919) % ?1) || ']]></FromUserName><CreateTime>'
             || (?3 + i * ?4) / 1000000 || '</CreateTime><MsgType><![CDATA[text]]></MsgType>'
             || '<Content><![CDATA[你好，请问我上周下的订单什么时候发货？]]></Content><MsgId>'
             || (1000000000000000000 + i) || '</MsgId></xml>',
         'accepted', 'none', ?3 + i * ?4, ?3 + i * ?4 FROM n",
    "INSERT INTO dedupe (key, remote, sender, inbox_id, seen_at)
     SELECT dedupe_key, remote, openid, id, received_at FROM inbox
     WHERE received_at >= ?5 ORDER BY id",
    "WITH RECURSIVE n(i) AS (SELECT 1 WHERE ?2 > 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 <= ?2)
     INSERT INTO message (id, account, openid, direction, kind, purpose, msg_id, text, state,
         inbox_id, outbox_id, created_at, recorded_at, settled_at)
     SELECT i, 'main', printf('oBench%022d', (i * 7919) % ?1), iif(i % 2, 'in', 'out'), 'text',
         iif(i % 2, NULL, 'operator'), iif(i % 2, 1000000000000000000 + i, NULL),
         ?6, iif(i % 2, 'received', 'sent'),
         iif(i % 2, i, NULL), iif(i % 2, NULL, i), ?3 + i * ?4, ?3 + i * ?4,
         iif(i % 2, NULL, ?3 + i * ?4) FROM n",
    "INSERT INTO message_search (rowid, grams) SELECT id, ?7 FROM message ORDER BY id",
    "WITH RECURSIVE n(i) AS (SELECT 1 WHERE ?2 > 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 <= ?2)
     INSERT INTO outbox (id, lane, effect, remote, payload, state, head, priority, attempts, tries,
         next_attempt_at, inbox_id, message_id, created_at, started_at, finished_at)
     SELECT i, iif(i % 2, 'in:main', 'send:main:' || printf('oBench%022d', (i * 7919) % ?1)),
         iif(i % 2, 'follower.acted', 'wechat.send'), iif(i % 2, 'local', 'wechat:main'),
         json_object('follower', json_object('account', 'main', 'openid',
             printf('oBench%022d', (i * 7919) % ?1)), iif(i % 2, 'act', 'purpose'),
             iif(i % 2, 'contact', 'operator')),
         'done', 0, iif(i % 2, 0, 1), 1, 1, ?3 + i * ?4, iif(i % 2, i, NULL),
         iif(i % 2, NULL, i), ?3 + i * ?4, ?3 + i * ?4, ?3 + i * ?4 FROM n",
    "INSERT INTO attempt (outbox_id, number, started_at, finished_at, outcome, counted)
     SELECT id, 1, started_at, finished_at, 'done', 1 FROM outbox ORDER BY id",
];

/// Makes a database at `path` with so many followers and messages.
pub async fn seed(
    path: &Path,
    clock: Arc<dyn Clock>,
    mappings: u64,
    messages: u64,
) -> Result<(), SeedError> {
    if path.exists() {
        return Err(SeedError::Exists(path.display().to_string()));
    }
    let now = clock.now();
    Store::open(path, clock).await?.close().await;
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", CACHE_KIB)
        .connect()
        .await?;
    let indexes = drop_indexes(&mut connection).await?;
    let since = now.saturating_sub(YEAR).unwrap_or(Timestamp::MIN);
    let week = now.saturating_sub(WEEK).unwrap_or(Timestamp::MIN);
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let gap = (micros(now) - micros(since)) / count(messages.max(1));
    for statement in STATEMENTS {
        sqlx::query(statement)
            .bind(count(mappings.max(1)))
            .bind(count(messages))
            .bind(micros(since))
            .bind(gap)
            .bind(micros(week))
            .bind(SAID)
            .bind(grams(SAID))
            .execute(&mut connection)
            .await?;
    }
    for index in indexes {
        sqlx::query(AssertSqlSafe(index))
            .execute(&mut connection)
            .await?;
    }
    connection.close().await?;
    Ok(())
}

/// Drops all indexes, which are made much faster once the tables are full; gives their SQL.
async fn drop_indexes(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (name, _) in &indexes {
        sqlx::query(AssertSqlSafe(format!("DROP INDEX \"{name}\"")))
            .execute(&mut *connection)
            .await?;
    }
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}
