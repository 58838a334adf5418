//! The whole installation in one file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::Secret;

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The file, locked with the passphrase.
    pub content: Secret,
    /// A good file name, for example `gatehouse-2026-11-26.backup`.
    pub file_name: String,
}

/// What a backup holds, or brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When the backup was made.
    pub made_at: Timestamp,
    /// The number of the configuration it held.
    pub seq: u64,
    /// How many endpoints it held.
    pub endpoints: u32,
    /// How many certificates it held.
    pub certificates: u32,
}
