//! Issuing server and client certificates, from an authority made here or with easy-rsa.

use std::net::IpAddr;

use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    SanType,
};
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use time::OffsetDateTime;
use x509_parser::asn1_rs::{Oid, Tag};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::x509::AttributeTypeAndValue;

use super::bundle::{self, MAX_CHAIN_BYTES, PemError};
use super::chain::signed_by;
use super::inspect::{self, InspectError, Inspected, Validity, Weakness};
use super::key::{KeyError, PrivateKey};
use super::{KeyType, SecretPem, certificate_to_pem};

/// How long a new certificate lasts, in days, unless asked otherwise: easy-rsa's default.
pub const DEFAULT_VALIDITY_DAYS: u32 = 825;
/// The longest that can be asked for, in days.
pub const MAX_VALIDITY_DAYS: u32 = 3650;

/// What to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which end of the connection it is for.
    pub usage: Usage,
    /// The name: of a server its host name, of a client the name it is known by.
    pub common_name: String,
    /// Further host names. The common name of a server need not be among them: it becomes an
    /// alternative name by itself if it is a host name or an address.
    pub dns_names: Vec<String>,
    /// Addresses by which the server is reached.
    pub ip_addresses: Vec<IpAddr>,
    /// What kind of key to make.
    pub key_type: KeyType,
    /// How long it is to last, in days; it never outlasts its authority.
    pub validity_days: u32,
}

impl Request {
    /// A server certificate with the defaults.
    #[must_use]
    pub fn server(common_name: impl Into<String>) -> Self {
        Self::new(Usage::Server, common_name.into())
    }

    /// A client certificate with the defaults.
    #[must_use]
    pub fn client(common_name: impl Into<String>) -> Self {
        Self::new(Usage::Client, common_name.into())
    }

    fn new(usage: Usage, common_name: String) -> Self {
        Self {
            usage,
            common_name,
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            key_type: KeyType::default(),
            validity_days: DEFAULT_VALIDITY_DAYS,
        }
    }
}

/// Which end of a connection a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    /// The gateway: extended key usage `serverAuth`.
    Server,
    /// A client: extended key usage `clientAuth`.
    Client,
}

/// A new certificate with its key.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key, as PKCS #8.
    pub private_key_pem: SecretPem,
    /// The authority and what stands above it; `None` for an authority of one's own.
    pub chain_pem: Option<String>,
}

/// Why a certificate was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IssueError {
    /// The common name is unusable.
    #[error("The common name {reason}; give 1 to 64 printable characters, for example {example:?}")]
    CommonName {
        /// What is wrong, such as "is empty".
        reason: &'static str,
        /// A name that would be right.
        example: &'static str,
    },
    /// A host name is not one.
    #[error(
        "{name:?} is not a host name; give letters, digits and hyphens in labels of at most 63 characters, for example vpn.example.com"
    )]
    HostName {
        /// As given.
        name: String,
    },
    /// A server certificate without any host name or address.
    #[error(
        "A server certificate needs a host name or address: give a common name such as vpn.example.com, or add one as alternative name"
    )]
    NoServerName,
    /// A period of nothing or of too many days.
    #[error(
        "A validity of {days} days is not possible; give 1 to {MAX_VALIDITY_DAYS} days, for example {DEFAULT_VALIDITY_DAYS}"
    )]
    ValidityDays {
        /// As given.
        days: u32,
    },
    /// The authority's certificate is not PEM.
    #[error("The authority's certificate {0}")]
    AuthorityPem(PemError),
    /// The authority's certificate cannot be read.
    #[error("The authority's certificate cannot be read: {0}")]
    AuthorityUnreadable(InspectError),
    /// The authority's certificate is of a kind that clients refuse.
    #[error("The authority's certificate {0}")]
    AuthorityWeak(Weakness),
    /// The certificate given as authority is none.
    #[error(
        "{name:?} is no certificate authority; choose a certificate with CA:TRUE and keyCertSign, such as easy-rsa's ca.crt"
    )]
    NotAnAuthority {
        /// Its name.
        name: String,
    },
    /// The authority's certificate says that it signs no revocation lists.
    #[error(
        "The authority {name:?} may not sign revocation lists: its certificate lacks the key usage cRLSign; make an authority that has it, as those made here do"
    )]
    NoListSigner {
        /// Its name.
        name: String,
    },
    /// The authority's own period is over or has not begun.
    #[error(
        "The authority {name:?} holds from {not_before} to {not_after} only; make a new authority, or check this machine's clock"
    )]
    AuthorityDates {
        /// Its name.
        name: String,
        /// First moment of its period.
        not_before: Timestamp,
        /// Last moment of its period.
        not_after: Timestamp,
    },
    /// The authority's key is unusable.
    #[error("The authority's private key {0}")]
    AuthorityKey(KeyError),
    /// Key and certificate of the authority are not a pair.
    #[error(
        "The private key does not belong to the authority {name:?}; give the key that was made with it, such as easy-rsa's private/ca.key"
    )]
    AuthorityKeyMismatch {
        /// The authority's name.
        name: String,
    },
    /// The authority's name cannot be copied exactly into the issuer field, and clients would not
    /// find it.
    #[error(
        "The subject {subject:?} of the authority has repeated or unusual parts and cannot be used for issuing here; make an authority with a plain name, for example CN=Example CA"
    )]
    AuthorityName {
        /// The subject.
        subject: String,
    },
    /// Making the key or signing failed.
    #[error("It could not be made: {0}")]
    Failed(String),
}

impl IssueError {
    /// Which input the error belongs to: `CommonName`, `SubjectAlternativeNames`, `ValidityDays`
    /// or `CertificateAuthority`; `None` when it is nobody's input.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::CommonName { .. } | Self::NoServerName => Some("CommonName"),
            Self::HostName { .. } => Some("SubjectAlternativeNames"),
            Self::ValidityDays { .. } => Some("ValidityDays"),
            Self::AuthorityPem(_)
            | Self::AuthorityUnreadable(_)
            | Self::AuthorityWeak(_)
            | Self::NotAnAuthority { .. }
            | Self::NoListSigner { .. }
            | Self::AuthorityDates { .. }
            | Self::AuthorityKey(_)
            | Self::AuthorityKeyMismatch { .. }
            | Self::AuthorityName { .. } => Some("CertificateAuthority"),
            Self::Failed(_) => None,
        }
    }
}

impl From<rcgen::Error> for IssueError {
    fn from(error: rcgen::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Issues a certificate and its key.
///
/// Making an RSA key takes a good part of a second of computing, an ECDSA key almost none.
///
/// `ca_certificate_pem` may be followed by the certificates above the authority; all of them
/// become the chain of what is issued.
///
/// # Errors
/// When a name or the period is unusable, or the authority is no authority, does not hold now, or
/// its key is another's.
pub fn issue(
    ca_certificate_pem: &str,
    ca_private_key_pem: &SecretPem,
    request: &Request,
    now: Timestamp,
) -> Result<Issued, IssueError> {
    // Before a key is made for nothing.
    check(request)?;
    let key = PrivateKey::generate(request.key_type)?;
    let (certificate_pem, chain_pem) = sign(
        ca_certificate_pem,
        ca_private_key_pem,
        request,
        key.pair(),
        now,
    )?;
    Ok(Issued {
        certificate_pem,
        private_key_pem: key.to_pem(),
        chain_pem: Some(chain_pem),
    })
}

fn check(request: &Request) -> Result<Vec<SanType>, IssueError> {
    check_common_name(&request.common_name)?;
    check_days(request.validity_days)?;
    alternative_names(request)
}

pub(super) fn check_days(days: u32) -> Result<(), IssueError> {
    if (1..=MAX_VALIDITY_DAYS).contains(&days) {
        return Ok(());
    }
    Err(IssueError::ValidityDays { days })
}

/// The certificate of `request` for `key`, whoever has its private half, and the chain above it.
pub(super) fn sign(
    ca_certificate_pem: &str,
    ca_private_key_pem: &SecretPem,
    request: &Request,
    key: &impl PublicKeyData,
    now: Timestamp,
) -> Result<(String, String), IssueError> {
    let names = check(request)?;
    let chain = bundle::certificates(ca_certificate_pem.as_bytes(), MAX_CHAIN_BYTES)
        .map_err(IssueError::AuthorityPem)?;
    let authority = Authority::open(&chain, ca_private_key_pem, now)?;
    let period = period(now, request.validity_days).within(&authority.facts);
    let mut parameters = parameters(&request.common_name, period)?;
    parameters.subject_alt_names = names;
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = key_usages(request);
    parameters.extended_key_usages = vec![match request.usage {
        Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
        Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
    }];
    let certificate = certificate_to_pem(&authority.sign(&parameters, key)?);
    Ok((certificate, bundle::to_bundle(&chain)))
}

/// An authority that may issue now.
pub(super) struct Authority<'a> {
    parsed: X509Certificate<'a>,
    facts: Inspected,
    key: PrivateKey,
}

impl<'a> Authority<'a> {
    pub(super) fn open(
        chain: &'a [Vec<u8>],
        key: &SecretPem,
        now: Timestamp,
    ) -> Result<Self, IssueError> {
        let authority = Self::at_any_time(chain, key)?;
        let facts = &authority.facts;
        if facts.validity_at(now) != Validity::Valid {
            return Err(IssueError::AuthorityDates {
                name: facts.display_name().to_owned(),
                not_before: facts.not_before,
                not_after: facts.not_after,
            });
        }
        Ok(authority)
    }

    /// One whose time may be over, or not have come.
    pub(super) fn at_any_time(chain: &'a [Vec<u8>], key: &SecretPem) -> Result<Self, IssueError> {
        let der = chain
            .first()
            .ok_or(IssueError::AuthorityPem(PemError::NoBlock))?;
        let parsed = inspect::parse(der).map_err(IssueError::AuthorityUnreadable)?;
        let facts = inspect::inspect_parsed(&parsed).map_err(IssueError::AuthorityUnreadable)?;
        facts.check_strength().map_err(IssueError::AuthorityWeak)?;
        let name = facts.display_name().to_owned();
        if !facts.may_sign_certificates() {
            return Err(IssueError::NotAnAuthority { name });
        }
        let key =
            PrivateKey::from_pem(key.expose().as_bytes()).map_err(IssueError::AuthorityKey)?;
        if !key.belongs_to(&parsed) {
            return Err(IssueError::AuthorityKeyMismatch { name });
        }
        Ok(Self { parsed, facts, key })
    }

    pub(super) fn parsed(&self) -> &X509Certificate<'a> {
        &self.parsed
    }

    pub(super) fn facts(&self) -> &Inspected {
        &self.facts
    }

    /// Its name for messages.
    pub(super) fn name(&self) -> &str {
        self.facts.display_name()
    }

    /// How what it signs names its key.
    pub(super) fn key_identifier(&self) -> KeyIdMethod {
        let digits = self.facts.subject_key_id.as_ref();
        let bytes = digits.and_then(|it| HEXLOWER.decode(it.replace(':', "").as_bytes()).ok());
        bytes.map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified)
    }

    fn unusual_name(&self) -> IssueError {
        IssueError::AuthorityName {
            subject: self.facts.subject.clone(),
        }
    }

    fn issuer(&self) -> Result<Issuer<'static, &KeyPair>, IssueError> {
        if !self.parsed.subject().iter_attributes().all(can_be_written) {
            return Err(self.unusual_name());
        }
        let der = CertificateDer::from(self.parsed.as_raw());
        Issuer::from_ca_cert_der(&der, self.key.pair()).map_err(|_| self.unusual_name())
    }

    /// Signs a revocation list, and makes sure of its issuer's name as [`Self::sign`] does.
    pub(super) fn sign_list(
        &self,
        parameters: &CertificateRevocationListParams,
    ) -> Result<Vec<u8>, IssueError> {
        let list = parameters.signed_by(&self.issuer()?)?;
        let (_, parsed) = CertificateRevocationList::from_der(list.der())
            .map_err(|error| broken(error.to_string()))?;
        if parsed.issuer().as_raw() != self.parsed.subject().as_raw() {
            return Err(self.unusual_name());
        }
        Ok(list.der().to_vec())
    }

    /// Signs, and makes sure that clients will find the authority by the issuer's name: the
    /// library rebuilds that name, and drops what it cannot express.
    pub(super) fn sign(
        &self,
        parameters: &CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<Vec<u8>, IssueError> {
        let certificate = parameters.signed_by(key, &self.issuer()?)?;
        let issued =
            inspect::parse(certificate.der()).map_err(|error| broken(error.to_string()))?;
        if issued.issuer().as_raw() != self.parsed.subject().as_raw() {
            return Err(self.unusual_name());
        }
        if !signed_by(&issued, &self.parsed) {
            return Err(broken("its signature does not verify"));
        }
        Ok(certificate.der().to_vec())
    }
}

/// Whether the library can write this part of a name. It asserts, rather than reports, that
/// object identifiers are possible ones and that `PrintableString` holds no `?`.
pub(super) fn can_be_written(attribute: &AttributeTypeAndValue<'_>) -> bool {
    let value = attribute.attr_value();
    is_possible(attribute.attr_type())
        && !(value.tag() == Tag::PrintableString && value.data.contains(&b'?'))
}

/// Whether the library can write this object identifier.
pub(super) fn is_possible(oid: &Oid<'_>) -> bool {
    let mut arcs = oid.iter().into_iter().flatten();
    match (arcs.next(), arcs.next()) {
        (Some(0 | 1), Some(second)) => second < 40,
        (Some(2), Some(second)) => second < 1 << 32,
        _ => false,
    }
}

pub(super) fn broken(reason: impl Into<String>) -> IssueError {
    IssueError::Failed(reason.into())
}

/// A certificate's first and last moment.
#[derive(Clone, Copy)]
pub(super) struct Period {
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Period {
    /// Cut to the authority's own period: clients refuse what outlasts its issuer.
    pub(super) fn within(self, authority: &Inspected) -> Self {
        Self {
            not_before: self.not_before.max(authority.not_before),
            not_after: self.not_after.min(authority.not_after),
        }
    }
}

/// `days` from `now`, beginning a little earlier for clients whose clock is slow.
pub(super) fn period(now: Timestamp, days: u32) -> Period {
    let length = SignedDuration::from_hours(24 * i64::from(days));
    Period {
        not_before: now.checked_sub(CLOCK_ALLOWANCE).unwrap_or(now),
        not_after: now.checked_add(length).unwrap_or(Timestamp::MAX),
    }
}

/// Parameters with name, period and a random serial number.
pub(super) fn parameters(
    common_name: &str,
    period: Period,
) -> Result<CertificateParams, IssueError> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    set_period(&mut parameters, period)?;
    Ok(parameters)
}

/// Gives a certificate its period, and a random serial number.
pub(super) fn set_period(
    parameters: &mut CertificateParams,
    period: Period,
) -> Result<(), IssueError> {
    parameters.not_before = date_time(period.not_before)?;
    parameters.not_after = date_time(period.not_after)?;
    parameters.serial_number = Some(random_serial()?.to_vec().into());
    Ok(())
}

/// 128 bits, as easy-rsa does, so that serials neither repeat nor tell how many were issued. The
/// first two bits are `01`: the number stays positive and 16 bytes long.
fn random_serial() -> Result<[u8; 16], IssueError> {
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| broken("the system has no random numbers"))?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

pub(super) fn date_time(moment: Timestamp) -> Result<OffsetDateTime, IssueError> {
    OffsetDateTime::from_unix_timestamp(moment.as_second())
        .map_err(|error| broken(error.to_string()))
}

fn key_usages(request: &Request) -> Vec<KeyUsagePurpose> {
    let mut usages = vec![KeyUsagePurpose::DigitalSignature];
    // Only RSA keys encipher (RFC 8813 forbids it for ECDSA); easy-rsa's servers have it.
    if request.usage == Usage::Server && request.key_type == KeyType::Rsa2048 {
        usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    usages
}

/// Refuses names that X.509 cannot hold or that two programs may read differently.
pub(super) fn check_common_name(name: &str) -> Result<(), IssueError> {
    let reason = if name.trim().is_empty() {
        "is empty"
    } else if name.trim() != name {
        "begins or ends with white space"
    } else if name.chars().any(char::is_control) {
        "holds a control character"
    } else if name.chars().count() > MAX_COMMON_NAME {
        "is longer than 64 characters"
    } else {
        return Ok(());
    };
    Err(IssueError::CommonName {
        reason,
        example: "client1.example.com",
    })
}

/// The alternative names: those asked for, and for a server its common name, which verifiers
/// other than OpenVPN do not look at any more.
fn alternative_names(request: &Request) -> Result<Vec<SanType>, IssueError> {
    let mut names = Vec::new();
    if request.usage == Usage::Server {
        if let Ok(address) = request.common_name.parse() {
            names.push(SanType::IpAddress(address));
        } else if is_host_name(&request.common_name) {
            names.push(dns_name(&request.common_name)?);
        }
    }
    for name in &request.dns_names {
        names.push(dns_name(name)?);
    }
    names.extend(request.ip_addresses.iter().copied().map(SanType::IpAddress));
    if request.usage == Usage::Server && names.is_empty() {
        return Err(IssueError::NoServerName);
    }
    let mut unique = Vec::with_capacity(names.len());
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    Ok(unique)
}

fn dns_name(name: &str) -> Result<SanType, IssueError> {
    let refused = || IssueError::HostName {
        name: name.to_owned(),
    };
    if !is_host_name(name) {
        return Err(refused());
    }
    name.try_into().map(SanType::DnsName).map_err(|_| refused())
}

/// A host name (RFC 1123, section 2.1), perhaps with `*` as its first label (RFC 6125).
pub(super) fn is_host_name(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    name.len() <= 253
        && labels.split('.').all(is_label)
        && !labels
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// RFC 5280, appendix A.1: ub-common-name-length.
const MAX_COMMON_NAME: usize = 64;
/// How far back a new certificate begins.
const CLOCK_ALLOWANCE: SignedDuration = SignedDuration::from_hours(1);
