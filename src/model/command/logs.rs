//! Fields of the commands about log groups, as CloudWatch Logs has them.

use serde::{Deserialize, Serialize};

/// Names a log group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroupName {
    /// 1 to 512 of letters, digits and `.-_/#`.
    pub log_group_name: String,
}

/// Names a stream of a log group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStreamName {
    /// The group.
    pub log_group_name: String,
    /// 1 to 512 characters without `:` and `*`.
    pub log_stream_name: String,
}

/// Fields of [`Command::DescribeLogGroups`](super::Command::DescribeLogGroups).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribeLogGroups {
    /// Only groups whose names begin so.
    pub log_group_name_prefix: Option<String>,
}

/// Fields of [`Command::DescribeLogStreams`](super::Command::DescribeLogStreams).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribeLogStreams {
    /// The group.
    pub log_group_name: String,
    /// Only streams whose names begin so.
    pub log_stream_name_prefix: Option<String>,
}

/// Fields of [`Command::PutRetentionPolicy`](super::Command::PutRetentionPolicy).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRetentionPolicy {
    /// The group.
    pub log_group_name: String,
    /// Days for which events are kept, one of the numbers CloudWatch Logs takes; absent keeps them
    /// for good.
    pub retention_in_days: Option<u32>,
}

/// Fields of [`Command::FilterLogEvents`](super::Command::FilterLogEvents). Times are milliseconds
/// since 1970-01-01 UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterLogEvents {
    /// The group.
    pub log_group_name: String,
    /// Only these streams; all if none is named.
    pub log_stream_names: Vec<String>,
    /// CloudWatch's filter pattern, for example `{ $.connection-attempt-status = "failed" }`.
    pub filter_pattern: Option<String>,
    /// Only events from this time on.
    pub start_time: Option<i64>,
    /// Only events before this time.
    pub end_time: Option<i64>,
    /// At most this many: 1 to 10,000; 10,000 if absent.
    pub limit: Option<u32>,
    /// Where the page before ended, as its answer said.
    pub next_token: Option<String>,
    /// Begins with the newest events. Beyond AWS.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub newest_first: bool,
}

/// Fields of [`Command::GetLogEvents`](super::Command::GetLogEvents). Times as in
/// [`FilterLogEvents`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetLogEvents {
    /// The group.
    pub log_group_name: String,
    /// The stream.
    pub log_stream_name: String,
    /// Only events from this time on.
    pub start_time: Option<i64>,
    /// Only events before this time.
    pub end_time: Option<i64>,
    /// At most this many: 1 to 10,000; 10,000 if absent.
    pub limit: Option<u32>,
    /// Begins with the oldest events instead of the newest.
    pub start_from_head: bool,
    /// Where to go on, as an answer said.
    pub next_token: Option<String>,
}
