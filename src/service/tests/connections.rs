use super::*;
use crate::{
    model::{
        Attempt, Code, Connection, ConnectionState, EndReason, FailureReason, Traffic,
        command::{
            DescribeOfEndpoint, Filter, ModifySettings, OfEndpoint, ReconnectConnections,
            TerminateConnections, Termination, Terminations, UnblockClient,
        },
    },
    store::StoreError,
    tunnel::Candidate,
};

fn closed(connection: Connection) -> Report {
    Report::Closed {
        connection,
        reason: EndReason::ClientLeft,
    }
}

pub(super) fn connection(endpoint: &EndpointId, association: &AssociationId, n: u8) -> Connection {
    Connection {
        id: ConnectionId::from_random([n; 9]),
        endpoint_id: endpoint.clone(),
        association_id: association.clone(),
        common_name: "client1".to_owned(),
        client_ip: Ipv4Addr::new(10, 0, 0, n),
        device: format!("198.51.100.{n}:4000").parse().unwrap(),
        client_version: "2.6.14".to_owned(),
        platform: "linux".to_owned(),
        cipher: "AES-256-GCM".to_owned(),
        state: ConnectionState::Active,
        established_at: clock::now(),
        ended_at: None,
        certificates: Vec::new(),
        end_reason: None,
        reconnect: None,
        traffic: Traffic::default(),
        counted_at: clock::now(),
    }
}

fn ended(connection: &Connection) -> Connection {
    Connection {
        state: ConnectionState::Terminated,
        ended_at: Some(clock::now()),
        certificates: Vec::new(),
        end_reason: Some("The client said goodbye".to_owned()),
        ..connection.clone()
    }
}

pub(super) async fn report(service: &Service, report: Report) {
    service.report(report).await;
    service.flush().await;
}

async fn listed(bench: &Bench, endpoint: &EndpointId) -> Vec<Connection> {
    let wanted = DescribeOfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
        ..DescribeOfEndpoint::default()
    };
    match bench
        .ok(Command::DescribeClientVpnConnections(wanted))
        .await
    {
        Answer::Connections(connections) => connections,
        other => panic!("{other:?}"),
    }
}

fn terminate(endpoint: &EndpointId, id: Option<&ConnectionId>, user: Option<&str>) -> Command {
    Command::TerminateClientVpnConnections(TerminateConnections {
        client_vpn_endpoint_id: endpoint.to_string(),
        connection_id: id.map(ToString::to_string),
        username: user.map(str::to_owned),
        ..TerminateConnections::default()
    })
}

#[tokio::test]
async fn a_connection_is_listed_while_it_lives_and_for_an_hour_after() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let live = connection(&endpoint, &association.id, 7);
    report(&bench.service, Report::Opened(live.clone())).await;
    assert_eq!(listed(&bench, &endpoint).await, std::slice::from_ref(&live));
    let over = ended(&live);
    report(&bench.service, closed(over.clone())).await;
    assert_eq!(listed(&bench, &endpoint).await, std::slice::from_ref(&over));

    let mut old = ended(&connection(&endpoint, &association.id, 8));
    old.ended_at = Some(clock::now() - jiff::SignedDuration::from_mins(61));
    report(&bench.service, closed(old)).await;
    assert_eq!(listed(&bench, &endpoint).await, std::slice::from_ref(&over));
    // The list is the same after a restart.
    let again = bench.restarted().await;
    assert_eq!(again.view().live.connections, [over]);
}

#[tokio::test]
async fn the_gateway_s_counters_are_the_ones_shown() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let mut live = connection(&endpoint, &association.id, 7);
    report(&bench.service, Report::Opened(live.clone())).await;
    let gateway = FakeGateway::new(Some(true));
    bench.service.attach(gateway.clone());
    live.traffic.ingress_bytes = 1234;
    let mut views = bench.service.views();
    gateway
        .live
        .send_modify(|shown| Arc::make_mut(shown).connections = vec![live.clone()]);
    views
        .wait_for(|view| view.live.connections == [live.clone()])
        .await
        .unwrap();
    // The gateway may show it a moment longer than it lives.
    let over = ended(&live);
    report(&bench.service, closed(over.clone())).await;
    assert_eq!(bench.service.view().live.connections, [over]);
}

#[tokio::test]
async fn a_connection_that_was_live_when_the_gateway_died_has_ended() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let live = connection(&endpoint, &association.id, 7);
    report(&bench.service, Report::Opened(live.clone())).await;
    let again = bench.restarted().await;
    let view = again.view();
    let [found] = view.live.connections.as_slice() else {
        panic!("{view:?}")
    };
    assert_eq!(found.state, ConnectionState::Terminated);
    assert_eq!(found.ended_at, Some(live.counted_at));
    assert_eq!(
        found.end_reason.as_deref(),
        Some("The gateway stopped without a word")
    );
}

#[tokio::test]
async fn a_terminated_connection_is_told_by_the_gateway() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let live = connection(&endpoint, &association.id, 7);
    report(&bench.service, Report::Opened(live.clone())).await;
    let gateway = FakeGateway::new(Some(true));
    bench.service.attach(gateway.clone());
    let answer = bench.ok(terminate(&endpoint, Some(&live.id), None)).await;
    assert_eq!(
        answer,
        Answer::Terminations(Terminations {
            client_vpn_endpoint_id: endpoint.clone(),
            username: None,
            connections: vec![Termination {
                id: live.id.clone(),
                previous: ConnectionState::Active,
                current: ConnectionState::Terminating,
            }],
        })
    );
    assert_eq!(
        *gateway.asked.lock().unwrap(),
        std::slice::from_ref(&live.id)
    );

    report(&bench.service, closed(ended(&live))).await;
    let refusal = bench
        .refused(terminate(&endpoint, Some(&live.id), None))
        .await;
    assert_eq!(refusal.code, Code::ConnectionNotFound);
}

#[tokio::test]
async fn those_who_lack_something_are_had_to_reconnect_or_those_who_are_named() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let [mut lacking, whole] = [7, 8].map(|n| connection(&endpoint, &association.id, n));
    lacking.reconnect = Some("Reconnect to get the route 10.2.0.0/16.".to_owned());
    for live in [&lacking, &whole] {
        report(&bench.service, Report::Opened(live.clone())).await;
    }
    let gateway = FakeGateway::new(Some(true));
    bench.service.attach(gateway.clone());
    let reconnect = |ids: &[&ConnectionId]| {
        Command::ReconnectClientVpnConnections(ReconnectConnections {
            client_vpn_endpoint_id: endpoint.to_string(),
            connection_ids: ids.iter().map(ToString::to_string).collect(),
        })
    };
    let Answer::Terminations(told) = bench.ok(reconnect(&[])).await else {
        panic!("another answer")
    };
    assert_eq!(told.connections.len(), 1);
    assert_eq!(told.connections[0].id, lacking.id);
    assert_eq!(told.connections[0].current, ConnectionState::Terminating);
    bench.ok(reconnect(&[&whole.id])).await;
    assert_eq!(
        *gateway.reconnected.lock().unwrap(),
        [lacking.id.clone(), whole.id.clone()]
    );
    assert!(gateway.asked.lock().unwrap().is_empty());

    let stranger = ConnectionId::from_random([9; 9]);
    let refusal = bench.refused(reconnect(&[&whole.id, &stranger])).await;
    assert_eq!(refusal.code, Code::ConnectionNotFound);
    report(&bench.service, closed(ended(&lacking))).await;
    let refusal = bench.refused(reconnect(&[])).await;
    assert!(refusal.message.contains("none has to reconnect"));
}

#[tokio::test]
async fn a_connection_that_ended_meanwhile_is_terminated() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let live = connection(&endpoint, &association.id, 7);
    report(&bench.service, Report::Opened(live.clone())).await;
    bench.service.attach(FakeGateway::new(Some(false)));
    let answer = bench.ok(terminate(&endpoint, Some(&live.id), None)).await;
    let Answer::Terminations(told) = answer else {
        panic!()
    };
    assert_eq!(told.connections[0].current, ConnectionState::Terminated);
}

#[tokio::test]
async fn a_gateway_that_is_detached_is_gone_from_the_view_and_let_go_of() {
    let bench = Bench::new().await;
    let gateway = FakeGateway::new(Some(true));
    bench.service.attach(gateway.clone());
    assert!(bench.service.view().live.gateway.mode.is_some());
    bench.service.detach();
    bench.service.flush().await;
    assert_eq!(bench.service.view().live.gateway.mode, None);
    assert_eq!(Arc::strong_count(&gateway), 1);
}

/// A gateway of which the test holds the end that shows something.
struct MortalGateway(watch::Receiver<Arc<TunnelLive>>);

impl Gateway for MortalGateway {
    fn terminate(&self, _: Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    fn reconnect(&self, _: Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    fn expel(&self, _: &dyn Fn(&Connection) -> Option<String>) -> Vec<ConnectionId> {
        Vec::new()
    }

    fn live(&self) -> watch::Receiver<Arc<TunnelLive>> {
        self.0.clone()
    }
}

#[tokio::test]
async fn connections_that_a_dying_gateway_leaves_open_have_ended_and_it_is_let_go_of() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let mut live = connection(&endpoint, &association.id, 7);
    report(&bench.service, Report::Opened(live.clone())).await;
    live.traffic.egress_bytes = 55;
    let (show, shown) = watch::channel(Arc::new(TunnelLive {
        status: GatewayStatus {
            mode: Some(NetworkMode::Userspace),
            ..GatewayStatus::default()
        },
        connections: vec![live.clone()],
    }));
    let gateway = Arc::new(MortalGateway(shown));
    let held = Arc::downgrade(&gateway);
    bench.service.attach(gateway);
    assert_eq!(listed(&bench, &endpoint).await, [live.clone()]);

    let mut views = bench.service.views();
    drop(show);
    let view = views
        .wait_for(|view| view.live.gateway.mode.is_none())
        .await
        .unwrap()
        .clone();
    let expected = Connection {
        state: ConnectionState::Terminated,
        ended_at: Some(live.counted_at),
        certificates: Vec::new(),
        end_reason: Some("The gateway stopped without a word".to_owned()),
        ..live
    };
    assert_eq!(view.live.connections, std::slice::from_ref(&expected));
    let again = bench.restarted().await;
    assert_eq!(
        again.view().live.connections,
        std::slice::from_ref(&expected)
    );
    // Its last word, if it comes after all, is the better one.
    let over = ended(&expected);
    report(&bench.service, closed(over.clone())).await;
    assert_eq!(listed(&bench, &endpoint).await, [over]);
    assert!(held.upgrade().is_none());
}

#[tokio::test]
async fn counters_of_live_connections_are_kept_every_so_often() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let mut live = connection(&endpoint, &association.id, 7);
    report(&bench.service, Report::Opened(live.clone())).await;
    live.traffic.ingress_packets = 3;
    live.traffic.egress_bytes = 4096;
    let (show, shown) = watch::channel(Arc::default());
    let inner = &bench.service.inner;
    let following = tokio::spawn(crate::service::admission::follow_gateway(
        inner.store.clone(),
        Arc::clone(&inner.board),
        shown,
        std::time::Duration::from_millis(5),
    ));
    show.send_modify(|shown: &mut Arc<TunnelLive>| {
        Arc::make_mut(shown).connections = vec![live.clone()];
    });
    let kept = async || {
        let id = live.id.clone();
        let look = move |tx: &mut crate::store::Tx<'_>| tx.connection(&id);
        let found: Result<_, StoreError> = inner.store.transact(clock::now(), look).await;
        found.unwrap().unwrap()
    };
    let arrives = async { while kept().await != live {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), arrives)
        .await
        .unwrap();
    drop(show);
    following.await.unwrap();
}

#[tokio::test]
async fn a_silent_gateway_fails_to_terminate_a_connection() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let live = connection(&endpoint, &association.id, 7);
    report(&bench.service, Report::Opened(live.clone())).await;
    bench.service.attach(FakeGateway::new(None));
    let answer = bench.ok(terminate(&endpoint, None, Some("client1"))).await;
    let Answer::Terminations(told) = answer else {
        panic!()
    };
    assert_eq!(
        told.connections[0].current,
        ConnectionState::FailedToTerminate
    );
    assert_eq!(told.username.as_deref(), Some("client1"));
}

#[tokio::test]
async fn what_to_terminate_must_be_named_once_and_exist() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    for n in 1..=6 {
        let live = connection(&endpoint, &association.id, n);
        report(&bench.service, Report::Opened(live)).await;
    }
    let id = ConnectionId::from_random([99; 9]);
    for (command, code) in [
        (terminate(&endpoint, None, None), Code::MissingParameter),
        (
            terminate(&endpoint, Some(&id), Some("client1")),
            Code::InvalidParameterCombination,
        ),
        (
            terminate(&endpoint, Some(&id), None),
            Code::ConnectionNotFound,
        ),
        (
            terminate(&endpoint, None, Some("nobody")),
            Code::UserNotFound,
        ),
        (
            terminate(&endpoint, None, Some("client1")),
            Code::TerminateLimitExceeded,
        ),
    ] {
        assert_eq!(bench.refused(command).await.code, code);
    }
}

/// Ends what is named by more than one identifier, or keeps clients out.
fn several(
    endpoint: &EndpointId,
    ids: &[&ConnectionId],
    user: Option<&str>,
    minutes: Option<u32>,
) -> Command {
    Command::TerminateClientVpnConnections(TerminateConnections {
        client_vpn_endpoint_id: endpoint.to_string(),
        username: user.map(str::to_owned),
        connection_ids: ids.iter().map(ToString::to_string).collect(),
        block_minutes: minutes,
        ..TerminateConnections::default()
    })
}

fn ids_of(answer: Answer) -> Vec<ConnectionId> {
    match answer {
        Answer::Terminations(told) => told.connections.into_iter().map(|it| it.id).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn several_connections_end_at_once_or_none_does() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let [one, two, three] = [1, 2, 3].map(|n| connection(&endpoint, &association.id, n));
    for live in [&one, &two, &three] {
        report(&bench.service, Report::Opened(live.clone())).await;
    }
    let gateway = FakeGateway::new(Some(true));
    bench.service.attach(gateway.clone());
    let stranger = ConnectionId::from_random([9; 9]);
    let refusal = bench
        .refused(several(&endpoint, &[&one.id, &stranger], None, None))
        .await;
    assert_eq!(refusal.code, Code::ConnectionNotFound);
    assert_eq!(refusal.field.as_deref(), Some("ConnectionIds"));
    assert!(gateway.asked.lock().unwrap().is_empty());
    let refusal = bench
        .refused(several(&endpoint, &[&one.id], Some("client1"), None))
        .await;
    assert_eq!(refusal.code, Code::InvalidParameterCombination);
    let ended = several(&endpoint, &[&one.id, &three.id, &one.id], None, None);
    let mut ended = ids_of(bench.ok(ended).await);
    ended.sort();
    assert_eq!(ended, [one.id, three.id]);
}

#[tokio::test]
async fn a_client_that_is_kept_out_loses_all_its_connections_until_it_is_let_in_again() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let all: Vec<_> = (1..=7)
        .map(|n| connection(&endpoint, &association.id, n))
        .collect();
    let mut other = connection(&endpoint, &association.id, 8);
    other.common_name = "client2".to_owned();
    for live in all.iter().chain([&other]) {
        report(&bench.service, Report::Opened(live.clone())).await;
    }
    bench.service.attach(FakeGateway::new(Some(true)));
    for minutes in [0, 10_081] {
        let command = several(&endpoint, &[&all[0].id], None, Some(minutes));
        let refusal = bench.refused(command).await;
        assert_eq!(refusal.field.as_deref(), Some("BlockMinutes"));
    }
    let command = several(&endpoint, &[&all[0].id], None, Some(60));
    assert_eq!(ids_of(bench.ok(command).await).len(), 7);
    let until = || bench.service.snapshot().blocks[0].until;
    let later = until();
    // A shorter block takes nothing from a longer one; by name there is no limit of five then.
    let command = several(&endpoint, &[], Some("client1"), Some(1));
    assert_eq!(ids_of(bench.ok(command).await).len(), 7);
    assert_eq!(until(), later);
    let of_endpoint = OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    };
    let describe = Command::DescribeClientBlocks(of_endpoint);
    let Answer::ClientBlocks(blocks) = bench.ok(describe.clone()).await else {
        panic!("another answer")
    };
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].common_name, "client1");
    assert_eq!(bench.restarted().await.snapshot().blocks, blocks);

    let unblock = |name: &str| {
        Command::UnblockClient(UnblockClient {
            client_vpn_endpoint_id: endpoint.to_string(),
            common_name: name.to_owned(),
        })
    };
    let refusal = bench.refused(unblock("client2")).await;
    assert_eq!(refusal.field.as_deref(), Some("CommonName"));
    assert_eq!(refusal.cure.as_deref(), Some("client1"));
    bench.ok(unblock("client1")).await;
    assert_eq!(bench.ok(describe).await, Answer::ClientBlocks(Vec::new()));
}

#[tokio::test]
async fn limits_are_raised_and_not_set_below_what_is_in_use() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    for n in 1..=3 {
        let live = connection(&endpoint, &association.id, n);
        report(&bench.service, Report::Opened(live)).await;
    }
    let set = |change: fn(&mut ModifySettings)| {
        let mut command = ModifySettings::default();
        change(&mut command);
        Command::ModifySettings(command)
    };
    for (command, field, cure) in [
        (set(|it| it.max_endpoints = Some(0)), "MaxEndpoints", "1"),
        (
            set(|it| it.max_endpoints = Some(1_001)),
            "MaxEndpoints",
            "1000",
        ),
        (
            set(|it| it.max_rules = Some(50_001)),
            "MaxAuthorizationRules",
            "50000",
        ),
        (set(|it| it.max_routes = Some(10_001)), "MaxRoutes", "10000"),
        (
            set(|it| it.max_connections = Some(65_001)),
            "MaxConnections",
            "65000",
        ),
        (
            set(|it| it.max_revocations = Some(100_001)),
            "MaxRevocations",
            "100000",
        ),
        (
            set(|it| it.max_connections = Some(2)),
            "MaxConnections",
            "3",
        ),
    ] {
        let refusal = bench.refused(command).await;
        assert_eq!(refusal.code, Code::InvalidParameterValue);
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal}");
        assert_eq!(refusal.cure.as_deref(), Some(cure), "{refusal}");
    }
    bench
        .ok(set(|it| {
            it.max_connections = Some(3);
            it.max_endpoints = Some(1);
            it.max_rules = Some(50_000);
        }))
        .await;
    let settings = bench.restarted().await.snapshot().settings.clone();
    assert_eq!((settings.max_connections, settings.max_endpoints), (3, 1));
    assert_eq!((settings.max_rules, settings.max_routes), (50_000, 10));
}

#[tokio::test]
async fn connections_are_described_by_user_and_identifier() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let one = connection(&endpoint, &association.id, 1);
    let mut two = connection(&endpoint, &association.id, 2);
    two.common_name = "client2".to_owned();
    report(&bench.service, Report::Opened(one.clone())).await;
    report(&bench.service, Report::Opened(two.clone())).await;
    let mut wanted = DescribeOfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
        ids: vec![],
        filters: vec![Filter {
            name: "username".to_owned(),
            values: vec!["client2".to_owned()],
        }],
    };
    let answer = bench
        .ok(Command::DescribeClientVpnConnections(wanted.clone()))
        .await;
    assert_eq!(answer, Answer::Connections(vec![two]));
    wanted.ids = vec!["cvpn-connection-00000000".to_owned()];
    let refusal = bench
        .refused(Command::DescribeClientVpnConnections(wanted))
        .await;
    assert_eq!(refusal.code, Code::ConnectionNotFound);
}

#[tokio::test]
async fn clients_that_were_not_let_in_are_listed_newest_first() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    for n in 1..=2_u8 {
        let attempt = Attempt {
            id: None,
            endpoint_id: endpoint.clone(),
            at: clock::now(),
            device: format!("198.51.100.{n}:4000").parse().unwrap(),
            common_name: None,
            client_version: String::new(),
            platform: String::new(),
            failure: FailureReason::ClientLeft,
            reason: format!("reason {n}"),
        };
        report(&bench.service, Report::Refused(attempt)).await;
    }
    let wanted = OfEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
    };
    let Answer::Attempts(attempts) = bench.ok(Command::DescribeConnectionAttempts(wanted)).await
    else {
        panic!()
    };
    let reasons: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.reason.as_str())
        .collect();
    assert_eq!(reasons, ["reason 2", "reason 1"]);
    assert_eq!(bench.service.view().live.attempts, attempts);
    assert_eq!(bench.restarted().await.view().live.attempts, attempts);
}

#[tokio::test]
async fn a_good_certificate_is_let_in_where_there_is_a_target_network_and_room() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let mut candidate = Candidate {
        endpoint_id: endpoint.clone(),
        device: "198.51.100.1:4000".parse().unwrap(),
        common_name: "client1".to_owned(),
        fingerprint: "00".repeat(32),
        serial: "01".to_owned(),
        certificates: Vec::new(),
        rekey: false,
    };
    assert_eq!(bench.service.admit(&candidate).await, Ok(()));

    for n in 0..2000_u16 {
        let mut live = connection(&endpoint, &association.id, 0);
        let [high, low] = n.to_be_bytes();
        live.id = ConnectionId::from_random([high, low, 0, 0, 0, 0, 0, 0, 0]);
        bench.service.report(Report::Opened(live)).await;
    }
    bench.service.flush().await;
    let reason = bench.service.admit(&candidate).await.unwrap_err().sentence;
    assert!(reason.contains("2000"), "{reason}");
    candidate.rekey = true;
    assert_eq!(bench.service.admit(&candidate).await, Ok(()));

    candidate.endpoint_id = EndpointId::from_random([9; 9]);
    assert!(bench.service.admit(&candidate).await.is_err());
}

#[tokio::test]
async fn a_client_is_kept_out_until_its_block_is_over_or_taken_back() {
    let bench = Bench::new().await;
    let (endpoint, _, association) = bench.associated().await;
    let live = connection(&endpoint, &association.id, 1);
    let mut candidate = Candidate {
        endpoint_id: endpoint.clone(),
        device: "198.51.100.1:4000".parse().unwrap(),
        common_name: live.common_name.clone(),
        fingerprint: "00".repeat(32),
        serial: "01".to_owned(),
        certificates: Vec::new(),
        rekey: false,
    };
    report(&bench.service, Report::Opened(live.clone())).await;
    bench.service.attach(FakeGateway::new(Some(true)));
    let command = several(&endpoint, &[&live.id], None, Some(10));
    bench.ok(command).await;
    for rekey in [false, true] {
        candidate.rekey = rekey;
        let reason = bench.service.admit(&candidate).await.unwrap_err().sentence;
        assert!(
            reason.contains("keeps") && reason.contains("until"),
            "{reason}"
        );
    }
    let other = Candidate {
        common_name: "somebody else".to_owned(),
        ..candidate.clone()
    };
    assert_eq!(bench.service.admit(&other).await, Ok(()));
    bench
        .ok(Command::UnblockClient(UnblockClient {
            client_vpn_endpoint_id: endpoint.to_string(),
            common_name: live.common_name,
        }))
        .await;
    assert_eq!(bench.service.admit(&candidate).await, Ok(()));
}
