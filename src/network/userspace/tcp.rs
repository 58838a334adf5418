//! One TCP flow: the client's half ends in smoltcp, the target's half is an ordinary socket.

use std::io;
use std::net::{Shutdown, SocketAddrV4};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use smoltcp::iface::{PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{
    CongestionControl, Socket as TcpSocket, SocketBuffer, State as TcpState,
};
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::flows::FlowKey;
use super::packet::Unreachable;
use super::{Core, Outcome};

/// Each direction's buffer, and so the largest window. The pages of a buffer cost memory only once
/// they were used.
const BUFFER: usize = 256 * 1024;
/// How long a target may take to answer a SYN; clients give up at about this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
/// How long a flow may be silent: RFC 5382, REQ-5, asks for at least 2 hours 4 minutes.
const IDLE_LIMIT: Duration = Duration::from_secs(2 * 3600 + 4 * 60);
/// The same once one side has finished (RFC 5382's transitory time-out).
const HALF_CLOSED_LIMIT: Duration = Duration::from_secs(4 * 60);
/// How long a client may owe an acknowledgement: it has gone.
const STALL_LIMIT: Duration = Duration::from_secs(120);
/// When a FIN has been acknowledged for certain, well before TIME-WAIT ends.
const ACKNOWLEDGED: Duration = Duration::from_secs(5);

pub(super) struct TcpFlow {
    stream: TcpStream,
    stage: Stage,
    last_activity: Instant,
    /// When the client was last heard.
    last_heard: Instant,
}

enum Stage {
    /// The target has not answered, so the client has no answer either.
    Connecting {
        syn: Box<[u8]>,
    },
    Open(Open),
}

struct Open {
    /// Only this flow's socket, so that a packet is never compared with other flows.
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    /// The client has finished sending, and the target was told.
    client_done: bool,
    /// The target has finished sending, and the client will be told behind the last byte.
    target_done: bool,
}

impl TcpFlow {
    /// Begins to connect to `end`, which stands for the target of a client's SYN.
    pub(super) fn open(
        socket: Socket,
        end: SocketAddrV4,
        syn: &[u8],
        now: Instant,
    ) -> io::Result<Self> {
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&end.into()) {
            Err(error)
                if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
            {
                return Err(error);
            }
            _ => {}
        }
        Ok(Self {
            stream: TcpStream::from_std(socket.into())?,
            stage: Stage::Connecting { syn: syn.into() },
            last_activity: now,
            last_heard: now,
        })
    }

    pub(super) fn last_activity(&self) -> Instant {
        self.last_activity
    }

    /// Whether the flow is over but for late packets, so that a new SYN opens a new one.
    pub(super) fn is_spent(&self) -> bool {
        match &self.stage {
            Stage::Connecting { .. } => false,
            Stage::Open(open) => {
                matches!(open.socket().state(), TcpState::TimeWait | TcpState::Closed)
            }
        }
    }

    /// Takes a packet of the client. What follows from it is done by the next poll.
    pub(super) fn receive(
        &mut self,
        packet: &[u8],
        resets: bool,
        core: &mut Core,
        now: Instant,
    ) -> Outcome {
        self.last_heard = now;
        match &mut self.stage {
            // The client has given up; anything else is the SYN again.
            Stage::Connecting { .. } if resets => return Outcome::Remove,
            Stage::Connecting { .. } => {}
            Stage::Open(open) => {
                self.last_activity = now;
                core.ingress(packet, &mut open.sockets, now);
            }
        }
        Outcome::Keep { deadline: None }
    }

    /// Moves what can be moved in both directions.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        core: &mut Core,
        key: &FlowKey,
        now: Instant,
    ) -> Outcome {
        if let Stage::Connecting { syn } = &self.stage {
            match self.poll_connected(cx) {
                Poll::Pending if now >= self.last_activity + CONNECT_LIMIT => {
                    return Outcome::Remove;
                }
                Poll::Pending => {
                    return Outcome::Keep {
                        deadline: Some(self.last_activity + CONNECT_LIMIT),
                    };
                }
                Poll::Ready(Err(error)) => {
                    core.refuse(syn, &error, now);
                    return Outcome::Remove;
                }
                Poll::Ready(Ok(())) => {
                    let mut open = Open::new(key);
                    core.ingress(syn, &mut open.sockets, now);
                    self.last_activity = now;
                    self.last_heard = now;
                    self.stage = Stage::Open(open);
                }
            }
        }
        self.poll_open(cx, core, now)
    }

    fn poll_connected(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream.poll_write_ready(cx))?;
        if let Some(error) = self.stream.take_error()? {
            return Poll::Ready(Err(error));
        }
        let connected = self.stream.try_io(Interest::WRITABLE, || {
            self.stream.peer_addr().map_err(|error| match error.kind() {
                io::ErrorKind::NotConnected => io::ErrorKind::WouldBlock.into(),
                _ => error,
            })
        });
        match connected {
            Ok(_) => Poll::Ready(Ok(())),
            // A false alarm: wait for the next. What is ready still has failed for good.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready!(self.stream.poll_write_ready(cx))?;
                Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>, core: &mut Core, now: Instant) -> Outcome {
        let Stage::Open(open) = &mut self.stage else {
            return Outcome::Remove;
        };
        let moved = match open.exchange(cx, &self.stream) {
            Ok(moved) => moved,
            // The target reset the flow or cannot be reached any more; the client gets a reset.
            Err(_) => {
                open.socket_mut().abort();
                false
            }
        };
        if moved {
            self.last_activity = now;
        }
        let expiry = open.expiry(self.last_activity, self.last_heard);
        if now >= expiry {
            open.socket_mut().abort();
        }
        if open.outlasts_its_socket() && now > self.last_heard + ACKNOWLEDGED {
            return Outcome::Keep {
                deadline: Some(expiry),
            };
        }
        let starved = core.egress(&mut open.sockets, now);
        if starved {
            return Outcome::Starved;
        }
        if matches!(open.socket().state(), TcpState::Closed | TcpState::Listen) {
            return Outcome::Remove;
        }
        let protocol = core.protocol_deadline(&open.sockets, now);
        Outcome::Keep {
            deadline: Some(protocol.map_or(expiry, |at| at.min(expiry))),
        }
    }
}

impl Drop for TcpFlow {
    /// A flow that did not end well ends in a reset, so that the target does not take what it has
    /// for the whole.
    fn drop(&mut self) {
        let ended_well =
            matches!(&self.stage, Stage::Open(open) if open.client_done && open.target_done);
        if !ended_well {
            // Where that fails the target sees an ordinary end, the next best.
            SockRef::from(&self.stream)
                .set_linger(Some(Duration::ZERO))
                .ok();
        }
    }
}

impl Open {
    /// A socket that waits for the one SYN of this flow, whatever its address.
    fn new(key: &FlowKey) -> Self {
        let buffer = || SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = TcpSocket::new(buffer(), buffer());
        socket.set_congestion_control(CongestionControl::Cubic);
        // The sender's own pauses come through as they are.
        socket.set_nagle_enabled(false);
        socket
            .listen((*key.target.ip(), key.target.port()))
            .expect("the port was checked when the packet was parsed, and the socket is new");
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Self {
            sockets,
            handle,
            client_done: false,
            target_done: false,
        }
    }

    fn socket(&self) -> &TcpSocket<'static> {
        self.sockets.get(self.handle)
    }

    fn socket_mut(&mut self) -> &mut TcpSocket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// Moves bytes both ways until neither side can go on; says whether any moved.
    fn exchange(&mut self, cx: &mut Context<'_>, stream: &TcpStream) -> io::Result<bool> {
        let uploaded = self.upload(cx, stream)?;
        let downloaded = self.download(cx, stream)?;
        // A client that has finished too ends the flow by acknowledging: not before the target has
        // taken all that the client sent.
        let client_finished = self.socket().state() == TcpState::CloseWait;
        if self.target_done && (self.client_done || !client_finished) {
            self.socket_mut().close();
        }
        Ok(uploaded || downloaded)
    }

    fn upload(&mut self, cx: &mut Context<'_>, stream: &TcpStream) -> io::Result<bool> {
        let mut moved = false;
        let socket = self.sockets.get_mut::<TcpSocket<'_>>(self.handle);
        while socket.can_recv() && stream.poll_write_ready(cx)?.is_ready() {
            let written = socket.recv(|bytes| match stream.try_write(bytes) {
                Ok(count) => (count, Ok(count)),
                Err(error) => (0, Err(error)),
            });
            match written {
                Ok(Ok(count)) => moved |= count > 0,
                Ok(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => break,
            }
        }
        // The client's FIN counts once all before it has been passed on.
        let finished = matches!(
            socket.state(),
            TcpState::CloseWait | TcpState::LastAck | TcpState::Closing | TcpState::TimeWait
        );
        if finished && !self.client_done && socket.recv_queue() == 0 {
            self.client_done = true;
            match SockRef::from(stream).shutdown(Shutdown::Write) {
                // The target has closed already.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
                other => other?,
            }
        }
        Ok(moved)
    }

    fn download(&mut self, cx: &mut Context<'_>, stream: &TcpStream) -> io::Result<bool> {
        let mut moved = false;
        let socket = self.sockets.get_mut::<TcpSocket<'_>>(self.handle);
        while !self.target_done && socket.can_send() && stream.poll_read_ready(cx)?.is_ready() {
            let read = socket.send(|room| match stream.try_read(room) {
                Ok(count) => (count, Ok(count)),
                Err(error) => (0, Err(error)),
            });
            match read {
                Ok(Ok(0)) => self.target_done = true,
                Ok(Ok(_)) => moved = true,
                Ok(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => break,
            }
        }
        Ok(moved)
    }

    /// Whether the socket is done with the client while the target has yet to take some of what it
    /// sent. When its TIME-WAIT ends, which is after 10 s, the socket would forget that.
    fn outlasts_its_socket(&self) -> bool {
        self.socket().state() == TcpState::TimeWait && !self.client_done
    }

    fn expiry(&self, last_activity: Instant, last_heard: Instant) -> Instant {
        let silence = if self.client_done || self.target_done {
            HALF_CLOSED_LIMIT
        } else {
            IDLE_LIMIT
        };
        let idle = last_activity + silence;
        if self.socket().send_queue() > 0 {
            idle.min(last_heard + STALL_LIMIT)
        } else {
            idle
        }
    }
}

/// What a failed connection means to the client.
pub(super) enum Refusal {
    /// The target's own refusal, passed on.
    Reset,
    Unreachable(Unreachable),
    /// Silence, as the target was silent.
    Silence,
}

impl Refusal {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::HostUnreachable => Self::Unreachable(Unreachable::Host),
            io::ErrorKind::NetworkUnreachable => Self::Unreachable(Unreachable::Network),
            io::ErrorKind::PermissionDenied => Self::Unreachable(Unreachable::Prohibited),
            io::ErrorKind::TimedOut => Self::Silence,
            _ => Self::Reset,
        }
    }
}

/// Drains what smoltcp has to send; true if the queue became full before.
pub(super) fn drain(mut emit: impl FnMut() -> PollResult) {
    while emit() == PollResult::SocketStateChanged {}
}
