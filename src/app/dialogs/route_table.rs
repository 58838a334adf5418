//! What makes and fills a VPC's route table: a table, a route of it, and a subnet that uses it.

use egui::Ui;

use super::create_vpc::{NAME, named};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
        kit::Choice,
        nets,
    },
    model::{
        Command, Refusal, RouteTable, RouteTableId, Snapshot, Subnet, SubnetId, Vpc, VpcId,
        command::{CreateRouteTable, CreateVpcRoute, RouteTableAssociation},
        net::everywhere,
    },
};

const DESTINATION: (&str, &str) = ("DestinationCidrBlock", "Destination");
const TARGET: (&str, &str) = ("TargetId", "Target");
const SUBNET: (&str, &str) = ("SubnetId", "Subnet");

/// Asks for the name of a new table.
#[derive(Debug)]
pub struct NewRouteTable {
    vpc: Vpc,
    name: String,
    form: DialogForm,
}

impl NewRouteTable {
    /// A route table of `vpc`.
    #[must_use]
    pub fn new(vpc: Vpc) -> Self {
        Self {
            vpc,
            name: String::new(),
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for NewRouteTable {
    fn title(&self) -> String {
        "Create route table".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create route table"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NAME, &mut self.name, |field| {
            field.optional().hint("private").help(
                "It is for the subnets that are associated with it; the others use the main one.",
            )
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::CreateRouteTable(CreateRouteTable {
            vpc_id: self.vpc.id.to_string(),
            tags: named(&self.name),
        });
        Ok(Act::command(command, "Route table created"))
    }
}

/// Asks where packets go and through what.
#[derive(Debug)]
pub struct AddVpcRoute {
    table: RouteTable,
    destination: String,
    /// The destination is the one that goes with the target, so that another target brings another.
    destination_is_ours: bool,
    target: Option<String>,
    form: DialogForm,
}

/// A target of a route, and the destination that lies behind it.
struct Offer {
    id: String,
    title: String,
    detail: String,
    destination: String,
}

impl AddVpcRoute {
    /// A route of `table`.
    #[must_use]
    pub fn new(table: RouteTable) -> Self {
        Self {
            table,
            destination: String::new(),
            destination_is_ours: true,
            target: None,
            form: DialogForm::default(),
        }
    }
}

/// What a VPC is attached to.
fn offers(snapshot: &Snapshot, vpc: &VpcId) -> Vec<Offer> {
    let gateway = snapshot.internet_gateway_of(vpc).map(|gateway| Offer {
        id: gateway.id.to_string(),
        title: gateway.title().to_owned(),
        detail: "Internet gateway".to_owned(),
        destination: everywhere().to_string(),
    });
    let peerings = snapshot.peering_connections.values().filter_map(|it| {
        let peer = snapshot.vpcs.get(it.peer_of(vpc)?)?;
        let pending = if it.is_active {
            ""
        } else {
            ", not accepted yet"
        };
        Some(Offer {
            id: it.id.to_string(),
            title: it.title().to_owned(),
            detail: format!("Peering with {}{pending}", peer.title()),
            destination: peer
                .cidrs
                .first()
                .map_or_else(String::new, ToString::to_string),
        })
    });
    let vpns = snapshot.vpn_connections.values();
    let vpns = vpns.filter(|it| it.vpc_id == *vpc).map(|it| Offer {
        id: it.id.to_string(),
        title: it.title().to_owned(),
        detail: format!("VPN, {}", nets::joined(&it.cidrs)),
        destination: it
            .cidrs
            .first()
            .map_or_else(String::new, ToString::to_string),
    });
    gateway.into_iter().chain(peerings).chain(vpns).collect()
}

impl FormDialog for AddVpcRoute {
    fn title(&self) -> String {
        format!("Add a route to {}", self.table.title())
    }

    fn verb(&self) -> &'static str {
        "Add route"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let out = form.text(ui, DESTINATION, &mut self.destination, |field| {
            field
                .mono()
                .hint("0.0.0.0/0")
                .help("0.0.0.0/0 is the internet; or a network behind the target.")
        });
        if out.changed() {
            self.destination_is_ours = self.destination.is_empty();
        }
        let offers = offers(&cx.view.snapshot, &self.table.vpc_id);
        let targets: Vec<Choice<Option<String>>> = offers
            .iter()
            .map(|it| Choice::new(Some(it.id.clone()), &it.title).detail(it.detail.clone()))
            .collect();
        let other = form.choose(ui, TARGET, &mut self.target, &targets, |field| {
            field
                .placeholder("Choose what it leads through")
                .nothing("Nothing is attached to the VPC. Attach something under Attachments first")
        });
        let chosen = offers
            .iter()
            .find(|it| Some(&it.id) == self.target.as_ref());
        if other
            && self.destination_is_ours
            && let Some(offer) = chosen
        {
            self.destination = offer.destination.clone();
        }
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let destination = self.destination.trim();
        let command = Command::CreateRoute(CreateVpcRoute {
            route_table_id: self.table.id.to_string(),
            destination_cidr_block: destination.to_owned(),
            target_id: self.target.clone().unwrap_or_default(),
        });
        Ok(Act::command(
            command,
            format!("Route to {destination} added"),
        ))
    }
}

/// Asks which subnet is to use a table.
#[derive(Debug)]
pub struct AssociateSubnet {
    table: RouteTableId,
    title: String,
    subnet: Option<SubnetId>,
    form: DialogForm,
}

impl AssociateSubnet {
    /// With `table`.
    #[must_use]
    pub fn new(table: &RouteTable) -> Self {
        Self {
            table: table.id.clone(),
            title: table.title().to_owned(),
            subnet: None,
            form: DialogForm::default(),
        }
    }

    /// The VPC's subnets that no other table names: one that is named goes back to the main table
    /// first.
    fn subnets(&self, snapshot: &Snapshot) -> Vec<Choice<Option<SubnetId>>> {
        let Some(table) = snapshot.route_tables.get(&self.table) else {
            return Vec::new();
        };
        let named = |it: &Subnet| {
            let mut tables = snapshot.route_tables.values();
            tables.any(|table| table.subnets.contains(&it.id))
        };
        let subnets = snapshot.subnets.values();
        subnets
            .filter(|it| it.vpc_id == table.vpc_id && !named(it))
            .map(|it| Choice::new(Some(it.id.clone()), it.title()).detail(it.cidr.to_string()))
            .collect()
    }
}

impl FormDialog for AssociateSubnet {
    fn title(&self) -> String {
        format!("Associate a subnet with {}", self.title)
    }

    fn verb(&self) -> &'static str {
        "Associate subnet"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let subnets = self.subnets(&cx.view.snapshot);
        form.choose(ui, SUBNET, &mut self.subnet, &subnets, |field| {
            field
                .placeholder("Choose a subnet")
                .nothing("Every subnet of the VPC is associated already. Disassociate one from its table first")
                .help("Those that use the main table. One of another table is disassociated there first.")
        });
    }

    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        let Some(subnet) = &self.subnet else {
            return Err(Refusal::missing(SUBNET.0, "one of the list"));
        };
        let command = Command::AssociateRouteTable(RouteTableAssociation {
            route_table_id: self.table.to_string(),
            subnet_id: subnet.to_string(),
        });
        let subnet = nets::subnet(&cx.view.snapshot, subnet);
        Ok(Act::command(
            command,
            format!("{subnet} uses {}", self.title),
        ))
    }
}
