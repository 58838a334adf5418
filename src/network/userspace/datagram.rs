//! One UDP flow or one series of echo requests: a connected socket, so that only the target's own
//! answers and errors come back.

use std::io;
use std::net::SocketAddrV4;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::flows::{Carrier, FlowKey};
use super::packet::{self, IP_HEADER, UDP_HEADER, Unreachable};
use super::{Core, Outcome};
use crate::network::counters::DropReason;
use crate::network::{MTU, dns};

/// How long a UDP flow may be silent. RFC 4787 recommends 5 minutes and allows less; each flow here
/// holds a socket.
const UDP_IDLE: Duration = Duration::from_secs(60);
/// DNS asks and is answered once.
const DNS_IDLE: Duration = Duration::from_secs(10);
/// Echo replies later than this are not waited for.
const ECHO_IDLE: Duration = Duration::from_secs(10);
/// Datagrams taken from one flow before others have their turn.
const BUDGET: usize = 64;

pub(super) struct DatagramFlow {
    socket: UdpSocket,
    last_activity: Instant,
    idle_limit: Duration,
    error_seen: bool,
}

impl DatagramFlow {
    /// A flow whose socket is connected to `end`, which stands for the target.
    pub(super) fn open(
        socket: Socket,
        end: SocketAddrV4,
        key: &FlowKey,
        now: Instant,
    ) -> io::Result<Self> {
        // A client may broadcast only if the policy let it.
        socket.connect(&end.into())?;
        let idle_limit = match key.carrier {
            Carrier::Echo => ECHO_IDLE,
            _ if key.target.port() == dns::PORT => DNS_IDLE,
            _ => UDP_IDLE,
        };
        Ok(Self {
            socket: UdpSocket::from_std(socket.into())?,
            last_activity: now,
            idle_limit,
            error_seen: false,
        })
    }

    pub(super) fn last_activity(&self) -> Instant {
        self.last_activity
    }

    /// Sends what the client sent: a UDP payload, or an echo request from the ICMP header on.
    pub(super) fn send(&mut self, message: &[u8], core: &mut Core, key: &FlowKey, now: Instant) {
        self.last_activity = now;
        // Asked directly rather than through the reactor, which knows a new socket's readiness only
        // after its next turn: the first datagram would be lost.
        let socket = SockRef::from(&self.socket);
        let result = match socket.send(message) {
            // The answer to an earlier datagram; this one has not been sent.
            Err(error) if is_unreachable(&error) => {
                report(core, key, &error);
                socket.send(message)
            }
            other => other,
        };
        match result {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                core.counters.count_drop(DropReason::QueueFull);
            }
            Err(error) => report(core, key, &error),
        }
    }

    /// Passes on what the target answered.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        core: &mut Core,
        key: &FlowKey,
        now: Instant,
    ) -> Outcome {
        self.poll_errors(cx, core, key);
        for _ in 0..BUDGET {
            if !core.output.has_room() {
                return Outcome::Starved;
            }
            match self.socket.poll_recv_ready(cx) {
                Poll::Pending => {
                    let deadline = self.last_activity + self.idle_limit;
                    return if now >= deadline {
                        Outcome::Remove
                    } else {
                        Outcome::Keep {
                            deadline: Some(deadline),
                        }
                    };
                }
                Poll::Ready(Err(error)) => {
                    report(core, key, &error);
                    return Outcome::Remove;
                }
                Poll::Ready(Ok(())) => self.receive(core, key, now),
            }
        }
        Outcome::Starved
    }

    /// Reports what ICMP said about datagrams sent earlier. The reactor tells of an error as of
    /// writability, never as of something to read, and tells only of the first: later ones show
    /// when the client sends again.
    fn poll_errors(&mut self, cx: &mut Context<'_>, core: &mut Core, key: &FlowKey) {
        while !self.error_seen && self.socket.poll_send_ready(cx).is_ready() {
            let pending = self.socket.try_io(Interest::WRITABLE, || {
                let error = self.socket.take_error()?;
                error.ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            if let Ok(error) = pending {
                report(core, key, &error);
            }
            // Readiness that stays although nothing is pending is the mark an error left.
            self.error_seen = self.socket.poll_send_ready(cx).is_ready();
        }
    }

    fn receive(&mut self, core: &mut Core, key: &FlowKey, now: Instant) {
        let headers = if key.carrier == Carrier::Echo {
            IP_HEADER
        } else {
            IP_HEADER + UDP_HEADER
        };
        // One byte more than fits, to tell a datagram that does not.
        let room_len = usize::from(MTU) + 1;
        let mut result = Ok(0);
        let socket = &self.socket;
        core.output.push_with(|room| {
            result = socket.try_recv(&mut room[headers..room_len]);
            let len = *result.as_ref().ok()?;
            if headers + len > usize::from(MTU) {
                result = Err(io::ErrorKind::FileTooLarge.into());
                return None;
            }
            match key.carrier {
                Carrier::Echo => packet::write_echo_reply(room, key, len),
                Carrier::Udp | Carrier::Tcp => Some(packet::write_udp_headers(room, key, len)),
            }
        });
        match result {
            Ok(_) => self.last_activity = now,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                core.counters.count_drop(DropReason::TooLarge);
            }
            Err(error) => report(core, key, &error),
        }
    }
}

fn is_unreachable(error: &io::Error) -> bool {
    reason(error).is_some()
}

fn reason(error: &io::Error) -> Option<Unreachable> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Unreachable::Port),
        io::ErrorKind::HostUnreachable => Some(Unreachable::Host),
        io::ErrorKind::NetworkUnreachable => Some(Unreachable::Network),
        io::ErrorKind::PermissionDenied => Some(Unreachable::Prohibited),
        _ => None,
    }
}

/// Tells the client what the network said about its datagrams.
fn report(core: &mut Core, key: &FlowKey, error: &io::Error) {
    match reason(error) {
        Some(why) => core.send_unreachable(&packet::stand_in(key), why),
        None => core.counters.count_drop(DropReason::Device),
    }
}
