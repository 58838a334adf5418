use super::*;
use crate::{
    model::{
        CertificateOrigin, Code,
        command::{
            Bytes, CertificateName, ExportCertificate, Exported, ImportCertificate,
            IssueCertificates, RenewCertificate, Secret,
        },
    },
    pki,
};

async fn export(bench: &Bench, arn: &CertificateArn) -> Exported {
    let command = Command::ExportCertificate(ExportCertificate {
        certificate_arn: arn.to_string(),
        with_private_key: true,
    });
    match bench.ok(command).await {
        Answer::Exported(exported) => exported,
        other => panic!("{other:?}"),
    }
}

fn delete(arn: &CertificateArn) -> Command {
    Command::DeleteCertificate(CertificateName {
        certificate_arn: arn.to_string(),
    })
}

#[tokio::test]
async fn what_is_issued_here_names_its_issuer_and_has_its_key() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let snapshot = bench.service.snapshot();
    let server = &snapshot.certificates[&made.server];
    assert_eq!(server.usage, CertificateUse::Server);
    assert_eq!(server.origin, CertificateOrigin::Issued);
    assert_eq!(server.issued_by.as_ref(), Some(&made.ca));
    assert!(server.has_private_key);
    assert_eq!(
        server.chain_pem,
        snapshot.certificates[&made.ca].certificate_pem
    );
    assert_eq!(
        snapshot.certificates[&made.ca].usage,
        CertificateUse::Authority
    );
    assert_eq!(
        snapshot.certificates[&made.client].usage,
        CertificateUse::Client
    );
    assert_eq!(server.fingerprint.len(), 64);
}

#[tokio::test]
async fn names_and_authorities_that_cannot_issue_are_refused_at_their_field() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let issue = |ca: &CertificateArn, usage, name: &str| {
        Command::IssueCertificate(IssueCertificate {
            ca_arn: ca.to_string(),
            usage,
            common_name: name.to_owned(),
            key_type: KeyType::EcdsaP256,
            validity_days: None,
            alternative_names: Vec::new(),
        })
    };
    let client = CertificateUse::Client;
    for (command, field) in [
        (issue(&made.ca, client, ""), "CommonName"),
        (issue(&made.ca, client, "a\nb"), "CommonName"),
        (issue(&made.ca, client, &"x".repeat(65)), "CommonName"),
        (issue(&made.ca, CertificateUse::Authority, "x"), "Usage"),
        (issue(&made.client, client, "x"), "CaArn"),
    ] {
        let refusal = bench.refused(command).await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal}");
    }
    let unknown = CertificateArn::from_random("local-1", "000000000000", [1; 16]);
    let refusal = bench.refused(issue(&unknown, client, "x")).await;
    assert_eq!(refusal.code, Code::ResourceNotFound);
}

#[tokio::test]
async fn an_authority_imported_without_its_key_cannot_issue() {
    let bench = Bench::new().await;
    let made = pki::make_ca("Elsewhere CA", pki::KeyType::EcdsaP256, clock::now()).unwrap();
    let imported = bench
        .ok(Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(made.certificate_pem.into_bytes()),
            ..ImportCertificate::default()
        }))
        .await;
    let refusal = bench
        .refused(Command::IssueCertificate(IssueCertificate {
            ca_arn: arn(imported).to_string(),
            usage: CertificateUse::Client,
            common_name: "client1".to_owned(),
            key_type: KeyType::EcdsaP256,
            validity_days: None,
            alternative_names: Vec::new(),
        }))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("CaArn"));
    assert!(refusal.message.contains("private key"), "{refusal}");
}

#[tokio::test]
async fn an_exported_certificate_imports_again_with_its_key_and_chain() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let exported = export(&bench, &made.client).await;
    let other = Bench::new().await;
    let imported = other
        .ok(Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(exported.certificate_pem.clone().into_bytes()),
            private_key: exported.private_key_pem.clone(),
            certificate_chain: Some(Bytes(exported.chain_pem.clone().into_bytes())),
            ..ImportCertificate::default()
        }))
        .await;
    let arn = arn(imported);
    assert_eq!(export(&other, &arn).await, exported);
    let snapshot = other.service.snapshot();
    assert_eq!(
        snapshot.certificates[&arn].origin,
        CertificateOrigin::Imported
    );
    assert_eq!(
        snapshot.certificates[&arn].common_name.as_deref(),
        Some("client1")
    );
}

#[tokio::test]
async fn an_import_finds_its_issuer_in_the_store() {
    let bench = Bench::new().await;
    let ca = pki::make_ca("Elsewhere CA", pki::KeyType::EcdsaP256, clock::now()).unwrap();
    let request = pki::Request::client("client1");
    let issued = pki::issue(
        &ca.certificate_pem,
        &ca.private_key_pem,
        &request,
        clock::now(),
    )
    .unwrap();
    let import = |pem: String| {
        Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(pem.into_bytes()),
            ..ImportCertificate::default()
        })
    };
    let ca = arn(bench.ok(import(ca.certificate_pem)).await);
    let client = arn(bench.ok(import(issued.certificate_pem)).await);
    let snapshot = bench.service.snapshot();
    assert_eq!(snapshot.certificates[&client].issued_by.as_ref(), Some(&ca));
}

#[tokio::test]
async fn files_that_do_not_fit_together_are_refused_at_the_one_that_is_wrong() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let (server, client) = (
        export(&bench, &made.server).await,
        export(&bench, &made.client).await,
    );
    let certificate = || Bytes(server.certificate_pem.clone().into_bytes());
    let import = |command| Command::ImportCertificate(command);
    for (command, field, code) in [
        (
            ImportCertificate::default(),
            "Certificate",
            Code::MissingParameter,
        ),
        (
            ImportCertificate {
                certificate: Bytes(b"not PEM".to_vec()),
                ..ImportCertificate::default()
            },
            "Certificate",
            Code::Validation,
        ),
        (
            ImportCertificate {
                certificate: certificate(),
                private_key: client.private_key_pem.clone(),
                certificate_chain: None,
                ..ImportCertificate::default()
            },
            "PrivateKey",
            Code::Validation,
        ),
        (
            ImportCertificate {
                certificate: certificate(),
                private_key: None,
                certificate_chain: Some(Bytes(client.certificate_pem.clone().into_bytes())),
                ..ImportCertificate::default()
            },
            "CertificateChain",
            Code::Validation,
        ),
    ] {
        let refusal = bench.refused(import(command)).await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal}");
        assert_eq!(refusal.code, code, "{refusal}");
    }
}

#[tokio::test]
async fn a_certificate_in_use_is_not_deleted_and_the_users_are_named() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let refusal = bench.refused(delete(&made.server)).await;
    assert_eq!(refusal.code, Code::ResourceInUse);
    assert!(refusal.message.contains(endpoint.as_str()), "{refusal}");
    let refusal = bench.refused(delete(&made.ca)).await;
    assert!(refusal.message.contains(endpoint.as_str()), "{refusal}");
    assert!(refusal.message.contains("client1"), "{refusal}");

    bench.ok(delete(&made.client)).await;
    let refusal = bench.refused(delete(&made.client)).await;
    assert_eq!(refusal.code, Code::ResourceNotFound);
}

#[tokio::test]
async fn a_private_key_that_is_not_here_cannot_be_handed_out() {
    let bench = Bench::new().await;
    let made = pki::make_ca("Elsewhere CA", pki::KeyType::EcdsaP256, clock::now()).unwrap();
    let imported = bench
        .ok(Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(made.certificate_pem.into_bytes()),
            ..ImportCertificate::default()
        }))
        .await;
    let certificate_arn = arn(imported).to_string();
    let refusal = bench
        .refused(Command::ExportCertificate(ExportCertificate {
            certificate_arn: certificate_arn.clone(),
            with_private_key: true,
        }))
        .await;
    assert_eq!(refusal.code, Code::Validation);
    let without = Command::ExportCertificate(ExportCertificate {
        certificate_arn,
        with_private_key: false,
    });
    let Answer::Exported(exported) = bench.ok(without).await else {
        panic!()
    };
    assert_eq!(exported.private_key_pem, None);
}

#[tokio::test]
async fn the_gateway_gets_what_an_endpoint_needs_to_speak_tls() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let credentials = bench.service.credentials(&endpoint).await.unwrap();
    let snapshot = bench.service.snapshot();
    let der = |arn: &CertificateArn| {
        let pem = &snapshot.certificates[arn].certificate_pem;
        pki::split_bundle(pem).unwrap().remove(0)
    };
    assert_eq!(credentials.server_chain, [der(&made.server), der(&made.ca)]);
    assert_eq!(credentials.client_roots, [der(&made.ca)]);
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(credentials.server_key.to_vec());
    assert!(rustls::crypto::aws_lc_rs::sign::any_supported_type(&key.into()).is_ok());
}

#[tokio::test]
async fn no_secret_is_in_snapshots_events_or_debug_output() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let exported = export(&bench, &made.client).await;
    let key = exported.private_key_pem.clone().unwrap();
    // A file that should hold a certificate and holds its key too.
    let mut both = exported.certificate_pem.clone().into_bytes();
    both.extend_from_slice(key.expose());
    let import = Command::ImportCertificate(ImportCertificate {
        certificate: Bytes(both),
        private_key: Some(Secret::new(key.expose().to_vec())),
        certificate_chain: None,
        ..ImportCertificate::default()
    });
    // Whether it is taken or not, nothing of it may be in the record.
    drop(bench.call(import).await);

    let events = serde_json::to_string(&bench.events().await).unwrap();
    let snapshot = serde_json::to_string(&*bench.service.snapshot()).unwrap();
    let debug = format!("{exported:?}");
    let body = String::from_utf8(key.expose().to_vec()).unwrap();
    let body = body.lines().nth(1).unwrap();
    for text in [&events, &snapshot, &debug] {
        assert!(!text.contains("PRIVATE KEY"));
        assert!(!text.contains(body));
    }
    assert!(!events.contains("BEGIN CERTIFICATE"));
    assert!(events.contains("\"with_private_key\":true"));
}

#[tokio::test]
async fn private_keys_are_sealed_on_disk() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let key = export(&bench, &made.client).await.private_key_pem.unwrap();
    let body = String::from_utf8(key.expose().to_vec()).unwrap();
    let body = body.lines().nth(1).unwrap().as_bytes();
    for file in std::fs::read_dir(bench.dir.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(body.len()).any(|window| window == body),
            "{}",
            path.display()
        );
    }
}

fn many(ca: &CertificateArn, names: &[&str]) -> Command {
    Command::IssueCertificates(IssueCertificates {
        ca_arn: ca.to_string(),
        common_names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..IssueCertificates::default()
    })
}

fn renew(arn: &CertificateArn, days: Option<u32>) -> Command {
    Command::RenewCertificate(RenewCertificate {
        certificate_arn: arn.to_string(),
        validity_days: days,
    })
}

fn replace(arn: &CertificateArn, exported: &Exported) -> Command {
    Command::ImportCertificate(ImportCertificate {
        certificate: Bytes(exported.certificate_pem.clone().into_bytes()),
        private_key: exported.private_key_pem.clone(),
        certificate_chain: Some(Bytes(exported.chain_pem.clone().into_bytes())),
        certificate_arn: Some(arn.to_string()),
    })
}

#[tokio::test]
async fn validity_and_further_names_are_those_asked_for_and_refused_at_their_field() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let issue = |usage, days, names: &[&str]| {
        Command::IssueCertificate(IssueCertificate {
            ca_arn: made.ca.to_string(),
            usage,
            common_name: "vpn.example.com".to_owned(),
            key_type: KeyType::EcdsaP256,
            validity_days: days,
            alternative_names: names.iter().map(|name| (*name).to_owned()).collect(),
        })
    };
    let server = CertificateUse::Server;
    let names = ["vpn2.example.com", "192.0.2.10"];
    let issued = arn(bench.ok(issue(server, Some(90), &names)).await);
    let certificate = bench.service.snapshot().certificates[&issued].clone();
    assert_eq!(
        certificate.alternative_names,
        ["vpn.example.com", "vpn2.example.com", "192.0.2.10"]
    );
    let left = certificate.not_after.duration_since(clock::now());
    assert_eq!((left.as_hours() + 1) / 24, 90);
    for (command, field) in [
        (issue(server, Some(0), &[]), "ValidityDays"),
        (issue(server, Some(3651), &[]), "ValidityDays"),
        (issue(server, None, &["a b"]), "SubjectAlternativeNames"),
        (issue(server, None, &[""]), "SubjectAlternativeNames"),
        (issue(server, None, &["a"; 101]), "SubjectAlternativeNames"),
        (
            issue(CertificateUse::Client, None, &["a"]),
            "SubjectAlternativeNames",
        ),
    ] {
        let refusal = bench.refused(command).await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal}");
    }
}

#[tokio::test]
async fn a_list_of_names_has_a_certificate_each_or_none() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let names = ["a.lindqvist", "日本", "Ünïcode Ω", "שלום"];
    let Answer::CertificateArns(arns) = bench.ok(many(&made.ca, &names)).await else {
        panic!()
    };
    let snapshot = bench.service.snapshot();
    let titles: Vec<_> = arns
        .iter()
        .map(|arn| snapshot.certificates[arn].title())
        .collect();
    assert_eq!(titles, names);
    for arn in &arns {
        let certificate = &snapshot.certificates[arn];
        assert_eq!(certificate.usage, CertificateUse::Client);
        assert!(certificate.has_private_key);
    }
    let long = "x".repeat(65);
    let too_many: Vec<String> = (0..501).map(|number| format!("user{number}")).collect();
    let too_many: Vec<&str> = too_many.iter().map(String::as_str).collect();
    for (names, said) in [
        (&[][..], "needed"),
        (&["anna", "", "bo"], "Line 2 is empty"),
        (&["anna", "bo", "anna"], "Line 3 repeats"),
        (&["anna", &long], "Line 2 has 65 characters"),
        (&["anna", "b\to"], "Line 2 holds a control character"),
        (&too_many, "line 501"),
    ] {
        let refusal = bench.refused(many(&made.ca, names)).await;
        assert_eq!(refusal.field.as_deref(), Some("CommonNames"), "{refusal}");
        assert!(refusal.message.contains(said), "{refusal}");
    }
    let refusal = bench.refused(many(&made.client, &["anna"])).await;
    assert_eq!(refusal.field.as_deref(), Some("CaArn"));
}

#[tokio::test]
async fn a_renewed_certificate_keeps_its_arn_and_gets_a_new_key_and_later_dates() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let old = bench.service.snapshot().certificates[&made.server].clone();
    let old_key = export(&bench, &made.server).await.private_key_pem;
    let renewed = arn(bench.ok(renew(&made.server, Some(900))).await);
    assert_eq!(renewed, made.server);
    let snapshot = bench.service.snapshot();
    let new = &snapshot.certificates[&made.server];
    assert!(new.not_after > old.not_after);
    assert_ne!(new.serial, old.serial);
    assert_eq!(
        (&new.common_name, &new.alternative_names, new.usage),
        (&old.common_name, &old.alternative_names, old.usage)
    );
    assert_eq!(new.issued_by, old.issued_by);
    assert_eq!(new.created_at, old.created_at);
    assert_ne!(export(&bench, &made.server).await.private_key_pem, old_key);
    // The gateway gets the new one, with the key that belongs to it.
    let credentials = bench.service.credentials(&endpoint).await.unwrap();
    let der = pki::split_bundle(&new.certificate_pem).unwrap().remove(0);
    assert_eq!(credentials.server_chain[0], der);

    let lasts =
        |it: &crate::model::Certificate| it.not_after.duration_since(it.not_before).as_hours() / 24;
    bench.ok(renew(&made.client, None)).await;
    let client = bench.service.snapshot().certificates[&made.client].clone();
    assert_eq!(lasts(&client), 825, "as long as the old one");
    let restarted = bench.restarted().await;
    assert_eq!(restarted.snapshot().certificates[&made.client], client);
}

#[tokio::test]
async fn what_cannot_be_renewed_here_says_why() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let other = Bench::new().await;
    let foreign = other.certificates().await;
    let exported = export(&other, &foreign.client).await;
    let import = |key| {
        Command::ImportCertificate(ImportCertificate {
            certificate: Bytes(exported.certificate_pem.clone().into_bytes()),
            private_key: key,
            ..ImportCertificate::default()
        })
    };
    let without = arn(bench.ok(import(None)).await);
    let with = arn(bench.ok(import(exported.private_key_pem.clone())).await);
    for (arn, said) in [
        (
            &without,
            "is not here: the certificate was imported without it",
        ),
        (&with, "authority that issued client1 is not in the store"),
    ] {
        let refusal = bench.refused(renew(arn, None)).await;
        assert_eq!(refusal.field.as_deref(), Some("CertificateArn"));
        assert!(refusal.message.contains(said), "{refusal}");
    }
    let refusal = bench.refused(renew(&made.client, Some(0))).await;
    assert_eq!(refusal.field.as_deref(), Some("ValidityDays"));
    let unknown = CertificateArn::from_random("local-1", "000000000000", [1; 16]);
    let refusal = bench.refused(renew(&unknown, None)).await;
    assert_eq!(refusal.code, Code::ResourceNotFound);
}

#[tokio::test]
async fn an_import_in_the_place_of_another_keeps_the_arn_and_what_uses_it_works_on() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let second = bench.issue(&made.ca, CertificateUse::Server, "vpn.example.com");
    let second = export(&bench, &second.await).await;
    let answer = bench.ok(replace(&made.server, &second)).await;
    assert_eq!(arn(answer), made.server);
    assert_eq!(export(&bench, &made.server).await, second);
    let credentials = bench.service.credentials(&endpoint).await.unwrap();
    let der = pki::split_bundle(&second.certificate_pem)
        .unwrap()
        .remove(0);
    assert_eq!(credentials.server_chain[0], der);

    // Without its key it is the same key that goes on, where it is the same.
    let without_key = Exported {
        private_key_pem: None,
        ..second.clone()
    };
    bench.ok(replace(&made.server, &without_key)).await;
    assert_eq!(export(&bench, &made.server).await, second);
}

#[tokio::test]
async fn what_is_in_use_is_replaced_only_by_what_can_serve_in_its_place() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    bench.endpoint_with(&create_endpoint(&made)).await;
    let client = export(&bench, &made.client).await;
    let server = export(&bench, &made.server).await;
    let ca = export(&bench, &made.ca).await;
    let other_ca = bench.ca("Example CA").await;
    let other_ca = export(&bench, &other_ca).await;
    let third = bench.issue(&made.ca, CertificateUse::Server, "vpn.example.com");
    let without_key = Exported {
        private_key_pem: None,
        ..export(&bench, &third.await).await
    };
    for (place, with, said) in [
        (&made.server, &client, "a server certificate"),
        (
            &made.server,
            &without_key,
            "private key of vpn.example.com is not here",
        ),
        (&made.ca, &server, "a certificate authority"),
        (&made.ca, &other_ca, "another name or key"),
    ] {
        let refusal = bench.refused(replace(place, with)).await;
        assert_eq!(refusal.field.as_deref(), Some("Certificate"), "{refusal}");
        assert!(refusal.message.contains(said), "{refusal}");
    }
    // What nobody uses may become anything.
    bench.ok(replace(&made.client, &server)).await;
    let snapshot = bench.service.snapshot();
    assert_eq!(
        snapshot.certificates[&made.client].usage,
        CertificateUse::Server
    );
    bench.ok(replace(&made.ca, &ca)).await;
}

#[tokio::test]
async fn none_is_issued_for_configurations_that_could_not_be_written() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let other = bench.ca("Other CA").await;
    let many = |ca: &CertificateArn, endpoint: &str| {
        let Command::IssueCertificates(it) = many(ca, &["ada", "bob"]) else {
            panic!()
        };
        Command::IssueCertificates(IssueCertificates {
            client_vpn_endpoint_id: Some(endpoint.to_owned()),
            ..it
        })
    };
    let refusal = bench
        .refused(many(&made.ca, "cvpn-endpoint-00000000000000000"))
        .await;
    assert_eq!(refusal.code, Code::EndpointNotFound);
    let refusal = bench.refused(many(&other, endpoint.as_str())).await;
    assert!(refusal.message.contains("client CA"), "{refusal}");
    let answer = bench.ok(many(&made.ca, endpoint.as_str())).await;
    assert!(matches!(answer, Answer::CertificateArns(arns) if arns.len() == 2));
}
