//! Stories of the store on a real file.

mod arrivals;
mod lanes;
mod opening;
mod outbox;
mod people;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::Connection;

use super::*;
use crate::domain::ids::{AccountId, CustomerId, ObjectId, OpenId, TenantId};
use crate::domain::rows::{
    Cancel, Follower, MappingChange, MappingState, MessageState, NewEffect, NewGrant, NewMessage,
    Priority, Release, Snapshot, WindowClosed,
};
use crate::domain::verdict::Verdict;
use crate::kit::clock::ManualClock;

struct Room {
    store: Store,
    clock: ManualClock,
    folder: tempfile::TempDir,
}

async fn room() -> Room {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap());
    let store = Store::open(&folder.path().join("qiao.db"), Arc::new(clock.clone()))
        .await
        .unwrap();
    Room {
        store,
        clock,
        folder,
    }
}

fn follower() -> Follower {
    Follower {
        account: AccountId::new("main"),
        openid: OpenId::new("oLVPpjqs9BhvzwPj5A-vTYAX3GLc"),
    }
}

fn effect(lane: &str) -> NewEffect {
    NewEffect::new(
        lane.to_owned(),
        "test.effect",
        "local".to_owned(),
        json!({}),
    )
}

fn effects(effects: impl IntoIterator<Item = NewEffect>) -> Changes {
    Changes {
        effects: effects.into_iter().collect(),
        ..Changes::none()
    }
}

fn push(key: &str, changes: Changes) -> Arrival {
    Arrival {
        source: Source::Wechat,
        remote: "main".to_owned(),
        kind: "text".to_owned(),
        openid: Some(follower().openid),
        object_id: None,
        dedupe: Some(Dedupe {
            key: key.to_owned(),
            remote: "main".to_owned(),
            sender: follower().openid.as_str().to_owned(),
        }),
        body: "<xml/>".to_owned(),
        rejected: None,
        answer: Answer::Stored("<xml>hello</xml>".to_owned()),
        sent_at: None,
        changes,
    }
}

fn said(text: &str) -> NewMessage {
    NewMessage {
        follower: follower(),
        state: MessageState::Received,
        kind: "text".to_owned(),
        purpose: None,
        msg_id: Some("1".to_owned()),
        text: Some(text.to_owned()),
        inbox_id: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn to_say(text: &str) -> (NewMessage, NewEffect) {
    let message = NewMessage {
        state: MessageState::Queued,
        purpose: Some("operator"),
        msg_id: None,
        ..said(text)
    };
    (message, effect(&follower().send_lane()))
}

/// A connection of somebody else, as `sqlite3` would make it.
async fn beside(path: &Path) -> sqlx::SqliteConnection {
    sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap()
}

impl Room {
    async fn claim(&self) -> Vec<Job> {
        self.claim_at_most(100).await
    }

    async fn claim_at_most(&self, limit: usize) -> Vec<Job> {
        let now = self.clock.now();
        let lease_until = now.checked_add(SignedDuration::from_secs(60)).unwrap();
        let ask = Ask {
            remote: "local".to_owned(),
            down_to: Priority::Bulk,
            limit,
            now,
            lease_until,
            ahead: RunAhead::default(),
        };
        self.store.claim(vec![ask]).await.unwrap()
    }

    async fn settle(&self, job: Job, next: NextState) {
        let tried = match next {
            NextState::Ready { .. } | NextState::Dead => Tried {
                verdict: Some(Verdict::Transient),
                error: Some("503".to_owned()),
                counted: true,
            },
            _ => Tried::well(),
        };
        let finished_at = self.clock.now();
        let changes = Changes::none();
        self.store
            .settle(Settlement {
                job,
                finished_at,
                tried,
                next,
                changes,
            })
            .await
            .unwrap();
    }

    async fn scalar(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.store.readers)
            .await
            .unwrap()
    }
}
