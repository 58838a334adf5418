//! What a change would do to who reaches what, before it is made.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::id::{ConnectionId, EndpointId};

/// What a command would do, had it been carried out now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// What it takes from whom although it grants, for example by a longer prefix: each a sentence.
    pub warnings: Vec<String>,
    /// The live sessions whose reach changes.
    pub sessions: Vec<ReachChange>,
    /// Live sessions whose reach changes too, beyond those: as many as are told of, those who lose
    /// something first.
    #[serde(default)]
    pub more_sessions: usize,
    /// Live sessions that were looked at.
    pub looked_at: usize,
}

/// How the reach of one live session changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachChange {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Its endpoint.
    pub endpoint_id: EndpointId,
    /// The common name of the client's certificate.
    pub common_name: String,
    /// Its address in the client range.
    pub client_ip: Ipv4Addr,
    /// Networks with traffic that it reaches only afterwards.
    pub gains: Vec<ReachedPart>,
    /// Networks with traffic that it reaches only before.
    pub loses: Vec<ReachedPart>,
    /// Networks that are gained or lost beyond those that are told of.
    #[serde(default)]
    pub more_parts: usize,
}

/// A part of what is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReachedPart {
    /// The destinations.
    pub network: Ipv4Net,
    /// The traffic, for example `all traffic` or `tcp 443`.
    pub traffic: String,
}
