//! What a client's packet is, and the headers of packets that go to it.

use std::net::{Ipv4Addr, SocketAddrV4};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv4Message, Icmpv4Packet, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, TcpPacket, UdpPacket,
};

use super::flows::{Carrier, FlowKey};
use crate::network::counters::DropReason;

/// IPv4 header without options, as we write it.
pub(super) const IP_HEADER: usize = 20;
/// UDP header.
pub(super) const UDP_HEADER: usize = 8;
/// Of the packet that caused it, an ICMP error quotes the header and this much (RFC 792).
const QUOTED: usize = 8;
const HOP_LIMIT: u8 = 64;

/// A client's packet, understood.
#[derive(Debug)]
pub(super) struct Incoming<'p> {
    pub(super) key: FlowKey,
    /// The whole IP packet, without what followed it in the buffer.
    pub(super) packet: &'p [u8],
    pub(super) kind: Kind<'p>,
}

#[derive(Debug)]
pub(super) enum Kind<'p> {
    /// A TCP segment; whether it opens a flow, and whether it resets one.
    Tcp {
        opens: bool,
        resets: bool,
    },
    Udp {
        payload: &'p [u8],
    },
    /// An echo request, from the ICMP header on.
    Echo {
        message: &'p [u8],
    },
}

impl<'p> Incoming<'p> {
    /// Understands a packet, or says why it is dropped. TCP checksums are left to the stack.
    pub(super) fn parse(bytes: &'p [u8]) -> Result<Self, DropReason> {
        let ip = Ipv4Packet::new_checked(bytes).map_err(|_| DropReason::Malformed)?;
        if ip.version() != 4 || usize::from(ip.header_len()) < IP_HEADER || !ip.verify_checksum() {
            return Err(DropReason::Malformed);
        }
        if ip.more_frags() || ip.frag_offset() != 0 {
            return Err(DropReason::Fragment);
        }
        let packet = &bytes[..usize::from(ip.total_len())];
        let payload = &packet[usize::from(ip.header_len())..];
        let (source, destination) = (ip.src_addr(), ip.dst_addr());
        // To connect to 0.0.0.0 would reach this machine; groups have no answers to pass on.
        if destination.is_unspecified() || destination.is_multicast() || destination.is_broadcast()
        {
            return Err(DropReason::Protocol);
        }
        let (carrier, ports, kind) = match ip.next_header() {
            IpProtocol::Tcp => tcp(payload)?,
            IpProtocol::Udp => udp(payload, source, destination)?,
            IpProtocol::Icmp => echo(payload)?,
            _ => return Err(DropReason::Protocol),
        };
        let key = FlowKey {
            carrier,
            client: SocketAddrV4::new(source, ports.0),
            target: SocketAddrV4::new(destination, ports.1),
        };
        Ok(Self { key, packet, kind })
    }
}

type Parsed<'p> = Result<(Carrier, (u16, u16), Kind<'p>), DropReason>;

fn tcp(payload: &[u8]) -> Parsed<'_> {
    let segment = TcpPacket::new_checked(payload).map_err(|_| DropReason::Malformed)?;
    let ports = (segment.src_port(), segment.dst_port());
    if ports.0 == 0 || ports.1 == 0 {
        return Err(DropReason::Malformed);
    }
    let kind = Kind::Tcp {
        opens: segment.syn() && !segment.ack() && !segment.rst() && !segment.fin(),
        resets: segment.rst(),
    };
    Ok((Carrier::Tcp, ports, kind))
}

fn udp(payload: &[u8], source: Ipv4Addr, destination: Ipv4Addr) -> Parsed<'_> {
    let datagram = UdpPacket::new_checked(payload).map_err(|_| DropReason::Malformed)?;
    let valid = datagram.dst_port() != 0
        && datagram.verify_checksum(&IpAddress::Ipv4(source), &IpAddress::Ipv4(destination));
    if !valid {
        return Err(DropReason::Malformed);
    }
    let ports = (datagram.src_port(), datagram.dst_port());
    Ok((
        Carrier::Udp,
        ports,
        Kind::Udp {
            payload: datagram.payload(),
        },
    ))
}

fn echo(payload: &[u8]) -> Parsed<'_> {
    let message = Icmpv4Packet::new_checked(payload).map_err(|_| DropReason::Malformed)?;
    if message.msg_type() != Icmpv4Message::EchoRequest {
        return Err(DropReason::Protocol);
    }
    if payload.len() < 8 || message.msg_code() != 0 || !message.verify_checksum() {
        return Err(DropReason::Malformed);
    }
    let kind = Kind::Echo { message: payload };
    Ok((Carrier::Echo, (message.echo_ident(), 0), kind))
}

/// Writes the IP header of a packet from target to client before `payload_len` bytes that are in
/// `room` already, and says the packet's length.
pub(super) fn write_ip_header(room: &mut [u8], key: &FlowKey, payload_len: usize) -> usize {
    let (protocol, source) = match key.carrier {
        Carrier::Tcp => (IpProtocol::Tcp, key.target),
        Carrier::Udp => (IpProtocol::Udp, key.target),
        Carrier::Echo => (IpProtocol::Icmp, key.target),
    };
    emit_ip(room, *source.ip(), *key.client.ip(), protocol, payload_len)
}

fn emit_ip(
    room: &mut [u8],
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: IpProtocol,
    payload_len: usize,
) -> usize {
    let header = Ipv4Repr {
        src_addr: source,
        dst_addr: destination,
        next_header: protocol,
        payload_len,
        hop_limit: HOP_LIMIT,
    };
    header.emit(
        &mut Ipv4Packet::new_unchecked(&mut *room),
        &ChecksumCapabilities::default(),
    );
    IP_HEADER + payload_len
}

/// Writes IP and UDP headers before a payload that is in `room` already.
pub(super) fn write_udp_headers(room: &mut [u8], key: &FlowKey, payload_len: usize) -> usize {
    let datagram_len = UDP_HEADER + payload_len;
    let mut datagram = UdpPacket::new_unchecked(&mut room[IP_HEADER..IP_HEADER + datagram_len]);
    datagram.set_src_port(key.target.port());
    datagram.set_dst_port(key.client.port());
    datagram.set_len(u16::try_from(datagram_len).unwrap_or(u16::MAX));
    datagram.fill_checksum(
        &IpAddress::Ipv4(*key.target.ip()),
        &IpAddress::Ipv4(*key.client.ip()),
    );
    write_ip_header(room, key, datagram_len)
}

/// Turns the echo reply of `message_len` bytes behind the IP header's place into the client's.
/// `None` if it is no echo reply.
pub(super) fn write_echo_reply(
    room: &mut [u8],
    key: &FlowKey,
    message_len: usize,
) -> Option<usize> {
    let bytes = &mut room[IP_HEADER..IP_HEADER + message_len];
    let mut message = Icmpv4Packet::new_checked(bytes).ok()?;
    if message.msg_type() != Icmpv4Message::EchoReply || message_len < 8 {
        return None;
    }
    // The system chose an identifier of its own for the request.
    message.set_echo_ident(key.client.port());
    message.fill_checksum();
    Some(write_ip_header(room, key, message_len))
}

/// Why a target cannot be reached: codes of ICMP's destination unreachable (RFC 792, RFC 1812).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Unreachable {
    Network = 0,
    Host = 1,
    Port = 3,
    Prohibited = 13,
}

/// Writes an ICMP error about `original`, a valid packet of a client, and says its length.
pub(super) fn write_unreachable(
    room: &mut [u8],
    original: &[u8],
    why: Unreachable,
) -> Option<usize> {
    let ip = Ipv4Packet::new_checked(original).ok()?;
    let quote = &original[..original.len().min(usize::from(ip.header_len()) + QUOTED)];
    let message_len = 8 + quote.len();
    let bytes = &mut room[IP_HEADER..IP_HEADER + message_len];
    bytes[..8].fill(0);
    bytes[8..].copy_from_slice(quote);
    let mut message = Icmpv4Packet::new_unchecked(bytes);
    message.set_msg_type(Icmpv4Message::DstUnreachable);
    message.set_msg_code(why as u8);
    message.fill_checksum();
    Some(emit_ip(
        room,
        ip.dst_addr(),
        ip.src_addr(),
        IpProtocol::Icmp,
        message_len,
    ))
}

/// The start of a datagram from client to target, for an ICMP error about one that is not kept.
pub(super) fn stand_in(key: &FlowKey) -> [u8; IP_HEADER + QUOTED] {
    let mut packet = [0; IP_HEADER + QUOTED];
    let protocol = match key.carrier {
        Carrier::Echo => {
            packet[IP_HEADER] = u8::from(Icmpv4Message::EchoRequest);
            packet[IP_HEADER + 4..IP_HEADER + 6].copy_from_slice(&key.client.port().to_be_bytes());
            IpProtocol::Icmp
        }
        Carrier::Tcp | Carrier::Udp => {
            packet[IP_HEADER..IP_HEADER + 2].copy_from_slice(&key.client.port().to_be_bytes());
            packet[IP_HEADER + 2..IP_HEADER + 4].copy_from_slice(&key.target.port().to_be_bytes());
            packet[IP_HEADER + 4..IP_HEADER + 6].copy_from_slice(&8u16.to_be_bytes());
            IpProtocol::Udp
        }
    };
    emit_ip(
        &mut packet,
        *key.client.ip(),
        *key.target.ip(),
        protocol,
        QUOTED,
    );
    packet
}
