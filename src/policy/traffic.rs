//! What a packet carries, as far as rules can be limited to it.

use super::{Packet, Protocol};
use crate::model::{IpProtocol, Limits, PortRange};

/// Protocol and destination port of a packet, or of a question about packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    protocol: Option<IpProtocol>,
    port: Port,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    /// The peer's port.
    Is(u16),
    /// The protocol has none, or all of them are asked for.
    Any,
    /// In the first fragment, which is judged by it; without that one the later are of no use. It
    /// cannot be changed by a later one, which begins at byte 8 or after.
    Unseen,
}

impl Traffic {
    /// All traffic of all protocols: only a rule without limits grants that.
    pub const ALL: Self = Self {
        protocol: None,
        port: Port::Any,
    };

    /// Traffic of one protocol to one port, or to all of them.
    #[must_use]
    pub fn new(protocol: IpProtocol, port: Option<u16>) -> Self {
        Self {
            protocol: Some(protocol),
            port: port
                .filter(|_| protocol.has_ports())
                .map_or(Port::Any, Port::Is),
        }
    }

    /// What `bytes`, a packet from the client that reads as `packet`, carries. An ICMP error is
    /// judged as the traffic that it is about, where that comes from the one it goes to: whoever
    /// may reach a port may also say that an answer of it was too big.
    #[must_use]
    pub fn from_client(packet: &Packet, bytes: &[u8]) -> Self {
        if packet.protocol == Protocol::IcmpError
            && let Some(quoted) = Packet::quoted(bytes)
            && (quoted.source, quoted.destination) == (packet.destination, packet.source)
        {
            return Self::answered(quoted.protocol);
        }
        Self::opened(packet.protocol)
    }

    /// That of a packet, by where it goes to.
    pub(super) fn opened(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp(_, port) => Self::new(IpProtocol::Tcp, Some(port)),
            Protocol::Udp(_, port) => Self::new(IpProtocol::Udp, Some(port)),
            Protocol::IcmpQuery(_) | Protocol::IcmpAnswer(_) | Protocol::IcmpError => {
                Self::new(IpProtocol::Icmp, None)
            }
            Protocol::Other(number) => Self {
                protocol: named(number),
                port: Port::Any,
            },
            Protocol::Fragment(number) => Self {
                protocol: named(number),
                port: Port::Unseen,
            },
        }
    }

    /// That of the client's packet which a packet for the client answers.
    fn answered(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp(port, _) => Self::new(IpProtocol::Tcp, Some(port)),
            Protocol::Udp(port, _) => Self::new(IpProtocol::Udp, Some(port)),
            other => Self::opened(other),
        }
    }

    /// Whether a rule for these ports of this protocol is for it; none is all of them.
    pub(super) fn fits(self, protocol: Option<IpProtocol>, ports: Option<PortRange>) -> bool {
        let (ports, port) = match self.port {
            Port::Is(port) => (ports, Some(port)),
            Port::Any => (ports, None),
            Port::Unseen => (None, None),
        };
        let limits = Limits {
            protocol,
            ports,
            expires_at: None,
        };
        limits.takes(self.protocol, port)
    }
}

/// The protocol with this number, if rules know it.
fn named(number: u8) -> Option<IpProtocol> {
    match number {
        1 => Some(IpProtocol::Icmp),
        6 => Some(IpProtocol::Tcp),
        17 => Some(IpProtocol::Udp),
        _ => None,
    }
}
