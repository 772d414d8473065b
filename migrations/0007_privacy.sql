-- Persons: their pseudonyms in the audit, and how they are erased.

-- The salt that turns a person into their pseudonym. Erasing them deletes it; then nobody can tell any
-- more whose pseudonym stands in the audit.
CREATE TABLE pseudonym (
    account TEXT NOT NULL,
    openid  TEXT NOT NULL,
    salt    BLOB NOT NULL CHECK (length(salt) = 32),
    PRIMARY KEY (account, openid)
) STRICT, WITHOUT ROWID;

-- Every erasure of a person, from its order to its certificate.
CREATE TABLE erasure (
    id                INTEGER PRIMARY KEY,
    account           TEXT NOT NULL,
    openid            TEXT,                     -- NULL once they are erased
    cause             TEXT NOT NULL CHECK (cause = 'operator' OR cause = 'unfollow'),
    state             TEXT NOT NULL CHECK (
        state = 'waiting' OR state = 'erasing' OR state = 'erased' OR state = 'done'),
    obsolete_customer INTEGER NOT NULL CHECK (obsolete_customer = 0 OR obsolete_customer = 1),
    not_before        INTEGER NOT NULL,
    requested_at      INTEGER NOT NULL,
    begun_at          INTEGER,
    finished_at       INTEGER,
    first_seen_at     INTEGER,                  -- copies made before then do not hold them
    inbox_cut         INTEGER,                  -- the highest ids at the beginning: what comes
    message_cut       INTEGER,                  -- later is of a new person
    outbox_cut        INTEGER,
    keys              TEXT CHECK (keys IS NULL OR json_valid(keys)),   -- by what they are found
    pseudonym         TEXT,
    counts            TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(counts)),   -- rows by table
    certificate       TEXT CHECK (certificate IS NULL OR json_valid(certificate)),
    sha256            TEXT CHECK (length(sha256) = 64),   -- of the certificate
    CHECK ((openid IS NULL) = (state = 'erased' OR state = 'done')),
    CHECK ((keys IS NOT NULL) = (state = 'erasing')),
    CHECK ((begun_at IS NULL) = (state = 'waiting')),
    CHECK ((begun_at IS NULL) = (outbox_cut IS NULL)),
    CHECK ((certificate IS NOT NULL) = (state = 'done')),
    CHECK ((certificate IS NULL) = (sha256 IS NULL))
) STRICT;
CREATE UNIQUE INDEX erasure_of_person ON erasure (account, openid) WHERE openid IS NOT NULL;
CREATE INDEX erasure_unfinished ON erasure (not_before, id)
    WHERE state = 'waiting' OR state = 'erasing' OR state = 'erased';

CREATE VIEW v_audit AS
SELECT id, who, act, target, before, after,
       strftime('%Y-%m-%dT%H:%M:%fZ', at / 1e6, 'unixepoch') AS at
FROM audit;

CREATE VIEW v_erasure AS
SELECT id, account, cause, state, obsolete_customer, pseudonym, counts, sha256,
       strftime('%Y-%m-%dT%H:%M:%fZ', not_before / 1e6, 'unixepoch')   AS not_before,
       strftime('%Y-%m-%dT%H:%M:%fZ', requested_at / 1e6, 'unixepoch') AS requested_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', begun_at / 1e6, 'unixepoch')     AS begun_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', finished_at / 1e6, 'unixepoch')  AS finished_at
FROM erasure;
