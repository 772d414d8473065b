-- Backups that were made, as long as their files are known to be there and afterwards.
CREATE TABLE backup (
    id            INTEGER PRIMARY KEY,
    path          TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind = 'scheduled' OR kind = 'asked'),
    created_at    INTEGER NOT NULL,             -- before its copy was begun: it holds all that was deleted later
    bytes         INTEGER NOT NULL CHECK (bytes > 0),
    sha256        TEXT NOT NULL CHECK (length(sha256) = 64),   -- of the whole file
    missing_media INTEGER NOT NULL CHECK (missing_media >= 0),
    deleted_at    INTEGER,                      -- when rotation deleted it, or it was found to be gone
    drilled_at    INTEGER,                      -- when it was last restored on trial
    drill_outcome TEXT CHECK (drill_outcome = 'sound' OR drill_outcome = 'damaged'),
    drill_detail  TEXT,
    CHECK ((drilled_at IS NULL) = (drill_outcome IS NULL)),
    CHECK ((drilled_at IS NULL) = (drill_detail IS NULL))
) STRICT;
CREATE INDEX backup_standing ON backup (created_at) WHERE deleted_at IS NULL;
CREATE INDEX backup_sound ON backup (drilled_at) WHERE drill_outcome = 'sound';

CREATE VIEW v_backup AS
SELECT id, path, kind, bytes, sha256, missing_media, drill_outcome, drill_detail,
       CASE WHEN deleted_at IS NULL THEN 'standing' ELSE 'deleted' END AS state,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1e6, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', deleted_at / 1e6, 'unixepoch') AS deleted_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', drilled_at / 1e6, 'unixepoch') AS drilled_at
FROM backup;
