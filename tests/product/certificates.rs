//! Certificates that will not do: each refused with AWS's code and the field at fault.

use std::fs;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use time::OffsetDateTime;

use crate::support::Installation;

/// A certificate that expired long ago, and its key.
fn expired() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["old.example.com".to_owned()]).unwrap();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "old.example.com");
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.not_before = OffsetDateTime::from_unix_timestamp(1_500_000_000).unwrap();
    parameters.not_after = OffsetDateTime::from_unix_timestamp(1_600_000_000).unwrap();
    let above = Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
    let pem = parameters.signed_by(&key, &above).unwrap().pem();
    (pem, key.serialize_pem())
}

fn request(name: &str) -> String {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    parameters.serialize_request(&key).unwrap().pem().unwrap()
}

/// A command, its refusal's code, the field at fault, and words of the message.
type Case<'a> = (Vec<&'a str>, &'a str, &'a str, &'a str);

#[test]
fn certificates_requests_and_names_that_will_not_do_are_refused_at_their_field() {
    let on = Installation::new();
    let _gateway = on.serve();
    let ca = on.text("pki create-ca --common-name CA", "/CertificateArn");
    let issue = |usage: &str, name: &str| {
        let line = [
            "pki",
            "issue",
            "--ca-arn",
            &ca,
            "--usage",
            usage,
            "--common-name",
            name,
        ];
        on.run(&line).json()["CertificateArn"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let export = |arn: &str| {
        let out = on
            .run(&["pki", "export", "--certificate-arn", arn, "--private-key"])
            .json();
        let text = |field: &str| out[field].as_str().unwrap().to_owned();
        (text("Certificate"), text("PrivateKey"))
    };
    let client = issue("client", "Åsa Öberg 日本 שלום");
    let (server_pem, _) = export(&issue("server", "vpn.example.com"));
    let (client_pem, client_key) = export(&client);
    let (old_pem, old_key) = expired();
    let csr = request("a.lindqvist");
    let long = "名".repeat(65);
    let import =
        |certificate: &'static str| vec!["acm", "import-certificate", "--certificate", certificate];
    let with = |certificate, more: &[&'static str]| [import(certificate), more.to_vec()].concat();
    // The command lines live as long as the test.
    let keep = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let [
        server_pem,
        client_pem,
        client_key,
        old_pem,
        old_key,
        csr,
        long,
        ca_arn,
        client,
    ] = [
        server_pem,
        client_pem,
        client_key,
        old_pem,
        old_key,
        csr,
        long,
        ca.clone(),
        client,
    ]
    .map(keep);
    let sign = |ca, csr, more: &[&'static str]| {
        let line = [
            "pki", "sign-csr", "--ca-arn", ca, "--usage", "client", "--csr", csr,
        ];
        [&line[..], more].concat()
    };
    let issuing = |name| {
        [
            "pki",
            "issue",
            "--ca-arn",
            ca_arn,
            "--usage",
            "client",
            "--common-name",
            name,
        ]
        .to_vec()
    };
    let validation = "ValidationException";
    let cases: Vec<Case<'_>> = vec![
        (
            import("hello\n"),
            validation,
            "Certificate",
            "-----BEGIN CERTIFICATE-----",
        ),
        (
            import(client_key),
            validation,
            "Certificate",
            "PRIVATE KEY block",
        ),
        (import("\n"), "MissingParameter", "Certificate", "needed"),
        (
            with(server_pem, &["--private-key", client_key]),
            validation,
            "PrivateKey",
            "does not belong",
        ),
        (
            with(server_pem, &["--private-key", server_pem]),
            validation,
            "PrivateKey",
            "PRIVATE KEY",
        ),
        (
            with(old_pem, &["--private-key", old_key]),
            validation,
            "Certificate",
            "expired at 2020",
        ),
        (
            with(server_pem, &["--certificate-chain", client_pem]),
            validation,
            "CertificateChain",
            "did not sign",
        ),
        (
            with(server_pem, &["--certificate-arn", "arn:none"]),
            "ResourceNotFoundException",
            "CertificateArn",
            "arn:none",
        ),
        (
            issuing(long),
            validation,
            "CommonName",
            "longer than 64 characters",
        ),
        (issuing(""), "MissingParameter", "CommonName", "needed"),
        (
            sign(ca_arn, "hello\n", &[]),
            validation,
            "Csr",
            "CERTIFICATE REQUEST",
        ),
        (
            sign(ca_arn, client_key, &[]),
            validation,
            "Csr",
            "PRIVATE KEY block",
        ),
        (
            sign(client, csr, &[]),
            validation,
            "CaArn",
            "no private key",
        ),
        (
            sign(ca_arn, csr, &["--common-name", long]),
            validation,
            "CommonName",
            "longer than 64",
        ),
        (
            sign(ca_arn, csr, &["--validity-days", "0"]),
            validation,
            "ValidityDays",
            "1 to 3650",
        ),
    ];
    let before = on.words("acm list-certificates").stdout;
    let mut wrong = Vec::new();
    for (line, code, field, said) in cases {
        let refusal = on.run(&line).refusal();
        let message = refusal["Message"].as_str().unwrap_or_default();
        if refusal["Code"] != code || refusal["Field"] != field || !message.contains(said) {
            wrong.push(format!(
                "{line:?}\n  {refusal}\n  not {code} at {field}: {said}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(on.words("acm list-certificates").stdout, before);
}

#[test]
fn a_request_is_signed_and_printed_and_its_key_is_not_here() {
    let on = Installation::new();
    let _gateway = on.serve();
    let ca = on.text("pki create-ca --common-name CA", "/CertificateArn");
    let file = on.file("a.csr");
    fs::write(&file, request("a.lindqvist")).unwrap();
    let csr = format!("file://{}", file.display());
    let asked = on.run(&["pki", "inspect-csr", "--csr", &csr]).json();
    assert_eq!(asked["CertificateRequest"]["CommonName"], "a.lindqvist");
    let line = [
        "pki", "sign-csr", "--ca-arn", &ca, "--csr", &csr, "--usage", "client",
    ];
    let signed = on.run(&line).json();
    let pem = signed["Certificate"].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let text = on.run(&[&["--output", "text"], &line[..]].concat());
    assert_eq!(
        text.stdout.matches("-----BEGIN CERTIFICATE-----").count(),
        2,
        "{text:?}"
    );
    let arn = signed["CertificateArn"].as_str().unwrap();
    let refusal = on
        .run(&["pki", "export", "--certificate-arn", arn, "--private-key"])
        .refusal();
    assert!(
        refusal["Message"].as_str().unwrap().contains("is not here"),
        "{refusal}"
    );
}

#[test]
fn a_folder_that_is_none_is_said_before_anything_is_sent() {
    let on = Installation::new();
    let empty = on.file("pki");
    fs::create_dir(&empty).unwrap();
    let out = on.run(&["pki", "import-easy-rsa", &empty.display().to_string()]);
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(out.stderr.contains("holds no ca.crt"), "{out:?}");
}
