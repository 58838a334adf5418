//! What the gateway asks of, and tells to, the layer above it.
//!
//! The trait is declared here and implemented by the service, so that the gateway knows neither
//! the store nor the rules for changing anything.

use std::{collections::BTreeMap, future::Future, net::SocketAddr, pin::Pin, sync::Arc};

use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::model::{
    AssociationId, Attempt, CertificateId, Connection, ConnectionId, EndReason, EndpointId,
    FailureReason, GatewayStatus, Refusal, Snapshot,
};

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What an endpoint needs to speak TLS. Fetched by id when a listener opens or its certificate
/// changes; never part of a snapshot.
pub struct Credentials {
    /// The server's certificate and the chain above it, leaf first, in DER.
    pub server_chain: Vec<Vec<u8>>,
    /// The server's private key: PKCS#8 in DER.
    pub server_key: Zeroizing<Vec<u8>>,
    /// The CAs that client certificates must chain to, in DER; at least one.
    pub client_roots: Vec<Vec<u8>>,
}

/// A client whose certificate has proven good and that asks to come in, or to stay at a rekey.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The endpoint it knocks at.
    pub endpoint_id: EndpointId,
    /// Where its packets come from.
    pub device: SocketAddr,
    /// The common name of its certificate.
    pub common_name: String,
    /// SHA-256 of its certificate's DER, in hexadecimal digits.
    pub fingerprint: String,
    /// The serial number of its certificate, in hexadecimal digits.
    pub serial: String,
    /// What revocation lists name its certificate by, and those above it that it showed, leaf first.
    pub certificates: Vec<CertificateId>,
    /// Whether this is a live session renewing its keys.
    pub rekey: bool,
}

/// Why a client may not come in, or not stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The connection log's word for it.
    pub failure: FailureReason,
    /// The sentence that the client and the record are told.
    pub sentence: String,
}

impl Denial {
    /// A denial with a word of its own.
    pub fn new(failure: FailureReason, sentence: impl Into<String>) -> Self {
        Self {
            failure,
            sentence: sentence.into(),
        }
    }
}

impl From<String> for Denial {
    fn from(sentence: String) -> Self {
        Self::new(FailureReason::ConnectFailed, sentence)
    }
}

/// What has happened in the gateway.
#[derive(Clone, Debug)]
pub enum Report {
    /// What runs matches snapshot `seq`: what was creating, authorizing or associating in it now
    /// runs, and what was going in it is gone.
    Reconciled {
        /// The snapshot.
        seq: u64,
        /// Every association that should run, and what stands in its way if it does not.
        associations: BTreeMap<AssociationId, Option<String>>,
    },
    /// A client has come in.
    Opened(Connection),
    /// A connection has ended; the traffic in it is final.
    Closed {
        /// The connection.
        connection: Connection,
        /// Why, in the connection log's word.
        reason: EndReason,
    },
    /// A connection's keys were not renewed, and it goes on with those that it has.
    RekeyFailed {
        /// The connection.
        connection: Connection,
        /// Why, as a sentence.
        reason: String,
    },
    /// A client was not let in.
    Refused(Attempt),
}

/// The gateway's view of the layer above.
pub trait Gatekeeper: Send + Sync + 'static {
    /// The configuration, always the newest.
    fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>>;

    /// What the endpoint needs to speak TLS.
    fn credentials<'a>(
        &'a self,
        endpoint: &'a EndpointId,
    ) -> BoxFuture<'a, Result<Credentials, Refusal>>;

    /// Whether the client may come in.
    fn admit<'a>(&'a self, candidate: &'a Candidate) -> BoxFuture<'a, Result<(), Denial>>;

    /// Takes note of what has happened. Returns once the note is taken in order; a report that
    /// cannot be kept is counted and logged, never waited for forever.
    fn report(&self, report: Report) -> BoxFuture<'_, ()>;
}

/// What the running gateway shows of itself, replaced as a whole a few times a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TunnelLive {
    /// The gateway.
    pub status: GatewayStatus,
    /// The live connections with their traffic so far, in any order.
    pub connections: Vec<Connection>,
}

/// What the layer above asks of the running gateway.
pub trait Gateway: Send + Sync + 'static {
    /// Tells connections to end. Answers for each whether it was live; the [`Report::Closed`] of
    /// those follows on its own.
    fn terminate(&self, ids: Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>>;

    /// Tells the clients of connections to come back at once. Answers for each whether it was live;
    /// the [`Report::Closed`] of those follows on its own.
    fn reconnect(&self, ids: Vec<ConnectionId>) -> BoxFuture<'_, Vec<(ConnectionId, bool)>>;

    /// Ends every session, also one that was let in a moment ago, whose client may no longer stay:
    /// for which `verdict` has a reason, as a sentence. Their clients and the record are told it.
    /// Answers which; the [`Report::Closed`] of those follows on its own.
    fn expel(&self, verdict: &dyn Fn(&Connection) -> Option<String>) -> Vec<ConnectionId>;

    /// What runs, always the newest.
    fn live(&self) -> watch::Receiver<Arc<TunnelLive>>;
}
