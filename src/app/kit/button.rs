//! Buttons, links, menus.
//!
//! One primary per view; danger only inside the dialog that asks; quiet danger on pages. A button
//! that is off says why, in its tooltip and to screen readers.

use egui::{
    Align2, Color32, CursorIcon, Key, Popup, PopupCloseBehavior, Rect, Response, Role, Sense,
    Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::{
    icons, paint,
    text::Face,
    tokens::{Tokens, radius, size, space, tokens},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Primary,
    Secondary,
    Ghost,
    Danger,
    QuietDanger,
}

/// A button being described; ends with [`Button::ui`] or [`Button::menu`].
#[derive(Debug)]
#[must_use = "a button is added with `ui` or `menu`"]
pub struct Button<'a> {
    words: &'a str,
    name: &'a str,
    kind: Kind,
    icon: Option<&'a str>,
    caret: bool,
    height: f32,
    width: Option<f32>,
    disabled: Option<&'a str>,
    working: bool,
    hint: Option<&'a str>,
    pressed: bool,
    by_enter: bool,
}

/// A secondary button; the words are a verb and, where not plain, its object.
pub fn button(words: &str) -> Button<'_> {
    Button {
        words,
        name: words,
        kind: Kind::Secondary,
        icon: None,
        caret: false,
        height: size::CONTROL,
        width: None,
        disabled: None,
        working: false,
        hint: None,
        pressed: false,
        by_enter: true,
    }
}

/// A square button with an icon; `name` is its tooltip and accessible name, a verb and its object.
pub fn icon_button<'a>(icon: &'a str, name: &'a str) -> Button<'a> {
    Button {
        icon: Some(icon),
        words: "",
        name,
        kind: Kind::Ghost,
        hint: Some(name),
        ..button("")
    }
}

impl<'a> Button<'a> {
    /// The one filled button of a view.
    pub const fn primary(mut self) -> Self {
        self.kind = Kind::Primary;
        self
    }

    /// Without an edge, for what is rarely needed.
    pub const fn ghost(mut self) -> Self {
        self.kind = Kind::Ghost;
        self
    }

    /// With an edge; a text button has one already, an icon button has not.
    pub const fn secondary(mut self) -> Self {
        self.kind = Kind::Secondary;
        self
    }

    /// Filled in the danger colour; only inside the dialog that asks.
    pub const fn danger(mut self) -> Self {
        self.kind = Kind::Danger;
        self
    }

    /// A secondary button in the danger colour; on pages.
    pub const fn quiet_danger(mut self) -> Self {
        self.kind = Kind::QuietDanger;
        self
    }

    /// An icon before the words.
    pub const fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// A caret after the words, for what opens a menu.
    pub const fn caret(mut self) -> Self {
        self.caret = true;
        self
    }

    /// 32 high, as in forms and dialogs.
    pub const fn form(mut self) -> Self {
        self.height = size::FIELD;
        self
    }

    /// An exact width in points.
    pub const fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    /// Off while there is a reason, which the tooltip says.
    pub fn disabled_because(mut self, reason: impl Into<Option<&'a str>>) -> Self {
        self.disabled = reason.into();
        self
    }

    /// A spinner in place of the icon; same width, and no second click.
    pub const fn working(mut self, working: bool) -> Self {
        self.working = working;
        self
    }

    /// A tooltip.
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Shown held down, for a button that switches something on.
    pub const fn pressed(mut self, pressed: bool) -> Self {
        self.pressed = pressed;
        self
    }

    /// Another accessible name than the words, where several buttons say the same.
    pub const fn named(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    /// Enter does not press it (Space and a click do): for what cannot be taken back.
    pub const fn never_by_enter(mut self) -> Self {
        self.by_enter = false;
        self
    }

    /// Adds the button; true once per press, by pointer, key or assistive technology.
    pub fn clicked(self, ui: &mut Ui) -> bool {
        let by_enter = self.by_enter;
        let response = self.ui(ui);
        let enter = response.has_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        response.clicked() && (by_enter || !enter)
    }

    /// Adds the button.
    pub fn ui(self, ui: &mut Ui) -> Response {
        let on = self.disabled.is_none() && !self.working && ui.is_enabled();
        let wanted = vec2(
            self.width.unwrap_or_else(|| self.natural_width(ui)),
            self.height,
        );
        let (rect, response) = ui.allocate_exact_size(wanted.round(), paint::click_if(on));
        let name = self.name;
        response.widget_info(|| WidgetInfo::labeled(Role::Button, on, name));
        if ui.is_rect_visible(rect) {
            self.paint(ui, rect.round(), &response, on);
        }
        match self.disabled.or(self.hint) {
            Some(words) => {
                if self.disabled.is_some() {
                    paint::describe(&response, words);
                }
                response.on_hover_text(words)
            }
            None => response,
        }
    }

    /// Adds the button and, below it, the menu it opens.
    pub fn menu<R>(self, ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> Option<R> {
        let name = self.name.to_owned();
        let response = self.ui(ui);
        response.ctx.accesskit_node_builder(response.id, |node| {
            node.set_has_popup(egui::accesskit::HasPopup::Menu);
        });
        Popup::menu(&response)
            .accessible_name(name)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .gap(4.0)
            .show(|ui| menu_body(ui, add))
            .map(|shown| shown.inner)
    }

    /// Width in points when none is asked for.
    pub(super) fn natural_width(&self, ui: &Ui) -> f32 {
        if self.words.is_empty() {
            return self.height;
        }
        let icon = if self.icon.is_some() { 22.0 } else { 0.0 };
        let caret = if self.caret { 18.0 } else { 0.0 };
        paint::width(ui, self.words, Face::LABEL) + icon + caret + 24.0
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response, on: bool) {
        let t = tokens(ui);
        let down = response.is_pointer_button_down_on() || self.pressed;
        let (fill, edge, fg) = if on || self.working {
            self.colors(ui, response, down, t)
        } else if self.kind == Kind::Ghost {
            (Color32::TRANSPARENT, Color32::TRANSPARENT, t.disabled)
        } else {
            (t.mute, Color32::TRANSPARENT, t.disabled)
        };
        let p = ui.painter();
        paint::boxed(p, rect, radius::CONTROL, fill, Stroke::new(1.0, edge));
        self.content(ui, rect, fg);
        if response.has_focus() {
            paint::focus_ring(p, rect, radius::CONTROL, t);
        }
    }

    fn content(&self, ui: &Ui, rect: Rect, fg: Color32) {
        let p = ui.painter();
        if self.words.is_empty() {
            if self.working {
                paint::spinner(ui, rect.center(), 14.0, fg);
            } else if let Some(icon) = self.icon {
                paint::icon(p, rect.center(), icon, 16.0, fg);
            }
            return;
        }
        let used = self.natural_width(ui);
        // Content is centred when the button is wider than it needs to be.
        let mut x = rect.left() + 12.0 + ((rect.width() - used) / 2.0).max(0.0);
        match self.icon {
            Some(_) if self.working => paint::spinner(ui, pos2(x + 8.0, rect.center().y), 14.0, fg),
            Some(icon) => paint::icon(p, pos2(x + 8.0, rect.center().y), icon, 16.0, fg),
            None => {}
        }
        if self.icon.is_some() {
            x += 22.0;
        }
        if self.working && self.icon.is_none() {
            // No icon to replace: spinner and words share the padding, so the width stays.
            paint::spinner(ui, pos2(x - 1.0, rect.center().y), 12.0, fg);
            x += 9.0;
        }
        let words = paint::line(
            p,
            pos2(x, rect.center().y),
            Align2::LEFT_CENTER,
            self.words,
            Face::LABEL,
            fg,
        );
        if self.caret {
            let at = pos2(words.right() + 13.0, rect.center().y + 0.5);
            paint::icon(p, at, icons::CARET_DOWN, 12.0, fg);
        }
    }

    fn colors(
        &self,
        ui: &Ui,
        response: &Response,
        down: bool,
        t: &Tokens,
    ) -> (Color32, Color32, Color32) {
        let clear = Color32::TRANSPARENT;
        let (rest, hover, pressed, edge, fg) = match self.kind {
            Kind::Primary => (t.accent, t.accent_hover, t.accent_pressed, clear, t.on_fill),
            Kind::Danger => {
                let over = t.danger_fill_hover;
                (t.danger_fill, over, over, clear, t.on_fill)
            }
            Kind::Secondary => (t.card(), t.hover, t.pressed, t.border, t.strong),
            Kind::QuietDanger => (t.card(), t.danger_bg, t.danger_bg, t.border, t.danger),
            Kind::Ghost => (clear, t.hover, t.pressed, clear, t.text),
        };
        let fill = if down {
            pressed
        } else {
            paint::hovered_mix(ui, response, rest, hover)
        };
        (fill, edge, fg)
    }
}

/// A link inside a row or sentence; it looks like one and works by keyboard like a button.
pub fn link(ui: &mut Ui, words: &str) -> Response {
    link_in(ui, words, Face::CURRENT)
}

/// The link's words on a click-sensing line of their own width.
pub(super) fn link_in(ui: &mut Ui, words: &str, face: Face) -> Response {
    let t = tokens(ui);
    let size = vec2(
        paint::width(ui, words, face).min(ui.available_width()),
        face.size + 5.0,
    );
    let (rect, response) = ui.allocate_exact_size(size, paint::click_if(ui.is_enabled()));
    response.widget_info(|| WidgetInfo::labeled(Role::Link, ui.is_enabled(), words));
    let p = ui.painter();
    let drawn = paint::line_within(
        p,
        rect.left_center(),
        Align2::LEFT_CENTER,
        words,
        face,
        t.link,
        rect.width() + 0.5,
    );
    if response.hovered() {
        let y = drawn.bottom().round() - 0.5;
        p.hline(rect.x_range(), y, Stroke::new(1.0, t.link));
    }
    if response.has_focus() {
        paint::focus_ring(p, rect, radius::BOX, t);
    }
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// The menu of a row, opened by a right click on `response` or, when `by_key`, by Shift+F10.
pub fn row_menu<R>(response: &Response, by_key: bool, add: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    let (ctx, id) = (&response.ctx, Popup::default_response_id(response));
    if by_key {
        Popup::open_id(ctx, id);
    }
    let mut popup =
        Popup::context_menu(response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    // Opened by key it has no pointer to stand at: it stands under the row.
    if Popup::is_id_open(ctx, id) && Popup::position_of_id(ctx, id).is_none() {
        popup = popup.at_position(response.rect.left_bottom() + vec2(space::DIALOG, 0.0));
    }
    popup.show(|ui| menu_body(ui, add)).map(|shown| shown.inner)
}

fn menu_body<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.spacing_mut().item_spacing.y = 0.0;
    add(ui)
}

/// One line of a menu being described; ends with [`MenuItem::clicked`].
#[derive(Debug)]
#[must_use = "a menu item is added with `clicked`"]
pub struct MenuItem<'a> {
    words: &'a str,
    icon: Option<&'a str>,
    shortcut: &'a str,
    danger: bool,
    disabled: Option<&'a str>,
}

/// One line of a menu.
pub const fn menu_item(words: &str) -> MenuItem<'_> {
    MenuItem {
        words,
        icon: None,
        shortcut: "",
        danger: false,
        disabled: None,
    }
}

impl<'a> MenuItem<'a> {
    /// An icon before the words.
    pub const fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// The key that does the same, at the right.
    pub const fn shortcut(mut self, keys: &'a str) -> Self {
        self.shortcut = keys;
        self
    }

    /// In the danger colour; goes last.
    pub const fn danger(mut self) -> Self {
        self.danger = true;
        self
    }

    /// Off while there is a reason, which the tooltip says.
    pub fn disabled_because(mut self, reason: impl Into<Option<&'a str>>) -> Self {
        self.disabled = reason.into();
        self
    }

    /// Adds the line; true when chosen, which also closes the menu.
    pub fn clicked(self, ui: &mut Ui) -> bool {
        let on = self.disabled.is_none() && ui.is_enabled();
        let keys = paint::width(ui, self.shortcut, Face::SMALL);
        let natural = paint::width(ui, self.words, Face::LABEL) + keys + 34.0 + 34.0;
        // The first pass of a menu measures: only there is the natural width asked for.
        let width = if ui.is_sizing_pass() {
            natural.max(172.0)
        } else {
            ui.available_width()
        };
        let size = vec2(width, 29.0);
        let (rect, response) = ui.allocate_exact_size(size.round(), paint::click_if(on));
        let words = self.words;
        response.widget_info(|| WidgetInfo::labeled(Role::MenuItem, on, words));
        self.paint(ui, rect, &response, on);
        let chosen = response.clicked();
        if let Some(reason) = self.disabled {
            paint::describe(&response, reason);
            response.on_hover_text(reason);
        }
        if chosen {
            ui.close();
        }
        chosen
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response, on: bool) {
        let t = tokens(ui);
        let (fg, icon) = match (on, self.danger) {
            (false, _) => (t.disabled, t.disabled),
            (true, true) => (t.danger, t.danger),
            (true, false) => (t.strong, t.weak),
        };
        let p = ui.painter();
        if on && (response.hovered() || response.has_focus()) {
            p.rect_filled(
                rect,
                radius::CONTROL,
                if t.dark { t.pressed } else { t.hover },
            );
        }
        let mut x = rect.left() + 10.0;
        if let Some(glyph) = self.icon {
            paint::icon(p, pos2(x + 8.0, rect.center().y), glyph, 15.0, icon);
            x += 24.0;
        }
        paint::line(
            p,
            pos2(x, rect.center().y),
            Align2::LEFT_CENTER,
            self.words,
            Face::LABEL,
            fg,
        );
        let end = pos2(rect.right() - 10.0, rect.center().y);
        paint::line(
            p,
            end,
            Align2::RIGHT_CENTER,
            self.shortcut,
            Face::SMALL,
            t.weak,
        );
        if response.has_focus() {
            paint::focus_ring_inside(p, rect, radius::CONTROL, t);
        }
    }
}

/// A hairline between groups of a menu.
pub fn menu_separator(ui: &mut Ui) {
    let t = tokens(ui);
    let width = if ui.is_sizing_pass() {
        1.0
    } else {
        ui.available_width()
    };
    let (rect, _) = ui.allocate_exact_size(vec2(width, 9.0), Sense::hover());
    let y = rect.center().y.round() + 0.5;
    ui.painter()
        .hline(rect.x_range(), y, Stroke::new(1.0, t.border));
}

#[cfg(test)]
mod tests {
    use egui::Key;
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::app::kit::testing::harness;

    #[test]
    fn a_button_is_pressed_by_its_words_and_by_keyboard() {
        let mut h = harness(0_u32, |ui, presses| {
            if button("Create").primary().icon(icons::PLUS).clicked(ui) {
                *presses += 1;
            }
        });
        h.get_by_label("Create").click();
        h.run();
        assert_eq!(*h.state(), 1);
        h.key_press(Key::Tab);
        h.run();
        h.key_press(Key::Enter);
        h.run();
        h.key_press(Key::Space);
        h.run();
        assert_eq!(*h.state(), 3);
    }

    #[test]
    fn a_button_that_is_off_does_nothing_and_says_why() {
        let mut h = harness(0_u32, |ui, presses| {
            let reason = "2 target networks are still associated";
            if button("Delete endpoint")
                .disabled_because(reason)
                .clicked(ui)
            {
                *presses += 1;
            }
        });
        let node = h.get_by_label("Delete endpoint");
        assert!(node.accesskit_node().is_disabled());
        let said = node
            .accesskit_node()
            .data()
            .description()
            .map(str::to_owned);
        assert_eq!(
            said.as_deref(),
            Some("2 target networks are still associated")
        );
        node.click();
        h.run();
        h.key_press(Key::Tab);
        h.key_press(Key::Enter);
        h.run();
        assert_eq!(*h.state(), 0);
    }

    #[test]
    fn a_working_button_keeps_its_width_and_takes_no_second_press() {
        let mut h = harness((false, 0_u32), |ui, (working, presses)| {
            if button("Create")
                .primary()
                .icon(icons::PLUS)
                .working(*working)
                .clicked(ui)
            {
                *working = true;
                *presses += 1;
            }
        });
        let before = h.get_by_label("Create").rect();
        h.get_by_label("Create").click();
        h.run();
        h.get_by_label("Create").click();
        h.run();
        assert_eq!(h.get_by_label("Create").rect(), before);
        assert_eq!(h.state().1, 1);
    }

    #[test]
    fn enter_never_presses_what_cannot_be_taken_back() {
        let mut h = harness(0_u32, |ui, presses| {
            if button("Delete").danger().never_by_enter().clicked(ui) {
                *presses += 1;
            }
        });
        h.get_by_label("Delete").focus();
        h.run();
        h.key_press(Key::Enter);
        h.run();
        assert_eq!(*h.state(), 0);
        h.key_press(Key::Space);
        h.run();
        assert_eq!(*h.state(), 1);
    }

    #[test]
    fn an_icon_button_is_found_by_its_name() {
        let mut h = harness(false, |ui, closed| {
            *closed |= icon_button(icons::X, "Close panel").clicked(ui);
        });
        h.get_by_label("Close panel").click();
        h.run();
        assert!(*h.state());
    }

    #[test]
    fn a_menu_opens_below_its_button_and_closes_when_a_line_is_chosen() {
        let mut h = harness(false, |ui, renamed| {
            button("Actions").caret().menu(ui, |ui| {
                *renamed |= menu_item("Modify").icon(icons::PENCIL_SIMPLE).clicked(ui);
                menu_separator(ui);
                menu_item("Delete").danger().clicked(ui);
            });
        });
        assert!(h.query_by_label("Modify").is_none());
        h.get_by_label("Actions").click();
        h.run();
        h.get_by_label("Modify").click();
        h.run();
        assert!(*h.state());
        assert!(h.query_by_label("Modify").is_none());
    }

    #[test]
    fn a_link_is_pressed_by_keyboard() {
        let mut h = harness(false, |ui, pressed| {
            *pressed |= link(ui, "Associate a network").clicked();
        });
        h.key_press(Key::Tab);
        h.run();
        assert!(h.get_by_label("Associate a network").is_focused());
        h.key_press(Key::Enter);
        h.run();
        assert!(*h.state());
    }
}
