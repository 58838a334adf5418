//! Packets over TCP: a 16-bit length, then that many bytes.

/// Cuts a TCP byte stream into packets. Holds at most one incomplete packet.
#[derive(Debug)]
pub struct Deframer {
    buffer: Vec<u8>,
    /// Bytes of `buffer` already handed out.
    taken: usize,
    max_packet: usize,
}

/// A length that no packet can have: nothing after it can be read, so the connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a packet of {len} bytes was announced, allowed are 1 to {max}")]
pub struct BadLength {
    /// What the stream says.
    pub len: usize,
    /// What is allowed now.
    pub max: usize,
}

impl Deframer {
    /// The largest packet to allow before the peer is authenticated: room for any control packet.
    pub const MAX_BEFORE_AUTHENTICATION: usize = 2048;

    /// A deframer that refuses packets longer than `max_packet` bytes.
    #[must_use]
    pub fn new(max_packet: usize) -> Self {
        Self {
            buffer: Vec::new(),
            taken: 0,
            max_packet,
        }
    }

    /// Changes the largest allowed packet, once the peer is authenticated.
    pub fn set_max_packet(&mut self, max_packet: usize) {
        self.max_packet = max_packet;
    }

    /// Takes bytes as they came from the socket. Drain [`Deframer::poll_packet`] before the next call,
    /// so that no more than one packet is ever held back.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole packet, which the caller may open in place.
    ///
    /// # Errors
    /// [`BadLength`] is fatal for the connection.
    pub fn poll_packet(&mut self) -> Result<Option<&mut [u8]>, BadLength> {
        let Some((len, _)) = self.buffer[self.taken..].split_first_chunk() else {
            return Ok(None);
        };
        let len = usize::from(u16::from_be_bytes(*len));
        if len == 0 || len > self.max_packet {
            return Err(BadLength {
                len,
                max: self.max_packet,
            });
        }
        let start = self.taken + LENGTH_BYTES;
        let end = start + len;
        if end > self.buffer.len() {
            return Ok(None);
        }
        self.taken = end;
        Ok(Some(&mut self.buffer[start..end]))
    }
}

/// Bytes of the length before each packet.
pub const LENGTH_BYTES: usize = 2;

/// Appends `packet` with its length before it.
///
/// # Errors
/// [`BadLength`] if the packet is empty or longer than a length can say.
pub fn write_framed(packet: &[u8], out: &mut Vec<u8>) -> Result<(), BadLength> {
    let max = usize::from(u16::MAX);
    let len = u16::try_from(packet.len())
        .ok()
        .filter(|len| *len > 0)
        .ok_or(BadLength {
            len: packet.len(),
            max,
        })?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(packet);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_and_oversized_lengths_are_fatal() {
        for (bytes, len) in [([0, 0], 0), ([0x08, 0x01], 2049)] {
            let mut deframer = Deframer::new(2048);
            deframer.handle_bytes(&bytes);
            assert_eq!(deframer.poll_packet(), Err(BadLength { len, max: 2048 }));
        }
        assert!(write_framed(&[], &mut Vec::new()).is_err());
        assert!(write_framed(&vec![0; 65536], &mut Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn packets_survive_any_segmentation(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..20),
            segment in 1usize..70,
        ) {
            let mut bytes = Vec::new();
            for packet in &packets {
                write_framed(packet, &mut bytes).unwrap();
            }
            let mut deframer = Deframer::new(64);
            let mut received = Vec::new();
            for chunk in bytes.chunks(segment) {
                deframer.handle_bytes(chunk);
                while let Some(packet) = deframer.poll_packet().unwrap() {
                    received.push(packet.to_vec());
                }
            }
            prop_assert_eq!(received, packets);
        }

        #[test]
        fn arbitrary_streams_never_panic(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20),
        ) {
            let mut deframer = Deframer::new(100);
            for chunk in chunks {
                deframer.handle_bytes(&chunk);
                loop {
                    match deframer.poll_packet() {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => return Ok(()),
                    }
                }
                prop_assert!(deframer.buffer.len() - deframer.taken < 102);
            }
        }
    }
}
