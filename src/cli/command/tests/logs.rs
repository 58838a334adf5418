//! `gatehouse logs`, and the logging options of endpoints.

use super::*;
use crate::{
    cli::command::Search,
    model::command::{
        DescribeLogStreams, FilterLogEvents, GetLogEvents, LogGroupName, LogStreamName,
        PutRetentionPolicy,
    },
};

#[test]
fn groups_and_streams_go_by_the_names_of_aws() {
    let group = LogGroupName {
        log_group_name: "vpn".to_owned(),
    };
    let stream = LogStreamName {
        log_group_name: "vpn".to_owned(),
        log_stream_name: "office".to_owned(),
    };
    let named = "--log-group-name vpn";
    let both = "--log-group-name vpn --log-stream-name office";
    let pairs = [
        (
            format!("logs create-log-group {named}"),
            Command::CreateLogGroup(group.clone()),
        ),
        (
            format!("logs delete-log-group {named}"),
            Command::DeleteLogGroup(group),
        ),
        (
            format!("logs create-log-stream {both}"),
            Command::CreateLogStream(stream.clone()),
        ),
        (
            format!("logs delete-log-stream {both}"),
            Command::DeleteLogStream(stream),
        ),
        (
            format!("logs describe-log-streams {named} --log-stream-name-prefix o"),
            Command::DescribeLogStreams(DescribeLogStreams {
                log_group_name: "vpn".to_owned(),
                log_stream_name_prefix: Some("o".to_owned()),
            }),
        ),
        (
            format!("logs put-retention-policy {named} --retention-in-days 30"),
            Command::PutRetentionPolicy(PutRetentionPolicy {
                log_group_name: "vpn".to_owned(),
                retention_in_days: Some(30),
            }),
        ),
        (
            format!("logs delete-retention-policy {named}"),
            Command::PutRetentionPolicy(PutRetentionPolicy {
                log_group_name: "vpn".to_owned(),
                retention_in_days: None,
            }),
        ),
        (
            format!("logs get-log-events {both} --limit 5 --start-from-head --start-time 1"),
            Command::GetLogEvents(GetLogEvents {
                log_group_name: "vpn".to_owned(),
                log_stream_name: "office".to_owned(),
                start_time: Some(1),
                limit: Some(5),
                start_from_head: true,
                ..GetLogEvents::default()
            }),
        ),
    ];
    for (line, command) in pairs {
        assert_eq!(words(&line), command, "{line}");
    }
}

#[test]
fn a_search_goes_over_all_pages_unless_one_is_asked_for() {
    let line = |more: &[&str]| {
        let pattern = "{ $.connection-attempt-status = \"failed\" }";
        let begin = ["logs", "filter-log-events", "--log-group-name", "vpn"];
        let pattern = ["--filter-pattern", pattern, "--log-stream-names", "a", "b"];
        [&begin[..], &pattern, more]
            .concat()
            .iter()
            .map(|it| (*it).to_owned())
            .collect::<Vec<_>>()
    };
    let action = |more: &[&str]| {
        let words = [vec!["gatehouse".to_owned()], line(more)].concat();
        understand(Args::try_parse_from(words).unwrap().face).unwrap()
    };
    let of = FilterLogEvents {
        log_group_name: "vpn".to_owned(),
        log_stream_names: vec!["a".to_owned(), "b".to_owned()],
        filter_pattern: Some("{ $.connection-attempt-status = \"failed\" }".to_owned()),
        ..FilterLogEvents::default()
    };
    let Action::Search(search) = action(&["--max-items", "7"]) else {
        panic!()
    };
    let expected = Search {
        of: of.clone(),
        most: Some(7),
        follow: false,
    };
    assert_eq!(*search, expected);
    let Action::Search(search) = action(&["--follow"]) else {
        panic!()
    };
    assert!(search.follow);
    let Action::Call(call) = action(&["--no-paginate"]) else {
        panic!()
    };
    assert_eq!(call.request.command, Command::FilterLogEvents(of));
}

#[test]
fn where_an_endpoint_logs_is_said_in_one_option() {
    let more = [
        WAYS,
        &["Enabled=true,CloudwatchLogGroup=vpn,CloudwatchLogStream=office"],
    ];
    let it = create(&more.concat());
    assert_eq!(it.connection_log_enabled, Some(true));
    assert_eq!(it.cloudwatch_log_group.as_deref(), Some("vpn"));
    assert_eq!(it.cloudwatch_log_stream.as_deref(), Some("office"));
}
