//! Import this machine's networks as VPCs.

use std::collections::BTreeSet;

use egui::Ui;

use crate::{
    app::{
        backend::Work,
        context::Context,
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, icons},
    },
    model::{Answer, Command, HostNetwork, Refusal, SMALLEST_TARGET, command::ImportHostNetworks},
};

/// Offers the networks of the gateway's machine.
#[derive(Debug, Default)]
pub struct ImportNetworks {
    looking: Work<Answer>,
    asked: bool,
    networks: Vec<HostNetwork>,
    chosen: BTreeSet<String>,
    form: DialogForm,
}

impl ImportNetworks {
    fn look(&mut self, cx: &Context<'_>, form: &mut DialogForm) {
        if !self.asked {
            self.asked = true;
            self.looking
                .start(cx.backend.call(Command::DescribeHostNetworks));
        }
        match self.looking.poll() {
            Some(Ok(Answer::HostNetworks(networks))) => self.networks = networks,
            Some(Err(refusal)) => form.refuse(refusal),
            Some(Ok(_)) | None => {}
        }
    }

    fn cards(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        ui.spacing_mut().item_spacing.y = 8.0;
        if self.networks.is_empty() {
            let words = if self.looking.is_running() {
                "Looking at this machine's interfaces"
            } else {
                "This machine is in no IPv4 network. Create a VPC by hand instead."
            };
            kit::help(ui, words);
        }
        for network in &self.networks {
            let mut on = self.chosen.contains(&network.interface);
            let detail = format!("This machine is {}", network.address);
            let cidr = network.cidr.to_string();
            let refused = refusal(cx, network);
            let card = kit::choice_card(&network.interface, &detail)
                .values(
                    &cidr,
                    if network.default_route {
                        "internet"
                    } else {
                        ""
                    },
                )
                .refused(refused.as_deref());
            if card.check(ui, &mut on).changed() {
                form.forget();
            }
            if on {
                self.chosen.insert(network.interface.clone());
            } else {
                self.chosen.remove(&network.interface);
            }
        }
        if kit::button("Look again")
            .ghost()
            .icon(icons::ARROW_COUNTER_CLOCKWISE)
            .clicked(ui)
        {
            self.asked = false;
        }
    }
}

impl FormDialog for ImportNetworks {
    fn title(&self) -> String {
        "Import this machine's networks".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Import"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.look(cx, form);
        self.cards(cx, ui, form);
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let interfaces = self.chosen.iter().cloned().collect();
        let done = match self.chosen.len() {
            1 => "1 network imported".to_owned(),
            count => format!("{count} networks imported"),
        };
        Ok(Act::command(
            Command::ImportHostNetworks(ImportHostNetworks { interfaces }),
            done,
        ))
    }

    fn off(&self, _cx: &Context<'_>) -> Option<String> {
        let nothing = self.chosen.is_empty();
        nothing.then(|| "Choose a network first".to_owned())
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

/// Why a network cannot be imported.
fn refusal(cx: &Context<'_>, network: &HostNetwork) -> Option<String> {
    if network.cidr.prefix_len() > SMALLEST_TARGET {
        return Some(format!("A target network is /{SMALLEST_TARGET} or larger"));
    }
    let mut vpcs = cx.view.snapshot.vpcs.values();
    let known = vpcs.find(|vpc| vpc.contains(network.cidr))?;
    Some(format!("Already in the VPC {}", known.title()))
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::{
        app::testing::{FakeConsole, Window},
        model::{Code, Live, Refusal, Snapshot},
    };

    fn network(interface: &str, cidr: &str) -> HostNetwork {
        let cidr: ipnet::Ipv4Net = cidr.parse().unwrap();
        HostNetwork {
            interface: interface.to_owned(),
            address: cidr.hosts().next().unwrap(),
            cidr,
            default_route: false,
        }
    }

    #[test]
    fn a_network_that_is_too_small_is_shown_with_the_reason_and_not_chosen() {
        let console = FakeConsole::new(Snapshot::default(), Live::default());
        console.answer(|request| match request.command {
            Command::DescribeHostNetworks => Some(Ok(Answer::HostNetworks(vec![
                network("eno1", "192.168.10.0/24"),
                network("ens5", "10.60.4.0/28"),
            ]))),
            _ => Some(Err(Refusal::new(Code::Unavailable, "The disk is full"))),
        });
        let mut window = Window::open(console);
        let app = window.harness.state_mut().as_mut().unwrap();
        app.open(ImportNetworks::default());
        window.settle();
        window.harness.get_by_label_contains("ens5").click();
        window.harness.get_by_label_contains("eno1").click();
        window.settle();
        window.harness.get_by_label("Import").click();
        window.settle();
        let sent = window.console.commands();
        assert_eq!(
            sent.last(),
            Some(&Command::ImportHostNetworks(ImportHostNetworks {
                interfaces: vec!["eno1".to_owned()]
            }))
        );
        window.harness.get_by_label_contains("The disk is full");
    }
}
