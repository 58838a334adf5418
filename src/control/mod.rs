//! One way to the service for every face: in memory, or over the control socket.
//!
//! A face holds an `Arc<dyn Console>` and does not know which it is. Commands go down as
//! [`Request`]s; the state comes up as a stream of [`View`]s, of which only the newest matters.
//! Bytes travel, never paths of the gateway's machine, so a console on another machine is the same
//! protocol over another stream.

pub mod host;
mod local;
pub mod lock;
pub mod pki_folder;
pub mod private_file;
pub mod remote;
pub mod server;
pub mod socket;
pub mod wire;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use self::{
    host::{Host, HostError, HostOptions, Opened, attach_or_start},
    lock::{Lock, LockError},
    remote::{AttachError, Follow, Remote},
    server::{Door, Server},
    socket::Access,
};
use crate::model::{Answer, Refusal, Request, View};
pub use crate::{
    network::ModeChoice,
    service::{Caller, Face},
    tunnel::{BoxFuture, client},
};

/// What a face drives the product with.
pub trait Console: Send + Sync {
    /// Carries a command out, or says why not. Dropping the future does not take the command back.
    ///
    /// # Errors
    /// The service's refusal; `Unavailable` while the owner of the data directory cannot be
    /// reached (then the command may or may not have been carried out if it was under way).
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refusal>>;

    /// The configuration and what runs: the newest, and a wake-up at every change. While the owner
    /// cannot be reached it keeps the last one.
    fn views(&self) -> watch::Receiver<Arc<View>>;

    /// Whether there is anyone at the other end, and a wake-up when that changes.
    fn link(&self) -> watch::Receiver<Link>;
}

/// How a console reaches the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Service and gateway run in this process: when it ends, tunnels end.
    Embedded,
    /// They run in another process, and it answers.
    Attached(Owner),
    /// They should run in another process, and it does not answer. It is tried again by itself.
    Unreachable {
        /// Since when.
        since: Timestamp,
        /// What went wrong, as a sentence.
        reason: String,
    },
}

/// The process that owns a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// What it was started as: `gatehouse serve`, `gatehouse` (the window).
    pub name: String,
}
