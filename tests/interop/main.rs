//! Debian's `openvpn`, unmodified, against the real program: the judge of everything below it.
//!
//! [`lab`] builds network namespaces of its own, so nothing here touches the machine's networks:
//!
//! ```text
//!  client ── router ── gateway ── target
//!  (openvpn)  "the internet"       a VPC's subnet; the target knows no way back to the clients
//! ```
//!
//! It needs root, /dev/net/tun and the packages of kind "test". Where one lacks a test says so and
//! passes; where CI=true it fails.

mod certificates;
mod gateway;
mod lab;
mod process;
mod site;
mod stock;
#[expect(dead_code, reason = "the tests of the window alone use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod backup;
mod chain;
mod client;
mod crash;
mod dialects;
mod dns;
mod folder;
mod fragments;
mod identity;
mod inbound;
mod logs;
mod modify;
mod own_addresses;
mod peers;
mod questions;
mod reach;
mod readme;
mod rekey;
mod revocation;
mod scenarios;
mod through;
mod window;
mod zones;
