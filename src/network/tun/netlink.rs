//! Routes and rules of policy routing, by messages to the kernel.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// The kernel's own limit of one message.
const READ: usize = 32 * 1024;

/// Adds what the message names; that it is there already is no error.
pub(super) fn add(message: RouteNetlinkMessage) -> io::Result<()> {
    match exchange(message, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// Deletes what the message names; that it has gone is no error.
pub(super) fn delete(message: RouteNetlinkMessage) -> io::Result<()> {
    match exchange(message, NLM_F_ACK) {
        Err(error) if matches!(error.raw_os_error(), Some(code) if super::is_gone(code)) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// All that the kernel has of the kind that the message asks for.
pub(super) fn dump(message: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
    exchange(message, NLM_F_DUMP)
}

fn exchange(message: RouteNetlinkMessage, flags: u16) -> io::Result<Vec<RouteNetlinkMessage>> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(&bytes, 0)?;
    let mut answers = Vec::new();
    loop {
        let mut bytes = Vec::with_capacity(READ);
        socket.recv(&mut bytes, 0)?;
        if take(&bytes, &mut answers)? {
            return Ok(answers);
        }
    }
}

/// Takes the messages of one datagram; true once nothing follows.
fn take(mut bytes: &[u8], answers: &mut Vec<RouteNetlinkMessage>) -> io::Result<bool> {
    while !bytes.is_empty() {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        // Messages begin at multiples of four bytes; one of no length would never end.
        let len = (message.header.length as usize).next_multiple_of(4).max(4);
        bytes = bytes.get(len..).unwrap_or_default();
        match message.payload {
            NetlinkPayload::InnerMessage(inner) => answers.push(inner),
            NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
            NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
}
