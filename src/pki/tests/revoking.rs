//! Revocation lists as `openssl ca -gencrl`, which easy-rsa runs, writes them.

use super::*;
use crate::model::RevocationReason;

const LIST: &str = include_str!("../fixtures/revoked.crl.pem");
const AUTHORITY: &str = include_str!("../fixtures/revoking-ca.pem");
const NAMESAKE: &str = include_str!("../fixtures/revoking-namesake.pem");

/// Delta, indirect, of authorities only, with an unknown critical extension, of version 1; and one
/// that is as it should be.
const ODD: &str = include_str!("../fixtures/odd-lists.crl.pem");
/// Their authority with and without the key usage cRLSign.
const ODD_AUTHORITY: &str = include_str!("../fixtures/odd-lists-ca.pem");
const LIMIT: usize = 100;

fn read(text: &str) -> Result<RevocationList, CrlError> {
    read_revocation_list(text.as_bytes(), LIMIT)
}

fn odd() -> Vec<Vec<u8>> {
    let blocks = pem::parse_many(ODD).unwrap();
    blocks.into_iter().map(pem::Pem::into_contents).collect()
}

#[test]
fn a_list_with_text_around_it_tells_serials_moments_and_reasons() {
    let list = read(LIST).unwrap();
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
    assert_eq!(list.validity(Timestamp::MAX), ListValidity::Expired);
    assert_eq!(list.validity(Timestamp::MIN), ListValidity::NotYet);
    let again = pem::parse(&list.pem).unwrap().into_contents();
    let again = read_revocation_list(&again, LIMIT).unwrap();
    assert_eq!(again, list);
}

#[test]
fn a_list_is_its_authoritys_and_not_a_namesakes() {
    let list = read(LIST).unwrap();
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
    let read = |text: &str| read(text).unwrap_err();
    assert_eq!(
        read(AUTHORITY),
        CrlError::OtherLabel("CERTIFICATE".to_owned())
    );
    assert_eq!(read(&format!("{LIST}{LIST}")), CrlError::Several(2));
    assert_eq!(read("nothing"), CrlError::Unreadable);
    assert_eq!(
        read_revocation_list(&der(AUTHORITY), LIMIT).unwrap_err(),
        CrlError::Damaged
    );
}

#[test]
fn what_is_not_the_complete_list_of_its_issuer_is_refused() {
    let problems: Vec<_> = odd()
        .iter()
        .map(|der| read_revocation_list(der, LIMIT).err())
        .collect();
    assert_eq!(
        problems,
        [
            Some(CrlError::Delta),
            Some(CrlError::Indirect),
            Some(CrlError::Partial),
            Some(CrlError::UnknownCritical("1.2.3.4".to_owned())),
            Some(CrlError::OldVersion),
            None,
        ]
    );
}

#[test]
fn an_authority_that_states_key_usages_must_state_that_it_signs_lists() {
    let list = read_revocation_list(&odd()[5], LIMIT).unwrap();
    let [with, without] = <[_; 2]>::try_from(split_bundle(ODD_AUTHORITY).unwrap()).unwrap();
    assert_eq!(verify_revocation_list(&list, &[with]), Ok(0));
    assert_eq!(
        verify_revocation_list(&list, &[without]),
        Err(CrlError::MayNotSign("CN=Odd Lists CA".to_owned()))
    );
}

#[test]
fn a_list_holds_no_more_than_the_caller_takes() {
    let many = |limit| read_revocation_list(LIST.as_bytes(), limit);
    assert!(many(2).is_ok());
    assert_eq!(
        many(1).unwrap_err(),
        CrlError::TooManyEntries {
            entries: 2,
            limit: 1
        }
    );
    let long = vec![b' '; 2 << 20];
    assert_eq!(
        read_revocation_list(&long, 10).unwrap_err(),
        CrlError::TooLarge {
            bytes: 2 << 20,
            limit: 10
        }
    );
}

#[test]
fn the_moment_at_which_the_next_list_is_due_is_the_first_of_which_a_list_is_over() {
    let list = read(LIST).unwrap();
    let end = list.next_update.unwrap();
    let before = end - SignedDuration::from_micros(1);
    let shown = crate::model::RevocationList {
        issuer: list.issuer.clone(),
        issued_by: None,
        this_update: list.this_update,
        next_update: list.next_update,
        number: None,
        entries: 2,
        fingerprint: list.fingerprint.clone(),
        origin: crate::model::RevocationListOrigin::Imported,
        imported_at: list.this_update,
    };
    for (moment, over) in [(before, false), (end, true)] {
        assert_eq!(list.validity(moment) == ListValidity::Expired, over);
        assert_eq!(shown.is_expired(moment), over);
    }
}

fn request(entries: Vec<Revoked>) -> ListRequest {
    ListRequest {
        number: 300,
        this_update: now(),
        next_update: now() + days(180),
        entries,
    }
}

fn made(ca: &Issued, request: &ListRequest) -> Result<RevocationList, IssueError> {
    make_revocation_list(&ca.certificate_pem, &ca.private_key_pem, request)
}

#[test]
fn a_list_that_is_made_is_read_as_it_was_meant() {
    let ca = authority();
    let client = issued(&ca, &Request::client("client1"));
    let (issuer, serial) = certificate_id(&der(&client.certificate_pem)).unwrap();
    let reasons = [
        None,
        Some(RevocationReason::KeyCompromise),
        Some(RevocationReason::CaCompromise),
        Some(RevocationReason::AffiliationChanged),
        Some(RevocationReason::Superseded),
        Some(RevocationReason::CessationOfOperation),
        Some(RevocationReason::CertificateHold),
        Some(RevocationReason::PrivilegeWithdrawn),
        Some(RevocationReason::AaCompromise),
    ];
    let entries: Vec<_> = (1..)
        .zip(reasons)
        .map(|(number, reason)| Revoked {
            serial: if number == 1 {
                serial.clone()
            } else {
                format!("f{number}")
            },
            at: now() - days(number),
            reason,
        })
        .collect();
    let list = made(&ca, &request(entries.clone())).unwrap();
    assert_eq!(list.entries, entries);
    assert_eq!(list.issuer_der, issuer);
    assert_eq!(list.number.as_deref(), Some("012c"));
    assert_eq!(list.next_update, Some(now() + days(180)));
    assert_eq!(
        verify_revocation_list(&list, &[der(&ca.certificate_pem)]),
        Ok(0)
    );
    let empty = made(&ca, &request(Vec::new())).unwrap();
    assert_eq!(empty.entries, []);
}

#[test]
fn a_list_is_made_only_by_an_authority_that_may_with_its_own_key() {
    let (ca, other) = (authority(), authority());
    let list = request(Vec::new());
    let with = |certificate: &str, key: &SecretPem| make_revocation_list(certificate, key, &list);
    assert!(matches!(
        with(&ca.certificate_pem, &other.private_key_pem),
        Err(IssueError::AuthorityKeyMismatch { .. })
    ));
    // These parameters have no cRLSign.
    let key = KeyPair::generate().unwrap();
    let mute = authority_parameters("Mute CA").self_signed(&key).unwrap();
    assert_eq!(
        error(with(&mute.pem(), &SecretPem::new(key.serialize_pem()))),
        IssueError::NoListSigner {
            name: "Mute CA".to_owned()
        }
    );
    let client = issued(&ca, &Request::client("client1"));
    assert!(matches!(
        with(&client.certificate_pem, &client.private_key_pem),
        Err(IssueError::NotAnAuthority { .. })
    ));
    let backwards = ListRequest {
        next_update: now(),
        ..list.clone()
    };
    assert!(matches!(made(&ca, &backwards), Err(IssueError::Failed(_))));
}
