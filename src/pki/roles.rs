//! What a certificate may be used for at an endpoint.

use thiserror::Error;
use x509_parser::asn1_rs::{Any, FromDer as _};

use super::bundle::{self, MAX_CHAIN_BYTES, PemError};
use super::inspect::{
    self, ExtendedKeyUsage, InspectError, Inspected, KeyUsage, SubjectAltName, Weakness,
};

/// Why a certificate cannot be an endpoint's server certificate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServerCertificateError {
    /// It is an authority.
    #[error(
        "{name:?} is a certificate authority; choose a certificate that it issued for a server"
    )]
    Authority {
        /// Its name.
        name: String,
    },
    /// It lacks the purpose that clients check with `remote-cert-tls server`.
    #[error(
        "{name:?} is not a server certificate: its extended key usage lacks serverAuth. Issue one as server certificate, with easy-rsa by `easyrsa build-server-full server nopass`"
    )]
    NotForServers {
        /// Its name.
        name: String,
    },
    /// It lacks the key usage that clients check with `remote-cert-tls server`.
    #[error(
        "{name:?} cannot be used by a server: its key usage lacks digitalSignature. Issue one with key usage digitalSignature and extended key usage serverAuth"
    )]
    CannotSign {
        /// Its name.
        name: String,
    },
    /// AWS's own refusal: nothing that clients could know the server by.
    #[error(
        "Certificate {subject:?} does not have a domain; issue one with a common name such as vpn.example.com"
    )]
    NoDomain {
        /// Its subject.
        subject: String,
    },
    /// Something that current TLS refuses.
    #[error("{name:?} {weakness}")]
    Weak {
        /// Its name.
        name: String,
        /// What it is.
        weakness: Weakness,
    },
}

/// Why a certificate does not name authorities that clients could be checked against.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClientCaError {
    /// The certificate or its chain is not PEM.
    #[error("The client root certificate {0}")]
    Pem(PemError),
    /// The certificate or one of its chain cannot be read.
    #[error("The client root certificate cannot be read: {0}")]
    Unreadable(InspectError),
    /// No authority in certificate or chain.
    #[error(
        "{name:?} is no certificate authority and was imported without a chain; import the client authority itself, or this certificate with its authority as chain, such as easy-rsa's ca.crt"
    )]
    NoAuthority {
        /// The certificate's name.
        name: String,
    },
    /// An authority from which strangers get certificates too.
    #[error(
        "{name:?} is a public certificate authority: everybody with a certificate from it could connect. Use an authority of your own for clients"
    )]
    Public {
        /// The authority's name.
        name: String,
    },
    /// Something that current TLS refuses.
    #[error("{name:?} {weakness}")]
    Weak {
        /// Its name.
        name: String,
        /// What it is.
        weakness: Weakness,
    },
}

/// Whether an endpoint may present this certificate to clients.
///
/// Stock clients with `remote-cert-tls server` ask for a key usage extension and for `serverAuth`
/// among the extended key usages; every handshake here needs `digitalSignature`.
///
/// # Errors
/// When the certificate is an authority, not for servers, weak, or without a name.
pub fn check_server(certificate: &Inspected) -> Result<(), ServerCertificateError> {
    let name = || certificate.display_name().to_owned();
    if let Err(weakness) = certificate.check_strength() {
        return Err(ServerCertificateError::Weak {
            name: name(),
            weakness,
        });
    }
    if certificate.is_ca {
        return Err(ServerCertificateError::Authority { name: name() });
    }
    if !has(
        certificate.extended_key_usages.as_ref(),
        &ExtendedKeyUsage::ServerAuth,
    ) {
        return Err(ServerCertificateError::NotForServers { name: name() });
    }
    if !has(certificate.key_usages.as_ref(), &KeyUsage::DigitalSignature) {
        return Err(ServerCertificateError::CannotSign { name: name() });
    }
    if domain_name(certificate).is_none() {
        return Err(ServerCertificateError::NoDomain {
            subject: certificate.subject.clone(),
        });
    }
    Ok(())
}

/// The authorities, in DER, that clients must chain to when this certificate is given as client
/// root certificate chain.
///
/// An authority stands for itself. Any other certificate stands for the authorities of its chain,
/// nearest first: that is the case in which the server certificate's own ARN is given because
/// server and clients share an authority. Dates are the caller's to check, at use.
///
/// # Errors
/// When there is no authority, or one of them is public.
pub fn check_client_ca(
    certificate_pem: &str,
    chain_pem: Option<&str>,
) -> Result<Vec<Vec<u8>>, ClientCaError> {
    let read = |pem: &str| {
        bundle::certificates(pem.as_bytes(), MAX_CHAIN_BYTES).map_err(ClientCaError::Pem)
    };
    let own = read(certificate_pem)?.swap_remove(0);
    let facts = inspect::inspect_der(&own).map_err(ClientCaError::Unreadable)?;
    let candidates = if facts.is_ca {
        vec![own]
    } else {
        chain_pem.map_or_else(|| Ok(Vec::new()), read)?
    };
    let mut authorities = Vec::with_capacity(candidates.len());
    for der in candidates {
        let candidate = inspect::inspect_der(&der).map_err(ClientCaError::Unreadable)?;
        if candidate.may_sign_certificates() {
            check_authority(&der, &candidate)?;
            authorities.push(der);
        }
    }
    if authorities.is_empty() {
        return Err(ClientCaError::NoAuthority {
            name: facts.display_name().to_owned(),
        });
    }
    Ok(authorities)
}

fn check_authority(der: &[u8], facts: &Inspected) -> Result<(), ClientCaError> {
    let name = || facts.display_name().to_owned();
    if let Err(weakness) = facts.check_strength() {
        return Err(ClientCaError::Weak {
            name: name(),
            weakness,
        });
    }
    if is_public_ca(der) {
        return Err(ClientCaError::Public { name: name() });
    }
    Ok(())
}

/// Whether this is a root that browsers trust (Mozilla's list, by name or by key), or an
/// authority directly below one.
///
/// An authority further down is not recognized by itself, but its chain is.
#[must_use]
pub fn is_public_ca(der: &[u8]) -> bool {
    let Ok(certificate) = inspect::parse(der) else {
        return false;
    };
    let subject = sequence_content(certificate.subject().as_raw());
    let issuer = sequence_content(certificate.issuer().as_raw());
    let key = sequence_content(certificate.public_key().raw);
    webpki_roots::TLS_SERVER_ROOTS.iter().any(|root| {
        let root_name = Some(root.subject.as_ref());
        root_name == subject
            || root_name == issuer
            || Some(root.subject_public_key_info.as_ref()) == key
    })
}

/// The name under which ACM lists a certificate: the common name, else the first alternative
/// name that is a host name or an address.
#[must_use]
pub fn domain_name(certificate: &Inspected) -> Option<String> {
    certificate.common_name.clone().or_else(|| {
        certificate.sans.iter().find_map(|name| match name {
            SubjectAltName::Dns(_) | SubjectAltName::Ip(_) => Some(name.to_string()),
            SubjectAltName::Email(_) | SubjectAltName::Uri(_) | SubjectAltName::Other(_) => None,
        })
    })
}

/// The name for `verify-x509-name … name` in an exported client configuration: OpenVPN compares
/// the server's common name with it. `None` when the server certificate has none; the line is to
/// be left out then.
#[must_use]
pub fn verify_name(server: &Inspected) -> Option<&str> {
    server.common_name.as_deref()
}

fn has<T: PartialEq>(list: Option<&Vec<T>>, item: &T) -> bool {
    list.is_some_and(|list| list.contains(item))
}

/// The roots' list holds names and keys without the header of their outer sequence.
fn sequence_content(der: &[u8]) -> Option<&[u8]> {
    Any::from_der(der).ok().map(|(_, sequence)| sequence.data)
}
