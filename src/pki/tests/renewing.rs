//! Authorities with later dates.

use rcgen::{DnType, SubjectPublicKeyInfo};

use super::*;

fn renewed(ca: &Issued, validity: u32, now: Timestamp) -> Result<String, IssueError> {
    let pem = &ca.certificate_pem;
    renew_ca(pem, pem, &ca.private_key_pem, validity, now)
}

#[test]
fn a_root_keeps_name_key_and_identifiers_and_gets_new_dates() {
    for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048] {
        let ca = make_ca("Example CA", key_type, now()).unwrap();
        let old = inspect(&ca.certificate_pem).unwrap();
        let later = now() + days(3000);
        let new = inspect(renewed(&ca, 3650, later).unwrap()).unwrap();
        assert_eq!(new.subject, old.subject);
        assert_eq!(new.subject_key_id, old.subject_key_id);
        assert_eq!(new.key_usages, old.key_usages);
        assert!(new.self_signed && new.may_sign_certificates());
        assert_ne!(new.serial, old.serial);
        assert_eq!(new.not_after, later + days(3650));
        assert!(new.not_before > old.not_before);
    }
}

#[test]
fn what_the_old_one_signed_leads_to_the_new_one_and_it_signs_on() {
    let ca = authority();
    let client = issued(&ca, &Request::client("a.lindqvist"));
    let new = renewed(&ca, 3650, now()).unwrap();
    let chain = Some(new.as_bytes());
    import(client.certificate_pem.as_bytes(), None, chain, now()).unwrap();
    let later = issue(&new, &ca.private_key_pem, &Request::client("b"), now()).unwrap();
    let old_chain = Some(ca.certificate_pem.as_bytes());
    import(later.certificate_pem.as_bytes(), None, old_chain, now()).unwrap();
}

#[test]
fn a_root_is_renewed_after_its_end_but_with_its_own_key_only() {
    let ca = authority();
    let late = now() + days(4000);
    let facts = inspect(renewed(&ca, 365, late).unwrap()).unwrap();
    assert_eq!(facts.validity_at(late), Validity::Valid);
    let pem = &ca.certificate_pem;
    let other = authority().private_key_pem;
    let refusal = error(renew_ca(pem, pem, &other, 365, now()));
    assert!(matches!(refusal, IssueError::AuthorityKeyMismatch { .. }));
    let refusal = error(renewed(&ca, 0, now()));
    assert_eq!(refusal.field(), Some("ValidityDays"));
    let leaf = issued(&ca, &Request::client("c"));
    let refusal = renew_ca(&leaf.certificate_pem, pem, &ca.private_key_pem, 1, now());
    assert!(matches!(error(refusal), IssueError::NotAnAuthority { .. }));
}

#[test]
fn an_authority_below_another_never_outlasts_it() {
    let root_key = KeyPair::generate().unwrap();
    let mut root = authority_parameters("Root CA");
    root.not_after =
        time::OffsetDateTime::from_unix_timestamp((now() + days(100)).as_second()).unwrap();
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let mut below = authority_parameters("Intermediate CA");
    below
        .distinguished_name
        .push(DnType::OrganizationName, "Example");
    below.use_authority_key_identifier_extension = true;
    let spki = SubjectPublicKeyInfo::from_der(&rcgen::PublicKeyData::subject_public_key_info(&key));
    let secret = SecretPem::new(root_key.serialize_pem());
    let old = below
        .signed_by(&spki.unwrap(), &Issuer::new(root, root_key))
        .unwrap()
        .pem();
    let new = renew_ca(&old, &root_pem, &secret, 3650, now()).unwrap();
    let (old, facts) = (inspect(&old).unwrap(), inspect(&new).unwrap());
    assert_eq!(facts.subject, old.subject);
    assert_eq!(facts.authority_key_id, old.authority_key_id);
    assert_eq!(facts.not_after, inspect(&root_pem).unwrap().not_after);
    assert!(!facts.self_signed);
}
