use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::model::{Authentication, CertificateOrigin, Revocation, RevocationReason, Transport};

const NOW: &str = "2026-11-26T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn arn(number: u8) -> CertificateArn {
    CertificateArn::from_random("local-1", "000000000000", [number; 16])
}

fn days(count: i64) -> Timestamp {
    at(NOW) + SignedDuration::from_hours(24 * count)
}

fn certificate(number: u8, name: &str, usage: CertificateUse, end: Timestamp) -> Certificate {
    let authority = usage == CertificateUse::Authority;
    Certificate {
        arn: arn(number),
        common_name: Some(name.to_owned()),
        subject: format!("CN={name}"),
        issuer: if authority {
            format!("CN={name}")
        } else {
            "CN=Example CA".to_owned()
        },
        serial: format!("{number:02x}"),
        alternative_names: Vec::new(),
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: end,
        key_algorithm: "EC_prime256v1".to_owned(),
        usage,
        origin: CertificateOrigin::Issued,
        issued_by: (!authority).then(|| arn(1)),
        fingerprint: String::new(),
        certificate_pem: String::new(),
        chain_pem: String::new(),
        has_private_key: true,
        created_at: at("2026-01-01T00:00:00Z"),
        revoked: None,
    }
}

/// An endpoint "office" with the server certificate 2 of the authority 1, and the client 3.
fn office(ca: i64, server: i64, client: i64) -> Snapshot {
    let certificates = [
        certificate(1, "Example CA", CertificateUse::Authority, days(ca)),
        certificate(2, "vpn.example.com", CertificateUse::Server, days(server)),
        certificate(3, "anna", CertificateUse::Client, days(client)),
    ];
    let id = EndpointId::from_random([1; 9]);
    let endpoint = Endpoint {
        id: id.clone(),
        description: String::new(),
        tags: BTreeMap::from([("Name".to_owned(), "office".to_owned())]),
        client_cidr: "10.0.0.0/22".parse().unwrap(),
        server_certificate: arn(2),
        authentication: vec![Authentication::Certificate {
            client_root_certificate_chain: arn(1),
        }],
        transport: Transport::Udp,
        port: 443,
        split_tunnel: false,
        dns_servers: Vec::new(),
        vpc_id: None,
        security_groups: std::collections::BTreeSet::new(),
        connection_log: None,
        deleting: false,
        created_at: at("2026-01-01T00:00:00Z"),
    };
    let certificates = certificates.map(|it| (it.arn.clone(), Arc::new(it)));
    Snapshot {
        certificates: certificates.into_iter().collect(),
        endpoints: BTreeMap::from([(id, endpoint)]),
        ..Snapshot::default()
    }
}

fn said(snapshot: &Snapshot) -> Vec<String> {
    let found = notices(snapshot, at(NOW));
    found.into_iter().map(|it| it.sentence).collect()
}

fn change(snapshot: &mut Snapshot, number: u8, change: impl FnOnce(&mut Certificate)) {
    let certificate = snapshot.certificates.get_mut(&arn(number)).unwrap();
    change(Arc::make_mut(certificate));
}

#[test]
fn an_end_is_spoken_of_at_30_14_7_and_1_days_and_when_it_is_there() {
    let now = at(NOW);
    let second = SignedDuration::from_secs(1);
    for (end, nearness) in [
        (days(30) + second, None),
        (days(30), Some(Nearness::Month)),
        (days(14) + second, Some(Nearness::Month)),
        (days(14), Some(Nearness::Fortnight)),
        (days(7), Some(Nearness::Week)),
        (days(1) + second, Some(Nearness::Week)),
        (days(1), Some(Nearness::Day)),
        (now + second, Some(Nearness::Day)),
        (now, Some(Nearness::Over)),
    ] {
        assert_eq!(Nearness::of(end, now), nearness, "{end}");
    }
}

#[test]
fn nothing_is_said_while_all_is_far_away() {
    assert_eq!(said(&office(400, 200, 100)), Vec::<String>::new());
}

#[test]
fn each_is_named_with_what_it_does_and_the_worst_comes_first() {
    let snapshot = office(29, 0, 12);
    assert_eq!(
        said(&snapshot),
        [
            "The server certificate vpn.example.com of office expired on 26 Nov 2026: clients refuse it.",
            "The client certificate anna expires in 12 days, on 8 Dec 2026.",
            "The client authority Example CA of office expires in 29 days, on 25 Dec 2026.",
        ]
    );
    let found = notices(&snapshot, at(NOW));
    assert_eq!(found[0].severity, Severity::Problem);
    assert_eq!(found[0].about, NoticeSubject::Certificate(arn(2)));
    assert_eq!(found[0].endpoints.len(), 1);
    assert_eq!(found[0].cure, Cure::Renew);
    assert_eq!(found[1].severity, Severity::Warning);
    assert!(found[1].endpoints.is_empty());
}

#[test]
fn what_nobody_uses_or_somebody_replaced_is_no_news() {
    let mut snapshot = office(400, 200, 5);
    assert_eq!(said(&snapshot).len(), 1);
    // Anna has a later one.
    let later = certificate(4, "anna", CertificateUse::Client, days(300));
    snapshot.certificates.insert(arn(4), Arc::new(later));
    assert_eq!(said(&snapshot), Vec::<String>::new());
    change(&mut snapshot, 4, |it| {
        it.revoked = Some(Revocation {
            at: at(NOW),
            reason: RevocationReason::Unspecified,
        });
    });
    assert_eq!(said(&snapshot).len(), 1, "but that was revoked");
    change(&mut snapshot, 3, |it| it.not_after = days(-29));
    assert_eq!(said(&snapshot).len(), 1);
    change(&mut snapshot, 3, |it| it.not_after = days(-31));
    assert_eq!(said(&snapshot), Vec::<String>::new(), "long past");
    // A server certificate that no endpoint shows.
    let spare = certificate(5, "spare", CertificateUse::Server, days(2));
    snapshot.certificates.insert(arn(5), Arc::new(spare));
    assert_eq!(said(&snapshot), Vec::<String>::new());
}

#[test]
fn what_cannot_be_renewed_here_is_to_be_imported() {
    let mut snapshot = office(400, 3, 300);
    change(&mut snapshot, 1, |it| it.has_private_key = false);
    assert_eq!(notices(&snapshot, at(NOW))[0].cure, Cure::Import);
}

fn list(origin: RevocationListOrigin, end: Timestamp) -> Arc<RevocationList> {
    Arc::new(RevocationList {
        issuer: "CN=Example CA".to_owned(),
        issued_by: Some(arn(1)),
        this_update: at("2026-01-01T00:00:00Z"),
        next_update: Some(end),
        number: None,
        entries: 0,
        fingerprint: String::new(),
        origin,
        imported_at: at("2026-01-01T00:00:00Z"),
    })
}

#[test]
fn an_imported_list_is_spoken_of_and_one_that_renews_itself_only_when_it_did_not() {
    let mut snapshot = office(400, 200, 100);
    let id = snapshot.endpoints.keys().next().unwrap().clone();
    let imported = |end| list(RevocationListOrigin::Imported, end);
    let generated = |end| list(RevocationListOrigin::Generated, end);
    snapshot
        .revocation_lists
        .insert(id.clone(), imported(days(7)));
    assert_eq!(
        said(&snapshot),
        [
            "The client certificate revocation list of office expires in 7 days, on 3 Dec 2026, and all its clients are refused from then on."
        ]
    );
    snapshot
        .revocation_lists
        .insert(id.clone(), imported(days(-1)));
    let found = notices(&snapshot, at(NOW));
    assert_eq!(found[0].severity, Severity::Problem);
    assert_eq!(found[0].about, NoticeSubject::EndpointList(id.clone()));
    assert!(
        found[0]
            .sentence
            .ends_with("expired on 25 Nov 2026: all its clients are refused.")
    );

    snapshot
        .revocation_lists
        .insert(id.clone(), generated(days(1)));
    snapshot.authority_lists.insert(arn(1), generated(days(1)));
    assert_eq!(said(&snapshot), Vec::<String>::new());
    snapshot.revocation_lists.insert(id, generated(days(0)));
    snapshot.authority_lists.insert(arn(1), generated(days(0)));
    let found = notices(&snapshot, at(NOW));
    let cures: Vec<_> = found.iter().map(|it| (it.severity, it.cure)).collect();
    assert_eq!(
        cures,
        [
            (Severity::Problem, Cure::GenerateList),
            (Severity::Warning, Cure::GenerateList)
        ]
    );
}

#[test]
fn the_last_hours_are_counted() {
    let now = at(NOW);
    let hours = |count| now + SignedDuration::from_hours(count);
    assert_eq!(until(hours(49), now), "in 2 days");
    assert_eq!(until(hours(47), now), "in 47 hours");
    assert_eq!(until(hours(1), now), "in 1 hour");
    assert_eq!(
        until(now + SignedDuration::from_secs(59), now),
        "within the hour"
    );
}
