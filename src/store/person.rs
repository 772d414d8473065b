//! Everything that is held of one person, table by table: what their export shows and their erasure
//! takes are the same rows, found by the same statements.
//!
//! Start reading at [`Part`]. Tables that grow are looked through beside the writer, in ranges of ids:
//! they have no index by person, because nothing else would use it. A new table must be named here, or in
//! `tests/it/privacy` with the reason why it tells nothing of a person.

use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::domain::rows::Follower;

/// Ids that one read looks through: some milliseconds.
const RANGE: i64 = 5_000;

/// By what the rows of a person are found, besides their OpenID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Their lanes, and those of the C4C objects that are theirs alone.
    pub lanes: Vec<String>,
    /// ObjectIDs that are theirs alone: customer, profile, tickets, activities.
    pub objects: Vec<String>,
}

/// One table's share of what is held of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The table.
    pub table: &'static str,
    /// What it is, for the person's readme, in English and Chinese.
    pub is: [&'static str; 2],
    /// Along whose ids it is looked through; `None`: few rows, with the person in their key.
    pub along: Option<Along>,
    /// Gives (id, the row as JSON) of account ?1, OpenID ?2, along ids from ?3 (not included) to ?4, keys ?5.
    rows: &'static str,
}

/// Whose ids tell how far a table has been looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// `outbox.id`
    Outbox,
    /// `message.id`
    Message,
    /// `inbox.id`
    Inbox,
    /// `finding.id`
    Finding,
    /// `job_run.id`
    JobRun,
}

/// The highest ids up to which a person's rows are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Ends {
    pub(super) outbox: i64,
    pub(super) message: i64,
    pub(super) inbox: i64,
    pub(super) finding: i64,
    pub(super) job_run: i64,
}

impl Ends {
    fn of(&self, along: Along) -> i64 {
        match along {
            Along::Outbox => self.outbox,
            Along::Message => self.message,
            Along::Inbox => self.inbox,
            Along::Finding => self.finding,
            Along::JobRun => self.job_run,
        }
    }
}

/// Where a look through one table goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(i64);

impl Place {
    /// Before everything, also before what has no id along which it is looked through.
    pub const START: Self = Self(-1);
}

/// A row of a person.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct PersonalRow {
    /// Its id; 0 where the person is its key.
    pub id: i64,
    /// Its columns as a JSON object.
    pub row: String,
}

/// All of them, in the order in which an erasure takes those that grow: what points before what it
/// points to.
pub const PARTS: [Part; 21] = [
    Part {
        table: "mapping",
        is: ["the customer that you are", "您对应的客户"],
        along: None,
        rows: "SELECT 0 AS id, json_object('account', account, 'openid', openid, 'unionid', unionid,
                'tenant', tenant, 'object_id', object_id, 'customer_id', customer_id, 'state', state,
                'reason', reason, 'scene', scene, 'name', name, 'followed_at', followed_at,
                'created_at', created_at, 'linked_at', linked_at, 'updated_at', updated_at) AS row
             FROM mapping WHERE account = ?1 AND openid = ?2",
    },
    Part {
        table: "customer_snapshot",
        is: ["what was last read of that customer in C4C", "最近一次从 C4C 读到的客户资料"],
        along: None,
        rows: "SELECT 0 AS id, json_object('tenant', s.tenant, 'object_id', s.object_id,
                'fields', json(s.fields), 'etag', s.etag, 'changed_at', s.changed_at,
                'read_at', s.read_at) AS row
             FROM mapping m JOIN customer_snapshot s
                 ON s.tenant = m.tenant AND s.object_id = m.object_id
             WHERE m.account = ?1 AND m.openid = ?2",
    },
    Part {
        table: "profile",
        is: ["your social media profile in C4C", "您在 C4C 中的社交媒体档案"],
        along: None,
        rows: "SELECT 0 AS id, json_object('account', account, 'openid', openid, 'object_id', object_id,
                'made_at', made_at) AS row
             FROM profile WHERE account = ?1 AND openid = ?2",
    },
    Part {
        table: "session",
        is: ["browsers that know you", "已登录的浏览器"],
        along: None,
        rows: "SELECT 0 AS id, json_object('account', account, 'openid', openid, 'asked', asked,
                'created_at', created_at, 'expires_at', expires_at) AS row
             FROM session WHERE account = ?1 AND openid = ?2",
    },
    Part {
        table: "consent",
        is: ["what you consented to tell of yourself", "您授权提供的个人信息"],
        along: None,
        rows: "SELECT 0 AS id, json_object('account', account, 'openid', openid, 'scope', scope,
                'name', name, 'avatar', avatar, 'given_at', given_at, 'read_at', read_at,
                'withdrawn_at', withdrawn_at) AS row
             FROM consent WHERE account = ?1 AND openid = ?2",
    },
    Part {
        table: "send_window",
        is: ["until when you may be written to", "可以向您发送消息的时限"],
        along: None,
        rows: "SELECT 0 AS id, json_object('account', account, 'openid', openid, 'trigger', \"trigger\",
                'granted_at', granted_at, 'valid_until', valid_until, 'allowed', allowed, 'used', used) AS row
             FROM send_window WHERE account = ?1 AND openid = ?2",
    },
    Part {
        table: "reconcile_seen",
        is: ["that you were seen as a follower", "对账时见到您是关注者"],
        along: None,
        rows: "SELECT 0 AS id, json_object('account', account, 'openid', openid) AS row
             FROM reconcile_seen WHERE account = ?1 AND openid = ?2",
    },
    Part {
        table: "reconcile_customer",
        is: ["that your customer was seen in C4C", "对账时在 C4C 见到您的客户"],
        along: None,
        rows: "SELECT 0 AS id, json_object('tenant', r.tenant, 'object_id', r.object_id,
                'wechat_id', r.wechat_id, 'active', r.active) AS row
             FROM mapping m JOIN reconcile_customer r
                 ON r.tenant = m.tenant AND r.object_id = m.object_id
             WHERE m.account = ?1 AND m.openid = ?2
             UNION
             SELECT 0 AS id, json_object('tenant', r.tenant, 'object_id', r.object_id,
                'wechat_id', r.wechat_id, 'active', r.active) AS row
             FROM mapping m JOIN reconcile_customer r
                 ON r.tenant = m.tenant AND r.wechat_id = m.openid
             WHERE m.account = ?1 AND m.openid = ?2",
    },
    Part {
        table: "qr_scan",
        is: ["the QR codes of ours that you scanned", "您扫描过的我们的二维码"],
        along: None,
        rows: "SELECT 0 AS id, json_object('id', s.id, 'account', s.account, 'openid', s.openid,
                'scene', c.scene, 'purpose', c.purpose, 'target', c.target, 'follow', s.follow,
                'outcome', s.outcome, 'at', s.at, 'inbox_id', s.inbox_id) AS row
             FROM qr_scan s LEFT JOIN qr_code c ON c.id = s.code_id
             WHERE s.openid = ?2 AND s.account = ?1",
    },
    Part {
        table: "qr_code",
        is: ["QR codes that link a WeChat account to the customer that you are", "用于绑定您的客户的二维码"],
        along: None,
        rows: "SELECT 0 AS id, json_object('id', c.id, 'account', c.account, 'scene', c.scene,
                'target', c.target, 'state', c.state, 'created_at', c.created_at,
                'expires_at', c.expires_at, 'used_at', c.used_at) AS row
             FROM mapping m JOIN qr_code c ON c.object_id = m.object_id AND c.tenant = m.tenant
             WHERE m.account = ?1 AND m.openid = ?2",
    },
    Part {
        table: "invitation",
        is: ["the agent whom you asked for", "您通过二维码选择的客服"],
        along: None,
        rows: "SELECT 0 AS id, json_object('account', account, 'openid', openid, 'agent', agent, 'at', at) AS row
             FROM invitation WHERE account = ?1 AND openid = ?2",
    },
    Part {
        table: "outbox",
        is: ["what had to be done for you, and every attempt", "为您执行的任务及每次尝试"],
        along: Some(Along::Outbox),
        rows: "SELECT o.id AS id, json_object('id', o.id, 'lane', o.lane, 'effect', o.effect,
                'remote', o.remote, 'payload', json(o.payload), 'state', o.state,
                'uncertain', o.uncertain, 'priority', o.priority, 'attempts', o.attempts,
                'tries', o.tries, 'next_attempt_at', o.next_attempt_at, 'expires_at', o.expires_at,
                'held_reason', o.held_reason, 'last_verdict', o.last_verdict,
                'last_error', o.last_error, 'note', o.note, 'inbox_id', o.inbox_id,
                'message_id', o.message_id, 'created_at', o.created_at, 'started_at', o.started_at,
                'finished_at', o.finished_at, 'tried', (
                    SELECT json_group_array(json_object('number', a.number,
                        'started_at', a.started_at, 'finished_at', a.finished_at,
                        'outcome', a.outcome, 'counted', a.counted, 'verdict', a.verdict,
                        'error', a.error))
                    FROM attempt a WHERE a.outbox_id = o.id)) AS row
             FROM outbox o WHERE o.id > ?3 AND o.id <= ?4
                 AND (instr(o.lane, ?2) > 0 OR instr(o.payload, ?2) > 0
                     OR o.lane IN (SELECT value FROM json_each(?5, '$.lanes'))
                     OR EXISTS (SELECT 1 FROM message m WHERE m.id = o.message_id
                         AND m.account = ?1 AND m.openid = ?2)
                     OR EXISTS (SELECT 1 FROM inbox i WHERE i.id = o.inbox_id AND i.openid = ?2))",
    },
    Part {
        table: "activity",
        is: ["what stands in C4C for what was said", "对话内容在 C4C 中的记录"],
        along: Some(Along::Message),
        rows: "SELECT a.id AS id, json_object('id', a.id, 'tenant', a.tenant, 'kind', a.kind,
                'object_id', a.object_id, 'number', a.number, 'direction', a.direction,
                'message_id', a.message_id, 'recorded_at', a.recorded_at) AS row
             FROM message m JOIN activity a ON a.message_id = m.id
             WHERE m.id > ?3 AND m.id <= ?4 AND m.account = ?1 AND m.openid = ?2",
    },
    Part {
        table: "media",
        is: ["pictures, voices, videos and files", "图片、语音、视频和文件"],
        along: Some(Along::Message),
        rows: "SELECT f.id AS id, json_object('id', f.id, 'message_id', f.message_id, 'kind', f.kind,
                'media_id', f.media_id, 'object_id', f.object_id, 'state', f.state,
                'sha256', f.sha256, 'bytes', f.bytes, 'mime', f.mime, 'name', f.name,
                'reason', f.reason, 'settled_at', f.settled_at) AS row
             FROM message m JOIN media f ON f.message_id = m.id
             WHERE m.id > ?3 AND m.id <= ?4 AND m.account = ?1 AND m.openid = ?2",
    },
    Part {
        table: "message",
        is: ["what was said, both ways", "双方的对话"],
        along: Some(Along::Message),
        rows: "SELECT id AS id, json_object('id', id, 'account', account, 'openid', openid,
                'direction', direction, 'kind', kind, 'purpose', purpose, 'msg_id', msg_id,
                'text', text, 'state', state, 'inbox_id', inbox_id, 'outbox_id', outbox_id,
                'created_at', created_at, 'recorded_at', recorded_at, 'settled_at', settled_at) AS row
             FROM message WHERE id > ?3 AND id <= ?4 AND account = ?1 AND openid = ?2",
    },
    Part {
        table: "inbox",
        is: ["what WeChat and C4C sent about you, as it came", "微信和 C4C 发来的与您有关的原始数据"],
        along: Some(Along::Inbox),
        rows: "SELECT id AS id, json_object('id', id, 'source', source, 'remote', remote, 'kind', kind,
                'openid', openid, 'object_id', object_id, 'dedupe_key', dedupe_key, 'body', body,
                'state', state, 'duplicate_of', duplicate_of, 'reason', reason,
                'answer_state', answer_state, 'answer', answer, 'sent_at', sent_at,
                'received_at', received_at) AS row
             FROM inbox WHERE id > ?3 AND id <= ?4
                 AND (openid = ?2 OR instr(body, ?2) > 0 OR instr(answer, ?2) > 0
                     OR object_id IN (SELECT value FROM json_each(?5, '$.objects')))",
    },
    Part {
        table: "conversation",
        is: ["when you talked with us, and the tickets of it", "对话的时间及对应的工单"],
        along: Some(Along::Message),
        rows: "SELECT id AS id, json_object('id', id, 'account', account, 'openid', openid,
                'state', state, 'end_reason', end_reason, 'first_message_id', first_message_id,
                'last_message_id', last_message_id, 'messages', messages,
                'previous_id', previous_id, 'opened_at', opened_at, 'last_at', last_at,
                'ended_at', ended_at, 'root_object_id', root_object_id,
                'ticket_object_id', ticket_object_id, 'ticket_id', ticket_id, 'agent', agent) AS row
             FROM conversation WHERE account = ?1 AND openid = ?2
                 AND first_message_id > ?3 AND first_message_id <= ?4",
    },
    Part {
        table: "location",
        is: ["where you were, when you said so", "您发送或上报的位置"],
        along: Some(Along::Inbox),
        rows: "SELECT id AS id, json_object('id', id, 'account', account, 'openid', openid,
                'source', source, 'given', given, 'gcj02_latitude', gcj02_latitude,
                'gcj02_longitude', gcj02_longitude, 'wgs84_latitude', wgs84_latitude,
                'wgs84_longitude', wgs84_longitude, 'accuracy', accuracy, 'label', label,
                'message_id', message_id, 'inbox_id', inbox_id, 'at', at,
                'recorded_at', recorded_at) AS row
             FROM location WHERE account = ?1 AND openid = ?2
                 AND coalesce(inbox_id, 0) > ?3 AND coalesce(inbox_id, 0) <= ?4",
    },
    Part {
        table: "conversation_event",
        is: ["when WeChat's own seats served you", "微信客服接待您的记录"],
        along: Some(Along::Inbox),
        rows: "SELECT id AS id, json_object('id', id, 'account', account, 'openid', openid, 'kind', kind,
                'detail', detail, 'at', at, 'inbox_id', inbox_id) AS row
             FROM conversation_event WHERE account = ?1 AND openid = ?2
                 AND coalesce(inbox_id, 0) > ?3 AND coalesce(inbox_id, 0) <= ?4",
    },
    Part {
        table: "finding",
        is: ["what a comparison of WeChat and C4C found about you", "微信与 C4C 对账时与您有关的发现"],
        along: Some(Along::Finding),
        rows: "SELECT id AS id, json_object('id', id, 'job_run_id', job_run_id, 'kind', kind,
                'account', account, 'tenant', tenant, 'openid', openid, 'object_id', object_id,
                'detail', detail, 'state', state, 'found_at', found_at) AS row
             FROM finding WHERE id > ?3 AND id <= ?4
                 AND (openid = ?2 OR instr(detail, ?2) > 0
                     OR object_id IN (SELECT value FROM json_each(?5, '$.objects')))",
    },
    Part {
        table: "job_run",
        is: ["jobs that stopped at you", "停在您处的任务"],
        along: Some(Along::JobRun),
        rows: "SELECT id AS id, json_object('id', id, 'job', job, 'started_at', started_at, 'resume', resume) AS row
             FROM job_run WHERE id > ?3 AND id <= ?4 AND instr(resume, ?2) > 0",
    },
];

impl Store {
    /// The highest ids that there are now.
    pub async fn ends(&self) -> Result<Ends, StoreError> {
        Ok(sqlx::query_as(
            "SELECT (SELECT coalesce(max(id), 0) FROM outbox) AS outbox,
                    (SELECT coalesce(max(id), 0) FROM message) AS message,
                    (SELECT coalesce(max(id), 0) FROM inbox) AS inbox,
                    (SELECT coalesce(max(id), 0) FROM finding) AS finding,
                    (SELECT coalesce(max(id), 0) FROM job_run) AS job_run",
        )
        .fetch_one(&self.readers)
        .await?)
    }

    /// The rows of a person in one range of a table, and where the next range begins; `None` when there
    /// is none up to `ends`.
    pub async fn personal(
        &self,
        part: &Part,
        follower: &Follower,
        keys: &Keys,
        from: Place,
        ends: &Ends,
    ) -> Result<(Vec<PersonalRow>, Option<Place>), StoreError> {
        let end = part.along.map_or(0, |along| ends.of(along));
        let to = from.0.saturating_add(RANGE).min(end);
        let rows = sqlx::query_as(part.rows)
            .bind(follower.account.as_str())
            .bind(follower.openid.as_str())
            .bind(from.0)
            .bind(to)
            .bind(serde_json::to_string(keys).expect("texts"))
            .fetch_all(&self.readers)
            .await?;
        Ok((rows, (to < end).then_some(Place(to))))
    }

    /// Whether anything is known of somebody: they have a mapping, opened a page, or something was said.
    pub async fn is_known(&self, follower: &Follower) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "WITH RECURSIVE bucket(number) AS (
                 SELECT (SELECT max(id) FROM message) >> 10
                 UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
             SELECT EXISTS (SELECT 1 FROM mapping WHERE account = ?1 AND openid = ?2)
                 OR EXISTS (SELECT 1 FROM consent WHERE account = ?1 AND openid = ?2)
                 OR EXISTS (SELECT 1 FROM session WHERE account = ?1 AND openid = ?2)
                 OR EXISTS (SELECT 1 FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
                     AND m.account = ?1 AND m.openid = ?2)",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .fetch_one(&self.readers)
        .await?)
    }

    /// By what else than their OpenID the rows of somebody are found. A customer for whom others stand, too,
    /// is not theirs alone.
    pub async fn keys_of(&self, follower: &Follower, tenant: &str) -> Result<Keys, StoreError> {
        let mut keys = Keys {
            lanes: follower.lanes().to_vec(),
            objects: self.own_objects(follower).await?,
        };
        for object in &keys.objects {
            keys.lanes.push(format!("object:{tenant}:{object}"));
            keys.lanes.push(format!("linking:{tenant}:{object}"));
        }
        for ticket in self.tickets_of(follower).await? {
            keys.lanes.push(format!("ticket:{tenant}:{ticket}"));
        }
        let activities = PARTS.iter().find(|part| part.table == "activity");
        let activities = activities.expect("it is one of them");
        let (ends, mut from) = (self.ends().await?, Some(Place::START));
        while let Some(place) = from {
            let (rows, next) = self
                .personal(activities, follower, &keys, place, &ends)
                .await?;
            let objects = rows.iter().filter_map(|row| member(row, "object_id"));
            keys.objects.extend(objects);
            from = next;
        }
        Ok(keys)
    }

    async fn own_objects(&self, follower: &Follower) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT m.object_id FROM mapping m
             WHERE m.account = ?1 AND m.openid = ?2 AND m.object_id IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM mapping x
                     WHERE x.tenant = m.tenant AND x.object_id = m.object_id
                     AND (x.account <> m.account OR x.openid <> m.openid))
             UNION SELECT object_id FROM profile WHERE account = ?1 AND openid = ?2
             UNION SELECT root_object_id FROM conversation
                 WHERE account = ?1 AND openid = ?2 AND root_object_id IS NOT NULL
             UNION SELECT ticket_object_id FROM conversation
                 WHERE account = ?1 AND openid = ?2 AND ticket_object_id IS NOT NULL",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .fetch_all(&self.readers)
        .await?)
    }

    async fn tickets_of(&self, follower: &Follower) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT DISTINCT ticket_id FROM conversation
             WHERE account = ? AND openid = ? AND ticket_id IS NOT NULL",
        )
        .bind(follower.account.as_str())
        .bind(follower.openid.as_str())
        .fetch_all(&self.readers)
        .await?)
    }
}

/// A text of a row.
pub fn member(row: &PersonalRow, name: &str) -> Option<String> {
    let row: serde_json::Value = serde_json::from_str(&row.row).ok()?;
    row[name].as_str().map(str::to_owned)
}
