//! Which columns of a table are shown: as many as fit, unless the person chose.

use std::collections::BTreeMap;

use egui::{Frame, Margin, Ui};
use serde::{Deserialize, Serialize};

use super::{button, choice, icons, table::Column};

/// A person's choice for one table; a column that is not in it leaves when the table is narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnChoice(BTreeMap<String, bool>);

impl ColumnChoice {
    /// Whether the column at `index` is shown in a table that is `width` points wide. The first
    /// always is.
    #[must_use]
    pub fn shows(&self, index: usize, column: &Column<'_>, width: f32) -> bool {
        let chosen = self.0.get(column.title()).copied();
        index == 0 || chosen.unwrap_or(column.leaves_below() <= width)
    }

    fn set(&mut self, title: &str, shown: bool) {
        self.0.insert(title.to_owned(), shown);
    }
}

/// The button that opens the choice of columns, for a table of `width` points; true when the choice
/// is another.
pub fn column_menu(
    ui: &mut Ui,
    columns: &[Column<'_>],
    chosen: &mut ColumnChoice,
    width: f32,
) -> bool {
    let before = chosen.clone();
    button::icon_button(icons::COLUMNS, "Choose columns").menu(ui, |ui| {
        Frame::new()
            .inner_margin(Margin::symmetric(10, 6))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                for (index, column) in columns.iter().enumerate() {
                    let mut on = chosen.shows(index, column, width);
                    ui.add_enabled_ui(index > 0, |ui| {
                        if choice::checkbox(ui, &mut on, column.title()).changed() {
                            chosen.set(column.title(), on);
                        }
                    });
                }
            });
        button::menu_separator(ui);
        let as_at_first = button::menu_item("As many as fit").icon(icons::ARROW_COUNTER_CLOCKWISE);
        let fits = chosen.0.is_empty().then_some("Nothing was chosen");
        if as_at_first.disabled_because(fits).clicked(ui) {
            chosen.0.clear();
        }
    });
    *chosen != before
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::kit::{column, rest_column, testing::harness};

    fn columns() -> [Column<'static>; 3] {
        [
            rest_column("Name"),
            column("State", 80.0),
            column("Tags", 80.0).from_width(1000.0),
        ]
    }

    fn shown(chosen: &ColumnChoice, width: f32) -> Vec<bool> {
        let all = columns();
        let all = all.iter().enumerate();
        all.map(|(index, it)| chosen.shows(index, it, width))
            .collect()
    }

    #[test]
    fn what_was_chosen_goes_before_what_fits_and_the_name_always_stays() {
        let mut chosen = ColumnChoice::default();
        assert_eq!(shown(&chosen, 900.0), [true, true, false]);
        assert_eq!(shown(&chosen, 1000.0), [true, true, true]);
        chosen.set("Name", false);
        chosen.set("State", false);
        chosen.set("Tags", true);
        assert_eq!(shown(&chosen, 900.0), [true, false, true]);
    }

    #[test]
    fn columns_are_chosen_from_a_menu_that_stays_open_and_taken_back_at_once() {
        let mut h = harness(ColumnChoice::default(), |ui, chosen| {
            column_menu(ui, &columns(), chosen, 900.0);
        });
        h.get_by_label("Choose columns").click();
        h.run();
        h.get_by_label("Tags").click();
        h.run();
        h.get_by_label("State").click();
        h.run();
        assert_eq!(shown(h.state(), 900.0), [true, false, true]);
        h.get_by_label("As many as fit").click();
        h.run();
        assert_eq!(*h.state(), ColumnChoice::default());
    }
}
