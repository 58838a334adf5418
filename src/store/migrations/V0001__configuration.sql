-- Times are microseconds since 1970-01-01 UTC. Networks, addresses and identifiers are text in the
-- form the model prints them. Lists without a life of their own are JSON arrays.

-- One row for each change of the configuration; the newest seq is the snapshot's number.
CREATE TABLE change (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    at   INTEGER NOT NULL,
    kind TEXT    NOT NULL,
    id   TEXT    NOT NULL
) STRICT;

-- A setting that is absent has its default. Values are JSON.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE tag (
    resource_id TEXT NOT NULL,
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    PRIMARY KEY (resource_id, key)
) STRICT;

CREATE TABLE certificate (
    arn               TEXT    PRIMARY KEY,
    common_name       TEXT,
    subject           TEXT    NOT NULL,
    issuer            TEXT    NOT NULL,
    serial            TEXT    NOT NULL,
    alternative_names TEXT    NOT NULL,
    not_before        INTEGER NOT NULL,
    not_after         INTEGER NOT NULL,
    key_algorithm     TEXT    NOT NULL,
    usage             TEXT    NOT NULL CHECK (usage IN ('authority', 'server', 'client', 'other')),
    origin            TEXT    NOT NULL CHECK (origin IN ('issued', 'imported')),
    issued_by         TEXT    REFERENCES certificate (arn),
    fingerprint       TEXT    NOT NULL,
    certificate_pem   TEXT    NOT NULL,
    chain_pem         TEXT    NOT NULL,
    created_at        INTEGER NOT NULL
) STRICT;

-- AES-256-GCM under the master key, with the ARN as associated data.
CREATE TABLE private_key (
    certificate_arn TEXT PRIMARY KEY REFERENCES certificate (arn) ON DELETE CASCADE,
    nonce           BLOB NOT NULL CHECK (length(nonce) = 12),
    sealed          BLOB NOT NULL
) STRICT;

CREATE TABLE vpc (
    id TEXT PRIMARY KEY
) STRICT;

-- The block at the lowest position is the primary one.
CREATE TABLE vpc_cidr (
    vpc_id   TEXT    NOT NULL REFERENCES vpc (id) ON DELETE CASCADE,
    cidr     TEXT    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (vpc_id, cidr),
    UNIQUE (vpc_id, position)
) STRICT;

CREATE TABLE subnet (
    id                TEXT PRIMARY KEY,
    vpc_id            TEXT NOT NULL REFERENCES vpc (id),
    cidr              TEXT NOT NULL,
    availability_zone TEXT NOT NULL,
    UNIQUE (vpc_id, cidr),
    UNIQUE (id, vpc_id, availability_zone)
) STRICT;

CREATE TABLE internet_gateway (
    id     TEXT PRIMARY KEY,
    vpc_id TEXT UNIQUE REFERENCES vpc (id)
) STRICT;

-- Rows with changed_seq are settled by the gateway: it reports the snapshot that it runs, and what
-- changed up to there has come, or has gone.
CREATE TABLE endpoint (
    id                 TEXT    PRIMARY KEY,
    description        TEXT    NOT NULL,
    client_cidr        TEXT    NOT NULL UNIQUE,
    server_certificate TEXT    NOT NULL REFERENCES certificate (arn),
    transport          TEXT    NOT NULL CHECK (transport IN ('udp', 'tcp')),
    port               INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    split_tunnel       INTEGER NOT NULL CHECK (split_tunnel IN (0, 1)),
    dns_servers        TEXT    NOT NULL,
    vpc_id             TEXT    REFERENCES vpc (id),
    -- Whether the VPC was named at creation, and so stays when the last association goes.
    vpc_chosen         INTEGER NOT NULL CHECK (vpc_chosen IN (0, 1)),
    deleting           INTEGER NOT NULL CHECK (deleting IN (0, 1)),
    created_at         INTEGER NOT NULL,
    changed_seq        INTEGER NOT NULL,
    UNIQUE (transport, port)
) STRICT;

CREATE TABLE endpoint_authentication (
    endpoint_id       TEXT NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    kind              TEXT NOT NULL CHECK (kind IN ('certificate-authentication')),
    root_certificate  TEXT NOT NULL REFERENCES certificate (arn),
    PRIMARY KEY (endpoint_id, kind)
) STRICT;

CREATE TABLE association (
    id                TEXT    PRIMARY KEY,
    endpoint_id       TEXT    NOT NULL REFERENCES endpoint (id),
    subnet_id         TEXT    NOT NULL,
    vpc_id            TEXT    NOT NULL,
    availability_zone TEXT    NOT NULL,
    state             TEXT    NOT NULL
        CHECK (state IN ('associating', 'associated', 'association-failed', 'disassociating')),
    -- Why it failed, if it did.
    reason            TEXT,
    changed_seq       INTEGER NOT NULL,
    UNIQUE (endpoint_id, subnet_id),
    UNIQUE (endpoint_id, availability_zone),
    FOREIGN KEY (subnet_id, vpc_id, availability_zone)
        REFERENCES subnet (id, vpc_id, availability_zone)
) STRICT;

CREATE TABLE authorization_rule (
    endpoint_id TEXT    NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    destination TEXT    NOT NULL,
    access      TEXT    NOT NULL,
    description TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('authorizing', 'active', 'revoking')),
    changed_seq INTEGER NOT NULL,
    PRIMARY KEY (endpoint_id, destination, access)
) STRICT;

CREATE TABLE route (
    endpoint_id TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    subnet_id   TEXT    NOT NULL,
    origin      TEXT    NOT NULL CHECK (origin IN ('associate', 'add-route')),
    description TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('creating', 'active', 'deleting')),
    changed_seq INTEGER NOT NULL,
    PRIMARY KEY (endpoint_id, destination, subnet_id),
    FOREIGN KEY (endpoint_id, subnet_id) REFERENCES association (endpoint_id, subnet_id)
) STRICT;

-- What has happened. These rows outlive the things they speak of, so they refer to nothing.

CREATE TABLE connection (
    id              TEXT    PRIMARY KEY,
    endpoint_id     TEXT    NOT NULL,
    association_id  TEXT    NOT NULL,
    common_name     TEXT    NOT NULL,
    client_ip       TEXT    NOT NULL,
    device          TEXT    NOT NULL,
    client_version  TEXT    NOT NULL,
    platform        TEXT    NOT NULL,
    cipher          TEXT    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('active', 'terminating', 'terminated')),
    established_at  INTEGER NOT NULL,
    ended_at        INTEGER,
    end_reason      TEXT,
    ingress_bytes   INTEGER NOT NULL,
    egress_bytes    INTEGER NOT NULL,
    ingress_packets INTEGER NOT NULL,
    egress_packets  INTEGER NOT NULL,
    counted_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX connection_by_end ON connection (ended_at);

CREATE TABLE attempt (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint_id TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    device      TEXT    NOT NULL,
    common_name TEXT,
    reason      TEXT    NOT NULL
) STRICT;

CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    caller     TEXT    NOT NULL,
    face       TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    resources  TEXT    NOT NULL,
    parameters TEXT    NOT NULL,
    -- AWS's code and the message, if it was refused.
    code       TEXT,
    message    TEXT
) STRICT;

-- The answer that a caller's token had, to be given again.
CREATE TABLE idempotency (
    caller       TEXT    NOT NULL,
    token        TEXT    NOT NULL,
    command_hash BLOB    NOT NULL,
    answer       TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (caller, token)
) STRICT;
