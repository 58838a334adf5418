use std::{collections::BTreeSet, os::unix::fs::PermissionsExt as _};

use tempfile::TempDir;

use super::*;
use crate::model::{
    Certificate, CertificateArn, CertificateOrigin, CertificateUse, Code, Direction, Egress,
    Endpoint, EndpointId, IpProtocol, NetworkInterfaceId, Peer, PortRange, Refusal, Resource,
    Revocation, RevocationList, RevocationListOrigin, RevocationReason, RouteTarget, SecurityGroup,
    SecurityGroupId, SecurityGroupRule, SecurityGroupRuleId, Subnet, SubnetId, Tags, Transport,
    Via, Vpc, VpcId, VpcRoute,
};

fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn vpc(byte: u8) -> Vpc {
    Vpc {
        id: VpcId::from_random([byte; 9]),
        cidrs: vec![format!("10.{byte}.0.0/16").parse().unwrap()],
        dns_support: true,
        tags: Tags::from([("Name".to_owned(), format!("vpc {byte}"))]),
    }
}

fn certificate() -> Certificate {
    Certificate {
        arn: CertificateArn::from_random("local-1", "000000000000", [7; 16]),
        common_name: Some("client1".to_owned()),
        subject: "CN=client1".to_owned(),
        issuer: "CN=ca".to_owned(),
        serial: "01".to_owned(),
        alternative_names: vec!["client1".to_owned()],
        not_before: now(),
        not_after: now(),
        key_algorithm: "EC_prime256v1".to_owned(),
        usage: CertificateUse::Client,
        origin: CertificateOrigin::Issued,
        issued_by: None,
        fingerprint: "00".repeat(32),
        certificate_pem: "certificate".to_owned(),
        chain_pem: String::new(),
        has_private_key: true,
        created_at: now(),
        revoked: None,
    }
}

async fn insert_vpc(store: &Store, byte: u8) -> Result<(), Refusal> {
    let insert = move |tx: &mut Tx<'_>| Ok(tx.insert_vpc(&vpc(byte))?);
    store.transact(now(), insert).await
}

async fn insert_key(store: &Store) {
    let insert = |tx: &mut Tx<'_>| tx.insert_certificate(&certificate(), Some(b"the key"));
    store.transact(now(), insert).await.unwrap();
}

async fn key(store: &Store) -> Vec<u8> {
    let read = |tx: &mut Tx<'_>| tx.private_key(&certificate().arn);
    let key: Result<_, StoreError> = store.transact(now(), read).await;
    key.unwrap().unwrap().to_vec()
}

#[tokio::test]
async fn what_was_committed_is_there_when_the_store_opens_again() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    insert_vpc(&store, 1).await.unwrap();
    insert_key(&store).await;
    let before = store.snapshot();
    assert_eq!(before.vpcs[&vpc(1).id], vpc(1));
    assert_eq!(*before.certificates[&certificate().arn], certificate());
    // The first store is still open, as after a crash its files would be as they are.
    let again = Store::open(dir.path(), now()).unwrap();
    assert_eq!(again.snapshot(), before);
    assert_eq!(key(&again).await, b"the key");
}

#[tokio::test]
async fn a_commit_is_on_disk_before_it_is_acknowledged() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let settings = |tx: &mut Tx<'_>| {
        let pragma = |name: &str| {
            let read = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
            tx.connection.pragma_query_value(None, name, read)
        };
        Ok::<_, StoreError>([
            pragma("journal_mode")?,
            pragma("synchronous")?,
            pragma("foreign_keys")?,
        ])
    };
    // 2 is FULL.
    let expected = ["wal".to_owned().into(), 2.into(), 1.into()];
    assert_eq!(store.transact(now(), settings).await.unwrap(), expected);
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let before = store.snapshot();
    let work = |tx: &mut Tx<'_>| -> Result<(), Refusal> {
        tx.insert_vpc(&vpc(1))?;
        Err(Refusal::new(Code::InvalidParameterValue, "no"))
    };
    let refusal = store.transact(now(), work).await.unwrap_err();
    assert_eq!(refusal.message, "no");
    assert_eq!(store.snapshot(), before);
    insert_vpc(&store, 1).await.unwrap();
}

#[tokio::test]
async fn every_change_is_numbered_and_the_snapshot_bears_the_last_number() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let mut seq = store.snapshot().seq;
    for byte in 1..=3 {
        insert_vpc(&store, byte).await.unwrap();
        let next = store.snapshot().seq;
        assert!(next > seq);
        seq = next;
    }
    // A transaction that only looks publishes nothing.
    let mut snapshots = store.snapshots();
    snapshots.mark_unchanged();
    key_missing(&store).await;
    assert_eq!(snapshots.borrow().seq, seq);
    assert!(!snapshots.has_changed().unwrap());
}

async fn key_missing(store: &Store) {
    let read = |tx: &mut Tx<'_>| tx.private_key(&certificate().arn);
    let key: Result<_, StoreError> = store.transact(now(), read).await;
    assert!(key.unwrap().is_none());
}

#[tokio::test]
async fn another_writer_s_changes_are_seen_by_the_next_transaction() {
    let dir = TempDir::new().unwrap();
    let one = Store::open(dir.path(), now()).unwrap();
    let two = Store::open(dir.path(), now()).unwrap();
    insert_vpc(&one, 1).await.unwrap();
    let seen = |tx: &mut Tx<'_>| Ok::<_, Refusal>(tx.snapshot());
    let snapshot = two.transact(now(), seen).await.unwrap();
    assert_eq!(snapshot.vpcs[&vpc(1).id], vpc(1));
}

#[tokio::test]
async fn the_schema_holds_what_must_hold_across_rows() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    insert_vpc(&store, 1).await.unwrap();
    let refusal = insert_vpc(&store, 1).await.unwrap_err();
    assert_eq!(refusal.code, Code::InternalError);
    let orphan = |tx: &mut Tx<'_>| tx.insert_vpc_cidr(&vpc(9).id, "10.9.0.0/16".parse().unwrap());
    let orphaned: Result<(), StoreError> = store.transact(now(), orphan).await;
    assert!(matches!(orphaned, Err(StoreError::Sqlite(_))));
}

#[tokio::test]
async fn a_full_disk_refuses_changes_in_clear_words_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    insert_vpc(&store, 1).await.unwrap();
    let before = store.snapshot();
    let fill = |tx: &mut Tx<'_>| {
        tx.connection.pragma_update(None, "max_page_count", 1)?;
        let mut large = vpc(2);
        large.tags = Tags::from([("Name".to_owned(), "x".repeat(1 << 20))]);
        tx.insert_vpc(&large)
    };
    let full: Result<(), StoreError> = store.transact(now(), fill).await;
    let refusal = Refusal::from(full.unwrap_err());
    assert_eq!(refusal.code, Code::Unavailable);
    assert!(refusal.message.contains("free some space"), "{refusal}");
    assert_eq!(store.snapshot(), before);
    // With room again, all is well.
    let free = |tx: &mut Tx<'_>| {
        tx.connection
            .pragma_update(None, "max_page_count", 1_000_000)?;
        Ok::<_, StoreError>(())
    };
    store.transact(now(), free).await.unwrap();
    insert_vpc(&store, 2).await.unwrap();
}

#[tokio::test]
async fn a_panic_in_one_transaction_takes_it_back_and_leaves_the_store_open() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let before = store.snapshot();
    let work = |tx: &mut Tx<'_>| -> Result<(), Refusal> {
        tx.insert_vpc(&vpc(1))?;
        panic!("a defect, on purpose");
    };
    let refusal = store.transact(now(), work).await.unwrap_err();
    assert_eq!(refusal.code, Code::InternalError);
    assert_eq!(store.snapshot(), before);
    insert_vpc(&store, 1).await.unwrap();
    assert_eq!(store.snapshot().vpcs.len(), 1);
}

#[test]
fn a_directory_that_is_not_ours_stays_as_open_as_it_is() {
    let dir = TempDir::new().unwrap();
    let mode = || fs::metadata(dir.path()).unwrap().permissions().mode() & 0o7777;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(dir.path().join("letter.txt"), "dear").unwrap();
    let refused = Store::open(dir.path(), now()).err().unwrap().to_string();
    assert!(
        refused.contains("choose a new or an empty one"),
        "{refused}"
    );
    assert_eq!(mode(), 0o1777);
    assert!(!dir.path().join(DATABASE).exists());

    fs::rename(dir.path().join("letter.txt"), dir.path().join(LOCK)).unwrap();
    Store::open(dir.path(), now()).unwrap();
    assert_eq!(mode(), 0o750);
}

#[tokio::test]
async fn keys_are_lost_with_the_master_key_and_the_error_says_so() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    insert_key(&store).await;
    drop(store);
    let master = dir.path().join("master.key");
    let right = fs::read(&master).unwrap();
    fs::remove_file(&master).unwrap();
    let missing = Store::open(dir.path(), now()).err().unwrap();
    assert!(matches!(missing, StoreError::MasterKeyMissing(_)));
    assert!(missing.to_string().contains("master.key"), "{missing}");
    assert!(!master.exists());
    fs::write(&master, [0; 32]).unwrap();
    let wrong = Store::open(dir.path(), now()).err().unwrap();
    assert!(matches!(wrong, StoreError::MasterKeyWrong(_)));
    fs::write(&master, b"short").unwrap();
    let short = Store::open(dir.path(), now()).err().unwrap();
    assert!(matches!(short, StoreError::MasterKeyWrong(_)));
    fs::write(&master, right).unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    assert_eq!(key(&store).await, b"the key");
}

#[tokio::test]
async fn a_key_moved_under_another_certificate_does_not_open() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    insert_key(&store).await;
    let other = CertificateArn::from_random("local-1", "000000000000", [8; 16]);
    let moved = {
        let other = other.clone();
        move |tx: &mut Tx<'_>| {
            tx.insert_certificate(
                &Certificate {
                    arn: other.clone(),
                    ..certificate()
                },
                None,
            )?;
            tx.connection.execute(
                "UPDATE private_key SET certificate_arn = ?",
                [other.as_str()],
            )?;
            tx.private_key(&other)
        }
    };
    let opened: Result<_, StoreError> = store.transact(now(), moved).await;
    assert!(matches!(opened, Err(StoreError::Damaged(_))));
}

#[tokio::test]
async fn files_are_the_owner_s_alone() {
    let parent = TempDir::new().unwrap();
    let dir = parent.path().join("data");
    let store = Store::open(&dir, now()).unwrap();
    insert_vpc(&store, 1).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    drop(Store::open(&dir, now()).unwrap());
    assert_eq!(mode(&dir), 0o750);
}

#[test]
fn a_fresh_database_has_the_schema_of_a_migrated_one() {
    let schema = |connection: &Connection| {
        let mut statement = connection
            .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let mut at_once = Connection::open_in_memory().unwrap();
    schema::migrations::runner().run(&mut at_once).unwrap();
    let mut step_by_step = Connection::open_in_memory().unwrap();
    for migration in schema::migrations::runner().get_migrations() {
        let target = refinery::Target::Version(migration.version());
        let runner = schema::migrations::runner().set_target(target);
        runner.run(&mut step_by_step).unwrap();
    }
    assert_eq!(schema(&at_once), schema(&step_by_step));
    // A second run finds nothing to do.
    schema::migrations::runner().run(&mut at_once).unwrap();
    assert_eq!(schema(&at_once), schema(&step_by_step));
}

#[test]
fn a_database_of_a_newer_program_is_not_touched() {
    let dir = TempDir::new().unwrap();
    drop(Store::open(dir.path(), now()).unwrap());
    let connection = Connection::open(dir.path().join(DATABASE)).unwrap();
    connection
        .execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             SELECT 9999, 'newer', applied_on, checksum FROM refinery_schema_history LIMIT 1",
            [],
        )
        .unwrap();
    assert!(matches!(
        Store::open(dir.path(), now()).err(),
        Some(StoreError::Migration(_))
    ));
}

#[tokio::test]
async fn what_is_too_old_is_dropped_when_the_store_opens() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    insert_vpc(&store, 1).await.unwrap();
    let record = |tx: &mut Tx<'_>| {
        tx.insert_event(&crate::model::Event {
            seq: 0,
            at: now(),
            caller: "anna".to_owned(),
            face: "cli".to_owned(),
            action: "CreateVpc".to_owned(),
            resources: vec![],
            parameters: serde_json::Value::Null,
            outcome: crate::model::Outcome::Allowed,
            read_only: false,
            changes: vec![],
            changes_left_out: 0,
            undo: crate::model::Undo::Nothing,
        })?;
        let replay = Replay {
            command_hash: vec![1],
            answer: "\"Done\"".to_owned(),
        };
        tx.insert_replay("anna", "token", &replay)
    };
    let recorded: Result<(), StoreError> = store.transact(now(), record).await;
    recorded.unwrap();
    let kept = |days: i64| {
        let later = now() + SignedDuration::from_hours(days * 24);
        let store = Store::open(dir.path(), later).unwrap();
        async move {
            let look = |tx: &mut Tx<'_>| {
                Ok::<_, StoreError>((
                    tx.events(&EventFilter::default(), 10)?.0.len(),
                    tx.replay("anna", "token")?.is_some(),
                    tx.snapshot().vpcs.len(),
                ))
            };
            store.transact(later, look).await.unwrap()
        }
    };
    assert_eq!(kept(6).await, (1, true, 1));
    assert_eq!(kept(8).await, (1, false, 1));
    assert_eq!(kept(91).await, (0, false, 1));
}

#[tokio::test]
async fn what_is_too_old_is_dropped_while_the_store_stays_open_for_long() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let remember = |tx: &mut Tx<'_>| {
        let replay = Replay {
            command_hash: vec![1],
            answer: "\"Done\"".to_owned(),
        };
        tx.insert_replay("anna", "token", &replay)
    };
    let remembered: Result<(), StoreError> = store.transact(now(), remember).await;
    remembered.unwrap();
    let mut known = Vec::new();
    for days in [6, 8, 9] {
        let later = now() + SignedDuration::from_hours(days * 24);
        let look = |tx: &mut Tx<'_>| Ok::<_, StoreError>(tx.replay("anna", "token")?.is_some());
        known.push(store.transact(later, look).await.unwrap());
    }
    // It goes after the first transaction of the eighth day.
    assert_eq!(known, [true, true, false]);
}

#[tokio::test]
async fn the_last_change_of_an_endpoint_is_known_however_many_others_follow() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let endpoint = EndpointId::from_random([1; 9]);
    let id = endpoint.clone();
    let change = move |tx: &mut Tx<'_>| {
        for _ in 0..2 {
            tx.change(modified::ENDPOINT, id.as_str())?;
        }
        for _ in 0..KEPT_CHANGES + 10 {
            tx.change("vpc", "vpc-00000001")?;
        }
        Ok::<_, StoreError>(())
    };
    store.transact(now(), change).await.unwrap();
    drop(store);
    let store = Store::open(dir.path(), now()).unwrap();
    let look = move |tx: &mut Tx<'_>| {
        let rows = "SELECT count(*) FROM change";
        let kept: i64 = tx.connection.query_row(rows, [], |row| row.get(0))?;
        Ok::<_, StoreError>((kept, tx.endpoint_changed_since(&endpoint, 0)?))
    };
    let (kept, last) = store.transact(now(), look).await.unwrap();
    assert_eq!(
        kept,
        KEPT_CHANGES + 2,
        "the newest, and the endpoint's last"
    );
    assert!(last.is_some());
}

/// A database as the program before security groups and route tables left it: two VPCs, one of
/// them with an internet gateway and an endpoint's target network.
fn database_before_networks() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    connection
        .pragma_update(None, "foreign_keys", true)
        .unwrap();
    let runner = schema::migrations::runner().set_target(refinery::Target::Version(2));
    runner.run(&mut connection).unwrap();
    let rows = "
        INSERT INTO certificate VALUES
            ('arn:aws:acm:local-1:000000000000:certificate/1', NULL, '', '', '', '[]', 0, 0, '',
             'server', 'issued', NULL, '', '', '', 0);
        INSERT INTO vpc VALUES ('vpc-00000001'), ('vpc-00000002');
        INSERT INTO vpc_cidr VALUES ('vpc-00000001', '10.1.0.0/16', 1),
            ('vpc-00000002', '10.2.0.0/16', 1);
        INSERT INTO subnet VALUES
            ('subnet-00000001', 'vpc-00000001', '10.1.1.0/24', 'local-1a');
        INSERT INTO internet_gateway VALUES ('igw-00000001', 'vpc-00000001'),
            ('igw-00000002', NULL);
        INSERT INTO endpoint VALUES
            ('cvpn-endpoint-00000001', '', '10.0.0.0/22',
             'arn:aws:acm:local-1:000000000000:certificate/1', 'udp', 443, 0, '[]', 'vpc-00000001',
             0, 0, 0, 1),
            ('cvpn-endpoint-00000002', '', '10.4.0.0/22',
             'arn:aws:acm:local-1:000000000000:certificate/1', 'udp', 1194, 0, '[]', NULL, 0, 0,
             0, 1);
        INSERT INTO association VALUES
            ('cvpn-assoc-00000001', 'cvpn-endpoint-00000001', 'subnet-00000001', 'vpc-00000001',
             'local-1a', 'associated', NULL, 1);
        INSERT INTO route VALUES
            ('cvpn-endpoint-00000001', '0.0.0.0/0', 'subnet-00000001', 'add-route', '', 'active',
             1);";
    connection.execute_batch(rows).unwrap();
    connection
}

#[test]
fn a_database_without_security_groups_is_brought_along_and_keeps_its_reach() {
    let mut connection = database_before_networks();
    schema::migrations::runner().run(&mut connection).unwrap();
    let snapshot = load(&connection).unwrap();
    let (one, two): (VpcId, VpcId) = (
        "vpc-00000001".parse().unwrap(),
        "vpc-00000002".parse().unwrap(),
    );

    let default = snapshot.default_security_group(&one).unwrap();
    let other = snapshot.default_security_group(&two).unwrap();
    assert_eq!(default.id.as_str().len(), "sg-".len() + 17);
    assert_ne!(default.id, other.id);
    for group in [default, other] {
        let [ingress, egress] = group.rules.as_slice() else {
            panic!("{group:?}");
        };
        assert_eq!(ingress.direction, Direction::Ingress);
        assert_eq!(ingress.peer, Peer::Group(group.id.clone()));
        assert_eq!(egress.direction, Direction::Egress);
        assert_eq!(egress.peer, Peer::Cidr("0.0.0.0/0".parse().unwrap()));
    }

    let mut groups = snapshot.endpoints.values().map(|e| &e.security_groups);
    assert_eq!(groups.next(), Some(&BTreeSet::from([default.id.clone()])));
    assert_eq!(groups.next(), Some(&BTreeSet::new()));

    let subnet = snapshot.subnets.values().next().unwrap();
    assert_eq!(subnet.egress, Egress::default());
    let gateway = RouteTarget::InternetGateway("igw-00000001".parse().unwrap());
    let through_gateway = VpcRoute {
        destination: "0.0.0.0/0".parse().unwrap(),
        target: gateway,
        is_propagated: true,
    };
    let table = snapshot.route_table_of(subnet).unwrap();
    assert!(table.is_main);
    assert_eq!(table.routes, [through_gateway]);
    let mut tables = snapshot.route_tables.values();
    let table = tables.find(|table| table.vpc_id == two).unwrap();
    assert!(table.is_main && table.routes.is_empty());
    assert!(!snapshot.routes[0].for_all);
}

fn security_group(byte: u8, vpc_id: &VpcId, peer: Peer) -> SecurityGroup {
    SecurityGroup {
        id: SecurityGroupId::from_random([byte; 9]),
        name: format!("group {byte}"),
        description: "A group".to_owned(),
        vpc_id: vpc_id.clone(),
        rules: vec![SecurityGroupRule {
            id: SecurityGroupRuleId::from_random([byte; 9]),
            direction: Direction::Ingress,
            protocol: Some(IpProtocol::Tcp),
            ports: Some(PortRange { from: 80, to: 90 }),
            peer,
            description: "Web".to_owned(),
        }],
        tags: Tags::new(),
    }
}

fn subnet(byte: u8) -> Subnet {
    Subnet {
        id: SubnetId::from_random([byte; 9]),
        vpc_id: vpc(byte).id,
        cidr: format!("10.{byte}.1.0/24").parse().unwrap(),
        availability_zone: "local-1a".to_owned(),
        egress: Egress {
            via: Via::SourceAddress("192.0.2.7".parse().unwrap()),
            nat: false,
        },
        tags: Tags::new(),
    }
}

fn resource(byte: u8, groups: &[&SecurityGroup]) -> Resource {
    Resource {
        id: NetworkInterfaceId::from_random([byte; 9]),
        subnet_id: subnet(1).id,
        vpc_id: vpc(1).id,
        address: "10.1.1.10".parse().unwrap(),
        security_groups: groups.iter().map(|group| group.id.clone()).collect(),
        description: "The wiki".to_owned(),
        tags: Tags::from([("Name".to_owned(), "wiki".to_owned())]),
    }
}

#[tokio::test]
async fn security_groups_and_resources_read_back_as_they_were_written() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let group = security_group(1, &vpc(1).id, Peer::Cidr("10.9.0.0/16".parse().unwrap()));
    let friend = security_group(2, &vpc(1).id, Peer::Group(group.id.clone()));
    let (wiki, moved) = (resource(1, &[&group]), resource(1, &[&friend]));
    let rows = (group.clone(), friend.clone(), wiki.clone());
    let write = move |tx: &mut Tx<'_>| {
        tx.insert_vpc(&vpc(1))?;
        tx.insert_subnet(&subnet(1))?;
        tx.insert_security_group(&rows.0)?;
        tx.insert_security_group(&rows.1)?;
        tx.insert_resource(&rows.2)
    };
    let written: Result<(), StoreError> = store.transact(now(), write).await;
    written.unwrap();
    let snapshot = store.snapshot();
    assert_eq!(*snapshot.security_groups[&group.id], group);
    assert_eq!(*snapshot.security_groups[&friend.id], friend);
    assert_eq!(snapshot.resources[&wiki.id], wiki);
    assert_eq!(snapshot.subnets[&subnet(1).id], subnet(1));

    let change = moved.clone();
    let update = move |tx: &mut Tx<'_>| tx.update_resource(&change);
    let updated: Result<(), StoreError> = store.transact(now(), update).await;
    updated.unwrap();
    assert_eq!(store.snapshot().resources[&moved.id], moved);
}

#[tokio::test]
async fn the_schema_keeps_groups_that_are_in_use_and_groups_inside_their_vpc() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let used = security_group(1, &vpc(1).id, Peer::Cidr("10.9.0.0/16".parse().unwrap()));
    let friend = security_group(2, &vpc(1).id, Peer::Group(used.id.clone()));
    let foreign = security_group(3, &vpc(2).id, Peer::Cidr("10.9.0.0/16".parse().unwrap()));
    let rows = [used.clone(), friend.clone(), foreign.clone()];
    let write = move |tx: &mut Tx<'_>| {
        tx.insert_vpc(&vpc(1))?;
        tx.insert_vpc(&vpc(2))?;
        tx.insert_subnet(&subnet(1))?;
        rows.iter()
            .try_for_each(|group| tx.insert_security_group(group))
    };
    let written: Result<(), StoreError> = store.transact(now(), write).await;
    written.unwrap();

    let refused = |work: Work| {
        let store = store.clone();
        async move {
            let outcome: Result<(), StoreError> = store.transact(now(), work).await;
            matches!(outcome, Err(StoreError::Sqlite(_)))
        }
    };
    let named = used.id.clone();
    assert!(refused(Box::new(move |tx| tx.delete_security_group(&named))).await);
    let wiki = resource(1, &[&foreign]);
    assert!(refused(Box::new(move |tx| tx.insert_resource(&wiki))).await);
    let twin = SecurityGroupRule {
        id: SecurityGroupRuleId::from_random([9; 9]),
        ..used.rules[0].clone()
    };
    let group = used.id.clone();
    assert!(
        refused(Box::new(
            move |tx| tx.insert_security_group_rule(&group, &twin)
        ))
        .await
    );
    let unused = move |tx: &mut Tx<'_>| {
        tx.delete_security_group(&friend.id)?;
        tx.delete_security_group(&used.id)
    };
    let deleted: Result<(), StoreError> = store.transact(now(), unused).await;
    deleted.unwrap();
    assert_eq!(store.snapshot().security_groups.len(), 1);
}

/// What a transaction does.
type Work = Box<dyn FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send>;

fn list(origin: RevocationListOrigin, by: &CertificateArn) -> RevocationList {
    RevocationList {
        issuer: "CN=ca".to_owned(),
        issued_by: Some(by.clone()),
        this_update: now(),
        next_update: Some(now()),
        number: Some("0a".to_owned()),
        entries: 1,
        fingerprint: "11".repeat(32),
        origin,
        imported_at: now(),
    }
}

#[tokio::test]
async fn certificates_are_revoked_by_their_authority_or_by_an_imported_list_of_it() {
    let dir = TempDir::new().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    let ca = CertificateArn::from_random("local-1", "000000000000", [1; 16]);
    let authority = Certificate {
        arn: ca.clone(),
        usage: CertificateUse::Authority,
        ..certificate()
    };
    let client = Certificate {
        issued_by: Some(ca.clone()),
        ..certificate()
    };
    let endpoint = Endpoint {
        id: EndpointId::from_random([3; 9]),
        description: String::new(),
        tags: Tags::new(),
        client_cidr: "10.0.0.0/22".parse().unwrap(),
        server_certificate: ca.clone(),
        authentication: Vec::new(),
        transport: Transport::Udp,
        port: 443,
        split_tunnel: false,
        dns_servers: Vec::new(),
        vpc_id: None,
        security_groups: BTreeSet::new(),
        connection_log: None,
        deleting: false,
        created_at: now(),
    };
    let revocation = |hours: i64| Revocation {
        at: now() - SignedDuration::from_hours(hours),
        reason: RevocationReason::Superseded,
    };
    let revoked = |store: &Store| store.snapshot().certificates[&certificate().arn].revoked;
    let imported = list(RevocationListOrigin::Imported, &ca);
    let generated = list(RevocationListOrigin::Generated, &ca);

    let (id, shown) = (endpoint.id.clone(), imported.clone());
    let insert = move |tx: &mut Tx<'_>| {
        tx.insert_certificate(&authority, None)?;
        tx.insert_certificate(&client, None)?;
        tx.insert_endpoint(&endpoint)?;
        // The number twice, and one that the store knows nothing of.
        let entries = ["01", "01", "ff"].map(|serial| (serial.to_owned(), revocation(1)));
        tx.put_revocation_list(&id, &shown, "imported", &entries)
    };
    store.transact(now(), insert).await.unwrap();
    let id = store.snapshot().endpoints.keys().next().unwrap().clone();
    assert_eq!(revoked(&store), Some(revocation(1)));
    assert_eq!(*store.snapshot().revocation_lists[&id], imported);

    // The earlier of two counts.
    let authority = ca.clone();
    let revoke = move |tx: &mut Tx<'_>| {
        assert!(tx.insert_revoked(&authority, "01", &revocation(2))?);
        assert!(!tx.insert_revoked(&authority, "01", &revocation(9))?);
        assert_eq!(tx.revoked_counts()?[&authority], 1);
        tx.revoked(&authority)
    };
    let all = store.transact(now(), revoke).await.unwrap();
    assert_eq!(all, [("01".to_owned(), revocation(2))]);
    assert_eq!(revoked(&store), Some(revocation(2)));

    // What the list said goes with it; what was revoked here stays.
    let (authority, endpoint, shown) = (ca.clone(), id.clone(), generated.clone());
    let replace = move |tx: &mut Tx<'_>| {
        tx.put_revocation_list(&endpoint, &shown, "generated", &[])?;
        tx.put_authority_list(&authority, &shown, "generated")?;
        let files = (
            tx.revocation_list_pem(&endpoint)?,
            tx.authority_list_pem(&authority)?,
        );
        Ok::<_, StoreError>(files)
    };
    let files = store.transact(now(), replace).await.unwrap();
    let file = Some("generated".to_owned());
    assert_eq!(files, (file.clone(), file));
    assert_eq!(revoked(&store), Some(revocation(2)));
    let again = Store::open(dir.path(), now()).unwrap();
    assert_eq!(again.snapshot(), store.snapshot());
    assert_eq!(*again.snapshot().authority_lists[&ca], generated);
    let delete = move |tx: &mut Tx<'_>| tx.delete_endpoint(&id);
    store.transact(now(), delete).await.unwrap();
    assert!(store.snapshot().revocation_lists.is_empty());
}
