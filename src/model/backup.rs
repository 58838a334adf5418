//! The whole installation in one file: configuration, certificates, revocation lists and every
//! private key, locked with a passphrase.
//!
//! The passphrase comes from whoever makes or opens the file, in the window or at the command line,
//! and is kept nowhere: a lost one cannot be recovered. The event record, the events of logs and the
//! connections are not in the file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Code, Refusal, command::Secret};

/// The largest backup, in bytes: what fits into one frame of the control socket as base64.
pub const MAX_BACKUP: usize = 11 << 20;

/// The fewest bytes of a passphrase.
pub const MIN_PASSPHRASE: usize = 12;

/// Whether a backup may be locked with this passphrase.
///
/// # Errors
/// `MissingParameter` or `InvalidParameterValue` at the field `Passphrase`.
pub fn judge_passphrase(passphrase: &[u8]) -> Result<(), Refusal> {
    let length = passphrase.len();
    if length == 0 {
        return Err(Refusal::missing(
            "Passphrase",
            "four or five words that belong to no saying",
        ));
    }
    if length >= MIN_PASSPHRASE {
        return Ok(());
    }
    Err(Refusal::new(
        Code::InvalidParameterValue,
        format!(
            "A passphrase has at least {MIN_PASSPHRASE} bytes, as the file holds every private key; this one has {length}. Take four or five words"
        ),
    )
    .at("Passphrase"))
}

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
    /// How many live connections end by restoring it: of endpoints that it does not have, or has
    /// elsewhere.
    #[serde(default)]
    pub ending_connections: u32,
    /// How many certificates are revoked here that let in again once it is restored.
    #[serde(default)]
    pub readmitted_certificates: u32,
    /// What is wrong with client ranges of it on this machine, a sentence each: one that overlaps a
    /// network the machine is in cuts it off from there.
    #[serde(default)]
    pub overlaps: Vec<String>,
}
