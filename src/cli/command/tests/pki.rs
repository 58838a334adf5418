//! `gatehouse pki`.

use super::*;
use crate::model::command::{IssueCertificates, RenewCertificate};

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
            assert_eq!(many.command, command);
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
