//! Findings of facts that are given, not looked for.

use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    model::{
        Association, AssociationId, AssociationState, Certificate, CertificateOrigin,
        CertificateUse, Endpoint, EndpointId, Live, Route, RouteOrigin, RouteState, Snapshot,
        SubnetId, Transport, Vpc, VpcId, gateway::ListenerStatus, network::Via,
    },
    network::doctor::{Hook, HostRoute, InterfaceFacts, Obstacle, Outside, Passage},
};

const NOW: &str = "2026-11-26T12:00:00Z";

/// A machine on which all is well.
fn well() -> Facts {
    let interface = |name: &str| InterfaceFacts {
        name: name.to_owned(),
        forwarding: true,
        rp_filter: 2,
    };
    Facts {
        firewall: Some(Ok(Vec::new())),
        interfaces: vec![interface("eth0"), interface("gatehouse0")],
        routes: vec![route("0.0.0.0/0"), route("192.0.2.0/24")],
        echo: Some((true, "0 2147483647".to_owned())),
        open_files: Some(1_048_576),
        egresses: vec![(Via::HostRouting, Ok(()))],
        has_unit: true,
        outside: Some(Ok(vec![(Transport::Udp, 443, Outside::Answers)])),
    }
}

fn route(destination: &str) -> HostRoute {
    HostRoute {
        destination: destination.parse().unwrap(),
        interface: "eth0".to_owned(),
    }
}

/// A gateway with one endpoint that offers everything.
fn view(mode: Option<NetworkMode>) -> View {
    let id = EndpointId::from_random([1; 9]);
    let arn: crate::model::CertificateArn = "arn:aws:acm:local-1:000000000000:certificate/a"
        .parse()
        .unwrap();
    let mut snapshot = Snapshot::default();
    let endpoint = Endpoint {
        id: id.clone(),
        description: String::new(),
        tags: BTreeMap::default(),
        client_cidr: "10.8.0.0/22".parse().unwrap(),
        server_certificate: arn.clone(),
        authentication: Vec::new(),
        transport: Transport::Udp,
        port: 443,
        split_tunnel: true,
        dns_servers: Vec::new(),
        vpc_id: None,
        security_groups: std::collections::BTreeSet::new(),
        connection_log: None,
        deleting: false,
        created_at: Timestamp::UNIX_EPOCH,
    };
    snapshot.endpoints.insert(id.clone(), endpoint);
    let certificate = Certificate {
        arn: arn.clone(),
        usage: CertificateUse::Server,
        common_name: Some("vpn.example.com".to_owned()),
        subject: String::new(),
        issuer: String::new(),
        serial: String::new(),
        alternative_names: Vec::new(),
        key_algorithm: String::new(),
        fingerprint: String::new(),
        not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
        not_after: "2028-01-01T00:00:00Z".parse().unwrap(),
        origin: CertificateOrigin::Issued,
        issued_by: None,
        certificate_pem: String::new(),
        chain_pem: String::new(),
        has_private_key: true,
        created_at: Timestamp::UNIX_EPOCH,
        revoked: None,
    };
    snapshot.certificates.insert(arn, Arc::new(certificate));
    snapshot.routes.push(Route {
        endpoint_id: id.clone(),
        destination: "0.0.0.0/0".parse().unwrap(),
        subnet_id: SubnetId::from_random([1; 9]),
        origin: RouteOrigin::AddRoute,
        for_all: false,
        description: String::new(),
        state: RouteState::Active,
    });
    let mut live = Live::default();
    live.gateway.mode = mode;
    live.gateway.listeners = vec![ListenerStatus {
        endpoint_id: id,
        transport: Transport::Udp,
        port: 443,
        trouble: None,
    }];
    View {
        snapshot: Arc::new(snapshot),
        live: Arc::new(live),
    }
}

fn told(view: &View, facts: Option<&Facts>) -> Vec<Finding> {
    let scene = Scene {
        view,
        public_address: "vpn.example.com".to_owned(),
        own: Vec::new(),
        now: NOW.parse().unwrap(),
    };
    findings(&scene, facts)
}

/// The one finding that is not good.
fn only(found: &[Finding]) -> Finding {
    let mut bad = found
        .iter()
        .filter(|finding| finding.severity != Severity::Good);
    let first = bad.next().cloned();
    assert_eq!(bad.next(), None, "{found:#?}");
    assert_eq!(found.first(), first.as_ref(), "the worst is not first");
    first.unwrap()
}

/// What is found by TUN where one fact is otherwise than well.
fn spoilt(spoil: impl FnOnce(&mut Facts)) -> Finding {
    let mut facts = well();
    spoil(&mut facts);
    only(&told(&view(Some(NetworkMode::Tun)), Some(&facts)))
}

#[test]
fn a_machine_on_which_all_is_well_says_what_was_looked_at() {
    for (mode, own) in [
        (NetworkMode::Tun, ["forwarding", "rp-filter"].as_slice()),
        (NetworkMode::Userspace, &["echo"]),
    ] {
        let found = told(&view(Some(mode)), Some(&well()));
        assert!(
            found.iter().all(|it| it.severity == Severity::Good),
            "{found:#?}"
        );
        let checks = [
            "gateway",
            "listener",
            "server-certificate",
            "public-address",
            "forward-firewall",
            "input-firewall",
            "reach-from-outside",
            "client-range",
            "default-route",
            "open-files",
        ];
        for check in checks.iter().chain(own) {
            assert!(
                found.iter().any(|it| it.check == *check),
                "{check} {found:#?}"
            );
        }
    }
}

#[test]
fn a_firewall_that_refuses_is_a_problem_with_rules_that_mend_it() {
    let obstacle = |hook, refused| Obstacle {
        hook,
        family: "ip".to_owned(),
        table: "filter".to_owned(),
        chain: "FORWARD".to_owned(),
        how: "has the policy drop",
        refused,
    };
    let both = vec![Passage::FromClients, Passage::Answers];
    let forward = spoilt(|facts| facts.firewall = Some(Ok(vec![obstacle(Hook::Forward, both)])));
    assert_eq!(
        (forward.check.as_str(), forward.severity),
        ("forward-firewall", Severity::Problem)
    );
    assert_eq!(
        forward.commands.as_deref(),
        Some(
            "nft insert rule ip 'filter' 'FORWARD' iifname gatehouse0 accept\n\
             nft insert rule ip 'filter' 'FORWARD' oifname gatehouse0 ct state established,related accept"
        )
    );
    let all = vec![Passage::FromExits, Passage::ToClients];
    let exits = spoilt(|facts| facts.firewall = Some(Ok(vec![obstacle(Hook::Forward, all)])));
    assert_eq!(
        exits.commands.as_deref(),
        Some(
            "nft insert rule ip 'filter' 'FORWARD' iifname 'gh*' accept\n\
             nft insert rule ip 'filter' 'FORWARD' oifname gatehouse0 accept"
        )
    );
    let port = vec![Passage::Port(Transport::Udp, 443)];
    let refused = Some(Ok(vec![obstacle(Hook::Input, port)]));
    let mut reached = well();
    reached.firewall = refused.clone();
    let found = told(&view(Some(NetworkMode::Tun)), Some(&reached));
    assert!(
        found.iter().all(|it| it.severity == Severity::Good),
        "a stranger was answered: {found:#?}"
    );
    let input = spoilt(|facts| {
        facts.firewall = refused;
        facts.outside = Some(Err("it needs CAP_SYS_ADMIN".to_owned()));
    });
    assert_eq!(input.check, "input-firewall");
    assert!(
        input.sentence.contains("udp port 443"),
        "{}",
        input.sentence
    );
    assert!(input.commands.unwrap().ends_with("udp dport 443 accept"));
}

#[test]
fn settings_of_the_kernel_are_told_by_interface() {
    let strict = spoilt(|facts| facts.interfaces[0].rp_filter = 1);
    assert_eq!(
        (strict.check.as_str(), strict.severity),
        ("rp-filter", Severity::Warning)
    );
    assert_eq!(
        strict.commands.as_deref(),
        Some("sysctl -w net/ipv4/conf/eth0/rp_filter=2")
    );
    let egress = spoilt(|facts| {
        facts.interfaces[0].rp_filter = 1;
        facts
            .egresses
            .push((Via::Interface("eth0".to_owned()), Ok(())));
    });
    assert_eq!(egress.severity, Severity::Problem);
    let off = spoilt(|facts| facts.interfaces[1].forwarding = false);
    assert_eq!(
        (off.check.as_str(), off.severity),
        ("forwarding", Severity::Problem)
    );
    assert!(off.sentence.contains("gatehouse0"), "{}", off.sentence);
    assert_eq!(off.commands, None, "nothing would guard nor undo it");
    assert!(off.mend.unwrap().contains("within 30 seconds"));
}

#[test]
fn routes_limits_and_egresses_are_told() {
    let meets = spoilt(|facts| facts.routes.push(route("10.8.1.0/24")));
    assert_eq!(meets.check, "client-range");
    assert_eq!(meets.commands, None, "the route is somebody's");
    for (mode, destination) in [
        (NetworkMode::Tun, "10.0.0.0/8"),
        (NetworkMode::Userspace, "10.8.1.0/24"),
    ] {
        let mut facts = well();
        facts.routes.push(route(destination));
        let found = told(&view(Some(mode)), Some(&facts));
        assert!(
            found.iter().all(|it| it.severity == Severity::Good),
            "{destination} {found:#?}"
        );
    }
    let no_default = spoilt(|facts| drop(facts.routes.remove(0)));
    assert_eq!(no_default.check, "default-route");
    let few = spoilt(|facts| facts.open_files = Some(1_024));
    assert_eq!(
        (few.check.as_str(), few.severity),
        ("open-files", Severity::Warning)
    );
    assert!(few.commands.unwrap().contains("systemctl restart"));
    let alone = spoilt(|facts| (facts.open_files, facts.has_unit) = (Some(1_024), false));
    let commands = alone.commands.unwrap();
    assert!(commands.starts_with("prlimit --pid "), "{commands}");
    let gone = spoilt(|facts| {
        let why = "This machine has no interface eth7.".to_owned();
        facts
            .egresses
            .push((Via::Interface("eth7".to_owned()), Err(why)));
    });
    assert_eq!((gone.check.as_str(), gone.commands), ("egress", None));
    let down = spoilt(|facts| {
        let why = "The interface eth1 is switched off.".to_owned();
        facts
            .egresses
            .push((Via::Interface("eth1".to_owned()), Err(why)));
    });
    assert_eq!(down.check, "egress");
    assert_eq!(down.commands.as_deref(), Some("ip link set eth1 up"));
    let silent = spoilt(|facts| {
        facts.outside = Some(Ok(vec![(Transport::Udp, 443, Outside::Silent)]));
    });
    assert_eq!(silent.check, "reach-from-outside");
}

#[test]
fn pings_matter_in_user_space_only() {
    let mut facts = well();
    facts.echo = Some((false, "1 0".to_owned()));
    let finding = only(&told(&view(Some(NetworkMode::Userspace)), Some(&facts)));
    assert_eq!(finding.check, "echo");
    assert!(finding.sentence.contains("1 0"), "{}", finding.sentence);
    let by_tun = told(&view(Some(NetworkMode::Tun)), Some(&facts));
    assert!(by_tun.iter().all(|it| it.severity == Severity::Good));
}

#[test]
fn what_could_not_be_looked_at_is_said_and_is_no_alarm() {
    let mut facts = well();
    facts.firewall = Some(Err("nft: Operation not permitted".to_owned()));
    facts.outside = Some(Err("it needs CAP_SYS_ADMIN".to_owned()));
    let found = told(&view(Some(NetworkMode::Userspace)), Some(&facts));
    let unseen: Vec<_> = found
        .iter()
        .filter(|it| it.sentence.starts_with("Not looked at"))
        .collect();
    assert_eq!(unseen.len(), 2, "{found:#?}");
    assert!(found.iter().all(|it| it.severity == Severity::Good));
    let late = only(&told(&view(Some(NetworkMode::Tun)), None));
    assert_eq!(late.check, "machine");
}

#[test]
fn a_gateway_its_ports_and_its_certificates_are_told() {
    let stopped = told(&view(None), Some(&well()));
    assert_eq!(stopped[0].check, "gateway");
    let mut facts = well();
    for (has_unit, start) in [
        (true, "systemctl start gatehouse"),
        (false, "gatehouse serve"),
    ] {
        facts.has_unit = has_unit;
        let stopped = told(&view(None), Some(&facts));
        assert_eq!(stopped[0].commands.as_deref(), Some(start));
    }
    let mut held = view(Some(NetworkMode::Tun));
    Arc::make_mut(&mut held.live).gateway.listeners[0].trouble =
        Some("UDP port 443 is in use by nginx (process 7).".to_owned());
    let finding = only(&told(&held, Some(&well())));
    assert_eq!(finding.check, "listener");
    assert!(finding.sentence.contains("nginx (process 7)"));
    for (not_before, not_after, severity) in [
        (
            "2026-01-01T00:00:00Z",
            "2026-11-01T00:00:00Z",
            Severity::Problem,
        ),
        (
            "2026-12-01T00:00:00Z",
            "2027-11-01T00:00:00Z",
            Severity::Problem,
        ),
        (
            "2026-01-01T00:00:00Z",
            "2026-12-10T00:00:00Z",
            Severity::Warning,
        ),
    ] {
        let mut view = view(Some(NetworkMode::Tun));
        let snapshot = Arc::make_mut(&mut view.snapshot);
        for certificate in snapshot.certificates.values_mut() {
            let certificate = Arc::make_mut(certificate);
            certificate.not_before = not_before.parse().unwrap();
            certificate.not_after = not_after.parse().unwrap();
        }
        let finding = only(&told(&view, Some(&well())));
        assert_eq!(
            (finding.check.as_str(), finding.severity),
            ("server-certificate", severity)
        );
    }
}

#[test]
fn an_address_that_nobody_outside_reaches_is_a_warning() {
    for (host, is_told) in [
        ("192.168.1.7", true),
        ("100.64.0.1", true),
        ("127.0.0.1", true),
        ("8.8.8.8", false),
        ("vpn.example.com", false),
    ] {
        let view = view(Some(NetworkMode::Tun));
        let scene = Scene {
            view: &view,
            public_address: host.to_owned(),
            own: Vec::new(),
            now: NOW.parse().unwrap(),
        };
        let found = findings(&scene, Some(&well()));
        let finding = found
            .iter()
            .find(|it| it.check == "public-address")
            .unwrap();
        assert_eq!(finding.severity == Severity::Warning, is_told, "{host}");
    }
}

#[test]
fn a_security_groups_rule_opens_flows_to_clients() {
    use crate::model::{SecurityGroup, SecurityGroupRule, SecurityGroupRuleId, VpcId};
    let group = SecurityGroupId::from_random([1; 9]);
    let opened = |direction, peer| {
        let mut view = view(Some(NetworkMode::Tun));
        let snapshot = Arc::make_mut(&mut view.snapshot);
        for endpoint in snapshot.endpoints.values_mut() {
            endpoint.security_groups.insert(group.clone());
        }
        let rule = SecurityGroupRule {
            id: SecurityGroupRuleId::from_random([1; 9]),
            direction,
            protocol: None,
            ports: None,
            peer,
            description: String::new(),
        };
        let group = SecurityGroup {
            id: group.clone(),
            name: "desks".to_owned(),
            description: "desks".to_owned(),
            vpc_id: VpcId::from_random([1; 9]),
            rules: vec![rule],
            tags: BTreeMap::default(),
        };
        snapshot
            .security_groups
            .insert(group.id.clone(), Arc::new(group));
        asked(&view).opened
    };
    let all = || Peer::Cidr("0.0.0.0/0".parse().unwrap());
    assert!(opened(Direction::Ingress, all()));
    assert!(!opened(Direction::Egress, all()));
    let itself = Peer::Group(group.clone());
    assert!(!opened(Direction::Ingress, itself), "no resource has it");
}

#[test]
fn a_dns_server_that_clients_do_not_reach_is_told_and_one_that_is_the_machine_itself() {
    let mut view = view(Some(NetworkMode::Userspace));
    let snapshot = Arc::make_mut(&mut view.snapshot);
    let vpc = Vpc {
        id: VpcId::from_random([1; 9]),
        cidrs: vec!["10.1.0.0/16".parse().unwrap()],
        dns_support: true,
        tags: BTreeMap::default(),
    };
    let id = snapshot.endpoints.keys().next().unwrap().clone();
    let endpoint = snapshot.endpoints.get_mut(&id).unwrap();
    endpoint.dns_servers = vec![Ipv4Addr::new(10, 1, 0, 2)];
    endpoint.vpc_id = Some(vpc.id.clone());
    let association = Association {
        id: AssociationId::from_random([1; 9]),
        endpoint_id: id,
        subnet_id: SubnetId::from_random([1; 9]),
        vpc_id: vpc.id.clone(),
        state: AssociationState::Associated,
    };
    snapshot
        .associations
        .insert(association.id.clone(), association);
    snapshot.vpcs.insert(vpc.id.clone(), vpc);
    let scene = Scene {
        view: &view,
        public_address: "vpn.example.com".to_owned(),
        own: vec![Ipv4Addr::new(10, 1, 0, 2)],
        now: NOW.parse().unwrap(),
    };
    let found = findings(&scene, Some(&well()));
    let told: Vec<&str> = found
        .iter()
        .filter(|finding| finding.check == "dns-server")
        .map(|finding| finding.sentence.as_str())
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].ends_with("10.1.0.2: no authorization rule opens it."));
    assert!(told[1].contains("an address of this machine itself"));
}
