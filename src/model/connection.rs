//! Clients that are connected, were connected, or tried to be.

use std::net::{Ipv4Addr, SocketAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    id::{AssociationId, ConnectionId, EndpointId},
    log::FailureReason,
    revocation::CertificateId,
};

/// Bytes and packets inside the tunnel. Ingress comes from the client, egress goes to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Bytes from the client.
    pub ingress_bytes: u64,
    /// Bytes to the client.
    pub egress_bytes: u64,
    /// Packets from the client.
    pub ingress_packets: u64,
    /// Packets to the client.
    pub egress_packets: u64,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// The tunnel is up.
    Active,
    /// It was told to end.
    Terminating,
    /// It has ended.
    Terminated,
    /// It was to end, and the gateway did not answer.
    FailedToTerminate,
}

impl ConnectionState {
    /// AWS's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
            Self::FailedToTerminate => "failed-to-terminate",
        }
    }
}

/// One client's connection, live or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its identifier.
    pub id: ConnectionId,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The association the session is bound to.
    pub association_id: AssociationId,
    /// The common name of the client's certificate.
    pub common_name: String,
    /// The client's certificate and those above it that it showed, leaf first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateId>,
    /// The address it was given from the client range.
    pub client_ip: Ipv4Addr,
    /// Where its packets come from; it moves when the client floats.
    pub device: SocketAddr,
    /// The client's version as it tells it (`IV_VER`), for example `2.6.14`; may be empty.
    pub client_version: String,
    /// The client's platform as it tells it (`IV_PLAT`), for example `linux`; may be empty.
    pub platform: String,
    /// The data channel's cipher, for example `AES-256-GCM`.
    pub cipher: String,
    /// Where it stands.
    pub state: ConnectionState,
    /// When the tunnel came up.
    pub established_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended, as a plain sentence.
    pub end_reason: Option<String>,
    /// What the client lacks until it reconnects, as a plain sentence; none if it has all that it
    /// should.
    #[serde(default)]
    pub reconnect: Option<String>,
    /// What it carried.
    pub traffic: Traffic,
    /// When the traffic was counted.
    pub counted_at: Timestamp,
}

/// A client that was not let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The number of the attempt, which no connection has.
    #[serde(default)]
    pub id: Option<ConnectionId>,
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// When it was turned away.
    pub at: Timestamp,
    /// Where its packets came from.
    pub device: SocketAddr,
    /// The common name of its certificate, where it got that far.
    pub common_name: Option<String>,
    /// The client's version as it tells it, where it got that far; may be empty.
    #[serde(default)]
    pub client_version: String,
    /// The client's platform as it tells it, where it got that far; may be empty.
    #[serde(default)]
    pub platform: String,
    /// Why it was not let in, in the connection log's word.
    #[serde(default)]
    pub failure: FailureReason,
    /// Why it was not let in, as a plain sentence.
    pub reason: String,
}

/// A client that is kept out of an endpoint for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientBlock {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// The common name of the client's certificate.
    pub common_name: String,
    /// Until when.
    pub until: Timestamp,
}
