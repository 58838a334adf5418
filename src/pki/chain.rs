//! Who signed whom.

use thiserror::Error;
use x509_parser::asn1_rs::{Any, FromDer as _};
use x509_parser::certificate::X509Certificate;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::inspect::{self, InspectError, Inspected};

/// Why certificates do not form a chain. Each message continues "The certificate chain …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// One of its certificates cannot be read.
    #[error("cannot be read at its certificate number {number}: {problem}")]
    Unreadable {
        /// Counted from 1, in the order of the text.
        number: usize,
        /// What is wrong with it.
        problem: InspectError,
    },
    /// One of its certificates cannot be used for TLS.
    #[error("holds {name:?}, which does not fit: {problem}")]
    Unusable {
        /// The certificate's name.
        name: String,
        /// What is wrong with it.
        problem: InspectError,
    },
    /// The issuer by name, but another key signed.
    #[error(
        "does not fit: {issuer:?} is named as issuer of {child:?}, but did not sign it; give the authority whose key did"
    )]
    DidNotSign {
        /// The certificate from the chain.
        issuer: String,
        /// The certificate it was to have signed.
        child: String,
    },
    /// The issuer is not permitted to issue.
    #[error(
        "does not fit: {issuer:?} signed {child:?} but is no certificate authority; give one with CA:TRUE and keyCertSign"
    )]
    NotAnAuthority {
        /// The certificate from the chain.
        issuer: String,
        /// The certificate it signed.
        child: String,
    },
    /// A certificate that signed none of the others.
    #[error(
        "holds {name:?}, which did not sign the certificate or another one of the chain; give the issuer {wanted:?}, and its issuers, only"
    )]
    Unrelated {
        /// The stray certificate.
        name: String,
        /// The issuer that was looked for.
        wanted: String,
    },
}

/// Whether the key of `issuer` signed `child`, by the same verifiers that judge handshakes.
pub(super) fn signed_by(child: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    verifies(
        child.as_raw(),
        child.tbs_certificate.as_ref(),
        &child.signature_value.data,
        issuer.public_key(),
    )
}

/// Whether the key of `issuer` signed the revocation list.
pub(super) fn list_signed_by(
    list: &CertificateRevocationList<'_>,
    issuer: &X509Certificate<'_>,
) -> bool {
    verifies(
        list.as_raw(),
        list.tbs_cert_list.as_ref(),
        &list.signature_value.data,
        issuer.public_key(),
    )
}

/// Whether the key in a request signed it.
pub(super) fn request_signed_by_its_key(request: &X509CertificationRequest<'_>) -> bool {
    let info = &request.certification_request_info;
    verifies(
        request.as_raw(),
        info.raw,
        &request.signature_value.data,
        &info.subject_pki,
    )
}

/// Certificates, lists and requests have the same outer form: the signed part, the algorithm, the
/// signature.
fn verifies(whole: &[u8], signed: &[u8], signature: &[u8], key: &SubjectPublicKeyInfo<'_>) -> bool {
    let (Some(signature_id), Some(key_id)) = (
        signature_algorithm_id(whole, signed),
        sequence_head(key.raw),
    ) else {
        return false;
    };
    webpki::ALL_VERIFICATION_ALGS.iter().any(|algorithm| {
        algorithm.signature_alg_id().as_ref() == signature_id
            && algorithm.public_key_alg_id().as_ref() == key_id
            && algorithm
                .verify_signature(&key.subject_public_key.data, signed, signature)
                .is_ok()
    })
}

/// One certificate of a sorted chain.
pub(super) struct Link {
    pub(super) der: Vec<u8>,
    pub(super) facts: Inspected,
}

/// Brings `pool` into the order leaf's issuer, its issuer, and so on, and checks each signature.
///
/// Copies of the leaf and of one another are dropped; the last one may or may not be a root.
pub(super) fn sort(leaf: &[u8], pool: &[Vec<u8>]) -> Result<Vec<Link>, ChainError> {
    let mut members = Vec::new();
    for (index, der) in pool.iter().enumerate() {
        if der != leaf && !members.iter().any(|member: &Member<'_>| member.der == der) {
            members.push(Member::read(der, index + 1)?);
        }
    }
    let mut current = Member::read(leaf, 0)?;
    let mut sorted = Vec::new();
    while !current.facts.self_signed && !members.is_empty() {
        let next = members.remove(issuer_of(&current, &members)?);
        sorted.push(Link {
            der: next.der.to_vec(),
            facts: next.facts.clone(),
        });
        current = next;
    }
    match members.first() {
        None => Ok(sorted),
        Some(stray) => Err(ChainError::Unrelated {
            name: stray.facts.display_name().to_owned(),
            wanted: current.facts.issuer,
        }),
    }
}

/// A certificate of the chain that is being sorted.
struct Member<'a> {
    der: &'a [u8],
    parsed: X509Certificate<'a>,
    facts: Inspected,
}

impl<'a> Member<'a> {
    fn read(der: &'a [u8], number: usize) -> Result<Self, ChainError> {
        let unreadable = |problem| ChainError::Unreadable { number, problem };
        let parsed = inspect::parse(der).map_err(unreadable)?;
        let facts = inspect::inspect_parsed(&parsed).map_err(unreadable)?;
        Ok(Self { der, parsed, facts })
    }
}

/// Position of the member that issued `child`. Several may bear the issuer's name (a renewed or
/// cross-signed authority); one whose key fits is enough.
fn issuer_of(child: &Member<'_>, members: &[Member<'_>]) -> Result<usize, ChainError> {
    let named: Vec<_> = (0..members.len())
        .filter(|&i| members[i].parsed.subject().as_raw() == child.parsed.issuer().as_raw())
        .collect();
    let child_name = || child.facts.display_name().to_owned();
    let Some(&first) = named.first() else {
        return Err(ChainError::Unrelated {
            name: members
                .first()
                .map_or_else(String::new, |member| member.facts.display_name().to_owned()),
            wanted: child.facts.issuer.clone(),
        });
    };
    let Some(&signer) = named
        .iter()
        .find(|&&i| signed_by(&child.parsed, &members[i].parsed))
    else {
        return Err(ChainError::DidNotSign {
            issuer: members[first].facts.display_name().to_owned(),
            child: child_name(),
        });
    };
    if members[signer].facts.may_sign_certificates() {
        Ok(signer)
    } else {
        Err(ChainError::NotAnAuthority {
            issuer: members[signer].facts.display_name().to_owned(),
            child: child_name(),
        })
    }
}

/// The content of the outer `signatureAlgorithm`, which follows the signed part (RFC 5280,
/// section 4.1). The parser keeps no raw form of it, and verifiers are chosen by the raw form.
fn signature_algorithm_id<'a>(whole: &'a [u8], signed: &[u8]) -> Option<&'a [u8]> {
    let (_, outer) = Any::from_der(whole).ok()?;
    let after_signed_part = outer.data.get(signed.len()..)?;
    let (_, identifier) = Any::from_der(after_signed_part).ok()?;
    Some(identifier.data)
}

/// The content of the first element of a sequence: of a public key, its algorithm identifier.
fn sequence_head(der: &[u8]) -> Option<&[u8]> {
    let (_, outer) = Any::from_der(der).ok()?;
    let (_, head) = Any::from_der(outer.data).ok()?;
    Some(head.data)
}
