//! Flows that the other side opens: something in the network, or another client.

use super::*;

/// A server in the VPC that is no resource.
const SERVER: &str = "10.1.1.9";
/// Another client of the endpoint.
const PEER: &str = "10.8.0.77";

const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;

fn tcp(source: (&str, u16), destination: (&str, u16), flags: u8) -> Vec<u8> {
    let mut payload = Vec::new();
    payload.extend_from_slice(&source.1.to_be_bytes());
    payload.extend_from_slice(&destination.1.to_be_bytes());
    payload.extend_from_slice(&[0; 8]);
    payload.extend_from_slice(&[0x50, flags, 0, 0, 0, 0, 0, 0]);
    ipv4(ip(source.0), ip(destination.0), 6, &payload)
}

fn gre(source: &str, destination: &str) -> Vec<u8> {
    ipv4(ip(source), ip(destination), 47, &[0; 4])
}

/// What the network may open to the client: TCP to port 22 and UDP to port 161.
fn to_two_ports() -> [Admission; 2] {
    let port = |protocol, port| {
        let ports = PortRange {
            from: port,
            to: port,
        };
        let traffic = (Some(protocol), Some(ports));
        (Direction::Ingress, traffic, Peer::Cidr(net("10.1.0.0/16")))
    };
    [port(IpProtocol::Tcp, 22), port(IpProtocol::Udp, 161)]
}

/// The client may reach nothing in the network, which may reach the client at [`to_two_ports`].
fn to_client() -> Snapshot {
    applied(with_security_group(snapshot(), 1, to_two_ports()), [1])
}

/// The client may reach everything in the network as well.
fn both_ways() -> Snapshot {
    let out = (
        Direction::Egress,
        (None, None),
        Peer::Cidr(net("0.0.0.0/0")),
    );
    let rules = to_two_ports().into_iter().chain([out]);
    applied(with_security_group(usual(), 1, rules), [1])
}

/// Without the ingress rules.
fn revoked(mut snapshot: Snapshot) -> Snapshot {
    for group in snapshot.security_groups.values_mut() {
        let rules = &mut Arc::make_mut(group).rules;
        rules.retain(|rule| rule.direction == Direction::Egress);
    }
    snapshot
}

/// A session's flows under the policy that is compiled last.
struct Side {
    flows: Flows,
    policy: Policy,
    subnet: SubnetId,
    address: Ipv4Addr,
}

impl Side {
    fn new(snapshot: &Snapshot, address: &str) -> Self {
        Self {
            flows: Flows::default(),
            policy: compile(snapshot, 1),
            subnet: subnet_id(1),
            address: ip(address),
        }
    }

    fn client(snapshot: &Snapshot) -> Self {
        Self::new(snapshot, CLIENT)
    }

    fn change(&mut self, snapshot: &Snapshot) {
        self.policy = compile(snapshot, self.policy.generation() + 1);
    }

    fn sends_at(&mut self, packet: &[u8], now: u32) -> Verdict {
        let session = Session {
            address: self.address,
            subnet: &self.subnet,
            user: USER,
        };
        self.flows.outbound(&self.policy, session, packet, now)
    }

    fn sends(&mut self, packet: &[u8]) -> Verdict {
        self.sends_at(packet, 0)
    }

    fn gets_at(&mut self, packet: &[u8], now: u32) -> Verdict {
        let session = Session {
            address: self.address,
            subnet: &self.subnet,
            user: USER,
        };
        self.flows.inbound(&self.policy, session, packet, now)
    }

    fn gets(&mut self, packet: &[u8]) -> Verdict {
        self.gets_at(packet, 0)
    }

    fn gets_from_peer(&mut self, packet: &[u8]) -> Verdict {
        let session = Session {
            address: self.address,
            subnet: &self.subnet,
            user: USER,
        };
        self.flows.from_peer(&self.policy, session, packet, 0)
    }
}

const NO_FLOW: Verdict = Verdict::Deny(Reason::NoFlow);
const INBOUND: Verdict = Verdict::Deny(Reason::SecurityGroupInbound);

#[test]
fn an_ingress_rule_lets_the_network_open_what_it_is_for_and_the_client_answer() {
    let mut client = Side::client(&to_client());
    let answer = tcp((CLIENT, 22), (SERVER, 40_000), SYN_ACK);
    assert_eq!(client.sends(&answer), Verdict::Deny(Reason::NoRoute));
    let open = tcp((SERVER, 40_000), (CLIENT, 22), SYN);
    assert_eq!(client.gets(&open), Verdict::Allow);
    assert_eq!(client.sends(&answer), Verdict::Allow);
    let more = tcp((SERVER, 40_000), (CLIENT, 22), ACK);
    assert_eq!(client.gets(&more), Verdict::Allow);
    let other = tcp((CLIENT, 22), (SERVER, 40_001), ACK);
    assert_eq!(client.sends(&other), Verdict::Deny(Reason::NoRoute));

    let udp_open = udp((SERVER, 40_000), (CLIENT, 161));
    assert_eq!(client.gets(&udp_open), Verdict::Allow);
    let udp_answer = udp((CLIENT, 161), (SERVER, 40_000));
    assert_eq!(client.sends(&udp_answer), Verdict::Allow);
}

#[test]
fn what_no_rule_admits_opens_nothing() {
    let outside = "198.51.100.1";
    let table = [
        (tcp((SERVER, 40_000), (CLIENT, 23), SYN), INBOUND),
        (udp((SERVER, 40_000), (CLIENT, 22)), INBOUND),
        (icmp(SERVER, CLIENT, 8, 7), INBOUND),
        (gre(SERVER, CLIENT), INBOUND),
        (tcp((SERVER, 40_000), (CLIENT, 22), SYN_ACK), NO_FLOW),
        (tcp((SERVER, 40_000), (CLIENT, 22), ACK), NO_FLOW),
        (tcp((SERVER, 40_000), (CLIENT, 22), SYN | 0x01), NO_FLOW),
        (icmp(SERVER, CLIENT, 0, 7), NO_FLOW),
        (
            tcp((outside, 40_000), (CLIENT, 22), SYN),
            Verdict::Deny(Reason::OutsideVpc),
        ),
        (tcp(("10.1.1.5", 40_000), (CLIENT, 22), SYN), NO_FLOW),
        (tcp((PEER, 40_000), (CLIENT, 22), SYN), NO_FLOW),
        (tcp((SERVER, 40_000), (PEER, 22), SYN), NO_FLOW),
    ];
    let mut client = Side::client(&to_client());
    for (index, (packet, expected)) in table.iter().enumerate() {
        assert_eq!(client.gets(packet), *expected, "row {index}");
    }
    assert!(client.flows.is_empty());
    let mut unguarded = Side::client(&applied(to_client(), []));
    let open = tcp((SERVER, 40_000), (CLIENT, 22), SYN);
    assert_eq!(unguarded.gets(&open), NO_FLOW);
}

#[test]
fn every_kind_of_flow_can_be_opened_and_answered() {
    let mut client = Side::client(&admitting_all(snapshot()));
    for (open, answer) in [
        (icmp(SERVER, CLIENT, 8, 7), icmp(CLIENT, SERVER, 0, 7)),
        (gre(SERVER, CLIENT), gre(CLIENT, SERVER)),
        (udp((SERVER, 5), (CLIENT, 6)), udp((CLIENT, 6), (SERVER, 5))),
    ] {
        assert_eq!(client.sends(&answer), Verdict::Deny(Reason::NoRoute));
        assert_eq!(client.gets(&open), Verdict::Allow);
        assert_eq!(client.sends(&answer), Verdict::Allow);
        assert_eq!(client.gets(&open), Verdict::Allow);
    }
    let other_id = icmp(CLIENT, SERVER, 0, 8);
    assert_eq!(client.sends(&other_id), Verdict::Deny(Reason::NoRoute));
}

#[test]
fn a_resource_has_to_be_let_out_too_and_is_known_by_its_group() {
    let by_group = [(
        Direction::Ingress,
        (None, None),
        Peer::Group(security_group_id(2)),
    )];
    let open = udp((SERVER, 40_000), (CLIENT, 161));
    for (egress, expected) in [
        (Peer::Cidr(net("10.8.0.2/32")), Verdict::Allow),
        (Peer::Group(security_group_id(1)), Verdict::Allow),
        (Peer::Cidr(net("10.8.0.3/32")), INBOUND),
        (Peer::Group(security_group_id(3)), INBOUND),
    ] {
        let out = [(Direction::Egress, (None, None), egress.clone())];
        let it = with_security_group(snapshot(), 1, by_group.clone());
        let it = with_security_group(applied(it, [1]), 2, out);
        let it = with_resource(it, (1, SERVER), [2]);
        let mut client = Side::client(&it);
        assert_eq!(client.gets(&open), expected, "{egress:?}");
        let stranger = udp(("10.1.1.10", 40_000), (CLIENT, 161));
        assert_eq!(client.gets(&stranger), INBOUND);
    }
}

#[test]
fn a_revoked_ingress_rule_ends_the_flow_in_both_directions() {
    for admitting in [to_client(), both_ways()] {
        for answer_first in [true, false] {
            let mut client = Side::client(&admitting);
            let open = udp((SERVER, 40_000), (CLIENT, 161));
            let answer = udp((CLIENT, 161), (SERVER, 40_000));
            assert_eq!(client.gets(&open), Verdict::Allow);
            client.change(&admitting);
            assert_eq!(client.sends(&answer), Verdict::Allow);
            client.change(&revoked(admitting.clone()));
            for _ in 0..2 {
                if answer_first {
                    assert_eq!(client.sends(&answer), INBOUND);
                    assert_eq!(client.gets(&open), INBOUND);
                } else {
                    assert_eq!(client.gets(&open), INBOUND);
                    assert_eq!(client.sends(&answer), INBOUND);
                }
            }
            assert!(client.flows.is_empty());
            client.change(&admitting);
            assert_eq!(client.gets(&open), Verdict::Allow);
        }
    }
}

#[test]
fn where_a_flow_of_the_network_was_refused_the_client_may_open_its_own_by_a_syn_or_later() {
    let mut client = Side::client(&both_ways());
    let to_server = |flags| tcp((CLIENT, 22), (SERVER, 40_000), flags);
    let to_client = |flags| tcp((SERVER, 40_000), (CLIENT, 22), flags);
    assert_eq!(client.gets(&to_client(SYN)), Verdict::Allow);
    assert_eq!(
        client.gets(&udp((SERVER, 5), (CLIENT, 161))),
        Verdict::Allow
    );
    client.change(&revoked(both_ways()));
    assert_eq!(client.sends(&to_server(ACK)), INBOUND);
    assert_eq!(client.sends(&to_server(SYN_ACK)), INBOUND);
    assert_eq!(client.gets(&to_client(ACK)), INBOUND);
    assert_eq!(client.sends(&to_server(SYN)), Verdict::Allow);
    assert_eq!(client.gets(&to_client(SYN_ACK)), Verdict::Allow);

    let datagram = udp((CLIENT, 161), (SERVER, 5));
    assert_eq!(client.sends_at(&datagram, 300), INBOUND);
    assert_eq!(client.sends_at(&datagram, 301), Verdict::Allow);
}

#[test]
fn an_open_flow_goes_on_under_a_new_policy_without_a_new_syn() {
    let mut client = Side::client(&to_client());
    assert_eq!(
        client.gets(&tcp((SERVER, 40_000), (CLIENT, 22), SYN)),
        Verdict::Allow
    );
    client.change(&to_client());
    let data = tcp((SERVER, 40_000), (CLIENT, 22), ACK);
    assert_eq!(client.gets(&data), Verdict::Allow);
    client.change(&to_client());
    let answer = tcp((CLIENT, 22), (SERVER, 40_000), ACK);
    assert_eq!(client.sends(&answer), Verdict::Allow);
}

#[test]
fn answers_to_a_revoked_flow_do_not_pass_for_one_that_the_server_opens() {
    let both = admitting_all(usual());
    let mut client = Side::client(&both);
    let question = udp((CLIENT, 40_000), (SERVER, 53));
    let answer = udp((SERVER, 53), (CLIENT, 40_000));
    assert_eq!(client.sends(&question), Verdict::Allow);
    let mut revoked = both;
    revoked.rules.clear();
    client.change(&revoked);
    let denied = Verdict::Deny(Reason::NotAuthorized);
    for _ in 0..3 {
        assert_eq!(client.gets(&answer), denied);
        assert_eq!(client.sends(&question), denied);
    }
    assert!(client.flows.is_empty());
    // Once it was idle for as long as any flow, it is one like another.
    assert_eq!(client.gets_at(&answer, 301), Verdict::Allow);
}

#[test]
fn an_idle_flow_of_the_network_lets_the_client_send_nothing() {
    let mut client = Side::client(&to_client());
    let open = udp((SERVER, 40_000), (CLIENT, 161));
    let answer = udp((CLIENT, 161), (SERVER, 40_000));
    assert_eq!(client.gets(&open), Verdict::Allow);
    assert_eq!(client.sends_at(&answer, 300), Verdict::Allow);
    let refused = Verdict::Deny(Reason::NoRoute);
    assert_eq!(client.sends_at(&answer, 601), refused);
}

#[test]
fn errors_about_a_flow_of_the_network_pass_both_ways_and_about_nothing_else() {
    let mut client = Side::client(&to_client());
    let open = udp((SERVER, 40_000), (CLIENT, 161));
    let answer = udp((CLIENT, 161), (SERVER, 40_000));
    let from_client = icmp_error(CLIENT, SERVER, &open);
    let from_router = icmp_error("203.0.113.1", CLIENT, &answer);
    assert_eq!(client.sends(&from_client), Verdict::Deny(Reason::NoRoute));
    assert_eq!(client.gets(&from_router), NO_FLOW);
    assert_eq!(client.gets(&open), Verdict::Allow);
    assert_eq!(client.sends(&from_client), Verdict::Allow);
    assert_eq!(client.gets(&from_router), Verdict::Allow);
    let to_another = icmp_error(CLIENT, "10.1.1.10", &open);
    assert_eq!(client.sends(&to_another), Verdict::Deny(Reason::NoRoute));
    let about_another = icmp_error(CLIENT, SERVER, &udp((SERVER, 40_001), (CLIENT, 161)));
    assert_eq!(client.sends(&about_another), Verdict::Deny(Reason::NoRoute));
    assert_eq!(client.flows.len(), 1, "a report opens nothing");
}

#[test]
fn later_fragments_of_a_flow_of_the_network_pass_behind_their_first_both_ways() {
    let fragment = |mut packet: Vec<u8>, flags_and_offset: [u8; 2]| {
        packet[6..8].copy_from_slice(&flags_and_offset);
        packet
    };
    let (first, later) = ([0x20, 0], [0, 185]);
    let open = udp((SERVER, 40_000), (CLIENT, 161));
    let answer = udp((CLIENT, 161), (SERVER, 40_000));
    let mut client = Side::client(&to_client());
    assert_eq!(client.gets(&fragment(open.clone(), later)), NO_FLOW);
    assert_eq!(client.gets(&fragment(open.clone(), first)), Verdict::Allow);
    assert_eq!(client.gets(&fragment(open.clone(), later)), Verdict::Allow);

    let mut client = Side::client(&to_client());
    let refused = Verdict::Deny(Reason::NoRoute);
    assert_eq!(client.gets(&open), Verdict::Allow);
    assert_eq!(client.sends(&fragment(answer.clone(), later)), refused);
    assert_eq!(
        client.sends(&fragment(answer.clone(), first)),
        Verdict::Allow
    );
    assert_eq!(client.sends(&fragment(answer, later)), Verdict::Allow);
}

// Other clients.

/// Clients reach UDP port 161 of 10.8.0.64/26 and nothing else of each other.
fn among_clients() -> Snapshot {
    let mut snapshot = with_rule(usual(), "10.8.0.64/26");
    snapshot.rules.last_mut().unwrap().limits = Limits {
        protocol: Some(IpProtocol::Udp),
        ports: Some(PortRange { from: 161, to: 161 }),
        expires_at: None,
    };
    snapshot
}

#[test]
fn a_rule_inside_the_client_range_opens_that_part_and_a_wider_one_nothing() {
    let closed = Verdict::Deny(Reason::ClientToClient);
    let table = [
        ("10.8.0.64/26", PEER, Verdict::Allow),
        ("10.8.0.0/22", PEER, Verdict::Allow),
        ("10.8.0.64/26", "10.8.0.9", closed),
        ("10.8.0.0/21", PEER, closed),
        ("0.0.0.0/0", PEER, closed),
        ("10.12.0.0/22", "10.12.0.9", closed),
        (
            "10.8.0.0/22",
            "10.8.0.1",
            Verdict::Deny(Reason::GatewayAddress),
        ),
        ("10.8.0.0/22", "10.8.0.0", Verdict::Deny(Reason::Broadcast)),
        (
            "10.8.0.0/22",
            "10.8.3.255",
            Verdict::Deny(Reason::Broadcast),
        ),
    ];
    for (rule, to, expected) in table {
        // No route and no internet gateway; an empty security group, which limits no clients.
        let snapshot = with_security_group(with_rule(snapshot(), rule), 1, []);
        let snapshot = applied(snapshot, [1]);
        assert_eq!(judge(&snapshot, to), expected, "{rule} {to}");
    }
}

#[test]
fn the_longest_rule_inside_the_client_range_decides() {
    let mut snapshot = with_group(with_rule(snapshot(), "10.8.0.0/22"), 1, ["bob"]);
    snapshot = with_rule(snapshot, "10.8.0.77/32");
    snapshot.rules.last_mut().unwrap().access = Access::Group(sid(1));
    assert_eq!(judge(&snapshot, "10.8.0.78"), Verdict::Allow);
    let denied = Verdict::Deny(Reason::NotAuthorized);
    assert_eq!(judge(&snapshot, PEER), denied);
    let subnet = subnet_id(1);
    let policy = compile(&snapshot, 1);
    let (_, steps) = policy.explain(session(&subnet).into(), ip(PEER), Traffic::ALL);
    let names: Vec<_> = steps.iter().map(Step::name).collect();
    assert_eq!(names, ["source", "destination", "rules"]);
}

#[test]
fn clients_are_told_from_the_network() {
    let policy = compile(&snapshot(), 1);
    for (address, expected) in [
        (CLIENT, true),
        (PEER, true),
        ("10.8.3.254", true),
        ("10.8.0.0", false),
        ("10.8.0.1", false),
        ("10.8.3.255", false),
        ("10.8.4.0", false),
        ("10.12.0.9", false),
        (SERVER, false),
    ] {
        assert_eq!(policy.is_client(ip(address)), expected, "{address}");
    }
}

#[test]
fn another_client_is_answered_and_not_otherwise_reached() {
    let mut sender = Side::client(&among_clients());
    let mut receiver = Side::new(&among_clients(), PEER);
    let question = udp((CLIENT, 40_000), (PEER, 161));
    let answer = udp((PEER, 161), (CLIENT, 40_000));
    let closed = Verdict::Deny(Reason::ClientToClient);
    assert_eq!(receiver.sends(&answer), closed);
    assert_eq!(sender.sends(&question), Verdict::Allow);
    assert_eq!(receiver.gets_from_peer(&question), Verdict::Allow);
    assert_eq!(receiver.sends(&answer), Verdict::Allow);
    assert_eq!(sender.gets_from_peer(&answer), Verdict::Allow);
    let error = icmp_error(PEER, CLIENT, &question);
    assert_eq!(receiver.sends(&error), Verdict::Allow);
    assert_eq!(sender.gets_from_peer(&error), Verdict::Allow);
    let other = udp((PEER, 162), (CLIENT, 40_000));
    assert_eq!(receiver.sends(&other), closed);
    // The network does not speak for a client, and a client does not for the network.
    assert_eq!(sender.gets(&answer), NO_FLOW);
    let forged = udp((SERVER, 53), (PEER, 161));
    assert_eq!(receiver.gets_from_peer(&forged), NO_FLOW);
    assert_eq!(sender.gets_from_peer(&question), NO_FLOW, "not for it");
}

#[test]
fn a_revoked_rule_among_clients_ends_the_flow_for_both() {
    let mut sender = Side::client(&among_clients());
    let mut receiver = Side::new(&among_clients(), PEER);
    let question = udp((CLIENT, 40_000), (PEER, 161));
    let answer = udp((PEER, 161), (CLIENT, 40_000));
    assert_eq!(sender.sends(&question), Verdict::Allow);
    assert_eq!(receiver.gets_from_peer(&question), Verdict::Allow);
    sender.change(&among_clients());
    receiver.change(&among_clients());
    assert_eq!(receiver.sends(&answer), Verdict::Allow);
    assert_eq!(sender.gets_from_peer(&answer), Verdict::Allow);
    sender.change(&usual());
    receiver.change(&usual());
    let closed = Verdict::Deny(Reason::ClientToClient);
    assert_eq!(receiver.sends(&answer), closed);
    assert_eq!(sender.gets_from_peer(&answer), closed);
    assert_eq!(sender.sends(&question), closed);
    assert!(sender.flows.is_empty() && receiver.flows.is_empty());
}

#[test]
fn answers_to_a_client_whose_own_rule_is_gone_do_not_reach_it() {
    // Someone may still reach the other client, so that one's answers leave it.
    let for_group = |member: &'static str| {
        let mut snapshot = with_group(among_clients(), 1, [member]);
        snapshot.rules.last_mut().unwrap().access = Access::Group(sid(1));
        snapshot
    };
    let mut sender = Side::client(&for_group(USER));
    let mut receiver = Side::new(&for_group(USER), PEER);
    let question = udp((CLIENT, 40_000), (PEER, 161));
    let answer = udp((PEER, 161), (CLIENT, 40_000));
    assert_eq!(sender.sends(&question), Verdict::Allow);
    assert_eq!(receiver.gets_from_peer(&question), Verdict::Allow);
    sender.change(&for_group("bob"));
    receiver.change(&for_group("bob"));
    assert_eq!(receiver.sends(&answer), Verdict::Allow);
    let closed = Verdict::Deny(Reason::NotAuthorized);
    for _ in 0..2 {
        assert_eq!(sender.gets_from_peer(&answer), closed);
        assert_eq!(sender.sends(&question), closed);
    }
}

#[test]
fn only_a_syn_opens_a_flow_of_tcp_from_another_client() {
    let mut receiver = Side::new(&with_rule(snapshot(), "10.8.0.0/22"), PEER);
    let packet = |flags| tcp((CLIENT, 40_000), (PEER, 22), flags);
    assert_eq!(receiver.gets_from_peer(&packet(ACK)), NO_FLOW);
    assert_eq!(receiver.gets_from_peer(&packet(SYN)), Verdict::Allow);
    assert_eq!(receiver.gets_from_peer(&packet(ACK)), Verdict::Allow);
}
