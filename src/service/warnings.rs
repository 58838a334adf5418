//! What an administrator may not expect of a change of rules and routes.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::model::{
    Access, AuthorizationRule, Command, DnsLack, Endpoint, Limits, RouteState, RuleState, Snapshot,
    VpcId, command::ModifyVpcAttribute, net,
};

/// Sentences about the change that `command` makes of `before`, which is then `after`.
pub(super) fn of(
    command: &Command,
    before: &Snapshot,
    after: &Snapshot,
    now: Timestamp,
) -> Vec<String> {
    let endpoint = |text: &str| {
        after
            .endpoints
            .values()
            .find(|it| it.id.as_str() == text.trim())
    };
    let cidr = |text: &str| text.trim().parse::<Ipv4Net>().ok();
    let (id, network) = match command {
        Command::AuthorizeClientVpnIngress(it) => {
            (&it.client_vpn_endpoint_id, cidr(&it.target_network_cidr))
        }
        Command::RevokeClientVpnIngress(it) => {
            (&it.client_vpn_endpoint_id, cidr(&it.target_network_cidr))
        }
        Command::CreateClientVpnRoute(it) => {
            (&it.client_vpn_endpoint_id, cidr(&it.destination_cidr_block))
        }
        Command::DeleteClientVpnRoute(it) => {
            (&it.client_vpn_endpoint_id, cidr(&it.destination_cidr_block))
        }
        Command::ModifyVpcAttribute(it) => return switched(it, after, now),
        _ => return Vec::new(),
    };
    let (Some(endpoint), Some(network)) = (endpoint(id), network) else {
        return Vec::new();
    };
    let it = Look {
        before,
        after,
        endpoint,
        now,
    };
    let mut warnings = Vec::new();
    match command {
        Command::AuthorizeClientVpnIngress(_) => {
            warnings.extend(it.taken(network));
            warnings.extend(it.decided_inside(network));
            warnings.extend(it.without_route(network));
            warnings.extend(it.outside_vpc(network));
        }
        Command::RevokeClientVpnIngress(_) => warnings.extend(it.opened(network)),
        Command::CreateClientVpnRoute(_) => {
            warnings.extend(it.without_rule(network));
            warnings.extend(it.outside_vpc(network));
        }
        _ => {}
    }
    warnings.extend(it.full_tunnel());
    warnings.extend(it.resolvers());
    warnings
}

/// DNS servers that clients do not reach once a VPC's own is switched on or off.
fn switched(command: &ModifyVpcAttribute, after: &Snapshot, now: Timestamp) -> Vec<String> {
    let endpoints = after.endpoints.values().filter(|endpoint| {
        let vpc = endpoint.vpc_id.as_ref().map(VpcId::as_str);
        vpc == Some(command.vpc_id.trim())
    });
    let lacks = endpoints.flat_map(|endpoint| after.dns_lacks(endpoint, now));
    lacks
        .map(|(server, lack)| unreached(server, lack))
        .collect()
}

struct Look<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    endpoint: &'a Endpoint,
    now: Timestamp,
}

impl<'a> Look<'a> {
    /// One side of it.
    fn around(&self, side: &'a Snapshot) -> Around<'a> {
        Around {
            side,
            endpoint: self.endpoint,
            now: self.now,
        }
    }

    /// The rules of one side that grant something.
    fn rules(&self, side: &'a Snapshot) -> impl Iterator<Item = &'a AuthorizationRule> {
        self.around(side).granting()
    }

    fn deciding(
        &self,
        side: &'a Snapshot,
        network: Ipv4Net,
        shorter: bool,
    ) -> Vec<&'a AuthorizationRule> {
        self.around(side).deciding(network, shorter)
    }

    /// Whom a rule for a longer prefix takes from what a shorter one gives them.
    fn taken(&self, network: Ipv4Net) -> Vec<String> {
        let mut new = self
            .rules(self.after)
            .filter(|rule| rule.destination == network);
        let new = new.next();
        new.map_or_else(Vec::new, |new| {
            let before = self.around(self.before);
            before.losses(network, &new.access, &new.limits)
        })
    }

    /// What the new rule does not open because longer prefixes decide there.
    fn decided_inside(&self, network: Ipv4Net) -> Option<String> {
        let inside = |rule: &&AuthorizationRule| {
            network.contains(&rule.destination) && rule.destination != network
        };
        let mut longer: Vec<_> = self.rules(self.after).filter(inside).collect();
        longer.dedup_by_key(|rule| rule.destination);
        if longer.is_empty() {
            return None;
        }
        Some(format!(
            "Inside {network}, the rules for {} decide on their own: this one opens nothing there.",
            super::fields::listed(longer.iter().map(|rule| rule.destination))
        ))
    }

    /// What opens because a rule goes that was the longest.
    fn opened(&self, network: Ipv4Net) -> Vec<String> {
        let after = self.after.rules_of(&self.endpoint.id);
        let mut left =
            after.filter(|rule| rule.destination == network && rule.state != RuleState::Revoking);
        if left.next().is_some() {
            return Vec::new();
        }
        let deciding = self.deciding(self.after, network, true);
        deciding
            .iter()
            .map(|rule| {
                format!(
                    "With it gone, the rule for {} decides over {network}: {} may reach it ({}).",
                    rule.destination,
                    self.name(&rule.access),
                    rule.limits.traffic()
                )
            })
            .collect()
    }

    /// Whether other clients are meant, whom the gateway reaches without any route.
    fn is_of_clients(&self, network: Ipv4Net) -> bool {
        self.endpoint.client_cidr.contains(&network)
    }

    fn without_route(&self, network: Ipv4Net) -> Option<String> {
        if self.is_of_clients(network) {
            return None;
        }
        let mut routes = self.after.routes_of(&self.endpoint.id);
        let leads = routes.any(|route| {
            route.state != RouteState::Deleting && net::overlap(route.destination, network)
        });
        (!leads).then(|| {
            format!(
                "No route of {} leads to {network}, so the rule opens nothing yet; add a route.",
                self.endpoint.title()
            )
        })
    }

    fn without_rule(&self, network: Ipv4Net) -> Option<String> {
        let mut rules = self.rules(self.after);
        let is_open = rules.any(|rule| net::overlap(rule.destination, network));
        (!is_open).then(|| {
            format!("No authorization rule opens {network}, so nobody may use the route yet; authorize clients.")
        })
    }

    /// Target networks whose VPC does not reach all of `network`.
    fn outside_vpc(&self, network: Ipv4Net) -> Vec<String> {
        if self.is_of_clients(network) {
            return Vec::new();
        }
        let associations = self.after.associations_of(&self.endpoint.id);
        let subnets = associations.filter_map(|it| self.after.subnets.get(&it.subnet_id));
        subnets
            .filter_map(|subnet| {
                let reached = self.after.vpc_routes(subnet);
                let around = reached.iter().filter(|(prefix, _)| prefix.contains(&network));
                let longest = around.max_by_key(|(prefix, _)| prefix.prefix_len());
                if longest.is_some_and(|(_, by)| by.blackhole().is_none()) {
                    return None;
                }
                let mut live = reached.iter().filter(|(_, by)| by.blackhole().is_none());
                // The VPC's own blocks lie in 0.0.0.0/0, and are no way to the internet.
                let reaches = if live.any(|(prefix, _)| network.contains(prefix)) {
                    "reaches only a part of"
                } else {
                    "does not reach"
                };
                let vpc = self.after.vpcs.get(&subnet.vpc_id);
                Some(format!(
                    "The VPC {} {reaches} {network} from the subnet {}: add a route to its route table.",
                    vpc.map_or(subnet.vpc_id.as_str(), |vpc| vpc.title()),
                    subnet.title()
                ))
            })
            .collect()
    }

    /// A full tunnel takes everything from clients' own way out.
    fn full_tunnel(&self) -> Option<String> {
        if self.endpoint.split_tunnel {
            return None;
        }
        let everywhere = net::everywhere();
        let mut routes = self.after.routes_of(&self.endpoint.id);
        let has_route = routes
            .any(|route| route.state != RouteState::Deleting && route.destination == everywhere);
        let has_rule = self
            .rules(self.after)
            .any(|rule| rule.destination == everywhere);
        let lacks = match (has_route, has_rule) {
            (true, true) => return None,
            (false, true) => "no route to 0.0.0.0/0",
            (true, false) => "no authorization rule for 0.0.0.0/0",
            (false, false) => "no route to and no authorization rule for 0.0.0.0/0",
        };
        Some(format!(
            "{} sends all traffic of its clients through the tunnel, but has {lacks}: they do not reach the internet while they are connected.",
            self.endpoint.title()
        ))
    }

    /// DNS servers of the endpoint that clients would not reach.
    fn resolvers(&self) -> Vec<String> {
        let servers = self.endpoint.dns_servers.iter();
        servers
            .filter_map(|server| {
                let lack = self.after.dns_lack(self.endpoint, *server, self.now)?;
                Some(unreached(*server, lack))
            })
            .collect()
    }

    fn name(&self, access: &Access) -> String {
        self.around(self.after).name(access)
    }
}

/// That clients do not reach a DNS server, as a sentence.
pub(super) fn unreached(server: Ipv4Addr, lack: DnsLack) -> String {
    format!(
        "Clients do not reach their DNS server {server}: {}.",
        lack.words()
    )
}

/// The rules of one endpoint in one configuration.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) side: &'a Snapshot,
    pub(super) endpoint: &'a Endpoint,
    pub(super) now: Timestamp,
}

impl<'a> Around<'a> {
    /// The rules that stay: those that have ended are among them, for they decide all the same.
    fn staying(self) -> impl Iterator<Item = &'a AuthorizationRule> {
        let rules = self.side.rules_of(&self.endpoint.id);
        rules.filter(|rule| rule.state != RuleState::Revoking)
    }

    /// The rules that grant something.
    fn granting(self) -> impl Iterator<Item = &'a AuthorizationRule> {
        self.staying()
            .filter(move |rule| !rule.limits.is_expired(self.now))
    }

    /// The rules that decide over all of `network` where none inside it does; only those for more
    /// than it, where they are to be `shorter`.
    fn deciding(self, network: Ipv4Net, shorter: bool) -> Vec<&'a AuthorizationRule> {
        let around = |rule: &&AuthorizationRule| {
            rule.destination.contains(&network) && !(shorter && rule.destination == network)
        };
        let lengths = self.staying().filter(around);
        let longest = lengths.map(|rule| rule.destination.prefix_len()).max();
        let of_longest = |rule: &&AuthorizationRule| Some(rule.destination.prefix_len()) == longest;
        self.granting().filter(around).filter(of_longest).collect()
    }

    /// What a new rule for `network` takes from whom although it grants, because its prefix is
    /// longer than that of a rule which gives it to them: each a sentence.
    pub(super) fn losses(self, network: Ipv4Net, access: &Access, limits: &Limits) -> Vec<String> {
        if self.staying().any(|rule| rule.destination == network) {
            return Vec::new();
        }
        let mut sentences = Vec::new();
        for old in self.deciding(network, true) {
            let given = format!(
                "{network}, which the rule for {} gives them",
                old.destination
            );
            let whom = match (&old.access, access) {
                (_, Access::AllUsers) => None,
                (Access::AllUsers, Access::Group(_)) => {
                    Some(format!("Users outside {}", self.name(access)))
                }
                (old, new) if old == new => None,
                (old, new) => Some(format!(
                    "Members of {} who are not in {}",
                    self.name(old),
                    self.name(new)
                )),
            };
            if let Some(whom) = whom {
                sentences.push(format!("{whom} lose {given}."));
            }
            // Others than those the old rule is for have nothing that could be narrowed.
            let common = match (&old.access, access) {
                (Access::AllUsers, new) => Some(new),
                (old, Access::AllUsers) => Some(old),
                (old, new) => (old == new).then_some(new),
            };
            if let Some(common) = common
                && !includes(limits, &old.limits)
            {
                sentences.push(format!(
                    "For {}, all but {} goes away to {given}.",
                    self.name(common),
                    limits.traffic()
                ));
            }
        }
        sentences
    }

    fn name(self, access: &Access) -> String {
        match access {
            Access::AllUsers => "everyone".to_owned(),
            Access::Group(sid) => match self.side.groups.get(sid) {
                Some(group) => group.name.clone(),
                None => sid.to_string(),
            },
        }
    }
}

/// Whether all traffic that `part` grants is granted by `whole`.
fn includes(whole: &Limits, part: &Limits) -> bool {
    let Some(protocol) = whole.protocol else {
        return true;
    };
    let ports = match (whole.ports, part.ports) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(whole), Some(part)) => whole.from <= part.from && part.to <= whole.to,
    };
    part.protocol == Some(protocol) && ports
}
