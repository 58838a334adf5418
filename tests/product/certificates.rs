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

/// What the commands are given.
struct Texts {
    ca: String,
    client: String,
    server_pem: String,
    client_pem: String,
    client_key: String,
    old_pem: String,
    old_key: String,
    csr: String,
    /// One character more than a name may have.
    long: String,
}

impl Texts {
    fn make(on: &Installation) -> Self {
        let ca = on.text("pki create-ca --common-name CA", "/CertificateArn");
        let issue = |usage: &str, name: &str| {
            let of = ["pki", "issue", "--ca-arn", &ca, "--usage", usage];
            let line = [&of[..], &["--common-name", name]].concat();
            let made = on.run(&line).json();
            made["CertificateArn"].as_str().unwrap().to_owned()
        };
        let export = |arn: &str| {
            let line = ["pki", "export", "--certificate-arn", arn, "--private-key"];
            let out = on.run(&line).json();
            let text = |field: &str| out[field].as_str().unwrap().to_owned();
            (text("Certificate"), text("PrivateKey"))
        };
        let client = issue("client", "Åsa Öberg 日本 שלום");
        let (server_pem, _) = export(&issue("server", "vpn.example.com"));
        let (client_pem, client_key) = export(&client);
        let (old_pem, old_key) = expired();
        Self {
            ca,
            client,
            server_pem,
            client_pem,
            client_key,
            old_pem,
            old_key,
            csr: request("a.lindqvist"),
            long: "名".repeat(65),
        }
    }
}

/// A command, its refusal's code, the field at fault, and words of the message.
type Case<'a> = (Vec<&'a str>, &'a str, &'a str, &'a str);

fn imports(texts: &Texts) -> Vec<Case<'_>> {
    let with = |certificate, more: &[&'static str], last: &[_]| {
        let line = ["acm", "import-certificate", "--certificate", certificate];
        [&line[..], more, last].concat()
    };
    let alone = |certificate| with(certificate, &[], &[]);
    let key = |certificate, key| with(certificate, &["--private-key"], &[key]);
    let chain = &["--certificate-chain"];
    let place = &["--certificate-arn"];
    let t = texts;
    vec![
        (
            alone("hello\n"),
            VALIDATION,
            "Certificate",
            "-----BEGIN CERTIFICATE-----",
        ),
        (
            alone(&t.client_key),
            VALIDATION,
            "Certificate",
            "PRIVATE KEY block",
        ),
        (alone("\n"), "MissingParameter", "Certificate", "needed"),
        (
            key(&t.server_pem, &t.client_key),
            VALIDATION,
            "PrivateKey",
            "does not belong",
        ),
        (
            key(&t.server_pem, &t.server_pem),
            VALIDATION,
            "PrivateKey",
            "PRIVATE KEY",
        ),
        (
            key(&t.old_pem, &t.old_key),
            VALIDATION,
            "Certificate",
            "expired at 2020",
        ),
        (
            with(&t.server_pem, chain, &[&t.client_pem]),
            VALIDATION,
            "CertificateChain",
            "did not sign",
        ),
        (
            with(&t.server_pem, place, &["arn:none"]),
            "ResourceNotFoundException",
            "CertificateArn",
            "arn:none",
        ),
    ]
}

fn issues_and_requests(texts: &Texts) -> Vec<Case<'_>> {
    let t = texts;
    let sign = |ca, csr, more: &[_]| {
        let of = ["pki", "sign-csr", "--ca-arn", ca, "--usage", "client"];
        [&of[..], &["--csr", csr], more].concat()
    };
    let issue = |name| {
        let of = ["pki", "issue", "--ca-arn", &t.ca, "--usage", "client"];
        [&of[..], &["--common-name", name]].concat()
    };
    vec![
        (
            issue(&t.long),
            VALIDATION,
            "CommonName",
            "longer than 64 characters",
        ),
        (issue(""), "MissingParameter", "CommonName", "needed"),
        (
            sign(&t.ca, "hello\n", &[]),
            VALIDATION,
            "Csr",
            "CERTIFICATE REQUEST",
        ),
        (
            sign(&t.ca, &t.client_key, &[]),
            VALIDATION,
            "Csr",
            "PRIVATE KEY block",
        ),
        (
            sign(&t.client, &t.csr, &[]),
            VALIDATION,
            "CaArn",
            "is no certificate authority",
        ),
        (
            sign(&t.ca, &t.csr, &["--common-name", &t.long]),
            VALIDATION,
            "CommonName",
            "longer than 64",
        ),
        (
            sign(&t.ca, &t.csr, &["--validity-days", "0"]),
            VALIDATION,
            "ValidityDays",
            "1 to 3650",
        ),
    ]
}

#[test]
fn certificates_requests_and_names_that_will_not_do_are_refused_at_their_field() {
    let on = Installation::new();
    let _gateway = on.serve();
    let texts = Texts::make(&on);
    let before = on.words("acm list-certificates").stdout;
    let mut wrong = Vec::new();
    for (line, code, field, said) in [imports(&texts), issues_and_requests(&texts)].concat() {
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

const VALIDATION: &str = "ValidationException";

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
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    assert!(out.stderr.contains("holds no ca.crt"), "{out:?}");
    assert!(out.stderr.contains("InvalidParameterValue"), "{out:?}");
    let out = on.run(&["iam", "get-role", "--role-name", "AWSServiceRoleForECS"]);
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    assert!(out.stderr.contains("NoSuchEntity"), "{out:?}");
}
