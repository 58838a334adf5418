-- Certificates that others took the place of, under the same ARN: they are out there until they
-- expire, and revoking the ARN revokes them with the present one.
CREATE TABLE replaced_certificate (
    certificate_arn TEXT    NOT NULL REFERENCES certificate (arn) ON DELETE CASCADE,
    ca_arn          TEXT    NOT NULL REFERENCES certificate (arn) ON DELETE CASCADE,
    serial          TEXT    NOT NULL,
    not_after       INTEGER NOT NULL,
    PRIMARY KEY (certificate_arn, ca_arn, serial)
) STRICT, WITHOUT ROWID;
