//! Create a resource: an address of a subnet with security groups of its own; and change those.

use egui::Ui;

use super::{
    create_vpc::{NAME, named},
    group_choice::GroupChoice,
};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice},
        preview::PreviewPane,
    },
    model::{
        Command, Refusal, Resource, Snapshot, SubnetId, Vpc,
        command::{CreateNetworkInterface, ModifyNetworkInterface},
    },
};

const SUBNET: (&str, &str) = ("SubnetId", "Subnet");
const ADDRESS: (&str, &str) = ("PrivateIpAddress", "Address");
const GROUPS: &str = "SecurityGroupIds";
const DESCRIPTION: (&str, &str) = ("Description", "Description");

/// Asks for name, subnet, address and groups.
#[derive(Debug)]
pub struct NewResource {
    vpc: Vpc,
    name: String,
    subnet: Option<SubnetId>,
    address: String,
    description: String,
    groups: GroupChoice,
    form: DialogForm,
}

impl NewResource {
    /// A resource of `vpc`, with the VPC's own group.
    #[must_use]
    pub fn new(snapshot: &Snapshot, vpc: Vpc) -> Self {
        let mut subnets = snapshot.subnets.values().filter(|it| it.vpc_id == vpc.id);
        let only = subnets.next().filter(|_| subnets.next().is_none());
        Self {
            subnet: only.map(|subnet| subnet.id.clone()),
            groups: GroupChoice::default_of(snapshot, &vpc.id),
            vpc,
            name: String::new(),
            address: String::new(),
            description: String::new(),
            form: DialogForm::default(),
        }
    }

    fn place(&mut self, snapshot: &Snapshot, ui: &mut Ui, form: &mut DialogForm) {
        let of_vpc = snapshot.subnets.values();
        let subnets: Vec<Choice<Option<SubnetId>>> = of_vpc
            .filter(|it| it.vpc_id == self.vpc.id)
            .map(|it| Choice::new(Some(it.id.clone()), it.title()).detail(it.cidr.to_string()))
            .collect();
        let chosen = self.subnet.as_ref().and_then(|id| snapshot.subnets.get(id));
        let hint = chosen.and_then(|it| it.cidr.hosts().nth(9));
        let hint = hint.map_or_else(|| "10.1.1.10".to_owned(), |it| it.to_string());
        kit::two_columns(ui, |a, b| {
            form.choose(a, SUBNET, &mut self.subnet, &subnets, |field| {
                field
                    .placeholder("Choose a subnet")
                    .nothing("The VPC has no subnet yet. Create one first")
            });
            form.text_with(b, ADDRESS, &mut self.address, (&hint, ""), |field| {
                field.mono()
            });
        });
    }
}

impl FormDialog for NewResource {
    fn title(&self) -> String {
        "Create resource".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create resource"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        kit::two_columns(ui, |a, b| {
            form.text(a, NAME, &mut self.name, |field| {
                field.optional().hint("wiki")
            });
            form.text(b, DESCRIPTION, &mut self.description, |field| {
                field.optional()
            });
        });
        self.place(&cx.view.snapshot, ui, form);
        let vpc = &self.vpc.id;
        self.groups.ui(&cx.view.snapshot, vpc, ui, form, GROUPS);
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let subnet = self.subnet.as_ref().map(ToString::to_string);
        let command = Command::CreateNetworkInterface(CreateNetworkInterface {
            subnet_id: subnet.unwrap_or_default(),
            private_ip_address: self.address.trim().to_owned(),
            security_group_ids: self.groups.ids(),
            description: self.description.trim().to_owned(),
            tags: named(&self.name),
        });
        Ok(Act::command(command, "Resource created"))
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

/// Changes the groups of a resource.
#[derive(Debug)]
pub struct ChangeGroups {
    resource: Resource,
    groups: GroupChoice,
    description: String,
    preview: PreviewPane,
    form: DialogForm,
}

impl ChangeGroups {
    /// Of `resource`, with those it has chosen already.
    #[must_use]
    pub fn new(resource: Resource) -> Self {
        Self {
            groups: GroupChoice::of(&resource.security_groups),
            description: resource.description.clone(),
            resource,
            preview: PreviewPane::default(),
            form: DialogForm::default(),
        }
    }

    /// Its groups alone: words said of it change nobody's reach.
    fn previewed(&self) -> Option<Command> {
        if self.groups.chosen.is_empty() {
            return None;
        }
        Some(Command::ModifyNetworkInterfaceAttribute(
            ModifyNetworkInterface {
                network_interface_id: self.resource.id.to_string(),
                security_group_ids: Some(self.groups.ids()),
                description: None,
            },
        ))
    }
}

impl FormDialog for ChangeGroups {
    fn title(&self) -> String {
        format!("Change the security groups of {}", self.resource.title())
    }

    fn verb(&self) -> &'static str {
        "Change security groups"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let vpc = &self.resource.vpc_id;
        self.groups.ui(&cx.view.snapshot, vpc, ui, form, GROUPS);
        form.text(ui, DESCRIPTION, &mut self.description, |field| {
            field.optional()
        });
        kit::fieldset(ui, "What changes for those connected", "");
        let command = self.previewed();
        self.preview.ui(cx, ui, command.as_ref());
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::ModifyNetworkInterfaceAttribute(ModifyNetworkInterface {
            network_interface_id: self.resource.id.to_string(),
            security_group_ids: Some(self.groups.ids()),
            description: Some(self.description.trim().to_owned()),
        });
        let done = format!("Security groups of {} changed", self.resource.title());
        Ok(Act::command(command, done))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let nothing = self.groups.chosen.is_empty();
        nothing.then(|| "Choose at least one security group".to_owned())
    }
}
