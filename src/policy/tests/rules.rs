//! Rules for groups and rules with limits: which prefix decides, and what is told of it.

use proptest::{strategy::ValueTree as _, test_runner::TestRunner};

use super::*;
use crate::model::{Miss, VpcReach};

/// Developers, managers and engineers; each has one member.
const DEV: (u8, &str) = (1, "dev");
const MGR: (u8, &str) = (2, "mgr");
const ENG: (u8, &str) = (3, "eng");

/// Everything is routed and within reach, the three groups are there, and these rules.
fn ruled(rules: &[(Option<u8>, &str)]) -> Snapshot {
    let mut snapshot = with_internet_gateway(with_route(snapshot(), "0.0.0.0/0", 1));
    for (number, member) in [DEV, MGR, ENG] {
        snapshot = with_group(snapshot, number, [member]);
    }
    for (group, cidr) in rules {
        snapshot = with_rule(snapshot, cidr);
        if let Some(number) = group {
            snapshot.rules.last_mut().unwrap().access = Access::Group(sid(*number));
        }
    }
    snapshot
}

fn limited(mut snapshot: Snapshot, limits: Limits) -> Snapshot {
    snapshot.rules.last_mut().unwrap().limits = limits;
    snapshot
}

fn ask(snapshot: &Snapshot, user: &str, to: &str, traffic: Traffic) -> (Verdict, Vec<Step>) {
    let subnet = subnet_id(1);
    let asker = Asker {
        user,
        address: None,
        subnet: &subnet,
    };
    compile(snapshot, 1).explain(asker, ip(to), traffic)
}

fn reaches(snapshot: &Snapshot, user: &str, to: &str) -> bool {
    ask(snapshot, user, to, Traffic::ALL).0.is_allow()
}

fn reaches_port(snapshot: &Snapshot, protocol: IpProtocol, port: u16) -> bool {
    let traffic = Traffic::new(protocol, Some(port));
    ask(snapshot, USER, "10.1.1.9", traffic).0.is_allow()
}

// The worked examples of the guide, a row each.

#[test]
fn a_group_with_everything_loses_networks_that_longer_rules_give_to_others() {
    let rules = [
        (Some(1), "10.1.0.0/16"),
        (Some(1), "0.0.0.0/0"),
        (Some(2), "0.0.0.0/0"),
        (Some(3), "0.0.0.0/0"),
        (Some(2), "172.131.0.0/16"),
    ];
    let snapshot = ruled(&rules);
    let table = [
        ("dev", "10.1.9.9", true),
        ("dev", "198.51.100.1", true),
        ("dev", "172.131.0.1", false),
        ("mgr", "10.1.9.9", false),
        ("mgr", "198.51.100.1", true),
        ("mgr", "172.131.0.1", true),
        ("eng", "10.1.9.9", false),
        ("eng", "198.51.100.1", true),
        ("eng", "172.131.0.1", false),
    ];
    for (user, to, expected) in table {
        assert_eq!(reaches(&snapshot, user, to), expected, "{user} {to}");
    }
}

#[test]
fn a_host_that_a_longer_rule_gives_to_managers_is_lost_to_developers() {
    let snapshot = ruled(&[(Some(1), "10.1.0.0/16"), (Some(2), "10.1.2.119/32")]);
    assert!(reaches(&snapshot, "dev", "10.1.2.118"));
    assert!(!reaches(&snapshot, "dev", "10.1.2.119"));
    assert!(reaches(&snapshot, "mgr", "10.1.2.119"));
    assert!(!reaches(&snapshot, "mgr", "10.1.2.118"));
}

#[test]
fn a_group_with_a_network_and_a_part_of_it_reaches_both() {
    let snapshot = ruled(&[(Some(3), "172.16.0.0/24"), (Some(3), "172.16.0.128/25")]);
    assert!(reaches(&snapshot, "eng", "172.16.0.9"));
    assert!(reaches(&snapshot, "eng", "172.16.0.200"));
}

#[test]
fn a_group_with_everything_does_not_reach_what_a_longer_rule_gives_to_another() {
    let snapshot = ruled(&[(Some(2), "192.168.0.0/24"), (Some(3), "0.0.0.0/0")]);
    assert!(!reaches(&snapshot, "eng", "192.168.0.9"));
    assert!(reaches(&snapshot, "eng", "192.168.1.9"));
    assert!(reaches(&snapshot, "mgr", "192.168.0.9"));
}

#[test]
fn a_rule_for_all_users_gives_the_rest_and_not_what_longer_rules_name() {
    let rules = [
        (Some(2), "192.168.0.0/24"),
        (Some(3), "0.0.0.0/0"),
        (None, "0.0.0.0/0"),
    ];
    let snapshot = ruled(&rules);
    for user in ["dev", "eng", "nobody"] {
        assert!(reaches(&snapshot, user, "198.51.100.1"), "{user}");
        assert!(!reaches(&snapshot, user, "192.168.0.9"), "{user}");
    }
}

#[test]
fn one_grant_among_the_rules_of_a_prefix_is_enough() {
    let snapshot = ruled(&[(Some(1), "10.1.0.0/16"), (Some(2), "10.1.0.0/16")]);
    assert!(reaches(&snapshot, "dev", "10.1.9.9"));
    assert!(reaches(&snapshot, "mgr", "10.1.9.9"));
    assert!(!reaches(&snapshot, "eng", "10.1.9.9"));
}

#[test]
fn a_group_that_is_gone_has_no_members() {
    let mut snapshot = ruled(&[(Some(1), "10.1.0.0/16")]);
    snapshot.groups.clear();
    assert!(!reaches(&snapshot, "dev", "10.1.9.9"));
}

// Limits.

#[test]
fn a_rule_for_a_port_grants_that_port_and_takes_the_others_from_shorter_rules() {
    let ports = PortRange { from: 443, to: 444 };
    let limits = Limits {
        protocol: Some(IpProtocol::Tcp),
        ports: Some(ports),
        expires_at: None,
    };
    let snapshot = limited(
        ruled(&[(None, "10.1.0.0/16"), (None, "10.1.1.9/32")]),
        limits,
    );
    assert!(reaches_port(&snapshot, IpProtocol::Tcp, 443));
    assert!(reaches_port(&snapshot, IpProtocol::Tcp, 444));
    assert!(!reaches_port(&snapshot, IpProtocol::Tcp, 445));
    assert!(!reaches_port(&snapshot, IpProtocol::Udp, 443));
    assert!(!reaches(&snapshot, USER, "10.1.1.9"), "not all traffic");
    assert!(reaches(&snapshot, USER, "10.1.1.10"), "another host");
}

#[test]
fn all_ports_together_are_all_of_a_protocol() {
    let limits = Limits {
        protocol: Some(IpProtocol::Udp),
        ports: Some(PortRange {
            from: 0,
            to: u16::MAX,
        }),
        expires_at: None,
    };
    let snapshot = limited(ruled(&[(None, "10.1.0.0/16")]), limits);
    let ask = |traffic| ask(&snapshot, USER, "10.1.1.9", traffic).0.is_allow();
    assert!(ask(Traffic::new(IpProtocol::Udp, None)));
    assert!(!ask(Traffic::new(IpProtocol::Tcp, None)));
    assert!(!ask(Traffic::ALL));
}

#[test]
fn a_rule_that_is_over_grants_nothing_and_still_keeps_shorter_ones_from_deciding() {
    let ending_at = |end: Timestamp| Limits {
        expires_at: Some(end),
        ..Limits::default()
    };
    let rules = [(None, "10.1.0.0/16"), (None, "10.1.1.9/32")];
    let later = now() + jiff::SignedDuration::from_secs(1);
    assert!(reaches(
        &limited(ruled(&rules), ending_at(later)),
        USER,
        "10.1.1.9"
    ));
    let over = limited(ruled(&rules), ending_at(now()));
    assert!(!reaches(&over, USER, "10.1.1.9"));
    assert!(reaches(&over, USER, "10.1.1.10"));
}

#[test]
fn a_rule_that_expires_ends_an_open_flow_in_both_directions() {
    let end = now() + jiff::SignedDuration::from_secs(1);
    let limits = Limits {
        expires_at: Some(end),
        ..Limits::default()
    };
    let snapshot = limited(ruled(&[(None, "10.1.0.0/16")]), limits);
    let endpoint = &snapshot.endpoints[&EndpointId::from_random([1; 9])];
    let at = |now, generation| Policy::compile(&snapshot, endpoint, &own(), now, generation);
    let subnet = subnet_id(1);
    let mut flows = Flows::default();
    let question = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    let answer = udp(("10.1.1.9", 53), (CLIENT, 40_000));
    let (before, after) = (at(now(), 1), at(end, 2));
    let denied = Verdict::Deny(Reason::NotAuthorized);
    assert!(
        flows
            .outbound(&before, session(&subnet), &question, 0)
            .is_allow()
    );
    assert!(
        flows
            .inbound(&before, session(&subnet), &answer, 0)
            .is_allow()
    );
    assert_eq!(flows.inbound(&after, session(&subnet), &answer, 0), denied);
    assert_eq!(
        flows.outbound(&after, session(&subnet), &question, 0),
        denied
    );
}

#[test]
fn a_flow_is_judged_again_by_its_own_port_and_protocol() {
    let to_port = |port| {
        let limits = Limits {
            protocol: Some(IpProtocol::Udp),
            ports: Some(PortRange {
                from: port,
                to: port,
            }),
            expires_at: None,
        };
        limited(ruled(&[(None, "10.1.0.0/16")]), limits)
    };
    let subnet = subnet_id(1);
    let question = udp((CLIENT, 40_000), ("10.1.1.9", 53));
    let answer = udp(("10.1.1.9", 53), (CLIENT, 40_000));
    let error = icmp_error(CLIENT, "10.1.1.9", &answer);
    let mut flows = Flows::default();
    for (port, generation, expected) in [(53, 1, true), (53, 2, true), (54, 3, false)] {
        let policy = compile(&to_port(port), generation);
        let session = session(&subnet);
        let mut passes = |packet: &[u8], is_answer: bool| match is_answer {
            true => flows.inbound(&policy, session, packet, 0).is_allow(),
            false => flows.outbound(&policy, session, packet, 0).is_allow(),
        };
        if generation > 1 {
            assert_eq!(passes(&answer, true), expected, "answer by {port}");
        }
        assert_eq!(passes(&question, false), expected, "question by {port}");
        // What the client says about an answer goes where the question went.
        assert_eq!(passes(&error, false), expected, "error by {port}");
    }
}

#[test]
fn a_later_fragment_passes_by_its_protocol_alone() {
    let limits = Limits {
        protocol: Some(IpProtocol::Udp),
        ports: Some(PortRange { from: 53, to: 53 }),
        expires_at: None,
    };
    let snapshot = limited(ruled(&[(None, "10.1.0.0/16")]), limits);
    let passes = |number| {
        let traffic = Traffic::opened(Protocol::Fragment(number));
        ask(&snapshot, USER, "10.1.1.9", traffic).0.is_allow()
    };
    assert!(passes(17));
    assert!(!passes(6));
    assert!(!passes(1));
}

// What is told.

#[test]
fn an_explanation_names_route_rules_groups_and_reach() {
    let mut snapshot = ruled(&[
        (Some(1), "0.0.0.0/0"),
        (Some(2), "10.1.1.0/24"),
        (None, "10.1.1.0/24"),
    ]);
    snapshot = with_route(snapshot, "10.1.0.0/16", 1);
    snapshot.rules[2].limits.protocol = Some(IpProtocol::Icmp);
    let (verdict, steps) = ask(&snapshot, "mgr", "10.1.1.9", Traffic::ALL);
    assert!(verdict.is_allow());
    let [source, destination, route, rules, out, vpc, within] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    let Step::Source { user, groups, .. } = source else {
        panic!("{source:?}");
    };
    assert_eq!((user.as_str(), groups[0].name.as_str()), ("mgr", "Group 2"));
    assert!(matches!(
        destination,
        Step::Destination { closed: None, .. }
    ));
    let Step::Route {
        chosen, shadowed, ..
    } = route
    else {
        panic!("{route:?}");
    };
    assert_eq!(*chosen, Some(net("10.1.0.0/16")));
    assert_eq!(*shadowed, [net("0.0.0.0/0")]);
    let Step::Rules {
        prefix,
        rules,
        shadowed,
    } = rules
    else {
        panic!("{rules:?}");
    };
    assert_eq!(*prefix, Some(net("10.1.1.0/24")));
    let misses: Vec<_> = rules.iter().map(|rule| rule.miss).collect();
    assert_eq!(misses, [None, Some(Miss::OtherTraffic)]);
    assert_eq!(shadowed[0].destination, net("0.0.0.0/0"));
    assert_eq!(shadowed[0].miss, Some(Miss::NotMember));
    assert_eq!(
        *vpc,
        Step::Vpc {
            vpc_id: vpc_id(),
            by: Some(VpcReach::Local(net("10.1.0.0/16"))),
        }
    );
    assert!(matches!(out, Step::SecurityGroupOut { groups, .. } if groups.is_empty()));
    assert!(matches!(
        within,
        Step::ResourceSecurityGroupIn { resource: None, .. }
    ));
}

#[test]
fn a_refusal_says_which_shorter_rule_is_not_consulted_any_more() {
    let snapshot = ruled(&[(Some(1), "10.1.0.0/16"), (Some(2), "10.1.2.119/32")]);
    let (verdict, steps) = ask(&snapshot, "dev", "10.1.2.119", Traffic::ALL);
    assert_eq!(verdict, Verdict::Deny(Reason::NotAuthorized));
    assert_eq!(
        steps.last().unwrap().to_string(),
        "The rules for 10.1.2.119/32 decide, being the longest that match, and none grants this: the \
         one for the group Group 2, which the user is not in; what 10.1.0.0/16 would grant is not \
         consulted any more."
    );
}

#[test]
fn the_last_step_of_a_refusal_is_the_one_that_refused() {
    let snapshot = ruled(&[(None, "10.1.0.0/16")]);
    let last = |to: &str| {
        let (_, steps) = ask(&snapshot, USER, to, Traffic::ALL);
        steps.last().unwrap().name()
    };
    assert_eq!(last("127.0.0.1"), "destination");
    assert_eq!(last("198.51.100.1"), "rules");
    let closed = with_rule(with_route(super::snapshot(), "0.0.0.0/0", 1), "0.0.0.0/0");
    let (_, steps) = ask(&closed, USER, "198.51.100.1", Traffic::ALL);
    assert_eq!(steps.last().unwrap().name(), "vpc");
    let (_, steps) = ask(&super::snapshot(), USER, "10.1.1.9", Traffic::ALL);
    assert_eq!(steps.last().unwrap().name(), "route");
}

/// Explanation, compiled policy and reference agree on 10,000 questions, of which enough go either
/// way and enough are refused for each reason there is.
#[test]
fn ten_thousand_questions_have_one_answer_each() {
    let mut runner = TestRunner::deterministic();
    let questions = prop::collection::vec((a_telling_address(), a_sending(), any::<u8>()), 40);
    let mut answers: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..250 {
        let snapshot = a_snapshot().new_tree(&mut runner).unwrap().current();
        // Most random snapshots have no way out at all; those would drown the rest.
        let snapshot = with_route(snapshot, "10.0.0.0/8", 1);
        let snapshot = with_rule(with_rule(snapshot, "10.1.0.0/20"), "10.2.0.0/24");
        let policy = compile(&snapshot, 1);
        let subnet = subnet_id(1);
        for (to, sent, number) in questions.new_tree(&mut runner).unwrap().current() {
            let protocol = sent.protocol();
            let is_forged = number < 8;
            let source = if is_forged {
                ip("10.8.0.9")
            } else {
                ip(CLIENT)
            };
            let packet = Packet {
                source,
                destination: to,
                protocol,
                has_later_fragments: false,
            };
            let expected = reference(&snapshot, &subnet, source, to, sent);
            assert_eq!(
                verdict(&policy, &subnet, &packet),
                expected,
                "{to} {sent:?}"
            );
            if !is_forged {
                let traffic = Traffic::opened(protocol);
                let (told, steps) = policy.explain(session(&subnet).into(), to, traffic);
                assert_eq!(told, expected, "{to} {sent:?}: {steps:?}");
                assert_eq!(steps.iter().all(Step::passes), expected.is_allow());
            }
            let name = match expected {
                Verdict::Allow => "allow",
                Verdict::Deny(reason) => reason.name(),
            };
            *answers.entry(name).or_default() += 1;
        }
    }
    let asked: u32 = answers.values().sum();
    assert_eq!(asked, 10_000);
    assert!((2_000..=8_000).contains(&answers["allow"]), "{answers:?}");
    // These are told from the packet or its flow, before or beside the chain.
    let apart = [
        Reason::Malformed,
        Reason::NotIpv4,
        Reason::IpOptions,
        Reason::NoFlow,
        Reason::SecurityGroupInbound,
    ];
    for reason in Reason::ALL.iter().filter(|reason| !apart.contains(reason)) {
        let count = answers.get(reason.name()).copied().unwrap_or_default();
        assert!(count >= 100, "{reason}: {answers:?}");
    }
}

/// The flows agree with the reference on what the network may open, often enough with each answer.
#[test]
fn four_thousand_packets_from_the_network_have_one_answer_each() {
    let mut runner = TestRunner::deterministic();
    let packets = prop::collection::vec((a_telling_address(), a_sending()), 20);
    let mut answers: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..200 {
        let snapshot = a_snapshot().new_tree(&mut runner).unwrap().current();
        let policy = compile(&snapshot, 1);
        let subnet = subnet_id(1);
        for (source, sent) in packets.new_tree(&mut runner).unwrap().current() {
            let expected = reference_inbound(&snapshot, &subnet, source, sent);
            let packet = sent.packet(source, ip(CLIENT));
            let verdict = Flows::default().inbound(&policy, session(&subnet), &packet, 0);
            assert_eq!(verdict, expected, "{source} {sent:?}");
            let name = match expected {
                Verdict::Allow => "allow",
                Verdict::Deny(reason) => reason.name(),
            };
            *answers.entry(name).or_default() += 1;
        }
    }
    for name in ["allow", "no-flow", "outside-vpc", "security-group-inbound"] {
        let count = answers.get(name).copied().unwrap_or_default();
        assert!(count >= 100, "{name}: {answers:?}");
    }
}
