mod logs;
mod networks;
mod pki;
mod revocation;

use std::fs;

use clap::Parser as _;
use serde_json::json;

use super::*;
use crate::{
    cli::Args,
    model::{
        CertificateUse, KeyType, Tags, Transport,
        command::{
            AuthenticationOption, AuthorizeIngress, CreateCertificateAuthority,
            CreateClientVpnEndpoint, CreateVpc, DeleteRoute, DescribeOfEndpoint, Filter,
            GatewayAttachment, IssueCertificate, LookupAttribute, ReconnectConnections,
            TerminateConnections, UndoEvent,
        },
    },
};

/// The request that a command line means.
fn request(line: &[&str]) -> Request {
    match meant(line) {
        Ok(Action::Call(call)) => call.request,
        other => panic!("{other:?}"),
    }
}

fn meant(line: &[&str]) -> Result<Action, UsageError> {
    let args = Args::try_parse_from([&["gatehouse"], line].concat()).unwrap();
    understand(args.face)
}

fn words(line: &str) -> Command {
    request(&line.split_whitespace().collect::<Vec<_>>()).command
}

#[test]
fn each_line_means_its_command() {
    for (line, command) in certificate_lines()
        .into_iter()
        .chain(installation_lines())
        .chain(directory_lines())
        .chain(ec2_lines())
    {
        assert_eq!(words(line), command, "{line}");
    }
}

type Meaning = (&'static str, Command);

fn certificate_lines() -> Vec<Meaning> {
    vec![
        (
            "pki create-ca --common-name CA --key-type rsa-2048",
            Command::CreateCertificateAuthority(CreateCertificateAuthority {
                common_name: "CA".to_owned(),
                key_type: KeyType::Rsa2048,
            }),
        ),
        (
            "pki issue --ca-arn a --usage client --common-name ann",
            Command::IssueCertificate(IssueCertificate {
                ca_arn: "a".to_owned(),
                usage: CertificateUse::Client,
                common_name: "ann".to_owned(),
                key_type: KeyType::EcdsaP256,
                validity_days: None,
                alternative_names: Vec::new(),
            }),
        ),
        (
            "pki export --certificate-arn a --private-key",
            Command::ExportCertificate(ExportCertificate {
                certificate_arn: "a".to_owned(),
                with_private_key: true,
            }),
        ),
        (
            "acm get-certificate --certificate-arn a",
            Command::ExportCertificate(ExportCertificate {
                certificate_arn: "a".to_owned(),
                with_private_key: false,
            }),
        ),
        ("acm list-certificates", Command::ListCertificates),
    ]
}

fn directory_lines() -> Vec<Meaning> {
    let membership = || Membership {
        sid: "S-1-5-32".to_owned(),
        common_name: "alice".to_owned(),
    };
    vec![
        (
            "directory create-group --name Engineering",
            Command::CreateGroup(CreateGroup {
                name: "Engineering".to_owned(),
                sid: None,
            }),
        ),
        (
            "directory delete-group --sid S-1-5-32",
            Command::DeleteGroup(GroupName {
                sid: "S-1-5-32".to_owned(),
            }),
        ),
        (
            "directory add-user --sid S-1-5-32 --common-name alice",
            Command::AddUserToGroup(membership()),
        ),
        (
            "directory remove-user --sid S-1-5-32 --common-name alice",
            Command::RemoveUserFromGroup(membership()),
        ),
        ("directory list-groups", Command::DescribeGroups),
        ("directory list-users", Command::DescribeUsers),
        (
            "why --client-vpn-endpoint-id cvpn-endpoint-1 --user alice --destination 10.0.0.9 \
             --protocol udp --port 53",
            Command::Why(Why {
                client_vpn_endpoint_id: "cvpn-endpoint-1".to_owned(),
                user: Some("alice".to_owned()),
                connection_id: None,
                destination: "10.0.0.9".to_owned(),
                protocol: Some("udp".to_owned()),
                port: Some(53),
            }),
        ),
    ]
}

fn installation_lines() -> Vec<Meaning> {
    vec![
        (
            "settings set public-address vpn.example.com",
            Command::ModifySettings(ModifySettings {
                public_address: Some("vpn.example.com".to_owned()),
                ..ModifySettings::default()
            }),
        ),
        (
            "settings set rekey-seconds 10",
            Command::ModifySettings(ModifySettings {
                rekey_secs: Some(10),
                ..ModifySettings::default()
            }),
        ),
        ("settings show", Command::DescribeSettings),
        (
            "networks import --interfaces eth0 eth1",
            Command::ImportHostNetworks(ImportHostNetworks {
                interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            }),
        ),
        (
            "cloudtrail lookup-events --lookup-attributes \
             AttributeKey=EventName,AttributeValue=CreateVpc \
             AttributeKey=Username,AttributeValue=anna --start-time 2026-11-26T12:00:00Z \
             --end-time 2026-11-26T13:00:00Z --max-results 7 --next-token 17",
            Command::LookupEvents(LookupEvents {
                max_results: Some(7),
                lookup_attributes: [("EventName", "CreateVpc"), ("Username", "anna")]
                    .map(|(key, value)| LookupAttribute {
                        key: key.to_owned(),
                        value: value.to_owned(),
                    })
                    .to_vec(),
                start_time: Some("2026-11-26T12:00:00Z".to_owned()),
                end_time: Some("2026-11-26T13:00:00Z".to_owned()),
                next_token: Some("17".to_owned()),
            }),
        ),
        (
            "cloudtrail undo-event --event-id 17",
            Command::UndoEvent(UndoEvent { event_seq: 17 }),
        ),
        (
            "events --max-results 5",
            Command::LookupEvents(LookupEvents {
                max_results: Some(5),
                ..LookupEvents::default()
            }),
        ),
    ]
}

fn ec2_lines() -> Vec<Meaning> {
    let endpoint = || "cvpn-endpoint-1".to_owned();
    vec![
        (
            "ec2 create-vpc --cidr-block 10.0.0.0/16 --tag-specifications \
             ResourceType=vpc,Tags=[{Key=Name,Value=corp}]",
            Command::CreateVpc(CreateVpc {
                cidr_block: "10.0.0.0/16".to_owned(),
                tags: Tags::from([("Name".to_owned(), "corp".to_owned())]),
            }),
        ),
        (
            "ec2 attach-internet-gateway --internet-gateway-id igw-1 --vpc-id vpc-1",
            Command::AttachInternetGateway(GatewayAttachment {
                internet_gateway_id: "igw-1".to_owned(),
                vpc_id: "vpc-1".to_owned(),
            }),
        ),
        (
            "ec2 authorize-client-vpn-ingress --client-vpn-endpoint-id cvpn-endpoint-1 \
             --target-network-cidr 0.0.0.0/0 --authorize-all-groups",
            Command::AuthorizeClientVpnIngress(AuthorizeIngress {
                client_vpn_endpoint_id: endpoint(),
                target_network_cidr: "0.0.0.0/0".to_owned(),
                authorize_all_groups: true,
                ..AuthorizeIngress::default()
            }),
        ),
        (
            "ec2 authorize-client-vpn-ingress --client-vpn-endpoint-id cvpn-endpoint-1 \
             --target-network-cidr 10.0.0.0/16 --access-group-id S-1-5-32 --protocol tcp --port 443 \
             --expires-at 2026-11-27T18:00:00Z",
            Command::AuthorizeClientVpnIngress(AuthorizeIngress {
                client_vpn_endpoint_id: endpoint(),
                target_network_cidr: "10.0.0.0/16".to_owned(),
                access_group_id: Some("S-1-5-32".to_owned()),
                protocol: Some("tcp".to_owned()),
                from_port: Some(443),
                to_port: Some(443),
                expires_at: Some("2026-11-27T18:00:00Z".to_owned()),
                ..AuthorizeIngress::default()
            }),
        ),
        (
            "ec2 delete-client-vpn-route --client-vpn-endpoint-id cvpn-endpoint-1 \
             --destination-cidr-block 0.0.0.0/0 --target-vpc-subnet-id subnet-1",
            Command::DeleteClientVpnRoute(DeleteRoute {
                client_vpn_endpoint_id: endpoint(),
                destination_cidr_block: "0.0.0.0/0".to_owned(),
                target_vpc_subnet_id: Some("subnet-1".to_owned()),
                all_associations: false,
            }),
        ),
        (
            "ec2 terminate-client-vpn-connections --client-vpn-endpoint-id cvpn-endpoint-1 \
             --username ann",
            Command::TerminateClientVpnConnections(TerminateConnections {
                client_vpn_endpoint_id: endpoint(),
                connection_id: None,
                username: Some("ann".to_owned()),
                ..TerminateConnections::default()
            }),
        ),
        (
            "ec2 reconnect-client-vpn-connections --client-vpn-endpoint-id cvpn-endpoint-1 \
             --connection-ids a b",
            Command::ReconnectClientVpnConnections(ReconnectConnections {
                client_vpn_endpoint_id: endpoint(),
                connection_ids: vec!["a".to_owned(), "b".to_owned()],
            }),
        ),
        (
            "ec2 describe-client-vpn-target-networks --client-vpn-endpoint-id cvpn-endpoint-1 \
             --association-ids a b --filters Name=vpc-id,Values=vpc-1,vpc-2 Name=x,Values=y",
            Command::DescribeClientVpnTargetNetworks(DescribeOfEndpoint {
                client_vpn_endpoint_id: endpoint(),
                ids: vec!["a".to_owned(), "b".to_owned()],
                filters: vec![
                    Filter {
                        name: "vpc-id".to_owned(),
                        values: vec!["vpc-1".to_owned(), "vpc-2".to_owned()],
                    },
                    Filter {
                        name: "x".to_owned(),
                        values: vec!["y".to_owned()],
                    },
                ],
            }),
        ),
    ]
}

const CREATE: &[&str] = &[
    "ec2",
    "create-client-vpn-endpoint",
    "--client-cidr-block",
    "10.0.0.0/22",
    "--server-certificate-arn",
    "arn:server",
];

fn create(more: &[&str]) -> CreateClientVpnEndpoint {
    match request(&[CREATE, more].concat()).command {
        Command::CreateClientVpnEndpoint(it) => it,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_endpoint_is_made_with_shorthand_or_json() {
    let shorthand = create(&[
        "--authentication-options",
        "Type=certificate-authentication,MutualAuthentication={ClientRootCertificateChainArn=arn:ca}",
        "--connection-log-options",
        "Enabled=false",
        "--transport-protocol",
        "tcp",
        "--vpn-port",
        "1194",
        "--split-tunnel",
        "--dns-servers",
        "10.0.0.2",
        "10.0.0.3",
    ]);
    let ways = json!([{
        "Type": "certificate-authentication",
        "MutualAuthentication": {"ClientRootCertificateChainArn": "arn:ca"},
    }]);
    let as_json = create(&[
        "--authentication-options",
        &ways.to_string(),
        "--connection-log-options",
        r#"{"Enabled": false}"#,
        "--transport-protocol",
        "tcp",
        "--vpn-port",
        "1194",
        "--split-tunnel",
        "--dns-servers",
        "10.0.0.2",
        "10.0.0.3",
    ]);
    assert_eq!(shorthand, as_json);
    assert_eq!(
        shorthand,
        CreateClientVpnEndpoint {
            client_cidr_block: "10.0.0.0/22".to_owned(),
            server_certificate_arn: "arn:server".to_owned(),
            authentication_options: vec![AuthenticationOption {
                kind: "certificate-authentication".to_owned(),
                client_root_certificate_chain_arn: Some("arn:ca".to_owned()),
            }],
            connection_log_enabled: Some(false),
            dns_servers: vec!["10.0.0.2".to_owned(), "10.0.0.3".to_owned()],
            transport_protocol: Transport::Tcp,
            vpn_port: Some(1194),
            split_tunnel: true,
            ..CreateClientVpnEndpoint::default()
        }
    );
}

const WAYS: &[&str] = &[
    "--authentication-options",
    "Type=x",
    "--connection-log-options",
];

#[test]
fn the_last_word_on_split_tunnel_counts() {
    let more = |flags: &[&str]| create(&[WAYS, &["Enabled=false"], flags].concat()).split_tunnel;
    assert!(!more(&[]));
    assert!(more(&["--split-tunnel"]));
    assert!(!more(&["--split-tunnel", "--no-split-tunnel"]));
    assert!(more(&["--no-split-tunnel", "--split-tunnel"]));
}

#[test]
fn dry_run_and_token_go_with_any_ec2_command() {
    let it = request(&[
        "ec2",
        "delete-vpc",
        "--vpc-id",
        "v",
        "--dry-run",
        "--client-token",
        "t",
    ]);
    assert!(it.dry_run);
    assert_eq!(it.client_token.as_deref(), Some("t"));
}

#[test]
fn what_a_structured_option_cannot_say_is_named() {
    let complaint = |value: &str| {
        let line = [CREATE, WAYS, &[value]].concat();
        meant(&line).unwrap_err().to_string()
    };
    assert!(complaint("Enabled=perhaps").contains("expected true or false"));
    assert!(complaint("Enable=false").contains("unknown field `Enable`"));
    assert!(complaint("Enabled").contains("--connection-log-options: \"=\" is missing"));

    let tags = "ResourceType=subnet,Tags=[{Key=a,Value=b}]";
    let line = [
        "ec2",
        "create-vpc",
        "--cidr-block",
        "x",
        "--tag-specifications",
        tags,
    ];
    let complaint = meant(&line).unwrap_err().to_string();
    assert!(
        complaint.contains("ResourceType is vpc here, not subnet"),
        "{complaint}"
    );
}

#[test]
fn a_log_group_is_the_services_to_judge() {
    for (words, enabled) in [
        ("Enabled=true,CloudwatchLogGroup=g", Some(true)),
        ("CloudwatchLogGroup=g,CloudwatchLogStream=s", None),
    ] {
        let it = create(&[WAYS, &[words]].concat());
        assert_eq!(it.connection_log_enabled, enabled, "{words}");
    }
}

#[test]
fn the_text_of_a_certificate_and_its_key_may_stand_in_the_line() {
    let (certificate, key) = (
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\n",
    );
    let line = ["acm", "import-certificate", "--certificate", certificate];
    let it = request(&[&line[..], &["--private-key", key]].concat()).command;
    let Command::ImportCertificate(it) = it else {
        panic!("{it:?}");
    };
    assert_eq!(it.certificate, Bytes(certificate.into()));
    assert_eq!(it.private_key, Some(Secret::new(key.into())));
}

#[test]
fn files_are_read_here_and_their_bytes_travel() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.crt");
    fs::write(&path, b"\xffPEM").unwrap();
    let path = path.to_str().unwrap();
    for prefix in ["file://", "fileb://"] {
        let value = format!("{prefix}{path}");
        let it = request(&["acm", "import-certificate", "--certificate", &value]).command;
        let Command::ImportCertificate(it) = it else {
            panic!("{it:?}");
        };
        assert_eq!(it.certificate, Bytes(b"\xffPEM".to_vec()));
        assert_eq!(it.private_key, None);
    }
    let complaint = meant(&["acm", "import-certificate", "--certificate", path]).unwrap_err();
    assert!(
        complaint.to_string().contains("write file://"),
        "{complaint}"
    );
    let missing = format!("file://{path}.not");
    let complaint = meant(&["acm", "import-certificate", "--certificate", &missing]).unwrap_err();
    assert!(
        complaint.to_string().contains("cannot be read"),
        "{complaint}"
    );
}

#[test]
fn no_command_means_the_window_and_serve_names_its_network() {
    assert!(matches!(meant(&[]), Ok(Action::Window)));
    assert!(matches!(
        meant(&["serve", "--network", "userspace"]),
        Ok(Action::Serve(ModeChoice::Userspace))
    ));
    assert!(matches!(
        meant(&["status", "--wait", "--timeout", "5"]),
        Ok(Action::Status { wait: Some(wait) }) if wait == Duration::from_secs(5)
    ));
}
