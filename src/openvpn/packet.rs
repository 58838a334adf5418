//! Packet headers and the inside of control packets (wire reference, sections 1 and 2).
//!
//! Parsing has two steps. [`Outer`] is what every wrapping of control packets leaves readable: opcode,
//! key id and the sender's session id. [`Control`] is the inside: acknowledgements, packet id and TLS
//! bytes. A wrapping (tls-auth, tls-crypt) verifies and uncovers between the two; plain control packets
//! have nothing there.

use std::fmt;

use super::Discard;

/// The first five bits of every packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// Starts a rekey; carries the new key id.
    SoftReset = 3,
    /// TLS bytes.
    Control = 4,
    /// Acknowledgements only; has no packet id of its own.
    Ack = 5,
    /// Data without a peer id.
    DataV1 = 6,
    /// A client's first packet.
    HardResetClientV2 = 7,
    /// A server's answer to a client's first packet.
    HardResetServerV2 = 8,
    /// Data with a 24-bit peer id.
    DataV2 = 9,
    /// A client's first packet under tls-crypt-v2.
    HardResetClientV3 = 10,
    /// TLS bytes with the wrapped client key behind them (tls-crypt-v2).
    ControlWkc = 11,
}

impl Opcode {
    fn from_first_byte(byte: u8) -> Option<Self> {
        Some(match byte >> 3 {
            3 => Self::SoftReset,
            4 => Self::Control,
            5 => Self::Ack,
            6 => Self::DataV1,
            7 => Self::HardResetClientV2,
            8 => Self::HardResetServerV2,
            9 => Self::DataV2,
            10 => Self::HardResetClientV3,
            11 => Self::ControlWkc,
            _ => return None,
        })
    }

    /// Whether packets of this kind carry tunnelled data rather than the control channel.
    #[must_use]
    pub fn is_data(self) -> bool {
        matches!(self, Self::DataV1 | Self::DataV2)
    }
}

/// Which of a session's keys a packet belongs to: 0 for the first, then 1..=7 around and around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u8);

impl KeyId {
    /// The key of a session's first TLS handshake.
    pub const FIRST: Self = Self(0);

    pub(crate) fn from_first_byte(byte: u8) -> Self {
        Self(byte & 7)
    }

    /// The key that follows this one in a rekey; 0 never returns.
    #[must_use]
    pub fn next(self) -> Self {
        Self(if self.0 == 7 { 1 } else { self.0 + 1 })
    }

    /// The number itself, 0..=7.
    #[must_use]
    pub fn as_index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn first_byte(self, opcode: Opcode) -> u8 {
        (opcode as u8) << 3 | self.0
    }
}

/// One side's name for a session, chosen at random for every hard reset; never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; Self::LEN]);

impl SessionId {
    /// Bytes on the wire.
    pub const LEN: usize = 8;

    /// Takes eight bytes as a session id.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0 == [0; Self::LEN]
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// A server's 24-bit number for a client, sent in every DATA_V2 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(u32);

impl PeerId {
    /// On the wire this number means "no peer id".
    pub const NONE: u32 = 0x00ff_ffff;

    /// A peer id, unless `number` is too large for 24 bits or is the reserved [`PeerId::NONE`].
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number < Self::NONE {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number itself.
    #[must_use]
    pub const fn as_u32(self) -> u32 {
        self.0
    }
}

/// What can be read off a packet without any key: enough to find its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The packet's kind.
    pub opcode: Opcode,
    /// The key it belongs to.
    pub key_id: KeyId,
    /// Only in DATA_V2, and only if the sender was given one.
    pub peer_id: Option<PeerId>,
    /// Only in control packets: the sender's session id.
    pub session_id: Option<SessionId>,
}

/// Reads a packet's header. Cheap, and nothing in it is proven yet.
///
/// `None` for an unknown opcode or a packet shorter than its header.
#[must_use]
pub fn peek(packet: &[u8]) -> Option<Header> {
    let (&first, rest) = packet.split_first()?;
    let opcode = Opcode::from_first_byte(first)?;
    let mut header = Header {
        opcode,
        key_id: KeyId::from_first_byte(first),
        peer_id: None,
        session_id: None,
    };
    match opcode {
        Opcode::DataV1 => {}
        Opcode::DataV2 => {
            let [a, b, c] = *rest.first_chunk::<3>()?;
            header.peer_id = PeerId::new(u32::from_be_bytes([0, a, b, c]));
        }
        _ => header.session_id = Some(SessionId(*rest.first_chunk()?)),
    }
    Some(header)
}

/// The readable outside of a control packet, with what a wrapping may have covered as `inner`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outer<'a> {
    pub(crate) opcode: Opcode,
    pub(crate) key_id: KeyId,
    pub(crate) session_id: SessionId,
    pub(crate) inner: &'a [u8],
}

impl<'a> Outer<'a> {
    pub(crate) fn parse(packet: &'a [u8]) -> Result<Self, Discard> {
        let (&first, rest) = packet.split_first().ok_or(Discard::Truncated)?;
        let opcode = Opcode::from_first_byte(first).ok_or(Discard::UnknownOpcode)?;
        if opcode.is_data() {
            return Err(Discard::UnexpectedOpcode);
        }
        let (session_id, inner) = rest.split_first_chunk().ok_or(Discard::Truncated)?;
        let session_id = SessionId(*session_id);
        if session_id.is_zero() {
            return Err(Discard::ZeroSessionId);
        }
        Ok(Self {
            opcode,
            key_id: KeyId::from_first_byte(first),
            session_id,
            inner,
        })
    }
}

/// Most acknowledgements that one packet can carry.
pub(crate) const MAX_ACKS: usize = 8;

/// The packet ids that a packet acknowledges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AckList {
    ids: [u32; MAX_ACKS],
    len: usize,
}

impl AckList {
    pub(crate) fn push(&mut self, id: u32) {
        if let Some(slot) = self.ids.get_mut(self.len) {
            *slot = id;
            self.len += 1;
        }
    }

    pub(crate) fn as_slice(&self) -> &[u32] {
        &self.ids[..self.len]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The inside of a control packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Control<'a> {
    pub(crate) acks: AckList,
    /// The receiver's session id; present exactly when there are acknowledgements.
    pub(crate) acked_session: Option<SessionId>,
    /// Absent in [`Opcode::Ack`] only.
    pub(crate) packet_id: Option<u32>,
    pub(crate) payload: &'a [u8],
}

impl<'a> Control<'a> {
    pub(crate) fn parse(opcode: Opcode, inner: &'a [u8]) -> Result<Self, Discard> {
        let (&count, mut rest) = inner.split_first().ok_or(Discard::Truncated)?;
        if usize::from(count) > MAX_ACKS {
            return Err(Discard::TooManyAcks);
        }
        let mut acks = AckList::default();
        for _ in 0..count {
            acks.push(take_u32(&mut rest)?);
        }
        let acked_session = if acks.is_empty() {
            None
        } else {
            let (id, behind) = rest.split_first_chunk().ok_or(Discard::Truncated)?;
            rest = behind;
            Some(SessionId(*id))
        };
        let packet_id = match opcode {
            Opcode::Ack => None,
            _ => Some(take_u32(&mut rest)?),
        };
        Ok(Self {
            acks,
            acked_session,
            packet_id,
            payload: rest,
        })
    }
}

/// Bytes that a control packet needs besides acknowledgements and payload.
const CONTROL_OVERHEAD: usize = 1 + SessionId::LEN + 1 + 4;

/// Bytes of a control packet with `acks` acknowledgements and no payload.
pub(crate) const fn control_overhead(acks: usize) -> usize {
    CONTROL_OVERHEAD + acks * 4 + if acks > 0 { SessionId::LEN } else { 0 }
}

/// Appends a control packet to `out`: the writing counterpart of [`Outer`] and [`Control`].
pub(crate) fn write_control(
    opcode: Opcode,
    key_id: KeyId,
    session_id: SessionId,
    content: &Control<'_>,
    out: &mut Vec<u8>,
) {
    out.push(key_id.first_byte(opcode));
    out.extend_from_slice(session_id.as_bytes());
    let acks = content.acks.as_slice();
    out.push(u8::try_from(acks.len()).expect("an AckList holds at most eight"));
    for id in acks {
        out.extend_from_slice(&id.to_be_bytes());
    }
    if let Some(acked_session) = content.acked_session {
        out.extend_from_slice(acked_session.as_bytes());
    }
    if let Some(packet_id) = content.packet_id {
        out.extend_from_slice(&packet_id.to_be_bytes());
    }
    out.extend_from_slice(content.payload);
}

fn take_u32(bytes: &mut &[u8]) -> Result<u32, Discard> {
    let (value, rest) = bytes.split_first_chunk().ok_or(Discard::Truncated)?;
    *bytes = rest;
    Ok(u32::from_be_bytes(*value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn key_ids_go_around_without_returning_to_zero() {
        let mut id = KeyId::FIRST;
        let seen: Vec<usize> = (0..9)
            .map(|_| {
                id = id.next();
                id.as_index()
            })
            .collect();
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 1, 2]);
    }

    #[test]
    fn data_v2_header_names_its_peer() {
        let header = peek(&[0x48 | 3, 0x01, 0x02, 0x03, 0]).unwrap();
        assert_eq!(header.opcode, Opcode::DataV2);
        assert_eq!(header.key_id.as_index(), 3);
        assert_eq!(header.peer_id.unwrap().as_u32(), 0x0001_0203);
        assert_eq!(peek(&[0x48, 0xff, 0xff, 0xff]).unwrap().peer_id, None);
        assert_eq!(peek(&[0x48, 0xff, 0xff]), None);
    }

    #[test]
    fn more_than_eight_acknowledgements_are_malformed() {
        let mut inner = vec![9];
        inner.extend_from_slice(&[0; 9 * 4 + 8 + 4]);
        assert_eq!(
            Control::parse(Opcode::Control, &inner),
            Err(Discard::TooManyAcks)
        );
    }

    #[test]
    fn every_truncation_of_a_control_packet_is_told_apart_from_a_whole_one() {
        let mut acks = AckList::default();
        acks.push(7);
        acks.push(8);
        let content = Control {
            acks,
            acked_session: Some(SessionId([9; 8])),
            packet_id: Some(5),
            payload: &[],
        };
        let mut packet = Vec::new();
        write_control(
            Opcode::Control,
            KeyId::FIRST,
            SessionId([1; 8]),
            &content,
            &mut packet,
        );
        assert_eq!(packet.len(), control_overhead(2));
        for len in 0..packet.len() {
            let parsed = Outer::parse(&packet[..len])
                .and_then(|outer| Control::parse(outer.opcode, outer.inner));
            assert_eq!(parsed.err(), Some(Discard::Truncated), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            std::hint::black_box(&peek(&bytes));
            if let Ok(outer) = Outer::parse(&bytes) {
                std::hint::black_box(&Control::parse(outer.opcode, outer.inner));
            }
        }

        #[test]
        fn what_is_written_is_read_back(
            ids in proptest::collection::vec(any::<u32>(), 0..=8),
            packet_id: u32,
            payload in proptest::collection::vec(any::<u8>(), 0..40),
            key in 0u8..8,
        ) {
            let mut acks = AckList::default();
            for id in &ids {
                acks.push(*id);
            }
            let content = Control {
                acks,
                acked_session: (!ids.is_empty()).then_some(SessionId([3; 8])),
                packet_id: Some(packet_id),
                payload: &payload,
            };
            let mut packet = Vec::new();
            write_control(Opcode::Control, KeyId(key), SessionId([4; 8]), &content, &mut packet);
            prop_assert_eq!(packet.len(), control_overhead(ids.len()) + payload.len());
            let outer = Outer::parse(&packet).unwrap();
            prop_assert_eq!(outer.key_id, KeyId(key));
            prop_assert_eq!(Control::parse(outer.opcode, outer.inner).unwrap(), content);
        }
    }
}
