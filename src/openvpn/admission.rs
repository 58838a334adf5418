//! The question that every session asks its owner, and the answer: who this is, and what it gets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::Ipv4Net;
use zeroize::Zeroizing;

use super::keys::{Cipher, Derivation};
use super::packet::PeerId;
use crate::model::CertificateId;

/// Who asks to come in. Nothing was sent to the client yet that depends on the answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Admission {
    /// The client's verified certificate.
    pub identity: Identity,
    /// The user name that the client sent, if any.
    pub username: Option<String>,
    /// The password that came with it.
    pub password: Option<Zeroizing<String>>,
    /// What the client says of itself; never to be trusted.
    pub peer_info: PeerInfo,
    /// The ciphers that the client offers, as it names them.
    pub ciphers: Vec<String>,
    /// The cipher that a grant will select.
    pub cipher: Cipher,
    /// The TLS version and suite, such as `TLSv1.3 TLS_AES_256_GCM_SHA384`.
    pub tls: String,
    /// A session that was admitted before renews its key. The identity is the same; answer whether it
    /// still holds. Of the grant, only that it is one matters then.
    pub is_rekey: bool,
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("identity", &self.identity)
            .field("username", &self.username)
            .field("has_password", &self.password.is_some())
            .field("is_rekey", &self.is_rekey)
            .finish_non_exhaustive()
    }
}

/// A verified certificate chain and what was read from its leaf.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The leaf's only common name.
    pub common_name: String,
    /// The leaf's serial number, big-endian without leading zeros.
    pub serial: Vec<u8>,
    /// SHA-256 over the leaf.
    pub fingerprint: [u8; 32],
    /// DER, leaf first, as the peer sent it.
    pub chain: Vec<Vec<u8>>,
    /// What revocation lists name each of the chain by.
    pub certificates: Vec<CertificateId>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("common_name", &self.common_name)
            .finish_non_exhaustive()
    }
}

/// The peer-info lines of a client, bounded and printable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerInfo {
    pub(crate) entries: Vec<(String, String)>,
}

impl PeerInfo {
    /// The value of `key`, such as `IV_VER` or `IV_PLAT`.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// Every line, in the order the client sent them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The answer to an [`Admission`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Let it in, with these settings.
    Admit(Box<Grant>),
    /// Keep it out. The client is told `reason` (at most about 900 bytes; control characters are
    /// replaced).
    Refuse {
        /// What the person at the client reads.
        reason: String,
    },
}

/// What a client is given: the content of the push reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The client's address in the tunnel.
    pub address: Ipv4Addr,
    /// The netmask of the tunnel's network (`topology subnet`).
    pub netmask: Ipv4Addr,
    /// The server's address in the tunnel, which pushed routes point at.
    pub gateway: Ipv4Addr,
    /// The client's number in data packets; no other live session of this listener may have it.
    pub peer_id: PeerId,
    /// Networks to reach through the tunnel.
    pub routes: Vec<Ipv4Net>,
    /// Whether everything goes through the tunnel.
    pub tunnel: TunnelMode,
    /// Whether the client refuses IPv6 locally while the tunnel is up.
    pub ipv6: Ipv6Policy,
    /// Resolvers to use.
    pub dns: Vec<IpAddr>,
    /// How often each side sends a ping when it has nothing else to send.
    pub ping: Duration,
    /// After how much silence the client reconnects; this side waits twice as long.
    pub ping_restart: Duration,
    /// The largest TCP segment over IPv4, in bytes, set in SYN packets of both directions.
    pub max_segment: Option<u16>,
    /// Further options, one each, such as `sndbuf 0`; those that cannot be pushed (a comma, a control
    /// character, more than 255 bytes) are left out.
    pub extra_options: Vec<String>,
}

impl Grant {
    /// A grant of an address, full tunnel, pings as AWS pushes them, and nothing else.
    #[must_use]
    pub fn new(address: Ipv4Addr, netmask: Ipv4Addr, gateway: Ipv4Addr, peer_id: PeerId) -> Self {
        Self {
            address,
            netmask,
            gateway,
            peer_id,
            routes: Vec::new(),
            tunnel: TunnelMode::Full,
            ipv6: Ipv6Policy::Block,
            dns: Vec::new(),
            ping: Duration::from_secs(10),
            ping_restart: Duration::from_secs(60),
            max_segment: Some(1360),
            extra_options: Vec::new(),
        }
    }
}

/// What of a client's [`Grant`] has changed since it was given; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushUpdate {
    /// All networks to reach through the tunnel from now on.
    pub routes: Option<Vec<Ipv4Net>>,
    /// Whether everything goes through the tunnel.
    pub tunnel: Option<TunnelMode>,
    /// Whether the client refuses IPv6 locally.
    pub ipv6: Option<Ipv6Policy>,
    /// All resolvers to use from now on.
    pub dns: Option<Vec<IpAddr>>,
}

/// Which traffic of a client goes through the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelMode {
    /// Everything: `redirect-gateway def1` is pushed.
    Full,
    /// Only the pushed routes.
    Split,
}

/// What a client does with IPv6 while the tunnel carries IPv4 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv6Policy {
    /// Refuse it locally, so that nothing leaves beside the tunnel.
    Block,
    /// Leave it alone.
    Leave,
}

/// What both sides agreed on, once a session is established.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The data cipher.
    pub cipher: Cipher,
    /// Where keys come from.
    pub derivation: Derivation,
    /// The number in DATA_V2 packets; `None` means DATA_V1.
    pub peer_id: Option<PeerId>,
    /// Whether leaving is told by control message rather than by data packet.
    pub exit_by_control: bool,
    /// Whether the client takes changes of what it was pushed while connected.
    pub push_update: bool,
}
