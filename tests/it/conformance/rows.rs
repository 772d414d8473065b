//! What the stories write, and a store with the hands to do it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use qiao::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId};
use qiao::domain::rows::{
    Changes, Follower, MappingChange, MappingState, MessageState, NewEffect, NewMessage, Priority,
};
use qiao::domain::verdict::Verdict;
use qiao::kit::clock::Clock as _;
use qiao::store::{
    Answer, Arrival, Arrived, Ask, Dedupe, Job, NextState, OutboxRow, RunAhead, Settlement, Source,
    Store, Tried,
};
use serde_json::json;

use super::Way;

/// A store that is open for writing.
pub struct Room {
    pub store: Store,
    pub way: Way,
}

pub fn account() -> AccountId {
    AccountId::new("main")
}

pub fn tenant() -> TenantId {
    TenantId::new("c4c")
}

/// A follower of `main` with this letter for a name.
pub fn follower(letter: char) -> Follower {
    Follower {
        account: account(),
        openid: OpenId::new(format!("o{}", letter.to_string().repeat(27))),
    }
}

/// The customer of this number.
pub fn customer(number: u32) -> (ObjectId, CustomerId) {
    (
        ObjectId::new(format!("{number:032X}")),
        CustomerId::new(number.to_string()),
    )
}

pub fn nothing() -> Changes {
    Changes::none()
}

pub fn effect(lane: &str) -> NewEffect {
    NewEffect::new(
        lane.to_owned(),
        "test.effect",
        "test".to_owned(),
        &json!({}),
    )
}

pub fn effects(effects: impl IntoIterator<Item = NewEffect>) -> Changes {
    Changes {
        effects: effects.into_iter().collect(),
        ..nothing()
    }
}

/// A push of the follower `a` under this dedupe key, answered at once.
pub fn push(key: &str, changes: Changes) -> Arrival {
    let sender = follower('a').openid;
    Arrival {
        source: Source::Wechat,
        remote: "main".into(),
        kind: "text".into(),
        openid: Some(sender.clone()),
        object_id: None,
        dedupe: Some(Dedupe {
            key: key.into(),
            remote: "main".into(),
            sender: sender.as_str().into(),
        }),
        body: "<xml/>".into(),
        rejected: None,
        answer: Answer::Stored("<xml>hello</xml>".to_owned()),
        sent_at: None,
        changes,
    }
}

/// A message that `follower` wrote.
pub fn said(follower: &Follower, text: &str) -> NewMessage {
    NewMessage {
        follower: follower.clone(),
        state: MessageState::Received,
        kind: "text".into(),
        purpose: None,
        msg_id: Some("1".into()),
        text: Some(text.into()),
        inbox_id: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// A message of ours and the effect that delivers it, in the follower's send lane.
pub fn to_say(follower: &Follower, text: &str) -> Changes {
    let message = NewMessage {
        state: MessageState::Queued,
        purpose: Some("operator"),
        msg_id: None,
        ..said(follower, text)
    };
    let mut changes = nothing();
    changes.deliver(message, effect(&follower.send_lane()));
    changes
}

pub fn mapped(change: MappingChange) -> Changes {
    Changes {
        mappings: vec![change],
        ..nothing()
    }
}

pub fn mapping_to(follower: &Follower, state: MappingState) -> MappingChange {
    MappingChange::to(follower.clone(), tenant(), state)
}

pub fn linked(follower: &Follower, number: u32) -> MappingChange {
    MappingChange {
        customer: Some(customer(number)),
        ..mapping_to(follower, MappingState::Linked)
    }
}

pub fn done() -> NextState {
    NextState::Done { note: None }
}

pub fn held(reason: &str) -> NextState {
    NextState::Held {
        reason: reason.to_owned(),
        uncertain: false,
    }
}

/// How an attempt of `job` ended, with nothing that follows.
pub fn settlement(job: Job, next: NextState, finished_at: Timestamp) -> Settlement {
    let tried = match next {
        NextState::Ready { .. } | NextState::Dead => Tried {
            verdict: Some(Verdict::Transient),
            error: Some("503".to_owned()),
            counted: true,
        },
        _ => Tried::well(),
    };
    Settlement {
        job,
        finished_at,
        tried,
        next,
        changes: nothing(),
    }
}

impl Room {
    pub async fn new(way: &Way) -> Self {
        Self {
            store: way.open().await,
            way: way.clone(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.way.clock.now()
    }

    /// So many seconds from now.
    pub fn later(&self, seconds: i64) -> Timestamp {
        let wait = SignedDuration::from_secs(seconds);
        self.now().checked_add(wait).unwrap()
    }

    pub fn wait(&self, seconds: u64) {
        self.way.clock.advance(Duration::from_secs(seconds));
    }

    pub async fn arrive(&self, arrival: Arrival) -> Arrived {
        self.store.arrive(arrival).await.unwrap()
    }

    pub async fn write(&self, changes: Changes) {
        self.store.write(changes).await.unwrap();
    }

    /// Writes effects, each in a commit of its own.
    pub async fn queue<const N: usize>(&self, queued: [NewEffect; N]) {
        for effect in queued {
            self.write(effects([effect])).await;
        }
    }

    /// What the engine asks for, of the remote of [`effect`].
    pub fn ask(&self, limit: usize) -> Ask {
        Ask {
            remote: "test".to_owned(),
            down_to: Priority::Bulk,
            limit,
            now: self.now(),
            lease_until: self.later(60),
            ahead: RunAhead::default(),
        }
    }

    pub async fn claim(&self) -> Vec<Job> {
        self.claim_as(self.ask(100)).await
    }

    /// The same, with up to so many rows of a lane at once.
    pub fn ask_ahead(&self, rows: usize) -> Ask {
        let effects = ["test.effect"].into();
        Ask {
            ahead: RunAhead {
                rows,
                effects,
                ..RunAhead::default()
            },
            ..self.ask(100)
        }
    }

    pub async fn claim_as(&self, ask: Ask) -> Vec<Job> {
        self.store.claim(vec![ask]).await.unwrap()
    }

    /// The only effect that is due.
    pub async fn claim_one(&self) -> Job {
        let mut jobs = self.claim().await;
        assert_eq!(jobs.len(), 1, "one effect is due: {jobs:?}");
        jobs.remove(0)
    }

    pub async fn settle(&self, job: Job, next: NextState) {
        let settlement = settlement(job, next, self.now());
        self.store.settle(settlement).await.unwrap();
    }

    /// Claims the only effect that is due, ends it, and gives its id.
    pub async fn run(&self, next: NextState) -> i64 {
        let job = self.claim_one().await;
        let id = job.id;
        self.settle(job, next).await;
        id
    }

    /// Gives up what is past its time, with nothing that follows; tells how many.
    pub async fn expire(&self) -> u64 {
        let expiring = self.store.expiring(self.now(), 100).await.unwrap();
        let expired = expiring.into_iter().map(|waiting| (waiting.id, nothing()));
        self.store.expire(expired.collect()).await.unwrap()
    }

    /// An effect as `outbox show` has it.
    pub async fn row(&self, id: i64) -> OutboxRow {
        self.store.outbox_row(id).await.unwrap().unwrap().0
    }

    /// The states of all messages of a follower, oldest first.
    pub async fn states(&self, follower: &Follower) -> Vec<String> {
        let messages = self.store.messages(follower, 100).await.unwrap();
        messages.into_iter().map(|message| message.state).collect()
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        self.way.number(sql).await
    }
}
