-- Since when this installation knows each job. One that never ran counts its schedule from there:
-- without it a nightly job would have no first night, or forget it when the daemon was down.
CREATE TABLE job (
    name        TEXT NOT NULL PRIMARY KEY,
    known_since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
