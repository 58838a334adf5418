//! Create a subnet of a VPC.

use super::{Dialog, Stay, create_ca::WIDTH, create_vpc::named};
use crate::{
    app::{
        context::{Action, Context},
        form::Form,
        kit,
    },
    model::{Command, Vpc, command::CreateSubnet},
};

/// Asks for name, addresses and zone.
#[derive(Debug)]
pub struct NewSubnet {
    vpc: Vpc,
    name: String,
    cidr: String,
    zone: String,
    form: Form,
}

impl NewSubnet {
    /// A subnet of `vpc`.
    #[must_use]
    pub fn new(vpc: Vpc) -> Self {
        Self {
            vpc,
            name: String::new(),
            cidr: String::new(),
            zone: String::new(),
            form: Form::default(),
        }
    }
}

impl Dialog for NewSubnet {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.form.poll().is_some() {
            cx.ask(Action::Toast("Subnet created".to_owned()));
            return Stay::Closed;
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let changed = [&self.name, &self.cidr, &self.zone]
            .iter()
            .any(|text| !text.is_empty());
        let blocks: Vec<String> = self.vpc.cidrs.iter().map(ToString::to_string).collect();
        let inside = format!(
            "Inside {}. A target network is /27 or larger.",
            blocks.join(" or ")
        );
        let shown = kit::form_dialog("Create subnet", "Create subnet")
            .errors(self.form.errors())
            .changed(changed)
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(WIDTH)
            .show(ctx, |ui| {
                self.form
                    .text(ui, ("Name", "Name"), &mut self.name, |field| {
                        field.optional().hint("office-a")
                    });
                let hint = blocks.first().map_or("10.1.1.0/24", String::as_str);
                self.form.text_with(
                    ui,
                    ("CidrBlock", "Addresses"),
                    &mut self.cidr,
                    (hint, &inside),
                    |field| field.mono().limit(18),
                );
                self.form.text(
                    ui,
                    ("AvailabilityZone", "Availability Zone"),
                    &mut self.zone,
                    |field| {
                        field
                            .optional()
                            .mono()
                            .hint("local-1a")
                            .help("Without one, the first zone that the VPC does not use yet.")
                    },
                );
            });
        let command = || {
            let zone = self.zone.trim();
            Command::CreateSubnet(CreateSubnet {
                vpc_id: self.vpc.id.to_string(),
                cidr_block: self.cidr.trim().to_owned(),
                availability_zone: (!zone.is_empty()).then(|| zone.to_owned()),
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
