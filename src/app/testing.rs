//! A window without a system window, on a service that answers as a test scripts it.
//!
//! Nothing here sleeps: the runtime is driven by hand, so an answer is there when
//! [`Window::settle`] returns.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use egui_kittest::Harness;
use jiff::{Timestamp, tz::TimeZone};
use tokio::{runtime::Runtime, sync::watch};

use super::{
    context::About,
    files::{Files, Question},
    kit,
    shell::{App, Parts},
    state::Prefs,
};
use crate::{
    control::{BoxFuture, Console, Link},
    model::{Answer, Code, Command, Live, Refusal, Request, Snapshot, View},
};

/// What a test says to a request: an answer, or nothing where it does not care.
type Script = Box<dyn FnMut(&Request) -> Option<Result<Answer, Refusal>> + Send>;

/// A service that records what it is asked and answers by script; without one, `Done`, and to a
/// dry run that the command would be carried out.
pub(crate) struct FakeConsole {
    requests: Mutex<Vec<Request>>,
    script: Mutex<Script>,
    views: watch::Sender<Arc<View>>,
    links: watch::Sender<Link>,
}

impl FakeConsole {
    pub(crate) fn new(snapshot: Snapshot, live: Live) -> Arc<Self> {
        let view = View {
            snapshot: Arc::new(snapshot),
            live: Arc::new(live),
        };
        Arc::new(Self {
            requests: Mutex::default(),
            script: Mutex::new(Box::new(|_| None)),
            views: watch::channel(Arc::new(view)).0,
            links: watch::channel(Link::Embedded).0,
        })
    }

    /// Answers by `script` from now on.
    pub(crate) fn answer(
        &self,
        script: impl FnMut(&Request) -> Option<Result<Answer, Refusal>> + Send + 'static,
    ) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(script);
    }

    /// The commands that were to be carried out, oldest first; dry runs are left out.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests
            .iter()
            .filter(|r| !r.dry_run)
            .map(|r| r.command.clone())
            .collect()
    }

    /// Changes configuration and what runs.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Snapshot, &mut Live)) {
        let view = self.views.borrow().clone();
        let (mut snapshot, mut live) = ((*view.snapshot).clone(), (*view.live).clone());
        change(&mut snapshot, &mut live);
        self.views.send_replace(Arc::new(View {
            snapshot: Arc::new(snapshot),
            live: Arc::new(live),
        }));
    }

    /// Changes how the service is reached.
    pub(crate) fn set_link(&self, link: Link) {
        self.links.send_replace(link);
    }
}

impl Console for FakeConsole {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Answer, Refusal>> {
        let scripted = (self.script.lock().unwrap_or_else(PoisonError::into_inner))(&request);
        let answer = scripted.unwrap_or_else(|| match request.dry_run {
            true => Err(Refusal::new(Code::DryRunOperation, "It would.")),
            false => Ok(Answer::Done),
        });
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
        Box::pin(std::future::ready(answer))
    }

    fn views(&self) -> watch::Receiver<Arc<View>> {
        self.views.subscribe()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.links.subscribe()
    }
}

/// A person who chooses the files a test laid out.
#[derive(Default)]
pub(crate) struct FakeFiles {
    targets: Mutex<VecDeque<PathBuf>>,
    questions: Mutex<VecDeque<Question>>,
    /// The names that were proposed for new files.
    pub(crate) proposed: Mutex<Vec<String>>,
}

impl FakeFiles {
    /// The next new file goes here.
    pub(crate) fn next_target(&self, path: impl Into<PathBuf>) {
        self.targets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(path.into());
    }

    /// The window is to ask for a file itself.
    pub(crate) fn ask_in_window(&self, question: Question) {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(question);
    }
}

impl Files for FakeFiles {
    fn question(&self) -> Option<Question> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    fn choose_target<'a>(
        &'a self,
        _title: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Option<PathBuf>> {
        self.proposed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.to_owned());
        let next = self
            .targets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        Box::pin(std::future::ready(next))
    }

    fn choose_source<'a>(&'a self, _title: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        Box::pin(std::future::ready(None))
    }

    fn choose_folder<'a>(&'a self, _title: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        Box::pin(std::future::ready(None))
    }
}

pub(crate) mod sample;

/// The moment at which test windows are looked at.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T09:41:02Z".parse().unwrap()
}

/// A window under test with what surrounds it.
pub(crate) struct Window {
    pub(crate) harness: Harness<'static, Option<App>>,
    pub(crate) console: Arc<FakeConsole>,
    pub(crate) files: Arc<FakeFiles>,
    runtime: Runtime,
}

impl Window {
    /// The window at 1280×800 in the dark theme, on `console`, settled.
    pub(crate) fn open(console: Arc<FakeConsole>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let files = Arc::new(FakeFiles::default());
        let parts = Parts {
            console: console.clone(),
            runtime: runtime.handle().clone(),
            files: files.clone(),
            zone: TimeZone::UTC,
            now: Arc::new(now),
            prefs: Prefs {
                theme: egui::ThemePreference::Dark,
                ..Prefs::default()
            },
            about: About {
                data_dir: "/var/lib/gatehouse".to_owned(),
                host: "gw-berlin-01".to_owned(),
            },
        };
        let mut parts = Some(parts);
        let harness = Harness::builder()
            .with_size(egui::vec2(1280.0, 800.0))
            .with_theme(egui::Theme::Dark)
            .with_context_setup(kit::install)
            .build_ui_state(
                move |ui, app: &mut Option<App>| {
                    app.get_or_insert_with(|| App::new(ui.ctx(), parts.take().unwrap()))
                        .frame(ui);
                },
                None,
            );
        let mut window = Self {
            harness,
            console,
            files,
            runtime,
        };
        window.settle();
        window
    }

    /// Selects the endpoint of that number of [`sample::office`].
    pub(crate) fn show_endpoint(&mut self, number: u8, tab: Option<super::context::EndpointTab>) {
        let app = self.harness.state_mut().as_mut().unwrap();
        app.show_endpoint(sample::endpoint_id(number), tab);
        self.settle();
    }

    /// Types into the field of that label, at its end.
    pub(crate) fn type_into(&mut self, label: &str, text: &str) {
        use egui_kittest::kittest::Queryable as _;
        let role = egui::Role::TextInput;
        self.harness.get_by_role_and_label(role, label).focus();
        self.settle();
        self.harness
            .get_by_role_and_label(role, label)
            .type_text(text);
        self.settle();
    }

    /// Types into the field of that label, in the place of what it holds.
    pub(crate) fn replace(&mut self, label: &str, text: &str) {
        use egui_kittest::kittest::Queryable as _;
        let role = egui::Role::TextInput;
        self.harness.get_by_role_and_label(role, label).focus();
        self.settle();
        self.harness
            .key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        self.type_into(label, text);
    }

    /// Presses the button of that name that is on top.
    #[track_caller]
    pub(crate) fn press(&mut self, label: &str) {
        use egui_kittest::kittest::Queryable as _;
        let role = egui::Role::Button;
        let harness = &self.harness;
        let on_top = harness.query_all_by_role_and_label(role, label).last();
        on_top
            .unwrap_or_else(|| panic!("no button is labelled {label:?}"))
            .click();
        self.settle();
    }

    /// Goes to a page by its name in the navigation.
    pub(crate) fn go(&mut self, page: &str) {
        use egui_kittest::kittest::Queryable as _;
        let role = egui::Role::Link;
        let entry = self.harness.get_by_role_and_label(role, page);
        entry.click();
        self.settle();
    }

    /// Goes to a tab by its name.
    pub(crate) fn tab(&mut self, label: &str) {
        use egui_kittest::kittest::Queryable as _;
        let role = egui::Role::Tab;
        let tab = self.harness.get_by_role_and_label(role, label);
        tab.click();
        self.settle();
    }

    /// Clicks what is labelled so and lies on top.
    #[track_caller]
    pub(crate) fn click(&mut self, label: &str) {
        use egui_kittest::kittest::Queryable as _;
        let on_top = self.harness.query_all_by_label(label).last();
        on_top
            .unwrap_or_else(|| panic!("nothing is labelled {label:?}"))
            .click();
        self.settle();
    }

    /// Chooses what begins with `choice` in the field of that label.
    #[track_caller]
    pub(crate) fn choose(&mut self, label: &str, choice: &str) {
        use egui_kittest::kittest::{NodeT as _, Queryable as _};
        let role = egui::Role::ComboBox;
        let field = self.harness.get_by_role_and_label(role, label);
        field.scroll_to_me();
        self.settle();
        self.harness.get_by_role_and_label(role, label).click();
        self.settle();
        let begins = |node: &egui_kittest::Node<'_>| {
            let label = node.accesskit_node().label();
            label.is_some_and(|label| label.starts_with(choice))
        };
        let one = self.harness.get_all_by_label_contains(choice).rfind(begins);
        one.expect("a choice begins so").click();
        self.settle();
    }

    /// What Ctrl C puts on the clipboard.
    pub(crate) fn copied(&mut self) -> Option<String> {
        self.harness.event(egui::Event::Copy);
        self.harness.step();
        let commands = &self.harness.output().platform_output.commands;
        commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// Whether some label contains this.
    pub(crate) fn says(&self, part: &str) -> bool {
        use egui_kittest::kittest::Queryable as _;
        let mut all = self.harness.query_all_by_label_contains(part);
        all.next().is_some()
    }

    /// Lets every answer arrive and the window draw what follows from it.
    pub(crate) fn settle(&mut self) {
        for _ in 0..4 {
            self.run_tasks();
            self.harness.run_steps(2);
        }
    }

    /// Lets what is under way go on, and draws nothing.
    pub(crate) fn run_tasks(&mut self) {
        for _ in 0..16 {
            self.runtime.block_on(tokio::task::yield_now());
        }
    }
}
