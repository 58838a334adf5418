//! What the gateway says of itself.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{endpoint::Transport, id::EndpointId};

/// How packets get into the target network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// Through a TUN device, with this machine's forwarding and NAT.
    Tun,
    /// Through a TCP/IP stack of our own and ordinary sockets; needs no rights.
    Userspace,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerStatus {
    /// The endpoint it serves.
    pub endpoint_id: EndpointId,
    /// What it carries.
    pub transport: Transport,
    /// Its port.
    pub port: u16,
    /// Why it does not listen, if it does not.
    pub trouble: Option<String>,
}

/// The running gateway, as of its last look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayStatus {
    /// How packets get into the target network; none before the gateway has started.
    pub mode: Option<NetworkMode>,
    /// Why that mode, as a sentence.
    pub mode_reason: String,
    /// Data workers.
    pub workers: usize,
    /// The listeners, by endpoint.
    pub listeners: Vec<ListenerStatus>,
    /// The snapshot that what runs matches.
    pub applied_seq: u64,
    /// What the administrator should know, each a sentence with its mend.
    pub warnings: Vec<String>,
    /// Packets not carried, counted by reason: a stable name such as `no-route`, with `network-`
    /// before it where the way into the target network dropped them. A reason that has not occurred
    /// is absent.
    pub drops: BTreeMap<String, u64>,
    /// Attempts that ended before they cost a record, counted by reason.
    pub unproven: BTreeMap<String, u64>,
    /// The same by where they came from, first the loudest.
    #[serde(default)]
    pub unproven_prefixes: Vec<UnprovenPrefix>,
}

/// Attempts from one part of the internet that ended before they cost a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnprovenPrefix {
    /// A /24, or a /56 of IPv6; none for all that are not told apart.
    pub prefix: Option<IpNet>,
    /// How many there were since the gateway has started.
    pub count: u64,
    /// By reason.
    pub reasons: BTreeMap<String, u64>,
    /// When the last one came.
    pub last_at: Timestamp,
}

impl UnprovenPrefix {
    /// The same with the sum of its reasons as its count.
    #[must_use]
    pub fn summed(mut self) -> Self {
        self.count = self.reasons.values().sum();
        self
    }
}
