//! A web site and an echo service to reach, and what a client does with them.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::digest::{Context, SHA256};
use rustix::net::{RecvFlags, SendFlags};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::lab::Namespace;

/// The site's port, TCP and UDP.
pub(crate) const PORT: u16 = 80;

/// The size of `/blob`.
pub(crate) const BLOB_LEN: u64 = 100 * 1024 * 1024;

/// A web site on one address. It ends when this is dropped.
///
/// `GET /` says where one came from; `GET /blob` gives [`BLOB_LEN`] bytes; `GET /paced/RATE/SECONDS`
/// gives so many bytes a second for so long; `POST /digest` answers with what was sent, digested.
/// A datagram comes back as it is.
pub(crate) struct Site {
    listener: TcpListener,
    echo: UdpSocket,
    visits: Arc<AtomicU32>,
}

impl Site {
    pub(crate) fn open(namespace: &Namespace, address: Ipv4Addr) -> Self {
        let (listener, echo) = namespace.enter(|| {
            let listener = TcpListener::bind((address, PORT)).expect("nobody else is in here");
            let echo = UdpSocket::bind((address, PORT)).expect("nobody else is in here");
            (listener, echo)
        });
        let visits = Arc::new(AtomicU32::new(0));
        let site = Self {
            listener,
            echo,
            visits,
        };
        site.serve_pages();
        site.serve_echo();
        site
    }

    /// How many connections and datagrams came.
    pub(crate) fn visits(&self) -> u32 {
        self.visits.load(Ordering::Relaxed)
    }

    fn serve_pages(&self) {
        let listener = self.listener.try_clone().expect("a handle can be copied");
        let visits = Arc::clone(&self.visits);
        start_thread("site", move || {
            while let Ok((stream, peer)) = listener.accept() {
                visits.fetch_add(1, Ordering::Relaxed);
                // A visitor that goes away is not the site's trouble.
                start_thread("visit", move || drop(serve(&stream, peer)));
            }
        });
    }

    fn serve_echo(&self) {
        let echo = self.echo.try_clone().expect("a handle can be copied");
        let visits = Arc::clone(&self.visits);
        start_thread("echo", move || {
            let mut packet = vec![0; 65_536];
            // A socket that was shut down receives nothing, from nobody.
            while let Ok((len, _, Some(peer))) =
                rustix::net::recvfrom(&echo, &mut packet[..], RecvFlags::empty())
            {
                visits.fetch_add(1, Ordering::Relaxed);
                rustix::net::sendto(&echo, &packet[..len], SendFlags::empty(), &peer).ok(); // who asked may have gone
            }
        });
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Linux wakes accept and recv by it; the threads end.
        drop(SockRef::from(&self.listener).shutdown(Shutdown::Both));
        drop(SockRef::from(&self.echo).shutdown(Shutdown::Both));
    }
}

fn serve(stream: &TcpStream, peer: SocketAddr) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0_u64;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("Content-Length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let path = request.split(' ').nth(1).unwrap_or("/");
    let mut parts = path.trim_start_matches('/').split('/');
    match parts.next() {
        Some("blob") => {
            head(&mut out, BLOB_LEN)?;
            blob(BLOB_LEN, |chunk| out.write_all(chunk))
        }
        Some("paced") => {
            let mut number = || parts.next().and_then(|n| n.parse().ok()).unwrap_or(1_u64);
            paced(&mut out, number(), number())
        }
        Some("digest") => {
            let digest = digest_of(&mut reader.take(length))?;
            head(&mut out, digest.len() as u64)?;
            out.write_all(digest.as_bytes())
        }
        _ => {
            let page = format!("welcome, {}\n", peer.ip());
            head(&mut out, page.len() as u64)?;
            out.write_all(page.as_bytes())
        }
    }
}

fn head(out: &mut impl io::Write, length: u64) -> io::Result<()> {
    write!(
        out,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}

/// A transfer that lasts: tenths of a second's worth at a time.
fn paced(out: &mut &TcpStream, rate: u64, secs: u64) -> io::Result<()> {
    let length = rate * secs;
    head(out, length)?;
    let begin = Instant::now();
    let mut sent = 0_u64;
    blob(length, |chunk| {
        // The clock is the transfer's subject here, not a way to wait for somebody.
        let due = Duration::from_secs_f64(sent as f64 / rate as f64);
        thread::sleep(due.saturating_sub(begin.elapsed()));
        sent += chunk.len() as u64;
        out.write_all(chunk)
    })
}

/// Bytes that are the same every time and compress badly: 64 KiB of noise, numbered.
fn blob(length: u64, mut write: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut chunk = vec![0_u8; 64 * 1024];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for word in chunk.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes());
    }
    let mut left = length;
    let mut number = 0_u64;
    while left > 0 {
        chunk[..8].copy_from_slice(&number.to_le_bytes());
        let take = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
        write(&chunk[..take])?;
        left -= take as u64;
        number += 1;
    }
    Ok(())
}

/// The digest that a whole `/blob` has.
pub(crate) fn blob_digest() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| digest_of_blob(BLOB_LEN))
}

/// The digest of a blob of this length.
pub(crate) fn digest_of_blob(length: u64) -> String {
    let mut context = Context::new(&SHA256);
    blob(length, |chunk| {
        context.update(chunk);
        Ok(())
    })
    .expect("a digest takes every byte");
    data_encoding::HEXLOWER.encode(context.finish().as_ref())
}

fn digest_of(from: &mut impl io::Read) -> io::Result<String> {
    let mut context = Context::new(&SHA256);
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match from.read(&mut chunk)? {
            0 => return Ok(data_encoding::HEXLOWER.encode(context.finish().as_ref())),
            len => context.update(&chunk[..len]),
        }
    }
}

/// How a visit goes: how long it may be silent, and the interface it must leave by.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) patience: Duration,
    pub(crate) device: Option<&'static str>,
}

/// Wherever the routes lead, with time for a slow machine.
pub(crate) const PATIENT: Visit = Visit {
    patience: Duration::from_secs(15),
    device: None,
};

/// Long enough to know that nobody answers.
pub(crate) const BRIEF: Visit = Visit {
    patience: Duration::from_secs(2),
    device: None,
};

impl Visit {
    /// The page at `/`.
    pub(crate) fn page(self, from: &Namespace, address: Ipv4Addr) -> io::Result<String> {
        from.enter(|| {
            let mut answer = String::new();
            self.get(address, "/")?.read_to_string(&mut answer)?;
            Ok(answer)
        })
    }

    /// The digest of what is at `path`.
    pub(crate) fn digest(
        self,
        from: &Namespace,
        address: Ipv4Addr,
        path: &str,
    ) -> io::Result<String> {
        from.enter(|| digest_of(&mut self.get(address, path)?))
    }

    /// Sends a blob of this length and returns the digest of what arrived.
    pub(crate) fn upload(
        self,
        from: &Namespace,
        address: Ipv4Addr,
        length: u64,
    ) -> io::Result<String> {
        from.enter(|| {
            let mut stream = self.connect(address)?;
            write!(
                stream,
                "POST /digest HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n"
            )?;
            blob(length, |chunk| stream.write_all(chunk))?;
            let mut digest = String::new();
            body(stream)?.read_to_string(&mut digest)?;
            Ok(digest)
        })
    }

    /// Sends a datagram and waits for its return.
    pub(crate) fn echo(self, from: &Namespace, address: Ipv4Addr) -> io::Result<()> {
        from.enter(|| {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.bind_device(self.device.map(str::as_bytes))?;
            let socket = UdpSocket::from(socket);
            socket.set_read_timeout(Some(self.patience))?;
            socket.connect((address, PORT))?;
            socket.send(b"is anybody there?")?;
            let mut answer = [0; 64];
            let len = socket.recv(&mut answer)?;
            assert_eq!(&answer[..len], b"is anybody there?");
            Ok(())
        })
    }

    fn get(self, address: Ipv4Addr, path: &str) -> io::Result<impl io::Read + use<>> {
        let mut stream = self.connect(address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
        body(stream)
    }

    fn connect(self, address: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.bind_device(self.device.map(str::as_bytes))?;
        socket.connect_timeout(&SocketAddr::from((address, PORT)).into(), self.patience)?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(stream)
    }
}

/// What follows the head of an answer; as long as the head says, or an error.
fn body(stream: TcpStream) -> io::Result<impl io::Read> {
    let mut reader = BufReader::new(stream);
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(value) = line.strip_prefix("Content-Length:") {
            length = value.trim().parse().ok();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let length: u64 = length.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Whole {
        left: length,
        reader,
    })
}

/// Reads exactly so many bytes; a stream that ends before is an error.
struct Whole<R> {
    left: u64,
    reader: R,
}

impl<R: io::Read> io::Read for Whole<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(into.len(), |left| left.min(into.len()));
        if most == 0 {
            return Ok(0);
        }
        match self.reader.read(&mut into[..most])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            len => {
                self.left -= len as u64;
                Ok(len)
            }
        }
    }
}

pub(crate) fn start_thread(name: &str, work: impl FnOnce() + Send + 'static) {
    let started = thread::Builder::new().name(name.into()).spawn(work);
    drop(started.expect("a thread can be started"));
}
