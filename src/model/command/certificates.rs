//! Fields of the commands about certificates and lists of revoked ones.

use serde::{Deserialize, Serialize};

use super::{Bytes, Secret};
use crate::model::{
    certificate::{CertificateUse, KeyType},
    id::CertificateArn,
    revocation::RevocationReason,
};

/// Fields of [`Command::IssueCertificates`](super::Command::IssueCertificates).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueCertificates {
    /// The authority; the store must have its private key.
    pub ca_arn: String,
    /// The names of the clients: 1 to 500, each 1 to 64 characters, none twice.
    pub common_names: Vec<String>,
    /// Their keys.
    pub key_type: KeyType,
    /// How long they are to last, in days: 1 to 3,650; 825 if absent.
    pub validity_days: Option<u32>,
    /// The endpoint whose configurations they are for: none is issued where none could be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_vpn_endpoint_id: Option<String>,
}

/// Fields of [`Command::SignCertificateRequest`](super::Command::SignCertificateRequest).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignCertificateRequest {
    /// The authority; the store must have its private key.
    pub ca_arn: String,
    /// The request (PKCS #10) in PEM or DER: at most 64 KiB.
    pub csr: Bytes,
    /// [`CertificateUse::Server`] or [`CertificateUse::Client`].
    pub usage: CertificateUse,
    /// The subject's name in place of the request's.
    pub common_name: Option<String>,
    /// How long it is to last, in days: 1 to 3,650; 825 if absent.
    pub validity_days: Option<u32>,
}

/// Fields of [`Command::InspectCertificateRequest`](super::Command::InspectCertificateRequest).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectCertificateRequest {
    /// The request (PKCS #10) in PEM or DER: at most 64 KiB.
    pub csr: Bytes,
}

/// Fields of [`Command::RenewCertificate`](super::Command::RenewCertificate).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewCertificate {
    /// Its ARN.
    pub certificate_arn: String,
    /// How long the new one is to last, in days, from now: 1 to 3,650; as the old one if absent.
    pub validity_days: Option<u32>,
}

/// One file of a folder, by its path inside the folder, for example `private/ca.key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PkiFile {
    /// The path, with `/` between its parts.
    pub path: String,
    /// What is in it.
    pub content: Secret,
}

/// Fields of [`Command::ImportPki`](super::Command::ImportPki).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPki {
    /// The folder's files: at most 10,000, of 64 MiB together.
    pub files: Vec<PkiFile>,
}

/// Answer of [`Command::ImportPki`](super::Command::ImportPki).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PkiImported {
    /// The certificates that are in the store now, with the file each came from.
    pub imported: Vec<(String, CertificateArn)>,
    /// Files that were passed over, and why, as a sentence.
    pub skipped: Vec<(String, String)>,
    /// Certificates of the authority that the folder says are revoked and that were not known to
    /// be: their serial numbers in hexadecimal digits.
    pub revoked: Vec<String>,
}

/// Fields of [`Command::RevokeCertificate`](super::Command::RevokeCertificate).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeCertificate {
    /// Its ARN.
    pub certificate_arn: String,
    /// Why.
    pub reason: RevocationReason,
}

/// Fields of [`Command::GenerateRevocationList`](super::Command::GenerateRevocationList).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerateRevocationList {
    /// The authority; the store must have its private key.
    pub ca_arn: String,
    /// How long the list is to hold, in days: 1 to 3,650; 180 if absent, as easy-rsa has it.
    pub validity_days: Option<u32>,
}

/// Fields of
/// [`Command::ImportClientVpnClientCertificateRevocationList`](super::Command::ImportClientVpnClientCertificateRevocationList)
/// and [`Command::InspectRevocationList`](super::Command::InspectRevocationList).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRevocationList {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The list in PEM; text around it is passed over.
    pub certificate_revocation_list: Bytes,
    /// Takes the list even if it is older than the one it replaces. Beyond AWS.
    #[serde(default)]
    pub allow_older: bool,
}
