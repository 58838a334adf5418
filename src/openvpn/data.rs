//! The data channel of one session: seals and opens packets, keeps the session alive (wire reference,
//! sections 9 and 13).
//!
//! [`Data`] is owned by one worker. It never waits and allocates nothing per packet. It holds up to
//! eight keys, one per key id; [`super::Control`] says which to install, to send with and to forget, and
//! is told what it must know by [`DataEvent`]s.

use std::ops::Range;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce, UnboundKey};

use super::keys::{DataFormat, DataKeys, Framing};
use super::packet::{KeyId, Opcode, PeerId};
use super::replay::ReplayWindow;
use super::{Discard, mss};

/// Bytes that must be free before a payload for [`Data::seal`].
pub const HEADROOM: usize = MAX_HEADER + PACKET_ID + TAG + MAX_FRAMING;

/// How a session's data channel behaves; part of [`super::Session`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataConfig {
    /// Send a ping when nothing was sent for this long.
    pub ping: Option<Duration>,
    /// The peer is gone when nothing was heard for this long.
    pub silence: Option<Duration>,
    /// The largest TCP segment to let through in a SYN over IPv4, in bytes; 20 less over IPv6.
    pub max_segment: Option<u16>,
}

/// What an opened packet holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// An IPv4 or IPv6 packet, at this place in the buffer.
    Packet(Range<usize>),
    /// The peer is alive.
    Ping,
    /// The peer leaves; [`DataEvent::PeerExit`] follows.
    Exit,
    /// The peer asks for our options; [`Data::poll_transmit`] has the answer.
    OptionsRequest,
    /// A message that needs no answer.
    Ignored,
}

/// Why a payload could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SealError {
    /// No key may be used for sending yet.
    #[error("no key to send with")]
    NoKey,
    /// The key has been used as often as it may be; a rekey is under way.
    #[error("the key is used up")]
    KeyExhausted,
    /// Less than [`HEADROOM`] bytes before the payload, or no payload.
    #[error("the payload is empty or has too little room before it")]
    NoRoom,
}

/// What a worker carries to the session's [`super::Control`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataEvent {
    /// The peer used this key for the first time: it has the keys, so we may use them too.
    KeyInUse(KeyId),
    /// This key is close to its limits.
    RekeyWanted(KeyId),
    /// The peer said that it leaves.
    PeerExit,
    /// Nothing was heard from the peer for the agreed time.
    PeerSilent,
}

/// Packets and bytes of the inner traffic since the session began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// IP packets received from the peer.
    pub packets_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// IP packets sent to the peer.
    pub packets_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
}

/// The data channel of one session.
#[derive(Debug)]
pub struct Data {
    config: DataConfig,
    keys: [Option<Box<Key>>; 8],
    sending: Option<KeyId>,
    last_sent: Instant,
    last_heard: Instant,
    due: Due,
    events: Events,
    traffic: Traffic,
    options: Box<[u8]>,
    installed: u64,
}

/// Messages of our own that wait to be sealed.
#[derive(Debug, Default)]
struct Due {
    ping: bool,
    exit: bool,
    options: bool,
}

/// Events that wait to be polled; each happens at most once per key, so a few flags hold them all.
#[derive(Debug, Default)]
struct Events {
    in_use: Option<KeyId>,
    rekey: Option<KeyId>,
    exit: bool,
    silent: bool,
    is_silence_told: bool,
    is_exit_told: bool,
}

impl Data {
    /// A data channel without keys. `options` is what the peer gets that asks for our options string.
    #[must_use]
    pub fn new(now: Instant, config: DataConfig, options: &str) -> Self {
        let mut answer = OCC_MAGIC.to_vec();
        answer.push(OCC_REPLY);
        answer.extend_from_slice(options.as_bytes());
        answer.push(0);
        Self {
            config,
            keys: Default::default(),
            sending: None,
            last_sent: now,
            last_heard: now,
            due: Due::default(),
            events: Events::default(),
            traffic: Traffic::default(),
            options: answer.into(),
            installed: 0,
        }
    }

    /// Makes a key usable for receiving. The first key is used for sending at once; a later one only
    /// after [`Data::promote`] or the peer's first packet with it.
    pub fn install(&mut self, now: Instant, keys: &DataKeys) {
        let id = keys.key_id;
        self.installed += 1;
        self.keys[id.as_index()] = Some(Box::new(Key::new(keys, self.installed)));
        if self.sending.is_none() {
            self.sending = Some(id);
            self.last_heard = self.last_heard.max(now);
        }
    }

    /// Sends with `key` from now on, if it is installed.
    pub fn promote(&mut self, key: KeyId) {
        if self.keys[key.as_index()].is_some() {
            self.sending = Some(key);
        }
    }

    /// Forgets `key`, unless it is the one used for sending.
    pub fn retire(&mut self, key: KeyId) {
        if self.sending != Some(key) {
            self.keys[key.as_index()] = None;
        }
    }

    /// Takes over a changed keepalive or segment limit.
    pub fn set_config(&mut self, config: DataConfig) {
        self.config = config;
    }

    /// Notes that the peer was heard on the control channel.
    pub fn heard(&mut self, now: Instant) {
        self.last_heard = self.last_heard.max(now);
    }

    /// When a packet of the peer was last opened.
    #[must_use]
    pub fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// What has passed so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Opens `packet` in place. Only when this succeeds may the owner move the session to the address
    /// that the packet came from.
    ///
    /// # Errors
    /// A [`Discard`]; the packet's bytes are then undefined.
    pub fn open(&mut self, now: Instant, packet: &mut [u8]) -> Result<Opened, Discard> {
        let (first, _) = packet.split_first().ok_or(Discard::Truncated)?;
        let id = KeyId::from_first_byte(*first);
        let key = self.keys[id.as_index()]
            .as_mut()
            .ok_or(Discard::UnknownDataKey)?;
        let payload = key.open(packet)?;
        let framing = key.framing;
        let generation = key.generation;
        self.last_heard = self.last_heard.max(now);
        if generation > self.sending_generation() {
            // The peer has the newer key, so it can open what is sealed with it.
            self.events.in_use = Some(id);
            self.sending = Some(id);
        }
        let content = unframe(framing, packet, payload)?;
        self.sort(packet, content)
    }

    /// Seals the bytes of `buffer` in `payload` in place. The [`HEADROOM`] bytes before the payload are
    /// overwritten; the range of the finished packet is returned.
    ///
    /// # Errors
    /// A [`SealError`]; the packet cannot be sent.
    pub fn seal(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        payload: Range<usize>,
    ) -> Result<Range<usize>, SealError> {
        if payload.start < HEADROOM || payload.is_empty() || payload.end > buffer.len() {
            return Err(SealError::NoRoom);
        }
        if let Some(max_segment) = self.config.max_segment {
            mss::clamp(&mut buffer[payload.clone()], max_segment);
        }
        let len = payload.len();
        let packet = self.seal_message(now, buffer, payload)?;
        self.traffic.packets_out += 1;
        self.traffic.bytes_out += len as u64;
        Ok(packet)
    }

    /// Appends one packet of our own (a ping, an exit, an answer to an options request) to `out`, if one
    /// is due. Call until it returns `false`.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        out.resize(start + HEADROOM, 0);
        if std::mem::take(&mut self.due.options) {
            out.extend_from_slice(&self.options);
        } else if std::mem::take(&mut self.due.exit) {
            out.extend_from_slice(&EXIT_MESSAGE);
        } else if std::mem::take(&mut self.due.ping) {
            out.extend_from_slice(&PING);
        } else {
            out.truncate(start);
            return false;
        }
        let end = out.len();
        if let Ok(packet) = self.seal_message(now, out, start + HEADROOM..end) {
            out.drain(start..packet.start);
            true
        } else {
            out.truncate(start);
            false
        }
    }

    /// Something for [`super::Control::handle_data_event`]. Call until `None`.
    pub fn poll_event(&mut self) -> Option<DataEvent> {
        let events = &mut self.events;
        if let Some(key) = events.in_use.take() {
            return Some(DataEvent::KeyInUse(key));
        }
        if let Some(key) = events.rekey.take() {
            return Some(DataEvent::RekeyWanted(key));
        }
        if std::mem::take(&mut events.exit) {
            return Some(DataEvent::PeerExit);
        }
        std::mem::take(&mut events.silent).then_some(DataEvent::PeerSilent)
    }

    /// When [`Data::handle_timeout`] must be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sending?;
        let ping = self
            .config
            .ping
            .filter(|_| !self.due.ping)
            .map(|after| self.last_sent + after);
        let silent = self
            .config
            .silence
            .filter(|_| !self.events.is_silence_told)
            .map(|after| self.last_heard + after);
        ping.into_iter().chain(silent).min()
    }

    /// Does what is due at `now`. Drain [`Data::poll_transmit`] and [`Data::poll_event`] afterwards.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.sending.is_none() {
            return;
        }
        if self
            .config
            .ping
            .is_some_and(|after| now >= self.last_sent + after)
        {
            self.due.ping = true;
            // Also when it cannot be sealed: a key at its end must not make the deadline stand still.
            self.last_sent = now;
        }
        if !self.events.is_silence_told
            && self
                .config
                .silence
                .is_some_and(|after| now >= self.last_heard + after)
        {
            self.events.silent = true;
            self.events.is_silence_told = true;
        }
    }

    /// Tells the peer by a data packet that we leave, for peers that do not know the control message.
    pub fn send_exit(&mut self) {
        self.due.exit = true;
    }

    fn sending_generation(&self) -> u64 {
        self.sending
            .and_then(|id| self.keys[id.as_index()].as_ref())
            .map_or(0, |key| key.generation)
    }

    fn seal_message(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        payload: Range<usize>,
    ) -> Result<Range<usize>, SealError> {
        let id = self.sending.ok_or(SealError::NoKey)?;
        let key = self.keys[id.as_index()].as_mut().ok_or(SealError::NoKey)?;
        let payload = frame(key.framing, buffer, payload);
        let packet = key.seal(buffer, payload)?;
        if key.wants_rekey() {
            key.is_rekey_told = true;
            self.events.rekey = Some(id);
        }
        self.last_sent = self.last_sent.max(now);
        Ok(packet)
    }

    /// Tells inner packets from messages of OpenVPN's own, which must never leave the tunnel.
    fn sort(&mut self, packet: &mut [u8], content: Range<usize>) -> Result<Opened, Discard> {
        let bytes = &mut packet[content.clone()];
        if *bytes == PING {
            return Ok(Opened::Ping);
        }
        if let Some(message) = bytes.strip_prefix(&OCC_MAGIC) {
            let operation = message.first().copied();
            return Ok(self.handle_occ(operation));
        }
        match bytes.first().map(|first| first >> 4) {
            Some(4 | 6) => {}
            _ => return Err(Discard::NotIp),
        }
        if let Some(max_segment) = self.config.max_segment {
            mss::clamp(bytes, max_segment);
        }
        self.traffic.packets_in += 1;
        self.traffic.bytes_in += content.len() as u64;
        Ok(Opened::Packet(content))
    }

    fn handle_occ(&mut self, operation: Option<u8>) -> Opened {
        match operation {
            Some(OCC_REQUEST) => {
                self.due.options = true;
                Opened::OptionsRequest
            }
            Some(OCC_EXIT) => {
                if !self.events.is_exit_told {
                    self.events.is_exit_told = true;
                    self.events.exit = true;
                }
                Opened::Exit
            }
            _ => Opened::Ignored,
        }
    }
}

/// One installed key, both directions.
struct Key {
    id: KeyId,
    /// Which of the session's keys this is, counted from 1: ids come around, this does not.
    generation: u64,
    seal: LessSafeKey,
    open: LessSafeKey,
    seal_iv: [u8; 8],
    open_iv: [u8; 8],
    format: DataFormat,
    framing: Framing,
    /// The id of the next packet to send; `None` once the last was used.
    next_id: Option<u32>,
    /// Blocks and packets sealed, against `usage_limit`.
    usage: u64,
    usage_limit: u64,
    failed_opens: u64,
    replay: ReplayWindow,
    is_rekey_told: bool,
}

impl Key {
    fn new(keys: &DataKeys, generation: u64) -> Self {
        let algorithm = keys.cipher.algorithm();
        let of = |bytes: &[u8]| {
            LessSafeKey::new(
                UnboundKey::new(algorithm, &bytes[..algorithm.key_len()])
                    .expect("64 bytes hold a key of any of these algorithms"),
            )
        };
        let outgoing = keys.material.direction(keys.role);
        let incoming = keys.material.direction(keys.role.other());
        Self {
            id: keys.key_id,
            generation,
            seal: of(outgoing.cipher),
            open: of(incoming.cipher),
            seal_iv: *outgoing.implicit_iv,
            open_iv: *incoming.implicit_iv,
            format: keys.format,
            framing: keys.framing,
            next_id: Some(1),
            usage: 0,
            usage_limit: keys.cipher.usage_limit(),
            failed_opens: 0,
            replay: ReplayWindow::default(),
            is_rekey_told: false,
        }
    }

    /// Opens in place and returns where the plaintext lies, at least one byte.
    fn open(&mut self, packet: &mut [u8]) -> Result<Range<usize>, Discard> {
        let header_len = self.check_format(packet)?;
        let text_at = header_len + PACKET_ID + TAG;
        if packet.len() <= text_at {
            return Err(Discard::Truncated);
        }
        if self.failed_opens >= MAX_FAILED_OPENS {
            return Err(Discard::KeyExhausted);
        }
        let (head, text) = packet.split_at_mut(text_at);
        let (head, tag) = head.split_at(header_len + PACKET_ID);
        let id_bytes = *head
            .last_chunk::<PACKET_ID>()
            .expect("the header ends with the packet id");
        let id = u32::from_be_bytes(id_bytes);
        if id == 0 {
            return Err(Discard::ZeroPacketId);
        }
        let aad = self.associated(head);
        let opened = self.open.open_in_place_separate_tag(
            nonce(id_bytes, self.open_iv),
            Aad::from(aad),
            tag,
            text,
        );
        if opened.is_err() {
            self.failed_opens += 1;
            return Err(Discard::BadTag);
        }
        if !self.replay.accept(id) {
            return Err(Discard::Replayed);
        }
        Ok(text_at..packet.len())
    }

    fn seal(
        &mut self,
        buffer: &mut [u8],
        payload: Range<usize>,
    ) -> Result<Range<usize>, SealError> {
        let id = self.next_id.ok_or(SealError::KeyExhausted)?;
        let usage = self
            .usage
            .saturating_add(1 + (payload.len() as u64).div_ceil(BLOCK));
        if usage > self.usage_limit {
            return Err(SealError::KeyExhausted);
        }
        let header_len = self.header_len();
        let start = payload.start - header_len - PACKET_ID - TAG;
        let (head, text) = buffer[start..payload.end].split_at_mut(header_len + PACKET_ID + TAG);
        let (head, tag_slot) = head.split_at_mut(header_len + PACKET_ID);
        self.write_header(head, id);
        let aad = self.associated(head);
        // The id is spent before it is used: whatever happens, no nonce is used twice.
        self.next_id = id.checked_add(1);
        self.usage = usage;
        let tag = self
            .seal
            .seal_in_place_separate_tag(nonce(id.to_be_bytes(), self.seal_iv), Aad::from(aad), text)
            .map_err(|_| SealError::KeyExhausted)?;
        tag_slot.copy_from_slice(tag.as_ref());
        Ok(start..payload.end)
    }

    fn header_len(&self) -> usize {
        match self.format {
            DataFormat::V1 => 1,
            DataFormat::V2(_) => MAX_HEADER,
        }
    }

    fn write_header(&self, head: &mut [u8], id: u32) {
        match self.format {
            DataFormat::V1 => head[0] = self.id.first_byte(Opcode::DataV1),
            DataFormat::V2(peer) => {
                head[..MAX_HEADER].copy_from_slice(&peer.as_u32().to_be_bytes());
                head[0] = self.id.first_byte(Opcode::DataV2);
            }
        }
        let id_at = head.len() - PACKET_ID;
        head[id_at..].copy_from_slice(&id.to_be_bytes());
    }

    /// The packet must have the negotiated format; its header's length is returned.
    fn check_format(&self, packet: &[u8]) -> Result<usize, Discard> {
        let header = super::packet::peek(packet).ok_or(Discard::Truncated)?;
        let is_expected = match self.format {
            DataFormat::V1 => header.opcode == Opcode::DataV1,
            DataFormat::V2(peer) => {
                header.opcode == Opcode::DataV2
                    && header.peer_id.map(PeerId::as_u32) == Some(peer.as_u32())
            }
        };
        if is_expected {
            Ok(self.header_len())
        } else {
            Err(Discard::UnexpectedOpcode)
        }
    }

    /// DATA_V1 authenticates the packet id only, DATA_V2 the whole header.
    fn associated<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        match self.format {
            DataFormat::V1 => &head[1..],
            DataFormat::V2(_) => head,
        }
    }

    fn wants_rekey(&self) -> bool {
        let is_close = self.next_id.is_none_or(|id| id >= REKEY_AT_ID)
            || self.usage >= self.usage_limit / 8 * 7;
        is_close && !self.is_rekey_told
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

fn nonce(packet_id: [u8; PACKET_ID], implicit_iv: [u8; 8]) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..PACKET_ID].copy_from_slice(&packet_id);
    nonce[PACKET_ID..].copy_from_slice(&implicit_iv);
    Nonce::assume_unique_for_key(nonce)
}

/// Puts what old compression options demand before the payload.
fn frame(framing: Framing, buffer: &mut [u8], payload: Range<usize>) -> Range<usize> {
    let prefix: &[u8] = match framing {
        Framing::LzoStub => &[NO_COMPRESSION],
        Framing::StubV2 if buffer[payload.start] == STUB_V2_ESCAPE => &[STUB_V2_ESCAPE, 0],
        Framing::StubV2 | Framing::None => &[],
    };
    let start = payload.start - prefix.len();
    buffer[start..payload.start].copy_from_slice(prefix);
    start..payload.end
}

/// Removes what old compression options put before the payload.
fn unframe(
    framing: Framing,
    packet: &mut [u8],
    text: Range<usize>,
) -> Result<Range<usize>, Discard> {
    let bytes = &mut packet[text.clone()];
    let content = match (framing, bytes) {
        (Framing::LzoStub, [NO_COMPRESSION, ..]) => text.start + 1..text.end,
        (Framing::LzoStub, [NO_COMPRESSION_SWAP, rest @ ..]) => {
            // The payload's first byte was moved to its end to keep the rest aligned.
            rest.rotate_right(1);
            text.start + 1..text.end
        }
        (Framing::LzoStub, _) => return Err(Discard::Compressed),
        (Framing::StubV2, [STUB_V2_ESCAPE, 0, ..]) => text.start + 2..text.end,
        (Framing::StubV2, [STUB_V2_ESCAPE, ..]) => return Err(Discard::Compressed),
        (Framing::StubV2 | Framing::None, _) => text,
    };
    Ok(content)
}

const MAX_HEADER: usize = 4;
const PACKET_ID: usize = 4;
const TAG: usize = 16;
const MAX_FRAMING: usize = 2;
/// Bytes in an AES block, in which the usage of a key is counted.
const BLOCK: u64 = 16;

/// Where stock OpenVPN starts a rekey, 2²⁴ packets before the end.
const REKEY_AT_ID: u32 = 0xff00_0000;
const MAX_FAILED_OPENS: u64 = 1 << 36;

const NO_COMPRESSION: u8 = 0xfa;
const NO_COMPRESSION_SWAP: u8 = 0xfb;
const STUB_V2_ESCAPE: u8 = 0x50;

const PING: [u8; 16] = [
    0x2a, 0x18, 0x7b, 0xf3, 0x64, 0x1e, 0xb4, 0xcb, 0x07, 0xed, 0x2d, 0x0a, 0x98, 0x1f, 0xc7, 0x48,
];
const OCC_MAGIC: [u8; 16] = [
    0x28, 0x7f, 0x34, 0x6b, 0xd4, 0xef, 0x7a, 0x81, 0x2d, 0x56, 0xb8, 0xd3, 0xaf, 0xc5, 0x45, 0x9c,
];
const OCC_REQUEST: u8 = 0;
const OCC_REPLY: u8 = 1;
const OCC_EXIT: u8 = 6;
const EXIT_MESSAGE: [u8; 17] = {
    let mut message = [OCC_EXIT; 17];
    let mut at = 0;
    while at < OCC_MAGIC.len() {
        message[at] = OCC_MAGIC[at];
        at += 1;
    }
    message
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openvpn::keys::KeyMaterial;
    use crate::openvpn::{Cipher, Role};

    fn data() -> (Instant, Data) {
        let now = Instant::now();
        let config = DataConfig {
            ping: None,
            silence: None,
            max_segment: None,
        };
        let mut data = Data::new(now, config, "V4");
        data.install(
            now,
            &DataKeys {
                key_id: KeyId::FIRST,
                cipher: Cipher::Aes256Gcm,
                format: DataFormat::V1,
                framing: Framing::None,
                role: Role::Server,
                material: KeyMaterial::new([9; 256]),
            },
        );
        (now, data)
    }

    fn seal(now: Instant, data: &mut Data) -> Result<Range<usize>, SealError> {
        let mut buffer = vec![0x45; HEADROOM + 40];
        data.seal(now, &mut buffer, HEADROOM..HEADROOM + 40)
    }

    fn key(data: &mut Data) -> &mut Key {
        data.keys[0].as_mut().unwrap()
    }

    /// CVE-2017-7479: the end of the packet ids must neither wrap nor panic.
    #[test]
    fn a_key_near_its_last_packet_id_asks_once_for_a_rekey_and_then_refuses() {
        let (now, mut data) = data();
        key(&mut data).next_id = Some(REKEY_AT_ID - 2);
        assert!(seal(now, &mut data).is_ok());
        assert_eq!(data.poll_event(), None);
        assert!(seal(now, &mut data).is_ok());
        assert_eq!(
            data.poll_event(),
            Some(DataEvent::RekeyWanted(KeyId::FIRST))
        );
        key(&mut data).next_id = Some(u32::MAX);
        assert!(seal(now, &mut data).is_ok());
        assert_eq!(data.poll_event(), None);
        assert_eq!(seal(now, &mut data), Err(SealError::KeyExhausted));
        assert_eq!(seal(now, &mut data), Err(SealError::KeyExhausted));
    }

    #[test]
    fn a_key_is_not_used_beyond_the_limits_of_its_cipher() {
        let (now, mut data) = data();
        let limit = key(&mut data).usage_limit;
        assert_eq!(limit, (1 << 36) - 1);
        key(&mut data).usage = limit / 8 * 7;
        assert!(seal(now, &mut data).is_ok());
        assert_eq!(
            data.poll_event(),
            Some(DataEvent::RekeyWanted(KeyId::FIRST))
        );
        key(&mut data).usage = limit - 3;
        assert_eq!(
            seal(now, &mut data),
            Err(SealError::KeyExhausted),
            "40 bytes are four units"
        );
        key(&mut data).failed_opens = MAX_FAILED_OPENS;
        let mut packet = vec![6 << 3; 60];
        assert_eq!(data.open(now, &mut packet), Err(Discard::KeyExhausted));
    }

    #[test]
    fn without_a_key_nothing_is_sealed_and_no_deadline_runs() {
        let now = Instant::now();
        let config = DataConfig {
            ping: Some(Duration::from_secs(1)),
            silence: None,
            max_segment: None,
        };
        let mut data = Data::new(now, config, "V4");
        assert_eq!(seal(now, &mut data), Err(SealError::NoKey));
        assert_eq!(data.poll_timeout(), None);
    }
}
