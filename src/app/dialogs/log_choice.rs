//! Whether and where an endpoint's connections are logged: fields of several dialogs.

use egui::Ui;

use crate::{
    app::{
        backend::Work,
        context::Context,
        form::DialogForm,
        kit::{self, Choice, icons},
    },
    model::{
        Answer, Command, ConnectionLog, LogStream,
        command::{DescribeLogStreams, LogGroupName, ModifyClientVpnEndpoint},
    },
};

const OPTIONS: &str = "ConnectionLogOptions";
const GROUP: (&str, &str) = ("ConnectionLogOptions.CloudwatchLogGroup", "Log group");
const NEW_GROUP: (&str, &str) = ("logGroupName", "Name of the new log group");
const STREAM: (&str, &str) = ("ConnectionLogOptions.CloudwatchLogStream", "Log stream");

/// What was chosen.
pub(super) struct LogChoice {
    enabled: bool,
    group: Pick,
    new_group: String,
    /// None has the service make one.
    stream: Option<String>,
    /// Where connections are logged now.
    present: Option<ConnectionLog>,
    creating: Work<Answer>,
    /// The group whose streams are known, or asked for.
    asked: Option<String>,
    asking: Work<Answer>,
    streams: Vec<LogStream>,
}

/// A group that is there, or one to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pick {
    Nothing,
    Group(String),
    New,
}

impl LogChoice {
    /// As it is at an endpoint that logs there, or nowhere.
    pub(super) fn of(present: Option<&ConnectionLog>) -> Self {
        Self {
            enabled: present.is_some(),
            group: present.map_or(Pick::Nothing, |log| Pick::Group(log.group.clone())),
            new_group: String::new(),
            stream: present.map(|log| log.stream.clone()),
            present: present.cloned(),
            creating: Work::default(),
            asked: None,
            asking: Work::default(),
            streams: Vec::new(),
        }
    }

    /// Whether connections are to be logged.
    pub(super) fn enabled(&self) -> bool {
        self.enabled
    }

    /// The group, where they are.
    pub(super) fn group(&self) -> Option<String> {
        match &self.group {
            Pick::Group(group) if self.enabled => Some(group.clone()),
            _ => None,
        }
    }

    /// Its stream, where one was chosen.
    pub(super) fn stream(&self) -> Option<String> {
        self.stream.clone().filter(|_| self.group().is_some())
    }

    /// Writes into a change what is to be another than it is now. A group that was to be made and
    /// was not is none.
    pub(super) fn put_into(&self, fields: &mut ModifyClientVpnEndpoint) {
        if !self.enabled {
            fields.connection_log_enabled = self.present.is_some().then_some(false);
            return;
        }
        let group = self.group().unwrap_or_default();
        let is_same = self
            .present
            .as_ref()
            .is_some_and(|log| log.group == group && self.stream.as_ref() == Some(&log.stream));
        if !is_same {
            fields.connection_log_enabled = Some(true);
            fields.cloudwatch_log_group = Some(group);
            fields.cloudwatch_log_stream = self.stream();
        }
    }

    /// Takes what is new of the endpoint where nothing else was chosen.
    pub(super) fn follow(&mut self, now: Option<&ConnectionLog>) {
        let mut own = ModifyClientVpnEndpoint::default();
        self.put_into(&mut own);
        if own == ModifyClientVpnEndpoint::default() {
            *self = Self::of(now);
        } else {
            self.present = now.cloned();
        }
    }

    /// Draws the fields.
    pub(super) fn ui(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        self.poll(cx, form);
        let toggle = kit::toggle(
            ui,
            &mut self.enabled,
            "Connection logging",
            "Who came in, who was turned away and why, and when connections end",
        );
        if toggle.changed() {
            form.chose(OPTIONS);
        }
        if !self.enabled {
            form.error_below(ui, OPTIONS);
            return;
        }
        if self.group == Pick::Nothing {
            self.propose(cx);
        }
        kit::two_columns(ui, |a, b| {
            self.choose_group(cx, a, form);
            self.choose_stream(b, form);
        });
        if self.group == Pick::New {
            self.create_group(cx, ui, form);
        }
        form.error_below(ui, OPTIONS);
    }

    /// The only group there is, or a new one where there is none.
    fn propose(&mut self, cx: &Context<'_>) {
        let mut groups = cx.view.snapshot.log_groups.keys();
        match (groups.next(), groups.next()) {
            (None, _) => self.group = Pick::New,
            (Some(only), None) => self.group = Pick::Group(only.clone()),
            _ => {}
        }
    }

    fn choose_group(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        let groups = cx.view.snapshot.log_groups.keys();
        let there = groups.map(|name| Choice::new(Pick::Group(name.clone()), name));
        let new = Choice::new(Pick::New, "Create a new log group");
        let choices: Vec<_> = there.chain([new]).collect();
        let other = form.choose(ui, GROUP, &mut self.group, &choices, |field| {
            field.placeholder("Choose a log group")
        });
        if other {
            let of_group = |log: &&ConnectionLog| self.group == Pick::Group(log.group.clone());
            let present = self.present.as_ref().filter(of_group);
            self.stream = present.map(|log| log.stream.clone());
        }
    }

    fn choose_stream(&mut self, ui: &mut Ui, form: &mut DialogForm) {
        let Pick::Group(group) = &self.group else {
            return;
        };
        let mut names: Vec<&str> = self.streams.iter().map(|it| it.name.as_str()).collect();
        let present = self.present.as_ref().filter(|log| log.group == *group);
        let chosen = self.stream.as_deref();
        for known in present
            .map(|log| log.stream.as_str())
            .into_iter()
            .chain(chosen)
        {
            if !names.contains(&known) {
                names.push(known);
            }
        }
        // An endpoint that logs to the group keeps its stream unless it gets another one.
        let new = present
            .is_none()
            .then(|| Choice::new(None, "Create a new log stream"));
        let there = names
            .iter()
            .map(|name| Choice::new(Some((*name).to_owned()), *name));
        let choices: Vec<_> = new.into_iter().chain(there).collect();
        form.choose(ui, STREAM, &mut self.stream, &choices, |field| {
            field.help("A new one is named after the endpoint and the day.")
        });
    }

    /// A group is made at once, so that it is there whatever becomes of the dialog.
    fn create_group(&mut self, cx: &Context<'_>, ui: &mut Ui, form: &mut DialogForm) {
        form.text(ui, NEW_GROUP, &mut self.new_group, |field| {
            field.hint("client-vpn")
        });
        let is_empty = self.new_group.trim().is_empty();
        let reason = is_empty.then_some("Give the new log group a name first");
        let button = kit::button("Create log group")
            .icon(icons::PLUS)
            .disabled_because(reason);
        if button.clicked(ui) && !self.creating.is_running() {
            let command = Command::CreateLogGroup(self.new_name());
            self.creating.start(cx.backend.call(command));
        }
    }

    fn new_name(&self) -> LogGroupName {
        LogGroupName {
            log_group_name: self.new_group.trim().to_owned(),
        }
    }

    fn poll(&mut self, cx: &Context<'_>, form: &mut DialogForm) {
        match self.creating.poll() {
            Some(Ok(_)) => {
                self.group = Pick::Group(self.new_name().log_group_name);
                self.stream = None;
                self.new_group.clear();
                form.chose(GROUP.0);
            }
            Some(Err(refusal)) => form.refuse(refusal),
            None => {}
        }
        if let Pick::Group(group) = &self.group
            && self.asked.as_ref() != Some(group)
            && self.enabled
        {
            self.streams.clear();
            self.asked = Some(group.clone());
            let command = Command::DescribeLogStreams(DescribeLogStreams {
                log_group_name: group.clone(),
                log_stream_name_prefix: None,
            });
            self.asking.start(cx.backend.call(command));
        }
        // Without them a stream can still be made; what is wrong is said when the form is sent.
        if let Some(Ok(Answer::LogStreams(streams))) = self.asking.poll() {
            self.streams = streams;
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::Key;
    use egui_kittest::kittest::Queryable as _;

    use crate::{
        app::testing::{FakeConsole, Window, sample},
        model::{Answer, Command, ConnectionLog, command::ModifyClientVpnEndpoint},
    };

    const SUBMIT: &str = "Modify Client VPN Endpoint";

    /// The dialog that modifies an endpoint which logs to `office` of `vpn`.
    fn open() -> Window {
        let (mut snapshot, live) = sample::office();
        for name in ["lab", "vpn"] {
            let group = sample::log_group(name);
            snapshot.log_groups.insert(name.to_owned(), group);
        }
        let endpoint = snapshot.endpoints.get_mut(&sample::endpoint_id(1));
        endpoint.unwrap().connection_log = Some(ConnectionLog {
            group: "vpn".to_owned(),
            stream: "office".to_owned(),
        });
        let console = FakeConsole::new(snapshot, live);
        console.answer(|request| match &request.command {
            Command::DescribeLogStreams(of) => {
                let names = ["annex", "office"];
                let streams = names.map(|name| sample::log_stream(&of.log_group_name, name));
                Some(Ok(Answer::LogStreams(streams.to_vec())))
            }
            _ => None,
        });
        let mut window = Window::open(console);
        window.show_endpoint(1, None);
        window.harness.key_press(Key::F2);
        window.settle();
        let switch = egui::Role::Switch;
        let toggle = window
            .harness
            .get_by_role_and_label(switch, "Connection logging");
        toggle.scroll_to_me();
        window.settle();
        window
    }

    fn sent(window: &Window) -> ModifyClientVpnEndpoint {
        let commands = window.console.commands();
        match commands.last() {
            Some(Command::ModifyClientVpnEndpoint(fields)) => fields.clone(),
            _ => panic!("{commands:?}"),
        }
    }

    #[test]
    fn another_stream_or_group_is_a_change_and_nothing_else_is_sent() {
        let mut window = open();
        window.choose("Log stream", "annex");
        window.press(SUBMIT);
        let fields = sent(&window);
        assert_eq!(fields.connection_log_enabled, Some(true));
        assert_eq!(fields.cloudwatch_log_group.as_deref(), Some("vpn"));
        assert_eq!(fields.cloudwatch_log_stream.as_deref(), Some("annex"));
        assert_eq!(fields.description, None);

        let mut window = open();
        window.choose("Log group", "lab");
        window.press(SUBMIT);
        let fields = sent(&window);
        assert_eq!(fields.cloudwatch_log_group.as_deref(), Some("lab"));
        assert_eq!(fields.cloudwatch_log_stream, None, "one is made");
    }

    #[test]
    fn logging_is_switched_off_and_back_on_is_no_change() {
        let mut window = open();
        window.click("Connection logging");
        window.click("Connection logging");
        assert!(window.says("Nothing is changed yet."));
        window.click("Connection logging");
        window.press(SUBMIT);
        let fields = sent(&window);
        assert_eq!(fields.connection_log_enabled, Some(false));
        assert_eq!(fields.cloudwatch_log_group, None);
    }
}
