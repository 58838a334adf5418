//! Networks and security groups in words, the same on every screen that shows them.

use std::collections::BTreeSet;

use crate::model::{
    AssociationState, Direction, Egress, Endpoint, EndpointId, Peer, RouteTarget, SecurityGroup,
    SecurityGroupId, SecurityGroupRule, Snapshot, Subnet, SubnetId, Via, Vpc,
    command::{EgressChoice, Permission},
};

/// The address blocks of a VPC, the primary one first.
pub(crate) fn blocks(vpc: &Vpc) -> String {
    joined(&vpc.cidrs)
}

/// What clients of an endpoint connect to: with a star where they put a random label before it, and
/// empty where only the machine knows its address.
pub(crate) fn dns_name(snapshot: &Snapshot, id: &EndpointId) -> String {
    let settings = &snapshot.settings;
    match &settings.endpoint_domain {
        Some(domain) => format!("*.{id}.{domain}"),
        None => settings.public_address.clone().unwrap_or_default(),
    }
}

/// Values one after the other: `10.1.0.0/16, 10.2.0.0/16`.
pub(crate) fn joined(values: &[impl ToString]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    values.join(", ")
}

/// How packets leave this machine for a subnet.
pub(crate) fn egress(egress: &Egress) -> String {
    let way = match &egress.via {
        Via::HostRouting => "This machine's routes".to_owned(),
        Via::Interface(name) => format!("Through {name}"),
        Via::SourceAddress(address) => format!("From {address}"),
    };
    let nat = if egress.nat { "NAT" } else { "no NAT" };
    format!("{way}, {nat}")
}

/// What has to be asked for to have this egress.
pub(crate) fn asked_egress(egress: &Egress) -> EgressChoice {
    let mut asked = EgressChoice {
        nat: Some(egress.nat),
        ..EgressChoice::default()
    };
    match &egress.via {
        Via::HostRouting => {}
        Via::Interface(name) => asked.interface = Some(name.clone()),
        Via::SourceAddress(address) => asked.source_address = Some(address.to_string()),
    }
    asked
}

/// The name of a subnet, or its identifier where it is gone.
pub(crate) fn subnet(snapshot: &Snapshot, id: &SubnetId) -> String {
    let subnet = snapshot.subnets.get(id);
    subnet.map_or(id.as_str(), Subnet::title).to_owned()
}

/// The name of a security group, or its identifier where it is gone.
pub(crate) fn group(snapshot: &Snapshot, id: &SecurityGroupId) -> String {
    let group = snapshot.security_groups.get(id);
    group.map_or(id.as_str(), |g| g.name.as_str()).to_owned()
}

/// The names of security groups: `default, web`.
pub(crate) fn groups(snapshot: &Snapshot, ids: &BTreeSet<SecurityGroupId>) -> String {
    let names: Vec<String> = ids.iter().map(|id| group(snapshot, id)).collect();
    names.join(", ")
}

/// The other end of a rule: `10.1.0.0/16`, or a group by its name.
pub(crate) fn peer(snapshot: &Snapshot, peer: &Peer) -> String {
    match peer {
        Peer::Cidr(net) => net.to_string(),
        Peer::Group(id) => group(snapshot, id),
    }
}

/// The protocol of a rule, as the console has it.
pub(crate) fn protocol(rule: &SecurityGroupRule) -> &'static str {
    match rule.protocol {
        None => "All traffic",
        Some(protocol) => match protocol.as_str() {
            "tcp" => "TCP",
            "udp" => "UDP",
            _ => "ICMP",
        },
    }
}

/// The ports of a rule: `443`, `8000-8080`, or `All`.
pub(crate) fn ports(rule: &SecurityGroupRule) -> String {
    rule.ports
        .map_or_else(|| "All".to_owned(), |ports| ports.to_string())
}

/// What has to be asked for to have this rule.
pub(crate) fn permission(rule: &SecurityGroupRule) -> Permission {
    let (cidr, group_id) = match &rule.peer {
        Peer::Cidr(net) => (Some(net.to_string()), None),
        Peer::Group(id) => (None, Some(id.to_string())),
    };
    Permission {
        protocol: rule.protocol.map_or("-1", |p| p.as_str()).to_owned(),
        from_port: rule.ports.map(|ports| ports.from.into()),
        to_port: rule.ports.map(|ports| ports.to.into()),
        cidr,
        group_id,
        description: rule.description.clone(),
    }
}

/// How many rules of one direction a group has.
pub(crate) fn rule_count(group: &SecurityGroup, direction: Direction) -> usize {
    group.rules_of(direction).count()
}

/// The endpoints that a security group is applied to.
pub(crate) fn endpoints_with<'s>(
    snapshot: &'s Snapshot,
    group: &'s SecurityGroupId,
) -> impl Iterator<Item = &'s Endpoint> {
    let endpoints = snapshot.endpoints.values();
    endpoints.filter(move |endpoint| endpoint.security_groups.contains(group))
}

/// Security groups other than itself whose rules name a group.
pub(crate) fn groups_naming<'s>(
    snapshot: &'s Snapshot,
    group: &'s SecurityGroupId,
) -> impl Iterator<Item = &'s SecurityGroup> {
    let groups = snapshot.security_groups.values().map(AsRef::as_ref);
    groups.filter(move |other: &&SecurityGroup| {
        let names = |rule: &SecurityGroupRule| rule.peer == Peer::Group(group.clone());
        other.id != *group && other.rules.iter().any(names)
    })
}

/// What a VPC's route leads through, with the name of it: `Internet gateway line`.
pub(crate) fn target(snapshot: &Snapshot, target: &RouteTarget) -> String {
    let (kind, title) = match target {
        RouteTarget::InternetGateway(id) => {
            let gateway = snapshot.internet_gateways.get(id);
            (
                "Internet gateway",
                gateway.map(super::super::model::network::InternetGateway::title),
            )
        }
        RouteTarget::PeeringConnection(id) => {
            let peering = snapshot.peering_connections.get(id);
            (
                "Peering connection",
                peering.map(super::super::model::network::PeeringConnection::title),
            )
        }
        RouteTarget::VpnConnection(id) => {
            let vpn = snapshot.vpn_connections.get(id);
            (
                "VPN connection",
                vpn.map(super::super::model::network::VpnConnection::title),
            )
        }
    };
    format!("{kind} {}", title.unwrap_or(target.as_str()))
}

/// The subnets that clients of an endpoint are bound to.
pub(crate) fn associated(snapshot: &Snapshot, endpoint: &EndpointId) -> BTreeSet<SubnetId> {
    snapshot
        .associations_of(endpoint)
        .filter(|a| a.state != AssociationState::Disassociating)
        .map(|a| a.subnet_id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    #[test]
    fn an_egress_is_said_in_words_and_asked_for_again_as_it_is() {
        let of = |via, nat| Egress { via, nat };
        let told = |e: &Egress| (egress(e), asked_egress(e));
        let (words, asked) = told(&of(Via::Interface("eth1".to_owned()), false));
        assert_eq!(words, "Through eth1, no NAT");
        assert_eq!(asked.interface.as_deref(), Some("eth1"));
        assert_eq!((asked.source_address, asked.nat), (None, Some(false)));
        let (words, asked) = told(&of(Via::SourceAddress([10, 1, 0, 7].into()), true));
        assert_eq!(words, "From 10.1.0.7, NAT");
        assert_eq!(asked.source_address.as_deref(), Some("10.1.0.7"));
        assert_eq!(told(&Egress::default()).0, "This machine's routes, NAT");
    }

    #[test]
    fn a_rule_is_said_and_asked_for_again_as_it_is() {
        let (snapshot, _) = sample::office();
        let web = &snapshot.security_groups[&sample::group_id(2)];
        let rule = web.rules_of(Direction::Ingress).next().unwrap();
        assert_eq!((protocol(rule), ports(rule)), ("TCP", "443".to_owned()));
        assert_eq!(peer(&snapshot, &rule.peer), "vpn-clients");
        let asked = permission(rule);
        assert_eq!((asked.from_port, asked.to_port), (Some(443), Some(443)));
        assert_eq!(
            asked.group_id.as_deref(),
            Some(sample::group_id(3).as_str())
        );
        let naming = groups_naming(&snapshot, &web.id);
        assert_eq!(naming.count(), 0);
        let clients = sample::group_id(3);
        let naming: Vec<_> = groups_naming(&snapshot, &clients).collect();
        assert_eq!(naming[0].name, "web");
    }
}
