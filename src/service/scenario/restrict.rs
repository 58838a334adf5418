//! Restricting access to a resource: only VPN clients, or everyone but them.

use super::{Found, Plan, waits};
use crate::{
    model::{
        Command, Direction, Peer, Refusal, Resource, SecurityGroup, SecurityGroupId,
        SecurityGroupRule, Vpc,
        command::{
            ApplySecurityGroups, AuthorizeSecurityGroup, CreateSecurityGroup,
            ModifyNetworkInterface, Permission,
        },
        net,
    },
    service::resources,
};

impl Plan<'_> {
    pub(super) fn restrict(
        &mut self,
        resource: Option<&str>,
        keep_out: bool,
    ) -> Result<(), Refusal> {
        let blocks = self.vpc_part();
        self.authorization(&blocks, "Authorize clients to access the VPC");
        let named = resource.map(str::trim).filter(|id| !id.is_empty());
        let resource = named
            .map(|id| resources::resource(self.snapshot, id))
            .transpose()?;
        let (vpc, resource) = match (self.vpc(), resource) {
            (Some(vpc), Some(it)) if it.vpc_id == vpc.id => {
                let sentence = format!("{} at {} is in the VPC.", it.title(), it.address);
                self.step("resource", RESOURCE, Found::Done(sentence));
                (vpc, it)
            }
            (vpc, _) => {
                let found = match vpc {
                    None => waits("the association"),
                    Some(vpc) => Found::Missing(
                        format!(
                            "Choose the resource, which must be in {}; describe one there by its address first if there is none.",
                            vpc.title()
                        ),
                        Vec::new(),
                    ),
                };
                self.step("resource", RESOURCE, found);
                return Ok(());
            }
        };
        let has_own_group = self.client_group(vpc, resource);
        if !has_own_group {
            self.step(
                "resource-group",
                GUARD,
                waits("the clients' own security group"),
            );
            return Ok(());
        }
        if keep_out {
            let is_kept_out = !self.ingress(resource).any(|rule| self.admits_clients(rule));
            self.guard(
                vpc,
                resource,
                is_kept_out,
                "keeps VPN clients out",
                &|plan| {
                    let default = plan.snapshot.default_security_group(&vpc.id)?;
                    Some(default.id.clone())
                },
            );
        } else {
            let rules: Vec<_> = self.ingress(resource).collect();
            let is_only_them =
                !rules.is_empty() && rules.iter().all(|rule| self.is_of_clients(rule));
            self.guard(
                vpc,
                resource,
                is_only_them,
                "admits VPN clients only",
                &|plan| plan.endpoint.security_groups.first().cloned(),
            );
        }
        Ok(())
    }

    /// Clients have security groups that nothing else has, so that rules can tell them apart.
    fn client_group(&mut self, vpc: &Vpc, resource: &Resource) -> bool {
        const TITLE: &str = "Apply a security group of their own to the clients";
        let others = self.snapshot.resources.values();
        let shared = |id: &SecurityGroupId| {
            let mut others = others.clone().chain([resource]);
            let group = self.snapshot.security_groups.get(id);
            group.is_none_or(|group| group.is_default())
                || others.any(|other| other.security_groups.contains(id))
        };
        let groups = &self.endpoint.security_groups;
        let is_done = !groups.is_empty() && !groups.iter().any(shared);
        let name = format!("clients of {}", self.endpoint.id);
        let found = if is_done {
            Found::Done("Nothing but the clients has their security groups.".to_owned())
        } else {
            let command = match self.named(vpc, &name) {
                None => create(vpc, &name, "Clients of the VPN and nothing else"),
                Some(group) => {
                    Command::ApplySecurityGroupsToClientVpnTargetNetwork(ApplySecurityGroups {
                        client_vpn_endpoint_id: self.endpoint.id.to_string(),
                        vpc_id: vpc.id.to_string(),
                        security_group_ids: vec![group.id.to_string()],
                    })
                }
            };
            Found::Missing(
                "The clients share a security group with others, so rules cannot tell them apart."
                    .to_owned(),
                vec![command],
            )
        };
        self.step("client-group", TITLE, found);
        is_done
    }

    /// The resource has a security group that does what is wanted: it admits `peer` and nobody
    /// else.
    fn guard(
        &mut self,
        vpc: &Vpc,
        resource: &Resource,
        is_done: bool,
        what: &str,
        peer: &dyn Fn(&Self) -> Option<SecurityGroupId>,
    ) {
        let title = resource.title();
        if is_done {
            let sentence = format!("The security groups of {title}: each {what}.");
            self.step("resource-group", GUARD, Found::Done(sentence));
            return;
        }
        let name = format!("{} {what}", resource.id);
        let command = match (self.named(vpc, &name), peer(self)) {
            (_, None) => None,
            (None, Some(_)) => Some(create(vpc, &name, what)),
            (Some(group), Some(peer)) => Some(next(group, resource, &peer)),
        };
        let sentence = format!("No security group of {title} {what} yet.");
        let found = Found::Missing(sentence, command.into_iter().collect());
        self.step("resource-group", GUARD, found);
    }

    fn named(&self, vpc: &Vpc, name: &str) -> Option<&SecurityGroup> {
        let mut groups = self.snapshot.security_groups.values().map(AsRef::as_ref);
        groups.find(|group| group.vpc_id == vpc.id && group.name == name)
    }

    /// What the resource's security groups admit to it.
    fn ingress<'r>(
        &'r self,
        resource: &'r Resource,
    ) -> impl Iterator<Item = &'r SecurityGroupRule> {
        let groups = resource.security_groups.iter();
        let groups = groups.filter_map(|id| self.snapshot.security_groups.get(id));
        groups.flat_map(|group| group.rules_of(Direction::Ingress))
    }

    fn is_of_clients(&self, rule: &SecurityGroupRule) -> bool {
        matches!(&rule.peer, Peer::Group(id) if self.endpoint.security_groups.contains(id))
    }

    /// Whether the rule may admit clients, by their group or by an address they are seen with.
    fn admits_clients(&self, rule: &SecurityGroupRule) -> bool {
        let subnets = self.subnets.iter().map(|subnet| subnet.cidr);
        let mut seen_as = subnets.chain([self.endpoint.client_cidr]);
        match &rule.peer {
            Peer::Group(_) => self.is_of_clients(rule),
            Peer::Cidr(cidr) => seen_as.any(|it| net::overlap(it, *cidr)),
        }
    }
}

/// What is next to be done with the group that is to be the resource's only one.
fn next(group: &SecurityGroup, resource: &Resource, peer: &SecurityGroupId) -> Command {
    let wanted = Peer::Group(peer.clone());
    let mut rules = group.rules_of(Direction::Ingress);
    if rules.any(|rule| rule.peer == wanted && rule.protocol.is_none()) {
        return Command::ModifyNetworkInterfaceAttribute(ModifyNetworkInterface {
            network_interface_id: resource.id.to_string(),
            security_group_ids: Some(vec![group.id.to_string()]),
            description: None,
        });
    }
    Command::AuthorizeSecurityGroupIngress(AuthorizeSecurityGroup {
        group_id: group.id.to_string(),
        permissions: vec![Permission {
            protocol: "-1".to_owned(),
            group_id: Some(peer.to_string()),
            ..Permission::default()
        }],
    })
}

fn create(vpc: &Vpc, name: &str, description: &str) -> Command {
    Command::CreateSecurityGroup(CreateSecurityGroup {
        group_name: name.to_owned(),
        description: description.to_owned(),
        vpc_id: vpc.id.to_string(),
        ..CreateSecurityGroup::default()
    })
}

const RESOURCE: &str = "Identify the resource";
const GUARD: &str = "Have the resource's security group admit the right ones";
