//! Whether clients reach the DNS servers that their endpoint gives them.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;

use super::{
    endpoint::{AssociationState, AuthorizationRule, Endpoint, IpProtocol, RouteState, RuleState},
    network::Vpc,
    snapshot::Snapshot,
};

/// The port of DNS.
const PORT: u16 = 53;

/// What a DNS server of an endpoint lacks until clients reach it; the first thing of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsLack {
    /// No route of the endpoint.
    Route,
    /// No authorization rule lets anybody ask it.
    Rule,
    /// A VPC that reaches it.
    Reach,
    /// It is its VPC's own, which is switched off.
    Support,
}

impl DnsLack {
    /// The lack as the end of a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Route => "no route leads to it",
            Self::Rule => "no authorization rule opens it",
            Self::Reach => "the VPC does not reach it",
            Self::Support => "it is the VPC's DNS server, which is switched off",
        }
    }
}

impl Snapshot {
    /// What a DNS server lacks until clients of the endpoint reach it at `now`.
    #[must_use]
    pub fn dns_lack(
        &self,
        endpoint: &Endpoint,
        server: Ipv4Addr,
        now: Timestamp,
    ) -> Option<DnsLack> {
        let host = Ipv4Net::from(server);
        let mut routes = self.routes_of(&endpoint.id);
        let leads = routes
            .any(|route| route.state != RouteState::Deleting && route.destination.contains(&host));
        if !leads {
            return Some(DnsLack::Route);
        }
        if !self.lets_ask(endpoint, host, now) {
            return Some(DnsLack::Rule);
        }
        let associations = self.associations_of(&endpoint.id);
        let staying = associations.filter(|it| it.state != AssociationState::Disassociating);
        let subnets: Vec<_> = staying
            .filter_map(|it| self.subnets.get(&it.subnet_id))
            .collect();
        let reaches = subnets.iter().any(|subnet| {
            let by = self.vpc_reach(subnet, server);
            by.is_some_and(|by| by.blackhole().is_none())
        });
        if !reaches {
            return Some(DnsLack::Reach);
        }
        let mut vpcs = subnets.iter().filter_map(|it| self.vpcs.get(&it.vpc_id));
        let is_off = |vpc: &Vpc| !vpc.dns_support && vpc.resolver() == Some(server);
        vpcs.any(is_off).then_some(DnsLack::Support)
    }

    /// The endpoint's DNS servers that its clients do not reach, each with what it lacks. As long
    /// as it has no target network there are none: then clients reach nothing.
    #[must_use]
    pub fn dns_lacks(&self, endpoint: &Endpoint, now: Timestamp) -> Vec<(Ipv4Addr, DnsLack)> {
        let mut associations = self.associations_of(&endpoint.id);
        if endpoint.deleting || associations.next().is_none() {
            return Vec::new();
        }
        let servers = endpoint.dns_servers.iter();
        servers
            .filter_map(|server| Some((*server, self.dns_lack(endpoint, *server, now)?)))
            .collect()
    }

    /// Whether one of the rules with the longest prefix lets somebody ask a DNS server.
    fn lets_ask(&self, endpoint: &Endpoint, host: Ipv4Net, now: Timestamp) -> bool {
        let staying = self
            .rules_of(&endpoint.id)
            .filter(|rule| rule.state != RuleState::Revoking && rule.destination.contains(&host));
        let rules: Vec<_> = staying.collect();
        let longest = rules.iter().map(|rule| rule.destination.prefix_len()).max();
        let grants = |rule: &AuthorizationRule| {
            let limits = &rule.limits;
            let protocol = limits.protocol.is_none_or(|it| it == IpProtocol::Udp);
            let port = limits.ports.is_none_or(|it| it.contains(PORT));
            !limits.is_expired(now) && protocol && port
        };
        let mut deciding = rules
            .iter()
            .filter(|rule| Some(rule.destination.prefix_len()) == longest);
        deciding.any(|rule| grants(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::VpcId;

    fn vpc(cidr: &str) -> Vpc {
        Vpc {
            id: VpcId::from_random([1; 9]),
            cidrs: vec![cidr.parse().unwrap()],
            dns_support: true,
            tags: Default::default(),
        }
    }

    #[test]
    fn a_vpc_s_resolver_is_the_primary_block_s_address_plus_two() {
        let resolver = |cidr| vpc(cidr).resolver();
        assert_eq!(resolver("10.0.0.0/16"), Some(Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(
            resolver("192.168.7.16/28"),
            Some(Ipv4Addr::new(192, 168, 7, 18))
        );
        assert_eq!(resolver("255.255.255.255/32"), None);
        let mut none = vpc("10.0.0.0/16");
        none.cidrs.clear();
        assert_eq!(none.resolver(), None);
    }

    #[test]
    fn a_vpc_that_says_nothing_of_it_answers() {
        let id = VpcId::from_random([1; 9]);
        let said = format!(r#"{{"id":"{id}","cidrs":["10.0.0.0/16"],"tags":{{}}}}"#);
        let read: Vpc = serde_json::from_str(&said).unwrap();
        assert!(read.dns_support);
    }
}
