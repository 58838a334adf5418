//! What holds for the whole installation.

use serde::{Deserialize, Serialize};

/// Settings of this installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The host name or IPv4 address that `remote` of an exported configuration names. Without
    /// one the export takes the address of the interface that has the default route.
    pub public_address: Option<String>,
    /// The region in ARNs.
    pub region: String,
    /// The account id in ARNs: 12 digits.
    pub account_id: String,
    /// Whether Getting Started was finished or skipped.
    pub getting_started_done: bool,
    /// Most endpoints.
    pub max_endpoints: u32,
    /// Most authorization rules of one endpoint.
    pub max_rules: u32,
    /// Most routes of one endpoint that were added by hand.
    pub max_routes: u32,
    /// Most live connections of one endpoint.
    pub max_connections: u32,
    /// Seconds after which a session's keys are renewed.
    pub rekey_secs: u32,
    /// The domain whose names lead to this machine, whatever labels stand before it: an endpoint is
    /// then `<its identifier>.<the domain>`, and clients put a random label before that.
    #[serde(default)]
    pub endpoint_domain: Option<String>,
    /// Most entries of a revocation list.
    #[serde(default = "max_revocations")]
    pub max_revocations: u32,
}

/// What each limit can be raised to: a /16 holds 65,533 clients, a list of 100,000 entries fits into
/// the files that are read and into a backup, and the others are what a pass over the configuration
/// is fast with.
pub mod most {
    /// For [`Settings::max_endpoints`](super::Settings::max_endpoints).
    pub const ENDPOINTS: u32 = 1_000;
    /// For [`Settings::max_rules`](super::Settings::max_rules).
    pub const RULES: u32 = 50_000;
    /// For [`Settings::max_routes`](super::Settings::max_routes).
    pub const ROUTES: u32 = 10_000;
    /// For [`Settings::max_connections`](super::Settings::max_connections).
    pub const CONNECTIONS: u32 = 65_000;
    /// For [`Settings::max_revocations`](super::Settings::max_revocations).
    pub const REVOCATIONS: u32 = 100_000;
}

/// AWS takes 20,000.
fn max_revocations() -> u32 {
    20_000
}

impl Default for Settings {
    /// The limits of AWS's guide of 2019; one hour between rekeys, as OpenVPN has it.
    fn default() -> Self {
        Self {
            public_address: None,
            region: "local-1".to_owned(),
            account_id: "000000000000".to_owned(),
            getting_started_done: false,
            max_endpoints: 5,
            max_rules: 50,
            max_routes: 10,
            max_connections: 2000,
            rekey_secs: 3600,
            endpoint_domain: None,
            max_revocations: max_revocations(),
        }
    }
}
