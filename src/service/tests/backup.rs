//! Backups: what they hold comes back, on another machine too, or nothing changes.

use super::{
    connections::{connection, report},
    revocation::{generate, hours, import},
    *,
};
use crate::model::{
    AssociationState, Code, RevocationReason, Snapshot,
    backup::{Backup, Restored},
    command::{
        AuthorizeIngress, CreateBackup, ExportCertificate, Exported, LogGroupName,
        ModifyClientVpnEndpoint, OfEndpoint, PutRetentionPolicy, RestoreBackup, RevokeCertificate,
        Secret,
    },
};

const PASSPHRASE: &str = "correct horse battery";

fn create(passphrase: &str) -> Command {
    Command::CreateBackup(CreateBackup {
        passphrase: secret(passphrase.as_bytes()),
    })
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::new(bytes.to_vec())
}

fn with(file: &[u8], passphrase: &str) -> RestoreBackup {
    RestoreBackup {
        backup: secret(file),
        passphrase: secret(passphrase.as_bytes()),
    }
}

fn restore(file: &[u8]) -> Command {
    Command::RestoreBackup(with(file, PASSPHRASE))
}

impl Bench {
    async fn backed_up(&self) -> Backup {
        match self.ok(create(PASSPHRASE)).await {
            Answer::Backup(backup) => backup,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn restored_from_itself(&self) {
        let backup = self.backed_up().await;
        self.ok(restore(backup.content.expose())).await;
    }

    /// Something of everything that most installations have.
    async fn office(&self) -> EndpointId {
        let (endpoint, ..) = self.associated().await;
        let group = self.group("Engineering", &["alice", "bob"]).await;
        let rule = AuthorizeIngress {
            client_vpn_endpoint_id: endpoint.to_string(),
            target_network_cidr: "10.1.0.0/16".to_owned(),
            access_group_id: Some(group.sid.to_string()),
            ..AuthorizeIngress::default()
        };
        self.ok(Command::AuthorizeClientVpnIngress(rule)).await;
        self.settle().await;
        endpoint
    }

    async fn key(&self, arn: &CertificateArn) -> Exported {
        let command = Command::ExportCertificate(ExportCertificate {
            certificate_arn: arn.to_string(),
            with_private_key: true,
        });
        match self.ok(command).await {
            Answer::Exported(exported) => exported,
            other => panic!("{other:?}"),
        }
    }
}

/// What a snapshot says without how far the gateway has come.
fn decided(snapshot: &Snapshot) -> Snapshot {
    let mut decided = snapshot.clone();
    decided.seq = 0;
    for association in decided.associations.values_mut() {
        association.state = AssociationState::Associated;
    }
    decided
}

#[tokio::test]
async fn another_machine_has_everything_with_its_keys() {
    let bench = Bench::new().await;
    bench.office().await;
    let before = bench.service.snapshot();
    let backup = bench.backed_up().await;
    assert!(backup.file_name.starts_with("gatehouse-2"), "{backup:?}");
    let file = backup.content.expose();
    let holds = |part: &[u8]| file.windows(part.len()).any(|window| window == part);
    assert!(!holds(b"Engineering") && !holds(b"PRIVATE KEY"));

    let other = Bench::new().await;
    other.vpc("10.77.0.0/16").await;
    let told = Command::DescribeBackup(with(file, PASSPHRASE));
    let Answer::Restored(Restored {
        seq,
        endpoints,
        certificates,
        ..
    }) = other.ok(told).await
    else {
        panic!()
    };
    assert_eq!((seq, endpoints, certificates), (before.seq, 1, 3));
    assert_eq!(other.service.snapshot().vpcs.len(), 1, "only looked at");

    let seq = other.service.snapshot().seq;
    other.ok(restore(file)).await;
    let after = other.service.snapshot();
    assert!(after.seq > seq);
    assert_eq!(decided(&after), decided(&before));
    let association = after.associations.values().next().unwrap();
    assert_eq!(association.state, AssociationState::Associating);
    assert_eq!(
        decided(&other.restarted().await.snapshot()),
        decided(&before)
    );
    other.settle().await;
    let settled = other.service.snapshot();
    let association = settled.associations.values().next().unwrap();
    assert_eq!(association.state, AssociationState::Associated);
    for arn in before.certificates.keys() {
        assert_eq!(other.key(arn).await, bench.key(arn).await);
    }
    // What was restored can be worked with.
    other.certificates().await;
}

#[tokio::test]
async fn what_was_made_since_goes_and_what_has_gone_comes_back() {
    let bench = Bench::new().await;
    bench.office().await;
    let then = bench.service.snapshot();
    let backup = bench.backed_up().await;
    bench.vpc("10.99.0.0/16").await;
    bench.ca("Another CA").await;
    let groups = then.groups.keys().next().unwrap();
    let rule = then.rules[0].clone();
    bench
        .ok(Command::RevokeClientVpnIngress(
            crate::model::command::RevokeIngress {
                client_vpn_endpoint_id: rule.endpoint_id.to_string(),
                target_network_cidr: rule.destination.to_string(),
                access_group_id: Some(groups.to_string()),
                ..crate::model::command::RevokeIngress::default()
            },
        ))
        .await;
    let seq = bench.service.snapshot().seq;
    let lines = bench.events().await.len();
    bench.ok(restore(backup.content.expose())).await;
    let now = bench.service.snapshot();
    assert_eq!(decided(&now), decided(&then));
    assert!(now.seq > seq, "numbers never go back");
    let events = bench.events().await;
    assert_eq!(events.len(), lines + 1, "the record stays");
    assert_eq!(events[0].action, "RestoreBackup");
    assert_eq!(events[0].parameters, serde_json::Value::Null);
    assert!(matches!(events[0].undo, crate::model::Undo::Impossible(_)));
}

#[tokio::test]
async fn a_wrong_passphrase_and_a_file_that_was_cut_or_changed_change_nothing() {
    let bench = Bench::new().await;
    bench.office().await;
    let backup = bench.backed_up().await;
    let file = backup.content.expose();
    let wrong = Command::RestoreBackup(with(file, "correct horse batterY"));
    let refusal = bench.refused(wrong).await;
    assert_eq!(refusal.field.as_deref(), Some("Passphrase"));
    let changed = |at: usize| {
        let mut changed = file.to_vec();
        changed[at] ^= 1;
        changed
    };
    let files = [
        (Vec::new(), "Backup"),
        (b"-----BEGIN CERTIFICATE-----".to_vec(), "Backup"),
        (file[..20].to_vec(), "Backup"),
        (file[..45].to_vec(), "Backup"),
        (changed(0), "Backup"),
        // The form, the way of the key, the cipher.
        (changed(16), "Backup"),
        (changed(17), "Backup"),
        (changed(38), "Backup"),
        // So many iterations that nobody would wait for them.
        (changed(18), "Backup"),
        (changed(25), "Passphrase"),
        (changed(40), "Passphrase"),
        (changed(file.len() - 1), "Passphrase"),
        (file[..file.len() - 1].to_vec(), "Passphrase"),
        (file[..60].to_vec(), "Passphrase"),
    ];
    for (file, field) in files {
        let refusal = bench.refused(restore(&file)).await;
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal:?}");
        let looked_at = Command::DescribeBackup(with(&file, PASSPHRASE));
        assert_eq!(bench.refused(looked_at).await.code, refusal.code);
    }
}

#[tokio::test]
async fn a_short_passphrase_is_refused_and_none_is_kept() {
    let bench = Bench::new().await;
    let refusal = bench.refused(create("too short!!")).await;
    assert_eq!(refusal.code, Code::InvalidParameterValue);
    assert_eq!(refusal.field.as_deref(), Some("Passphrase"));
    let request = Request {
        client_token: Some("token-1".to_owned()),
        ..Request::from(create(PASSPHRASE))
    };
    bench.service.call(&bench.caller, request).await.unwrap();
    // The token is still free: neither the file nor a hash of the passphrase was kept for it.
    let other = Request {
        client_token: Some("token-1".to_owned()),
        ..Request::from(Command::CreateServiceLinkedRole)
    };
    bench.service.call(&bench.caller, other).await.unwrap();
    let events = serde_json::to_string(&bench.events().await).unwrap();
    let encoded = data_encoding::BASE64.encode(PASSPHRASE.as_bytes());
    for written in [PASSPHRASE, &encoded, "too short!!"] {
        assert!(!events.contains(written), "{events}");
    }
}

#[tokio::test]
async fn a_dry_run_of_a_restore_judges_it_and_changes_nothing() {
    let bench = Bench::new().await;
    let endpoint = bench.office().await;
    let backup = bench.backed_up().await;
    let before = bench.service.snapshot();
    let judged = dry_run(restore(backup.content.expose()));
    let refusal = bench.service.call(&bench.caller, judged).await.unwrap_err();
    assert_eq!(refusal.code, Code::DryRunOperation);
    assert_eq!(bench.service.snapshot(), before);
    let of = OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    };
    bench.ok(Command::DescribeClientBlocks(of)).await;
}

#[tokio::test]
async fn it_is_said_beforehand_who_loses_the_connection_and_who_is_let_in_again() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let certificates = bench.certificates().await;
    bench.settle().await;
    let empty = bench.backed_up().await;
    let other = bench
        .endpoint_with(&CreateClientVpnEndpoint {
            client_cidr_block: "10.0.4.0/22".to_owned(),
            vpn_port: Some(1195),
            ..create_endpoint(&certificates)
        })
        .await;
    let late = bench
        .issue(&certificates.ca, CertificateUse::Client, "late")
        .await;
    for arn in [&certificates.client, &late] {
        bench
            .ok(Command::RevokeCertificate(RevokeCertificate {
                certificate_arn: arn.to_string(),
                reason: RevocationReason::Unspecified,
            }))
            .await;
    }
    for (number, at) in [(1, &endpoint), (2, &other), (3, &other)] {
        let live = connection(at, &association.id, number);
        report(&bench.service, Report::Opened(live)).await;
    }
    let seen = bench.service.snapshot().seq;
    let file = empty.content.expose();
    let looked_at = bench
        .ok(Command::DescribeBackup(with(file, PASSPHRASE)))
        .await;
    let Answer::Restored(told) = &looked_at else {
        panic!("{looked_at:?}")
    };
    assert_eq!(
        (told.ending_connections, told.readmitted_certificates),
        (2, 2)
    );
    assert_eq!(bench.ok(restore(file)).await, looked_at);
    let events = bench.events().await;
    assert!(events[0].resources.contains(&endpoint.to_string()));
    // Whoever looked at an endpoint before has to look again.
    let modify = Command::ModifyClientVpnEndpoint(ModifyClientVpnEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
        description: Some("Mine".to_owned()),
        seen_seq: Some(seen),
        ..ModifyClientVpnEndpoint::default()
    });
    let refusal = bench.refused(modify).await;
    assert!(refusal.message.contains("RestoreBackup"), "{refusal:?}");
}

#[tokio::test]
async fn an_imported_list_comes_back_with_all_that_it_says() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let before = bench.backed_up().await;
    let list = bench
        .list(&ca, 7, [-hours(1), hours(24)], &[&ada, &bob])
        .await;
    bench.ok(import(&endpoint, &list.pem)).await;
    let with_list = bench.backed_up().await;

    let Answer::Restored(told) = bench.ok(restore(before.content.expose())).await else {
        panic!()
    };
    assert_eq!(told.readmitted_certificates, 2);
    assert_eq!(bench.turned_away(&endpoint, &ada).await, None);
    assert_eq!(bench.service.snapshot().certificates[&ada].revoked, None);

    let Answer::Restored(told) = bench.ok(restore(with_list.content.expose())).await else {
        panic!()
    };
    assert_eq!(told.readmitted_certificates, 0);
    assert!(bench.turned_away(&endpoint, &ada).await.is_some());
    let snapshot = bench.service.snapshot();
    assert_eq!(snapshot.revocation_lists[&endpoint].entries, 2);
    for arn in [&ada, &bob] {
        assert!(snapshot.certificates[arn].revoked.is_some());
    }
}

#[tokio::test]
async fn a_generated_list_that_is_over_in_the_backup_is_renewed_at_once() {
    let bench = Bench::new().await;
    let (endpoint, ca, [ada, bob]) = bench.two_clients().await;
    let over = bench
        .list(&ca, 7, [-hours(1) / 2, -hours(1) / 4], &[&ada])
        .await;
    bench.put(&endpoint, &ca, &over).await;
    let old = bench.backed_up().await;
    bench.ok(generate(&ca, None)).await;
    assert_eq!(bench.turned_away(&endpoint, &bob).await, None);
    bench.ok(restore(old.content.expose())).await;
    assert_eq!(bench.turned_away(&endpoint, &bob).await, None);
}

#[tokio::test]
async fn a_restore_takes_nothing_from_the_logs_that_are_there() {
    let bench = Bench::new().await;
    let group = |days| {
        Command::PutRetentionPolicy(PutRetentionPolicy {
            log_group_name: "vpn".to_owned(),
            retention_in_days: Some(days),
        })
    };
    bench
        .ok(Command::CreateLogGroup(LogGroupName {
            log_group_name: "vpn".to_owned(),
        }))
        .await;
    bench.ok(group(1)).await;
    let backup = bench.backed_up().await;
    bench.ok(group(365)).await;
    bench.ok(restore(backup.content.expose())).await;
    let snapshot = bench.service.snapshot();
    let kept = snapshot.log_groups.values().next().unwrap();
    assert_eq!(kept.retention_days, Some(365));
}

#[tokio::test]
async fn a_client_range_that_overlaps_a_network_of_the_machine_is_told() {
    let bench = Bench::new().await;
    let endpoint = bench.endpoint().await;
    let quiet = bench.backed_up().await;
    // As it may be on the machine that the backup is of.
    let mut elsewhere = bench.service.snapshot().endpoints[&endpoint].clone();
    elsewhere.id = EndpointId::from_random([7; 9]);
    elsewhere.client_cidr = "10.7.4.0/22".parse().unwrap();
    elsewhere.port = 1194;
    let insert = bench.service.inner.store.transact(clock::now(), move |tx| {
        tx.insert_endpoint(&elsewhere)?;
        Ok::<_, Refusal>(())
    });
    insert.await.unwrap();
    let file = bench.backed_up().await;
    let described = async |file: &Backup| {
        let command = Command::DescribeBackup(with(file.content.expose(), PASSPHRASE));
        match bench.ok(command).await {
            Answer::Restored(told) => told.overlaps,
            other => panic!("{other:?}"),
        }
    };
    assert!(described(&quiet).await.is_empty());
    let told = described(&file).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("10.7.0.0/16"), "{told:?}");
}
