//! The real store at work: pushes in concurrent batches, duplicates among them, claims, and
//! attempts that end in every way, with what follows from them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use qiao::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId};
use qiao::domain::rows::{
    Changes, Follower, MappingChange, MappingState, MessageState, NewEffect, NewGrant, NewMessage,
    Priority, Snapshot,
};
use qiao::domain::verdict::Verdict;
use qiao::kit::clock::{Clock, ManualClock};
use qiao::store::{
    Answer, Arrival, Arrived, Ask, Dedupe, Job, NextState, Opening, RunAhead, Settlement, Source,
    Store, Tried,
};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::task::JoinSet;

use crate::ledger::{Fact, Ledger};

/// How long a lane waits after a failure; every round is longer.
const PAUSE: Duration = Duration::from_mins(1);

/// How much is done, and how.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds of pushes and attempts.
    pub rounds: u64,
    /// New pushes in a round.
    pub pushes: u64,
    /// The length of a push's body.
    pub body: usize,
    /// Whether somebody checkpoints beside the store, as an operator or a backup may.
    pub checkpoints: bool,
    /// Whether commits do not wait for the disk.
    pub volatile: bool,
}

/// Does the whole of `plan` on a new database.
pub async fn run(plan: Plan, path: &Path, ledger: &Arc<Ledger>) {
    let clock = ManualClock::new(Timestamp::from_second(1_795_420_800).unwrap());
    let mut work = Work {
        store: open(plan, path, &clock, ledger).await,
        clock,
        ledger: Arc::clone(ledger),
        plan,
        repeats: 0,
    };
    ledger.opened_empty().await;
    for round in 0..plan.rounds {
        if round == plan.rounds / 2 {
            // What is claimed now is found running by the next start.
            work.claim().await;
            work.store.close().await;
            if plan.checkpoints {
                // Whoever closes last checkpoints everything and deletes the WAL.
                checkpoint(path, "PASSIVE").await;
            }
            work.store = open(plan, path, &work.clock, ledger).await;
            work.store.recover().await.unwrap();
        }
        match round % 12 {
            3 if plan.checkpoints => checkpoint(path, "PASSIVE").await,
            7 if plan.checkpoints => checkpoint(path, "RESTART").await,
            11 if plan.checkpoints => checkpoint(path, "TRUNCATE").await,
            _ => {}
        }
        work.round(round).await;
    }
    work.store.close().await;
}

async fn open(plan: Plan, path: &Path, clock: &ManualClock, ledger: &Arc<Ledger>) -> Store {
    let opening = Opening {
        volatile: plan.volatile,
        watch: Some(Arc::clone(ledger) as _),
        ..Opening::default()
    };
    let clock = Arc::new(clock.clone());
    Store::open_as(path, clock, opening).await.unwrap()
}

async fn checkpoint(path: &Path, mode: &str) {
    let somebody = SqliteConnectOptions::new().filename(path);
    let mut somebody = somebody.connect().await.unwrap();
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA wal_checkpoint({mode})"));
    sqlx::query(pragma).execute(&mut somebody).await.unwrap();
    somebody.close().await.unwrap();
}

struct Work {
    store: Store,
    clock: ManualClock,
    ledger: Arc<Ledger>,
    plan: Plan,
    repeats: usize,
}

impl Work {
    /// Pushes and settlements of one round reach the writer together, so they share commits.
    async fn round(&mut self, round: u64) {
        let jobs = self.claim().await;
        let mut asked = JoinSet::new();
        let new = round * self.plan.pushes..(round + 1) * self.plan.pushes;
        for number in new.clone() {
            self.push(number, Fact::arrived(number), &mut asked);
        }
        // The first push of all comes in every round, and the first of this one comes twice.
        if round > 0 {
            self.repeats += 1;
            let times = self.repeats;
            self.push(
                0,
                move |inbox_id| Fact::Repeated { inbox_id, times },
                &mut asked,
            );
            let again = |inbox_id| Fact::Repeated { inbox_id, times: 1 };
            self.push(new.start, again, &mut asked);
        }
        for job in jobs {
            self.settle(job, &mut asked);
        }
        while let Some(done) = asked.join_next().await {
            done.unwrap();
        }
        // And one that comes alone.
        self.push(
            u64::MAX - round,
            Fact::arrived(u64::MAX - round),
            &mut asked,
        );
        asked.join_next().await.unwrap().unwrap();
        self.clock.advance(PAUSE * 2);
    }

    fn push(
        &self,
        number: u64,
        fact: impl FnOnce(i64) -> Fact + Send + 'static,
        asked: &mut JoinSet<()>,
    ) {
        let arrival = arrival(number, self.plan.body, self.clock.now());
        let (store, ledger) = (self.store.clone(), Arc::clone(&self.ledger));
        asked.spawn(async move {
            let (Arrived::New { inbox_id } | Arrived::Duplicate { inbox_id, .. }) =
                store.arrive(arrival).await.unwrap();
            ledger.acknowledged(fact(inbox_id));
        });
    }

    fn settle(&self, job: Job, asked: &mut JoinSet<()>) {
        let settlement = settlement(job, self.clock.now());
        let fact = Fact::Settled {
            outbox_id: settlement.job.id,
            number: settlement.job.tries + 1,
            outcome: match (&settlement.tried.verdict, &settlement.next) {
                (Some(_), _) => "failed",
                (None, NextState::Held { .. }) => "held",
                (None, NextState::Cancelled { .. }) => "cancelled",
                (None, _) => "done",
            },
            state: match settlement.next {
                NextState::Done { .. } => "done",
                NextState::Ready { .. } => "ready",
                NextState::Held { .. } => "held",
                NextState::Dead => "dead",
                NextState::Cancelled { .. } => "cancelled",
            },
        };
        let (store, ledger) = (self.store.clone(), Arc::clone(&self.ledger));
        asked.spawn(async move {
            store.settle(settlement).await.unwrap();
            ledger.acknowledged(fact);
        });
    }

    async fn claim(&self) -> Vec<Job> {
        let now = self.clock.now();
        let ask = Ask {
            remote: "main".to_owned(),
            down_to: Priority::Bulk,
            limit: usize::try_from(self.plan.pushes).unwrap() + 3,
            now,
            lease_until: now + SignedDuration::try_from(PAUSE).unwrap(),
            ahead: RunAhead::default(),
        };
        self.store.claim(vec![ask]).await.unwrap()
    }
}

impl Fact {
    fn arrived(number: u64) -> impl FnOnce(i64) -> Self + Send + 'static {
        let key = key(number);
        move |inbox_id| Self::Arrived { inbox_id, key }
    }
}

fn key(number: u64) -> String {
    format!("m:{number:020}")
}

/// The push that has this key.
pub fn number(key: &str) -> u64 {
    key[2..].parse().unwrap()
}

fn follower(number: u64) -> Follower {
    // A few people, so that lanes hold several rows.
    Follower {
        account: AccountId::new("main"),
        openid: OpenId::new(format!("oPowerCutFollower{:011}", number % 23)),
    }
}

fn message(follower: &Follower, state: MessageState, now: Timestamp) -> NewMessage {
    let coming = state == MessageState::Received;
    NewMessage {
        follower: follower.clone(),
        state,
        kind: "text".into(),
        purpose: (!coming).then_some("answer"),
        msg_id: coming.then(|| "1".into()),
        text: Some("你好".into()),
        inbox_id: None,
        created_at: now,
    }
}

fn effect(lane: String, effect: &'static str) -> NewEffect {
    NewEffect::new(lane, effect, "main", &json!({}))
}

/// A push with everything that intake writes for one, and a message to be sent besides.
pub fn arrival(number: u64, body: usize, now: Timestamp) -> Arrival {
    let follower = follower(number);
    let mut changes = Changes {
        messages: vec![message(&follower, MessageState::Received, now)],
        effects: vec![effect(format!("in:{}", follower.openid.as_str()), "decide")],
        mappings: vec![MappingChange::to(
            follower.clone(),
            TenantId::new("main"),
            MappingState::Pending,
        )],
        grants: vec![NewGrant {
            follower: follower.clone(),
            trigger: "message",
            granted_at: now,
            valid_until: now + SignedDuration::from_hours(48),
            allowed: 5,
        }],
        ..Changes::none()
    };
    changes.deliver(
        message(&follower, MessageState::Queued, now),
        effect(follower.send_lane(), "send"),
    );
    Arrival {
        source: Source::Wechat,
        remote: "main".into(),
        kind: "text".into(),
        dedupe: Some(Dedupe {
            key: key(number).into(),
            remote: "main".into(),
            sender: follower.openid.as_str().into(),
        }),
        openid: Some(follower.openid),
        object_id: None,
        body: "x".repeat(body).into(),
        rejected: None,
        answer: Answer::Stored("success".to_owned()),
        sent_at: Some(now),
        changes,
    }
}

/// Ends an attempt in the way that its row's turn has come for. From what is done something
/// follows, unless it has followed itself.
fn settlement(job: Job, now: Timestamp) -> Settlement {
    let (next, verdict) = match (job.id + job.tries) % 6 {
        1 => (
            NextState::Ready {
                at: now + SignedDuration::try_from(PAUSE).unwrap(),
                uncertain: true,
            },
            Some(Verdict::Uncertain),
        ),
        2 => (
            NextState::Held {
                reason: "window".to_owned(),
                uncertain: false,
            },
            None,
        ),
        3 => (NextState::Dead, Some(Verdict::Permanent)),
        4 if job.tries > 0 => {
            let reason = "not wanted".to_owned();
            (NextState::Cancelled { reason }, None)
        }
        _ => (NextState::Done { note: None }, None),
    };
    let changes = match &next {
        NextState::Done { .. } if job.effect != "follow" => follow(&job, now),
        _ => Changes::none(),
    };
    let tried = Tried {
        verdict,
        error: verdict.map(|verdict| verdict.as_str().to_owned()),
        counted: true,
    };
    Settlement {
        job,
        finished_at: now,
        tried,
        next,
        changes,
    }
}

fn follow(job: &Job, now: Timestamp) -> Changes {
    let follower = follower(job.id.unsigned_abs());
    let object_id = ObjectId::new(format!("{:032}", job.id));
    let mut changes = Changes {
        mappings: vec![MappingChange {
            customer: Some((object_id.clone(), CustomerId::new(job.id.to_string()))),
            ..MappingChange::to(
                follower.clone(),
                TenantId::new("main"),
                MappingState::Linked,
            )
        }],
        snapshots: vec![Snapshot {
            tenant: TenantId::new("main"),
            object_id,
            fields: [("LastName".to_owned(), follower.openid.as_str().to_owned())].into(),
            etag: None,
            changed_at: None,
        }],
        window_uses: vec![follower.clone()],
        ..Changes::none()
    };
    let follows = NewEffect {
        payload: json!({ "after": job.id }).to_string().into(),
        ..effect(follower.c4c_lane(), "follow")
    };
    changes.deliver(message(&follower, MessageState::Queued, now), follows);
    changes
}
