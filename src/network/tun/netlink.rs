//! Routes and rules of policy routing, by messages to the kernel.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
    NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
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

/// Adds the route that the message names in place of the one with the same destination and metric,
/// at once, so that at no moment there is neither.
pub(super) fn replace(message: RouteNetlinkMessage) -> io::Result<()> {
    exchange(message, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE).map(drop)
}

/// Deletes what the message names; that it has gone is no error.
pub(super) fn delete(message: RouteNetlinkMessage) -> io::Result<()> {
    match exchange(message, NLM_F_ACK) {
        Err(error) if matches!(error.raw_os_error(), Some(code) if super::is_gone(code)) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// All that the kernel has of the kind that the message asks for, without those that cannot be read:
/// a later kernel may have some that this program does not know.
pub(super) fn dump(message: &RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
    uninterrupted(|| exchange(message.clone(), NLM_F_DUMP))
}

/// Asks again where the answer tells of different moments.
fn uninterrupted<T>(mut ask: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..ATTEMPTS {
        match ask() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
    ask()
}

/// Of a table that changes without end there is no answer.
const ATTEMPTS: usize = 10;

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
///
/// # Errors
/// What the kernel answers; [`io::ErrorKind::Interrupted`] if there was a change meanwhile.
fn take(mut bytes: &[u8], answers: &mut Vec<RouteNetlinkMessage>) -> io::Result<bool> {
    let unreadable = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    while !bytes.is_empty() {
        let header = NetlinkBuffer::new_checked(bytes).map_err(|e| unreadable(e.to_string()))?;
        if header.flags() & NLM_F_DUMP_INTR != 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let kind = header.message_type();
        // Messages begin at multiples of four bytes; one of no length would never end.
        let len = (header.length() as usize).next_multiple_of(4).max(4);
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes);
        bytes = bytes.get(len..).unwrap_or_default();
        match message.map(|message| message.payload) {
            Ok(NetlinkPayload::InnerMessage(inner)) => answers.push(inner),
            Ok(NetlinkPayload::Error(error)) if error.code.is_some() => return Err(error.to_io()),
            Ok(NetlinkPayload::Error(_) | NetlinkPayload::Done(_)) => return Ok(true),
            Ok(_) => {}
            Err(error) if kind < FIRST_OF_ROUTING => return Err(unreadable(error.to_string())),
            Err(error) => tracing::debug!(kind, %error, "a routing message is not understood"),
        }
    }
    Ok(false)
}

/// Below are the messages of netlink itself, `NLMSG_MIN_TYPE`.
const FIRST_OF_ROUTING: u16 = 16;

#[cfg(test)]
mod tests {
    use netlink_packet_route::route::RouteMessage;

    use super::*;

    fn route(flags: u16) -> Vec<u8> {
        let inner = RouteNetlinkMessage::NewRoute(RouteMessage::default());
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(inner));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    #[test]
    fn a_message_that_cannot_be_read_is_left_out_and_the_others_are_taken() {
        let mut broken = route(0);
        // An attribute that is longer than its message.
        broken.extend_from_slice(&[200, 0, 1, 0]);
        broken[0] += 4;
        assert!(NetlinkMessage::<RouteNetlinkMessage>::deserialize(&broken).is_err());
        let bytes = [route(0), broken, route(0)].concat();
        let mut answers = Vec::new();
        assert!(!take(&bytes, &mut answers).unwrap());
        assert_eq!(answers.len(), 2);
        assert!(take(&bytes[..10], &mut answers).is_err());
    }

    #[test]
    fn what_was_interrupted_by_a_change_is_asked_for_again_and_not_without_end() {
        let interrupted = take(&route(NLM_F_DUMP_INTR), &mut Vec::new());
        let kind = interrupted.unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::Interrupted);
        let mut asked = 0;
        let answer = uninterrupted(|| {
            asked += 1;
            if asked < 3 {
                Err(kind.into())
            } else {
                Ok(asked)
            }
        });
        assert_eq!(answer.unwrap(), 3);
        let mut asked = 0;
        let never = uninterrupted(|| {
            asked += 1;
            Err::<(), _>(kind.into())
        });
        assert!(never.is_err());
        assert_eq!(asked, ATTEMPTS);
    }
}
