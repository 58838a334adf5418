//! The frame around every page: navigation, header, status bar; dialogs and toasts above.

mod drops;
mod header;
mod help;
mod navigation;
mod palette;
mod running;
mod status_bar;

use std::sync::Arc;

use egui::{Align, Frame, Key, Layout, Modifiers, Panel, Ui, pos2};
use jiff::{Timestamp, tz::TimeZone};
use tokio::runtime::Handle;

use super::{
    backend::{Backend, Outcome, Work},
    context::{About, Action, Context, EndpointTab, OneOf, Screen},
    dialogs::{Dialog, Stay, path::TypePath},
    files::Files,
    kit::{self, Toasts, Tone, tokens::size},
    notices::Notices,
    people::Everyone,
    rates::Rates,
    screens::Screens,
    state::Prefs,
    tally::Tally,
};
use crate::{
    control::{Console, Link},
    model::{Command, EndpointId, View},
};
use help::Help;
use palette::Palette;
use running::RunningSet;
pub(crate) use status_bar::plural;

/// How often what ages is drawn anew.
const EACH_SECOND: std::time::Duration = std::time::Duration::from_secs(1);

/// What a window is made of.
pub struct Parts {
    /// The service.
    pub console: Arc<dyn Console>,
    /// Where commands are awaited.
    pub runtime: Handle,
    /// Who is asked for files.
    pub files: Arc<dyn Files>,
    /// The person's time zone.
    pub zone: TimeZone,
    /// The time of a frame.
    pub now: Arc<dyn Fn() -> Timestamp>,
    /// What the person chose before.
    pub prefs: Prefs,
    /// The installation.
    pub about: About,
}

/// The window.
pub struct App {
    backend: Backend,
    files: Arc<dyn Files>,
    zone: TimeZone,
    now: Arc<dyn Fn() -> Timestamp>,
    about: About,
    prefs: Prefs,
    applied: Option<Prefs>,
    view: Arc<View>,
    /// Views that are no longer shown, until the frame in which they went is drawn.
    past: Vec<Arc<View>>,
    link: Link,
    rates: Rates,
    tally: Tally,
    everyone: Everyone,
    notices: Notices,
    screens: Screens,
    dialogs: Vec<Box<dyn Dialog>>,
    palette: Option<Palette>,
    toasts: Toasts,
    /// What takes back what a toast says, the last first.
    undo: Vec<(u64, Vec<OneOf>)>,
    running: Vec<Running>,
    sets: Vec<RunningSet>,
    actions: Vec<Action>,
}

/// A command that no dialog waits for.
struct Running {
    outcome: Outcome,
    undo: Option<Command>,
}

impl App {
    /// A window drawn in `ctx`, which has the kit installed.
    #[must_use]
    pub fn new(ctx: &egui::Context, parts: Parts) -> Self {
        let backend = Backend::new(parts.console, parts.runtime, ctx.clone());
        let (view, link) = (backend.view(), backend.link());
        Self {
            backend,
            files: parts.files,
            zone: parts.zone,
            now: parts.now,
            about: parts.about,
            prefs: parts.prefs.bounded(),
            applied: None,
            view,
            past: Vec::new(),
            link,
            rates: Rates::default(),
            tally: Tally::default(),
            everyone: Everyone::default(),
            notices: Notices::default(),
            screens: Screens::default(),
            dialogs: Vec::new(),
            palette: None,
            toasts: Toasts::default(),
            undo: Vec::new(),
            running: Vec::new(),
            sets: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// The person's choices as they are now.
    #[must_use]
    pub fn prefs(&self) -> &Prefs {
        &self.prefs
    }

    /// The newest view the window has drawn.
    #[must_use]
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// How the service is reached.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Opens a dialog above everything.
    pub fn open(&mut self, dialog: impl Dialog + 'static) {
        self.actions.push(Action::Open(Box::new(dialog)));
    }

    /// Shows the endpoints with this one selected.
    pub fn show_endpoint(&mut self, id: EndpointId, tab: Option<EndpointTab>) {
        self.actions.push(Action::ShowEndpoint(id, tab));
    }

    /// Takes in what came back and was asked for, then draws one frame.
    pub fn frame(&mut self, ui: &mut Ui) {
        self.apply_prefs(ui.ctx());
        self.take_in(ui.ctx());
        self.act(ui.ctx());
        self.draw(ui);
        self.apply_prefs(ui.ctx());
        // Now nothing that was drawn holds them.
        for past in self.past.drain(..) {
            self.backend.free(past);
        }
    }

    /// Makes theme and zoom what the person chose; egui's own zoom keys are a choice too.
    fn apply_prefs(&mut self, ctx: &egui::Context) {
        match &self.applied {
            Some(applied) if *applied == self.prefs => {
                self.prefs.zoom = ctx.zoom_factor();
                self.prefs = self.prefs.clone().bounded();
                if (self.prefs.zoom - ctx.zoom_factor()).abs() > 0.001 {
                    ctx.set_zoom_factor(self.prefs.zoom);
                }
            }
            _ => {
                ctx.set_theme(self.prefs.theme);
                ctx.set_zoom_factor(self.prefs.zoom);
            }
        }
        self.applied = Some(self.prefs.clone());
    }

    /// The newest view and the answers to commands nobody waits for.
    fn take_in(&mut self, ctx: &egui::Context) {
        let view = self.backend.view();
        if !Arc::ptr_eq(&view, &self.view) {
            self.past.push(std::mem::replace(&mut self.view, view));
        }
        self.link = self.backend.link();
        self.tally.take_in(&self.view.live);
        self.rates.take_in(&self.view.live, ctx.input(|i| i.time));
        let ages = matches!(self.link, Link::Unreachable { .. });
        if self.rates.is_moving() || ages {
            // What is shown gets older without anything coming in.
            ctx.request_repaint_after(EACH_SECOND);
        }
        while let Some(question) = self.files.question() {
            self.open(TypePath::new(question));
        }
        let mut ended = Vec::new();
        self.running
            .retain_mut(|running| match (running.outcome)() {
                None => true,
                Some(outcome) => {
                    ended.push((outcome, running.undo.take()));
                    false
                }
            });
        for (outcome, undo) in ended {
            match (outcome, undo) {
                (Err(refusal), _) => self.actions.push(Action::Trouble(refusal.message)),
                (Ok(done), None) => self.actions.push(Action::Toast(done)),
                (Ok(done), Some(undo)) => {
                    let undo = OneOf {
                        label: done.clone(),
                        command: undo,
                        undo: None,
                    };
                    self.say_done(done, vec![undo]);
                }
            }
        }
        for mut set in std::mem::take(&mut self.sets) {
            match set.work.poll() {
                None => self.sets.push(set),
                Some(Err(refusal)) => self.actions.push(Action::Trouble(refusal.message)),
                Some(Ok(refused)) => {
                    let ended = set.ended(&refused);
                    if let Some((said, undo)) = ended.done {
                        self.say_done(said, undo);
                    }
                    self.actions.extend(ended.refused.map(Action::Trouble));
                }
            }
        }
    }

    /// Says what is now true, with a way back where there is one.
    fn say_done(&mut self, done: String, undo: Vec<OneOf>) {
        if undo.is_empty() {
            self.actions.push(Action::Toast(done));
            return;
        }
        let id = self.toasts.push_with(Tone::Success, done, "Undo");
        self.undo.push((id, undo));
    }

    /// Does what was asked for.
    fn act(&mut self, ctx: &egui::Context) {
        for action in std::mem::take(&mut self.actions) {
            match action {
                Action::Go(screen) => self.prefs.screen = screen,
                Action::ShowEndpoint(id, tab) => {
                    self.prefs.screen = Screen::Endpoints;
                    self.screens.show_endpoint(id, tab);
                }
                Action::ShowCertificate(arn) => {
                    self.prefs.screen = Screen::Certificates;
                    self.screens.show_certificate(arn);
                }
                Action::ShowSecurityGroup(id) => {
                    self.prefs.screen = Screen::SecurityGroups;
                    self.screens.show_security_group(id);
                }
                Action::ShowGroup(sid) => {
                    self.prefs.screen = Screen::Groups;
                    self.screens.show_group(sid);
                }
                Action::ShowUser(name) => {
                    self.prefs.screen = Screen::Groups;
                    self.screens.show_user(name);
                }
                Action::ShowRouteTables(id) => {
                    self.prefs.screen = Screen::Networks;
                    self.screens.show_route_tables(id);
                }
                Action::AskWhy(question) => {
                    self.prefs.screen = Screen::Why;
                    self.screens.ask_why(question);
                }
                Action::Open(dialog) => self.dialogs.push(dialog),
                Action::Toast(words) => drop(self.toasts.push(Tone::Success, words)),
                Action::Trouble(words) => drop(self.toasts.push(Tone::Danger, words)),
                Action::Run {
                    command,
                    done,
                    undo,
                } => {
                    let mut work = Work::default();
                    work.start(self.backend.call(*command));
                    self.running.push(Running {
                        outcome: work.saying(move |_| done.clone()),
                        undo: undo.map(|undo| *undo),
                    });
                }
                Action::RunAll { act, changes } => {
                    let set = RunningSet::start(&self.backend, act, changes);
                    self.sets.push(set);
                }
                Action::Follow(outcome) => self.running.push(Running {
                    outcome,
                    undo: None,
                }),
                Action::OpenPalette(typed) => self.palette = Some(Palette::new(typed)),
                Action::OpenHelp => self.dialogs.push(Box::new(Help)),
            }
            ctx.request_repaint();
        }
    }

    fn draw(&mut self, ui: &mut Ui) {
        let covered = !self.dialogs.is_empty() || self.palette.is_some();
        let mut dialogs = std::mem::take(&mut self.dialogs);
        let mut palette = self.palette.take();
        let Self {
            backend,
            files,
            zone,
            now,
            about,
            prefs,
            view,
            link,
            rates,
            tally,
            everyone,
            notices,
            screens,
            toasts,
            undo,
            actions,
            ..
        } = self;
        let now = now();
        let mut cx = Context {
            notices: notices.at(&view.snapshot, now),
            view,
            link,
            backend,
            files,
            rates,
            tally,
            everyone,
            prefs,
            about,
            now,
            zone,
            covered,
            actions,
        };
        keys(&cx, ui).into_iter().for_each(|action| cx.ask(action));
        let ground = kit::tokens(ui);
        let folded = ui.available_width() < navigation::FOLDS_BELOW;
        panel(Panel::bottom("status bar"), ground.canvas)
            .exact_size(size::STATUS_BAR)
            .show(ui, |ui| status_bar::ui(&mut cx, ui));
        panel(Panel::left("navigation"), ground.canvas)
            .exact_size(if folded { size::NAV_FOLDED } else { size::NAV })
            .show(ui, |ui| navigation::ui(&mut cx, screens, folded, ui));
        panel(Panel::top("header"), ground.surface)
            .exact_size(size::HEADER)
            .show(ui, |ui| header::ui(&mut cx, ui));
        let page = egui::CentralPanel::default()
            .frame(Frame::new().fill(ground.surface))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                unreachable_banner(&cx, ui);
                let screen = cx.prefs.screen;
                screens.ui(screen, &mut cx, ui);
            })
            .response
            .rect;
        if let Some(open) = palette.as_mut()
            && open.ui(&mut cx, screens, ui.ctx()) == Stay::Closed
        {
            palette = None;
        }
        dialogs.retain_mut(|dialog| dialog.ui(&mut cx, ui.ctx()) == Stay::Open);
        let corner = pos2(page.left() + 20.0, page.bottom() - 16.0);
        let mut undone = toasts.show(ui.ctx(), corner);
        // What is no longer offered is no longer taken back: it may be long past.
        undo.retain(|(toast, _)| toasts.is_shown(*toast) || undone == Some(*toast));
        let by_key = !covered && !ui.ctx().text_edit_focused() && !undo.is_empty();
        if by_key && ui.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::Z)) {
            undone = undone.or(undo.last().map(|(toast, _)| *toast));
            undone.into_iter().for_each(|toast| toasts.dismiss(toast));
        }
        self.dialogs = dialogs;
        self.palette = palette;
        self.take_back(undone);
    }

    /// Sends the command that undoes what the toast said.
    fn take_back(&mut self, toast: Option<u64>) {
        let Some(at) = self
            .undo
            .iter()
            .position(|(toasted, _)| Some(*toasted) == toast)
        else {
            return;
        };
        let (_, mut commands) = self.undo.swap_remove(at);
        self.actions.push(match commands.pop() {
            Some(only) if commands.is_empty() => Action::Run {
                command: Box::new(only.command),
                done: "Undone".to_owned(),
                undo: None,
            },
            last => {
                commands.extend(last);
                Action::RunAll {
                    act: "Undo".to_owned(),
                    changes: commands,
                }
            }
        });
    }
}

/// A panel of the shell: nothing between its edge and its content but what the content leaves.
fn panel(panel: Panel, fill: egui::Color32) -> Panel {
    panel
        .resizable(false)
        .show_separator_line(false)
        .frame(Frame::new().fill(fill))
}

/// The keys that work on every page.
fn keys(cx: &Context<'_>, ui: &Ui) -> Option<Action> {
    if cx.shortcut(ui, Key::K) {
        return Some(Action::OpenPalette(String::new()));
    }
    if cx.shortcut(ui, Key::Comma) {
        return Some(Action::Go(Screen::Settings));
    }
    let help = !cx.covered && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::F1));
    help.then_some(Action::OpenHelp)
}

/// Says that nobody answers, and since when; the console tries again by itself.
fn unreachable_banner(cx: &Context<'_>, ui: &mut Ui) {
    let Link::Unreachable { since, reason } = cx.link else {
        return;
    };
    let ago = super::format::duration(*since, cx.now);
    let reason = reason.trim_end_matches('.');
    let body = format!("{reason}. Trying again. What is shown is {ago} old.");
    Frame::new()
        .inner_margin(egui::Margin {
            left: 20,
            right: 20,
            top: 12,
            bottom: 0,
        })
        .show(ui, |ui| {
            kit::banner(Tone::Danger, "The gateway does not answer")
                .body(&body)
                .ui(ui);
        });
}

/// Lays out a row of the shell from the left, centred, with a margin at both ends.
fn row<R>(ui: &mut Ui, margin: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let rect = ui.max_rect().shrink2(egui::vec2(margin, 0.0));
    let layout = Layout::left_to_right(Align::Center);
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout));
    add(&mut child)
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::{
        app::testing::{FakeConsole, Window},
        model::{Live, Refusal, Snapshot},
    };

    fn empty() -> Arc<FakeConsole> {
        FakeConsole::new(Snapshot::default(), Live::default())
    }

    #[test]
    fn ctrl_k_finds_a_page_by_part_of_its_name_and_enter_goes_there() {
        let mut window = Window::open(empty());
        window
            .harness
            .key_press_modifiers(Modifiers::COMMAND, Key::K);
        window.settle();
        window.harness.get_by_label("Show help and keys");
        window
            .harness
            .get_by_label("Type a page, a name, an address, an ID or a command")
            .type_text("help");
        window.settle();
        window.harness.key_press(Key::Enter);
        window.settle();
        window
            .harness
            .get_by_label("From nothing to a connected client");
    }

    #[test]
    fn a_gateway_that_does_not_answer_is_said_until_it_does() {
        let console = empty();
        let mut window = Window::open(console.clone());
        console.set_link(Link::Unreachable {
            since: crate::app::testing::now(),
            reason: "The socket is gone.".into(),
        });
        window.settle();
        window
            .harness
            .get_by_label_contains("The gateway does not answer");
        console.set_link(Link::Embedded);
        window.settle();
        assert!(
            window
                .harness
                .query_by_label_contains("The gateway does not answer")
                .is_none()
        );
    }

    /// Asks for one act as soon as it is drawn.
    struct Asks(Option<Action>);

    impl Dialog for Asks {
        fn ui(&mut self, cx: &mut Context<'_>, _ctx: &egui::Context) -> Stay {
            self.0.take().into_iter().for_each(|action| cx.ask(action));
            Stay::Closed
        }
    }

    fn act(window: &mut Window, action: Action) {
        let app = window.harness.state_mut().as_mut().unwrap();
        app.open(Asks(Some(action)));
        window.settle();
    }

    #[test]
    fn what_can_be_taken_back_is_taken_back_by_the_toast() {
        let mut window = Window::open(empty());
        act(
            &mut window,
            Action::Run {
                command: Box::new(Command::DescribeStatus),
                done: "Rule revoked".into(),
                undo: Some(Box::new(Command::ListCertificates)),
            },
        );
        window.harness.get_by_label("Rule revoked");
        window.harness.get_by_label("Undo").click();
        window.settle();
        assert_eq!(
            window.console.commands(),
            [Command::DescribeStatus, Command::ListCertificates]
        );
    }

    fn one_of(label: &str, command: Command, undo: Option<Command>) -> OneOf {
        OneOf {
            label: label.to_owned(),
            command,
            undo,
        }
    }

    #[test]
    fn of_several_acts_each_refusal_is_said_and_the_others_are_taken_back_together() {
        let console = empty();
        console.answer(|request| match request.command {
            Command::DescribeStatus => Some(Err(Refusal::new(
                crate::model::Code::DependencyViolation,
                "it is in use",
            ))),
            _ => None,
        });
        let mut window = Window::open(console);
        let get = Command::GetServiceLinkedRole;
        let changes = (1..=5)
            .map(|n| {
                let undo = Some(Command::ListCertificates);
                match n {
                    2 => one_of("10.2.0.0/16", Command::DescribeStatus, None),
                    _ => one_of(&format!("10.{n}.0.0/16"), get.clone(), undo),
                }
            })
            .collect();
        let act_all = Action::RunAll {
            act: "Revoke 5 rules".to_owned(),
            changes,
        };
        act(&mut window, act_all);
        assert!(window.says("Revoke 5 rules: 4 of 5 done"));
        assert!(window.says("10.2.0.0/16: it is in use"));
        window.harness.get_by_label("Undo").click();
        window.settle();
        let sent = window.console.commands();
        assert_eq!(sent.len(), 9);
        assert!(sent[5..].iter().all(|it| *it == Command::ListCertificates));
        assert!(window.says("Undo: done"));
    }

    #[test]
    fn a_refused_act_says_why() {
        let console = empty();
        console.answer(|_| {
            Some(Err(Refusal::new(
                crate::model::Code::DependencyViolation,
                "2 target networks are still associated",
            )))
        });
        let mut window = Window::open(console);
        act(
            &mut window,
            Action::Run {
                command: Box::new(Command::DescribeStatus),
                done: "Gone".into(),
                undo: None,
            },
        );
        window
            .harness
            .get_by_label("2 target networks are still associated");
    }
}
