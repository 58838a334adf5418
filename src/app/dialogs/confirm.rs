//! The question before an act that drops sessions, takes reach away or cannot be taken back.

use egui::Ui;

use super::{Dialog, Stay};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context, OneOf},
        format, kit,
        preview::PreviewPane,
    },
    model::{Answer, Command},
};

/// One or several commands, asked for first.
pub struct Confirm {
    title: String,
    act: String,
    body: String,
    typed: Option<String>,
    changes: Vec<Change>,
    /// What goes along, by kind.
    lists: Vec<(String, Vec<String>)>,
    previewed: bool,
    /// Which of the changes is asked about next.
    turn: usize,
    work: Work<Answer>,
    refusal: Option<String>,
}

/// One of the commands that are asked for.
pub struct Change {
    label: String,
    command: Command,
    done: String,
    undo: Option<Command>,
    preview: PreviewPane,
    /// What it would do is wanted, though it is not among the first.
    looked_at: bool,
}

impl Change {
    /// What it changes (a rule's destination, say), the command, and what is true once it was
    /// carried out.
    #[must_use]
    pub fn new(label: impl Into<String>, command: Command, done: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            command,
            done: done.into(),
            undo: None,
            preview: PreviewPane::default(),
            looked_at: false,
        }
    }

    /// What takes it back; offered once it is done.
    #[must_use]
    pub fn undo(mut self, undo: Option<Command>) -> Self {
        self.undo = undo;
        self
    }
}

impl From<Change> for OneOf {
    fn from(change: Change) -> Self {
        Self {
            label: change.label,
            command: change.command,
            undo: change.undo,
        }
    }
}

impl Confirm {
    /// A question with the name in it, the verb of the act, its command, and what is true after.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        act: impl Into<String>,
        command: Command,
        done: impl Into<String>,
    ) -> Self {
        Self::each(title, act, vec![Change::new("", command, done)])
    }

    /// The same for several commands, or for some that can be taken back: the dialog does not wait
    /// for them, and it is said how they ended, each that was refused by its name.
    #[must_use]
    pub fn each(title: impl Into<String>, act: impl Into<String>, changes: Vec<Change>) -> Self {
        Self {
            title: title.into(),
            act: act.into(),
            body: String::new(),
            typed: None,
            changes,
            lists: Vec::new(),
            previewed: false,
            turn: 0,
            work: Work::default(),
            refusal: None,
        }
    }

    /// What follows from it, with numbers.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// What goes along, each by its name, under words that say of what kind it is; nothing is said
    /// where there is none.
    #[must_use]
    pub fn listed(mut self, kind: impl Into<String>, names: Vec<String>) -> Self {
        if !names.is_empty() {
            self.lists.push((kind.into(), names));
        }
        self
    }

    /// For what cannot be taken back: this name must be typed first.
    #[must_use]
    pub fn typed_name(mut self, name: impl Into<String>) -> Self {
        self.typed = Some(name.into());
        self
    }

    /// Shows before it is done whose reach it changes among those connected.
    #[must_use]
    pub fn previewed(mut self) -> Self {
        self.previewed = true;
        self
    }

    /// Whether its one command is waited for here.
    fn waits(&self) -> bool {
        matches!(self.changes.as_slice(), [change] if change.undo.is_none())
    }

    fn submit(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        if self.waits() {
            self.refusal = None;
            if let Some(change) = self.changes.first() {
                self.work.start(cx.backend.call(change.command.clone()));
            }
            return Stay::Open;
        }
        let mut changes: Vec<Change> = self.changes.drain(..).collect();
        match changes.pop() {
            Some(only) if changes.is_empty() => cx.run(only.command, only.done, only.undo),
            last => {
                changes.extend(last);
                cx.ask(Action::RunAll {
                    act: self.act.clone(),
                    changes: changes.into_iter().map(OneOf::from).collect(),
                });
            }
        }
        kit::close_dialog(ctx, &self.title);
        Stay::Closed
    }

    /// What is true once its one command was carried out.
    fn done(&self) -> String {
        let done = self.changes.first().map(|change| change.done.clone());
        done.unwrap_or_default()
    }
}

impl Dialog for Confirm {
    fn ui(&mut self, cx: &mut Context<'_>, ctx: &egui::Context) -> Stay {
        match self.work.poll() {
            Some(Ok(_)) => {
                kit::close_dialog(ctx, &self.title);
                cx.ask(Action::Toast(self.done()));
                return Stay::Closed;
            }
            Some(Err(refusal)) => self.refusal = Some(refusal.message),
            None => {}
        }
        let mut dialog = kit::confirm_dialog(&self.title, &self.act)
            .body(&self.body)
            .working(self.work.is_running())
            .refusal(self.refusal.as_deref());
        if let Some(name) = &self.typed {
            dialog = dialog.typed_name(name);
        }
        let shown = match self.previewed {
            true => dialog.show_with(ctx, |ui| {
                previews(cx, ui, &mut self.changes, &mut self.turn);
            }),
            false => dialog.show_with(ctx, |ui| {
                let room = (ui.ctx().content_rect().height() - 380.0).max(120.0);
                listed(ui, &self.lists, room);
            }),
        };
        match shown {
            kit::Dialog::Closed => {
                if self.work.is_running() {
                    let (work, done) = (std::mem::take(&mut self.work), self.done());
                    cx.ask(Action::Follow(work.saying(move |_| done.clone())));
                }
                return Stay::Closed;
            }
            kit::Dialog::Submitted if !self.work.is_running() => return self.submit(cx, ctx),
            _ => {}
        }
        Stay::Open
    }
}

/// What goes along, by kind, scrolling where it is higher than `room` points.
pub(super) fn listed(ui: &mut Ui, lists: &[(String, Vec<String>)], room: f32) {
    if lists.iter().all(|(_, names)| names.is_empty()) {
        return;
    }
    ui.add_space(10.0);
    egui::ScrollArea::vertical()
        .id_salt("listed")
        .max_height(room)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            for (kind, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
                kit::fieldset(ui, kind, "");
                for name in names.iter().take(LISTED) {
                    kit::body(ui, name);
                }
                if let Some(more) = names.len().checked_sub(LISTED).filter(|n| *n > 0) {
                    kit::help(ui, &format!("And {} more.", format::count(more as u64)));
                }
                ui.add_space(6.0);
            }
        });
}

/// Names of a kind that are listed: who reads further looks at the table.
const LISTED: usize = 200;

/// Changes of which it is said unasked what they would do.
const UNASKED: usize = 3;

/// What each of them would do, were it the only one.
fn previews(cx: &Context<'_>, ui: &mut Ui, changes: &mut [Change], turn: &mut usize) {
    ui.spacing_mut().item_spacing.y = 6.0;
    ui.add_space(10.0);
    let is_one = changes.len() == 1;
    if !is_one {
        kit::help(
            ui,
            "What each does on its own; together they may take more.",
        );
    }
    ask_in_turn(cx, changes, turn);
    let room = (ui.ctx().content_rect().height() - 300.0).max(120.0);
    egui::ScrollArea::vertical()
        .id_salt("previews")
        .max_height(room)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            for (index, change) in changes.iter_mut().enumerate() {
                ui.push_id(index, |ui| {
                    if !is_one {
                        kit::strong(ui, &change.label);
                    }
                    if index < UNASKED || change.looked_at {
                        change.preview.show(ui, Some(&change.command));
                    } else {
                        let look = format!("Look at {}", change.label);
                        change.looked_at = kit::link(ui, &look).clicked();
                    }
                });
            }
        });
}

/// Asks about one of the shown changes at a time, and each in its turn: each answer costs the
/// service a judgement of every session, and whoever connects makes all of them out of date.
fn ask_in_turn(cx: &Context<'_>, changes: &mut [Change], turn: &mut usize) {
    if changes.iter_mut().any(|it| it.preview.is_asking()) {
        return;
    }
    let count = changes.len();
    for index in (0..count).map(|n| (*turn + n) % count) {
        let change = &mut changes[index];
        let is_shown = index < UNASKED || change.looked_at;
        if is_shown && change.preview.ask(cx, &change.command) {
            *turn = index + 1;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::testing::{FakeConsole, Window, sample},
        model::{Preview, command::RevokeIngress},
    };

    fn revoking(number: u8) -> Change {
        let network = format!("10.{number}.0.0/16");
        let command = Command::RevokeClientVpnIngress(RevokeIngress {
            client_vpn_endpoint_id: sample::endpoint_id(1).to_string(),
            target_network_cidr: network.clone(),
            revoke_all_groups: true,
            access_group_id: None,
        });
        Change::new(network, command, "Revoked")
    }

    /// The networks that were asked about, oldest first.
    fn asked(window: &Window) -> Vec<String> {
        let network = |command| match command {
            Command::PreviewChange(of) => match *of {
                Command::RevokeClientVpnIngress(rule) => rule.target_network_cidr,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        window.console.commands().into_iter().map(network).collect()
    }

    #[test]
    fn of_many_changes_the_first_are_looked_at_one_after_the_other_and_the_rest_when_wanted() {
        let (snapshot, live) = sample::office();
        let console = FakeConsole::new(snapshot, live);
        console.answer(|_| Some(Ok(Answer::Preview(Preview::default()))));
        let mut window = Window::open(console);
        let changes = (1..=40).map(revoking).collect();
        let question = Confirm::each("Revoke 40 rules?", "Revoke 40 rules", changes).previewed();
        window.harness.state_mut().as_mut().unwrap().open(question);
        // The runtime runs in between, so that no more than the questions under way are sent.
        window.settle();
        assert_eq!(
            asked(&window),
            ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]
        );
        window.click("Look at 10.4.0.0/16");
        assert_eq!(asked(&window)[3..], ["10.4.0.0/16"]);
        window
            .console
            .change(|_, live| drop(live.connections.remove(0)));
        // Four answers one after the other are more than one settling brings.
        window.settle();
        window.settle();
        let mut again = asked(&window).split_off(4);
        again.sort();
        let shown = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"];
        assert_eq!(again, shown, "what is shown, once each");
    }

    #[test]
    fn a_question_about_many_changes_has_one_answer_under_way() {
        let (snapshot, live) = sample::office();
        let console = FakeConsole::new(snapshot, live);
        let mut window = Window::open(console);
        let changes = (1..=3).map(revoking).collect();
        let question = Confirm::each("Revoke 3 rules?", "Revoke 3 rules", changes).previewed();
        window.harness.state_mut().as_mut().unwrap().open(question);
        // However often it is drawn while the answer is on its way.
        window.harness.run_steps(5);
        window.run_tasks();
        assert_eq!(asked(&window), ["10.1.0.0/16"]);
    }
}
