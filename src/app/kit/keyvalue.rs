//! Key and value: a label column of 140 and the value beside it, two columns from 900 on.

use egui::{Align, Id, Label, Layout, Role, Ui, UiBuilder, WidgetInfo, vec2};

use super::{
    copy, status,
    text::{Face, weight},
    tokens::{font, tokens},
};

const KEY: f32 = 140.0;
const ROW: f32 = 24.0;
/// From this width on the rows stand in two columns.
const TWO_COLUMNS_FROM: f32 = 900.0;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Words; empty ones are shown as –.
    Text(&'a str),
    /// An ID, address or the like, with a copy button.
    Mono(&'a str),
    /// A state as the API spells it.
    State(&'a str),
    /// Words with a link after them; [`key_values`] returns the index of the row.
    Link(&'a str, &'a str),
}

/// Rows of key and value; the index of the row whose link was chosen.
pub fn key_values(ui: &mut Ui, rows: &[(&str, Value<'_>)]) -> Option<usize> {
    let width = ui.available_width();
    let columns = if width >= TWO_COLUMNS_FROM { 2 } else { 1 };
    let column = ((width - 24.0 * (columns as f32 - 1.0)) / columns as f32).floor();
    let lines = rows.len().div_ceil(columns);
    let (rect, _) = ui.allocate_exact_size(vec2(width, ROW * lines as f32), egui::Sense::hover());
    let mut chosen = None;
    for (index, (key, value)) in rows.iter().enumerate() {
        let at = vec2(
            (index / lines) as f32 * (column + 24.0),
            (index % lines) as f32 * ROW,
        );
        let spot = egui::Rect::from_min_size(rect.min + at, vec2(column, ROW));
        let builder = UiBuilder::new()
            .id_salt((index, *key))
            .max_rect(spot)
            .layout(Layout::left_to_right(Align::Center));
        if row(&mut ui.new_child(builder), key, value) {
            chosen = Some(index);
        }
    }
    chosen
}

fn row(ui: &mut Ui, key: &str, value: &Value<'_>) -> bool {
    let t = tokens(ui);
    ui.spacing_mut().item_spacing.x = 0.0;
    let id = key_cell(ui, key);
    let strong = Face::new(font::BODY, weight::NAVIGATION);
    match value {
        Value::Text(words) => {
            let (words, color) = if words.is_empty() {
                ("–", t.weak)
            } else {
                (*words, t.strong)
            };
            let label = Label::new(strong.rich(words, color))
                .selectable(true)
                .truncate();
            ui.add(label).labelled_by(id);
            false
        }
        Value::Mono("") => {
            ui.add(Label::new(strong.rich("–", t.weak)));
            false
        }
        Value::Mono(words) => {
            copy::copyable(ui, &lower_first(key), words);
            false
        }
        Value::State(raw) => {
            status::state(raw).ui(ui);
            false
        }
        Value::Link(words, link) => {
            if !words.is_empty() {
                ui.add(Label::new(strong.rich(*words, t.strong)).truncate());
                ui.add_space(10.0);
            }
            super::button::link(ui, link).clicked()
        }
    }
}

fn key_cell(ui: &mut Ui, key: &str) -> Id {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(KEY, ROW), egui::Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, key));
    let at = rect.left_center();
    super::paint::line_within(
        ui.painter(),
        at,
        egui::Align2::LEFT_CENTER,
        key,
        Face::BODY,
        t.weak,
        KEY - 8.0,
    );
    response.id
}

/// "DNS name" stays, "Endpoint ID" becomes "endpoint ID", to stand in a sentence.
fn lower_first(words: &str) -> String {
    let mut letters = words.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::kit::testing::harness;

    #[test]
    fn keys_stand_in_sentences_with_a_small_letter_unless_they_are_initials() {
        assert_eq!(lower_first("Endpoint ID"), "endpoint ID");
        assert_eq!(lower_first("DNS name"), "DNS name");
        assert_eq!(lower_first(""), "");
    }

    #[test]
    fn rows_are_read_copied_and_followed() {
        let mut h = harness(None, |ui, chosen| {
            let rows = [
                ("DNS name", Value::Mono("vpn.corp.example")),
                ("Description", Value::Text("")),
                ("State", Value::State("pending-associate")),
                (
                    "Server certificate",
                    Value::Link("vpn.corp.example, expires 13 Dec 2026", "Renew"),
                ),
            ];
            *chosen = key_values(ui, &rows).or(*chosen);
        });
        h.get_by_label("Copy DNS name");
        h.get_by_label("Pending associate");
        h.get_by_label("Renew").click();
        h.run();
        assert_eq!(*h.state(), Some(3));
    }
}
