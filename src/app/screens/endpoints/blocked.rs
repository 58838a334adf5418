//! Who is kept out of an endpoint for a while, on the tab Connections.

use std::{collections::HashSet, sync::Arc, time::Duration};

use egui::Ui;

use crate::{
    app::{
        context::{Action, Context, OneOf},
        format,
        kit::{self, Column, Rows, Selection, column, icons, rest_column},
        screens::{
            filter,
            listing::{self, Cells, remove_words},
        },
    },
    model::{ClientBlock, Command, Endpoint, Snapshot, command::UnblockClient},
};

const COLUMNS: [Column<'static>; 3] = [
    column("Common name", 180.0).unsorted(),
    column("Kept out for", 130.0).unsorted(),
    rest_column("Until").unsorted(),
];

/// The list.
#[derive(Default)]
pub(super) struct Blocked {
    pub(super) selection: Selection<String>,
    /// Those that pass the filter.
    rows: Vec<Row>,
    /// The configuration, the filter and the second that they were read in.
    looked: Option<(Arc<Snapshot>, String, i64)>,
}

/// One client as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    left: String,
    until: String,
    utc: String,
}

impl Row {
    fn of(block: &ClientBlock, cx: &Context<'_>) -> Self {
        Self {
            name: block.common_name.clone(),
            left: format::duration(cx.now, block.until),
            until: format::moment(block.until, cx.now, cx.zone),
            utc: format::utc(block.until),
        }
    }

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.left.clone(), self.utc.clone()]
    }
}

/// How many are kept out.
pub(super) fn count(snapshot: &Snapshot, endpoint: &Endpoint, now: jiff::Timestamp) -> usize {
    let blocks = snapshot.blocks.iter();
    let own = blocks.filter(|it| it.endpoint_id == endpoint.id && it.until > now);
    own.count()
}

/// Those whose time is not over yet, who comes in first.
fn of<'s>(
    snapshot: &'s Snapshot,
    endpoint: &Endpoint,
    now: jiff::Timestamp,
) -> Vec<&'s ClientBlock> {
    let blocks = snapshot.blocks.iter();
    let mut blocks: Vec<_> = blocks
        .filter(|block| block.endpoint_id == endpoint.id && block.until > now)
        .collect();
    blocks.sort_by(|a, b| (a.until, &a.common_name).cmp(&(b.until, &b.common_name)));
    blocks
}

impl Blocked {
    /// Reads who is kept out and passes the filter.
    pub(super) fn look(&mut self, cx: &Context<'_>, endpoint: &Endpoint, words: &str) {
        let (snapshot, second) = (&cx.view.snapshot, cx.now.as_second());
        let is_same = |(of, text, at): &(Arc<Snapshot>, String, i64)| {
            Arc::ptr_eq(of, snapshot) && text == words && *at == second
        };
        if self.looked.as_ref().is_some_and(is_same) {
            return;
        }
        self.looked = Some((Arc::clone(snapshot), words.to_owned(), second));
        let blocks = of(snapshot, endpoint, cx.now);
        let names: HashSet<&str> = blocks.iter().map(|it| it.common_name.as_str()).collect();
        self.selection.retain(|name| names.contains(name.as_str()));
        let rows = blocks.iter().map(|block| Row::of(block, cx));
        let rows = rows.filter(|row| filter::passes(words, &[("name", &row.name)]));
        self.rows = rows.collect();
    }

    /// Whether nobody passes the filter.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many are shown, how many of them are selected, and how many are that the filter hides.
    pub(super) fn counts(&self) -> (usize, [usize; 2]) {
        let selected = self.chosen().count();
        let hidden = self.selection.len() - selected;
        (self.rows.len(), [selected, hidden])
    }

    fn chosen(&self) -> impl Iterator<Item = &Row> {
        let rows = self.rows.iter();
        rows.filter(|row| self.selection.contains(&row.name))
    }

    /// The button that lets the selected in again.
    pub(super) fn button(&self, cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
        let names: Vec<&str> = self.chosen().map(|row| row.name.as_str()).collect();
        let words = unblock_words(names.len());
        let off = names
            .is_empty()
            .then_some("Select the clients to let in again first");
        let button = kit::button(&words).icon(icons::SIGN_OUT);
        if button.disabled_because(off).clicked(ui) {
            unblock(cx, endpoint, &names);
        }
    }

    pub(super) fn ui(&mut self, cx: &mut Context<'_>, endpoint: &Endpoint, ui: &mut Ui) {
        if self.rows.is_empty() {
            let body = "Terminate Connection can keep a client out for a while; it is here then.";
            kit::empty(ui, "Nobody is kept out", body, "");
            return;
        }
        ui.ctx().request_repaint_after(Duration::from_secs(1));
        let mut drawn = Drawn {
            rows: &self.rows,
            unblock: None,
        };
        kit::table("Blocked clients", &COLUMNS, &mut self.selection)
            .checkboxes()
            .comfortable(cx.prefs.comfortable)
            .show(ui, &mut drawn);
        listing::copy_selected(cx, ui, &self.selection, &drawn);
        if let Some(name) = drawn.unblock {
            unblock(cx, endpoint, &[&name]);
        }
    }
}

fn unblock_words(count: usize) -> String {
    remove_words(count, "Unblock", "Unblock", "clients")
}

/// Lets clients in again, several of them as one act.
fn unblock(cx: &mut Context<'_>, endpoint: &Endpoint, names: &[&str]) {
    let command = |name: &str| {
        Command::UnblockClient(UnblockClient {
            client_vpn_endpoint_id: endpoint.id.to_string(),
            common_name: name.to_owned(),
        })
    };
    if let [name] = names {
        let done = format!("{name} may connect again");
        cx.run(command(name), done, None);
        return;
    }
    let changes = names.iter().map(|name| OneOf {
        label: (*name).to_owned(),
        command: command(name),
        undo: None,
    });
    cx.ask(Action::RunAll {
        act: unblock_words(names.len()),
        changes: changes.collect(),
    });
}

struct Drawn<'a> {
    rows: &'a [Row],
    unblock: Option<String>,
}

impl Cells for Drawn<'_> {
    fn cells(&self, row: usize) -> Vec<String> {
        self.rows[row].cells()
    }
}

impl Rows for Drawn<'_> {
    type Key = String;

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, row: usize) -> String {
        self.rows[row].name.clone()
    }

    fn name(&self, row: usize) -> String {
        let row = &self.rows[row];
        format!("{}, kept out for {}", row.name, row.left)
    }

    fn cell(&mut self, ui: &mut Ui, row: usize, column: usize) {
        let row = &self.rows[row];
        match column {
            0 => drop(kit::cell_name(ui, &row.name)),
            1 => drop(kit::cell(ui, &row.left)),
            _ => drop(kit::cell(ui, &row.until).on_hover_text(&row.utc)),
        }
    }

    fn has_menu(&self) -> bool {
        true
    }

    fn menu(&mut self, ui: &mut Ui, row: usize) {
        if kit::menu_item("Unblock").icon(icons::SIGN_OUT).clicked(ui) {
            self.unblock = Some(self.rows[row].name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;
    use jiff::SignedDuration;

    use crate::{
        app::{
            context::EndpointTab,
            testing::{FakeConsole, Window, now, sample},
        },
        model::{ClientBlock, Command, Snapshot},
    };

    fn block(endpoint: u8, name: &str, minutes: i64) -> ClientBlock {
        ClientBlock {
            endpoint_id: sample::endpoint_id(endpoint),
            common_name: name.to_owned(),
            until: now() + SignedDuration::from_mins(minutes),
        }
    }

    fn open(change: impl FnOnce(&mut Snapshot)) -> Window {
        let (mut snapshot, live) = sample::office();
        change(&mut snapshot);
        let mut window = Window::open(FakeConsole::new(snapshot, live));
        window.show_endpoint(1, Some(EndpointTab::Connections));
        window
    }

    #[test]
    fn who_is_kept_out_is_listed_with_the_time_left_and_let_in_again() {
        let mut window = open(|snapshot| {
            snapshot.blocks = vec![
                block(1, "b.castro", 45),
                block(1, "z.past", -1),
                block(2, "other.endpoint", 45),
            ];
        });
        window.click("Blocked 1");
        assert!(window.says("b.castro, kept out for 45 m"));
        assert!(!window.says("z.past") && !window.says("other.endpoint"));
        window.click("Select b.castro");
        window.press("Unblock");
        let sent = window.console.commands();
        assert!(
            matches!(&sent[..], [Command::UnblockClient(it)]
                if it.common_name == "b.castro"
                && it.client_vpn_endpoint_id == sample::endpoint_id(1).to_string()),
            "{sent:?}"
        );
        assert!(window.says("b.castro may connect again"));
        window.console.change(|snapshot, _| snapshot.blocks.clear());
        window.settle();
        window.harness.get_by_label("Nobody is kept out");
    }

    #[test]
    fn where_nobody_is_kept_out_there_is_nothing_to_look_at() {
        let window = open(|_| ());
        assert!(window.harness.query_by_label("Blocked 0").is_none());
    }
}
