//! A sparkline: the last minutes of one number, newest at the right, scaled to itself.

use egui::{
    Align2, Mesh, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::{text::Face, tokens::tokens};

/// Draws `values` in a box of `width`×`height`; grey and unfilled when `stale`.
///
/// `name` is what a screen reader says, with the figure ("Throughput 38.2 Mbit/s").
pub fn sparkline(
    ui: &mut Ui,
    name: &str,
    values: &[f32],
    width: f32,
    height: f32,
    stale: bool,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::GraphicsSymbol, true, name));
    if ui.is_rect_visible(rect) {
        paint(ui, rect, values, stale);
    }
    response
}

/// Room for a figure such as "38.2 Mbit/s", so that the lines of a column are of one length.
const FIGURE: f32 = 70.0;

/// A sparkline and its figure in a table cell.
pub fn cell_sparkline(
    ui: &mut Ui,
    name: &str,
    values: &[f32],
    figure: &str,
    stale: bool,
) -> Response {
    let t = tokens(ui);
    let words = super::paint::width(ui, figure, Face::BODY).ceil();
    let room = ui.available_width();
    let figure_room = words.max(FIGURE);
    let line = (room - figure_room - 4.0).clamp(0.0, 76.0);
    let (rect, response) = ui.allocate_exact_size(vec2(room, 18.0), Sense::hover());
    let said = format!("{name} {figure}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    if ui.is_rect_visible(rect) {
        if line > 20.0 {
            let spot = Rect::from_min_size(rect.min, vec2(line, 18.0));
            paint(ui, spot, values, stale);
        }
        let end = pos2(
            rect.left() + (line + 4.0 + figure_room).min(room),
            rect.center().y,
        );
        let color = if stale { t.weak } else { t.text };
        let p = ui.painter();
        super::paint::line_within(
            p,
            end,
            Align2::RIGHT_CENTER,
            figure,
            Face::BODY,
            color,
            room,
        );
    }
    response
}

fn paint(ui: &Ui, rect: Rect, values: &[f32], stale: bool) {
    let t = tokens(ui);
    let color = if stale { t.weak } else { t.series[0] };
    let points = points(rect.shrink2(vec2(2.0, 1.0)), values);
    let p = ui.painter();
    if !stale && points.len() > 1 {
        let mut mesh = Mesh::default();
        for q in &points {
            // The fill fades from 28 % under a peak to 2 % at the ground.
            let how_high = (rect.bottom() - q.y) / rect.height();
            mesh.colored_vertex(*q, color.gamma_multiply(0.26 * how_high + 0.02));
            mesh.colored_vertex(pos2(q.x, rect.bottom()), color.gamma_multiply(0.02));
        }
        for i in 0..points.len() as u32 - 1 {
            mesh.add_triangle(2 * i, 2 * i + 1, 2 * i + 2);
            mesh.add_triangle(2 * i + 1, 2 * i + 2, 2 * i + 3);
        }
        p.add(Shape::mesh(mesh));
    }
    if let Some(newest) = points.last() {
        p.circle_filled(*newest, 2.0, color);
    }
    p.line(points, Stroke::new(1.25, color));
}

/// Where each value goes: the largest touches the top; a number that is none counts as zero.
fn points(rect: Rect, values: &[f32]) -> Vec<Pos2> {
    let finite = |v: &f32| if v.is_finite() { v.max(0.0) } else { 0.0 };
    let top = values.iter().map(finite).fold(f32::MIN_POSITIVE, f32::max);
    let steps = values.len().saturating_sub(1).max(1) as f32;
    values
        .iter()
        .enumerate()
        .map(|(i, v)| {
            let x = rect.left() + rect.width() * i as f32 / steps;
            let y = rect.bottom() - (rect.height() - 1.0) * finite(v) / top;
            pos2(x, y)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_touches_the_top_and_zero_the_ground() {
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(60.0, 21.0));
        let points = points(rect, &[0.0, 5.0, 10.0]);
        assert_eq!(points[0], pos2(0.0, 21.0));
        assert_eq!(points[1], pos2(30.0, 11.0));
        assert_eq!(points[2], pos2(60.0, 1.0));
    }

    #[test]
    fn no_value_one_value_and_no_number_are_drawn_without_harm() {
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(60.0, 21.0));
        assert!(points(rect, &[]).is_empty());
        assert_eq!(points(rect, &[3.0]).len(), 1);
        let odd = points(rect, &[f32::NAN, f32::INFINITY, -1.0, 2.0]);
        assert!(odd.iter().all(|q| rect.expand(0.1).contains(*q)), "{odd:?}");
    }
}
