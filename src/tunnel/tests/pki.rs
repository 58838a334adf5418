//! Certificates for tests.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// An authority with one server certificate.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(super) server: Identity,
}

/// A certificate and its key.
pub(super) struct Identity {
    pub(super) chain_der: Vec<Vec<u8>>,
    pub(super) key_der: Vec<u8>,
    pub(super) chain_pem: String,
    pub(super) key_pem: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = params("Test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let server = issue(&issuer, "server", ExtendedKeyUsagePurpose::ServerAuth);
        Self { issuer, server }
    }

    pub(super) fn client(&self, common_name: &str) -> Identity {
        issue(
            &self.issuer,
            common_name,
            ExtendedKeyUsagePurpose::ClientAuth,
        )
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(super) fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }
}

fn issue(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    common_name: &str,
    purpose: ExtendedKeyUsagePurpose,
) -> Identity {
    let mut params = params(common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    Identity {
        chain_der: vec![certificate.der().to_vec()],
        key_der: key.serialize_der(),
        chain_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    }
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}
