//! Tabs of a panel or page.

use egui::{Align2, Id, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{
    choice, paint, status,
    text::Face,
    tokens::{size, tokens},
};

/// One tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab<'a, T> {
    value: T,
    label: &'a str,
    count: Option<usize>,
}

impl<'a, T> Tab<'a, T> {
    /// A tab with its words.
    pub const fn new(value: T, label: &'a str) -> Self {
        Self {
            value,
            label,
            count: None,
        }
    }

    /// How many things it holds, in a pill.
    #[must_use]
    pub const fn count(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }
}

/// The tabs of a panel: under its head, on the panel's left edge, over a line.
pub fn panel_tabs<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    all: &[Tab<'_, T>],
) -> bool {
    let row = ui.horizontal(|ui| {
        ui.add_space(10.0);
        tabs(ui, name, value, all)
    });
    let y = ui.cursor().top().round() - 0.5;
    let line = egui::Stroke::new(1.0, tokens(ui).line);
    ui.painter().hline(ui.max_rect().x_range(), y, line);
    row.inner
}

/// A row of tabs; arrows move, Tab enters and leaves. True when another tab was chosen.
pub fn tabs<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    tabs: &[Tab<'_, T>],
) -> bool {
    let counts: Vec<String> = tabs
        .iter()
        .map(|tab| tab.count.map_or_else(String::new, |n| n.to_string()))
        .collect();
    let widths: Vec<f32> = tabs
        .iter()
        .zip(&counts)
        .map(|(tab, count)| tab_width(ui, tab.label, count))
        .collect();
    let (row, group) = ui.allocate_exact_size(vec2(widths.iter().sum(), size::TAB), Sense::hover());
    group.widget_info(|| WidgetInfo::labeled(Role::TabList, true, name));
    let ids: Vec<Id> = (0..tabs.len()).map(|i| group.id.with(("tab", i))).collect();
    let before = tabs.iter().position(|tab| tab.value == *value);
    let mut current = choice::roving(ui, &ids, before).or(before);
    let shown = current;
    let mut x = row.left();
    for (index, ((tab, count), width)) in tabs.iter().zip(&counts).zip(&widths).enumerate() {
        let rect = Rect::from_min_size(pos2(x, row.top()), vec2(*width, size::TAB));
        x += width;
        let Some(id) = ids.get(index) else { continue };
        let is_current = shown == Some(index);
        let sense = choice::roving_sense(is_current || shown.is_none(), ui.is_enabled());
        let response = ui.interact(rect, *id, sense);
        response.widget_info(|| {
            WidgetInfo::selected(Role::Tab, ui.is_enabled(), is_current, tab.label)
        });
        response.ctx.accesskit_node_builder(response.id, |node| {
            node.set_selected(is_current);
            if !count.is_empty() {
                node.set_description(count.as_str());
            }
        });
        paint_tab(ui, rect, tab.label, count, is_current, &response);
        if response.clicked() {
            current = Some(index);
        }
    }
    choice::choose(value, tabs.iter().map(|tab| &tab.value), before, current)
}

// Measured in the weight of the current tab, so that choosing one moves none.
fn tab_width(ui: &Ui, label: &str, count: &str) -> f32 {
    let pill = if count.is_empty() {
        0.0
    } else {
        status::counter_width(ui, count) + 6.0
    };
    (paint::width(ui, label, Face::CURRENT) + pill + 20.0).round()
}

fn paint_tab(ui: &Ui, rect: Rect, label: &str, count: &str, is_current: bool, response: &Response) {
    let t = tokens(ui);
    let p = ui.painter();
    let (face, color) = match is_current {
        true => (Face::CURRENT, t.strong),
        false if response.hovered() => (Face::LABEL, t.text),
        false => (Face::LABEL, t.weak),
    };
    let at = pos2(rect.left() + 10.0, rect.center().y);
    paint::line(p, at, Align2::LEFT_CENTER, label, face, color);
    if !count.is_empty() {
        let width = status::counter_width(ui, count);
        let right = pos2(rect.right() - 10.0 - width, rect.center().y - 8.0);
        let pill = Rect::from_min_size(right, vec2(width, 16.0)).round();
        let (ground, color) = if is_current {
            (t.selected, t.link)
        } else {
            (t.mute, t.weak)
        };
        status::paint_counter(ui, pill, count, ground, color);
    }
    if is_current {
        let from = pos2(rect.left() + 10.0, rect.bottom() - 2.0);
        p.rect_filled(
            Rect::from_min_max(from, pos2(rect.right() - 10.0, rect.bottom())),
            1,
            t.link,
        );
    }
    if response.has_focus() {
        paint::focus_ring_inside(p, rect.shrink2(vec2(2.0, 4.0)), 6, t);
    }
}

#[cfg(test)]
mod tests {
    use egui::Key;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::app::kit::testing::harness;

    #[test]
    fn tabs_change_by_click_and_by_arrow() {
        let mut h = harness("summary", |ui, value| {
            let all = [
                Tab::new("summary", "Summary"),
                Tab::new("rules", "Authorization").count(6),
                Tab::new("routes", "Route Table").count(5),
            ];
            tabs(ui, "Endpoint", value, &all);
        });
        h.get_by_label("Authorization").click();
        h.run();
        assert_eq!(*h.state(), "rules");
        h.get_by_label("Authorization").focus();
        h.run();
        h.key_press(Key::ArrowRight);
        h.run();
        assert_eq!(*h.state(), "routes");
        h.key_press(Key::ArrowRight);
        h.run();
        assert_eq!(*h.state(), "routes", "the last tab stays");
        h.key_press(Key::Home);
        h.run();
        assert_eq!(*h.state(), "summary");
        let node = h.get_by_label("Summary");
        assert!(node.is_focused());
        assert_eq!(node.accesskit_node().is_selected(), Some(true));
    }
}
