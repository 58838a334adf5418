//! TCP connections of one worker: packets with a length before each.

use std::{
    cell::{Cell, RefCell},
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::TcpStream,
    select,
    sync::{Notify, mpsc},
    task::{AbortHandle, spawn_local},
    time::{Instant, timeout, timeout_at},
};

use super::{
    Accepting, StreamId,
    core::{Core, Now, SharedCore},
};
use crate::{
    clock,
    model::{Attempt, FailureReason},
    openvpn::{Accepted, Deframer, OsRandom, peek, write_framed},
    tunnel::{
        Shared,
        door::HalfOpenPermit,
        gate::Gate,
        gatekeeper::Report,
        session::{self, Input, Link},
        tally::Loss,
    },
};

/// One connection: its socket and what waits to be written.
pub(super) struct Stream {
    id: StreamId,
    io: TcpStream,
    outbox: RefCell<Outbox>,
    /// Something waits that the socket did not take.
    has_rest: Notify,
    /// It is to be closed.
    closing: Notify,
    is_closing: Cell<bool>,
}

#[derive(Default)]
struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.written..]
    }
}

impl Stream {
    pub(super) fn id(&self) -> StreamId {
        self.id
    }

    /// Whether a data packet may be queued. A client that reads too slowly loses packets, before
    /// they are sealed, rather than memory being spent on it.
    pub(super) fn has_room(&self) -> bool {
        self.outbox.borrow().rest().len() < MAX_WAITING
    }

    /// Queues a packet.
    pub(super) fn push(&self, packet: &[u8]) {
        let mut outbox = self.outbox.borrow_mut();
        if let Err(error) = write_framed(packet, &mut outbox.bytes) {
            tracing::error!(%error, "a packet of ours has no framing");
        }
        self.limit(&outbox);
    }

    /// Queues control packets, framed already.
    fn push_framed(&self, framed: &[u8]) {
        let mut outbox = self.outbox.borrow_mut();
        outbox.bytes.extend_from_slice(framed);
        self.limit(&outbox);
    }

    /// Ends the connection of a client that lets answers pile up. Data never does that:
    /// [`Stream::has_room`] holds it back before.
    fn limit(&self, outbox: &Outbox) {
        if outbox.rest().len() > MAX_OUTBOX {
            self.close();
        }
    }

    /// Writes as much as the socket takes now; the rest follows by itself.
    pub(super) fn flush(&self) {
        let mut outbox = self.outbox.borrow_mut();
        while !outbox.rest().is_empty() {
            match self.io.try_write(outbox.rest()) {
                Ok(count) => outbox.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.has_rest.notify_one();
                    break;
                }
                Err(_) => {
                    // The reading side learns of it too, and ends the session.
                    outbox.written = outbox.bytes.len();
                    self.close();
                }
            }
        }
        let written = std::mem::take(&mut outbox.written);
        outbox.bytes.drain(..written);
    }

    fn close(&self) {
        self.is_closing.set(true);
        self.closing.notify_one();
    }

    fn is_drained(&self) -> bool {
        self.outbox.borrow().rest().is_empty()
    }
}

impl Core {
    /// Sends framed packets on a connection.
    pub(super) fn send_stream(&mut self, id: StreamId, framed: &[u8]) {
        if let Some(stream) = self.stream(id) {
            stream.push_framed(framed);
            stream.flush();
        }
    }

    /// Closes a connection once what waits is sent.
    pub(super) fn close_stream(&mut self, id: StreamId) {
        if let Some(stream) = self.stream(id) {
            stream.close();
        }
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    shared: Arc<Shared>,
    worker: usize,
    core: SharedCore,
    accepting: Accepting,
) {
    let Accepting {
        gate,
        stream,
        remote,
        permit,
    } = accepting;
    let stream = match prepare(stream) {
        Ok(stream) => Rc::new(stream),
        Err(error) => {
            tracing::debug!(%remote, %error, "a connection was gone before it was served");
            return;
        }
    };
    let _served = Served::new(&core, &stream);
    let mut reader = Reader {
        shared,
        worker,
        core,
        gate,
        stream: Rc::clone(&stream),
        remote,
        deframer: Deframer::new(Deframer::MAX_BEFORE_AUTHENTICATION),
        permit: Some(permit),
        session: None,
        failure: FailureReason::ClientLeft,
        first_packet_due: Instant::now() + FIRST_PACKET,
    };
    let ended = reader.run().await;
    if let Err(error) = &ended {
        tracing::debug!(%remote, %error, "a connection ended");
    }
    if reader.session.is_none() {
        reader.report_failure(ended);
    }
    if let Some(inbox) = reader.session
        && inbox.send(Input::StreamClosed).await.is_err()
    {
        tracing::trace!(%remote, "the session ended before its connection");
    }
    // Last words get a moment to leave.
    if timeout(LAST_WORDS, drained(&stream)).await.is_err() {
        tracing::debug!(%remote, "a connection was closed before all was written");
    }
}

/// A connection's entry at its worker and its writing task. Both go with it, also when the serving
/// task is aborted because the listener closes.
struct Served {
    core: SharedCore,
    id: StreamId,
    writer: AbortHandle,
}

impl Served {
    fn new(core: &SharedCore, stream: &Rc<Stream>) -> Self {
        core.borrow_mut().add_stream(Rc::clone(stream));
        Self {
            core: Rc::clone(core),
            id: stream.id,
            writer: spawn_local(write(Rc::clone(stream))).abort_handle(),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.writer.abort();
        // Tasks borrow the core between awaits only, and none runs while one is dropped.
        if let Ok(mut core) = self.core.try_borrow_mut() {
            core.remove_stream(self.id);
        }
    }
}

fn prepare(stream: std::net::TcpStream) -> io::Result<Stream> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    Ok(Stream {
        id: StreamId::next(),
        io: TcpStream::from_std(stream)?,
        outbox: RefCell::default(),
        has_rest: Notify::new(),
        closing: Notify::new(),
        is_closing: Cell::new(false),
    })
}

async fn write(stream: Rc<Stream>) {
    loop {
        stream.has_rest.notified().await;
        while !stream.is_drained() {
            if stream.io.writable().await.is_err() {
                return;
            }
            stream.flush();
        }
    }
}

async fn drained(stream: &Stream) {
    while !stream.is_drained() {
        if stream.io.writable().await.is_err() {
            return;
        }
        stream.flush();
    }
}

struct Reader {
    shared: Arc<Shared>,
    worker: usize,
    core: SharedCore,
    gate: Arc<Gate>,
    stream: Rc<Stream>,
    remote: SocketAddr,
    deframer: Deframer,
    permit: Option<HalfOpenPermit>,
    session: Option<mpsc::Sender<Input>>,
    /// What it is that went wrong, if no session comes of it.
    failure: FailureReason,
    /// By when the packet has to be there that opens the session.
    first_packet_due: Instant,
}

impl Reader {
    async fn run(&mut self) -> io::Result<()> {
        while !self.stream.is_closing.get() {
            self.wait().await?;
            let is_open = {
                let core = Rc::clone(&self.core);
                let mut core = core.borrow_mut();
                let is_open = self.read(&mut core)?;
                core.flush();
                is_open
            };
            if !is_open {
                return Ok(());
            }
            // One connection does not keep the others waiting, however fast it sends.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn wait(&mut self) -> io::Result<()> {
        let readable = async {
            select! {
                result = self.stream.io.readable() => result,
                () = self.stream.closing.notified() => Ok(()),
            }
        };
        if self.session.is_some() {
            return readable.await;
        }
        // Once for all that comes before: neither drops nor a stream of other packets prolong it.
        match timeout_at(self.first_packet_due, readable).await {
            Ok(result) if Instant::now() < self.first_packet_due => result,
            _ => {
                self.failure = FailureReason::HandshakeTimedOut;
                let secs = FIRST_PACKET.as_secs();
                let text = format!("the client said nothing within {secs} seconds");
                Err(io::Error::other(text))
            }
        }
    }

    /// Reads what is there; false at the end of the stream.
    fn read(&mut self, core: &mut Core) -> io::Result<bool> {
        let mut buffer = core.take_read_buffer();
        let result = self.stream.io.try_read(&mut buffer);
        let outcome = match result {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.deframer.handle_bytes(&buffer[..count]);
                self.packets(core).map(|()| true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        };
        core.return_read_buffer(buffer);
        outcome
    }

    fn packets(&mut self, core: &mut Core) -> io::Result<()> {
        let now = Now::read();
        loop {
            let packet = match self.deframer.poll_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.failure = FailureReason::ProtocolError;
                    return Err(io::Error::other(error));
                }
            };
            let Some(header) = peek(packet) else {
                self.failure = FailureReason::ProtocolError;
                return Err(io::Error::other("what came is no OpenVPN packet"));
            };
            if header.opcode.is_data() {
                let place = (self.gate.key, self.remote);
                core.stream_data(&self.stream, place, header, packet, now);
                continue;
            }
            match &self.session {
                Some(inbox) => {
                    if inbox.is_closed() {
                        return Err(io::Error::other("its session has ended"));
                    }
                    if !session::deliver(inbox, packet) {
                        core.lost(Loss::ControlQueueFull);
                    }
                }
                None => {
                    let packet = packet.to_vec();
                    self.session = Some(self.knock(&packet)?);
                }
            }
        }
    }

    /// A connection that opened no session is an attempt all the same.
    fn report_failure(&self, ended: io::Result<()>) {
        let why = match ended {
            Ok(()) => "it was closed before the client said anything".to_owned(),
            Err(error) => error.to_string(),
        };
        self.shared.report(Report::Refused(Attempt {
            id: session::attempt_id(),
            endpoint_id: self.gate.endpoint_id.clone(),
            at: clock::now(),
            device: self.remote,
            common_name: None,
            client_version: String::new(),
            platform: String::new(),
            failure: self.failure,
            reason: format!("The TCP connection opened no session: {why}."),
        }));
    }

    /// The first packet of a connection opens its session.
    fn knock(&mut self, packet: &[u8]) -> io::Result<mpsc::Sender<Input>> {
        let accepted = Accepted::stream(packet, &mut OsRandom).map_err(|discard| {
            self.failure = FailureReason::ProtocolError;
            io::Error::other(format!(
                "its first packet is not that of a client ({discard})"
            ))
        })?;
        let Some(permit) = self.permit.take() else {
            return Err(io::Error::other("its place is taken"));
        };
        let knock = session::Knock {
            gate: Arc::clone(&self.gate),
            link: Link::Tcp {
                stream: self.stream.id,
            },
            remote: self.remote,
            accepted,
            worker: self.worker,
            permit,
        };
        Ok(session::spawn(&self.shared, knock, packet))
    }
}

/// How long a connection may take to open its session.
const FIRST_PACKET: Duration = Duration::from_secs(10);
/// How long a connection that is being closed may take to write what waits.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Bytes that may wait for one client: some 50 ms at 40 Mbit/s. More would only be delay.
const MAX_WAITING: usize = 256 << 10;
/// With control packets and answers, which cannot be left out.
const MAX_OUTBOX: usize = 2 * MAX_WAITING;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_lets_answers_pile_up_is_cut_off() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let _deaf = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = prepare(listener.accept().unwrap().0).unwrap();
        let mut queued = 0;
        while !stream.is_closing.get() {
            stream.push_framed(&[0; 1000]);
            stream.flush();
            queued += 1000;
            assert!(queued < 64 << 20, "nothing ends it");
        }
        assert!(stream.outbox.borrow().rest().len() <= MAX_OUTBOX + 1000);
    }
}
