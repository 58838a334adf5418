//! What this machine is attached to: networks to import, and addresses that are its own.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use netdev::Interface;

/// A network one of this machine's interfaces is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostNetwork {
    /// The interface's name, for example `eth0`.
    pub interface: String,
    /// This machine's address in the network.
    pub address: Ipv4Addr,
    /// The network, host bits cleared.
    pub network: Ipv4Net,
    /// Whether the interface is up.
    pub is_up: bool,
    /// Whether the interface stands for hardware, not for a bridge, container or tunnel.
    pub is_physical: bool,
}

/// The networks "Import this machine's networks" offers: no loopback, no link-local, no single
/// address, nothing of the device `own_tun`.
#[must_use]
pub fn interfaces(own_tun: Option<&str>) -> Vec<HostNetwork> {
    netdev::get_interfaces()
        .iter()
        .filter(|interface| !interface.is_loopback() && Some(interface.name.as_str()) != own_tun)
        .flat_map(host_networks)
        .collect()
}

fn host_networks(interface: &Interface) -> impl Iterator<Item = HostNetwork> {
    interface
        .ipv4
        .iter()
        .filter(|net| is_importable(net))
        .map(|net| HostNetwork {
            interface: interface.name.clone(),
            address: net.addr(),
            network: net.trunc(),
            is_up: interface.is_up(),
            is_physical: interface.is_physical(),
        })
}

fn is_importable(net: &Ipv4Net) -> bool {
    !net.addr().is_loopback() && !net.addr().is_link_local() && net.prefix_len() < 31
}

/// Addresses that are this machine itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnAddresses {
    /// Every IPv4 address of every interface, loopback included, sorted.
    pub addresses: Vec<Ipv4Addr>,
    /// The directed broadcast and network addresses of the attached networks, sorted. A packet to
    /// one of them reaches every machine there, this one included.
    pub broadcasts: Vec<Ipv4Addr>,
}

/// This machine's own addresses now. It takes some system calls for each interface: ask every few
/// seconds and compare, rather than for each packet.
#[must_use]
pub fn own_addresses() -> OwnAddresses {
    let nets = netdev::get_interfaces()
        .into_iter()
        .flat_map(|interface| interface.ipv4);
    collect_own(nets)
}

/// Whether the system knows a machine at the address from having spoken with it.
#[must_use]
pub fn is_neighbour(address: Ipv4Addr) -> bool {
    // Of other systems it is not known.
    std::fs::read_to_string("/proc/net/arp").is_ok_and(|table| is_in(&table, address))
}

/// Whether a complete entry of the table (`proc_pid_net(5)`) is for the address.
fn is_in(table: &str, address: Ipv4Addr) -> bool {
    table.lines().skip(1).any(|line| {
        let mut words = line.split_ascii_whitespace();
        let is_it = words.next().and_then(|it| it.parse().ok()) == Some(address);
        let flags = words.nth(1).and_then(|it| it.strip_prefix("0x"));
        let flags = flags.and_then(|it| u32::from_str_radix(it, 16).ok());
        is_it && flags.is_some_and(|flags| flags & COMPLETE != 0)
    })
}

/// An entry with a hardware address (`ATF_COM`).
const COMPLETE: u32 = 2;

fn collect_own(nets: impl Iterator<Item = Ipv4Net>) -> OwnAddresses {
    let (mut addresses, mut broadcasts) = (BTreeSet::new(), BTreeSet::new());
    for net in nets {
        addresses.insert(net.addr());
        // A /31 and a /32 have no broadcast address (RFC 3021).
        if net.prefix_len() < 31 {
            broadcasts.insert(net.broadcast());
            broadcasts.insert(net.network());
        }
    }
    OwnAddresses {
        addresses: addresses.into_iter().collect(),
        broadcasts: broadcasts.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn loopback_link_local_and_single_addresses_are_not_offered_for_import() {
        for refused in [
            "127.0.0.1/8",
            "169.254.3.4/16",
            "192.0.2.1/32",
            "192.0.2.0/31",
        ] {
            assert!(!is_importable(&net(refused)), "{refused}");
        }
        assert!(is_importable(&net("192.168.1.7/24")));
    }

    #[test]
    fn a_neighbour_is_one_whose_hardware_address_is_known() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     192.0.2.2        0x1         0x2         52:54:00:12:34:56     *        eth0\n\
                     192.0.2.3        0x1         0x0         00:00:00:00:00:00     *        eth0\n\
                     nonsense\n";
        assert!(is_in(table, Ipv4Addr::new(192, 0, 2, 2)));
        assert!(!is_in(table, Ipv4Addr::new(192, 0, 2, 3)));
        assert!(!is_in(table, Ipv4Addr::new(192, 0, 2, 4)));
    }

    #[test]
    fn own_addresses_hold_each_address_and_the_broadcasts_of_its_network() {
        let own = collect_own([net("192.168.1.7/24"), net("10.0.0.1/32")].into_iter());
        assert_eq!(
            own.addresses,
            ["10.0.0.1", "192.168.1.7"].map(|a| a.parse::<Ipv4Addr>().unwrap())
        );
        assert_eq!(
            own.broadcasts,
            ["192.168.1.0", "192.168.1.255"].map(|a| a.parse::<Ipv4Addr>().unwrap())
        );
    }

    #[test]
    fn this_machine_has_a_loopback_address_that_is_never_imported() {
        assert!(own_addresses().addresses.contains(&Ipv4Addr::LOCALHOST));
        assert!(interfaces(None).iter().all(|n| !n.address.is_loopback()));
    }
}
