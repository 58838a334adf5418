//! Create a VPN connection of a VPC to networks elsewhere, and add a network behind one.

use egui::Ui;

use super::create_vpc::{NAME, named};
use crate::{
    app::{
        context::Context,
        form::{Act, DialogForm, FormDialog},
    },
    model::{
        Command, Refusal, Vpc, VpnConnection,
        command::{CreateVpnConnection, VpnConnectionRoute},
    },
};

const NETWORKS: (&str, &str) = ("CidrBlocks", "Networks behind it");
const NETWORK: (&str, &str) = ("DestinationCidrBlock", "Network");

/// Asks for name and networks.
#[derive(Debug)]
pub struct NewVpnConnection {
    vpc: Vpc,
    name: String,
    networks: String,
    form: DialogForm,
}

impl NewVpnConnection {
    /// A VPN connection of `vpc`.
    #[must_use]
    pub fn new(vpc: Vpc) -> Self {
        Self {
            vpc,
            name: String::new(),
            networks: String::new(),
            form: DialogForm::default(),
        }
    }
}

/// Networks as they are typed, between commas or spaces.
fn networks(typed: &str) -> Vec<String> {
    typed
        .split(|c: char| c == ',' || c == ';' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

impl FormDialog for NewVpnConnection {
    fn title(&self) -> String {
        "Create VPN connection".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create VPN connection"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NAME, &mut self.name, |field| {
            field.optional().hint("lisbon")
        });
        form.text(ui, NETWORKS, &mut self.networks, |field| {
            field.mono().hint("192.168.50.0/24, 192.168.60.0/24").help(
                "Networks of a site that this machine reaches through a VPN or line of its own.",
            )
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let command = Command::CreateVpnConnection(CreateVpnConnection {
            vpc_id: self.vpc.id.to_string(),
            cidr_blocks: networks(&self.networks),
            tags: named(&self.name),
        });
        Ok(Act::command(command, "VPN connection created"))
    }
}

/// Asks for one more network behind a VPN connection.
#[derive(Debug)]
pub struct AddVpnNetwork {
    connection: VpnConnection,
    network: String,
    form: DialogForm,
}

impl AddVpnNetwork {
    /// Behind `connection`.
    #[must_use]
    pub fn new(connection: VpnConnection) -> Self {
        Self {
            connection,
            network: String::new(),
            form: DialogForm::default(),
        }
    }
}

impl FormDialog for AddVpnNetwork {
    fn title(&self) -> String {
        format!("Add a network behind {}", self.connection.title())
    }

    fn verb(&self) -> &'static str {
        "Add network"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, _cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NETWORK, &mut self.network, |field| {
            field
                .mono()
                .hint("192.168.70.0/24")
                .help("The VPC reaches it through this connection, where its route table says so.")
        });
    }

    fn act(&self, _cx: &Context<'_>) -> Result<Act, Refusal> {
        let network = self.network.trim();
        let command = Command::CreateVpnConnectionRoute(VpnConnectionRoute {
            vpn_connection_id: self.connection.id.to_string(),
            destination_cidr_block: network.to_owned(),
        });
        Ok(Act::command(command, format!("{network} added")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_typed_with_commas_or_spaces() {
        let two = ["192.168.50.0/24", "192.168.60.0/24"];
        assert_eq!(networks("192.168.50.0/24, 192.168.60.0/24"), two);
        assert_eq!(networks(" 192.168.50.0/24;192.168.60.0/24 \n"), two);
        assert!(networks(" ,").is_empty());
    }
}
