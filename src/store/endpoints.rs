//! Endpoints, and what hangs on them: associations, authorization rules, routes.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{
    StoreError, Tx,
    networks::{TagsById, tags_of},
    row,
    security_groups::load_endpoint_groups,
};
use crate::model::{
    Access, Association, AssociationId, AssociationState, Authentication, AuthorizationRule,
    ConnectionLog, Endpoint, EndpointId, IpProtocol, Limits, PortRange, Route, RouteState,
    RuleState, Sid, SubnetId, VpcId,
};

/// A rule's key.
pub type RuleKey = (EndpointId, Ipv4Net, Access);
/// A route's key.
pub type RouteKey = (EndpointId, Ipv4Net, SubnetId);

/// The rows that were as they are now in some snapshot: what the gateway has seen of them is what
/// they are.
#[derive(Debug, Default)]
pub struct SeenRows {
    /// Endpoints.
    pub endpoints: BTreeSet<EndpointId>,
    /// Associations.
    pub associations: BTreeSet<AssociationId>,
    /// Rules.
    pub rules: BTreeSet<RuleKey>,
    /// Routes.
    pub routes: BTreeSet<RouteKey>,
}

impl Tx<'_> {
    /// Adds an endpoint. A VPC that it has from the start stays when its associations go, and so do
    /// the security groups.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_endpoint(&mut self, endpoint: &Endpoint) -> Result<(), StoreError> {
        let seq = self.change("endpoint", endpoint.id.as_str())?;
        self.connection.execute(
            "INSERT INTO endpoint (id, description, client_cidr, server_certificate, transport,
                 port, split_tunnel, dns_servers, vpc_id, vpc_chosen, deleting, created_at,
                 changed_seq, log_group, log_stream)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                endpoint.id.as_str(),
                endpoint.description,
                endpoint.client_cidr.to_string(),
                endpoint.server_certificate.as_str(),
                row::to_word(&endpoint.transport),
                endpoint.port,
                endpoint.split_tunnel,
                row::to_json(&endpoint.dns_servers)?,
                endpoint.vpc_id.as_ref().map(VpcId::as_str),
                endpoint.vpc_id.is_some(),
                endpoint.deleting,
                endpoint.created_at.as_microsecond(),
                seq,
                endpoint.connection_log.as_ref().map(|log| &log.group),
                endpoint.connection_log.as_ref().map(|log| &log.stream),
            ],
        )?;
        for way in &endpoint.authentication {
            let Authentication::Certificate {
                client_root_certificate_chain,
            } = way;
            self.connection.execute(
                "INSERT INTO endpoint_authentication (endpoint_id, kind, root_certificate)
                 VALUES (?, 'certificate-authentication', ?)",
                params![endpoint.id.as_str(), client_root_certificate_chain.as_str()],
            )?;
        }
        if let Some(vpc) = &endpoint.vpc_id {
            self.set_endpoint_security_groups(&endpoint.id, vpc, &endpoint.security_groups)?;
        }
        self.insert_tags(endpoint.id.as_str(), &endpoint.tags)
    }

    /// Sets the VPC of an endpoint that had none.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_endpoint_vpc(
        &mut self,
        endpoint: &EndpointId,
        vpc: &VpcId,
    ) -> Result<(), StoreError> {
        let seq = self.change("endpoint", endpoint.as_str())?;
        self.connection.execute(
            "UPDATE endpoint SET vpc_id = ?, changed_seq = ? WHERE id = ?",
            params![vpc.as_str(), seq, endpoint.as_str()],
        )?;
        Ok(())
    }

    /// Takes the VPC and its security groups from an endpoint, unless it was named at creation.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn reset_endpoint_vpc(&mut self, endpoint: &EndpointId) -> Result<(), StoreError> {
        // Nobody did that to the endpoint: it follows from what became of its associations.
        let seq = self.change("endpoint-settled", endpoint.as_str())?;
        self.connection.execute(
            "DELETE FROM endpoint_security_group WHERE endpoint_id =
                 (SELECT id FROM endpoint WHERE id = ? AND vpc_chosen = 0)",
            [endpoint.as_str()],
        )?;
        self.connection.execute(
            "UPDATE endpoint SET vpc_id = NULL, changed_seq = ? WHERE id = ? AND vpc_chosen = 0",
            params![seq, endpoint.as_str()],
        )?;
        Ok(())
    }

    /// Makes an endpoint a tombstone.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn mark_endpoint_deleting(&mut self, endpoint: &EndpointId) -> Result<(), StoreError> {
        let seq = self.change("endpoint", endpoint.as_str())?;
        self.connection.execute(
            "UPDATE endpoint SET deleting = 1, changed_seq = ? WHERE id = ?",
            params![seq, endpoint.as_str()],
        )?;
        Ok(())
    }

    /// Removes an endpoint with its rules; its routes and associations must be gone.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_endpoint(&mut self, endpoint: &EndpointId) -> Result<(), StoreError> {
        self.delete_thing(
            "endpoint",
            "DELETE FROM endpoint WHERE id = ?",
            endpoint.as_str(),
        )
    }

    /// Adds an association of a subnet that lies in `availability_zone`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_association(
        &mut self,
        association: &Association,
        availability_zone: &str,
    ) -> Result<(), StoreError> {
        let seq = self.change("association", association.id.as_str())?;
        self.connection.execute(
            "INSERT INTO association (id, endpoint_id, subnet_id, vpc_id, availability_zone,
                 state, reason, changed_seq)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                association.id.as_str(),
                association.endpoint_id.as_str(),
                association.subnet_id.as_str(),
                association.vpc_id.as_str(),
                availability_zone,
                association.state.as_str(),
                failure(&association.state),
                seq,
            ],
        )?;
        Ok(())
    }

    /// Moves an association to another state.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_association_state(
        &mut self,
        association: &AssociationId,
        state: &AssociationState,
    ) -> Result<(), StoreError> {
        let seq = self.change("association", association.as_str())?;
        self.connection.execute(
            "UPDATE association SET state = ?, reason = ?, changed_seq = ? WHERE id = ?",
            params![state.as_str(), failure(state), seq, association.as_str()],
        )?;
        Ok(())
    }

    /// Removes an association; the routes through it must be gone.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_association(&mut self, association: &AssociationId) -> Result<(), StoreError> {
        self.delete_thing(
            "association",
            "DELETE FROM association WHERE id = ?",
            association.as_str(),
        )
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_rule(&mut self, rule: &AuthorizationRule) -> Result<(), StoreError> {
        let seq = self.change("rule", rule.endpoint_id.as_str())?;
        self.connection.execute(
            "INSERT INTO authorization_rule (endpoint_id, destination, access, group_sid, protocol,
                 from_port, to_port, expires_at, description, state, changed_seq)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                rule.endpoint_id.as_str(),
                rule.destination.to_string(),
                access_text(&rule.access),
                rule.access.group().map(Sid::as_str),
                rule.limits.protocol.map(IpProtocol::as_str),
                rule.limits.ports.map(|ports| ports.from),
                rule.limits.ports.map(|ports| ports.to),
                rule.limits.expires_at.map(Timestamp::as_microsecond),
                rule.description,
                rule.state.as_str(),
                seq,
            ],
        )?;
        Ok(())
    }

    /// Moves a rule to another state.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_rule_state(
        &mut self,
        rule: &AuthorizationRule,
        state: RuleState,
    ) -> Result<(), StoreError> {
        let seq = self.change("rule", rule.endpoint_id.as_str())?;
        self.connection.execute(
            "UPDATE authorization_rule SET state = ?, changed_seq = ?
             WHERE endpoint_id = ? AND destination = ? AND access = ?",
            params![
                state.as_str(),
                seq,
                rule.endpoint_id.as_str(),
                rule.destination.to_string(),
                access_text(&rule.access),
            ],
        )?;
        Ok(())
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_rule(&mut self, rule: &AuthorizationRule) -> Result<(), StoreError> {
        self.change("rule", rule.endpoint_id.as_str())?;
        self.connection.execute(
            "DELETE FROM authorization_rule
             WHERE endpoint_id = ? AND destination = ? AND access = ?",
            params![
                rule.endpoint_id.as_str(),
                rule.destination.to_string(),
                access_text(&rule.access),
            ],
        )?;
        Ok(())
    }

    /// Adds a route.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_route(&mut self, route: &Route) -> Result<(), StoreError> {
        let seq = self.change("route", route.endpoint_id.as_str())?;
        self.connection.execute(
            "INSERT INTO route (endpoint_id, destination, subnet_id, origin, for_all, description,
                 state, changed_seq)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                route.endpoint_id.as_str(),
                route.destination.to_string(),
                route.subnet_id.as_str(),
                route.origin.as_str(),
                route.for_all,
                route.description,
                route.state.as_str(),
                seq,
            ],
        )?;
        Ok(())
    }

    /// Moves a route to another state.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_route_state(&mut self, route: &Route, state: RouteState) -> Result<(), StoreError> {
        let seq = self.change("route", route.endpoint_id.as_str())?;
        self.connection.execute(
            "UPDATE route SET state = ?, changed_seq = ?
             WHERE endpoint_id = ? AND destination = ? AND subnet_id = ?",
            params![
                state.as_str(),
                seq,
                route.endpoint_id.as_str(),
                route.destination.to_string(),
                route.subnet_id.as_str(),
            ],
        )?;
        Ok(())
    }

    /// Removes a route.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_route(&mut self, route: &Route) -> Result<(), StoreError> {
        self.change("route", route.endpoint_id.as_str())?;
        self.connection.execute(
            "DELETE FROM route WHERE endpoint_id = ? AND destination = ? AND subnet_id = ?",
            params![
                route.endpoint_id.as_str(),
                route.destination.to_string(),
                route.subnet_id.as_str(),
            ],
        )?;
        Ok(())
    }

    /// The rows that have not changed since snapshot `seq`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn seen_rows(&self, seq: u64) -> Result<SeenRows, StoreError> {
        let seq = row::to_count(seq);
        Ok(SeenRows {
            endpoints: self.keys(
                "SELECT * FROM endpoint WHERE changed_seq <= ?",
                seq,
                |row| row::parsed(row, "id"),
            )?,
            associations: self.keys(
                "SELECT * FROM association WHERE changed_seq <= ?",
                seq,
                |row| row::parsed(row, "id"),
            )?,
            rules: self.keys(
                "SELECT * FROM authorization_rule WHERE changed_seq <= ?",
                seq,
                |row| {
                    Ok((
                        row::parsed(row, "endpoint_id")?,
                        row::parsed(row, "destination")?,
                        access(row)?,
                    ))
                },
            )?,
            routes: self.keys("SELECT * FROM route WHERE changed_seq <= ?", seq, |row| {
                Ok((
                    row::parsed(row, "endpoint_id")?,
                    row::parsed(row, "destination")?,
                    row::parsed(row, "subnet_id")?,
                ))
            })?,
        })
    }

    fn keys<T: Ord>(
        &self,
        sql: &str,
        seq: i64,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<BTreeSet<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([seq], read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

pub(super) fn load_endpoints(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<EndpointId, Endpoint>, StoreError> {
    let mut authentication = load_authentication(connection)?;
    let mut groups = load_endpoint_groups(connection)?;
    let mut statement = connection.prepare_cached("SELECT * FROM endpoint")?;
    let rows = statement.query_map([], |found| {
        let id: EndpointId = row::parsed(found, "id")?;
        let endpoint = Endpoint {
            id: id.clone(),
            description: found.get("description")?,
            tags: tags_of(tags, id.as_str()),
            client_cidr: row::parsed(found, "client_cidr")?,
            server_certificate: row::parsed(found, "server_certificate")?,
            authentication: authentication.remove(&id).unwrap_or_default(),
            transport: row::word(found, "transport")?,
            port: found.get("port")?,
            split_tunnel: found.get("split_tunnel")?,
            dns_servers: row::json(found, "dns_servers")?,
            vpc_id: row::parsed_option(found, "vpc_id")?,
            security_groups: groups.remove(&id).unwrap_or_default(),
            connection_log: read_connection_log(found)?,
            deleting: found.get("deleting")?,
            created_at: row::time(found, "created_at")?,
        };
        Ok((id, endpoint))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read_connection_log(found: &Row<'_>) -> rusqlite::Result<Option<ConnectionLog>> {
    let group: Option<String> = found.get("log_group")?;
    let stream: Option<String> = found.get("log_stream")?;
    Ok(group
        .zip(stream)
        .map(|(group, stream)| ConnectionLog { group, stream }))
}

fn load_authentication(
    connection: &Connection,
) -> Result<BTreeMap<EndpointId, Vec<Authentication>>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM endpoint_authentication ORDER BY endpoint_id, kind")?;
    let mut rows = statement.query([])?;
    let mut ways: BTreeMap<EndpointId, Vec<_>> = BTreeMap::new();
    while let Some(found) = rows.next()? {
        ways.entry(row::parsed(found, "endpoint_id")?)
            .or_default()
            .push(Authentication::Certificate {
                client_root_certificate_chain: row::parsed(found, "root_certificate")?,
            });
    }
    Ok(ways)
}

pub(super) fn load_associations(
    connection: &Connection,
) -> Result<BTreeMap<AssociationId, Association>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM association")?;
    let rows = statement.query_map([], |found| {
        let id: AssociationId = row::parsed(found, "id")?;
        let association = Association {
            id: id.clone(),
            endpoint_id: row::parsed(found, "endpoint_id")?,
            subnet_id: row::parsed(found, "subnet_id")?,
            vpc_id: row::parsed(found, "vpc_id")?,
            state: association_state(found)?,
        };
        Ok((id, association))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn association_state(found: &Row<'_>) -> rusqlite::Result<AssociationState> {
    let state: String = found.get("state")?;
    Ok(match state.as_str() {
        "associated" => AssociationState::Associated,
        "disassociating" => AssociationState::Disassociating,
        "association-failed" => AssociationState::Failed {
            reason: found.get::<_, Option<_>>("reason")?.unwrap_or_default(),
        },
        // The column admits only these and `associating`.
        _ => AssociationState::Associating,
    })
}

fn failure(state: &AssociationState) -> Option<&str> {
    match state {
        AssociationState::Failed { reason } => Some(reason),
        _ => None,
    }
}

pub(super) fn load_rules(connection: &Connection) -> Result<Vec<AuthorizationRule>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM authorization_rule ORDER BY endpoint_id, destination, access",
    )?;
    let rows = statement.query_map([], |found| {
        Ok(AuthorizationRule {
            endpoint_id: row::parsed(found, "endpoint_id")?,
            destination: row::parsed(found, "destination")?,
            access: access(found)?,
            limits: limits(found)?,
            description: found.get("description")?,
            state: row::word(found, "state")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How the column `access` says whom a rule lets in. No SID looks like the word for everyone.
fn access_text(access: &Access) -> &str {
    access.group().map_or(ALL_USERS, Sid::as_str)
}

fn access(found: &Row<'_>) -> rusqlite::Result<Access> {
    Ok(match row::parsed_option(found, "group_sid")? {
        None => Access::AllUsers,
        Some(sid) => Access::Group(sid),
    })
}

fn limits(found: &Row<'_>) -> rusqlite::Result<Limits> {
    let ports = |from: Option<u16>, to: Option<u16>| {
        Some(PortRange {
            from: from?,
            to: to?,
        })
    };
    Ok(Limits {
        protocol: row::word_option(found, "protocol")?,
        ports: ports(found.get("from_port")?, found.get("to_port")?),
        expires_at: row::time_option(found, "expires_at")?,
    })
}

const ALL_USERS: &str = "all-users";

pub(super) fn load_routes(connection: &Connection) -> Result<Vec<Route>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM route ORDER BY endpoint_id, destination, subnet_id")?;
    let rows = statement.query_map([], |found| {
        Ok(Route {
            endpoint_id: row::parsed(found, "endpoint_id")?,
            destination: row::parsed(found, "destination")?,
            subnet_id: row::parsed(found, "subnet_id")?,
            origin: row::word(found, "origin")?,
            for_all: found.get("for_all")?,
            description: found.get("description")?,
            state: row::word(found, "state")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
