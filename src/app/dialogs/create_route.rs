//! Create Route: where packets go that are not for the VPC itself.

use std::collections::BTreeSet;

use egui::Ui;
use ipnet::Ipv4Net;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice, Tone},
        nets,
        preview::PreviewPane,
    },
    model::{
        Command, EndpointId, Refusal, Snapshot, Subnet, SubnetId, VpcReach,
        command::CreateRoute as Fields, net::everywhere,
    },
};

const DESTINATION: (&str, &str) = ("DestinationCidrBlock", "Route destination");
const SUBNET: (&str, &str) = ("TargetVpcSubnetId", "Target network");
const DESCRIPTION: (&str, &str) = ("Description", "Description");

/// What packets go through.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Through {
    /// Every associated subnet, later ones included.
    All,
    /// One of them.
    Subnet(SubnetId),
}

/// The dialog.
pub struct CreateRoute {
    endpoint: EndpointId,
    destination: String,
    through: Option<Through>,
    description: String,
    preview: PreviewPane,
    form: DialogForm,
}

impl CreateRoute {
    /// For an endpoint; the way to the internet is proposed while there is none. With several
    /// target networks all of them are proposed, since a client is bound to any.
    #[must_use]
    pub fn new(snapshot: &Snapshot, endpoint: EndpointId) -> Self {
        let has_default = snapshot
            .routes_of(&endpoint)
            .any(|route| route.destination == everywhere());
        let destination = if has_default {
            String::new()
        } else {
            everywhere().to_string()
        };
        let mut subnets = nets::associated(snapshot, &endpoint).into_iter();
        let through = match (subnets.next(), subnets.next()) {
            (Some(_), Some(_)) => Some(Through::All),
            (first, _) => first.map(Through::Subnet),
        };
        Self {
            endpoint,
            destination,
            through,
            description: String::new(),
            preview: PreviewPane::default(),
            form: DialogForm::default(),
        }
    }

    /// With this destination.
    #[must_use]
    pub fn to(mut self, destination: &str) -> Self {
        self.destination = destination.to_owned();
        self
    }

    /// Through this subnet.
    #[must_use]
    pub fn through(mut self, subnet: SubnetId) -> Self {
        self.through = Some(Through::Subnet(subnet));
        self
    }

    fn command(&self) -> Command {
        Command::CreateClientVpnRoute(Fields {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            destination_cidr_block: self.destination.trim().to_owned(),
            target_vpc_subnet_id: match &self.through {
                Some(Through::Subnet(subnet)) => subnet.to_string(),
                Some(Through::All) | None => String::new(),
            },
            all_associations: self.through == Some(Through::All),
            description: self.description.trim().to_owned(),
        })
    }

    /// What it opens: the words said of it change nobody's reach, and half an address is none.
    fn previewed(&self) -> Option<Command> {
        self.through.as_ref()?;
        self.destination.trim().parse::<Ipv4Net>().ok()?;
        match self.command() {
            Command::CreateClientVpnRoute(route) => Some(Command::CreateClientVpnRoute(Fields {
                description: String::new(),
                ..route
            })),
            _ => None,
        }
    }

    /// A route to what the VPC does not reach from a target network is taken, and leads nowhere.
    fn leads_nowhere(&self, snapshot: &Snapshot) -> Option<String> {
        let destination: Ipv4Net = self.destination.trim().parse().ok()?;
        let subnets = match self.through.as_ref()? {
            Through::Subnet(subnet) => BTreeSet::from([subnet.clone()]),
            Through::All => nets::associated(snapshot, &self.endpoint),
        };
        let subnets = subnets.iter().filter_map(|id| snapshot.subnets.get(id));
        let lacking: Vec<&Subnet> = subnets
            .filter(|subnet| !reaches(snapshot, subnet, destination))
            .collect();
        let vpc = snapshot.vpcs.get(&lacking.first()?.vpc_id)?;
        let from: Vec<&str> = lacking.iter().map(|subnet| subnet.title()).collect();
        let needs_gateway =
            destination == everywhere() && snapshot.internet_gateway_of(&vpc.id).is_none();
        let cure = match needs_gateway {
            true => "attach an internet gateway to it, and add a route through that",
            false => "add a route that is no black hole",
        };
        Some(format!(
            "{} does not reach {destination} from {}: {cure} to the route table of the subnet, \
             under VPCs and subnets.",
            vpc.title(),
            nets::joined(&from)
        ))
    }
}

/// Whether the VPC leads from a subnet to a network. Of a wider one than what it reaches, some
/// beyond its own blocks is enough; but a few networks are not the internet.
fn reaches(snapshot: &Snapshot, subnet: &Subnet, network: Ipv4Net) -> bool {
    let reached = snapshot.vpc_routes(subnet);
    let leads = |by: &VpcReach| by.blackhole().is_none();
    let whole = reached.iter().filter(|(it, _)| it.contains(&network));
    let whole = whole.max_by_key(|(it, _)| it.prefix_len());
    if whole.is_some_and(|(_, by)| leads(by)) {
        return true;
    }
    let is_local = |by: &VpcReach| matches!(by, VpcReach::Local(_));
    let mut parts = reached.iter().filter(|(it, _)| network.contains(it));
    network != everywhere() && parts.any(|(_, by)| leads(by) && !is_local(by))
}

/// All target networks as one, then each of them.
fn choices(snapshot: &Snapshot, endpoint: &EndpointId) -> Vec<Choice<Option<Through>>> {
    let subnets = nets::associated(snapshot, endpoint);
    if subnets.is_empty() {
        return Vec::new();
    }
    let all = Choice::new(Some(Through::All), "All target networks")
        .detail("those that are associated later too");
    let each = subnets.into_iter().map(|id| {
        let subnet = snapshot.subnets.get(&id);
        let detail = subnet.map(|it| format!("{}  {}", it.cidr, it.availability_zone));
        Choice::new(
            Some(Through::Subnet(id.clone())),
            nets::subnet(snapshot, &id),
        )
        .detail(detail.unwrap_or_default())
    });
    std::iter::once(all).chain(each).collect()
}

impl FormDialog for CreateRoute {
    fn title(&self) -> String {
        "Create Route".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create Route"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let snapshot = &cx.view.snapshot;
        form.text(ui, DESTINATION, &mut self.destination, |field| {
            field
                .hint("0.0.0.0/0")
                .mono()
                .help("0.0.0.0/0 is the internet; or the CIDR of a network behind the VPC.")
        });
        let choices = choices(snapshot, &self.endpoint);
        form.choose(ui, SUBNET, &mut self.through, &choices, |field| {
            field
                .placeholder("Choose an associated subnet")
                .help("A client has the routes of the network it is bound to when it connects.")
                .nothing("No subnet is associated. Associate a target network first")
        });
        if let Some(warning) = self.leads_nowhere(snapshot) {
            kit::banner(Tone::Warning, "The VPC does not lead there")
                .body(&warning)
                .ui(ui);
        }
        form.text(ui, DESCRIPTION, &mut self.description, |field| {
            field.optional()
        });
        kit::fieldset(ui, "What changes for those connected", "");
        let command = self.previewed();
        self.preview.ui(cx, ui, command.as_ref());
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let done = format!("Route to {} created", self.destination.trim());
        Ok(Act::command(self.command(), done))
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}
