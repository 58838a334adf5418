//! One security group, below the list: its rules, and what uses it.

use egui::{Panel, Ui};

use super::{SecurityGroups, delete_group, kept};
use crate::{
    app::{
        context::{Action, Context, EndpointTab},
        dialogs::{
            confirm::{Change, Confirm},
            security_group::{AddRule, authorize},
        },
        kit::{self, Rows, Tab, column, icons, rest_column},
        nets,
        screens::listing::{self, Asked, Cells, Listing},
        shell::plural,
    },
    model::{
        Command, Direction, EndpointId, Peer, SecurityGroup, SecurityGroupId, SecurityGroupRule,
        SecurityGroupRuleId, Snapshot, command::RevokeSecurityGroup,
    },
};

/// A tab of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Inbound,
    Outbound,
    Users,
}

impl SecurityGroups {
    pub(super) fn split_panel(
        &mut self,
        cx: &mut Context<'_>,
        ui: &mut Ui,
        group: &SecurityGroup,
        snapshot: &Snapshot,
    ) {
        let room = ui.available_height();
        let mut height = self.height;
        Panel::bottom("security group panel")
            .resizable(false)
            .show_separator_line(false)
            .exact_size(height.min(room - 120.0).max(180.0))
            .frame(egui::Frame::new().fill(kit::tokens(ui).raised))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                let name = "Height of the security group panel";
                kit::split_handle(ui, name, &mut height, room);
                self.closed = head(cx, ui, group);
                self.parts(ui, group, snapshot);
                match self.part {
                    Part::Inbound => self.rules(cx, ui, group, snapshot, Direction::Ingress),
                    Part::Outbound => self.rules(cx, ui, group, snapshot, Direction::Egress),
                    Part::Users => users(cx, ui, group, snapshot),
                }
            });
        self.height = height;
    }

    fn parts(&mut self, ui: &mut Ui, group: &SecurityGroup, snapshot: &Snapshot) {
        let inbound = nets::rule_count(group, Direction::Ingress);
        let outbound = nets::rule_count(group, Direction::Egress);
        let tabs = [
            Tab::new(Part::Inbound, "Inbound rules").count(inbound),
            Tab::new(Part::Outbound, "Outbound rules").count(outbound),
            Tab::new(Part::Users, "Used by").count(user_list(snapshot, group).len()),
        ];
        let before = self.part;
        kit::panel_tabs(ui, "Parts of the security group", &mut self.part, &tabs);
        if self.part != before {
            self.rules.clear();
        }
    }

    fn rules(
        &mut self,
        cx: &mut Context<'_>,
        ui: &mut Ui,
        group: &SecurityGroup,
        snapshot: &Snapshot,
        direction: Direction,
    ) {
        let rules: Vec<&SecurityGroupRule> = group.rules_of(direction).collect();
        let inbound = direction == Direction::Ingress;
        if rules.is_empty() {
            let (title, body) = if inbound {
                (
                    "No inbound rules",
                    "Nothing is let in to what has this group, but answers to what it asked for.",
                )
            } else {
                (
                    "No outbound rules",
                    "Nothing gets out of what has this group, but answers to what was let in. VPN clients reach nothing through it.",
                )
            };
            if kit::empty(ui, title, body, "Add rule…") {
                cx.open(AddRule::new(group, direction));
            }
            return;
        }
        let chosen = listing::chosen(&rules, &mut self.rules, |rule| rule.id.clone());
        let chosen: Vec<SecurityGroupRule> = chosen.into_iter().map(|r| (*r).clone()).collect();
        let columns = [
            column("Protocol", 110.0).unsorted(),
            column("Port range", 110.0).unsorted(),
            column(if inbound { "Source" } else { "Destination" }, 190.0).unsorted(),
            column("Rule ID", 210.0).unsorted().from_width(900.0),
            rest_column("Description").unsorted(),
        ];
        let listing = Listing {
            filter: None,
            name: if inbound {
                "Inbound rules"
            } else {
                "Outbound rules"
            },
            columns: &columns,
            create: "Add rule…",
            remove: &listing::remove_words(chosen.len(), "Revoke rule", "Revoke", "rules"),
            off: chosen.is_empty().then(|| "Select a rule first".to_owned()),
        };
        let mut drawn = RuleRows {
            rules,
            snapshot,
            show: None,
        };
        let said = if inbound {
            "What is let in to what has the group"
        } else {
            "What is let out of what has the group"
        };
        let asked = listing.show(cx, ui, &mut self.rules, &mut drawn, |ui| {
            kit::weak(ui, said);
        });
        let show = drawn.show;
        match asked {
            Some(Asked::Create) => cx.open(AddRule::new(group, direction)),
            Some(Asked::Remove) => revoke(cx, group, direction, &chosen),
            None => {}
        }
        if let Some(id) = show {
            cx.ask(Action::ShowSecurityGroup(id));
        }
    }
}

fn head(cx: &mut Context<'_>, ui: &mut Ui, group: &SecurityGroup) -> bool {
    kit::panel_head(
        ui,
        &group.name,
        |ui| {
            kit::copyable(ui, "security group ID", group.id.as_str());
            ui.add_space(8.0);
            kit::weak(ui, &group.description);
        },
        |ui| {
            let close = kit::icon_button(icons::X, "Close panel").clicked(ui);
            let delete = kit::button("Delete security group…").icon(icons::TRASH);
            let delete = delete.quiet_danger().disabled_because(kept(group));
            if delete.clicked(ui) {
                delete_group(cx, group);
            }
            close
        },
    )
}

/// Asks before rules are taken back; undo brings them back.
fn revoke(
    cx: &mut Context<'_>,
    group: &SecurityGroup,
    direction: Direction,
    rules: &[SecurityGroupRule],
) {
    let fields = RevokeSecurityGroup {
        group_id: group.id.to_string(),
        rule_ids: rules.iter().map(|rule| rule.id.to_string()).collect(),
        permissions: Vec::new(),
    };
    let command = match direction {
        Direction::Ingress => Command::RevokeSecurityGroupIngress(fields),
        Direction::Egress => Command::RevokeSecurityGroupEgress(fields),
    };
    let again = rules.iter().map(nets::permission).collect();
    let undo = authorize(&group.id, direction, again);
    let many = plural(rules.len(), "rule", "rules");
    let title = match rules {
        [rule] => {
            let peer = nets::peer(&cx.view.snapshot, &rule.peer);
            format!("Revoke the rule for {peer} of {}?", group.name)
        }
        _ => format!("Revoke {many} of {}?", group.name),
    };
    let act = listing::remove_words(rules.len(), "Revoke rule", "Revoke", "rules");
    let change = Change::new("", command, format!("{many} revoked")).undo(Some(undo));
    cx.open(Confirm::each(title, act, vec![change]).previewed());
}

struct RuleRows<'a> {
    rules: Vec<&'a SecurityGroupRule>,
    snapshot: &'a Snapshot,
    /// A group that is at the other end of a rule, to be shown.
    show: Option<SecurityGroupId>,
}

impl Cells for RuleRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let rule = self.rules[row];
        vec![
            nets::protocol(rule).to_owned(),
            nets::ports(rule),
            nets::peer(self.snapshot, &rule.peer),
            rule.id.to_string(),
            rule.description.clone(),
        ]
    }
}

impl Rows for RuleRows<'_> {
    type Key = SecurityGroupRuleId;

    fn len(&self) -> usize {
        self.rules.len()
    }

    fn key(&self, row: usize) -> SecurityGroupRuleId {
        self.rules[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        let rule = self.rules[row];
        let (protocol, ports) = (nets::protocol(rule), nets::ports(rule));
        let peer = nets::peer(self.snapshot, &rule.peer);
        format!("{peer}, {protocol}, ports {ports}")
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let rule = self.rules[row];
        match column {
            0 => drop(kit::cell_name(ui, nets::protocol(rule))),
            1 => match rule.ports {
                None => drop(kit::cell_weak(ui, "All")),
                Some(_) => drop(kit::cell_mono(ui, &nets::ports(rule))),
            },
            2 => match &rule.peer {
                Peer::Cidr(net) => drop(kit::cell_mono(ui, &net.to_string())),
                Peer::Group(id) => {
                    if kit::link(ui, &nets::group(self.snapshot, id)).clicked() {
                        self.show = Some(id.clone());
                    }
                }
            },
            3 => drop(kit::cell_mono(ui, rule.id.as_str())),
            _ => drop(kit::cell(ui, &rule.description)),
        }
    }
}

/// Something that has a group or names it.
struct User {
    title: String,
    what: &'static str,
    to: Option<To>,
}

/// Where more is to be seen of it.
enum To {
    Endpoint(EndpointId),
    Group(SecurityGroupId),
}

fn user_list(snapshot: &Snapshot, group: &SecurityGroup) -> Vec<User> {
    let endpoints = nets::endpoints_with(snapshot, &group.id).map(|it| User {
        title: it.title().to_owned(),
        what: "Client VPN endpoint that it is applied to",
        to: Some(To::Endpoint(it.id.clone())),
    });
    let resources = snapshot.resources.values();
    let resources = resources.filter(|it| it.security_groups.contains(&group.id));
    let resources = resources.map(|it| User {
        title: format!("{}, {}", it.title(), it.address),
        what: "Resource that has it",
        to: None,
    });
    let groups = nets::groups_naming(snapshot, &group.id).map(|it| User {
        title: it.name.clone(),
        what: "Security group with a rule that names it",
        to: Some(To::Group(it.id.clone())),
    });
    endpoints.chain(resources).chain(groups).collect()
}

fn users(cx: &mut Context<'_>, ui: &mut Ui, group: &SecurityGroup, snapshot: &Snapshot) {
    let users = user_list(snapshot, group);
    if users.is_empty() {
        let body = "Apply it to a Client VPN endpoint, give it to a resource, or name it in a rule of another group.";
        kit::empty(ui, "Nothing uses it", body, "");
        return;
    }
    egui::ScrollArea::vertical()
        .id_salt("users of a security group")
        .auto_shrink(false)
        .show(ui, |ui| {
            egui::Frame::new()
                .inner_margin(egui::Margin::symmetric(20, 12))
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing = egui::vec2(8.0, 8.0);
                    for user in users {
                        ui.horizontal(|ui| {
                            ui.spacing_mut().item_spacing.x = 12.0;
                            match user.to {
                                None => drop(kit::strong(ui, &user.title)),
                                Some(to) => {
                                    if kit::link(ui, &user.title).clicked() {
                                        cx.ask(to.action());
                                    }
                                }
                            }
                            kit::weak(ui, user.what);
                        });
                    }
                });
        });
}

impl To {
    fn action(self) -> Action {
        match self {
            Self::Endpoint(id) => Action::ShowEndpoint(id, Some(EndpointTab::SecurityGroups)),
            Self::Group(id) => Action::ShowSecurityGroup(id),
        }
    }
}
