//! Scenarios: a client and a server of ours over a simulated link, in virtual time.

mod allocation;
mod cookie;
mod handshake;
mod hostile;
mod lifecycle;
mod pair;
mod rekey;
mod traffic;
