//! Rare writes, one at a time: what operators and jobs do. Each is one [`Operation`], run in the
//! writer's transaction after the rest of its batch.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::{json, micros};
use super::erasures::Beginning;
use super::plan::{Ids, Plan};
use super::rows::MessageMoved;
use super::{
    Dedupe, Store, StoreError, accounts, apply, audit, backups, duplicates, erasing, indexing,
    jobs, mappings, reconcile, recovery, retention, sessions, waiting, writer,
};
use crate::domain::rows::{Changes, Follower, NewErasure};
use crate::kit::trace::TraceId;

/// One rare write.
pub(super) enum Operation {
    Recover,
    Expire {
        expired: Vec<(i64, Changes)>,
    },
    GiveBack {
        ids: Vec<i64>,
    },
    Prune {
        keys: Vec<Dedupe>,
    },
    Delete {
        kind: retention::Kept,
        ids: Vec<i64>,
    },
    PruneRuns {
        job: String,
        kept: u32,
    },
    Index {
        limit: u32,
    },
    Retry {
        id: i64,
    },
    Cancel {
        id: i64,
        reason: String,
    },
    Unlink {
        follower: Follower,
        reason: &'static str,
    },
    Release {
        inbox_id: i64,
        changes: Box<Changes>,
        trace: Option<TraceId>,
    },
    ReplaceToken(accounts::TokenReplacement),
    KnowJob {
        job: String,
    },
    StartJob {
        job: String,
        by: jobs::StartedBy,
        known: Option<i64>,
    },
    NoteJob {
        run: i64,
        resume: Option<String>,
    },
    FinishJob {
        run: i64,
        outcome: &'static str,
        detail: String,
    },
    Seen {
        account: String,
        openids: String,
        at: Timestamp,
    },
    Moved {
        account: String,
        openids: String,
    },
    ForgetSeen {
        account: String,
    },
    Backup(backups::Entry),
    SeenCustomers {
        tenant: String,
        customers: String,
    },
    ForgetCustomers {
        tenant: String,
    },
    CountCall {
        account: String,
        call: &'static str,
        day: String,
        most: u32,
    },
    NoteFindings {
        run: i64,
        resume: String,
        findings: Box<Changes>,
    },
    Repair(Box<reconcile::Repaired>, Option<TraceId>),
    /// Changes that somebody is to be named for.
    Write(Box<Changes>, Option<TraceId>),
    /// Nothing but the row of an act.
    Act,
    OrderErasure(NewErasure),
    DropErasure {
        id: i64,
    },
    BeginErasure(Box<Beginning>),
    Erase {
        id: i64,
        table: &'static str,
        rows: Vec<i64>,
    },
    MergeIndex,
    FinishErasure {
        id: i64,
    },
    Certify {
        id: i64,
        certificate: String,
        sha256: String,
    },
    /// What the pages inside WeChat need.
    Visit(sessions::Visit),
}

/// What an operation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effected {
    /// Rows changed; 0 when there was nothing fitting.
    pub rows: u64,
    /// The id of what was made, where that matters.
    pub id: i64,
}

impl Effected {
    pub(super) fn rows(rows: u64) -> Self {
        Self { rows, id: 0 }
    }

    /// The id of what was made, if it was.
    pub(super) fn made(self) -> Option<i64> {
        (self.rows > 0).then_some(self.id)
    }
}

/// Runs an operation. If it changes something, whoever acts is written down with it.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    ids: &mut Ids,
    operation: &Operation,
    acting: Option<&audit::Act>,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let effected = carry_out(connection, ids, operation, now).await?;
    if let Some(act) = acting.filter(|_| effected.rows > 0) {
        audit::append(connection, act, now).await?;
    }
    Ok(effected)
}

async fn carry_out(
    connection: &mut SqliteConnection,
    ids: &mut Ids,
    operation: &Operation,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    match operation {
        Operation::Recover => recovery::recover(connection, now).await.map(Effected::rows),
        Operation::Expire { expired } => waiting::expire(connection, ids, expired, now).await,
        Operation::GiveBack { ids } => give_back(connection, ids, now).await,
        Operation::Prune { keys } => duplicates::prune(connection, keys).await,
        Operation::Delete { kind, ids } => retention::delete(connection, *kind, ids).await,
        Operation::PruneRuns { job, kept } => jobs::prune_runs(connection, job, *kept).await,
        Operation::Index { limit } => indexing::index(connection, *limit).await,
        Operation::Retry { id } => retry(connection, *id, now).await,
        Operation::Cancel { id, reason } => cancel(connection, *id, reason, now).await,
        Operation::Unlink { follower, reason } => {
            mappings::unlink(connection, follower, reason, now).await
        }
        Operation::Release {
            inbox_id,
            changes,
            trace,
        } => {
            let released = duplicates::mark_released(connection, *inbox_id).await?;
            if released.rows > 0 {
                let mut plan = Plan::new(now);
                plan.change(changes, Some(*inbox_id), trace.as_ref(), ids);
                plan.write(connection).await?;
            }
            Ok(released)
        }
        Operation::ReplaceToken(token) => accounts::replace_token(connection, token).await,
        Operation::KnowJob { job } => jobs::know(connection, job, now).await,
        Operation::StartJob { job, by, known } => {
            jobs::start(connection, job, *by, *known, now).await
        }
        Operation::NoteJob { run, resume } => jobs::note(connection, *run, resume.as_deref()).await,
        Operation::FinishJob {
            run,
            outcome,
            detail,
        } => jobs::finish(connection, *run, outcome, detail, now).await,
        Operation::Seen {
            account,
            openids,
            at,
        } => reconcile::seen(connection, account, openids, *at).await,
        Operation::Moved { account, openids } => {
            reconcile::moved(connection, account, openids).await
        }
        Operation::ForgetSeen { account } => reconcile::forget_seen(connection, account).await,
        Operation::Backup(entry) => backups::write(connection, entry, now).await,
        Operation::SeenCustomers { tenant, customers } => {
            reconcile::seen_customers(connection, tenant, customers).await
        }
        Operation::ForgetCustomers { tenant } => {
            reconcile::forget_customers(connection, tenant).await
        }
        Operation::CountCall {
            account,
            call,
            day,
            most,
        } => reconcile::count_call(connection, account, call, day, *most).await,
        Operation::NoteFindings {
            run,
            resume,
            findings,
        } => {
            let mut plan = Plan::new(now);
            plan.change(findings, None, None, ids);
            plan.write(connection).await?;
            jobs::note(connection, *run, Some(resume)).await
        }
        Operation::Repair(repaired, trace) => {
            reconcile::repair(connection, repaired, trace.as_ref(), ids, now).await
        }
        Operation::Write(changes, trace) => {
            let mut plan = Plan::new(now);
            plan.change(changes, None, trace.as_ref(), ids);
            plan.write(connection).await.map(|_| Effected::rows(1))
        }
        Operation::Act => Ok(Effected::rows(1)),
        Operation::OrderErasure(new) => erasing::order(connection, new, now).await,
        Operation::DropErasure { id } => erasing::drop_waiting(connection, *id).await,
        Operation::BeginErasure(beginning) => erasing::begin(connection, ids, beginning, now).await,
        Operation::Erase { id, table, rows } => erasing::erase(connection, *id, table, rows).await,
        Operation::MergeIndex => erasing::merge_index(connection).await,
        Operation::FinishErasure { id } => erasing::finish(connection, *id, now).await,
        Operation::Certify {
            id,
            certificate,
            sha256,
        } => erasing::certify(connection, *id, certificate, sha256).await,
        Operation::Visit(visit) => sessions::run(connection, ids, visit, now).await,
    }
}

impl Store {
    pub(super) async fn operate(&self, operation: Operation) -> Result<Effected, StoreError> {
        self.writer
            .ask(
                |reply| writer::Request::Operate(operation, self.acting.clone(), reply),
                false,
            )
            .await
    }

    /// Makes claimed rows ready again that were not tried after all.
    pub async fn give_back(&self, ids: Vec<i64>) -> Result<(), StoreError> {
        self.operate(Operation::GiveBack { ids }).await.map(drop)
    }

    /// Makes a dead, held or cancelled effect ready again, with a fresh count of tries; its
    /// history stays. `false` when there is no such effect in such a state.
    pub async fn retry(&self, id: i64) -> Result<bool, StoreError> {
        self.operate(Operation::Retry { id })
            .await
            .map(|done| done.rows > 0)
    }

    /// Cancels a waiting, held or dead effect. `false` when there is none in such a state.
    pub async fn cancel(&self, id: i64, reason: String) -> Result<bool, StoreError> {
        self.operate(Operation::Cancel { id, reason })
            .await
            .map(|done| done.rows > 0)
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct Moved {
    lane: String,
    message_id: Option<i64>,
}

async fn give_back(
    connection: &mut SqliteConnection,
    ids: &[i64],
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let rows: Vec<Moved> = sqlx::query_as(
        "UPDATE outbox SET state = 'ready', head = 0, lease_until = NULL
         WHERE state = 'running' AND id IN (SELECT value FROM json_each(?))
         RETURNING lane, NULL AS message_id",
    )
    .bind(json(ids))
    .fetch_all(&mut *connection)
    .await?;
    settle_moved(connection, rows, "queued", now).await
}

async fn retry(
    connection: &mut SqliteConnection,
    id: i64,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let rows: Vec<Moved> = sqlx::query_as(
        "UPDATE outbox SET state = 'ready', head = 0, uncertain = 0, attempts = 0,
             next_attempt_at = ?2, held_reason = NULL, finished_at = NULL, note = NULL,
             expires_at = CASE WHEN expires_at > ?2 THEN expires_at END
         WHERE id = ?1 AND state IN ('dead', 'held', 'cancelled')
         RETURNING lane, message_id",
    )
    .bind(id)
    .bind(micros(now))
    .fetch_all(&mut *connection)
    .await?;
    settle_moved(connection, rows, "queued", now).await
}

async fn cancel(
    connection: &mut SqliteConnection,
    id: i64,
    reason: &str,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let rows: Vec<Moved> = sqlx::query_as(
        "UPDATE outbox SET state = 'cancelled', head = 0, held_reason = NULL, note = ?2,
             finished_at = ?3
         WHERE id = ?1 AND state IN ('ready', 'held', 'dead')
         RETURNING lane, message_id",
    )
    .bind(id)
    .bind(reason)
    .bind(micros(now))
    .fetch_all(&mut *connection)
    .await?;
    settle_moved(connection, rows, "cancelled", now).await
}

/// Gives the lanes their heads and the messages their state.
pub(super) async fn settle_moved(
    connection: &mut SqliteConnection,
    rows: Vec<Moved>,
    state: &'static str,
    now: Timestamp,
) -> Result<Effected, sqlx::Error> {
    let count = rows.len() as u64;
    let lanes: BTreeSet<String> = rows.iter().map(|row| row.lane.clone()).collect();
    let moved: Vec<MessageMoved> =
        apply::to_state(rows.into_iter().map(|row| row.message_id).collect(), state).collect();
    apply::reorder(connection, &lanes).await?;
    apply::moved(connection, moved, micros(now)).await?;
    Ok(Effected::rows(count))
}
