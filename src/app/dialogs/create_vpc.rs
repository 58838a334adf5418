//! Create a VPC, or give one more address block to a VPC.

use egui::Ui;

use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
    },
    model::{
        Command, Refusal, Tags, Vpc,
        command::{CreateVpc, VpcCidrBlock},
    },
};

/// Asks for name and address block.
#[derive(Debug, Default)]
pub struct NewVpc {
    name: String,
    cidr: String,
    form: DialogForm,
}

impl FormDialog for NewVpc {
    fn title(&self) -> String {
        "Create VPC".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create VPC"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NAME, &mut self.name, |field| {
            field.optional().hint("office")
        });
        form.text(ui, BLOCK, &mut self.cidr, |field| {
            field
                .mono()
                .hint("10.1.0.0/16")
                .help("Addresses that this machine can reach, from /8 to /28.")
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::CreateVpc(CreateVpc {
            cidr_block: self.cidr.trim().to_owned(),
            tags: named(&self.name),
        });
        Ok(Act::command(command, "VPC created"))
    }
}

/// Asks for one more address block of a VPC.
#[derive(Debug)]
pub struct AddBlock {
    vpc: Vpc,
    cidr: String,
    form: DialogForm,
}

impl AddBlock {
    /// A block for `vpc`.
    #[must_use]
    pub fn new(vpc: Vpc) -> Self {
        Self {
            vpc,
            cidr: String::new(),
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for AddBlock {
    fn title(&self) -> String {
        "Add address block".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Add"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, BLOCK, &mut self.cidr, |field| {
            field
                .mono()
                .hint("10.2.0.0/16")
                .help("Each associated subnet of the VPC gets a route to it.")
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::AssociateVpcCidrBlock(VpcCidrBlock {
            vpc_id: self.vpc.id.to_string(),
            cidr_block: self.cidr.trim().to_owned(),
        });
        Ok(Act::command(command, format!("{} added", self.cidr.trim())))
    }
}

const BLOCK: (&str, &str) = ("CidrBlock", "Address block");

/// The field of a name, which is the tag `Name`.
pub(super) const NAME: (&str, &str) = ("Name", "Name");

/// The tag `Name`, where there is one to give.
pub(in crate::app) fn named(name: &str) -> Tags {
    let name = name.trim();
    if name.is_empty() {
        return Tags::new();
    }
    Tags::from([("Name".to_owned(), name.to_owned())])
}
