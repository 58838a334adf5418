//! The chain that every verdict goes through, and its explanation: one function does both, so they
//! cannot differ.

use std::{net::Ipv4Addr, sync::Arc};

use ipnet::Ipv4Net;

use super::{
    Policy, Reason, Session, Traffic, Verdict,
    guard::Admitting,
    reach::{Reach, Target},
};
use crate::model::{
    AuthorizationRule, Group, GroupTitle, Miss, Snapshot, Step, SubnetId, WeighedRule,
    security_group::{Direction, Peer},
};

/// Who asks for something to be reached.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The common name of the user's certificate.
    pub user: &'a str,
    /// The address of the session; none where the user is not connected.
    pub address: Option<Ipv4Addr>,
    /// The subnet of the association that the session is bound to, or would be.
    pub subnet: &'a SubnetId,
}

/// An authorization rule, compiled.
#[derive(Debug)]
pub(super) struct Rule {
    rule: AuthorizationRule,
    /// None for a rule for everyone, and for one whose group is not there: nobody is in that.
    group: Option<Arc<Group>>,
    is_expired: bool,
}

impl Rule {
    pub(super) fn new(snapshot: &Snapshot, rule: &AuthorizationRule, now: jiff::Timestamp) -> Self {
        let sid = rule.access.group();
        Self {
            rule: rule.clone(),
            group: sid.and_then(|sid| snapshot.groups.get(sid).cloned()),
            is_expired: rule.limits.is_expired(now),
        }
    }

    /// Why it grants the user nothing of the traffic, if it does not.
    fn miss(&self, user: &str, traffic: Traffic) -> Option<Miss> {
        let is_for_user = match self.rule.access.group() {
            None => true,
            Some(_) => self
                .group
                .as_ref()
                .is_some_and(|group| group.members.contains(user)),
        };
        if !is_for_user {
            return Some(Miss::NotMember);
        }
        if self.is_expired {
            return Some(Miss::Expired);
        }
        (!self.fits(traffic)).then_some(Miss::OtherTraffic)
    }

    fn fits(&self, traffic: Traffic) -> bool {
        traffic.fits(self.rule.limits.protocol, self.rule.limits.ports)
    }

    fn weighed(&self, user: &str, traffic: Traffic) -> WeighedRule {
        WeighedRule {
            destination: self.rule.destination,
            access: self.rule.access.clone(),
            group_name: self.group.as_ref().map(|group| group.name.clone()),
            limits: self.rule.limits,
            description: self.rule.description.clone(),
            miss: self.miss(user, traffic),
        }
    }
}

/// What is told of each step; a verdict alone tells nobody, and then nothing is put together.
trait Trace {
    fn tell(&mut self, step: impl FnOnce() -> Step);
}

/// For packets.
struct Silent;

impl Trace for Silent {
    fn tell(&mut self, _: impl FnOnce() -> Step) {}
}

impl Trace for Vec<Step> {
    fn tell(&mut self, step: impl FnOnce() -> Step) {
        self.push(step());
    }
}

impl Policy {
    /// May the traffic pass, and why? The steps are in the order they were taken; the last one is
    /// the one that refused, if one did.
    #[must_use]
    pub fn explain(
        &self,
        asker: Asker<'_>,
        destination: Ipv4Addr,
        traffic: Traffic,
    ) -> (Verdict, Vec<Step>) {
        let mut steps = Vec::new();
        let verdict = self.judge(asker, destination, traffic, &mut steps);
        (verdict, steps)
    }

    /// May the traffic pass?
    #[must_use]
    pub fn allows(&self, asker: Asker<'_>, destination: Ipv4Addr, traffic: Traffic) -> Verdict {
        self.judge(asker, destination, traffic, &mut Silent)
    }

    fn judge(
        &self,
        asker: Asker<'_>,
        destination: Ipv4Addr,
        traffic: Traffic,
        trace: &mut impl Trace,
    ) -> Verdict {
        trace.tell(|| self.source(asker));
        let closed = self.closed(destination);
        trace.tell(|| Step::Destination {
            address: destination,
            closed: closed.map(|reason| reason.sentence().to_owned()),
        });
        let chain = match closed {
            Some(reason) => Err(reason),
            // What is local to the gateway needs no route, no security group and no VPC.
            None if self.is_client(destination) => {
                self.by_rules(asker, destination, traffic, trace)
            }
            None => self.through_network(asker, destination, traffic, trace),
        };
        chain.into()
    }

    fn through_network(
        &self,
        asker: Asker<'_>,
        destination: Ipv4Addr,
        traffic: Traffic,
        trace: &mut impl Trace,
    ) -> Result<(), Reason> {
        let host = Ipv4Net::from(destination);
        let reach = self.by_route(asker, host, trace)?;
        self.by_rules(asker, destination, traffic, trace)?;
        let target = reach.target(host);
        self.let_out(target, destination, traffic, trace)?;
        trace.tell(|| Step::Vpc {
            vpc_id: reach.vpc_id.clone(),
            by: target.map(|target| target.by.clone()),
        });
        let target = target.filter(|target| target.is_reached());
        let target = target.ok_or(Reason::OutsideVpc)?;
        let from = reach.seen_as.unwrap_or_else(|| {
            let address = asker.address.map(Ipv4Net::from);
            address.unwrap_or(self.client_range)
        });
        self.let_in(target, from, destination, traffic, trace)
    }

    fn by_route(
        &self,
        asker: Asker<'_>,
        host: Ipv4Net,
        trace: &mut impl Trace,
    ) -> Result<&Reach, Reason> {
        let reach = self.subnets.get(asker.subnet);
        let route = reach.and_then(|reach| reach.routes.get_lpm(&host));
        trace.tell(|| Step::Route {
            subnet_id: asker.subnet.clone(),
            chosen: route,
            shadowed: reach.map_or_else(Vec::new, |reach| reach.shorter_routes(host)),
        });
        reach.filter(|_| route.is_some()).ok_or(Reason::NoRoute)
    }

    /// The longest prefix over all rules decides, whoever they are for and whatever they are
    /// limited to; shorter ones are not consulted. One grant among its rules suffices.
    fn by_rules(
        &self,
        asker: Asker<'_>,
        destination: Ipv4Addr,
        traffic: Traffic,
        trace: &mut impl Trace,
    ) -> Result<(), Reason> {
        let longest = self.rules.longest(destination).map(|(_, rules)| rules);
        let grants = |rule: &Rule| rule.miss(asker.user, traffic).is_none();
        let is_granted = longest.is_some_and(|rules| rules.iter().any(grants));
        trace.tell(|| self.rules_step(destination, asker.user, traffic));
        is_granted.then_some(()).ok_or(Reason::NotAuthorized)
    }

    /// By the endpoint's security groups; where it has none, nothing is limited.
    fn let_out(
        &self,
        target: Option<&Target>,
        destination: Ipv4Addr,
        traffic: Traffic,
        trace: &mut impl Trace,
    ) -> Result<(), Reason> {
        let resident = target.and_then(|target| target.resident(destination));
        let admitting = self
            .guard
            .admitting(Direction::Egress, traffic, |peer| match peer {
                Peer::Cidr(net) => net.contains(&destination),
                Peer::Group(group) => resident.is_some_and(|it| it.guard.has(group)),
            });
        trace.tell(|| Step::SecurityGroupOut {
            groups: self.guard.titles(),
            admitted_by: admitting.map(Admitting::told),
        });
        let is_admitted = self.guard.is_empty() || admitting.is_some();
        is_admitted.then_some(()).ok_or(Reason::SecurityGroupOut)
    }

    /// By the security groups of the resource at the destination, to which the traffic comes from
    /// `from`; where there is no resource, nothing is limited.
    fn let_in(
        &self,
        target: &Target,
        from: Ipv4Net,
        destination: Ipv4Addr,
        traffic: Traffic,
        trace: &mut impl Trace,
    ) -> Result<(), Reason> {
        let resident = target.resident(destination);
        let admitting = resident.and_then(|resident| {
            let guard = &resident.guard;
            guard.admitting(Direction::Ingress, traffic, |peer| match peer {
                Peer::Cidr(net) => net.contains(&from),
                Peer::Group(group) => self.guard.has(group),
            })
        });
        trace.tell(|| Step::ResourceSecurityGroupIn {
            resource: resident.map(|it| it.title.clone()),
            from,
            groups: resident.map_or_else(Vec::new, |it| it.guard.titles()),
            admitted_by: admitting.map(Admitting::told),
        });
        let is_admitted = resident.is_none() || admitting.is_some();
        is_admitted.then_some(()).ok_or(Reason::SecurityGroupIn)
    }

    /// Whether `source` in the network may open the traffic to the session's client.
    pub(super) fn lets_open(
        &self,
        session: Session<'_>,
        source: Ipv4Addr,
        traffic: Traffic,
    ) -> Verdict {
        if self.guard.is_empty() || self.closed(source).is_some() || self.is_client(source) {
            return Verdict::Deny(Reason::NoFlow);
        }
        let reach = self.subnets.get(session.subnet);
        let target = reach.and_then(|reach| reach.target(source.into()));
        let Some(target) = target.filter(|target| target.is_reached()) else {
            return Verdict::Deny(Reason::OutsideVpc);
        };
        let resident = target.resident(source);
        let is_let_in = self
            .guard
            .admitting(Direction::Ingress, traffic, |peer| match peer {
                Peer::Cidr(net) => net.contains(&source),
                Peer::Group(group) => resident.is_some_and(|it| it.guard.has(group)),
            });
        let is_let_out = resident.is_none_or(|resident| {
            let admitting =
                resident
                    .guard
                    .admitting(Direction::Egress, traffic, |peer| match peer {
                        Peer::Cidr(net) => net.contains(&session.address),
                        Peer::Group(group) => self.guard.has(group),
                    });
            admitting.is_some()
        });
        match is_let_in.is_some() && is_let_out {
            true => Verdict::Allow,
            false => Verdict::Deny(Reason::SecurityGroupInbound),
        }
    }

    /// Whether a rule opens the session's own address to some other client for the traffic. Which
    /// client, that client's own verdict has said.
    pub(super) fn opens_to_some(&self, session: Session<'_>, traffic: Traffic) -> Verdict {
        let Some(rules) = self.rules_within_clients(session.address) else {
            return Verdict::Deny(Reason::ClientToClient);
        };
        match rules
            .iter()
            .any(|rule| !rule.is_expired && rule.fits(traffic))
        {
            true => Verdict::Allow,
            false => Verdict::Deny(Reason::NotAuthorized),
        }
    }

    /// The rules that decide for a client's address, where they are for a part of the client range:
    /// wider ones do not open clients to each other.
    pub(super) fn rules_within_clients(&self, address: Ipv4Addr) -> Option<&[Rule]> {
        if !self.client_range.contains(&address) {
            return None;
        }
        let (prefix, rules) = self.rules.longest(address)?;
        (prefix.prefix_len() >= self.client_range.prefix_len()).then_some(rules)
    }

    fn source(&self, asker: Asker<'_>) -> Step {
        let groups = self.groups.values();
        let groups = groups.filter(|group| group.members.contains(asker.user));
        Step::Source {
            user: asker.user.to_owned(),
            address: asker.address,
            groups: groups
                .map(|group| GroupTitle {
                    sid: group.sid.clone(),
                    name: group.name.clone(),
                })
                .collect(),
        }
    }

    fn rules_step(&self, destination: Ipv4Addr, user: &str, traffic: Traffic) -> Step {
        let mut levels = self.rules.covering(destination);
        let weigh = |rules: &[Rule]| -> Vec<WeighedRule> {
            rules
                .iter()
                .map(|rule| rule.weighed(user, traffic))
                .collect()
        };
        let Some((prefix, rules)) = levels.next() else {
            return Step::Rules {
                prefix: None,
                rules: Vec::new(),
                shadowed: Vec::new(),
            };
        };
        Step::Rules {
            prefix: Some(prefix),
            rules: weigh(rules),
            shadowed: levels.flat_map(|(_, rules)| weigh(rules)).collect(),
        }
    }
}
