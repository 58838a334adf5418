//! Who did what, when, with what result.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::refusal::Code;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was carried out.
    Allowed,
    /// It changed nothing.
    Refused {
        /// AWS's code.
        code: Code,
        /// What the caller was told.
        message: String,
    },
}

/// What a command changed of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// What kind of thing, in AWS's word where it has one, for example `client-vpn-endpoint`.
    pub resource_type: String,
    /// Which one: its identifier, or what tells it apart, for example
    /// `cvpn-endpoint-0a…/10.1.0.0/16/all-users` of an authorization rule.
    pub resource: String,
    /// Which field of it, for example `split_tunnel`, `tags/Name` or `members/alice`.
    pub field: String,
    /// What it was; none where the thing was not there.
    pub before: Option<serde_json::Value>,
    /// What it is; none where the thing is no longer there.
    pub after: Option<serde_json::Value>,
}

/// Whether what an event did can be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undo {
    /// It changed nothing.
    #[default]
    Nothing,
    /// It can.
    Possible,
    /// It cannot, for the reason given as a sentence.
    Impossible(String),
    /// It was, by the event with this number.
    Done(u64),
}

/// One line of the event record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the record, from 1 on.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who: the local user's name, or else `uid N`.
    pub caller: String,
    /// Through which face: `cli`, `window`, `gateway`.
    pub face: String,
    /// What: AWS's name of the operation, for example `CreateClientVpnEndpoint`.
    pub action: String,
    /// The identifiers it concerned.
    pub resources: Vec<String>,
    /// What was asked, as JSON without secrets.
    pub parameters: serde_json::Value,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it only looked.
    #[serde(default)]
    pub read_only: bool,
    /// What it changed, without secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// How many bytes of what it changed were too many to keep.
    #[serde(default)]
    pub changes_left_out: u64,
    /// Whether it can be taken back.
    #[serde(default)]
    pub undo: Undo,
}
