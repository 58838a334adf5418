//! The connection log: who came in, who was turned away and why, and when connections ended.

mod events;
mod export;
mod feed;
mod groups;
mod strangers;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use egui::{Key, Margin, Panel, Rect, Ui};
use jiff::Timestamp;

use self::{
    events::EventRows,
    export::{Export, Kind},
    feed::{Feed, Question, Range, Row},
    groups::GroupList,
};
use super::{Page, listing};
use crate::{
    app::{
        backend::Work,
        context::{Action, Context, Screen},
        format,
        kit::{self, Choice, Selection, Tone, icons, tokens},
        shell::plural,
    },
    model::{Answer, Command, LogStream, View, command::DescribeLogStreams},
};

/// The page.
pub struct Logs {
    part: Part,
    group: Option<String>,
    stream: Option<String>,
    /// The streams of the group that is shown, with its name and the change that they are as of.
    streams: Vec<LogStream>,
    asking: Work<Answer>,
    as_of: Option<(String, u64)>,
    /// The pattern as it is typed.
    typed: String,
    /// When it was changed last and not yet looked for, on the window's clock.
    typed_at: Option<f64>,
    pattern: String,
    range: Range,
    follow: bool,
    feed: Feed,
    selection: Selection<u64>,
    /// Where the events are listed, and whether the newest are out of sight above.
    table: Option<Rect>,
    is_scrolled: bool,
    panel: f32,
    groups: GroupList,
    strangers: Selection<String>,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            part: Part::Events,
            group: None,
            stream: None,
            streams: Vec::new(),
            asking: Work::default(),
            as_of: None,
            typed: String::new(),
            typed_at: None,
            pattern: String::new(),
            range: Range::Day,
            follow: true,
            feed: Feed::default(),
            selection: Selection::default(),
            table: None,
            is_scrolled: false,
            panel: 330.0,
            groups: GroupList::default(),
            strangers: Selection::default(),
        }
    }
}

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Events,
    Groups,
    Strangers,
}

impl Page for Logs {
    fn ui(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        self.head(cx, ui);
        if cx.shortcut(ui, Key::N) {
            groups::create(cx);
        }
        match self.part {
            Part::Strangers => {
                let purpose = "They are counted by where they came from, not logged: nobody answered from there.";
                self.parts(ui, |ui, _| drop(kit::weak(ui, purpose)));
                strangers::list(cx, ui, &mut self.strangers);
                if cx.key(ui, Key::Escape) {
                    self.strangers.clear();
                }
            }
            _ if cx.view.snapshot.log_groups.is_empty() => {
                self.parts(ui, |_, _| ());
                let body = "An endpoint writes to a log group who came in, who was turned away and why. Create one, then switch connection logging on at an endpoint.";
                if kit::empty(ui, "No log groups yet", body, "Create log group…") {
                    groups::create(cx);
                }
            }
            Part::Groups => {
                self.parts(ui, |_, _| ());
                if let Some((group, stream)) = self.groups.ui(cx, ui) {
                    self.part = Part::Events;
                    (self.group, self.stream) = (Some(group), stream);
                }
            }
            Part::Events => self.events(cx, ui),
        }
    }

    fn count(&self, view: &View, _now: Timestamp) -> String {
        match view.snapshot.log_groups.len() {
            0 => String::new(),
            n => n.to_string(),
        }
    }
}

impl Logs {
    fn head(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        let purpose = "Each attempt, and each end of a connection, with what to do about it";
        let has_rows = self.part == Part::Events && !self.feed.rows.is_empty();
        let mut kind = None;
        kit::page_head(ui, Screen::Logs.title(), "", purpose, |ui| {
            let create = kit::button("Create log group…").icon(icons::PLUS);
            if create.primary().clicked(ui) {
                groups::create(cx);
            }
            let off = (!has_rows).then_some("There are no events to export");
            let export = kit::button("Export").icon(icons::DOWNLOAD_SIMPLE).caret();
            kind = export.disabled_because(off).menu(ui, |ui| {
                let json = kit::menu_item("As JSON…").icon(icons::FILE_TEXT);
                let json = json.clicked(ui).then_some(Kind::Json);
                let csv = kit::menu_item("As CSV…").icon(icons::ROWS);
                csv.clicked(ui).then_some(Kind::Csv).or(json)
            });
        });
        if let Some(Some(kind)) = kind {
            let group = self.group.as_deref().unwrap_or("events");
            let export = Export {
                kind,
                rows: self.feed.all(),
                lacks_older: self.feed.lacks_older(),
            };
            export::save(cx, group, export);
        }
    }

    /// The toolbar: what is shown, and what `left` adds.
    fn parts(&mut self, ui: &mut Ui, left: impl FnOnce(&mut Ui, &mut Self)) {
        kit::toolbar(
            ui,
            |ui| {
                let parts = [
                    (Part::Events, "Events"),
                    (Part::Groups, "Log groups"),
                    (Part::Strangers, "Without a record"),
                ];
                kit::segmented(ui, "What is shown", &mut self.part, &parts);
                ui.add_space(8.0);
                left(ui, self);
            },
            |_| (),
        );
    }

    fn events(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        self.choose_group(cx);
        let Some(group) = self.group.clone() else {
            return;
        };
        self.look_for_streams(cx, &group);
        let question = Question {
            group,
            stream: self.stream.clone(),
            pattern: self.pattern.clone(),
            range: self.range,
        };
        if self.feed.is_other(&question) {
            // What is selected may not be among what is found now.
            self.selection.clear();
        }
        let held = self.is_read(ui);
        self.feed.look(cx, ui, question, self.follow, held);
        self.keys(cx, ui);
        let rows = std::mem::take(&mut self.feed.rows);
        let selected = self.selection.single().copied();
        let selected = selected.and_then(|seq| rows.iter().find(|row| row.event.seq == seq));
        if let Some(row) = selected {
            self.details(cx, ui, row);
        }
        self.where_from(cx, ui);
        self.search(cx, ui, rows.len());
        self.list(cx, ui, &rows);
        self.feed.rows = rows;
    }

    /// Whether somebody is at rows that must not move: under the pointer, or further down.
    fn is_read(&self, ui: &Ui) -> bool {
        let table = self.table;
        self.is_scrolled || table.is_some_and(|rect| ui.rect_contains_pointer(rect))
    }

    fn keys(&mut self, cx: &Context<'_>, ui: &Ui) {
        if cx.key(ui, Key::F5) {
            self.feed.refresh();
        }
        if cx.key(ui, Key::Escape) {
            match self.selection.is_empty() {
                true => self.clear_search(),
                false => self.selection.clear(),
            }
        }
    }

    fn clear_search(&mut self) {
        self.typed.clear();
        self.typed_at = None;
        self.pattern.clear();
    }

    /// The first group where none is chosen, or the chosen one is gone.
    fn choose_group(&mut self, cx: &Context<'_>) {
        let groups = &cx.view.snapshot.log_groups;
        let is_there = |name: &String| groups.contains_key(name);
        if !self.group.as_ref().is_some_and(is_there) {
            self.group = groups.keys().next().cloned();
            self.stream = None;
        }
    }

    fn look_for_streams(&mut self, cx: &Context<'_>, group: &str) {
        let as_of = (group.to_owned(), cx.view.snapshot.seq);
        if self.as_of.as_ref() != Some(&as_of) {
            self.as_of = Some(as_of);
            let command = Command::DescribeLogStreams(DescribeLogStreams {
                log_group_name: group.to_owned(),
                log_stream_name_prefix: None,
            });
            self.asking.start(cx.backend.call(command));
        }
        match self.asking.poll() {
            Some(Ok(Answer::LogStreams(streams))) => {
                let is_there = |name: &String| streams.iter().any(|it| it.name == *name);
                self.stream = self.stream.take().filter(is_there);
                self.streams = streams;
            }
            // Its events can be shown all the same.
            Some(_) => self.streams.clear(),
            None => {}
        }
    }

    /// Which group and stream, from when on, and whether new events are followed.
    fn where_from(&mut self, cx: &Context<'_>, ui: &mut Ui) {
        let groups = cx.view.snapshot.log_groups.keys();
        let groups: Vec<_> = groups
            .map(|name| Choice::new(Some(name.clone()), name))
            .collect();
        let streams = self.streams.iter().map(|it| it.name.clone());
        let streams: Vec<_> = [Choice::new(None, "All streams")]
            .into_iter()
            .chain(streams.map(|name| Choice::new(Some(name.clone()), name)))
            .collect();
        // So that the time range stays whole in a narrow window.
        let width = if ui.available_width() < 1000.0 {
            160.0
        } else {
            200.0
        };
        self.parts(ui, |ui, page| {
            let group = kit::select(&mut page.group, &groups).named("Log group");
            if group.width(width).in_toolbar().ui(ui).changed() {
                page.stream = None;
            }
            let stream = kit::select(&mut page.stream, &streams).named("Log stream");
            stream.width(width).in_toolbar().ui(ui);
            ui.add_space(8.0);
            let ranges = [
                (Range::Hour, "1 h"),
                (Range::Day, "24 h"),
                (Range::Week, "7 days"),
                (Range::All, "All"),
            ];
            kit::segmented(ui, "Time range", &mut page.range, &ranges);
        });
    }

    /// The pattern, how much it finds, and whether new events are followed.
    fn search(&mut self, cx: &mut Context<'_>, ui: &mut Ui, found: usize) {
        let find = cx.shortcut(ui, Key::F);
        let said = self.found(found);
        let width = ui.available_width();
        // In a narrow window what is said of the events needs the room.
        let room = if width < 1000.0 { 240.0 } else { 380.0 };
        let mut follow = self.follow;
        // While the first ones still come by themselves, nobody has to ask.
        let loading = self.feed.is_loading_older();
        let is_offered = self.feed.has_older() && (loading || !self.feed.is_looking());
        let full = self.feed.full();
        let older = kit::toolbar(
            ui,
            |ui| {
                self.pattern_field(ui, find, room);
                ui.add_space(8.0);
                let icon = if follow { icons::PAUSE } else { icons::PULSE };
                let button = kit::button("Follow").icon(icon).pressed(follow);
                let hint = "Show new events as they are written. They wait while the pointer is over the list or it is scrolled down.";
                follow ^= button.hint(hint).clicked(ui);
                if follow && self.feed.refusal.is_none() {
                    kit::live(ui, &live_words(self.feed.waiting()));
                }
            },
            |ui| {
                listing::choose_columns(cx, ui, (TABLE, &events::COLUMNS), width);
                kit::weak(ui, &said);
                is_offered
                    && kit::button("Load older events")
                        .disabled_because(full)
                        .working(loading)
                        .clicked(ui)
            },
        );
        self.follow = follow;
        if older {
            self.feed.ask_older();
        }
        self.refusal(ui);
    }

    /// How many events are here, and how many of them are selected.
    fn found(&self, found: usize) -> String {
        let count = format::count(found as u64);
        if self.feed.is_looking() {
            return format!("{count} so far");
        }
        match self.selection.len() {
            0 | 1 => plural(found, "event", "events"),
            n => format!("{} of {count} selected", format::count(n as u64)),
        }
    }

    /// What is looked for: it is asked for once the typing rests.
    fn pattern_field(&mut self, ui: &mut Ui, find: bool, width: f32) {
        let field = kit::search_field(&mut self.typed, "Search events")
            .hint("failed, or { $.common-name = \"ana*\" }")
            .keys("Ctrl F")
            .width(width)
            .focus(find)
            .ui(ui);
        let time = ui.input(|i| i.time);
        if field.changed() {
            self.typed_at = Some(time);
        }
        let rested = self.typed_at.is_some_and(|at| time - at >= REST);
        if rested || (field.lost_focus() && self.typed_at.is_some()) {
            self.typed_at = None;
            self.pattern.clone_from(&self.typed);
        } else if self.typed_at.is_some() {
            let rest = std::time::Duration::from_secs_f64(REST);
            ui.ctx().request_repaint_after(rest);
        }
    }

    /// Why the log, or what is looked for in it, cannot be read.
    fn refusal(&self, ui: &mut Ui) {
        let Some(refusal) = &self.feed.refusal else {
            return;
        };
        egui::Frame::new()
            .inner_margin(Margin::symmetric(20, 4))
            .show(ui, |ui| {
                if refusal.field.as_deref() == Some("filterPattern") {
                    kit::error_line(ui, &refusal.message, None);
                } else {
                    kit::banner(Tone::Danger, "The log cannot be read")
                        .body(&refusal.message)
                        .ui(ui);
                }
            });
    }

    fn list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, rows: &[Arc<Row>]) {
        self.table = Some(ui.available_rect_before_wrap());
        if rows.is_empty() {
            self.is_scrolled = false;
            self.nothing(cx, ui);
            return;
        }
        let shown = cx.prefs.columns_of(TABLE);
        let mut table = EventRows::new(rows, &cx.view.snapshot, cx.now, cx.zone);
        kit::table("Events", &events::COLUMNS, &mut self.selection)
            .chosen(&shown)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut table);
        listing::copy_selected(cx, ui, &self.selection, &table);
        self.is_scrolled = table.is_scrolled();
    }

    /// Why there is nothing to see, and what changes that.
    fn nothing(&mut self, cx: &mut Context<'_>, ui: &mut Ui) {
        if self.feed.is_looking() || self.feed.refusal.is_some() {
            return;
        }
        if !self.pattern.trim().is_empty() {
            let body = "Case counts. Words must all be there; a phrase stands in double quotes.";
            if kit::empty(ui, "No event matches", body, "Clear search") {
                self.clear_search();
            }
            return;
        }
        let group = self.group.as_ref();
        let endpoints = &cx.view.snapshot.endpoints;
        let is_written_to = endpoints.values().any(|it| {
            let log = it.connection_log.as_ref();
            log.is_some_and(|log| Some(&log.group) == group)
        });
        if !is_written_to {
            let body = "No endpoint logs to this group. Switch connection logging on at one.";
            if kit::empty(ui, "Nothing is logged here yet", body, "Go to endpoints") {
                cx.ask(Action::Go(Screen::Endpoints));
            }
        } else if self.range == Range::All {
            let body = "The first client that connects, or tries to, is here.";
            kit::empty(ui, "No events yet", body, "");
        } else if kit::empty(ui, "No events in this time", "", "Show all times") {
            self.range = Range::All;
        }
    }

    fn details(&mut self, cx: &Context<'_>, ui: &mut Ui, row: &Row) {
        let room = ui.available_height();
        let mut height = self.panel;
        let mut close = false;
        let title = match &row.record {
            Some(record) if record.common_name != "NA" => record.common_name.as_str(),
            Some(record) => record.device_ip.as_str(),
            None => "Event",
        };
        Panel::bottom("log event panel")
            .resizable(false)
            .show_separator_line(false)
            .exact_size(height.min(room - 200.0).max(160.0))
            .frame(egui::Frame::new().fill(tokens(ui).raised))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                kit::split_handle(ui, "Height of the event panel", &mut height, room);
                close = kit::panel_head(
                    ui,
                    title,
                    |ui| {
                        if let Some(record) = &row.record {
                            let (tone, word) = events::result(record);
                            drop(kit::status(tone, word).pill().ui(ui));
                        }
                    },
                    |ui| {
                        let close = kit::icon_button(icons::X, "Close panel").clicked(ui);
                        if kit::button("Copy event").icon(icons::COPY).clicked(ui) {
                            ui.ctx().copy_text(row.event.message.clone());
                        }
                        close
                    },
                );
                egui::ScrollArea::vertical()
                    .id_salt("log event details")
                    .auto_shrink(false)
                    .show(ui, |ui| {
                        egui::Frame::new()
                            .inner_margin(Margin::symmetric(20, 8))
                            .show(ui, |ui| {
                                ui.spacing_mut().item_spacing.y = 8.0;
                                events::details(ui, row, cx.now, cx.zone);
                            });
                    });
            });
        self.panel = height;
        if close {
            self.selection.clear();
        }
    }
}

/// What is said beside the search of new events.
fn live_words(waiting: usize) -> String {
    match waiting {
        0 => "Live".to_owned(),
        1 => "Live, 1 new row waits".to_owned(),
        n => format!("Live, {} new rows wait", format::count(n as u64)),
    }
}

/// What the choice of columns goes by.
const TABLE: &str = "Log events";
/// Seconds without typing after which a pattern is looked for.
const REST: f64 = 0.4;
