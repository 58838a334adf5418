//! Security groups, resources and what lies beyond the VPC: a row for each way it can go.

use super::*;

const ALL: (Option<IpProtocol>, Option<PortRange>) = (None, None);

fn tcp(from: u16, to: u16) -> (Option<IpProtocol>, Option<PortRange>) {
    (Some(IpProtocol::Tcp), Some(PortRange { from, to }))
}

fn cidr(text: &str) -> Peer {
    Peer::Cidr(net(text))
}

fn group(number: u8) -> Peer {
    Peer::Group(security_group_id(number))
}

/// Everything is routed and authorized, and the VPC has the neighbours and ways out there are.
fn open() -> Snapshot {
    let snapshot = with_neighbours(wide_open());
    let peering = RouteTarget::PeeringConnection(peering_id(1));
    let snapshot = with_vpc_route(snapshot, "10.2.0.0/16", peering);
    with_vpc_route(
        snapshot,
        "192.168.0.0/16",
        RouteTarget::VpnConnection(vpn_id()),
    )
}

fn ask(snapshot: &Snapshot, to: &str, traffic: Traffic) -> (Verdict, Vec<Step>) {
    let subnet = subnet_id(1);
    compile(snapshot, 1).explain(session(&subnet).into(), ip(to), traffic)
}

fn https(snapshot: &Snapshot, to: &str) -> Verdict {
    ask(snapshot, to, Traffic::new(IpProtocol::Tcp, Some(443))).0
}

const OUT: Verdict = Verdict::Deny(Reason::SecurityGroupOut);
const IN: Verdict = Verdict::Deny(Reason::SecurityGroupIn);

#[test]
fn without_groups_nothing_is_limited_and_with_an_empty_one_nothing_gets_out() {
    assert_eq!(https(&open(), "10.1.1.9"), Verdict::Allow);
    let empty = applied(with_security_group(open(), 1, []), [1]);
    assert_eq!(https(&empty, "10.1.1.9"), OUT);
    let mut gone = empty;
    gone.security_groups.clear();
    assert_eq!(https(&gone, "10.1.1.9"), OUT);
}

#[test]
fn an_egress_rule_admits_its_protocol_ports_and_peer() {
    let out = |traffic, peer| {
        let rules = [(Direction::Egress, traffic, peer)];
        applied(with_security_group(open(), 1, rules), [1])
    };
    for (traffic, peer, expected) in [
        (ALL, cidr("0.0.0.0/0"), Verdict::Allow),
        (tcp(443, 443), cidr("10.1.0.0/16"), Verdict::Allow),
        (tcp(444, 500), cidr("10.1.0.0/16"), OUT),
        ((Some(IpProtocol::Udp), None), cidr("10.1.0.0/16"), OUT),
        (ALL, cidr("10.1.1.8/32"), OUT),
        (ALL, group(2), OUT),
    ] {
        let snapshot = out(traffic, peer.clone());
        assert_eq!(
            https(&snapshot, "10.1.1.9"),
            expected,
            "{traffic:?} {peer:?}"
        );
    }
    let ingress = [(Direction::Ingress, ALL, cidr("0.0.0.0/0"))];
    let wrong_way = applied(with_security_group(open(), 1, ingress), [1]);
    assert_eq!(https(&wrong_way, "10.1.1.9"), OUT);
}

#[test]
fn one_of_several_groups_is_enough() {
    let rules = [(Direction::Egress, ALL, cidr("0.0.0.0/0"))];
    let snapshot = with_security_group(with_security_group(open(), 1, []), 2, rules);
    assert_eq!(https(&applied(snapshot.clone(), [1]), "10.1.1.9"), OUT);
    assert_eq!(
        https(&applied(snapshot, [1, 2]), "10.1.1.9"),
        Verdict::Allow
    );
}

#[test]
fn an_egress_rule_for_a_group_is_for_the_resources_that_have_it() {
    let rules = [(Direction::Egress, ALL, group(2))];
    let welcome = [(Direction::Ingress, ALL, cidr("0.0.0.0/0"))];
    let snapshot = applied(with_security_group(open(), 1, rules), [1]);
    let snapshot = with_security_group(snapshot, 2, welcome.clone());
    let snapshot = with_security_group(snapshot, 3, welcome);
    let snapshot = with_resource(snapshot, (1, "10.1.1.7"), [2]);
    let snapshot = with_resource(snapshot, (1, "10.1.1.8"), [3]);
    let snapshot = with_resource(snapshot, (2, "10.2.0.7"), [2]);
    assert_eq!(https(&snapshot, "10.1.1.7"), Verdict::Allow);
    assert_eq!(https(&snapshot, "10.2.0.7"), Verdict::Allow);
    assert_eq!(https(&snapshot, "10.1.1.8"), OUT);
    assert_eq!(https(&snapshot, "10.1.1.9"), OUT);
}

#[test]
fn all_ports_are_admitted_only_by_a_rule_for_all_of_them() {
    let asked = Traffic::new(IpProtocol::Tcp, None);
    for (traffic, expected) in [
        (ALL, Verdict::Allow),
        ((Some(IpProtocol::Tcp), None), Verdict::Allow),
        (tcp(0, u16::MAX), Verdict::Allow),
        (tcp(1, u16::MAX), Verdict::Allow),
        (tcp(2, u16::MAX), OUT),
        (tcp(0, 65_534), OUT),
    ] {
        let rules = [(Direction::Egress, traffic, cidr("0.0.0.0/0"))];
        let snapshot = applied(with_security_group(open(), 1, rules), [1]);
        assert_eq!(ask(&snapshot, "10.1.1.9", asked).0, expected, "{traffic:?}");
    }
    let narrow = [(Direction::Egress, tcp(443, 443), cidr("0.0.0.0/0"))];
    let snapshot = applied(with_security_group(open(), 1, narrow), [1]);
    let later = |number| Traffic::opened(Protocol::Fragment(number));
    assert_eq!(ask(&snapshot, "10.1.1.9", later(6)).0, Verdict::Allow);
    assert_eq!(ask(&snapshot, "10.1.1.9", later(17)).0, OUT);
    assert_eq!(ask(&snapshot, "10.1.1.9", Traffic::ALL).0, OUT);
}

#[test]
fn a_resource_sees_the_subnet_or_without_nat_the_client() {
    let with = |peer| {
        let rules = [(Direction::Ingress, tcp(443, 443), peer)];
        with_resource(with_security_group(open(), 1, rules), (1, "10.1.1.7"), [1])
    };
    for (peer, by_subnet, by_address) in [
        ("10.1.1.0/24", Verdict::Allow, IN),
        ("10.1.1.0/25", IN, IN),
        ("10.8.0.2/32", IN, Verdict::Allow),
        ("10.8.0.3/32", IN, IN),
        ("10.0.0.0/8", Verdict::Allow, Verdict::Allow),
    ] {
        let snapshot = with(cidr(peer));
        assert_eq!(https(&snapshot, "10.1.1.7"), by_subnet, "{peer}");
        let plain = without_nat(snapshot);
        assert_eq!(https(&plain, "10.1.1.7"), by_address, "{peer}");
        assert_eq!(https(&plain, "10.1.1.8"), Verdict::Allow, "no resource");
    }
}

#[test]
fn who_is_not_connected_is_let_in_where_the_whole_client_range_is() {
    let subnet = subnet_id(1);
    let asker = Asker {
        user: USER,
        address: None,
        subnet: &subnet,
    };
    for (peer, expected) in [("10.8.0.0/22", Verdict::Allow), ("10.8.0.0/23", IN)] {
        let rules = [(Direction::Ingress, ALL, cidr(peer))];
        let snapshot = with_security_group(without_nat(open()), 1, rules);
        let snapshot = with_resource(snapshot, (1, "10.1.1.7"), [1]);
        let policy = compile(&snapshot, 1);
        let verdict = policy.allows(asker, ip("10.1.1.7"), Traffic::ALL);
        assert_eq!(verdict, expected, "{peer}");
    }
}

#[test]
fn only_vpn_clients_and_not_vpn_clients_work_as_in_the_guide() {
    // The clients have group 1; the resource lets in who has it, and nobody else.
    let out = [(Direction::Egress, ALL, cidr("0.0.0.0/0"))];
    let snapshot = with_security_group(open(), 1, out);
    let only_clients = [(Direction::Ingress, ALL, group(1))];
    let snapshot = with_security_group(snapshot, 2, only_clients);
    let snapshot = with_resource(snapshot, (1, "10.1.1.7"), [2]);
    let snapshot = applied(snapshot, [1]);
    assert_eq!(https(&snapshot, "10.1.1.7"), Verdict::Allow);
    let without_that_rule = with_security_group(snapshot, 2, []);
    assert_eq!(https(&without_that_rule, "10.1.1.7"), IN);
}

#[test]
fn a_resource_counts_in_the_vpc_that_is_reached_and_nowhere_else() {
    // Of VPC 2, at an address of VPC 1, and behind the VPN connection: neither is what is reached.
    let closed = with_security_group(open(), 1, []);
    let elsewhere = with_resource(closed.clone(), (2, "10.1.1.7"), [1]);
    assert_eq!(https(&elsewhere, "10.1.1.7"), Verdict::Allow);
    let behind_vpn = with_resource(closed.clone(), (1, "192.168.0.7"), [1]);
    assert_eq!(https(&behind_vpn, "192.168.0.7"), Verdict::Allow);
    let peered = with_resource(closed, (2, "10.2.0.7"), [1]);
    assert_eq!(https(&peered, "10.2.0.7"), IN);
}

#[test]
fn the_route_table_of_the_subnet_says_what_is_reached_beyond_the_vpc() {
    let outside = Verdict::Deny(Reason::OutsideVpc);
    let pending = RouteTarget::PeeringConnection(peering_id(2));
    let gone = RouteTarget::PeeringConnection(peering_id(3));
    for (target, expected) in [
        (
            RouteTarget::PeeringConnection(peering_id(1)),
            Verdict::Allow,
        ),
        (pending, outside),
        (gone, outside),
        (RouteTarget::VpnConnection(vpn_id()), outside),
        (
            RouteTarget::InternetGateway(internet_gateway_id()),
            Verdict::Allow,
        ),
    ] {
        let snapshot = with_vpc_route(open(), "10.2.0.0/16", target.clone());
        assert_eq!(https(&snapshot, "10.2.0.9"), expected, "{target:?}");
    }
    assert_eq!(https(&open(), "192.168.0.9"), Verdict::Allow);
    // The gateway is attached, and no route leads to it.
    let mut unrouted = open();
    unrouted.route_tables.clear();
    assert_eq!(https(&unrouted, "198.51.100.1"), outside);
    assert_eq!(https(&unrouted, "10.1.1.9"), Verdict::Allow);
}

#[test]
fn the_steps_name_groups_resource_and_the_rule_that_admits() {
    let out = [(Direction::Egress, tcp(443, 443), cidr("10.1.0.0/16"))];
    let within = [(Direction::Ingress, ALL, group(1))];
    let snapshot = with_security_group(with_security_group(open(), 1, out), 2, within);
    let snapshot = with_resource(applied(snapshot, [1]), (1, "10.1.1.7"), [2]);
    let asked = Traffic::new(IpProtocol::Tcp, Some(443));
    let words = |snapshot: &Snapshot, to: &str, traffic| -> Vec<(&str, bool, String)> {
        let (_, steps) = ask(snapshot, to, traffic);
        let guards = steps.iter().filter(|it| it.name().contains("security"));
        guards
            .map(|step| (step.name(), step.passes(), step.to_string()))
            .collect()
    };
    let rule = crate::model::SecurityGroupRuleId::from_random([0; 9]);
    let by_out =
        format!("A security group of the endpoint lets it out: tcp 443 to 10.1.0.0/16 ({rule}).");
    let resource = crate::model::NetworkInterfaceId::from_random([0; 9]);
    let by_in = format!(
        "A security group of {resource} lets it in: all traffic from {} ({rule}).",
        security_group_id(1)
    );
    let (first, second) = ("security-group-out", "resource-security-group-in");
    assert_eq!(
        words(&snapshot, "10.1.1.7", asked),
        [(first, true, by_out), (second, true, by_in)]
    );
    assert_eq!(
        words(&snapshot, "10.1.1.7", Traffic::ALL),
        [(
            first,
            false,
            "No outbound rule of the endpoint's security group sg 1 lets it out.".to_owned()
        )]
    );
    let refused = with_security_group(snapshot, 2, []);
    assert_eq!(
        words(&refused, "10.1.1.7", asked)[1].2,
        format!(
            "{resource} ({resource}) sees it come from 10.1.1.0/24, and no inbound rule of its \
             security group sg 2 lets that in."
        )
    );
}
