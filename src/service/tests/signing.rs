//! Certificates for requests, and authorities with later dates.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

use super::*;
use crate::{
    model::{
        Certificate, CertificateRequest, Code, Cure,
        command::{
            Bytes, ExportCertificate, ExportClientConfiguration, InspectCertificateRequest,
            RenewCertificate, SignCertificateRequest,
        },
        notice::notices,
    },
    pki,
};

fn request(name: &str) -> (Bytes, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut asked = CertificateParams::new(vec!["vpn2.example.com".to_owned()]).unwrap();
    asked.distinguished_name = DistinguishedName::new();
    asked
        .distinguished_name
        .push(DnType::OrganizationName, "Example");
    if !name.is_empty() {
        asked.distinguished_name.push(DnType::CommonName, name);
    }
    let text = asked.serialize_request(&key).unwrap().pem().unwrap();
    (Bytes(text.into_bytes()), key)
}

fn sign(ca: &CertificateArn, csr: &Bytes, usage: CertificateUse) -> SignCertificateRequest {
    SignCertificateRequest {
        ca_arn: ca.to_string(),
        csr: csr.clone(),
        usage,
        common_name: None,
        validity_days: None,
    }
}

fn stored(bench: &Bench, arn: &CertificateArn) -> Certificate {
    Certificate::clone(&bench.service.snapshot().certificates[arn])
}

#[tokio::test]
async fn a_request_is_signed_and_its_key_is_said_to_be_elsewhere() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let (csr, key) = request("a.lindqvist");
    let command = sign(&made.ca, &csr, CertificateUse::Client);
    let signed = arn(bench.ok(Command::SignCertificateRequest(command)).await);
    let certificate = stored(&bench, &signed);
    assert_eq!(certificate.subject, "CN=a.lindqvist");
    assert_eq!(certificate.usage, CertificateUse::Client);
    assert_eq!(certificate.issued_by.as_ref(), Some(&made.ca));
    assert!(!certificate.has_private_key);
    let own = key.serialize_pem();
    let pem = certificate.certificate_pem.as_bytes();
    pki::import(pem, Some(own.as_bytes()), None, clock::now()).unwrap();

    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let export = Command::ExportCertificate(ExportCertificate {
        certificate_arn: signed.to_string(),
        with_private_key: true,
    });
    let profile = Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint.to_string(),
        client_certificate_arn: Some(signed.to_string()),
    });
    let renew = Command::RenewCertificate(RenewCertificate {
        certificate_arn: signed.to_string(),
        validity_days: None,
    });
    for (command, field) in [
        (export, "CertificateArn"),
        (profile, "ClientCertificateArn"),
        (renew, "CertificateArn"),
    ] {
        let refusal = bench.refused(command).await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal}");
        assert!(
            refusal
                .message
                .contains("is not here: the certificate was signed for a request"),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn what_a_request_asks_for_is_said_before_it_is_signed() {
    let bench = Bench::new().await;
    let inspect = |csr| Command::InspectCertificateRequest(InspectCertificateRequest { csr });
    let (csr, _) = request("vpn.example.com");
    let answer = bench.ok(inspect(csr.clone())).await;
    let expected = CertificateRequest {
        subject: "O=Example, CN=vpn.example.com".to_owned(),
        common_name: Some("vpn.example.com".to_owned()),
        key_algorithm: "EC_prime256v1".to_owned(),
        alternative_names: vec!["vpn2.example.com".to_owned()],
        left_out: Vec::new(),
    };
    assert_eq!(answer, Answer::CertificateRequest(Box::new(expected)));
    let refusal = bench.refused(inspect(Bytes(b"hello".to_vec()))).await;
    assert_eq!(refusal.field.as_deref(), Some("Csr"));
    // The request itself is nothing for the record.
    let events = serde_json::to_string(&bench.events().await).unwrap();
    let text = String::from_utf8(csr.0.clone()).unwrap();
    assert!(!events.contains(text.lines().nth(1).unwrap()));

    let made = bench.certificates().await;
    let command = sign(&made.ca, &csr, CertificateUse::Server);
    let signed = arn(bench.ok(Command::SignCertificateRequest(command)).await);
    let names = stored(&bench, &signed).alternative_names;
    assert_eq!(names, ["vpn.example.com", "vpn2.example.com"]);
}

#[tokio::test]
async fn requests_names_and_authorities_that_will_not_do_are_refused_at_their_field() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let (csr, key) = request("a.lindqvist");
    let good = sign(&made.ca, &csr, CertificateUse::Client);
    let of = |text: &[u8]| SignCertificateRequest {
        csr: Bytes(text.to_vec()),
        ..good.clone()
    };
    let named = |name: &str| SignCertificateRequest {
        common_name: Some(name.to_owned()),
        ..good.clone()
    };
    let weak = include_str!("../../pki/fixtures/rsa1024.csr.pem");
    let long = "名".repeat(65);
    for (command, code, field) in [
        (of(b""), Code::MissingParameter, "Csr"),
        (of(b"hello"), Code::Validation, "Csr"),
        (of(key.serialize_pem().as_bytes()), Code::Validation, "Csr"),
        (of(weak.as_bytes()), Code::Validation, "Csr"),
        (of(&request("").0.0), Code::MissingParameter, "CommonName"),
        (named(""), Code::Validation, "CommonName"),
        (named(&long), Code::Validation, "CommonName"),
        (named("a\0b"), Code::Validation, "CommonName"),
        (
            sign(&made.ca, &csr, CertificateUse::Authority),
            Code::Validation,
            "Usage",
        ),
        (
            sign(&made.client, &csr, CertificateUse::Client),
            Code::Validation,
            "CaArn",
        ),
        (
            SignCertificateRequest {
                validity_days: Some(3651),
                ..good.clone()
            },
            Code::Validation,
            "ValidityDays",
        ),
    ] {
        let refusal = bench
            .refused(Command::SignCertificateRequest(command))
            .await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal}");
        assert_eq!(refusal.code, code, "{refusal}");
    }
    let name = "名".repeat(64);
    let answer = bench
        .ok(Command::SignCertificateRequest(named(&name)))
        .await;
    assert_eq!(stored(&bench, &arn(answer)).common_name, Some(name));
}

fn renew(arn: &CertificateArn, days: u32) -> Command {
    Command::RenewCertificate(RenewCertificate {
        certificate_arn: arn.to_string(),
        validity_days: Some(days),
    })
}

#[tokio::test]
async fn a_renewed_authority_keeps_its_key_and_what_it_signed_goes_on() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    let old = stored(&bench, &made.ca);
    let client = stored(&bench, &made.client);
    bench.ok(renew(&made.ca, 3000)).await;
    let new = stored(&bench, &made.ca);
    assert_eq!((&new.subject, new.usage), (&old.subject, old.usage));
    assert_eq!(new.created_at, old.created_at);
    assert_ne!(new.serial, old.serial);
    assert_ne!(new.not_after, old.not_after);
    assert!(new.has_private_key && new.chain_pem.is_empty());

    // Clients of before come in, and so do those of now.
    let roots = bench
        .service
        .credentials(&endpoint)
        .await
        .unwrap()
        .client_roots;
    let der = |pem: &str| pki::split_bundle(pem).unwrap().remove(0);
    assert_eq!(roots, [der(&new.certificate_pem)]);
    let later = bench.issue(&made.ca, CertificateUse::Client, "later").await;
    let later = stored(&bench, &later);
    assert!(later.not_after <= new.not_after);
    for (leaf, root) in [(&client, &new), (&later, &new), (&later, &old)] {
        let (leaf, root) = (
            leaf.certificate_pem.as_bytes(),
            root.certificate_pem.as_bytes(),
        );
        pki::import(leaf, None, Some(root), clock::now()).unwrap();
    }
    // A configuration that is downloaded now has the new one, and the server shows it.
    let profile = Command::ExportClientVpnClientConfiguration(ExportClientConfiguration {
        client_vpn_endpoint_id: endpoint.to_string(),
        client_certificate_arn: Some(made.client.to_string()),
    });
    let Answer::ClientConfiguration(file) = bench.ok(profile).await else {
        panic!()
    };
    let text = String::from_utf8(file.text.expose().to_vec()).unwrap();
    assert!(text.contains(new.certificate_pem.trim()));
    assert!(!text.contains(old.certificate_pem.trim()));
    assert_eq!(stored(&bench, &made.server).chain_pem, new.certificate_pem);
    let restarted = bench.restarted().await;
    assert_eq!(*restarted.snapshot().certificates[&made.ca], new);
}

#[tokio::test]
async fn an_authority_near_its_end_is_to_be_renewed_and_then_is_silent() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    bench.ok(renew(&made.ca, 10)).await;
    let now = clock::now();
    let about_ca = |bench: &Bench| {
        let all = notices(&bench.service.snapshot(), now);
        all.into_iter()
            .find(|it| it.sentence.contains("Example CA"))
    };
    let notice = about_ca(&bench).expect("it nears its end");
    assert_eq!(notice.cure, Cure::RenewAuthority);
    assert!(notice.cure_sentence().contains("client configurations"));
    bench.ok(renew(&made.ca, 3650)).await;
    assert!(about_ca(&bench).is_none());
}

#[tokio::test]
async fn an_authority_whose_key_is_elsewhere_is_not_renewed_here() {
    let bench = Bench::new().await;
    let ca = pki::make_ca("Elsewhere CA", pki::KeyType::EcdsaP256, clock::now()).unwrap();
    let imported = bench
        .ok(Command::ImportCertificate(
            crate::model::command::ImportCertificate {
                certificate: Bytes(ca.certificate_pem.into_bytes()),
                ..Default::default()
            },
        ))
        .await;
    let refusal = bench.refused(renew(&arn(imported), 30)).await;
    assert_eq!(refusal.field.as_deref(), Some("CertificateArn"));
    assert!(refusal.message.contains("imported without it"), "{refusal}");
    let made = bench.certificates().await;
    let refusal = bench.refused(renew(&made.ca, 0)).await;
    assert_eq!(refusal.field.as_deref(), Some("ValidityDays"));
}
