//! Passes queries on to this machine's name servers and the answers back.
//!
//! It listens on loopback, on a thread of its own so that no query holds up packets. Each query is
//! sent from a fresh socket that is connected to the server asked, under a random identifier: who
//! would forge an answer has to guess both port and identifier.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::message::{self, Query, Rcode, Unfit};
use super::servers::{Servers, ServersFile};
use crate::network::MTU;

/// Queries by UDP that may wait for an answer: of all clients, and of one.
const MAX_QUERIES: (usize, usize) = (512, 64);
/// TCP connections of all clients, and of one.
const MAX_CONNECTIONS: (usize, usize) = (128, 8);
/// What a query may take altogether: less than a client's flow may be silent.
const PATIENCE: Duration = Duration::from_secs(9);
/// How long a TCP connection may be silent (RFC 7766 asks for some seconds).
const IDLE: Duration = Duration::from_secs(10);
/// The largest answer that reaches a client in one datagram.
const MAX_DATAGRAM: usize = MTU as usize - 28;
/// The largest DNS message.
const MAX_MESSAGE: usize = 65_535;
/// Pause after an error of a listening socket, most likely for want of files.
const PAUSE: Duration = Duration::from_millis(200);

/// A forwarder that runs until it is dropped.
#[derive(Debug)]
pub(super) struct Forwarder {
    udp: SocketAddrV4,
    tcp: SocketAddrV4,
    _stop: oneshot::Sender<()>,
}

impl Forwarder {
    /// Listens, for the servers that `file` names.
    ///
    /// # Errors
    /// If there is no socket or thread to be had.
    pub(super) fn start(file: PathBuf) -> io::Result<Self> {
        let udp = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let tcp = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        let (udp_at, tcp_at) = (v4(udp.local_addr()?)?, v4(tcp.local_addr()?)?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (udp, tcp) = {
            let _entered = runtime.enter();
            (UdpSocket::from_std(udp)?, TcpListener::from_std(tcp)?)
        };
        let (stop, stopped) = oneshot::channel();
        let desk = Arc::new(Desk {
            file: ServersFile::new(file),
            queries: Places::new(MAX_QUERIES),
            connections: Places::new(MAX_CONNECTIONS),
        });
        std::thread::Builder::new()
            .name("dns".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = Arc::clone(&desk).serve_udp(Arc::new(udp)) => {}
                        () = Arc::clone(&desk).serve_tcp(tcp) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            udp: udp_at,
            tcp: tcp_at,
            _stop: stop,
        })
    }

    /// Where it takes queries by UDP.
    pub(super) fn udp(&self) -> SocketAddrV4 {
        self.udp
    }

    /// Where it takes connections.
    pub(super) fn tcp(&self) -> SocketAddrV4 {
        self.tcp
    }
}

fn v4(address: SocketAddr) -> io::Result<SocketAddrV4> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

/// What all queries share.
struct Desk {
    file: ServersFile,
    queries: Places,
    connections: Places,
}

impl Desk {
    async fn serve_udp(self: Arc<Self>, socket: Arc<UdpSocket>) {
        let mut buffer = vec![0; MAX_MESSAGE];
        loop {
            let (length, client) = match socket.recv_from(&mut buffer).await {
                Ok(received) => received,
                // Word of a client that did not wait for its answer, or a want of memory.
                Err(error) => {
                    tracing::debug!(%error, "no query can be received");
                    tokio::task::yield_now().await;
                    continue;
                }
            };
            // One too many is dropped, as on a busy link: the client asks again.
            let Some(place) = Places::enter(&self.queries, client.ip()) else {
                continue;
            };
            let query = match Query::parse(&buffer[..length]) {
                Ok(query) => query,
                Err(Unfit::NoQuery) => continue,
                Err(Unfit::Malformed) => {
                    let answer = message::failure(&buffer[..length], Rcode::FormatError);
                    socket.try_send_to(&answer, client).ok();
                    continue;
                }
            };
            let (desk, socket) = (Arc::clone(&self), Arc::clone(&socket));
            tokio::spawn(async move {
                let mut answer = desk.answer(&query, Carrier::Udp).await;
                if answer.len() > MAX_DATAGRAM {
                    answer = query.truncated(&answer);
                }
                if let Err(error) = socket.send_to(&answer, client).await {
                    tracing::debug!(%error, "an answer cannot be sent");
                }
                drop(place);
            });
        }
    }

    async fn serve_tcp(self: Arc<Self>, listener: TcpListener) {
        loop {
            let (stream, client) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "no connection can be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let Some(place) = Places::enter(&self.connections, client.ip()) else {
                continue;
            };
            let desk = Arc::clone(&self);
            tokio::spawn(async move {
                // However it ends, the client sees the connection close.
                desk.serve_connection(stream).await.ok();
                drop(place);
            });
        }
    }

    /// Answers the queries of a connection in their order, until it is silent for too long.
    async fn serve_connection(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let received = timeout(IDLE, read_message(&mut stream)).await??;
            let answer = match Query::parse(&received) {
                Ok(query) => self.answer(&query, Carrier::Tcp).await,
                Err(Unfit::NoQuery) => return Ok(()),
                Err(Unfit::Malformed) => message::failure(&received, Rcode::FormatError),
            };
            timeout(IDLE, write_message(&mut stream, &answer)).await??;
        }
    }

    /// The first answer of a server that knows; else what the first of them said; else failure.
    async fn answer(&self, query: &Query, carrier: Carrier) -> Vec<u8> {
        let answer = match self.file.now() {
            Ok(servers) => ask_all(&servers, query, carrier).await,
            Err(error) => {
                tracing::debug!(%error, "this machine's name servers cannot be read");
                None
            }
        };
        match answer {
            Some(answer) => query.answered(answer),
            None => query.failed(Rcode::ServerFailure),
        }
    }
}

#[derive(Clone, Copy)]
enum Carrier {
    Udp,
    Tcp,
}

impl Servers {
    /// How long each try may take; none without any server.
    fn patience(&self) -> Option<Duration> {
        let tries = u32::try_from(self.addresses.len()).ok()? * self.attempts;
        Some(self.timeout.min(PATIENCE.checked_div(tries)?))
    }
}

async fn ask_all(servers: &Servers, query: &Query, carrier: Carrier) -> Option<Vec<u8>> {
    let patience = servers.patience()?;
    for _ in 0..servers.attempts {
        let mut refusal = None;
        for server in &servers.addresses {
            let asked = async {
                match carrier {
                    Carrier::Udp => ask_by_udp(*server, query).await,
                    Carrier::Tcp => ask_by_tcp(*server, query).await,
                }
            };
            match timeout(patience, asked).await {
                Ok(Ok(answer)) if message::is_refusal(&answer) => {
                    refusal.get_or_insert(answer);
                }
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(error)) => tracing::debug!(%server, %error, "a name server gives no answer"),
                Err(_) => tracing::debug!(%server, "a name server does not answer"),
            }
        }
        if refusal.is_some() {
            return refusal;
        }
    }
    None
}

async fn ask_by_udp(server: SocketAddr, query: &Query) -> io::Result<Vec<u8>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let id = random_id()?;
    socket.send(&query.with_id(id)).await?;
    loop {
        // Memory is used only as far as the answer fills it.
        let mut answer = Vec::with_capacity(MAX_MESSAGE);
        socket.recv_buf(&mut answer).await?;
        if query.is_answered_by(&answer, id) {
            answer.shrink_to_fit();
            return Ok(answer);
        }
    }
}

async fn ask_by_tcp(server: SocketAddr, query: &Query) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let id = random_id()?;
    write_message(&mut stream, &query.with_id(id)).await?;
    let answer = read_message(&mut stream).await?;
    if query.is_answered_by(&answer, id) {
        return Ok(answer);
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn random_id() -> io::Result<[u8; 2]> {
    let mut id = [0; 2];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| io::Error::other("no randomness"))?;
    Ok(id)
}

async fn read_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write_message(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let framed = [&length.to_be_bytes(), message].concat();
    stream.write_all(&framed).await
}

/// Places for what is under way: so many altogether, and so many for each client.
struct Places {
    most: usize,
    most_of_one: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

impl Places {
    fn new((most, most_of_one): (usize, usize)) -> Self {
        Self {
            most,
            most_of_one,
            taken: Arc::default(),
        }
    }

    /// A place for the client, if one is left.
    fn enter(&self, client: IpAddr) -> Option<Place> {
        // Counts are whole after any panic.
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.of.get(&client).copied().unwrap_or(0);
        if taken.all >= self.most || own >= self.most_of_one {
            return None;
        }
        taken.all += 1;
        taken.of.insert(client, own + 1);
        Some(Place {
            client,
            taken: Arc::clone(&self.taken),
        })
    }
}

/// A place that is given back when it is dropped.
struct Place {
    client: IpAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(own) = taken.of.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                taken.of.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests;
