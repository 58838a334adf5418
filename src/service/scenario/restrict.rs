//! Restricting access to a resource: only VPN clients, or everyone but them.

use super::{Found, Plan, missing, waits};
use crate::{
    model::{
        Command, Direction, Peer, Refusal, Resource, SecurityGroup, SecurityGroupId,
        SecurityGroupRule, Vpc,
        command::{
            ApplySecurityGroups, AuthorizeSecurityGroup, CreateSecurityGroup,
            ModifyNetworkInterface, Permission, RevokeSecurityGroup,
        },
        net,
    },
    service::{fields::listed, permissions, resources, security_groups::MAX_GROUPS},
};

impl<'s> Plan<'s> {
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
        if keep_out {
            self.keep_out(vpc, resource);
            return Ok(());
        }
        match self.client_group(vpc) {
            Some(own) => self.let_in_only(vpc, resource, own),
            None => self.step(
                "resource-group",
                GUARD,
                waits("the clients' own security group"),
            ),
        }
        Ok(())
    }

    /// Clients have a security group that nothing else has, so that rules can tell them apart. The
    /// endpoint keeps the others beside it: all of them together let clients out.
    fn client_group(&mut self, vpc: &Vpc) -> Option<&'s SecurityGroupId> {
        const TITLE: &str = "Apply a security group of their own to the clients";
        let endpoint = self.endpoint;
        let mut groups = endpoint.security_groups.iter();
        let own = groups.find(|id| self.is_only_for_clients(id));
        let found = match own {
            Some(own) => Found::Done(format!("Nothing but the clients has {own}.")),
            None => self.offer_client_group(vpc),
        };
        self.step("client-group", TITLE, found);
        own
    }

    fn offer_client_group(&self, vpc: &Vpc) -> Found {
        const LACK: &str =
            "The clients share each security group with others, so rules cannot tell them apart.";
        let has = &self.endpoint.security_groups;
        let name = format!("clients of {}", self.endpoint.id);
        let command = match self.named(vpc, &name) {
            None => create(vpc, &name, "Clients of the VPN and nothing else"),
            Some(group) if !self.is_only_for_clients(&group.id) => {
                return Found::Missing(
                    format!(
                        "{LACK} Others have {} too; give them another group.",
                        group.id
                    ),
                    Vec::new(),
                );
            }
            Some(_) if has.len() >= MAX_GROUPS => {
                return Found::Missing(
                    format!(
                        "{LACK} The endpoint has {MAX_GROUPS} security groups, as many as it may; take one away first."
                    ),
                    Vec::new(),
                );
            }
            Some(group) => {
                // What the group let out would be let out beside what the others do.
                let out = group.rules_of(Direction::Egress);
                let out: Vec<String> = out.map(|rule| rule.id.to_string()).collect();
                if out.is_empty() {
                    let all = has.iter().chain([&group.id]);
                    Command::ApplySecurityGroupsToClientVpnTargetNetwork(ApplySecurityGroups {
                        client_vpn_endpoint_id: self.endpoint.id.to_string(),
                        vpc_id: vpc.id.to_string(),
                        security_group_ids: all.map(ToString::to_string).collect(),
                    })
                } else {
                    Command::RevokeSecurityGroupEgress(RevokeSecurityGroup {
                        group_id: group.id.to_string(),
                        rule_ids: out,
                        permissions: Vec::new(),
                    })
                }
            }
        };
        Found::Missing(LACK.to_owned(), vec![command])
    }

    /// Whether neither a resource nor another endpoint has the group.
    fn is_only_for_clients(&self, id: &SecurityGroupId) -> bool {
        let group = self.snapshot.security_groups.get(id);
        let mut resources = self.snapshot.resources.values();
        let endpoints = self.snapshot.endpoints.values();
        let mut others = endpoints.filter(|it| it.id != self.endpoint.id);
        group.is_some_and(|group| !group.is_default())
            && !resources.any(|it| it.security_groups.contains(id))
            && !others.any(|it| it.security_groups.contains(id))
    }

    /// The resource has one security group, which admits those who have `own` and nobody else.
    fn let_in_only(&mut self, vpc: &Vpc, resource: &Resource, own: &SecurityGroupId) {
        let title = resource.title();
        let rules: Vec<_> = self.ingress(resource).collect();
        let is_own = |rule: &&SecurityGroupRule| {
            matches!(&rule.peer, Peer::Group(id) if self.is_only_for_clients(id)
                && self.endpoint.security_groups.contains(id))
        };
        if !rules.is_empty() && rules.iter().all(is_own) {
            let sentence = format!("The security groups of {title} admit VPN clients only.");
            return self.step("resource-group", GUARD, Found::Done(sentence));
        }
        let lack = format!("Others than VPN clients, or nobody, are admitted to {title}.");
        let name = format!("{} admits VPN clients only", resource.id);
        let wanted = Peer::Group(own.clone());
        let found = match self.named(vpc, &name) {
            None => Found::Missing(lack, vec![create(vpc, &name, "Admits VPN clients only")]),
            Some(group) => {
                let mut rules = group.rules_of(Direction::Ingress);
                if rules.any(|rule| rule.peer == wanted && rule.protocol.is_none()) {
                    let going: Vec<_> = resource.security_groups.iter().collect();
                    let taken = format!(
                        "{} takes the place of {}, and what that admits to {title} is no longer admitted.",
                        group.id,
                        listed(going)
                    );
                    let ids = [group.id.to_string()];
                    missing(lack, &[taken], vec![give(resource, ids)])
                } else {
                    let all = Permission {
                        protocol: ALL.to_owned(),
                        group_id: Some(own.to_string()),
                        ..Permission::default()
                    };
                    Found::Missing(lack, vec![admit(group, vec![all])])
                }
            }
        };
        self.step("resource-group", GUARD, found);
    }

    /// No rule of the resource's security groups admits clients; their other rules stay.
    fn keep_out(&mut self, vpc: &Vpc, resource: &Resource) {
        let title = resource.title();
        let lack = format!("Security groups of {title} admit VPN clients.");
        let mut kept = resource.security_groups.clone();
        let (mut prepared, mut taken, mut taking) = (Vec::new(), Vec::new(), Vec::new());
        for id in &resource.security_groups {
            let Some(group) = self.snapshot.security_groups.get(id) else {
                continue;
            };
            let going: Vec<_> = self.admitting(group).collect();
            if going.is_empty() {
                continue;
            }
            let words = listed(going.iter().map(|rule| permissions::described(rule)));
            if self.is_only_of(group, resource) {
                taken.push(format!("{id} no longer admits {words}."));
                taking.push(Command::RevokeSecurityGroupIngress(RevokeSecurityGroup {
                    group_id: id.to_string(),
                    rule_ids: going.iter().map(|rule| rule.id.to_string()).collect(),
                    permissions: Vec::new(),
                }));
                continue;
            }
            let name = format!("copy of {id} without clients, for {}", resource.id);
            let copy = self.named(vpc, &name);
            match copy.map(|copy| (copy, self.next_of_copy(group, copy))) {
                None => prepared.push(create(
                    vpc,
                    &name,
                    "Admits what another does but VPN clients",
                )),
                Some((_, Some(next))) => prepared.push(next),
                Some((copy, None)) => {
                    taken.push(format!(
                        "{} takes the place of {id}, which others have too, and does not admit {words}.",
                        copy.id
                    ));
                    kept.remove(id);
                    kept.insert(copy.id.clone());
                }
            }
        }
        if kept != resource.security_groups {
            taking.push(give(resource, kept.iter().map(ToString::to_string)));
        }
        let found = if !prepared.is_empty() {
            Found::Missing(
                format!(
                    "{lack} Others have these too, so {title} first needs a copy that does not."
                ),
                prepared,
            )
        } else if taking.is_empty() {
            Found::Done(format!("No security group of {title} admits VPN clients."))
        } else {
            missing(lack, &taken, taking)
        };
        self.step("resource-group", GUARD, found);
    }

    /// The rules of the group that may admit clients, by their groups or by an address they are
    /// seen with.
    fn admitting<'r>(
        &'r self,
        group: &'r SecurityGroup,
    ) -> impl Iterator<Item = &'r SecurityGroupRule> {
        let rules = group.rules_of(Direction::Ingress);
        rules.filter(|rule| self.admits_clients(rule))
    }

    /// Whether nothing but the resource has the group.
    fn is_only_of(&self, group: &SecurityGroup, resource: &Resource) -> bool {
        let resources = self.snapshot.resources.values();
        let mut others = resources.filter(|it| it.id != resource.id);
        let mut endpoints = self.snapshot.endpoints.values();
        !group.is_default()
            && !others.any(|it| it.security_groups.contains(&group.id))
            && !endpoints.any(|it| it.security_groups.contains(&group.id))
    }

    /// What `copy` lacks to admit what `group` does except clients, and to let out the same.
    fn next_of_copy(&self, group: &SecurityGroup, copy: &SecurityGroup) -> Option<Command> {
        let has = |group: &SecurityGroup, rule: &SecurityGroupRule| {
            group
                .rules
                .iter()
                .any(|it| permissions::admit_the_same(it, rule))
        };
        let lacking = |direction| {
            let rules = group.rules_of(direction);
            rules.filter(|rule| !has(copy, rule))
        };
        let let_in = lacking(Direction::Ingress).filter(|rule| !self.admits_clients(rule));
        let let_in: Vec<_> = let_in.map(permission).collect();
        if !let_in.is_empty() {
            return Some(admit(copy, let_in));
        }
        let let_out: Vec<_> = lacking(Direction::Egress).map(permission).collect();
        if !let_out.is_empty() {
            return Some(Command::AuthorizeSecurityGroupEgress(
                AuthorizeSecurityGroup {
                    group_id: copy.id.to_string(),
                    permissions: let_out,
                },
            ));
        }
        let more = copy.rules_of(Direction::Egress);
        let more = more.filter(|rule| !has(group, rule));
        let more: Vec<String> = more.map(|rule| rule.id.to_string()).collect();
        (!more.is_empty()).then(|| {
            Command::RevokeSecurityGroupEgress(RevokeSecurityGroup {
                group_id: copy.id.to_string(),
                rule_ids: more,
                permissions: Vec::new(),
            })
        })
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

    fn admits_clients(&self, rule: &SecurityGroupRule) -> bool {
        let subnets = self.subnets.iter().map(|subnet| subnet.cidr);
        let mut seen_as = subnets.chain([self.endpoint.client_cidr]);
        match &rule.peer {
            Peer::Group(id) => self.endpoint.security_groups.contains(id),
            Peer::Cidr(cidr) => seen_as.any(|it| net::overlap(it, *cidr)),
        }
    }
}

/// Gives the resource these groups in place of those it has.
fn give(resource: &Resource, groups: impl IntoIterator<Item = String>) -> Command {
    Command::ModifyNetworkInterfaceAttribute(ModifyNetworkInterface {
        network_interface_id: resource.id.to_string(),
        security_group_ids: Some(groups.into_iter().collect()),
        description: None,
    })
}

fn admit(group: &SecurityGroup, permissions: Vec<Permission>) -> Command {
    Command::AuthorizeSecurityGroupIngress(AuthorizeSecurityGroup {
        group_id: group.id.to_string(),
        permissions,
    })
}

/// What makes a rule like this one.
fn permission(rule: &SecurityGroupRule) -> Permission {
    let (cidr, group_id) = match &rule.peer {
        Peer::Cidr(cidr) => (Some(cidr.to_string()), None),
        Peer::Group(id) => (None, Some(id.to_string())),
    };
    Permission {
        protocol: rule.protocol.map_or(ALL, |it| it.as_str()).to_owned(),
        from_port: rule.ports.map(|ports| ports.from.into()),
        to_port: rule.ports.map(|ports| ports.to.into()),
        cidr,
        group_id,
        description: rule.description.clone(),
    }
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
/// Every protocol, in AWS's words.
const ALL: &str = "-1";
