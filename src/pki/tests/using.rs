use super::*;

#[test]
fn a_server_certificate_named_server_is_accepted() {
    let server = issued(&authority(), &Request::server("server"));
    let facts = inspect(&server.certificate_pem).unwrap();
    assert_eq!(check_server(&facts), Ok(()));
    assert_eq!(domain_name(&facts).as_deref(), Some("server"));
    assert_eq!(verify_name(&facts), Some("server"));
}

#[test]
fn an_authority_is_no_server() {
    let facts = inspect(authority().certificate_pem).unwrap();
    assert!(matches!(
        check_server(&facts),
        Err(ServerCertificateError::Authority { .. })
    ));
}

#[test]
fn a_client_certificate_is_no_server_certificate() {
    let client = issued(&authority(), &Request::client("client1"));
    let facts = inspect(&client.certificate_pem).unwrap();
    assert!(matches!(
        check_server(&facts),
        Err(ServerCertificateError::NotForServers { .. })
    ));
}

#[test]
fn a_server_certificate_without_key_usage_is_refused_because_stock_clients_would() {
    let mut parameters = leaf_parameters("server");
    parameters.key_usages.clear();
    let facts = inspect(self_signed(&parameters)).unwrap();
    assert!(matches!(
        check_server(&facts),
        Err(ServerCertificateError::CannotSign { .. })
    ));
}

#[test]
fn a_server_certificate_without_a_name_is_refused_in_awss_words() {
    let mut parameters = leaf_parameters("");
    parameters.distinguished_name.remove(DnType::CommonName);
    let refusal = error(check_server(&inspect(self_signed(&parameters)).unwrap()));
    assert!(refusal.to_string().contains("does not have a domain"));

    parameters.subject_alt_names = vec![rcgen::SanType::DnsName("vpn.example".try_into().unwrap())];
    let facts = inspect(self_signed(&parameters)).unwrap();
    assert_eq!(check_server(&facts), Ok(()));
    assert_eq!(domain_name(&facts).as_deref(), Some("vpn.example"));
    assert_eq!(verify_name(&facts), None);
}

#[test]
fn an_authority_given_for_clients_stands_for_itself() {
    let tree = Hierarchy::new();
    assert_eq!(
        check_client_ca(&tree.intermediate, Some(&tree.root)),
        Ok(vec![der(&tree.intermediate)])
    );
}

#[test]
fn a_server_certificate_given_for_clients_stands_for_its_chain() {
    let tree = Hierarchy::new();
    let chain = format!("{}{}", tree.intermediate, tree.root);
    assert_eq!(
        check_client_ca(&tree.leaf, Some(&chain)),
        Ok(vec![der(&tree.intermediate), der(&tree.root)])
    );
}

#[test]
fn without_an_authority_there_is_nothing_to_check_clients_against() {
    let tree = Hierarchy::new();
    assert_eq!(
        check_client_ca(&tree.leaf, None),
        Err(ClientCaError::NoAuthority {
            name: "vpn.example.com".into()
        })
    );
    let own = self_signed(&leaf_parameters("self"));
    assert!(matches!(
        check_client_ca(&own, None),
        Err(ClientCaError::NoAuthority { .. })
    ));
    assert_eq!(
        check_client_ca("", None),
        Err(ClientCaError::Pem(PemError::Empty))
    );
}

#[test]
fn a_public_authority_is_not_for_clients() {
    assert!(is_public_ca(&der(PUBLIC_ROOT)));
    assert!(!is_public_ca(&der(&authority().certificate_pem)));
    assert!(!is_public_ca(b"no certificate"));
    let refusal = error(check_client_ca(PUBLIC_ROOT, None));
    assert!(matches!(refusal, ClientCaError::Public { .. }));
    // The same root as the chain of one's server certificate.
    let server = issued(&authority(), &Request::server("server"));
    assert!(matches!(
        check_client_ca(&server.certificate_pem, Some(PUBLIC_ROOT)),
        Err(ClientCaError::Public { .. })
    ));
}

#[test]
fn an_authority_below_a_public_root_is_public() {
    let root_key = KeyPair::generate().unwrap();
    let mut root = authority_parameters("DigiCert TLS ECC P384 Root G5");
    let mut name = rcgen::DistinguishedName::new();
    let printable = |text: &str| rcgen::DnValue::PrintableString(text.try_into().unwrap());
    name.push(DnType::CountryName, printable("US"));
    name.push(DnType::OrganizationName, printable("DigiCert, Inc."));
    name.push(
        DnType::CommonName,
        printable("DigiCert TLS ECC P384 Root G5"),
    );
    root.distinguished_name = name;
    let below = authority_parameters("Issuing CA")
        .signed_by(&KeyPair::generate().unwrap(), &Issuer::new(root, root_key))
        .unwrap();
    assert!(is_public_ca(below.der()));
}

#[test]
fn clients_get_the_servers_chain_as_their_authorities() {
    let ca = authority();
    let server = issued(&ca, &Request::server("server"));
    assert_eq!(
        client_ca_bundle(&server.certificate_pem, server.chain_pem.as_deref()),
        Some(ca.certificate_pem.clone())
    );
    assert_eq!(
        client_ca_bundle(&ca.certificate_pem, None),
        Some(ca.certificate_pem.clone())
    );
    assert_eq!(client_ca_bundle(&server.certificate_pem, None), None);
}

#[test]
fn bundles_split_into_their_certificates() {
    let tree = Hierarchy::new();
    let bundle = format!("# comment\n{}\n{}", tree.leaf, tree.root);
    assert_eq!(
        split_bundle(bundle),
        Ok(vec![der(&tree.leaf), der(&tree.root)])
    );
}

#[test]
fn a_fingerprint_is_that_of_openssl() {
    // `openssl x509 -in public-root.pem -noout -fingerprint -sha256 -serial`
    let facts = inspect(PUBLIC_ROOT).unwrap();
    assert_eq!(
        facts.fingerprint_sha256,
        "01:8e:13:f0:77:25:32:cf:80:9b:d1:b1:72:81:86:72:83:fc:48:c6:e1:3b:e9:c6:98:12:85:4a:49:0c:1b:05"
    );
    assert_eq!(
        facts.serial,
        "09:e0:93:65:ac:f7:d9:c8:b9:3e:1c:0b:04:2a:2e:f3"
    );
    assert_eq!(facts.key_algorithm.to_string(), "EC_secp384r1");
    assert!(facts.self_signed);
}

#[test]
fn both_ends_of_the_period_belong_to_it() {
    let facts = inspect(authority().certificate_pem).unwrap();
    let second = SignedDuration::from_secs(1);
    assert_eq!(facts.validity_at(facts.not_before), Validity::Valid);
    assert_eq!(facts.validity_at(facts.not_after), Validity::Valid);
    assert_eq!(
        facts.validity_at(facts.not_before - second),
        Validity::NotYetValid
    );
    assert_eq!(
        facts.validity_at(facts.not_after + second),
        Validity::Expired
    );
}
