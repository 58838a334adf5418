//! VPCs, subnets, internet gateways and tags.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use rusqlite::{Connection, Row, params};

use super::{StoreError, Tx, row};
use crate::model::{
    Egress, InternetGateway, InternetGatewayId, RouteTable, Subnet, SubnetId, Tags, Via, Vpc, VpcId,
};

impl Tx<'_> {
    /// Adds a VPC with its blocks.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_vpc(&mut self, vpc: &Vpc) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO vpc (id, dns_support) VALUES (?, ?)",
            params![vpc.id.as_str(), vpc.dns_support],
        )?;
        for cidr in &vpc.cidrs {
            self.insert_vpc_cidr(&vpc.id, *cidr)?;
        }
        self.insert_tags(vpc.id.as_str(), &vpc.tags)?;
        self.change("vpc", vpc.id.as_str())?;
        Ok(())
    }

    /// Gives a VPC one more block.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_vpc_cidr(&mut self, vpc: &VpcId, cidr: Ipv4Net) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO vpc_cidr (vpc_id, cidr, position)
             SELECT ?1, ?2, coalesce(max(position), 0) + 1 FROM vpc_cidr WHERE vpc_id = ?1",
            params![vpc.as_str(), cidr.to_string()],
        )?;
        self.change("vpc", vpc.as_str())?;
        Ok(())
    }

    /// Says whether a VPC's resolver answers.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn set_dns_support(&mut self, vpc: &VpcId, answers: bool) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE vpc SET dns_support = ? WHERE id = ?",
            params![answers, vpc.as_str()],
        )?;
        self.change("vpc", vpc.as_str())?;
        Ok(())
    }

    /// Takes a block from a VPC.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_vpc_cidr(&mut self, vpc: &VpcId, cidr: Ipv4Net) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM vpc_cidr WHERE vpc_id = ? AND cidr = ?",
            params![vpc.as_str(), cidr.to_string()],
        )?;
        self.change("vpc", vpc.as_str())?;
        Ok(())
    }

    /// Removes a VPC with what it was made with: its default security group and its main route
    /// table.
    ///
    /// # Errors
    /// When the database refuses, as it does while anything else refers to it.
    pub fn delete_vpc(&mut self, vpc: &VpcId) -> Result<(), StoreError> {
        let snapshot = self.snapshot();
        if let Some(group) = snapshot.default_security_group(vpc) {
            self.delete_security_group(&group.id)?;
        }
        let is_main = |table: &&RouteTable| table.vpc_id == *vpc && table.is_main;
        if let Some(table) = snapshot.route_tables.values().find(is_main) {
            self.delete_route_table(&table.id)?;
        }
        self.delete_thing("vpc", "DELETE FROM vpc WHERE id = ?", vpc.as_str())
    }

    /// Adds a subnet.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_subnet(&mut self, subnet: &Subnet) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO subnet (id, vpc_id, cidr, availability_zone, egress_interface,
                 egress_address, egress_nat)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                subnet.id.as_str(),
                subnet.vpc_id.as_str(),
                subnet.cidr.to_string(),
                subnet.availability_zone,
                interface_of(&subnet.egress),
                address_of(&subnet.egress),
                subnet.egress.nat,
            ],
        )?;
        self.insert_tags(subnet.id.as_str(), &subnet.tags)?;
        self.change("subnet", subnet.id.as_str())?;
        Ok(())
    }

    /// Has packets for a subnet leave by its egress as it is in `subnet`.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn update_subnet_egress(&mut self, subnet: &Subnet) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE subnet SET egress_interface = ?, egress_address = ?, egress_nat = ?
             WHERE id = ?",
            params![
                interface_of(&subnet.egress),
                address_of(&subnet.egress),
                subnet.egress.nat,
                subnet.id.as_str(),
            ],
        )?;
        self.change("subnet", subnet.id.as_str())?;
        Ok(())
    }

    /// Removes a subnet.
    ///
    /// # Errors
    /// When the database refuses, as it does while it is associated.
    pub fn delete_subnet(&mut self, subnet: &SubnetId) -> Result<(), StoreError> {
        self.delete_thing("subnet", "DELETE FROM subnet WHERE id = ?", subnet.as_str())
    }

    /// Adds an internet gateway.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_internet_gateway(&mut self, gateway: &InternetGateway) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO internet_gateway (id, vpc_id) VALUES (?, ?)",
            params![
                gateway.id.as_str(),
                gateway.vpc_id.as_ref().map(VpcId::as_str)
            ],
        )?;
        self.insert_tags(gateway.id.as_str(), &gateway.tags)?;
        self.change("internet-gateway", gateway.id.as_str())?;
        Ok(())
    }

    /// Attaches an internet gateway to a VPC, or detaches it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn attach_internet_gateway(
        &mut self,
        gateway: &InternetGatewayId,
        vpc: Option<&VpcId>,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE internet_gateway SET vpc_id = ? WHERE id = ?",
            params![vpc.map(VpcId::as_str), gateway.as_str()],
        )?;
        self.change("internet-gateway", gateway.as_str())?;
        Ok(())
    }

    /// Removes an internet gateway.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_internet_gateway(
        &mut self,
        gateway: &InternetGatewayId,
    ) -> Result<(), StoreError> {
        self.delete_thing(
            "internet-gateway",
            "DELETE FROM internet_gateway WHERE id = ?",
            gateway.as_str(),
        )
    }

    pub(super) fn delete_thing(
        &mut self,
        kind: &str,
        sql: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        self.connection.execute(sql, [id])?;
        self.connection
            .execute("DELETE FROM tag WHERE resource_id = ?", [id])?;
        self.change(kind, id)?;
        Ok(())
    }

    pub(super) fn insert_tags(&mut self, id: &str, tags: &Tags) -> Result<(), StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("INSERT INTO tag (resource_id, key, value) VALUES (?, ?, ?)")?;
        for (key, value) in tags {
            statement.execute(params![id, key, value])?;
        }
        Ok(())
    }
}

/// Every tag, by the identifier of what it hangs on.
pub(super) type TagsById = BTreeMap<String, Tags>;

pub(super) fn load_tags(connection: &Connection) -> Result<TagsById, StoreError> {
    let mut statement = connection.prepare_cached("SELECT resource_id, key, value FROM tag")?;
    let mut rows = statement.query([])?;
    let mut tags = TagsById::new();
    while let Some(row) = rows.next()? {
        tags.entry(row.get("resource_id")?)
            .or_default()
            .insert(row.get("key")?, row.get("value")?);
    }
    Ok(tags)
}

pub(super) fn tags_of(tags: &TagsById, id: &str) -> Tags {
    tags.get(id).cloned().unwrap_or_default()
}

pub(super) fn load_vpcs(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<VpcId, Vpc>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT vpc.id, vpc.dns_support, vpc_cidr.cidr FROM vpc JOIN vpc_cidr ON vpc_cidr.vpc_id = vpc.id
         ORDER BY vpc.id, vpc_cidr.position",
    )?;
    let mut rows = statement.query([])?;
    let mut vpcs = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let id: VpcId = row::parsed(row, "id")?;
        let dns_support = row.get("dns_support")?;
        vpcs.entry(id.clone())
            .or_insert_with(|| Vpc {
                tags: tags_of(tags, id.as_str()),
                id,
                cidrs: Vec::new(),
                dns_support,
            })
            .cidrs
            .push(row::parsed(row, "cidr")?);
    }
    Ok(vpcs)
}

pub(super) fn load_subnets(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<SubnetId, Subnet>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM subnet")?;
    let rows = statement.query_map([], |found| {
        let id: SubnetId = row::parsed(found, "id")?;
        let subnet = Subnet {
            id: id.clone(),
            vpc_id: row::parsed(found, "vpc_id")?,
            cidr: row::parsed(found, "cidr")?,
            availability_zone: found.get("availability_zone")?,
            egress: egress(found)?,
            tags: tags_of(tags, id.as_str()),
        };
        Ok((id, subnet))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn egress(found: &Row<'_>) -> rusqlite::Result<Egress> {
    let interface: Option<String> = found.get("egress_interface")?;
    let address = row::parsed_option(found, "egress_address")?;
    Ok(Egress {
        via: match (interface, address) {
            (Some(interface), _) => Via::Interface(interface),
            (None, Some(address)) => Via::SourceAddress(address),
            (None, None) => Via::HostRouting,
        },
        nat: found.get("egress_nat")?,
    })
}

pub(super) fn interface_of(egress: &Egress) -> Option<&str> {
    match &egress.via {
        Via::Interface(name) => Some(name),
        Via::HostRouting | Via::SourceAddress(_) => None,
    }
}

pub(super) fn address_of(egress: &Egress) -> Option<String> {
    match &egress.via {
        Via::SourceAddress(address) => Some(address.to_string()),
        Via::HostRouting | Via::Interface(_) => None,
    }
}

pub(super) fn load_internet_gateways(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<InternetGatewayId, InternetGateway>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM internet_gateway")?;
    let rows = statement.query_map([], |found| {
        let id: InternetGatewayId = row::parsed(found, "id")?;
        let gateway = InternetGateway {
            id: id.clone(),
            vpc_id: row::parsed_option(found, "vpc_id")?,
            tags: tags_of(tags, id.as_str()),
        };
        Ok((id, gateway))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
