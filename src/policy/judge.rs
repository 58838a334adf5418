//! The chain that every verdict goes through, and its explanation: one function does both, so they
//! cannot differ.

use std::{net::Ipv4Addr, sync::Arc};

use ipnet::Ipv4Net;

use super::{Policy, Reason, Traffic, Verdict, reach::Reach};
use crate::model::{
    AuthorizationRule, Group, GroupTitle, Miss, Snapshot, Step, SubnetId, VpcReach, WeighedRule,
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
        (!traffic.fits(&self.rule.limits)).then_some(Miss::OtherTraffic)
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
        let Asker { user, subnet, .. } = asker;
        trace.tell(|| self.source(asker));
        let closed = self.closed(destination);
        trace.tell(|| Step::Destination {
            address: destination,
            closed: closed.map(|reason| reason.sentence().to_owned()),
        });
        if let Some(reason) = closed {
            return Verdict::Deny(reason);
        }
        let host = Ipv4Net::from(destination);
        let reach = self.subnets.get(subnet);
        let route = reach.and_then(|reach| reach.routes.get_lpm(&host));
        trace.tell(|| Step::Route {
            subnet_id: subnet.clone(),
            chosen: route,
            shadowed: reach.map_or_else(Vec::new, |reach| reach.shorter_routes(host)),
        });
        let (Some(reach), Some(_)) = (reach, route) else {
            return Verdict::Deny(Reason::NoRoute);
        };
        // The longest prefix over all rules decides, whoever they are for and whatever they are
        // limited to; shorter ones are not consulted. One grant among its rules suffices.
        let longest = self.rules.get_lpm(&host).map(|(_, rules)| rules);
        let grants = |rule: &Rule| rule.miss(user, traffic).is_none();
        let is_granted = longest.is_some_and(|rules| rules.iter().any(grants));
        trace.tell(|| self.rules_step(host, user, traffic));
        if !is_granted {
            return Verdict::Deny(Reason::NotAuthorized);
        }
        let by = reach.by(host);
        trace.tell(|| Step::Vpc {
            vpc_id: reach.vpc_id.clone(),
            by: by.clone(),
        });
        match by {
            Some(by) if by.blackhole().is_none() => Verdict::Allow,
            _ => Verdict::Deny(Reason::OutsideVpc),
        }
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

    fn rules_step(&self, host: Ipv4Net, user: &str, traffic: Traffic) -> Step {
        // Shortest first.
        let mut levels: Vec<_> = self.rules.cover(&host).collect();
        let weigh = |rules: &[Rule]| -> Vec<WeighedRule> {
            rules
                .iter()
                .map(|rule| rule.weighed(user, traffic))
                .collect()
        };
        let Some((prefix, rules)) = levels.pop() else {
            return Step::Rules {
                prefix: None,
                rules: Vec::new(),
                shadowed: Vec::new(),
            };
        };
        let shorter = levels.into_iter().rev();
        Step::Rules {
            prefix: Some(prefix),
            rules: weigh(rules),
            shadowed: shorter.flat_map(|(_, rules)| weigh(rules)).collect(),
        }
    }
}

impl Reach {
    /// Routes that match, but not with the longest prefix; longest first.
    fn shorter_routes(&self, host: Ipv4Net) -> Vec<Ipv4Net> {
        let mut routes: Vec<_> = self.routes.cover(&host).collect();
        routes.pop();
        routes.reverse();
        routes
    }

    /// By what the VPC reaches the host.
    fn by(&self, host: Ipv4Net) -> Option<VpcReach> {
        let block = self.vpc.get_lpm(&host).map(VpcReach::Local);
        block.or_else(|| self.internet_gateway.then_some(VpcReach::InternetGateway))
    }
}
