//! A banner at the top of the page it concerns.

use egui::{Align, Layout, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::{
    button::button,
    paint,
    status::Tone,
    text::{Face, words},
    tokens::{radius, tokens},
};

/// A banner being described; ends with [`Banner::ui`].
#[derive(Debug)]
#[must_use = "a banner is added with `ui`"]
pub struct Banner<'a> {
    tone: Tone,
    title: &'a str,
    body: &'a str,
    action: &'a str,
    icon: Option<&'a str>,
}

/// A banner with a title.
pub const fn banner(tone: Tone, title: &str) -> Banner<'_> {
    Banner {
        tone,
        title,
        body: "",
        action: "",
        icon: None,
    }
}

impl<'a> Banner<'a> {
    /// One line more.
    pub const fn body(mut self, body: &'a str) -> Self {
        self.body = body;
        self
    }

    /// Another icon than the tone's, such as for what is waited for.
    pub const fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// The words of its button.
    pub const fn action(mut self, action: &'a str) -> Self {
        self.action = action;
        self
    }

    /// Adds it; true when its button was pressed.
    pub fn ui(self, ui: &mut Ui) -> bool {
        let t = tokens(ui);
        let width = ui.available_width();
        let action = if self.action.is_empty() {
            0.0
        } else {
            paint::width(ui, self.action, Face::LABEL) + 40.0
        };
        let room = (width - 44.0 - action).max(80.0);
        let galley = ui.painter().layout_job(self.job(ui, room));
        let height = (galley.size().y + 18.0).max(38.0).round();
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        let rect = rect.round();
        let said = if self.body.is_empty() {
            self.title.to_owned()
        } else {
            format!("{}. {}", self.title, self.body)
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &said));
        let color = self.tone.color(t);
        let edge = Stroke::new(1.0, color.gamma_multiply(0.35));
        paint::boxed(ui.painter(), rect, radius::CARD, self.tone.ground(t), edge);
        let mark = pos2(rect.left() + 20.0, rect.top() + 19.0);
        match self.icon {
            Some(icon) => paint::icon(ui.painter(), mark, icon, 16.0, color),
            None => self.tone.paint(ui, mark, 16.0),
        }
        let at = pos2(rect.left() + 36.0, rect.center().y - galley.size().y / 2.0);
        ui.painter().galley(at.round(), galley, t.text);
        if self.action.is_empty() {
            return false;
        }
        let inner = UiBuilder::new()
            .max_rect(rect.shrink2(vec2(8.0, 5.0)))
            .layout(Layout::right_to_left(Align::Center));
        button(self.action).clicked(&mut ui.new_child(inner))
    }

    /// Title and line beside each other where they fit, else below each other.
    fn job(&self, ui: &Ui, room: f32) -> egui::text::LayoutJob {
        let t = tokens(ui);
        let title = words().add(self.title, Face::CURRENT, t.strong);
        if self.body.is_empty() {
            return title.wrapped(room);
        }
        let both = paint::width(ui, self.title, Face::CURRENT)
            + 8.0
            + paint::width(ui, self.body, Face::BODY);
        if both < room {
            title
                .after(8.0, self.body, Face::BODY, t.text)
                .wrapped(room)
        } else {
            title
                .add("\n", Face::BODY, t.text)
                .add(self.body, Face::BODY, t.text)
                .wrapped(room)
        }
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::Queryable as _;

    use super::*;
    use crate::app::kit::testing::harness;

    #[test]
    fn a_banner_says_all_of_it_and_its_button_works() {
        let mut h = harness(false, |ui, renewed| {
            *renewed |= banner(Tone::Warning, "Revocation list runs out in 6 days")
                .body("Clients are refused once it has.")
                .action("Renew")
                .ui(ui);
        });
        h.get_by_label("Revocation list runs out in 6 days. Clients are refused once it has.");
        h.get_by_label("Renew").click();
        h.run();
        assert!(*h.state());
    }
}
