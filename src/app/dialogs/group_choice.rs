//! Which security groups of a VPC something has: fields of several dialogs.

use std::collections::BTreeSet;

use egui::Ui;

use crate::{
    app::{
        form::DialogForm,
        kit::{self, icons},
        nets,
        shell::plural,
    },
    model::{Direction, SecurityGroup, SecurityGroupId, Snapshot, VpcId},
};

/// The most groups that one thing has, as in AWS.
pub(super) const MOST: usize = 5;

/// The chosen groups.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupChoice {
    pub(super) chosen: BTreeSet<SecurityGroupId>,
}

impl GroupChoice {
    /// With these chosen.
    pub(super) fn of(chosen: &BTreeSet<SecurityGroupId>) -> Self {
        Self {
            chosen: chosen.clone(),
        }
    }

    /// With the group chosen that a VPC was made with, and no other.
    pub(super) fn default_of(snapshot: &Snapshot, vpc: &VpcId) -> Self {
        let default = snapshot.default_security_group(vpc);
        Self {
            chosen: default.map(|group| group.id.clone()).into_iter().collect(),
        }
    }

    /// The identifiers.
    pub(super) fn ids(&self) -> Vec<String> {
        self.chosen.iter().map(ToString::to_string).collect()
    }

    /// Draws the groups of `vpc` as cards, with what is wrong below them.
    pub(super) fn ui(
        &mut self,
        snapshot: &Snapshot,
        vpc: &VpcId,
        ui: &mut Ui,
        form: &mut DialogForm,
        field: &'static str,
    ) {
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            let groups = groups_of(snapshot, vpc);
            let help = format!("1 to {MOST} of the VPC's groups. What one of them admits passes.");
            kit::fieldset(ui, "Security groups", &help);
            let full = self.chosen.len() >= MOST;
            for group in groups {
                let mut on = self.chosen.contains(&group.id);
                let many = format!("{MOST} are chosen already, which is the most");
                let rules = rules(group);
                let refused = (full && !on).then_some(many.as_str());
                let card = kit::choice_card(&group.name, &rules)
                    .icon(icons::SHIELD_CHECK)
                    .refused(refused);
                if card.check(ui, &mut on).changed() {
                    if on {
                        self.chosen.insert(group.id.clone());
                    } else {
                        self.chosen.remove(&group.id);
                    }
                    form.chose(field);
                }
            }
            form.error_below(ui, field);
        });
    }
}

/// The groups of a VPC, its own first, then by name.
pub(super) fn groups_of<'s>(snapshot: &'s Snapshot, vpc: &VpcId) -> Vec<&'s SecurityGroup> {
    let groups = snapshot.security_groups.values().map(AsRef::as_ref);
    let mut groups: Vec<&SecurityGroup> = groups.filter(|group| group.vpc_id == *vpc).collect();
    groups.sort_by_key(|group| (!group.is_default(), group.name.to_lowercase()));
    groups
}

/// How many rules a group has, in words.
fn rules(group: &SecurityGroup) -> String {
    let of = |direction| nets::rule_count(group, direction);
    let inbound = plural(of(Direction::Ingress), "inbound rule", "inbound rules");
    let outbound = plural(of(Direction::Egress), "outbound rule", "outbound rules");
    format!("{inbound}, {outbound}")
}
