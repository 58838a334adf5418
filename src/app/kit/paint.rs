//! What several widgets paint alike: text, icons, focus ring, spinner.

use egui::{
    Align2, Color32, CornerRadius, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui,
    Vec2,
    epaint::TextShape,
    text::{LayoutJob, TextWrapping},
};

use super::{fonts, text, tokens::Tokens};

/// Paints one line of text anchored at `pos` and says where it went.
pub(super) fn line(
    p: &Painter,
    pos: Pos2,
    anchor: Align2,
    words: &str,
    style: text::Face,
    color: Color32,
) -> Rect {
    let job = LayoutJob::single_section(words.to_owned(), style.format(color));
    placed(p, pos, anchor, job, color)
}

/// Like [`line()`], cut with an ellipsis at `width`.
pub(super) fn line_within(
    p: &Painter,
    pos: Pos2,
    anchor: Align2,
    words: &str,
    style: text::Face,
    color: Color32,
    width: f32,
) -> Rect {
    let mut job = LayoutJob::single_section(words.to_owned(), style.format(color));
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
    placed(p, pos, anchor, job, color)
}

fn placed(p: &Painter, pos: Pos2, anchor: Align2, job: LayoutJob, color: Color32) -> Rect {
    let galley = p.layout_job(job);
    let rect = anchor.anchor_size(pos, galley.size());
    p.add(TextShape::new(rect.min, galley, color));
    rect
}

/// Width of one line of text.
pub(super) fn width(ui: &Ui, words: &str, style: text::Face) -> f32 {
    if words.is_empty() {
        return 0.0;
    }
    let job = LayoutJob::single_section(words.to_owned(), style.format(Color32::PLACEHOLDER));
    ui.painter().layout_job(job).size().x
}

/// An outlined icon centred on a point.
pub(super) fn icon(p: &Painter, center: Pos2, icon: &str, size: f32, color: Color32) {
    p.text(
        center,
        Align2::CENTER_CENTER,
        icon,
        fonts::icon(size),
        color,
    );
}

/// A filled icon centred on a point.
pub(super) fn icon_fill(p: &Painter, center: Pos2, icon: &str, size: f32, color: Color32) {
    p.text(
        center,
        Align2::CENTER_CENTER,
        icon,
        fonts::icon_fill(size),
        color,
    );
}

/// The focus ring: 2 points wide, drawn 2 outside the shape.
pub(super) fn focus_ring(p: &Painter, rect: Rect, radius: u8, t: &Tokens) {
    let ring = CornerRadius::same(radius.saturating_add(2));
    p.rect_stroke(
        rect.expand(2.0),
        ring,
        Stroke::new(2.0, t.link),
        StrokeKind::Inside,
    );
}

/// The focus ring of something that fills its clip rectangle, drawn inside it.
pub(super) fn focus_ring_inside(p: &Painter, rect: Rect, radius: u8, t: &Tokens) {
    let ring = CornerRadius::same(radius);
    p.rect_stroke(rect, ring, Stroke::new(2.0, t.link), StrokeKind::Inside);
}

/// A filled, edged rectangle whose edge lies inside it, so that columns do not drift.
pub(super) fn boxed(p: &Painter, rect: Rect, radius: u8, fill: Color32, edge: Stroke) {
    p.rect(
        rect,
        CornerRadius::same(radius),
        fill,
        edge,
        StrokeKind::Inside,
    );
}

/// Something is being done: three quarters of a ring that steps eight times a second.
///
/// Asks for a repaint only while on screen, and stands still when animations are off.
pub(super) fn spinner(ui: &Ui, center: Pos2, size: f32, color: Color32) {
    const STEPS: f32 = 8.0;
    const POINTS: u16 = 18;
    let bounds = Rect::from_center_size(center, Vec2::splat(size));
    if !ui.is_rect_visible(bounds) {
        return;
    }
    let moving = ui.style().animation_time > 0.0;
    let turn = if moving {
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_millis(125));
        let seconds = ui.input(|i| i.time.rem_euclid(1.0)) as f32;
        (seconds * STEPS).floor() / STEPS
    } else {
        0.0
    };
    let radius = size * 0.5 - 1.5;
    let arc = (0..=POINTS)
        .map(|i| {
            let part = f32::from(i) / f32::from(POINTS);
            let angle = (turn + part * 0.78) * std::f32::consts::TAU;
            center + radius * Vec2::angled(angle)
        })
        .collect();
    ui.painter().line(arc, Stroke::new(1.25, color));
}

/// `from` mixed with `to` by how far the pointer's hover has been animated.
pub(super) fn hovered_mix(ui: &Ui, response: &Response, from: Color32, to: Color32) -> Color32 {
    let how_far = ui
        .ctx()
        .animate_bool_responsive(response.id.with("hover"), response.hovered());
    from.lerp_to_gamma(to, how_far)
}

/// Width a caller asked for, or what is left, on whole points.
pub(super) fn width_or_rest(ui: &Ui, wanted: Option<f32>) -> f32 {
    wanted
        .unwrap_or_else(|| ui.available_width())
        .max(1.0)
        .floor()
}

/// Sense of a control: clickable and in the Tab order unless it is off.
pub(super) fn click_if(on: bool) -> Sense {
    if on { Sense::click() } else { Sense::hover() }
}

/// Adds the reason a control is off, or any other longer words, to what a screen reader says.
pub(super) fn describe(response: &Response, words: &str) {
    response
        .ctx
        .accesskit_node_builder(response.id, |node| node.set_description(words));
}
