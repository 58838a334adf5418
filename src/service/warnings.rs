//! What an administrator may not expect of a change of rules and routes.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;

use crate::model::{
    Access, AuthorizationRule, Command, Endpoint, RouteState, RuleState, Snapshot, net,
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
            it.taken(network, &mut warnings);
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

struct Look<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
    endpoint: &'a Endpoint,
    now: Timestamp,
}

impl<'a> Look<'a> {
    /// The rules of one side that grant something.
    fn rules(&self, side: &'a Snapshot) -> impl Iterator<Item = &'a AuthorizationRule> {
        let now = self.now;
        let id = &self.endpoint.id;
        let staying = move |rule: &&AuthorizationRule| {
            rule.endpoint_id == *id
                && rule.state != RuleState::Revoking
                && !rule.limits.is_expired(now)
        };
        side.rules.iter().filter(staying)
    }

    /// The rules that decide over all of `network` where none inside it does.
    fn deciding(
        &self,
        side: &'a Snapshot,
        network: Ipv4Net,
        shorter: bool,
    ) -> Vec<&'a AuthorizationRule> {
        let around = |rule: &&AuthorizationRule| {
            rule.destination.contains(&network) && !(shorter && rule.destination == network)
        };
        // One that has ended decides all the same: it has the longest prefix.
        let all = side.rules_of(&self.endpoint.id);
        let all = all.filter(|rule| rule.state != RuleState::Revoking);
        let longest = all
            .filter(around)
            .map(|rule| rule.destination.prefix_len())
            .max();
        let of_longest = |rule: &&AuthorizationRule| Some(rule.destination.prefix_len()) == longest;
        self.rules(side).filter(around).filter(of_longest).collect()
    }

    /// Whom a rule for a longer prefix takes from what a shorter one gives them.
    fn taken(&self, network: Ipv4Net, warnings: &mut Vec<String>) {
        let is_there = |rule: &AuthorizationRule| {
            rule.destination == network && rule.state != RuleState::Revoking
        };
        if self.before.rules_of(&self.endpoint.id).any(is_there) {
            return;
        }
        let mut new = self
            .rules(self.after)
            .filter(|rule| rule.destination == network);
        let Some(new) = new.next() else {
            return;
        };
        for old in self.deciding(self.before, network, true) {
            let given = format!(
                "{network}, which the rule for {} gives them",
                old.destination
            );
            let whom = match (&old.access, &new.access) {
                (_, Access::AllUsers) => None,
                (Access::AllUsers, Access::Group(_)) => {
                    Some(format!("Users outside {}", self.name(&new.access)))
                }
                (old, new) if old == new => None,
                (old, new) => Some(format!(
                    "Members of {} who are not in {}",
                    self.name(old),
                    self.name(new)
                )),
            };
            if let Some(whom) = whom {
                warnings.push(format!("{whom} lose {given}."));
            }
            let narrows = (new.limits.protocol, new.limits.ports)
                != (old.limits.protocol, old.limits.ports)
                && new.limits.protocol.is_some();
            if narrows {
                let who = match &new.access {
                    Access::AllUsers => self.name(&old.access),
                    Access::Group(_) => self.name(&new.access),
                };
                warnings.push(format!(
                    "For {who}, all but {} goes away to {given}.",
                    new.limits.traffic()
                ));
            }
        }
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

    fn without_route(&self, network: Ipv4Net) -> Option<String> {
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

    /// Target networks whose VPC reaches nothing of `network`.
    fn outside_vpc(&self, network: Ipv4Net) -> Vec<String> {
        let associations = self.after.associations_of(&self.endpoint.id);
        let subnets = associations.filter_map(|it| self.after.subnets.get(&it.subnet_id));
        subnets
            .filter(|subnet| {
                let reached = self.after.vpc_routes(subnet).into_iter();
                let mut reached = reached.filter(|(_, by)| by.blackhole().is_none());
                !reached.any(|(prefix, _)| net::overlap(prefix, network))
            })
            .map(|subnet| {
                format!(
                    "The VPC {} does not reach {network} from the subnet {}: add a route to its route table.",
                    subnet.vpc_id,
                    subnet.title()
                )
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
        let lacks = |server: Ipv4Addr| {
            let host = Ipv4Net::from(server);
            let mut routes = self.after.routes_of(&self.endpoint.id);
            let has_route = routes.any(|route| {
                route.state != RouteState::Deleting && route.destination.contains(&host)
            });
            if !has_route {
                return Some("no route leads to it");
            }
            if self.deciding(self.after, host, false).is_empty() {
                return Some("no authorization rule opens it");
            }
            let associations = self.after.associations_of(&self.endpoint.id);
            let mut subnets = associations.filter_map(|it| self.after.subnets.get(&it.subnet_id));
            let reaches = subnets.any(|subnet| {
                let by = self.after.vpc_reach(subnet, server);
                by.is_some_and(|by| by.blackhole().is_none())
            });
            (!reaches).then_some("the VPC does not reach it")
        };
        servers
            .filter_map(|server| {
                let lack = lacks(*server)?;
                Some(format!(
                    "Clients do not reach their DNS server {server}: {lack}."
                ))
            })
            .collect()
    }

    fn name(&self, access: &Access) -> String {
        match access {
            Access::AllUsers => "everyone".to_owned(),
            Access::Group(sid) => match self.after.groups.get(sid) {
                Some(group) => group.name.clone(),
                None => sid.to_string(),
            },
        }
    }
}
