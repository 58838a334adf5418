//! The stateless answer to a UDP client's first packet, and the proof it must bring back.
//!
//! Our session id towards a client is a keyed hash of its address, its session id and the time. A client
//! that acknowledges it can receive at its address, and until then it costs no memory: nothing is
//! allocated, nothing is stored, and the answer is 26 bytes under two limits (wire reference, section 4).

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use aws_lc_rs::{constant_time, hmac};

use super::packet::{self, AckList, Control, KeyId, Opcode, Outer, SessionId};
use super::{Discard, Random};

/// What to do with a packet from an address that has no session.
#[derive(Debug)]
pub enum Verdict {
    /// Drop it and count the reason.
    Drop(Discard),
    /// Send the bytes that were appended to `reply` back to the sender; keep nothing.
    Reply,
    /// The sender proved its address: make a session ([`super::Control::server`]) and feed it this very
    /// packet.
    Accept(Accepted),
}

/// Proof that a client may have a session; only an [`Acceptor`] and [`Accepted::stream`] make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub(crate) local: SessionId,
    pub(crate) remote: SessionId,
    pub(crate) resets_done: bool,
}

impl Accepted {
    /// Accepts a TCP client by its first packet. TCP itself has proven the address.
    ///
    /// # Errors
    /// A [`Discard`] if the packet is no first packet of a client; the connection should end.
    pub fn stream(first_packet: &[u8], random: &mut dyn Random) -> Result<Self, Discard> {
        let outer = Outer::parse(first_packet)?;
        require_first_reset(&outer)?;
        let local = super::random::session_id(random).ok_or(Discard::SessionEnded)?;
        Ok(Self {
            local,
            remote: outer.session_id,
            resets_done: false,
        })
    }

    /// The client's session id.
    #[must_use]
    pub fn remote_session_id(&self) -> SessionId {
        self.remote
    }

    /// Our session id towards the client.
    #[must_use]
    pub fn local_session_id(&self) -> SessionId {
        self.local
    }
}

/// How many first packets are answered.
#[derive(Clone, Copy, Debug)]
pub struct AcceptorLimits {
    /// Answers per second to one IPv4 /24 or IPv6 /56.
    pub per_prefix_rate: f32,
    /// Answers that one prefix may draw at once.
    pub per_prefix_burst: f32,
    /// Answers per second in total.
    pub global_rate: f32,
    /// Answers that may go out at once in total.
    pub global_burst: f32,
}

impl Default for AcceptorLimits {
    /// Sized so that two thousand clients behind a few prefixes are back within seconds after a
    /// restart, while answers to forged addresses stay below 20 Mbit/s.
    fn default() -> Self {
        Self {
            per_prefix_rate: 200.0,
            per_prefix_burst: 2_000.0,
            global_rate: 20_000.0,
            global_burst: 40_000.0,
        }
    }
}

/// Answers first packets on a UDP listener without keeping state per client.
#[derive(Debug)]
pub struct Acceptor {
    key: hmac::Key,
    epoch: Instant,
    limits: AcceptorLimits,
    global: Bucket,
    /// Prefixes share buckets by a secret hash, so the table never grows.
    prefixes: Box<[Bucket]>,
    hasher: RandomState,
}

impl Acceptor {
    /// An acceptor with a fresh secret. Listeners may not share one.
    ///
    /// `None` if the random source failed.
    #[must_use]
    pub fn new(now: Instant, limits: AcceptorLimits, random: &mut dyn Random) -> Option<Self> {
        let mut key = [0; 32];
        random.fill(&mut key).then(|| Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            epoch: now,
            limits,
            global: Bucket {
                tokens: limits.global_burst,
                at: now,
            },
            prefixes: vec![
                Bucket {
                    tokens: limits.per_prefix_burst,
                    at: now
                };
                PREFIX_BUCKETS
            ]
            .into(),
            hasher: RandomState::new(),
        })
    }

    /// Judges a packet from `remote`, which has no session, that arrived at `local`.
    ///
    /// With [`Verdict::Reply`] the answer was appended to `reply`.
    pub fn handle(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        datagram: &[u8],
        reply: &mut Vec<u8>,
    ) -> Verdict {
        let address = Addresses { local, remote };
        self.judge(now, &address, datagram, reply)
            .unwrap_or_else(Verdict::Drop)
    }

    fn judge(
        &mut self,
        now: Instant,
        address: &Addresses,
        datagram: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<Verdict, Discard> {
        let outer = Outer::parse(datagram)?;
        match outer.opcode {
            Opcode::HardResetClientV2 => {
                require_first_reset(&outer)?;
                self.challenge(now, address, outer.session_id, reply)
            }
            Opcode::Control | Opcode::Ack => {
                let content = first_content(&outer)?;
                match content.acked_session {
                    Some(cookie) => self.check(now, address, outer.session_id, cookie),
                    // OpenVPN 2.4 and 2.5 acknowledge the reset only once. If that was lost they go on
                    // without our session id; asking again makes them repeat it, and the answer is
                    // smaller than the question.
                    None if outer.opcode == Opcode::Control
                        && content.payload.len() >= MIN_CLIENT_HELLO =>
                    {
                        self.challenge(now, address, outer.session_id, reply)
                    }
                    None => Err(Discard::NotAFirstPacket),
                }
            }
            _ => Err(Discard::UnexpectedOpcode),
        }
    }

    fn challenge(
        &mut self,
        now: Instant,
        address: &Addresses,
        client: SessionId,
        reply: &mut Vec<u8>,
    ) -> Result<Verdict, Discard> {
        self.spend(now, address.remote.ip())?;
        let cookie = self.cookie(self.slot(now), address, client);
        let mut acks = AckList::default();
        acks.push(0);
        let content = Control {
            acks,
            acked_session: Some(client),
            packet_id: Some(0),
            payload: &[],
        };
        packet::write_control(
            Opcode::HardResetServerV2,
            KeyId::FIRST,
            cookie,
            &content,
            reply,
        );
        Ok(Verdict::Reply)
    }

    fn check(
        &self,
        now: Instant,
        address: &Addresses,
        client: SessionId,
        cookie: SessionId,
    ) -> Result<Verdict, Discard> {
        let current = self.slot(now);
        let is_ours = (current.saturating_sub(OLD_SLOTS)..=current).any(|slot| {
            let expected = self.cookie(slot, address, client);
            constant_time::verify_slices_are_equal(expected.as_bytes(), cookie.as_bytes()).is_ok()
        });
        if !is_ours {
            return Err(Discard::BadCookie);
        }
        Ok(Verdict::Accept(Accepted {
            local: cookie,
            remote: client,
            resets_done: true,
        }))
    }

    fn slot(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.epoch).as_secs() / SLOT.as_secs()
    }

    fn cookie(&self, slot: u64, address: &Addresses, client: SessionId) -> SessionId {
        let mut mac = hmac::Context::with_key(&self.key);
        mac.update(&slot.to_be_bytes());
        for socket in [address.local, address.remote] {
            match socket.ip() {
                IpAddr::V4(ip) => {
                    mac.update(&[4]);
                    mac.update(&ip.octets());
                }
                IpAddr::V6(ip) => {
                    mac.update(&[6]);
                    mac.update(&ip.octets());
                }
            }
            mac.update(&socket.port().to_be_bytes());
        }
        mac.update(client.as_bytes());
        let tag = mac.sign();
        let mut id = *tag
            .as_ref()
            .first_chunk()
            .expect("an HMAC-SHA256 tag has 32 bytes");
        if id == [0; SessionId::LEN] {
            id[0] = 1;
        }
        SessionId::new(id)
    }

    fn spend(&mut self, now: Instant, remote: IpAddr) -> Result<(), Discard> {
        let index = usize::try_from(self.hasher.hash_one(prefix(remote)) % PREFIX_BUCKETS as u64)
            .expect("smaller than a table's length");
        let limits = self.limits;
        // The prefix first: one loud prefix must not use up what belongs to all.
        if self.prefixes[index].take(now, limits.per_prefix_rate, limits.per_prefix_burst)
            && self
                .global
                .take(now, limits.global_rate, limits.global_burst)
        {
            Ok(())
        } else {
            Err(Discard::RateLimited)
        }
    }
}

struct Addresses {
    local: SocketAddr,
    remote: SocketAddr,
}

fn require_first_reset(outer: &Outer<'_>) -> Result<(), Discard> {
    if outer.opcode != Opcode::HardResetClientV2 {
        return Err(Discard::UnexpectedOpcode);
    }
    let content = first_content(outer)?;
    if content.packet_id == Some(0) && content.acks.is_empty() {
        Ok(())
    } else {
        Err(Discard::NotAFirstPacket)
    }
}

/// The inside of a packet that can open a session: of the first key, and among the first two packets of
/// either side.
fn first_content<'a>(outer: &Outer<'a>) -> Result<Control<'a>, Discard> {
    if outer.key_id != KeyId::FIRST {
        return Err(Discard::NotAFirstPacket);
    }
    let content = Control::parse(outer.opcode, outer.inner)?;
    let is_early = content.acks.as_slice().iter().all(|id| *id <= 1)
        && content.packet_id.is_none_or(|id| id <= 1);
    if is_early {
        Ok(content)
    } else {
        Err(Discard::NotAFirstPacket)
    }
}

/// The part of an address that one customer usually has to itself: /24, or /56 for IPv6.
fn prefix(address: IpAddr) -> [u8; 8] {
    let mut prefix = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            prefix[0] = 4;
            prefix[1..4].copy_from_slice(&ip.octets()[..3]);
        }
        IpAddr::V6(ip) => {
            prefix[0] = 6;
            prefix[1..8].copy_from_slice(&ip.octets()[..7]);
        }
    }
    prefix
}

/// A token bucket that refills as time passes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    pub(crate) tokens: f32,
    pub(crate) at: Instant,
}

impl Bucket {
    /// Takes one token if there is one.
    pub(crate) fn take(&mut self, now: Instant, rate: f32, burst: f32) -> bool {
        self.take_many(now, 1.0, rate, burst)
    }

    /// Takes `count` tokens if there are as many.
    pub(crate) fn take_many(&mut self, now: Instant, count: f32, rate: f32, burst: f32) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f32();
        self.at = self.at.max(now);
        self.tokens = (self.tokens + passed * rate).min(burst);
        let is_enough = self.tokens >= count;
        if is_enough {
            self.tokens -= count;
        }
        is_enough
    }
}

/// Half of the 60 s in which a client must finish its handshake.
const SLOT: Duration = Duration::from_secs(30);
/// How many slots before the current one a cookie stays good: a client repeats its first packet for as
/// long as a handshake may take.
const OLD_SLOTS: u64 = 2;
/// No TLS ClientHello is shorter; below it the 26-byte answer might be larger than the question.
const MIN_CLIENT_HELLO: usize = 60;
const PREFIX_BUCKETS: usize = 8192;
