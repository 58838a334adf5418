//! `gatehouse logs` as it is meant.

use super::{Action, Call};
use crate::{
    api::shape,
    cli::args::{self, Logs},
    model::{
        Command,
        command::{
            DescribeLogGroups, DescribeLogStreams, FilterLogEvents, GetLogEvents, LogGroupName,
            LogStreamName, PutRetentionPolicy,
        },
    },
};

/// A search that goes on over pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Where it begins.
    pub of: FilterLogEvents,
    /// The most events in all.
    pub most: Option<usize>,
    /// Whether it goes on with what is written later.
    pub follow: bool,
}

/// Understands `gatehouse logs …`.
pub(super) fn action(logs: Logs) -> Action {
    let command = match logs {
        Logs::FilterLogEvents(it) if !it.no_paginate => {
            return Action::Search(Box::new(Search {
                most: it.max_items,
                follow: it.follow,
                of: filter(it),
            }));
        }
        logs => command(logs),
    };
    Action::Call(Box::new(Call {
        request: command.into(),
        shape: shape::answer_to,
    }))
}

fn command(logs: Logs) -> Command {
    match logs {
        Logs::CreateLogGroup(it) => Command::CreateLogGroup(group(it)),
        Logs::DeleteLogGroup(it) => Command::DeleteLogGroup(group(it)),
        Logs::DescribeLogGroups {
            log_group_name_prefix,
        } => Command::DescribeLogGroups(DescribeLogGroups {
            log_group_name_prefix,
        }),
        Logs::PutRetentionPolicy {
            group,
            retention_in_days,
        } => retention(group, Some(retention_in_days)),
        Logs::DeleteRetentionPolicy(group) => retention(group, None),
        Logs::CreateLogStream(it) => Command::CreateLogStream(stream(it)),
        Logs::DeleteLogStream(it) => Command::DeleteLogStream(stream(it)),
        Logs::DescribeLogStreams {
            group,
            log_stream_name_prefix,
        } => Command::DescribeLogStreams(DescribeLogStreams {
            log_group_name: group.log_group_name,
            log_stream_name_prefix,
        }),
        Logs::FilterLogEvents(it) => Command::FilterLogEvents(filter(it)),
        Logs::GetLogEvents {
            stream,
            start_time,
            end_time,
            limit,
            start_from_head,
            next_token,
        } => Command::GetLogEvents(GetLogEvents {
            log_group_name: stream.group.log_group_name,
            log_stream_name: stream.log_stream_name,
            start_time,
            end_time,
            limit,
            start_from_head,
            next_token,
        }),
    }
}

fn group(it: args::LogGroup) -> LogGroupName {
    LogGroupName {
        log_group_name: it.log_group_name,
    }
}

fn stream(it: args::LogStream) -> LogStreamName {
    LogStreamName {
        log_group_name: it.group.log_group_name,
        log_stream_name: it.log_stream_name,
    }
}

fn retention(group: args::LogGroup, retention_in_days: Option<u32>) -> Command {
    Command::PutRetentionPolicy(PutRetentionPolicy {
        log_group_name: group.log_group_name,
        retention_in_days,
    })
}

fn filter(it: args::FilterLogEvents) -> FilterLogEvents {
    FilterLogEvents {
        log_group_name: it.group.log_group_name,
        log_stream_names: it.log_stream_names,
        filter_pattern: it.filter_pattern,
        start_time: it.start_time,
        end_time: it.end_time,
        limit: it.limit,
        next_token: it.next_token,
        newest_first: false,
    }
}
