//! Why a packet was thrown away, and why a session ended: two closed lists with stable names.

use std::fmt;

use super::tls::TlsFailure;

macro_rules! discards {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a packet was dropped. Carry on: the session is as it was.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Discard {
            $($(#[$doc])* $name,)*
        }

        impl Discard {
            /// Every reason, in a fixed order: the index of a table of counters.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// A stable name for counters and logs, such as `bad-tag`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

discards! {
    /// Shorter than its own header says.
    Truncated = "truncated",
    /// An opcode that no version in use sends.
    UnknownOpcode = "unknown-opcode",
    /// A known opcode where it has no business.
    UnexpectedOpcode = "unexpected-opcode",
    /// A session id of eight zero bytes.
    ZeroSessionId = "zero-session-id",
    /// More than eight acknowledgements in one packet.
    TooManyAcks = "too-many-acks",
    /// A first packet with acknowledgements, a key id or a packet id that a first packet cannot have.
    NotAFirstPacket = "not-a-first-packet",
    /// The cookie does not belong to this address, session id and time.
    BadCookie = "bad-cookie",
    /// The per-prefix or the global limit of first answers is used up.
    RateLimited = "rate-limited",
    /// The session id is not the peer's.
    WrongSession = "wrong-session",
    /// The acknowledgements name another session.
    ForeignAck = "foreign-ack",
    /// No such key is in use for control packets.
    UnknownKey = "unknown-key",
    /// Too far ahead of what arrived in order.
    BeyondWindow = "beyond-window",
    /// More bytes held than a session may hold.
    BufferFull = "buffer-full",
    /// A rekey before the current key is established, or sooner than the limit allows.
    RekeyTooSoon = "rekey-too-soon",
    /// The session has ended.
    SessionEnded = "session-ended",
    /// The data key is not installed.
    UnknownDataKey = "unknown-data-key",
    /// The authentication tag is wrong.
    BadTag = "bad-tag",
    /// Already received, or older than the window.
    Replayed = "replayed",
    /// Packet id 0 is never sent.
    ZeroPacketId = "zero-packet-id",
    /// The key has failed to open too many packets and is not used any more.
    KeyExhausted = "key-exhausted",
    /// Compressed payload; this side never decompresses.
    Compressed = "compressed",
    /// A payload that is no IP packet and no known message.
    NotIp = "not-ip",
}

impl fmt::Display for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a session ended. `Display` is one plain sentence for a connection record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The TLS handshake failed.
    #[error("{0}")]
    Tls(TlsFailure),
    /// The handshake did not finish in time.
    #[error("the handshake was not finished within {secs} seconds")]
    HandshakeTimeout {
        /// The limit, in seconds.
        secs: u64,
    },
    /// The key exchange message cannot be read.
    #[error("the peer's key exchange message is malformed: {0}")]
    MalformedKeyExchange(&'static str),
    /// The peer needs something that is not offered; told to it as AUTH_FAILED.
    #[error("{0}")]
    Incompatible(&'static str),
    /// The owner refused the peer; told to it as AUTH_FAILED.
    #[error("refused: {0}")]
    Refused(String),
    /// A rekey presented another identity than the session began with.
    #[error("a rekey presented another identity than the session began with")]
    IdentityChanged,
    /// The server refused us (client role).
    #[error("the server refused the credentials{}", Suffix(.0))]
    AuthFailed(String),
    /// The server asked us to reconnect (client role).
    #[error("the server asked to reconnect{}", Suffix(.0))]
    Restarted(String),
    /// The server asked us to stay away (client role).
    #[error("the server asked to stop{}", Suffix(.0))]
    Halted(String),
    /// The server pushed nothing usable (client role).
    #[error("the server's configuration cannot be used: {0}")]
    UnusablePush(&'static str),
    /// The peer said that it leaves.
    #[error("the peer left")]
    PeerExit,
    /// Nothing was heard from the peer for the agreed time.
    #[error("nothing was heard from the peer for too long")]
    PeerSilent,
    /// No new key was agreed before the old one expired.
    #[error("no new key was agreed before the old one expired")]
    KeyExpired,
    /// The peer sent more control bytes than a session may.
    #[error("the peer sent too many control messages")]
    ControlFlood,
    /// The owner told the peer to reconnect.
    #[error("the server stopped the session: {0}")]
    Stopped(String),
    /// The owner closed this side.
    #[error("closed on this side")]
    Closed,
    /// The system's random source failed.
    #[error("the system's random source failed")]
    NoRandomness,
}

/// `": text"`, or nothing for an empty text.
struct Suffix<'a>(&'a String);

impl fmt::Display for Suffix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn discard_names_are_distinct_kebab_case() {
        let names: BTreeSet<_> = Discard::ALL.iter().map(|discard| discard.name()).collect();
        assert_eq!(names.len(), Discard::ALL.len());
        for name in names {
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{name}"
            );
        }
    }

    #[test]
    fn a_reason_without_text_reads_as_a_sentence() {
        assert_eq!(
            CloseReason::AuthFailed(String::new()).to_string(),
            "the server refused the credentials"
        );
        assert_eq!(
            CloseReason::Halted("bye".into()).to_string(),
            "the server asked to stop: bye"
        );
    }
}
