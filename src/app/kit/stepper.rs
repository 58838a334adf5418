//! The steps of Getting Started, and the path from clients to the target network that lights up.

use egui::{
    Align2, Color32, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::{
    icons, paint,
    text::{Face, weight},
    tokens::{font, radius, tokens},
};

/// How far a step or a part of the path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not yet.
    Ahead,
    /// Being done now.
    Now,
    /// Done.
    Done,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepItem<'a> {
    /// Its name.
    pub title: &'a str,
    /// What it is for, or once done, what came of it.
    pub detail: &'a str,
    /// How far it is.
    pub progress: Progress,
}

const STEP: f32 = 64.0;

/// The steps below each other; the index of a done one that was chosen, to go back to.
pub fn stepper(ui: &mut Ui, steps: &[StepItem<'_>]) -> Option<usize> {
    let mut chosen = None;
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (index, step) in steps.iter().enumerate() {
            let last = index + 1 == steps.len();
            if one_step(ui, index, step, last).clicked() {
                chosen = Some(index);
            }
        }
    });
    chosen
}

fn one_step(ui: &mut Ui, index: usize, step: &StepItem<'_>, last: bool) -> Response {
    let t = tokens(ui);
    let back = step.progress == Progress::Done;
    let height = if last { 54.0 } else { STEP };
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, paint::click_if(back));
    let now = step.progress == Progress::Now;
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, back || now, step.title));
    response.ctx.accesskit_node_builder(response.id, |node| {
        node.set_description(step.detail);
        if now {
            node.set_aria_current(egui::accesskit::AriaCurrent::Step);
        }
    });
    let card = Rect::from_min_size(rect.min, vec2(rect.width(), 54.0)).round();
    let p = ui.painter();
    if now {
        p.rect_filled(card, radius::CARD, t.selected);
    } else if back && response.hovered() {
        p.rect_filled(card, radius::CARD, t.hover);
    }
    let center = pos2(rect.left() + 22.0, card.center().y);
    let line = if back { t.success } else { t.border };
    if !last {
        let y = (center.y + 15.0)..=(center.y + STEP - 15.0);
        p.vline(center.x.round(), y, Stroke::new(1.5, line));
    }
    badge(ui, center, index, step.progress);
    let at = pos2(rect.left() + 44.0, card.top() + 18.0);
    let room = rect.width() - 52.0;
    let color = if step.progress == Progress::Ahead {
        t.text
    } else {
        t.strong
    };
    paint::line_within(
        p,
        at,
        Align2::LEFT_CENTER,
        step.title,
        Face::NAME,
        color,
        room,
    );
    let at = pos2(at.x, card.top() + 37.0);
    paint::line_within(
        p,
        at,
        Align2::LEFT_CENTER,
        step.detail,
        Face::HELP,
        t.weak,
        room,
    );
    if response.has_focus() {
        paint::focus_ring_inside(p, card, radius::CARD, t);
    }
    response
}

fn badge(ui: &Ui, center: egui::Pos2, index: usize, progress: Progress) {
    let t = tokens(ui);
    let p = ui.painter();
    let face = Face::new(font::BODY, weight::CURRENT);
    match progress {
        Progress::Done => paint::icon_fill(p, center, icons::CHECK_CIRCLE, 26.0, t.success),
        Progress::Now => {
            p.circle_filled(center, 11.0, t.accent);
            let number = (index + 1).to_string();
            paint::line(p, center, Align2::CENTER_CENTER, &number, face, t.on_fill);
        }
        Progress::Ahead => {
            p.circle(
                center,
                11.0,
                Color32::TRANSPARENT,
                Stroke::new(1.5, t.border_strong),
            );
            let number = (index + 1).to_string();
            paint::line(p, center, Align2::CENTER_CENTER, &number, face, t.weak);
        }
    }
}

/// One end or the middle of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathNode<'a> {
    /// Its icon.
    pub icon: &'a str,
    /// Its name.
    pub title: &'a str,
    /// Its address, in mono.
    pub value: &'a str,
    /// How far it is.
    pub progress: Progress,
}

/// A part of the path between two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathLink<'a> {
    /// A word on it ("this step").
    pub label: &'a str,
    /// How far it is: dashed, in the link colour, in success.
    pub progress: Progress,
}

/// Clients, gateway and target network with the links between them, on a well of 122.
///
/// `links` are one fewer than `nodes`.
pub fn path_diagram(ui: &mut Ui, nodes: &[PathNode<'_>], links: &[PathLink<'_>]) -> Response {
    let t = tokens(ui);
    let size = vec2(ui.available_width(), 122.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Figure, true, path_words(nodes, links)));
    let rect = rect.round();
    paint::boxed(
        ui.painter(),
        rect,
        radius::CARD,
        t.canvas,
        Stroke::new(1.0, t.border),
    );
    let ends = rect.shrink2(vec2((rect.width() * 0.146).max(60.0), 0.0));
    let gaps = nodes.len().saturating_sub(1).max(1) as f32;
    let x = |i: usize| (ends.left() + ends.width() * i as f32 / gaps).round();
    for (i, link) in links.iter().enumerate().take(nodes.len().saturating_sub(1)) {
        draw_link(ui, x(i) + 34.0, x(i + 1) - 34.0, rect.top() + 36.0, link);
    }
    for (i, node) in nodes.iter().enumerate() {
        draw_node(ui, pos2(x(i), rect.top() + 36.0), node);
    }
    response
}

/// The path as a sentence for those who cannot see it.
fn path_words(nodes: &[PathNode<'_>], links: &[PathLink<'_>]) -> String {
    let mut said = String::from("Path");
    for (i, node) in nodes.iter().enumerate() {
        said.push_str(if i == 0 { ": " } else { ", " });
        said.push_str(node.title);
        if let Some(link) = links.get(i).filter(|_| i + 1 < nodes.len()) {
            said.push_str(match link.progress {
                Progress::Ahead => ", not yet connected to",
                Progress::Now => ", being connected to",
                Progress::Done => ", connected to",
            });
        }
    }
    said
}

fn draw_link(ui: &Ui, from: f32, to: f32, y: f32, link: &PathLink<'_>) {
    let t = tokens(ui);
    let p = ui.painter();
    let color = match link.progress {
        Progress::Ahead => t.weak,
        Progress::Now => t.link,
        Progress::Done => t.success,
    };
    let (a, b) = (pos2(from, y), pos2(to, y));
    if link.progress == Progress::Ahead {
        p.extend(Shape::dashed_line(
            &[a, b],
            Stroke::new(1.5, color),
            5.0,
            4.0,
        ));
    } else {
        p.line_segment([a, b], Stroke::new(2.0, color));
    }
    let at = pos2((from + to) / 2.0, y - 13.0);
    paint::line(p, at, Align2::CENTER_CENTER, link.label, Face::SMALL, color);
}

fn draw_node(ui: &Ui, center: egui::Pos2, node: &PathNode<'_>) {
    let t = tokens(ui);
    let p = ui.painter();
    let (fill, edge, icon) = match node.progress {
        Progress::Ahead => (t.card(), t.border, t.text),
        Progress::Now => (t.selected, t.link, t.link),
        Progress::Done => (t.success_bg, t.success, t.success),
    };
    let tile = Rect::from_center_size(center, vec2(48.0, 48.0)).round();
    paint::boxed(p, tile, radius::CARD, fill, Stroke::new(1.5, edge));
    paint::icon(p, center, node.icon, 24.0, icon);
    let at = center + vec2(0.0, 39.0);
    paint::line(
        p,
        at,
        Align2::CENTER_CENTER,
        node.title,
        Face::CURRENT,
        t.strong,
    );
    let at = center + vec2(0.0, 58.0);
    paint::line(p, at, Align2::CENTER_CENTER, node.value, Face::MONO, t.weak);
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::kit::testing::harness;

    #[test]
    fn a_done_step_leads_back_and_one_ahead_does_not() {
        let mut h = harness(None, |ui, chosen| {
            ui.set_width(244.0);
            let steps = [
                StepItem {
                    title: "Certificates",
                    detail: "CA and server certificate made",
                    progress: Progress::Done,
                },
                StepItem {
                    title: "Target network",
                    detail: "Choose what clients may reach",
                    progress: Progress::Now,
                },
                StepItem {
                    title: "Authorization",
                    detail: "Decide who may reach it",
                    progress: Progress::Ahead,
                },
            ];
            *chosen = stepper(ui, &steps).or(*chosen);
        });
        h.get_by_label("Authorization").click();
        h.run();
        assert_eq!(*h.state(), None);
        h.get_by_label("Certificates").click();
        h.run();
        assert_eq!(*h.state(), Some(0));
    }

    #[test]
    fn the_path_is_said_in_words() {
        let node = |title| PathNode {
            icon: icons::LAPTOP,
            title,
            value: "",
            progress: Progress::Done,
        };
        let link = |progress| PathLink {
            label: "",
            progress,
        };
        let said = path_words(
            &[node("Clients"), node("corp-staff"), node("Target network")],
            &[link(Progress::Ahead), link(Progress::Done)],
        );
        assert_eq!(
            said,
            "Path: Clients, not yet connected to, corp-staff, connected to, Target network"
        );
    }
}
