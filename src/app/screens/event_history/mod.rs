//! Who did what, when, with what result.

use egui::{Key, Panel, Ui};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use self::undo::TakingBack;
pub use self::undo::UndoLast;
use super::{Page, filter};
use crate::{
    api::shape,
    app::{
        backend::Work,
        context::{Action, Context},
        files, format,
        kit::{self, Rows, Selection, Tone, column, icons, rest_column, tokens},
    },
    model::{Answer, Command, Event, Outcome, command::LookupEvents},
};

mod panel;
#[cfg(test)]
mod tests;
mod undo;

/// Events asked for at once, newest first: the most the service gives.
const MOST: u32 = 1000;

/// The page.
pub struct EventHistory {
    events: Vec<Event>,
    looking: Work<Answer>,
    /// The change that the events are as of.
    seq: Option<u64>,
    /// The pass it was drawn in last, to look again when the page is come back to.
    drawn: u64,
    trouble: Option<String>,
    filter: String,
    kind: Kind,
    age: Age,
    /// Where older events begin, if there are any.
    older: Option<String>,
    /// The page that is asked for goes on from the one before.
    adds: bool,
    taking_back: TakingBack,
    selection: Selection<u64>,
    panel: f32,
}

impl Default for EventHistory {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            looking: Work::default(),
            seq: None,
            drawn: 0,
            trouble: None,
            filter: String::new(),
            kind: Kind::Changes,
            age: Age::Any,
            older: None,
            adds: false,
            taking_back: TakingBack::default(),
            selection: Selection::default(),
            panel: 300.0,
        }
    }
}

/// Which events are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Without what was only looked at.
    Changes,
    Refused,
    All,
}

/// How far back events are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Any,
    Hour,
    Day,
    Week,
}

impl Age {
    /// The time that events are shown from.
    fn since(self, now: Timestamp) -> Option<Timestamp> {
        let hours = match self {
            Self::Any => return None,
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
        };
        now.checked_sub(SignedDuration::from_hours(hours)).ok()
    }
}

impl Page for EventHistory {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        self.look(cx, ui);
        let events = std::mem::take(&mut self.events);
        let shown: Vec<&Event> = events.iter().filter(|e| self.passes(e)).collect();
        let selected = self.selection.single().copied();
        if let Some(event) = selected.and_then(|seq| shown.iter().find(|e| e.seq == seq)) {
            self.split_panel(cx, ui, event);
        }
        self.list(cx, ui, &shown, events.len());
        self.events = events;
    }
}

impl EventHistory {
    /// Asks again when something changed, when the page is come back to, and on F5.
    fn look(&mut self, cx: &Context<'_>, ui: &Ui) {
        let pass = ui.ctx().cumulative_pass_nr();
        let back = pass > self.drawn + 2;
        self.drawn = pass;
        let seq = cx.view.snapshot.seq;
        let wanted = back || self.seq != Some(seq) || cx.key(ui, Key::F5);
        if wanted && !self.looking.is_running() {
            self.ask(cx, None);
        }
        match self.looking.poll() {
            None => {}
            Some(Ok(Answer::Events(page))) => {
                self.trouble = None;
                self.older = page.next_token;
                match self.adds {
                    true => self.events.extend(page.events),
                    false => self.events = page.events,
                }
            }
            Some(Ok(_)) => self.trouble = Some("The gateway answered something else.".to_owned()),
            Some(Err(refusal)) => self.trouble = Some(refusal.message),
        }
    }

    /// Asks for the newest events, or for those that follow a page.
    fn ask(&mut self, cx: &Context<'_>, next_token: Option<String>) {
        self.seq = Some(cx.view.snapshot.seq);
        self.adds = next_token.is_some();
        let command = Command::LookupEvents(LookupEvents {
            max_results: Some(MOST),
            start_time: self.age.since(cx.now).map(|at| at.to_string()),
            next_token,
            ..LookupEvents::default()
        });
        self.looking.start(cx.backend.call(command));
    }

    fn passes(&self, event: &Event) -> bool {
        let kind = match self.kind {
            Kind::Changes => !event.read_only,
            Kind::Refused => event.outcome != Outcome::Allowed,
            Kind::All => true,
        };
        kind && passes(&self.filter, event)
    }

    fn list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, shown: &[&Event], all: usize) {
        let count = all.to_string();
        let export = (!shown.is_empty()).then_some(());
        let (again, exports) = kit::page_head(ui, "Event history", &count, "", |ui| {
            let again = kit::button("Refresh")
                .icon(icons::ARROW_COUNTER_CLOCKWISE)
                .working(self.looking.is_running())
                .hint("F5")
                .clicked(ui);
            let exports = kit::button("Export…")
                .disabled_because(export.is_none().then_some("No event is shown"))
                .clicked(ui);
            (again, exports)
        });
        if again {
            self.ask(cx, None);
        }
        if exports {
            save(cx, shown);
        }
        if cx.shortcut(ui, Key::Z) {
            cx.open(UndoLast::default());
        }
        if let Some(trouble) = &self.trouble {
            egui::Frame::new()
                .inner_margin(egui::Margin::symmetric(20, 8))
                .show(ui, |ui| {
                    kit::banner(Tone::Danger, "The record cannot be read")
                        .body(trouble)
                        .ui(ui)
                });
        }
        if all == 0 && self.age == Age::Any {
            let body = "Each command will be listed here, with who gave it, through which face, and how it ended.";
            kit::empty(ui, "Nothing was done yet", body, "");
            return;
        }
        let find = cx.shortcut(ui, Key::F);
        let words = format!("{} of {count}", shown.len());
        let age = self.age;
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
                kit::segmented(ui, "Which events", &mut self.kind, &kinds);
                ui.add_space(8.0);
                let ages = [
                    (Age::Any, "Any time"),
                    (Age::Hour, "Last hour"),
                    (Age::Day, "Last day"),
                    (Age::Week, "Last 7 days"),
                ];
                kit::segmented(ui, "Time", &mut self.age, &ages);
            },
            |ui| {
                let more = self.older.is_some() && kit::button("Show older events").clicked(ui);
                kit::weak(ui, &words);
                more
            },
        );
        if self.age != age {
            self.ask(cx, None);
        } else if older {
            let next = self.older.clone();
            self.ask(cx, next);
        }
        let columns = [
            column("Time", 130.0).unsorted(),
            column("Who", 110.0).unsorted(),
            column("Action", 250.0).unsorted(),
            column("Concerns", 240.0).unsorted(),
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
    events: &'a [&'a Event],
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
        let event = self.events[row];
        format!("{}, {}", event.action, result_words(event))
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let event = self.events[row];
        match column {
            0 => {
                let at = format::moment(event.at, self.now, self.zone);
                kit::cell(ui, &at).on_hover_text(format::utc(event.at));
            }
            1 => drop(kit::cell(ui, &format!("{}, {}", event.caller, event.face))),
            2 => drop(kit::cell_name(ui, &event.action)),
            3 => {
                let words = event.resources.join(", ");
                kit::cell_mono(ui, if words.is_empty() { "–" } else { &words });
            }
            _ => drop(result(event).ui(ui)),
        }
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
fn save(cx: &mut Context<'_>, shown: &[&Event]) {
    let events: Vec<_> = shown.iter().map(|event| shape::event(event)).collect();
    let text = format!("{:#}\n", serde_json::json!({ "Events": events }));
    let files = std::sync::Arc::clone(cx.files);
    let count = shown.len();
    let mut work = Work::default();
    work.start(cx.backend.spawn(async move {
        let target = files.choose_target("Export events", "gatehouse-events.json");
        let Some(path) = target.await else {
            return Ok("Nothing was saved".to_owned());
        };
        files::write_private(&path, text.as_bytes())?;
        Ok(format!("{count} events were saved to {}", path.display()))
    }));
    cx.ask(Action::Follow(work.saying(|words| words)));
}
