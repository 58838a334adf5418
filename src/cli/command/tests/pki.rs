//! `gatehouse pki`.

use super::*;
use crate::model::command::{IssueCertificates, RenewCertificate, SignCertificateRequest};

#[test]
fn a_certificate_is_issued_for_as_long_and_for_the_names_that_were_typed() {
    let line = "pki issue --ca-arn arn:ca --usage server --common-name vpn.example.com \
                --validity-days 90 --alternative-names vpn2.example.com 192.0.2.10";
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        request(&words).command,
        Command::IssueCertificate(IssueCertificate {
            ca_arn: "arn:ca".to_owned(),
            usage: CertificateUse::Server,
            common_name: "vpn.example.com".to_owned(),
            key_type: KeyType::EcdsaP256,
            validity_days: Some(90),
            alternative_names: vec!["vpn2.example.com".to_owned(), "192.0.2.10".to_owned()],
        })
    );
}

#[test]
fn names_are_read_from_a_file_one_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("names.txt");
    fs::write(&file, "a.lindqvist\r\nÅsa Öberg\n\n").unwrap();
    let names = format!("file://{}", file.display());
    let line = ["pki", "issue-many", "--ca-arn", "arn:ca", "--names", &names];
    let command = IssueCertificates {
        ca_arn: "arn:ca".to_owned(),
        common_names: vec!["a.lindqvist".to_owned(), "Åsa Öberg".to_owned()],
        ..IssueCertificates::default()
    };
    assert_eq!(
        request(&line).command,
        Command::IssueCertificates(command.clone())
    );
    let with_files = [
        "--profiles",
        "out",
        "--client-vpn-endpoint-id",
        "cvpn-endpoint-1",
    ];
    match meant(&[&line[..], &with_files].concat()).unwrap() {
        Action::IssueMany(many) => {
            let with_endpoint = IssueCertificates {
                client_vpn_endpoint_id: Some("cvpn-endpoint-1".to_owned()),
                ..command
            };
            assert_eq!(many.command, with_endpoint);
            assert_eq!(many.endpoint, "cvpn-endpoint-1");
            assert!(!many.force);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn renewing_and_replacing_go_by_arn() {
    let renewed = request(&["pki", "renew", "--certificate-arn", "arn:1"]);
    assert_eq!(
        renewed.command,
        Command::RenewCertificate(RenewCertificate {
            certificate_arn: "arn:1".to_owned(),
            validity_days: None,
        })
    );
    let line = ["acm", "import-certificate", "--certificate", "-----BEGIN\n"];
    let replacing = request(&[&line[..], &["--certificate-arn", "arn:1"]].concat());
    match replacing.command {
        Command::ImportCertificate(it) => {
            assert_eq!(it.certificate_arn.as_deref(), Some("arn:1"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_are_read_from_files_and_sent_as_they_are() {
    let csr = "-----BEGIN CERTIFICATE REQUEST-----\n";
    let line = [
        "pki", "sign-csr", "--ca-arn", "arn:ca", "--csr", csr, "--usage", "client",
    ];
    let expected = SignCertificateRequest {
        ca_arn: "arn:ca".to_owned(),
        csr: Bytes(csr.as_bytes().to_vec()),
        usage: CertificateUse::Client,
        common_name: None,
        validity_days: None,
    };
    match meant(&line).unwrap() {
        Action::Sign(command) => assert_eq!(*command, expected),
        other => panic!("{other:?}"),
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.csr");
    fs::write(&file, [0x30, 0x82, 0xff]).unwrap();
    let from_file = format!("fileb://{}", file.display());
    let looked_at = request(&["pki", "inspect-csr", "--csr", &from_file]);
    match looked_at.command {
        Command::InspectCertificateRequest(it) => assert_eq!(it.csr.0, [0x30, 0x82, 0xff]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_of_easy_rsa_is_read_and_another_is_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    let line = ["pki", "import-easy-rsa", &path];
    let error = meant(&line).unwrap_err().to_string();
    assert!(error.contains("no ca.crt"), "{error}");
    fs::write(dir.path().join("ca.crt"), "ca").unwrap();
    match request(&line).command {
        Command::ImportPki(it) => {
            assert_eq!(it.files.len(), 1);
            assert_eq!(it.files[0].path, "ca.crt");
        }
        other => panic!("{other:?}"),
    }
}
