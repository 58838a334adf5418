//! Security groups as one thing has them: an endpoint, or a resource.

use std::{collections::BTreeSet, sync::Arc};

use super::Traffic;
use crate::model::{
    SecurityGroupId, Snapshot,
    explanation::{AdmittingRule, SecurityGroupTitle},
    security_group::{Direction, Peer, SecurityGroup, SecurityGroupRule},
};

/// The security groups of an endpoint or of a resource.
#[derive(Debug)]
pub(super) struct Guard {
    /// All of them, also one that is not there any more: that one admits nothing.
    ids: BTreeSet<SecurityGroupId>,
    groups: Vec<Arc<SecurityGroup>>,
}

/// The rule that admits, and the group it is of.
#[derive(Clone, Copy)]
pub(super) struct Admitting<'g> {
    group: &'g SecurityGroup,
    rule: &'g SecurityGroupRule,
}

impl Admitting<'_> {
    pub(super) fn told(self) -> AdmittingRule {
        AdmittingRule::new(self.group, self.rule)
    }
}

impl Guard {
    pub(super) fn new(snapshot: &Snapshot, ids: &BTreeSet<SecurityGroupId>) -> Self {
        let groups = ids.iter().filter_map(|id| snapshot.security_groups.get(id));
        Self {
            ids: ids.clone(),
            groups: groups.cloned().collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(super) fn has(&self, group: &SecurityGroupId) -> bool {
        self.ids.contains(group)
    }

    /// The first rule of a direction that is for the traffic and for the other end.
    pub(super) fn admitting(
        &self,
        direction: Direction,
        traffic: Traffic,
        is_for: impl Fn(&Peer) -> bool,
    ) -> Option<Admitting<'_>> {
        let rules = self.groups.iter().flat_map(|group| {
            let rules = group.rules_of(direction);
            rules.map(|rule| Admitting { group, rule })
        });
        rules
            .into_iter()
            .find(|it| traffic.fits(it.rule.protocol, it.rule.ports) && is_for(&it.rule.peer))
    }

    pub(super) fn titles(&self) -> Vec<SecurityGroupTitle> {
        let name = |id: &SecurityGroupId| {
            let group = self.groups.iter().find(|group| group.id == *id);
            group.map_or_else(|| id.to_string(), |group| group.name.clone())
        };
        let title = |id: &SecurityGroupId| SecurityGroupTitle {
            id: id.clone(),
            name: name(id),
        };
        self.ids.iter().map(title).collect()
    }
}
