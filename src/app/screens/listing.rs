//! A table of things that are made and taken away, under its two buttons: what every such list of
//! the window has in common.

use std::collections::BTreeSet;

use egui::{Key, Ui};

use super::filter::tab_separated;
use crate::app::{
    context::Context,
    kit::{self, Column, Rows, Selection, icons},
};

/// Rows that can be copied as text.
pub trait Cells: Rows {
    /// The cells of a row as text, for the clipboard.
    fn cells(&self, row: usize) -> Vec<String>;
}

/// A list being described; ends with [`Listing::show`].
#[must_use = "a list is added with `show`"]
pub struct Listing<'a> {
    /// What it lists, unique on its screen.
    pub name: &'a str,
    /// Its columns.
    pub columns: &'a [Column<'a>],
    /// The words of the button that makes one.
    pub create: &'a str,
    /// The words of the button that takes the selected away.
    pub remove: &'a str,
    /// Why the selected cannot be taken away.
    pub off: Option<String>,
    /// What narrows it, where it may be long.
    pub filter: Option<Filter<'a>>,
}

/// What narrows a list.
pub struct Filter<'a> {
    /// What is typed; the rows given are those that pass it.
    pub text: &'a mut String,
    /// What the field is called.
    pub label: &'a str,
    /// What is said where no row passes it.
    pub nothing: &'a str,
    /// It takes the focus now.
    pub focus: bool,
}

/// What a person asks a list for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One more.
    Create,
    /// The selected ones taken away.
    Remove,
}

/// The rows that are selected, once those that are gone are forgotten.
pub fn chosen<'r, T, K>(
    rows: &'r [T],
    selection: &mut Selection<K>,
    key: impl Fn(&T) -> K,
) -> Vec<&'r T>
where
    K: Ord + Clone,
{
    forget_gone(rows, selection, &key);
    chosen_of(rows, selection, key)
}

/// Forgets what is selected and no longer among all rows.
pub fn forget_gone<T, K>(all: &[T], selection: &mut Selection<K>, key: impl Fn(&T) -> K)
where
    K: Ord + Clone,
{
    let there: BTreeSet<K> = all.iter().map(&key).collect();
    selection.retain(|k| there.contains(k));
}

/// Those of the rows shown that are selected: nothing is done with what a filter hides.
pub fn chosen_of<'r, T, K>(
    shown: &'r [T],
    selection: &Selection<K>,
    key: impl Fn(&T) -> K,
) -> Vec<&'r T>
where
    K: Ord + Clone,
{
    let rows = shown.iter();
    rows.filter(|row| selection.contains(&key(row))).collect()
}

/// `3 of 50 rules, 1 selected hidden`, of `all`; the number alone while nothing is filtered.
#[must_use]
pub fn said(all: String, is_filtered: bool, [shown, hidden]: [usize; 2]) -> String {
    match (is_filtered, hidden) {
        (false, _) => all,
        (true, 0) => format!("{shown} of {all}"),
        (true, hidden) => format!("{shown} of {all}, {hidden} selected hidden"),
    }
}

/// What the button that takes the selected away says: their number, where they are several.
#[must_use]
pub fn remove_words(count: usize, one: &str, verb: &str, noun: &str) -> String {
    match count {
        0 | 1 => one.to_owned(),
        n => format!("{verb} {n} {noun}"),
    }
}

impl Listing<'_> {
    /// Adds it; `left` draws what is said of the list, the others are its parts.
    pub fn show<R: Cells>(
        self,
        cx: &Context<'_>,
        ui: &mut Ui,
        selection: &mut Selection<R::Key>,
        rows: &mut R,
        left: impl FnOnce(&mut Ui),
    ) -> Option<Asked> {
        let may_remove = self.off.is_none();
        let by_key = may_remove && !selection.is_empty() && cx.key(ui, Key::Delete);
        let mut asked = by_key.then_some(Asked::Remove);
        let mut filter = self.filter;
        let filtered = |ui: &mut Ui| {
            if let Some(filter) = &mut filter {
                kit::search_field(filter.text, filter.label)
                    .hint("Filter")
                    .keys("Ctrl F")
                    .width(200.0)
                    .focus(filter.focus)
                    .ui(ui);
            }
            left(ui);
        };
        kit::panel_toolbar(ui, filtered, |ui| {
            if kit::button(self.create).icon(icons::PLUS).clicked(ui) {
                asked = Some(Asked::Create);
            }
            let remove = kit::button(self.remove).quiet_danger();
            if remove.disabled_because(self.off.as_deref()).clicked(ui) {
                asked = Some(Asked::Remove);
            }
        });
        if rows.len() == 0
            && let Some(filter) = filter
        {
            nothing_passes(ui, filter.nothing, filter.text);
            return asked;
        }
        kit::table(self.name, self.columns, selection)
            .checkboxes()
            .comfortable(cx.prefs.comfortable)
            .show(ui, rows);
        copy_selected(cx, ui, selection, rows);
        asked
    }
}

/// Says that no row passes the filter, with the button that clears it.
pub fn nothing_passes(ui: &mut Ui, title: &str, filter: &mut String) {
    if kit::empty(ui, title, "", "Clear filter") {
        filter.clear();
    }
}

/// The button that opens the choice of columns of `table`, which is `width` points wide.
pub fn choose_columns(
    cx: &mut Context<'_>,
    ui: &mut Ui,
    (table, columns): (&str, &[Column<'_>]),
    width: f32,
) {
    let mut chosen = cx.prefs.columns_of(table);
    if kit::column_menu(ui, columns, &mut chosen, width) {
        cx.prefs.columns.insert(table.to_owned(), chosen);
    }
}

/// Copies the selected rows, where that is asked for.
pub fn copy_selected<R: Cells>(cx: &Context<'_>, ui: &Ui, selection: &Selection<R::Key>, rows: &R) {
    if selection.is_empty() || !copied(cx, ui) {
        return;
    }
    let chosen = (0..rows.len()).filter(|row| rows.is_selected(*row, selection));
    let text = tab_separated(chosen.map(|row| rows.cells(row)));
    // What is selected may not pass the filter; what is on the clipboard stays then.
    if !text.is_empty() {
        ui.ctx().copy_text(text);
    }
}

/// Whether rows are to be copied: Ctrl C outside of text, not under a dialog.
fn copied(cx: &Context<'_>, ui: &Ui) -> bool {
    !cx.covered
        && !ui.ctx().text_edit_focused()
        && ui.input(|i| i.events.iter().any(|e| matches!(e, egui::Event::Copy)))
}
