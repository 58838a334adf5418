//! Certificates for requests.

use rcgen::{CertificateParams, CustomExtension, DnType, IsCa, KeyPair, RsaKeySize, SanType};

use super::*;

fn terms(usage: Usage) -> SigningTerms {
    SigningTerms {
        usage,
        common_name: None,
        validity_days: 90,
    }
}

fn parameters(name: Option<&str>) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    if let Some(name) = name {
        parameters.distinguished_name.push(DnType::CommonName, name);
    }
    parameters
}

fn request(parameters: &CertificateParams, key: &KeyPair) -> String {
    parameters.serialize_request(key).unwrap().pem().unwrap()
}

fn signed(text: &[u8], terms: &SigningTerms) -> Result<Signed, SigningError> {
    let ca = authority();
    sign_request(&ca.certificate_pem, &ca.private_key_pem, text, terms, now())
}

#[test]
fn the_key_and_the_name_are_the_requests_and_the_rest_is_ours() {
    let key = KeyPair::generate().unwrap();
    let mut asked = parameters(Some("a.lindqvist"));
    asked
        .distinguished_name
        .push(DnType::OrganizationName, "Example");
    asked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    asked.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    asked.subject_alt_names = vec![SanType::DnsName("other.example.com".try_into().unwrap())];
    let text = request(&asked, &key);
    let read = read_request(text.as_bytes()).unwrap();
    assert!(read.asks_for_authority);
    assert_eq!(read.common_name.as_deref(), Some("a.lindqvist"));
    assert_eq!(read.key_algorithm, KeyAlgorithm::EcP256);

    let made = signed(text.as_bytes(), &terms(Usage::Client)).unwrap();
    let facts = inspect(&made.certificate_pem).unwrap();
    assert_eq!(facts.subject, "CN=a.lindqvist");
    assert!(!facts.is_ca);
    assert_eq!(facts.key_usages, Some(vec![KeyUsage::DigitalSignature]));
    assert_eq!(
        facts.extended_key_usages,
        Some(vec![ExtendedKeyUsage::ClientAuth])
    );
    assert_eq!(facts.sans, []);
    assert_eq!(facts.not_after, now() + days(90));
    let with_key = import(
        made.certificate_pem.as_bytes(),
        Some(key.serialize_pem().as_bytes()),
        Some(made.chain_pem.as_bytes()),
        now(),
    );
    assert!(with_key.is_ok(), "the key is the one that asked");
}

#[test]
fn a_server_keeps_its_host_names_and_nothing_odd() {
    let mut asked = parameters(Some("vpn.example.com"));
    asked.subject_alt_names = vec![
        SanType::DnsName("vpn2.example.com".try_into().unwrap()),
        SanType::DnsName("not a name".try_into().unwrap()),
        SanType::IpAddress("192.0.2.10".parse().unwrap()),
        SanType::Rfc822Name("a@example.com".try_into().unwrap()),
    ];
    let text = request(&asked, &KeyPair::generate().unwrap());
    let read = read_request(text.as_bytes()).unwrap();
    assert_eq!(read.other_names, ["not a name", "a@example.com"]);
    let made = signed(text.as_bytes(), &terms(Usage::Server)).unwrap();
    let facts = inspect(&made.certificate_pem).unwrap();
    assert_eq!(
        facts
            .sans
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["vpn.example.com", "vpn2.example.com", "192.0.2.10"]
    );
    assert_eq!(check_server(&facts), Ok(()));
}

#[test]
fn another_name_can_take_the_place_of_the_requests() {
    let text = request(&parameters(None), &KeyPair::generate().unwrap());
    let refusal = error(signed(text.as_bytes(), &terms(Usage::Client)));
    assert_eq!(refusal, SigningError::NoName);
    assert_eq!(refusal.field(), Some("CommonName"));
    let named = SigningTerms {
        common_name: Some("Åsa Öberg".to_owned()),
        ..terms(Usage::Client)
    };
    let made = signed(text.as_bytes(), &named).unwrap();
    let facts = inspect(&made.certificate_pem).unwrap();
    assert_eq!(facts.common_name.as_deref(), Some("Åsa Öberg"));
}

#[test]
fn every_kind_of_key_is_signed_for_in_pem_and_in_der() {
    let keys = [
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
        KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap(),
        KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
        KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(),
    ];
    for key in keys {
        let asked = parameters(Some("c")).serialize_request(&key).unwrap();
        for text in [asked.pem().unwrap().into_bytes(), asked.der().to_vec()] {
            let made = signed(&text, &terms(Usage::Client)).unwrap();
            let own = key.serialize_pem();
            import(
                made.certificate_pem.as_bytes(),
                Some(own.as_bytes()),
                None,
                now(),
            )
            .unwrap();
        }
    }
}

#[test]
fn what_is_no_request_is_refused_with_what_it_is() {
    let key = KeyPair::generate().unwrap();
    let text = request(&parameters(Some("c")), &key);
    let said = |text: &[u8]| error(read_request(text)).to_string();
    assert!(said(b" \n").contains("is empty"));
    assert!(said(b"hello").contains("has no -----BEGIN CERTIFICATE REQUEST-----"));
    let secret = said(key.serialize_pem().as_bytes());
    assert!(secret.contains("PRIVATE KEY block"), "{secret}");
    assert!(said(authority().certificate_pem.as_bytes()).contains("CERTIFICATE block"));
    assert!(said(format!("{text}{text}").as_bytes()).contains("holds 2 requests"));
    assert!(said(&[0x30, 0x81, 0x80, 1]).contains("is damaged"));
    assert!(said(&vec![b'x'; 1 << 20]).contains("at most"));
    let mut longer = pem::parse(&text).unwrap().into_contents();
    longer.push(0);
    assert!(said(&longer).contains("is damaged"));
}

#[test]
fn a_request_that_another_key_signed_proves_nothing() {
    let key = KeyPair::generate().unwrap();
    let text = request(&parameters(Some("a.lindqvist")), &key);
    let der = pem::parse(text).unwrap().into_contents();
    let other = replace(&der, b"a.lindqvist", b"m.moreau.xx");
    assert_eq!(error(read_request(&other)), RequestError::Signature);
}

#[test]
fn weak_keys_and_signatures_are_refused_as_on_import() {
    for (file, says) in [
        (include_str!("../fixtures/rsa1024.csr.pem"), "1024 bits"),
        (include_str!("../fixtures/sha1.csr.pem"), "SHA1WITHRSA"),
        (
            include_str!("../fixtures/two-names.csr.pem"),
            "more than one common name",
        ),
    ] {
        let refusal = error(read_request(file.as_bytes())).to_string();
        assert!(refusal.contains(says), "{refusal}");
    }
}

#[test]
fn names_and_periods_are_judged_as_when_issuing() {
    let long = "x".repeat(65);
    let text = request(&parameters(Some(&long)), &KeyPair::generate().unwrap());
    let refusal = error(signed(text.as_bytes(), &terms(Usage::Client)));
    assert_eq!(refusal.field(), Some("CommonName"), "{refusal}");
    let text = request(&parameters(Some("c")), &KeyPair::generate().unwrap());
    let forever = SigningTerms {
        validity_days: 3651,
        ..terms(Usage::Client)
    };
    let refusal = error(signed(text.as_bytes(), &forever));
    assert_eq!(refusal.field(), Some("ValidityDays"));
}

#[test]
fn a_names_extension_that_cannot_be_read_is_not_passed_over() {
    let mut asked = parameters(Some("c"));
    let garbled =
        CustomExtension::from_oid_content(&[2, 5, 29, 17], vec![0x30, 0x03, 0x82, 0x05, 1]);
    asked.custom_extensions = vec![garbled];
    let text = request(&asked, &KeyPair::generate().unwrap());
    assert_eq!(error(read_request(text.as_bytes())), RequestError::Damaged);
}
