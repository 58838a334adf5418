//! Certificates as values: make an authority, issue, import, inspect, and say what a certificate
//! may be used for.
//!
//! Nothing here reads a file, keeps a record or asks for the time: PEM text and `now` go in, PEM
//! text and facts come out. Whoever calls stores what it gets.
//!
//! | to | call |
//! |---|---|
//! | found a certificate authority | [`make_ca`] |
//! | issue a server or client certificate, also from an easy-rsa authority | [`issue()`] |
//! | sign a certificate for a key that stays elsewhere | [`sign_request`] |
//! | give an authority later dates | [`renew_ca`] |
//! | take over files from elsewhere, checked | [`import()`] |
//! | take over a whole folder of easy-rsa | [`read_easy_rsa`] |
//! | show what is in a certificate | [`inspect()`] |
//! | see whether a server may present it | [`check_server`] |
//! | learn which authorities "client root certificate chain" names | [`check_client_ca`] |
//! | read a revocation list, and see whose it is | [`read_revocation_list`], [`verify_revocation_list`] |
//! | make the revocation list of an authority | [`make_revocation_list`] |
//! | look a certificate up in revocation lists | [`certificate_id`] |
//! | write a client configuration | [`client_ca_bundle`], [`verify_name`] |
//!
//! Certificates are read strictly, because what is read becomes an identity: exactly one common
//! name in valid text, no extension twice, nothing after the end.

mod authority;
mod bundle;
mod chain;
mod easy_rsa;
mod import;
mod inspect;
mod issue;
mod key;
mod renew;
mod request;
mod revocation;
mod roles;

#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

pub use self::authority::{AUTHORITY_DAYS, make_ca};
pub use self::bundle::{
    MAX_CERTIFICATE_BYTES, MAX_CHAIN_BYTES, MAX_CHAIN_LENGTH, MAX_PRIVATE_KEY_BYTES, PemError,
    certificate_to_pem, client_ca_bundle, split_bundle,
};
pub use self::chain::ChainError;
pub use self::easy_rsa::{
    EasyRsa, EasyRsaError, MAX_FOLDER_BYTES, MAX_FOLDER_FILES, read_easy_rsa,
};
pub use self::import::{ImportError, Imported, Part, import};
pub use self::inspect::{
    ExtendedKeyUsage, InspectError, Inspected, KeyAlgorithm, KeyUsage, NameError, SubjectAltName,
    Validity, Weakness, inspect, inspect_der,
};
pub use self::issue::{
    DEFAULT_VALIDITY_DAYS, IssueError, Issued, MAX_VALIDITY_DAYS, Request, Usage, issue,
};
pub use self::key::KeyError;
pub use self::renew::renew_ca;
pub use self::request::{
    CertificateRequest, MAX_REQUESTED_NAMES, RequestError, Signed, SigningError, SigningTerms,
    read_request, sign_request,
};
pub use self::revocation::{
    CrlError, ListRequest, ListValidity, RevocationList, Revoked, certificate_id,
    make_revocation_list, read_revocation_list, subject_der, verify_revocation_list,
};
pub use self::roles::{
    ClientCaError, ServerCertificateError, check_client_ca, check_server, domain_name,
    is_public_ca, verify_name,
};

/// A private key as PEM text (PKCS #8), erased from memory when it is dropped.
///
/// It has neither `Debug` nor `Display`, so that no log line or error can carry a key by accident.
#[derive(Clone)]
pub struct SecretPem(Zeroizing<String>);

impl SecretPem {
    /// Takes ownership of the text of a key.
    #[must_use]
    pub fn new(pem: String) -> Self {
        Self(Zeroizing::new(pem))
    }

    /// The text, for the few places that load the key or hand it to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What kind of key to make.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// ECDSA on the curve P-256: signs several times faster than RSA, hence the default.
    #[default]
    EcdsaP256,
    /// RSA with 2048 bits, for clients and hardware that know nothing newer.
    Rsa2048,
}
