-- Where followers are, as far as they said so or let WeChat tell.

-- What was sent stands in the columns of its system, `given`; the other system is computed from it, since
-- SQLite need not know sines. The raw push has what was sent to the letter.
CREATE TABLE location (
    id              INTEGER PRIMARY KEY,
    account         TEXT NOT NULL,
    openid          TEXT NOT NULL,
    source          TEXT NOT NULL CHECK (source = 'message' OR source = 'event'),
    given           TEXT NOT NULL CHECK (given = 'gcj02' OR given = 'wgs84'),
    gcj02_latitude  REAL NOT NULL CHECK (gcj02_latitude BETWEEN -90 AND 90),
    gcj02_longitude REAL NOT NULL CHECK (gcj02_longitude BETWEEN -180 AND 180),
    wgs84_latitude  REAL NOT NULL CHECK (wgs84_latitude BETWEEN -90 AND 90),
    wgs84_longitude REAL NOT NULL CHECK (wgs84_longitude BETWEEN -180 AND 180),
    accuracy        REAL CHECK (accuracy >= 0),   -- metres; of an event
    label           TEXT,                         -- of a message
    message_id      INTEGER,                      -- the message that it is
    inbox_id        INTEGER,                      -- the push that brought it
    at              INTEGER NOT NULL,             -- the sender's clock
    recorded_at     INTEGER NOT NULL,
    CHECK ((source = 'message') = (message_id IS NOT NULL)),
    CHECK (source = 'message' OR label IS NULL)
) STRICT;
CREATE INDEX location_of_follower ON location (account, openid, source, at);
CREATE UNIQUE INDEX location_of_message ON location (message_id) WHERE message_id IS NOT NULL;

CREATE VIEW v_location AS
SELECT l.id, l.account, l.openid, m.customer_id, l.source, l.given,
       round(l.gcj02_latitude, 6)  AS gcj02_latitude,
       round(l.gcj02_longitude, 6) AS gcj02_longitude,
       round(l.wgs84_latitude, 6)  AS wgs84_latitude,
       round(l.wgs84_longitude, 6) AS wgs84_longitude,
       l.accuracy, l.label, l.message_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.at / 1e6, 'unixepoch')          AS at,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.recorded_at / 1e6, 'unixepoch') AS recorded_at
FROM location l LEFT JOIN mapping m ON m.account = l.account AND m.openid = l.openid;
