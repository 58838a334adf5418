//! How a session behaves: limits and times, with the values of the wire reference as defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::keys::{Cipher, Derivation};
use super::tls::{ClientTls, ServerTls};

/// Which end of a session this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Opens the session.
    Client,
    /// Answers.
    Server,
}

impl Role {
    /// The opposite end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams may be lost: control packets are repeated.
    Udp,
    /// Nothing is lost: nothing is repeated.
    Tcp,
}

/// Times and limits that both roles share.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A negotiation not finished in this time has failed. Stock: `hand-window` 60 s.
    pub hand_window: Duration,
    /// How long the old key stays good after a rekey began. Stock: `tran-window` 3600 s.
    pub tran_window: Duration,
    /// The first repetition of a control packet; it doubles up to `max_retransmit`.
    pub retransmit: Duration,
    /// The longest pause between repetitions.
    pub max_retransmit: Duration,
    /// The largest control packet, in bytes of UDP payload. 1202 keeps it at 1250 bytes with IPv6 and
    /// UDP headers.
    pub control_packet: usize,
    /// A rekey asked for by the peer sooner than this after the last one is left unanswered, apart from
    /// a burst of four.
    pub rekey_interval: Duration,
    /// How long a closed session stays to have its last words acknowledged.
    pub linger: Duration,
    /// How long RESTART waits to be acknowledged.
    pub restart_linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hand_window: Duration::from_secs(60),
            tran_window: Duration::from_secs(3600),
            retransmit: Duration::from_secs(1),
            max_retransmit: Duration::from_secs(8),
            control_packet: 1202,
            rekey_interval: Duration::from_secs(10),
            linger: Duration::from_secs(5),
            restart_linger: Duration::from_secs(2),
        }
    }
}

/// How a server's sessions behave. One value per endpoint, shared.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Certificate, key, and whose clients may come in.
    pub tls: ServerTls,
    /// Offered data ciphers, the most wanted first.
    pub ciphers: Vec<Cipher>,
    /// Start a rekey this long after a key was established, less up to a tenth at random so that clients
    /// do not all come at once. Stock: `reneg-sec` 3600. At least 10 s.
    pub reneg_after: Option<Duration>,
    /// Shared times and limits.
    pub limits: Limits,
}

impl ServerConfig {
    /// Defaults around an identity.
    #[must_use]
    pub fn new(tls: ServerTls) -> Arc<Self> {
        Arc::new(Self {
            tls,
            ciphers: Cipher::ALL.to_vec(),
            reneg_after: Some(Duration::from_secs(3600)),
            limits: Limits::default(),
        })
    }
}

/// How a client's session behaves.
#[derive(Clone)]
pub struct ClientConfig {
    /// Certificate, key, and which server is the right one.
    pub tls: ClientTls,
    /// Offered data ciphers.
    pub ciphers: Vec<Cipher>,
    /// A user name and password to send.
    pub credentials: Option<(String, Zeroizing<String>)>,
    /// Key derivations to offer; without [`Derivation::TlsExporter`] only the older one is used.
    pub derivation: Derivation,
    /// Which data packets to offer.
    pub data_v2: Offer,
    /// Whether leaving may be told by control message.
    pub exit_by_control: Offer,
    /// Whether options may change while connected.
    pub push_update: Offer,
    /// Start a rekey this long after a key was established. AWS profiles: never (`reneg-sec 0`).
    pub reneg_after: Option<Duration>,
    /// Shared times and limits.
    pub limits: Limits,
}

/// Shows neither user name nor password.
impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("ciphers", &self.ciphers)
            .field("has_credentials", &self.credentials.is_some())
            .field("derivation", &self.derivation)
            .field("data_v2", &self.data_v2)
            .field("exit_by_control", &self.exit_by_control)
            .field("push_update", &self.push_update)
            .field("reneg_after", &self.reneg_after)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Whether a client announces an ability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It does.
    Yes,
    /// It behaves like a client that predates it.
    No,
}

impl ClientConfig {
    /// A client that offers everything, without a user name.
    #[must_use]
    pub fn new(tls: ClientTls) -> Self {
        Self {
            tls,
            ciphers: Cipher::ALL.to_vec(),
            credentials: None,
            derivation: Derivation::TlsExporter,
            data_v2: Offer::Yes,
            exit_by_control: Offer::Yes,
            push_update: Offer::Yes,
            reneg_after: None,
            limits: Limits::default(),
        }
    }
}
