//! The stateless start: what proves an address, and what must not.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::pair::{CLIENT, Dice, SERVER};
use crate::openvpn::packet::{AckList, Control, write_control};
use crate::openvpn::*;

const SID: SessionId = SessionId::new([7; 8]);

struct Desk {
    acceptor: Acceptor,
    start: Instant,
}

impl Desk {
    fn new(limits: AcceptorLimits) -> Self {
        let start = Instant::now();
        Self {
            acceptor: Acceptor::new(start, limits, &mut Dice::new(3)).unwrap(),
            start,
        }
    }

    fn ask(
        &mut self,
        after: Duration,
        local: &str,
        remote: &str,
        packet: &[u8],
    ) -> (Verdict, Vec<u8>) {
        let mut reply = Vec::new();
        let (local, remote): (SocketAddr, SocketAddr) =
            (local.parse().unwrap(), remote.parse().unwrap());
        let verdict = self
            .acceptor
            .handle(self.start + after, local, remote, packet, &mut reply);
        (verdict, reply)
    }

    /// The cookie that a client gets for its first packet.
    fn cookie(&mut self, after: Duration) -> SessionId {
        let (verdict, reply) = self.ask(
            after,
            SERVER,
            CLIENT,
            &packet(Opcode::HardResetClientV2, SID, None, &[], Some(0)),
        );
        assert!(matches!(verdict, Verdict::Reply));
        assert_eq!(reply.len(), 26);
        peek(&reply).unwrap().session_id.unwrap()
    }
}

fn packet(
    opcode: Opcode,
    from: SessionId,
    to: Option<SessionId>,
    acks: &[u32],
    id: Option<u32>,
) -> Vec<u8> {
    packet_under(KeyId::FIRST, opcode, from, to, acks, id)
}

fn packet_under(
    key: KeyId,
    opcode: Opcode,
    from: SessionId,
    to: Option<SessionId>,
    acks: &[u32],
    id: Option<u32>,
) -> Vec<u8> {
    let mut list = AckList::default();
    acks.iter().for_each(|id| list.push(*id));
    let content = Control {
        acks: list,
        acked_session: to,
        packet_id: id,
        payload: &[0x16; 100],
    };
    let content = if opcode == Opcode::Control {
        content
    } else {
        Control {
            payload: &[],
            ..content
        }
    };
    let mut out = Vec::new();
    write_control(opcode, key, from, &content, &mut out);
    out
}

fn is_accepted(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Accept(_))
}

#[test]
fn a_returned_cookie_makes_a_session_with_both_kinds_of_packet() {
    let mut desk = Desk::new(AcceptorLimits::default());
    let cookie = desk.cookie(Duration::ZERO);
    for (opcode, id) in [(Opcode::Ack, None), (Opcode::Control, Some(1))] {
        let (verdict, reply) = desk.ask(
            Duration::ZERO,
            SERVER,
            CLIENT,
            &packet(opcode, SID, Some(cookie), &[0], id),
        );
        let Verdict::Accept(accepted) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(
            (accepted.local_session_id(), accepted.remote_session_id()),
            (cookie, SID)
        );
        assert!(reply.is_empty());
    }
}

#[test]
fn a_cookie_is_good_in_its_slot_and_the_two_after_it() {
    let mut desk = Desk::new(AcceptorLimits::default());
    let cookie = desk.cookie(Duration::from_secs(5));
    let proof = packet(Opcode::Ack, SID, Some(cookie), &[0], None);
    for (after, is_good) in [
        (29, true),
        (60, true),
        (89, true),
        (90, false),
        (4000, false),
    ] {
        let (verdict, _) = desk.ask(Duration::from_secs(after), SERVER, CLIENT, &proof);
        assert_eq!(is_accepted(&verdict), is_good, "after {after} s");
    }
    let future = desk.cookie(Duration::from_secs(31));
    let (verdict, _) = desk.ask(
        Duration::from_secs(29),
        SERVER,
        CLIENT,
        &packet(Opcode::Ack, SID, Some(future), &[0], None),
    );
    assert!(!is_accepted(&verdict), "a cookie from the future");
}

#[test]
fn anything_else_than_the_very_cookie_creates_nothing() {
    let mut desk = Desk::new(AcceptorLimits::default());
    let cookie = desk.cookie(Duration::ZERO);
    let good = packet(Opcode::Control, SID, Some(cookie), &[0], Some(1));
    let other_sid = SessionId::new([8; 8]);
    let mut flipped = *cookie.as_bytes();
    flipped[7] ^= 1;
    let flipped = Some(SessionId::new(flipped));
    let cases: Vec<(&str, &str, &str, Vec<u8>)> = vec![
        (
            "other client address",
            SERVER,
            "198.51.100.8:40000",
            good.clone(),
        ),
        (
            "other client port",
            SERVER,
            "198.51.100.7:40001",
            good.clone(),
        ),
        ("other local address", "192.0.2.2:443", CLIENT, good.clone()),
        ("other local port", "192.0.2.1:444", CLIENT, good.clone()),
        (
            "other client session",
            SERVER,
            CLIENT,
            packet(Opcode::Control, other_sid, Some(cookie), &[0], Some(1)),
        ),
        (
            "one bit of the cookie",
            SERVER,
            CLIENT,
            packet(Opcode::Control, SID, flipped, &[0], Some(1)),
        ),
        (
            "our cookie as sender",
            SERVER,
            CLIENT,
            packet(Opcode::Control, cookie, Some(SID), &[0], Some(1)),
        ),
        (
            "ack of packet 2",
            SERVER,
            CLIENT,
            packet(Opcode::Control, SID, Some(cookie), &[0, 2], Some(1)),
        ),
        (
            "packet 2",
            SERVER,
            CLIENT,
            packet(Opcode::Control, SID, Some(cookie), &[0], Some(2)),
        ),
        (
            "soft reset",
            SERVER,
            CLIENT,
            packet(Opcode::SoftReset, SID, Some(cookie), &[0], Some(0)),
        ),
        (
            "server's reset",
            SERVER,
            CLIENT,
            packet(Opcode::HardResetServerV2, SID, Some(cookie), &[0], Some(0)),
        ),
        (
            "tls-crypt-v2",
            SERVER,
            CLIENT,
            packet(Opcode::ControlWkc, SID, Some(cookie), &[0], Some(1)),
        ),
        (
            "reset with acks",
            SERVER,
            CLIENT,
            packet(Opcode::HardResetClientV2, SID, Some(cookie), &[0], Some(0)),
        ),
        (
            "reset with id 1",
            SERVER,
            CLIENT,
            packet(Opcode::HardResetClientV2, SID, None, &[], Some(1)),
        ),
        (
            "ack without acks",
            SERVER,
            CLIENT,
            packet(Opcode::Ack, SID, None, &[], None),
        ),
        (
            "key 1",
            SERVER,
            CLIENT,
            packet_under(
                KeyId::FIRST.next(),
                Opcode::Control,
                SID,
                Some(cookie),
                &[0],
                Some(1),
            ),
        ),
        ("data", SERVER, CLIENT, vec![0x48; 60]),
        (
            "zero session",
            SERVER,
            CLIENT,
            packet(
                Opcode::HardResetClientV2,
                SessionId::new([0; 8]),
                None,
                &[],
                Some(0),
            ),
        ),
    ];
    for (name, local, remote, packet) in cases {
        let (verdict, reply) = desk.ask(Duration::ZERO, local, remote, &packet);
        assert!(matches!(verdict, Verdict::Drop(_)), "{name}: {verdict:?}");
        assert!(reply.is_empty(), "{name}");
    }
}

#[test]
fn a_truncated_proof_creates_nothing() {
    let mut desk = Desk::new(AcceptorLimits::default());
    let cookie = desk.cookie(Duration::ZERO);
    let good = packet(Opcode::Control, SID, Some(cookie), &[0], Some(1));
    for len in 0..good.len() - 100 {
        let (verdict, _) = desk.ask(Duration::ZERO, SERVER, CLIENT, &good[..len]);
        assert!(matches!(verdict, Verdict::Drop(_)), "{len} bytes");
    }
}

#[test]
fn a_client_that_lost_its_only_acknowledgement_is_asked_again() {
    let mut desk = Desk::new(AcceptorLimits::default());
    let cookie = desk.cookie(Duration::ZERO);
    let hello = packet(Opcode::Control, SID, None, &[], Some(1));
    let (verdict, reply) = desk.ask(Duration::ZERO, SERVER, CLIENT, &hello);
    assert!(matches!(verdict, Verdict::Reply));
    assert!(reply.len() < hello.len());
    assert_eq!(peek(&reply).unwrap().session_id, Some(cookie));
    let short = &hello[..hello.len() - 90];
    assert!(
        matches!(
            desk.ask(Duration::ZERO, SERVER, CLIENT, short).0,
            Verdict::Drop(_)
        ),
        "no amplification"
    );
}

#[test]
fn answers_are_limited_per_prefix_and_in_total() {
    let limits = AcceptorLimits {
        per_prefix_rate: 1.0,
        per_prefix_burst: 3.0,
        global_rate: 1.0,
        global_burst: 5.0,
    };
    let mut desk = Desk::new(limits);
    let reset = packet(Opcode::HardResetClientV2, SID, None, &[], Some(0));
    let answers = |desk: &mut Desk, after: u64, prefix: &str| {
        (0..10)
            .filter(|host| {
                let remote = format!("{prefix}.{host}:1000");
                matches!(
                    desk.ask(Duration::from_secs(after), SERVER, &remote, &reset)
                        .0,
                    Verdict::Reply
                )
            })
            .count()
    };
    assert_eq!(answers(&mut desk, 0, "198.51.100"), 3);
    assert_eq!(
        answers(&mut desk, 0, "203.0.113"),
        2,
        "what is left of the total"
    );
    assert_eq!(answers(&mut desk, 1, "198.51.100"), 1, "one token a second");
    let cookie_needs_no_token = packet(Opcode::Ack, SID, Some(SessionId::new([1; 8])), &[0], None);
    let (verdict, _) = desk.ask(
        Duration::from_secs(1),
        SERVER,
        CLIENT,
        &cookie_needs_no_token,
    );
    assert!(matches!(verdict, Verdict::Drop(Discard::BadCookie)));
}

proptest! {
    #[test]
    fn arbitrary_first_packets_never_panic_and_never_make_a_session(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        opcode in 0u8..12,
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = opcode << 3;
        }
        let mut desk = Desk::new(AcceptorLimits::default());
        let (verdict, reply) = desk.ask(Duration::ZERO, SERVER, CLIENT, &bytes);
        prop_assert!(!is_accepted(&verdict));
        prop_assert!(reply.len() <= 26);
        std::hint::black_box(&Accepted::stream(&bytes, &mut Dice::new(1)));
    }
}
