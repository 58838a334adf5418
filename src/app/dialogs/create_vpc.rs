//! Create a VPC, or give one more address block to a VPC.

use super::{Dialog, Stay, create_ca::WIDTH};
use crate::{
    app::{
        context::{Action, Context},
        form::Form,
        kit,
    },
    model::{
        Command, Tags, Vpc,
        command::{CreateVpc, VpcCidrBlock},
    },
};

/// Asks for name and address block.
#[derive(Debug, Default)]
pub struct NewVpc {
    name: String,
    cidr: String,
    form: Form,
}

impl Dialog for NewVpc {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll().is_some() {
            cx.ask(Action::Toast("VPC created".to_owned()));
            return Stay::Closed;
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::form_dialog("Create VPC", "Create VPC")
            .errors(self.form.errors())
            .changed(!(self.name.is_empty() && self.cidr.is_empty()))
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| {
                self.form
                    .text(ui, ("Name", "Name"), &mut self.name, |field| {
                        field.optional().hint("office")
                    });
                self.form.text(ui, BLOCK, &mut self.cidr, |field| {
                    field
                        .mono()
                        .hint("10.1.0.0/16")
                        .help("Addresses that this machine can reach, from /8 to /28.")
                });
            });
        let command = || {
            Command::CreateVpc(CreateVpc {
                cidr_block: self.cidr.trim().to_owned(),
                tags: named(&self.name),
            })
        };
        self.form.judge_when_left(cx, command);
        match shown {
            kit::Dialog::Open => {}
            kit::Dialog::Closed => return Stay::Closed,
            kit::Dialog::Submitted => self.form.send(cx, command()),
        }
        Stay::Open
    }
}

/// Asks for one more address block of a VPC.
#[derive(Debug)]
pub struct AddBlock {
    vpc: Vpc,
    cidr: String,
    form: Form,
}

impl AddBlock {
    /// A block for `vpc`.
    #[must_use]
    pub fn new(vpc: Vpc) -> Self {
        Self {
            vpc,
            cidr: String::new(),
            form: Form::default(),
        }
    }
}

impl Dialog for AddBlock {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll().is_some() {
            cx.ask(Action::Toast(format!("{} added", self.cidr.trim())));
            return Stay::Closed;
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let shown = kit::form_dialog("Add address block", "Add")
            .errors(self.form.errors())
            .changed(!self.cidr.is_empty())
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| {
                self.form.text(ui, BLOCK, &mut self.cidr, |field| {
                    field
                        .mono()
                        .hint("10.2.0.0/16")
                        .help("Each associated subnet of the VPC gets a route to it.")
                });
            });
        match shown {
            kit::Dialog::Open => {}
            kit::Dialog::Closed => return Stay::Closed,
            kit::Dialog::Submitted => {
                let command = Command::AssociateVpcCidrBlock(VpcCidrBlock {
                    vpc_id: self.vpc.id.to_string(),
                    cidr_block: self.cidr.trim().to_owned(),
                });
                self.form.send(cx, command);
            }
        }
        Stay::Open
    }
}

const BLOCK: (&str, &str) = ("CidrBlock", "Address block");

/// The tag `Name`, where there is one to give.
pub(in crate::app) fn named(name: &str) -> Tags {
    let name = name.trim();
    if name.is_empty() {
        return Tags::new();
    }
    Tags::from([("Name".to_owned(), name.to_owned())])
}
