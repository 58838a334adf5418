-- Security groups, resources, and what VPCs reach beyond themselves. The vpc_id that stands beside
-- a reference keeps what belongs together inside one VPC.

CREATE UNIQUE INDEX subnet_in_vpc ON subnet (id, vpc_id);
CREATE UNIQUE INDEX endpoint_in_vpc ON endpoint (id, vpc_id);

CREATE TABLE security_group (
    id          TEXT PRIMARY KEY,
    vpc_id      TEXT NOT NULL REFERENCES vpc (id),
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    UNIQUE (vpc_id, name),
    UNIQUE (id, vpc_id)
) STRICT;

-- NULL as protocol or ports is all of them. The peer is a network or a group, also one of a peered
-- VPC.
CREATE TABLE security_group_rule (
    position    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    group_id    TEXT    NOT NULL REFERENCES security_group (id) ON DELETE CASCADE,
    direction   TEXT    NOT NULL CHECK (direction IN ('ingress', 'egress')),
    protocol    TEXT    CHECK (protocol IN ('tcp', 'udp', 'icmp')),
    from_port   INTEGER CHECK (from_port IS NULL
        OR (from_port BETWEEN 0 AND 65535 AND coalesce(protocol, '') IN ('tcp', 'udp'))),
    to_port     INTEGER CHECK ((to_port IS NULL) = (from_port IS NULL)
        AND to_port BETWEEN from_port AND 65535),
    peer_cidr   TEXT,
    peer_group  TEXT    REFERENCES security_group (id),
    description TEXT    NOT NULL,
    CHECK ((peer_cidr IS NULL) <> (peer_group IS NULL))
) STRICT;

CREATE UNIQUE INDEX security_group_rule_once ON security_group_rule (
    group_id, direction, coalesce(protocol, ''), coalesce(from_port, -1), coalesce(to_port, -1),
    coalesce(peer_cidr, ''), coalesce(peer_group, '')
);
CREATE INDEX security_group_rule_by_peer ON security_group_rule (peer_group);

CREATE TABLE endpoint_security_group (
    endpoint_id TEXT NOT NULL,
    group_id    TEXT NOT NULL,
    vpc_id      TEXT NOT NULL,
    PRIMARY KEY (endpoint_id, group_id),
    FOREIGN KEY (endpoint_id, vpc_id) REFERENCES endpoint (id, vpc_id) ON DELETE CASCADE,
    FOREIGN KEY (group_id, vpc_id) REFERENCES security_group (id, vpc_id)
) STRICT;

CREATE TABLE resource (
    id          TEXT PRIMARY KEY,
    subnet_id   TEXT NOT NULL,
    vpc_id      TEXT NOT NULL,
    address     TEXT NOT NULL,
    description TEXT NOT NULL,
    UNIQUE (vpc_id, address),
    UNIQUE (id, vpc_id),
    FOREIGN KEY (subnet_id, vpc_id) REFERENCES subnet (id, vpc_id)
) STRICT;

CREATE TABLE resource_security_group (
    resource_id TEXT NOT NULL,
    group_id    TEXT NOT NULL,
    vpc_id      TEXT NOT NULL,
    PRIMARY KEY (resource_id, group_id),
    FOREIGN KEY (resource_id, vpc_id) REFERENCES resource (id, vpc_id) ON DELETE CASCADE,
    FOREIGN KEY (group_id, vpc_id) REFERENCES security_group (id, vpc_id)
) STRICT;

CREATE TABLE peering_connection (
    id               TEXT    PRIMARY KEY,
    requester_vpc_id TEXT    NOT NULL REFERENCES vpc (id),
    accepter_vpc_id  TEXT    NOT NULL REFERENCES vpc (id),
    is_active        INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    CHECK (requester_vpc_id <> accepter_vpc_id)
) STRICT;

-- Two VPCs are peered once, whichever of them asked.
CREATE UNIQUE INDEX peering_connection_once ON peering_connection (
    min(requester_vpc_id, accepter_vpc_id), max(requester_vpc_id, accepter_vpc_id)
);

CREATE TABLE vpn_connection (
    id     TEXT PRIMARY KEY,
    vpc_id TEXT NOT NULL REFERENCES vpc (id)
) STRICT;

CREATE TABLE vpn_connection_cidr (
    vpn_connection_id TEXT    NOT NULL REFERENCES vpn_connection (id) ON DELETE CASCADE,
    cidr              TEXT    NOT NULL,
    position          INTEGER NOT NULL,
    PRIMARY KEY (vpn_connection_id, cidr),
    UNIQUE (vpn_connection_id, position)
) STRICT;

CREATE TABLE route_table (
    id      TEXT    PRIMARY KEY,
    vpc_id  TEXT    NOT NULL REFERENCES vpc (id),
    is_main INTEGER NOT NULL CHECK (is_main IN (0, 1)),
    UNIQUE (id, vpc_id)
) STRICT;

CREATE UNIQUE INDEX route_table_main ON route_table (vpc_id) WHERE is_main = 1;

CREATE TABLE route_table_subnet (
    subnet_id      TEXT PRIMARY KEY,
    route_table_id TEXT NOT NULL,
    vpc_id         TEXT NOT NULL,
    FOREIGN KEY (subnet_id, vpc_id) REFERENCES subnet (id, vpc_id) ON DELETE CASCADE,
    FOREIGN KEY (route_table_id, vpc_id) REFERENCES route_table (id, vpc_id)
) STRICT;

CREATE TABLE vpc_route (
    route_table_id        TEXT    NOT NULL REFERENCES route_table (id) ON DELETE CASCADE,
    destination           TEXT    NOT NULL,
    internet_gateway_id   TEXT    REFERENCES internet_gateway (id),
    peering_connection_id TEXT    REFERENCES peering_connection (id),
    vpn_connection_id     TEXT    REFERENCES vpn_connection (id),
    is_propagated         INTEGER NOT NULL CHECK (is_propagated IN (0, 1)),
    PRIMARY KEY (route_table_id, destination),
    CHECK ((internet_gateway_id IS NOT NULL) + (peering_connection_id IS NOT NULL)
        + (vpn_connection_id IS NOT NULL) = 1)
) STRICT;

-- How packets leave this machine for a subnet: NULL twice is as the machine's own routes say.
ALTER TABLE subnet ADD COLUMN egress_interface TEXT;
ALTER TABLE subnet ADD COLUMN egress_address TEXT
    CHECK (egress_address IS NULL OR egress_interface IS NULL);
ALTER TABLE subnet ADD COLUMN egress_nat INTEGER NOT NULL DEFAULT 1 CHECK (egress_nat IN (0, 1));

-- Whether the route is there for every association of its endpoint, those to come included.
ALTER TABLE route ADD COLUMN for_all INTEGER NOT NULL DEFAULT 0 CHECK (for_all IN (0, 1));

-- What is there keeps its reach: each VPC has what a new one is made with, and its internet
-- gateway leads where it led.

INSERT INTO security_group (id, vpc_id, name, description)
SELECT 'sg-' || substr(lower(hex(randomblob(9))), 1, 17), id, 'default',
    'default VPC security group'
FROM vpc;

INSERT INTO security_group_rule (id, group_id, direction, peer_group, description)
SELECT 'sgr-' || substr(lower(hex(randomblob(9))), 1, 17), id, 'ingress', id, ''
FROM security_group;

INSERT INTO security_group_rule (id, group_id, direction, peer_cidr, description)
SELECT 'sgr-' || substr(lower(hex(randomblob(9))), 1, 17), id, 'egress', '0.0.0.0/0', ''
FROM security_group;

INSERT INTO endpoint_security_group (endpoint_id, group_id, vpc_id)
SELECT endpoint.id, security_group.id, endpoint.vpc_id
FROM endpoint JOIN security_group ON security_group.vpc_id = endpoint.vpc_id;

INSERT INTO route_table (id, vpc_id, is_main)
SELECT 'rtb-' || substr(lower(hex(randomblob(9))), 1, 17), id, 1 FROM vpc;

INSERT INTO vpc_route (route_table_id, destination, internet_gateway_id, is_propagated)
SELECT route_table.id, '0.0.0.0/0', internet_gateway.id, 1
FROM internet_gateway JOIN route_table ON route_table.vpc_id = internet_gateway.vpc_id;
