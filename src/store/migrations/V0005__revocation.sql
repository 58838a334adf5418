-- What the imported list of an endpoint revokes; what a generated one does is in
-- revoked_certificate.
CREATE TABLE listed_certificate (
    endpoint_id TEXT    NOT NULL REFERENCES revocation_list (endpoint_id) ON DELETE CASCADE,
    serial      TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    PRIMARY KEY (endpoint_id, serial)
) STRICT, WITHOUT ROWID;
