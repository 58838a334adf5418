//! Networks, security groups and the commands that look before a change.

use super::*;
use crate::model::command::{
    ApplySecurityGroups, AuthorizeSecurityGroup, ById, CreateNetworkInterface,
    CreatePeeringConnection, CreateRoute, CreateRouteTable, CreateSecurityGroup, CreateSubnet,
    CreateVpcRoute, CreateVpnConnection, DeleteVpcRoute, Describe, ModifyNetworkInterface,
    ModifyVpcAttribute, Permission, RevokeSecurityGroup, RouteTableAssociation, VpnConnectionRoute,
};

fn text(text: &str) -> String {
    text.to_owned()
}

fn by_id(id: &str) -> ById {
    ById { id: text(id) }
}

fn complaint(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    meant(&words).unwrap_err().to_string()
}

/// Whether the grammar has no such line.
fn is_mistyped(line: &str) -> bool {
    let words = ["gatehouse"].into_iter().chain(line.split_whitespace());
    Args::try_parse_from(words).is_err()
}

/// Lines that change something, with their meaning, each written as [`line::of`] writes it.
fn changes() -> Vec<(&'static str, Command)> {
    subnet_changes()
        .into_iter()
        .chain(gateway_changes())
        .chain(route_table_changes())
        .chain(group_changes())
        .chain(rule_changes())
        .chain(endpoint_changes())
        .collect()
}

fn subnet_changes() -> Vec<Meaning> {
    let subnet = |egress| {
        Command::CreateSubnet(CreateSubnet {
            vpc_id: text("vpc-1"),
            cidr_block: text("10.0.1.0/24"),
            availability_zone: Some(text("local-1a")),
            egress,
            tags: Tags::new(),
        })
    };
    let egress = |interface: Option<&str>, source_address: Option<&str>, nat| {
        Command::ModifySubnetEgress(ModifySubnetEgress {
            subnet_id: text("subnet-1"),
            egress: EgressChoice {
                interface: interface.map(text),
                source_address: source_address.map(text),
                nat,
            },
        })
    };
    vec![
        (
            "ec2 create-subnet --vpc-id vpc-1 --cidr-block 10.0.1.0/24 --availability-zone local-1a",
            subnet(None),
        ),
        (
            "ec2 create-subnet --vpc-id vpc-1 --cidr-block 10.0.1.0/24 --availability-zone local-1a \
             --egress-interface eth1 --no-egress-nat",
            subnet(Some(EgressChoice {
                interface: Some(text("eth1")),
                source_address: None,
                nat: Some(false),
            })),
        ),
        (
            "networks set-egress --subnet-id subnet-1 --interface eth1 --no-nat",
            egress(Some("eth1"), None, Some(false)),
        ),
        (
            "networks set-egress --subnet-id subnet-1 --source-address 192.0.2.7",
            egress(None, Some("192.0.2.7"), None),
        ),
        (
            "networks set-egress --subnet-id subnet-1",
            egress(None, None, None),
        ),
    ]
}

fn gateway_changes() -> Vec<Meaning> {
    let behind = || VpnConnectionRoute {
        vpn_connection_id: text("vpn-1"),
        destination_cidr_block: text("192.168.0.0/16"),
    };
    vec![
        (
            "ec2 create-vpc-peering-connection --vpc-id vpc-1 --peer-vpc-id vpc-2 \
             --tag-specifications \
             '{\"ResourceType\":\"vpc-peering-connection\",\"Tags\":[{\"Key\":\"Name\",\"Value\":\"b\"}]}'",
            Command::CreateVpcPeeringConnection(CreatePeeringConnection {
                vpc_id: text("vpc-1"),
                peer_vpc_id: text("vpc-2"),
                tags: Tags::from([(text("Name"), text("b"))]),
            }),
        ),
        (
            "ec2 accept-vpc-peering-connection --vpc-peering-connection-id pcx-1",
            Command::AcceptVpcPeeringConnection(by_id("pcx-1")),
        ),
        (
            "ec2 delete-vpc-peering-connection --vpc-peering-connection-id pcx-1",
            Command::DeleteVpcPeeringConnection(by_id("pcx-1")),
        ),
        (
            "ec2 create-vpn-connection --vpc-id vpc-1 --cidr-blocks 192.168.0.0/16 172.16.0.0/12",
            Command::CreateVpnConnection(CreateVpnConnection {
                vpc_id: text("vpc-1"),
                cidr_blocks: vec![text("192.168.0.0/16"), text("172.16.0.0/12")],
                tags: Tags::new(),
            }),
        ),
        (
            "ec2 create-vpn-connection-route --vpn-connection-id vpn-1 \
             --destination-cidr-block 192.168.0.0/16",
            Command::CreateVpnConnectionRoute(behind()),
        ),
        (
            "ec2 delete-vpn-connection-route --vpn-connection-id vpn-1 \
             --destination-cidr-block 192.168.0.0/16",
            Command::DeleteVpnConnectionRoute(behind()),
        ),
        (
            "ec2 delete-vpn-connection --vpn-connection-id vpn-1",
            Command::DeleteVpnConnection(by_id("vpn-1")),
        ),
    ]
}

fn route_table_changes() -> Vec<Meaning> {
    let route = |target: &str| {
        Command::CreateRoute(CreateVpcRoute {
            route_table_id: text("rtb-1"),
            destination_cidr_block: text("10.9.0.0/16"),
            target_id: text(target),
        })
    };
    let association = || RouteTableAssociation {
        route_table_id: text("rtb-1"),
        subnet_id: text("subnet-2"),
    };
    vec![
        (
            "ec2 create-route-table --vpc-id vpc-1",
            Command::CreateRouteTable(CreateRouteTable {
                vpc_id: text("vpc-1"),
                tags: Tags::new(),
            }),
        ),
        (
            "ec2 delete-route-table --route-table-id rtb-1",
            Command::DeleteRouteTable(by_id("rtb-1")),
        ),
        (
            "ec2 associate-route-table --route-table-id rtb-1 --subnet-id subnet-2",
            Command::AssociateRouteTable(association()),
        ),
        (
            "ec2 disassociate-route-table --association-id rtbassoc-1-2",
            Command::DisassociateRouteTable(association()),
        ),
        (
            "ec2 create-route --route-table-id rtb-1 --destination-cidr-block 10.9.0.0/16 \
             --gateway-id igw-1",
            route("igw-1"),
        ),
        (
            "ec2 create-route --route-table-id rtb-1 --destination-cidr-block 10.9.0.0/16 \
             --vpc-peering-connection-id pcx-1",
            route("pcx-1"),
        ),
        (
            "ec2 create-route --route-table-id rtb-1 --destination-cidr-block 10.9.0.0/16 \
             --vpn-connection-id vpn-1",
            route("vpn-1"),
        ),
        (
            "ec2 delete-route --route-table-id rtb-1 --destination-cidr-block 10.9.0.0/16",
            Command::DeleteRoute(DeleteVpcRoute {
                route_table_id: text("rtb-1"),
                destination_cidr_block: text("10.9.0.0/16"),
            }),
        ),
    ]
}

fn group_changes() -> Vec<Meaning> {
    vec![
        (
            "ec2 create-security-group --group-name 'web servers' --description 'it'\\''s public' \
             --vpc-id vpc-1",
            Command::CreateSecurityGroup(CreateSecurityGroup {
                group_name: text("web servers"),
                description: text("it's public"),
                vpc_id: text("vpc-1"),
                tags: Tags::new(),
            }),
        ),
        (
            "ec2 delete-security-group --group-id sg-1",
            Command::DeleteSecurityGroup(by_id("sg-1")),
        ),
        (
            "ec2 create-network-interface --subnet-id subnet-1 --private-ip-address 10.0.1.9 \
             --groups sg-1 sg-2 --description=-database",
            Command::CreateNetworkInterface(CreateNetworkInterface {
                subnet_id: text("subnet-1"),
                private_ip_address: text("10.0.1.9"),
                security_group_ids: vec![text("sg-1"), text("sg-2")],
                description: text("-database"),
                tags: Tags::new(),
            }),
        ),
        (
            "ec2 modify-network-interface-attribute --network-interface-id eni-1 --groups sg-1",
            Command::ModifyNetworkInterfaceAttribute(ModifyNetworkInterface {
                network_interface_id: text("eni-1"),
                security_group_ids: Some(vec![text("sg-1")]),
                description: None,
            }),
        ),
        (
            "ec2 modify-network-interface-attribute --network-interface-id eni-1 --description ''",
            Command::ModifyNetworkInterfaceAttribute(ModifyNetworkInterface {
                network_interface_id: text("eni-1"),
                security_group_ids: None,
                description: Some(String::new()),
            }),
        ),
        (
            "ec2 modify-vpc-attribute --vpc-id vpc-1 --enable-dns-support Value=false",
            Command::ModifyVpcAttribute(ModifyVpcAttribute {
                vpc_id: text("vpc-1"),
                enable_dns_support: Some(false),
            }),
        ),
        (
            "ec2 delete-network-interface --network-interface-id eni-1",
            Command::DeleteNetworkInterface(by_id("eni-1")),
        ),
    ]
}

fn permission(protocol: &str, ports: Option<(i32, i32)>) -> Permission {
    Permission {
        protocol: text(protocol),
        from_port: ports.map(|it| it.0),
        to_port: ports.map(|it| it.1),
        ..Permission::default()
    }
}

fn rule_changes() -> Vec<Meaning> {
    let https = Permission {
        cidr: Some(text("10.0.0.0/8")),
        ..permission("tcp", Some((443, 443)))
    };
    let group = Permission {
        group_id: Some(text("sg-2")),
        ..permission("-1", None)
    };
    let described = Permission {
        description: text("office"),
        ..https.clone()
    };
    let admit = |permissions| AuthorizeSecurityGroup {
        group_id: text("sg-1"),
        permissions,
    };
    let revoke = |rule_ids, permissions| RevokeSecurityGroup {
        group_id: text("sg-1"),
        rule_ids,
        permissions,
    };
    vec![
        (
            "ec2 authorize-security-group-ingress --group-id sg-1 --protocol tcp --port 443 \
             --cidr 10.0.0.0/8",
            Command::AuthorizeSecurityGroupIngress(admit(vec![https.clone()])),
        ),
        (
            "ec2 authorize-security-group-egress --group-id sg-1 --protocol=-1 --source-group sg-2",
            Command::AuthorizeSecurityGroupEgress(admit(vec![group.clone()])),
        ),
        (
            "ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions \
             '[{\"FromPort\":443,\"IpProtocol\":\"tcp\",\"IpRanges\":[{\"CidrIp\":\"10.0.0.0/8\",\
             \"Description\":\"office\"}],\"ToPort\":443},{\"IpProtocol\":\"-1\",\
             \"UserIdGroupPairs\":[{\"Description\":\"\",\"GroupId\":\"sg-2\"}]}]'",
            Command::AuthorizeSecurityGroupIngress(admit(vec![described, group])),
        ),
        (
            "ec2 revoke-security-group-ingress --group-id sg-1 --security-group-rule-ids sgr-1 sgr-2",
            Command::RevokeSecurityGroupIngress(revoke(
                vec![text("sgr-1"), text("sgr-2")],
                Vec::new(),
            )),
        ),
        (
            "ec2 revoke-security-group-egress --group-id sg-1 --protocol udp --port 8000-8100 \
             --cidr 10.0.0.0/8",
            Command::RevokeSecurityGroupEgress(revoke(
                Vec::new(),
                vec![Permission {
                    cidr: Some(text("10.0.0.0/8")),
                    ..permission("udp", Some((8000, 8100)))
                }],
            )),
        ),
    ]
}

fn endpoint_changes() -> Vec<Meaning> {
    let endpoint = || text("cvpn-endpoint-1");
    vec![
        (
            "ec2 apply-security-groups-to-client-vpn-target-network \
             --client-vpn-endpoint-id cvpn-endpoint-1 --vpc-id vpc-1 --security-group-ids sg-1 sg-2",
            Command::ApplySecurityGroupsToClientVpnTargetNetwork(ApplySecurityGroups {
                client_vpn_endpoint_id: endpoint(),
                vpc_id: text("vpc-1"),
                security_group_ids: vec![text("sg-1"), text("sg-2")],
            }),
        ),
        (
            "ec2 create-client-vpn-route --client-vpn-endpoint-id cvpn-endpoint-1 \
             --destination-cidr-block 0.0.0.0/0 --all-target-networks",
            Command::CreateClientVpnRoute(CreateRoute {
                client_vpn_endpoint_id: endpoint(),
                destination_cidr_block: text("0.0.0.0/0"),
                target_vpc_subnet_id: String::new(),
                all_associations: true,
                description: String::new(),
            }),
        ),
        (
            "ec2 delete-client-vpn-route --client-vpn-endpoint-id cvpn-endpoint-1 \
             --destination-cidr-block 0.0.0.0/0 --all-target-networks",
            Command::DeleteClientVpnRoute(DeleteRoute {
                client_vpn_endpoint_id: endpoint(),
                destination_cidr_block: text("0.0.0.0/0"),
                target_vpc_subnet_id: None,
                all_associations: true,
            }),
        ),
        (
            "ec2 authorize-client-vpn-ingress --client-vpn-endpoint-id cvpn-endpoint-1 \
             --target-network-cidr 10.0.0.0/16 --access-group-id S-1 --protocol tcp --from-port 80 \
             --to-port 90 --expires-at 2026-11-27T18:00:00Z --description 'until Friday'",
            Command::AuthorizeClientVpnIngress(AuthorizeIngress {
                client_vpn_endpoint_id: endpoint(),
                target_network_cidr: text("10.0.0.0/16"),
                authorize_all_groups: false,
                access_group_id: Some(text("S-1")),
                description: text("until Friday"),
                protocol: Some(text("tcp")),
                from_port: Some(80),
                to_port: Some(90),
                expires_at: Some(text("2026-11-27T18:00:00Z")),
            }),
        ),
    ]
}

/// The words of a line as a shell splits it: blanks, single quotes and backslashes.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_open) = (Vec::new(), None::<String>, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                is_open = !is_open;
                word.get_or_insert_default();
            }
            ' ' if !is_open => words.extend(word.take()),
            '\\' if !is_open => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!is_open, "{line}");
    words.extend(word);
    words
}

#[test]
fn each_change_has_its_line_and_each_line_its_change() {
    for (written, command) in changes() {
        let words = shell_words(written);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(request(&words).command, command, "{written}");
        assert_eq!(line::of(&command).as_deref(), Some(written));
    }
    for (written, command) in directory_lines().into_iter().chain(ec2_lines()) {
        let Some(again) = line::of(&command) else {
            continue;
        };
        let words = shell_words(&again);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(request(&words).command, command, "{written}: {again}");
    }
}

#[test]
fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
    for word in [
        "", "a b", "it's", "$(id)", "`id`", "a;b", "*", "~", "\"", "\\", "a\nb", "é",
    ] {
        assert_eq!(shell_words(&line::quoted(word)), [word], "{word}");
        assert!(line::quoted(word).starts_with('\''), "{word}");
    }
    assert_eq!(line::quoted("10.0.0.0/16"), "10.0.0.0/16");
}

#[test]
fn things_are_described_by_identifier_or_filter() {
    let both = |ids: &[&str]| Describe {
        ids: ids.iter().map(|id| text(id)).collect(),
        filters: vec![Filter {
            name: text("vpc-id"),
            values: vec![text("vpc-1")],
        }],
    };
    let filters = "--filters Name=vpc-id,Values=vpc-1";
    for (line, command) in [
        (
            "describe-vpc-peering-connections --vpc-peering-connection-ids pcx-1",
            Command::DescribeVpcPeeringConnections(both(&["pcx-1"])),
        ),
        (
            "describe-vpn-connections --vpn-connection-ids vpn-1",
            Command::DescribeVpnConnections(both(&["vpn-1"])),
        ),
        (
            "describe-route-tables --route-table-ids rtb-1 rtb-2",
            Command::DescribeRouteTables(both(&["rtb-1", "rtb-2"])),
        ),
        (
            "describe-security-groups --group-ids sg-1",
            Command::DescribeSecurityGroups(both(&["sg-1"])),
        ),
        (
            "describe-security-group-rules",
            Command::DescribeSecurityGroups(both(&[])),
        ),
        (
            "describe-network-interfaces --network-interface-ids eni-1",
            Command::DescribeNetworkInterfaces(both(&["eni-1"])),
        ),
    ] {
        assert_eq!(words(&format!("ec2 {line} {filters}")), command, "{line}");
    }
    assert_eq!(
        words("ec2 describe-availability-zones"),
        Command::DescribeAvailabilityZones
    );
}

#[test]
fn permissions_are_one_for_each_network_and_group() {
    let line = "ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions \
                IpProtocol=tcp,FromPort=80,ToPort=81,IpRanges=[{CidrIp=10.0.0.0/8},\
                {CidrIp=10.1.0.0/16,Description=office}],\
                UserIdGroupPairs=[{GroupId=sg-2}],Ipv6Ranges=[],PrefixListIds=[] \
                IpProtocol=icmp,FromPort=-1,ToPort=-1";
    let Command::AuthorizeSecurityGroupIngress(it) = words(line) else {
        panic!();
    };
    let web = || permission("tcp", Some((80, 81)));
    let cidr = |cidr: &str, description: &str| Permission {
        cidr: Some(text(cidr)),
        description: text(description),
        ..web()
    };
    let group = Permission {
        group_id: Some(text("sg-2")),
        ..web()
    };
    // One without a network or group is the service's to refuse.
    let icmp = permission("icmp", Some((-1, -1)));
    let wanted = [
        cidr("10.0.0.0/8", ""),
        cidr("10.1.0.0/16", "office"),
        group,
        icmp,
    ];
    assert_eq!(it.permissions, wanted);
}

#[test]
fn the_short_form_of_a_permission_takes_one_port_a_range_or_all() {
    let ports = |port: &str| {
        let line = format!(
            "ec2 authorize-security-group-egress --group-id sg-1 --protocol tcp --port {port}"
        );
        let Command::AuthorizeSecurityGroupEgress(it) = words(&line) else {
            panic!();
        };
        (it.permissions[0].from_port, it.permissions[0].to_port)
    };
    assert_eq!(ports("22"), (Some(22), Some(22)));
    assert_eq!(ports("8000-8100"), (Some(8000), Some(8100)));
    assert_eq!(ports("-1"), (None, None));
    assert_eq!(ports("all"), (None, None));
}

#[test]
fn what_cannot_be_meant_is_named_with_what_can() {
    let group = "ec2 authorize-security-group-ingress --group-id sg-1";
    let port = complaint(&format!("{group} --protocol tcp --port ssh"));
    assert!(port.contains("--port: \"ssh\" is not a port; write 443"));
    let number = complaint(&format!(
        "{group} --ip-permissions IpProtocol=tcp,FromPort=ssh"
    ));
    assert!(number.contains("\"ssh\" is not a whole number"), "{number}");
    let ipv6 = complaint(&format!(
        "{group} --ip-permissions IpProtocol=tcp,Ipv6Ranges=[{{CidrIpv6=::/0}}]"
    ));
    assert!(ipv6.contains("only IPv4 is carried"), "{ipv6}");
    let main = complaint("ec2 disassociate-route-table --association-id rtbassoc-1");
    assert!(main.contains("see describe-route-tables"), "{main}");
}

#[test]
fn options_that_exclude_each_other_do_not_go_together() {
    let route = "ec2 create-route --route-table-id rtb-1 --destination-cidr-block 10.0.0.0/8";
    let client =
        "ec2 create-client-vpn-route --client-vpn-endpoint-id e --destination-cidr-block c";
    let group = "ec2 authorize-security-group-ingress --group-id sg-1";
    for line in [
        route.to_owned(),
        format!("{route} --gateway-id igw-1 --vpn-connection-id vpn-1"),
        client.to_owned(),
        format!("{client} --target-vpc-subnet-id s --all-target-networks"),
        format!("{group} --ip-permissions IpProtocol=tcp --protocol tcp"),
        format!("{group} --cidr 10.0.0.0/8"),
        format!("{group} --protocol tcp --cidr 10.0.0.0/8 --source-group sg-2"),
        "networks set-egress --subnet-id s --interface a --source-address b".to_owned(),
        "ec2 modify-network-interface-attribute --network-interface-id eni-1".to_owned(),
        "ec2 create-vpn-connection --vpc-id v --cidr-blocks c --type ipsec.2".to_owned(),
        "test-connection --client-vpn-endpoint-id e --user u --port 443".to_owned(),
    ] {
        assert!(is_mistyped(&line), "{line}");
    }
    let typed = "ec2 create-vpn-connection --vpc-id v --cidr-blocks c --type ipsec.1";
    assert_eq!(words(typed), words(&typed.replace(" --type ipsec.1", "")));
}

#[test]
fn any_change_can_be_asked_about_before_it_is_made() {
    for line in [
        "ec2 delete-vpc --vpc-id vpc-1",
        "directory remove-user --sid S-1 --common-name alice",
        "networks set-egress --subnet-id subnet-1 --interface eth1",
    ] {
        let asked = words(&format!("preview {line}"));
        assert_eq!(
            asked,
            Command::PreviewChange(Box::new(words(line))),
            "{line}"
        );
    }
    for option in ["--dry-run", "--client-token t"] {
        let complaint = complaint(&format!("preview ec2 delete-vpc --vpc-id vpc-1 {option}"));
        assert!(complaint.contains("leave it away"), "{complaint}");
    }
}

#[test]
fn checks_mean_their_commands() {
    assert_eq!(words("doctor"), Command::Diagnose);
    assert_eq!(words("drops"), Command::DescribeStatus);
    assert_eq!(
        words(
            "test-connection --client-vpn-endpoint-id e --user alice --destination 10.0.0.9 \
             --protocol tcp --port 443"
        ),
        Command::TestConnection(TestConnection {
            client_vpn_endpoint_id: text("e"),
            user: text("alice"),
            destination: Some(text("10.0.0.9")),
            protocol: Some(text("tcp")),
            port: Some(443),
        })
    );
}

#[test]
fn every_scenario_of_the_guide_has_its_name() {
    for kind in ScenarioKind::ALL {
        let line = format!(
            "scenario --client-vpn-endpoint-id e --name {} --peer-vpc-id v \
             --destination-cidr-block c --access-group-id s --network-interface-id n --keep-out",
            kind.as_str()
        );
        let words: Vec<&str> = line.split_whitespace().collect();
        let Ok(Action::Scenario { of, apply }) = meant(&words) else {
            panic!("{line}");
        };
        assert!(!apply);
        assert_eq!(
            of,
            DescribeScenario {
                client_vpn_endpoint_id: text("e"),
                scenario: kind,
                peer_vpc_id: Some(text("v")),
                destination_cidr_block: Some(text("c")),
                access_group_id: Some(text("s")),
                network_interface_id: Some(text("n")),
                keep_out: true,
            }
        );
    }
    let apply = [
        "scenario",
        "--client-vpn-endpoint-id",
        "e",
        "--name",
        "vpc",
        "--apply",
    ];
    assert!(matches!(
        meant(&apply),
        Ok(Action::Scenario { apply: true, .. })
    ));
}
