//! The resolver of a VPC: queries of clients to it are answered by this machine's name servers.
//!
//! A VPC's resolver has no host: its packets end in the user-space stack, in TUN mode too, which
//! leads the flows to a [`Forwarder`] on loopback. So nothing is changed on the machine for it, no
//! firewall stands in between, and what else is at that address is hidden on port 53 only.

mod forwarder;
mod message;
mod servers;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use ipnet::Ipv4Net;

use self::forwarder::Forwarder;
use super::batch::PacketBatch;

/// The port of DNS.
pub(super) const PORT: u16 = 53;
/// Where this machine's name servers are named.
const RESOLVER_FILE: &str = "/etc/resolv.conf";
/// Protocol numbers in the IPv4 header.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A resolver that clients of a range are answered at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResolverPlan {
    /// The client range.
    pub range: Ipv4Net,
    /// The resolver's address.
    pub address: Ipv4Addr,
}

/// The addresses of this machine's name servers; none where they cannot be read.
#[must_use]
pub fn name_servers() -> Vec<IpAddr> {
    servers::addresses()
}

/// The resolvers that are answered now, for every worker.
#[derive(Debug, Default)]
pub(super) struct Resolvers(ArcSwap<Served>);

impl Resolvers {
    pub(super) fn now(&self) -> Guard<Arc<Served>> {
        self.0.load()
    }
}

/// Resolvers and where their queries go.
#[derive(Debug, Default)]
pub(super) struct Served {
    ranges: BTreeMap<Ipv4Addr, Vec<Ipv4Net>>,
    /// Where the forwarder listens: UDP, TCP.
    forwarder: Option<(SocketAddrV4, SocketAddrV4)>,
}

impl Served {
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    fn has(&self, client: Ipv4Addr, address: Ipv4Addr) -> bool {
        let ranges = self.ranges.get(&address);
        ranges.is_some_and(|ranges| ranges.iter().any(|range| range.contains(&client)))
    }

    /// Where a flow of the client to `target` leads instead, if that is its resolver.
    pub(super) fn leads(
        &self,
        client: Ipv4Addr,
        target: SocketAddrV4,
        by_tcp: bool,
    ) -> Option<SocketAddrV4> {
        let (udp, tcp) = self.forwarder?;
        let is_query = target.port() == PORT && self.has(client, *target.ip());
        is_query.then_some(if by_tcp { tcp } else { udp })
    }

    /// Whether the packet is one of a flow that [`Self::leads`] elsewhere. One in fragments is not.
    pub(super) fn takes(&self, packet: &[u8]) -> bool {
        let Some(header) = packet.first_chunk::<20>() else {
            return false;
        };
        let address =
            |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
        let is_whole = header[6] & 0x3f == 0 && header[7] == 0;
        if self.forwarder.is_none() || !is_whole || !matches!(header[9], TCP | UDP) {
            return false;
        }
        let ports = usize::from(header[0] & 0x0f) * 4;
        let to = packet.get(ports + 2..ports + 4);
        to == Some(&PORT.to_be_bytes()) && self.has(address(12), address(16))
    }

    /// Moves the packets for resolvers out of the batch.
    pub(super) fn take_out(&self, batch: &mut PacketBatch, into: &mut PacketBatch) {
        if self.is_empty() {
            return;
        }
        batch.retain_mut(|slot| {
            let packet = slot.packet();
            !(self.takes(packet) && into.push_by(packet, slot.egress()))
        });
    }
}

/// Has the resolvers of a plan answered.
#[derive(Debug, Default)]
pub(super) struct Service {
    resolvers: Arc<Resolvers>,
    forwarder: Option<Forwarder>,
    warning: Option<String>,
}

impl Service {
    /// What the workers look at.
    pub(super) fn resolvers(&self) -> Arc<Resolvers> {
        Arc::clone(&self.resolvers)
    }

    /// Answers at these resolvers from here on, and at no other.
    pub(super) fn apply(&mut self, plans: &[ResolverPlan]) {
        if plans.is_empty() {
            self.forwarder = None;
        } else if self.forwarder.is_none() {
            match Forwarder::start(RESOLVER_FILE.into()) {
                Ok(forwarder) => self.forwarder = Some(forwarder),
                Err(error) => {
                    self.warning = Some(format!(
                        "The DNS servers of VPCs do not answer, because their forwarder could not be started: {error}."
                    ));
                }
            }
        }
        if self.forwarder.is_some() || plans.is_empty() {
            self.warning = None;
        }
        self.resolvers.0.store(Arc::new(served(
            plans,
            self.forwarder.as_ref().map(|it| (it.udp(), it.tcp())),
        )));
    }

    /// What an administrator should know, as a sentence.
    pub(super) fn warning(&self) -> Option<&String> {
        self.warning.as_ref()
    }
}

fn served(plans: &[ResolverPlan], forwarder: Option<(SocketAddrV4, SocketAddrV4)>) -> Served {
    let mut ranges: BTreeMap<Ipv4Addr, Vec<Ipv4Net>> = BTreeMap::new();
    for plan in plans {
        ranges.entry(plan.address).or_default().push(plan.range);
    }
    Served { ranges, forwarder }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Resolvers that lead to these addresses, by UDP and by TCP.
    pub(in crate::network) fn leading(
        plans: &[ResolverPlan],
        udp: SocketAddrV4,
        tcp: SocketAddrV4,
    ) -> Resolvers {
        Resolvers(ArcSwap::from_pointee(served(plans, Some((udp, tcp)))))
    }

    fn packet(protocol: u8, from: [u8; 4], to: [u8; 4], port: u16) -> Vec<u8> {
        let mut packet = vec![0; 28];
        packet[0] = 0x45;
        packet[9] = protocol;
        packet[12..16].copy_from_slice(&from);
        packet[16..20].copy_from_slice(&to);
        packet[22..24].copy_from_slice(&port.to_be_bytes());
        packet
    }

    #[test]
    fn only_whole_queries_of_the_resolver_s_own_clients_are_taken() {
        let plan = ResolverPlan {
            range: "10.99.0.0/22".parse().unwrap(),
            address: Ipv4Addr::new(10, 0, 0, 2),
        };
        let at = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let served = served(&[plan], Some((at(1), at(2))));
        let (client, resolver) = ([10, 99, 0, 2], [10, 0, 0, 2]);
        assert!(served.takes(&packet(UDP, client, resolver, 53)));
        assert!(served.takes(&packet(TCP, client, resolver, 53)));
        assert!(!served.takes(&packet(1, client, resolver, 53)));
        assert!(!served.takes(&packet(UDP, client, resolver, 54)));
        assert!(!served.takes(&packet(UDP, client, [10, 0, 0, 3], 53)));
        assert!(!served.takes(&packet(UDP, [10, 98, 0, 2], resolver, 53)));
        let mut fragment = packet(UDP, client, resolver, 53);
        fragment[6] = 0x20;
        assert!(!served.takes(&fragment));
        for cut in 0..24 {
            assert!(!served.takes(&packet(UDP, client, resolver, 53)[..cut]));
        }
        let target = SocketAddrV4::new(resolver.into(), 53);
        assert_eq!(served.leads(client.into(), target, false), Some(at(1)));
        assert_eq!(served.leads(client.into(), target, true), Some(at(2)));

        let mut batch = PacketBatch::new();
        assert!(batch.push(&packet(UDP, client, resolver, 53)));
        assert!(batch.push(&packet(UDP, client, resolver, 80)));
        let mut taken = PacketBatch::new();
        served.take_out(&mut batch, &mut taken);
        assert_eq!((batch.len(), taken.len()), (1, 1));
        assert_eq!(batch.packet(0)[23], 80);
    }

    #[test]
    fn the_forwarder_runs_as_long_as_there_is_a_resolver() {
        let mut service = Service::default();
        service.apply(&[ResolverPlan {
            range: "10.99.0.0/22".parse().unwrap(),
            address: Ipv4Addr::new(10, 0, 0, 2),
        }]);
        assert!(service.resolvers().now().forwarder.is_some());
        assert_eq!(service.warning(), None);
        service.apply(&[]);
        assert!(service.resolvers().now().forwarder.is_none());
        assert!(service.resolvers().now().is_empty());
    }
}
