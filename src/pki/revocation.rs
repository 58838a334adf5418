//! Certificate revocation lists (RFC 5280, section 5): read strictly and checked, and made.

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use pem::Pem;
use rcgen::{CertificateRevocationListParams, RevokedCertParams};
use thiserror::Error;
use x509_parser::extensions::{IssuingDistributionPoint, ParsedExtension, X509Extension};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::revocation_list::{CertificateRevocationList, RevokedCertificate};
use x509_parser::x509::X509Version;

use super::SecretPem;
use super::bundle::{self, LF, MAX_CHAIN_BYTES, PemError};
use super::chain;
use super::inspect::{self, printable, timestamp, without_leading_zeros};
use super::issue::{self, Authority, IssueError};
use crate::model::RevocationReason;

const LABEL: &str = "X509 CRL";

/// The facts of one revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    /// The issuer's name, written as [`super::Inspected::issuer`] is.
    pub issuer: String,
    /// The issuer's name as DER, for comparing.
    pub issuer_der: Vec<u8>,
    /// When the list was made.
    pub this_update: Timestamp,
    /// When a newer one is due, if the list says so.
    pub next_update: Option<Timestamp>,
    /// The list's number, lower-case hexadecimal, if it has one.
    pub number: Option<String>,
    /// The revoked certificates, in the list's order.
    pub entries: Vec<Revoked>,
    /// SHA-256 over the whole list, lower-case hexadecimal.
    pub fingerprint: String,
    /// The list as one PEM block, without the text around it.
    pub pem: String,
}

/// One revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Serial number: lower-case hexadecimal of its bytes, without leading zero bytes.
    pub serial: String,
    /// When it was revoked.
    pub at: Timestamp,
    /// Why, if the list says so.
    pub reason: Option<RevocationReason>,
}

/// Where a moment lies in a list's period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListValidity {
    /// Within the period, or the list names no end.
    Current,
    /// A newer list is overdue.
    Expired,
    /// Made in the future.
    NotYet,
}

/// Why a revocation list is refused. Each message continues "The revocation list …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CrlError {
    /// Framing that cannot be read.
    #[error("cannot be read as PEM or DER; copy the whole file again, as easy-rsa writes crl.pem")]
    Unreadable,
    /// More bytes than the entries that are accepted can need.
    #[error(
        "is {bytes} bytes long, more than a list of {limit} certificates, the most that are accepted, can need"
    )]
    TooLarge {
        /// How long it is.
        bytes: usize,
        /// Most entries that are accepted.
        limit: usize,
    },
    /// More entries than are accepted.
    #[error("revokes {entries} certificates; at most {limit} are accepted")]
    TooManyEntries {
        /// How many it revokes.
        entries: usize,
        /// Most that are accepted.
        limit: usize,
    },
    /// PEM of something else.
    #[error(
        "holds a {0} block; a -----BEGIN X509 CRL----- block is needed, as in easy-rsa's crl.pem"
    )]
    OtherLabel(String),
    /// Several lists in one text.
    #[error("holds {0} lists; exactly one is accepted")]
    Several(usize),
    /// The DER inside cannot be read.
    #[error("is damaged; export it again, for example with `easyrsa gen-crl`")]
    Damaged,
    /// The first version of lists, which says neither who signed nor which list it is.
    #[error(
        "is of version 1, which is too old; have it made as version 2 (openssl: `-crlexts` with authorityKeyIdentifier)"
    )]
    OldVersion,
    /// A critical extension whose meaning is unknown here.
    #[error("has the critical extension {0}, which is not understood; have it made without")]
    UnknownCritical(String),
    /// Only the changes since another list.
    #[error("is a delta list, which holds changes only; give the complete list")]
    Delta,
    /// A list for certificates of other issuers as well.
    #[error(
        "is an indirect list, which speaks for other authorities; give the list of the authority itself"
    )]
    Indirect,
    /// A list of only some of the revoked certificates.
    #[error("covers only a part of the authority's certificates; give the complete list")]
    Partial,
    /// The issuer is none of the authorities.
    #[error("was issued by {issuer:?}; a list of {wanted} is needed")]
    OtherIssuer {
        /// Who issued the list.
        issuer: String,
        /// The authorities whose list would be right.
        wanted: String,
    },
    /// The issuer by name, but the signature does not fit its key.
    #[error(
        "names {0:?} as issuer, but that authority's key did not sign it; export it again from that authority"
    )]
    DidNotSign(String),
    /// The issuer's certificate says that it signs no lists.
    #[error(
        "was signed by {0:?}, whose certificate lacks the key usage cRLSign; use an authority that may sign lists, such as easy-rsa's"
    )]
    MayNotSign(String),
    /// SHA-1 and the like.
    #[error("is signed with {0}; SHA-256 or better with RSA or ECDSA, or Ed25519, is needed")]
    WeakSignature(String),
}

impl RevocationList {
    /// Whether the list is current at `now`. It is no more from the moment on at which the next one
    /// is due, as [`crate::model::RevocationList::is_expired`] has it.
    #[must_use]
    pub fn validity(&self, now: Timestamp) -> ListValidity {
        if now < self.this_update {
            ListValidity::NotYet
        } else if self.next_update.is_some_and(|end| now >= end) {
            ListValidity::Expired
        } else {
            ListValidity::Current
        }
    }
}

/// Reads a list of at most `limit` entries from PEM text with exactly one list, or from DER.
///
/// # Errors
/// When it is no list, damaged, too large, or not the complete list of its issuer.
pub fn read_revocation_list(text: &[u8], limit: usize) -> Result<RevocationList, CrlError> {
    if text.len() > most_bytes(limit) {
        let bytes = text.len();
        return Err(CrlError::TooLarge { bytes, limit });
    }
    let der = to_der(text)?;
    let list = parse(&der)?;
    let tbs = &list.tbs_cert_list;
    let entries = tbs.revoked_certificates.len();
    if entries > limit {
        return Err(CrlError::TooManyEntries { entries, limit });
    }
    if tbs.version != Some(X509Version::V2) {
        return Err(CrlError::OldVersion);
    }
    tbs.extensions_map().map_err(|_| CrlError::Damaged)?;
    tbs.iter_extensions().try_for_each(check_extension)?;
    let entries = tbs.revoked_certificates.iter().map(entry);
    Ok(RevocationList {
        issuer: printable(&tbs.issuer.to_string()),
        issuer_der: tbs.issuer.as_raw().to_vec(),
        this_update: timestamp(tbs.this_update.timestamp()),
        next_update: tbs.next_update.map(|end| timestamp(end.timestamp())),
        number: list
            .crl_number()
            .map(|number| HEXLOWER.encode(&number.to_bytes_be())),
        entries: entries.collect::<Result<_, _>>()?,
        fingerprint: HEXLOWER.encode(digest::digest(&digest::SHA256, &der).as_ref()),
        pem: pem::encode_config(&Pem::new(LABEL, der.as_slice()), LF),
    })
}

/// Finds which of `authorities` (DER) signed the list: its position.
///
/// # Errors
/// When none of them bears the issuer's name, none of those signed it, or the signature is weak.
pub fn verify_revocation_list(
    list: &RevocationList,
    authorities: &[Vec<u8>],
) -> Result<usize, CrlError> {
    let der = to_der(list.pem.as_bytes())?;
    let parsed = parse(&der)?;
    let algorithm = inspect::signature_name(&parsed.signature_algorithm.algorithm.to_id_string());
    if !inspect::USABLE_SIGNATURES.contains(&algorithm.as_str()) {
        return Err(CrlError::WeakSignature(algorithm));
    }
    let mut named = false;
    let mut others = Vec::new();
    for (index, authority) in authorities.iter().enumerate() {
        let Ok(authority) = inspect::parse(authority) else {
            continue;
        };
        if authority.subject().as_raw() != parsed.issuer().as_raw() {
            others.push(format!("{:?}", printable(&authority.subject().to_string())));
        } else if chain::list_signed_by(&parsed, &authority) {
            return match may_sign_lists(&authority) {
                true => Ok(index),
                false => Err(CrlError::MayNotSign(list.issuer.clone())),
            };
        } else {
            named = true;
        }
    }
    Err(if named {
        CrlError::DidNotSign(list.issuer.clone())
    } else {
        CrlError::OtherIssuer {
            issuer: list.issuer.clone(),
            wanted: others.join(" or "),
        }
    })
}

/// What identifies a certificate in revocation lists: its issuer's name as DER, and its serial
/// number written as in [`Revoked::serial`]. `None` when it cannot be read.
#[must_use]
pub fn certificate_id(der: &[u8]) -> Option<(Vec<u8>, String)> {
    let certificate = inspect::parse(der).ok()?;
    let serial = HEXLOWER.encode(without_leading_zeros(certificate.raw_serial()));
    Some((certificate.issuer().as_raw().to_vec(), serial))
}

/// The name of a certificate's subject as DER. `None` when it cannot be read.
#[must_use]
pub fn subject_der(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = inspect::parse(der).ok()?;
    Some(certificate.subject().as_raw().to_vec())
}

/// What a list to be made says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// Its number; each one of an authority has a higher one than those before.
    pub number: u64,
    /// When it is made.
    pub this_update: Timestamp,
    /// When the next one is due; later than `this_update`.
    pub next_update: Timestamp,
    /// The revoked certificates.
    pub entries: Vec<Revoked>,
}

/// Makes the list of an authority. Moments are cut to whole seconds, as lists hold them.
///
/// `ca_certificate_pem` may be followed by the certificates above the authority.
///
/// # Errors
/// When the authority is none, may not sign lists, does not hold at `this_update`, or its key is
/// another's; when the period is no period.
pub fn make_revocation_list(
    ca_certificate_pem: &str,
    ca_private_key_pem: &SecretPem,
    request: &ListRequest,
) -> Result<RevocationList, IssueError> {
    let chain = bundle::certificates(ca_certificate_pem.as_bytes(), MAX_CHAIN_BYTES)
        .map_err(IssueError::AuthorityPem)?;
    let authority = Authority::open(&chain, ca_private_key_pem, request.this_update)?;
    if !may_sign_lists(authority.parsed()) {
        return Err(IssueError::NoListSigner {
            name: authority.name().to_owned(),
        });
    }
    if request.next_update.as_second() <= request.this_update.as_second() {
        return Err(issue::broken("its period would be empty"));
    }
    let revoked = request.entries.iter().map(to_parameters);
    let parameters = CertificateRevocationListParams {
        this_update: issue::date_time(request.this_update)?,
        next_update: issue::date_time(request.next_update)?,
        crl_number: request.number.into(),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect::<Result<_, _>>()?,
        key_identifier_method: authority.key_identifier(),
    };
    let der = authority.sign_list(&parameters)?;
    let not_readable = |error: CrlError| issue::broken(error.to_string());
    let list = read_revocation_list(&der, request.entries.len()).map_err(not_readable)?;
    verify_revocation_list(&list, &chain).map_err(not_readable)?;
    Ok(list)
}

fn to_parameters(revoked: &Revoked) -> Result<RevokedCertParams, IssueError> {
    let serial = HEXLOWER
        .decode(revoked.serial.as_bytes())
        .map_err(|_| issue::broken("a serial number is none"))?;
    Ok(RevokedCertParams {
        serial_number: serial.into(),
        revocation_time: issue::date_time(revoked.at)?,
        reason_code: revoked.reason.map(code_of),
        invalidity_date: None,
    })
}

/// Whether the authority may sign lists: key usage cRLSign, where it states key usages.
fn may_sign_lists(authority: &X509Certificate<'_>) -> bool {
    match authority.key_usage() {
        Ok(usage) => usage.is_none_or(|usage| usage.value.crl_sign()),
        Err(_) => false,
    }
}

/// The longest text of a list of `limit` entries: each has a number of at most 20 bytes, a date,
/// a reason and what holds them, three bytes of which become four characters of PEM.
const fn most_bytes(limit: usize) -> usize {
    limit.saturating_mul(128).saturating_add(1 << 20)
}

fn to_der(text: &[u8]) -> Result<Vec<u8>, CrlError> {
    let blocks = match bundle::blocks(text, text.len()) {
        Ok(blocks) => blocks,
        Err(PemError::Binary) => return Ok(text.to_vec()),
        Err(_) => return Err(CrlError::Unreadable),
    };
    let first = blocks.first().map(|block| block.tag().to_owned());
    let mut lists: Vec<_> = blocks.into_iter().filter(|b| b.tag() == LABEL).collect();
    match (lists.len(), lists.pop(), first) {
        (1, Some(list), _) => Ok(list.into_contents()),
        (0, _, Some(label)) => Err(CrlError::OtherLabel(label)),
        (0, _, None) => Err(CrlError::Unreadable),
        (count, ..) => Err(CrlError::Several(count)),
    }
}

fn parse(der: &[u8]) -> Result<CertificateRevocationList<'_>, CrlError> {
    match CertificateRevocationList::from_der(der) {
        Ok(([], list)) => Ok(list),
        _ => Err(CrlError::Damaged),
    }
}

fn check_extension(extension: &X509Extension<'_>) -> Result<(), CrlError> {
    const DELTA: &str = "2.5.29.27";
    if extension.oid.to_id_string() == DELTA {
        return Err(CrlError::Delta);
    }
    match extension.parsed_extension() {
        ParsedExtension::IssuingDistributionPoint(point) => check_scope(point),
        ParsedExtension::AuthorityKeyIdentifier(_) | ParsedExtension::CRLNumber(_) => Ok(()),
        _ if extension.critical => Err(CrlError::UnknownCritical(extension.oid.to_id_string())),
        _ => Ok(()),
    }
}

fn check_scope(point: &IssuingDistributionPoint<'_>) -> Result<(), CrlError> {
    if point.indirect_crl {
        Err(CrlError::Indirect)
    } else if point.distribution_point.is_some()
        || point.only_some_reasons.is_some()
        || point.only_contains_ca_certs
        || point.only_contains_attribute_certs
    {
        Err(CrlError::Partial)
    } else {
        Ok(())
    }
}

fn entry(revoked: &RevokedCertificate<'_>) -> Result<Revoked, CrlError> {
    const CERTIFICATE_ISSUER: &str = "2.5.29.29";
    for extension in revoked.iter_extensions() {
        let id = extension.oid.to_id_string();
        if id == CERTIFICATE_ISSUER {
            return Err(CrlError::Indirect);
        }
        let known = matches!(
            extension.parsed_extension(),
            ParsedExtension::ReasonCode(_) | ParsedExtension::InvalidityDate(_)
        );
        if extension.critical && !known {
            return Err(CrlError::UnknownCritical(id));
        }
    }
    Ok(Revoked {
        serial: HEXLOWER.encode(without_leading_zeros(revoked.raw_serial())),
        at: timestamp(revoked.revocation_date.timestamp()),
        reason: revoked
            .reason_code()
            .and_then(|(_, code)| reason_of(code.0)),
    })
}

/// The reason that a list's code stands for (RFC 5280, section 5.3.1).
fn reason_of(code: u8) -> Option<RevocationReason> {
    Some(match code {
        0 => RevocationReason::Unspecified,
        1 => RevocationReason::KeyCompromise,
        2 => RevocationReason::CaCompromise,
        3 => RevocationReason::AffiliationChanged,
        4 => RevocationReason::Superseded,
        5 => RevocationReason::CessationOfOperation,
        6 => RevocationReason::CertificateHold,
        8 => RevocationReason::RemoveFromCrl,
        9 => RevocationReason::PrivilegeWithdrawn,
        10 => RevocationReason::AaCompromise,
        _ => return None,
    })
}

fn code_of(reason: RevocationReason) -> rcgen::RevocationReason {
    match reason {
        RevocationReason::Unspecified => rcgen::RevocationReason::Unspecified,
        RevocationReason::KeyCompromise => rcgen::RevocationReason::KeyCompromise,
        RevocationReason::CaCompromise => rcgen::RevocationReason::CaCompromise,
        RevocationReason::AffiliationChanged => rcgen::RevocationReason::AffiliationChanged,
        RevocationReason::Superseded => rcgen::RevocationReason::Superseded,
        RevocationReason::CessationOfOperation => rcgen::RevocationReason::CessationOfOperation,
        RevocationReason::CertificateHold => rcgen::RevocationReason::CertificateHold,
        RevocationReason::RemoveFromCrl => rcgen::RevocationReason::RemoveFromCrl,
        RevocationReason::PrivilegeWithdrawn => rcgen::RevocationReason::PrivilegeWithdrawn,
        RevocationReason::AaCompromise => rcgen::RevocationReason::AaCompromise,
    }
}
