-- Conversations, and what C4C knows of them. A conversation is a stretch of talk with one follower:
-- it has the follower's messages from its first one on, up to the first one of the next.
CREATE TABLE conversation (
    id               INTEGER PRIMARY KEY,
    account          TEXT NOT NULL,
    openid           TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state = 'open' OR state = 'ended'),
    end_reason       TEXT CHECK (
        end_reason = 'idle' OR end_reason = 'agent' OR end_reason = 'keyword' OR
        end_reason = 'unfollow' OR end_reason = 'length'),
    first_message_id INTEGER NOT NULL,
    last_message_id  INTEGER NOT NULL,          -- the follower's last one
    messages         INTEGER NOT NULL,          -- said by the follower
    previous_id      INTEGER,                   -- the conversation that it goes on with
    opened_at        INTEGER NOT NULL,
    last_at          INTEGER NOT NULL,          -- when something was said last, by whomever
    ended_at         INTEGER,
    root_object_id   TEXT,                      -- the social media activity that the others follow
    ticket_object_id TEXT,
    ticket_id        TEXT,                      -- its number, as agents know it
    agent            TEXT,                      -- the employee whom the follower asked for by a QR code
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((state = 'ended') = (end_reason IS NOT NULL)),
    CHECK (last_message_id >= first_message_id)
) STRICT;
CREATE UNIQUE INDEX conversation_open ON conversation (account, openid) WHERE state = 'open';
CREATE UNIQUE INDEX conversation_of_follower ON conversation (account, openid, first_message_id);
CREATE INDEX conversation_idle ON conversation (account, last_at) WHERE state = 'open';
CREATE INDEX conversation_of_root ON conversation (root_object_id)
    WHERE root_object_id IS NOT NULL;
CREATE INDEX conversation_of_ticket ON conversation (ticket_object_id)
    WHERE ticket_object_id IS NOT NULL;
CREATE INDEX conversation_of_ticket_id ON conversation (ticket_id) WHERE ticket_id IS NOT NULL;

-- What happened to a conversation besides its messages: kf sessions of WeChat's own seats.
CREATE TABLE conversation_event (
    id       INTEGER PRIMARY KEY,
    account  TEXT NOT NULL,
    openid   TEXT NOT NULL,
    kind     TEXT NOT NULL CHECK (kind = 'accepted' OR kind = 'transferred' OR kind = 'closed'),
    detail   TEXT,                              -- the seats, for example from -> to
    at       INTEGER NOT NULL,
    inbox_id INTEGER
) STRICT;
CREATE INDEX conversation_event_of_follower ON conversation_event (account, openid, id);

-- Social media profiles of followers in C4C.
CREATE TABLE profile (
    account   TEXT NOT NULL,
    openid    TEXT NOT NULL,
    object_id TEXT NOT NULL,
    made_at   INTEGER NOT NULL,
    PRIMARY KEY (account, openid)
) STRICT, WITHOUT ROWID;

-- What stands in C4C for what was said: one row a message, and one a note of Qiao's own.
CREATE TABLE activity (
    id          INTEGER PRIMARY KEY,
    tenant      TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind = 'activity' OR kind = 'note'),
    object_id   TEXT,                           -- its own key in C4C; the reply form does not tell it
    number      TEXT,                           -- an activity's ID, as the reply form names it
    direction   TEXT NOT NULL CHECK (direction = 'in' OR direction = 'out'),
    message_id  INTEGER,                        -- the first that carries it; NULL: about a delivery
    recorded_at INTEGER NOT NULL,
    CHECK (object_id IS NOT NULL OR number IS NOT NULL)
) STRICT;
CREATE INDEX activity_of_message ON activity (message_id) WHERE message_id IS NOT NULL;
CREATE UNIQUE INDEX activity_of_object ON activity (tenant, object_id) WHERE object_id IS NOT NULL;
CREATE UNIQUE INDEX activity_of_number ON activity (tenant, number) WHERE number IS NOT NULL;

-- Pictures, voices, videos and files, both ways. The bytes lie under data/media by their SHA-256.
CREATE TABLE media (
    id         INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL,
    kind       TEXT NOT NULL,                   -- image, voice, video, thumb, file, link
    media_id   TEXT,                            -- WeChat's, of an incoming one
    object_id  TEXT,                            -- C4C's key of an agent's attachment
    state      TEXT NOT NULL CHECK (state = 'wanted' OR state = 'stored' OR state = 'missing'),
    sha256     TEXT CHECK (length(sha256) = 64),
    bytes      INTEGER,
    mime       TEXT,                            -- sniffed
    name       TEXT,
    reason     TEXT,                            -- why it is missing
    settled_at INTEGER,                         -- when it was stored or given up
    CHECK ((state = 'stored') = (sha256 IS NOT NULL AND bytes IS NOT NULL AND mime IS NOT NULL)),
    CHECK ((state = 'missing') = (reason IS NOT NULL)),
    CHECK ((state = 'wanted') = (settled_at IS NULL))
) STRICT;
CREATE INDEX media_of_message ON media (message_id);
CREATE INDEX media_of_content ON media (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX media_of_attachment ON media (object_id) WHERE object_id IS NOT NULL;

CREATE VIEW v_open_conversation AS
SELECT c.id, c.account, c.openid, p.customer_id, c.messages, c.ticket_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.opened_at / 1e6, 'unixepoch') AS opened_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.last_at / 1e6, 'unixepoch')   AS last_at
FROM conversation c
LEFT JOIN mapping p ON p.account = c.account AND p.openid = c.openid
WHERE c.state = 'open';
