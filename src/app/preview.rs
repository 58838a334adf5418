//! What a change would do to who reaches what, shown before it is made.
//!
//! A form or a question keeps a [`PreviewPane`] and draws it each frame with the command as it
//! stands:
//!
//! ```ignore
//! struct DeleteRoute { preview: PreviewPane, .. }
//!
//! // Among the fields of a form, where what is typed may not be a command yet:
//! self.preview.ui(cx, ui, self.command().ok().as_ref());
//! ```
//!
//! A dialog that asks before one command needs less: [`Confirm::previewed`] draws it.
//!
//! [`Confirm::previewed`]: super::dialogs::confirm::Confirm::previewed

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use egui::{ScrollArea, Ui};

use super::{
    backend::Work,
    context::Context,
    form, format,
    kit::{self, Face, Tone, tokens, words},
};
use crate::model::{
    Answer, Command, ConnectionState, Live, Preview, ReachChange, ReachedPart, Refusal,
};

/// Shows what a command would do to live sessions, and what it takes from whom.
///
/// It asks whenever the command, the configuration or who is connected is another than before, and
/// has at most one question under way, so that fast typing never queues them up.
#[derive(Debug, Default)]
pub struct PreviewPane {
    work: Work<Answer>,
    /// What is being asked about.
    asked: Option<Asked>,
    /// The last answer, and what it is about.
    answer: Option<(Asked, Result<Preview, Refusal>)>,
    sessions: Sessions,
    /// All sessions are listed rather than the first.
    is_open: bool,
}

/// What an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    command: Command,
    /// The change that the configuration was at.
    seq: u64,
    /// Who was connected.
    sessions: u64,
}

/// A number that is another when other sessions are connected; counted once for each view.
#[derive(Debug, Default)]
struct Sessions {
    of: Option<Arc<Live>>,
    number: u64,
}

impl Sessions {
    fn number(&mut self, live: &Arc<Live>) -> u64 {
        let is_same = self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, live));
        if !is_same {
            let mut hasher = DefaultHasher::new();
            for connection in &live.connections {
                if connection.state == ConnectionState::Active {
                    (&connection.id, &connection.association_id).hash(&mut hasher);
                }
            }
            self.number = hasher.finish();
            self.of = Some(Arc::clone(live));
        }
        self.number
    }
}

impl PreviewPane {
    /// Draws it for `command` as it stands; none where what is typed is no command yet.
    pub fn ui(&mut self, cx: &Context<'_>, ui: &mut Ui, command: Option<&Command>) {
        self.poll();
        if let Some(command) = command {
            self.ask(cx, command);
        }
        self.show(ui, command);
    }

    /// Draws it, and asks nothing.
    pub(super) fn show(&mut self, ui: &mut Ui, command: Option<&Command>) {
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 8.0;
            self.draw(ui, command);
        });
    }

    /// Whether an answer is still on its way; takes in what has come.
    pub(super) fn is_asking(&mut self) -> bool {
        self.poll();
        self.work.is_running()
    }

    /// Asks, where what is known of `command` is out of date; whether it did.
    pub(super) fn ask(&mut self, cx: &Context<'_>, command: &Command) -> bool {
        let wanted = Asked {
            command: command.clone(),
            seq: cx.view.snapshot.seq,
            sessions: self.sessions.number(&cx.view.live),
        };
        let is_known = self.answer.as_ref().is_some_and(|(of, _)| *of == wanted);
        if is_known || self.work.is_running() {
            return false;
        }
        let command = Command::PreviewChange(Box::new(command.clone()));
        self.asked = Some(wanted);
        self.work.start(cx.backend.call(command));
        true
    }

    fn poll(&mut self) {
        let Some(outcome) = self.work.poll() else {
            return;
        };
        let outcome = outcome.and_then(|answer| match answer {
            Answer::Preview(preview) => Ok(sorted(preview)),
            _ => Err(form::unexpected()),
        });
        // One question at a time: this is the answer to the last asked.
        if let Some(asked) = self.asked.take() {
            self.answer = Some((asked, outcome));
        }
    }

    fn draw(&mut self, ui: &mut Ui, command: Option<&Command>) {
        let Some(command) = command else {
            kit::help(ui, INCOMPLETE);
            return;
        };
        match &self.answer {
            // What was known before a reconnect stands until it is known anew; what is known of
            // another command says nothing of this one.
            Some((of, Ok(preview))) if of.command == *command => {
                warnings(ui, &preview.warnings);
                sessions(ui, preview, &mut self.is_open);
            }
            Some((of, Err(refusal))) if of.command == *command => {
                kit::help(ui, &refused(refusal));
            }
            _ => drop(kit::help(ui, LOOKING)),
        }
    }
}

const LOOKING: &str = "Looking at who is connected…";
const INCOMPLETE: &str =
    "Once the fields are filled in, it says here whose reach changes of those connected.";

/// What is wrong with a field is said there; what is wrong with nothing on screen is said here.
fn refused(refusal: &Refusal) -> String {
    match refusal.field {
        Some(_) => INCOMPLETE.to_owned(),
        None => refusal.message.clone(),
    }
}

/// Who loses something comes first.
fn sorted(mut preview: Preview) -> Preview {
    let key = |s: &ReachChange| (s.loses.is_empty(), s.common_name.clone(), s.client_ip);
    preview.sessions.sort_by_cached_key(key);
    preview
}

fn warnings(ui: &mut Ui, warnings: &[String]) {
    for warning in warnings.iter().take(WARNINGS) {
        kit::banner(Tone::Warning, "Warning").body(warning).ui(ui);
    }
    if let Some(more) = warnings.len().checked_sub(WARNINGS).filter(|n| *n > 0) {
        let said = format!("And {} like it.", format::count(more as u64));
        kit::help(ui, &said).on_hover_text(warnings[WARNINGS..].join("\n"));
    }
}

/// Warnings shown in full.
const WARNINGS: usize = 3;

fn sessions(ui: &mut Ui, preview: &Preview, is_open: &mut bool) {
    let (title, first) = summary(preview);
    if preview.sessions.is_empty() {
        kit::help(ui, &title);
        return;
    }
    let takes = preview.sessions.iter().any(|s| !s.loses.is_empty());
    let tone = if takes { Tone::Warning } else { Tone::Info };
    let action = if *is_open {
        "Hide sessions"
    } else {
        "Show sessions"
    };
    if kit::banner(tone, &title).body(&first).action(action).ui(ui) {
        *is_open = !*is_open;
    }
    if *is_open {
        kit::card(ui, 10, |ui| list(ui, &preview.sessions));
    }
}

/// How many change, and the first of them: "ann gains 10.0.0.9 tcp 443; …".
fn summary(preview: &Preview) -> (String, String) {
    let (changed, all) = (preview.sessions.len(), preview.looked_at);
    let count = |n: usize| format::count(n as u64);
    let noun = if all == 1 { "session" } else { "sessions" };
    let title = match (changed, all) {
        (0, 0) => "Nobody is connected: it changes no session.".to_owned(),
        (0, 1) => "The one live session reaches the same as before.".to_owned(),
        (0, _) => format!("All {} live sessions reach the same as before.", count(all)),
        (1, 1) => "The one live session changes".to_owned(),
        (1, _) => format!("1 of {} live {noun} changes", count(all)),
        _ => format!("{} of {} live {noun} change", count(changed), count(all)),
    };
    let mut first: Vec<String> = preview.sessions.iter().take(FIRST).map(sentence).collect();
    if changed > FIRST {
        first.push("…".to_owned());
    }
    (title, first.join("; "))
}

/// Sessions named without the list.
const FIRST: usize = 2;
/// Parts named of each of them.
const PARTS: usize = 3;

/// `ann gains 10.0.0.9 tcp 443, loses 10.1.0.0/16`.
fn sentence(change: &ReachChange) -> String {
    let mut said = change.common_name.clone();
    let mut comma = "";
    for (verb, parts) in [("loses", &change.loses), ("gains", &change.gains)] {
        if !parts.is_empty() {
            said.push_str(&format!("{comma} {verb} {}", named(parts, PARTS)));
            comma = ",";
        }
    }
    said
}

/// The parts in words, at most so many.
fn named(parts: &[ReachedPart], at_most: usize) -> String {
    let mut said: Vec<String> = parts.iter().take(at_most).map(part).collect();
    if parts.len() > at_most {
        said.push(format!("{} more", parts.len() - at_most));
    }
    said.join(" and ")
}

/// `10.0.0.9 tcp 443`; a single address goes without its length, all traffic without a word.
fn part(part: &ReachedPart) -> String {
    let network = match part.network.prefix_len() {
        32 => part.network.addr().to_string(),
        _ => part.network.to_string(),
    };
    match part.traffic.as_str() {
        "" | "all traffic" => network,
        traffic => format!("{network} {traffic}"),
    }
}

const ROW: f32 = 22.0;
/// Height of the list, in points, before it scrolls.
const LIST: f32 = 8.0 * ROW;

/// Every session whose reach changes, a line each.
fn list(ui: &mut Ui, sessions: &[ReachChange]) {
    ui.set_width(ui.available_width());
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical()
        .id_salt("sessions whose reach changes")
        .max_height(LIST)
        .auto_shrink([false, true])
        .show_rows(ui, ROW, sessions.len(), |ui, shown| {
            for change in &sessions[shown] {
                let size = egui::vec2(ui.available_width(), ROW);
                let layout = egui::Layout::left_to_right(egui::Align::Center);
                ui.allocate_ui_with_layout(size, layout, |ui| {
                    ui.set_min_height(ROW);
                    line(ui, change);
                });
            }
        });
}

fn line(ui: &mut Ui, change: &ReachChange) {
    let t = tokens(ui);
    let ip = change.client_ip.to_string();
    let mut line = words()
        .add(&change.common_name, Face::NAME, t.strong)
        .after(6.0, " ", Face::BODY, t.text)
        .add(&ip, Face::MONO, t.weak);
    for (verb, parts, color) in [
        ("loses", &change.loses, t.warning),
        ("gains", &change.gains, t.success),
    ] {
        if !parts.is_empty() {
            let all = format!(" {}", named(parts, usize::MAX));
            line = line
                .after(10.0, " ", Face::BODY, t.text)
                .add(verb, Face::STATUS, color)
                .add(&all, Face::BODY, t.text);
        }
    }
    line.ui_line(ui);
}

#[cfg(test)]
mod tests;
