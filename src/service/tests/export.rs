use super::*;
use crate::model::{
    Code, RevocationReason, Transport, Undo,
    command::{
        Bytes, ClientConfiguration, ExportClientConfiguration, ImportCertificate, ModifySettings,
        RevokeCertificate, Secret,
    },
};

fn export(endpoint: &EndpointId, client: Option<&CertificateArn>) -> Command {
    Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint.to_string(),
        client_certificate_arn: client.map(ToString::to_string),
    })
}

async fn exported(
    bench: &Bench,
    endpoint: &EndpointId,
    client: Option<&CertificateArn>,
) -> (ClientConfiguration, String) {
    match bench.ok(export(endpoint, client)).await {
        Answer::ClientConfiguration(file) => {
            let text = String::from_utf8(file.text.expose().to_vec()).unwrap();
            (file, text)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_file_has_aws_s_directives_and_the_server_s_ca() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let (file, text) = exported(&bench, &endpoint, None).await;
    let ca = bench.service.snapshot().certificates[&made.ca]
        .certificate_pem
        .clone();
    assert_eq!(
        text,
        format!(
            "client\ndev tun\nproto udp\nremote 192.0.2.10 443\nresolv-retry infinite\nnobind\n\
             remote-cert-tls server\ncipher AES-256-GCM\nverb 3\n<ca>\n{ca}</ca>\nreneg-sec 0\n\
             verify-x509-name vpn.example.com name\n"
        )
    );
    assert!(!file.has_private_key);
    assert_eq!(file.file_name, format!("{endpoint}.ovpn"));
}

#[tokio::test]
async fn the_file_of_a_client_holds_its_certificate_and_key() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let mut command = create_endpoint(&made);
    command.transport_protocol = Transport::Tcp;
    command.vpn_port = Some(1194);
    command.tags.insert("Name".to_owned(), "Corp".to_owned());
    let endpoint = bench.endpoint_with(&command).await;
    bench
        .ok(Command::ModifySettings(ModifySettings {
            public_address: Some("vpn.example.com".to_owned()),
            ..ModifySettings::default()
        }))
        .await;
    let (file, text) = exported(&bench, &endpoint, Some(&made.client)).await;
    assert!(file.has_private_key);
    assert_eq!(file.file_name, "Corp-client1.ovpn");
    assert!(
        text.contains("\nproto tcp\nremote vpn.example.com 1194\n"),
        "{text}"
    );
    let certificate = &bench.service.snapshot().certificates[&made.client].certificate_pem;
    assert!(text.contains(&format!(
        "<cert>\n{certificate}</cert>\n<key>\n-----BEGIN PRIVATE KEY-----\n"
    )));
    assert!(text.ends_with("-----END PRIVATE KEY-----\n</key>\n"));
    assert!(!format!("{file:?}").contains("PRIVATE"));
}

/// What an authority two levels below ground signs and is signed by.
pub(super) struct Hierarchy {
    pub(super) root: String,
    pub(super) root_key: String,
    pub(super) intermediate: String,
    pub(super) intermediate_key: String,
    signer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Hierarchy {
    pub(super) fn new() -> Self {
        let authority = |name: &str| {
            let mut parameters = rcgen::CertificateParams::default();
            parameters
                .distinguished_name
                .push(rcgen::DnType::CommonName, name);
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            parameters.key_usages = vec![
                rcgen::KeyUsagePurpose::KeyCertSign,
                rcgen::KeyUsagePurpose::CrlSign,
            ];
            (parameters, rcgen::KeyPair::generate().unwrap())
        };
        let (above, above_key) = authority("Root CA");
        let root = above.self_signed(&above_key).unwrap().pem();
        let (below, below_key) = authority("Intermediate CA");
        let root_key = above_key.serialize_pem();
        let issuer = rcgen::Issuer::new(above, above_key);
        Self {
            root,
            root_key,
            intermediate: below.signed_by(&below_key, &issuer).unwrap().pem(),
            intermediate_key: below_key.serialize_pem(),
            signer: rcgen::Issuer::new(below, below_key),
        }
    }

    /// Certificate and key in PEM.
    pub(super) fn issue(
        &self,
        name: &str,
        usage: rcgen::ExtendedKeyUsagePurpose,
    ) -> (String, String) {
        let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        parameters.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![usage];
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.signer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

pub(super) async fn import(
    bench: &Bench,
    pem: &str,
    key: Option<&str>,
    chain: Option<&str>,
) -> CertificateArn {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let command = ImportCertificate {
        certificate: Bytes(bytes(pem)),
        private_key: key.map(|key| Secret::new(bytes(key))),
        certificate_chain: chain.map(|chain| Bytes(bytes(chain))),
        ..ImportCertificate::default()
    };
    arn(bench.ok(Command::ImportCertificate(command)).await)
}

#[tokio::test]
async fn authorities_between_a_certificate_and_its_root_go_into_the_file() {
    let bench = Bench::new().await;
    let made = Hierarchy::new();
    let (server, server_key) = made.issue("server", rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    let (client, client_key) = made.issue("client1", rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let root = import(&bench, &made.root, None, None).await;
    import(&bench, &made.intermediate, None, Some(&made.root)).await;
    // Its issuer is in the store already, so it comes without a chain.
    let server = import(&bench, &server, Some(&server_key), None).await;
    let chain = format!("{}{}", made.intermediate, made.root);
    let client = import(&bench, &client, Some(&client_key), Some(&chain)).await;
    let command = create_endpoint(&Certificates {
        ca: root,
        server,
        client: client.clone(),
    });
    let endpoint = bench.endpoint_with(&command).await;

    let (_, text) = exported(&bench, &endpoint, Some(&client)).await;
    let snapshot = bench.service.snapshot();
    let pem_of = |title: &str| {
        let found = snapshot.certificates.values().find(|c| c.title() == title);
        found.unwrap().certificate_pem.clone()
    };
    let (root, between) = (pem_of("Root CA"), pem_of("Intermediate CA"));
    assert!(
        text.contains(&format!("<ca>\n{between}{root}</ca>")),
        "{text}"
    );
    let client = pem_of("client1");
    assert!(
        text.contains(&format!("<cert>\n{client}{between}</cert>")),
        "{text}"
    );
}

#[tokio::test]
async fn only_a_client_certificate_of_the_endpoint_s_ca_goes_into_the_file() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let other_ca = bench.ca("Other CA").await;
    let stranger = bench
        .issue(&other_ca, CertificateUse::Client, "client1")
        .await;
    let pem = bench.service.snapshot().certificates[&made.client]
        .certificate_pem
        .clone();
    let keyless = bench
        .ok(Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(pem.into_bytes()),
            ..ImportCertificate::default()
        }))
        .await;
    for (wrong, word) in [
        (&made.server, "clientAuth"),
        (&stranger, "client CA"),
        (&arn(keyless), "private key"),
        (
            &CertificateArn::from_random("local-1", "000000000000", [1; 16]),
            "does not exist",
        ),
    ] {
        let refusal = bench.refused(export(&endpoint, Some(wrong))).await;
        assert_eq!(refusal.code, Code::InvalidParameterValue);
        assert_eq!(refusal.field.as_deref(), Some("ClientCertificateArn"));
        assert!(refusal.message.contains(word), "{refusal}");
    }
}

#[tokio::test]
async fn no_file_has_a_revoked_certificate_inside() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let revoke = RevokeCertificate {
        certificate_arn: made.client.to_string(),
        reason: RevocationReason::Superseded,
    };
    bench.ok(Command::RevokeCertificate(revoke)).await;
    let refusal = bench.refused(export(&endpoint, Some(&made.client))).await;
    assert_eq!(refusal.field.as_deref(), Some("ClientCertificateArn"));
    assert!(refusal.message.contains("was revoked at"), "{refusal}");
}

#[tokio::test]
async fn handing_out_a_key_is_in_the_event_record() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    exported(&bench, &endpoint, Some(&made.client)).await;
    let events = bench.events().await;
    let event = events
        .iter()
        .find(|event| event.action == "ExportClientVpnClientConfiguration")
        .unwrap();
    assert_eq!(event.outcome, Outcome::Allowed);
    assert_eq!(
        event.resources,
        [endpoint.to_string(), made.client.to_string()]
    );
    assert!(!event.read_only, "a key was handed out");
    assert!(matches!(event.undo, Undo::Impossible(_)), "{event:?}");
    exported(&bench, &endpoint, None).await;
    assert!(bench.events().await[0].read_only, "there is no key in it");
}
