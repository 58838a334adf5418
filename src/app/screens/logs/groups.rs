//! Log groups, and the streams of the one that is selected.

use egui::{Key, Panel, Ui};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    app::{
        backend::Work,
        context::Context,
        dialogs::{
            confirm::Confirm,
            log_group::{CreateLogGroup, CreateLogStream, SetRetention, kept_for},
        },
        format,
        kit::{self, Rows, Selection, column, icons, rest_column, tokens},
        screens::listing::{self, Cells},
    },
    model::{
        Answer, Command, Endpoint, LogGroup, LogStream, Snapshot,
        command::{DescribeLogGroups, DescribeLogStreams, LogGroupName, LogStreamName},
    },
};

/// What is listed and selected.
pub(super) struct GroupList {
    selection: Selection<String>,
    streams: Selection<String>,
    /// As the service counts them now, with the change that they are as of.
    counted: Vec<LogGroup>,
    counting: Work<Answer>,
    of_selected: Vec<LogStream>,
    looking: Work<Answer>,
    as_of: Option<(u64, Option<String>)>,
    height: f32,
}

impl Default for GroupList {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            streams: Selection::default(),
            counted: Vec::new(),
            counting: Work::default(),
            of_selected: Vec::new(),
            looking: Work::default(),
            as_of: None,
            height: 280.0,
        }
    }
}

/// What a person asks for.
enum Act {
    Show,
    Retention,
    Delete,
}

impl GroupList {
    /// Draws the groups, and below them the streams of the selected one; the group and stream whose
    /// events are to be shown.
    pub(super) fn ui(
        &mut self,
        cx: &mut Context<'_>,
        ui: &mut Ui,
    ) -> Option<(String, Option<String>)> {
        let view = std::sync::Arc::clone(cx.view);
        let snapshot = &view.snapshot;
        self.look(cx, snapshot);
        let mut shown = None;
        let selected = self.selection.single().cloned();
        if let Some(group) = selected.filter(|name| snapshot.log_groups.contains_key(name)) {
            shown = self.panel(cx, ui, snapshot, &group);
        }
        let shown = self.list(cx, ui, snapshot).or(shown);
        self.keys(cx, ui, snapshot);
        shown
    }

    /// Keys of the page, those for streams where one is selected.
    fn keys(&mut self, cx: &mut Context<'_>, ui: &Ui, snapshot: &Snapshot) {
        let group = self.selection.single();
        let group = group.filter(|name| snapshot.log_groups.contains_key(*name));
        if let Some(group) = group
            && cx.key(ui, Key::Delete)
        {
            match (self.streams.is_empty(), self.streams.single()) {
                (true, _) => delete_group(cx, group),
                (_, Some(stream)) => delete_stream(cx, group, stream),
                // Streams are deleted one by one.
                (_, None) => {}
            }
        }
        if cx.key(ui, Key::Escape) {
            match self.streams.is_empty() {
                true => self.selection.clear(),
                false => self.streams.clear(),
            }
        }
    }

    /// Counts again when something changed, or another group is selected.
    fn look(&mut self, cx: &Context<'_>, snapshot: &Snapshot) {
        let groups = &snapshot.log_groups;
        self.selection.retain(|name| groups.contains_key(name));
        let as_of = (snapshot.seq, self.selection.single().cloned());
        if self.as_of.as_ref() != Some(&as_of) {
            let command = Command::DescribeLogGroups(DescribeLogGroups::default());
            self.counting.start(cx.backend.call(command));
            if self
                .as_of
                .as_ref()
                .is_some_and(|before| before.1 != as_of.1)
            {
                // Another group may have streams of the same names.
                self.streams.clear();
                self.of_selected.clear();
            }
            if let Some(group) = &as_of.1 {
                let command = Command::DescribeLogStreams(DescribeLogStreams {
                    log_group_name: group.clone(),
                    log_stream_name_prefix: None,
                });
                self.looking.start(cx.backend.call(command));
            }
            self.as_of = Some(as_of);
        }
        // What cannot be counted now is shown as it is known.
        if let Some(Ok(Answer::LogGroups(groups))) = self.counting.poll() {
            self.counted = groups;
        }
        match self.looking.poll() {
            Some(Ok(Answer::LogStreams(streams))) => {
                let is_there = |name: &String| streams.iter().any(|it| it.name == *name);
                self.streams.retain(is_there);
                self.of_selected = streams;
            }
            Some(_) => self.of_selected.clear(),
            None => {}
        }
    }

    fn list(
        &mut self,
        cx: &mut Context<'_>,
        ui: &mut Ui,
        snapshot: &Snapshot,
    ) -> Option<(String, Option<String>)> {
        let columns = [
            column("Log group", 300.0).unsorted(),
            column("Keeps events", 130.0).unsorted(),
            column("Stored", 100.0).right().unsorted(),
            column("Created", 150.0).unsorted(),
            rest_column("Endpoints that log there").unsorted(),
        ];
        let mut rows = GroupRows {
            groups: snapshot.log_groups.values().collect(),
            counted: &self.counted,
            snapshot,
            now: cx.now,
            zone: cx.zone,
            act: None,
        };
        let out = kit::table("Log groups", &columns, &mut self.selection)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut rows);
        // The key is the panel's where that has rows selected.
        if self.streams.is_empty() {
            listing::copy_selected(cx, ui, &self.selection, &rows);
        }
        if let Some(name) = out.opened {
            return Some((name, None));
        }
        match rows.act? {
            (Act::Show, group) => return Some((group.name.clone(), None)),
            (Act::Retention, group) => cx.open(SetRetention::new(group)),
            (Act::Delete, group) => delete_group(cx, &group.name),
        }
        None
    }

    fn panel(
        &mut self,
        cx: &mut Context<'_>,
        ui: &mut Ui,
        snapshot: &Snapshot,
        group: &str,
    ) -> Option<(String, Option<String>)> {
        let room = ui.available_height();
        let mut height = self.height;
        let (mut close, mut shown) = (false, None);
        Panel::bottom("log group panel")
            .resizable(false)
            .show_separator_line(false)
            .exact_size(height.min(room - 120.0).max(180.0))
            .frame(egui::Frame::new().fill(tokens(ui).raised))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::ZERO;
                kit::split_handle(ui, "Height of the log group panel", &mut height, room);
                close = kit::panel_head(
                    ui,
                    group,
                    |ui| drop(kit::weak(ui, "Log streams")),
                    |ui| {
                        let close = kit::icon_button(icons::X, "Close panel").clicked(ui);
                        let delete = kit::button("Delete log group…").icon(icons::TRASH);
                        if delete.quiet_danger().clicked(ui) {
                            delete_group(cx, group);
                        }
                        let keep = kit::button("Set retention…").icon(icons::TIMER);
                        let of = snapshot.log_groups.get(group);
                        if let (true, Some(of)) = (keep.clicked(ui), of) {
                            cx.open(SetRetention::new(of));
                        }
                        let create = kit::button("Create log stream…").icon(icons::PLUS);
                        if create.clicked(ui) {
                            cx.open(CreateLogStream::new(group));
                        }
                        close
                    },
                );
                shown = self.stream_list(cx, ui, group);
            });
        self.height = height;
        if close {
            self.selection.clear();
        }
        shown.map(|stream| (group.to_owned(), Some(stream)))
    }

    fn stream_list(&mut self, cx: &mut Context<'_>, ui: &mut Ui, group: &str) -> Option<String> {
        if self.of_selected.is_empty() {
            if self.looking.is_running() {
                return None;
            }
            let body = "An endpoint that logs to the group makes one, or create one by hand.";
            kit::empty(ui, "No log streams yet", body, "");
            return None;
        }
        let columns = [
            column("Log stream", 420.0).unsorted(),
            column("First event", 150.0).unsorted(),
            rest_column("Last event").unsorted(),
        ];
        let mut rows = StreamRows {
            streams: &self.of_selected,
            now: cx.now,
            zone: cx.zone,
            shown: None,
            deleted: None,
        };
        let out = kit::table("Log streams", &columns, &mut self.streams)
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut rows);
        listing::copy_selected(cx, ui, &self.streams, &rows);
        let (shown, deleted) = (rows.shown, rows.deleted);
        if let Some(stream) = deleted {
            delete_stream(cx, group, &stream);
        }
        shown.or(out.opened)
    }
}

fn delete_stream(cx: &mut Context<'_>, group: &str, stream: &str) {
    let command = Command::DeleteLogStream(LogStreamName {
        log_group_name: group.to_owned(),
        log_stream_name: stream.to_owned(),
    });
    let title = format!("Delete {stream}?");
    let done = format!("{stream} deleted");
    let dialog = Confirm::new(title, "Delete log stream", command, done);
    cx.open(dialog.body("Its events go with it and cannot be brought back."));
}

fn delete_group(cx: &mut Context<'_>, name: &str) {
    let command = Command::DeleteLogGroup(LogGroupName {
        log_group_name: name.to_owned(),
    });
    let title = format!("Delete {name}?");
    let done = format!("{name} deleted");
    let dialog = Confirm::new(title, "Delete log group", command, done);
    let body = "Its streams and events go with it and cannot be brought back.";
    cx.open(dialog.body(body).typed_name(name));
}

/// Opens the dialog that makes a group.
pub(super) fn create(cx: &mut Context<'_>) {
    cx.open(CreateLogGroup::default());
}

struct GroupRows<'a> {
    groups: Vec<&'a LogGroup>,
    counted: &'a [LogGroup],
    snapshot: &'a Snapshot,
    now: Timestamp,
    zone: &'a TimeZone,
    act: Option<(Act, &'a LogGroup)>,
}

impl GroupRows<'_> {
    fn stored(&self, group: &LogGroup) -> u64 {
        let counted = self.counted.iter().find(|it| it.name == group.name);
        counted.unwrap_or(group).stored_bytes
    }

    /// The endpoints that write to it, by name.
    fn writers(&self, group: &LogGroup) -> String {
        let endpoints = self.snapshot.endpoints.values();
        let writes = endpoints.filter(|it| {
            let log = it.connection_log.as_ref();
            log.is_some_and(|log| log.group == group.name)
        });
        writes.map(Endpoint::title).collect::<Vec<_>>().join(", ")
    }
}

impl Cells for GroupRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let group = self.groups[row];
        vec![
            group.name.clone(),
            kept_for(group.retention_days),
            format::bytes(self.stored(group)),
            format::utc(group.created_at),
            self.writers(group),
        ]
    }
}

impl Rows for GroupRows<'_> {
    type Key = String;

    fn len(&self) -> usize {
        self.groups.len()
    }

    fn key(&self, row: usize) -> String {
        self.groups[row].name.clone()
    }

    fn name(&self, row: usize) -> String {
        let group = self.groups[row];
        format!(
            "{}, keeps events: {}",
            group.name,
            kept_for(group.retention_days)
        )
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let group = self.groups[row];
        match column {
            0 => drop(kit::cell_name(ui, &group.name)),
            1 => drop(kit::cell(ui, &kept_for(group.retention_days))),
            2 => drop(kit::cell(ui, &format::bytes(self.stored(group)))),
            3 => drop(kit::cell(
                ui,
                &format::moment(group.created_at, self.now, self.zone),
            )),
            _ => match self.writers(group).as_str() {
                "" => drop(kit::cell_weak(ui, "None")),
                names => drop(kit::cell(ui, names)),
            },
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let group = self.groups[row];
        if kit::menu_item("Show events")
            .icon(icons::SCROLL)
            .clicked(ui)
        {
            self.act = Some((Act::Show, group));
        }
        if kit::menu_item("Set retention…")
            .icon(icons::TIMER)
            .clicked(ui)
        {
            self.act = Some((Act::Retention, group));
        }
        if kit::menu_item("Copy name").icon(icons::COPY).clicked(ui) {
            ui.ctx().copy_text(group.name.clone());
        }
        let delete = kit::menu_item("Delete log group…").icon(icons::TRASH);
        if delete.shortcut("Del").danger().clicked(ui) {
            self.act = Some((Act::Delete, group));
        }
    }
}

struct StreamRows<'a> {
    streams: &'a [LogStream],
    now: Timestamp,
    zone: &'a TimeZone,
    shown: Option<String>,
    deleted: Option<String>,
}

impl Cells for StreamRows<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        let stream = &self.streams[row];
        let at = |at: Option<Timestamp>| at.map_or_else(String::new, format::utc);
        vec![
            stream.name.clone(),
            at(stream.first_event_at),
            at(stream.last_event_at),
        ]
    }
}

impl Rows for StreamRows<'_> {
    type Key = String;

    fn len(&self) -> usize {
        self.streams.len()
    }

    fn key(&self, row: usize) -> String {
        self.streams[row].name.clone()
    }

    fn name(&self, row: usize) -> String {
        self.streams[row].name.clone()
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let stream = &self.streams[row];
        let at = match column {
            0 => {
                kit::cell_copyable(ui, "log stream", &stream.name);
                return;
            }
            1 => stream.first_event_at,
            _ => stream.last_event_at,
        };
        match at {
            Some(at) => drop(kit::cell(ui, &format::moment(at, self.now, self.zone))),
            None => drop(kit::cell_weak(ui, "None yet")),
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        let name = &self.streams[row].name;
        if kit::menu_item("Show events")
            .icon(icons::SCROLL)
            .clicked(ui)
        {
            self.shown = Some(name.clone());
        }
        let delete = kit::menu_item("Delete log stream…").icon(icons::TRASH);
        if delete.shortcut("Del").danger().clicked(ui) {
            self.deleted = Some(name.clone());
        }
    }
}
