mod checks;
mod networks;

use ipnet::Ipv4Net;

use super::*;
use crate::model::{
    AssociationId, CertificateArn, Code, ConnectionId, ConnectionState, Endpoint, EndpointId,
    EndpointState, InternetGateway, InternetGatewayId, IpProtocol, PortRange, RouteOrigin,
    RouteState, RuleState, SubnetId, Traffic, Transport, Vpc, VpcId, Way,
    command::{EndpointCreated, Secret, TargetNetworks, Termination},
    explanation::ResourceTitle,
    id::{NetworkInterfaceId, SecurityGroupId, SecurityGroupRuleId},
};

const NOW: i64 = 1_605_267_447;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn endpoint_id() -> EndpointId {
    EndpointId::from_random([0xab; 9])
}

fn subnet_id() -> SubnetId {
    SubnetId::from_random([0x12; 9])
}

fn vpc_id() -> VpcId {
    VpcId::from_random([0x34; 9])
}

fn group_id() -> SecurityGroupId {
    SecurityGroupId::from_random([0x78; 9])
}

fn arn() -> CertificateArn {
    CertificateArn::from_random("local-1", "000000000000", [7; 16])
}

fn association(state: AssociationState) -> Association {
    Association {
        id: AssociationId::from_random([0x56; 9]),
        endpoint_id: endpoint_id(),
        subnet_id: subnet_id(),
        vpc_id: vpc_id(),
        state,
    }
}

fn named(name: &str) -> Tags {
    Tags::from([("Name".to_owned(), name.to_owned())])
}

#[test]
fn a_command_without_an_answer_says_nothing() {
    assert_eq!(answer(&Answer::Done, now()), Value::Null);
}

#[test]
fn a_vpc_has_its_primary_block_beside_all_blocks() {
    let vpc = Vpc {
        id: vpc_id(),
        cidrs: vec![net("10.0.0.0/16"), net("10.1.0.0/16")],
        dns_support: true,
        tags: named("corp"),
    };
    let shape = answer(&Answer::Vpc(vpc.clone()), now());
    assert_eq!(
        shape,
        json!({"Vpc": {
            "VpcId": "vpc-34343434343434343",
            "CidrBlock": "10.0.0.0/16",
            "CidrBlockAssociationSet": [
                {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
                {"CidrBlock": "10.1.0.0/16", "CidrBlockState": {"State": "associated"}},
            ],
            "State": "available",
            "EnableDnsSupport": true,
            "DnsServer": "10.0.0.2",
            "IsDefault": false,
            "Tags": [{"Key": "Name", "Value": "corp"}],
        }})
    );
    let command = Command::AssociateVpcCidrBlock(Default::default());
    let shape = answer_to(&command, &Answer::Vpc(vpc), now());
    assert_eq!(shape["CidrBlockAssociation"]["CidrBlock"], "10.1.0.0/16");
}

#[test]
fn a_new_endpoint_has_a_status_code() {
    let created = EndpointCreated {
        id: endpoint_id(),
        state: EndpointState::PendingAssociate,
        dns_name: "vpn.example.com".to_owned(),
    };
    assert_eq!(
        answer(&Answer::EndpointCreated(created), now()),
        json!({
            "ClientVpnEndpointId": "cvpn-endpoint-ababababababababa",
            "Status": {"Code": "pending-associate"},
            "DnsName": "vpn.example.com",
        })
    );
}

#[test]
fn an_endpoint_is_described_in_aws_words() {
    let endpoint = Endpoint {
        id: endpoint_id(),
        description: "staff".to_owned(),
        tags: Tags::new(),
        client_cidr: net("10.9.0.0/22"),
        server_certificate: arn(),
        authentication: vec![Authentication::Certificate {
            client_root_certificate_chain: arn(),
        }],
        transport: Transport::Udp,
        port: 443,
        split_tunnel: false,
        dns_servers: vec!["10.0.0.2".parse().unwrap()],
        vpc_id: Some(vpc_id()),
        security_groups: BTreeSet::from([group_id()]),
        connection_log: None,
        deleting: false,
        created_at: now(),
    };
    let description = EndpointDescription {
        endpoint,
        state: EndpointState::Available,
        dns_name: "vpn.example.com".to_owned(),
        associations: vec![association(AssociationState::Associated)],
    };
    assert_eq!(
        answer(&Answer::Endpoints(vec![description]), now()),
        json!({"ClientVpnEndpoints": [{
            "ClientVpnEndpointId": "cvpn-endpoint-ababababababababa",
            "Description": "staff",
            "Status": {"Code": "available"},
            "CreationTime": "2020-11-13T11:37:27",
            "DnsName": "vpn.example.com",
            "ClientCidrBlock": "10.9.0.0/22",
            "DnsServers": ["10.0.0.2"],
            "SplitTunnel": false,
            "VpnProtocol": "openvpn",
            "TransportProtocol": "udp",
            "VpnPort": 443,
            "AssociatedTargetNetworks": [
                {"NetworkId": "subnet-12121212121212121", "NetworkType": "vpc"},
            ],
            "ServerCertificateArn": arn(),
            "AuthenticationOptions": [{
                "Type": "certificate-authentication",
                "MutualAuthentication": {"ClientRootCertificateChain": arn()},
            }],
            "ConnectionLogOptions": {"Enabled": false},
            "Tags": [],
            "VpcId": "vpc-34343434343434343",
            "SecurityGroupIds": ["sg-78787878787878787"],
        }]})
    );
}

#[test]
fn empty_lists_are_written_out() {
    for (empty, key) in [
        (Answer::Endpoints(Vec::new()), "ClientVpnEndpoints"),
        (Answer::Certificates(Vec::new()), "CertificateSummaryList"),
        (Answer::Connections(Vec::new()), "Connections"),
        (Answer::Vpcs(Vec::new()), "Vpcs"),
    ] {
        assert_eq!(answer(&empty, now()), json!({key: []}));
    }
}

#[test]
fn an_association_that_failed_says_why() {
    let reason = "port 443 is in use".to_owned();
    let failed = association(AssociationState::Failed { reason });
    let networks = TargetNetworks {
        associations: vec![failed],
        security_groups: BTreeSet::from([group_id()]),
    };
    let shape = answer(&Answer::TargetNetworks(networks), now());
    assert_eq!(
        shape["ClientVpnTargetNetworks"][0],
        json!({
            "AssociationId": "cvpn-assoc-56565656565656565",
            "VpcId": "vpc-34343434343434343",
            "TargetNetworkId": "subnet-12121212121212121",
            "ClientVpnEndpointId": "cvpn-endpoint-ababababababababa",
            "Status": {"Code": "association-failed", "Message": "port 443 is in use"},
            "SecurityGroups": ["sg-78787878787878787"],
        })
    );
}

#[test]
fn a_rule_for_all_has_an_empty_group() {
    let rule = AuthorizationRule {
        endpoint_id: endpoint_id(),
        destination: net("0.0.0.0/0"),
        access: Access::AllUsers,
        limits: Default::default(),
        description: String::new(),
        state: RuleState::Authorizing,
    };
    let shape = answer(&Answer::AuthorizationRules(vec![rule]), now());
    let rule = &shape["AuthorizationRules"][0];
    assert_eq!(rule["GroupId"], "");
    assert_eq!(rule["AccessAll"], true);
    assert_eq!(rule["DestinationCidr"], "0.0.0.0/0");
    assert_eq!(rule["Status"]["Code"], "authorizing");
}

#[test]
fn a_rule_for_a_group_has_its_sid_and_says_when_it_has_expired() {
    let sid: Sid = "S-1-5-32-544".parse().unwrap();
    let rule = AuthorizationRule {
        endpoint_id: endpoint_id(),
        destination: net("10.0.0.0/16"),
        access: Access::Group(sid.clone()),
        limits: Limits {
            protocol: Some(IpProtocol::Udp),
            ports: Some(PortRange { from: 1, to: 9 }),
            expires_at: Some(now()),
        },
        description: String::new(),
        state: RuleState::Active,
    };
    assert_eq!(
        answer(&Answer::AuthorizationRules(vec![rule]), now()),
        json!({"AuthorizationRules": [{
            "ClientVpnEndpointId": "cvpn-endpoint-ababababababababa",
            "Description": "",
            "GroupId": "S-1-5-32-544",
            "AccessAll": false,
            "DestinationCidr": "10.0.0.0/16",
            "Status": {"Code": "expired"},
            "Protocol": "udp",
            "FromPort": 1,
            "ToPort": 9,
            "ExpiresAt": now().to_string(),
        }]})
    );
}

#[test]
fn an_explanation_is_a_verdict_and_its_reasons_in_order() {
    let explanation = Explanation {
        verdict: Decision::Deny,
        user: "alice".to_owned(),
        connection_id: None,
        destination: std::net::Ipv4Addr::new(10, 0, 0, 9),
        protocol: None,
        port: None,
        ways: vec![Way {
            association_id: AssociationId::from_random([0x56; 9]),
            subnet_id: subnet_id(),
            verdict: Decision::Deny,
            refusal: Some("no-route".to_owned()),
            steps: vec![Step::Route {
                subnet_id: subnet_id(),
                chosen: None,
                shadowed: Vec::new(),
            }],
        }],
        sentence: "No.".to_owned(),
    };
    assert_eq!(
        answer(&Answer::Explanation(Box::new(explanation)), now()),
        json!({
            "Verdict": "deny",
            "Reasons": [
                {
                    "AssociationId": "cvpn-assoc-56565656565656565",
                    "Step": "route",
                    "Passes": false,
                    "Text": "No route through subnet-12121212121212121 leads to the destination.",
                    "TargetSubnet": "subnet-12121212121212121",
                    "Shadowed": [],
                },
                {"Step": "verdict", "Passes": false, "Text": "No."},
            ],
        })
    );
}

#[test]
fn a_step_of_security_groups_names_them_and_the_rule_that_admits() {
    let group = SecurityGroupId::from_random([1; 9]);
    let rule = AdmittingRule {
        security_group_id: group.clone(),
        rule_id: SecurityGroupRuleId::from_random([2; 9]),
        words: "tcp 443 from 10.0.0.0/16".to_owned(),
    };
    let within = Step::ResourceSecurityGroupIn {
        resource: Some(ResourceTitle {
            id: NetworkInterfaceId::from_random([3; 9]),
            name: "web".to_owned(),
        }),
        from: net("10.0.0.0/24"),
        groups: vec![SecurityGroupTitle {
            id: group,
            name: "servers".to_owned(),
        }],
        admitted_by: Some(rule),
    };
    let association = AssociationId::from_random([0x56; 9]);
    assert_eq!(
        reason(&association, &within),
        json!({
            "AssociationId": "cvpn-assoc-56565656565656565",
            "Step": "resource-security-group-in",
            "Passes": true,
            "Text": "A security group of web lets it in: \
                     tcp 443 from 10.0.0.0/16 (sgr-02020202020202020).",
            "NetworkInterfaceId": "eni-03030303030303030",
            "Name": "web",
            "From": "10.0.0.0/24",
            "SecurityGroups": [{"GroupId": "sg-01010101010101010", "GroupName": "servers"}],
            "AdmittedBy": {
                "SecurityGroupRuleId": "sgr-02020202020202020",
                "GroupId": "sg-01010101010101010",
                "Text": "tcp 443 from 10.0.0.0/16",
            },
        })
    );
    let unlimited = Step::SecurityGroupOut {
        groups: Vec::new(),
        admitted_by: None,
    };
    let shape = reason(&association, &unlimited);
    assert_eq!(shape["Step"], "security-group-out");
    assert_eq!(shape["Passes"], true);
    assert_eq!(shape["SecurityGroups"], json!([]));
    assert_eq!(shape.get("AdmittedBy"), None);
}

#[test]
fn a_route_names_its_origin_and_type() {
    let route = Route {
        endpoint_id: endpoint_id(),
        destination: net("10.0.0.0/16"),
        subnet_id: subnet_id(),
        origin: RouteOrigin::Associate,
        for_all: false,
        description: "Default Route".to_owned(),
        state: RouteState::Active,
    };
    assert_eq!(
        answer(&Answer::Routes(vec![route]), now()),
        json!({"Routes": [{
            "ClientVpnEndpointId": "cvpn-endpoint-ababababababababa",
            "DestinationCidr": "10.0.0.0/16",
            "TargetSubnet": "subnet-12121212121212121",
            "Type": "Nat",
            "Origin": "associate",
            "Status": {"Code": "active"},
            "Description": "Default Route",
        }]})
    );
}

fn connection_of(state: ConnectionState, ended_at: Option<Timestamp>) -> Connection {
    Connection {
        id: ConnectionId::from_random([0x78; 9]),
        endpoint_id: endpoint_id(),
        association_id: AssociationId::from_random([0x56; 9]),
        common_name: "ann".to_owned(),
        client_ip: "10.9.0.2".parse().unwrap(),
        device: "192.0.2.1:5000".parse().unwrap(),
        client_version: "2.6.14".to_owned(),
        platform: "linux".to_owned(),
        cipher: "AES-256-GCM".to_owned(),
        state,
        established_at: now(),
        ended_at,
        certificates: Vec::new(),
        end_reason: ended_at.map(|_| "ended by an administrator".to_owned()),
        reconnect: None,
        traffic: Traffic {
            ingress_bytes: u64::MAX,
            egress_bytes: 2,
            ingress_packets: 3,
            egress_packets: 4,
        },
        counted_at: now(),
    }
}

#[test]
fn counters_are_text_and_a_live_connection_has_a_dash_for_its_end() {
    let live = connection_of(ConnectionState::Active, None);
    assert_eq!(
        answer(&Answer::Connections(vec![live]), now())["Connections"][0],
        json!({
            "ClientVpnEndpointId": "cvpn-endpoint-ababababababababa",
            "Timestamp": "2020-11-13 11:37:27",
            "ConnectionId": "cvpn-connection-78787878787878787",
            "ConnectionEstablishedTime": "2020-11-13 11:37:27",
            "IngressBytes": "18446744073709551615",
            "EgressBytes": "2",
            "IngressPackets": "3",
            "EgressPackets": "4",
            "ClientIp": "10.9.0.2",
            "CommonName": "ann",
            "Status": {"Code": "active"},
            "ConnectionEndTime": "-",
            "PostureComplianceStatuses": [],
        })
    );
    let ended = connection_of(ConnectionState::Terminated, Some(now()));
    let shape = answer(&Answer::Connections(vec![ended]), now());
    assert_eq!(
        shape["Connections"][0]["ConnectionEndTime"],
        "2020-11-13 11:37:27"
    );
    assert_eq!(
        shape["Connections"][0]["Status"],
        json!({"Code": "terminated", "Message": "ended by an administrator"})
    );
}

#[test]
fn what_a_connection_lacks_is_told_with_it() {
    let mut live = connection_of(ConnectionState::Active, None);
    let sentence = "Reconnect to get the route 10.2.0.0/16.";
    live.reconnect = Some(sentence.to_owned());
    let shape = answer(&Answer::Connections(vec![live]), now());
    assert_eq!(shape["Connections"][0]["Reconnect"], sentence);
}

#[test]
fn a_termination_has_the_state_before_and_after() {
    let terminations = Terminations {
        client_vpn_endpoint_id: endpoint_id(),
        username: None,
        connections: vec![Termination {
            id: ConnectionId::from_random([0x78; 9]),
            previous: ConnectionState::Active,
            current: ConnectionState::Terminating,
        }],
    };
    assert_eq!(
        answer(&Answer::Terminations(terminations), now()),
        json!({
            "ClientVpnEndpointId": "cvpn-endpoint-ababababababababa",
            "ConnectionStatuses": [{
                "ConnectionId": "cvpn-connection-78787878787878787",
                "PreviousStatus": {"Code": "active"},
                "CurrentStatus": {"Code": "terminating"},
            }],
        })
    );
}

#[test]
fn a_certificates_times_are_seconds_and_its_serial_has_colons() {
    let it = Certificate {
        arn: arn(),
        common_name: Some("server".to_owned()),
        subject: "CN=server".to_owned(),
        issuer: "CN=CA".to_owned(),
        serial: "1a2b3".to_owned(),
        alternative_names: vec!["server".to_owned()],
        not_before: now(),
        not_after: Timestamp::from_second(NOW + 10).unwrap(),
        key_algorithm: "EC_prime256v1".to_owned(),
        usage: CertificateUse::Server,
        origin: CertificateOrigin::Imported,
        issued_by: None,
        fingerprint: "00".to_owned(),
        certificate_pem: String::new(),
        chain_pem: String::new(),
        has_private_key: true,
        created_at: now(),
        revoked: None,
    };
    let shape = answer(&Answer::Certificate(Box::new(it.clone())), now());
    let shape = &shape["Certificate"];
    assert_eq!(shape["Serial"], "01:a2:b3");
    assert_eq!(shape["NotBefore"], NOW);
    assert_eq!(shape["Type"], "IMPORTED");
    assert_eq!(shape["Status"], "ISSUED");
    let later = Timestamp::from_second(NOW + 10).unwrap();
    let shape = answer(&Answer::Certificates(vec![it]), later);
    assert_eq!(shape["CertificateSummaryList"][0]["Status"], "EXPIRED");
    assert_eq!(shape["CertificateSummaryList"][0]["DomainName"], "server");
}

#[test]
fn a_private_key_is_there_only_when_it_was_handed_out() {
    let mut it = Exported {
        certificate_pem: "C".to_owned(),
        chain_pem: String::new(),
        private_key_pem: None,
    };
    let shape = answer(&Answer::Exported(it.clone()), now());
    assert_eq!(shape, json!({"Certificate": "C"}));
    it.private_key_pem = Some(Secret::new(b"K".to_vec()));
    let shape = answer(&Answer::Exported(it), now());
    assert_eq!(shape, json!({"Certificate": "C", "PrivateKey": "K"}));
}

#[test]
fn an_internet_gateway_lists_its_attachment() {
    let mut gateway = InternetGateway {
        id: InternetGatewayId::from_random([1; 9]),
        vpc_id: None,
        tags: Tags::new(),
    };
    let attachments = |it: &InternetGateway| {
        answer(&Answer::InternetGateway(it.clone()), now())["InternetGateway"]["Attachments"]
            .clone()
    };
    assert_eq!(attachments(&gateway), json!([]));
    gateway.vpc_id = Some(vpc_id());
    assert_eq!(
        attachments(&gateway),
        json!([{"State": "available", "VpcId": "vpc-34343434343434343"}])
    );
}

#[test]
fn a_refusal_names_field_and_cure_where_it_has_them() {
    let it = Refusal::new(Code::InvalidParameterValue, "no")
        .at("ClientCidrBlock")
        .cure("10.0.0.0/22");
    assert_eq!(
        refusal(&it),
        json!({"Error": {
            "Code": "InvalidParameterValue",
            "Message": "no",
            "Field": "ClientCidrBlock",
            "Cure": "10.0.0.0/22",
        }})
    );
    assert_eq!(
        refusal(&Refusal::new(Code::EndpointNotFound, "no")),
        json!({"Error": {"Code": "InvalidClientVpnEndpointId.NotFound", "Message": "no"}})
    );
}
