//! The running gateway: reconciler, listeners, workers and the handshake pool.

pub mod gatekeeper;

pub use self::gatekeeper::{
    BoxFuture, Candidate, Credentials, Gatekeeper, Gateway, Report, TunnelLive,
};
