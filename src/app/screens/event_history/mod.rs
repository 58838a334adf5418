//! Who did what, when, with what result.

use std::sync::Arc;

use egui::{Key, Panel, Ui};
use jiff::{Timestamp, tz::TimeZone};

pub use self::undo::UndoLast;
use self::{
    record::{Age, Kind, Question, Record},
    undo::TakingBack,
};
use super::{
    Page, filter,
    listing::{self, Cells},
};
use crate::{
    api::shape,
    app::{
        backend::Work,
        context::{Action, Context},
        files, format,
        kit::{self, Rows, Selection, Tone, column, icons, rest_column, tokens},
        shell::plural,
    },
    model::{Event, Outcome},
};

mod panel;
mod record;
#[cfg(test)]
mod tests;
mod undo;

/// The page.
pub struct EventHistory {
    record: Record,
    /// The pass it was drawn in last, to look again when the page is come back to.
    drawn: u64,
    filter: String,
    question: Question,
    taking_back: TakingBack,
    selection: Selection<u64>,
    panel: f32,
}

impl Default for EventHistory {
    fn default() -> Self {
        Self {
            record: Record::default(),
            drawn: 0,
            filter: String::new(),
            question: Question {
                kind: Kind::Changes,
                age: Age::Any,
            },
            taking_back: TakingBack::default(),
            selection: Selection::default(),
            panel: 300.0,
        }
    }
}

impl Page for EventHistory {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let pass = ui.ctx().cumulative_pass_nr();
        let is_back = pass > self.drawn + 2;
        self.drawn = pass;
        let again = is_back || cx.key(ui, Key::F5);
        self.record.look(cx, self.question, again);
        let (shown, all) = self.record.shown(self.question.kind, &self.filter);
        let selected = self.selection.single().copied();
        if let Some(event) = selected.and_then(|seq| shown.iter().find(|e| e.seq == seq)) {
            self.split_panel(cx, ui, event);
        }
        self.list(cx, ui, &shown, all);
        if cx.key(ui, Key::Escape) {
            match self.filter.is_empty() {
                true => self.selection.clear(),
                false => self.filter.clear(),
            }
        }
    }
}

impl EventHistory {
    fn list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, shown: &Arc<[Arc<Event>]>, all: usize) {
        let more = if self.record.has_older() { "+" } else { "" };
        let count = format!("{}{more}", format::count(all as u64));
        let export = (!shown.is_empty()).then_some(());
        let (again, exports) = kit::page_head(ui, "Event history", &count, "", |ui| {
            let again = kit::button("Refresh")
                .icon(icons::ARROW_COUNTER_CLOCKWISE)
                .working(self.record.is_looking())
                .hint("F5")
                .clicked(ui);
            let exports = kit::button("Export…")
                .disabled_because(export.is_none().then_some("No event is shown"))
                .clicked(ui);
            (again, exports)
        });
        if again {
            self.record.look(cx, self.question, true);
        }
        if exports {
            save(cx, Arc::clone(shown), self.record.has_older());
        }
        // In the filter box the key takes back what was typed.
        if !ui.ctx().text_edit_focused() && cx.shortcut(ui, Key::Z) {
            cx.open(UndoLast::default());
        }
        if let Some(trouble) = &self.record.trouble {
            egui::Frame::new()
                .inner_margin(egui::Margin::symmetric(20, 8))
                .show(ui, |ui| {
                    kit::banner(Tone::Danger, "The record cannot be read")
                        .body(trouble)
                        .ui(ui)
                });
        }
        let everything = Question {
            kind: Kind::All,
            age: Age::Any,
        };
        if all == 0 && self.question == everything && !self.record.is_looking() {
            let body = "Each command will be listed here, with who gave it, through which face, and how it ended.";
            kit::empty(ui, "Nothing was done yet", body, "");
            return;
        }
        let find = cx.shortcut(ui, Key::F);
        let words = format!("{} of {count}", format::count(shown.len() as u64));
        let older = kit::toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter events")
                    .hint("Filter, for example CreateVpc user:anna")
                    .keys("Ctrl F")
                    .width(320.0)
                    .focus(find)
                    .ui(ui);
                ui.add_space(8.0);
                let kinds = [
                    (Kind::Changes, "Changes"),
                    (Kind::Refused, "Refused"),
                    (Kind::All, "All, with reads"),
                ];
                kit::segmented(ui, "Which events", &mut self.question.kind, &kinds);
                ui.add_space(8.0);
                let ages = [
                    (Age::Any, "Any time"),
                    (Age::Hour, "Last hour"),
                    (Age::Day, "Last day"),
                    (Age::Week, "Last 7 days"),
                ];
                kit::segmented(ui, "Time", &mut self.question.age, &ages);
            },
            |ui| {
                let more = self.record.has_older()
                    && kit::button("Show older events")
                        .disabled_because(self.record.full())
                        .working(self.record.is_looking())
                        .clicked(ui);
                kit::weak(ui, &words);
                more
            },
        );
        if older {
            self.record.look_further(cx);
        }
        if shown.is_empty() && !self.record.is_looking() {
            self.nothing(cx, ui, all);
            return;
        }
        let columns = [
            column("Time", 130.0).unsorted(),
            column("Who", 110.0).unsorted(),
            column("Action", 250.0).unsorted(),
            column("Concerns", 260.0).unsorted(),
            rest_column("Result").unsorted(),
        ];
        let mut rows = EventRows {
            events: shown,
            now: cx.now,
            zone: cx.zone,
        };
        kit::table("Events", &columns, &mut self.selection)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut rows);
        listing::copy_selected(cx, ui, &self.selection, &rows);
    }

    /// No event passes what was chosen.
    fn nothing(&mut self, cx: &Context<'_>, ui: &mut Ui, all: usize) {
        let older = "Older events are not loaded.";
        if self.record.has_older() && all == 0 {
            let title = "There is no such event among the newest";
            if kit::empty(ui, title, older, "Show older events") {
                self.record.look_further(cx);
            }
            return;
        }
        if all > 0 {
            let body = if self.record.has_older() { older } else { "" };
            if kit::empty(ui, "No event passes the filter", body, "Clear filter") {
                self.filter.clear();
            }
            return;
        }
        let (title, act) = match self.question.age {
            Age::Any => ("There is no such event", "Show all events"),
            _ => ("There was no such event in that time", "Show any time"),
        };
        if kit::empty(ui, title, "", act) {
            match self.question.age {
                Age::Any => self.question.kind = Kind::All,
                _ => self.question.age = Age::Any,
            }
        }
    }

    fn split_panel(&mut self, cx: &mut Context<'_>, ui: &mut Ui, event: &Event) {
        let room = ui.available_height();
        let mut height = self.panel;
        let mut close = false;
        Panel::bottom("event panel")
            .resizable(false)
            .show_separator_line(false)
            .exact_size(height.min(room - 120.0).max(180.0))
            .frame(egui::Frame::new().fill(tokens(ui).raised))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                kit::split_handle(ui, "Height of the event panel", &mut height, room);
                close = kit::panel_head(
                    ui,
                    &event.action,
                    |ui| drop(result(event).pill().ui(ui)),
                    |ui| kit::icon_button(icons::X, "Close panel").clicked(ui),
                );
                panel::details(cx, ui, event, &mut self.taking_back);
            });
        self.panel = height;
        if close {
            self.selection.clear();
        }
    }
}

struct EventRows<'a> {
    events: &'a [Arc<Event>],
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Rows for EventRows<'_> {
    type Key = u64;

    fn len(&self) -> usize {
        self.events.len()
    }

    fn key(&self, row: usize) -> u64 {
        self.events[row].seq
    }

    fn name(&self, row: usize) -> String {
        let event = &self.events[row];
        format!("{}, {}", event.action, result_words(event))
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let event = &self.events[row];
        match column {
            0 => {
                let at = format::moment(event.at, self.now, self.zone);
                kit::cell(ui, &at).on_hover_text(format::utc(event.at));
            }
            1 => drop(kit::cell(ui, &format!("{}, {}", event.caller, event.face))),
            2 => drop(kit::cell_name(ui, &event.action)),
            3 => {
                let response = kit::cell_mono(ui, &concerns(event));
                if event.resources.len() > 1 {
                    response.on_hover_text(event.resources.join("\n"));
                }
            }
            _ => drop(result(event).ui(ui)),
        }
    }
}

/// The first thing that it concerned, whole, and how many others.
fn concerns(event: &Event) -> String {
    match event.resources.as_slice() {
        [] => "–".to_owned(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} +{}", others.len()),
    }
}

impl Cells for EventRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let event = &self.events[row];
        vec![
            event.seq.to_string(),
            format::utc(event.at),
            event.caller.clone(),
            event.face.clone(),
            event.action.clone(),
            event.resources.join(" "),
            result_words(event).to_owned(),
        ]
    }
}

fn result(event: &Event) -> kit::status::Status {
    match &event.outcome {
        Outcome::Allowed => kit::status(Tone::Success, "Done"),
        Outcome::Refused { message, code } => {
            kit::status(Tone::Danger, message).because(code.as_str())
        }
    }
}

fn result_words(event: &Event) -> &str {
    match &event.outcome {
        Outcome::Allowed => "Done",
        Outcome::Refused { message, .. } => message,
    }
}

/// Whether an event has every word of the filter; `user:`, `name:`, `face:`, `concerns:` and
/// `result:` say where.
fn passes(words: &str, event: &Event) -> bool {
    let concerns = event.resources.join(" ");
    let code = match &event.outcome {
        Outcome::Allowed => "",
        Outcome::Refused { code, .. } => code.as_str(),
    };
    let result = format!("{} {code}", result_words(event));
    filter::passes(
        words,
        &[
            ("user", &event.caller),
            ("name", &event.action),
            ("face", &event.face),
            ("concerns", &concerns),
            ("result", &result),
        ],
    )
}

/// Writes the events that are shown into a file that the person chooses.
fn save(cx: &mut Context<'_>, shown: Arc<[Arc<Event>]>, has_older: bool) {
    let files = Arc::clone(cx.files);
    let mut work = Work::default();
    work.start(cx.backend.spawn(async move {
        let target = files.choose_target("Export events", "gatehouse-events.json");
        let Some(path) = target.await else {
            return Ok("Nothing was saved".to_owned());
        };
        let events: Vec<_> = shown.iter().map(|event| shape::event(event)).collect();
        let text = format!("{:#}\n", serde_json::json!({ "Events": events }));
        files::write_private(&path, text.as_bytes())?;
        let count = plural(events.len(), "event was", "events were");
        let older = match has_older {
            true => "; older ones are not loaded, and not in it",
            false => "",
        };
        Ok(format!("{count} saved to {}{older}", path.display()))
    }));
    cx.ask(Action::Follow(work.saying(|words| words)));
}
