//! The OpenVPN protocol without I/O: bytes and the time in; packets, events and a deadline out.
//!
//! There is no socket, no clock and no task in here. Both roles are implemented, server and client.
//! Addresses, routes, policy and who may come in belong to the owner.
//!
//! # A session is two values
//!
//! - [`Control`] is the control channel: reliability, TLS, key exchange, messages. Signatures happen in
//!   [`Control::handle_packet`], so a server drives it on a pool of its own.
//! - [`Data`] is the data channel: keys, replay windows, counters. One worker owns it; it never waits.
//!
//! # Where packets go (server)
//!
//! 1. [`peek`] reads a packet's [`Header`].
//! 2. Data packets go to the [`Data`] with that peer id (DATA_V2) or address (DATA_V1). If a packet came
//!    from a new address and [`Data::open`] succeeded, the owner moves the session there; nothing else may
//!    move it.
//! 3. Control packets go to the [`Control`] of that listener and address whose
//!    [`Control::remote_session_id`] is the header's. Without one, a UDP packet goes to
//!    [`Acceptor::handle`], which creates nothing until the address is proven; the first packet of a TCP
//!    connection goes to [`Accepted::stream`]. With an [`Accepted`], make [`Control::server`] and feed it
//!    that same packet. A new session from an address that has one is only a candidate: end the old one
//!    when the new one's [`Event::Admit`] has been granted.
//!
//! # Driving a session
//!
//! After each call of `handle_packet`, `handle_timeout`, `handle_decision`, `handle_data_event`,
//! `push_update`, `restart`, `refuse`, `close` and after creation:
//!
//! 1. drain [`Control::poll_event`] and act on each: [`Event::Admit`] is answered, sooner or later, by
//!    [`Control::handle_decision`]; [`Event::Established`] makes the [`Data`]; [`Event::Install`],
//!    [`Event::Promote`], [`Event::Retire`] and [`Event::SendExit`] are carried to it in order;
//! 2. then drain [`Control::poll_transmit`] and send each packet (over TCP with [`write_framed`]). Events
//!    first: the peer may use a key as soon as it has read what is sent here;
//! 3. sleep until [`Control::poll_timeout`], then call [`Control::handle_timeout`].
//!
//! [`Event::Closed`] comes once: release what the session held. Go on driving `Control` until
//! [`Control::is_done`], so that its last words arrive.
//!
//! A worker calls [`Data::open`] and [`Data::seal`] per packet, drains [`Data::poll_event`] to
//! [`Control::handle_data_event`] and [`Data::poll_transmit`] to the socket once per batch, and honours
//! [`Data::poll_timeout`].

mod admission;
mod channel;
mod config;
mod control;
mod cookie;
mod data;
mod key_method;
mod keys;
mod mss;
mod negotiate;
mod negotiation;
mod options;
mod outcome;
mod packet;
mod profile;
mod random;
mod reliable;
mod replay;
mod session;
mod stream;
mod timer;
mod tls;

#[cfg(test)]
mod tests;

pub use admission::{
    Admission, Decision, Grant, Identity, Ipv6Policy, Negotiated, PeerInfo, PushUpdate, TunnelMode,
};
pub use config::{ClientConfig, Limits, Offer, Role, ServerConfig, Transport};
pub use cookie::{Accepted, Acceptor, AcceptorLimits, Verdict};
pub use data::{Data, DataConfig, DataEvent, HEADROOM, Opened, SealError, Traffic};
pub use keys::{Cipher, DataFormat, DataKeys, Derivation, EpochSecret, Framing, UnknownCipher};
pub use options::{Pushed, PushedError};
pub use outcome::{CloseReason, Discard};
pub use packet::{Header, KeyId, Opcode, PeerId, SessionId, peek};
pub use profile::{Profile, ProfileError, ProfileText, Remote};
pub use random::{OsRandom, Random};
pub use session::{Control, Event, Session, Telling};
pub use stream::{BadLength, Deframer, LENGTH_BYTES, write_framed};
pub use tls::{CertificateProblem, ClientTls, ServerTls, TlsConfigError, TlsFailure, TlsVersions};
