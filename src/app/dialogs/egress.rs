//! How packets leave this machine for a subnet: what is asked for when a subnet is made, and what
//! changes it afterwards.

use egui::Ui;

use crate::{
    app::{
        backend::Work,
        context::Context,
        form::{Act, DialogForm, FormDialog},
        kit::{self, Choice},
        nets,
    },
    model::{
        Answer, Command, Egress, HostNetwork, Refusal, Subnet, SubnetId, Via,
        command::{EgressChoice, ModifySubnetEgress},
    },
};

const INTERFACE: (&str, &str) = ("EgressInterface", "Interface");
const ADDRESS: (&str, &str) = ("EgressSourceAddress", "Source address");

/// The kind of way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    #[default]
    HostRouting,
    Interface,
    SourceAddress,
}

/// The fields of an egress, as they are filled in.
#[derive(Debug)]
pub(super) struct EgressFields {
    way: Way,
    interface: Option<String>,
    address: Option<String>,
    nat: bool,
    asked: bool,
    looking: Work<Answer>,
    host: Vec<HostNetwork>,
}

impl EgressFields {
    /// Filled in with what there is.
    pub(super) fn of(egress: &Egress) -> Self {
        let asked = nets::asked_egress(egress);
        Self {
            way: match egress.via {
                Via::HostRouting => Way::HostRouting,
                Via::Interface(_) => Way::Interface,
                Via::SourceAddress(_) => Way::SourceAddress,
            },
            interface: asked.interface,
            address: asked.source_address,
            nat: egress.nat,
            asked: false,
            looking: Work::default(),
            host: Vec::new(),
        }
    }

    /// What is asked for.
    ///
    /// # Errors
    /// That the interface or the address was not chosen yet.
    pub(super) fn choice(&self) -> Result<EgressChoice, Refusal> {
        let needed = |value: &Option<String>, field, example| match value {
            Some(value) => Ok(Some(value.clone())),
            None => Err(Refusal::missing(field, example)),
        };
        let mut choice = EgressChoice {
            nat: Some(self.nat),
            ..EgressChoice::default()
        };
        match self.way {
            Way::HostRouting => {}
            Way::Interface => {
                choice.interface = needed(&self.interface, INTERFACE.0, "eth1")?;
            }
            Way::SourceAddress => {
                choice.source_address = needed(&self.address, ADDRESS.0, "10.1.0.7")?;
            }
        }
        Ok(choice)
    }

    /// Whether it is another than what a new subnet has by itself.
    pub(super) fn is_chosen(&self) -> bool {
        self.way != Way::HostRouting || !self.nat
    }

    fn look(&mut self, cx: &Context<'_>, form: &mut DialogForm) {
        if !std::mem::replace(&mut self.asked, true) {
            let ask = cx.backend.call(Command::DescribeHostNetworks);
            self.looking.start(ask);
        }
        match self.looking.poll() {
            Some(Ok(Answer::HostNetworks(host))) => self.host = host,
            Some(Err(refusal)) => form.refuse(refusal),
            Some(Ok(_)) | None => {}
        }
    }

    /// Draws them.
    pub(super) fn ui(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.look(cx, form);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 5.0;
            kit::fieldset(ui, "Egress", "");
            let ways = [
                (Way::HostRouting, "This machine's routes"),
                (Way::Interface, "Interface"),
                (Way::SourceAddress, "Source address"),
            ];
            if kit::segmented_form(ui, "Egress", &mut self.way, &ways) {
                form.changed(INTERFACE.0);
            }
            kit::help(ui, self.way.help());
        });
        match self.way {
            Way::HostRouting => {}
            Way::Interface => {
                let choices = self.interfaces();
                form.choose(ui, INTERFACE, &mut self.interface, &choices, |field| {
                    field
                        .placeholder("Choose an interface")
                        .nothing("This machine is in no IPv4 network")
                });
            }
            Way::SourceAddress => {
                let choices = self.addresses();
                form.choose(ui, ADDRESS, &mut self.address, &choices, |field| {
                    field
                        .placeholder("Choose an address")
                        .nothing("This machine has no IPv4 address")
                });
            }
        }
        let help = if self.nat {
            "Targets see an address of this machine and need no route back"
        } else {
            "Targets see the client's address and need a route back to it"
        };
        if kit::toggle(ui, &mut self.nat, "NAT", help).changed() {
            form.chose("EgressNat");
        }
        form.error_below(ui, "EgressNat");
    }

    /// This machine's interfaces, and the chosen one where it is gone.
    fn interfaces(&self) -> Vec<Choice<Option<String>>> {
        let detail = |name: &str| {
            let on = self.host.iter().filter(|it| it.interface == name);
            let on: Vec<_> = on.map(|it| it.cidr).collect();
            nets::joined(&on)
        };
        let names = self.host.iter().map(|it| it.interface.clone());
        choices(names, self.interface.as_ref(), detail)
    }

    fn addresses(&self) -> Vec<Choice<Option<String>>> {
        let detail = |address: &str| {
            let mut all = self.host.iter();
            let on = all.find(|it| it.address.to_string() == address);
            on.map(|it| it.interface.clone()).unwrap_or_default()
        };
        let addresses = self.host.iter().map(|it| it.address.to_string());
        choices(addresses, self.address.as_ref(), detail)
    }
}

/// Each value once; the chosen one is there even where this machine has it no more.
fn choices(
    values: impl Iterator<Item = String>,
    chosen: Option<&String>,
    detail: impl Fn(&str) -> String,
) -> Vec<Choice<Option<String>>> {
    let mut all: Vec<String> = values.chain(chosen.cloned()).collect();
    all.sort();
    all.dedup();
    let choice = |value: String| {
        let detail = detail(&value);
        Choice::new(Some(value.clone()), value).detail(match detail.as_str() {
            "" => "not on this machine now",
            known => known,
        })
    };
    all.into_iter().map(choice).collect()
}

impl Way {
    const fn help(self) -> &'static str {
        match self {
            Self::HostRouting => "Packets leave as this machine's own routes say.",
            Self::Interface => "Packets leave through one interface, by the routes that it has.",
            Self::SourceAddress => {
                "Packets leave from one address, through the interface that has it."
            }
        }
    }
}

/// Changes the egress of a subnet.
#[derive(Debug)]
pub struct ChangeEgress {
    subnet: SubnetId,
    title: String,
    egress: EgressFields,
    form: DialogForm,
}

impl ChangeEgress {
    /// Of `subnet`.
    #[must_use]
    pub fn new(subnet: &Subnet) -> Self {
        Self {
            subnet: subnet.id.clone(),
            title: subnet.title().to_owned(),
            egress: EgressFields::of(&subnet.egress),
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for ChangeEgress {
    fn title(&self) -> String {
        format!("Change the egress of {}", self.title)
    }

    fn verb(&self) -> &'static str {
        "Change egress"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.egress.ui(cx, ui, form);
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::ModifySubnetEgress(ModifySubnetEgress {
            subnet_id: self.subnet.to_string(),
            egress: self.egress.choice()?,
        });
        Ok(Act::command(
            command,
            format!("Egress of {} changed", self.title),
        ))
    }
}
