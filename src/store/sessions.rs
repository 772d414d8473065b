//! People on their way to log in, and browsers that know their follower. Of states and cookies only
//! SHA-256 digests come here: whoever reads the database can be nobody with them.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{instant, micros};
use super::operate::{Effected, Operation};
use super::plan::{Ids, Plan};
use super::{Store, StoreError, looking, writer};
use crate::config::Scope;
use crate::domain::ids::{AccountId, OpenId};
use crate::domain::rows::{Changes, Follower};
use crate::kit::trace::{TraceId, present};

/// Of those who are on their way: about 3 MB. Whoever starts more often than all others together
/// makes their own go first, and a silent login takes a second.
const MOST_STATES: i64 = 10_000;

/// Browsers of one follower: their phones and computers, with room for those that forgot their cookie.
const MOST_SESSIONS: u32 = 20;

/// Rows that are forgotten in one commit.
const PAGE: u32 = 1000;

/// Somebody who was sent to WeChat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthState {
    /// SHA-256 of what WeChat sends back, in hex.
    pub state: String,
    /// SHA-256 of the browser's cookie, in hex.
    pub browser: String,
    /// Of which account.
    pub account: AccountId,
    /// Where they want.
    pub target: String,
    /// What WeChat is asked for.
    pub scope: Scope,
    /// What the page asked for: more than that when they go on without.
    pub asked: Scope,
    /// Until when they may come back.
    pub expires_at: Timestamp,
    /// Whether somebody was logged in with it. Not written by [`Store::begin_oauth`].
    pub used: bool,
}

/// A row of `session`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// SHA-256 of the cookie, in hex.
    pub token: String,
    /// Who looks.
    pub follower: Follower,
    /// The most that they were asked for.
    pub asked: Scope,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A login, with all that follows from it.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// SHA-256 of the state, which serves once.
    pub state: String,
    /// The new session.
    pub session: StoredSession,
    /// SHA-256 of the cookie that the browser had before.
    pub replaces: Option<String>,
    /// What else is written.
    pub changes: Changes,
}

/// A write that somebody's visit asks for, or that ends old ones.
pub(super) enum Visit {
    Begin(Box<OAuthState>),
    SignIn(Box<SignIn>, Option<TraceId>),
    End { token: String },
    Prune { before: Timestamp },
    AskInstead(Box<looking::Instead>, Option<TraceId>),
}

pub(super) async fn run(
    connection: &mut SqliteConnection,
    ids: &mut Ids,
    visit: &Visit,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    match visit {
        Visit::Begin(state) => begin(connection, state, now).await,
        Visit::SignIn(login, trace) => sign_in(connection, ids, login, trace.as_ref(), now).await,
        Visit::End { token } => end(connection, token).await,
        Visit::Prune { before } => prune(connection, *before).await,
        Visit::AskInstead(instead, trace) => {
            looking::ask_instead(connection, ids, instead, trace.as_ref(), now).await
        }
    }
}

#[derive(sqlx::FromRow)]
struct StateRow {
    browser: String,
    account: String,
    target: String,
    scope: String,
    asked: String,
    expires_at: i64,
    used_at: Option<i64>,
}

fn scope(word: &str) -> Scope {
    if word == Scope::UserInfo.as_str() {
        Scope::UserInfo
    } else {
        Scope::Base
    }
}

impl Store {
    /// Notes that somebody is sent to WeChat.
    pub async fn begin_oauth(&self, state: OAuthState) -> Result<(), StoreError> {
        let begin = Visit::Begin(Box::new(state));
        self.at_once(begin).await.map(drop)
    }

    /// Who was sent to WeChat with this state, until it expires.
    pub async fn oauth_state(
        &self,
        state: &str,
        now: Timestamp,
    ) -> Result<Option<OAuthState>, StoreError> {
        let row: Option<StateRow> = sqlx::query_as(
            "SELECT browser, account, target, scope, asked, expires_at, used_at FROM oauth_state
             WHERE digest = ? AND expires_at > ?",
        )
        .bind(state)
        .bind(micros(now))
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|row| OAuthState {
            state: state.to_owned(),
            browser: row.browser,
            account: AccountId::new(row.account),
            target: row.target,
            scope: scope(&row.scope),
            asked: scope(&row.asked),
            expires_at: instant(row.expires_at),
            used: row.used_at.is_some(),
        }))
    }

    /// Logs somebody in, unless the state was used or has expired: then nothing is written, and it is
    /// `false`.
    pub async fn sign_in(&self, sign_in: SignIn) -> Result<bool, StoreError> {
        let sign_in = Visit::SignIn(Box::new(sign_in), present());
        self.at_once(sign_in).await.map(|done| done.rows > 0)
    }

    /// The session of a cookie, by its SHA-256, until it expires.
    pub async fn session(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<StoredSession>, StoreError> {
        let row: Option<(String, String, String, i64)> = sqlx::query_as(
            "SELECT account, openid, asked, expires_at FROM session
             WHERE token = ? AND expires_at > ?",
        )
        .bind(token)
        .bind(micros(now))
        .fetch_optional(&self.readers)
        .await?;
        Ok(
            row.map(|(account, openid, asked, expires_at)| StoredSession {
                token: token.to_owned(),
                follower: Follower {
                    account: AccountId::new(account),
                    openid: OpenId::new(openid),
                },
                asked: scope(&asked),
                expires_at: instant(expires_at),
            }),
        )
    }

    /// Ends a session, by the SHA-256 of its cookie. `false` when there is none.
    pub async fn end_session(&self, token: String) -> Result<bool, StoreError> {
        let end = Visit::End { token };
        self.at_once(end).await.map(|done| done.rows > 0)
    }

    /// Forgets states and sessions that expired at `before` or earlier; how many.
    pub async fn prune_sessions(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let prune = Operation::Visit(Visit::Prune { before });
            let done = self.operate(prune).await?;
            forgotten += done.rows;
            if done.rows == 0 {
                return Ok(forgotten);
            }
        }
    }

    /// A rare write for which somebody waits: refused at once when the queue is full, and after some
    /// seconds when the disk stalls.
    pub(super) async fn at_once(&self, visit: Visit) -> Result<Effected, StoreError> {
        let operation = Operation::Visit(visit);
        self.writer
            .ask(
                |reply| writer::Request::Operate(operation, self.acting.clone(), reply),
                true,
            )
            .await
    }
}

async fn begin(
    connection: &mut SqliteConnection,
    state: &OAuthState,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO oauth_state (digest, browser, account, target, scope, asked, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(&state.state)
    .bind(&state.browser)
    .bind(state.account.as_str())
    .bind(&state.target)
    .bind(state.scope.as_str())
    .bind(state.asked.as_str())
    .bind(micros(now))
    .bind(micros(state.expires_at))
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM oauth_state WHERE id <= ?")
        .bind(id - MOST_STATES)
        .execute(connection)
        .await?;
    Ok(Effected { rows: 1, id })
}

async fn sign_in(
    connection: &mut SqliteConnection,
    ids: &mut Ids,
    sign_in: &SignIn,
    trace: Option<&TraceId>,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let used = sqlx::query(
        "UPDATE oauth_state SET used_at = ?2
         WHERE digest = ?1 AND used_at IS NULL AND expires_at > ?2",
    )
    .bind(&sign_in.state)
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    if used.rows_affected() == 0 {
        return Ok(Effected::rows(0));
    }
    if let Some(before) = &sign_in.replaces {
        end(connection, before).await?;
    }
    let session = &sign_in.session;
    sqlx::query(
        "INSERT INTO session (token, account, openid, asked, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(&session.token)
    .bind(session.follower.account.as_str())
    .bind(session.follower.openid.as_str())
    .bind(session.asked.as_str())
    .bind(micros(now))
    .bind(micros(session.expires_at))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM session WHERE token IN (
             SELECT token FROM session WHERE account = ? AND openid = ?
             ORDER BY created_at DESC, token LIMIT -1 OFFSET ?)",
    )
    .bind(session.follower.account.as_str())
    .bind(session.follower.openid.as_str())
    .bind(MOST_SESSIONS)
    .execute(&mut *connection)
    .await?;
    let mut plan = Plan::new(now);
    plan.change(&sign_in.changes, None, trace, ids);
    plan.write(connection).await.map(|_| Effected::rows(1))
}

async fn end(connection: &mut SqliteConnection, token: &str) -> Result<Effected, sqlx::Error> {
    sqlx::query("DELETE FROM session WHERE token = ?")
        .bind(token)
        .execute(connection)
        .await
        .map(|done| Effected::rows(done.rows_affected()))
}

async fn prune(
    connection: &mut SqliteConnection,
    before: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let mut gone = 0;
    for statement in [
        "DELETE FROM oauth_state WHERE id IN (
             SELECT id FROM oauth_state WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        "DELETE FROM session WHERE token IN (
             SELECT token FROM session WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    ] {
        let done = sqlx::query(statement)
            .bind(micros(before))
            .bind(PAGE)
            .execute(&mut *connection)
            .await?;
        gone += done.rows_affected();
    }
    Ok(Effected::rows(gone))
}
