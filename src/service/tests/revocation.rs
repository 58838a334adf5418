//! Lists of revoked certificates: what takes them in, who is judged by them, and their renewal.

use jiff::{SignedDuration, Timestamp};

use super::{
    connections::{connection, report},
    export::{Hierarchy, import as import_certificate},
    *,
};
use crate::{
    model::{
        CertificateId, Code, Connection, Revocation, RevocationList, RevocationListOrigin,
        RevocationReason,
        command::{
            Bytes, CertificateName, ExportCertificate, GenerateRevocationList,
            ImportRevocationList, ModifySettings, OfEndpoint, RenewCertificate, RevokeCertificate,
        },
        revocation::{ExportedRevocationList, RevocationListPreview},
    },
    pki,
    service::certificates::id_of,
    tunnel::Candidate,
};

const LIST: &str = "CertificateRevocationList";

pub(super) fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

impl Bench {
    fn ids(&self, arn: &CertificateArn) -> Vec<CertificateId> {
        let snapshot = self.service.snapshot();
        let pem = &snapshot.certificates[arn].certificate_pem;
        let der = pki::split_bundle(pem).unwrap();
        vec![id_of(&der[0]).unwrap()]
    }

    fn candidate(&self, endpoint: &EndpointId, arn: &CertificateArn) -> Candidate {
        Candidate {
            endpoint_id: endpoint.clone(),
            device: "198.51.100.1:4000".parse().unwrap(),
            common_name: self.service.snapshot().certificates[arn].title().to_owned(),
            fingerprint: "00".repeat(32),
            serial: "01".to_owned(),
            certificates: self.ids(arn),
            rekey: false,
        }
    }

    /// What a client with this certificate is told at connect and at rekey; none if it comes in.
    pub(super) async fn turned_away(
        &self,
        endpoint: &EndpointId,
        arn: &CertificateArn,
    ) -> Option<String> {
        let mut candidate = self.candidate(endpoint, arn);
        let at_connect = self.service.admit(&candidate).await;
        candidate.rekey = true;
        assert_eq!(self.service.admit(&candidate).await, at_connect);
        at_connect.err().map(|denial| denial.sentence)
    }

    /// An endpoint, its authority, and two clients of it.
    pub(super) async fn two_clients(&self) -> (EndpointId, CertificateArn, [CertificateArn; 2]) {
        let (endpoint, _, _) = self.associated().await;
        let snapshot = self.service.snapshot();
        let ca = snapshot.endpoints[&endpoint].client_root_certificate();
        let ca = ca.unwrap().clone();
        let ada = self.issue(&ca, CertificateUse::Client, "ada").await;
        let bob = self.issue(&ca, CertificateUse::Client, "bob").await;
        (endpoint, ca, [ada, bob])
    }

    /// A list as it would be made where else the authority's key is.
    pub(super) async fn list(
        &self,
        ca: &CertificateArn,
        number: u64,
        period: [SignedDuration; 2],
        revoked: &[&CertificateArn],
    ) -> pki::RevocationList {
        let command = Command::ExportCertificate(ExportCertificate {
            certificate_arn: ca.to_string(),
            with_private_key: true,
        });
        let Answer::Exported(exported) = self.ok(command).await else {
            panic!("not exported");
        };
        let key = exported.private_key_pem.unwrap().expose().to_vec();
        let now = clock::now();
        let entry = |arn: &&CertificateArn| pki::Revoked {
            serial: self.ids(arn)[0].serial.clone(),
            at: Timestamp::from_second((now - hours(1)).as_second()).unwrap(),
            reason: Some(RevocationReason::KeyCompromise),
        };
        let request = pki::ListRequest {
            number,
            this_update: now + period[0],
            next_update: now + period[1],
            entries: revoked.iter().map(entry).collect(),
        };
        let key = pki::SecretPem::new(String::from_utf8(key).unwrap());
        pki::make_revocation_list(&exported.certificate_pem, &key, &request).unwrap()
    }

    async fn revoke(&self, arn: &CertificateArn) -> RevocationList {
        match self.ok(revoke(arn, RevocationReason::KeyCompromise)).await {
            Answer::RevocationList(list) => list,
            other => panic!("{other:?}"),
        }
    }

    async fn inspect(&self, endpoint: &EndpointId, list: &str) -> RevocationListPreview {
        match self
            .ok(Command::InspectRevocationList(bring(endpoint, list)))
            .await
        {
            Answer::RevocationListPreview(preview) => *preview,
            other => panic!("{other:?}"),
        }
    }

    async fn exported(&self, command: Command) -> ExportedRevocationList {
        match self.ok(command).await {
            Answer::ExportedRevocationList(list) => list,
            other => panic!("{other:?}"),
        }
    }

    /// Puts a list in force that no import would let in.
    pub(super) async fn put(
        &self,
        endpoint: &EndpointId,
        ca: &CertificateArn,
        list: &pki::RevocationList,
    ) {
        let shown = RevocationList {
            issuer: list.issuer.clone(),
            issued_by: Some(ca.clone()),
            this_update: list.this_update,
            next_update: list.next_update,
            number: list.number.clone(),
            entries: 0,
            fingerprint: list.fingerprint.clone(),
            origin: RevocationListOrigin::Generated,
            imported_at: list.this_update,
        };
        let (endpoint, ca, pem) = (endpoint.clone(), ca.clone(), list.pem.clone());
        let put = move |tx: &mut crate::store::Tx<'_>| {
            tx.put_authority_list(&ca, &shown, &pem)?;
            Ok::<_, Refusal>(tx.put_revocation_list(&endpoint, &shown, &pem, &[])?)
        };
        let store = &self.service.inner.store;
        store.transact(clock::now(), put).await.unwrap();
    }
}

fn revoke(arn: &CertificateArn, reason: RevocationReason) -> Command {
    Command::RevokeCertificate(RevokeCertificate {
        certificate_arn: arn.to_string(),
        reason,
    })
}

pub(super) fn generate(ca: &CertificateArn, days: Option<u32>) -> Command {
    Command::GenerateRevocationList(GenerateRevocationList {
        ca_arn: ca.to_string(),
        validity_days: days,
    })
}

fn bring(endpoint: &EndpointId, list: &str) -> ImportRevocationList {
    ImportRevocationList {
        client_vpn_endpoint_id: endpoint.to_string(),
        certificate_revocation_list: Bytes(list.as_bytes().to_vec()),
        allow_older: false,
    }
}

pub(super) fn import(endpoint: &EndpointId, list: &str) -> Command {
    Command::ImportClientVpnClientCertificateRevocationList(bring(endpoint, list))
}

fn export(endpoint: &EndpointId) -> Command {
    Command::ExportClientVpnClientCertificateRevocationList(OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    })
}

fn export_of(ca: &CertificateArn) -> Command {
    Command::ExportRevocationList(CertificateName {
        certificate_arn: ca.to_string(),
    })
}

fn number(list: &RevocationList) -> u64 {
    u64::from_str_radix(list.number.as_ref().unwrap(), 16).unwrap()
}

/// A session of a client with these certificates.
async fn session(
    bench: &Bench,
    endpoint: &EndpointId,
    name: &str,
    certificates: Vec<CertificateId>,
) -> Connection {
    let association = AssociationId::from_random([1; 9]);
    let mut live = connection(endpoint, &association, name.as_bytes()[0]);
    live.common_name = name.to_owned();
    live.certificates = certificates;
    report(&bench.service, Report::Opened(live.clone())).await;
    live
}

/// A gateway that shows these sessions.
fn gateway(bench: &Bench, live: &[&Connection]) -> Arc<FakeGateway> {
    let gateway = FakeGateway::new(Some(true));
    gateway.live.send_modify(|shown| {
        Arc::make_mut(shown).connections = live.iter().map(|it| (*it).clone()).collect();
    });
    bench.service.attach(gateway.clone());
    gateway
}

/// Waits for the first client that may not stay.
async fn expelled(gateway: &FakeGateway) -> Vec<(ConnectionId, String)> {
    let mut expelled = gateway.expelled.subscribe();
    let found = expelled.wait_for(|all| !all.is_empty());
    let found = tokio::time::timeout(std::time::Duration::from_secs(10), found).await;
    found.unwrap().unwrap().clone()
}

#[tokio::test]
async fn a_certificate_that_is_revoked_here_comes_in_nowhere_and_its_session_ends() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let live = session(&bench, &endpoint, "ada", bench.ids(&ada)).await;
    let other = session(&bench, &endpoint, "bob", bench.ids(&bob)).await;
    let gateway = gateway(&bench, &[&live, &other]);
    assert_eq!(bench.turned_away(&endpoint, &ada).await, None);

    let list = bench.revoke(&ada).await;
    let listed = (list.entries, list.origin, list.issued_by.as_ref());
    assert_eq!(listed, (1, RevocationListOrigin::Generated, Some(&ca)));
    let length = list.next_update.unwrap().duration_since(list.this_update);
    assert_eq!(length, hours(180 * 24));

    let ended = expelled(&gateway).await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].0, live.id);
    let reason = &ended[0].1;
    assert!(reason.starts_with("The certificate of ada"), "{reason}");
    assert!(reason.contains("was revoked at"), "{reason}");
    assert!(
        reason.contains("somebody else may have its key"),
        "{reason}"
    );
    assert_eq!(
        bench.turned_away(&endpoint, &ada).await.as_ref(),
        Some(reason)
    );
    assert_eq!(bench.turned_away(&endpoint, &bob).await, None);

    let snapshot = bench.service.snapshot();
    assert_eq!(*snapshot.revocation_lists[&endpoint], list);
    assert_eq!(*snapshot.authority_lists[&ca], list);
    let revoked = snapshot.certificates[&ada].revoked.unwrap();
    assert_eq!(revoked.reason, RevocationReason::KeyCompromise);
    assert_eq!(snapshot.certificates[&bob].revoked, None);
    let exported = bench.exported(export(&endpoint)).await;
    assert_eq!(exported.state, "active");
    assert_eq!(exported, bench.exported(export_of(&ca)).await);
    let read = pki::read_revocation_list(exported.pem.as_bytes(), 10).unwrap();
    assert_eq!(read.entries[0].serial, bench.ids(&ada)[0].serial);
    // It is so after a restart.
    let again = bench.restarted().await;
    let candidate = bench.candidate(&endpoint, &ada);
    assert!(again.admit(&candidate).await.is_err());
}

#[tokio::test]
async fn an_authority_that_is_revoked_is_so_for_clients_that_do_not_show_it() {
    let bench = Bench::new().await;
    let made = Hierarchy::new();
    import_certificate(&bench, &made.root, Some(&made.root_key), None).await;
    let below = import_certificate(&bench, &made.intermediate, None, Some(&made.root)).await;
    let (ada, _) = made.issue("ada", rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let ada = import_certificate(&bench, &ada, None, None).await;
    let certificates = Certificates {
        ca: below.clone(),
        ..bench.certificates().await
    };
    let endpoint = bench.endpoint_with(&create_endpoint(&certificates)).await;
    let vpc = bench.vpc("10.1.0.0/16").await;
    let subnet = bench.subnet(&vpc.id, "10.1.1.0/24").await;
    bench.associate(&endpoint, &subnet.id).await;
    bench.settle().await;
    let leaf = bench.ids(&ada);
    let live = session(&bench, &endpoint, "ada", leaf.clone()).await;
    let gateway = gateway(&bench, &[&live]);
    let mut candidate = bench.candidate(&endpoint, &ada);
    candidate.certificates = leaf;
    assert_eq!(bench.service.admit(&candidate).await, Ok(()));

    bench.revoke(&below).await;
    let ended = expelled(&gateway).await;
    assert_eq!(ended[0].0, live.id);
    let why = "An authority above the certificate of ada";
    assert!(ended[0].1.starts_with(why), "{}", ended[0].1);
    let denial = bench.service.admit(&candidate).await.unwrap_err();
    assert!(denial.sentence.starts_with(why), "{}", denial.sentence);
}

#[tokio::test]
async fn revoking_and_generating_are_refused_where_they_make_no_sense() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let missing = bench.refused(export(&endpoint)).await;
    assert_eq!(missing.code, Code::InvalidParameterValue);
    assert_eq!(
        bench.refused(export_of(&ca)).await.code,
        Code::ResourceNotFound
    );
    let none = revoke(
        &CertificateArn::from_random("local-1", "000000000000", [9; 16]),
        RevocationReason::default(),
    );
    assert_eq!(bench.refused(none).await.code, Code::ResourceNotFound);
    // A root has nobody to revoke it.
    let root = bench
        .refused(revoke(&ca, RevocationReason::default()))
        .await;
    assert_eq!(root.code, Code::Validation);
    assert!(root.message.contains("not in the store"), "{root}");
    let off = bench
        .refused(revoke(&ada, RevocationReason::RemoveFromCrl))
        .await;
    assert_eq!(off.field.as_deref(), Some("Reason"));
    bench.revoke(&ada).await;
    let again = bench
        .refused(revoke(&ada, RevocationReason::default()))
        .await;
    assert_eq!(again.code, Code::Validation);
    assert!(again.message.contains("has been revoked since"), "{again}");

    let client = bench.refused(generate(&bob, None)).await;
    assert_eq!(client.field.as_deref(), Some("CaArn"));
    for days in [0, 3_651] {
        let refusal = bench.refused(generate(&ca, Some(days))).await;
        assert_eq!(refusal.field.as_deref(), Some("ValidityDays"));
        assert_eq!(refusal.cure.as_deref(), Some("180"));
    }
    bench
        .ok(Command::ModifySettings(ModifySettings {
            max_revocations: Some(1),
            ..ModifySettings::default()
        }))
        .await;
    let full = bench
        .refused(revoke(&bob, RevocationReason::default()))
        .await;
    assert_eq!(full.code, Code::RevocationListLimitExceeded);
    assert!(full.message.contains("max-revocations 2"), "{full}");
}

#[tokio::test]
async fn a_list_that_is_generated_again_has_the_next_number_and_lasts_as_long() {
    let bench = Bench::new().await;
    let began = clock::now();
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let length = |list: &RevocationList| {
        let end = list.next_update.unwrap();
        end.duration_since(list.this_update)
    };
    let Answer::RevocationList(empty) = bench.ok(generate(&ca, Some(30))).await else {
        panic!("no list");
    };
    assert_eq!((empty.entries, length(&empty)), (0, hours(30 * 24)));
    let first = bench.revoke(&ada).await;
    let second = bench.revoke(&bob).await;
    let numbers = [&empty, &first, &second].map(number);
    assert!(numbers[0] >= began.as_second() as u64, "{numbers:?}");
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!((second.entries, length(&second)), (2, hours(30 * 24)));
    assert!(bench.turned_away(&endpoint, &ada).await.is_some());
    assert!(bench.turned_away(&endpoint, &bob).await.is_some());
}

#[tokio::test]
async fn an_imported_list_ends_the_sessions_it_revokes_and_no_others() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let live = session(&bench, &endpoint, "ada", bench.ids(&ada)).await;
    let other = session(&bench, &endpoint, "bob", bench.ids(&bob)).await;
    let gateway = gateway(&bench, &[&live, &other]);
    let list = bench
        .list(&ca, 7, [-hours(1) / 2, hours(24)], &[&ada])
        .await;

    let preview = bench.inspect(&endpoint, &list.pem).await;
    assert_eq!(preview.connections, [("ada".to_owned(), live.id.clone())]);
    let names: Vec<_> = preview.certificates.iter().map(|it| &it.1).collect();
    assert_eq!(names, [&ada]);
    assert_eq!(
        (preview.added, preview.removed, preview.older),
        (1, 0, None)
    );
    assert_eq!(preview.list.issued_by, Some(ca.clone()));
    assert_eq!(bench.service.snapshot().revocation_lists.len(), 0);

    let with_text = format!("Certificate Revocation List (CRL):\n  dump\n{}", list.pem);
    assert_eq!(bench.ok(import(&endpoint, &with_text)).await, Answer::Done);
    let ended = expelled(&gateway).await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].0, live.id);
    assert!(bench.turned_away(&endpoint, &ada).await.is_some());
    assert_eq!(bench.turned_away(&endpoint, &bob).await, None);
    let snapshot = bench.service.snapshot();
    let shown = &snapshot.revocation_lists[&endpoint];
    assert_eq!(shown.origin, RevocationListOrigin::Imported);
    assert!(snapshot.certificates[&ada].revoked.is_some());
    assert_eq!(bench.exported(export(&endpoint)).await.pem, list.pem);
    // The same once more changes nothing.
    assert_eq!(bench.ok(import(&endpoint, &list.pem)).await, Answer::Done);
    assert_eq!(bench.service.snapshot(), snapshot);

    let newer = bench
        .list(&ca, 8, [-hours(1) / 4, hours(24)], &[&bob])
        .await;
    let preview = bench.inspect(&endpoint, &newer.pem).await;
    assert_eq!((preview.added, preview.removed), (1, 1));
    bench.ok(import(&endpoint, &newer.pem)).await;
    assert_eq!(bench.turned_away(&endpoint, &ada).await, None);
    assert_eq!(bench.service.snapshot().certificates[&ada].revoked, None);
}

#[tokio::test]
async fn a_certificate_revoked_here_stays_out_where_the_endpoint_has_an_imported_list() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let list = bench
        .list(&ca, 7, [-hours(1) / 2, hours(24)], &[&ada])
        .await;
    bench.ok(import(&endpoint, &list.pem)).await;
    let generated = bench.revoke(&bob).await;
    assert!(number(&generated) > 7);
    let present = &bench.service.snapshot().revocation_lists[&endpoint];
    assert_eq!(present.fingerprint, list.fingerprint);
    for arn in [&ada, &bob] {
        assert!(bench.turned_away(&endpoint, arn).await.is_some());
    }
}

#[tokio::test]
async fn a_list_that_is_not_the_endpoint_s_good_and_newest_one_is_refused() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let other_ca = bench.ca("Other CA").await;
    let period = [-hours(1) / 2, hours(24)];
    let current = bench.list(&ca, 7, period, &[&ada]).await;
    let stranger = bench.list(&other_ca, 1, period, &[]).await;
    let namesake = bench.ca("Example CA").await;
    let namesake = bench.list(&namesake, 1, period, &[]).await;
    let over = bench
        .list(&ca, 8, [-hours(1) / 2, -hours(1) / 4], &[])
        .await;
    let to_come = bench.list(&ca, 8, [hours(1), hours(24)], &[]).await;
    let certificate = bench.service.snapshot().certificates[&ca]
        .certificate_pem
        .clone();
    let none = EndpointId::from_random([9; 9]);
    let refusals = [
        (
            import(&endpoint, " \n"),
            Code::MissingParameter,
            "BEGIN X509 CRL",
        ),
        (
            import(&endpoint, "no list"),
            Code::InvalidParameterValue,
            "cannot be read",
        ),
        (
            import(&endpoint, &certificate),
            Code::InvalidParameterValue,
            "CERTIFICATE block",
        ),
        (
            import(&endpoint, &stranger.pem),
            Code::InvalidParameterValue,
            "was issued by \"CN=Other CA\"",
        ),
        (
            import(&endpoint, &namesake.pem),
            Code::InvalidParameterValue,
            "did not sign it",
        ),
        (
            import(&endpoint, &over.pem),
            Code::InvalidParameterValue,
            "expired at",
        ),
        (
            import(&endpoint, &to_come.pem),
            Code::InvalidParameterValue,
            "clocks",
        ),
    ];
    for (command, code, words) in refusals {
        let refusal = bench.refused(command).await;
        assert_eq!(
            (refusal.code, refusal.field.as_deref()),
            (code, Some(LIST)),
            "{refusal}"
        );
        assert!(refusal.message.contains(words), "{refusal}");
    }
    let missing = bench.refused(import(&none, &current.pem)).await;
    assert_eq!(missing.code, Code::EndpointNotFound);
    let inspected = Command::InspectRevocationList(bring(&endpoint, &over.pem));
    assert!(
        bench
            .refused(inspected)
            .await
            .message
            .contains("expired at")
    );

    bench.ok(import(&endpoint, &current.pem)).await;
    let earlier = bench
        .list(&ca, 9, [-hours(1) * 3 / 4, hours(24)], &[])
        .await;
    let lower = bench.list(&ca, 6, [-hours(1) / 4, hours(24)], &[]).await;
    for (older, words) in [(&earlier, "before the one"), (&lower, "has number 6")] {
        let preview = bench.inspect(&endpoint, &older.pem).await;
        assert!(preview.older.unwrap().contains(words));
        let refusal = bench.refused(import(&endpoint, &older.pem)).await;
        assert_eq!(refusal.field.as_deref(), Some(LIST));
        assert!(refusal.message.contains(words), "{refusal}");
    }
    let meant = ImportRevocationList {
        allow_older: true,
        ..bring(&endpoint, &earlier.pem)
    };
    let meant = Command::ImportClientVpnClientCertificateRevocationList(meant);
    assert_eq!(bench.ok(meant).await, Answer::Done);
    assert_eq!(bench.turned_away(&endpoint, &ada).await, None);

    bench
        .ok(Command::ModifySettings(ModifySettings {
            max_revocations: Some(1),
            ..ModifySettings::default()
        }))
        .await;
    let long = bench.list(&ca, 10, period, &[&ada, &bob]).await;
    let refusal = bench.refused(import(&endpoint, &long.pem)).await;
    assert_eq!(refusal.code, Code::RevocationListLimitExceeded);
    let lines = bench.events().await;
    let kept = serde_json::to_string(&lines).unwrap();
    let line = current.pem.lines().nth(1).unwrap();
    assert!(!kept.contains(line), "a list does not fill the record");
}

#[tokio::test]
async fn who_is_let_in_just_before_a_list_or_a_block_does_not_stay() {
    let bench = Bench::new().await;
    let (endpoint, _, [ada, bob]) = bench.two_clients().await;
    bench.revoke(&ada).await;
    let association = AssociationId::from_random([1; 9]);
    let mut late = connection(&endpoint, &association, 1);
    late.common_name = "ada".to_owned();
    late.certificates = bench.ids(&ada);
    let gateway = gateway(&bench, &[&late]);
    report(&bench.service, Report::Opened(late.clone())).await;
    let ended = gateway.expelled.borrow().clone();
    assert!(ended.iter().any(|(id, _)| *id == late.id), "{ended:?}");

    let until = clock::now() + hours(1);
    let block = crate::model::ClientBlock {
        endpoint_id: endpoint.clone(),
        common_name: "bob".to_owned(),
        until,
    };
    let put = move |tx: &mut crate::store::Tx<'_>| Ok::<_, Refusal>(tx.put_block(&block)?);
    bench
        .service
        .inner
        .store
        .transact(clock::now(), put)
        .await
        .unwrap();
    let mut late = connection(&endpoint, &association, 2);
    late.common_name = "bob".to_owned();
    late.certificates = bench.ids(&bob);
    gateway
        .live
        .send_modify(|shown| Arc::make_mut(shown).connections = vec![late.clone()]);
    report(&bench.service, Report::Opened(late.clone())).await;
    let ended = gateway.expelled.borrow().last().cloned().unwrap();
    assert_eq!(ended.0, late.id);
    assert!(ended.1.contains("keeps bob out until"), "{}", ended.1);
}

#[tokio::test]
async fn an_endpoint_whose_list_is_over_lets_nobody_in_and_says_so() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let over = bench
        .list(&ca, 7, [-hours(1) / 2, -hours(1) / 4], &[&ada])
        .await;
    bench.put(&endpoint, &ca, &over).await;
    let reason = bench.turned_away(&endpoint, &bob).await.unwrap();
    assert!(
        reason.contains("list of the endpoint expired at"),
        "{reason}"
    );
    let reason = bench.turned_away(&endpoint, &ada).await.unwrap();
    assert!(reason.starts_with("The certificate of ada"), "{reason}");
}

#[tokio::test]
async fn a_generated_list_renews_itself_long_before_its_end_and_after_a_long_time_off() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, _]) = bench.two_clients().await;
    let list = bench.revoke(&ada).await;
    let after = |days: i64| list.this_update + hours(24 * days);
    bench.service.renew_lists(after(119)).await;
    assert_eq!(*bench.service.snapshot().authority_lists[&ca], list);
    bench.service.renew_lists(after(121)).await;
    let snapshot = bench.service.snapshot();
    let renewed = &snapshot.authority_lists[&ca];
    assert!(number(renewed) > number(&list));
    assert_eq!((renewed.this_update, renewed.entries), (after(121), 1));
    assert_eq!(renewed.next_update, Some(after(121 + 180)));
    assert_eq!(snapshot.revocation_lists[&endpoint], *renewed);
    let lines = bench.events().await;
    let line = lines.iter().find(|line| line.face == "gateway").unwrap();
    assert_eq!(line.action, "GenerateRevocationList");
    assert!(line.resources.contains(&endpoint.to_string()));

    let bench = Bench::new().await;
    let (endpoint, ca, [_, bob]) = bench.two_clients().await;
    let over = bench
        .list(&ca, 7, [-hours(1) / 2, -hours(1) / 4], &[])
        .await;
    bench.put(&endpoint, &ca, &over).await;
    assert!(bench.turned_away(&endpoint, &bob).await.is_some());
    let again = bench.restarted().await;
    let candidate = bench.candidate(&endpoint, &bob);
    assert_eq!(again.admit(&candidate).await, Ok(()));
    assert!(number(&again.snapshot().revocation_lists[&endpoint]) > 7);
}

#[tokio::test]
async fn what_was_revoked_elsewhere_comes_into_the_list_by_itself() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, _]) = bench.two_clients().await;
    let serial = bench.ids(&ada)[0].serial.clone();
    let authority = ca.clone();
    let revocation = Revocation {
        at: clock::now(),
        reason: RevocationReason::Unspecified,
    };
    let insert = move |tx: &mut crate::store::Tx<'_>| {
        Ok::<_, Refusal>(tx.insert_revoked(&authority, &serial, &revocation)?)
    };
    let store = &bench.service.inner.store;
    assert!(store.transact(clock::now(), insert).await.unwrap());
    bench.service.renew_lists(clock::now()).await;
    assert_eq!(bench.service.snapshot().authority_lists[&ca].entries, 1);
    assert!(bench.turned_away(&endpoint, &ada).await.is_some());
}

#[tokio::test]
async fn an_authority_that_keeps_clients_out_is_not_deleted() {
    let bench = Bench::new().await;
    let made = Hierarchy::new();
    let root = import_certificate(&bench, &made.root, None, None).await;
    let key = Some(made.intermediate_key.as_str());
    let below = import_certificate(&bench, &made.intermediate, key, Some(&made.root)).await;
    let (ada, _) = made.issue("ada", rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let ada = import_certificate(&bench, &ada, None, None).await;
    let certificates = Certificates {
        ca: root,
        ..bench.certificates().await
    };
    let endpoint = bench.endpoint_with(&create_endpoint(&certificates)).await;
    bench.revoke(&ada).await;
    let delete = |arn: &CertificateArn| {
        Command::DeleteCertificate(CertificateName {
            certificate_arn: arn.to_string(),
        })
    };
    bench.ok(delete(&ada)).await;
    let refusal = bench.refused(delete(&below)).await;
    assert_eq!(refusal.code, Code::ResourceInUse);
    assert_eq!(refusal.field.as_deref(), Some("CertificateArn"));
    assert!(refusal.message.contains(endpoint.as_str()), "{refusal}");
    let gone = Command::DeleteClientVpnEndpoint(OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    });
    bench.ok(gone).await;
    bench.ok(delete(&below)).await;
}

#[tokio::test]
async fn a_new_endpoint_has_the_list_of_its_authority_at_once() {
    let bench = Bench::new().await;
    let made = bench.certificates().await;
    bench
        .ok(revoke(&made.client, RevocationReason::Superseded))
        .await;
    let endpoint = bench.endpoint_with(&create_endpoint(&made)).await;
    // Whether the gateway has it already is another question.
    let own = bench.exported(export(&endpoint)).await.pem;
    assert_eq!(own, bench.exported(export_of(&made.ca)).await.pem);
}

#[tokio::test]
async fn what_a_certificate_took_the_place_of_is_revoked_with_it() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    // The file that was handed out before ada's certificate was renewed, and a session with it.
    let stolen = bench.candidate(&endpoint, &ada);
    let live = session(&bench, &endpoint, "ada", bench.ids(&ada)).await;
    let other = session(&bench, &endpoint, "bob", bench.ids(&bob)).await;
    let gateway = gateway(&bench, &[&live, &other]);
    let renew = Command::RenewCertificate(RenewCertificate {
        certificate_arn: ada.to_string(),
        validity_days: None,
    });
    bench.ok(renew.clone()).await;
    assert_ne!(bench.ids(&ada), stolen.certificates);
    assert!(bench.service.admit(&stolen).await.is_ok());

    let list = bench.revoke(&ada).await;
    assert_eq!(list.entries, 2);
    assert!(bench.service.admit(&stolen).await.is_err());
    assert!(bench.turned_away(&endpoint, &ada).await.is_some());
    let expelled = expelled(&gateway).await;
    assert_eq!(expelled.len(), 1, "{expelled:?}");
    assert_eq!(expelled[0].0, live.id);
    let refusal = bench.refused(renew).await;
    assert!(refusal.message.contains("was revoked at"), "{refusal}");
    // A backup knows of it too.
    let second = bench.issue(&ca, CertificateUse::Client, "cleo").await;
    let old = bench.candidate(&endpoint, &second);
    bench
        .ok(Command::RenewCertificate(RenewCertificate {
            certificate_arn: second.to_string(),
            validity_days: None,
        }))
        .await;
    bench.restored_from_itself().await;
    assert!(bench.service.admit(&old).await.is_ok());
    bench.revoke(&second).await;
    assert!(bench.service.admit(&old).await.is_err());
}

#[tokio::test]
async fn a_certificate_that_came_before_its_authority_can_be_revoked() {
    let bench = Bench::new().await;
    let made = Hierarchy::new();
    let (pem, _) = made.issue("ada", rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let ada = import_certificate(&bench, &pem, None, None).await;
    let refusal = bench
        .refused(revoke(&ada, RevocationReason::KeyCompromise))
        .await;
    assert!(refusal.message.contains("is not in the store"), "{refusal}");
    let key = Some(made.intermediate_key.as_str());
    let ca = import_certificate(&bench, &made.intermediate, key, Some(&made.root)).await;
    let issuer = |service: &Service| service.snapshot().certificates[&ada].issued_by.clone();
    assert_eq!(issuer(&bench.service), Some(ca.clone()));
    assert_eq!(bench.revoke(&ada).await.entries, 1);
    // Of a store that is older than this.
    let orphan = ada.clone();
    let forget = move |tx: &mut crate::store::Tx<'_>| tx.set_issuer(&orphan, None);
    let store = &bench.service.inner.store;
    store.transact(clock::now(), forget).await.unwrap();
    assert_eq!(issuer(&bench.restarted().await), Some(ca));
}
