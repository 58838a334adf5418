//! Create a subnet of a VPC.

use egui::Ui;

use super::{
    create_vpc::{NAME, named},
    egress::EgressFields,
};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
    },
    model::{Command, Egress, Refusal, Vpc, command::CreateSubnet},
};

const ZONE: (&str, &str) = ("AvailabilityZone", "Availability Zone");

/// Asks for name, addresses, zone and egress.
#[derive(Debug)]
pub struct NewSubnet {
    vpc: Vpc,
    name: String,
    cidr: String,
    zone: String,
    egress: EgressFields,
    form: DialogForm,
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
            egress: EgressFields::of(&Egress::default()),
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for NewSubnet {
    fn title(&self) -> String {
        "Create subnet".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create subnet"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NAME, &mut self.name, |field| {
            field.optional().hint("office-a")
        });
        let blocks: Vec<String> = self.vpc.cidrs.iter().map(ToString::to_string).collect();
        let inside = format!(
            "Inside {}. A target network is /27 or larger.",
            blocks.join(" or ")
        );
        let hint = blocks.first().map_or("10.1.1.0/24", String::as_str);
        let block = ("CidrBlock", "Addresses");
        form.text_with(ui, block, &mut self.cidr, (hint, &inside), |field| {
            field.mono()
        });
        form.text(ui, ZONE, &mut self.zone, |field| {
            field
                .optional()
                .mono()
                .hint("local-1a")
                .help("Without one, the first zone that the VPC does not use yet.")
        });
        self.egress.ui(cx, ui, form);
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let zone = self.zone.trim();
        let egress = self.egress.choice()?;
        let command = Command::CreateSubnet(CreateSubnet {
            vpc_id: self.vpc.id.to_string(),
            cidr_block: self.cidr.trim().to_owned(),
            availability_zone: (!zone.is_empty()).then(|| zone.to_owned()),
            tags: named(&self.name),
            egress: self.egress.is_chosen().then_some(egress),
        });
        Ok(Act::command(command, "Subnet created"))
    }
}
