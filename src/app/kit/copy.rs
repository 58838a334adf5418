//! Copying a value: a small button after it, and the mono value itself.

use egui::{Align2, CursorIcon, Id, Rect, Response, Role, Ui, Vec2, WidgetInfo, pos2, vec2};

use super::{
    icons, paint,
    text::Face,
    tokens::{radius, tokens},
};

/// How long "Copied" stands after the button, in seconds.
const SHOWN: f64 = 1.0;

/// A button that copies `value`; `what` names it ("endpoint ID").
pub fn copy_button(ui: &mut Ui, what: &str, value: &str) -> Response {
    let name = format!("Copy {what}");
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(20.0), paint::click_if(true));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let t = tokens(ui);
    let p = ui.painter();
    if response.hovered() {
        p.rect_filled(rect, radius::TAG, t.hover);
    }
    let color = if response.hovered() { t.strong } else { t.weak };
    let done = copied_lately(ui, response.id);
    let glyph = if done { icons::CHECK } else { icons::COPY };
    paint::icon(
        p,
        rect.center(),
        glyph,
        14.0,
        if done { t.success } else { color },
    );
    if response.has_focus() {
        paint::focus_ring(p, rect, radius::TAG, t);
    }
    if response.clicked() {
        copy(ui, response.id, value);
    }
    response.on_hover_text(name)
}

/// A mono value that copies when clicked, and its copy button; "Copied" stands beside it for 1 s.
pub fn copyable(ui: &mut Ui, what: &str, value: &str) -> Response {
    let t = tokens(ui);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let room = (ui.available_width() - 24.0).max(20.0);
        let width = paint::width(ui, value, Face::MONO).min(room);
        let (rect, text) = ui.allocate_exact_size(vec2(width.ceil(), 20.0), egui::Sense::CLICK);
        let color = if text.hovered() { t.strong } else { t.text };
        text.widget_info(|| WidgetInfo::labeled(Role::Label, true, value));
        paint::line_within(
            ui.painter(),
            rect.left_center(),
            Align2::LEFT_CENTER,
            value,
            Face::MONO,
            color,
            rect.width() + 0.5,
        );
        let button = copy_button(ui, what, value);
        if text.clicked() {
            copy(ui, button.id, value);
        }
        if copied_lately(ui, button.id) {
            copied_tag(ui, &button);
        }
        text.on_hover_cursor(CursorIcon::PointingHand)
    })
    .inner
}

/// A mono value of a table cell; under the pointer a copy button follows it.
///
/// The button is not in the Tab order, where it would stand once per row: by keyboard, the row's
/// menu copies.
pub fn cell_copyable(ui: &mut Ui, what: &str, value: &str) -> Response {
    let cell = ui.max_rect();
    let response = super::text::cell_mono(ui, value);
    // In the padding after the cell, so that it hides nothing of the value.
    let spot = Rect::from_center_size(pos2(cell.right() + 7.0, cell.center().y), Vec2::splat(18.0));
    let id = ui.scope_id().with(("copy", what));
    if copied_lately(ui, id) {
        let width = (paint::width(ui, "Copied", Face::SMALL) + 12.0).round();
        let left = pos2(cell.right() - width, cell.center().y - 10.0);
        paint_copied(ui, Rect::from_min_size(left, vec2(width, 20.0)).round(), id);
        return response;
    }
    if !ui.rect_contains_pointer(cell.union(spot)) {
        return response;
    }
    let t = tokens(ui);
    let name = format!("Copy {what}");
    let button = ui.interact(spot, id, egui::Sense::CLICK);
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    ui.painter().rect_filled(
        spot,
        radius::TAG,
        if button.hovered() { t.pressed } else { t.hover },
    );
    paint::icon(ui.painter(), spot.center(), icons::COPY, 14.0, t.strong);
    if button.clicked() {
        copy(ui, id, value);
    }
    button.on_hover_text(name);
    response
}

fn copied_tag(ui: &Ui, after: &Response) {
    let width = (paint::width(ui, "Copied", Face::SMALL) + 12.0).round();
    let min = pos2(after.rect.right() + 4.0, after.rect.center().y - 10.0);
    let rect = Rect::from_min_size(min, vec2(width, 20.0)).round();
    // Over what is beside it, not in the flow: nothing moves.
    paint_copied(ui, rect, after.id.with("tag"));
}

fn paint_copied(ui: &Ui, rect: Rect, id: Id) {
    let t = tokens(ui);
    ui.painter().rect_filled(rect, radius::TAG, t.success_bg);
    paint::line(
        ui.painter(),
        rect.center(),
        Align2::CENTER_CENTER,
        "Copied",
        Face::SMALL,
        t.success,
    );
    let response = ui.interact(rect, id.with("tag"), egui::Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, "Copied"));
}

fn copy(ui: &Ui, id: Id, value: &str) {
    ui.ctx().copy_text(value.to_owned());
    let now = ui.input(|i| i.time);
    ui.data_mut(|d| d.insert_temp(id.with("copied"), now));
}

fn copied_lately(ui: &Ui, id: Id) -> bool {
    let Some(at) = ui.data(|d| d.get_temp::<f64>(id.with("copied"))) else {
        return false;
    };
    let left = at + SHOWN - ui.input(|i| i.time);
    if left > 0.0 {
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_secs_f64(left));
    }
    left > 0.0
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::kit::testing::harness;

    fn copied(h: &egui_kittest::Harness<'_, ()>) -> Option<String> {
        h.output()
            .platform_output
            .commands
            .iter()
            .find_map(|c| match c {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            })
    }

    #[test]
    fn button_and_value_both_copy_and_say_so_for_a_second() {
        for label in ["Copy endpoint ID", "cvpn-endpoint-0a1b2c3d4e5f67890"] {
            let mut h = harness((), |ui, ()| {
                ui.horizontal(|ui| copyable(ui, "endpoint ID", "cvpn-endpoint-0a1b2c3d4e5f67890"));
            });
            assert!(h.query_by_label("Copied").is_none());
            h.get_by_label(label).click();
            let mut said = None;
            for _ in 0..4 {
                h.step();
                said = said.or_else(|| copied(&h));
            }
            assert_eq!(
                said.as_deref(),
                Some("cvpn-endpoint-0a1b2c3d4e5f67890"),
                "{label}"
            );
            h.get_by_label("Copied");
            // A step of the harness is a quarter of a second.
            h.run_steps(6);
            assert!(h.query_by_label("Copied").is_none());
        }
    }

    #[test]
    fn a_cell_offers_to_copy_under_the_pointer_only() {
        let mut h = harness((), |ui, ()| {
            ui.set_max_size(vec2(200.0, 28.0));
            cell_copyable(ui, "client IP", "10.20.0.12");
        });
        assert!(h.query_by_label("Copy client IP").is_none());
        h.get_by_label("10.20.0.12").hover();
        h.run();
        h.get_by_label("Copy client IP").click();
        let mut said = None;
        for _ in 0..4 {
            h.step();
            said = said.or_else(|| copied(&h));
        }
        assert_eq!(said.as_deref(), Some("10.20.0.12"));
    }
}
