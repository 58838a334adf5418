//! Every refused command ends with status 1, names AWS's code and the field, and changes nothing.

use serde_json::Value;

use crate::support::{Installation, Parts, free_port};

/// A command line, its refusal's code, and the field at fault.
type Case = (String, &'static str, Option<&'static str>);

#[test]
fn each_refusal_has_its_code_and_field_and_changes_nothing() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let port = free_port();
    let create = parts.create_endpoint("10.50.0.0/22", &format!("--vpn-port {port}"));
    let endpoint = on.text(&create, "/ClientVpnEndpointId");
    let (vpc, subnet) = (&parts.vpc, &parts.subnet);
    on.words(&format!(
        "ec2 associate-client-vpn-target-network --client-vpn-endpoint-id {endpoint} \
         --subnet-id {subnet}"
    ))
    .json();
    let other_vpc = on.text("ec2 create-vpc --cidr-block 10.90.0.0/16", "/Vpc/VpcId");
    let make_subnet = |vpc: &str, cidr: &str, zone: &str| {
        let line = format!(
            "ec2 create-subnet --vpc-id {vpc} --cidr-block {cidr} --availability-zone {zone}"
        );
        on.text(&line, "/Subnet/SubnetId")
    };
    let foreign = make_subnet(&other_vpc, "10.90.1.0/24", "local-1a");
    let zone = on.text(
        &format!("ec2 describe-subnets --subnet-ids {subnet}"),
        "/Subnets/0/AvailabilityZone",
    );
    let same_zone = make_subnet(vpc, "10.40.2.0/24", &zone);
    let small = make_subnet(vpc, "10.40.3.0/28", "local-1z");

    let mut cases = endpoint_cases(&parts, port);
    cases.extend(network_cases(
        &endpoint, &parts, &foreign, &same_zone, &small,
    ));
    cases.extend(unknown_cases(&endpoint));
    cases.extend(log_cases());
    // What the gateway confirms by itself has its own numbers; they must not be in the way.
    let before = configuration(&on);
    let mut wrong = Vec::new();
    for (line, code, field) in cases {
        let refusal = on.words(&line).refusal();
        let is_right = refusal["Code"] == code
            && refusal.get("Field").and_then(Value::as_str) == field
            && refusal["Message"].as_str().is_some_and(|it| it.len() > 20);
        if !is_right {
            wrong.push(format!("{line}\n  {refusal}\n  not {code} at {field:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(configuration(&on), before);
}

fn log_cases() -> Vec<Case> {
    let case = |line: &str, code, field| (format!("logs {line}"), code, Some(field));
    let (invalid, unknown) = ("InvalidParameterException", "ResourceNotFoundException");
    vec![
        case(
            "create-log-group --log-group-name a:b",
            invalid,
            "logGroupName",
        ),
        case(
            "delete-log-group --log-group-name none",
            unknown,
            "logGroupName",
        ),
        case(
            "describe-log-streams --log-group-name none",
            unknown,
            "logGroupName",
        ),
        case(
            "filter-log-events --log-group-name none",
            unknown,
            "logGroupName",
        ),
        case(
            "filter-log-events --log-group-name none --filter-pattern %a%",
            invalid,
            "filterPattern",
        ),
        case(
            "get-log-events --log-group-name none --log-stream-name none",
            unknown,
            "logGroupName",
        ),
        case(
            "put-retention-policy --log-group-name none --retention-in-days 2",
            unknown,
            "logGroupName",
        ),
    ]
}

fn endpoint_cases(parts: &Parts, port: u16) -> Vec<Case> {
    let free = free_port();
    let at_free = format!("--vpn-port {free}");
    let create = |cidr: &str, more: &str| parts.create_endpoint(cidr, more);
    let line = |server: &str, ca: &str| {
        let swapped = Parts {
            ca: ca.to_owned(),
            server: server.to_owned(),
            client: String::new(),
            vpc: String::new(),
            subnet: String::new(),
        };
        swapped.create_endpoint("10.60.0.0/22", &at_free)
    };
    let (ca, server, client, vpc) = (&parts.ca, &parts.server, &parts.client, &parts.vpc);
    let invalid = "InvalidParameterValue";
    vec![
        (
            create("10.60.0.0/24", &at_free),
            invalid,
            Some("ClientCidrBlock"),
        ),
        (
            create("10.0.0.0/15", &at_free),
            invalid,
            Some("ClientCidrBlock"),
        ),
        (
            create("10.60.0.1/22", &at_free),
            invalid,
            Some("ClientCidrBlock"),
        ),
        (
            create("10.40.0.0/22", &format!("{at_free} --vpc-id {vpc}")),
            invalid,
            Some("VpcId"),
        ),
        (
            create("10.60.0.0/22", &format!("--vpn-port {port}")),
            invalid,
            Some("VpnPort"),
        ),
        (
            create(
                "10.60.0.0/22",
                &format!("{at_free} --dns-servers 1.1.1.1 1.0.0.1 9.9.9.9"),
            ),
            invalid,
            Some("DnsServers"),
        ),
        (line(client, ca), invalid, Some("ServerCertificateArn")),
        (line("arn:none", ca), invalid, Some("ServerCertificateArn")),
        (
            line(server, "arn:none"),
            invalid,
            Some("ClientRootCertificateChainArn"),
        ),
        (
            format!(
                "ec2 create-client-vpn-endpoint --client-cidr-block 10.60.0.0/22 \
                 --server-certificate-arn {server} --authentication-options [] \
                 --connection-log-options Enabled=false {at_free}"
            ),
            "MissingParameter",
            Some("AuthenticationOptions"),
        ),
        (
            create("10.60.0.0/22", &at_free).replace(
                "Enabled=false",
                "Enabled=true,CloudwatchLogGroup=vpn,CloudwatchLogStream=staff",
            ),
            invalid,
            Some("ConnectionLogOptions.CloudwatchLogGroup"),
        ),
        (
            create("10.60.0.0/22", &at_free).replace("Enabled=false", "Enabled=true"),
            "MissingParameter",
            Some("ConnectionLogOptions.CloudwatchLogGroup"),
        ),
        (
            create("10.60.0.0/22", &at_free).replace("Enabled=false", "CloudwatchLogGroup=vpn"),
            "MissingParameter",
            Some("ConnectionLogOptions"),
        ),
        (
            format!("{} --dry-run", create("10.60.0.0/22", &at_free)),
            "DryRunOperation",
            None,
        ),
    ]
}

fn network_cases(
    endpoint: &str,
    parts: &Parts,
    foreign: &str,
    same_zone: &str,
    small: &str,
) -> Vec<Case> {
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let associate =
        |subnet: &str| format!("ec2 associate-client-vpn-target-network {of} --subnet-id {subnet}");
    let route = |cidr: &str, subnet: &str| {
        format!(
            "ec2 create-client-vpn-route {of} --destination-cidr-block {cidr} \
             --target-vpc-subnet-id {subnet}"
        )
    };
    let (vpc, subnet) = (&parts.vpc, &parts.subnet);
    vec![
        (
            associate(subnet),
            "InvalidClientVpnDuplicateAssociationException",
            Some("SubnetId"),
        ),
        (
            associate(same_zone),
            "InvalidClientVpnSubnetId.DuplicateAz",
            Some("SubnetId"),
        ),
        (
            associate(foreign),
            "InvalidClientVpnSubnetId.NotFound",
            Some("SubnetId"),
        ),
        (associate(small), "InvalidParameterValue", Some("SubnetId")),
        (
            route("0.0.0.0/0", same_zone),
            "InvalidClientVpnActiveAssociationNotFound",
            Some("TargetVpcSubnetId"),
        ),
        (
            route("10.50.0.0/24", subnet),
            "InvalidParameterValue",
            Some("DestinationCidrBlock"),
        ),
        (
            route("10.40.0.0/16", subnet),
            "InvalidClientVpnDuplicateRoute",
            Some("DestinationCidrBlock"),
        ),
        (
            format!(
                "ec2 authorize-client-vpn-ingress {of} --target-network-cidr 10.7.0.0/16 \
                 --authorize-all-groups --access-group-id S-1-5-21"
            ),
            "InvalidParameterCombination",
            Some("AccessGroupId"),
        ),
        (
            format!(
                "ec2 terminate-client-vpn-connections {of} --username ann --connection-id \
                 cvpn-connection-0a1b2c3d4e5f60718"
            ),
            "InvalidParameterCombination",
            Some("ConnectionId"),
        ),
        (
            format!("ec2 delete-client-vpn-endpoint {of}"),
            "ClientVpnEndpointAssociationExists",
            Some("ClientVpnEndpointId"),
        ),
        (
            format!("ec2 delete-vpc --vpc-id {vpc}"),
            "DependencyViolation",
            Some("VpcId"),
        ),
        (
            format!("acm delete-certificate --certificate-arn {}", parts.server),
            "ResourceInUseException",
            Some("CertificateArn"),
        ),
        (
            format!("ec2 associate-vpc-cidr-block --vpc-id {vpc} --cidr-block 10.50.0.0/16"),
            "InvalidParameterValue",
            Some("CidrBlock"),
        ),
    ]
}

fn unknown_cases(endpoint: &str) -> Vec<Case> {
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let none = "0a1b2c3d4e5f60718";
    vec![
        (
            format!("ec2 delete-client-vpn-endpoint --client-vpn-endpoint-id cvpn-endpoint-{none}"),
            "InvalidClientVpnEndpointId.NotFound",
            Some("ClientVpnEndpointId"),
        ),
        (
            format!(
                "ec2 disassociate-client-vpn-target-network {of} --association-id cvpn-assoc-{none}"
            ),
            "InvalidClientVpnAssociationIdNotFound",
            Some("AssociationId"),
        ),
        (
            format!(
                "ec2 revoke-client-vpn-ingress {of} --target-network-cidr 10.7.0.0/16 \
                 --revoke-all-groups"
            ),
            "InvalidClientVpnEndpointAuthorizationRuleNotFound",
            Some("TargetNetworkCidr"),
        ),
        (
            format!(
                "ec2 terminate-client-vpn-connections {of} --connection-id cvpn-connection-{none}"
            ),
            "InvalidClientVpnConnection.IdNotFound",
            Some("ConnectionId"),
        ),
        (
            format!("ec2 describe-vpcs --vpc-ids vpc-{none}"),
            "InvalidVpcID.NotFound",
            Some("VpcId"),
        ),
        (
            format!("ec2 delete-subnet --subnet-id subnet-{none}"),
            "InvalidSubnetID.NotFound",
            Some("SubnetId"),
        ),
    ]
}

/// Everything that was configured, without what the gateway makes of it.
fn configuration(on: &Installation) -> Vec<Value> {
    ["ec2 describe-vpcs", "ec2 describe-subnets", "acm list-certificates"]
        .into_iter()
        .map(|line| on.words(line).json())
        .chain([on.words("ec2 describe-client-vpn-endpoints").json()["ClientVpnEndpoints"][0]
            ["ClientVpnEndpointId"]
            .clone()])
        .collect()
}
