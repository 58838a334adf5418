//! Help, inside the program: the way from nothing to a connected client, and the keys.

use super::super::{
    context::Context,
    dialogs::{Dialog, Stay, sheet::sheet},
    kit::{self, Face, tokens, words},
};

/// The steps of the guide, in order, each with what it does.
const STEPS: [(&str, &str); 7] = [
    (
        "Make certificates",
        "A certificate authority, a server certificate, and one client certificate for each person. \
         Or import those you have from easy-rsa.",
    ),
    (
        "Create a Client VPN endpoint",
        "It gives clients addresses from its client CIDR, which meets no network they should reach.",
    ),
    (
        "Associate a target network",
        "A subnet of a VPC. The endpoint is then available, and its VPC has a route.",
    ),
    (
        "Authorize ingress",
        "Nothing is reached without a rule: the VPC's CIDR, or 0.0.0.0/0 for everything.",
    ),
    (
        "Create a route to the internet",
        "0.0.0.0/0 through the associated subnet, whose VPC has an internet gateway. Leave it out \
         with split tunnel.",
    ),
    (
        "Download the client configuration",
        "One file for any OpenVPN client; with a client certificate inside it is ready to use.",
    ),
    (
        "Connect",
        "sudo openvpn --config FILE.ovpn, or open the file in the client's window. The connection \
         then shows under Connections, or the attempt under Refused with its reason.",
    ),
];

/// Keys and what they do.
const KEYS: [(&str, &str); 14] = [
    ("Ctrl K", "Search, or run a command"),
    ("Ctrl N", "Create Client VPN Endpoint"),
    ("Ctrl F", "Filter the table"),
    ("Ctrl 1 – 7", "Tabs of the endpoint or VPC"),
    ("F2", "Modify the selected endpoint"),
    ("Enter", "Open the row's tabs"),
    ("Del", "Delete, revoke or terminate what is selected"),
    ("Ctrl A", "Select all rows"),
    ("Ctrl C", "Copy the selected rows"),
    ("Shift F10", "Menu of the row"),
    ("Esc", "Close the dialog or panel, clear the filter"),
    ("Ctrl Enter", "Do what the dialog's button says"),
    ("Ctrl ,", "Settings"),
    ("Ctrl + / Ctrl −", "Larger, smaller"),
];

/// The help.
pub(super) struct Help;

impl Dialog for Help {
    fn ui(&mut self, _cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        sheet(ctx, "Help", |ui| {
            kit::panel_title(ui, "From nothing to a connected client");
            for (number, (step, what)) in STEPS.iter().enumerate() {
                let t = tokens(ui);
                words()
                    .add(&format!("{}  {step}. ", number + 1), Face::NAME, t.strong)
                    .add(what, Face::BODY, t.text)
                    .ui(ui);
            }
            ui.add_space(8.0);
            kit::panel_title(ui, "Keys");
            ui.spacing_mut().item_spacing.y = 2.0;
            for (keys, what) in KEYS {
                ui.horizontal(|ui| {
                    ui.set_min_height(22.0);
                    let before = ui.cursor().left();
                    kit::key_cap(ui, keys);
                    ui.add_space((150.0 - (ui.cursor().left() - before)).max(0.0));
                    kit::weak(ui, what);
                });
            }
        })
    }
}
