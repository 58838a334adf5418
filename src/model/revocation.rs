//! Lists of revoked certificates (RFC 5280, section 5).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{CertificateArn, ConnectionId};

/// Why a certificate was revoked (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationReason {
    /// Nothing is said.
    #[default]
    Unspecified,
    /// Somebody else may have the key.
    KeyCompromise,
    /// Somebody else may have the authority's key.
    CaCompromise,
    /// The subject's name or work has changed.
    AffiliationChanged,
    /// Another certificate has taken its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// It is on hold.
    CertificateHold,
    /// It is no longer on hold.
    RemoveFromCrl,
    /// A right was taken back.
    PrivilegeWithdrawn,
    /// Somebody else may have the key of an attribute authority.
    AaCompromise,
}

/// When and why a certificate of the store was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// Names a certificate as lists do: by its issuer and the issuer's number for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CertificateId {
    /// SHA-256 of the issuer's name in DER, in hexadecimal digits.
    pub issuer: String,
    /// The serial number in hexadecimal digits, as
    /// [`Certificate::serial`](super::Certificate::serial) has it.
    pub serial: String,
}

/// How a list of an endpoint came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationListOrigin {
    /// Made here, for an authority whose key the store has; it renews itself.
    Generated,
    /// Made elsewhere and imported.
    Imported,
}

/// A list of revoked certificates, without its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationList {
    /// The issuer, as `CN=…, O=…`.
    pub issuer: String,
    /// The authority of the store that signed it, if that is here.
    pub issued_by: Option<CertificateArn>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due: from then on it refuses every client. None never does.
    pub next_update: Option<Timestamp>,
    /// The issuer's number for it in hexadecimal digits, where it has one.
    pub number: Option<String>,
    /// How many certificates it revokes.
    pub entries: u32,
    /// SHA-256 of the DER, in hexadecimal digits.
    pub fingerprint: String,
    /// How it came to be.
    pub origin: RevocationListOrigin,
    /// When it came into the store.
    pub imported_at: Timestamp,
}

impl RevocationList {
    /// Whether it refuses every client, as its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.next_update.is_some_and(|next| next <= now)
    }
}

/// A list of revoked certificates as its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedRevocationList {
    /// The list in PEM.
    pub pem: String,
    /// AWS's word for where it stands: `active`, or `pending` until the gateway applies it.
    pub state: String,
}

/// What importing a list would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationListPreview {
    /// The list.
    pub list: RevocationList,
    /// The certificates of the store that it revokes: name, ARN, when and why.
    pub certificates: Vec<(String, CertificateArn, Revocation)>,
    /// The live connections that would end: the client's name and the connection.
    pub connections: Vec<(String, ConnectionId)>,
    /// How many certificates it revokes that the present list does not.
    pub added: u32,
    /// How many certificates the present list revokes that it does not.
    pub removed: u32,
    /// Why it is older than the present list, as a sentence; it is then taken only where that is
    /// said to be meant.
    pub older: Option<String>,
}
