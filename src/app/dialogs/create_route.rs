//! Create Route: where packets go that are not for the VPC itself.

use super::{Dialog, Stay, form::Form};
use crate::{
    app::{
        context::{Action, Context},
        kit::{self, Choice, Tone},
    },
    model::{
        Command, EndpointId, Snapshot, SubnetId, command::CreateRoute as Fields, net::everywhere,
    },
};

const DESTINATION: &str = "DestinationCidrBlock";
const SUBNET: &str = "TargetVpcSubnetId";
const DESCRIPTION: &str = "Description";

/// The dialog.
pub struct CreateRoute {
    endpoint: EndpointId,
    destination: String,
    subnet: Option<SubnetId>,
    description: String,
    form: Form,
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
            form: Form::new("Create Route", &[DESTINATION, SUBNET, DESCRIPTION]),
        }
    }

    /// What is true once it is carried out.
    fn done(&self) -> String {
        format!("Route to {} created", self.destination.trim())
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
            description: self.description.trim().to_owned(),
        })
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut egui::Ui, form: &mut Form) {
        let snapshot = &cx.view.snapshot;
        let cure = form.cure_words(DESTINATION);
        let field = kit::text_field(&mut self.destination)
            .label("Route destination")
            .hint("0.0.0.0/0")
            .mono()
            .help("0.0.0.0/0 is the internet; or the CIDR of a network behind the VPC.")
            .error(form.error(DESTINATION))
            .cure(cure.as_deref())
            .ui(ui);
        let mut left = form
            .touch(DESTINATION, &field, &mut self.destination)
            .then_some(DESTINATION);
        let subnets = subnets(snapshot, &self.endpoint);
        let field = kit::select(&mut self.subnet, &subnets)
            .label("Target network")
            .placeholder("Choose an associated subnet")
            .nothing("No subnet is associated. Associate a target network first")
            .error(form.error(SUBNET))
            .ui(ui);
        form.touched(SUBNET, &field.response);
        if field.response.changed() {
            left = Some(SUBNET);
        }
        if let Some(warning) = self.no_gateway(snapshot) {
            kit::banner(Tone::Warning, "No internet gateway")
                .body(&warning)
                .ui(ui);
        }
        let cure = form.cure_words(DESCRIPTION);
        let field = kit::text_field(&mut self.description)
            .label("Description")
            .optional()
            .limit(255)
            .error(form.error(DESCRIPTION))
            .cure(cure.as_deref())
            .ui(ui);
        form.touch(DESCRIPTION, &field, &mut self.description);
        if let Some(field) = left
            && !self.destination.trim().is_empty()
        {
            form.judge(cx.backend, field, self.command());
        }
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

impl Dialog for CreateRoute {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll(ctx).is_some() {
            self.form.close(ctx);
            cx.ask(Action::Toast(self.done()));
            return Stay::Closed;
        }
        let mut form = std::mem::take(&mut self.form);
        let shown = form.show(ctx, "Create Route", None, |ui, form| {
            self.fields(cx, ui, form);
        });
        self.form = form;
        match shown {
            kit::Dialog::Closed => {
                self.form.leave(cx, self.done());
                return Stay::Closed;
            }
            kit::Dialog::Submitted if !self.form.is_working() => {
                let command = self.command();
                self.form.submit(cx.backend, command);
            }
            _ => {}
        }
        Stay::Open
    }
}
