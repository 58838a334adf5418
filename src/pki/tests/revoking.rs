//! Revocation lists as `openssl ca -gencrl`, which easy-rsa runs, writes them.

use super::super::*;
use crate::model::RevocationReason;

const LIST: &str = include_str!("../fixtures/revoked.crl.pem");
const AUTHORITY: &str = include_str!("../fixtures/revoking-ca.pem");
const NAMESAKE: &str = include_str!("../fixtures/revoking-namesake.pem");

fn der(pem: &str) -> Vec<u8> {
    split_bundle(pem).unwrap().remove(0)
}

#[test]
fn a_list_with_text_around_it_tells_serials_moments_and_reasons() {
    let list = read_revocation_list(LIST.as_bytes()).unwrap();
    assert_eq!(list.issuer, "CN=Easy-RSA CA");
    assert_eq!(list.number.as_deref(), Some("1f"));
    let told: Vec<_> = list
        .entries
        .iter()
        .map(|entry| (entry.serial.as_str(), entry.at.to_string(), entry.reason))
        .collect();
    let expected = [
        ("7f", "2026-11-02T12:00:00Z".to_owned(), None),
        (
            "ab01",
            "2026-11-01T12:00:00Z".to_owned(),
            Some(RevocationReason::KeyCompromise),
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!(list.validity(list.this_update), ListValidity::Current);
    assert_eq!(list.validity(jiff::Timestamp::MAX), ListValidity::Expired);
    assert_eq!(list.validity(jiff::Timestamp::MIN), ListValidity::NotYet);
    let again = read_revocation_list(&pem::parse(&list.pem).unwrap().into_contents()).unwrap();
    assert_eq!(again, list);
}

#[test]
fn a_list_is_its_authoritys_and_not_a_namesakes() {
    let list = read_revocation_list(LIST.as_bytes()).unwrap();
    let (authority, namesake) = (der(AUTHORITY), der(NAMESAKE));
    assert_eq!(
        verify_revocation_list(&list, &[namesake.clone(), authority.clone()]),
        Ok(1)
    );
    assert_eq!(
        verify_revocation_list(&list, &[namesake]),
        Err(CrlError::DidNotSign("CN=Easy-RSA CA".to_owned()))
    );
    assert_eq!(certificate_id(&authority).unwrap().0, list.issuer_der);
}

#[test]
fn what_is_not_exactly_one_list_is_told_apart() {
    let read = |text: &str| read_revocation_list(text.as_bytes()).unwrap_err();
    assert_eq!(
        read(AUTHORITY),
        CrlError::OtherLabel("CERTIFICATE".to_owned())
    );
    assert_eq!(read(&format!("{LIST}{LIST}")), CrlError::Several(2));
    assert_eq!(read("nothing"), CrlError::Unreadable);
    assert_eq!(
        read_revocation_list(&der(AUTHORITY)).unwrap_err(),
        CrlError::Damaged
    );
}
