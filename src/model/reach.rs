//! What a VPC reaches, and through what: its own blocks, and beyond them what its route tables say.
//!
//! The one judgement of it. The policy compiles it, the command line and the window show it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{
    explanation::{Blackhole, BlackholeCause, VpcReach},
    id::VpcId,
    net,
    network::{RouteTable, RouteTarget, Subnet, Vpc, VpcRoute},
    snapshot::Snapshot,
};

/// What lies behind the target of a VPC's route.
enum Behind<'a> {
    /// All that the VPC does not have itself.
    Everything,
    /// These networks and nothing else.
    Only(&'a [Ipv4Net]),
}

impl Behind<'_> {
    fn meets(&self, net: Ipv4Net) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(blocks) => blocks.iter().any(|block| net::overlap(*block, net)),
        }
    }

    fn contains(&self, net: Ipv4Net) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(blocks) => blocks.iter().any(|block| block.contains(&net)),
        }
    }
}

impl Snapshot {
    /// What a subnet reaches, as prefixes of which the longest that has an address decides; an
    /// address that none has is not reached. Each prefix is there once.
    ///
    /// A VPC's own blocks go before every route inside them. A route through a peering connection
    /// or a VPN connection reaches only what lies behind it: what else has its destination is a
    /// black hole.
    #[must_use]
    pub fn vpc_routes(&self, subnet: &Subnet) -> Vec<(Ipv4Net, VpcReach)> {
        let Some(vpc) = self.vpcs.get(&subnet.vpc_id) else {
            return Vec::new();
        };
        let blocks = vpc.cidrs.iter();
        let mut reached: Vec<_> = blocks.map(|it| (*it, VpcReach::Local(*it))).collect();
        if let Some(table) = self.route_table_of(subnet) {
            for route in &table.routes {
                self.add_reached(vpc, table, route, &mut reached);
            }
        }
        reached
    }

    /// What an address is reached through from a subnet; none where nothing leads to it.
    #[must_use]
    pub fn vpc_reach(&self, subnet: &Subnet, address: Ipv4Addr) -> Option<VpcReach> {
        self.vpc_routes(subnet)
            .into_iter()
            .filter(|(prefix, _)| prefix.contains(&address))
            .max_by_key(|(prefix, _)| prefix.prefix_len())
            .map(|(_, reach)| reach)
    }

    /// Why a route of a VPC's route table leads nowhere (AWS's state `blackhole`); none where it is
    /// `active`.
    #[must_use]
    pub fn blackhole(&self, table: &RouteTable, route: &VpcRoute) -> Option<Blackhole> {
        let cause = match self.behind(&table.vpc_id, &route.target) {
            Err(cause) => cause,
            Ok(behind) if behind.meets(route.destination) => return None,
            Ok(_) => BlackholeCause::NotBehind,
        };
        Some(black_hole(route, cause))
    }

    /// Adds what `route` is the longest for: its destination, and where that is wider than what
    /// lies behind its target, each of those networks.
    fn add_reached(
        &self,
        vpc: &Vpc,
        table: &RouteTable,
        route: &VpcRoute,
        reached: &mut Vec<(Ipv4Net, VpcReach)>,
    ) {
        let destination = route.destination;
        if vpc.contains(destination) {
            return;
        }
        let nowhere = |cause| VpcReach::Blackhole(black_hole(route, cause));
        let behind = match self.behind(&table.vpc_id, &route.target) {
            Err(cause) => return reached.push((destination, nowhere(cause))),
            Ok(behind) => behind,
        };
        if behind.contains(destination) {
            return reached.push((destination, VpcReach::through(&route.target)));
        }
        reached.push((destination, nowhere(BlackholeCause::NotBehind)));
        let Behind::Only(networks) = behind else {
            return;
        };
        // A longer route of the table decides over what it has, whatever lies behind this one.
        let longer = |net: &Ipv4Net| {
            let others = table.routes.iter().map(|other| other.destination);
            others
                .filter(|other| other.prefix_len() > destination.prefix_len())
                .any(|other| other.contains(net))
        };
        for net in networks {
            if destination.contains(net) && !vpc.contains(*net) && !longer(net) {
                reached.push((*net, VpcReach::through(&route.target)));
            }
        }
    }

    /// What lies behind a target, seen from the VPC whose table names it.
    fn behind(&self, vpc: &VpcId, target: &RouteTarget) -> Result<Behind<'_>, BlackholeCause> {
        match target {
            RouteTarget::InternetGateway(id) => {
                let gateway = self.internet_gateways.get(id).ok_or(BlackholeCause::Gone)?;
                if gateway.vpc_id.as_ref() != Some(vpc) {
                    return Err(BlackholeCause::NotAttached);
                }
                Ok(Behind::Everything)
            }
            RouteTarget::PeeringConnection(id) => {
                let peering = self.peering_connections.get(id);
                let peering = peering.ok_or(BlackholeCause::Gone)?;
                let peer = peering.peer_of(vpc).ok_or(BlackholeCause::NotAttached)?;
                if !peering.is_active {
                    return Err(BlackholeCause::Pending);
                }
                let peer = self.vpcs.get(peer).ok_or(BlackholeCause::Gone)?;
                Ok(Behind::Only(&peer.cidrs))
            }
            RouteTarget::VpnConnection(id) => {
                let vpn = self.vpn_connections.get(id).ok_or(BlackholeCause::Gone)?;
                if vpn.vpc_id != *vpc {
                    return Err(BlackholeCause::NotAttached);
                }
                Ok(Behind::Only(&vpn.cidrs))
            }
        }
    }
}

fn black_hole(route: &VpcRoute, cause: BlackholeCause) -> Blackhole {
    Blackhole {
        destination: route.destination,
        target: route.target.clone(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        InternetGateway, InternetGatewayId, PeeringConnection, RouteTableId, SubnetId,
        VpcPeeringConnectionId, VpnConnection, VpnConnectionId,
    };

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn vpc_id(number: u8) -> VpcId {
        VpcId::from_random([number; 9])
    }

    fn peering_id(number: u8) -> VpcPeeringConnectionId {
        VpcPeeringConnectionId::from_random([number; 9])
    }

    fn vpn_id() -> VpnConnectionId {
        VpnConnectionId::from_random([1; 9])
    }

    fn gateway_id() -> InternetGatewayId {
        InternetGatewayId::from_random([1; 9])
    }

    fn subnet() -> Subnet {
        Subnet {
            id: SubnetId::from_random([1; 9]),
            vpc_id: vpc_id(1),
            cidr: net("10.1.1.0/24"),
            availability_zone: "local-1a".to_owned(),
            egress: Default::default(),
            tags: Default::default(),
        }
    }

    /// VPC 1 with 10.1/16, peered with VPC 2 (10.2/16), which is peered with VPC 3 (10.3/16).
    fn snapshot() -> Snapshot {
        let mut it = Snapshot::default();
        for number in 1..=3 {
            let vpc = Vpc {
                id: vpc_id(number),
                cidrs: vec![net(&format!("10.{number}.0.0/16"))],
                dns_support: true,
                tags: Default::default(),
            };
            it.vpcs.insert(vpc.id.clone(), vpc);
        }
        for (number, pair) in [(1, (1, 2)), (2, (2, 3))] {
            let peering = PeeringConnection {
                id: peering_id(number),
                requester_vpc_id: vpc_id(pair.0),
                accepter_vpc_id: vpc_id(pair.1),
                is_active: true,
                tags: Default::default(),
            };
            it.peering_connections.insert(peering.id.clone(), peering);
        }
        let vpn = VpnConnection {
            id: vpn_id(),
            vpc_id: vpc_id(1),
            cidrs: vec![net("10.2.8.0/24"), net("192.168.0.0/16")],
            tags: Default::default(),
        };
        it.vpn_connections.insert(vpn.id.clone(), vpn);
        let gateway = InternetGateway {
            id: gateway_id(),
            vpc_id: Some(vpc_id(1)),
            tags: Default::default(),
        };
        it.internet_gateways.insert(gateway.id.clone(), gateway);
        it
    }

    fn with_routes(mut snapshot: Snapshot, routes: &[(&str, RouteTarget)]) -> Snapshot {
        let table = RouteTable {
            id: RouteTableId::from_random([1; 9]),
            vpc_id: vpc_id(1),
            is_main: true,
            subnets: Default::default(),
            routes: routes
                .iter()
                .map(|(destination, target)| VpcRoute {
                    destination: net(destination),
                    target: target.clone(),
                    is_propagated: false,
                })
                .collect(),
            tags: Default::default(),
        };
        snapshot.route_tables.insert(table.id.clone(), table);
        snapshot
    }

    fn gateway() -> RouteTarget {
        RouteTarget::InternetGateway(gateway_id())
    }

    fn peering() -> RouteTarget {
        RouteTarget::PeeringConnection(peering_id(1))
    }

    fn vpn() -> RouteTarget {
        RouteTarget::VpnConnection(vpn_id())
    }

    fn reach(snapshot: &Snapshot, address: &str) -> Option<VpcReach> {
        snapshot.vpc_reach(&subnet(), address.parse().unwrap())
    }

    fn cause(snapshot: &Snapshot, address: &str) -> BlackholeCause {
        match reach(snapshot, address) {
            Some(VpcReach::Blackhole(it)) => it.cause,
            other => panic!("{address}: {other:?}"),
        }
    }

    #[test]
    fn without_a_route_only_the_vpcs_own_blocks_are_reached() {
        let snapshot = with_routes(snapshot(), &[]);
        let local = VpcReach::Local(net("10.1.0.0/16"));
        assert_eq!(reach(&snapshot, "10.1.200.1"), Some(local));
        assert_eq!(reach(&snapshot, "10.2.0.1"), None);
    }

    #[test]
    fn the_longest_route_decides() {
        let all = [
            ("0.0.0.0/0", gateway()),
            ("10.2.0.0/16", peering()),
            ("10.2.8.0/24", vpn()),
        ];
        let snapshot = with_routes(snapshot(), &all);
        let through = |address| reach(&snapshot, address).unwrap();
        assert_eq!(through("203.0.113.1"), VpcReach::InternetGateway);
        let peering = VpcReach::PeeringConnection(peering_id(1));
        assert_eq!(through("10.2.0.1"), peering);
        assert_eq!(through("10.2.8.1"), VpcReach::VpnConnection(vpn_id()));
    }

    #[test]
    fn the_vpcs_own_blocks_go_before_routes_inside_them() {
        let snapshot = with_routes(snapshot(), &[("10.1.7.0/24", gateway())]);
        let local = VpcReach::Local(net("10.1.0.0/16"));
        assert_eq!(reach(&snapshot, "10.1.7.1"), Some(local));
    }

    #[test]
    fn a_wide_route_reaches_only_what_lies_behind_its_target() {
        let snapshot = with_routes(snapshot(), &[("10.0.0.0/8", peering())]);
        let peer = VpcReach::PeeringConnection(peering_id(1));
        assert_eq!(reach(&snapshot, "10.2.8.1"), Some(peer));
        assert_eq!(cause(&snapshot, "10.9.0.1"), BlackholeCause::NotBehind);
    }

    #[test]
    fn a_longer_route_keeps_what_also_lies_behind_a_shorter_one() {
        // 10.2/16 lies behind the peering, but the table sends 10.0/12 through the gateway.
        let all = [("10.0.0.0/8", peering()), ("10.0.0.0/12", gateway())];
        let snapshot = with_routes(snapshot(), &all);
        let through = reach(&snapshot, "10.2.0.1");
        assert_eq!(through, Some(VpcReach::InternetGateway));
    }

    #[test]
    fn a_peering_is_not_transitive() {
        let third = RouteTarget::PeeringConnection(peering_id(2));
        let all = [("10.3.0.0/16", peering()), ("10.3.1.0/24", third)];
        let snapshot = with_routes(snapshot(), &all);
        assert_eq!(cause(&snapshot, "10.3.0.1"), BlackholeCause::NotBehind);
        assert_eq!(cause(&snapshot, "10.3.1.1"), BlackholeCause::NotAttached);
    }

    #[test]
    fn a_target_that_is_gone_pending_or_elsewhere_is_a_black_hole() {
        let all = [
            ("0.0.0.0/0", gateway()),
            ("10.2.0.0/16", peering()),
            ("192.168.0.0/16", vpn()),
        ];
        let mut snapshot = with_routes(snapshot(), &all);
        let pending = snapshot.peering_connections.get_mut(&peering_id(1));
        pending.unwrap().is_active = false;
        let gateway = snapshot.internet_gateways.get_mut(&gateway_id());
        gateway.unwrap().vpc_id = None;
        snapshot.vpn_connections.clear();
        assert_eq!(cause(&snapshot, "203.0.113.1"), BlackholeCause::NotAttached);
        assert_eq!(cause(&snapshot, "10.2.0.1"), BlackholeCause::Pending);
        assert_eq!(cause(&snapshot, "192.168.0.1"), BlackholeCause::Gone);
        let table = snapshot.route_tables.values().next().unwrap();
        let states = table.routes.iter().map(|it| snapshot.blackhole(table, it));
        assert!(states.into_iter().all(|state| state.is_some()));
    }

    #[test]
    fn a_route_is_active_when_some_of_its_destination_lies_behind_its_target() {
        let all = [("10.0.0.0/8", peering()), ("172.16.0.0/12", peering())];
        let snapshot = with_routes(snapshot(), &all);
        let table = snapshot.route_tables.values().next().unwrap();
        assert_eq!(snapshot.blackhole(table, &table.routes[0]), None);
        let nowhere = snapshot.blackhole(table, &table.routes[1]).unwrap();
        assert_eq!(nowhere.cause, BlackholeCause::NotBehind);
        assert_eq!(
            nowhere.to_string(),
            format!(
                "the route to 172.16.0.0/12 leads to {}, behind which the destination does not lie",
                peering_id(1)
            )
        );
    }

    #[test]
    fn every_prefix_is_there_once() {
        let all = [
            ("0.0.0.0/0", gateway()),
            ("10.0.0.0/8", peering()),
            ("10.2.0.0/16", vpn()),
            ("10.2.8.0/24", peering()),
        ];
        let snapshot = with_routes(snapshot(), &all);
        let mut prefixes: Vec<_> = snapshot.vpc_routes(&subnet()).into_iter().collect();
        prefixes.sort_by_key(|(prefix, _)| *prefix);
        let count = prefixes.len();
        prefixes.dedup_by_key(|(prefix, _)| *prefix);
        assert_eq!(prefixes.len(), count, "{prefixes:?}");
    }
}
