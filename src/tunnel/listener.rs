//! Opens listeners, and says in a sentence why one cannot be opened.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::Path,
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::model::Transport;

/// The sockets of one listener.
pub(super) enum Sockets {
    /// One for each worker, all on one port: the system spreads clients over them.
    Udp(Vec<UdpSocket>),
    Tcp(TcpListener),
}

/// Opens the sockets of a listener for `workers` workers.
///
/// # Errors
/// What stands in the way and what would help, as sentences.
pub(super) fn open(transport: Transport, port: u16, workers: usize) -> Result<Sockets, String> {
    let opened = match transport {
        Transport::Udp => open_udp(port, workers).map(Sockets::Udp),
        Transport::Tcp => open_tcp(port).map(Sockets::Tcp),
    };
    opened.map_err(|error| trouble(transport, port, &error))
}

fn open_udp(port: u16, workers: usize) -> io::Result<Vec<UdpSocket>> {
    // Sockets that share a port share it with every other one of the same user that is willing to,
    // for example those of a second gateway. One that does not share finds out.
    drop(bind_udp(port, false)?);
    (0..workers).map(|_| bind_udp(port, true)).collect()
}

fn bind_udp(port: u16, is_shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    if is_shared {
        socket.set_reuse_port(true)?;
        widen_buffers(&socket);
    }
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    Ok(socket.into())
}

/// Asks for buffers that hold a burst. Without the right to exceed the system's limit
/// (CAP_NET_ADMIN) it gives what its limit allows.
fn widen_buffers(socket: &Socket) {
    #[cfg(target_os = "linux")]
    {
        use rustix::net::sockopt;
        let is_forced = sockopt::set_socket_recv_buffer_size_force(socket, BUFFER).is_ok()
            && sockopt::set_socket_send_buffer_size_force(socket, BUFFER).is_ok();
        if is_forced {
            return;
        }
    }
    let wide = socket
        .set_recv_buffer_size(BUFFER)
        .and_then(|()| socket.set_send_buffer_size(BUFFER));
    if let Err(error) = wide {
        tracing::debug!(%error, "socket buffers stay as small as they are");
    }
}

fn open_tcp(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    // On Unix this permits a port whose old connections still linger, and no second listener.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Raises the limit of open files as far as this process may: each TCP client has one, and systems
/// start programs with 1024.
pub(super) fn raise_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if limit.current != limit.maximum
            && let Err(error) = setrlimit(Resource::Nofile, raised)
        {
            tracing::debug!(%error, "the limit of open files stays");
        }
    }
}

fn trouble(transport: Transport, port: u16, error: &io::Error) -> String {
    let name = match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
    };
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let holder = holder(transport, port).map_or_else(
                || "another program".to_owned(),
                |(pid, program)| format!("{program} (process {pid})"),
            );
            let other = if port == 1194 { 1195 } else { 1194 };
            format!(
                "{name} port {port} is in use by {holder}. Stop that program, or create the endpoint \
                 with another port, for example {other}."
            )
        }
        io::ErrorKind::PermissionDenied => format!(
            "{name} port {port} needs the right CAP_NET_BIND_SERVICE, which this process does not \
             have. Run the gateway as the system service, or create the endpoint with a port from \
             1024 on, for example 1194."
        ),
        _ => format!("{name} port {port} cannot be opened: {error}."),
    }
}

/// The process that has a port, by number and name, where this process may see it. Linux tells;
/// elsewhere there is no such file and no answer.
fn holder(transport: Transport, port: u16) -> Option<(u32, String)> {
    let tables = match transport {
        Transport::Udp => ["/proc/net/udp", "/proc/net/udp6"],
        Transport::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
    };
    let inode = tables.iter().find_map(|table| {
        let text = std::fs::read_to_string(table).ok()?;
        text.lines()
            .find_map(|line| inode_on_port(line, transport, port))
    })?;
    let wanted = format!("socket:[{inode}]");
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let fds = std::fs::read_dir(entry.path().join("fd")).ok()?;
            let has_it = |fd: std::fs::DirEntry| {
                std::fs::read_link(fd.path()).is_ok_and(|link| link == Path::new(&wanted))
            };
            fds.flatten().any(has_it).then(|| {
                let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                (pid, name.trim().to_owned())
            })
        })
}

/// The inode of the socket that a line of `/proc/net/udp` or `/proc/net/tcp` describes, if it has
/// this local port (and listens, for TCP): proc(5).
fn inode_on_port(line: &str, transport: Transport, port: u16) -> Option<u64> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
    let is_listening = transport == Transport::Udp || *fields.get(3)? == "0A";
    if u16::from_str_radix(local_port, 16) != Ok(port) || !is_listening {
        return None;
    }
    fields.get(9)?.parse().ok()
}

/// What a burst of a gigabit link needs; the kernel counts it double.
const BUFFER: usize = 7 << 20;
/// TCP connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_its_holder_and_a_way_out() {
        let taken = UdpSocket::bind("0.0.0.0:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let trouble = open(Transport::Udp, port, 2).err().unwrap();
        assert!(
            trouble.starts_with(&format!("UDP port {port} is in use by ")),
            "{trouble}"
        );
        assert!(trouble.contains("for example 1194"), "{trouble}");
        #[cfg(target_os = "linux")]
        assert!(
            trouble.contains(&format!("(process {})", std::process::id())),
            "{trouble}"
        );
    }

    #[test]
    fn a_second_gateway_of_the_same_user_does_not_share_the_port() {
        let port = free_port();
        let _first = open(Transport::Udp, port, 2).unwrap_or_else(|error| panic!("{error}"));
        assert!(open(Transport::Udp, port, 2).is_err());
    }

    #[test]
    fn a_tcp_port_in_use_is_refused_too() {
        let taken = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let trouble = open(Transport::Tcp, port, 1).err().unwrap();
        assert!(
            trouble.starts_with(&format!("TCP port {port} is in use by ")),
            "{trouble}"
        );
    }

    #[test]
    fn a_port_that_needs_a_right_says_which() {
        let error = io::Error::from(io::ErrorKind::PermissionDenied);
        let trouble = trouble(Transport::Udp, 443, &error);
        assert!(trouble.contains("CAP_NET_BIND_SERVICE"), "{trouble}");
        assert!(trouble.contains("for example 1194"), "{trouble}");
    }

    fn free_port() -> u16 {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.local_addr().unwrap().port()
    }
}
