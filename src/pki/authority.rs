//! Making a certificate authority.

use jiff::Timestamp;
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};

use super::KeyType;
use super::issue::{self, IssueError, Issued};
use super::key::PrivateKey;

/// How long a new authority lasts, in days: ten years, as with easy-rsa.
pub const AUTHORITY_DAYS: u32 = 3650;

/// Makes a self-signed authority that may issue server and client certificates and revocation
/// lists, but no further authorities.
///
/// # Errors
/// When the common name is unusable, or the system cannot make a key.
pub fn make_ca(common_name: &str, key_type: KeyType, now: Timestamp) -> Result<Issued, IssueError> {
    issue::check_common_name(common_name)?;
    let key = PrivateKey::generate(key_type)?;
    let mut parameters = issue::parameters(common_name, issue::period(now, AUTHORITY_DAYS))?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = parameters.self_signed(key.pair())?;
    Ok(Issued {
        certificate_pem: super::certificate_to_pem(certificate.der()),
        private_key_pem: key.to_pem(),
        chain_pem: None,
    })
}
