//! What is in a certificate, read strictly.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use x509_parser::asn1_rs::Tag;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name, X509Version};

use super::bundle::{self, MAX_CERTIFICATE_BYTES, MAX_CHAIN_BYTES, PemError};
use super::chain::signed_by;

/// The facts of one certificate. Identifiers and fingerprints are lower-case hexadecimal, bytes
/// separated by colons, as ACM writes serial numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// The subject's common name; clients are known by it.
    pub common_name: Option<String>,
    /// The subject, such as `CN=server` or `C=US, O=Example, CN=server`.
    pub subject: String,
    /// The issuer, written like the subject.
    pub issuer: String,
    /// The serial number, without a leading zero byte.
    pub serial: String,
    /// First moment at which the certificate holds.
    pub not_before: Timestamp,
    /// Last moment at which the certificate holds.
    pub not_after: Timestamp,
    /// Whether it is an X.509 version 3 certificate; TLS here accepts no other.
    pub is_v3: bool,
    /// Whether basic constraints say `CA:TRUE`.
    pub is_ca: bool,
    /// The key usages, or `None` when the extension is absent.
    pub key_usages: Option<Vec<KeyUsage>>,
    /// The extended key usages, or `None` when the extension is absent.
    pub extended_key_usages: Option<Vec<ExtendedKeyUsage>>,
    /// Kind and size of the public key.
    pub key_algorithm: KeyAlgorithm,
    /// How the issuer signed, such as `SHA256WITHRSA`; the object identifier when it has no name.
    pub signature_algorithm: String,
    /// The subject alternative names, in their order.
    pub sans: Vec<SubjectAltName>,
    /// SHA-256 over the whole certificate.
    pub fingerprint_sha256: String,
    /// Whether its own key signed it.
    pub self_signed: bool,
    /// Subject key identifier.
    pub subject_key_id: Option<String>,
    /// Key identifier of the issuer.
    pub authority_key_id: Option<String>,
}

impl Inspected {
    /// Whether the certificate holds at `now`; both ends belong to the period.
    #[must_use]
    pub fn validity_at(&self, now: Timestamp) -> Validity {
        if now < self.not_before {
            Validity::NotYetValid
        } else if now > self.not_after {
            Validity::Expired
        } else {
            Validity::Valid
        }
    }

    /// Whether an authority of this certificate may sign others: `CA:TRUE`, and `keyCertSign`
    /// if key usages are given.
    #[must_use]
    pub fn may_sign_certificates(&self) -> bool {
        self.is_ca
            && self
                .key_usages
                .as_ref()
                .is_none_or(|usages| usages.contains(&KeyUsage::KeyCertSign))
    }

    /// A name for messages: the common name if there is one, else the whole subject.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.common_name.as_deref().unwrap_or(&self.subject)
    }

    /// Refuses what no current TLS stack accepts, naming it.
    ///
    /// # Errors
    /// For certificates before X.509 version 3, SHA-1 and older signatures, RSA keys outside 2048
    /// to 8192 bits, and kinds of keys and signatures that TLS here does not use.
    pub fn check_strength(&self) -> Result<(), Weakness> {
        if !self.is_v3 {
            return Err(Weakness::OldVersion);
        }
        check_key(&self.key_algorithm)?;
        check_signature(&self.signature_algorithm)
    }
}

pub(super) fn check_key(key: &KeyAlgorithm) -> Result<(), Weakness> {
    match key {
        KeyAlgorithm::Rsa(bits) if !(2048..=8192).contains(bits) => Err(Weakness::RsaBits(*bits)),
        KeyAlgorithm::Other(kind) => Err(Weakness::KeyKind(kind.clone())),
        _ => Ok(()),
    }
}

pub(super) fn check_signature(algorithm: &str) -> Result<(), Weakness> {
    if USABLE_SIGNATURES.contains(&algorithm) {
        Ok(())
    } else {
        Err(Weakness::Signature(algorithm.to_owned()))
    }
}

/// Where a moment lies in a certificate's period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validity {
    /// Before its first moment.
    NotYetValid,
    /// Within the period.
    Valid,
    /// After its last moment.
    Expired,
}

/// Kind and size of a public key. `Display` gives ACM's name for it, such as `RSA_2048`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA with this many bits.
    Rsa(usize),
    /// NIST P-256, `EC_prime256v1`.
    EcP256,
    /// NIST P-384, `EC_secp384r1`.
    EcP384,
    /// NIST P-521, `EC_secp521r1`.
    EcP521,
    /// Ed25519; ACM has no name for it, `ED25519` here.
    Ed25519,
    /// Anything else, by object identifier.
    Other(String),
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA_{bits}"),
            Self::EcP256 => f.write_str("EC_prime256v1"),
            Self::EcP384 => f.write_str("EC_secp384r1"),
            Self::EcP521 => f.write_str("EC_secp521r1"),
            Self::Ed25519 => f.write_str("ED25519"),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// What a key may do (RFC 5280, section 4.2.1.3). `Display` gives ACM's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum KeyUsage {
    DigitalSignature,
    NonRepudiation,
    KeyEncipherment,
    DataEncipherment,
    KeyAgreement,
    KeyCertSign,
    CrlSign,
    EncipherOnly,
    DecipherOnly,
}

impl KeyUsage {
    /// In the order of the standard's bits.
    const ALL: [Self; 9] = [
        Self::DigitalSignature,
        Self::NonRepudiation,
        Self::KeyEncipherment,
        Self::DataEncipherment,
        Self::KeyAgreement,
        Self::KeyCertSign,
        Self::CrlSign,
        Self::EncipherOnly,
        Self::DecipherOnly,
    ];
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DigitalSignature => "DIGITAL_SIGNATURE",
            Self::NonRepudiation => "NON_REPUDIATION",
            Self::KeyEncipherment => "KEY_ENCIPHERMENT",
            Self::DataEncipherment => "DATA_ENCIPHERMENT",
            Self::KeyAgreement => "KEY_AGREEMENT",
            Self::KeyCertSign => "CERTIFICATE_SIGNING",
            Self::CrlSign => "CRL_SIGNING",
            Self::EncipherOnly => "ENCIPHER_ONLY",
            Self::DecipherOnly => "DECIPHER_ONLY",
        })
    }
}

/// What a certificate is for (RFC 5280, section 4.2.1.12). `Display` gives ACM's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the standard's")]
pub enum ExtendedKeyUsage {
    Any,
    ServerAuth,
    ClientAuth,
    CodeSigning,
    EmailProtection,
    TimeStamping,
    OcspSigning,
    /// Another purpose, by object identifier.
    Other(String),
}

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "ANY",
            Self::ServerAuth => "TLS_WEB_SERVER_AUTHENTICATION",
            Self::ClientAuth => "TLS_WEB_CLIENT_AUTHENTICATION",
            Self::CodeSigning => "CODE_SIGNING",
            Self::EmailProtection => "EMAIL_PROTECTION",
            Self::TimeStamping => "TIME_STAMPING",
            Self::OcspSigning => "OCSP_SIGNING",
            Self::Other(oid) => oid,
        })
    }
}

/// One subject alternative name. `Display` gives its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SubjectAltName {
    /// A host name, perhaps with a wildcard label.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// An email address.
    Email(String),
    /// A URI.
    Uri(String),
    /// A kind of name that is only shown.
    Other(String),
}

impl fmt::Display for SubjectAltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) | Self::Other(text) => {
                f.write_str(text)
            }
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// Why a certificate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InspectError {
    /// Not PEM, or PEM of something else.
    #[error("the text {0}")]
    Pem(PemError),
    /// The DER inside is no X.509 certificate.
    #[error("it is not an X.509 certificate, or a damaged one; export or copy it again")]
    NotACertificate,
    /// Bytes follow the certificate in the same block.
    #[error("{0} bytes follow the certificate inside its block; export it again")]
    TrailingBytes(usize),
    /// The same extension twice: programs differ in which one they believe.
    #[error("it has the same extension twice; have it issued again with one of each")]
    DuplicateExtension,
    /// An extension that decides what the certificate may do cannot be read.
    #[error("its {0} extension is damaged; have it issued again")]
    Extension(&'static str),
    /// The TLS library, which judges every handshake, cannot use it.
    #[error("it cannot be used for TLS ({reason}); have it issued again without unusual parts")]
    RefusedByTls {
        /// What the library says.
        reason: String,
    },
    /// The common name cannot be trusted as a name.
    #[error("{0}")]
    Name(#[from] NameError),
}

/// Why a common name is refused. A name that two programs read differently lets one client pass
/// for another (CVE-2017-7522).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// More than one common name in the subject.
    #[error("its subject has more than one common name; exactly one is accepted")]
    Duplicate,
    /// Not text in its declared encoding, or an encoding that is not text.
    #[error(
        "its common name is not valid text; UTF-8 is accepted, for example client1.example.com"
    )]
    NotText,
    /// A NUL or another control character.
    #[error(
        "its common name holds a NUL or another control character; use printable text, for example client1.example.com"
    )]
    ControlCharacter,
}

/// Why current TLS refuses a certificate. Each message continues "The certificate …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Weakness {
    /// Version 1 or 2.
    #[error("is an X.509 version 1 certificate; version 3 is needed, as easy-rsa 3 issues")]
    OldVersion,
    /// A digest that is broken, or an algorithm that TLS here does not use.
    #[error("is signed with {0}; SHA-256 or better with RSA or ECDSA is needed")]
    Signature(String),
    /// An RSA key of the wrong size.
    #[error("has an RSA key of {0} bits; 2048 to 8192 bits are accepted")]
    RsaBits(usize),
    /// A kind of key that TLS here does not use.
    #[error("has a key of the kind {0}; RSA, EC on P-256, P-384 or P-521, or Ed25519 is needed")]
    KeyKind(String),
}

/// Reads the first certificate of a PEM text.
///
/// # Errors
/// When the text is no PEM certificate, or the certificate is damaged or ambiguous.
pub fn inspect(text: impl AsRef<[u8]>) -> Result<Inspected, InspectError> {
    let certificates =
        bundle::certificates(text.as_ref(), MAX_CHAIN_BYTES).map_err(InspectError::Pem)?;
    let first = certificates.first().ok_or(InspectError::NotACertificate)?;
    inspect_der(first)
}

/// Reads one certificate in DER.
///
/// # Errors
/// When the certificate is damaged or ambiguous.
pub fn inspect_der(der: &[u8]) -> Result<Inspected, InspectError> {
    inspect_parsed(&parse(der)?)
}

/// Parses one certificate that fills `der` exactly.
pub(super) fn parse(der: &[u8]) -> Result<X509Certificate<'_>, InspectError> {
    if der.len() > MAX_CERTIFICATE_BYTES {
        return Err(InspectError::NotACertificate);
    }
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|_| InspectError::NotACertificate)?;
    if rest.is_empty() {
        Ok(certificate)
    } else {
        Err(InspectError::TrailingBytes(rest.len()))
    }
}

/// Has the TLS library read a certificate, which is stricter about the encoding and refuses
/// critical extensions that it does not know.
pub(super) fn check_usable(der: &[u8]) -> Result<(), InspectError> {
    webpki::EndEntityCert::try_from(&CertificateDer::from(der))
        .map(drop)
        .map_err(|error| InspectError::RefusedByTls {
            reason: error.to_string(),
        })
}

pub(super) fn inspect_parsed(certificate: &X509Certificate<'_>) -> Result<Inspected, InspectError> {
    certificate
        .extensions_map()
        .map_err(|_| InspectError::DuplicateExtension)?;
    let is_ca = certificate
        .basic_constraints()
        .map_err(|_| InspectError::Extension("basic constraints"))?
        .is_some_and(|extension| extension.value.ca);
    let fingerprint = digest::digest(&digest::SHA256, certificate.as_raw());
    Ok(Inspected {
        common_name: common_name(certificate.subject())?,
        subject: printable(&certificate.subject().to_string()),
        issuer: printable(&certificate.issuer().to_string()),
        serial: colon_hex(without_leading_zeros(certificate.raw_serial())),
        not_before: timestamp(certificate.validity().not_before.timestamp()),
        not_after: timestamp(certificate.validity().not_after.timestamp()),
        is_v3: certificate.version() == X509Version::V3,
        is_ca,
        key_usages: key_usages(certificate)?,
        extended_key_usages: extended_key_usages(certificate)?,
        key_algorithm: key_algorithm(certificate.public_key()),
        signature_algorithm: signature_name(
            &certificate.signature_algorithm.algorithm.to_id_string(),
        ),
        sans: sans(certificate)?,
        fingerprint_sha256: colon_hex(fingerprint.as_ref()),
        self_signed: certificate.issuer().as_raw() == certificate.subject().as_raw()
            && signed_by(certificate, certificate),
        subject_key_id: subject_key_id(certificate),
        authority_key_id: authority_key_id(certificate),
    })
}

/// The one common name of a subject.
///
/// An empty one counts as none: nobody is to be known by the empty name.
pub(super) fn common_name(subject: &X509Name<'_>) -> Result<Option<String>, NameError> {
    let mut names = subject.iter_common_name();
    let Some(name) = names.next() else {
        return Ok(None);
    };
    if names.next().is_some() {
        return Err(NameError::Duplicate);
    }
    let name = text_of(name)?;
    if name.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter);
    }
    Ok((!name.is_empty()).then_some(name))
}

/// Decodes a directory string (RFC 5280, section 4.1.2.4) by its declared type. The types whose
/// meaning differs between programs (Teletex, Universal) must be plain ASCII.
fn text_of(attribute: &AttributeTypeAndValue<'_>) -> Result<String, NameError> {
    let value = attribute.attr_value();
    let bytes = value.data;
    let ascii_only = match value.tag() {
        Tag::BmpString => return utf16(bytes),
        Tag::Utf8String => false,
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::T61String => true,
        _ => return Err(NameError::NotText),
    };
    if ascii_only && !bytes.is_ascii() {
        return Err(NameError::NotText);
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| NameError::NotText)
}

fn utf16(bytes: &[u8]) -> Result<String, NameError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(NameError::NotText);
    }
    let units: Vec<_> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    String::from_utf16(&units).map_err(|_| NameError::NotText)
}

fn key_usages(certificate: &X509Certificate<'_>) -> Result<Option<Vec<KeyUsage>>, InspectError> {
    let extension = certificate
        .key_usage()
        .map_err(|_| InspectError::Extension("key usage"))?;
    Ok(extension.map(|extension| {
        KeyUsage::ALL
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| extension.value.flags >> bit & 1 == 1)
            .map(|(_, usage)| usage)
            .collect()
    }))
}

fn extended_key_usages(
    certificate: &X509Certificate<'_>,
) -> Result<Option<Vec<ExtendedKeyUsage>>, InspectError> {
    let extension = certificate
        .extended_key_usage()
        .map_err(|_| InspectError::Extension("extended key usage"))?;
    Ok(extension.map(|extension| {
        let value = extension.value;
        [
            (value.any, ExtendedKeyUsage::Any),
            (value.server_auth, ExtendedKeyUsage::ServerAuth),
            (value.client_auth, ExtendedKeyUsage::ClientAuth),
            (value.code_signing, ExtendedKeyUsage::CodeSigning),
            (value.email_protection, ExtendedKeyUsage::EmailProtection),
            (value.time_stamping, ExtendedKeyUsage::TimeStamping),
            (value.ocsp_signing, ExtendedKeyUsage::OcspSigning),
        ]
        .into_iter()
        .filter_map(|(present, usage)| present.then_some(usage))
        .chain(
            value
                .other
                .iter()
                .map(|oid| ExtendedKeyUsage::Other(oid.to_id_string())),
        )
        .collect()
    }))
}

fn sans(certificate: &X509Certificate<'_>) -> Result<Vec<SubjectAltName>, InspectError> {
    let extension = certificate
        .subject_alternative_name()
        .map_err(|_| InspectError::Extension("subject alternative name"))?;
    Ok(extension.map_or_else(Vec::new, |extension| {
        extension.value.general_names.iter().map(san).collect()
    }))
}

pub(super) fn san(name: &GeneralName<'_>) -> SubjectAltName {
    match name {
        GeneralName::DNSName(text) => SubjectAltName::Dns(printable(text)),
        GeneralName::RFC822Name(text) => SubjectAltName::Email(printable(text)),
        GeneralName::URI(text) => SubjectAltName::Uri(printable(text)),
        GeneralName::IPAddress(bytes) => address(bytes).map_or_else(
            || SubjectAltName::Other(colon_hex(bytes)),
            SubjectAltName::Ip,
        ),
        other => SubjectAltName::Other(printable(&other.to_string())),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|octets| Ipv4Addr::from(octets).into());
    let v6 = || <[u8; 16]>::try_from(bytes).map(|octets| Ipv6Addr::from(octets).into());
    v4.or_else(|_| v6()).ok()
}

pub(super) fn key_algorithm(key: &SubjectPublicKeyInfo<'_>) -> KeyAlgorithm {
    let oid = key.algorithm.algorithm.to_id_string();
    match (oid.as_str(), key.parsed()) {
        (OID_RSA, Ok(PublicKey::RSA(rsa))) => KeyAlgorithm::Rsa(bit_length(rsa.modulus)),
        (OID_ED25519, _) => KeyAlgorithm::Ed25519,
        (OID_EC, _) => curve(key),
        _ => KeyAlgorithm::Other(oid),
    }
}

fn curve(key: &SubjectPublicKeyInfo<'_>) -> KeyAlgorithm {
    let curve = key
        .algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.as_oid().ok())
        .map_or_else(
            || "EC with explicit parameters".to_owned(),
            |oid| oid.to_id_string(),
        );
    match curve.as_str() {
        "1.2.840.10045.3.1.7" => KeyAlgorithm::EcP256,
        "1.3.132.0.34" => KeyAlgorithm::EcP384,
        "1.3.132.0.35" => KeyAlgorithm::EcP521,
        _ => KeyAlgorithm::Other(curve),
    }
}

pub(super) fn signature_name(oid: &str) -> String {
    SIGNATURES
        .iter()
        .find(|(known, _)| *known == oid)
        .map_or(oid, |(_, name)| name)
        .to_owned()
}

fn subject_key_id(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(colon_hex(id.0)),
            _ => None,
        })
}

fn authority_key_id(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate
        .iter_extensions()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                id.key_identifier.as_ref().map(|id| colon_hex(id.0))
            }
            _ => None,
        })
}

/// Certificates may name years up to 9999, a few hours more than `Timestamp` holds.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds > 0 {
        Timestamp::MAX
    } else {
        Timestamp::MIN
    })
}

fn bit_length(big_endian: &[u8]) -> usize {
    let significant = without_leading_zeros(big_endian);
    significant.first().map_or(0, |first| {
        significant.len() * 8 - first.leading_zeros() as usize
    })
}

pub(super) fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

fn colon_hex(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| HEXLOWER.encode(&[*byte])).collect();
    pairs.join(":")
}

/// Text from a certificate is shown in windows and logs, where control characters do harm.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// RFC 3279, section 2.3.1.
const OID_RSA: &str = "1.2.840.113549.1.1.1";
/// RFC 5480, section 2.1.1.
const OID_EC: &str = "1.2.840.10045.2.1";
/// RFC 8410, section 3.
const OID_ED25519: &str = "1.3.101.112";

/// Names of signature algorithms as ACM writes them (RFC 3279, 4055, 5758, 8410).
const SIGNATURES: [(&str, &str); 12] = [
    ("1.2.840.113549.1.1.4", "MD5WITHRSA"),
    ("1.2.840.113549.1.1.5", "SHA1WITHRSA"),
    ("1.3.14.3.2.29", "SHA1WITHRSA"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.1.11", "SHA256WITHRSA"),
    ("1.2.840.113549.1.1.12", "SHA384WITHRSA"),
    ("1.2.840.113549.1.1.13", "SHA512WITHRSA"),
    ("1.2.840.10045.4.1", "SHA1WITHECDSA"),
    ("1.2.840.10045.4.3.2", "SHA256WITHECDSA"),
    ("1.2.840.10045.4.3.3", "SHA384WITHECDSA"),
    ("1.2.840.10045.4.3.4", "SHA512WITHECDSA"),
    (OID_ED25519, "ED25519"),
];

/// Those that the TLS library verifies.
pub(super) const USABLE_SIGNATURES: [&str; 8] = [
    "RSASSA-PSS",
    "SHA256WITHRSA",
    "SHA384WITHRSA",
    "SHA512WITHRSA",
    "SHA256WITHECDSA",
    "SHA384WITHECDSA",
    "SHA512WITHECDSA",
    "ED25519",
];
