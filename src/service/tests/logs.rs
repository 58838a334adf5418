//! Log groups and streams, what endpoints log there, and how it is found again.

use super::*;
use crate::model::{
    Attempt, Code, Connection, ConnectionLog, ConnectionRecord, ConnectionState, EndReason,
    FailureReason, LogEventPage, Traffic,
    command::{
        DescribeLogGroups, DescribeLogStreams, FilterLogEvents, GetLogEvents, LogGroupName,
        LogStreamName, ModifyClientVpnEndpoint, OfEndpoint, PutRetentionPolicy,
    },
};

fn create_group(name: &str) -> Command {
    Command::CreateLogGroup(LogGroupName {
        log_group_name: name.to_owned(),
    })
}

fn delete_group(name: &str) -> Command {
    Command::DeleteLogGroup(LogGroupName {
        log_group_name: name.to_owned(),
    })
}

fn stream(group: &str, name: &str) -> LogStreamName {
    LogStreamName {
        log_group_name: group.to_owned(),
        log_stream_name: name.to_owned(),
    }
}

fn log(endpoint: &EndpointId, enabled: bool, group: &str, stream: Option<&str>) -> Command {
    Command::ModifyClientVpnEndpoint(ModifyClientVpnEndpoint {
        client_vpn_endpoint_id: endpoint.to_string(),
        connection_log_enabled: Some(enabled),
        cloudwatch_log_group: (!group.is_empty()).then(|| group.to_owned()),
        cloudwatch_log_stream: stream.map(str::to_owned),
        ..ModifyClientVpnEndpoint::default()
    })
}

async fn refused_at(bench: &Bench, command: Command) -> (Code, String) {
    let refusal = bench.refused(command).await;
    (refusal.code, refusal.field.unwrap_or_default())
}

fn page(answer: Answer) -> LogEventPage {
    match answer {
        Answer::LogEvents(page) => page,
        other => panic!("{other:?}"),
    }
}

async fn filter(bench: &Bench, change: impl FnOnce(&mut FilterLogEvents)) -> LogEventPage {
    let mut wanted = FilterLogEvents {
        log_group_name: "vpn".to_owned(),
        ..FilterLogEvents::default()
    };
    change(&mut wanted);
    page(bench.ok(Command::FilterLogEvents(wanted)).await)
}

async fn get(bench: &Bench, change: impl FnOnce(&mut GetLogEvents)) -> LogEventPage {
    let mut wanted = GetLogEvents {
        log_group_name: "vpn".to_owned(),
        log_stream_name: "office".to_owned(),
        ..GetLogEvents::default()
    };
    change(&mut wanted);
    page(bench.ok(Command::GetLogEvents(wanted)).await)
}

fn ports(page: &LogEventPage) -> Vec<String> {
    let records = page.events.iter();
    records
        .map(|event| serde_json::from_str::<ConnectionRecord>(&event.message).unwrap())
        .map(|record| record.port)
        .collect()
}

fn attempt(endpoint: &EndpointId, port: u16) -> Report {
    Report::Refused(Attempt {
        id: Some(ConnectionId::from_random([7; 9])),
        endpoint_id: endpoint.clone(),
        at: clock::now(),
        device: format!("198.51.100.7:{port}").parse().unwrap(),
        common_name: Some("ana".to_owned()),
        client_version: String::new(),
        platform: String::new(),
        failure: FailureReason::CertificateUntrusted,
        reason: "The client's certificate is not signed by the endpoint's CA.".to_owned(),
    })
}

fn connection(endpoint: &EndpointId, association: &AssociationId) -> Connection {
    Connection {
        id: ConnectionId::from_random([1; 9]),
        endpoint_id: endpoint.clone(),
        association_id: association.clone(),
        common_name: "ana".to_owned(),
        certificates: Vec::new(),
        client_ip: Ipv4Addr::new(10, 0, 0, 2),
        device: "198.51.100.7:4000".parse().unwrap(),
        client_version: "2.6.14".to_owned(),
        platform: "linux".to_owned(),
        cipher: "AES-256-GCM".to_owned(),
        state: ConnectionState::Active,
        established_at: clock::now(),
        ended_at: None,
        end_reason: None,
        reconnect: None,
        traffic: Traffic::default(),
        counted_at: clock::now(),
    }
}

/// An endpoint that logs to the stream `office` of the group `vpn`.
async fn logged(bench: &Bench) -> (EndpointId, AssociationId) {
    let (endpoint, _, association) = bench.associated().await;
    bench.ok(create_group("vpn")).await;
    bench
        .ok(Command::CreateLogStream(stream("vpn", "office")))
        .await;
    bench.ok(log(&endpoint, true, "vpn", Some("office"))).await;
    (endpoint, association.id)
}

async fn report(bench: &Bench, report: Report) {
    bench.service.report(report).await;
    bench.service.flush().await;
}

#[tokio::test]
async fn groups_and_streams_are_made_kept_and_deleted() {
    let bench = Bench::new().await;
    bench.ok(create_group("vpn/office")).await;
    bench.ok(create_group("other")).await;
    let named = Command::DescribeLogGroups(DescribeLogGroups {
        log_group_name_prefix: Some("vpn".to_owned()),
    });
    let Answer::LogGroups(groups) = bench.ok(named).await else {
        panic!()
    };
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].name, "vpn/office");
    assert_eq!(groups[0].retention_days, None);

    bench
        .ok(Command::PutRetentionPolicy(PutRetentionPolicy {
            log_group_name: "other".to_owned(),
            retention_in_days: Some(30),
        }))
        .await;
    for name in ["b", "a"] {
        bench
            .ok(Command::CreateLogStream(stream("other", name)))
            .await;
    }
    bench
        .ok(Command::DeleteLogStream(stream("other", "b")))
        .await;
    let wanted = || {
        Command::DescribeLogStreams(DescribeLogStreams {
            log_group_name: "other".to_owned(),
            log_stream_name_prefix: None,
        })
    };
    let Answer::LogStreams(streams) = bench.ok(wanted()).await else {
        panic!()
    };
    let names: Vec<_> = streams.iter().map(|stream| stream.name.as_str()).collect();
    assert_eq!(names, ["a"]);
    // A name is free again once its stream is gone.
    bench
        .ok(Command::CreateLogStream(stream("other", "b")))
        .await;

    let kept = bench.restarted().await.snapshot();
    assert_eq!(kept.log_groups["other"].retention_days, Some(30));
    bench.ok(delete_group("other")).await;
    assert!(!bench.service.snapshot().log_groups.contains_key("other"));
    bench.ok(create_group("other")).await;
    let Answer::LogStreams(streams) = bench.ok(wanted()).await else {
        panic!()
    };
    assert_eq!(streams, [], "a group of the same name begins anew");
}

#[tokio::test]
async fn wrong_names_times_and_numbers_are_refused_at_their_fields() {
    let bench = Bench::new().await;
    bench.ok(create_group("vpn")).await;
    let invalid = Code::InvalidParameterException;
    let field = |code: Code, field: &str| (code, field.to_owned());
    for name in ["", "a b", "группа", &"x".repeat(513)] {
        let at = refused_at(&bench, create_group(name)).await;
        assert_eq!(at, field(invalid, "logGroupName"), "{name}");
    }
    let at = refused_at(&bench, create_group("vpn")).await;
    assert_eq!(at, field(Code::ResourceAlreadyExists, "logGroupName"));
    for name in ["", "a:b", "a*", "a\nb", " a", &"x".repeat(513)] {
        let command = Command::CreateLogStream(stream("vpn", name));
        let at = refused_at(&bench, command).await;
        assert_eq!(at, field(invalid, "logStreamName"), "{name}");
    }
    bench
        .ok(Command::CreateLogStream(stream("vpn", "日本語")))
        .await;
    let twice = Command::CreateLogStream(stream("vpn", "日本語"));
    let at = refused_at(&bench, twice).await;
    assert_eq!(at, field(Code::ResourceAlreadyExists, "logStreamName"));
    let none = Command::CreateLogStream(stream("none", "x"));
    let at = refused_at(&bench, none).await;
    assert_eq!(at, field(Code::ResourceNotFound, "logGroupName"));
    let at = refused_at(&bench, delete_group("none")).await;
    assert_eq!(at, field(Code::ResourceNotFound, "logGroupName"));
    let none = Command::DeleteLogStream(stream("vpn", "x"));
    let at = refused_at(&bench, none).await;
    assert_eq!(at, field(Code::ResourceNotFound, "logStreamName"));

    let refusal = bench
        .refused(Command::PutRetentionPolicy(PutRetentionPolicy {
            log_group_name: "vpn".to_owned(),
            retention_in_days: Some(31),
        }))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("retentionInDays"));
    assert_eq!(refusal.cure.as_deref(), Some("60"));

    let wrong = |change: fn(&mut FilterLogEvents)| {
        let mut wanted = FilterLogEvents {
            log_group_name: "vpn".to_owned(),
            ..FilterLogEvents::default()
        };
        change(&mut wanted);
        Command::FilterLogEvents(wanted)
    };
    for (command, at) in [
        (
            wrong(|it| it.filter_pattern = Some("{ $.a = ".to_owned())),
            "filterPattern",
        ),
        (wrong(|it| it.limit = Some(0)), "limit"),
        (wrong(|it| it.limit = Some(10_001)), "limit"),
        (wrong(|it| it.start_time = Some(-1)), "startTime"),
        (wrong(|it| it.end_time = Some(i64::MAX)), "endTime"),
        (
            wrong(|it| it.next_token = Some("x/1/2".to_owned())),
            "nextToken",
        ),
        (
            wrong(|it| it.next_token = Some("b/1/2".to_owned())),
            "nextToken",
        ),
    ] {
        assert_eq!(refused_at(&bench, command).await, field(invalid, at));
    }
    let none = wrong(|it| it.log_stream_names = vec!["none".to_owned()]);
    let at = refused_at(&bench, none).await;
    assert_eq!(at, field(Code::ResourceNotFound, "logStreamName"));
}

#[tokio::test]
async fn logging_is_switched_on_and_off_and_what_is_written_stays() {
    let bench = Bench::new().await;
    let (endpoint, ..) = bench.associated().await;
    let options = |name: &str| format!("ConnectionLogOptions.{name}");
    let at = refused_at(&bench, log(&endpoint, true, "", None)).await;
    assert_eq!(at, (Code::MissingParameter, options("CloudwatchLogGroup")));
    let at = refused_at(&bench, log(&endpoint, true, "vpn", None)).await;
    assert_eq!(
        at,
        (Code::InvalidParameterValue, options("CloudwatchLogGroup"))
    );
    bench.ok(create_group("vpn")).await;
    let at = refused_at(&bench, log(&endpoint, true, "vpn", Some("none"))).await;
    assert_eq!(
        at,
        (Code::InvalidParameterValue, options("CloudwatchLogStream"))
    );

    // A stream that is not named is made, as AWS names it.
    bench.ok(log(&endpoint, true, "vpn", None)).await;
    let logs = || {
        bench.service.snapshot().endpoints[&endpoint]
            .connection_log
            .clone()
    };
    let ConnectionLog {
        group,
        stream: made,
    } = logs().unwrap();
    assert_eq!(group, "vpn");
    let rest = made.strip_prefix(&format!("{endpoint}-local-1-")).unwrap();
    let (day, chance) = rest.rsplit_once('-').unwrap();
    assert_eq!(day.len(), "2026/11/26".len());
    assert_eq!(chance.len(), 12);
    // The same again changes nothing.
    let before = bench.service.snapshot().seq;
    bench.ok(log(&endpoint, true, "vpn", None)).await;
    bench.ok(log(&endpoint, true, "", None)).await;
    assert_eq!(bench.service.snapshot().seq, before);

    report(&bench, attempt(&endpoint, 1)).await;
    let in_use = Code::ResourceInUse;
    let at = refused_at(&bench, delete_group("vpn")).await;
    assert_eq!(at, (in_use, "logGroupName".to_owned()));
    let command = Command::DeleteLogStream(stream("vpn", &made));
    let at = refused_at(&bench, command).await;
    assert_eq!(at, (in_use, "logStreamName".to_owned()));

    bench.ok(log(&endpoint, false, "", None)).await;
    assert_eq!(logs(), None);
    report(&bench, attempt(&endpoint, 2)).await;
    assert_eq!(ports(&filter(&bench, |_| {}).await), ["1"]);
    bench.ok(delete_group("vpn")).await;
}

#[tokio::test]
async fn an_endpoint_logs_from_its_creation_on() {
    let bench = Bench::new().await;
    bench.ok(create_group("vpn")).await;
    let mut command = create_endpoint(&bench.certificates().await);
    command.connection_log_enabled = Some(true);
    command.cloudwatch_log_group = Some("vpn".to_owned());
    let endpoint = bench.endpoint_with(&command).await;
    let snapshot = bench.service.snapshot();
    let log = snapshot.endpoints[&endpoint]
        .connection_log
        .clone()
        .unwrap();
    assert!(log.stream.starts_with(endpoint.as_str()));
    report(&bench, attempt(&endpoint, 1)).await;
    let found = filter(&bench, |_| {}).await;
    assert_eq!(found.events[0].stream, log.stream);
}

#[tokio::test]
async fn a_connection_is_logged_when_it_begins_and_when_it_ends() {
    let bench = Bench::new().await;
    let (endpoint, association) = logged(&bench).await;
    let mut live = connection(&endpoint, &association);
    report(&bench, Report::Opened(live.clone())).await;
    report(
        &bench,
        Report::RekeyFailed {
            connection: live.clone(),
            reason: "the handshake was not finished within 60 seconds".to_owned(),
        },
    )
    .await;
    live.traffic.ingress_bytes = 4096;
    live.ended_at = Some(clock::now());
    live.end_reason = Some("The client left.".to_owned());
    report(
        &bench,
        Report::Closed {
            connection: live,
            reason: EndReason::ClientLeft,
        },
    )
    .await;
    let page = filter(&bench, |_| {}).await;
    let records: Vec<ConnectionRecord> = page
        .events
        .iter()
        .map(|event| serde_json::from_str(&event.message).unwrap())
        .collect();
    let kinds: Vec<_> = records
        .iter()
        .map(|it| it.connection_log_type.as_str())
        .collect();
    assert_eq!(
        kinds,
        ["connection-attempt", "connection-reset", "connection-reset"]
    );
    assert_eq!(records[0].connection_attempt_status, "successful");
    assert_eq!(records[1].connection_end_time, "NA");
    assert_eq!(records[2].connection_end_reason, "client-left");
    assert_eq!(records[2].ingress_bytes, "4096");

    let big = filter(&bench, |it| {
        it.filter_pattern = Some("{ $.ingress-bytes > 4000 }".to_owned());
    })
    .await;
    assert_eq!(big.events, page.events[2..]);
    let group = bench
        .ok(Command::DescribeLogGroups(DescribeLogGroups::default()))
        .await;
    let Answer::LogGroups(groups) = group else {
        panic!()
    };
    let bytes: usize = page.events.iter().map(|it| it.message.len() + 26).sum();
    assert_eq!(groups[0].stored_bytes, bytes as u64);
}

#[tokio::test]
async fn a_connection_that_went_with_the_gateway_has_its_end_in_the_log() {
    let bench = Bench::new().await;
    let (endpoint, association) = logged(&bench).await;
    report(&bench, Report::Opened(connection(&endpoint, &association))).await;
    let again = bench.restarted().await;
    let wanted = Command::FilterLogEvents(FilterLogEvents {
        log_group_name: "vpn".to_owned(),
        filter_pattern: Some("{ $.connection-end-reason = gateway-stopped }".to_owned()),
        ..FilterLogEvents::default()
    });
    let answer = again.call(&bench.caller, wanted.into()).await.unwrap();
    assert_eq!(page(answer).events.len(), 1);
}

#[tokio::test]
async fn a_search_goes_page_by_page_both_ways_and_then_follows() {
    let bench = Bench::new().await;
    let (endpoint, _) = logged(&bench).await;
    for port in 1..=7 {
        report(&bench, attempt(&endpoint, port)).await;
    }
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let page = filter(&bench, |it| {
            it.limit = Some(3);
            it.next_token = token.take();
        })
        .await;
        seen.extend(ports(&page));
        token = page.next_forward_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5", "6", "7"]);

    let newest = filter(&bench, |it| {
        it.limit = Some(3);
        it.newest_first = true;
    })
    .await;
    assert_eq!(ports(&newest), ["7", "6", "5"]);
    let older = filter(&bench, |it| {
        it.newest_first = true;
        it.next_token.clone_from(&newest.next_backward_token);
    })
    .await;
    assert_eq!(ports(&older), ["4", "3", "2", "1"]);
    assert_eq!(older.next_backward_token, None);

    let follow = |token: Option<String>| filter(&bench, |it| it.next_token = token);
    let none = follow(newest.resume_token).await;
    assert_eq!(ports(&none), [""; 0]);
    report(&bench, attempt(&endpoint, 8)).await;
    let new = follow(none.resume_token).await;
    assert_eq!(ports(&new), ["8"]);
    report(&bench, attempt(&endpoint, 9)).await;
    assert_eq!(ports(&follow(new.resume_token).await), ["9"]);
}

#[tokio::test]
async fn a_stream_is_read_from_either_end_and_its_tokens_hold_still_there() {
    let bench = Bench::new().await;
    let (endpoint, _) = logged(&bench).await;
    let empty = get(&bench, |_| {}).await;
    for port in 1..=5 {
        report(&bench, attempt(&endpoint, port)).await;
    }
    let later = get(&bench, |it| it.next_token = empty.next_forward_token).await;
    assert_eq!(ports(&later), ["1", "2", "3", "4", "5"]);

    let newest = get(&bench, |it| it.limit = Some(2)).await;
    assert_eq!(ports(&newest), ["4", "5"]);
    let end = get(&bench, |it| {
        it.next_token.clone_from(&newest.next_forward_token);
    })
    .await;
    assert_eq!(end.events, []);
    assert_eq!(end.next_forward_token, newest.next_forward_token);
    let back = get(&bench, |it| {
        it.next_token.clone_from(&end.next_backward_token);
    })
    .await;
    assert_eq!(ports(&back), ["1", "2", "3", "4", "5"]);
    let older = get(&bench, |it| {
        it.limit = Some(2);
        it.next_token.clone_from(&newest.next_backward_token);
    })
    .await;
    assert_eq!(ports(&older), ["2", "3"]);
    let start = get(&bench, |it| {
        it.next_token.clone_from(&back.next_backward_token);
    })
    .await;
    assert_eq!(start.events, []);
    assert_eq!(start.next_backward_token, back.next_backward_token);

    let oldest = get(&bench, |it| {
        it.start_from_head = true;
        it.limit = Some(2);
    })
    .await;
    assert_eq!(ports(&oldest), ["1", "2"]);
    let from = older.events[1].at.as_millisecond();
    let since = get(&bench, |it| it.start_time = Some(from)).await;
    assert!(ports(&since).ends_with(&["3".to_owned(), "4".to_owned(), "5".to_owned()]));
    let before = get(&bench, |it| it.end_time = Some(from)).await;
    assert!(!ports(&before).contains(&"3".to_owned()));
}

#[tokio::test]
async fn only_the_streams_that_are_named_are_searched() {
    let bench = Bench::new().await;
    let (endpoint, _) = logged(&bench).await;
    report(&bench, attempt(&endpoint, 1)).await;
    for name in ["lab", "annex"] {
        bench
            .ok(Command::CreateLogStream(stream("vpn", name)))
            .await;
        bench.ok(log(&endpoint, true, "vpn", Some(name))).await;
        report(&bench, attempt(&endpoint, 2)).await;
    }
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let found = filter(&bench, |it| it.log_stream_names = names(&["lab", "office"])).await;
    let streams: Vec<_> = found.events.iter().map(|it| it.stream.as_str()).collect();
    assert_eq!(streams, ["office", "lab"]);
    let two = |it: &mut FilterLogEvents| {
        it.log_stream_names = names(&["annex", "office"]);
        it.limit = Some(1);
        it.newest_first = true;
    };
    let newest = filter(&bench, two).await;
    assert_eq!(newest.events[0].stream, "annex");
    let next = filter(&bench, |it| {
        two(it);
        it.next_token = newest.next_backward_token.clone();
    })
    .await;
    assert_eq!(next.events[0].stream, "office");
    assert_eq!(next.next_backward_token, None, "that is all");
    let found = filter(&bench, |it| {
        it.log_stream_names = names(&["annex", "annex"]);
    })
    .await;
    assert_eq!(found.events.len(), 1);
    let many = FilterLogEvents {
        log_group_name: "vpn".to_owned(),
        log_stream_names: (0..101).map(|n| format!("stream-{n}")).collect(),
        ..FilterLogEvents::default()
    };
    let refused = refused_at(&bench, Command::FilterLogEvents(many)).await;
    assert_eq!(
        refused,
        (Code::InvalidParameterException, "logStreamNames".to_owned())
    );
    bench
        .ok(Command::DeleteLogStream(stream("vpn", "lab")))
        .await;
    assert_eq!(filter(&bench, |_| {}).await.events.len(), 2);
}

#[tokio::test]
async fn events_go_when_their_days_are_over_and_what_is_too_many_goes_first() {
    let bench = Bench::new().await;
    let (endpoint, _) = logged(&bench).await;
    for port in 1..=6 {
        report(&bench, attempt(&endpoint, port)).await;
    }
    let store = &bench.service.inner.store;
    let prune = |at, kept, most| store.transact(at, move |tx| tx.prune_log_events(kept, most));
    let now = clock::now();
    assert_eq!(prune(now, 1_000, 100).await.unwrap(), 0);
    // One too many, and in slices no more than may be.
    assert_eq!(prune(now, 3, 2).await.unwrap(), 2);
    assert_eq!(prune(now, 3, 2).await.unwrap(), 1);
    assert_eq!(ports(&filter(&bench, |_| {}).await), ["4", "5", "6"]);

    bench
        .ok(Command::PutRetentionPolicy(PutRetentionPolicy {
            log_group_name: "vpn".to_owned(),
            retention_in_days: Some(1),
        }))
        .await;
    let tomorrow = now + jiff::SignedDuration::from_hours(25);
    assert_eq!(prune(now, 1_000, 100).await.unwrap(), 0);
    assert_eq!(prune(tomorrow, 1_000, 100).await.unwrap(), 3);
    assert_eq!(filter(&bench, |_| {}).await.events, []);
    let Answer::LogGroups(groups) = bench
        .ok(Command::DescribeLogGroups(DescribeLogGroups::default()))
        .await
    else {
        panic!()
    };
    assert_eq!(groups[0].stored_bytes, 0);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_leaves_its_log_behind() {
    let bench = Bench::new().await;
    bench.ok(create_group("vpn")).await;
    let mut command = create_endpoint(&bench.certificates().await);
    command.connection_log_enabled = Some(true);
    command.cloudwatch_log_group = Some("vpn".to_owned());
    let endpoint = bench.endpoint_with(&command).await;
    report(&bench, attempt(&endpoint, 1)).await;
    bench
        .ok(Command::DeleteClientVpnEndpoint(OfEndpoint {
            client_vpn_endpoint_id: endpoint.to_string(),
        }))
        .await;
    bench.settle().await;
    assert!(bench.service.snapshot().endpoints.is_empty());
    assert_eq!(ports(&filter(&bench, |_| {}).await), ["1"]);
    // Nobody writes to it any more.
    report(&bench, attempt(&endpoint, 2)).await;
    assert_eq!(ports(&filter(&bench, |_| {}).await), ["1"]);
    bench.ok(delete_group("vpn")).await;
}
