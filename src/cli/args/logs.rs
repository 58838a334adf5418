//! `gatehouse logs`: the connection log, by the AWS CLI's names.

use clap::{Args as Group, Subcommand};

/// `gatehouse logs`.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Logs {
    /// Make a log group
    CreateLogGroup(LogGroup),
    /// Delete a log group with its streams and events; refused while an endpoint logs to it
    DeleteLogGroup(LogGroup),
    /// List log groups
    DescribeLogGroups {
        /// Only groups whose names begin so
        #[arg(long, value_name = "TEXT")]
        log_group_name_prefix: Option<String>,
    },
    /// Say for how many days the events of a group are kept
    PutRetentionPolicy {
        /// The group.
        #[command(flatten)]
        group: LogGroup,
        /// The days: 1, 3, 5, 7, 14, 30, 60, 90, … 3653
        #[arg(long, value_name = "DAYS")]
        retention_in_days: u32,
    },
    /// Keep the events of a group for good
    DeleteRetentionPolicy(LogGroup),
    /// Make a stream of a log group
    CreateLogStream(LogStream),
    /// Delete a stream with its events; refused while an endpoint logs to it
    DeleteLogStream(LogStream),
    /// List the streams of a log group
    DescribeLogStreams {
        /// The group.
        #[command(flatten)]
        group: LogGroup,
        /// Only streams whose names begin so
        #[arg(long, value_name = "TEXT")]
        log_stream_name_prefix: Option<String>,
    },
    /// Find the events of a log group that match a pattern, oldest first
    #[command(after_help = EXAMPLES)]
    FilterLogEvents(FilterLogEvents),
    /// Show the events of one stream, page by page
    GetLogEvents {
        /// The stream.
        #[command(flatten)]
        stream: LogStream,
        /// Only from this time on, in milliseconds since 1970-01-01 UTC
        #[arg(long, value_name = "MILLISECONDS")]
        start_time: Option<i64>,
        /// Only before this time, in milliseconds since 1970-01-01 UTC
        #[arg(long, value_name = "MILLISECONDS")]
        end_time: Option<i64>,
        /// At most this many events: 1 to 10000
        #[arg(long, value_name = "COUNT")]
        limit: Option<u32>,
        /// Begin with the oldest events instead of the newest
        #[arg(long)]
        start_from_head: bool,
        /// Go on where an answer said: its nextForwardToken or nextBackwardToken
        #[arg(long, value_name = "TOKEN")]
        next_token: Option<String>,
    },
}

/// Names a log group.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct LogGroup {
    /// The log group, for example client-vpn
    #[arg(long, value_name = "NAME")]
    pub log_group_name: String,
}

/// Names a stream of a log group.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct LogStream {
    /// The group.
    #[command(flatten)]
    pub group: LogGroup,
    /// The log stream
    #[arg(long, value_name = "NAME")]
    pub log_stream_name: String,
}

/// Options of `filter-log-events`.
#[derive(Clone, Debug, PartialEq, Group)]
pub struct FilterLogEvents {
    /// The group.
    #[command(flatten)]
    pub group: LogGroup,
    /// Only these streams
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub log_stream_names: Vec<String>,
    /// Words, or conditions on fields in braces
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub filter_pattern: Option<String>,
    /// Only from this time on, in milliseconds since 1970-01-01 UTC
    #[arg(long, value_name = "MILLISECONDS")]
    pub start_time: Option<i64>,
    /// Only before this time, in milliseconds since 1970-01-01 UTC
    #[arg(long, value_name = "MILLISECONDS")]
    pub end_time: Option<i64>,
    /// At most this many events in a page: 1 to 10000
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<u32>,
    /// At most this many events in all; without it, every one
    #[arg(long, value_name = "COUNT")]
    pub max_items: Option<usize>,
    /// Go on where an answer said
    #[arg(long, value_name = "TOKEN")]
    pub next_token: Option<String>,
    /// Print one page only
    #[arg(long)]
    pub no_paginate: bool,
    /// Go on with what is written from now on, a line for each event, until it is interrupted
    #[arg(long, conflicts_with_all = ["end_time", "max_items", "no_paginate"])]
    pub follow: bool,
}

/// What `gatehouse logs filter-log-events --help` ends with.
const EXAMPLES: &str = "\
Patterns:
  failed                                        events with this word
  '\"not signed by\"'                             events with this phrase
  '?certificate-expired ?certificate-revoked'   events with one of these words
  'failed -ana'                                 events with the first word, without the second
  '{ $.connection-attempt-status = \"failed\" && $.device-ip = 198.51.100.* }'
  '{ $.ingress-bytes > 1000000 || $.egress-bytes > 1000000 }'";
