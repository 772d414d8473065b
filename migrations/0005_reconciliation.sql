-- What reconciliation needs beyond 0001: what both platforms hold is put side by side in tables, because
-- memory must not grow with the number of followers.

-- The customers that the running reconciliation has seen, as far as they carry a WeChat ID or somebody is
-- mapped to them; emptied when it ends.
CREATE TABLE reconcile_customer (
    tenant    TEXT NOT NULL,
    object_id TEXT NOT NULL,
    wechat_id TEXT,
    active    INTEGER CHECK (active = 0 OR active = 1),   -- NULL: only its WeChat ID has been seen
    PRIMARY KEY (tenant, object_id)
) STRICT, WITHOUT ROWID;
-- With `active` it covers what is asked, so SQLite prefers it to the primary key.
CREATE INDEX reconcile_customer_of_wechat_id ON reconcile_customer (tenant, wechat_id, active);

-- Calls of which a platform allows so many a day, as WeChat counts days.
CREATE TABLE call_count (
    account TEXT NOT NULL,
    call    TEXT NOT NULL,
    day     TEXT NOT NULL,                      -- in Beijing
    calls   INTEGER NOT NULL CHECK (calls > 0),
    PRIMARY KEY (account, call)
) STRICT, WITHOUT ROWID;

-- One person who follows several accounts.
CREATE INDEX mapping_of_unionid ON mapping (tenant, unionid) WHERE unionid IS NOT NULL;

CREATE VIEW v_finding AS
SELECT f.id, f.job_run_id, f.kind, f.account, f.tenant, f.openid, f.object_id, f.state, f.detail,
       strftime('%Y-%m-%dT%H:%M:%fZ', f.found_at / 1e6, 'unixepoch') AS found_at
FROM finding f;
