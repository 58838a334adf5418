//! Renewing an authority: the same name and the same key with later dates, so that what it signed
//! goes on.

use jiff::Timestamp;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, SubjectPublicKeyInfo,
};
use x509_parser::asn1_rs::{Oid, Tag};
use x509_parser::extensions::{ParsedExtension, X509Extension};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::bundle::{self, MAX_CHAIN_BYTES};
use super::inspect::{self, Inspected};
use super::issue::{self, Authority, IssueError};
use super::{SecretPem, certificate_to_pem};

/// Makes the successor of an authority's certificate, in PEM: its name, its key and everything else
/// it says stay, its dates are new.
///
/// `signer_pem`, with the certificates above it, and its key sign: for a root they are the old
/// certificate's own. The serial number is new, except where the old certificate names its own
/// serial number as its issuer's, as those of easy-rsa do: what such an authority signed names that
/// number too, and clients would no longer find the way up.
///
/// A root may be renewed after its end, and never outlasts what signs it otherwise.
///
/// # Errors
/// When it is no authority, the signer cannot sign now or has another key, or the period is no
/// period.
pub fn renew_ca(
    certificate_pem: &str,
    signer_pem: &str,
    signer_private_key_pem: &SecretPem,
    validity_days: u32,
    now: Timestamp,
) -> Result<String, IssueError> {
    issue::check_days(validity_days)?;
    let read = |pem: &str| {
        bundle::certificates(pem.as_bytes(), MAX_CHAIN_BYTES).map_err(IssueError::AuthorityPem)
    };
    let (old, chain) = (read(certificate_pem)?, read(signer_pem)?);
    let der = old.first().map(Vec::as_slice).unwrap_or_default();
    let certificate = inspect::parse(der).map_err(IssueError::AuthorityUnreadable)?;
    let facts = inspect::inspect_parsed(&certificate).map_err(IssueError::AuthorityUnreadable)?;
    if !facts.may_sign_certificates() {
        let name = facts.display_name().to_owned();
        return Err(IssueError::NotAnAuthority { name });
    }
    let period = issue::period(now, validity_days);
    let is_root = chain.first().is_some_and(|signer| signer == der);
    let (signer, period) = if is_root {
        let signer = Authority::at_any_time(&chain, signer_private_key_pem)?;
        (signer, period)
    } else {
        let signer = Authority::open(&chain, signer_private_key_pem, now)?;
        let period = period.within(signer.facts());
        (signer, period)
    };

    let mut parameters = CertificateParams::default();
    issue::set_period(&mut parameters, period)?;
    let unusual = || IssueError::AuthorityName {
        subject: facts.subject.clone(),
    };
    parameters.distinguished_name = name(certificate.subject()).ok_or_else(unusual)?;
    parameters.custom_extensions = certificate
        .extensions()
        .iter()
        .map(extension)
        .collect::<Option<_>>()
        .ok_or_else(|| issue::broken("an extension of it has an impossible identifier"))?;
    if names_serial(certificate.extensions()) {
        parameters.serial_number = Some(certificate.raw_serial().to_vec().into());
    }
    let key = SubjectPublicKeyInfo::from_der(certificate.public_key().raw)?;
    let renewed = signer.sign(&parameters, &key)?;
    check_same(certificate.subject().as_raw(), &facts, &renewed)?;
    Ok(certificate_to_pem(&renewed))
}

/// The library rebuilds the name: what it signed is found by it only if no byte changed.
fn check_same(subject: &[u8], old: &Inspected, renewed: &[u8]) -> Result<(), IssueError> {
    let failed = |error: inspect::InspectError| issue::broken(error.to_string());
    let parsed = inspect::parse(renewed).map_err(failed)?;
    let facts = inspect::inspect_parsed(&parsed).map_err(failed)?;
    if parsed.subject().as_raw() != subject {
        return Err(IssueError::AuthorityName {
            subject: old.subject.clone(),
        });
    }
    let stays = facts.is_ca == old.is_ca
        && facts.key_usages == old.key_usages
        && facts.subject_key_id == old.subject_key_id;
    if stays {
        return Ok(());
    }
    Err(issue::broken("it would not be what it was"))
}

/// Whether the issuer is named by its serial number too, beside its key.
fn names_serial(extensions: &[X509Extension<'_>]) -> bool {
    extensions.iter().any(|it| {
        matches!(it.parsed_extension(), ParsedExtension::AuthorityKeyIdentifier(id)
            if id.authority_cert_serial.is_some())
    })
}

fn extension(old: &X509Extension<'_>) -> Option<CustomExtension> {
    let mut new = CustomExtension::from_oid_content(&arcs(&old.oid)?, old.value.to_vec());
    new.set_criticality(old.critical);
    Some(new)
}

fn name(old: &X509Name<'_>) -> Option<DistinguishedName> {
    let mut name = DistinguishedName::new();
    for part in old.iter_attributes() {
        let kind = DnType::from_oid(&arcs(part.attr_type())?);
        name.push(kind, value(part)?);
    }
    Some(name)
}

fn value(part: &AttributeTypeAndValue<'_>) -> Option<DnValue> {
    if !issue::can_be_written(part) {
        return None;
    }
    let value = part.attr_value();
    let text = std::str::from_utf8(value.data).ok()?;
    Some(match value.tag() {
        Tag::Utf8String => DnValue::Utf8String(text.to_owned()),
        Tag::PrintableString => DnValue::PrintableString(text.try_into().ok()?),
        Tag::Ia5String => DnValue::Ia5String(text.try_into().ok()?),
        Tag::T61String => DnValue::TeletexString(text.try_into().ok()?),
        _ => return None,
    })
}

fn arcs(oid: &Oid<'_>) -> Option<Vec<u64>> {
    issue::is_possible(oid)
        .then(|| oid.iter().map(Iterator::collect))
        .flatten()
}
