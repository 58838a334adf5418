//! Who did what, when, with what result.

use egui::{Key, Panel, Ui};
use jiff::{Timestamp, tz::TimeZone};

use super::Page;
use crate::{
    app::{
        backend::Work,
        context::Context,
        format,
        kit::{self, Rows, Selection, Tone, Value, column, icons, rest_column, tokens},
    },
    model::{Answer, Command, Event, Outcome, command::LookupEvents},
};

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
            kind: Kind::All,
            selection: Selection::default(),
            panel: 300.0,
        }
    }
}

/// Which events are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    Allowed,
    Refused,
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
            self.ask(cx);
        }
        match self.looking.poll() {
            None => {}
            Some(Ok(Answer::Events(page))) => {
                self.trouble = None;
                self.events = page.events;
            }
            Some(Ok(_)) => self.trouble = Some("The gateway answered something else.".to_owned()),
            Some(Err(refusal)) => self.trouble = Some(refusal.message),
        }
    }

    fn ask(&mut self, cx: &Context<'_>) {
        self.seq = Some(cx.view.snapshot.seq);
        let command = Command::LookupEvents(LookupEvents {
            max_results: Some(MOST),
            ..LookupEvents::default()
        });
        self.looking.start(cx.backend.call(command));
    }

    fn passes(&self, event: &Event) -> bool {
        let kind = match self.kind {
            Kind::All => true,
            Kind::Allowed => event.outcome == Outcome::Allowed,
            Kind::Refused => event.outcome != Outcome::Allowed,
        };
        let words = self.filter.trim().to_lowercase();
        kind && (words.is_empty() || haystack(event).contains(&words))
    }

    fn list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, shown: &[&Event], all: usize) {
        let count = all.to_string();
        let again = kit::page_head(ui, "Event history", &count, "", |ui| {
            kit::button("Refresh")
                .icon(icons::ARROW_COUNTER_CLOCKWISE)
                .working(self.looking.is_running())
                .hint("F5")
                .clicked(ui)
        });
        if again {
            self.ask(cx);
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
        if all == 0 {
            let body = "Each command will be listed here, with who gave it, through which face, and how it ended.";
            kit::empty(ui, "Nothing was done yet", body, "");
            return;
        }
        let find = cx.shortcut(ui, Key::F);
        let words = format!("{} of {count}", shown.len());
        kit::toolbar(
            ui,
            |ui| {
                kit::search_field(&mut self.filter, "Filter events")
                    .hint("Filter, for example CreateVpc")
                    .keys("Ctrl F")
                    .width(320.0)
                    .focus(find)
                    .ui(ui);
                ui.add_space(8.0);
                let kinds = [
                    (Kind::All, "All"),
                    (Kind::Allowed, "Carried out"),
                    (Kind::Refused, "Refused"),
                ];
                kit::segmented(ui, "Result", &mut self.kind, &kinds);
            },
            |ui| kit::weak(ui, &words),
        );
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

    fn split_panel(&mut self, cx: &Context<'_>, ui: &mut Ui, event: &Event) {
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
                details(cx, ui, event);
            });
        self.panel = height;
        if close {
            self.selection.clear();
        }
    }
}

fn details(cx: &Context<'_>, ui: &mut Ui, event: &Event) {
    let at = format::moment(event.at, cx.now, cx.zone);
    let utc = format::utc(event.at);
    let concerns = event.resources.join(", ");
    let number = event.seq.to_string();
    let mut rows = vec![
        ("Time", Value::Text(&at)),
        ("In UTC", Value::Text(&utc)),
        ("Who", Value::Text(&event.caller)),
        ("Through", Value::Text(&event.face)),
        ("Number", Value::Text(&number)),
        ("Concerns", Value::Mono(&concerns)),
    ];
    let code;
    if let Outcome::Refused { code: why, .. } = &event.outcome {
        code = why.as_str();
        rows.push(("Error code", Value::Mono(code)));
    }
    let asked = serde_json::to_string_pretty(&event.parameters).unwrap_or_default();
    egui::ScrollArea::vertical()
        .id_salt("event details")
        .auto_shrink(false)
        .show(ui, |ui| {
            egui::Frame::new()
                .inner_margin(egui::Margin::symmetric(20, 8))
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 8.0;
                    if let Outcome::Refused { message, .. } = &event.outcome {
                        kit::banner(Tone::Danger, message).ui(ui);
                    }
                    kit::key_values(ui, &rows);
                    kit::group_label(ui, "What was asked, without secrets");
                    for line in asked.lines() {
                        kit::mono(ui, line);
                    }
                });
        });
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

/// All words of an event that a filter may mean.
fn haystack(event: &Event) -> String {
    let mut words = format!("{} {} {}", event.action, event.caller, event.face);
    for resource in &event.resources {
        words.push(' ');
        words.push_str(resource);
    }
    words.push(' ');
    words.push_str(result_words(event));
    words.to_lowercase()
}
