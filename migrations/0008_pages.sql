-- Pages inside WeChat: who is on their way to log in, who has, and what they consented to.

-- People on their way through WeChat's authorization. At most 10,000: the oldest go first.
CREATE TABLE oauth_state (
    id         INTEGER PRIMARY KEY,
    digest     TEXT NOT NULL CHECK (length(digest) = 64),    -- SHA-256 of the state, which stands nowhere
    browser    TEXT NOT NULL CHECK (length(browser) = 64),   -- SHA-256 of the browser's cookie
    account    TEXT NOT NULL,
    target     TEXT NOT NULL,                   -- the path below /app/ to which they want
    scope      TEXT NOT NULL CHECK (scope = 'snsapi_base' OR scope = 'snsapi_userinfo'),
    asked      TEXT NOT NULL CHECK (asked = 'snsapi_base' OR asked = 'snsapi_userinfo'),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER                          -- when somebody was logged in with it
) STRICT;
CREATE UNIQUE INDEX oauth_state_of ON oauth_state (digest);
CREATE INDEX oauth_state_expiring ON oauth_state (expires_at);

-- Browsers that know their follower.
CREATE TABLE session (
    token      TEXT PRIMARY KEY CHECK (length(token) = 64),   -- SHA-256 of the cookie
    account    TEXT NOT NULL,
    openid     TEXT NOT NULL,
    asked      TEXT NOT NULL CHECK (asked = 'snsapi_base' OR asked = 'snsapi_userinfo'),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_follower ON session (account, openid, created_at);
CREATE INDEX session_expiring ON session (expires_at);

-- What followers consented to tell of themselves, and what was told. Withdrawn, nothing of it is left
-- but when.
CREATE TABLE consent (
    account       TEXT NOT NULL,
    openid        TEXT NOT NULL,
    scope         TEXT NOT NULL CHECK (scope = 'snsapi_userinfo'),   -- nickname and avatar
    name          TEXT,
    avatar        TEXT,                         -- the address of the picture
    refresh_token TEXT,                         -- WeChat's, to read both again
    given_at      INTEGER NOT NULL,
    read_at       INTEGER,                      -- when name and avatar were told last
    withdrawn_at  INTEGER,
    PRIMARY KEY (account, openid),
    CHECK (withdrawn_at IS NULL OR (name IS NULL AND avatar IS NULL AND refresh_token IS NULL))
) STRICT, WITHOUT ROWID;

-- Changes that followers asked for and that were given up, by the lane of their customer.
CREATE INDEX outbox_dead_change ON outbox (lane)
    WHERE state = 'dead' AND effect = 'customer.change';

CREATE VIEW v_session AS
SELECT account, openid, asked,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1e6, 'unixepoch') AS expires_at
FROM session;

CREATE VIEW v_consent AS
SELECT account, openid, scope, 'nickname and avatar' AS what, name, avatar,
       strftime('%Y-%m-%dT%H:%M:%fZ', given_at / 1e6, 'unixepoch')     AS given_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', read_at / 1e6, 'unixepoch')      AS read_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', withdrawn_at / 1e6, 'unixepoch') AS withdrawn_at
FROM consent;
