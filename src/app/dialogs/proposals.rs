//! Values a form begins with: ones that the service would take.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::model::{
    Certificate, CertificateUse, HostNetwork, Snapshot, Transport, VpcId, net::overlap,
};

/// Ports proposed before any other: HTTPS gets through most firewalls, 1194 is OpenVPN's own.
const FIRST_PORTS: [u16; 2] = [443, 1194];

/// A /22 for clients that meets no VPC, no other client range and no network of the machine:
/// first in 10.0.0.0/8 from 10.100.0.0 on, where few begin, then in 172.16.0.0/12.
#[must_use]
pub fn client_range(snapshot: &Snapshot, host: &[HostNetwork]) -> Option<Ipv4Net> {
    let vpcs = snapshot.vpcs.values().flat_map(|vpc| vpc.cidrs.iter());
    let ranges = snapshot.endpoints.values().map(|e| &e.client_cidr);
    let own = host.iter().map(|network| &network.cidr);
    let taken: Vec<Ipv4Net> = vpcs.chain(ranges).chain(own).copied().collect();
    let ten = (100..=255_u8)
        .chain(0..100)
        .map(|b| Ipv4Addr::new(10, b, 0, 0));
    let other = (16..32_u8).map(|b| Ipv4Addr::new(172, b, 0, 0));
    ten.chain(other)
        .filter_map(|address| Ipv4Net::new(address, 22).ok())
        .find(|net| taken.iter().all(|other| !overlap(*net, *other)))
}

/// The first of 443, 1194 and the ports after it that no endpoint uses with this transport.
#[must_use]
pub fn port(snapshot: &Snapshot, transport: Transport) -> u16 {
    let used = |port: u16| {
        snapshot
            .endpoints
            .values()
            .any(|e| e.transport == transport && e.port == port)
    };
    FIRST_PORTS
        .into_iter()
        .chain(1195..=u16::MAX)
        .find(|port| !used(*port))
        .unwrap_or(FIRST_PORTS[0])
}

/// Certificates that an endpoint can show: for servers, with their key.
pub fn server_certificates(snapshot: &Snapshot) -> impl Iterator<Item = &Certificate> {
    snapshot
        .certificates
        .values()
        .map(AsRef::as_ref)
        .filter(|c| c.usage == CertificateUse::Server && c.has_private_key)
}

/// Certificates that can say whose clients come in: authorities, and servers' own whose authority
/// is not in the store by itself but in their chain.
pub fn client_authorities(snapshot: &Snapshot) -> impl Iterator<Item = &Certificate> {
    let all = || snapshot.certificates.values().map(AsRef::as_ref);
    let own = all().filter(|c| {
        c.usage == CertificateUse::Server && c.issued_by.is_none() && !c.chain_pem.is_empty()
    });
    all()
        .filter(|c| c.usage == CertificateUse::Authority)
        .chain(own)
}

/// The DNS server of the VPC that an endpoint's target networks are of, if it answers; without a
/// VPC chosen, that of the only one there is.
#[must_use]
pub fn vpc_dns_server(snapshot: &Snapshot, vpc: Option<&VpcId>) -> Option<Ipv4Addr> {
    let vpc = match vpc {
        Some(id) => snapshot.vpcs.get(id)?,
        None => {
            let mut all = snapshot.vpcs.values();
            all.next().filter(|_| all.next().is_none())?
        }
    };
    vpc.resolver().filter(|_| vpc.dns_support)
}

/// The host that clients will be told to connect to, as far as it is known here.
#[must_use]
pub fn public_host(snapshot: &Snapshot, host: &[HostNetwork]) -> Option<String> {
    snapshot.settings.public_address.clone().or_else(|| {
        host.iter()
            .find(|network| network.default_route)
            .map(|network| network.address.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::sample;

    fn network(cidr: &str) -> HostNetwork {
        let cidr: Ipv4Net = cidr.parse().unwrap();
        HostNetwork {
            interface: "eth0".into(),
            address: cidr.hosts().next().unwrap(),
            cidr,
            default_route: true,
        }
    }

    #[test]
    fn the_range_proposed_meets_nothing_there_is() {
        let mut snapshot = Snapshot::default();
        assert_eq!(
            client_range(&snapshot, &[]).unwrap().to_string(),
            "10.100.0.0/22"
        );
        assert_eq!(
            client_range(&snapshot, &[network("10.100.0.0/14")])
                .unwrap()
                .to_string(),
            "10.104.0.0/22"
        );
        assert_eq!(
            client_range(&snapshot, &[network("10.0.0.0/8")])
                .unwrap()
                .to_string(),
            "172.16.0.0/22"
        );
        let endpoint = sample::endpoint(1, "a", "10.100.0.0/16", Transport::Udp, 443);
        snapshot.endpoints.insert(endpoint.id.clone(), endpoint);
        assert_eq!(
            client_range(&snapshot, &[]).unwrap().to_string(),
            "10.101.0.0/22"
        );
    }

    #[test]
    fn the_dns_server_proposed_is_that_of_the_vpc_as_long_as_it_answers() {
        let (mut snapshot, _) = sample::office();
        let (office, lab) = (sample::vpc_id(1), sample::vpc_id(2));
        let server = |snapshot: &Snapshot, vpc: Option<&_>| {
            vpc_dns_server(snapshot, vpc).map(|it| it.to_string())
        };
        assert_eq!(server(&snapshot, None), None, "there are two");
        assert_eq!(server(&snapshot, Some(&lab)).unwrap(), "10.50.0.2");
        snapshot.vpcs.remove(&lab);
        assert_eq!(server(&snapshot, None).unwrap(), "10.1.0.2");
        snapshot.vpcs.get_mut(&office).unwrap().dns_support = false;
        assert_eq!(server(&snapshot, Some(&office)), None);
    }

    #[test]
    fn ports_are_443_then_1194_then_the_next_of_that_transport() {
        let mut snapshot = Snapshot::default();
        let mut add = |number, port| {
            let endpoint = sample::endpoint(number, "a", "10.100.0.0/16", Transport::Udp, port);
            snapshot.endpoints.insert(endpoint.id.clone(), endpoint);
            (
                super::port(&snapshot, Transport::Udp),
                super::port(&snapshot, Transport::Tcp),
            )
        };
        assert_eq!(add(1, 443), (1194, 443));
        assert_eq!(add(2, 1194), (1195, 443));
        assert_eq!(add(3, 1195), (1196, 443));
    }
}
