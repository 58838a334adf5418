//! What the module promises, across its files.

mod easy_rsa;
mod issuing;
mod never_panics;
mod renewing;
mod revoking;
mod signing;
mod taking_over;
mod using;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::*;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

fn authority() -> Issued {
    make_ca("Example CA", KeyType::EcdsaP256, now()).unwrap()
}

fn issued(ca: &Issued, request: &Request) -> Issued {
    issue(&ca.certificate_pem, &ca.private_key_pem, request, now()).unwrap()
}

/// Imports what was issued, as if it came from files.
fn import_issued(issued: &Issued) -> Result<Imported, ImportError> {
    import(
        issued.certificate_pem.as_bytes(),
        Some(issued.private_key_pem.expose().as_bytes()),
        issued.chain_pem.as_deref().map(str::as_bytes),
        now(),
    )
}

fn der(pem: &str) -> Vec<u8> {
    split_bundle(pem).unwrap().swap_remove(0)
}

fn error<T, E>(result: Result<T, E>) -> E {
    result.err().unwrap()
}

/// A root, an authority below it, and a server certificate below that.
struct Hierarchy {
    root: String,
    intermediate: String,
    leaf: String,
}

impl Hierarchy {
    fn new() -> Self {
        let root_key = KeyPair::generate().unwrap();
        let root = authority_parameters("Root CA");
        let root_pem = root.self_signed(&root_key).unwrap().pem();
        let root = Issuer::new(root, root_key);

        let key = KeyPair::generate().unwrap();
        let intermediate = authority_parameters("Intermediate CA");
        let intermediate_pem = intermediate.signed_by(&key, &root).unwrap().pem();
        let intermediate = Issuer::new(intermediate, key);

        let leaf = leaf_parameters("vpn.example.com")
            .signed_by(&KeyPair::generate().unwrap(), &intermediate)
            .unwrap();
        Self {
            root: root_pem,
            intermediate: intermediate_pem,
            leaf: leaf.pem(),
        }
    }
}

fn authority_parameters(name: &str) -> CertificateParams {
    let mut parameters = leaf_parameters(name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters.extended_key_usages.clear();
    parameters
}

fn leaf_parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters
}

fn self_signed(parameters: &CertificateParams) -> String {
    parameters
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .pem()
}

/// Overwrites every occurrence of `from`; both have the same length, so the DER stays well-formed.
fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let mut found = false;
    for start in 0..=bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            bytes[start..start + to.len()].copy_from_slice(to);
            found = true;
        }
    }
    assert!(found);
    bytes
}

const SHA1: &str = include_str!("fixtures/sha1.pem");
const RSA_1024: &str = include_str!("fixtures/rsa1024.pem");
const VERSION_1: &str = include_str!("fixtures/v1.pem");
const TWO_NAMES: &str = include_str!("fixtures/two-names.pem");
const PUBLIC_ROOT: &str = include_str!("fixtures/public-root.pem");
