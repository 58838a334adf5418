//! PEM in and out: files as people have them, bundles as client configurations need them.

use pem::{EncodeConfig, LineEnding, Pem};
use thiserror::Error;

use super::inspect::inspect_der;

/// Largest accepted certificate text. ACM takes 32 KiB; easy-rsa's text dump in front of the PEM
/// block is allowed for on top.
pub const MAX_CERTIFICATE_BYTES: usize = 64 * 1024;
/// Largest accepted private key text; an RSA key of 8192 bits needs 6.4 KiB.
pub const MAX_PRIVATE_KEY_BYTES: usize = 16 * 1024;
/// Largest accepted chain text.
pub const MAX_CHAIN_BYTES: usize = 1024 * 1024;
/// Most certificates in one chain; real chains have one to four.
pub const MAX_CHAIN_LENGTH: usize = 16;

/// Why a text is not the PEM that was asked for. Each message continues "The certificate …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PemError {
    /// Nothing but white space.
    #[error(
        "is empty; paste the text from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
    )]
    Empty,
    /// More text than any real file has.
    #[error("is {bytes} bytes long; at most {limit} bytes are accepted")]
    TooLarge {
        /// Length of what was given.
        bytes: usize,
        /// The limit that applies.
        limit: usize,
    },
    /// DER or PKCS #12 instead of PEM.
    #[error(
        "is a binary file; PEM text is needed. Convert DER with `openssl x509 -inform der -in FILE -out FILE.pem`, \
         a .p12 or .pfx file with `openssl pkcs12 -in FILE -nodes -out FILE.pem`"
    )]
    Binary,
    /// PEM that an editor or PowerShell saved as UTF-16.
    #[error("is saved as UTF-16; save it again as UTF-8 or plain ASCII text")]
    Utf16,
    /// Text without any PEM block.
    #[error("has no -----BEGIN CERTIFICATE----- line; PEM text is needed")]
    NoBlock,
    /// A `BEGIN` line without its `END` line.
    #[error("is cut off: a -----BEGIN line has no matching -----END line; copy the whole file")]
    CutOff,
    /// Base64 or framing that cannot be decoded.
    #[error("is damaged PEM ({reason}); copy the file again, whole and unchanged")]
    Damaged {
        /// What the decoder says.
        reason: String,
    },
    /// PEM of something else, such as a certificate request.
    #[error(
        "holds a {label} block and no certificate; a -----BEGIN CERTIFICATE----- block is needed"
    )]
    OtherLabel {
        /// The label of the first block found.
        label: String,
    },
    /// More certificates than a chain has.
    #[error("holds {count} certificates; at most {MAX_CHAIN_LENGTH} are accepted")]
    TooMany {
        /// How many were found.
        count: usize,
    },
}

/// Splits a PEM bundle into the DER of its certificates, in the order of the text.
///
/// Text around the blocks (easy-rsa's dump, comments) and blocks of other kinds are passed over.
///
/// # Errors
/// When the text is no PEM, is damaged or cut off, or holds no certificate or too many.
pub fn split_bundle(text: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, PemError> {
    certificates(text.as_ref(), MAX_CHAIN_BYTES)
}

/// Writes one certificate as a PEM block with line ends of `\n`.
#[must_use]
pub fn certificate_to_pem(der: &[u8]) -> String {
    pem::encode_config(&Pem::new("CERTIFICATE", der), LF)
}

/// The content of `<ca>` in an exported client configuration: the chain that was imported with
/// the *server* certificate, or the certificate itself when it is self-signed and has no chain.
///
/// `None` means that clients have nothing to verify this server with until its chain is imported.
#[must_use]
pub fn client_ca_bundle(certificate_pem: &str, chain_pem: Option<&str>) -> Option<String> {
    let chain = chain_pem.and_then(|chain| split_bundle(chain).ok());
    if let Some(chain) = chain {
        return Some(to_bundle(&chain));
    }
    let own = split_bundle(certificate_pem).ok()?.into_iter().next()?;
    inspect_der(&own)
        .is_ok_and(|inspected| inspected.self_signed)
        .then(|| certificate_to_pem(&own))
}

/// The PEM blocks of several certificates, one after the other.
pub(super) fn to_bundle(certificates: &[Vec<u8>]) -> String {
    certificates
        .iter()
        .map(|der| certificate_to_pem(der))
        .collect()
}

/// The certificates of a text of at most `limit` bytes; at least one, at most
/// [`MAX_CHAIN_LENGTH`].
pub(super) fn certificates(text: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, PemError> {
    let blocks = blocks(text, limit)?;
    let first_label = blocks.first().map(|block| block.tag().to_owned());
    let certificates: Vec<_> = blocks
        .into_iter()
        .filter(|block| CERTIFICATE_LABELS.contains(&block.tag()))
        .map(Pem::into_contents)
        .collect();
    match (certificates.len(), first_label) {
        (0, Some(label)) => Err(PemError::OtherLabel { label }),
        (0, None) => Err(PemError::NoBlock),
        (count, _) if count > MAX_CHAIN_LENGTH => Err(PemError::TooMany { count }),
        _ => Ok(certificates),
    }
}

/// All PEM blocks of a text of at most `limit` bytes, at least one.
pub(super) fn blocks(text: &[u8], limit: usize) -> Result<Vec<Pem>, PemError> {
    if text.trim_ascii().is_empty() {
        return Err(PemError::Empty);
    }
    if text.len() > limit {
        return Err(PemError::TooLarge {
            bytes: text.len(),
            limit,
        });
    }
    let begun = text
        .windows(BEGIN.len())
        .filter(|window| *window == BEGIN)
        .count();
    if begun == 0 {
        return Err(foreign_format(text));
    }
    let blocks = pem::parse_many(text).map_err(|error| PemError::Damaged {
        reason: error.to_string(),
    })?;
    // The parser passes over a block that has no end; nobody wants half of their chain.
    if blocks.len() < begun {
        return Err(PemError::CutOff);
    }
    Ok(blocks)
}

/// Names what a text without PEM blocks is instead.
fn foreign_format(text: &[u8]) -> PemError {
    const DER_SEQUENCE: u8 = 0x30;
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        PemError::Utf16
    } else if text[0] == DER_SEQUENCE && text.len() > 1 && text[1] >= 0x80 || text.contains(&0) {
        PemError::Binary
    } else {
        PemError::NoBlock
    }
}

pub(super) const LF: EncodeConfig = EncodeConfig::new().set_line_ending(LineEnding::LF);
const BEGIN: &[u8] = b"-----BEGIN ";
/// RFC 7468, section 5.1, and the older spelling that parsers are to accept.
const CERTIFICATE_LABELS: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];
