//! TLS in memory, and the certificates it rests on: the only file here that names rustls sessions.
//!
//! Beyond a plain chain check (wire reference, section 14) a peer's certificate must say what it is for
//! (`remote-cert-tls`), name exactly one readable subject, and come in a chain of bounded size. There is
//! no resumption: it would skip these checks.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs as provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, CertificateError, Connection, DigitallySignedStruct, DistinguishedName,
    OtherError, PeerIncompatible, SignatureScheme, SupportedProtocolVersion,
};
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};
use zeroize::Zeroizing;

use super::Role;
use super::admission::Identity;
use super::keys::{EXPORTER_LABEL, KeyMaterial};
use crate::model::CertificateId;

/// Which TLS versions to offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.3 and 1.2.
    #[default]
    Both,
    /// 1.2 only, for clients whose key store cannot sign for 1.3.
    Only12,
    /// 1.3 only.
    Only13,
}

impl TlsVersions {
    fn list(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => vec![&TLS13, &TLS12],
            Self::Only12 => vec![&TLS12],
            Self::Only13 => vec![&TLS13],
        }
    }
}

/// Why an identity cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsConfigError {
    /// No certificate was found in the PEM text.
    #[error("{what}: no certificate found; expected PEM text with a CERTIFICATE block")]
    NoCertificate {
        /// Which input.
        what: &'static str,
    },
    /// No private key was found in the PEM text.
    #[error("private key: none found; expected PEM text with an unencrypted PRIVATE KEY block")]
    NoPrivateKey,
    /// The PEM text is damaged.
    #[error("{what}: the PEM text is damaged: {reason}")]
    BadPem {
        /// Which input.
        what: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// A certificate cannot serve its purpose.
    #[error("{what}: {problem}")]
    Unsuitable {
        /// Which input.
        what: &'static str,
        /// What is wrong.
        problem: CertificateProblem,
    },
    /// Certificate and key do not belong together, or the key is of a kind that is not supported.
    #[error("certificate and private key do not fit: {0}")]
    Rejected(String),
}

/// A server's side of TLS: its certificate and whose clients may come in. Cheap to clone.
#[derive(Clone)]
pub struct ServerTls(Arc<rustls::ServerConfig>);

impl ServerTls {
    /// From PEM text, each of which may hold other text around its blocks, as easy-rsa writes it.
    ///
    /// `chain` has the server certificate first. Clients must present a certificate that chains to one
    /// of `client_cas`, all of which are trusted as they are.
    ///
    /// # Errors
    /// If a part is missing or damaged, key and certificate do not fit, or the certificate is not one
    /// for servers.
    pub fn from_pem(
        chain: &[u8],
        private_key: &[u8],
        client_cas: &[u8],
        versions: TlsVersions,
    ) -> Result<Self, TlsConfigError> {
        let chain = certificates_from_pem("server certificate", chain)?;
        let private_key = private_key_from_pem(private_key)?;
        let client_cas = certificates_from_pem("client CA", client_cas)?;
        Self::new(chain, private_key, &client_cas, versions)
    }

    /// From DER, as a certificate store keeps it. See [`ServerTls::from_pem`].
    ///
    /// # Errors
    /// As [`ServerTls::from_pem`].
    pub fn from_der(
        chain: &[Vec<u8>],
        private_key: &[u8],
        client_cas: &[Vec<u8>],
        versions: TlsVersions,
    ) -> Result<Self, TlsConfigError> {
        let owned = |list: &[Vec<u8>]| {
            list.iter()
                .cloned()
                .map(CertificateDer::from)
                .collect::<Vec<_>>()
        };
        let private_key = PrivateKeyDer::try_from(private_key.to_vec())
            .map_err(|_| TlsConfigError::NoPrivateKey)?;
        Self::new(owned(chain), private_key, &owned(client_cas), versions)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        private_key: PrivateKeyDer<'static>,
        client_cas: &[CertificateDer<'static>],
        versions: TlsVersions,
    ) -> Result<Self, TlsConfigError> {
        let leaf = chain.first().ok_or(TlsConfigError::NoCertificate {
            what: "server certificate",
        })?;
        check_purpose(leaf, Role::Server).map_err(|problem| TlsConfigError::Unsuitable {
            what: "server certificate",
            problem,
        })?;
        let provider = Arc::new(provider::default_provider());
        let verifier = PeerVerifier::new(&provider, client_cas, "client CA", Role::Client, None)?;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions.list())
            .map_err(|error| TlsConfigError::Rejected(error.to_string()))?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(chain, private_key)
            .map_err(|error| TlsConfigError::Rejected(error.to_string()))?;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self(Arc::new(config)))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls")
    }
}

/// A client's side of TLS: its certificate and which server is the right one. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls(Arc<rustls::ClientConfig>);

impl ClientTls {
    /// From PEM text. `identity` is certificate chain and key; without it the client presents none.
    /// With `server_name` the server's certificate must have exactly this common name
    /// (`verify-x509-name … name`).
    ///
    /// # Errors
    /// If a part is missing or damaged, or key and certificate do not fit.
    pub fn from_pem(
        cas: &[u8],
        identity: Option<(&[u8], &[u8])>,
        server_name: Option<&str>,
        versions: TlsVersions,
    ) -> Result<Self, TlsConfigError> {
        let cas = certificates_from_pem("CA", cas)?;
        let provider = Arc::new(provider::default_provider());
        let verifier = PeerVerifier::new(&provider, &cas, "CA", Role::Server, server_name)?;
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions.list())
            .map_err(|error| TlsConfigError::Rejected(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match identity {
            Some((chain, key)) => builder
                .with_client_auth_cert(
                    certificates_from_pem("client certificate", chain)?,
                    private_key_from_pem(key)?,
                )
                .map_err(|error| TlsConfigError::Rejected(error.to_string()))?,
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = false;
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}

/// Why a TLS session failed. `Display` is one sentence that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The peer's certificate is not acceptable.
    #[error("the {}'s certificate {problem}", role_name(*.of))]
    Certificate {
        /// Whose.
        of: Role,
        /// What is wrong with it.
        problem: CertificateProblem,
    },
    /// The peer presented no certificate.
    #[error("the {} presented no certificate", role_name(*.0))]
    NoCertificate(Role),
    /// No TLS version in common.
    #[error("no common TLS version: this side speaks TLS 1.2 and 1.3 as configured")]
    NoCommonVersion,
    /// No cipher suite, group or signature scheme in common.
    #[error("no common TLS parameters: {0}")]
    NoCommonParameters(String),
    /// The peer sent an alert.
    #[error("the peer ended TLS with the alert {0}")]
    Alert(String),
    /// Bytes that are not TLS, or a broken promise of the protocol.
    #[error("the peer's TLS messages are malformed: {0}")]
    Malformed(String),
    /// This side could not go on.
    #[error("TLS failed on this side: {0}")]
    Internal(String),
}

/// What is wrong with a certificate. Continues a sentence that begins with "the certificate".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// It does not chain to a trusted CA.
    #[error("is not signed by {}", trusted_by(*.0))]
    UnknownIssuer(Role),
    /// Its time is over.
    #[error("has expired")]
    Expired,
    /// Its time has not come.
    #[error("is not valid yet")]
    NotYetValid,
    /// It lacks the extended key usage of its role.
    #[error("lacks the extended key usage {}", purpose_name(*.0))]
    MissingPurpose(Role),
    /// Its key usage forbids signatures.
    #[error("lacks the key usage digitalSignature")]
    MissingDigitalSignature,
    /// Its subject has no common name.
    #[error("has no common name")]
    NoCommonName,
    /// Its subject has several common names, or one that is not plain UTF-8 text.
    #[error("has several common names, or one that is not plain text")]
    UnclearCommonName,
    /// It has another common name than the profile asks for.
    #[error("is for another name than the profile's verify-x509-name")]
    WrongName,
    /// The chain has more than four certificates or 16 KiB.
    #[error("comes in a chain that is too long")]
    ChainTooLarge,
    /// It cannot be read.
    #[error("cannot be read: it is not an X.509 version 3 certificate in DER")]
    Unreadable,
    /// Anything else a chain check may find.
    #[error("is not acceptable: {0}")]
    Other(String),
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

fn trusted_by(role: Role) -> &'static str {
    match role {
        Role::Client => "this endpoint's client CA",
        Role::Server => "the CA in the profile",
    }
}

fn purpose_name(role: Role) -> &'static str {
    match role {
        Role::Client => "clientAuth",
        Role::Server => "serverAuth",
    }
}

/// One TLS session in memory: control-channel bytes in and out, one message per record.
pub(crate) struct Tls {
    session: Connection,
    peer: Role,
    incoming: Vec<u8>,
}

impl Tls {
    pub(crate) fn server(config: &ServerTls) -> Result<Self, TlsFailure> {
        let session = rustls::ServerConnection::new(config.0.clone())
            .map_err(|error| TlsFailure::Internal(error.to_string()))?;
        Ok(Self::new(session.into(), Role::Client))
    }

    pub(crate) fn client(config: &ClientTls) -> Result<Self, TlsFailure> {
        // The name is neither sent nor checked: OpenVPN's own rules stand in its place.
        let name = ServerName::try_from("openvpn.invalid").expect("a constant host name");
        let session = rustls::ClientConnection::new(config.0.clone(), name)
            .map_err(|error| TlsFailure::Internal(error.to_string()))?;
        Ok(Self::new(session.into(), Role::Server))
    }

    fn new(mut session: Connection, peer: Role) -> Self {
        session.set_buffer_limit(Some(MAX_RECORD));
        Self {
            session,
            peer,
            incoming: Vec::new(),
        }
    }

    /// Takes bytes of the control channel, in order.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
    }

    /// Processes records until one yields a message, and returns it. `None` when more bytes are needed.
    ///
    /// Records are fed to TLS one by one because a record's end is a message's end in OpenVPN.
    pub(crate) fn next_message(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, TlsFailure> {
        while let Some(len) = self.record_len()? {
            let record: Vec<u8> = self.incoming.drain(..len).collect();
            let mut rest = record.as_slice();
            while !rest.is_empty() {
                let taken = self
                    .session
                    .read_tls(&mut rest)
                    .map_err(|error| self.malformed(&error))?;
                if taken == 0 {
                    return Err(TlsFailure::Malformed(
                        "more bytes than a handshake may have".into(),
                    ));
                }
                self.session
                    .process_new_packets()
                    .map_err(|error| self.failure(error))?;
            }
            let message = self.read_plaintext()?;
            if !message.is_empty() {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Encrypts `message` as one record.
    pub(crate) fn write(&mut self, message: &[u8]) -> Result<(), TlsFailure> {
        self.session
            .writer()
            .write_all(message)
            .map_err(|error| TlsFailure::Internal(error.to_string()))
    }

    /// Appends what must go to the peer.
    pub(crate) fn take_output(&mut self, out: &mut Vec<u8>) {
        while self.session.wants_write() {
            // Writing to a vector cannot fail.
            if self.session.write_tls(out).is_err() {
                return;
            }
        }
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// The peer's identity, once the handshake is over.
    pub(crate) fn identity(&self) -> Result<Identity, TlsFailure> {
        let chain = self
            .session
            .peer_certificates()
            .ok_or(TlsFailure::NoCertificate(self.peer))?;
        read_identity(chain).map_err(|problem| TlsFailure::Certificate {
            of: self.peer,
            problem,
        })
    }

    /// The key material of this session by the TLS exporter.
    pub(crate) fn export(&self) -> Result<KeyMaterial, TlsFailure> {
        self.session
            .export_keying_material([0; KeyMaterial::LEN], EXPORTER_LABEL, None)
            .map(KeyMaterial::new)
            .map_err(|error| TlsFailure::Internal(error.to_string()))
    }

    /// Version and suite, for records.
    pub(crate) fn description(&self) -> String {
        let version = self
            .session
            .protocol_version()
            .and_then(|version| version.as_str())
            .unwrap_or("TLS");
        let suite = self
            .session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or("")
            .replace("TLS13_", "TLS_");
        format!("{} {suite}", version.replace('_', "."))
            .trim_end()
            .to_owned()
    }

    /// The length of the first record in `incoming`, if all of it is there.
    fn record_len(&self) -> Result<Option<usize>, TlsFailure> {
        let Some([_, _, _, high, low]) = self.incoming.first_chunk() else {
            return Ok(None);
        };
        let len = usize::from(u16::from_be_bytes([*high, *low])) + RECORD_HEADER;
        if len > MAX_RECORD {
            return Err(TlsFailure::Malformed(
                "a record longer than TLS allows".into(),
            ));
        }
        Ok((self.incoming.len() >= len).then_some(len))
    }

    fn read_plaintext(&mut self) -> Result<Zeroizing<Vec<u8>>, TlsFailure> {
        let waiting = self
            .session
            .process_new_packets()
            .map_err(|error| self.failure(error))?
            .plaintext_bytes_to_read();
        let mut message = Zeroizing::new(vec![0; waiting]);
        if waiting > 0 {
            self.session
                .reader()
                .read_exact(&mut message)
                .map_err(|error| self.malformed(&error))?;
        }
        Ok(message)
    }

    fn malformed(&self, error: &std::io::Error) -> TlsFailure {
        TlsFailure::Malformed(error.to_string())
    }

    fn failure(&self, error: rustls::Error) -> TlsFailure {
        match error {
            rustls::Error::NoCertificatesPresented => TlsFailure::NoCertificate(self.peer),
            rustls::Error::InvalidCertificate(error) => TlsFailure::Certificate {
                of: self.peer,
                problem: problem_of(error, self.peer),
            },
            rustls::Error::AlertReceived(alert) => self.alert(alert),
            rustls::Error::PeerIncompatible(
                PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::Tls13RequiredForQuic,
            ) => TlsFailure::NoCommonVersion,
            rustls::Error::PeerIncompatible(what) => {
                TlsFailure::NoCommonParameters(format!("{what:?}"))
            }
            rustls::Error::General(_)
            | rustls::Error::FailedToGetRandomBytes
            | rustls::Error::EncryptError => TlsFailure::Internal(error.to_string()),
            error => TlsFailure::Malformed(error.to_string()),
        }
    }

    fn alert(&self, alert: AlertDescription) -> TlsFailure {
        TlsFailure::Alert(
            alert
                .as_str()
                .map_or_else(|| format!("{}", u8::from(alert)), str::to_owned),
        )
    }
}

/// Checks a peer's chain, purpose and name; signatures are rustls's own work.
#[derive(Debug)]
struct PeerVerifier {
    anchors: Vec<TrustAnchor<'static>>,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
    /// The role of the peer.
    peer: Role,
    name: Option<String>,
}

impl PeerVerifier {
    fn new(
        provider: &CryptoProvider,
        cas: &[CertificateDer<'static>],
        what: &'static str,
        peer: Role,
        name: Option<&str>,
    ) -> Result<Self, TlsConfigError> {
        if cas.is_empty() {
            return Err(TlsConfigError::NoCertificate { what });
        }
        let anchors = cas
            .iter()
            .map(|ca| webpki::anchor_from_trusted_cert(ca).map(|anchor| anchor.to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| TlsConfigError::Unsuitable {
                what,
                problem: CertificateProblem::Unreadable,
            })?;
        let hints = if anchors.len() > MAX_HINTS {
            Vec::new()
        } else {
            anchors
                .iter()
                .map(|anchor| DistinguishedName::in_sequence(&anchor.subject))
                .collect()
        };
        Ok(Self {
            anchors,
            hints,
            algorithms: provider.signature_verification_algorithms,
            peer,
            name: name.map(str::to_owned),
        })
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        self.check(leaf, intermediates, now).map_err(|problem| {
            // Where TLS has an alert of its own for the problem, use it: the peer reads only that.
            rustls::Error::InvalidCertificate(match problem {
                CertificateProblem::UnknownIssuer(_) => CertificateError::UnknownIssuer,
                CertificateProblem::Expired => CertificateError::Expired,
                CertificateProblem::NotYetValid => CertificateError::NotValidYet,
                CertificateProblem::Unreadable => CertificateError::BadEncoding,
                other => CertificateError::Other(OtherError(Arc::new(other))),
            })
        })
    }

    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), CertificateProblem> {
        let bytes: usize = leaf.len() + intermediates.iter().map(|der| der.len()).sum::<usize>();
        if bytes > MAX_CHAIN_BYTES || intermediates.len() >= MAX_CHAIN_DEPTH {
            return Err(CertificateProblem::ChainTooLarge);
        }
        let usage = match self.peer {
            Role::Client => webpki::KeyUsage::client_auth(),
            Role::Server => webpki::KeyUsage::server_auth(),
        };
        webpki::EndEntityCert::try_from(leaf)
            .and_then(|end_entity| {
                end_entity
                    .verify_for_usage(
                        self.algorithms.all,
                        &self.anchors,
                        intermediates,
                        now,
                        usage,
                        None,
                        None,
                    )
                    .map(|_| ())
            })
            .map_err(|error| self.chain_problem(&error))?;
        check_purpose(leaf, self.peer)?;
        let common_name = read_common_name(&parse(leaf)?)?;
        match &self.name {
            Some(name) if *name != common_name => Err(CertificateProblem::WrongName),
            _ => Ok(()),
        }
    }

    fn chain_problem(&self, error: &webpki::Error) -> CertificateProblem {
        match error {
            webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
                CertificateProblem::UnknownIssuer(self.peer)
            }
            webpki::Error::CertExpired { .. } | webpki::Error::InvalidCertValidity => {
                CertificateProblem::Expired
            }
            webpki::Error::CertNotValidYet { .. } => CertificateProblem::NotYetValid,
            webpki::Error::RequiredEkuNotFoundContext(_) => {
                CertificateProblem::MissingPurpose(self.peer)
            }
            webpki::Error::BadDer
            | webpki::Error::BadDerTime
            | webpki::Error::UnsupportedCertVersion => CertificateProblem::Unreadable,
            error => CertificateProblem::Other(format!("{error:?}")),
        }
    }
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.verify(end_entity, intermediates, now)
            .map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verify(end_entity, intermediates, now)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn problem_of(error: CertificateError, peer: Role) -> CertificateProblem {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            CertificateProblem::UnknownIssuer(peer)
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotYetValid
        }
        CertificateError::BadEncoding => CertificateProblem::Unreadable,
        CertificateError::Other(OtherError(other)) => other
            .downcast_ref::<CertificateProblem>()
            .cloned()
            .unwrap_or_else(|| CertificateProblem::Other(other.to_string())),
        error => CertificateProblem::Other(format!("{error:?}")),
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, CertificateProblem> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) if certificate.version() == X509Version::V3 => Ok(certificate),
        _ => Err(CertificateProblem::Unreadable),
    }
}

/// What OpenVPN's `remote-cert-tls` asks of the certificate of a `role`.
fn check_purpose(der: &CertificateDer<'_>, role: Role) -> Result<(), CertificateProblem> {
    let certificate = parse(der)?;
    let purpose = certificate
        .extended_key_usage()
        .map_err(|_| CertificateProblem::Unreadable)?;
    let has_purpose = purpose.is_some_and(|purpose| match role {
        Role::Client => purpose.value.client_auth,
        Role::Server => purpose.value.server_auth,
    });
    if !has_purpose {
        return Err(CertificateProblem::MissingPurpose(role));
    }
    let usage = certificate
        .key_usage()
        .map_err(|_| CertificateProblem::Unreadable)?;
    if usage.is_some_and(|usage| !usage.value.digital_signature()) {
        return Err(CertificateProblem::MissingDigitalSignature);
    }
    Ok(())
}

/// The one common name of a subject. Several, or one with a NUL or other control character, could be
/// read differently by different programs (CVE-2017-7522), so they are refused.
fn read_common_name(certificate: &X509Certificate<'_>) -> Result<String, CertificateProblem> {
    let mut names = certificate.subject().iter_common_name();
    let name = names.next().ok_or(CertificateProblem::NoCommonName)?;
    if names.next().is_some() {
        return Err(CertificateProblem::UnclearCommonName);
    }
    let text = name
        .as_str()
        .map_err(|_| CertificateProblem::UnclearCommonName)?;
    if text.is_empty() {
        return Err(CertificateProblem::NoCommonName);
    }
    if text.chars().any(char::is_control) || text.len() > MAX_COMMON_NAME {
        return Err(CertificateProblem::UnclearCommonName);
    }
    Ok(text.to_owned())
}

fn read_identity(chain: &[CertificateDer<'_>]) -> Result<Identity, CertificateProblem> {
    let leaf = chain.first().ok_or(CertificateProblem::Unreadable)?;
    let certificate = parse(leaf)?;
    let digest = digest(&SHA256, leaf);
    let ids = chain.iter().map(|der| Ok(id_of(&parse(der)?)));
    Ok(Identity {
        common_name: read_common_name(&certificate)?,
        serial: serial(&certificate).to_vec(),
        fingerprint: *digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes"),
        chain: chain.iter().map(|der| der.to_vec()).collect(),
        certificates: ids.collect::<Result<_, _>>()?,
    })
}

/// What revocation lists name the certificate by.
fn id_of(certificate: &X509Certificate<'_>) -> CertificateId {
    let issuer = digest(&SHA256, certificate.issuer().as_raw());
    CertificateId {
        issuer: HEXLOWER.encode(issuer.as_ref()),
        serial: HEXLOWER.encode(serial(certificate)),
    }
}

/// The serial number, big-endian without leading zeros.
fn serial<'a>(certificate: &X509Certificate<'a>) -> &'a [u8] {
    let serial = certificate.tbs_certificate.raw_serial();
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    &serial[zeros..]
}

fn certificates_from_pem(
    what: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsConfigError::BadPem {
            what,
            reason: error.to_string(),
        })?;
    if certificates.is_empty() {
        return Err(TlsConfigError::NoCertificate { what });
    }
    Ok(certificates)
}

fn private_key_from_pem(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| TlsConfigError::NoPrivateKey)
}

const RECORD_HEADER: usize = 5;
/// A record header, 16 KiB of text, and what encryption may add (RFC 5246, section 6.2.3).
const MAX_RECORD: usize = RECORD_HEADER + (16 << 10) + 2048;
const MAX_CHAIN_BYTES: usize = 16 << 10;
/// Certificates in a chain, leaf included.
const MAX_CHAIN_DEPTH: usize = 4;
/// Above so many CAs the hints would cost more packets than they help.
const MAX_HINTS: usize = 20;
/// RFC 5280 allows 64 characters; some authorities write more.
const MAX_COMMON_NAME: usize = 256;
