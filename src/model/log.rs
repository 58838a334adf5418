//! Log groups, their streams and events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::EndpointId;

/// Where an endpoint's connections are logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionLog {
    /// The log group.
    pub group: String,
    /// Its stream.
    pub stream: String,
}

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Its name, unique.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Days for which events are kept; for good if none.
    pub retention_days: Option<u32>,
    /// Bytes of the events that are kept, as far as they were counted.
    #[serde(default)]
    pub stored_bytes: u64,
}

/// A stream of a log group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStream {
    /// The group.
    pub group: String,
    /// Its name, unique in the group.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The time of its oldest event.
    pub first_event_at: Option<Timestamp>,
    /// The time of its newest event.
    pub last_event_at: Option<Timestamp>,
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEvent {
    /// Its place among all events, from 1 on.
    pub seq: u64,
    /// The stream.
    pub stream: String,
    /// When it happened.
    pub at: Timestamp,
    /// When it was written.
    pub ingested_at: Timestamp,
    /// What it says: for a connection a JSON object with AWS's field names.
    pub message: String,
}

/// Some events of a log group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEventPage {
    /// The events, oldest first.
    pub events: Vec<LogEvent>,
    /// Where the next page begins. Of one stream it is always there, and comes back as it was at
    /// the end.
    pub next_forward_token: Option<String>,
    /// Where the page before begins, of one stream.
    pub next_backward_token: Option<String>,
}

/// The name of a stream that the service makes for an endpoint: AWS's
/// `<endpoint-id>-<region>-<yyyy>/<mm>/<dd>-<12 characters>`.
#[must_use]
pub fn stream_name(endpoint: &EndpointId, region: &str, at: Timestamp, chance: &str) -> String {
    format!("{endpoint}-{region}-{}-{chance}", at.strftime("%Y/%m/%d"))
}
