use x509_parser::asn1_rs::{Any, FromDer as _};

use super::*;

#[test]
fn what_was_issued_can_be_imported_again() {
    for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048] {
        let ca = make_ca("Example CA", key_type, now()).unwrap();
        let mut request = Request::server("server");
        request.key_type = key_type;
        let server = issued(&ca, &request);
        let imported = import_issued(&server).unwrap();
        assert_eq!(imported.certificate_pem, server.certificate_pem);
        assert_eq!(
            imported.private_key_pem.unwrap().expose(),
            server.private_key_pem.expose()
        );
        assert_eq!(imported.chain_pem.unwrap(), ca.certificate_pem);
        assert_eq!(imported.chain[0].common_name.as_deref(), Some("Example CA"));
    }
}

#[test]
fn text_around_the_blocks_is_dropped() {
    let ca = authority();
    let text = format!(
        "Certificate:\r\n    Data:\r\n        Version: 3 (0x2)\r\n{}\r\ntrailing words",
        ca.certificate_pem.replace('\n', "\r\n")
    );
    let imported = import(text.as_bytes(), None, None, now()).unwrap();
    assert_eq!(imported.certificate_pem, ca.certificate_pem);
    assert!(imported.private_key_pem.is_none() && imported.chain_pem.is_none());
}

#[test]
fn older_key_formats_become_pkcs8() {
    for (key_type, label) in [
        (KeyType::Rsa2048, "RSA PRIVATE KEY"),
        (KeyType::EcdsaP256, "EC PRIVATE KEY"),
    ] {
        let ca = make_ca("Example CA", key_type, now()).unwrap();
        let inner = inside_pkcs8(ca.private_key_pem.expose());
        let older = pem::encode(&pem::Pem::new(label, inner));
        let text = format!(
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{older}"
        );
        let imported = import(
            ca.certificate_pem.as_bytes(),
            Some(text.as_bytes()),
            None,
            now(),
        )
        .unwrap();
        let key = imported.private_key_pem.unwrap();
        assert!(key.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert!(issue(&ca.certificate_pem, &key, &Request::client("c"), now()).is_ok());
    }
}

#[test]
fn the_key_of_another_certificate_is_refused() {
    for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048] {
        let other = make_ca("Other CA", key_type, now()).unwrap();
        let refusal = error(import(
            authority().certificate_pem.as_bytes(),
            Some(other.private_key_pem.expose().as_bytes()),
            None,
            now(),
        ));
        assert!(matches!(refusal, ImportError::KeyMismatch { .. }));
        assert_eq!(refusal.field(), "PrivateKey");
    }
}

#[test]
fn encrypted_keys_are_refused_with_the_way_to_decrypt_them() {
    let pkcs8 =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let pkcs1 = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n";
    for text in [pkcs8, pkcs1] {
        let refusal = key_refusal(text.as_bytes());
        assert_eq!(refusal, ImportError::Key(KeyError::Encrypted));
        assert!(refusal.to_string().contains("openssl pkey -in"));
    }
}

#[test]
fn what_is_no_usable_key_is_named() {
    let key = authority().private_key_pem.expose().to_owned();
    let certificate = authority().certificate_pem;
    assert_eq!(key_refusal(b"  \n"), ImportError::Key(KeyError::Empty));
    assert_eq!(
        key_refusal(b"secret"),
        ImportError::Key(KeyError::NoKey { found: None })
    );
    assert_eq!(
        key_refusal(certificate.as_bytes()),
        ImportError::Key(KeyError::NoKey {
            found: Some("CERTIFICATE".into())
        })
    );
    assert_eq!(
        key_refusal(format!("{key}{key}").as_bytes()),
        ImportError::Key(KeyError::Several { count: 2 })
    );
    let openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nMAA=\n-----END OPENSSH PRIVATE KEY-----\n";
    assert_eq!(
        key_refusal(openssh.as_bytes()),
        ImportError::Key(KeyError::OpenSsh)
    );
    let nonsense = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    assert_eq!(
        key_refusal(nonsense.as_bytes()),
        ImportError::Key(KeyError::Unusable)
    );
    assert_eq!(
        key_refusal(pem::parse(&key).unwrap().contents()),
        ImportError::Key(KeyError::Binary)
    );
    assert_eq!(
        key_refusal(&key.as_bytes()[..100]),
        ImportError::Key(KeyError::Pem(PemError::CutOff))
    );
}

#[test]
fn dates_must_hold_now() {
    let ca = authority();
    let at = |moment| error(import(ca.certificate_pem.as_bytes(), None, None, moment));
    let expired = at(now() + days(3651));
    assert!(matches!(
        expired,
        ImportError::Expired {
            part: Part::Certificate,
            ..
        }
    ));
    assert_eq!(expired.field(), "Certificate");
    assert!(
        expired
            .to_string()
            .starts_with("The certificate expired at 2036-11-19"),
        "{expired}"
    );
    let early = at(now() - days(1));
    assert!(matches!(early, ImportError::NotYetValid { .. }));
}

#[test]
fn an_expired_authority_in_the_chain_is_named() {
    let root_key = KeyPair::generate().unwrap();
    let mut root = authority_parameters("Old Root");
    root.not_after = time::OffsetDateTime::from_unix_timestamp(1_500_000_000).unwrap();
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let leaf = leaf_parameters("server")
        .signed_by(&KeyPair::generate().unwrap(), &Issuer::new(root, root_key))
        .unwrap();
    let refusal = error(import(
        leaf.pem().as_bytes(),
        None,
        Some(root_pem.as_bytes()),
        now(),
    ));
    assert_eq!(refusal.field(), "CertificateChain");
    assert!(
        refusal
            .to_string()
            .starts_with("The certificate chain holds \"Old Root\", which expired at 2017-07-14"),
        "{refusal}"
    );
}

#[test]
fn what_tls_refuses_is_refused_by_name() {
    for (text, weakness, word) in [
        (
            SHA1,
            Weakness::Signature("SHA1WITHECDSA".into()),
            "SHA1WITHECDSA",
        ),
        (RSA_1024, Weakness::RsaBits(1024), "1024 bits"),
        (VERSION_1, Weakness::OldVersion, "version 1"),
    ] {
        let moment = inspect(text).unwrap().not_before + days(1);
        let refusal = error(import(text.as_bytes(), None, None, moment));
        assert!(refusal.to_string().contains(word), "{refusal}");
        assert_eq!(
            refusal,
            ImportError::Weak {
                part: Part::Certificate,
                name: None,
                weakness
            }
        );
    }
}

#[test]
fn a_chain_in_any_order_is_sorted() {
    let tree = Hierarchy::new();
    let orders = [
        format!("{}{}", tree.intermediate, tree.root),
        format!("{}{}", tree.root, tree.intermediate),
        format!(
            "{}{}{}{}",
            tree.root, tree.leaf, tree.intermediate, tree.root
        ),
    ];
    for chain in orders {
        let imported = import(tree.leaf.as_bytes(), None, Some(chain.as_bytes()), now()).unwrap();
        assert_eq!(
            imported.chain_pem.unwrap(),
            format!("{}{}", tree.intermediate, tree.root)
        );
    }
}

#[test]
fn a_chain_without_its_root_is_accepted() {
    let tree = Hierarchy::new();
    let imported = import(
        tree.leaf.as_bytes(),
        None,
        Some(tree.intermediate.as_bytes()),
        now(),
    )
    .unwrap();
    assert_eq!(imported.chain.len(), 1);
}

#[test]
fn an_empty_chain_and_a_chain_of_the_certificate_itself_count_as_none() {
    let ca = authority().certificate_pem;
    for chain in ["", " \n", &ca] {
        let imported = import(ca.as_bytes(), None, Some(chain.as_bytes()), now()).unwrap();
        assert!(imported.chain_pem.is_none());
    }
}

#[test]
fn a_critical_extension_that_tls_does_not_know_is_refused() {
    let mut parameters = leaf_parameters("server");
    let mut unknown =
        rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 55_555], vec![5, 0]);
    unknown.set_criticality(true);
    parameters.custom_extensions = vec![unknown];
    let refusal = error(import(
        self_signed(&parameters).as_bytes(),
        None,
        None,
        now(),
    ));
    assert!(matches!(
        refusal,
        ImportError::Unreadable(InspectError::RefusedByTls { .. })
    ));
}

#[test]
fn a_chain_that_does_not_sign_is_refused() {
    let tree = Hierarchy::new();
    let refusal = |chain: &str| {
        let refusal = error(import(
            tree.leaf.as_bytes(),
            None,
            Some(chain.as_bytes()),
            now(),
        ));
        assert_eq!(refusal.field(), "CertificateChain");
        refusal
    };

    let namesake = Hierarchy::new();
    assert_eq!(
        refusal(&namesake.intermediate),
        ImportError::Chain(ChainError::DidNotSign {
            issuer: "Intermediate CA".into(),
            child: "vpn.example.com".into()
        })
    );
    assert_eq!(
        refusal(&tree.root),
        ImportError::Chain(ChainError::Unrelated {
            name: "Root CA".into(),
            wanted: "CN=Intermediate CA".into()
        })
    );
    let stray = authority().certificate_pem;
    assert!(matches!(
        refusal(&format!("{}{}{stray}", tree.intermediate, tree.root)),
        ImportError::Chain(ChainError::Unrelated { .. })
    ));
}

#[test]
fn an_issuer_that_is_no_authority_is_refused() {
    let key = KeyPair::generate().unwrap();
    let issuer = leaf_parameters("Not a CA");
    let issuer_pem = issuer.self_signed(&key).unwrap().pem();
    let leaf = leaf_parameters("server")
        .signed_by(&KeyPair::generate().unwrap(), &Issuer::new(issuer, key))
        .unwrap();
    assert_eq!(
        error(import(
            leaf.pem().as_bytes(),
            None,
            Some(issuer_pem.as_bytes()),
            now()
        )),
        ImportError::Chain(ChainError::NotAnAuthority {
            issuer: "Not a CA".into(),
            child: "server".into()
        })
    );
}

#[test]
fn what_is_no_certificate_is_named() {
    let ca = authority();
    let pem = ca.certificate_pem.as_str();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(pem.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let refusal = |text: &[u8]| match error(import(text, None, None, now())) {
        ImportError::Pem {
            part: Part::Certificate,
            problem,
        } => problem,
        other => panic!("{other}"),
    };
    assert_eq!(refusal(b""), PemError::Empty);
    assert_eq!(refusal(b"hello"), PemError::NoBlock);
    assert_eq!(refusal(&der(pem)), PemError::Binary);
    assert_eq!(refusal(&utf16), PemError::Utf16);
    assert_eq!(refusal(&pem.as_bytes()[..pem.len() - 30]), PemError::CutOff);
    assert!(matches!(
        refusal(pem.replace("MII", "M#I").as_bytes()),
        PemError::Damaged { .. }
    ));
    assert_eq!(
        refusal(ca.private_key_pem.expose().as_bytes()),
        PemError::OtherLabel {
            label: "PRIVATE KEY".into()
        }
    );
    assert!(matches!(
        refusal(
            &vec![b' '; MAX_CERTIFICATE_BYTES]
                .into_iter()
                .chain(*b"x")
                .collect::<Vec<_>>()
        ),
        PemError::TooLarge { .. }
    ));
    let several = pem.repeat(2);
    assert_eq!(
        error(import(several.as_bytes(), None, None, now())),
        ImportError::SeveralCertificates { count: 2 }
    );
    let chain = pem.repeat(MAX_CHAIN_LENGTH + 1);
    assert_eq!(
        error(import(pem.as_bytes(), None, Some(chain.as_bytes()), now())),
        ImportError::Pem {
            part: Part::Chain,
            problem: PemError::TooMany {
                count: MAX_CHAIN_LENGTH + 1
            }
        }
    );
}

#[test]
fn names_that_programs_read_differently_are_refused() {
    let name_error = |text: &str| match error(inspect(text)) {
        InspectError::Name(problem) => problem,
        other => panic!("{other}"),
    };
    assert_eq!(name_error(TWO_NAMES), NameError::Duplicate);
    let nul = self_signed(&leaf_parameters("admin\0.example.com"));
    assert_eq!(name_error(&nul), NameError::ControlCharacter);

    let plain = der(&self_signed(&leaf_parameters("abcdefgh")));
    let replaced = replace(&plain, b"abcdefgh", b"abcd\xffefg");
    assert_eq!(
        name_error(&certificate_to_pem(&replaced)),
        NameError::NotText
    );
}

#[test]
fn bytes_after_the_certificate_are_refused() {
    let mut bytes = der(&authority().certificate_pem);
    bytes.push(0);
    assert_eq!(inspect_der(&bytes), Err(InspectError::TrailingBytes(1)));
}

fn key_refusal(key: &[u8]) -> ImportError {
    let refusal = error(import(
        authority().certificate_pem.as_bytes(),
        Some(key),
        None,
        now(),
    ));
    assert_eq!(refusal.field(), "PrivateKey");
    refusal
}

/// The key format inside a PKCS #8 block: version, algorithm, then an octet string.
fn inside_pkcs8(text: &str) -> Vec<u8> {
    let block = pem::parse(text).unwrap();
    let (_, outer) = Any::from_der(block.contents()).unwrap();
    let (rest, _version) = Any::from_der(outer.data).unwrap();
    let (rest, _algorithm) = Any::from_der(rest).unwrap();
    let (_, key) = Any::from_der(rest).unwrap();
    key.data.to_vec()
}
