//! The line of question.

use egui::Ui;

use crate::{
    app::{
        context::{Context, Question},
        form::Form,
        kit::{self, Choice, icons},
    },
    model::{
        Code, ConnectionId, ConnectionState, EndpointId, IpProtocol, Refusal, View, command::Why,
    },
};

const ENDPOINT: &str = "ClientVpnEndpointId";
const USER: (&str, &str) = ("User", "User");
const DESTINATION: (&str, &str) = ("Destination", "Destination address");
const PORT: (&str, &str) = ("Port", "Port");
const PROTOCOLS: [(Option<IpProtocol>, &str); 4] = [
    (None, "Any"),
    (Some(IpProtocol::Tcp), "TCP"),
    (Some(IpProtocol::Udp), "UDP"),
    (Some(IpProtocol::Icmp), "ICMP"),
];
/// Names offered below the field at once.
const OFFERED: usize = 12;

/// What is typed.
#[derive(Debug, Default)]
pub(super) struct Draft {
    endpoint: Option<EndpointId>,
    user: String,
    connection: Option<ConnectionId>,
    destination: String,
    protocol: Option<IpProtocol>,
    port: String,
    /// The destination is what is to be typed next.
    filled: bool,
}

impl Draft {
    pub(super) fn fill(&mut self, question: Question) {
        if question.endpoint.is_some() {
            self.endpoint = question.endpoint;
        }
        self.user = question.user;
        self.connection = question.connection;
        self.filled = true;
    }

    /// Draws it; true when it is to be asked.
    pub(super) fn ui(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut Form) -> bool {
        let endpoints = self.endpoints(cx);
        let room = (ui.available_width() - FIXED).clamp(120.0, 330.0);
        let mut enter = false;
        let mut explain = false;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 10.0;
            self.endpoint_field(ui, form, &endpoints);
            enter |= self.user_field(cx, ui, form, room);
            below_label(ui, |ui| {
                ui.add_space(8.0);
                kit::icon(ui, icons::ARROW_RIGHT, 16.0);
            });
            let out = form.text(ui, DESTINATION, &mut self.destination, |field| {
                field.width(160.0).mono().hint("10.1.42.17")
            });
            if std::mem::take(&mut self.filled) {
                out.request_focus();
            }
            enter |= out.lost_focus();
            let protocols = PROTOCOLS.map(|(value, words)| Choice::new(value, words));
            let other = kit::select(&mut self.protocol, &protocols)
                .label("Protocol")
                .width(96.0)
                .ui(ui);
            if other.changed() {
                form.changed(PORT.0);
            }
            let ports = self.protocol.is_some_and(IpProtocol::has_ports);
            let off = (!ports).then_some("Only TCP and UDP have ports");
            // What was typed waits until a protocol with ports is chosen again.
            let mut none = String::new();
            let port = if ports { &mut self.port } else { &mut none };
            let out = form.text(ui, PORT, port, |field| {
                field.width(80.0).mono().hint("any").disabled_because(off)
            });
            enter |= out.lost_focus();
            below_label(ui, |ui| {
                let button = kit::button("Explain").primary().form();
                explain = button.working(form.is_working()).clicked(ui);
            });
        });
        explain || enter && ui.input(|i| i.key_pressed(egui::Key::Enter))
    }

    /// The endpoints by name; the only one is chosen already.
    fn endpoints(&mut self, cx: &Context<'_>) -> Vec<Choice<Option<EndpointId>>> {
        let endpoints = &cx.view.snapshot.endpoints;
        let choices: Vec<_> = endpoints
            .values()
            .filter(|endpoint| !endpoint.deleting)
            .map(|endpoint| Choice::new(Some(endpoint.id.clone()), endpoint.title()))
            .collect();
        let known = |id: &EndpointId| endpoints.contains_key(id);
        if !self.endpoint.as_ref().is_some_and(known) {
            self.endpoint = match choices.as_slice() {
                [only] => only.value.clone(),
                _ => None,
            };
        }
        choices
    }

    fn endpoint_field(
        &mut self,
        ui: &mut Ui,
        form: &mut Form,
        endpoints: &[Choice<Option<EndpointId>>],
    ) {
        form.shows(ENDPOINT);
        let error = form.error(ENDPOINT, "Endpoint");
        let out = kit::select(&mut self.endpoint, endpoints)
            .label("Endpoint")
            .nothing("There is no endpoint yet")
            .error(error.as_deref())
            .width(150.0)
            .ui(ui);
        if out.changed() {
            self.connection = None;
            form.changed(ENDPOINT);
        }
    }

    /// A name, typed or chosen among those known; true when the field was left.
    fn user_field(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut Form, width: f32) -> bool {
        let live = self.connected(cx.view);
        let out = form.text_with(ui, USER, &mut self.user, ("a.lindqvist", &live), |field| {
            field.width(width)
        });
        if out.changed() {
            self.connection = None;
        }
        let mut chosen = None;
        below_label(ui, |ui| {
            let name = "Choose a user or connection";
            let button = kit::icon_button(icons::CARET_DOWN, name).form();
            button.menu(ui, |ui| chosen = self.offers(cx, ui));
        });
        if let Some((user, connection)) = chosen {
            self.user = user;
            self.connection = connection;
            form.changed(USER.0);
        }
        out.lost_focus()
    }

    /// Whether the user is connected, and which connection is asked about.
    fn connected(&self, view: &View) -> String {
        let mut live = view.live.connections.iter().filter(|c| {
            c.state == ConnectionState::Active && self.endpoint.as_ref() == Some(&c.endpoint_id)
        });
        match &self.connection {
            Some(id) => match live.find(|c| c.id == *id) {
                Some(c) => format!("The connection from {}", c.client_ip),
                None => "The connection has ended".to_owned(),
            },
            None => String::new(),
        }
    }

    /// Who goes by what is typed, connections first.
    fn offers(&self, cx: &Context<'_>, ui: &mut Ui) -> Option<(String, Option<ConnectionId>)> {
        let typed = self.user.trim().to_lowercase();
        let people = cx.everyone.of(cx.view);
        // A name chosen already does not narrow the list.
        let whole = people.contains_key(self.user.trim());
        let fits = |name: &str| whole || name.to_lowercase().contains(&typed);
        let mut chosen = None;
        let mut lines = 0;
        for (name, person) in people.iter().filter(|(name, _)| fits(name)) {
            let here = person
                .live(cx.view)
                .filter(|c| self.endpoint.as_ref() == Some(&c.endpoint_id));
            for connection in here {
                let words = format!("{name}, connected as {}", connection.client_ip);
                let item = kit::menu_item(&words).icon(icons::PLUGS_CONNECTED);
                if item.clicked(ui) {
                    chosen = Some((name.clone(), Some(connection.id.clone())));
                }
                lines += 1;
            }
            if kit::menu_item(name).icon(icons::USER).clicked(ui) {
                chosen = Some((name.clone(), None));
            }
            lines += 1;
            if lines >= OFFERED {
                break;
            }
        }
        if lines == 0 {
            kit::weak(ui, "Nobody known here goes by that name");
        }
        if chosen.is_some() {
            ui.close();
        }
        chosen
    }

    /// What is asked.
    pub(super) fn command(&self) -> Result<Why, Refusal> {
        let has_ports = self.protocol.is_some_and(IpProtocol::has_ports);
        let port = match self.port.trim() {
            text if has_ports && !text.is_empty() => Some(port(text)?),
            _ => None,
        };
        let Some(endpoint) = &self.endpoint else {
            return Err(Refusal::missing(ENDPOINT, "one of the list"));
        };
        let user = self.user.trim();
        if user.is_empty() {
            return Err(Refusal::missing(USER.0, "a.lindqvist"));
        }
        Ok(Why {
            client_vpn_endpoint_id: endpoint.to_string(),
            user: self.connection.is_none().then(|| user.to_owned()),
            connection_id: self.connection.as_ref().map(ToString::to_string),
            destination: self.destination.trim().to_owned(),
            protocol: self.protocol.map(|protocol| protocol.to_string()),
            port,
        })
    }
}

fn port(text: &str) -> Result<u16, Refusal> {
    let words = format!("\"{text}\" is not a port: one is between 1 and 65535, for example 443");
    let refusal = Refusal::new(Code::InvalidParameterValue, words);
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(refusal.at(PORT.0).cure("443")),
    }
}

/// Puts something without a label at the height of the fields beside it.
fn below_label(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.add_space(LABEL);
        add(ui);
    });
}

/// The same question for a shell.
pub(super) fn as_command_line(why: &Why) -> String {
    let mut line = format!(
        "gatehouse why --client-vpn-endpoint-id {}",
        why.client_vpn_endpoint_id
    );
    let mut add = |option: &str, value: Option<&str>| {
        if let Some(value) = value {
            line.push_str(&format!(" --{option} {}", quoted(value)));
        }
    };
    let port = why.port.map(|port| port.to_string());
    add("user", why.user.as_deref());
    add("connection-id", why.connection_id.as_deref());
    add("destination", Some(&why.destination));
    add("protocol", why.protocol.as_deref());
    add("port", port.as_deref());
    line
}

/// A word as a shell takes it whole.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:/@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Height of a label with its gap, in points.
const LABEL: f32 = 21.0;
/// What everything but the user's field takes, in points.
const FIXED: f32 = 150.0 + 32.0 + 16.0 + 160.0 + 96.0 + 80.0 + 78.0 + 8.0 * 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_the_same_and_quotes_what_a_shell_would_take_apart() {
        let why = Why {
            client_vpn_endpoint_id: "cvpn-endpoint-1".to_owned(),
            user: Some("O'Hara; rm".to_owned()),
            destination: "10.1.0.5".to_owned(),
            protocol: Some("tcp".to_owned()),
            port: Some(443),
            ..Why::default()
        };
        assert_eq!(
            as_command_line(&why),
            r"gatehouse why --client-vpn-endpoint-id cvpn-endpoint-1 --user 'O'\''Hara; rm' --destination 10.1.0.5 --protocol tcp --port 443"
        );
    }

    #[test]
    fn a_port_that_is_none_is_refused_with_one_that_is() {
        for wrong in ["0", "65536", "https"] {
            assert_eq!(port(wrong).unwrap_err().cure.as_deref(), Some("443"));
        }
        assert_eq!(port("443").unwrap(), 443);
    }
}
