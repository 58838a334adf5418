//! What stands in the place of a table that has no rows: what lacks, with the button at each line.

use egui::{
    Align, Align2, Frame, Layout, Margin, Rect, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use super::{
    button::button,
    icons, paint,
    text::{Face, panel_title},
    tokens::{radius, space, tokens},
};

/// One line of a checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is needed ("Target network").
    pub label: &'a str,
    /// Whether it is there.
    pub done: bool,
    /// The button that brings it.
    pub action: &'a str,
}

/// A card on its ground with an edge.
pub fn card<R>(ui: &mut Ui, margin: i8, add: impl FnOnce(&mut Ui) -> R) -> R {
    let t = tokens(ui);
    let edge = if t.dark { t.line } else { t.border };
    Frame::new()
        .fill(t.card())
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(radius::CARD)
        .inner_margin(Margin::same(margin))
        .show(ui, add)
        .inner
}

/// What still lacks, the next step primary, the others secondary; the index of the one chosen.
pub fn checklist(ui: &mut Ui, title: &str, steps: &[Step<'_>]) -> Option<usize> {
    let next = steps.iter().position(|step| !step.done);
    card(ui, 16, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 0.0;
        panel_title(ui, title);
        ui.add_space(10.0);
        let mut chosen = None;
        for (index, step) in steps.iter().enumerate() {
            if line(ui, step, next == Some(index)) {
                chosen = Some(index);
            }
        }
        chosen
    })
}

fn line(ui: &mut Ui, step: &Step<'_>, is_next: bool) -> bool {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, step.label));
    let state = if step.done { "Done" } else { "Not yet" };
    paint::describe(&response, state);
    let p = ui.painter();
    let mark = pos2(rect.left() + 9.0, rect.center().y);
    if step.done {
        paint::icon_fill(p, mark, icons::CHECK_CIRCLE, 17.0, t.success);
    } else {
        paint::icon(p, mark, icons::CIRCLE, 17.0, t.weak);
    }
    let color = if step.done { t.weak } else { t.strong };
    let at = pos2(rect.left() + 26.0, rect.center().y);
    paint::line(p, at, Align2::LEFT_CENTER, step.label, Face::LABEL, color);
    if step.done || step.action.is_empty() {
        return false;
    }
    let action = button(step.action);
    let action = if is_next { action.primary() } else { action };
    action.clicked(&mut at_end(ui, rect))
}

fn at_end(ui: &mut Ui, rect: Rect) -> Ui {
    let layout = Layout::right_to_left(Align::Center);
    ui.new_child(UiBuilder::new().max_rect(rect).layout(layout))
}

/// Nothing here, in one sentence, and the button that changes that; true when it was pressed.
pub fn empty(ui: &mut Ui, title: &str, body: &str, action: &str) -> bool {
    ui.vertical_centered(|ui| {
        ui.spacing_mut().item_spacing.y = space::CONTROL;
        ui.add_space(32.0);
        panel_title(ui, title);
        if !body.is_empty() {
            super::text::help(ui, body);
        }
        let pressed = !action.is_empty() && {
            ui.add_space(4.0);
            button(action).clicked(ui)
        };
        ui.add_space(32.0);
        pressed
    })
    .inner
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::kit::testing::harness;

    #[test]
    fn each_missing_line_has_its_button_and_a_done_one_has_none() {
        let mut h = harness(None, |ui, chosen| {
            let steps = [
                Step {
                    label: "Server certificate and client CA",
                    done: true,
                    action: "Create",
                },
                Step {
                    label: "Target network",
                    done: false,
                    action: "Associate",
                },
                Step {
                    label: "Authorization rule",
                    done: false,
                    action: "Authorize ingress",
                },
            ];
            *chosen = checklist(ui, "lab-lisbon cannot take clients yet", &steps).or(*chosen);
        });
        assert!(h.query_by_label("Create").is_none());
        h.get_by_label("Authorize ingress").click();
        h.run();
        assert_eq!(*h.state(), Some(2));
        h.get_by_label("Associate").click();
        h.run();
        assert_eq!(*h.state(), Some(1));
    }

    #[test]
    fn an_empty_place_offers_its_one_act() {
        let mut h = harness(false, |ui, pressed| {
            *pressed |= empty(
                ui,
                "No certificates yet",
                "Issue one, or import what you have.",
                "Import…",
            );
        });
        h.get_by_label("Import…").click();
        h.run();
        assert!(*h.state());
    }
}
