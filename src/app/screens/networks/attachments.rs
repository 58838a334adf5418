//! The tab Attachments of a VPC: its internet gateway, and its peering and VPN connections.

use egui::{Key, Ui};
use ipnet::Ipv4Net;

use crate::{
    app::{
        context::Context,
        dialogs::{
            confirm::{Change, Confirm},
            internet_gateway::NewInternetGateway,
            peering::NewPeering,
            vpn_connection::{AddVpnNetwork, NewVpnConnection},
        },
        kit::{self, Column, Rows, Selection, Tone, column, icons, rest_column},
        nets,
        screens::listing::{self, Cells},
    },
    model::{
        Command, InternetGateway, PeeringConnection, Snapshot, Vpc, VpnConnection,
        command::{ById, GatewayAttachment, VpnConnectionRoute},
    },
};

const COLUMNS: [Column<'static>; 5] = [
    column("Name", 136.0).unsorted(),
    column("Kind", 146.0).unsorted(),
    column("ID", 210.0).unsorted(),
    column("State", 160.0).unsorted(),
    rest_column("Leads to").unsorted(),
];

#[derive(Default)]
pub(super) struct Tab {
    pub(super) selection: Selection<String>,
}

/// Something that a VPC is attached to, or could be.
#[derive(Clone, Copy)]
enum Attachment<'s> {
    Gateway(&'s InternetGateway),
    Peering(&'s PeeringConnection),
    Vpn(&'s VpnConnection),
}

/// What can be done with one.
#[derive(Clone, Copy)]
enum Act {
    Accept,
    Attach,
    Detach,
    AddNetwork,
    RemoveNetwork(Ipv4Net),
    Delete,
}

/// How many things a VPC is attached to.
pub(super) fn count(snapshot: &Snapshot, vpc: &Vpc) -> usize {
    let all = attachments(snapshot, vpc);
    all.iter().filter(|it| !it.is_loose()).count()
}

/// The attachments; gateways without a VPC too, as long as the VPC has none.
fn attachments<'s>(snapshot: &'s Snapshot, vpc: &Vpc) -> Vec<Attachment<'s>> {
    let has_gateway = snapshot.internet_gateway_of(&vpc.id).is_some();
    let gateways = snapshot.internet_gateways.values().filter(|it| {
        let loose = it.vpc_id.is_none() && !has_gateway;
        loose || it.vpc_id.as_ref() == Some(&vpc.id)
    });
    let peerings = snapshot.peering_connections.values();
    let mut peerings: Vec<_> = peerings
        .filter(|it| it.peer_of(&vpc.id).is_some())
        .collect();
    peerings.sort_by_key(|it| it.title().to_lowercase());
    let vpns = snapshot.vpn_connections.values();
    let mut vpns: Vec<_> = vpns.filter(|it| it.vpc_id == vpc.id).collect();
    vpns.sort_by_key(|it| it.title().to_lowercase());
    gateways
        .map(Attachment::Gateway)
        .chain(peerings.into_iter().map(Attachment::Peering))
        .chain(vpns.into_iter().map(Attachment::Vpn))
        .collect()
}

impl Attachment<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Gateway(it) => it.id.as_str(),
            Self::Peering(it) => it.id.as_str(),
            Self::Vpn(it) => it.id.as_str(),
        }
    }

    fn title(&self) -> &str {
        match self {
            Self::Gateway(it) => it.title(),
            Self::Peering(it) => it.title(),
            Self::Vpn(it) => it.title(),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Gateway(_) => "Internet gateway",
            Self::Peering(_) => "Peering connection",
            Self::Vpn(_) => "VPN connection",
        }
    }

    /// A gateway that is attached to nothing.
    fn is_loose(&self) -> bool {
        matches!(self, Self::Gateway(it) if it.vpc_id.is_none())
    }

    fn is_pending(&self) -> bool {
        matches!(self, Self::Peering(it) if !it.is_active)
    }

    fn state(&self) -> (Tone, &'static str) {
        match self {
            Self::Gateway(_) if self.is_loose() => (Tone::Waiting, "Detached"),
            Self::Gateway(_) => (Tone::Success, "Attached"),
            Self::Peering(_) if self.is_pending() => (Tone::Waiting, "Pending acceptance"),
            Self::Peering(_) => (Tone::Success, "Active"),
            Self::Vpn(_) => (Tone::Success, "Available"),
        }
    }

    fn leads_to(&self, snapshot: &Snapshot, vpc: &Vpc) -> String {
        match self {
            Self::Gateway(_) if self.is_loose() => "Nothing".to_owned(),
            Self::Gateway(_) => "Everything outside, by this machine's routes".to_owned(),
            Self::Peering(it) => {
                let peer = it.peer_of(&vpc.id).and_then(|id| snapshot.vpcs.get(id));
                peer.map_or_else(
                    || "A VPC that is gone".to_owned(),
                    |peer| format!("{}, {}", peer.title(), nets::blocks(peer)),
                )
            }
            Self::Vpn(it) => nets::joined(&it.cidrs),
        }
    }

    /// What can be done with it, as lines of a menu.
    fn menu(&self, ui: &mut Ui) -> Option<Act> {
        let mut act = None;
        let mut offer = |ui: &mut Ui, item: kit::MenuItem<'_>, does: Act| {
            if item.clicked(ui) {
                act = Some(does);
            }
        };
        match self {
            Self::Gateway(_) if self.is_loose() => {
                let item = kit::menu_item("Attach internet gateway").icon(icons::LINK);
                offer(ui, item, Act::Attach);
                let item = kit::menu_item("Delete internet gateway…").icon(icons::TRASH);
                offer(ui, item.shortcut("Del").danger(), Act::Delete);
            }
            Self::Gateway(_) => {
                let item = kit::menu_item("Detach internet gateway…").icon(icons::SIGN_OUT);
                offer(ui, item, Act::Detach);
            }
            Self::Peering(_) => {
                if self.is_pending() {
                    let item = kit::menu_item("Accept peering connection").icon(icons::CHECK);
                    offer(ui, item, Act::Accept);
                }
                let item = kit::menu_item("Delete peering connection…").icon(icons::TRASH);
                offer(ui, item.shortcut("Del").danger(), Act::Delete);
            }
            Self::Vpn(vpn) => {
                let item = kit::menu_item("Add network…").icon(icons::PLUS);
                offer(ui, item, Act::AddNetwork);
                let last = (vpn.cidrs.len() == 1)
                    .then_some("A VPN connection has at least one network behind it");
                for net in &vpn.cidrs {
                    let words = format!("Remove {net}");
                    let item = kit::menu_item(&words).icon(icons::MINUS_CIRCLE);
                    offer(ui, item.disabled_because(last), Act::RemoveNetwork(*net));
                }
                let item = kit::menu_item("Delete VPN connection…").icon(icons::TRASH);
                offer(ui, item.shortcut("Del").danger(), Act::Delete);
            }
        }
        act
    }

    /// Does it, or asks first where it cannot be taken back.
    fn act(&self, cx: &mut Context<'_>, vpc: &Vpc, act: Act) {
        match (self, act) {
            (Self::Gateway(gateway), Act::Attach) => attach(cx, vpc, gateway),
            (Self::Gateway(gateway), Act::Detach) => detach(cx, vpc, gateway),
            (Self::Peering(peering), Act::Accept) => cx.run(
                Command::AcceptVpcPeeringConnection(by_id(&peering.id)),
                format!("{} accepted", peering.title()),
                None,
            ),
            (Self::Vpn(vpn), Act::AddNetwork) => cx.open(AddVpnNetwork::new((*vpn).clone())),
            (Self::Vpn(vpn), Act::RemoveNetwork(net)) => remove_network(cx, vpn, net),
            (_, Act::Delete) => self.delete(cx),
            _ => {}
        }
    }

    fn delete(&self, cx: &mut Context<'_>) {
        let (verb, command, body) = match self {
            Self::Gateway(_) if !self.is_loose() => return,
            Self::Gateway(it) => (
                "Delete internet gateway",
                Command::DeleteInternetGateway(by_id(&it.id)),
                "No VPC uses it.".to_owned(),
            ),
            Self::Peering(it) => (
                "Delete peering connection",
                Command::DeleteVpcPeeringConnection(by_id(&it.id)),
                "The two VPCs no longer reach each other through it, and the routes that came with it go. It is refused while routes made by hand lead through it.".to_owned(),
            ),
            Self::Vpn(it) => (
                "Delete VPN connection",
                Command::DeleteVpnConnection(by_id(&it.id)),
                format!(
                    "{} can no longer be reached through it, and the routes that came with it go. It is refused while routes made by hand lead through it.",
                    nets::joined(&it.cidrs)
                ),
            ),
        };
        let name = self.title();
        let title = format!("Delete {name}?");
        let dialog = Confirm::new(title, verb, command, format!("{name} deleted"));
        // A gateway that is attached to nothing carries nobody's packets.
        let dialog = match self.is_loose() {
            true => dialog,
            false => dialog.previewed(),
        };
        cx.open(dialog.body(body));
    }
}

fn by_id(id: &impl ToString) -> ById {
    ById { id: id.to_string() }
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

/// Asks first: nobody reaches the internet through the VPC any more.
fn detach(cx: &mut Context<'_>, vpc: &Vpc, gateway: &InternetGateway) {
    let attachment = attachment(vpc, gateway);
    let name = gateway.title();
    let command = Command::DetachInternetGateway(attachment.clone());
    let change = Change::new("", command, format!("{name} detached"))
        .undo(Some(Command::AttachInternetGateway(attachment)));
    let title = format!("Detach {name} from {}?", vpc.title());
    cx.open(Confirm::each(title, "Detach internet gateway", vec![change]).previewed());
}

fn remove_network(cx: &mut Context<'_>, vpn: &VpnConnection, net: Ipv4Net) {
    let route = VpnConnectionRoute {
        vpn_connection_id: vpn.id.to_string(),
        destination_cidr_block: net.to_string(),
    };
    cx.run(
        Command::DeleteVpnConnectionRoute(route.clone()),
        format!("{net} removed"),
        Some(Command::CreateVpnConnectionRoute(route)),
    );
}

impl Tab {
    pub(super) fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc) {
        let snapshot = std::sync::Arc::clone(&cx.view.snapshot);
        let all = attachments(&snapshot, vpc);
        self.selection.retain(|id| all.iter().any(|a| a.id() == id));
        let chosen = self.selection.single();
        let chosen = chosen
            .and_then(|id| all.iter().find(|a| a.id() == id))
            .copied();
        let mut act = chosen
            .filter(|_| cx.key(ui, Key::Delete))
            .map(|_| Act::Delete);
        let has_gateway = snapshot.internet_gateway_of(&vpc.id).is_some();
        kit::panel_toolbar(
            ui,
            |ui| {
                let words = "What the VPC reaches beyond its own blocks, where a route says so";
                kit::weak(ui, words);
            },
            |ui| {
                create(cx, ui, vpc, has_gateway);
                let none = chosen.is_none().then_some("Select an attachment first");
                let actions = kit::button("Actions").caret().disabled_because(none);
                let asked = actions.menu(ui, |ui| chosen.and_then(|it| it.menu(ui)));
                act = asked.flatten().or(act);
            },
        );
        if all.is_empty() {
            let body = "Without one, clients reach nothing outside the VPC's address blocks.";
            if kit::empty(ui, "Nothing is attached", body, "Create internet gateway…") {
                cx.open(NewInternetGateway::new(vpc.clone()));
            }
            return;
        }
        let mut rows = AttachmentRows {
            all,
            snapshot: &snapshot,
            vpc,
            act: None,
        };
        kit::table("Attachments", &COLUMNS, &mut self.selection)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut rows);
        listing::copy_selected(cx, ui, &self.selection, &rows);
        if let Some((act, attachment)) = rows.act.or(act.zip(chosen)) {
            attachment.act(cx, vpc, act);
        }
    }
}

/// The button that makes one, with what can be made.
fn create(cx: &mut Context<'_>, ui: &mut Ui, vpc: &Vpc, has_gateway: bool) {
    let button = kit::button("Create attachment").icon(icons::PLUS).caret();
    button.menu(ui, |ui| {
        let taken = has_gateway.then_some("A VPC has one internet gateway, and this one has it");
        let gateway = kit::menu_item("Internet gateway…").icon(icons::GLOBE);
        if gateway.disabled_because(taken).clicked(ui) {
            cx.open(NewInternetGateway::new(vpc.clone()));
        }
        let peering = kit::menu_item("Peering connection…").icon(icons::ARROWS_LEFT_RIGHT);
        if peering.clicked(ui) {
            cx.open(NewPeering::new(vpc.clone()));
        }
        let vpn = kit::menu_item("VPN connection…").icon(icons::BUILDINGS);
        if vpn.clicked(ui) {
            cx.open(NewVpnConnection::new(vpc.clone()));
        }
    });
}

struct AttachmentRows<'a> {
    all: Vec<Attachment<'a>>,
    snapshot: &'a Snapshot,
    vpc: &'a Vpc,
    act: Option<(Act, Attachment<'a>)>,
}

impl Cells for AttachmentRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let it = self.all[row];
        vec![
            it.title().to_owned(),
            it.kind().to_owned(),
            it.id().to_owned(),
            it.state().1.to_owned(),
            it.leads_to(self.snapshot, self.vpc),
        ]
    }
}

impl Rows for AttachmentRows<'_> {
    type Key = String;

    fn len(&self) -> usize {
        self.all.len()
    }

    fn key(&self, row: usize) -> String {
        self.all[row].id().to_owned()
    }

    fn name(&self, row: usize) -> String {
        let it = &self.all[row];
        format!("{}, {}, {}", it.title(), it.kind(), it.state().1)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let it = self.all[row];
        match column {
            0 => drop(kit::cell_name(ui, it.title())),
            1 => drop(kit::cell(ui, it.kind())),
            2 => drop(kit::cell_copyable(ui, "attachment ID", it.id())),
            3 => {
                let (tone, word) = it.state();
                kit::status(tone, word).ui(ui);
            }
            _ => {
                // The missing step stands in the row.
                if it.is_pending() && kit::link(ui, "Accept").clicked() {
                    self.act = Some((Act::Accept, it));
                }
                let words = it.leads_to(self.snapshot, self.vpc);
                kit::cell(ui, &words);
            }
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let it = self.all[row];
        if let Some(act) = it.menu(ui) {
            self.act = Some((act, it));
        }
    }
}
