//! What this machine does to the traffic of clients.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is well.
    Good,
    /// It may keep some traffic from passing.
    Warning,
    /// It keeps traffic from passing.
    Problem,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable name of the check, for example `forward-firewall`.
    pub check: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, as a sentence.
    pub sentence: String,
    /// What would mend it, as a sentence; none where nothing is to be mended.
    pub mend: Option<String>,
    /// The shell commands that mend it, for an administrator of the machine, one a line.
    pub commands: Option<String>,
}

/// Fields of [`Command::TestConnection`](super::command::Command::TestConnection).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestConnection {
    /// The endpoint.
    pub client_vpn_endpoint_id: String,
    /// The common name to connect as. A certificate of the store with its key is used, or else one
    /// is issued for the test alone by the endpoint's authority, if the store has its key.
    pub user: String,
    /// An IPv4 address to reach through the tunnel; without one only the tunnel is tested.
    pub destination: Option<String>,
    /// `icmp` (the default) or `tcp`.
    pub protocol: Option<String>,
    /// The TCP port, for `tcp`.
    pub port: Option<u16>,
}

/// What a test connection met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionTest {
    /// Whether every step passed.
    pub passed: bool,
    /// The steps that were taken, in order; the first that failed is the last.
    pub steps: Vec<TestStep>,
}

/// One step of a test connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStep {
    /// A stable name: `certificate`, `handshake`, `options`, `reachability`.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// What happened, as a sentence with the next thing to do where it failed.
    pub sentence: String,
    /// Facts, for example each pushed option.
    pub details: Vec<String>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}
