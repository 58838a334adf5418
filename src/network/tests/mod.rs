//! Both ways into the network, driven through a [`Port`](super::Port) by a client of our own.

#[cfg(target_os = "linux")]
mod doctor;
#[cfg(target_os = "linux")]
pub(crate) mod namespace;
mod peer;
#[cfg(target_os = "linux")]
mod tun;
mod userspace;
