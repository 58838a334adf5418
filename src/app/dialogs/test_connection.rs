//! Test connection: what a user's client would meet, step by step.

use egui::{Align, Layout, Ui};

use super::{Dialog, Stay};
use crate::{
    app::{
        context::{Action, Context, Question},
        form::{self, Form},
        kit::{self, Choice, Tone},
    },
    model::{
        Answer, Code, Command, ConnectionTest, EndpointId, Refusal, TestStep,
        diagnosis::TestConnection,
    },
};

const USER: (&str, &str) = ("User", "User");
const DESTINATION: (&str, &str) = ("Destination", "Destination address");
const PORT: (&str, &str) = ("Port", "Port");
/// Names proposed at once.
const PROPOSED: usize = 8;

/// The dialog; it may be closed while the test runs, which ends by itself.
pub struct TestTheConnection {
    endpoint: EndpointId,
    user: String,
    destination: String,
    protocol: Protocol,
    port: String,
    form: Form,
    met: Option<ConnectionTest>,
    /// The steps whose details are shown.
    open: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Icmp,
    Tcp,
}

impl TestTheConnection {
    /// For an endpoint.
    #[must_use]
    pub fn new(endpoint: EndpointId) -> Self {
        Self {
            endpoint,
            user: String::new(),
            destination: String::new(),
            protocol: Protocol::Icmp,
            port: String::new(),
            form: Form::default(),
            met: None,
            open: Vec::new(),
        }
    }

    fn command(&self) -> Result<Command, Refusal> {
        let user = self.user.trim();
        if user.is_empty() {
            return Err(Refusal::missing(USER.0, "a.lindqvist"));
        }
        let destination = self.destination.trim();
        let port = match (self.protocol, destination) {
            (Protocol::Icmp, _) | (Protocol::Tcp, "") => None,
            (Protocol::Tcp, _) => Some(port(self.port.trim())?),
        };
        let protocol = match self.protocol {
            Protocol::Icmp => "icmp",
            Protocol::Tcp => "tcp",
        };
        let reaches = !destination.is_empty();
        Ok(Command::TestConnection(TestConnection {
            client_vpn_endpoint_id: self.endpoint.to_string(),
            user: user.to_owned(),
            destination: reaches.then(|| destination.to_owned()),
            protocol: reaches.then(|| protocol.to_owned()),
            port,
        }))
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        let form = &mut self.form;
        form.text(ui, USER, &mut self.user, |field| {
            field
                .hint("a.lindqvist")
                .help("Whose client is tried, by the common name of the certificate.")
        });
        let typed = self.user.trim().to_lowercase();
        let known: Vec<String> = cx
            .everyone
            .of(cx.view)
            .keys()
            .filter(|name| **name != self.user && name.to_lowercase().contains(&typed))
            .take(PROPOSED)
            .cloned()
            .collect();
        if !known.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = egui::vec2(8.0, 8.0);
                for name in known {
                    if kit::button(&name).clicked(ui) {
                        self.user = name;
                        form.changed(USER.0);
                    }
                }
            });
        }
        form.text(ui, DESTINATION, &mut self.destination, |field| {
            field
                .optional()
                .mono()
                .hint("10.1.42.17")
                .help("What to reach through the tunnel; without it, only the tunnel is tried.")
        });
        let protocols = [
            Choice::new(Protocol::Icmp, "ICMP"),
            Choice::new(Protocol::Tcp, "TCP"),
        ];
        kit::two_columns(ui, |left, right| {
            kit::select(&mut self.protocol, &protocols)
                .label("Protocol")
                .ui(left);
            let off = (self.protocol == Protocol::Icmp).then_some("Only TCP has ports");
            form.text(right, PORT, &mut self.port, |field| {
                field.mono().hint("443").disabled_because(off)
            });
        });
    }

    fn steps(&mut self, ui: &mut Ui) -> bool {
        let Some(met) = &self.met else {
            if self.form.is_working() {
                kit::help(
                    ui,
                    "Connecting as that client would; it may take a quarter of a minute…",
                );
            }
            return false;
        };
        let (tone, title) = match met.passed {
            true => (Tone::Success, "Every step passed"),
            false => (Tone::Danger, "The test failed"),
        };
        let unreached = met
            .steps
            .iter()
            .any(|s| s.name == "reachability" && !s.passed);
        let action = if unreached { "Why?" } else { "" };
        let why = kit::banner(tone, title).action(action).ui(ui);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 12.0;
            for step in &met.steps {
                ui.push_id(&step.name, |ui| one(ui, step, &mut self.open));
            }
        });
        why
    }
}

fn one(ui: &mut Ui, step: &TestStep, open: &mut Vec<String>) {
    let (tone, went) = match step.passed {
        true => (Tone::Success, "passed"),
        false => (Tone::Danger, "failed"),
    };
    let word = format!(
        "{}, {went} in {}",
        kit::state_word(&step.name),
        took(step.milliseconds)
    );
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.horizontal(|ui| {
            kit::status(tone, word).ui(ui);
            if !step.details.is_empty() {
                let end = Layout::right_to_left(Align::Center);
                ui.with_layout(end, |ui| details_button(ui, &step.name, open));
            }
        });
        kit::body(ui, &step.sentence);
        if open.contains(&step.name) {
            for detail in &step.details {
                kit::mono(ui, detail);
            }
        }
    });
}

/// Shows the details of a step, or hides them.
fn details_button(ui: &mut Ui, step: &str, open: &mut Vec<String>) {
    let is_open = open.iter().any(|name| name == step);
    let verb = if is_open { "Hide" } else { "Show" };
    let (words, name) = (
        format!("{verb} details"),
        format!("{verb} details of {step}"),
    );
    if kit::button(&words).ghost().named(&name).clicked(ui) {
        match is_open {
            true => open.retain(|name| name != step),
            false => open.push(step.to_owned()),
        }
    }
}

fn port(text: &str) -> Result<u16, Refusal> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => {
            let words =
                format!("\"{text}\" is not a port: one is between 1 and 65535, for example 443");
            Err(Refusal::new(Code::InvalidParameterValue, words)
                .at(PORT.0)
                .cure("443"))
        }
    }
}

impl Dialog for TestTheConnection {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        match self.form.poll() {
            Some(Answer::ConnectionTest(met)) => self.met = Some(met),
            Some(_) => self.form.refuse(form::unexpected()),
            None => {}
        }
        let refusal = self.form.elsewhere().map(str::to_owned);
        let mut why = false;
        let endpoint = cx.view.snapshot.endpoints.get(&self.endpoint);
        let name = endpoint.map_or(self.endpoint.as_str(), |it| it.title());
        let title = format!("Test connection to {name}");
        let shown = kit::form_dialog(&title, "Test")
            .errors(self.form.errors())
            .working(self.form.is_working())
            .refusal(refusal.as_deref())
            .width(form::dialog::ONE_COLUMN)
            .show(ctx, |ui| {
                self.fields(cx, ui);
                why = self.steps(ui);
            });
        if why {
            kit::close_dialog(ctx, &title);
            cx.ask(Action::AskWhy(Question {
                endpoint: Some(self.endpoint.clone()),
                user: self.user.trim().to_owned(),
                connection: None,
            }));
            return Stay::Closed;
        }
        match shown {
            kit::Dialog::Closed => return Stay::Closed,
            kit::Dialog::Submitted if !self.form.is_working() => {
                self.met = None;
                self.open.clear();
                match self.command() {
                    Ok(command) => self.form.send(cx, command),
                    Err(refusal) => self.form.refuse(refusal),
                }
            }
            _ => {}
        }
        Stay::Open
    }
}

/// `12 ms`, `1.4 s`
fn took(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        _ => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::testing::{FakeConsole, Window, sample};

    #[test]
    fn how_long_it_took_is_short_to_read() {
        assert_eq!(took(12), "12 ms");
        assert_eq!(took(1_010), "1.0 s");
        assert_eq!(took(12_970), "12.9 s");
    }

    #[test]
    fn each_step_is_said_and_what_was_not_reached_leads_to_why() {
        let (snapshot, live) = sample::office();
        let console = FakeConsole::new(snapshot, live);
        let step = |name: &str, passed| TestStep {
            name: name.to_owned(),
            passed,
            sentence: format!("The {name} went so."),
            details: vec![format!("fact of {name}")],
            milliseconds: 12,
        };
        console.answer(move |request| match &request.command {
            Command::TestConnection(_) => Some(Ok(Answer::ConnectionTest(ConnectionTest {
                passed: false,
                steps: vec![step("options", true), step("reachability", false)],
            }))),
            _ => None,
        });
        let mut window = Window::open(console);
        let app = window.harness.state_mut().as_mut().unwrap();
        app.open(TestTheConnection::new(sample::endpoint_id(1)));
        window.settle();
        window.press("Test");
        window.harness.get_by_label_contains("User is needed");
        window.type_into("User", "z.somebody");
        window.type_into("Destination address", "10.1.0.5");
        window.press("Test");
        window.harness.get_by_label("Options, passed in 12 ms");
        window.harness.get_by_label("Reachability, failed in 12 ms");
        assert!(window.harness.query_by_label("fact of options").is_none());
        window.press("Show details of options");
        window.harness.get_by_label("fact of options");
        assert!(matches!(
            &window.console.commands()[..],
            [Command::TestConnection(t)] if t.user == "z.somebody"
                && t.destination.as_deref() == Some("10.1.0.5")
                && t.protocol.as_deref() == Some("icmp")
        ));
        window.press("Why?");
        window.harness.get_by_label("Explain");
    }
}
