//! Security groups, and the resources that have them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rusqlite::{Connection, Row, params};

use super::{
    StoreError, Tx,
    networks::{TagsById, tags_of},
    row,
};
use crate::model::{
    Direction, EndpointId, IpProtocol, NetworkInterfaceId, Peer, PortRange, Resource,
    SecurityGroup, SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, VpcId,
};

impl Tx<'_> {
    /// Adds a security group with its rules.
    ///
    /// # Errors
    /// When the database refuses, as it does where the VPC has a group of that name.
    pub fn insert_security_group(&mut self, group: &SecurityGroup) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO security_group (id, vpc_id, name, description) VALUES (?, ?, ?, ?)",
            params![
                group.id.as_str(),
                group.vpc_id.as_str(),
                group.name,
                group.description
            ],
        )?;
        for rule in &group.rules {
            self.insert_security_group_rule(&group.id, rule)?;
        }
        self.insert_tags(group.id.as_str(), &group.tags)?;
        self.change("security-group", group.id.as_str())?;
        Ok(())
    }

    /// Removes a security group with its rules.
    ///
    /// # Errors
    /// When the database refuses, as it does while an endpoint, a resource or another group's rule
    /// refers to it.
    pub fn delete_security_group(&mut self, group: &SecurityGroupId) -> Result<(), StoreError> {
        self.delete_thing(
            "security-group",
            "DELETE FROM security_group WHERE id = ?",
            group.as_str(),
        )
    }

    /// Adds a rule to a security group.
    ///
    /// # Errors
    /// When the database refuses, as it does where the group has the same rule.
    pub fn insert_security_group_rule(
        &mut self,
        group: &SecurityGroupId,
        rule: &SecurityGroupRule,
    ) -> Result<(), StoreError> {
        let (cidr, peer) = match &rule.peer {
            Peer::Cidr(cidr) => (Some(cidr.to_string()), None),
            Peer::Group(id) => (None, Some(id.as_str())),
        };
        self.connection
            .prepare_cached(
                "INSERT INTO security_group_rule (id, group_id, direction, protocol, from_port,
                     to_port, peer_cidr, peer_group, description)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                rule.id.as_str(),
                group.as_str(),
                row::to_word(&rule.direction),
                rule.protocol.map(IpProtocol::as_str),
                rule.ports.map(|ports| ports.from),
                rule.ports.map(|ports| ports.to),
                cidr,
                peer,
                rule.description,
            ])?;
        self.change("security-group", group.as_str())?;
        Ok(())
    }

    /// Takes a rule from a security group.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_security_group_rule(
        &mut self,
        group: &SecurityGroupId,
        rule: &SecurityGroupRuleId,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM security_group_rule WHERE id = ? AND group_id = ?",
            params![rule.as_str(), group.as_str()],
        )?;
        self.change("security-group", group.as_str())?;
        Ok(())
    }

    /// Gives an endpoint these security groups of its VPC instead of those it has.
    ///
    /// # Errors
    /// When the database refuses, as it does where a group is not of the endpoint's VPC.
    pub fn set_endpoint_security_groups(
        &mut self,
        endpoint: &EndpointId,
        vpc: &VpcId,
        groups: &BTreeSet<SecurityGroupId>,
    ) -> Result<(), StoreError> {
        let seq = self.change("endpoint", endpoint.as_str())?;
        self.connection.execute(
            "DELETE FROM endpoint_security_group WHERE endpoint_id = ?",
            [endpoint.as_str()],
        )?;
        for group in groups {
            self.connection.execute(
                "INSERT INTO endpoint_security_group (endpoint_id, group_id, vpc_id)
                 VALUES (?, ?, ?)",
                params![endpoint.as_str(), group.as_str(), vpc.as_str()],
            )?;
        }
        self.connection.execute(
            "UPDATE endpoint SET changed_seq = ? WHERE id = ?",
            params![seq, endpoint.as_str()],
        )?;
        Ok(())
    }

    /// Adds a resource with its security groups.
    ///
    /// # Errors
    /// When the database refuses, as it does where the VPC has one at that address.
    pub fn insert_resource(&mut self, resource: &Resource) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO resource (id, subnet_id, vpc_id, address, description)
             VALUES (?, ?, ?, ?, ?)",
            params![
                resource.id.as_str(),
                resource.subnet_id.as_str(),
                resource.vpc_id.as_str(),
                resource.address.to_string(),
                resource.description,
            ],
        )?;
        self.insert_resource_security_groups(resource)?;
        self.insert_tags(resource.id.as_str(), &resource.tags)?;
        self.change("resource", resource.id.as_str())?;
        Ok(())
    }

    /// Keeps the description and the security groups of a resource as they are in `resource`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn update_resource(&mut self, resource: &Resource) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE resource SET description = ? WHERE id = ?",
            params![resource.description, resource.id.as_str()],
        )?;
        self.connection.execute(
            "DELETE FROM resource_security_group WHERE resource_id = ?",
            [resource.id.as_str()],
        )?;
        self.insert_resource_security_groups(resource)?;
        self.change("resource", resource.id.as_str())?;
        Ok(())
    }

    /// Removes a resource.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_resource(&mut self, resource: &NetworkInterfaceId) -> Result<(), StoreError> {
        self.delete_thing(
            "resource",
            "DELETE FROM resource WHERE id = ?",
            resource.as_str(),
        )
    }

    fn insert_resource_security_groups(&self, resource: &Resource) -> Result<(), StoreError> {
        for group in &resource.security_groups {
            self.connection.execute(
                "INSERT INTO resource_security_group (resource_id, group_id, vpc_id)
                 VALUES (?, ?, ?)",
                params![
                    resource.id.as_str(),
                    group.as_str(),
                    resource.vpc_id.as_str()
                ],
            )?;
        }
        Ok(())
    }
}

pub(super) fn load_security_groups(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<SecurityGroupId, Arc<SecurityGroup>>, StoreError> {
    let mut rules = load_rules(connection)?;
    let mut statement = connection.prepare_cached("SELECT * FROM security_group")?;
    let rows = statement.query_map([], |found| {
        let id: SecurityGroupId = row::parsed(found, "id")?;
        let group = SecurityGroup {
            id: id.clone(),
            name: found.get("name")?,
            description: found.get("description")?,
            vpc_id: row::parsed(found, "vpc_id")?,
            rules: rules.remove(&id).unwrap_or_default(),
            tags: tags_of(tags, id.as_str()),
        };
        Ok((id, Arc::new(group)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn load_rules(
    connection: &Connection,
) -> Result<BTreeMap<SecurityGroupId, Vec<SecurityGroupRule>>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM security_group_rule ORDER BY position")?;
    let mut rows = statement.query([])?;
    let mut rules: BTreeMap<SecurityGroupId, Vec<_>> = BTreeMap::new();
    while let Some(found) = rows.next()? {
        rules
            .entry(row::parsed(found, "group_id")?)
            .or_default()
            .push(rule(found)?);
    }
    Ok(rules)
}

fn rule(found: &Row<'_>) -> rusqlite::Result<SecurityGroupRule> {
    let ports = |from: Option<u16>, to: Option<u16>| {
        Some(PortRange {
            from: from?,
            to: to?,
        })
    };
    Ok(SecurityGroupRule {
        id: row::parsed(found, "id")?,
        direction: row::word::<Direction>(found, "direction")?,
        protocol: row::word_option(found, "protocol")?,
        ports: ports(found.get("from_port")?, found.get("to_port")?),
        // The table has one of the two in each row.
        peer: match row::parsed_option(found, "peer_group")? {
            Some(group) => Peer::Group(group),
            None => Peer::Cidr(row::parsed(found, "peer_cidr")?),
        },
        description: found.get("description")?,
    })
}

pub(super) fn load_resources(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<NetworkInterfaceId, Resource>, StoreError> {
    let mut groups: BTreeMap<NetworkInterfaceId, _> = load_groups_of(
        connection,
        "SELECT resource_id AS owner, group_id FROM resource_security_group",
    )?;
    let mut statement = connection.prepare_cached("SELECT * FROM resource")?;
    let rows = statement.query_map([], |found| {
        let id: NetworkInterfaceId = row::parsed(found, "id")?;
        let resource = Resource {
            id: id.clone(),
            subnet_id: row::parsed(found, "subnet_id")?,
            vpc_id: row::parsed(found, "vpc_id")?,
            address: row::parsed(found, "address")?,
            security_groups: groups.remove(&id).unwrap_or_default(),
            description: found.get("description")?,
            tags: tags_of(tags, id.as_str()),
        };
        Ok((id, resource))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The security groups of each endpoint that has some.
pub(super) fn load_endpoint_groups(
    connection: &Connection,
) -> Result<BTreeMap<EndpointId, BTreeSet<SecurityGroupId>>, StoreError> {
    load_groups_of(
        connection,
        "SELECT endpoint_id AS owner, group_id FROM endpoint_security_group",
    )
}

fn load_groups_of<T>(
    connection: &Connection,
    sql: &str,
) -> Result<BTreeMap<T, BTreeSet<SecurityGroupId>>, StoreError>
where
    T: Ord + std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut groups: BTreeMap<T, BTreeSet<_>> = BTreeMap::new();
    while let Some(found) = rows.next()? {
        groups
            .entry(row::parsed(found, "owner")?)
            .or_default()
            .insert(row::parsed(found, "group_id")?);
    }
    Ok(groups)
}
