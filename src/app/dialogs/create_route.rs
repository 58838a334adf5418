//! Create Route: where packets go that are not for the VPC itself.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice, Tone},
    },
    model::{
        Command, EndpointId, Refusal, Snapshot, SubnetId, command::CreateRoute as Fields,
        net::everywhere,
    },
};

const DESTINATION: (&str, &str) = ("DestinationCidrBlock", "Route destination");
const SUBNET: (&str, &str) = ("TargetVpcSubnetId", "Target network");
const DESCRIPTION: (&str, &str) = ("Description", "Description");

/// The dialog.
pub struct CreateRoute {
    endpoint: EndpointId,
    destination: String,
    subnet: Option<SubnetId>,
    description: String,
    form: DialogForm,
}

impl CreateRoute {
    /// For an endpoint; the way to the internet is proposed while there is none.
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
        let subnet = snapshot
            .associations_of(&endpoint)
            .next()
            .map(|a| a.subnet_id.clone());
        Self {
            endpoint,
            destination,
            subnet,
            description: String::new(),
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
        self.subnet = Some(subnet);
        self
    }

    fn command(&self) -> Command {
        Command::CreateClientVpnRoute(Fields {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            destination_cidr_block: self.destination.trim().to_owned(),
            target_vpc_subnet_id: self
                .subnet
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            all_associations: false,
            description: self.description.trim().to_owned(),
        })
    }

    /// A route to the internet from a VPC without a gateway is taken, and leads nowhere.
    fn no_gateway(&self, snapshot: &Snapshot) -> Option<String> {
        if self.destination.trim() != "0.0.0.0/0" {
            return None;
        }
        let subnet = snapshot.subnets.get(self.subnet.as_ref()?)?;
        if snapshot.internet_gateway_of(&subnet.vpc_id).is_some() {
            return None;
        }
        let vpc = snapshot.vpcs.get(&subnet.vpc_id)?;
        Some(format!(
            "Nothing outside {} is reached until an internet gateway is attached to it, under VPCs \
             and subnets.",
            vpc.title()
        ))
    }
}

/// The endpoint's associated subnets.
fn subnets(snapshot: &Snapshot, endpoint: &EndpointId) -> Vec<Choice<Option<SubnetId>>> {
    snapshot
        .associations_of(endpoint)
        .map(|a| match snapshot.subnets.get(&a.subnet_id) {
            Some(subnet) => Choice::new(Some(subnet.id.clone()), subnet.title())
                .detail(format!("{}  {}", subnet.cidr, subnet.availability_zone)),
            None => Choice::new(Some(a.subnet_id.clone()), a.subnet_id.as_str()),
        })
        .collect()
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
        let subnets = subnets(snapshot, &self.endpoint);
        form.choose(ui, SUBNET, &mut self.subnet, &subnets, |field| {
            field
                .placeholder("Choose an associated subnet")
                .nothing("No subnet is associated. Associate a target network first")
        });
        if let Some(warning) = self.no_gateway(snapshot) {
            kit::banner(Tone::Warning, "No internet gateway")
                .body(&warning)
                .ui(ui);
        }
        form.text(ui, DESCRIPTION, &mut self.description, |field| {
            field.optional().limit(255)
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let done = format!("Route to {} created", self.destination.trim());
        Ok(Act::command(self.command(), done))
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}
