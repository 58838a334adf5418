//! Create Client VPN Endpoint.

use egui::Ui;

use super::{
    endpoint_fields::{
        DESCRIPTION, GROUPS, PORT, VPC, certificate, certificate_choices, dns_servers, filled,
        port_number, server_certificate, wrong_port,
    },
    group_choice::GroupChoice,
    log_choice::LogChoice,
    proposals::{
        client_authorities, client_range, port, public_host, server_certificates, vpc_dns_server,
    },
    security_group::vpcs,
};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context, EndpointTab},
        form::{Act, DialogForm, FormDialog, dialog::TWO_COLUMNS},
        kit::{self, Choice, icons},
    },
    model::{
        Answer, Certificate, Command, HostNetwork, Refusal, Snapshot, Tags, Transport, VpcId,
        command::{AuthenticationOption, CreateClientVpnEndpoint},
    },
};

const RANGE: (&str, &str) = ("ClientCidrBlock", "Client IPv4 CIDR");
const CLIENT_CA: (&str, &str) = (
    "ClientRootCertificateChainArn",
    "Client certificate authority",
);
const AUTHENTICATION: &str = "AuthenticationOptions";
const NAME: (&str, &str) = ("Tags", "Name");

/// The dialog.
pub struct CreateEndpoint {
    draft: Draft,
    host: Vec<HostNetwork>,
    looking: Work<Answer>,
    form: DialogForm,
}

/// What was typed and chosen.
struct Draft {
    name: String,
    description: String,
    range: String,
    /// The range is the proposed one, so that a better one may still take its place.
    range_is_ours: bool,
    server: Option<String>,
    mutual: bool,
    client_ca: Option<String>,
    dns: [String; 2],
    transport: Transport,
    port: String,
    /// The port is the proposed one, so that another transport brings another.
    port_is_ours: bool,
    split_tunnel: bool,
    /// The VPC that target networks will be of; none leaves it to the first association.
    vpc: Option<VpcId>,
    groups: GroupChoice,
    log: LogChoice,
}

impl CreateEndpoint {
    /// With everything proposed that can be.
    #[must_use]
    pub fn new(cx: &Context<'_>) -> Self {
        let mut looking = Work::default();
        looking.start(cx.backend.call(Command::DescribeHostNetworks));
        Self {
            draft: Draft::proposed(&cx.view.snapshot),
            host: Vec::new(),
            looking,
            form: DialogForm::default(),
        }
    }

    /// The machine's own networks may meet the range that was proposed without them.
    fn take_in_host(&mut self, snapshot: &Snapshot) {
        if let Some(Ok(Answer::HostNetworks(host))) = self.looking.poll() {
            self.host = host;
            if self.draft.range_is_ours
                && let Some(range) = client_range(snapshot, &self.host)
            {
                self.draft.range = range.to_string();
            }
        }
    }
}

impl FormDialog for CreateEndpoint {
    fn title(&self) -> String {
        "Create Client VPN Endpoint".to_owned()
    }

    fn verb(&self) -> &'static str {
        "Create Client VPN Endpoint"
    }

    fn form(&mut self) -> &mut DialogForm {
        &mut self.form
    }

    fn fields(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.take_in_host(&cx.view.snapshot);
        let draft = &mut self.draft;
        kit::two_columns(ui, |a, b| {
            form.text(a, NAME, &mut draft.name, |field| field.hint("corp-staff"));
            form.text(b, DESCRIPTION, &mut draft.description, |field| {
                field.optional()
            });
        });
        kit::two_columns(ui, |a, b| {
            draft.range(a, form);
            server_certificate(cx, b, form, &mut draft.server);
        });
        kit::fieldset(ui, "Authentication", "How clients prove who they are.");
        kit::two_columns(ui, |a, b| {
            draft.mutual(a, form);
            draft.client_ca(cx, b, form);
        });
        kit::two_columns(ui, |a, b| {
            draft.transport(cx, &self.host, a, form);
            let proposed = vpc_dns_server(&cx.view.snapshot, draft.vpc.as_ref());
            dns_servers(b, form, &mut draft.dns, proposed);
        });
        kit::toggle(
            ui,
            &mut draft.split_tunnel,
            "Split tunnel",
            "Only the endpoint's routes go into the tunnel; everything else stays outside",
        );
        draft.log.ui(cx, ui, form);
        draft.vpc(&cx.view.snapshot, ui, form);
    }

    /// A port that is no number cannot be sent, and nothing else goes in its place.
    fn act(&self, cx: &Context<'_>) -> Result<Act, Refusal> {
        if let Some(wrong) = wrong_port(&cx.view.snapshot, self.draft.transport, &self.draft.port) {
            return Err(wrong);
        }
        let done = "Client VPN endpoint created";
        Ok(Act::command(self.draft.command(), done))
    }

    fn follow(&mut self, cx: &mut Context<'_>, answer: Answer) {
        if let Answer::EndpointCreated(created) = answer {
            let tab = Some(EndpointTab::Associations);
            cx.ask(Action::ShowEndpoint(created.id, tab));
        }
    }

    fn width(&self) -> f32 {
        TWO_COLUMNS
    }
}

impl Draft {
    fn proposed(snapshot: &Snapshot) -> Self {
        let only = |mut all: Vec<&Certificate>| {
            let newest = all.pop();
            newest.filter(|_| all.is_empty()).map(|c| c.arn.to_string())
        };
        Self {
            name: String::new(),
            description: String::new(),
            range: client_range(snapshot, &[])
                .map(|range| range.to_string())
                .unwrap_or_default(),
            range_is_ours: true,
            server: only(server_certificates(snapshot).collect()),
            mutual: true,
            client_ca: only(client_authorities(snapshot).collect()),
            dns: Default::default(),
            transport: Transport::Udp,
            port: port(snapshot, Transport::Udp).to_string(),
            port_is_ours: true,
            split_tunnel: false,
            vpc: None,
            groups: GroupChoice::default(),
            log: LogChoice::of(None),
        }
    }

    fn command(&self) -> Command {
        let mut tags = Tags::new();
        if !self.name.trim().is_empty() {
            tags.insert("Name".to_owned(), self.name.trim().to_owned());
        }
        let authentication = self.mutual.then(|| AuthenticationOption {
            kind: "certificate-authentication".to_owned(),
            client_root_certificate_chain_arn: self.client_ca.clone(),
        });
        Command::CreateClientVpnEndpoint(CreateClientVpnEndpoint {
            client_cidr_block: self.range.trim().to_owned(),
            server_certificate_arn: self.server.clone().unwrap_or_default(),
            authentication_options: authentication.into_iter().collect(),
            connection_log_enabled: Some(self.log.enabled()),
            cloudwatch_log_group: self.log.group(),
            cloudwatch_log_stream: self.log.stream(),
            dns_servers: filled(&self.dns),
            transport_protocol: self.transport,
            vpn_port: port_number(&self.port),
            split_tunnel: self.split_tunnel,
            vpc_id: self.vpc.as_ref().map(ToString::to_string),
            security_group_ids: self
                .vpc
                .as_ref()
                .map_or_else(Vec::new, |_| self.groups.ids()),
            description: self.description.trim().to_owned(),
            tags,
        })
    }

    fn range(&mut self, ui: &mut Ui, form: &mut DialogForm) {
        let help = match self.range_is_ours {
            true => {
                "Clients get their addresses from it. This one is free here. It cannot be changed later."
            }
            false => "Clients get their addresses from it. It cannot be changed later.",
        };
        let out = form.text(ui, RANGE, &mut self.range, |field| {
            field.hint("10.100.0.0/22").mono().help(help)
        });
        if out.changed() {
            self.range_is_ours = false;
        }
    }

    fn mutual(&mut self, ui: &mut Ui, form: &mut DialogForm) {
        let card = kit::choice_card(
            "Mutual authentication",
            "Client certificate signed by your CA",
        );
        let card = card.icon(icons::CERTIFICATE);
        if card.check(ui, &mut self.mutual).changed() {
            form.chose(AUTHENTICATION);
        }
        form.error_below(ui, AUTHENTICATION);
    }

    fn client_ca(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        if !self.mutual {
            return;
        }
        let choices = certificate_choices(cx, client_authorities(&cx.view.snapshot));
        let value = &mut self.client_ca;
        certificate(cx, ui, form, CLIENT_CA, value, &choices, |field| {
            field
                .placeholder("Choose an authority")
                .nothing("There is none yet. Make or import one under Certificates")
        });
    }

    fn transport(
        &mut self,
        cx: &Context<'_>,
        host: &[HostNetwork],
        ui: &mut Ui,
        form: &mut DialogForm,
    ) {
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 5.0;
            kit::fieldset(ui, "Transport protocol and port", "");
            ui.horizontal_top(|ui| {
                let kinds = [(Transport::Udp, "UDP"), (Transport::Tcp, "TCP")];
                let other =
                    kit::segmented_form(ui, "Transport protocol", &mut self.transport, &kinds);
                if other && self.port_is_ours {
                    self.port = port(&cx.view.snapshot, self.transport).to_string();
                }
                if other {
                    form.chose(PORT);
                }
                let out = form.text(ui, (PORT, ""), &mut self.port, |field| {
                    field
                        .hint("Port")
                        .id("vpn port")
                        .marked_only()
                        .mono()
                        .width(90.0)
                });
                if out.changed() {
                    self.port_is_ours = false;
                }
            });
            let help = self.remote(&cx.view.snapshot, host);
            form.line_below(ui, PORT, &mut self.port, &help);
        });
    }

    /// As in AWS, security groups can be chosen once the VPC is; its own one is to begin with.
    fn vpc(&mut self, snapshot: &Snapshot, ui: &mut Ui, form: &mut DialogForm) {
        let none = Choice::new(None, "Set by the first target network");
        let choices: Vec<Choice<Option<VpcId>>> =
            std::iter::once(none).chain(vpcs(snapshot)).collect();
        let other = form.choose(ui, VPC, &mut self.vpc, &choices, |field| {
            field
                .optional()
                .help("All target networks of an endpoint are in one VPC.")
        });
        let Some(vpc) = &self.vpc else {
            return;
        };
        if other {
            self.groups = GroupChoice::default_of(snapshot, vpc);
        }
        self.groups.ui(snapshot, vpc, ui, form, GROUPS);
    }

    /// The line of the client configuration that follows from transport and port.
    fn remote(&self, snapshot: &Snapshot, host: &[HostNetwork]) -> String {
        let domain = snapshot.settings.endpoint_domain.as_ref();
        let named = domain.map(|domain| format!("a name of its own in {domain}"));
        let host = named
            .or_else(|| public_host(snapshot, host))
            .unwrap_or_else(|| "this machine".to_owned());
        let transport = self.transport.to_string().to_uppercase();
        match port_number(&self.port) {
            Some(port) => format!("Clients connect to {host}:{port} over {transport}."),
            None => format!("Clients connect to {host} over {transport}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::Key;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use crate::{
        app::testing::{FakeConsole, Window, sample},
        model::{Answer, Code, Command, Refusal},
    };

    fn open() -> Window {
        let (snapshot, live) = sample::office();
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::N);
        window.settle();
        window
    }

    fn type_range(window: &mut Window, text: &str) {
        window.harness.get_by_label("Client IPv4 CIDR").focus();
        window.settle();
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
        window
            .harness
            .get_by_label("Client IPv4 CIDR")
            .type_text(text);
        window.settle();
    }

    /// Refuses every range but 10.0.0.0/22 as the service would.
    fn refuse_small_ranges(console: &FakeConsole) {
        console.answer(|request| match &request.command {
            Command::CreateClientVpnEndpoint(c) if c.client_cidr_block != "10.0.0.0/22" => Some(
                Err(
                    Refusal::new(Code::InvalidParameterValue, "10.0.0.0/24 is too small")
                        .at("ClientCidrBlock")
                        .cure("10.0.0.0/22"),
                ),
            ),
            _ => None,
        });
    }

    #[test]
    fn a_refused_range_is_said_at_its_field_when_it_is_left_and_its_cure_fills_it() {
        let mut window = open();
        refuse_small_ranges(&window.console);
        type_range(&mut window, "10.0.0.0/24");
        assert!(
            window
                .harness
                .query_by_label("10.0.0.0/24 is too small")
                .is_none()
        );
        window.harness.key_press(Key::Tab);
        window.settle();
        window.harness.get_by_label("10.0.0.0/24 is too small");
        window.harness.get_by_label("Use 10.0.0.0/22").click();
        window.settle();
        assert!(
            window
                .harness
                .query_by_label("10.0.0.0/24 is too small")
                .is_none()
        );
        let field = window.harness.get_by_label("Client IPv4 CIDR");
        assert_eq!(
            field.accesskit_node().value().as_deref(),
            Some("10.0.0.0/22")
        );
        assert!(
            !window
                .console
                .commands()
                .iter()
                .any(|c| matches!(c, Command::CreateClientVpnEndpoint(_))),
            "judging changes nothing"
        );
    }

    #[test]
    fn a_refused_submit_keeps_what_was_typed_and_focuses_the_first_error() {
        let mut window = open();
        refuse_small_ranges(&window.console);
        type_range(&mut window, "10.0.0.0/24");
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::Enter);
        window.settle();
        window.harness.get_by_label("1 field needs a change");
        let field = window.harness.get_by_label("Client IPv4 CIDR");
        assert_eq!(
            field.accesskit_node().value().as_deref(),
            Some("10.0.0.0/24")
        );
        assert!(field.is_focused());
    }

    #[test]
    fn closing_with_changes_asks_first() {
        let mut window = open();
        type_range(&mut window, "10.0.0.0/24");
        window.harness.key_press(Key::Escape);
        window.settle();
        window.press("Keep editing");
        let field = window.harness.get_by_label("Client IPv4 CIDR");
        assert_eq!(
            field.accesskit_node().value().as_deref(),
            Some("10.0.0.0/24")
        );
    }

    #[test]
    fn a_port_that_is_none_is_said_and_never_sent_as_another() {
        let mut window = open();
        let port = |window: &Window| {
            let role = egui::Role::TextInput;
            window.harness.get_by_role_and_label(role, "Port").focus();
        };
        port(&window);
        window.settle();
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
        window.harness.get_by_label("Port").type_text("70000");
        window.settle();
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::Enter);
        window.settle();
        let said = "70000 is not a port. Ports are 1 to 65,535, for example 1194.";
        window.harness.get_by_label(said);
        window.harness.get_by_label("1 field needs a change");
        let created = |window: &Window| {
            let sent = window.console.commands();
            sent.iter()
                .filter(|c| matches!(c, Command::CreateClientVpnEndpoint(_)))
                .count()
        };
        assert_eq!(created(&window), 0);
        window.harness.get_by_label("Use 1194").click();
        window.settle();
        assert!(window.harness.query_by_label(said).is_none());
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::Enter);
        window.settle();
        assert_eq!(created(&window), 1);
    }

    #[test]
    fn what_the_service_says_to_an_older_text_is_not_held_against_the_new_one() {
        let mut window = open();
        refuse_small_ranges(&window.console);
        type_range(&mut window, "10.0.0.0/24");
        // Left and mended at once, before the answer has come.
        window.harness.key_press(Key::Tab);
        window.harness.step();
        window.harness.get_by_label("Client IPv4 CIDR").focus();
        window.harness.step();
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
        window
            .harness
            .get_by_label("Client IPv4 CIDR")
            .type_text("10.0.0.0/22");
        window.harness.run_steps(2);
        window.settle();
        assert!(
            window
                .harness
                .query_by_label("10.0.0.0/24 is too small")
                .is_none()
        );
    }

    #[test]
    fn connections_are_logged_to_the_group_that_was_chosen_or_made() {
        let mut window = open();
        window.console.change(|snapshot, _| {
            for name in ["lab", "vpn"] {
                snapshot
                    .log_groups
                    .insert(name.to_owned(), sample::log_group(name));
            }
        });
        window.console.answer(|request| match &request.command {
            Command::CreateLogGroup(it) if it.log_group_name == "a b" => Some(Err(Refusal::new(
                Code::InvalidParameterException,
                "No spaces in the name of a log group",
            )
            .at("logGroupName"))),
            Command::DescribeLogStreams(it) if it.log_group_name == "vpn" => {
                let stream = sample::log_stream("vpn", "office");
                Some(Ok(Answer::LogStreams(vec![stream])))
            }
            _ => None,
        });
        window.settle();
        let switch = egui::Role::Switch;
        let toggle = window
            .harness
            .get_by_role_and_label(switch, "Connection logging");
        toggle.scroll_to_me();
        window.settle();
        window.click("Connection logging");
        window.choose("Log group", "vpn");
        window.choose("Log stream", "office");
        let sent = |window: &mut Window| {
            window
                .harness
                .key_press_modifiers(egui::Modifiers::COMMAND, Key::Enter);
            window.settle();
            let sent = window.console.commands();
            match sent.last() {
                Some(Command::CreateClientVpnEndpoint(c)) => c.clone(),
                other => panic!("{other:?}"),
            }
        };

        window.choose("Log group", "Create a new log group");
        window.type_into("Name of the new log group", "a b");
        window.press("Create log group");
        assert!(window.says("No spaces in the name of a log group"));
        window.choose("Log group", "vpn");
        window.choose("Log stream", "office");
        let command = sent(&mut window);
        assert_eq!(command.connection_log_enabled, Some(true));
        assert_eq!(command.cloudwatch_log_group.as_deref(), Some("vpn"));
        assert_eq!(command.cloudwatch_log_stream.as_deref(), Some("office"));
    }

    #[test]
    fn where_there_is_no_log_group_one_is_made_on_the_way() {
        let mut window = open();
        let switch = egui::Role::Switch;
        let toggle = window
            .harness
            .get_by_role_and_label(switch, "Connection logging");
        toggle.scroll_to_me();
        window.settle();
        window.click("Connection logging");
        window.type_into("Name of the new log group", "client-vpn");
        let create = window.harness.get_by_label("Create log group");
        create.scroll_to_me();
        window.settle();
        window.press("Create log group");
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::Enter);
        window.settle();
        let sent = window.console.commands();
        let Some(Command::CreateClientVpnEndpoint(c)) = sent.last() else {
            panic!("{sent:?}");
        };
        assert_eq!(c.cloudwatch_log_group.as_deref(), Some("client-vpn"));
        assert_eq!(c.cloudwatch_log_stream, None);
    }

    #[test]
    fn a_vpc_brings_its_own_group_and_others_can_be_chosen() {
        let mut window = open();
        let role = egui::Role::ComboBox;
        let vpc = window.harness.get_by_role_and_label(role, "VPC");
        vpc.scroll_to_me();
        window.settle();
        window.harness.get_by_role_and_label(role, "VPC").click();
        window.settle();
        window.harness.get_by_label_contains("office").click();
        window.settle();
        let role = egui::Role::CheckBox;
        let web = window.harness.get_by_role_and_label(role, "web");
        web.scroll_to_me();
        window.settle();
        window.harness.get_by_role_and_label(role, "web").click();
        window.settle();
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::Enter);
        window.settle();
        let sent = window.console.commands();
        let Some(Command::CreateClientVpnEndpoint(c)) = sent.last() else {
            panic!("{sent:?}");
        };
        assert_eq!(c.vpc_id.as_deref(), Some(sample::vpc_id(1).as_str()));
        let groups = [1, 2].map(|number| sample::group_id(number).to_string());
        assert_eq!(c.security_group_ids, groups);
    }

    #[test]
    fn what_was_chosen_is_what_is_sent() {
        let mut window = open();
        window.type_into("Name", "corp-eu");
        window.harness.get_by_label("Split tunnel").click();
        window.settle();
        window
            .harness
            .key_press_modifiers(egui::Modifiers::COMMAND, Key::Enter);
        window.settle();
        let sent = window.console.commands();
        let Some(Command::CreateClientVpnEndpoint(c)) = sent.last() else {
            panic!("{sent:?}");
        };
        assert_eq!(c.tags.get("Name").map(String::as_str), Some("corp-eu"));
        assert_eq!(c.client_cidr_block, "10.100.0.0/22");
        assert_eq!(c.vpn_port, Some(1194), "443 is the first endpoint's");
        assert!(c.split_tunnel);
        assert_eq!(c.authentication_options.len(), 1);
    }
}
