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
}
