//! Hand-made IPv4 packets: questions to addresses behind the tunnel, and what their answers mean.

use std::{fmt, net::Ipv4Addr, str::FromStr, time::Duration};

/// An address to ask for a sign of life: by an ICMP echo, or with a port by a TCP SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The address.
    pub address: Ipv4Addr,
    /// The TCP port; without one an echo is asked for.
    pub port: Option<u16>,
}

/// A text that is no probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not ADDRESS or ADDRESS:PORT; for example 10.0.1.10, or 10.0.1.10:443 for TCP")]
pub struct BadProbe(String);

impl FromStr for Probe {
    type Err = BadProbe;

    fn from_str(text: &str) -> Result<Self, BadProbe> {
        let bad = || BadProbe(text.chars().take(64).collect());
        let (address, port) = match text.split_once(':') {
            None => (text, None),
            Some((address, port)) => {
                let port = port.parse().ok().filter(|port: &u16| *port > 0);
                (address, Some(port.ok_or_else(bad)?))
            }
        };
        Ok(Self {
            address: address.parse().map_err(|_| bad())?,
            port,
        })
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => write!(f, "{}", self.address),
            Some(port) => write!(f, "{}:{port}", self.address),
        }
    }
}

/// What came of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// The address answered, after this long.
    Answered(Duration),
    /// Something answered that it does not do it, as a sentence.
    Refused(String),
    /// Nothing came.
    NoAnswer,
}

impl Probe {
    /// The packet that asks, from the tunnel's address `source`. `salt` keeps one probe's answers
    /// from being taken for another's.
    pub(super) fn question(self, source: Ipv4Addr, salt: Duration) -> Question {
        // Of the ports that no service has (RFC 6335).
        let number = 49_152 | (salt.subsec_micros() & 0x3fff) as u16;
        let packet = match self.port {
            None => echo(source, self.address, number),
            Some(port) => {
                let ports = (number, port);
                tcp(source, self.address, ports, (salt.subsec_nanos(), 0), SYN)
            }
        };
        Question {
            probe: self,
            source,
            number,
            packet,
        }
    }
}

/// A probe on its way.
pub(super) struct Question {
    probe: Probe,
    source: Ipv4Addr,
    /// The identifier of the echo, or the source port.
    number: u16,
    packet: Vec<u8>,
}

impl Question {
    pub(super) fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// Whether `packet` answers the question, and how.
    pub(super) fn judge(&self, packet: &[u8]) -> Option<Result<(), String>> {
        let (header, content) = Header::read(packet)?;
        if header.destination != self.source {
            return None;
        }
        match (header.protocol, self.probe.port) {
            (ICMP, _) if matches!(content.first(), Some(3 | 11)) => self
                .is_quoted(content.get(8..)?)
                .then(|| Err(self.complaint(header.source, content))),
            (ICMP, None) if header.source == self.probe.address => {
                let is_it = content.first() == Some(&0) && number(content, 4)? == self.number;
                is_it.then_some(Ok(()))
            }
            (TCP, Some(port)) if header.source == self.probe.address => {
                if (number(content, 0)?, number(content, 2)?) != (port, self.number) {
                    return None;
                }
                let flags = *content.get(13)?;
                if flags & RST != 0 {
                    let probe = self.probe;
                    Some(Err(format!(
                        "{probe} refuses the connection: the address is reached, and nothing listens on the port."
                    )))
                } else {
                    (flags & (SYN | ACK) == SYN | ACK).then_some(Ok(()))
                }
            }
            _ => None,
        }
    }

    /// What takes back the connection that `answer` has opened, if it has.
    pub(super) fn reset(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let port = self.probe.port?;
        let (header, content) = Header::read(answer)?;
        let is_open = header.protocol == TCP && content.get(13)? & (SYN | RST) == SYN;
        let next = u32::from_be_bytes(*content.get(8..)?.first_chunk()?);
        let ports = (self.number, port);
        is_open.then(|| tcp(self.source, self.probe.address, ports, (next, 0), RST))
    }

    /// Whether an ICMP error speaks of our packet.
    fn is_quoted(&self, quoted: &[u8]) -> bool {
        let is_ours = |(header, content): (Header, &[u8])| {
            let own = match self.probe.port {
                None => header.protocol == ICMP && number(content, 4) == Some(self.number),
                Some(port) => {
                    header.protocol == TCP
                        && number(content, 0) == Some(self.number)
                        && number(content, 2) == Some(port)
                }
            };
            own && header.destination == self.probe.address
        };
        Header::read(quoted).is_some_and(is_ours)
    }

    fn complaint(&self, from: Ipv4Addr, icmp: &[u8]) -> String {
        let what = match (icmp.first(), icmp.get(1)) {
            (Some(11), _) => "the packet's time to live ran out on the way",
            (_, Some(0)) => "the network is unreachable",
            (_, Some(1)) => "the host is unreachable",
            (_, Some(3)) => "the port is closed",
            (_, Some(4)) => "the packet is too big",
            (_, Some(9 | 10 | 13)) => "a firewall prohibits it",
            _ => "the destination is unreachable",
        };
        format!("{from} says of {}: {what}.", self.probe)
    }
}

/// What of an IPv4 header matters here.
struct Header {
    protocol: u8,
    source: Ipv4Addr,
    destination: Ipv4Addr,
}

impl Header {
    /// The header and what follows it; none for what is no whole IPv4 header or a later fragment.
    fn read(packet: &[u8]) -> Option<(Self, &[u8])> {
        let first = *packet.first()?;
        let length = usize::from(first & 0x0f) * 4;
        if first >> 4 != 4 || length < 20 || number(packet, 6)? & 0x1fff != 0 {
            return None;
        }
        let address = |at: usize| -> Option<Ipv4Addr> {
            let bytes: [u8; 4] = *packet.get(at..)?.first_chunk()?;
            Some(bytes.into())
        };
        let header = Self {
            protocol: *packet.get(9)?,
            source: address(12)?,
            destination: address(16)?,
        };
        Some((header, packet.get(length..)?))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// An IPv4 packet; what is longer than such a packet can be is cut.
fn ipv4(protocol: u8, source: Ipv4Addr, destination: Ipv4Addr, content: &[u8]) -> Vec<u8> {
    let content = &content[..content.len().min(MAX_CONTENT)];
    let length = (20 + content.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    let sum = checksum(&[&packet]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend_from_slice(content);
    packet
}

fn echo(source: Ipv4Addr, destination: Ipv4Addr, identifier: u16) -> Vec<u8> {
    let mut message = vec![8, 0, 0, 0];
    message.extend(identifier.to_be_bytes());
    message.extend([0, 1]);
    message.extend_from_slice(b"gatehouse connect --probe");
    let sum = checksum(&[&message]);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    ipv4(ICMP, source, destination, &message)
}

fn tcp(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    (from, to): (u16, u16),
    (sequence, acknowledged): (u32, u32),
    flags: u8,
) -> Vec<u8> {
    let mut segment = Vec::with_capacity(24);
    segment.extend(from.to_be_bytes());
    segment.extend(to.to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend(acknowledged.to_be_bytes());
    let with_size = flags & SYN != 0;
    segment.extend([
        if with_size { 0x60 } else { 0x50 },
        flags,
        0xff,
        0xff,
        0,
        0,
        0,
        0,
    ]);
    if with_size {
        // The largest segment, as a SYN says it: 1,360 bytes fit through any tunnel.
        segment.extend([2, 4, 0x05, 0x50]);
    }
    seal(TCP, source, destination, &mut segment, 16);
    ipv4(TCP, source, destination, &segment)
}

/// A UDP packet with a payload of at most 65,507 bytes; more is cut.
#[must_use]
pub fn udp_packet(
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
    payload: &[u8],
) -> Vec<u8> {
    let payload = &payload[..payload.len().min(MAX_CONTENT - 8)];
    let mut datagram = Vec::with_capacity(8 + payload.len());
    datagram.extend(source.1.to_be_bytes());
    datagram.extend(destination.1.to_be_bytes());
    datagram.extend(((8 + payload.len()) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend_from_slice(payload);
    seal(UDP, source.0, destination.0, &mut datagram, 6);
    ipv4(UDP, source.0, destination.0, &datagram)
}

/// Writes the checksum over pseudo header and content at `place`.
fn seal(protocol: u8, source: Ipv4Addr, destination: Ipv4Addr, content: &mut [u8], place: usize) {
    let mut pseudo = [0; 12];
    pseudo[..4].copy_from_slice(&source.octets());
    pseudo[4..8].copy_from_slice(&destination.octets());
    pseudo[9] = protocol;
    pseudo[10..].copy_from_slice(&(content.len() as u16).to_be_bytes());
    let sum = match checksum(&[&pseudo, content]) {
        // In UDP zero means that there is none (RFC 768).
        0 => u16::MAX,
        sum => sum,
    };
    content[place..place + 2].copy_from_slice(&sum.to_be_bytes());
}

/// The Internet checksum (RFC 1071); all parts but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
/// What fits behind an IPv4 header.
const MAX_CONTENT: usize = 65_515;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 2);
    const THERE: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 9);

    fn ask(text: &str) -> Question {
        let probe: Probe = text.parse().unwrap();
        probe.question(HERE, Duration::from_nanos(123_456_789))
    }

    /// An ICMP error about `packet`.
    fn error(code: u8, packet: &[u8]) -> Vec<u8> {
        let mut message = vec![3, code, 0, 0, 0, 0, 0, 0];
        message.extend_from_slice(&packet[..28]);
        ipv4(ICMP, Ipv4Addr::new(10, 1, 1, 1), HERE, &message)
    }

    #[test]
    fn checksums_add_up_to_nothing() {
        for text in ["10.1.1.9", "10.1.1.9:443"] {
            let packet = ask(text).packet;
            assert_eq!(checksum(&[&packet[..20]]), 0, "{text}");
        }
        let echo = ask("10.1.1.9").packet;
        assert_eq!(checksum(&[&echo[20..]]), 0);
        let syn = ask("10.1.1.9:443").packet;
        let mut pseudo = [HERE.octets(), THERE.octets(), [0, TCP, 0, 24]].concat();
        pseudo.extend_from_slice(&syn[20..]);
        assert_eq!(checksum(&[&pseudo]), 0);
    }

    #[test]
    fn an_echo_is_answered_by_the_same_number_only() {
        let question = ask("10.1.1.9");
        let reply = |number: u16| {
            let mut message = vec![0, 0, 0, 0];
            message.extend(number.to_be_bytes());
            message.extend([0, 1]);
            ipv4(ICMP, THERE, HERE, &message)
        };
        assert_eq!(question.judge(&reply(question.number)), Some(Ok(())));
        assert_eq!(question.judge(&reply(question.number ^ 1)), None);
        assert_eq!(question.judge(question.packet()), None);
    }

    #[test]
    fn a_syn_is_answered_and_reset_or_refused() {
        let question = ask("10.1.1.9:443");
        let back = |flags| tcp(THERE, HERE, (443, question.number), (9, 77), flags);
        let opened = back(SYN | ACK);
        assert_eq!(question.judge(&opened), Some(Ok(())));
        let reset = question.reset(&opened).unwrap();
        assert_eq!(reset[33], RST);
        assert_eq!(reset[24..28], 77_u32.to_be_bytes());
        let refusal = question.judge(&back(RST | ACK)).unwrap().unwrap_err();
        assert!(refusal.contains("10.1.1.9:443 refuses"), "{refusal}");
        assert_eq!(question.reset(&back(RST | ACK)), None);
        let other = tcp(THERE, HERE, (80, question.number), (9, 77), SYN | ACK);
        assert_eq!(question.judge(&other), None);
    }

    #[test]
    fn an_error_about_our_own_packet_is_a_refusal_with_its_sender() {
        let question = ask("10.1.1.9:443");
        let why = question.judge(&error(13, question.packet())).unwrap();
        let why = why.unwrap_err();
        assert!(why.contains("10.1.1.1 says of 10.1.1.9:443"), "{why}");
        assert!(why.contains("firewall"), "{why}");
        assert_eq!(
            question.judge(&error(13, ask("10.1.1.8:443").packet())),
            None
        );
    }

    #[test]
    fn a_probe_is_an_address_with_or_without_a_port() {
        for good in ["10.0.0.1", "10.0.0.1:443"] {
            assert_eq!(good.parse::<Probe>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "host",
            "10.0.0.1:",
            "10.0.0.1:0",
            "10.0.0.1:70000",
            "::1",
        ] {
            assert!(bad.parse::<Probe>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_packets_never_panic(packet in proptest::collection::vec(any::<u8>(), 0..80)) {
            for question in [ask("10.1.1.9"), ask("10.1.1.9:443")] {
                std::hint::black_box(question.judge(&packet));
                std::hint::black_box(question.reset(&packet));
            }
        }
    }
}
