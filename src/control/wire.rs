//! The words of the control socket and how they are framed.
//!
//! A frame is a length (32 bits, big endian) and that many bytes of JSON. The client says
//! [`ToOwner::Hello`] first and waits for [`FromOwner::Hello`]; then calls may overlap, each
//! answer carrying the number of its call.

use std::{io, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::{Face, Owner};
use crate::model::{Answer, Live, Refusal, Request, Snapshot};

/// The protocol's version. Both ends come from one package, so only equal versions talk.
pub const VERSION: u32 = 1;

/// The longest frame in bytes. A snapshot holds all certificates, each of about 3 KiB: so many are
/// two imports of the largest folder of easy-rsa. Only whoever may use the socket can send one.
pub const MAX_FRAME: usize = 64 << 20;

/// What a client says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToOwner {
    /// The first frame.
    Hello {
        /// The client's [`VERSION`].
        version: u32,
        /// What the client is.
        face: Face,
    },
    /// A command.
    Call {
        /// The client's number for it.
        id: u64,
        /// The command.
        request: Box<Request>,
    },
    /// Send the view, now and whenever it changes.
    Watch,
}

/// What the owner says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromOwner {
    /// The answer to the client's hello.
    Hello {
        /// The owner's [`VERSION`].
        version: u32,
        /// Who owns the data directory.
        owner: Owner,
    },
    /// The answer to a call.
    Answer {
        /// The number of the call.
        id: u64,
        /// What came of it.
        result: Box<Result<Answer, Refusal>>,
    },
    /// The newest view. Those in between were not sent.
    View {
        /// The configuration, where it differs from the one sent before.
        snapshot: Option<Arc<Snapshot>>,
        /// What runs.
        live: Arc<Live>,
    },
    /// Why the owner closes: what it could not take, or that it stops. Only answers to commands
    /// that were under way still follow.
    Goodbye(Refusal),
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other end closed between frames.
    #[error("the other end closed the connection")]
    Closed,
    /// The length is above [`MAX_FRAME`].
    #[error("a frame of {0} bytes is longer than the {MAX_FRAME} that are taken")]
    TooLong(usize),
    /// The bytes are not what this protocol says.
    #[error("a frame is not understood")]
    Malformed(#[source] serde_json::Error),
    /// The stream failed.
    #[error("the connection failed")]
    Io(#[from] io::Error),
}

/// Reads the next frame. Memory grows with the bytes that arrive, not with the length they claim.
///
/// # Errors
/// See [`FrameError`]. After one the stream cannot be read any further.
pub async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<T, FrameError> {
    let mut length = [0; 4];
    // A close before the first byte is an end, one after it is a fault.
    if stream.read(&mut length[..1]).await? == 0 {
        return Err(FrameError::Closed);
    }
    stream.read_exact(&mut length[1..]).await?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    // Frames carry keys, so the buffer is wiped.
    let mut body = Zeroizing::new(Vec::with_capacity(length.min(64 << 10)));
    stream.take(length as u64).read_to_end(&mut body).await?;
    if body.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    serde_json::from_slice(&body).map_err(FrameError::Malformed)
}

/// A message as a frame.
///
/// # Errors
/// `TooLong` for a message above [`MAX_FRAME`].
pub fn encode(message: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let mut frame = Zeroizing::new(vec![0; 4]);
    serde_json::to_writer(&mut *frame, message).map_err(FrameError::Malformed)?;
    let length = frame.len() - 4;
    match u32::try_from(length) {
        Ok(prefix) if length <= MAX_FRAME => {
            frame[..4].copy_from_slice(&prefix.to_be_bytes());
            Ok(frame)
        }
        _ => Err(FrameError::TooLong(length)),
    }
}

/// Sends a message.
///
/// # Errors
/// `TooLong` before anything is written; `Io` when the stream fails.
pub async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> Result<(), FrameError> {
    let frame = encode(message)?;
    stream.write_all(&frame).await?;
    Ok(stream.flush().await?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Command, View, command::ImportCertificate, command::Secret};

    #[tokio::test]
    async fn a_message_reads_back() {
        let message = ToOwner::Call {
            id: 7,
            request: Box::new(
                Command::ImportCertificate(ImportCertificate {
                    private_key: Some(Secret::new(b"\0\xff".to_vec())),
                    ..ImportCertificate::default()
                })
                .into(),
            ),
        };
        let frame = encode(&message).unwrap();
        assert_eq!(read::<ToOwner>(&mut &frame[..]).await.unwrap(), message);
    }

    #[tokio::test]
    async fn a_view_reads_back() {
        let view = View::default();
        let message = FromOwner::View {
            snapshot: Some(view.snapshot),
            live: view.live,
        };
        let frame = encode(&message).unwrap();
        assert_eq!(read::<FromOwner>(&mut &frame[..]).await.unwrap(), message);
    }

    #[tokio::test]
    async fn a_length_above_the_cap_is_refused_before_its_bytes_are_read() {
        let frame = (MAX_FRAME as u32 + 1).to_be_bytes();
        let error = read::<ToOwner>(&mut &frame[..]).await.unwrap_err();
        assert!(matches!(error, FrameError::TooLong(n) if n == MAX_FRAME + 1));
    }

    #[tokio::test]
    async fn an_end_between_frames_differs_from_one_inside() {
        let error = read::<ToOwner>(&mut &b""[..]).await.unwrap_err();
        assert!(matches!(error, FrameError::Closed));
        let error = read::<ToOwner>(&mut &b"\0\0\0\x09\"Watch"[..])
            .await
            .unwrap_err();
        assert!(matches!(error, FrameError::Io(_)));
    }

    proptest! {
        #[test]
        fn bytes_of_any_kind_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut stream = &bytes[..];
                while read::<ToOwner>(&mut stream).await.is_ok() {}
            });
        }

        #[test]
        fn text_of_any_kind_in_a_frame_never_panics(text in "\\PC{0,120}") {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut frame = (text.len() as u32).to_be_bytes().to_vec();
            frame.extend_from_slice(text.as_bytes());
            let result = runtime.block_on(read::<ToOwner>(&mut &frame[..]));
            let is_word = text.trim() == "\"Watch\"";
            prop_assert_eq!(result.is_ok(), is_word);
        }
    }
}
