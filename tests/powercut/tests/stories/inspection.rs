//! What must be true of a disk after a power cut, and is looked up on it.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use qiao::kit::clock::ManualClock;
use qiao::store::{Arrived, OpenError, Store, StoreError};

use crate::content;
use crate::ledger::{Acknowledged, Committed, Fact, Ledger};
use crate::workload;

/// The store gives up after 4.5 s, and sqlx after 30 s, which a machine that soaks beside other work
/// may need. What is wrong with an image is wrong each time.
const PATIENCE: usize = 5;

/// Statements that count acknowledged facts (`?`, as JSON) which are not there.
const ACKNOWLEDGED: [(&str, &str); 4] = [
    (
        "acknowledged events are missing",
        "SELECT count(*) FROM (
             SELECT value ->> 'inbox_id', value ->> 'key' FROM json_each(?)
                 WHERE value ->> 'kind' = 'arrived'
             EXCEPT SELECT id, dedupe_key FROM inbox WHERE state = 'accepted')",
    ),
    (
        "acknowledged messages are missing",
        "SELECT count(*) FROM (
             SELECT value ->> 'openid', value ->> 'text' FROM json_each(?)
                 WHERE value ->> 'kind' = 'said'
             EXCEPT SELECT openid, text FROM message WHERE direction = 'in')",
    ),
    (
        "acknowledged duplicates left no trace",
        "SELECT count(*) FROM json_each(?) f WHERE f.value ->> 'kind' = 'repeated'
             AND f.value ->> 'times' > (SELECT count(*) FROM inbox
                 WHERE duplicate_of = f.value ->> 'inbox_id' AND state = 'suppressed')",
    ),
    (
        "acknowledged settlements are missing, or the effect is in another state",
        "SELECT count(*) FROM json_each(?) f WHERE f.value ->> 'kind' = 'settled' AND NOT EXISTS (
             SELECT 1 FROM attempt a JOIN outbox o ON o.id = a.outbox_id
             WHERE a.outbox_id = f.value ->> 'outbox_id' AND a.number = f.value ->> 'number'
                 AND a.outcome = f.value ->> 'outcome'
                 AND (o.tries > a.number OR o.state = f.value ->> 'state'
                     OR (o.state = 'running' AND f.value ->> 'state' = 'ready')))",
    ),
];

/// Statements that count what a half-written batch of [`workload`] would leave. With the first, an event that is
/// there is there with its dedupe key, its message, its effects and the answer to be sent.
pub const WHOLE: [(&str, &str); 5] = [
    (
        "events without what came with them",
        "SELECT count(*) FROM (
             SELECT id FROM inbox WHERE state = 'accepted'
             EXCEPT SELECT i.id FROM inbox i
                 JOIN dedupe d ON d.key = i.dedupe_key AND d.inbox_id = i.id AND d.sender = i.openid
                 JOIN message said ON said.inbox_id = i.id AND said.direction = 'in'
                 JOIN outbox decide ON decide.inbox_id = i.id AND decide.effect = 'decide'
                 JOIN outbox send ON send.inbox_id = i.id AND send.effect = 'send'
                 JOIN message answer ON answer.id = send.message_id AND answer.outbox_id = send.id)",
    ),
    (
        "dedupe keys, messages or effects without what they belong to",
        "SELECT (SELECT count(*) FROM dedupe WHERE inbox_id NOT IN (SELECT id FROM inbox))
             + (SELECT count(*) FROM message m WHERE m.inbox_id NOT IN (SELECT id FROM inbox)
                    OR (m.direction = 'out') <> EXISTS (SELECT 1 FROM outbox o
                        WHERE o.id = m.outbox_id AND o.message_id = m.id))
             + (SELECT count(*) FROM outbox o WHERE o.inbox_id NOT IN (SELECT id FROM inbox)
                    OR o.message_id NOT IN (SELECT id FROM message))",
    ),
    (
        "effects whose tries are not all in their history",
        "SELECT count(*) FROM outbox o
         WHERE o.tries <> (SELECT count(*) FROM attempt a WHERE a.outbox_id = o.id)",
    ),
    (
        "effects that are done without what follows, or the other way round",
        "WITH done (id) AS (SELECT id FROM outbox WHERE state = 'done' AND effect <> 'follow'),
             followed (id) AS (SELECT payload ->> 'after' FROM outbox WHERE effect = 'follow')
         SELECT (SELECT count(*) FROM (SELECT id FROM done EXCEPT SELECT id FROM followed))
             + (SELECT count(*) FROM (SELECT id FROM followed EXCEPT SELECT id FROM done))",
    ),
    (
        "ids with gaps, so a batch before the last is not whole",
        "SELECT (SELECT coalesce(max(id), 0) - count(*) FROM inbox)
             + (SELECT coalesce(max(id), 0) - count(*) FROM message)
             + (SELECT coalesce(max(id), 0) - count(*) FROM outbox)",
    ),
];

/// What was promised at each moment of a recording.
pub struct Promises {
    facts: Vec<Acknowledged>,
    contents: Vec<Committed>,
    whole: &'static [(&'static str, &'static str)],
}

impl Promises {
    /// Those of `ledger`; what must always be true of this workload's rows is counted by `whole`.
    pub fn of(ledger: &Ledger, whole: &'static [(&'static str, &'static str)]) -> Self {
        Self {
            whole,
            facts: ledger.facts(),
            contents: ledger.contents(),
        }
    }

    /// How many facts and commits there are.
    pub fn count(&self) -> (usize, usize) {
        (self.facts.len(), self.contents.len())
    }

    /// Opens the database that a cut after so many operations has left, and says what is wrong
    /// with it.
    pub async fn hold(&self, path: &Path, after: usize) -> Result<(), String> {
        let store = opened(path).await;
        let store = store.map_err(|fault| format!("it does not open: {fault}"))?;
        let looked = self.look(path, after).await;
        let works = self.works_on(&store, after).await;
        store.close().await;
        looked
            .unwrap_or_else(|fault| Err(format!("it cannot be read: {fault}")))
            .and(works)
    }

    async fn look(&self, path: &Path, after: usize) -> Result<Result<(), String>, sqlx::Error> {
        let mut database = content::open(path).await?;
        let sound: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut database)
            .await?;
        if sound != "ok" {
            return Ok(Err(format!("integrity_check: {sound}")));
        }
        let mut faults = Vec::new();
        let dangling = sqlx::query("PRAGMA foreign_key_check");
        if !dangling.fetch_all(&mut database).await?.is_empty() {
            faults.push("foreign keys lead nowhere".to_owned());
        }
        let facts = serde_json::to_string(&self.facts_until(after)).expect("facts are plain");
        let counts = (ACKNOWLEDGED.iter().map(|it| (it, Some(&facts))))
            .chain(self.whole.iter().map(|it| (it, None)));
        for ((sentence, sql), facts) in counts {
            let found: i64 = match facts {
                Some(facts) => sqlx::query_scalar(*sql).bind(facts),
                None => sqlx::query_scalar(*sql),
            }
            .fetch_one(&mut database)
            .await?;
            if found != 0 {
                faults.push(format!("{sentence}: {found}"));
            }
        }
        faults.extend(self.differs(&content::of(&mut database).await?, after));
        Ok(if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.join("; "))
        })
    }

    /// The content must be that after the last commit before the cut, or after the one that was
    /// under way.
    fn differs(&self, found: &content::Content, after: usize) -> Option<String> {
        let later = self.contents.partition_point(|commit| commit.at <= after);
        let last = &self.contents[later - 1].content;
        let next = self.contents.get(later).map(|commit| &commit.content);
        if found == last || Some(found) == next {
            return None;
        }
        let tables: Vec<&String> = found
            .iter()
            .filter(|(table, digest)| last.get(*table) != Some(digest))
            .map(|(table, _)| table)
            .collect();
        Some(format!(
            "it is neither as commit {} left it nor as the next did: {tables:?} differ",
            later - 1
        ))
    }

    /// The last event that was acknowledged comes again and is known.
    async fn works_on(&self, store: &Store, after: usize) -> Result<(), String> {
        let now = Timestamp::UNIX_EPOCH;
        let again = self
            .facts_until(after)
            .iter()
            .rev()
            .find_map(|it| match it {
                Fact::Arrived { inbox_id, key } => Some((*inbox_id, workload::number(key))),
                _ => None,
            });
        let Some((first, number)) = again else {
            return Ok(());
        };
        let mut answer = Err(StoreError::Stalled);
        for _ in 0..PATIENCE {
            answer = store.arrive(workload::arrival(number, 1, now)).await;
            match &answer {
                Ok(Arrived::Duplicate { inbox_id, .. }) if *inbox_id == first => return Ok(()),
                Err(StoreError::Stalled) => {}
                _ => break,
            }
        }
        Err(format!("an acknowledged event came again: {answer:?}"))
    }

    fn facts_until(&self, after: usize) -> Vec<&Fact> {
        let known = self.facts.iter().take_while(|it| it.at <= after);
        known.map(|it| &it.fact).collect()
    }
}

async fn opened(path: &Path) -> Result<Store, OpenError> {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    for _ in 1..PATIENCE {
        match Store::open(path, clock.clone()).await {
            Err(OpenError::Sqlite {
                source: sqlx::Error::PoolTimedOut,
                ..
            }) => {}
            opened => return opened,
        }
    }
    Store::open(path, clock).await
}
