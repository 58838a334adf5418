-- The built-in directory. Users are known by the common name of their certificate.
CREATE TABLE directory_group (
    sid  TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE directory_member (
    sid         TEXT NOT NULL REFERENCES directory_group (sid) ON DELETE CASCADE,
    common_name TEXT NOT NULL,
    PRIMARY KEY (sid, common_name)
) STRICT;

-- The column access says all-users or the group's SID; the SID stands here too, so that a group
-- that a rule names cannot go.
ALTER TABLE authorization_rule ADD COLUMN group_sid TEXT REFERENCES directory_group (sid);

-- What a rule is limited to; NULL is without a limit.
ALTER TABLE authorization_rule ADD COLUMN protocol TEXT
    CHECK (protocol IN ('tcp', 'udp', 'icmp'));
ALTER TABLE authorization_rule ADD COLUMN from_port INTEGER
    CHECK (from_port IS NULL
        OR (from_port BETWEEN 0 AND 65535 AND coalesce(protocol, '') IN ('tcp', 'udp')));
ALTER TABLE authorization_rule ADD COLUMN to_port INTEGER
    CHECK ((to_port IS NULL) = (from_port IS NULL) AND to_port BETWEEN from_port AND 65535);
ALTER TABLE authorization_rule ADD COLUMN expires_at INTEGER;
