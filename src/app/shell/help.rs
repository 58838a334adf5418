//! Help, inside the program: the way from nothing to a connected client, and the keys.

use super::super::{
    context::Context,
    dialogs::{Dialog, Stay},
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
const KEYS: [(&str, &str); 13] = [
    ("Ctrl K", "Search, or run a command"),
    ("Ctrl N", "Create Client VPN Endpoint"),
    ("Ctrl F", "Filter the table"),
    ("Ctrl 1 – 5", "Tabs of the endpoint"),
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
        let shown = kit::form_dialog("Help", "Close").show(ctx, |ui| {
            kit::panel_title(ui, "From nothing to a connected client");
            for (number, (step, what)) in STEPS.iter().enumerate() {
                let t = tokens(ui);
                words()
                    .add(&format!("{}  {step}. ", number + 1), Face::NAME, t.strong)
                    .add(what, Face::BODY, t.text)
                    .ui(ui);
            }
            kit::panel_title(ui, "Keys");
            egui::Grid::new("keys")
                .spacing(egui::vec2(16.0, 6.0))
                .show(ui, |ui| {
                    for (keys, what) in KEYS {
                        kit::key_cap(ui, keys);
                        kit::body(ui, what);
                        ui.end_row();
                    }
                });
        });
        match shown {
            kit::Dialog::Open => Stay::Open,
            kit::Dialog::Closed => Stay::Closed,
            kit::Dialog::Submitted => {
                kit::close_dialog(ctx, "Help");
                Stay::Closed
            }
        }
    }
}
