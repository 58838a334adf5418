//! Revoked certificates and lists of them.

use super::*;
use crate::{
    cli::args::{CrlAction, Pki, Reason},
    model::{
        RevocationReason,
        command::{
            Bytes, CertificateName, GenerateRevocationList, ImportRevocationList, OfEndpoint,
            RevokeCertificate,
        },
    },
};

const IMPORT: [&str; 4] = [
    "ec2",
    "import-client-vpn-client-certificate-revocation-list",
    "--client-vpn-endpoint-id",
    "cvpn-endpoint-1",
];

fn brought(list: &[u8]) -> ImportRevocationList {
    ImportRevocationList {
        client_vpn_endpoint_id: "cvpn-endpoint-1".to_owned(),
        certificate_revocation_list: Bytes(list.to_vec()),
        allow_older: false,
    }
}

#[test]
fn a_list_is_read_from_its_file_and_an_older_one_taken_only_if_meant() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("crl.pem");
    // As long as one of 20,000 entries.
    let long = vec![b'x'; 3 << 20];
    fs::write(&file, &long).unwrap();
    let list = format!("file://{}", file.display());
    let line = [&IMPORT[..], &["--certificate-revocation-list", &list]].concat();
    assert_eq!(
        request(&line).command,
        Command::ImportClientVpnClientCertificateRevocationList(brought(&long))
    );
    let line = [&line[..], &["--allow-older"]].concat();
    assert_eq!(
        request(&line).command,
        Command::ImportClientVpnClientCertificateRevocationList(ImportRevocationList {
            allow_older: true,
            ..brought(&long)
        })
    );
    let text = "-----BEGIN X509 CRL-----\nMIIB\n";
    let line = [
        "pki",
        "inspect-crl",
        "--client-vpn-endpoint-id",
        "cvpn-endpoint-1",
    ];
    let line = [&line[..], &["--certificate-revocation-list", text]].concat();
    assert_eq!(
        request(&line).command,
        Command::InspectRevocationList(brought(text.as_bytes()))
    );
    let bare = file.display().to_string();
    let line = [&IMPORT[..], &["--certificate-revocation-list", &bare]].concat();
    assert!(meant(&line).unwrap_err().to_string().contains("file://"));
}

#[test]
fn lists_are_handed_out_and_made_and_certificates_revoked_by_arn() {
    let name = |arn: &str| CertificateName {
        certificate_arn: arn.to_owned(),
    };
    let pairs = [
        (
            "ec2 export-client-vpn-client-certificate-revocation-list \
             --client-vpn-endpoint-id cvpn-endpoint-1",
            Command::ExportClientVpnClientCertificateRevocationList(OfEndpoint {
                client_vpn_endpoint_id: "cvpn-endpoint-1".to_owned(),
            }),
        ),
        (
            "pki export-crl --certificate-arn arn:ca",
            Command::ExportRevocationList(name("arn:ca")),
        ),
        (
            "pki generate-crl --ca-arn arn:ca --validity-days 30",
            Command::GenerateRevocationList(GenerateRevocationList {
                ca_arn: "arn:ca".to_owned(),
                validity_days: Some(30),
            }),
        ),
        (
            "pki revoke --certificate-arn arn:1",
            Command::RevokeCertificate(RevokeCertificate {
                certificate_arn: "arn:1".to_owned(),
                reason: RevocationReason::Unspecified,
            }),
        ),
    ];
    for (line, command) in pairs {
        assert_eq!(words(line), command, "{line}");
    }
}

#[test]
fn a_reason_has_the_name_that_the_standard_gives_it() {
    use clap::ValueEnum as _;
    for reason in Reason::value_variants() {
        let word = reason.to_possible_value().unwrap().get_name().to_owned();
        let line = format!("pki revoke --certificate-arn arn:1 --reason {word}");
        let Command::RevokeCertificate(it) = words(&line) else {
            panic!("{line}");
        };
        assert_eq!(serde_json::to_value(it.reason).unwrap(), word);
    }
    // It takes a certificate off a list, and revokes none.
    let off = "gatehouse pki revoke --certificate-arn arn:1 --reason remove-from-crl";
    assert!(Args::try_parse_from(off.split(' ')).is_err());
    let args = Args::try_parse_from("gatehouse pki revoke --certificate-arn a".split(' '));
    let Some(Face::Pki(Pki::Crl(CrlAction::Revoke { .. }))) = args.unwrap().face else {
        panic!("not revoking");
    };
}
