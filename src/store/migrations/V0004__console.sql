-- Logs, lists of revoked certificates, clients that are kept out, and what events changed.

CREATE TABLE log_group (
    name           TEXT    PRIMARY KEY,
    created_at     INTEGER NOT NULL,
    -- NULL keeps events for good.
    retention_days INTEGER
) STRICT;

CREATE TABLE log_stream (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    group_name TEXT    NOT NULL REFERENCES log_group (name) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (group_name, name)
) STRICT;

CREATE TABLE log_event (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    stream_id   INTEGER NOT NULL REFERENCES log_stream (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    ingested_at INTEGER NOT NULL,
    message     TEXT    NOT NULL
) STRICT;

CREATE INDEX log_event_by_time ON log_event (stream_id, at, seq);

-- A group that an endpoint writes to cannot go.
ALTER TABLE endpoint ADD COLUMN log_group TEXT REFERENCES log_group (name);
ALTER TABLE endpoint ADD COLUMN log_stream TEXT
    CHECK ((log_stream IS NULL) = (log_group IS NULL));

-- The list that clients of an endpoint are judged by.
CREATE TABLE revocation_list (
    endpoint_id TEXT    PRIMARY KEY REFERENCES endpoint (id) ON DELETE CASCADE,
    issuer      TEXT    NOT NULL,
    issued_by   TEXT    REFERENCES certificate (arn) ON DELETE SET NULL,
    this_update INTEGER NOT NULL,
    next_update INTEGER,
    number      TEXT,
    entries     INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    origin      TEXT    NOT NULL CHECK (origin IN ('generated', 'imported')),
    imported_at INTEGER NOT NULL,
    pem         TEXT    NOT NULL
) STRICT;

-- The list that was generated last for an authority whose key is here.
CREATE TABLE authority_list (
    certificate_arn TEXT    PRIMARY KEY REFERENCES certificate (arn) ON DELETE CASCADE,
    issuer          TEXT    NOT NULL,
    this_update     INTEGER NOT NULL,
    next_update     INTEGER,
    number          TEXT,
    entries         INTEGER NOT NULL,
    fingerprint     TEXT    NOT NULL,
    imported_at     INTEGER NOT NULL,
    pem             TEXT    NOT NULL
) STRICT;

-- What an authority of the store has revoked; it stays when the certificate goes.
CREATE TABLE revoked_certificate (
    ca_arn TEXT    NOT NULL REFERENCES certificate (arn) ON DELETE CASCADE,
    serial TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    reason TEXT    NOT NULL,
    PRIMARY KEY (ca_arn, serial)
) STRICT;

CREATE TABLE client_block (
    endpoint_id TEXT    NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    common_name TEXT    NOT NULL,
    until       INTEGER NOT NULL,
    PRIMARY KEY (endpoint_id, common_name)
) STRICT;

CREATE TABLE service_linked_role (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE role_deletion (
    task_id TEXT    PRIMARY KEY,
    at      INTEGER NOT NULL,
    used_by TEXT    NOT NULL
) STRICT;

ALTER TABLE connection ADD COLUMN certificates TEXT NOT NULL DEFAULT '[]';

ALTER TABLE event ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0 CHECK (read_only IN (0, 1));
ALTER TABLE event ADD COLUMN changes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE event ADD COLUMN undo TEXT NOT NULL DEFAULT '"nothing"';

-- Whether a VPC's resolver, the primary block's address plus two, answers clients. What is there
-- goes on as it is: its address may be a machine's own.
ALTER TABLE vpc ADD COLUMN dns_support INTEGER NOT NULL DEFAULT 0 CHECK (dns_support IN (0, 1));
