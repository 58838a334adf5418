//! What is known of one VPC, below the list.

use egui::{Frame, Margin, ScrollArea, Ui};

use super::{delete_vpc, endpoints_in};
use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::Confirm, create_subnet::NewSubnet, create_vpc::AddBlock,
            internet_gateway::NewInternetGateway,
        },
        kit::{self, Rows, Selection, Tab, column, icons, rest_column},
    },
    model::{
        AssociationState, Command, InternetGateway, Snapshot, Subnet, SubnetId, Vpc,
        command::{ById, GatewayAttachment, VpcCidrBlock},
    },
};

/// A tab of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Subnets,
    Blocks,
    Gateway,
}

/// Draws the panel; true when it is to be closed.
pub(super) fn ui(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    vpc: &Vpc,
    part: &mut Part,
    selection: &mut Selection<SubnetId>,
) -> bool {
    let close = kit::panel_head(
        ui,
        vpc.title(),
        |ui| drop(kit::copyable(ui, "VPC ID", vpc.id.as_str())),
        |ui| {
            let close = kit::icon_button(icons::X, "Close panel").clicked(ui);
            let delete = kit::button("Delete VPC…").icon(icons::TRASH);
            if delete.quiet_danger().clicked(ui) {
                delete_vpc(cx, vpc);
            }
            close
        },
    );
    let snapshot = std::sync::Arc::clone(&cx.view.snapshot);
    let subnets: Vec<&Subnet> = snapshot
        .subnets
        .values()
        .filter(|subnet| subnet.vpc_id == vpc.id)
        .collect();
    let gateways = usize::from(snapshot.internet_gateway_of(&vpc.id).is_some());
    Frame::new()
        .inner_margin(Margin::symmetric(10, 0))
        .show(ui, |ui| {
            let tabs = [
                Tab::new(Part::Subnets, "Subnets").count(subnets.len()),
                Tab::new(Part::Blocks, "Address blocks").count(vpc.cidrs.len()),
                Tab::new(Part::Gateway, "Internet gateway").count(gateways),
            ];
            kit::tabs(ui, "Parts of the VPC", part, &tabs);
        });
    match part {
        Part::Subnets => subnet_list(cx, ui, vpc, &snapshot, subnets, selection),
        Part::Blocks => scrolled(ui, |ui| block_list(cx, ui, vpc)),
        Part::Gateway => scrolled(ui, |ui| gateway(cx, ui, vpc, &snapshot)),
    }
    close
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

fn subnet_list(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    vpc: &Vpc,
    snapshot: &Snapshot,
    subnets: Vec<&Subnet>,
    selection: &mut Selection<SubnetId>,
) {
    if subnets.is_empty() {
        let body = "A subnet is what an endpoint is associated with.";
        if kit::empty(ui, "No subnets yet", body, "Create subnet…") {
            cx.open(NewSubnet::new(vpc.clone()));
        }
        return;
    }
    let chosen = selection
        .single()
        .and_then(|id| subnets.iter().find(|subnet| subnet.id == *id))
        .copied();
    kit::panel_toolbar(
        ui,
        |ui| drop(kit::weak(ui, "What endpoints are associated with")),
        |ui| {
            if kit::button("Create subnet…").icon(icons::PLUS).clicked(ui) {
                cx.open(NewSubnet::new(vpc.clone()));
            }
            let none = chosen.is_none().then_some("Select a subnet first");
            let delete = kit::button("Delete subnet…").icon(icons::TRASH);
            if delete.quiet_danger().disabled_because(none).clicked(ui)
                && let Some(subnet) = chosen
            {
                delete_subnet(cx, subnet);
            }
        },
    );
    let mut rows = SubnetRows { subnets, snapshot };
    let columns = [
        column("Name", 180.0).unsorted(),
        column("Subnet ID", 230.0).unsorted(),
        column("Addresses", 150.0).unsorted(),
        column("Availability Zone", 150.0).unsorted(),
        rest_column("Target network of").unsorted(),
    ];
    kit::table("Subnets", &columns, selection)
        .comfortable(cx.prefs.comfortable)
        .show(ui, &mut rows);
}

fn delete_subnet(cx: &mut Context<'_>, subnet: &Subnet) {
    let name = subnet.title();
    cx.open(
        Confirm::new(
            format!("Delete {name}?"),
            "Delete subnet",
            Command::DeleteSubnet(ById {
                id: subnet.id.to_string(),
            }),
            format!("{name} deleted"),
        )
        .body(format!(
            "{} can no longer be a target network.",
            subnet.cidr
        )),
    );
}

struct SubnetRows<'a> {
    subnets: Vec<&'a Subnet>,
    snapshot: &'a Snapshot,
}

impl Rows for SubnetRows<'_> {
    type Key = SubnetId;

    fn len(&self) -> usize {
        self.subnets.len()
    }

    fn key(&self, row: usize) -> SubnetId {
        self.subnets[row].id.clone()
    }

    fn name(&self, row: usize) -> String {
        format!("{}, {}", self.subnets[row].id, self.subnets[row].cidr)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let subnet = self.subnets[row];
        match column {
            0 => drop(kit::cell_name(ui, subnet.title())),
            1 => drop(kit::cell_copyable(ui, "subnet ID", subnet.id.as_str())),
            2 => drop(kit::cell_mono(ui, &subnet.cidr.to_string())),
            3 => drop(kit::cell_mono(ui, &subnet.availability_zone)),
            _ => {
                let users = users(self.snapshot, subnet);
                kit::cell(ui, if users.is_empty() { "–" } else { &users });
            }
        }
    }
}

/// The endpoints that a subnet is associated with, by name.
fn users(snapshot: &Snapshot, subnet: &Subnet) -> String {
    let names: Vec<&str> = snapshot
        .associations
        .values()
        .filter(|a| a.subnet_id == subnet.id && a.state != AssociationState::Disassociating)
        .filter_map(|a| snapshot.endpoints.get(&a.endpoint_id))
        .map(crate::model::Endpoint::title)
        .collect();
    names.join(", ")
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
}

fn gateway(cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc, snapshot: &Snapshot) {
    if let Some(gateway) = snapshot.internet_gateway_of(&vpc.id) {
        attached(cx, ui, vpc, gateway, snapshot);
        return;
    }
    kit::body(
        ui,
        "Without an internet gateway, clients reach nothing outside the VPC's address blocks.",
    );
    let create = kit::button("Create internet gateway…").icon(icons::PLUS);
    if create.clicked(ui) {
        cx.open(NewInternetGateway::new(vpc.clone()));
    }
    let loose = snapshot.internet_gateways.values();
    for gateway in loose.filter(|gateway| gateway.vpc_id.is_none()) {
        ui.horizontal(|ui| {
            kit::strong(ui, gateway.title());
            let name = format!("Attach {}", gateway.title());
            if kit::button("Attach").named(&name).clicked(ui) {
                attach(cx, vpc, gateway);
            }
            let name = format!("Delete {}", gateway.title());
            if kit::button("Delete…")
                .named(&name)
                .quiet_danger()
                .clicked(ui)
            {
                delete_gateway(cx, gateway);
            }
        });
    }
}

fn attached(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    vpc: &Vpc,
    gateway: &InternetGateway,
    snapshot: &Snapshot,
) {
    ui.horizontal(|ui| {
        kit::strong(ui, gateway.title());
        kit::state("attached").ui(ui);
        kit::copyable(ui, "internet gateway ID", gateway.id.as_str());
    });
    let users = endpoints_in(snapshot, vpc);
    let words = if users.is_empty() {
        "The VPC reaches everything outside it by this machine's own routes.".to_owned()
    } else {
        format!(
            "The VPC reaches everything outside it by this machine's own routes. Clients of {} do where a route and a rule say so.",
            users.join(", ")
        )
    };
    kit::body(ui, &words);
    if kit::button("Detach internet gateway").clicked(ui) {
        let attachment = attachment(vpc, gateway);
        cx.run(
            Command::DetachInternetGateway(attachment.clone()),
            format!("{} detached", gateway.title()),
            Some(Command::AttachInternetGateway(attachment)),
        );
    }
}

fn attachment(vpc: &Vpc, gateway: &InternetGateway) -> GatewayAttachment {
    GatewayAttachment {
        internet_gateway_id: gateway.id.to_string(),
        vpc_id: vpc.id.to_string(),
    }
}

fn attach(cx: &mut Context<'_>, vpc: &Vpc, gateway: &InternetGateway) {
    let attachment = attachment(vpc, gateway);
    cx.run(
        Command::AttachInternetGateway(attachment.clone()),
        format!("{} attached", gateway.title()),
        Some(Command::DetachInternetGateway(attachment)),
    );
}

fn delete_gateway(cx: &mut Context<'_>, gateway: &InternetGateway) {
    let name = gateway.title();
    cx.open(
        Confirm::new(
            format!("Delete {name}?"),
            "Delete internet gateway",
            Command::DeleteInternetGateway(ById {
                id: gateway.id.to_string(),
            }),
            format!("{name} deleted"),
        )
        .body("No VPC uses it.".to_owned()),
    );
}
