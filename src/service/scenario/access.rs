//! The steps that most scenarios share: routes, authorization, and leave to go out.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use super::{Found, Plan, missing, waits};
use crate::{
    model::{
        Access, AuthorizationRule, Command, Direction, Limits, Peer, RouteState, RuleState,
        SecurityGroup, SecurityGroupRule, VpcReach, VpcRoute,
        command::{
            AuthorizeIngress, AuthorizeSecurityGroup, CreateRoute, CreateVpcRoute, DeleteVpcRoute,
            Permission, RevokeIngress,
        },
        net,
    },
    service::{fields::listed, permissions, warnings::Around},
};

impl Plan<'_> {
    /// Clients are authorized to reach the destinations.
    pub(super) fn authorization(&mut self, destinations: &[Ipv4Net], title: &str) {
        let whom = match &self.group {
            Some((_, name)) => format!("members of {name}"),
            None => "everyone".to_owned(),
        };
        let lacking: Vec<_> = destinations
            .iter()
            .filter(|it| !self.is_authorized(**it))
            .collect();
        let found = if destinations.is_empty() {
            waits("what is to be reached")
        } else if lacking.is_empty() {
            let opened = format!("Rules open {} to {whom}.", listed(destinations));
            let apart: Vec<_> = destinations.iter().flat_map(|it| self.apart(*it)).collect();
            Found::Done(if apart.is_empty() {
                opened
            } else {
                format!(
                    "{opened} Inside, the rules for {} decide on their own, and do not open it to {whom}.",
                    listed(apart)
                )
            })
        } else {
            let mut taken = Vec::new();
            let mut offer = Vec::new();
            for destination in &lacking {
                self.authorize(**destination, &mut offer, &mut taken);
            }
            let lack = format!("No rule opens {} to {whom}.", listed(&lacking));
            missing(lack, &taken, offer)
        };
        self.step("authorization", title, found);
    }

    fn access(&self) -> Access {
        let sid = self.group.as_ref().and_then(|(sid, _)| sid.parse().ok());
        sid.map_or(Access::AllUsers, Access::Group)
    }

    /// Whether the longest prefix that has all of the destination opens it.
    fn is_authorized(&self, destination: Ipv4Net) -> bool {
        let around = |rule: &&AuthorizationRule| {
            rule.state != RuleState::Revoking && rule.destination.contains(&destination)
        };
        let rules = || self.snapshot.rules_of(&self.endpoint.id).filter(around);
        let longest = rules().map(|rule| rule.destination.prefix_len()).max();
        rules()
            .filter(|rule| Some(rule.destination.prefix_len()) == longest)
            .any(|rule| self.grants(rule))
    }

    /// Whether the rule opens all of its network to those who are to have access.
    fn grants(&self, rule: &AuthorizationRule) -> bool {
        let is_for_them = rule.access == Access::AllUsers || rule.access == self.access();
        is_for_them && rule.limits.protocol.is_none() && !rule.limits.is_expired(self.now)
    }

    /// Longer prefixes inside the destination whose rules do not open them.
    fn apart(&self, destination: Ipv4Net) -> BTreeSet<Ipv4Net> {
        let rules = self.snapshot.rules_of(&self.endpoint.id);
        let (mut opened, mut inside) = (BTreeSet::new(), BTreeSet::new());
        for rule in rules.filter(|rule| rule.state != RuleState::Revoking) {
            if destination.contains(&rule.destination) && rule.destination != destination {
                inside.insert(rule.destination);
                if self.grants(rule) {
                    opened.insert(rule.destination);
                }
            }
        }
        inside.difference(&opened).copied().collect()
    }

    /// Authorizes exactly the destination, in place of a rule that is limited or has ended. What
    /// goes by it, and whom it takes something from, is added to `taken`.
    fn authorize(&self, destination: Ipv4Net, offer: &mut Vec<Command>, taken: &mut Vec<String>) {
        let endpoint = self.endpoint.id.to_string();
        let sid = self.group.as_ref().map(|(sid, _)| sid.clone());
        let access = self.access();
        let around = Around {
            side: self.snapshot,
            endpoint: self.endpoint,
            now: self.now,
        };
        taken.extend(around.losses(destination, &access, &Limits::default()));
        let is_there = |rule: &AuthorizationRule| {
            rule.destination == destination
                && rule.access == access
                && rule.state != RuleState::Revoking
        };
        if let Some(rule) = self
            .snapshot
            .rules_of(&self.endpoint.id)
            .find(|it| is_there(it))
        {
            let until = rule.limits.expires_at;
            let until = until.map_or(String::new(), |end| format!(" until {end}"));
            taken.push(format!(
                "The rule for {destination} that grants {}{until} is revoked, and one for all traffic without end takes its place.",
                rule.limits.traffic()
            ));
            offer.push(Command::RevokeClientVpnIngress(RevokeIngress {
                client_vpn_endpoint_id: endpoint.clone(),
                target_network_cidr: destination.to_string(),
                revoke_all_groups: sid.is_none(),
                access_group_id: sid.clone(),
            }));
        }
        offer.push(Command::AuthorizeClientVpnIngress(AuthorizeIngress {
            client_vpn_endpoint_id: endpoint,
            target_network_cidr: destination.to_string(),
            authorize_all_groups: sid.is_none(),
            access_group_id: sid,
            ..AuthorizeIngress::default()
        }));
    }

    /// The endpoint's route table leads to the destinations through every target network.
    pub(super) fn client_route(&mut self, destinations: &[Ipv4Net]) {
        const TITLE: &str = "Add a route to the endpoint's route table";
        let found = if self.subnets.is_empty() {
            waits("the association")
        } else if destinations.is_empty() {
            waits("what is to be reached")
        } else {
            let mut offer = Vec::new();
            for destination in destinations {
                offer.extend(self.missing_client_routes(*destination));
            }
            if offer.is_empty() {
                Found::Done(format!("Routes lead to {}.", listed(destinations)))
            } else {
                Found::Missing(
                    format!(
                        "Not every target network has a route to {}.",
                        listed(destinations)
                    ),
                    offer,
                )
            }
        };
        self.step("route", TITLE, found);
    }

    fn missing_client_routes(&self, destination: Ipv4Net) -> Vec<Command> {
        let routes = || {
            let routes = self.snapshot.routes_of(&self.endpoint.id);
            routes.filter(|route| route.state != RouteState::Deleting)
        };
        let lacking = self.subnets.iter().filter(|subnet| {
            !routes().any(|it| it.subnet_id == subnet.id && it.destination.contains(&destination))
        });
        let lacking: Vec<_> = lacking.collect();
        let command = |subnet: Option<&str>| {
            Command::CreateClientVpnRoute(CreateRoute {
                client_vpn_endpoint_id: self.endpoint.id.to_string(),
                destination_cidr_block: destination.to_string(),
                target_vpc_subnet_id: subnet.unwrap_or_default().to_owned(),
                all_associations: subnet.is_none(),
                ..CreateRoute::default()
            })
        };
        if lacking.is_empty() {
            Vec::new()
        } else if routes().any(|route| route.destination == destination) {
            // Beside single ones there can be none for all.
            lacking
                .iter()
                .map(|it| command(Some(it.id.as_str())))
                .collect()
        } else {
            vec![command(None)]
        }
    }

    /// The route tables of the target networks lead to the destinations through `target`, by
    /// `leads`.
    pub(super) fn vpc_route(
        &mut self,
        destinations: &[Ipv4Net],
        target: Option<&str>,
        leads: impl Fn(&VpcReach) -> bool,
    ) {
        const TITLE: &str = "Add a route to the route table of the subnet";
        let found = match target {
            _ if self.subnets.is_empty() => waits("the association"),
            None => waits("what it leads through"),
            Some(_) if destinations.is_empty() => waits("what is to be reached"),
            Some(target) => {
                let mut offer = Vec::new();
                let mut taken = Vec::new();
                for destination in destinations {
                    self.missing_vpc_routes(*destination, target, &leads, &mut offer, &mut taken);
                }
                let to = listed(destinations);
                if offer.is_empty() {
                    Found::Done(format!("Packets to {to} leave the VPC through {target}."))
                } else {
                    let lack = format!("No route leads to {to} through {target}.");
                    missing(lack, &taken, offer)
                }
            }
        };
        self.step("vpc-route", TITLE, found);
    }

    fn missing_vpc_routes(
        &self,
        destination: Ipv4Net,
        target: &str,
        leads: &impl Fn(&VpcReach) -> bool,
        offer: &mut Vec<Command>,
        taken: &mut Vec<String>,
    ) {
        for subnet in &self.subnets {
            let reached = self.snapshot.vpc_routes(subnet).into_iter();
            let around = reached.filter(|(prefix, _)| prefix.contains(&destination));
            let longest = around.max_by_key(|(prefix, _)| prefix.prefix_len());
            if longest.as_ref().is_some_and(|(_, by)| leads(by)) {
                continue;
            }
            let Some(table) = self.snapshot.route_table_of(subnet) else {
                continue;
            };
            let same = |route: &&VpcRoute| route.destination == destination;
            // Two subnets may use one table.
            let mut once = |sentence: String| {
                if !taken.contains(&sentence) {
                    taken.push(sentence);
                }
            };
            if let Some(route) = table.routes.iter().find(same) {
                once(format!(
                    "The route to {destination} through {} in {} gives way.",
                    route.target.as_str(),
                    table.id
                ));
                let delete = Command::DeleteRoute(DeleteVpcRoute {
                    route_table_id: table.id.to_string(),
                    destination_cidr_block: destination.to_string(),
                });
                if !route.is_propagated && !offer.contains(&delete) {
                    offer.push(delete);
                }
            } else if let Some((prefix, by)) = longest
                && by.blackhole().is_none()
                && prefix.prefix_len() > 0
            {
                once(format!(
                    "Packets to {destination} no longer follow the way to {prefix}."
                ));
            }
            let create = Command::CreateRoute(CreateVpcRoute {
                route_table_id: table.id.to_string(),
                destination_cidr_block: destination.to_string(),
                target_id: target.to_owned(),
            });
            if !offer.contains(&create) {
                offer.push(create);
            }
        }
    }

    /// The endpoint's security groups let clients out to the destinations.
    pub(super) fn let_out(&mut self, destinations: &[Ipv4Net]) {
        const TITLE: &str = "Let the endpoint's security groups send traffic there";
        let groups: Vec<&SecurityGroup> = self.groups();
        let admits = |destination: &&Ipv4Net| {
            let rules = groups
                .iter()
                .flat_map(|group| group.rules_of(Direction::Egress));
            let mut open = rules.filter(|rule| rule.protocol.is_none());
            open.any(|rule| matches!(&rule.peer, Peer::Cidr(cidr) if cidr.contains(*destination)))
        };
        let lacking: Vec<_> = destinations.iter().filter(|it| !admits(it)).collect();
        let widened: Vec<String> = lacking
            .iter()
            .filter_map(|it| widened(&groups, **it))
            .collect();
        let found = match groups.first() {
            None => waits("the association, which applies security groups"),
            Some(_) if destinations.is_empty() => waits("what is to be reached"),
            Some(_) if lacking.is_empty() => {
                Found::Done("The security groups let all traffic out to it.".to_owned())
            }
            Some(group) => {
                let permission = |destination: &&Ipv4Net| Permission {
                    protocol: "-1".to_owned(),
                    cidr: Some(destination.to_string()),
                    ..Permission::default()
                };
                let command = Command::AuthorizeSecurityGroupEgress(AuthorizeSecurityGroup {
                    group_id: group.id.to_string(),
                    permissions: lacking.iter().map(permission).collect(),
                });
                let lack = format!(
                    "No security group of the endpoint lets all traffic out to {}.",
                    listed(lacking)
                );
                missing(lack, &widened, vec![command])
            }
        };
        self.step("security-group", TITLE, found);
    }

    /// The endpoint's security groups.
    pub(super) fn groups(&self) -> Vec<&SecurityGroup> {
        let ids = self.endpoint.security_groups.iter();
        ids.filter_map(|id| self.snapshot.security_groups.get(id))
            .map(AsRef::as_ref)
            .collect()
    }
}

/// What the groups let out to a part of the destination, or of some of its traffic, where they let
/// out anything: a rule for all of it widens that.
fn widened(groups: &[&SecurityGroup], destination: Ipv4Net) -> Option<String> {
    let rules = groups
        .iter()
        .flat_map(|group| group.rules_of(Direction::Egress));
    let part = |rule: &&SecurityGroupRule| match &rule.peer {
        Peer::Cidr(cidr) => net::overlap(*cidr, destination),
        Peer::Group(_) => true,
    };
    let part: Vec<_> = rules.filter(part).map(permissions::described).collect();
    (!part.is_empty()).then(|| {
        format!(
            "They let out only {}; the rule for all traffic to {destination} widens that.",
            listed(part)
        )
    })
}
