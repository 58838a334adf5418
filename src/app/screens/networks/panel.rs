//! What is known of one VPC, below the list.

use egui::{Frame, Margin, ScrollArea, Ui};

use super::{attachments, delete_vpc, groups, resources, route_tables, subnets};
use crate::{
    app::{
        context::Context,
        dialogs::{create_vpc::AddBlock, manage_tags::ManageTags},
        kit::{self, Tab, icons},
    },
    model::{
        Command, Vpc, VpcId,
        command::{ModifyVpcAttribute, VpcCidrBlock},
    },
};

/// A tab of the panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    #[default]
    Subnets,
    RouteTables,
    Attachments,
    SecurityGroups,
    Resources,
    Blocks,
}

/// The panel, with what its tabs remember.
#[derive(Default)]
pub(super) struct Panel {
    pub(super) part: Part,
    of: Option<VpcId>,
    subnets: subnets::Tab,
    route_tables: route_tables::Tab,
    attachments: attachments::Tab,
    groups: groups::Tab,
    resources: resources::Tab,
}

impl Panel {
    /// Whether the tab on top has no rows selected, so that keys for rows are the list's.
    pub(super) fn selects_nothing(&self) -> bool {
        match self.part {
            Part::Subnets => self.subnets.selection.is_empty(),
            Part::RouteTables => self.route_tables.selects_nothing(),
            Part::Attachments => self.attachments.selection.is_empty(),
            Part::SecurityGroups => self.groups.selection.is_empty(),
            Part::Resources => self.resources.selection.is_empty(),
            Part::Blocks => true,
        }
    }

    /// Draws the panel; true when it is to be closed.
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) -> bool {
        if self.of.as_ref() != Some(&vpc.id) {
            // Rows of another VPC are not this one's.
            *self = Self {
                part: self.part,
                of: Some(vpc.id.clone()),
                ..Self::default()
            };
        }
        let close = head(cx, ui, vpc);
        self.tabs(cx, ui, vpc);
        match self.part {
            Part::Subnets => self.subnets.ui(cx, ui, vpc),
            Part::RouteTables => self.route_tables.ui(cx, ui, vpc),
            Part::Attachments => self.attachments.ui(cx, ui, vpc),
            Part::SecurityGroups => self.groups.ui(cx, ui, vpc),
            Part::Resources => self.resources.ui(cx, ui, vpc),
            Part::Blocks => scrolled(ui, |ui| block_list(cx, ui, vpc)),
        }
        close
    }

    fn tabs(&mut self, cx: &Context<'_>, ui: &mut Ui, vpc: &Vpc) {
        let snapshot = &cx.view.snapshot;
        let id = &vpc.id;
        let subnets = snapshot.subnets.values().filter(|it| it.vpc_id == *id);
        let tables = snapshot.route_tables.values();
        let groups = snapshot.security_groups.values();
        let resources = snapshot.resources.values();
        let tabs = [
            Tab::new(Part::Subnets, "Subnets").count(subnets.count()),
            Tab::new(Part::RouteTables, "Route tables")
                .count(tables.filter(|it| it.vpc_id == *id).count()),
            Tab::new(Part::Attachments, "Attachments").count(attachments::count(snapshot, vpc)),
            Tab::new(Part::SecurityGroups, "Security groups")
                .count(groups.filter(|it| it.vpc_id == *id).count()),
            Tab::new(Part::Resources, "Resources")
                .count(resources.filter(|it| it.vpc_id == *id).count()),
            Tab::new(Part::Blocks, "Address blocks").count(vpc.cidrs.len()),
        ];
        kit::panel_tabs(ui, "Parts of the VPC", &mut self.part, &tabs);
    }
}

fn head(cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) -> bool {
    kit::panel_head(
        ui,
        vpc.title(),
        |ui| {
            kit::copyable(ui, "VPC ID", vpc.id.as_str());
            if let Some(address) = vpc.resolver().filter(|_| vpc.dns_support) {
                ui.add_space(8.0);
                kit::copyable(ui, "DNS server", &address.to_string());
            }
        },
        |ui| {
            let close = kit::icon_button(icons::X, "Close panel").clicked(ui);
            let delete = kit::button("Delete VPC…").icon(icons::TRASH);
            if delete.quiet_danger().clicked(ui) {
                delete_vpc(cx, vpc);
            }
            if kit::button("Manage tags…").icon(icons::TAG).clicked(ui) {
                cx.open(ManageTags::new(&vpc.id, vpc.title(), &vpc.tags));
            }
            close
        },
    )
}

fn scrolled(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical()
        .id_salt("VPC details")
        .auto_shrink(false)
        .show(ui, |ui| {
            Frame::new()
                .inner_margin(Margin::symmetric(20, 12))
                .show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    ui.spacing_mut().item_spacing = egui::vec2(8.0, 10.0);
                    add(ui);
                });
        });
}

fn block_list(cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) {
    for (index, block) in vpc.cidrs.iter().enumerate() {
        ui.horizontal(|ui| {
            kit::copyable(ui, "address block", &block.to_string());
            if index == 0 {
                kit::tag(ui, "Primary");
                return;
            }
            let name = format!("Remove {block}");
            if kit::button("Remove").named(&name).clicked(ui) {
                let of_vpc = VpcCidrBlock {
                    vpc_id: vpc.id.to_string(),
                    cidr_block: block.to_string(),
                };
                cx.run(
                    Command::DisassociateVpcCidrBlock(of_vpc.clone()),
                    format!("{block} removed"),
                    Some(Command::AssociateVpcCidrBlock(of_vpc)),
                );
            }
        });
    }
    if kit::button("Add address block…")
        .icon(icons::PLUS)
        .clicked(ui)
    {
        cx.open(AddBlock::new(vpc.clone()));
    }
    dns_support(cx, ui, vpc);
}

/// Switches the VPC's DNS server on and off.
fn dns_support(cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) {
    let Some(address) = vpc.resolver() else {
        return;
    };
    let mut answers = vpc.dns_support;
    let label = format!("Answer DNS at {address}");
    let help = "Clients' queries to it go to the DNS servers of this machine.";
    if !kit::toggle(ui, &mut answers, &label, help).changed() {
        return;
    }
    let set = |enable| {
        Command::ModifyVpcAttribute(ModifyVpcAttribute {
            vpc_id: vpc.id.to_string(),
            enable_dns_support: Some(enable),
        })
    };
    let done = if answers {
        format!("DNS is answered at {address}")
    } else {
        format!("DNS is no longer answered at {address}")
    };
    cx.run(set(answers), done, Some(set(!answers)));
}
