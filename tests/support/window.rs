//! The real window without a system window, on any console, driven by accessible labels.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{
    Harness, Node,
    kittest::{NodeT as _, Queryable as _},
};
use gatehouse::{
    app::{
        context::About,
        files::Files,
        kit,
        shell::{App, Parts},
        state::Prefs,
    },
    clock,
    control::{BoxFuture, Console},
    model::View,
};
use tokio::runtime::Handle;

/// How long an answer may take before the test says that it never came.
const PATIENCE: Duration = Duration::from_secs(20);

/// A person who chooses the files that the test laid out, in that order.
#[derive(Default)]
pub(crate) struct ChosenFiles {
    targets: Mutex<VecDeque<PathBuf>>,
    sources: Mutex<VecDeque<PathBuf>>,
    folders: Mutex<VecDeque<PathBuf>>,
}

impl ChosenFiles {
    /// The next new file goes to `path`.
    pub(crate) fn next_target(&self, path: &Path) {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        targets.push_back(path.to_owned());
    }

    /// The next folder that is asked for is `path`.
    pub(crate) fn next_folder(&self, path: &Path) {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.push_back(path.to_owned());
    }

    /// The next file that is asked for is `path`.
    pub(crate) fn next_source(&self, path: &Path) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.push_back(path.to_owned());
    }
}

impl Files for ChosenFiles {
    fn choose_target<'a>(
        &'a self,
        _title: &'a str,
        _name: &'a str,
    ) -> BoxFuture<'a, Option<PathBuf>> {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(std::future::ready(targets.pop_front()))
    }

    fn choose_source<'a>(&'a self, _title: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(std::future::ready(sources.pop_front()))
    }

    fn choose_folder<'a>(&'a self, _title: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(std::future::ready(folders.pop_front()))
    }
}

/// The window, driven as a person with a keyboard or a screen reader would.
pub(crate) struct Window {
    /// The window itself; for what the methods below do not do.
    pub(crate) harness: Harness<'static, Option<App>>,
    /// Who is asked for files.
    pub(crate) files: Arc<ChosenFiles>,
    console: Arc<dyn Console>,
    runtime: Handle,
}

impl Window {
    /// The window at 1280×800 on `console`, whose commands are carried out on `runtime`: any
    /// multi-threaded one, since the test's own thread draws.
    pub(crate) fn open(console: Arc<dyn Console>, runtime: &Handle) -> Self {
        let files = Arc::new(ChosenFiles::default());
        let mut parts = Some(Parts {
            console: Arc::clone(&console),
            runtime: runtime.clone(),
            files: files.clone(),
            zone: jiff::tz::TimeZone::UTC,
            now: Arc::new(clock::now),
            prefs: Prefs::default(),
            about: About::default(),
        });
        let harness = Harness::builder()
            // Names are in any script: the program has the system's fonts, a test need not.
            .allow_missing_glyphs()
            .with_size(egui::vec2(1280.0, 800.0))
            .with_theme(egui::Theme::Light)
            .with_context_setup(kit::install)
            .build_ui_state(
                move |ui, app: &mut Option<App>| {
                    let app = app.get_or_insert_with(|| {
                        App::new(ui.ctx(), parts.take().expect("the window is made once"))
                    });
                    app.frame(ui);
                },
                None,
            );
        let mut window = Self {
            harness,
            files,
            console,
            runtime: runtime.clone(),
        };
        window.draw();
        window
    }

    /// The newest view of the service.
    pub(crate) fn view(&self) -> Arc<View> {
        self.console.views().borrow().clone()
    }

    /// Draws until hovers, focus and dialogs have settled.
    pub(crate) fn draw(&mut self) {
        self.harness.run_steps(4);
    }

    /// Draws until `there` says so of the window; wakes at every view and, since answers come
    /// without one, a few times a second.
    ///
    /// # Panics
    /// With `what` if that does not come about in time.
    pub(crate) fn wait(&mut self, what: &str, mut there: impl FnMut(&Self) -> bool) {
        let mut views = self.console.views();
        let until = Instant::now() + PATIENCE;
        loop {
            self.draw();
            if there(self) {
                return;
            }
            assert!(
                Instant::now() < until,
                "{what} did not come about; the window says:\n{}",
                self.words()
            );
            // Either way it is time to look again.
            drop(self.runtime.block_on(async {
                tokio::time::timeout(Duration::from_millis(20), views.changed()).await
            }));
        }
    }

    /// Has a button open `file`, and waits until its field names it.
    pub(crate) fn open_file(&mut self, button: &str, file: &Path) {
        let name = file.file_name().expect("a file has a name");
        let name = name.to_string_lossy().into_owned();
        self.files.next_source(file);
        self.press(button);
        // A key is named with its size, since it is not shown.
        let with_size = format!("{name}, ");
        self.wait(button, |window| {
            window.has(&name) || window.says(&with_size)
        });
    }

    /// Whether something is labelled exactly so.
    pub(crate) fn has(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    /// Whether some label contains this.
    pub(crate) fn says(&self, part: &str) -> bool {
        self.harness
            .query_all_by_label_contains(part)
            .next()
            .is_some()
    }

    /// Waits until some label contains this.
    pub(crate) fn wait_for(&mut self, part: &str) {
        self.wait(&format!("\"{part}\""), |window| window.says(part));
    }

    /// Presses what is labelled so, once it is there and may be pressed: what it waits for can be
    /// on its way from the service.
    pub(crate) fn press(&mut self, label: &str) {
        self.wait_to_press(label);
        let all: Vec<_> = self.harness.query_all_by_label(label).collect();
        let one = all.last().expect("it was waited for");
        one.scroll_to_me();
        self.draw();
        let all: Vec<_> = self.harness.query_all_by_label(label).collect();
        all.last().expect("it is still there").click();
        self.draw();
    }

    /// Waits until what is labelled so is there and may be pressed.
    pub(crate) fn wait_to_press(&mut self, label: &str) {
        self.wait(&format!("\"{label}\""), |window| {
            let last = window.harness.query_all_by_label(label).last();
            last.is_some_and(|node| !node.accesskit_node().is_disabled())
        });
    }

    /// Presses the first whose label contains this.
    pub(crate) fn press_containing(&mut self, part: &str) {
        self.wait_for(part);
        self.harness
            .query_all_by_label_contains(part)
            .next()
            .expect("it was waited for")
            .click();
        self.draw();
    }

    /// Types into the field labelled so, in place of what is in it.
    pub(crate) fn fill(&mut self, label: &str, text: &str) {
        self.wait(&format!("the field \"{label}\""), |window| {
            window.field(label).is_some()
        });
        self.field(label).expect("it was waited for").focus();
        self.draw();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.draw();
        if text.is_empty() {
            self.harness.key_press(Key::Delete);
        } else {
            let field = self.field(label).expect("it has the focus");
            field.type_text(text);
        }
        self.draw();
    }

    /// The field labelled so, if there is one.
    pub(crate) fn field<'a>(&'a self, label: &'a str) -> Option<Node<'a>> {
        let kinds = [
            Role::TextInput,
            Role::MultilineTextInput,
            Role::PasswordInput,
        ];
        self.harness
            .query_all_by_label(label)
            .find(|node| kinds.contains(&node.accesskit_node().role()))
    }

    /// Goes back to a step of the guide by its name.
    pub(crate) fn step(&mut self, label: &str) {
        let step = self.harness.get_by_role_and_label(Role::ListItem, label);
        step.click();
        self.draw();
    }

    /// Goes to a tab by its name.
    pub(crate) fn tab(&mut self, label: &str) {
        self.wait(&format!("the tab \"{label}\""), |window| window.has(label));
        self.harness.get_by_role_and_label(Role::Tab, label).click();
        self.draw();
    }

    /// What the field labelled so holds.
    pub(crate) fn value(&self, label: &str) -> String {
        let field = self.field(label);
        field.and_then(|field| field.value()).unwrap_or_default()
    }

    /// What is said beside the name of a page in the navigation.
    pub(crate) fn described(&self, page: &str) -> String {
        let row = self.harness.get_by_role_and_label(Role::Link, page);
        row.accesskit_node().description().unwrap_or_default()
    }

    /// Goes to a page by its name in the navigation.
    pub(crate) fn go(&mut self, page: &str) {
        self.wait(&format!("the page {page}"), |window| window.has(page));
        self.harness
            .query_all_by_label(page)
            .next()
            .expect("it was waited for")
            .click();
        self.draw();
    }

    /// All labels on screen, for messages of tests that fail.
    fn words(&self) -> String {
        let mut words = String::new();
        for node in self.harness.query_all_by_label_contains("") {
            if let Some(label) = node.accesskit_node().label() {
                words.push_str(&label);
                words.push('\n');
            }
        }
        words
    }
}
