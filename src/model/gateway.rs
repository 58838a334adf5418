//! What the gateway says of itself.

use std::collections::BTreeMap;

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
}
