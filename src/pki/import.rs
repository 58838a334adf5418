//! Taking over certificates made elsewhere, checked so that what is stored will work.

use std::fmt;

use jiff::Timestamp;
use thiserror::Error;

use super::bundle::{self, MAX_CERTIFICATE_BYTES, MAX_CHAIN_BYTES, PemError};
use super::chain::{self, ChainError, Link};
use super::inspect::{self, InspectError, Inspected, Validity, Weakness};
use super::key::{KeyError, PrivateKey};
use super::{SecretPem, certificate_to_pem};

/// A certificate that passed all checks, in the form to store.
#[derive(Clone)]
pub struct Imported {
    /// The certificate alone, without text around it.
    pub certificate_pem: String,
    /// Its key, as PKCS #8; `None` if none was given.
    pub private_key_pem: Option<SecretPem>,
    /// The chain in order, the certificate's issuer first; `None` if there is none.
    pub chain_pem: Option<String>,
    /// What is in the certificate.
    pub inspected: Inspected,
    /// What is in the chain, in the same order.
    pub chain: Vec<Inspected>,
}

/// Which of the three inputs an error speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The certificate itself.
    Certificate,
    /// Its private key.
    PrivateKey,
    /// The certificates above it.
    Chain,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "certificate",
            Self::PrivateKey => "private key",
            Self::Chain => "certificate chain",
        })
    }
}

/// Why a certificate was not taken over.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    /// The text is not the PEM that was asked for.
    #[error("The {part} {problem}")]
    Pem {
        /// Where.
        part: Part,
        /// What is wrong.
        problem: PemError,
    },
    /// More than one certificate where one is asked for.
    #[error(
        "The certificate holds {count} certificates; give only the server's or client's own here, and the others as certificate chain"
    )]
    SeveralCertificates {
        /// How many were found.
        count: usize,
    },
    /// The certificate cannot be read.
    #[error("The certificate cannot be read: {0}")]
    Unreadable(InspectError),
    /// Something that current TLS refuses.
    #[error("The {part} {}{weakness}", named(.name))]
    Weak {
        /// Where.
        part: Part,
        /// Which certificate of the chain, or `None` for the certificate itself.
        name: Option<String>,
        /// What it is.
        weakness: Weakness,
    },
    /// The period is over.
    #[error("The {part} {}expired at {not_after}; renew it and import the new one", named(.name))]
    Expired {
        /// Where.
        part: Part,
        /// Which certificate of the chain, or `None` for the certificate itself.
        name: Option<String>,
        /// Its last moment.
        not_after: Timestamp,
    },
    /// The period has not begun.
    #[error("The {part} {}is not valid before {not_before}; check this machine's clock, or import it then", named(.name))]
    NotYetValid {
        /// Where.
        part: Part,
        /// Which certificate of the chain, or `None` for the certificate itself.
        name: Option<String>,
        /// Its first moment.
        not_before: Timestamp,
    },
    /// The private key is unusable.
    #[error("The private key {0}")]
    Key(KeyError),
    /// The private key is of another certificate.
    #[error(
        "The private key does not belong to the certificate {name:?}; give the key that was made with it, for example {name}.key"
    )]
    KeyMismatch {
        /// The certificate's name.
        name: String,
    },
    /// The chain does not lead up from the certificate.
    #[error("The certificate chain {0}")]
    Chain(ChainError),
}

impl ImportError {
    /// The input that the error belongs to, as ACM names it: `Certificate`, `PrivateKey` or
    /// `CertificateChain`.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self.part() {
            Part::Certificate => "Certificate",
            Part::PrivateKey => "PrivateKey",
            Part::Chain => "CertificateChain",
        }
    }

    pub(super) fn part(&self) -> Part {
        match self {
            Self::Pem { part, .. }
            | Self::Weak { part, .. }
            | Self::Expired { part, .. }
            | Self::NotYetValid { part, .. } => *part,
            Self::SeveralCertificates { .. } | Self::Unreadable(_) => Part::Certificate,
            Self::Key(_) | Self::KeyMismatch { .. } => Part::PrivateKey,
            Self::Chain(_) => Part::Chain,
        }
    }
}

/// Checks and normalizes a certificate, with its key and the certificates above it if given.
///
/// Takes files as easy-rsa and openssl write them: text around the PEM blocks, keys as PKCS #8,
/// PKCS #1 or SEC 1, and chains in any order, with or without the root. An empty chain counts as
/// none.
///
/// # Errors
/// When a part is not readable PEM, is encrypted, too weak or outside its dates, when the key is
/// another's, or when a link of the chain did not sign the one below.
pub fn import(
    certificate_pem: &[u8],
    private_key_pem: Option<&[u8]>,
    chain_pem: Option<&[u8]>,
    now: Timestamp,
) -> Result<Imported, ImportError> {
    let certificate = the_one_certificate(certificate_pem)?;
    let parsed = inspect::parse(&certificate).map_err(ImportError::Unreadable)?;
    let inspected = inspect::inspect_parsed(&parsed).map_err(ImportError::Unreadable)?;
    check(Part::Certificate, &inspected, now)?;
    inspect::check_usable(&certificate).map_err(ImportError::Unreadable)?;

    let key = private_key_pem
        .map(PrivateKey::from_pem)
        .transpose()
        .map_err(ImportError::Key)?;
    if key.as_ref().is_some_and(|key| !key.belongs_to(&parsed)) {
        return Err(ImportError::KeyMismatch {
            name: inspected.display_name().to_owned(),
        });
    }

    let links = chain_pem
        .filter(|text| !text.trim_ascii().is_empty())
        .map_or_else(|| Ok(Vec::new()), |text| sorted(&certificate, text))?;
    for link in &links {
        check(Part::Chain, &link.facts, now)?;
        inspect::check_usable(&link.der).map_err(|problem| {
            ImportError::Chain(ChainError::Unusable {
                name: link.facts.display_name().to_owned(),
                problem,
            })
        })?;
    }
    let (chain, facts): (Vec<_>, _) = links.into_iter().map(|link| (link.der, link.facts)).unzip();
    Ok(Imported {
        certificate_pem: certificate_to_pem(&certificate),
        private_key_pem: key.map(|key| key.to_pem()),
        chain_pem: (!chain.is_empty()).then(|| bundle::to_bundle(&chain)),
        inspected,
        chain: facts,
    })
}

fn the_one_certificate(text: &[u8]) -> Result<Vec<u8>, ImportError> {
    let pem_error = |problem| ImportError::Pem {
        part: Part::Certificate,
        problem,
    };
    let mut certificates = bundle::certificates(text, MAX_CERTIFICATE_BYTES).map_err(pem_error)?;
    match (certificates.len(), certificates.pop()) {
        (1, Some(certificate)) => Ok(certificate),
        (_, None) => Err(pem_error(PemError::NoBlock)),
        (count, _) => Err(ImportError::SeveralCertificates { count }),
    }
}

fn sorted(certificate: &[u8], chain: &[u8]) -> Result<Vec<Link>, ImportError> {
    let pool =
        bundle::certificates(chain, MAX_CHAIN_BYTES).map_err(|problem| ImportError::Pem {
            part: Part::Chain,
            problem,
        })?;
    chain::sort(certificate, &pool).map_err(ImportError::Chain)
}

fn check(part: Part, inspected: &Inspected, now: Timestamp) -> Result<(), ImportError> {
    let name = (part == Part::Chain).then(|| inspected.display_name().to_owned());
    if let Err(weakness) = inspected.check_strength() {
        return Err(ImportError::Weak {
            part,
            name,
            weakness,
        });
    }
    match inspected.validity_at(now) {
        Validity::Valid => Ok(()),
        Validity::Expired => Err(ImportError::Expired {
            part,
            name,
            not_after: inspected.not_after,
        }),
        Validity::NotYetValid => Err(ImportError::NotYetValid {
            part,
            name,
            not_before: inspected.not_before,
        }),
    }
}

fn named(name: &Option<String>) -> String {
    name.as_ref()
        .map_or_else(String::new, |name| format!("holds {name:?}, which "))
}
