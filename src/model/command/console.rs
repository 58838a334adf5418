//! Fields of the commands about endpoints as a whole, tags, clients, events and backups.

use serde::{Deserialize, Serialize};

use super::Secret;
use crate::model::{Tags, event::Event};

/// Fields of [`Command::ModifyClientVpnEndpoint`](super::Command::ModifyClientVpnEndpoint); an
/// absent one stays as it is. Client range, authentication and transport never change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifyClientVpnEndpoint {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The certificate it shows from the next handshake on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_certificate_arn: Option<String>,
    /// Whether connections are logged; switching it off keeps what was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_log_enabled: Option<bool>,
    /// The log group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudwatch_log_group: Option<String>,
    /// The stream of that group; one is made if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudwatch_log_stream: Option<String>,
    /// All DNS servers from now on: at most two; none leaves clients their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_servers: Option<Vec<String>>,
    /// What the administrator says of it: at most 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpn_port: Option<u16>,
    /// Whether only the route table's destinations enter the tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_tunnel: Option<bool>,
    /// The VPC of the security groups; needed with them, and only an endpoint without target
    /// networks can get another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// All security groups from now on: at most 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_ids: Option<Vec<String>>,
    /// The number of the configuration that the caller had in view: refused as `IncorrectState`
    /// where somebody has changed the endpoint since. Beyond AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_seq: Option<u64>,
}

/// Fields of [`Command::CreateTags`](super::Command::CreateTags).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateTags {
    /// Identifiers of the things: endpoints, VPCs and whatever else has tags.
    pub resources: Vec<String>,
    /// The tags: at most 50 on one thing.
    pub tags: Tags,
}

/// Fields of [`Command::DeleteTags`](super::Command::DeleteTags).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteTags {
    /// Identifiers of the things.
    pub resources: Vec<String>,
    /// The keys, each with the value that it must have to be taken off, where that matters; none
    /// takes off all.
    pub tags: Vec<(String, Option<String>)>,
}

/// A tag and what it hangs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagDescription {
    /// The identifier of the thing.
    pub resource_id: String,
    /// AWS's word for its kind, for example `client-vpn-endpoint`.
    pub resource_type: String,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// Fields of [`Command::UnblockClient`](super::Command::UnblockClient).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnblockClient {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The common name of the client's certificate.
    pub common_name: String,
}

/// Fields of
/// [`Command::GetServiceLinkedRoleDeletionStatus`](super::Command::GetServiceLinkedRoleDeletionStatus).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDeletionTask {
    /// The deletion, as its answer named it.
    pub deletion_task_id: String,
}

/// What an event must have to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupAttribute {
    /// CloudTrail's word for what: `EventId`, `EventName`, `ReadOnly`, `Username` or
    /// `ResourceName`.
    pub key: String,
    /// The value.
    pub value: String,
}

/// Answer of [`Command::LookupEvents`](super::Command::LookupEvents).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// The events, newest first.
    pub events: Vec<Event>,
    /// Where the next page begins, if there is one.
    pub next_token: Option<String>,
}

/// Fields of [`Command::UndoEvent`](super::Command::UndoEvent).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoEvent {
    /// Its place in the record.
    pub event_seq: u64,
}

/// Fields of [`Command::CreateBackup`](super::Command::CreateBackup).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateBackup {
    /// What the file is locked with: at least 12 bytes. It holds every private key.
    pub passphrase: Secret,
}

/// Fields of [`Command::RestoreBackup`](super::Command::RestoreBackup).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreBackup {
    /// The file.
    pub backup: Secret,
    /// What it was locked with.
    pub passphrase: Secret,
}
