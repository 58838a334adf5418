//! What VPCs reach beyond themselves: route tables, peering and VPN connections.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use rusqlite::{Connection, Row, params};

use super::{
    StoreError, Tx,
    networks::{TagsById, tags_of},
    row,
};
use crate::model::{
    PeeringConnection, RouteTable, RouteTableId, RouteTarget, SubnetId, VpcPeeringConnectionId,
    VpcRoute, VpnConnection, VpnConnectionId,
};

impl Tx<'_> {
    /// Adds a route table with its routes; it is for no subnet by name yet.
    ///
    /// # Errors
    /// When the database refuses, as it does to a second main table of a VPC.
    pub fn insert_route_table(&mut self, table: &RouteTable) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO route_table (id, vpc_id, is_main) VALUES (?, ?, ?)",
            params![table.id.as_str(), table.vpc_id.as_str(), table.is_main],
        )?;
        for route in &table.routes {
            self.insert_vpc_route(&table.id, route)?;
        }
        self.insert_tags(table.id.as_str(), &table.tags)?;
        self.change("route-table", table.id.as_str())?;
        Ok(())
    }

    /// Removes a route table with its routes.
    ///
    /// # Errors
    /// When the database refuses, as it does while it is for a subnet by name.
    pub fn delete_route_table(&mut self, table: &RouteTableId) -> Result<(), StoreError> {
        self.delete_thing(
            "route-table",
            "DELETE FROM route_table WHERE id = ?",
            table.as_str(),
        )
    }

    /// Adds a route to a route table.
    ///
    /// # Errors
    /// When the database refuses, as it does where the table has one to that destination.
    pub fn insert_vpc_route(
        &mut self,
        table: &RouteTableId,
        route: &VpcRoute,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO vpc_route (route_table_id, destination, {}, is_propagated)
             VALUES (?, ?, ?, ?)",
            target_column(&route.target)
        );
        self.connection.execute(
            &sql,
            params![
                table.as_str(),
                route.destination.to_string(),
                route.target.as_str(),
                route.is_propagated,
            ],
        )?;
        self.change("route-table", table.as_str())?;
        Ok(())
    }

    /// Takes a route from a route table.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_vpc_route(
        &mut self,
        table: &RouteTableId,
        destination: Ipv4Net,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM vpc_route WHERE route_table_id = ? AND destination = ?",
            params![table.as_str(), destination.to_string()],
        )?;
        self.change("route-table", table.as_str())?;
        Ok(())
    }

    /// Has a subnet use the route table from now on, instead of the one it used.
    ///
    /// # Errors
    /// When the database refuses, as it does to a subnet of another VPC.
    pub fn associate_route_table(
        &mut self,
        table: &RouteTable,
        subnet: &SubnetId,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO route_table_subnet (subnet_id, route_table_id, vpc_id) VALUES (?, ?, ?)",
            params![subnet.as_str(), table.id.as_str(), table.vpc_id.as_str()],
        )?;
        self.change("route-table", table.id.as_str())?;
        Ok(())
    }

    /// Has a subnet use the main route table of its VPC again.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn disassociate_route_table(
        &mut self,
        table: &RouteTableId,
        subnet: &SubnetId,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM route_table_subnet WHERE subnet_id = ? AND route_table_id = ?",
            params![subnet.as_str(), table.as_str()],
        )?;
        self.change("route-table", table.as_str())?;
        Ok(())
    }

    /// Adds a peering connection.
    ///
    /// # Errors
    /// When the database refuses, as it does where the two VPCs have one.
    pub fn insert_peering_connection(
        &mut self,
        peering: &PeeringConnection,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO peering_connection (id, requester_vpc_id, accepter_vpc_id, is_active)
             VALUES (?, ?, ?, ?)",
            params![
                peering.id.as_str(),
                peering.requester_vpc_id.as_str(),
                peering.accepter_vpc_id.as_str(),
                peering.is_active,
            ],
        )?;
        self.insert_tags(peering.id.as_str(), &peering.tags)?;
        self.change("peering-connection", peering.id.as_str())?;
        Ok(())
    }

    /// Has a peering connection carry traffic from now on.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn activate_peering_connection(
        &mut self,
        peering: &VpcPeeringConnectionId,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE peering_connection SET is_active = 1 WHERE id = ?",
            [peering.as_str()],
        )?;
        self.change("peering-connection", peering.as_str())?;
        Ok(())
    }

    /// Removes a peering connection.
    ///
    /// # Errors
    /// When the database refuses, as it does while a route leads through it.
    pub fn delete_peering_connection(
        &mut self,
        peering: &VpcPeeringConnectionId,
    ) -> Result<(), StoreError> {
        self.delete_thing(
            "peering-connection",
            "DELETE FROM peering_connection WHERE id = ?",
            peering.as_str(),
        )
    }

    /// Adds a VPN connection with the networks behind it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn insert_vpn_connection(&mut self, vpn: &VpnConnection) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO vpn_connection (id, vpc_id) VALUES (?, ?)",
            params![vpn.id.as_str(), vpn.vpc_id.as_str()],
        )?;
        for cidr in &vpn.cidrs {
            self.insert_vpn_connection_cidr(&vpn.id, *cidr)?;
        }
        self.insert_tags(vpn.id.as_str(), &vpn.tags)?;
        self.change("vpn-connection", vpn.id.as_str())?;
        Ok(())
    }

    /// Adds a network behind a VPN connection.
    ///
    /// # Errors
    /// When the database refuses, as it does where it is there.
    pub fn insert_vpn_connection_cidr(
        &mut self,
        vpn: &VpnConnectionId,
        cidr: Ipv4Net,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO vpn_connection_cidr (vpn_connection_id, cidr, position)
             SELECT ?1, ?2, coalesce(max(position), 0) + 1 FROM vpn_connection_cidr
             WHERE vpn_connection_id = ?1",
            params![vpn.as_str(), cidr.to_string()],
        )?;
        self.change("vpn-connection", vpn.as_str())?;
        Ok(())
    }

    /// Takes a network from behind a VPN connection.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn delete_vpn_connection_cidr(
        &mut self,
        vpn: &VpnConnectionId,
        cidr: Ipv4Net,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "DELETE FROM vpn_connection_cidr WHERE vpn_connection_id = ? AND cidr = ?",
            params![vpn.as_str(), cidr.to_string()],
        )?;
        self.change("vpn-connection", vpn.as_str())?;
        Ok(())
    }

    /// Removes a VPN connection.
    ///
    /// # Errors
    /// When the database refuses, as it does while a route leads through it.
    pub fn delete_vpn_connection(&mut self, vpn: &VpnConnectionId) -> Result<(), StoreError> {
        self.delete_thing(
            "vpn-connection",
            "DELETE FROM vpn_connection WHERE id = ?",
            vpn.as_str(),
        )
    }
}

/// The column of `vpc_route` that holds such a target.
fn target_column(target: &RouteTarget) -> &'static str {
    match target {
        RouteTarget::InternetGateway(_) => "internet_gateway_id",
        RouteTarget::PeeringConnection(_) => "peering_connection_id",
        RouteTarget::VpnConnection(_) => "vpn_connection_id",
    }
}

pub(super) fn load_peering_connections(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<VpcPeeringConnectionId, PeeringConnection>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM peering_connection")?;
    let rows = statement.query_map([], |found| {
        let id: VpcPeeringConnectionId = row::parsed(found, "id")?;
        let peering = PeeringConnection {
            id: id.clone(),
            requester_vpc_id: row::parsed(found, "requester_vpc_id")?,
            accepter_vpc_id: row::parsed(found, "accepter_vpc_id")?,
            is_active: found.get("is_active")?,
            tags: tags_of(tags, id.as_str()),
        };
        Ok((id, peering))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn load_vpn_connections(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<VpnConnectionId, VpnConnection>, StoreError> {
    let mut cidrs = load_vpn_cidrs(connection)?;
    let mut statement = connection.prepare_cached("SELECT * FROM vpn_connection")?;
    let rows = statement.query_map([], |found| {
        let id: VpnConnectionId = row::parsed(found, "id")?;
        let vpn = VpnConnection {
            id: id.clone(),
            vpc_id: row::parsed(found, "vpc_id")?,
            cidrs: cidrs.remove(&id).unwrap_or_default(),
            tags: tags_of(tags, id.as_str()),
        };
        Ok((id, vpn))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn load_vpn_cidrs(
    connection: &Connection,
) -> Result<BTreeMap<VpnConnectionId, Vec<Ipv4Net>>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM vpn_connection_cidr ORDER BY vpn_connection_id, position")?;
    let mut rows = statement.query([])?;
    let mut cidrs: BTreeMap<VpnConnectionId, Vec<_>> = BTreeMap::new();
    while let Some(found) = rows.next()? {
        cidrs
            .entry(row::parsed(found, "vpn_connection_id")?)
            .or_default()
            .push(row::parsed(found, "cidr")?);
    }
    Ok(cidrs)
}

pub(super) fn load_route_tables(
    connection: &Connection,
    tags: &TagsById,
) -> Result<BTreeMap<RouteTableId, RouteTable>, StoreError> {
    let mut subnets = load_table_subnets(connection)?;
    let mut routes = load_vpc_routes(connection)?;
    let mut statement = connection.prepare_cached("SELECT * FROM route_table")?;
    let rows = statement.query_map([], |found| {
        let id: RouteTableId = row::parsed(found, "id")?;
        let table = RouteTable {
            id: id.clone(),
            vpc_id: row::parsed(found, "vpc_id")?,
            is_main: found.get("is_main")?,
            subnets: subnets.remove(&id).unwrap_or_default(),
            routes: routes.remove(&id).unwrap_or_default(),
            tags: tags_of(tags, id.as_str()),
        };
        Ok((id, table))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn load_table_subnets(
    connection: &Connection,
) -> Result<BTreeMap<RouteTableId, BTreeSet<SubnetId>>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM route_table_subnet")?;
    let mut rows = statement.query([])?;
    let mut subnets: BTreeMap<RouteTableId, BTreeSet<_>> = BTreeMap::new();
    while let Some(found) = rows.next()? {
        subnets
            .entry(row::parsed(found, "route_table_id")?)
            .or_default()
            .insert(row::parsed(found, "subnet_id")?);
    }
    Ok(subnets)
}

/// The routes of each table, in the order of their networks.
fn load_vpc_routes(
    connection: &Connection,
) -> Result<BTreeMap<RouteTableId, Vec<VpcRoute>>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT * FROM vpc_route")?;
    let mut rows = statement.query([])?;
    let mut routes: BTreeMap<RouteTableId, Vec<VpcRoute>> = BTreeMap::new();
    while let Some(found) = rows.next()? {
        routes
            .entry(row::parsed(found, "route_table_id")?)
            .or_default()
            .push(VpcRoute {
                destination: row::parsed(found, "destination")?,
                target: target(found)?,
                is_propagated: found.get("is_propagated")?,
            });
    }
    for of_table in routes.values_mut() {
        of_table.sort_by_key(|route| route.destination);
    }
    Ok(routes)
}

fn target(found: &Row<'_>) -> rusqlite::Result<RouteTarget> {
    if let Some(id) = row::parsed_option(found, "internet_gateway_id")? {
        return Ok(RouteTarget::InternetGateway(id));
    }
    if let Some(id) = row::parsed_option(found, "peering_connection_id")? {
        return Ok(RouteTarget::PeeringConnection(id));
    }
    // The table has one of the three in each row.
    row::parsed(found, "vpn_connection_id").map(RouteTarget::VpnConnection)
}
