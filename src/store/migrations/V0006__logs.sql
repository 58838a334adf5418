-- Logs as they are written: groups have a number, by which all their events are read in order of
-- time, and a stream that was deleted has no group until its events are gone. Nothing was written to
-- the tables before.

DROP TABLE log_event;
DROP TABLE log_stream;
DROP TABLE log_group;

CREATE TABLE log_group (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT    NOT NULL UNIQUE,
    created_at     INTEGER NOT NULL,
    -- NULL keeps events for good.
    retention_days INTEGER
) STRICT;

CREATE TABLE log_stream (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id   INTEGER REFERENCES log_group (id) ON DELETE SET NULL,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    -- Of the events that are there.
    events     INTEGER NOT NULL DEFAULT 0,
    bytes      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (group_id, name)
) STRICT;

CREATE TABLE log_event (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id    INTEGER NOT NULL,
    stream_id   INTEGER NOT NULL REFERENCES log_stream (id),
    at          INTEGER NOT NULL,
    ingested_at INTEGER NOT NULL,
    message     TEXT    NOT NULL
) STRICT;

CREATE INDEX log_event_of_group ON log_event (group_id, at, seq);
CREATE INDEX log_event_of_stream ON log_event (stream_id, at, seq);

-- What the connection log says of an attempt.
ALTER TABLE attempt ADD COLUMN attempt_id TEXT;
ALTER TABLE attempt ADD COLUMN client_version TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN platform TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN failure TEXT NOT NULL DEFAULT 'client-connect-failed';
