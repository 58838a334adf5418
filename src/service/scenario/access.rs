//! The steps that most scenarios share: routes, authorization, and leave to go out.

use ipnet::Ipv4Net;

use super::{Found, Plan, waits};
use crate::{
    model::{
        Access, AuthorizationRule, Command, Direction, Peer, RouteState, RuleState, SecurityGroup,
        VpcReach,
        command::{
            AuthorizeIngress, AuthorizeSecurityGroup, CreateRoute, CreateVpcRoute, DeleteVpcRoute,
            Permission, RevokeIngress,
        },
    },
    service::fields::listed,
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
            Found::Done(format!("Rules open {} to {whom}.", listed(destinations)))
        } else {
            let offer = lacking.iter().flat_map(|it| self.authorize(**it)).collect();
            Found::Missing(
                format!("No rule opens {} to {whom}.", listed(&lacking)),
                offer,
            )
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
        let grants = |rule: &AuthorizationRule| {
            let is_for_them = rule.access == Access::AllUsers || rule.access == self.access();
            is_for_them && rule.limits.protocol.is_none() && !rule.limits.is_expired(self.now)
        };
        rules()
            .filter(|rule| Some(rule.destination.prefix_len()) == longest)
            .any(grants)
    }

    /// Authorizes exactly the destination, in place of a rule that is limited or has ended.
    fn authorize(&self, destination: Ipv4Net) -> Vec<Command> {
        let endpoint = self.endpoint.id.to_string();
        let sid = self.group.as_ref().map(|(sid, _)| sid.clone());
        let mut commands = Vec::new();
        let access = self.access();
        let is_there = |rule: &AuthorizationRule| {
            rule.destination == destination
                && rule.access == access
                && rule.state != RuleState::Revoking
        };
        if self.snapshot.rules_of(&self.endpoint.id).any(is_there) {
            commands.push(Command::RevokeClientVpnIngress(RevokeIngress {
                client_vpn_endpoint_id: endpoint.clone(),
                target_network_cidr: destination.to_string(),
                revoke_all_groups: sid.is_none(),
                access_group_id: sid.clone(),
            }));
        }
        commands.push(Command::AuthorizeClientVpnIngress(AuthorizeIngress {
            client_vpn_endpoint_id: endpoint,
            target_network_cidr: destination.to_string(),
            authorize_all_groups: sid.is_none(),
            access_group_id: sid,
            ..AuthorizeIngress::default()
        }));
        commands
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
                for destination in destinations {
                    self.missing_vpc_routes(*destination, target, &leads, &mut offer);
                }
                let to = listed(destinations);
                if offer.is_empty() {
                    Found::Done(format!("Packets to {to} leave the VPC through {target}."))
                } else {
                    Found::Missing(format!("No route leads to {to} through {target}."), offer)
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
    ) {
        for subnet in &self.subnets {
            let reached = self.snapshot.vpc_routes(subnet).into_iter();
            let around = reached.filter(|(prefix, _)| prefix.contains(&destination));
            let longest = around.max_by_key(|(prefix, _)| prefix.prefix_len());
            if longest.is_some_and(|(_, by)| leads(&by)) {
                continue;
            }
            let Some(table) = self.snapshot.route_table_of(subnet) else {
                continue;
            };
            let mut routes = table.routes.iter();
            if routes.any(|route| route.destination == destination && !route.is_propagated) {
                offer.push(Command::DeleteRoute(DeleteVpcRoute {
                    route_table_id: table.id.to_string(),
                    destination_cidr_block: destination.to_string(),
                }));
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
                Found::Missing(
                    format!(
                        "No security group of the endpoint lets traffic out to {}.",
                        listed(lacking)
                    ),
                    vec![command],
                )
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
