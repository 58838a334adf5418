//! Gatehouse: what AWS Client VPN does, on a machine of your own.
//!
//! ```text
//!        app    cli    api        faces: translate and show, decide nothing
//!          \     |     /
//!           control               commands in, answers and snapshots out
//!              |
//!           service               the only door to change anything
//!     /     |      |      \
//!  store   pki  telemetry tunnel    capabilities that do not know each other
//!              /   |    \
//!       openvpn  policy  network    protocol without I/O · verdicts · TUN or user space
//!     \     |      |      /
//!             model                 nouns and commands; depends on nothing
//! ```
//!
//! Arrows point down only; `tests/layering.rs` fails on any other. Read [`model`] first, then
//! [`service`] for what may be changed, then [`tunnel`] for what runs.

pub mod api;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod model;
pub mod network;
pub mod openvpn;
pub mod pki;
pub mod policy;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod tunnel;
