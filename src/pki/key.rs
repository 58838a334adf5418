//! Private keys: made here or read from the formats in which people have them.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair,
};
use pem::Pem;
use rcgen::{KeyPair, PublicKeyData as _, RsaKeySize};
use rustls::pki_types::PrivatePkcs8KeyDer;
use thiserror::Error;
use x509_parser::certificate::X509Certificate;
use zeroize::{Zeroize as _, Zeroizing};

use super::bundle::{self, LF, MAX_PRIVATE_KEY_BYTES, PemError};
use super::{KeyType, SecretPem};

/// Why a text is not a usable private key. Each message continues "The private key …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Nothing but white space.
    #[error(
        "is empty; paste the text from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----"
    )]
    Empty,
    /// DER or PKCS #12 instead of PEM.
    #[error(
        "is a binary file; PEM text is needed. Convert DER with `openssl pkey -inform der -in FILE -out FILE.pem`, \
         a .p12 or .pfx file with `openssl pkcs12 -in FILE -nocerts -nodes -out FILE.pem`"
    )]
    Binary,
    /// A passphrase protects the key; a gateway that starts by itself has nobody to ask.
    #[error(
        "is encrypted; give it without a passphrase. Decrypt it with `openssl pkey -in FILE -out FILE.pem`"
    )]
    Encrypted,
    /// The format of ssh-keygen.
    #[error("is in OpenSSH's own format; convert it with `ssh-keygen -p -m PKCS8 -f FILE`")]
    OpenSsh,
    /// PEM, but no key in it.
    #[error("has no -----BEGIN PRIVATE KEY----- block{}", found_instead(.found))]
    NoKey {
        /// The label of the first block there is.
        found: Option<String>,
    },
    /// Several keys, so that it is open which one is meant.
    #[error("holds {count} keys; give only the one of this certificate")]
    Several {
        /// How many were found.
        count: usize,
    },
    /// PEM that cannot be decoded.
    #[error("{0}")]
    Pem(PemError),
    /// Well-formed PEM around a key that is damaged or of a kind that TLS here does not use.
    #[error(
        "is damaged or of a kind that cannot be used; RSA with 2048 to 8192 bits, EC on P-256, P-384 or P-521, \
         and Ed25519 can, as PKCS #8, PKCS #1 or SEC 1"
    )]
    Unusable,
}

/// A private key that can sign and be written as PKCS #8; erased when dropped.
pub(super) struct PrivateKey {
    pair: KeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl PrivateKey {
    pub(super) fn generate(key_type: KeyType) -> Result<Self, rcgen::Error> {
        let pair = match key_type {
            KeyType::EcdsaP256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?,
            KeyType::Rsa2048 => {
                KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048)?
            }
        };
        let pkcs8 = Zeroizing::new(pair.serialize_der());
        Ok(Self { pair, pkcs8 })
    }

    /// Reads PKCS #8, PKCS #1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`) from PEM text.
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let block = the_one_key(blocks(text)?)?;
        let encrypted = block.tag() == "ENCRYPTED PRIVATE KEY"
            || block
                .headers()
                .get("Proc-Type")
                .is_some_and(|value| value.contains("ENCRYPTED"));
        if encrypted {
            return Err(KeyError::Encrypted);
        }
        let label = block.tag().to_owned();
        let der = Zeroizing::new(block.into_contents());
        let pkcs8 = match label.as_str() {
            "OPENSSH PRIVATE KEY" => return Err(KeyError::OpenSsh),
            "RSA PRIVATE KEY" => rsa_to_pkcs8(&der),
            "EC PRIVATE KEY" => ec_to_pkcs8(&der),
            "PRIVATE KEY" => Some(der),
            _ => None,
        }
        .ok_or(KeyError::Unusable)?;
        let pair = KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8.as_slice()))
            .map_err(|_| KeyError::Unusable)?;
        Ok(Self { pair, pkcs8 })
    }

    /// The key as PKCS #8 PEM.
    pub(super) fn to_pem(&self) -> SecretPem {
        let block = Pem::new("PRIVATE KEY", self.pkcs8.as_slice());
        let text = pem::encode_config(&block, LF);
        drop(Zeroizing::new(block.into_contents()));
        SecretPem::new(text)
    }

    /// Whether this is the private half of the certificate's key.
    pub(super) fn belongs_to(&self, certificate: &X509Certificate<'_>) -> bool {
        self.pair.der_bytes() == certificate.public_key().subject_public_key.data.as_ref()
    }

    pub(super) fn pair(&self) -> &KeyPair {
        &self.pair
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}

fn blocks(text: &[u8]) -> Result<Vec<Pem>, KeyError> {
    bundle::blocks(text, MAX_PRIVATE_KEY_BYTES).map_err(|error| match error {
        PemError::Empty => KeyError::Empty,
        PemError::Binary => KeyError::Binary,
        PemError::NoBlock => KeyError::NoKey { found: None },
        other => KeyError::Pem(other),
    })
}

/// The only key among the blocks. Others, such as the `EC PARAMETERS` that openssl writes first,
/// are passed over.
fn the_one_key(blocks: Vec<Pem>) -> Result<Pem, KeyError> {
    let found = blocks.first().map(|block| block.tag().to_owned());
    let mut keys: Vec<_> = blocks
        .into_iter()
        .filter(|block| block.tag().ends_with("PRIVATE KEY"))
        .collect();
    match (keys.len(), keys.pop()) {
        (1, Some(key)) => Ok(key),
        (0, _) | (_, None) => Err(KeyError::NoKey { found }),
        (count, _) => Err(KeyError::Several { count }),
    }
}

fn rsa_to_pkcs8(pkcs1: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let pkcs8 = rsa::KeyPair::from_der(pkcs1).ok()?.as_der().ok()?;
    Some(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

/// SEC 1 keys name their curve only optionally, so each one is tried.
fn ec_to_pkcs8(sec1: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ]
    .into_iter()
    .find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, sec1).ok())
    .and_then(|pair| pair.to_pkcs8v1().ok())
    .map(|pkcs8| Zeroizing::new(pkcs8.as_ref().to_vec()))
}

fn found_instead(found: &Option<String>) -> String {
    found.as_ref().map_or_else(
        || "; PEM text is needed".to_owned(),
        |label| format!(", but a {label} block"),
    )
}
