//! From the first packet to the first tunnelled one.

use std::time::Duration;

use rcgen::{DnType, DnValue, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};

use super::pair::*;
use crate::openvpn::*;

#[test]
fn connects_with_every_cipher_derivation_and_transport() {
    for transport in [Transport::Udp, Transport::Tcp] {
        for cipher in Cipher::ALL {
            for derivation in [Derivation::TlsExporter, Derivation::Tls1Prf] {
                let mut setup = Setup {
                    transport,
                    ..Setup::default()
                };
                setup.client.ciphers = vec![cipher];
                setup.client.derivation = derivation;
                let mut pair = Pair::connected(setup);
                let negotiated = pair.client.session.as_ref().unwrap().negotiated;
                assert_eq!(
                    (negotiated.cipher, negotiated.derivation),
                    (cipher, derivation)
                );
                assert_eq!(
                    pair.server().session.as_ref().unwrap().negotiated,
                    negotiated
                );
                pair.assert_carries_traffic();
            }
        }
    }
}

#[test]
fn connects_with_tls_1_2_and_1_3_in_every_derivation() {
    for (versions, name) in [
        (TlsVersions::Only12, "TLSv1.2"),
        (TlsVersions::Only13, "TLSv1.3"),
    ] {
        for derivation in [Derivation::TlsExporter, Derivation::Tls1Prf] {
            let mut setup = Setup::default();
            let ca = &CERTIFICATES.ca.certificate;
            setup.client.tls = client_tls(ca, Some(&CERTIFICATES.client), versions);
            setup.client.derivation = derivation;
            let mut pair = Pair::connected(setup);
            assert!(pair.server().admissions[0].tls.starts_with(name));
            pair.assert_carries_traffic();
        }
    }
}

#[test]
fn connects_with_rsa_certificates() {
    let ca = &CERTIFICATES.ca;
    let server = ca.issue_rsa("server", ExtendedKeyUsagePurpose::ServerAuth);
    let client = ca.issue_rsa("alice", ExtendedKeyUsagePurpose::ClientAuth);
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let mut setup = Setup::default();
        setup.server.tls = server_tls(&server, &ca.certificate, versions);
        setup.client.tls = client_tls(&ca.certificate, Some(&client), TlsVersions::Both);
        Pair::connected(setup).assert_carries_traffic();
    }
}

#[test]
fn clients_that_predate_peer_ids_and_control_exit_connect() {
    let mut setup = Setup::default();
    setup.client.data_v2 = Offer::No;
    setup.client.exit_by_control = Offer::No;
    setup.client.derivation = Derivation::Tls1Prf;
    let mut pair = Pair::connected(setup);
    assert_eq!(
        pair.client.session.as_ref().unwrap().negotiated.peer_id,
        None
    );
    pair.send_up(1);
    let opcode = peek(pair.client.sent.last().unwrap()).unwrap().opcode;
    assert_eq!(opcode, Opcode::DataV1);
    pair.assert_carries_traffic();
}

#[test]
fn the_owner_is_told_who_asks() {
    let mut setup = Setup::default();
    setup.client.credentials = Some(("ada".into(), "s3cret".to_owned().into()));
    let mut pair = Pair::connected(setup);
    let admission = &pair.server().admissions[0];
    assert_eq!(admission.identity.common_name, "alice");
    assert_eq!(admission.identity.chain.len(), 1);
    assert_eq!(admission.username.as_deref(), Some("ada"));
    assert_eq!(admission.password.as_ref().unwrap().as_str(), "s3cret");
    assert!(admission.peer_info.value("IV_VER").is_some());
    assert_eq!(admission.ciphers[0], "AES-256-GCM");
    assert!(!admission.is_rekey);
    assert!(!format!("{admission:?}").contains("s3cret"));
}

#[test]
fn a_client_hello_that_needs_two_packets_may_arrive_swapped() {
    let mut pair = Pair::new(Setup {
        seed: 5,
        ..Setup::default()
    });
    pair.weather.jitter = Duration::from_millis(40);
    pair.run(Duration::from_secs(20));
    let hello: Vec<_> = pair.client.sent[1..3]
        .iter()
        .map(|packet| peek(packet).unwrap().opcode)
        .collect();
    assert_eq!(
        hello,
        [Opcode::Control, Opcode::Control],
        "the post-quantum share makes it long"
    );
    assert!(pair.client.data.is_some());
}

#[test]
fn connects_through_loss_reordering_and_duplication() {
    for seed in 0..30 {
        let link = Weather {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(60),
            loss: 15,
            duplication: 10,
        };
        let mut pair = Pair::new(Setup {
            link,
            seed,
            ..Setup::default()
        });
        pair.run(Duration::from_secs(55));
        assert_eq!(pair.client.closed, None, "seed {seed}");
        assert!(
            pair.client.data.is_some(),
            "seed {seed}: {:?}",
            pair.client.discards
        );
        assert_eq!(pair.server().admissions.len(), 1, "seed {seed}");
    }
}

#[test]
fn a_single_lost_packet_costs_no_more_than_its_first_repetition() {
    for lost in 0..12 {
        let mut pair = Pair::new(Setup::default());
        let mut count = 0;
        pair.lose = Box::new(move |_, _| {
            count += 1;
            count - 1 == lost
        });
        pair.run(Duration::from_millis(1500));
        assert!(pair.client.data.is_some(), "packet {lost} lost");
    }
}

#[test]
fn a_thousand_routes_arrive_in_order() {
    let mut pair = Pair::connected(Setup {
        routes: 1000,
        link: Weather {
            loss: 5,
            ..Weather::default()
        },
        ..Setup::default()
    });
    let expected = pair.grant().routes;
    assert_eq!(pair.client.pushed.as_ref().unwrap().routes, expected);
    pair.weather.loss = 0;
    pair.assert_carries_traffic();
}

/// CVE-2020-15078: nothing that depends on the decision may leave before it.
#[test]
fn nothing_is_given_away_before_the_owner_has_decided() {
    let mut pair = Pair::new(Setup::default());
    pair.answer = Answer::Later;
    pair.run(Duration::from_secs(20));
    assert_eq!(pair.server().admissions.len(), 1);
    assert!(pair.server().installed.is_empty() && pair.server().session.is_none());
    assert!(pair.client.pushed.is_none() && pair.client.installed.is_empty());
    let (now, grant) = (pair.now, pair.grant());
    pair.server()
        .control
        .handle_decision(now, Decision::Admit(Box::new(grant)));
    pair.run(Duration::from_secs(1));
    assert!(pair.client.pushed.is_some());
    pair.assert_carries_traffic();
}

#[test]
fn a_decision_that_nobody_asked_for_changes_nothing() {
    let mut pair = Pair::connected(Setup::default());
    let (now, grant) = (pair.now, pair.grant());
    pair.server()
        .control
        .handle_decision(now, Decision::Admit(Box::new(grant)));
    pair.server().control.handle_decision(
        now,
        Decision::Refuse {
            reason: "no".into(),
        },
    );
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.server().installed.len(), 1);
    pair.assert_carries_traffic();
}

#[test]
fn a_refused_client_learns_the_reason() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut pair = Pair::new(Setup {
            transport,
            ..Setup::default()
        });
        pair.answer = Answer::Refuse;
        pair.run(Duration::from_secs(10));
        assert_eq!(
            pair.client.closed,
            Some(CloseReason::AuthFailed("not today, sorry".into()))
        );
        assert_eq!(
            pair.server().closed,
            Some(CloseReason::Refused("not today, sorry".into()))
        );
        assert!(pair.server().installed.is_empty());
        assert!(pair.server().control.is_done() && pair.client.control.is_done());
    }
}

#[test]
fn a_client_without_a_shared_cipher_learns_so() {
    let mut setup = Setup::default();
    setup.server.ciphers = vec![Cipher::ChaCha20Poly1305];
    setup.client.ciphers = vec![Cipher::Aes128Gcm];
    let mut pair = Pair::new(setup);
    pair.run(Duration::from_secs(10));
    assert!(
        matches!(&pair.client.closed, Some(CloseReason::AuthFailed(text)) if text.contains("no shared cipher"))
    );
    assert!(matches!(
        pair.server().closed,
        Some(CloseReason::Incompatible(_))
    ));
    assert_eq!(
        pair.server().control.identity().unwrap().common_name,
        "alice"
    );
}

/// Runs a handshake with this client certificate and returns what the server says, having checked that
/// nothing was admitted and that the client was told by an alert.
fn refusal_of(client: Option<&Issued>) -> String {
    let mut setup = Setup::default();
    setup.client.tls = client_tls(&CERTIFICATES.ca.certificate, client, TlsVersions::Both);
    let mut pair = Pair::new(setup);
    pair.run(Duration::from_secs(20));
    assert!(pair.server().admissions.is_empty());
    assert!(
        matches!(
            pair.client.closed,
            Some(CloseReason::Tls(TlsFailure::Alert(_)))
        ),
        "{:?}",
        pair.client.closed
    );
    assert!(pair.server().control.is_done());
    pair.server().closed.as_ref().unwrap().to_string()
}

#[test]
fn a_certificate_of_another_ca_is_refused_even_with_a_known_name() {
    let other = Authority::new("Test CA").issue("alice", Some(ExtendedKeyUsagePurpose::ClientAuth));
    assert_eq!(
        refusal_of(Some(&other)),
        "the client's certificate is not signed by this endpoint's client CA"
    );
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    assert_eq!(refusal_of(None), "the client presented no certificate");
}

#[test]
fn a_certificate_must_say_that_it_is_for_clients() {
    let ca = &CERTIFICATES.ca;
    for usage in [None, Some(ExtendedKeyUsagePurpose::ServerAuth)] {
        let issued = ca.issue("alice", usage);
        assert_eq!(
            refusal_of(Some(&issued)),
            "the client's certificate lacks the extended key usage clientAuth"
        );
    }
    let mut params = named("alice");
    params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    let issued = ca.issue_with(
        params,
        Some(ExtendedKeyUsagePurpose::ClientAuth),
        &KeyPair::generate().unwrap(),
    );
    assert_eq!(
        refusal_of(Some(&issued)),
        "the client's certificate lacks the key usage digitalSignature"
    );
}

#[test]
fn certificates_outside_their_time_are_refused() {
    let ca = &CERTIFICATES.ca;
    for (years, expected) in [
        ((1990, 1991), "has expired"),
        ((2190, 2191), "is not valid yet"),
    ] {
        let mut params = named("alice");
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let issued = ca.issue_with(
            params,
            Some(ExtendedKeyUsagePurpose::ClientAuth),
            &KeyPair::generate().unwrap(),
        );
        assert_eq!(
            refusal_of(Some(&issued)),
            format!("the client's certificate {expected}")
        );
    }
}

/// CVE-2017-7522 and its kin.
#[test]
fn subjects_that_could_be_read_in_two_ways_are_refused() {
    let ca = &CERTIFICATES.ca;
    let mut without = named("alice");
    without.distinguished_name = rcgen::DistinguishedName::new();
    without
        .distinguished_name
        .push(DnType::OrganizationName, "alice");
    let mut with_nul = named("alice");
    with_nul.distinguished_name = rcgen::DistinguishedName::new();
    with_nul.distinguished_name.push(
        DnType::CommonName,
        DnValue::Utf8String("alice\0.evil".into()),
    );
    let mut twice = named("alice");
    // The same OID by another name, so that there are two of them.
    twice
        .distinguished_name
        .push(DnType::CustomDnType(vec![2, 5, 4, 3]), "bob");
    let expected = [
        (without, "the client's certificate has no common name"),
        (
            twice,
            "the client's certificate has several common names, or one that is not plain text",
        ),
        (
            with_nul,
            "the client's certificate has several common names, or one that is not plain text",
        ),
    ];
    for (params, expected) in expected {
        let issued = ca.issue_with(
            params,
            Some(ExtendedKeyUsagePurpose::ClientAuth),
            &KeyPair::generate().unwrap(),
        );
        assert_eq!(refusal_of(Some(&issued)), expected);
    }
}

#[test]
fn a_client_refuses_another_server() {
    let ca = &CERTIFICATES.ca;
    let impostor =
        Authority::new("Test CA").issue("server", Some(ExtendedKeyUsagePurpose::ServerAuth));
    let other_name = ca.issue("other", Some(ExtendedKeyUsagePurpose::ServerAuth));
    let cases = [
        (impostor, CertificateProblem::UnknownIssuer(Role::Server)),
        (other_name, CertificateProblem::WrongName),
    ];
    for (server, problem) in cases {
        let mut setup = Setup::default();
        setup.server.tls = server_tls(&server, &ca.certificate, TlsVersions::Both);
        let mut pair = Pair::new(setup);
        pair.run(Duration::from_secs(20));
        let expected = TlsFailure::Certificate {
            of: Role::Server,
            problem,
        };
        assert_eq!(pair.client.closed, Some(CloseReason::Tls(expected)));
        assert!(matches!(
            pair.server().closed,
            Some(CloseReason::Tls(TlsFailure::Alert(_)))
        ));
    }
}

#[test]
fn a_certificate_for_clients_cannot_be_a_servers() {
    let client = &CERTIFICATES.client;
    let error = ServerTls::from_pem(
        client.certificate.as_bytes(),
        client.key.as_bytes(),
        CERTIFICATES.ca.certificate.as_bytes(),
        TlsVersions::Both,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "server certificate: lacks the extended key usage serverAuth"
    );
    let error = ServerTls::from_pem(
        CERTIFICATES.server.certificate.as_bytes(),
        client.key.as_bytes(),
        CERTIFICATES.ca.certificate.as_bytes(),
        TlsVersions::Both,
    )
    .unwrap_err();
    assert!(matches!(error, TlsConfigError::Rejected(_)));
}

#[test]
fn ends_that_share_no_tls_version_say_so() {
    let mut setup = Setup::default();
    let ca = &CERTIFICATES.ca.certificate;
    setup.server.tls = server_tls(&CERTIFICATES.server, ca, TlsVersions::Only13);
    setup.client.tls = client_tls(ca, Some(&CERTIFICATES.client), TlsVersions::Only12);
    let mut pair = Pair::new(setup);
    pair.run(Duration::from_secs(20));
    assert_eq!(
        pair.server().closed,
        Some(CloseReason::Tls(TlsFailure::NoCommonVersion))
    );
}

#[test]
fn a_handshake_that_stalls_ends_after_the_hand_window() {
    let mut pair = Pair::new(Setup::default());
    let mut count = 0;
    pair.lose = Box::new(move |to, _| {
        count += usize::from(to == To::Client);
        to == To::Client && count > 1
    });
    pair.run(Duration::from_secs(59));
    assert_eq!(pair.client.closed, None);
    pair.run(Duration::from_secs(2));
    assert_eq!(
        pair.client.closed,
        Some(CloseReason::HandshakeTimeout { secs: 60 })
    );
    assert_eq!(
        pair.server().closed,
        Some(CloseReason::HandshakeTimeout { secs: 60 })
    );
}

#[test]
fn a_chain_beyond_its_limit_is_refused() {
    let certificates = &*CERTIFICATES;
    let mut chain = Issued {
        certificate: certificates.client.certificate.clone(),
        key: certificates.client.key.clone(),
    };
    for _ in 0..4 {
        chain.certificate.push_str(&certificates.ca.certificate);
    }
    assert_eq!(
        refusal_of(Some(&chain)),
        "the client's certificate comes in a chain that is too long"
    );
}

/// Debug output ends up in logs.
#[test]
fn a_clients_settings_show_no_credentials() {
    let mut client = Setup::default().client;
    client.credentials = Some(("ada".into(), "hunter2".to_owned().into()));
    let text = format!("{client:?}");
    assert!(!text.contains("ada") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_user_name_with_control_characters_is_answered_rather_than_left_waiting() {
    let mut setup = Setup::default();
    setup.client.credentials = Some(("ada\nroot".into(), "x".to_owned().into()));
    let mut pair = Pair::new(setup);
    pair.run(Duration::from_secs(10));
    assert!(pair.server().admissions.is_empty());
    assert!(matches!(
        &pair.client.closed,
        Some(CloseReason::AuthFailed(text)) if text.contains("control characters")
    ));
}
