-- QR codes with a scene of our own (wechat.md 7), and who scanned them.
CREATE TABLE qr_code (
    id           INTEGER PRIMARY KEY,
    account      TEXT NOT NULL,
    scene        TEXT NOT NULL CHECK (length(scene) BETWEEN 1 AND 64),
    is_number    INTEGER NOT NULL CHECK (is_number = 0 OR is_number = 1),   -- WeChat knows the scene as a number
    purpose      TEXT NOT NULL CHECK (purpose = 'campaign' OR purpose = 'bind' OR purpose = 'agent'),
    target       TEXT NOT NULL,                 -- the campaign, the CustomerID, or the agent's employee ID
    tenant       TEXT,                          -- of the customer
    object_id    TEXT,                          -- the customer's key in C4C
    single_use   INTEGER NOT NULL CHECK (single_use = 0 OR single_use = 1),   -- binds one follower only
    lifetime     INTEGER CHECK (lifetime BETWEEN 1 AND 2592000),   -- seconds; NULL: permanent
    state        TEXT NOT NULL CHECK (state = 'wanted' OR state = 'ready' OR state = 'failed'),
    reason       TEXT,                          -- why it failed
    ticket       TEXT,                          -- WeChat's, of the picture
    url          TEXT,                          -- what the picture says
    created_at   INTEGER NOT NULL,
    made_at      INTEGER,                       -- when WeChat made it
    expires_at   INTEGER,
    used_at      INTEGER,                       -- when it bound somebody
    scans        INTEGER NOT NULL DEFAULT 0 CHECK (scans >= 0),
    follows      INTEGER NOT NULL DEFAULT 0 CHECK (follows BETWEEN 0 AND scans),   -- scans that began with a follow
    last_scan_at INTEGER,
    UNIQUE (account, scene),
    CHECK ((purpose = 'bind') = (object_id IS NOT NULL)),
    CHECK ((object_id IS NULL) = (tenant IS NULL)),
    CHECK (purpose = 'bind' OR (single_use = 0 AND used_at IS NULL)),
    CHECK ((state = 'failed') = (reason IS NOT NULL)),
    CHECK ((state = 'ready') = (ticket IS NOT NULL AND url IS NOT NULL AND made_at IS NOT NULL)),
    CHECK (expires_at IS NULL OR lifetime IS NOT NULL)
) STRICT;
CREATE INDEX qr_code_permanent ON qr_code (account) WHERE lifetime IS NULL;
CREATE INDEX qr_code_of_object ON qr_code (object_id) WHERE object_id IS NOT NULL;

-- Every scan of a code that we made, one row a push.
CREATE TABLE qr_scan (
    id       INTEGER PRIMARY KEY,
    code_id  INTEGER NOT NULL,                  -- qr_code.id
    account  TEXT NOT NULL,
    openid   TEXT NOT NULL,
    follow   INTEGER NOT NULL CHECK (follow = 0 OR follow = 1),   -- it made a follower of them
    outcome  TEXT NOT NULL CHECK (
        outcome = 'counted' OR outcome = 'binding' OR outcome = 'bound' OR outcome = 'used' OR
        outcome = 'expired' OR outcome = 'conflict' OR outcome = 'invited'),
    at       INTEGER NOT NULL,                  -- WeChat's clock
    inbox_id INTEGER
) STRICT;
CREATE INDEX qr_scan_of_code ON qr_scan (code_id, id);
CREATE INDEX qr_scan_of_follower ON qr_scan (openid, account);

-- Who asked for an agent by their code: the next conversation takes it up.
CREATE TABLE invitation (
    account TEXT NOT NULL,
    openid  TEXT NOT NULL,
    agent   TEXT NOT NULL,                      -- employee ID in C4C
    at      INTEGER NOT NULL,                   -- of the scan
    PRIMARY KEY (account, openid)
) STRICT, WITHOUT ROWID;

CREATE VIEW v_qr_code AS
SELECT id, account, scene, purpose, target, state, reason, single_use, scans, follows, url,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1e6, 'unixepoch')   AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1e6, 'unixepoch')   AS expires_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', used_at / 1e6, 'unixepoch')      AS used_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', last_scan_at / 1e6, 'unixepoch') AS last_scan_at
FROM qr_code;

CREATE VIEW v_qr_scan AS
SELECT s.id, s.account, s.openid, p.customer_id, c.scene, c.purpose, c.target, s.follow, s.outcome,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.at / 1e6, 'unixepoch') AS at
FROM qr_scan s
JOIN qr_code c ON c.id = s.code_id
LEFT JOIN mapping p ON p.account = s.account AND p.openid = s.openid;
