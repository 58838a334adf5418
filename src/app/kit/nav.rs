//! Parts of the shell: navigation rows, status bar, page head, toolbar, split panel, tiles.

use egui::{
    Align, Align2, Color32, CursorIcon, Key, Layout, Rect, Response, Role, Sense, Stroke, Ui,
    UiBuilder, WidgetInfo, accesskit, pos2, vec2,
};

use super::{
    choice, icons, paint, status,
    status::Tone,
    text::{Face, weight},
    tokens::{font, radius, size, space, tokens},
};

/// A row of the navigation being described; ends with [`NavRow::ui`].
#[derive(Debug)]
#[must_use = "a navigation row is added with `ui`"]
pub struct NavRow<'a> {
    icon: &'a str,
    label: &'a str,
    current: bool,
    folded: bool,
    end: &'a str,
    alarm: bool,
    mark: Option<Tone>,
}

/// A row that goes to a screen.
pub const fn nav_row<'a>(icon: &'a str, label: &'a str) -> NavRow<'a> {
    NavRow {
        icon,
        label,
        current: false,
        folded: false,
        end: "",
        alarm: false,
        mark: None,
    }
}

impl<'a> NavRow<'a> {
    /// The screen shown now.
    pub const fn current(mut self, current: bool) -> Self {
        self.current = current;
        self
    }

    /// Icon only, with the label as tooltip.
    pub const fn folded(mut self, folded: bool) -> Self {
        self.folded = folded;
        self
    }

    /// A count or progress at the right ("4", "3 of 6").
    pub const fn end(mut self, words: &'a str) -> Self {
        self.end = words;
        self
    }

    /// The count in the danger colours, as of alarms.
    pub const fn alarm(mut self) -> Self {
        self.alarm = true;
        self
    }

    /// A status icon at the right, such as a warning.
    pub const fn mark(mut self, tone: Option<Tone>) -> Self {
        self.mark = tone;
        self
    }

    /// Adds it.
    pub fn ui(self, ui: &mut Ui) -> Response {
        let wanted = vec2(ui.available_width(), size::NAV_ROW);
        let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Link, true, self.label));
        let current = self.current;
        response.ctx.accesskit_node_builder(response.id, |node| {
            if current {
                node.set_aria_current(accesskit::AriaCurrent::Page);
            }
            if !self.end.is_empty() {
                node.set_description(self.end);
            }
        });
        self.paint(ui, rect.round(), &response);
        if self.folded {
            response.on_hover_text(self.label)
        } else {
            response
        }
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response) {
        let t = tokens(ui);
        let p = ui.painter();
        if self.current {
            p.rect_filled(rect, radius::CONTROL, t.selected);
            let edge =
                Rect::from_min_size(rect.min + vec2(0.0, 6.0), vec2(3.0, rect.height() - 12.0));
            p.rect_filled(edge, 1, t.link);
        } else if response.hovered() {
            p.rect_filled(
                rect,
                radius::CONTROL,
                if t.dark { t.hover } else { t.pressed },
            );
        }
        let x = if self.folded {
            rect.center().x
        } else {
            rect.left() + 18.0
        };
        let center = pos2(x, rect.center().y);
        if self.current {
            paint::icon_fill(p, center, self.icon, 17.0, t.link);
        } else {
            paint::icon(p, center, self.icon, 17.0, t.weak);
        }
        if !self.folded {
            let face = if self.current {
                Face::CURRENT
            } else {
                Face::new(font::BODY, weight::NAVIGATION)
            };
            let color = if self.current || response.hovered() {
                t.strong
            } else {
                t.text
            };
            let at = pos2(rect.left() + 34.0, rect.center().y);
            paint::line(p, at, Align2::LEFT_CENTER, self.label, face, color);
            self.paint_end(ui, rect);
        }
        if response.has_focus() {
            paint::focus_ring_inside(p, rect, radius::CONTROL, t);
        }
    }

    fn paint_end(&self, ui: &Ui, rect: Rect) {
        let t = tokens(ui);
        let right = pos2(rect.right() - 10.0, rect.center().y);
        if self.alarm && !self.end.is_empty() {
            let width = status::counter_width(ui, self.end);
            let spot = Rect::from_min_size(
                pos2(right.x - width + 4.0, right.y - 8.0),
                vec2(width, 16.0),
            );
            status::paint_counter(ui, spot.round(), self.end, t.danger_bg, t.danger);
        } else {
            paint::line(
                ui.painter(),
                right,
                Align2::RIGHT_CENTER,
                self.end,
                Face::HELP,
                t.weak,
            );
        }
        if let Some(tone) = self.mark {
            tone.paint(ui, pos2(right.x - 4.0, right.y), 15.0);
        }
    }
}

/// The label of a group of navigation rows.
pub fn nav_group(ui: &mut Ui, label: &str) {
    let t = tokens(ui);
    let wanted = vec2(ui.available_width(), 30.0);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, label));
    let at = pos2(rect.left() + 10.0, rect.bottom() - 11.0);
    paint::line(
        ui.painter(),
        at,
        Align2::LEFT_CENTER,
        label,
        Face::SMALL,
        t.weak,
    );
}

/// A segment of the status bar; the first is a button that opens the reason.
#[derive(Debug)]
#[must_use = "a segment is added with `ui` or `clicked`"]
pub struct Segment<'a> {
    icon: Option<&'a str>,
    tone: Option<Tone>,
    words: &'a str,
    hint: &'a str,
    weak: bool,
}

/// A segment with its words.
pub const fn segment(words: &str) -> Segment<'_> {
    Segment {
        icon: None,
        tone: None,
        words,
        hint: "",
        weak: false,
    }
}

impl<'a> Segment<'a> {
    /// An icon before the words.
    pub const fn icon(mut self, icon: &'a str) -> Self {
        self.icon = Some(icon);
        self
    }

    /// A status icon before the words, which take its colour in trouble.
    pub const fn tone(mut self, tone: Tone) -> Self {
        self.tone = Some(tone);
        self
    }

    /// What the tooltip says, such as why it runs that way.
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// In weak, such as the version.
    pub const fn weak(mut self) -> Self {
        self.weak = true;
        self
    }

    /// Width it takes, for dropping segments when the window narrows.
    pub fn width(&self, ui: &Ui) -> f32 {
        let icon = if self.icon.is_some() || self.tone.is_some() {
            18.0
        } else {
            0.0
        };
        (paint::width(ui, self.words, Face::STATUS) + icon).ceil()
    }

    /// Adds it to be read.
    pub fn ui(self, ui: &mut Ui) -> Response {
        self.add(ui, Sense::hover(), Role::Label)
    }

    /// Adds it as a button; true when pressed.
    pub fn clicked(self, ui: &mut Ui) -> bool {
        self.add(ui, Sense::click(), Role::Button).clicked()
    }

    fn add(self, ui: &mut Ui, sense: Sense, role: Role) -> Response {
        let t = tokens(ui);
        let wanted = vec2(self.width(ui), 21.0);
        let (rect, response) = ui.allocate_exact_size(wanted, sense);
        response.widget_info(|| WidgetInfo::labeled(role, true, self.words));
        let p = ui.painter();
        let center = pos2(rect.left() + 7.0, rect.center().y);
        let mut x = rect.left();
        if let Some(tone) = self.tone {
            tone.paint(ui, center, 14.0);
            x += 18.0;
        } else if let Some(icon) = self.icon {
            paint::icon(p, center, icon, 14.0, t.weak);
            x += 18.0;
        }
        let color = match self.tone {
            Some(Tone::Warning) => t.warning,
            Some(Tone::Danger) => t.danger,
            _ if self.weak => t.weak,
            Some(_) => t.strong,
            None => t.text,
        };
        paint::line(
            p,
            pos2(x, rect.center().y),
            Align2::LEFT_CENTER,
            self.words,
            Face::STATUS,
            color,
        );
        if response.has_focus() {
            paint::focus_ring(p, rect, radius::TAG, t);
        }
        if self.hint.is_empty() {
            response
        } else {
            response.on_hover_text(self.hint)
        }
    }
}

/// The head of a page: title, count, one sentence of purpose; `actions` are laid out from the
/// right, the primary first.
pub fn page_head<R>(
    ui: &mut Ui,
    title: &str,
    count: &str,
    purpose: &str,
    actions: impl FnOnce(&mut Ui) -> R,
) -> R {
    let t = tokens(ui);
    let wanted = vec2(ui.available_width(), size::PAGE_HEAD);
    let (rect, _) = ui.allocate_exact_size(wanted, Sense::hover());
    let inner = rect.shrink2(vec2(space::PAGE, 0.0));
    let p = ui.painter();
    let drawn = paint::line(
        p,
        inner.left_center(),
        Align2::LEFT_CENTER,
        title,
        Face::PAGE,
        t.strong,
    );
    heading(ui, drawn, title);
    let face = Face::new(font::PANEL, weight::TEXT);
    let at = pos2(drawn.right() + 8.0, rect.center().y + 1.0);
    let drawn = paint::line(p, at, Align2::LEFT_CENTER, count, face, t.weak);
    let layout = Layout::right_to_left(Align::Center);
    let mut child = ui.new_child(UiBuilder::new().max_rect(inner).layout(layout));
    child.spacing_mut().item_spacing.x = space::CONTROL;
    let result = actions(&mut child);
    let at = pos2(
        drawn.right() + if count.is_empty() { 4.0 } else { 12.0 },
        at.y,
    );
    let room = child.min_rect().left().min(inner.right()) - 16.0 - at.x;
    if !purpose.is_empty() && room > 80.0 {
        paint::line_within(
            ui.painter(),
            at,
            Align2::LEFT_CENTER,
            purpose,
            Face::BODY,
            t.weak,
            room,
        );
        let place = Rect::from_min_size(
            pos2(at.x, at.y - 8.0),
            vec2(room.min(paint::width(ui, purpose, Face::BODY)), 16.0),
        );
        let id = ui.scope_id().with("purpose");
        let said = ui.interact(place, id, Sense::hover());
        said.widget_info(|| WidgetInfo::labeled(Role::Label, true, purpose));
    }
    result
}

fn heading(ui: &Ui, rect: Rect, title: &str) {
    let response = ui.interact(rect, ui.scope_id().with(("heading", title)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
}

/// The head of a split panel: name, then what `add` puts after it; `actions` from the right.
pub fn panel_head<R>(
    ui: &mut Ui,
    title: &str,
    add: impl FnOnce(&mut Ui),
    actions: impl FnOnce(&mut Ui) -> R,
) -> R {
    let wanted = vec2(ui.available_width(), size::TOOLBAR);
    let (rect, _) = ui.allocate_exact_size(wanted, Sense::hover());
    sides(
        ui,
        rect,
        |ui| {
            let t = tokens(ui);
            let width = paint::width(ui, title, Face::PANEL).min(ui.available_width() * 0.5);
            let (spot, response) = ui.allocate_exact_size(vec2(width, 20.0), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
            let p = ui.painter();
            paint::line_within(
                p,
                spot.left_center(),
                Align2::LEFT_CENTER,
                title,
                Face::PANEL,
                t.strong,
                width + 0.5,
            );
            add(ui);
        },
        actions,
    )
}

/// The toolbar of a page: filters at the left, the rest laid out from the right.
pub fn toolbar<R>(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui) -> R) -> R {
    let wanted = vec2(ui.available_width(), size::TOOLBAR);
    let (mut rect, _) = ui.allocate_exact_size(wanted, Sense::hover());
    // The page head above brings its own room; below there are 8 points to the table.
    rect.max.y -= 8.0;
    sides(ui, rect, left, right)
}

/// The toolbar of a panel, under its tabs: the same with 8 points above.
pub fn panel_toolbar<R>(
    ui: &mut Ui,
    left: impl FnOnce(&mut Ui),
    right: impl FnOnce(&mut Ui) -> R,
) -> R {
    let wanted = vec2(ui.available_width(), size::TOOLBAR + 8.0);
    let (rect, _) = ui.allocate_exact_size(wanted, Sense::hover());
    sides(ui, rect, left, right)
}

// Left first, so that the Tab order is the reading order.
fn sides<R>(
    ui: &mut Ui,
    rect: Rect,
    left: impl FnOnce(&mut Ui),
    right: impl FnOnce(&mut Ui) -> R,
) -> R {
    // The tallest of what may stand here has its middle where all others have it.
    let beyond = (size::FIELD - rect.height()).max(0.0) / 2.0;
    let inner = rect.shrink2(vec2(space::PAGE, -beyond));
    let start = UiBuilder::new()
        .max_rect(inner)
        .layout(Layout::left_to_right(Align::Center));
    let mut child = ui.new_child(start);
    child.spacing_mut().item_spacing.x = space::CONTROL;
    left(&mut child);
    let end = UiBuilder::new()
        .max_rect(inner)
        .layout(Layout::right_to_left(Align::Center));
    let mut child = ui.new_child(end);
    child.spacing_mut().item_spacing.x = space::CONTROL;
    right(&mut child)
}

/// The handle on top of a split panel: drags, or with the focus moves by arrow keys.
///
/// `height` is the panel's, kept from 180 to `room` less 120.
pub fn split_handle(ui: &mut Ui, name: &str, height: &mut f32, room: f32) -> Response {
    let t = tokens(ui);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), 8.0), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, f64::from(*height), name));
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_role(Role::Splitter));
    let mut wanted = *height - response.drag_delta().y;
    if response.has_focus() {
        choice::keep_keys(ui, response.id, false, true);
        let step = ui.input(|i| {
            i32::from(i.key_pressed(Key::ArrowUp)) - i32::from(i.key_pressed(Key::ArrowDown))
        });
        wanted += 16.0 * step as f32;
    }
    *height = wanted.clamp(180.0, (room - 120.0).max(180.0));
    let p = ui.painter();
    p.hline(
        rect.x_range(),
        rect.top().round() + 0.5,
        Stroke::new(1.0, t.border),
    );
    let on = response.hovered() || response.dragged() || response.has_focus();
    let grip = Rect::from_center_size(pos2(rect.center().x, rect.top() + 5.5), vec2(36.0, 3.0));
    p.rect_filled(grip.round(), 2, if on { t.link } else { t.border_strong });
    if response.has_focus() {
        paint::focus_ring(p, grip, 2, t);
    }
    response.on_hover_and_drag_cursor(CursorIcon::ResizeVertical)
}

/// A dashboard tile: label, figure with its unit, one comparison; a link to its screen.
pub fn tile(
    ui: &mut Ui,
    label: &str,
    figure: &str,
    unit: &str,
    comparison: &str,
    width: f32,
) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 96.0), Sense::click());
    let said = format!("{label} {figure} {unit}");
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, said.trim_end()));
    paint::describe(&response, comparison);
    let rect = rect.round();
    let p = ui.painter();
    let fill = paint::hovered_mix(ui, &response, t.card(), t.hover);
    paint::boxed(
        p,
        rect,
        radius::CARD,
        fill,
        Stroke::new(1.0, if t.dark { t.line } else { t.border }),
    );
    let left = rect.left() + 16.0;
    let room = rect.width() - 32.0;
    let row = |y: f32| pos2(left, rect.top() + y);
    paint::line_within(
        p,
        row(22.0),
        Align2::LEFT_CENTER,
        label,
        Face::STATUS,
        t.weak,
        room,
    );
    let drawn = paint::line(
        p,
        row(47.0),
        Align2::LEFT_CENTER,
        figure,
        Face::FIGURE,
        t.strong,
    );
    let at = pos2(drawn.right() + 6.0, drawn.bottom() - 4.0);
    paint::line(p, at, Align2::LEFT_BOTTOM, unit, Face::BODY, t.weak);
    paint::line_within(
        p,
        row(75.0),
        Align2::LEFT_CENTER,
        comparison,
        Face::HELP,
        t.weak,
        room,
    );
    if response.has_focus() {
        paint::focus_ring(p, rect, radius::CARD, t);
    }
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// The mark of the program: the turret on the accent, with its name.
pub fn mark(ui: &mut Ui, folded: bool) -> Response {
    let t = tokens(ui);
    let width = if folded { 24.0 } else { 140.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(width, size::HEADER), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, "Gatehouse"));
    let p = ui.painter();
    let tile =
        Rect::from_min_size(pos2(rect.left(), rect.center().y - 12.0), vec2(24.0, 24.0)).round();
    p.rect_filled(tile, radius::CONTROL, t.accent);
    paint::icon_fill(p, tile.center(), icons::CASTLE_TURRET, 16.0, t.on_fill);
    if !folded {
        let face = Face::new(font::PANEL, weight::TITLE);
        let at = pos2(tile.right() + 8.0, rect.center().y);
        paint::line(p, at, Align2::LEFT_CENTER, "Gatehouse", face, t.strong);
    }
    response
}

/// A dot on an icon button, such as the alarms'.
pub fn dot(ui: &Ui, over: Rect, tone: Tone) {
    let t = tokens(ui);
    let at = over.center() + vec2(6.0, -6.0);
    ui.painter()
        .circle(at, 4.0, tone.color(t), Stroke::new(1.5, t.surface));
}

/// The initials of who is signed in, as a round button that opens a menu.
pub fn avatar(ui: &mut Ui, initials: &str, name: &str) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(26.0, 26.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let p = ui.painter();
    p.circle_filled(rect.center(), 13.0, t.selected);
    paint::line(
        p,
        rect.center(),
        Align2::CENTER_CENTER,
        initials,
        Face::new(11.0, 600.0),
        t.link,
    );
    if response.has_focus() {
        paint::focus_ring(p, rect, 13, t);
    }
    response.on_hover_text(name)
}

/// The colour of a plot's series, in the order handed out.
pub fn series_color(ui: &Ui, index: usize) -> Color32 {
    let series = tokens(ui).series;
    series
        .get(index % series.len())
        .copied()
        .unwrap_or(series[0])
}

#[cfg(test)]
mod tests {
    use egui_kittest::kittest::{NodeT as _, Queryable as _};

    use super::*;
    use crate::app::kit::{self, testing::harness};

    #[test]
    fn navigation_goes_by_its_words_open_or_folded_and_says_where_one_is() {
        for folded in [false, true] {
            let mut h = harness("endpoints", move |ui, page| {
                ui.set_width(196.0);
                for (name, label) in [("endpoints", "Client VPN Endpoints"), ("alarms", "Alarms")] {
                    let row = nav_row(icons::BELL, label)
                        .folded(folded)
                        .current(*page == name)
                        .end("2");
                    if row.ui(ui).clicked() {
                        *page = name;
                    }
                }
            });
            h.get_by_label("Alarms").click();
            h.run();
            assert_eq!(*h.state(), "alarms");
            let current = h.get_by_label("Alarms");
            assert!(current.accesskit_node().data().aria_current().is_some());
            h.get_by_label("Client VPN Endpoints").focus();
            h.run();
            h.key_press(Key::Enter);
            h.run();
            assert_eq!(*h.state(), "endpoints");
        }
    }

    #[test]
    fn the_actions_of_a_page_head_and_a_toolbar_work() {
        let mut h = harness((false, false), |ui, (created, filtered)| {
            *created |= page_head(ui, "Client VPN Endpoints", "4", "", |ui| {
                kit::button("Create Client VPN Endpoint")
                    .primary()
                    .clicked(ui)
            });
            *filtered |= toolbar(
                ui,
                |ui| {
                    kit::weak(ui, "All");
                },
                |ui| kit::icon_button(icons::COLUMNS, "Choose columns").clicked(ui),
            );
        });
        h.get_by_role_and_label(Role::Heading, "Client VPN Endpoints");
        h.get_by_label("Create Client VPN Endpoint").click();
        h.run();
        h.get_by_label("Choose columns").click();
        h.run();
        assert_eq!(*h.state(), (true, true));
    }

    #[test]
    fn the_split_panel_is_resized_by_drag_and_by_keys_within_its_bounds() {
        let mut h = harness(428.0_f32, |ui, height| {
            ui.add_space(300.0);
            split_handle(ui, "Panel height", height, 700.0);
        });
        let at = h.get_by_label("Panel height").rect().center();
        h.drag_at(at);
        h.run();
        h.hover_at(at + vec2(0.0, 50.0));
        h.run();
        h.drop_at(at + vec2(0.0, 50.0));
        h.run();
        assert_eq!(*h.state(), 378.0);
        h.get_by_label("Panel height").focus();
        h.run();
        h.key_press(Key::ArrowUp);
        h.run();
        assert_eq!(*h.state(), 394.0);
        for _ in 0..40 {
            h.key_press(Key::ArrowUp);
        }
        h.run();
        assert_eq!(*h.state(), 580.0);
    }

    #[test]
    fn trouble_in_the_status_bar_is_a_button() {
        let mut h = harness(false, |ui, opened| {
            *opened |= segment("Gateway stopped").tone(Tone::Danger).clicked(ui);
            segment("TUN, 4 workers").icon(icons::NETWORK).ui(ui);
        });
        h.get_by_label("TUN, 4 workers");
        h.get_by_role_and_label(Role::Button, "Gateway stopped")
            .click();
        h.run();
        assert!(*h.state());
    }
}
