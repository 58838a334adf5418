//! The part of an IPv4 packet that a verdict looks at.

use std::net::Ipv4Addr;

use super::Reason;

/// What a packet carries, as far as flows are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP with its source and destination port.
    Tcp(u16, u16),
    /// UDP with its source and destination port.
    Udp(u16, u16),
    /// An ICMP question, echo before all, with its identifier.
    IcmpQuery(u16),
    /// The answer to one, with the question's identifier.
    IcmpAnswer(u16),
    /// An ICMP message about a packet, which it quotes.
    IcmpError,
    /// Any other protocol by its number (other ICMP messages too), which has no ports.
    Other(u8),
    /// A fragment after the first, by its protocol's number: it has no ports.
    Fragment(u8),
}

/// An IPv4 packet's addresses and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Its source.
    pub source: Ipv4Addr,
    /// Its destination.
    pub destination: Ipv4Addr,
    /// What it carries.
    pub protocol: Protocol,
    /// Whether it is the first of several fragments.
    pub has_later_fragments: bool,
}

impl Packet {
    /// What the fragments after it look like.
    pub(super) fn later_fragment(&self) -> Self {
        let number = match self.protocol {
            Protocol::Tcp(..) => TCP,
            Protocol::Udp(..) => UDP,
            Protocol::IcmpQuery(_) | Protocol::IcmpAnswer(_) | Protocol::IcmpError => ICMP,
            Protocol::Other(number) | Protocol::Fragment(number) => number,
        };
        Self {
            protocol: Protocol::Fragment(number),
            has_later_fragments: false,
            ..*self
        }
    }

    /// Reads a packet that fills `bytes`. Its checksums are not looked at; the network, which has
    /// to act on them, does that.
    ///
    /// # Errors
    /// [`Reason::Malformed`], [`Reason::NotIpv4`] or [`Reason::IpOptions`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Reason> {
        let header = Header::parse(bytes)?;
        if usize::from(header.total_length) != bytes.len() {
            return Err(Reason::Malformed);
        }
        header.packet(&bytes[HEADER_LEN..])
    }

    /// The packet that an ICMP error quotes; `None` if `bytes` is no such message. A quotation is
    /// cut short: 8 bytes behind its header are enough for ports.
    #[must_use]
    pub fn quoted(bytes: &[u8]) -> Option<Self> {
        let quotation = bytes.get(HEADER_LEN + ICMP_ERROR_HEADER_LEN..)?;
        let header = Header::parse(quotation).ok()?;
        header.packet(&quotation[HEADER_LEN..]).ok()
    }

    /// The flags of a packet of TCP that is no later fragment; `None` where it ends before them.
    pub(super) fn tcp_flags(bytes: &[u8]) -> Option<u8> {
        bytes.get(HEADER_LEN + TCP_FLAGS).copied()
    }
}

/// An IPv4 header without options (RFC 791, section 3.1).
struct Header {
    total_length: u16,
    is_later_fragment: bool,
    has_later_fragments: bool,
    protocol: u8,
    source: Ipv4Addr,
    destination: Ipv4Addr,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, Reason> {
        let version_and_length = *bytes.first().ok_or(Reason::Malformed)?;
        if version_and_length >> 4 != 4 {
            return Err(Reason::NotIpv4);
        }
        let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(Reason::Malformed)?;
        match version_and_length & 0x0f {
            0..=4 => return Err(Reason::Malformed),
            5 => {}
            _ => return Err(Reason::IpOptions),
        }
        let total_length = u16::from_be_bytes([header[2], header[3]]);
        if usize::from(total_length) < HEADER_LEN {
            return Err(Reason::Malformed);
        }
        let fragment = u16::from_be_bytes([header[6], header[7]]);
        Ok(Self {
            total_length,
            is_later_fragment: fragment & FRAGMENT_OFFSET != 0,
            has_later_fragments: fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET) == MORE_FRAGMENTS,
            protocol: header[9],
            source: Ipv4Addr::new(header[12], header[13], header[14], header[15]),
            destination: Ipv4Addr::new(header[16], header[17], header[18], header[19]),
        })
    }

    fn packet(&self, payload: &[u8]) -> Result<Packet, Reason> {
        Ok(Packet {
            source: self.source,
            destination: self.destination,
            protocol: self.protocol(payload)?,
            has_later_fragments: self.has_later_fragments,
        })
    }

    fn protocol(&self, payload: &[u8]) -> Result<Protocol, Reason> {
        if self.is_later_fragment {
            return Ok(Protocol::Fragment(self.protocol));
        }
        let word = |at: usize| match payload.get(at..at + 2) {
            Some(bytes) => Ok(u16::from_be_bytes([bytes[0], bytes[1]])),
            None => Err(Reason::Malformed),
        };
        match self.protocol {
            TCP => Ok(Protocol::Tcp(word(0)?, word(2)?)),
            UDP => Ok(Protocol::Udp(word(0)?, word(2)?)),
            ICMP => match payload.first().ok_or(Reason::Malformed)? {
                // Echo, timestamp, information and mask: question and answer share an identifier
                // (RFC 792, RFC 950).
                8 | 13 | 15 | 17 => Ok(Protocol::IcmpQuery(word(4)?)),
                0 | 14 | 16 | 18 => Ok(Protocol::IcmpAnswer(word(4)?)),
                // Unreachable, source quench, time exceeded, parameter problem.
                3 | 4 | 11 | 12 => Ok(Protocol::IcmpError),
                _ => Ok(Protocol::Other(ICMP)),
            },
            other => Ok(Protocol::Other(other)),
        }
    }
}

/// An IPv4 header without options.
const HEADER_LEN: usize = 20;
/// Type, code, checksum and four bytes that differ by type.
const ICMP_ERROR_HEADER_LEN: usize = 8;
/// RFC 791, section 3.1: flags and fragment offset share 16 bits.
const MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET: u16 = 0x1fff;
/// Where a TCP header has its flags (RFC 9293, section 3.1).
const TCP_FLAGS: usize = 13;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
