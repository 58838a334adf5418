//! The client's socket: whole packets over UDP or TCP.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::{
    io::Interest,
    net::{TcpStream, UdpSocket, lookup_host},
};

use super::{ClientError, Remote, Transport, title};
use crate::openvpn::{Deframer, write_framed};

pub(super) enum Socket {
    Udp(UdpSocket),
    Tcp {
        stream: TcpStream,
        deframer: Deframer,
        /// What the system did not take yet.
        waiting: Vec<u8>,
    },
}

impl Socket {
    /// A socket to the server; over TCP it is connected.
    pub(super) async fn open(remote: &Remote) -> Result<Self, ClientError> {
        let named = lookup_host((remote.host.as_str(), remote.port)).await;
        let mut addresses: Vec<SocketAddr> = named
            .map_err(|source| ClientError::Name {
                host: remote.host.clone(),
                source,
            })?
            .collect();
        // The gateway's listeners are IPv4; a name that has both kinds is tried there first.
        addresses.sort_by_key(|address| !address.is_ipv4());
        let mut problem = "it has no address".to_owned();
        for address in addresses {
            match Self::open_to(address, remote.transport).await {
                Ok(socket) => return Ok(socket),
                Err(error) => problem = error.to_string(),
            }
        }
        Err(ClientError::Unreachable {
            server: title(remote),
            problem,
        })
    }

    async fn open_to(server: SocketAddr, transport: Transport) -> io::Result<Self> {
        match transport {
            Transport::Udp => {
                let any: SocketAddr = if server.is_ipv4() {
                    (Ipv4Addr::UNSPECIFIED, 0).into()
                } else {
                    (Ipv6Addr::UNSPECIFIED, 0).into()
                };
                let socket = UdpSocket::bind(any).await?;
                socket.connect(server).await?;
                Ok(Self::Udp(socket))
            }
            Transport::Tcp => {
                let stream = TcpStream::connect(server).await?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp {
                    stream,
                    deframer: Deframer::new(MAX_FRAME),
                    waiting: Vec::new(),
                })
            }
        }
    }

    pub(super) fn is_datagram(&self) -> bool {
        matches!(self, Self::Udp(_))
    }

    /// Sends a packet now, or, over TCP, as soon as the system takes it. False if it is lost, as
    /// packets may be.
    pub(super) fn send(&mut self, packet: &[u8]) -> bool {
        match self {
            Self::Udp(socket) => socket.try_send(packet).is_ok(),
            Self::Tcp {
                stream, waiting, ..
            } => {
                if waiting.len() > MAX_WAITING || write_framed(packet, waiting).is_err() {
                    return false;
                }
                // An error shows at the next receive.
                flush(stream, waiting).ok();
                true
            }
        }
    }

    /// Waits for the next packet and puts it at the beginning of `buffer`. It may be dropped
    /// before it returns; nothing is lost.
    pub(super) async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => socket.recv(buffer).await,
            Self::Tcp {
                stream,
                deframer,
                waiting,
            } => loop {
                let next = deframer
                    .poll_packet()
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                if let Some(packet) = next {
                    buffer[..packet.len()].copy_from_slice(packet);
                    return Ok(packet.len());
                }
                let interest = if waiting.is_empty() {
                    Interest::READABLE
                } else {
                    Interest::READABLE | Interest::WRITABLE
                };
                let ready = stream.ready(interest).await?;
                if ready.is_writable() {
                    flush(stream, waiting)?;
                }
                match stream.try_read(buffer) {
                    Ok(0) => {
                        let gone = "the server closed the connection";
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, gone));
                    }
                    Ok(len) => deframer.handle_bytes(&buffer[..len]),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            },
        }
    }
}

fn flush(stream: &TcpStream, waiting: &mut Vec<u8>) -> io::Result<()> {
    while !waiting.is_empty() {
        match stream.try_write(waiting) {
            Ok(len) => drop(waiting.drain(..len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The longest packet of a stream; the tunnel's MTU keeps packets far below.
const MAX_FRAME: usize = 16_384;
/// Bytes that may wait for the system before packets are dropped.
const MAX_WAITING: usize = 1 << 20;
