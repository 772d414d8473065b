-- Qiao's tables. SQL is a user interface: every table is STRICT, its CHECKs state its truth, and
-- docs/SCHEMA.md explains each column. Instants are INTEGER microseconds since 1970, UTC.
-- CHECKs say OR and not IN: SQLite would make the list of an IN anew for each row that is written.

-- Every fact that arrived: one row a push or notification, duplicates and refusals included.
CREATE TABLE inbox (
    id           INTEGER PRIMARY KEY,
    source       TEXT NOT NULL CHECK (source = 'wechat' OR source = 'c4c'),
    remote       TEXT NOT NULL,                 -- the account or tenant it came for
    kind         TEXT NOT NULL,                 -- text, image …, event:subscribe …, notification:a …, reply
    openid       TEXT,
    object_id    TEXT,
    dedupe_key   TEXT,                          -- NULL: this kind is never deduplicated
    body         TEXT,                          -- decrypted, as received; NULL once deleted
    state        TEXT NOT NULL CHECK (
        state = 'accepted' OR state = 'suppressed' OR state = 'released' OR
        state = 'rejected'),
    duplicate_of INTEGER,                       -- inbox.id of the first one
    reason       TEXT,                          -- why it was rejected
    answer_state TEXT NOT NULL CHECK (
        answer_state = 'none' OR answer_state = 'pending' OR answer_state = 'stored'),
    answer       TEXT,                          -- the passive reply before encryption
    sent_at      INTEGER,                       -- the sender's clock (CreateTime)
    received_at  INTEGER NOT NULL,
    trace        TEXT CHECK (length(trace) = 32),   -- W3C trace id, the sender's or ours
    CHECK ((duplicate_of IS NOT NULL) = (state = 'suppressed' OR state = 'released')),
    CHECK ((state = 'rejected') = (reason IS NOT NULL)),
    CHECK (answer_state = 'stored' OR answer IS NULL)
) STRICT;

-- Raw events of one person, so that deleting them needs no scan; messages are found by message.
CREATE INDEX inbox_events_of_follower ON inbox (remote, openid)
    WHERE body IS NOT NULL AND openid IS NOT NULL AND substr(kind, 1, 6) = 'event:';
CREATE INDEX inbox_duplicates ON inbox (id) WHERE duplicate_of IS NOT NULL;
CREATE INDEX inbox_duplicates_of_follower ON inbox (remote, openid) WHERE duplicate_of IS NOT NULL;
CREATE INDEX inbox_rejected ON inbox (id) WHERE state = 'rejected';

-- What has been seen, small and pruned. Keys start with a growing number, so inserts append.
CREATE TABLE dedupe (
    key      TEXT NOT NULL,                     -- m:<MsgId>, e:<CreateTime>:<digest>, b:<event id>, r:<sma_id>
    remote   TEXT NOT NULL,
    sender   TEXT NOT NULL,                     -- OpenID; empty for C4C
    inbox_id INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL,
    PRIMARY KEY (key, remote, sender)
) STRICT, WITHOUT ROWID;

-- Every message both ways, passive replies and notices too. Events are not messages.
CREATE TABLE message (
    id          INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,
    openid      TEXT NOT NULL,
    direction   TEXT NOT NULL CHECK (direction = 'in' OR direction = 'out'),
    kind        TEXT NOT NULL,                  -- text, image, location …, news, template
    purpose     TEXT,                           -- of an outgoing one: welcome, customer_created …
    msg_id      TEXT,                           -- WeChat's MsgId
    text        TEXT,
    state       TEXT NOT NULL CHECK (
        state = 'received' OR state = 'answered' OR state = 'queued' OR
        state = 'sent' OR state = 'held' OR state = 'uncertain' OR
        state = 'failed' OR state = 'cancelled'),
    inbox_id    INTEGER,                        -- the push that brought it or that it answers
    outbox_id   INTEGER,                        -- the effect that delivers it
    created_at  INTEGER NOT NULL,               -- the sender's clock
    recorded_at INTEGER NOT NULL,
    settled_at  INTEGER,                        -- when its delivery reached its present state
    CHECK ((direction = 'in') = (state = 'received')),
    CHECK ((direction = 'in') = (purpose IS NULL)),
    CHECK (direction = 'out' OR outbox_id IS NULL)
) STRICT;
-- By buckets of 1,024 messages, so that new rows fall into a small, recent part of the index however
-- many messages there are. A follower's messages are found bucket by bucket: see v_conversation.
CREATE INDEX message_of_follower ON message (id >> 10, openid, account);

-- Every effect that must happen outside the database. docs/DESIGN.md explains lanes and heads.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY,
    lane            TEXT NOT NULL,              -- strict order within one, side by side otherwise
    effect          TEXT NOT NULL,
    remote          TEXT NOT NULL,              -- whose gate and call slots it needs
    payload         TEXT NOT NULL CHECK (json_valid(payload)),
    state           TEXT NOT NULL CHECK (
        state = 'ready' OR state = 'running' OR state = 'held' OR state = 'done' OR
        state = 'dead' OR state = 'cancelled'),
    head            INTEGER NOT NULL CHECK (head = 0 OR head = 1),   -- it may run: first of its lane
    uncertain       INTEGER NOT NULL DEFAULT 0 CHECK (uncertain = 0 OR uncertain = 1),
    priority        INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2),  -- live, normal, bulk
    attempts        INTEGER NOT NULL DEFAULT 0, -- counted tries
    tries           INTEGER NOT NULL DEFAULT 0, -- all tries, also those that a pause forgave
    next_attempt_at INTEGER NOT NULL,
    expires_at      INTEGER,
    lease_until     INTEGER,
    held_reason     TEXT,
    last_verdict    TEXT CHECK (
        last_verdict = 'transient' OR last_verdict = 'throttled' OR
        last_verdict = 'auth' OR last_verdict = 'window' OR
        last_verdict = 'permanent' OR last_verdict = 'uncertain'),
    last_error      TEXT,
    note            TEXT,                       -- how a done one ended, when that needs a word
    inbox_id        INTEGER,                    -- the fact it follows from
    message_id      INTEGER,                    -- the message it delivers
    created_at      INTEGER NOT NULL,
    trace           TEXT CHECK (length(trace) = 32),   -- of what it follows from
    started_at      INTEGER,
    finished_at     INTEGER,
    CHECK (head = 0 OR state = 'ready' OR state = 'running'),
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state = 'held') = (held_reason IS NOT NULL)),
    CHECK ((state = 'done' OR state = 'dead' OR state = 'cancelled') = (finished_at IS NOT NULL))
) STRICT;
-- What waits or runs in a lane, oldest first. A claim changes none of its entries.
-- (SQLite uses a partial index only where a query repeats its condition, hence the OR.)
CREATE INDEX outbox_lane ON outbox (lane) WHERE state = 'ready' OR state = 'running';
-- What is due at a remote; the few that run are among them.
CREATE INDEX outbox_due ON outbox (remote, priority, next_attempt_at) WHERE head = 1;
-- The oldest due head of each effect, for the metrics.
CREATE INDEX outbox_due_of_effect ON outbox (effect, next_attempt_at) WHERE head = 1;
CREATE INDEX outbox_running ON outbox (lane) WHERE state = 'running';
-- The reason is for counting what is held without looking at its rows.
CREATE INDEX outbox_held ON outbox (lane, id, held_reason) WHERE state = 'held';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
CREATE INDEX outbox_expiring ON outbox (expires_at)
    WHERE expires_at IS NOT NULL AND (state = 'ready' OR state = 'held');

-- Every attempt of every effect, append-only.
CREATE TABLE attempt (
    outbox_id   INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (
        outcome = 'done' OR outcome = 'failed' OR outcome = 'held' OR
        outcome = 'cancelled'),
    counted     INTEGER NOT NULL CHECK (counted = 0 OR counted = 1),
    verdict     TEXT CHECK (
        verdict = 'transient' OR verdict = 'throttled' OR verdict = 'auth' OR
        verdict = 'window' OR verdict = 'permanent' OR verdict = 'uncertain'),
    error       TEXT,
    PRIMARY KEY (outbox_id, number),
    CHECK ((outcome = 'failed') = (verdict IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- Who is who: an OpenID of an account and the customer it stands for.
CREATE TABLE mapping (
    account     TEXT NOT NULL,
    openid      TEXT NOT NULL,
    unionid     TEXT,
    tenant      TEXT NOT NULL,
    object_id   TEXT,                           -- not unique: one person may follow two accounts
    customer_id TEXT,
    state       TEXT NOT NULL CHECK (
        state = 'pending' OR state = 'linked' OR state = 'conflict' OR
        state = 'unfollowed' OR state = 'obsolete'),
    reason      TEXT,
    scene       TEXT,                           -- of the QR code they came by
    name        TEXT,                           -- by which the customer was named last
    followed_at INTEGER,                        -- CreateTime of the last follow or unfollow
    created_at  INTEGER NOT NULL,
    linked_at   INTEGER,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (account, openid),
    CHECK (state <> 'linked' OR (object_id IS NOT NULL AND customer_id IS NOT NULL)),
    CHECK ((object_id IS NULL) = (customer_id IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX mapping_of_object ON mapping (tenant, object_id) WHERE object_id IS NOT NULL;
CREATE INDEX mapping_unlinked ON mapping (account, openid) WHERE state = 'pending';

-- The access_token of each account.
CREATE TABLE account_token (
    account    TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind = 'access_token' OR kind = 'jsapi_ticket'),
    value      TEXT NOT NULL,
    fetched_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account, kind)
) STRICT, WITHOUT ROWID;

-- What a follower's own acts allow us to send (wechat.md 4.1): a grant per trigger.
CREATE TABLE send_window (
    account     TEXT NOT NULL,
    openid      TEXT NOT NULL,
    "trigger"   TEXT NOT NULL CHECK (
        "trigger" = 'message' OR "trigger" = 'menu' OR "trigger" = 'follow' OR
        "trigger" = 'scan'),
    granted_at  INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    allowed     INTEGER NOT NULL CHECK (allowed > 0),
    used        INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
    PRIMARY KEY (account, openid, "trigger")
) STRICT, WITHOUT ROWID;

-- The last known state of a customer over the watched fields: the baseline of change notices.
CREATE TABLE customer_snapshot (
    tenant     TEXT NOT NULL,
    object_id  TEXT NOT NULL,
    fields     TEXT NOT NULL CHECK (json_valid(fields)),
    etag       TEXT,
    changed_at INTEGER,                         -- EntityLastChangedOn; never a change by itself
    read_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant, object_id)
) STRICT, WITHOUT ROWID;

-- Every run of every scheduled job.
CREATE TABLE job_run (
    id          INTEGER PRIMARY KEY,
    job         TEXT NOT NULL,
    started_by  TEXT NOT NULL CHECK (started_by = 'schedule' OR started_by = 'operator'),
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT NOT NULL CHECK (
        outcome = 'running' OR outcome = 'done' OR outcome = 'failed' OR
        outcome = 'interrupted'),
    detail      TEXT,
    resume      TEXT CHECK (resume IS NULL OR json_valid(resume)),   -- where to go on after a crash
    CHECK ((outcome = 'running') = (finished_at IS NULL))
) STRICT;
CREATE INDEX job_run_of_job ON job_run (job, id);

-- What reconciliation found.
CREATE TABLE finding (
    id         INTEGER PRIMARY KEY,
    job_run_id INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    account    TEXT,
    tenant     TEXT,
    openid     TEXT,
    object_id  TEXT,
    detail     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (
        state = 'found' OR state = 'repairing' OR state = 'for_person'),
    found_at   INTEGER NOT NULL,
    repair     TEXT CHECK (repair IS NULL OR json_valid(repair)),   -- what would put it right
    CHECK (state <> 'repairing' OR repair IS NOT NULL),
    CHECK (state <> 'for_person' OR repair IS NULL)
) STRICT;
CREATE INDEX finding_of_run ON finding (job_run_id, id);

-- The followers that the running reconciliation has seen; emptied when it ends.
CREATE TABLE reconcile_seen (
    account TEXT NOT NULL,
    openid  TEXT NOT NULL,
    seen_at INTEGER NOT NULL,                   -- when WeChat was asked
    moved   INTEGER NOT NULL DEFAULT 0 CHECK (moved = 0 OR moved = 1),   -- had another OpenID before
    PRIMARY KEY (account, openid)
) STRICT, WITHOUT ROWID;

-- Every act of an operator that changes something. AUTOINCREMENT, so that SQLite remembers the highest
-- id: rows that are gone from the end are missed.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    who    TEXT NOT NULL,
    act    TEXT NOT NULL,
    target TEXT NOT NULL,                       -- an id or a name; of a person only their pseudonym
    before TEXT,                                -- states, ids and counts, never contents
    after  TEXT,
    hash   TEXT NOT NULL CHECK (length(hash) = 64)   -- over the row before it and this one
) STRICT;

-- No id is given twice, not even that of a newest row which was deleted: other rows may still speak of it.
CREATE TABLE last_id (
    name TEXT PRIMARY KEY CHECK (name = 'inbox' OR name = 'message' OR name = 'outbox'),
    id   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER inbox_last_id AFTER DELETE ON inbox
WHEN old.id > (SELECT coalesce(max(id), 0) FROM inbox) BEGIN
    INSERT INTO last_id (name, id) VALUES ('inbox', old.id)
    ON CONFLICT (name) DO UPDATE SET id = max(id, excluded.id);
END;
CREATE TRIGGER message_last_id AFTER DELETE ON message
WHEN old.id > (SELECT coalesce(max(id), 0) FROM message) BEGIN
    INSERT INTO last_id (name, id) VALUES ('message', old.id)
    ON CONFLICT (name) DO UPDATE SET id = max(id, excluded.id);
END;
CREATE TRIGGER outbox_last_id AFTER DELETE ON outbox
WHEN old.id > (SELECT coalesce(max(id), 0) FROM outbox) BEGIN
    INSERT INTO last_id (name, id) VALUES ('outbox', old.id)
    ON CONFLICT (name) DO UPDATE SET id = max(id, excluded.id);
END;

CREATE VIEW v_mapping AS
SELECT account, openid, unionid, tenant, customer_id, object_id, state, reason, scene,
       strftime('%Y-%m-%dT%H:%M:%fZ', followed_at / 1e6, 'unixepoch') AS followed_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', linked_at / 1e6, 'unixepoch')   AS linked_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', updated_at / 1e6, 'unixepoch')  AS updated_at
FROM mapping;

-- What was said, quick for one follower: it looks into each bucket of message_of_follower.
CREATE VIEW v_conversation AS
WITH RECURSIVE bucket(number) AS (
    SELECT (SELECT max(id) FROM message) >> 10
    UNION ALL SELECT number - 1 FROM bucket WHERE number > 0)
SELECT m.id, m.account, m.openid, p.customer_id, m.direction, m.kind, m.purpose, m.text, m.state,
       o.last_error,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.created_at / 1e6, 'unixepoch')  AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.recorded_at / 1e6, 'unixepoch') AS recorded_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.settled_at / 1e6, 'unixepoch')  AS settled_at
FROM bucket CROSS JOIN message m ON m.id >> 10 = bucket.number
LEFT JOIN mapping p ON p.account = m.account AND p.openid = m.openid
LEFT JOIN outbox o ON o.id = m.outbox_id;

-- The same of everybody, quick for the newest: it walks along the ids.
CREATE VIEW v_message AS
SELECT m.id, m.account, m.openid, p.customer_id, m.direction, m.kind, m.purpose, m.text, m.state,
       o.last_error,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.created_at / 1e6, 'unixepoch')  AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.recorded_at / 1e6, 'unixepoch') AS recorded_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.settled_at / 1e6, 'unixepoch')  AS settled_at
FROM message m
LEFT JOIN mapping p ON p.account = m.account AND p.openid = m.openid
LEFT JOIN outbox o ON o.id = m.outbox_id;

CREATE VIEW v_outbox AS
SELECT id, lane, effect, remote, state, head, uncertain,
       CASE priority WHEN 0 THEN 'live' WHEN 1 THEN 'normal' ELSE 'bulk' END AS priority,
       attempts, tries, held_reason, last_verdict, last_error, note, inbox_id, message_id, trace,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1e6, 'unixepoch')      AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', next_attempt_at / 1e6, 'unixepoch') AS next_attempt_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1e6, 'unixepoch')      AS expires_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', finished_at / 1e6, 'unixepoch')     AS finished_at
FROM outbox;

CREATE VIEW v_dead_letter AS
SELECT id, lane, effect, remote, attempts, last_verdict, last_error,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1e6, 'unixepoch')  AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', finished_at / 1e6, 'unixepoch') AS died_at
FROM outbox WHERE state = 'dead';

CREATE VIEW v_duplicate AS
SELECT d.id, d.duplicate_of, d.remote AS account, d.openid, d.kind, d.state,
       strftime('%Y-%m-%dT%H:%M:%fZ', f.received_at / 1e6, 'unixepoch') AS first_received_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.received_at / 1e6, 'unixepoch') AS received_at
FROM inbox d LEFT JOIN inbox f ON f.id = d.duplicate_of
WHERE d.duplicate_of IS NOT NULL;
