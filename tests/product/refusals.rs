//! Every refused command ends with status 1, names AWS's code and the field, changes nothing, and is
//! in the event history.

use std::fs;

use serde_json::Value;

use crate::{
    lists,
    support::{Installation, Parts, free_port},
};

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
    on.words(&format!("pki generate-crl --ca-arn {}", parts.ca))
        .json();
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
    cases.extend(list_cases(&on, &parts, &endpoint));
    cases.extend(changed_cases(&endpoint));
    expect_refused(&on, &endpoint, cases);
}

#[test]
fn a_limit_is_refused_with_its_code_and_changes_nothing() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let create = |port| parts.create_endpoint("10.50.0.0/22", &format!("--vpn-port {port}"));
    let endpoint = on.text(&create(free_port()), "/ClientVpnEndpointId");
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let subnet = &parts.subnet;
    let rule = |network: &str| {
        format!(
            "ec2 authorize-client-vpn-ingress {of} --authorize-all-groups \
             --target-network-cidr {network}"
        )
    };
    let route = |network: &str| {
        format!(
            "ec2 create-client-vpn-route {of} --target-vpc-subnet-id {subnet} \
             --destination-cidr-block {network}"
        )
    };
    for line in [
        &format!("pki generate-crl --ca-arn {}", parts.ca),
        "settings set max-endpoints 1",
        "settings set max-authorization-rules 1",
        "settings set max-routes 1",
        &format!("ec2 associate-client-vpn-target-network {of} --subnet-id {subnet}"),
        &rule("10.40.0.0/16"),
        &route("192.0.2.0/24"),
    ] {
        on.words(line).json();
    }
    let other = parts.create_endpoint("10.60.0.0/22", &format!("--vpn-port {}", free_port()));
    let cases = vec![
        (other, "ClientVpnEndpointLimitExceeded", None),
        (
            rule("10.7.0.0/16"),
            "ClientVpnAuthorizationRuleLimitExceeded",
            None,
        ),
        (
            route("198.51.100.0/24"),
            "ClientVpnRouteLimitExceeded",
            None,
        ),
    ];
    expect_refused(&on, &endpoint, cases);
}

/// Each is refused as it says, with nothing changed, and is in the event history.
fn expect_refused(on: &Installation, endpoint: &str, cases: Vec<Case>) {
    // What the gateway still has to confirm would change by itself.
    on.words("status --wait").json();
    let before = configuration(on, endpoint);
    let mut expected = recorded(on);
    let mut wrong = Vec::new();
    for (line, code, field) in cases {
        if code != "DryRunOperation" {
            expected.push(code.to_owned());
        }
        let refusal = on.words(&line).refusal();
        let is_right = refusal["Code"] == code
            && refusal.get("Field").and_then(Value::as_str) == field
            && refusal["Message"].as_str().is_some_and(|it| it.len() > 20);
        if !is_right {
            wrong.push(format!("{line}\n  {refusal}\n  not {code} at {field:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(configuration(on, endpoint), before);
    assert_eq!(recorded(on), expected);
}

/// The codes of all refusals in the event history, oldest first.
fn recorded(on: &Installation) -> Vec<String> {
    let answer = on
        .words("cloudtrail lookup-events --max-results 1000")
        .json();
    let events = answer["Events"].as_array().expect("a list").iter().rev();
    let codes = events.filter_map(|event| {
        let whole = event["CloudTrailEvent"].as_str().expect("the whole event");
        let whole: Value = serde_json::from_str(whole).expect("it is JSON");
        whole["ErrorCode"].as_str().map(str::to_owned)
    });
    codes.filter(|code| code != "DryRunOperation").collect()
}

/// Lists of revoked certificates that will not do for the endpoint.
fn list_cases(on: &Installation, parts: &Parts, endpoint: &str) -> Vec<Case> {
    let file = |name: &str, text: &str| {
        let path = on.file(name);
        fs::write(&path, text).expect("it can be written");
        path.display().to_string()
    };
    let other = on.text("pki create-ca --common-name Other", "/CertificateArn");
    on.words(&format!("pki generate-crl --ca-arn {other}"))
        .json();
    let of_other = on.words(&format!(
        "pki export-crl --certificate-arn {other} --output text"
    ));
    let import = |path: String| {
        format!(
            "ec2 import-client-vpn-client-certificate-revocation-list --client-vpn-endpoint-id \
             {endpoint} --certificate-revocation-list file://{path}"
        )
    };
    let field = Some("CertificateRevocationList");
    let wrong = [
        file("none.pem", "not a list"),
        file("other.pem", &of_other.stdout),
        file("expired.pem", &expired_list(on, &parts.ca)),
    ];
    wrong
        .into_iter()
        .map(|path| (import(path), "InvalidParameterValue", field))
        .collect()
}

/// A list that the authority made, and that is over.
fn expired_list(on: &Installation, authority: &str) -> String {
    let line = format!("pki export --certificate-arn {authority} --private-key");
    let out = on.words(&line).json();
    let text = |field: &str| out[field].as_str().expect("it is there").to_owned();
    lists::expired(&text("Certificate"), text("PrivateKey"))
}

/// What somebody has changed meanwhile, and tags by AWS's rules.
fn changed_cases(endpoint: &str) -> Vec<Case> {
    let tags = |tags: &str| format!("ec2 create-tags --resources {endpoint} --tags {tags}");
    let many: Vec<_> = (0..51).map(|n| format!("Key=k{n},Value=v")).collect();
    let invalid = "InvalidParameterValue";
    vec![
        (
            format!(
                "ec2 modify-client-vpn-endpoint --client-vpn-endpoint-id {endpoint} \
                 --description late --seen-seq 1"
            ),
            "IncorrectState",
            Some("ClientVpnEndpointId"),
        ),
        (tags("Key=aws:owner,Value=me"), invalid, Some("Tags")),
        (tags(&many.join(" ")), invalid, Some("Tags")),
        (
            "ec2 create-tags --resources vpc-0a1b2c3d4e5f60718 --tags Key=a,Value=b".to_owned(),
            "InvalidVpcID.NotFound",
            Some("Resources"),
        ),
    ]
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

/// Everything that was configured, by each command that shows some of it.
fn configuration(on: &Installation, endpoint: &str) -> Vec<(String, Value)> {
    let whole = [
        "ec2 describe-client-vpn-endpoints",
        "ec2 describe-vpcs",
        "ec2 describe-subnets",
        "ec2 describe-route-tables",
        "ec2 describe-security-groups",
        "ec2 describe-internet-gateways",
        "ec2 describe-vpc-peering-connections",
        "ec2 describe-vpn-connections",
        "ec2 describe-tags",
        "acm list-certificates",
        "logs describe-log-groups",
        "settings show",
    ];
    let of_endpoint = [
        "describe-client-vpn-target-networks",
        "describe-client-vpn-authorization-rules",
        "describe-client-vpn-routes",
        "export-client-vpn-client-certificate-revocation-list",
    ];
    let of_endpoint = of_endpoint.map(|it| format!("ec2 {it} --client-vpn-endpoint-id {endpoint}"));
    let lines = whole.map(str::to_owned).into_iter().chain(of_endpoint);
    lines
        .map(|line| {
            let shown = on.words(&line).json();
            (line, shown)
        })
        .collect()
}
