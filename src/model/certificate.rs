//! Certificates of the certificate store. Their private keys are not here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{id::CertificateArn, revocation::Revocation, snapshot::Snapshot};

/// A kind of key pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyType {
    /// ECDSA on P-256: several times more handshakes per core than RSA.
    #[default]
    EcdsaP256,
    /// RSA with 2048 bits, for clients that know nothing else.
    Rsa2048,
}

/// What a certificate may be used for, read from its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateUse {
    /// It signs other certificates.
    Authority,
    /// It proves a server (extended key usage serverAuth).
    Server,
    /// It proves a client (extended key usage clientAuth).
    Client,
    /// None of these.
    Other,
}

/// Where a certificate came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateOrigin {
    /// Made here.
    Issued,
    /// Made elsewhere and imported.
    Imported,
}

/// A certificate, its chain and what was read from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Its name in the store.
    pub arn: CertificateArn,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// The subject, as `CN=…, O=…`.
    pub subject: String,
    /// The issuer, as `CN=…, O=…`.
    pub issuer: String,
    /// The serial number in hexadecimal digits.
    pub serial: String,
    /// DNS names and addresses of the subject.
    pub alternative_names: Vec<String>,
    /// When it begins to hold.
    pub not_before: Timestamp,
    /// When it ceases to hold.
    pub not_after: Timestamp,
    /// The key's algorithm as ACM names it, for example `EC_prime256v1`.
    pub key_algorithm: String,
    /// What it may be used for.
    pub usage: CertificateUse,
    /// Where it came from.
    pub origin: CertificateOrigin,
    /// The certificate of the store that signed it, if that is here.
    pub issued_by: Option<CertificateArn>,
    /// SHA-256 of the DER, in hexadecimal digits.
    pub fingerprint: String,
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The certificates above it in PEM, nearest first; empty for a root.
    pub chain_pem: String,
    /// Whether the store has its private key.
    pub has_private_key: bool,
    /// When it came into the store.
    pub created_at: Timestamp,
    /// When and why its authority revoked it, as far as the store knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

impl Certificate {
    /// What screens call it: the common name, or else the ARN.
    #[must_use]
    pub fn title(&self) -> &str {
        self.common_name
            .as_deref()
            .unwrap_or_else(|| self.arn.as_str())
    }

    /// Where the private key is, where it is not here: a sentence without its full stop.
    #[must_use]
    pub fn without_key(&self) -> String {
        let title = self.title();
        match self.origin {
            CertificateOrigin::Issued => format!(
                "The private key of {title} is not here: the certificate was signed for a request, and its key stays with whoever made that"
            ),
            CertificateOrigin::Imported => {
                format!(
                    "The private key of {title} is not here: the certificate was imported without it"
                )
            }
        }
    }

    /// The certificate of the store whose key signs a renewed one: its issuer, and of a root itself.
    /// None where it cannot be renewed here.
    #[must_use]
    pub fn renewer<'s>(&'s self, snapshot: &'s Snapshot) -> Option<&'s Self> {
        if !self.has_private_key || self.revoked.is_some() {
            return None;
        }
        if self.usage == CertificateUse::Authority && self.issuer == self.subject {
            return Some(self);
        }
        let issuer = snapshot.certificates.get(self.issued_by.as_ref()?)?;
        Some(issuer.as_ref()).filter(|it| it.has_private_key)
    }
}

/// What a certificate request (PKCS #10) asks for, as far as it is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// The subject, as `CN=…, O=…`; of it only the common name is taken over.
    pub subject: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// The key's algorithm as ACM names it, for example `EC_prime256v1`.
    pub key_algorithm: String,
    /// Host names and addresses, which a server certificate takes over.
    pub alternative_names: Vec<String>,
    /// What it asks for and does not get, each as a sentence.
    pub left_out: Vec<String>,
}
