//! VPCs, what they reach, and security groups.

use super::*;
use crate::model::{
    Blackhole, BlackholeCause, Direction, Egress, NetworkInterfaceId, Peer, PeeringConnection,
    Resource, RouteTable, RouteTableId, RouteTarget, SecurityGroup, SecurityGroupRule,
    SecurityGroupRuleId, Subnet, Via, VpcPeeringConnectionId, VpcRoute, VpnConnection,
    VpnConnectionId,
    command::{AuthorizedRules, ById, RouteTableAssociation, RouteTableDescription},
};

#[test]
fn a_subnet_says_how_packets_leave_for_it() {
    let egress = |via, nat| {
        let subnet = Subnet {
            id: subnet_id(),
            vpc_id: vpc_id(),
            cidr: net("10.0.1.0/24"),
            availability_zone: "local-1a".to_owned(),
            egress: Egress { via, nat },
            tags: Tags::new(),
        };
        answer(&Answer::Subnet(subnet), now())["Subnet"]["Egress"].clone()
    };
    assert_eq!(
        egress(Via::HostRouting, true),
        json!({"Via": "host-routing", "Nat": true})
    );
    assert_eq!(
        egress(Via::Interface("eth1".to_owned()), false),
        json!({"Via": "interface", "Interface": "eth1", "Nat": false})
    );
    assert_eq!(
        egress(Via::SourceAddress("192.0.2.7".parse().unwrap()), true),
        json!({"Via": "source-address", "SourceAddress": "192.0.2.7", "Nat": true})
    );
}

#[test]
fn zones_have_their_names_and_are_available() {
    let zones = Answer::AvailabilityZones(vec!["local-1a".to_owned()]);
    let zone = &answer(&zones, now())["AvailabilityZones"][0];
    assert_eq!(zone["ZoneName"], "local-1a");
    assert_eq!(zone["ZoneId"], "local1-az1");
    assert_eq!(zone["RegionName"], "local-1");
    assert_eq!(zone["State"], "available");
    for (name, id, region) in [
        ("us-east-1c", "useast1-az3", "us-east-1"),
        ("rack-7", "rack7-az1", "rack-7"),
        ("lab", "lab-az1", "lab"),
        ("", "-az1", ""),
    ] {
        let zones = Answer::AvailabilityZones(vec![name.to_owned()]);
        let zone = &answer(&zones, now())["AvailabilityZones"][0];
        assert_eq!(
            (&zone["ZoneId"], &zone["RegionName"]),
            (&json!(id), &json!(region))
        );
    }
}

fn pcx() -> VpcPeeringConnectionId {
    VpcPeeringConnectionId::from_random([0x21; 9])
}

#[test]
fn a_peering_connection_waits_until_it_is_accepted() {
    let peering = |is_active| {
        let it = PeeringConnection {
            id: pcx(),
            requester_vpc_id: vpc_id(),
            accepter_vpc_id: VpcId::from_random([0x43; 9]),
            is_active,
            tags: named("to-b"),
        };
        answer(&Answer::PeeringConnection(it), now())
    };
    assert_eq!(
        peering(false),
        json!({"VpcPeeringConnection": {
            "VpcPeeringConnectionId": pcx(),
            "RequesterVpcInfo": {"VpcId": "vpc-34343434343434343"},
            "AccepterVpcInfo": {"VpcId": "vpc-43434343434343434"},
            "Status": {"Code": "pending-acceptance"},
            "Tags": [{"Key": "Name", "Value": "to-b"}],
        }})
    );
    let active = peering(true);
    assert_eq!(active["VpcPeeringConnection"]["Status"]["Code"], "active");
}

#[test]
fn a_vpn_connection_has_the_networks_behind_it_as_routes() {
    let it = VpnConnection {
        id: VpnConnectionId::from_random([0x31; 9]),
        vpc_id: vpc_id(),
        cidrs: vec![net("192.168.0.0/16")],
        tags: Tags::new(),
    };
    let shape = answer(&Answer::VpnConnections(vec![it]), now());
    let shape = &shape["VpnConnections"][0];
    assert_eq!(shape["Type"], "ipsec.1");
    assert_eq!(
        shape["Routes"],
        json!([{
            "DestinationCidrBlock": "192.168.0.0/16",
            "Source": "Static",
            "State": "available",
        }])
    );
}

fn table() -> RouteTableDescription {
    let route = |destination: &str, target, is_propagated| VpcRoute {
        destination: net(destination),
        target,
        is_propagated,
    };
    let gateway = RouteTarget::InternetGateway(InternetGatewayId::from_random([0x11; 9]));
    let peering = RouteTarget::PeeringConnection(pcx());
    let vpn = RouteTarget::VpnConnection(VpnConnectionId::from_random([0x31; 9]));
    let nowhere = Blackhole {
        destination: net("10.9.0.0/16"),
        target: peering.clone(),
        cause: BlackholeCause::Pending,
    };
    RouteTableDescription {
        table: RouteTable {
            id: RouteTableId::from_random([0x61; 9]),
            vpc_id: vpc_id(),
            is_main: true,
            subnets: BTreeSet::from([subnet_id()]),
            routes: vec![
                route("0.0.0.0/0", gateway, true),
                route("10.9.0.0/16", peering.clone(), false),
                route("10.8.0.0/16", peering, true),
                route("192.168.0.0/16", vpn.clone(), true),
                route("192.168.7.0/24", vpn, false),
            ],
            tags: Tags::new(),
        },
        local: vec![net("10.0.0.0/16")],
        blackholes: vec![None, Some(nowhere), None, None, None],
    }
}

#[test]
fn a_route_table_has_local_routes_states_and_associations() {
    let shape = answer(&Answer::RouteTables(vec![table()]), now());
    let shape = &shape["RouteTables"][0];
    assert_eq!(
        shape["Routes"],
        json!([
            {
                "DestinationCidrBlock": "10.0.0.0/16",
                "GatewayId": "local",
                "Origin": "CreateRouteTable",
                "State": "active",
            },
            {
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": "igw-11111111111111111",
                "Origin": "CreateRoute",
                "State": "active",
            },
            {
                "DestinationCidrBlock": "10.9.0.0/16",
                "VpcPeeringConnectionId": pcx(),
                "Origin": "CreateRoute",
                "State": "blackhole",
                "Because": "Nothing is reached by it: the route to 10.9.0.0/16 leads to \
                            pcx-21212121212121212, which was not accepted yet.",
            },
            {
                "DestinationCidrBlock": "10.8.0.0/16",
                "VpcPeeringConnectionId": pcx(),
                "Origin": "CreateRoute",
                "State": "active",
            },
            {
                "DestinationCidrBlock": "192.168.0.0/16",
                "GatewayId": "vpn-31313131313131313",
                "Origin": "EnableVgwRoutePropagation",
                "State": "active",
            },
            {
                "DestinationCidrBlock": "192.168.7.0/24",
                "GatewayId": "vpn-31313131313131313",
                "Origin": "CreateRoute",
                "State": "active",
            },
        ])
    );
    assert_eq!(
        shape["PropagatingVgws"],
        json!([{"GatewayId": "vpn-31313131313131313"}])
    );
    assert_eq!(
        shape["Associations"],
        json!([
            {
                "Main": true,
                "RouteTableAssociationId": "rtbassoc-61616161616161616",
                "RouteTableId": "rtb-61616161616161616",
                "AssociationState": {"State": "associated"},
            },
            {
                "Main": false,
                "RouteTableAssociationId": "rtbassoc-61616161616161616-12121212121212121",
                "RouteTableId": "rtb-61616161616161616",
                "SubnetId": "subnet-12121212121212121",
                "AssociationState": {"State": "associated"},
            },
        ])
    );
}

#[test]
fn the_association_of_a_subnet_is_named_so_that_it_can_be_ended() {
    let of = RouteTableAssociation {
        route_table_id: "rtb-61616161616161616".to_owned(),
        subnet_id: "subnet-12121212121212121".to_owned(),
    };
    let command = Command::AssociateRouteTable(of.clone());
    let shape = answer_to(&command, &Answer::RouteTable(table()), now());
    let id = shape["AssociationId"].as_str().unwrap();
    assert_eq!(route_table_association(id), Some(of));
    for other in [
        "rtbassoc-61616161616161616",
        "cvpn-assoc-1",
        "rtbassoc-1-",
        "rtbassoc--1",
        "",
    ] {
        assert_eq!(route_table_association(other), None, "{other}");
    }
}

#[test]
fn commands_that_change_a_part_say_what_aws_says_and_no_more() {
    let table = || Answer::RouteTable(table());
    let said = |command, given: &Answer| answer_to(&command, given, now());
    let by_id = ById::default;
    let yes = json!({"Return": true});
    assert_eq!(
        said(Command::CreateRoute(Default::default()), &table()),
        yes
    );
    let command = Command::DeleteVpcPeeringConnection(by_id());
    assert_eq!(said(command, &Answer::Done), yes);
    for command in [
        Command::RevokeSecurityGroupIngress(Default::default()),
        Command::RevokeSecurityGroupEgress(Default::default()),
    ] {
        assert_eq!(said(command, &Answer::Done), yes);
    }
    for command in [
        Command::DeleteRoute(Default::default()),
        Command::DisassociateRouteTable(Default::default()),
    ] {
        assert_eq!(said(command, &table()), Value::Null);
    }
    assert_eq!(
        said(Command::DeleteVpc(by_id()), &Answer::Done),
        Value::Null
    );
    let made = said(Command::CreateRouteTable(Default::default()), &table());
    assert_eq!(made["RouteTable"]["VpcId"], "vpc-34343434343434343");
}

fn rule(protocol: Option<IpProtocol>, ports: Option<(u16, u16)>, peer: Peer) -> SecurityGroupRule {
    SecurityGroupRule {
        id: SecurityGroupRuleId::from_random([0x51; 9]),
        direction: Direction::Ingress,
        protocol,
        ports: ports.map(|(from, to)| PortRange { from, to }),
        peer,
        description: String::new(),
    }
}

fn group() -> SecurityGroup {
    let cidr = |text: &str| Peer::Cidr(net(text));
    let tcp = Some(IpProtocol::Tcp);
    let mut https = rule(tcp, Some((443, 443)), cidr("10.0.0.0/8"));
    https.description = "office".to_owned();
    let mut out = rule(None, None, cidr("0.0.0.0/0"));
    out.direction = Direction::Egress;
    SecurityGroup {
        id: group_id(),
        name: "web".to_owned(),
        description: "web servers".to_owned(),
        vpc_id: vpc_id(),
        rules: vec![
            https,
            rule(Some(IpProtocol::Icmp), None, cidr("10.0.0.0/8")),
            rule(tcp, Some((443, 443)), Peer::Group(group_id())),
            rule(Some(IpProtocol::Udp), None, cidr("10.0.0.0/8")),
            out,
        ],
        tags: Tags::new(),
    }
}

#[test]
fn a_security_group_has_one_permission_for_each_traffic() {
    let shape = answer(&Answer::SecurityGroups(vec![group()]), now());
    let shape = &shape["SecurityGroups"][0];
    let permission = |protocol: &str, ranges: Value, groups: Value| {
        json!({
            "IpProtocol": protocol,
            "IpRanges": ranges,
            "UserIdGroupPairs": groups,
            "Ipv6Ranges": [],
            "PrefixListIds": [],
        })
    };
    let with_ports = |mut it: Value, from: i32, to: i32| {
        it["FromPort"] = json!(from);
        it["ToPort"] = json!(to);
        it
    };
    let ten = json!([{"CidrIp": "10.0.0.0/8"}]);
    let https = permission(
        "tcp",
        json!([{"CidrIp": "10.0.0.0/8", "Description": "office"}]),
        json!([{"GroupId": "sg-78787878787878787"}]),
    );
    assert_eq!(
        shape["IpPermissions"],
        json!([
            with_ports(https, 443, 443),
            with_ports(permission("icmp", ten.clone(), json!([])), -1, -1),
            with_ports(permission("udp", ten, json!([])), 0, 65_535),
        ])
    );
    let everywhere = json!([{"CidrIp": "0.0.0.0/0"}]);
    assert_eq!(
        shape["IpPermissionsEgress"],
        json!([permission("-1", everywhere, json!([]))])
    );
    assert_eq!(shape["GroupName"], "web");
    assert_eq!(shape["SecurityGroupRules"].as_array().unwrap().len(), 5);
}

#[test]
fn rules_are_shown_one_by_one_with_their_identifiers() {
    let group = group();
    let command = Command::DescribeSecurityGroups(Default::default());
    let answer = Answer::SecurityGroups(vec![group.clone()]);
    let all = security_group_rules(&command, &answer, now());
    let all = all["SecurityGroupRules"].as_array().unwrap();
    assert_eq!(
        all[2],
        json!({
            "SecurityGroupRuleId": "sgr-51515151515151515",
            "GroupId": "sg-78787878787878787",
            "IsEgress": false,
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "ReferencedGroupInfo": {"GroupId": "sg-78787878787878787"},
            "Tags": [],
        })
    );
    assert_eq!(all[4]["IsEgress"], true);
    assert_eq!(all[4]["FromPort"], -1);
    assert_eq!(all[4]["CidrIpv4"], "0.0.0.0/0");

    let admitted = Answer::SecurityGroupRules(AuthorizedRules {
        group_id: group_id(),
        rules: group.rules[..1].to_vec(),
    });
    let shape = super::answer(&admitted, now());
    assert_eq!(shape["Return"], true);
    assert_eq!(shape["SecurityGroupRules"], json!([all[0]]));
}

#[test]
fn a_new_security_group_is_named_and_a_resource_shows_its_groups() {
    let shape = answer(&Answer::SecurityGroup(group()), now());
    assert_eq!(
        shape,
        json!({"GroupId": "sg-78787878787878787", "Tags": []})
    );
    let resource = Resource {
        id: NetworkInterfaceId::from_random([0x71; 9]),
        subnet_id: subnet_id(),
        vpc_id: vpc_id(),
        address: "10.0.1.9".parse().unwrap(),
        security_groups: BTreeSet::from([group_id()]),
        description: "database".to_owned(),
        tags: named("db"),
    };
    let shape = answer(&Answer::Resource(resource), now());
    let shape = &shape["NetworkInterface"];
    assert_eq!(shape["PrivateIpAddress"], "10.0.1.9");
    assert_eq!(
        shape["Groups"],
        json!([{"GroupId": "sg-78787878787878787"}])
    );
    assert_eq!(shape["TagSet"], json!([{"Key": "Name", "Value": "db"}]));
    let applied = Answer::SecurityGroupIds(vec![group_id()]);
    assert_eq!(
        answer(&applied, now()),
        json!({"SecurityGroupIds": ["sg-78787878787878787"]})
    );
}
