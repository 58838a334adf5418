//! The machine that the gateway runs on.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use crate::{model::HostNetwork, network, policy::OwnAddresses};

/// What the service asks of the machine; tests give their own.
pub trait Host: Send + Sync + 'static {
    /// The networks that the machine's interfaces are in, as they may be imported.
    fn networks(&self) -> Vec<HostNetwork>;

    /// The address by which others most likely reach the machine: that of its default route.
    fn address(&self) -> Option<Ipv4Addr>;

    /// Addresses that are the machine itself, which the gateway keeps closed to clients.
    fn own_addresses(&self) -> OwnAddresses;

    /// Whether a machine is known at the address: this one, its name server, or a neighbour that it
    /// has spoken with of late.
    fn has_host_at(&self, address: Ipv4Addr) -> bool;
}

/// The machine that this program runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Host for ThisMachine {
    fn networks(&self) -> Vec<HostNetwork> {
        let default_address = default_address();
        // The gateway's own device is in the clients' networks, which nobody would import.
        network::interfaces(Some(network::DEFAULT_TUN_NAME))
            .into_iter()
            .filter(|network| network.is_up)
            .map(|network| HostNetwork {
                interface: network.interface,
                address: network.address,
                cidr: network.network,
                default_route: default_address == Some(network.address),
            })
            .collect()
    }

    fn address(&self) -> Option<Ipv4Addr> {
        default_address().or_else(|| self.networks().first().map(|network| network.address))
    }

    fn own_addresses(&self) -> OwnAddresses {
        let now = network::own_addresses();
        OwnAddresses {
            addresses: now.addresses,
            broadcasts: now.broadcasts,
        }
    }

    fn has_host_at(&self, address: Ipv4Addr) -> bool {
        self.own_addresses().addresses.contains(&address)
            || network::name_servers().contains(&IpAddr::V4(address))
            || network::is_neighbour(address)
    }
}

/// The source address of packets that leave by the default route. Connecting a datagram socket
/// asks the system's routes and sends nothing.
fn default_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((ANYWHERE, 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(address) if !address.is_unspecified() && !address.is_loopback() => Some(address),
        _ => None,
    }
}

/// An address of documentation (RFC 5737): in no network, so only the default route leads there.
const ANYWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
