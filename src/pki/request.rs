//! Certificate requests (PKCS #10, RFC 2986): certificates for keys that never come here.
//!
//! A request is taken at its word for two things only: the key, which signed it, and the names. What
//! the certificate may be used for is said by whoever signs.

use std::net::IpAddr;

use jiff::Timestamp;
use rcgen::SubjectPublicKeyInfo;
use thiserror::Error;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use super::bundle::{self, MAX_CERTIFICATE_BYTES, PemError};
use super::chain;
use super::inspect::{self, KeyAlgorithm, NameError, SubjectAltName, Weakness, printable};
use super::issue::{self, IssueError, Request, Usage};
use super::{KeyType, SecretPem};

/// Most alternative names that a request may ask for: as many as ACM lets a certificate have.
pub const MAX_REQUESTED_NAMES: usize = 100;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    /// The whole subject, such as `O=Example, CN=client1`.
    pub subject: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// Kind and size of the key.
    pub key_algorithm: KeyAlgorithm,
    /// The host names that a server certificate takes over.
    pub dns_names: Vec<String>,
    /// The addresses that a server certificate takes over.
    pub ip_addresses: Vec<IpAddr>,
    /// Names that no certificate takes over: of another kind, or not well-formed.
    pub other_names: Vec<String>,
    /// Whether it asks for a certificate that may sign others, which it does not get.
    pub asks_for_authority: bool,
    public_key: Vec<u8>,
}

/// What a certificate for a request is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningTerms {
    /// Which end of the connection it is for.
    pub usage: Usage,
    /// The subject's name in place of the request's.
    pub common_name: Option<String>,
    /// How long it is to last, in days; it never outlasts its authority.
    pub validity_days: u32,
}

/// A certificate for a key that is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The certificate.
    pub certificate_pem: String,
    /// The authority and what stands above it.
    pub chain_pem: String,
}

/// Why a request is refused. Each message continues "The certificate request …".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Nothing but white space.
    #[error(
        "is empty; paste the text from -----BEGIN CERTIFICATE REQUEST----- to -----END CERTIFICATE REQUEST-----"
    )]
    Empty,
    /// Framing that cannot be read.
    #[error("{0}")]
    Pem(PemError),
    /// Neither PEM nor DER.
    #[error(
        "has no -----BEGIN CERTIFICATE REQUEST----- line; give the file that `openssl req -new` or `easyrsa gen-req` wrote"
    )]
    NotARequest,
    /// PEM of something else.
    #[error(
        "holds a {0} block instead; give the .csr or .req file, and keep a private key where it was made"
    )]
    OtherLabel(String),
    /// Several requests in one text.
    #[error("holds {0} requests; give one at a time")]
    Several(usize),
    /// The DER inside cannot be read.
    #[error("is damaged; copy the whole file again, or have it made again")]
    Damaged,
    /// The common name cannot be trusted as a name.
    #[error("cannot be used: {0}")]
    Name(NameError),
    /// The key or the signature is of a kind that TLS refuses.
    #[error("{0}")]
    Weak(Weakness),
    /// The signature is not of the key inside.
    #[error(
        "was not signed by the key that it names, so it proves nothing; have it made again with that key"
    )]
    Signature,
    /// More names than a certificate holds.
    #[error("asks for {0} alternative names; a certificate has at most {MAX_REQUESTED_NAMES}")]
    TooManyNames(usize),
}

/// Why a request was not signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SigningError {
    /// The request itself.
    #[error("The certificate request {0}")]
    Request(#[from] RequestError),
    /// The request has no name and none was given.
    #[error(
        "The certificate request has no common name; give one, for example client1.example.com"
    )]
    NoName,
    /// What the certificate would be, or the authority.
    #[error("{0}")]
    Issue(#[from] IssueError),
}

impl SigningError {
    /// Which input the error belongs to: `Csr`, or as [`IssueError::field`] has it.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Request(_) => Some("Csr"),
            Self::NoName => Some("CommonName"),
            Self::Issue(error) => error.field(),
        }
    }
}

/// Reads a request from PEM text with exactly one, or from DER, and verifies that its own key
/// signed it.
///
/// # Errors
/// When it is none, is damaged, names a weak key, or was signed by another.
pub fn read_request(text: &[u8]) -> Result<CertificateRequest, RequestError> {
    let der = to_der(text)?;
    let (rest, request) =
        X509CertificationRequest::from_der(&der).map_err(|_| RequestError::Damaged)?;
    // Signatures are whole bytes.
    if !rest.is_empty() || request.signature_value.unused_bits != 0 {
        return Err(RequestError::Damaged);
    }
    let info = &request.certification_request_info;
    let key_algorithm = inspect::key_algorithm(&info.subject_pki);
    inspect::check_key(&key_algorithm).map_err(RequestError::Weak)?;
    let signature = request.signature_algorithm.algorithm.to_id_string();
    inspect::check_signature(&inspect::signature_name(&signature)).map_err(RequestError::Weak)?;
    if !chain::request_signed_by_its_key(&request) {
        return Err(RequestError::Signature);
    }
    let mut read = CertificateRequest {
        subject: printable(&info.subject.to_string()),
        common_name: inspect::common_name(&info.subject).map_err(RequestError::Name)?,
        key_algorithm,
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        other_names: Vec::new(),
        asks_for_authority: false,
        public_key: info.subject_pki.raw.to_vec(),
    };
    info.attributes_map().map_err(|_| RequestError::Damaged)?;
    for extension in request.requested_extensions().into_iter().flatten() {
        read.take_in(extension)?;
    }
    Ok(read)
}

impl CertificateRequest {
    fn take_in(&mut self, extension: &ParsedExtension<'_>) -> Result<(), RequestError> {
        match extension {
            ParsedExtension::BasicConstraints(it) => self.asks_for_authority |= it.ca,
            ParsedExtension::SubjectAlternativeName(it) => {
                let count = it.general_names.len();
                if count > MAX_REQUESTED_NAMES {
                    return Err(RequestError::TooManyNames(count));
                }
                for name in &it.general_names {
                    match inspect::san(name) {
                        SubjectAltName::Dns(name) if issue::is_host_name(&name) => {
                            self.dns_names.push(name);
                        }
                        SubjectAltName::Ip(address) => self.ip_addresses.push(address),
                        other => self.other_names.push(other.to_string()),
                    }
                }
            }
            ParsedExtension::ParseError { .. } => return Err(RequestError::Damaged),
            _ => {}
        }
        Ok(())
    }

    /// The certificate that it gets by `terms`.
    fn granted(&self, terms: &SigningTerms) -> Result<Request, SigningError> {
        let name = terms.common_name.as_ref().or(self.common_name.as_ref());
        let name = name.ok_or(SigningError::NoName)?;
        let mut request = match terms.usage {
            Usage::Server => Request {
                dns_names: self.dns_names.clone(),
                ip_addresses: self.ip_addresses.clone(),
                ..Request::server(name)
            },
            Usage::Client => Request::client(name),
        };
        request.validity_days = terms.validity_days;
        if matches!(self.key_algorithm, KeyAlgorithm::Rsa(_)) {
            request.key_type = KeyType::Rsa2048;
        }
        Ok(request)
    }
}

/// Signs a certificate for the key of a request: with its common name, and for a server its host
/// names and addresses. Whatever else it asks for, it does not get.
///
/// # Errors
/// When the request is unusable, a name or the period is, or the authority cannot issue now.
pub fn sign_request(
    ca_certificate_pem: &str,
    ca_private_key_pem: &SecretPem,
    request: &[u8],
    terms: &SigningTerms,
    now: Timestamp,
) -> Result<Signed, SigningError> {
    let request = read_request(request)?;
    let key =
        SubjectPublicKeyInfo::from_der(&request.public_key).map_err(|_| RequestError::Damaged)?;
    let granted = request.granted(terms)?;
    let (certificate_pem, chain_pem) =
        issue::sign(ca_certificate_pem, ca_private_key_pem, &granted, &key, now)?;
    Ok(Signed {
        certificate_pem,
        chain_pem,
    })
}

fn to_der(text: &[u8]) -> Result<Vec<u8>, RequestError> {
    if text.trim_ascii().is_empty() {
        return Err(RequestError::Empty);
    }
    // A DER request begins with a sequence of two or three bytes of length.
    if matches!(text, [0x30, 0x81..=0x83, ..]) && text.len() <= MAX_CERTIFICATE_BYTES {
        return Ok(text.to_vec());
    }
    let blocks = bundle::blocks(text, MAX_CERTIFICATE_BYTES).map_err(|error| match error {
        PemError::NoBlock | PemError::Binary => RequestError::NotARequest,
        other => RequestError::Pem(other),
    })?;
    let first = blocks.first().map(|block| block.tag().to_owned());
    let mut requests: Vec<_> = blocks
        .into_iter()
        .filter(|block| LABELS.contains(&block.tag()))
        .collect();
    match (requests.len(), requests.pop()) {
        (1, Some(request)) => Ok(request.into_contents()),
        (_, None) => Err(first.map_or(RequestError::NotARequest, RequestError::OtherLabel)),
        (count, _) => Err(RequestError::Several(count)),
    }
}

/// RFC 7468, section 7, and the older spelling that parsers are to accept.
const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];
