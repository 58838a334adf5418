use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage as Purpose, anchor_from_trusted_cert};

use super::*;

#[test]
fn an_authority_is_what_rfc_5280_asks_of_one() {
    let ca = authority();
    let facts = inspect(&ca.certificate_pem).unwrap();
    assert_eq!(facts.common_name.as_deref(), Some("Example CA"));
    assert!(facts.is_ca && facts.is_v3 && facts.self_signed);
    assert_eq!(
        facts.key_usages,
        Some(vec![KeyUsage::KeyCertSign, KeyUsage::CrlSign])
    );
    assert_eq!(facts.not_after, now() + days(3650));
    assert!(facts.not_before < now());
    assert!(facts.subject_key_id.is_some());
    assert_eq!(facts.serial.split(':').count(), 16);
    assert!(ca.chain_pem.is_none());

    let der = der(&ca.certificate_pem);
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert!(parsed.basic_constraints().unwrap().unwrap().critical);
}

#[test]
fn a_server_certificate_is_for_servers_and_names_its_host() {
    let ca = authority();
    let mut request = Request::server("vpn.example.com");
    request.dns_names = vec!["*.vpn.example.com".into(), "vpn.example.com".into()];
    request.ip_addresses = vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    let server = issued(&ca, &request);

    let facts = inspect(&server.certificate_pem).unwrap();
    let sans: Vec<_> = facts.sans.iter().map(ToString::to_string).collect();
    assert_eq!(
        sans,
        [
            "vpn.example.com",
            "*.vpn.example.com",
            "192.0.2.7",
            "2001:db8::7"
        ]
    );
    assert_eq!(facts.key_usages, Some(vec![KeyUsage::DigitalSignature]));
    assert_eq!(
        facts.extended_key_usages,
        Some(vec![ExtendedKeyUsage::ServerAuth])
    );
    assert_eq!(facts.key_algorithm.to_string(), "EC_prime256v1");
    assert_eq!(facts.signature_algorithm, "SHA256WITHECDSA");
    assert!(!facts.is_ca && !facts.self_signed);
    assert_eq!(
        facts.authority_key_id,
        inspect(&ca.certificate_pem).unwrap().subject_key_id
    );
    assert_eq!(facts.not_after, now() + days(825));
    assert!(tls_accepts(&server, &ca, Purpose::server_auth()));
    assert!(!tls_accepts(&server, &ca, Purpose::client_auth()));
}

#[test]
fn a_client_certificate_is_for_clients_and_has_no_alternative_names() {
    let ca = authority();
    let client = issued(&ca, &Request::client("Müller, Anna"));
    let facts = inspect(&client.certificate_pem).unwrap();
    assert_eq!(facts.common_name.as_deref(), Some("Müller, Anna"));
    assert_eq!(facts.key_usages, Some(vec![KeyUsage::DigitalSignature]));
    assert_eq!(
        facts.extended_key_usages,
        Some(vec![ExtendedKeyUsage::ClientAuth])
    );
    assert!(facts.sans.is_empty());
    assert!(tls_accepts(&client, &ca, Purpose::client_auth()));
    assert!(!tls_accepts(&client, &ca, Purpose::server_auth()));
}

#[test]
fn rsa_authorities_and_certificates_work_alike() {
    let ca = make_ca("RSA CA", KeyType::Rsa2048, now()).unwrap();
    let mut request = Request::server("server");
    request.key_type = KeyType::Rsa2048;
    let server = issued(&ca, &request);

    let facts = inspect(&server.certificate_pem).unwrap();
    assert_eq!(facts.key_algorithm, KeyAlgorithm::Rsa(2048));
    assert_eq!(facts.key_algorithm.to_string(), "RSA_2048");
    assert_eq!(facts.signature_algorithm, "SHA256WITHRSA");
    assert_eq!(
        facts.key_usages,
        Some(vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment])
    );
    assert!(tls_accepts(&server, &ca, Purpose::server_auth()));
    assert!(import_issued(&server).is_ok());
}

#[test]
fn certificates_never_outlast_their_authority() {
    let ca = authority();
    let ca_facts = inspect(&ca.certificate_pem).unwrap();
    let late = ca_facts.not_after - days(30);
    let client = issue(
        &ca.certificate_pem,
        &ca.private_key_pem,
        &Request::client("late"),
        late,
    )
    .unwrap();
    let facts = inspect(&client.certificate_pem).unwrap();
    assert_eq!(facts.not_after, ca_facts.not_after);
}

#[test]
fn an_authority_outside_its_dates_issues_nothing() {
    let ca = authority();
    for moment in [now() - days(1), now() + days(3651)] {
        let refusal = error(issue(
            &ca.certificate_pem,
            &ca.private_key_pem,
            &Request::client("c"),
            moment,
        ));
        assert!(matches!(refusal, IssueError::AuthorityDates { .. }));
        assert_eq!(refusal.field(), Some("CertificateAuthority"));
    }
}

#[test]
fn serial_numbers_do_not_repeat() {
    let ca = authority();
    let serials: std::collections::BTreeSet<_> = (0..20)
        .map(|_| issued(&ca, &Request::client("c")))
        .map(|client| inspect(&client.certificate_pem).unwrap().serial)
        .collect();
    assert_eq!(serials.len(), 20);
}

#[test]
fn only_an_authority_with_its_own_key_issues() {
    let ca = authority();
    let other = authority();
    let server = issued(&ca, &Request::server("server"));
    let request = Request::client("c");
    let with = |certificate: &str, key: &SecretPem| error(issue(certificate, key, &request, now()));
    assert!(matches!(
        with(&ca.certificate_pem, &other.private_key_pem),
        IssueError::AuthorityKeyMismatch { .. }
    ));
    assert!(matches!(
        with(&server.certificate_pem, &server.private_key_pem),
        IssueError::NotAnAuthority { .. }
    ));
    assert!(matches!(
        with("nothing", &ca.private_key_pem),
        IssueError::AuthorityPem(PemError::NoBlock)
    ));
    assert!(matches!(
        with(
            &ca.certificate_pem,
            &SecretPem::new(ca.certificate_pem.clone())
        ),
        IssueError::AuthorityKey(KeyError::NoKey { .. })
    ));
}

#[test]
fn a_chain_above_the_authority_is_handed_on() {
    let root_key = KeyPair::generate().unwrap();
    let root = authority_parameters("Root CA");
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let below = authority_parameters("Below")
        .signed_by(&key, &Issuer::new(root, root_key))
        .unwrap();
    let bundle = format!("{}{root_pem}", below.pem());

    let server = issue(
        &bundle,
        &SecretPem::new(key.serialize_pem()),
        &Request::server("server"),
        now(),
    )
    .unwrap();
    assert_eq!(server.chain_pem.as_deref(), Some(bundle.as_str()));
    assert_eq!(import_issued(&server).unwrap().chain.len(), 2);
}

#[test]
fn unusable_common_names_are_refused_at_their_field() {
    let ca = authority();
    let long = "x".repeat(65);
    for name in ["", " ", "a\0b", "a\nb", " padded", long.as_str()] {
        let refusal = error(issue(
            &ca.certificate_pem,
            &ca.private_key_pem,
            &Request::client(name),
            now(),
        ));
        assert!(matches!(refusal, IssueError::CommonName { .. }), "{name:?}");
        assert_eq!(refusal.field(), Some("CommonName"));
        assert!(make_ca(name, KeyType::EcdsaP256, now()).is_err());
    }
}

#[test]
fn a_server_needs_a_host_name_or_an_address() {
    let ca = authority();
    let ask = |request: &Request| issue(&ca.certificate_pem, &ca.private_key_pem, request, now());

    let mut request = Request::server("The VPN of Example");
    assert_eq!(error(ask(&request)), IssueError::NoServerName);
    request.dns_names = vec!["vpn.example.com".into()];
    assert!(ask(&request).is_ok());
    for name in [
        "",
        "-a.example.com",
        "a..b",
        "a b",
        "münchen.example",
        "1.2.3.4",
        "*",
    ] {
        request.dns_names = vec![name.into()];
        let refusal = error(ask(&request));
        assert!(matches!(refusal, IssueError::HostName { .. }), "{name:?}");
    }

    let by_address = issued(&ca, &Request::server("192.0.2.1"));
    assert_eq!(
        inspect(&by_address.certificate_pem).unwrap().sans,
        [SubjectAltName::Ip("192.0.2.1".parse().unwrap())]
    );
}

#[test]
fn impossible_periods_are_refused() {
    let ca = authority();
    for count in [0, MAX_VALIDITY_DAYS + 1, u32::MAX] {
        let mut request = Request::client("c");
        request.validity_days = count;
        let refusal = error(issue(
            &ca.certificate_pem,
            &ca.private_key_pem,
            &request,
            now(),
        ));
        assert_eq!(refusal, IssueError::ValidityDays { days: count });
    }
}

#[test]
fn an_authority_whose_name_cannot_be_copied_is_refused_rather_than_orphaning_clients() {
    let key = KeyPair::generate().unwrap();
    let mut parameters = authority_parameters("Repeated CA");
    let name = &mut parameters.distinguished_name;
    name.push(DnType::OrganizationName, "Example");
    name.push(DnType::OrganizationalUnitName, "Sales");
    name.push(
        DnType::LocalityName,
        rcgen::DnValue::PrintableString("Where+".try_into().unwrap()),
    );
    let plain = der(&parameters.self_signed(&key).unwrap().pem());
    let organization = [0x55, 0x04, 0x0a];
    let unit = [0x55, 0x04, 0x0b];
    let impossible = [0x78, 0x04, 0x0b];
    for renamed in [
        replace(&plain, &unit, &organization),
        replace(&plain, &unit, &impossible),
        replace(&plain, b"Where+", b"Where?"),
    ] {
        let refusal = error(issue(
            &certificate_to_pem(&renamed),
            &SecretPem::new(key.serialize_pem()),
            &Request::client("c"),
            now(),
        ));
        assert!(
            matches!(refusal, IssueError::AuthorityName { .. }),
            "{refusal}"
        );
    }
}

/// Whether the TLS library accepts the certificate for this purpose.
fn tls_accepts(issued: &Issued, ca: &Issued, purpose: Purpose) -> bool {
    let root = CertificateDer::from(der(&ca.certificate_pem));
    let anchor = anchor_from_trusted_cert(&root).unwrap();
    let leaf = CertificateDer::from(der(&issued.certificate_pem));
    let seconds = now().as_second().try_into().unwrap();
    EndEntityCert::try_from(&leaf)
        .unwrap()
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[anchor],
            &[],
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            purpose,
            None,
            None,
        )
        .is_ok()
}
