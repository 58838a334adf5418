//! An administrator's whole way by commands: from certificates to a settled endpoint and back.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Installation, Parts, free_port};

#[test]
fn an_endpoint_is_made_opened_read_back_and_taken_away() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    on.words("settings set public-address vpn.example.com")
        .json();
    let igw = on.text(
        "ec2 create-internet-gateway",
        "/InternetGateway/InternetGatewayId",
    );
    let vpc = &parts.vpc;
    let attach = format!("ec2 attach-internet-gateway --internet-gateway-id {igw} --vpc-id {vpc}");
    assert_eq!(on.words(&attach).json(), Value::Null);

    let port = free_port();
    let more = format!("--vpn-port {port} --split-tunnel --description staff");
    let created = on
        .words(&parts.create_endpoint("10.50.0.0/22", &more))
        .json();
    assert_eq!(created["Status"]["Code"], "pending-associate");
    let endpoint = created["ClientVpnEndpointId"].as_str().unwrap();
    assert_configuration_names(&on, endpoint, &parts, port);

    open(&on, endpoint, &parts);
    let described = on.words("ec2 describe-client-vpn-endpoints").json();
    let described = &described["ClientVpnEndpoints"][0];
    assert_eq!(described["Status"]["Code"], "available");
    assert_eq!(described["VpnPort"], port);
    assert_eq!(described["SplitTunnel"], true);
    assert_eq!(described["VpcId"], parts.vpc.as_str());
    assert_read_back(&on, endpoint, &parts);

    close(&on, endpoint, &parts);
    let described = on.words("ec2 describe-client-vpn-endpoints").json();
    assert_eq!(described, json!({"ClientVpnEndpoints": []}));
}

/// Also while `pending-associate`: the file, with and without a client's certificate and key.
fn assert_configuration_names(on: &Installation, endpoint: &str, parts: &Parts, port: u16) {
    let export = format!(
        "ec2 export-client-vpn-client-configuration --client-vpn-endpoint-id {endpoint} \
         --output text"
    );
    let file = on.words(&export);
    assert!(file.status.success(), "{file:?}");
    let line = |line: &str| file.stdout.lines().any(|found| found == line);
    assert!(line(&format!("remote vpn.example.com {port}")), "{file:?}");
    assert!(
        line("proto udp") && line("<ca>") && !line("<key>"),
        "{file:?}"
    );
    assert!(file.stdout.ends_with('\n'));
    let client = &parts.client;
    let whole = on.words(&format!("{export} --client-certificate-arn {client}"));
    assert!(
        whole.stdout.contains("<cert>\n-----BEGIN CERTIFICATE-----"),
        "{whole:?}"
    );
    assert!(whole.stdout.contains("<key>\n-----BEGIN "), "{whole:?}");
}

fn open(on: &Installation, endpoint: &str, parts: &Parts) {
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let subnet = &parts.subnet;
    let associated = on
        .words(&format!(
            "ec2 associate-client-vpn-target-network {of} --subnet-id {subnet}"
        ))
        .json();
    assert_eq!(associated["Status"]["Code"], "associating");
    let authorized = on
        .words(&format!(
            "ec2 authorize-client-vpn-ingress {of} --target-network-cidr 0.0.0.0/0 \
             --authorize-all-groups"
        ))
        .json();
    assert_eq!(authorized["Status"]["Code"], "authorizing");
    let routed = on
        .words(&format!(
            "ec2 create-client-vpn-route {of} --destination-cidr-block 0.0.0.0/0 \
             --target-vpc-subnet-id {subnet}"
        ))
        .json();
    assert_eq!(routed["Status"]["Code"], "creating");
    let status = on.words("status --wait").json();
    assert_eq!(status["Settled"], true);
    assert_eq!(status["Gateway"]["Mode"], "userspace");
    assert_eq!(status["Gateway"]["Listeners"][0]["Trouble"], Value::Null);
}

fn assert_read_back(on: &Installation, endpoint: &str, parts: &Parts) {
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let networks = on
        .words(&format!("ec2 describe-client-vpn-target-networks {of}"))
        .json();
    let network = &networks["ClientVpnTargetNetworks"][0];
    assert_eq!(network["Status"]["Code"], "associated");
    assert_eq!(network["TargetNetworkId"], parts.subnet.as_str());
    let rules = on
        .words(&format!("ec2 describe-client-vpn-authorization-rules {of}"))
        .json();
    assert_eq!(rules["AuthorizationRules"][0]["Status"]["Code"], "active");
    let filter = "--filters Name=origin,Values=add-route";
    let routes = on
        .words(&format!("ec2 describe-client-vpn-routes {of} {filter}"))
        .json();
    assert_eq!(routes["Routes"].as_array().unwrap().len(), 1);
    assert_eq!(routes["Routes"][0]["DestinationCidr"], "0.0.0.0/0");
    let routes = on
        .words(&format!("ec2 describe-client-vpn-routes {of}"))
        .json();
    let local = routes["Routes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|route| route["Origin"] == "associate")
        .unwrap();
    assert_eq!(local["DestinationCidr"], "10.40.0.0/16");
    let connections = on
        .words(&format!("ec2 describe-client-vpn-connections {of}"))
        .json();
    assert_eq!(connections, json!({"Connections": []}));
    let attempts = on.words(&format!("attempts {of}")).json();
    assert_eq!(attempts, json!({"ConnectionAttempts": []}));
}

fn close(on: &Installation, endpoint: &str, parts: &Parts) {
    let of = format!("--client-vpn-endpoint-id {endpoint}");
    let subnet = &parts.subnet;
    let association = on.text(
        &format!("ec2 describe-client-vpn-target-networks {of}"),
        "/ClientVpnTargetNetworks/0/AssociationId",
    );
    for (line, state) in [
        (
            format!(
                "ec2 delete-client-vpn-route {of} --destination-cidr-block 0.0.0.0/0 \
                 --target-vpc-subnet-id {subnet}"
            ),
            "deleting",
        ),
        (
            format!(
                "ec2 revoke-client-vpn-ingress {of} --target-network-cidr 0.0.0.0/0 \
                 --revoke-all-groups"
            ),
            "revoking",
        ),
        (
            format!(
                "ec2 disassociate-client-vpn-target-network {of} --association-id {association}"
            ),
            "disassociating",
        ),
    ] {
        assert_eq!(on.words(&line).json()["Status"]["Code"], state, "{line}");
    }
    on.words("status --wait").json();
    let deleted = on
        .words(&format!("ec2 delete-client-vpn-endpoint {of}"))
        .json();
    assert_eq!(deleted["Status"]["Code"], "deleting");
    on.words("status --wait").json();
}

#[test]
fn a_port_that_is_taken_fails_the_association_with_the_reason() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let taken = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let line = parts.create_endpoint("10.50.0.0/22", &format!("--vpn-port {port}"));
    let endpoint = on.text(&line, "/ClientVpnEndpointId");
    let subnet = &parts.subnet;
    on.words(&format!(
        "ec2 associate-client-vpn-target-network --client-vpn-endpoint-id {endpoint} \
         --subnet-id {subnet}"
    ))
    .json();
    let refusal = on.words("status --wait").refusal();
    assert_eq!(refusal["Code"], "association-failed");
    assert!(
        refusal["Message"]
            .as_str()
            .unwrap()
            .contains(&port.to_string())
    );
}

#[test]
fn a_certificate_goes_out_and_comes_in_again_by_files() {
    let (one, other) = (Installation::new(), Installation::new());
    let (_first, _second) = (one.serve(), other.serve());
    let parts = Parts::make(&one);
    let server = &parts.server;
    let it = one
        .words(&format!(
            "pki export --certificate-arn {server} --private-key"
        ))
        .json();
    let mut options = Vec::new();
    for (option, key) in [
        ("--certificate", "Certificate"),
        ("--private-key", "PrivateKey"),
        ("--certificate-chain", "CertificateChain"),
    ] {
        let path = one.file(key);
        fs::write(&path, it[key].as_str().unwrap()).unwrap();
        options.push(format!("{option} file://{}", path.display()));
    }
    let line = format!("acm import-certificate {}", options.join(" "));
    let arn = other.text(&line, "/CertificateArn");
    let described = other
        .words(&format!("acm describe-certificate --certificate-arn {arn}"))
        .json();
    assert_eq!(described["Certificate"]["DomainName"], "vpn.example.com");
    assert_eq!(described["Certificate"]["Type"], "IMPORTED");
    let got = other
        .words(&format!("acm get-certificate --certificate-arn {arn}"))
        .json();
    assert!(got.get("PrivateKey").is_none());
}

#[test]
fn the_same_token_has_the_first_answer_again() {
    let on = Installation::new();
    let _gateway = on.serve();
    let parts = Parts::make(&on);
    let line = parts.create_endpoint("10.50.0.0/22", "--client-token once --vpn-port 4443");
    let first = on.words(&line).json();
    assert_eq!(on.words(&line).json(), first);
    let other = parts.create_endpoint("10.60.0.0/22", "--client-token once --vpn-port 4443");
    let refusal = on.words(&other).refusal();
    assert_eq!(refusal["Code"], "IdempotentParameterMismatch");
}
