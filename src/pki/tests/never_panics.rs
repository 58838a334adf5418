//! Whatever bytes arrive, the answer is a value or an error.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

struct Sample {
    certificate: Vec<u8>,
    key: Vec<u8>,
    chain: Vec<u8>,
    ca_key: SecretPem,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let ca = authority();
    let server = issued(&ca, &Request::server("vpn.example.com"));
    let key = pem::parse(server.private_key_pem.expose()).unwrap();
    Sample {
        certificate: der(&server.certificate_pem),
        key: key.into_contents(),
        chain: der(&ca.certificate_pem),
        ca_key: ca.private_key_pem,
    }
});

/// Overwrites bytes, then cuts or keeps the end.
fn mutate(
    bytes: &[u8],
    edits: &[(prop::sample::Index, u8)],
    keep: &prop::sample::Index,
) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (index, value) in edits {
        let position = index.index(bytes.len());
        bytes[position] = *value;
    }
    if keep.index(4) == 0 {
        bytes.truncate(keep.index(bytes.len()));
    }
    bytes
}

fn block(label: &str, contents: &[u8]) -> Vec<u8> {
    pem::encode(&pem::Pem::new(label, contents)).into_bytes()
}

/// Runs everything that reads bytes from outside.
fn read_all(certificate: &[u8], key: &[u8], chain: &[u8]) {
    let imported = import(certificate, Some(key), Some(chain), now());
    if let Err(refusal) = imported {
        assert!(refusal.to_string().starts_with("The "));
    }
    drop(inspect(certificate));
    drop(read_request(certificate));
    let texts = [certificate, chain].map(String::from_utf8_lossy);
    drop(check_client_ca(&texts[0], Some(&texts[1])));
    drop(client_ca_bundle(&texts[0], None));
    let key = SecretPem::new(String::from_utf8_lossy(key).into_owned());
    for key in [&key, &SAMPLE.ca_key] {
        drop(issue(&texts[1], key, &Request::client("c"), now()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(certificate in vec(any::<u8>(), 0..300), key in vec(any::<u8>(), 0..300)) {
        read_all(&certificate, &key, &certificate);
        let blocks = [block("CERTIFICATE", &certificate), block("PRIVATE KEY", &key)];
        read_all(&blocks[0], &blocks[1], &blocks[0]);
    }

    #[test]
    fn changed_certificates_and_keys(
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        keep in any::<prop::sample::Index>(),
        label in prop::sample::select(vec!["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"]),
    ) {
        let certificate = block("CERTIFICATE", &mutate(&SAMPLE.certificate, &edits, &keep));
        let key = block(label, &mutate(&SAMPLE.key, &edits, &keep));
        let chain = block("CERTIFICATE", &mutate(&SAMPLE.chain, &edits, &keep));
        let good_key = block("PRIVATE KEY", &SAMPLE.key);
        let good_certificate = block("CERTIFICATE", &SAMPLE.certificate);
        read_all(&certificate, &good_key, &chain);
        read_all(&good_certificate, &key, &chain);
    }

    #[test]
    fn changed_pem_text(
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        keep in any::<prop::sample::Index>(),
    ) {
        let text = mutate(&block("CERTIFICATE", &SAMPLE.certificate), &edits, &keep);
        let key = mutate(&block("PRIVATE KEY", &SAMPLE.key), &edits, &keep);
        read_all(&text, &key, &text);
    }
}

/// Reads and checks a list, as bytes and as PEM.
fn read_list(bytes: &[u8]) {
    for text in [bytes.to_vec(), block("X509 CRL", bytes)] {
        if let Ok(list) = read_revocation_list(&text, 10) {
            assert!(list.entries.len() <= 10);
            drop(verify_revocation_list(
                &list,
                std::slice::from_ref(&SAMPLE.chain),
            ));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_lists(bytes in vec(any::<u8>(), 0..300)) {
        read_list(&bytes);
    }

    #[test]
    fn changed_lists(
        which in 0..3_usize,
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        keep in any::<prop::sample::Index>(),
    ) {
        read_list(&mutate(&LISTS[which], &edits, &keep));
    }
}

/// A list made here, one of openssl's with reasons, and a delta list.
static LISTS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    let of = |text: &str| pem::parse(text).unwrap().into_contents();
    let ca = authority();
    let request = ListRequest {
        number: 1,
        this_update: now(),
        next_update: now() + days(1),
        entries: Vec::new(),
    };
    let made = make_revocation_list(&ca.certificate_pem, &ca.private_key_pem, &request).unwrap();
    let odd = pem::parse_many(include_str!("../fixtures/odd-lists.crl.pem")).unwrap();
    [
        of(&made.pem),
        of(include_str!("../fixtures/revoked.crl.pem")),
        odd[0].contents().to_vec(),
    ]
});

#[test]
fn every_single_changed_byte_of_a_signed_list_is_noticed() {
    let list = &LISTS[1];
    let authority = der(include_str!("../fixtures/revoking-ca.pem"));
    for position in 0..list.len() {
        let mut changed = list.clone();
        changed[position] ^= 0x01;
        let read = read_revocation_list(&changed, 10);
        let verified =
            read.and_then(|it| verify_revocation_list(&it, std::slice::from_ref(&authority)));
        assert!(verified.is_err(), "byte {position}");
    }
}

#[test]
fn every_single_changed_byte_of_a_signed_certificate_is_noticed() {
    let chain = block("CERTIFICATE", &SAMPLE.chain);
    for position in 0..SAMPLE.certificate.len() {
        let mut changed = SAMPLE.certificate.clone();
        changed[position] ^= 0x01;
        let certificate = block("CERTIFICATE", &changed);
        assert!(
            import(&certificate, None, Some(&chain), now()).is_err(),
            "byte {position}: {:02x?}",
            &SAMPLE.certificate[position.saturating_sub(8)..position + 4]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_requests(
        edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        keep in any::<prop::sample::Index>(),
    ) {
        let changed = mutate(&REQUEST, &edits, &keep);
        for text in [block("CERTIFICATE REQUEST", &changed), changed] {
            let terms = SigningTerms {
                usage: Usage::Server,
                common_name: None,
                validity_days: 1,
            };
            let chain = block("CERTIFICATE", &SAMPLE.chain);
            let chain = String::from_utf8_lossy(&chain);
            drop(sign_request(&chain, &SAMPLE.ca_key, &text, &terms, now()));
        }
    }
}

/// A request with alternative names.
static REQUEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut asked = leaf_parameters("vpn.example.com");
    asked.extended_key_usages.clear();
    asked.subject_alt_names = vec![rcgen::SanType::IpAddress("192.0.2.10".parse().unwrap())];
    let made = asked
        .serialize_request(&KeyPair::generate().unwrap())
        .unwrap();
    made.der().to_vec()
});

#[test]
fn every_single_changed_byte_of_a_request_is_noticed() {
    for position in 0..REQUEST.len() {
        let mut changed = REQUEST.clone();
        changed[position] ^= 0x01;
        assert!(read_request(&changed).is_err(), "byte {position}");
    }
}
